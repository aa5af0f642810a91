"""Working days, natural days and hours as Chinese law counts them.

Working days come from ``chinesecalendar`` (the State Council's notices, which move working
days onto weekends) and from dated corrections in ``schemas/calendar/*.toml`` or a file of the
node. Where neither knows, an answer rests on weekdays alone and says that it is provisional:
compute it again when the calendar has been updated. Nothing raises for a far day.

Periods begin on the day after the event.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.errors import ConfigError, Where
from schemas.law.units import SATURDAY
from schemas.text import Text
from schemas.toml import load_toml, parse_toml

RollOver = Literal["none", "next_working_day"]
CALENDAR_FILE = "cn.toml"


@dataclass(frozen=True, slots=True)
class Deadline:
    """The last day of a period; ``provisional`` if a day was counted that no notice covers."""

    day: date
    provisional: bool
    calendar_version: str


@dataclass(frozen=True, slots=True)
class WorkingDays:
    """A number of working days, with the same reservation."""

    count: int
    provisional: bool
    calendar_version: str


class _Day(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    date: date
    working: bool
    source: Annotated[str, Field(min_length=1)]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    version: str
    #: Years whose notice is complete in this file.
    complete_years: tuple[int, ...] = ()
    #: The last days of a year can still be moved by the next year's notice.
    unsettled_days_at_year_end: Annotated[int, Field(ge=0)] = 0
    days: tuple[_Day, ...] = Field(default=(), alias="day")


@dataclass(frozen=True)
class Calendar:
    """Which days are worked, and of which days that is settled."""

    version: str
    corrections: Mapping[date, bool]
    complete_years: frozenset[int]
    unsettled_days_at_year_end: int

    def is_working(self, day: date) -> bool:
        """Whether ``day`` is worked; by the weekday where no notice covers it."""
        if day in self.corrections:
            return self.corrections[day]
        if day.year in _library_years():
            import chinese_calendar

            return bool(chinese_calendar.is_workday(day))
        return day.weekday() < SATURDAY

    def is_settled(self, day: date) -> bool:
        """Whether a notice, and no guess, says so."""
        if day in self.corrections:
            return True
        if not self._has(day.year):
            return False
        tail = date(day.year + 1, 1, 1) - timedelta(days=self.unsettled_days_at_year_end)
        return day < tail or self._has(day.year + 1)

    def _has(self, year: int) -> bool:
        return year in self.complete_years or year in _library_years()


def load_calendar(path: Path | None = None) -> Calendar:
    """The installed calendar, with a node's own corrections over it.

    ``path``: a file, or a folder whose files ``*.toml`` are all read. Without it, or if the
    folder holds none, the installed calendar itself.

    Raises :class:`ConfigError` with file and line if a file is wrong, or says of a day what
    another row says otherwise.
    """
    shipped = _shipped()
    if path is None:
        return shipped
    files_of_node = sorted(path.glob("*.toml")) if path.is_dir() else [path]
    if not files_of_node:
        return shipped
    own = [(file, load_toml(file, _File)) for file in files_of_node]
    return Calendar(
        version="+".join([shipped.version, *(one.version for _, one in own)]),
        corrections={**shipped.corrections, **_own_corrections(own)},
        complete_years=shipped.complete_years.union(*(one.complete_years for _, one in own)),
        unsettled_days_at_year_end=shipped.unsettled_days_at_year_end,
    )


def add_working_days(day: date, n: int, calendar: Calendar | None = None) -> Deadline:
    """The ``n``-th working day after ``day``; for 0, ``day`` itself.

    Raises :class:`ConfigError` for a negative ``n`` or beyond the year 9999.
    """
    used = calendar or _shipped()
    _check_number(n)
    settled, at, left = True, day, n
    while left:
        at = _plus(at, 1)
        settled = settled and used.is_settled(at)
        left -= used.is_working(at)
    return Deadline(at, not settled, used.version)


def working_days_between(start: date, end: date, calendar: Calendar | None = None) -> WorkingDays:
    """Working days after ``start`` up to and including ``end``; negative if ``end`` is earlier."""
    used = calendar or _shipped()
    if end < start:
        other = working_days_between(end, start, used)
        return WorkingDays(-other.count, other.provisional, used.version)
    days = [start + timedelta(days=i + 1) for i in range((end - start).days)]
    return WorkingDays(
        sum(map(used.is_working, days)), not all(map(used.is_settled, days)), used.version
    )


def add_natural_days(
    day: date, n: int, roll_over: RollOver = "none", calendar: Calendar | None = None
) -> Deadline:
    """The ``n``-th day after ``day``; with ``next_working_day`` moved off a day of rest.

    310号令 has no clause on days of rest, so nothing is moved by default.
    """
    _check_number(n)
    used = calendar or _shipped()
    return _rolled(_plus(day, n), roll_over, used)


def add_hours(
    moment: datetime, hours: int, roll_over: RollOver = "none", calendar: Calendar | None = None
) -> tuple[datetime, bool]:
    """``hours`` later, and whether that is provisional; rolled over it keeps its time of day.

    ``moment`` is aware; the day is that of its own zone.
    """
    _check_number(hours)
    used = calendar or _shipped()
    end = moment + timedelta(hours=hours)
    rolled = _rolled(end.date(), roll_over, used)
    return end + (rolled.day - end.date()), rolled.provisional


def moved_days(
    first: date, calendar: Calendar | None = None
) -> tuple[tuple[date, ...], tuple[date, ...]]:
    """(weekdays that are not worked, days of weekends that are) from ``first`` on, settled ones."""
    shipped = _shipped()
    if calendar is None or calendar is shipped:
        return _shipped_moved(first)
    return _moved(first, calendar)


@cache
def _shipped_moved(first: date) -> tuple[tuple[date, ...], tuple[date, ...]]:
    return _moved(first, _shipped())


def _moved(first: date, used: Calendar) -> tuple[tuple[date, ...], tuple[date, ...]]:
    years = used.complete_years | set(_library_years())
    last = date(max(years), 12, 31)
    days = [first + timedelta(days=i) for i in range(max(0, (last - first).days + 1))]
    settled = [d for d in days if used.is_settled(d)]
    rest = tuple(d for d in settled if d.weekday() < SATURDAY and not used.is_working(d))
    worked = tuple(d for d in settled if d.weekday() >= SATURDAY and used.is_working(d))
    return rest, worked


def settled_until(calendar: Calendar | None = None) -> date:
    """The last day of the unbroken run of settled days that ends the calendar."""
    used = calendar or _shipped()
    day = date(max(used.complete_years | set(_library_years())), 12, 31)
    while not used.is_settled(day):
        day -= timedelta(days=1)
    return day


def _rolled(day: date, roll_over: RollOver, calendar: Calendar) -> Deadline:
    settled, at = True, day
    if roll_over == "next_working_day":
        settled = calendar.is_settled(at)
        while not calendar.is_working(at):
            at = _plus(at, 1)
            settled = settled and calendar.is_settled(at)
    return Deadline(at, not settled, calendar.version)


def _plus(day: date, n: int) -> date:
    try:
        return day + timedelta(days=n)
    except OverflowError as error:
        raise _too_far() from error


def _too_far() -> ConfigError:
    return ConfigError(Text(en="the period ends after the year 9999", zh="期限超出了公元 9999 年"))


def _check_number(n: int) -> None:
    if n < 0:
        raise ConfigError(
            Text(en="a period can't be negative", zh="期限的天数、小时数不能为负"),
        )


@cache
def _library_years() -> range:
    """The years that the library's notices cover."""
    from chinese_calendar import constants

    years = [day.year for day in constants.holidays]
    return range(min(years), max(years) + 1)


