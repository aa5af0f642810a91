"""Pull every source since its cursor: the nightly flow, ``hefu sync`` and ``hefu sync --every``."""

from __future__ import annotations

from datetime import UTC, datetime

from prefect import flow, task
from prefect.task_runners import ThreadPoolTaskRunner
from prefect.tasks import exponential_backoff

from flows.asking import PostponedError
from flows.outcome import Outcome, settle
from flows.retrying import is_retryable, outcome_of
from flows.sync_one import sync_one
from hefu.node import load_node
from lake.runs import RunRecord

#: Sources that wait for their systems at the same time. A waiting one costs a thread and nothing
#: else; what is dear, the normalising, is done for one source at a time.
SIDE_BY_SIDE = 64


@task(
    name="sync source",
    task_run_name="sync {stream_id}",
    retries=2,
    retry_delay_seconds=exponential_backoff(backoff_factor=30),
    retry_jitter_factor=0.5,
    retry_condition_fn=is_retryable,
)
def sync_source(
    node: str,
    stream_id: str,
    full: bool = False,
    anyway: bool = False,
    accept_removals: bool = False,
) -> RunRecord | PostponedError:
    """One stream: pull, normalise, check, store. Safe to repeat at any moment.

    The connector has its own short retries; these are for a partner that is away for minutes.
    """
    now = datetime.now(UTC)
    return sync_one(node, stream_id, now, full=full, anyway=anyway, accept_removals=accept_removals)


@flow(
    name="sync sources",
    flow_run_name="sync {node}",
    # Prefect's own signature does not let its runners' type parameter vary.
    task_runner=ThreadPoolTaskRunner(max_workers=SIDE_BY_SIDE),  # type: ignore[arg-type]
)
def sync_sources(
    node: str,
    sources: list[str] | None = None,
    full: bool = False,
    anyway: bool = False,
    accept_removals: bool = False,
) -> list[Outcome]:
    """Pull, normalise, check and store all sources of a node, side by side.

    A source that is slow or away keeps none of the others waiting.

    Args:
        node: Folder of the node (holds hefu.toml).
        sources: Systems or system/stream names; all when left out.
        full: Read everything again, whatever was read before; known rows change nothing.
        anyway: Ask also in a source's quiet hours, and where it is being left alone.
        accept_removals: What a full copy lacks is really gone, however much it is.
    """
    streams = [s.stream_id for s in load_node(node).sources(sources)]
    asked = [(s, sync_source.submit(node, s, full, anyway, accept_removals)) for s in streams]
    for _, future in asked:
        future.wait()
    return settle([outcome_of(s, future.state) for s, future in asked])
