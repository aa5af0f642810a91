"""Normalise again what one source gave before: ``hefu backfill --from-landing``, and the form."""

from __future__ import annotations

from datetime import UTC, date, datetime

from prefect import flow, task

from flows.again import normalise_again
from flows.outcome import Outcome, settle
from flows.retrying import outcome_of
from hefu.node import load_node
from lake.runs import RunRecord


@task(name="normalise again", task_run_name="normalise {stream_id} again")
def renormalise_stream(
    node: str, stream_id: str, since: date | None, until: date | None, dry_run: bool
) -> RunRecord:
    """What one stream received from ``since`` to ``until``, by today's mapping and codes."""
    here = load_node(node)
    (source,) = here.sources([stream_id])
    now = datetime.now(UTC)
    return normalise_again(here, source, now, since=since, until=until, dry_run=dry_run)


@flow(name="renormalise source", flow_run_name="renormalise {source}")
def renormalise_source(
    node: str,
    source: str,
    since: date | None = None,
    until: date | None = None,
    dry_run: bool = True,
) -> list[Outcome]:
    """Take what one source gave before through today's mapping and codes, without asking it.

    Args:
        node: Folder of the node (holds hefu.toml).
        source: One stream, as system/stream (a system name when it has one stream).
        since: First day of receipt; all from the beginning when left out.
        until: Last day of receipt, included; up to now when left out.
        dry_run: Only count what would change; nothing is stored. Untick to store.
    """
    streams = [s.stream_id for s in load_node(node).sources([source])]
    return settle(
        [
            outcome_of(s, renormalise_stream(node, s, since, until, dry_run, return_state=True))
            for s in streams
        ]
    )
