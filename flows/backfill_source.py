"""Pull a window of one source again, by hand: ``hefu backfill`` and the form in Prefect's UI."""

from __future__ import annotations

from datetime import UTC, date, datetime

from prefect import flow, task

from connectors.pull import PullRequest
from flows.ingest import ingest
from flows.outcome import Outcome, settle
from flows.renormalise import renormalise
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
    node: str,
    stream_id: str,
    since: date | None,
    until: date | None,
    dry_run: bool,
    from_landing: bool,
) -> RunRecord:
    """One stream's rows from ``since`` to ``until``, both included.

    By business date if the source is asked again, by the day of receipt from the landing area.
    """
    here = load_node(node)
    (source,) = here.sources([stream_id])
    now = datetime.now(UTC)
    if from_landing:
        return renormalise(here, source, now, since=since, until=until, dry_run=dry_run)
    request = PullRequest("window", None, since, until, now)
    return ingest(here, source, request, now, dry_run=dry_run)


@flow(name="backfill source", flow_run_name="backfill {source} {since}..{until}")
def backfill_source(
    node: str,
    source: str,
    since: date | None = None,
    until: date | None = None,
    dry_run: bool = True,
    from_landing: bool = False,
) -> list[Outcome]:
    """Pull a window of one source again. What the lake already has is left alone.

    Args:
        node: Folder of the node (holds hefu.toml).
        source: One stream, as system/stream (a system name when it has one stream).
        since: First business date of the window.
        until: Last business date of the window, included.
        dry_run: Only count what would change; nothing is stored. Untick to store.
        from_landing: Do not ask the source: normalise again what was received before, by
            today's mapping and codes. The dates are then days of receipt, and may be left out.
    """
    if not from_landing and (since is None or until is None):
        raise ConfigError(
            Text(en="a backfill needs both its dates", zh="回补需要起止两个日期"),
            hint=Text(
                en="give --since and --until; only --from-landing can do without",
                zh="请给出 --since 与 --until；只有 --from-landing 可以省略",
            ),
        )
    if since is not None and until is not None and until < since:
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
            outcome_of(
                s,
                backfill_window(node, s, since, until, dry_run, from_landing, return_state=True),
            )
            for s in streams
        ]
    )
