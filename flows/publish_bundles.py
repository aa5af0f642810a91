"""Build, sign and publish what each partner may have and has not had: ``hefu publish``."""

from __future__ import annotations

from datetime import UTC, datetime

from prefect import flow, task

from exchange.repository.local import refresh
from exchange.repository.tree import is_founded
from flows.carriers.bringing_out import bring_out
from flows.outcome import Outcome, settle
from flows.outgoing import Published, grants_of, publish_to
from flows.retrying import outcome_of
from flows.withdrawal_sent import note_went_out
from hefu.node import load_node


@task(name="publish to partner", task_run_name="publish {stream}")
def publish_stream(node: str, stream: str, dry_run: bool, override_gate: str | None) -> Published:
    """One stream (one grant of one agreement). Publishing is atomic and repeats to nothing."""
    here = load_node(node)
    now = datetime.now(UTC)
    (outgoing,) = (g for g in grants_of(here, now=now) if g.stream == stream)
    return publish_to(here, outgoing, now, dry_run=dry_run, override_gate=override_gate)


@flow(name="publish bundles", flow_run_name="publish {node}")
def publish_bundles(
    node: str,
    partners: list[str] | None = None,
    dry_run: bool = False,
    override_gate: str | None = None,
    check_places: bool = False,
) -> list[Outcome]:
    """Publish a signed bundle to every partner that may have something new.

    Args:
        node: Folder of the node (holds hefu.toml).
        partners: Partner codes; all when left out.
        dry_run: Only count what would leave.
        override_gate: A person's reason to publish although a source's last run failed its
            gate; it is written into the bundle's verdict.
        check_places: Ask every place of [publishing] for every file, also for those that it
            should have.
    """
    here = load_node(node)
    streams = [g.stream for g in grants_of(here, partners, datetime.now(UTC))]
    outcomes = [
        outcome_of(s, publish_stream(node, s, dry_run, override_gate, return_state=True))
        for s in streams
    ]
    # Also when no agreement runs any more: partners must see that nothing else was published.
    has_keys = is_founded(here.place("repository"))
    if (streams or has_keys) and not dry_run:
        outcomes += bring_out_repository(node, check_places)
    if any(isinstance(o.result, Published) and o.result.status == "published" for o in outcomes):
        noted = outcome_of("withdrawals", note_withdrawals(node, return_state=True))
        outcomes += [noted] if noted.error is not None else []
    return settle(outcomes)


def bring_out_repository(node: str, check_places: bool = False) -> list[Outcome]:
    """Say that what is published is all there is, and copy it to where partners read.

    Also on a night without news, and when a stream could not be published: partners see from the
    timestamp that nothing is withheld.
    """
    renewed = outcome_of("repository", renew_repository(node, return_state=True))
    if renewed.error is not None:
        return [renewed]
    return list(bring_to_places(node, check_places))


@task(name="note withdrawals", task_run_name="note what {node} withdrew")
def note_withdrawals(node: str) -> None:
    """Withdrawals that are in a published bundle now have been sent."""
    note_went_out(load_node(node), datetime.now(UTC))


@task(name="renew repository", task_run_name="renew the repository of {node}")
def renew_repository(node: str) -> None:
    """Sign the timestamp anew, and what else is near its end."""
    here = load_node(node)
    refresh(here.place("repository"), here.signers(), here.periods(), datetime.now(UTC))


@task(name="bring out", task_run_name="bring out the repository of {node}")
def bring_to_places(node: str, check_places: bool) -> list[Outcome]:
    """Copy what is new to every place of ``[publishing]``; one outcome each."""
    return bring_out(load_node(node), datetime.now(UTC), thorough=check_places)
