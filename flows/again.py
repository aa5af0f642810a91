"""What a source gave before, normalised again by today's mapping and codes, without the source.

Run by run, in the order in which it was received: what one run saw as one delivery is judged as
one delivery again, so that two versions of a record that came on two nights do not meet as a
conflict in one batch. A record whose content comes out as before is unchanged; one that comes
out otherwise is a new version beside the old one. Cut off in the middle, it is simply run again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from connectors.pull import PullRequest
from flows.ingest import ingest
from flows.progress import Step, tell
from hefu.node import Node, Source
from lake.runs import RunRecord
from lake.store import Lake
from schemas.errors import DataError, Where
from schemas.text import Text

_DAY = ZoneInfo("Asia/Shanghai")


def normalise_again(
    node: Node,
    source: Source,
    now: datetime,
    *,
    since: date | None = None,
    until: date | None = None,
    dry_run: bool = False,
) -> RunRecord:
    """Take in again what was received from ``since`` to ``until`` (Chinese days, included).

    Returns one record with the sums of all runs; each of them is kept in the lake by itself.
    Raises :class:`DataError` if nothing was received in that time, or an object is no longer
    in the landing area, and what :func:`flows.ingest.ingest` raises.
    """
    earlier = _received(node, source, since, until)
    if not earlier:
        raise DataError(
            Text(
                en="nothing was received from this source in that time",
                zh="该时间段内没有从此来源收到过数据",
            ),
            where=Where(source.stream_id),
            hint=Text(
                en="leave out --since and --until to take all that was received, "
                "or run hefu sync first",
                zh="去掉 --since 与 --until 即处理收到过的全部数据；从未同步的请先运行 hefu sync",
            ),
        )
    request = PullRequest("window", None, None, None, now)
    done: list[RunRecord] = []
    for nth, run in enumerate(earlier):
        tell(Step(source.stream_id, "replay", nth, len(earlier), "runs"))
        # Of two versions with one clock the one received later holds: as it was, so it stays.
        at = now + timedelta(microseconds=nth)
        done.append(ingest(node, source, request, at, dry_run=dry_run, again=run))
    return _sum(done)


def _received(
    node: Node, source: Source, since: date | None, until: date | None
) -> list[RunRecord]:
    """Runs that brought something from the source, oldest first."""
    runs = Lake(node.place("lake")).runs(source.config.record_type, source.stream_id)
    wanted = []
    for run in reversed(runs):
        day = run.started_at.astimezone(_DAY).date()
        inside = (since is None or day >= since) and (until is None or day <= until)
        # A copy without any row brought no object, and said that all records are gone.
        if inside and (run.landed or run.complete) and run.mode in ("cursor", "window"):
            wanted.append(run)
    return wanted


def _sum(runs: Sequence[RunRecord]) -> RunRecord:
    """The last run's record with the counts of all; they balance because each does."""
    reasons: Counter[str] = Counter()
    soft: Counter[str] = Counter()
    for run in runs:
        reasons.update(run.reasons)
        soft.update(run.soft)
    return replace(
        runs[-1],
        received=sum(r.received for r in runs),
        accepted=sum(r.accepted for r in runs),
        unchanged=sum(r.unchanged for r in runs),
        duplicate=sum(r.duplicate for r in runs),
        quarantined=sum(r.quarantined for r in runs),
        flagged=sum(r.flagged for r in runs),
        retracted=sum(r.retracted for r in runs),
        retracted_by_row=sum(r.retracted_by_row for r in runs),
        reasons=dict(reasons),
        soft=dict(soft),
    )