@cache
def _shipped() -> Calendar:
    from importlib.metadata import version

    path = files("schemas").joinpath("calendar", CALENDAR_FILE)
    shown = Path("schemas", "calendar", CALENDAR_FILE)
    own = parse_toml(path.read_text(encoding="utf-8"), _File, shown)
    return Calendar(
        version=f"chinesecalendar-{version('chinesecalendar')}+{own.version}",
        corrections=_corrections(own),
        complete_years=frozenset(own.complete_years),
        unsettled_days_at_year_end=own.unsettled_days_at_year_end,
    )


def _own_corrections(own: Iterable[tuple[Path, _File]]) -> dict[date, bool]:
    found: dict[date, tuple[bool, Path]] = {}
    for path, one in own:
        for at, day in enumerate(one.days):
            said, where = found.setdefault(day.date, (day.working, path))
            if said is not day.working:
                raise _contradiction(path, at, day, where)
    return {day: working for day, (working, _) in found.items()}


def _contradiction(path: Path, at: int, day: _Day, other: Path) -> ConfigError:
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
    headers = [n for n, line in lines if re.match(r"\s*\[\[\s*day\s*\]\]", line)]
    return ConfigError(
        Text(
            en=f"{day.date} is worked by one row and not by another ({other.name})",
            zh=f"{day.date} 在一处为工作日、在另一处（{other.name}）为休息日",
        ),
        where=Where(str(path), headers[at] if at < len(headers) else None, "day"),
        hint=Text(en="keep the row that is right", zh="请只保留正确的一行"),
    )


def _corrections(own: _File) -> dict[date, bool]:
    return {day.date: day.working for day in own.days}
