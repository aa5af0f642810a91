"""Batch rules: is this run, as a whole, what an ordinary run of its source looks like?

A gate that does not pass loses nothing: the rows are in the lake or in quarantine. It stops
publishing what this run brought until a later run passes, or a person overrides it by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Protocol

from quality.counts import Counts
from schemas.text import Text

RUNS_FOR_A_MEDIAN = 3


class Expect(Protocol):
    """What a source's configuration says of an ordinary run."""

    @property
    def min_rows(self) -> int: ...
    @property
    def max_drop(self) -> float: ...
    @property
    def max_quarantine_share(self) -> float: ...
    @property
    def max_age_hours(self) -> float | None: ...


class Received(Protocol):
    """A past run, as far as the volume is concerned; RunRecord and Counts both are."""

    @property
    def received(self) -> int: ...


@dataclass(frozen=True)
class Gate:
    """``reasons`` is empty if and only if the gate passed."""

    reasons: tuple[Text, ...] = ()

    @property
    def passed(self) -> bool:
        return not self.reasons


def judge(
    counts: Counts,
    expect: Expect,
    history: Sequence[Received],
    newest: datetime | None,
    now: datetime,
) -> Gate:
    """Judges one run.

    Args:
        history: earlier runs that are comparable (same stream, same mode), in any order; fewer
            than three say nothing about an ordinary volume.
        newest: the newest ``source_updated_time`` among the run's candidates; None if it had
            none.
    """
    found = (
        _too_few(counts, expect),
        _dropped(counts, expect, history),
        _too_many_refused(counts, expect),
        judge_freshness(expect, newest, now),
    )
    return Gate(tuple(reason for reason in found if reason is not None))


def _too_few(counts: Counts, expect: Expect) -> Text | None:
    if counts.received >= expect.min_rows:
        return None
    return Text(
        en=f"{counts.received} rows came, at least {expect.min_rows} were expected",
        zh=f"本次仅收到 {counts.received} 行，少于应有的 {expect.min_rows} 行",
    )


def _dropped(counts: Counts, expect: Expect, history: Sequence[Received]) -> Text | None:
    if len(history) < RUNS_FOR_A_MEDIAN:
        return None
    usual = median(run.received for run in history)
    if counts.received >= usual * (1 - expect.max_drop):
        return None
    drop = 1 - counts.received / usual
    return Text(
        en=f"{counts.received} rows came, {drop:.0%} fewer than the usual {usual:.0f} "
        f"(median of {len(history)} runs); {expect.max_drop:.0%} fewer is allowed",
        zh=f"本次收到 {counts.received} 行，较常量 {usual:.0f} 行（近 {len(history)} 次运行的"
        f"中位数）减少 {drop:.0%}，超过允许的 {expect.max_drop:.0%}",
    )


def _too_many_refused(counts: Counts, expect: Expect) -> Text | None:
    if counts.quarantined <= expect.max_quarantine_share * counts.received:
        return None
    share = counts.quarantined / counts.received
    return Text(
        en=f"{counts.quarantined} of {counts.received} rows are quarantined ({share:.1%}); "
        f"{expect.max_quarantine_share:.1%} is allowed",
        zh=f"{counts.received} 行中有 {counts.quarantined} 行被隔离（{share:.1%}），"
        f"超过允许的 {expect.max_quarantine_share:.1%}",
    )


def judge_freshness(expect: Expect, newest: datetime | None, now: datetime) -> Text | None:
    """Why the newest row is too old; None if it is not, or if no age is expected."""
    if expect.max_age_hours is None:
        return None
    if newest is None:
        return Text(
            en=f"no row came, so none is younger than {expect.max_age_hours:g} hours",
            zh=f"本次无数据，没有更新时间在 {expect.max_age_hours:g} 小时以内的记录",
        )
    age = now - newest
    if age <= timedelta(hours=expect.max_age_hours):
        return None
    hours = age.total_seconds() / 3600
    return Text(
        en=f"the newest row is {hours:.0f} hours old; {expect.max_age_hours:g} is allowed",
        zh=f"最新一条记录距今 {hours:.0f} 小时，超过允许的 {expect.max_age_hours:g} 小时",
    )
