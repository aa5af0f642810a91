"""Fetch, verify, re-check and take in what partners published: ``hefu receive``."""

from __future__ import annotations

from datetime import UTC, datetime

from prefect import flow, task
from prefect.tasks import exponential_backoff

from flows.answers import note_unanswered
from flows.incoming import TakenIn, incoming_of, take_in, untrusted_of
from flows.outcome import Outcome, settle
from flows.retrying import is_retryable, outcome_of
from hefu.node import load_node


@task(
    name="receive from partner",
    task_run_name="receive {stream}",
    retries=2,
    retry_delay_seconds=exponential_backoff(backoff_factor=30),
    retry_jitter_factor=0.5,
    retry_condition_fn=is_retryable,
)
def receive_stream(node: str, stream: str, place: str | None) -> list[TakenIn]:
    """All bundles of one stream that come after the last one taken in, in order."""
    here = load_node(node)
    now = datetime.now(UTC)
    (incoming,) = (g for g in incoming_of(here, now=now) if g.stream == stream)
    return take_in(here, incoming, now, place=place)


@task(name="note what was not answered", task_run_name="note unanswered of {node}")
def note_missing_answers(node: str) -> int:
    """Once the partners' receipts are in: what should have been answered by now and was not."""
    return len(note_unanswered(load_node(node), datetime.now(UTC)))


@flow(name="receive bundles", flow_run_name="receive {node}")
def receive_bundles(
    node: str, partners: list[str] | None = None, place: str | None = None
) -> list[Outcome]:
    """Take in the partners' new bundles; a refused one leaves everything as it was.

    Args:
        node: Folder of the node (holds hefu.toml).
        partners: Partner codes; all when left out.
        place: Folder of a disk that was carried here, instead of where the partner publishes.
    """
    here = load_node(node)
    now = datetime.now(UTC)
    streams = [g.stream for g in incoming_of(here, partners, now)]
    # A partner whose key is missing does not keep the others' bundles out.
    missing = [Outcome(stream, error=error) for stream, error in untrusted_of(here, partners, now)]
    taken = [outcome_of(s, receive_stream(node, s, place, return_state=True)) for s in streams]
    noted = outcome_of("receipts", note_missing_answers(node, return_state=True))
    return settle([*taken, *missing, *([noted] if noted.error is not None else [])])
