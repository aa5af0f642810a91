"""Pull every source since its cursor: the nightly flow, and ``hefu sync``."""

from __future__ import annotations

from datetime import UTC, datetime

from prefect import flow, task
from prefect.tasks import exponential_backoff

from connectors.pull import PullRequest
from flows.ingest import ingest
from flows.outcome import Outcome, settle
from flows.retrying import is_retryable, outcome_of
from hefu.node import load_node
from lake.runs import RunRecord


@task(
    name="sync source",
    task_run_name="sync {stream_id}",
    retries=2,
    retry_delay_seconds=exponential_backoff(backoff_factor=30),
    retry_jitter_factor=0.5,
    retry_condition_fn=is_retryable,
)
def sync_source(node: str, stream_id: str) -> RunRecord:
    """One stream: pull, normalise, check, store. Safe to repeat at any moment.

    The connector has its own short retries; these are for a partner that is away for minutes.
    """
    here = load_node(node)
    (source,) = here.sources([stream_id])
    now = datetime.now(UTC)
    return ingest(here, source, PullRequest("cursor", None, None, None, now), now)


@flow(name="sync sources", flow_run_name="sync {node}")
def sync_sources(node: str, sources: list[str] | None = None) -> list[Outcome]:
    """Pull, normalise, check and store all sources of a node.

    Args:
        node: Folder of the node (holds hefu.toml).
        sources: Systems or system/stream names; all when left out.
    """
    streams = [s.stream_id for s in load_node(node).sources(sources)]
    return settle([outcome_of(s, sync_source(node, s, return_state=True)) for s in streams])
