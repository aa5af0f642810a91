"""Working days against chinesecalendar's own answer for every day, and past its end."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import chinese_calendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import ConfigError
from schemas.law.calendar import (
    add_hours,
    add_natural_days,
    add_working_days,
    load_calendar,
    moved_days,
    settled_until,
    working_days_between,
)

CST = timezone(timedelta(hours=8))
FIRST, LAST = date(2004, 1, 1), date(2026, 12, 31)
EVERY_DAY = [FIRST + timedelta(days=i) for i in range((LAST - FIRST).days + 1)]
KNOWN = st.dates(FIRST, date(2026, 9, 1))


def test_every_day_of_the_librarys_range_is_as_the_library_says() -> None:
    calendar = load_calendar()
    assert [calendar.is_working(d) for d in EVERY_DAY] == [
        chinese_calendar.is_workday(d) for d in EVERY_DAY
    ]
    tail = timedelta(days=calendar.unsettled_days_at_year_end)
    assert all(calendar.is_settled(d) for d in EVERY_DAY if d <= LAST - tail)


def test_a_notice_moves_days_of_the_december_before_only_within_the_unsettled_tail() -> None:
    """Why the last days of the last known year are provisional: seven notices did move them."""
    calendar = load_calendar()
    tail = calendar.unsettled_days_at_year_end
    moved = [
        d
        for d in EVERY_DAY
        if d.month == 12 and chinese_calendar.is_workday(d) != (d.weekday() < 5)
    ]
    assert {date(2018, 12, 29), date(2018, 12, 31)} <= set(moved)
    assert all(d > date(d.year, 12, 31) - timedelta(days=tail) for d in moved)


@pytest.mark.parametrize(
    ("start", "n", "end", "provisional"),
    [
        (
            date(2026, 9, 30),
            7,
            date(2026, 10, 15),
            False,
        ),  # the 10th was worked
        (date(2026, 11, 20), 7, date(2026, 12, 1), False),
        (date(2026, 11, 20), 0, date(2026, 11, 20), False),
        (date(2026, 12, 23), 1, date(2026, 12, 24), False),
        (date(2026, 12, 24), 1, date(2026, 12, 25), True),
        (date(2026, 12, 31), 1, date(2027, 1, 1), True),  # by the weekday alone: a Friday
        (date(2027, 1, 1), 5, date(2027, 1, 8), True),
        (date(2003, 12, 30), 1, date(2003, 12, 31), True),
        (date(2025, 12, 31), 1, date(2026, 1, 4), False),  # a worked Sunday
    ],
)
def test_working_days_after_a_day(start: date, n: int, end: date, provisional: bool) -> None:
    found = add_working_days(start, n)
    assert (found.day, found.provisional) == (end, provisional)
    assert found.calendar_version.startswith("chinesecalendar-1.11.0+cn-")


def test_seven_and_five_working_days_at_the_end_of_the_data() -> None:
    assert settled_until() == date(2026, 12, 24)
    for start in (date(2026, 12, 1) + timedelta(days=i) for i in range(60)):
        found = add_working_days(start, 7)
        assert found.provisional == (found.day > settled_until())


@given(KNOWN, st.integers(0, 40))
def test_adding_and_counting_working_days_are_inverse(start: date, n: int) -> None:
    end = add_working_days(start, n)
    counted = working_days_between(start, end.day)
    assert (counted.count, counted.provisional) == (n, end.provisional)
    assert n == 0 or chinese_calendar.is_workday(end.day)
    assert working_days_between(end.day, start).count == -n


@given(KNOWN, st.integers(0, 30), st.integers(0, 30))
def test_periods_add_up(start: date, one: int, other: int) -> None:
    first = add_working_days(start, one)
    assert add_working_days(first.day, other).day == add_working_days(start, one + other).day


@given(st.dates(date(1990, 1, 1), date(2040, 1, 1)), st.integers(0, 60))
def test_no_day_raises_and_a_later_start_never_ends_earlier(start: date, n: int) -> None:
    assert add_working_days(start, n).day <= add_working_days(start + timedelta(days=1), n).day


def test_natural_days_are_not_moved_unless_it_is_asked() -> None:
    friday = date(2026, 9, 30)
    assert add_natural_days(friday, 3).day == date(2026, 10, 3)
    assert add_natural_days(friday, 3).provisional is False
    assert add_natural_days(friday, 3, "next_working_day").day == date(2026, 10, 8)
    assert add_natural_days(date(2026, 12, 29), 3, "next_working_day").provisional
    assert add_natural_days(date(2026, 12, 29), 3).provisional is False


def test_hours_keep_their_instant() -> None:
    moment = datetime(2026, 9, 30, 16, 30, tzinfo=CST)
    assert add_hours(moment, 24) == (datetime(2026, 10, 1, 16, 30, tzinfo=CST), False)
    assert add_hours(moment, 24, "next_working_day")[0] == datetime(2026, 10, 8, 16, 30, tzinfo=CST)
    assert add_hours(moment.astimezone(UTC), 24)[0] == add_hours(moment, 24)[0]


def test_a_node_may_know_a_year_that_the_library_does_not(tmp_path: Path) -> None:
    own = tmp_path / "days.toml"
    own.write_text(
        'version = "own-1"\ncomplete_years = [2027]\n'
        '[[day]]\ndate = 2027-01-01\nworking = false\nsource = "某通知"\n'
        '[[day]]\ndate = 2027-01-02\nworking = true\nsource = "某通知"\n',
        encoding="utf-8",
    )
    calendar = load_calendar(own)
    found = add_working_days(date(2026, 12, 31), 1, calendar)
    assert (found.day, found.provisional) == (date(2027, 1, 2), False)
    assert found.calendar_version.endswith("+own-1")
    assert settled_until(calendar) == date(2027, 12, 24)
    assert add_working_days(date(2026, 12, 31), 1).day == date(2027, 1, 1)
    rest, worked = moved_days(date(2027, 1, 1), calendar)
    assert (rest, worked) == ((date(2027, 1, 1),), (date(2027, 1, 2),))


def test_a_wrong_calendar_file_is_told_with_its_line(tmp_path: Path) -> None:
    own = tmp_path / "days.toml"
    own.write_text('version = "own-1"\n[[day]]\ndate = 2027-01-01\nworkin = false\n')
    with pytest.raises(ConfigError, match="workin") as caught:
        load_calendar(own)
    assert caught.value.where is not None
    assert caught.value.where.row == 4


def test_periods_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ConfigError):
        add_working_days(date(2026, 1, 1), -1)
    with pytest.raises(ConfigError):
        add_natural_days(date(9999, 12, 31), 1)
    with pytest.raises(ConfigError):
        add_working_days(date(9999, 12, 31), 1)
