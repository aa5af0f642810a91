"""Pull a window of one source again, by hand: ``hefu backfill`` and the form in Prefect's UI."""

from __future__ import annotations

from datetime import UTC, date, datetime

from prefect import flow, task

from connectors.pull import PullRequest
from flows.ingest import ingest
from flows.outcome import Outcome, settle
from flows.retrying import is_retryable, outcome_of
from hefu.node import load_node
from lake.runs import RunRecord
from schemas.errors import ConfigError
from schemas.text import Text


@task(
    name="backfill window",
    task_run_name="backfill {stream_id} {since}..{until}",
    retries=1,
    retry_delay_seconds=30,
    retry_condition_fn=is_retryable,
)
def backfill_window(
    node: str, stream_id: str, since: date, until: date, dry_run: bool
) -> RunRecord:
    """One stream's rows with a business date from ``since`` to ``until``, both included."""
    here = load_node(node)
    (source,) = here.sources([stream_id])
    now = datetime.now(UTC)
    request = PullRequest("window", None, since, until, now)
    return ingest(here, source, request, now, dry_run=dry_run)


@flow(name="backfill source", flow_run_name="backfill {source} {since}..{until}")
def backfill_source(
    node: str, source: str, since: date, until: date, dry_run: bool = True
) -> list[Outcome]:
    """Pull a window of one source again. What the lake already has is left alone.

    Args:
        node: Folder of the node (holds hefu.toml).
        source: One stream, as system/stream (a system name when it has one stream).
        since: First business date of the window.
        until: Last business date of the window, included.
        dry_run: Only count what would change; nothing is stored. Untick to store.
    """
    if until < since:
        raise ConfigError(
            Text(
                en=f"the window ends ({until}) before it begins ({since})",
                zh=f"时间窗口的结束日（{until}）早于开始日（{since}）",
            ),
            hint=Text(en="exchange --since and --until", zh="请对调 --since 与 --until"),
        )
    streams = [s.stream_id for s in load_node(node).sources([source])]
    return settle(
        [
            outcome_of(s, backfill_window(node, s, since, until, dry_run, return_state=True))
            for s in streams
        ]
    )
