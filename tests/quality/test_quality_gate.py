"""A run that is not like an ordinary one stops publishing and says why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from quality.counts import Counts
from quality.gate import Gate, judge

NOW = datetime(2026, 10, 8, 1, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Expect:
    min_rows: int = 0
    max_drop: float = 0.5
    max_quarantine_share: float = 0.2
    max_age_hours: float | None = None


def counts(received: int, quarantined: int = 0) -> Counts:
    return Counts(received, received - quarantined, 0, 0, quarantined)


def judged(received: int, expect: Expect, *, past: list[int] | None = None, bad: int = 0) -> Gate:
    history = [counts(n) for n in past or []]
    return judge(counts(received, bad), expect, history, NOW, NOW)


@pytest.mark.parametrize(
    ("received", "past", "passed"),
    [
        (100, [1000, 1000, 1000], False),
        (100, [1000, 1000], True),
        (500, [1000, 900, 5000], True),
        (499, [1000, 900, 5000], False),
        (0, [0, 0, 0], True),
        (9000, [10, 10, 10], True),
    ],
)
def test_volume_is_held_against_the_median(received: int, past: list[int], passed: bool) -> None:
    assert judged(received, Expect(), past=past).passed is passed


@pytest.mark.parametrize(("bad", "passed"), [(20, True), (21, False)])
def test_too_great_a_share_in_quarantine_stops(bad: int, passed: bool) -> None:
    assert judged(100, Expect(), bad=bad).passed is passed


@pytest.mark.parametrize(("received", "passed"), [(9, False), (10, True)])
def test_a_least_number_of_rows(received: int, passed: bool) -> None:
    assert judged(received, Expect(min_rows=10)).passed is passed


@pytest.mark.parametrize(
    ("newest", "passed"),
    [(NOW - timedelta(hours=24), True), (NOW - timedelta(hours=25), False), (None, False)],
)
def test_the_newest_row_must_be_young_enough(newest: datetime | None, passed: bool) -> None:
    expect = Expect(max_age_hours=24)
    assert judge(counts(10), expect, [], newest, NOW).passed is passed


def test_every_reason_is_told_in_both_languages() -> None:
    expect = Expect(min_rows=50, max_age_hours=1)
    gate = judge(counts(10, 9), expect, [counts(100)] * 3, None, NOW)
    assert [str(r.en)[:12] for r in gate.reasons] == [
        "10 rows came",
        "10 rows came",
        "9 of 10 rows",
        "no row came,",
    ]
    assert all("行" in r.zh or "小时" in r.zh for r in gate.reasons)
    assert not gate.passed


def test_nothing_received_is_no_division_by_zero() -> None:
    assert judged(0, Expect()).passed
