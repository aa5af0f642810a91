"""The periods of a matter: which run, until when, and which were kept.

A period starts on the day after the act that began it and ends with its last day; one of hours ends
to the second. ``due`` is the first moment that is too late. An overdue clock is told and
counted; it never decides anything.

Times are those that agencies entered. One that lies in the future is not believed: the period then
begins when the step before it was done. One that lies in time but was entered after the end is
told as such (``entered``).
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from cooperation.procedures.competent import losing_of
from cooperation.procedures.fold import Applied, Matter
from cooperation.procedures.table import ClockRow
from schemas.errors import ConfigError
from schemas.law.basis import Basis
from schemas.law.calendar import Calendar, add_natural_days, add_working_days
from schemas.law.jurisdiction import Found, choice, parameter
from schemas.rule_entries import Parameter
from schemas.rulepack import RulePack

CHINA = ZoneInfo("Asia/Shanghai")
#: An open clock is shown as due soon from this long before its end.
SOON = timedelta(days=1)
#: How far the clocks of two agencies may differ (as in the contract's rules).
SKEW = timedelta(days=1)
_SECOND = timedelta(seconds=1)
_CODE_DIVISION = slice(2, 8)

Standing = Literal["running", "due_soon", "overdue", "kept", "late"]


@dataclass(frozen=True, slots=True)
class Clock:
    """One run of one clock. ``who`` is a role, ``org`` who plays it (None: nobody is named yet).

    ``unit`` is how days were
    counted. ``provisional``: a day was counted that no holiday notice covers yet. ``stopped``:
    when the act that ended it was done; None while it runs. ``entered``: when that was recorded.
    ``doubtful``: it rests on a time in the future, or on law that is not known for its day.
    ``given``: it ends when an act said itself, not after ``length``.
    """

    matter: Matter
    row: ClockRow
    who: str
    org: str | None
    started: datetime
    length: int
    unit: str
    due: datetime
    provisional: bool
    calendar_version: str
    basis: Basis
    agreed: bool
    stopped: datetime | None
    standing: Standing
    entered: datetime | None = None
    doubtful: bool = False
    given: bool = False

    @property
    def entered_late(self) -> bool:
        """Kept by the time that was given, which was given after the end."""
        return self.standing == "kept" and self.entered is not None and self.entered >= self.due

    @property
    def last_day(self) -> date:
        """The last day on which the duty is in time."""
        return (self.due - timedelta(microseconds=1)).astimezone(CHINA).date()


@dataclass(frozen=True, slots=True)
class Law:
    """What periods are read from. ``agreed``: lengths that agencies fixed among themselves, by who
    they are and the parameter."""

    packs: tuple[RulePack, ...] | None = None
    calendar: Calendar | None = None
    agreed: Mapping[tuple[frozenset[str], str], int] | None = None


@dataclass(frozen=True, slots=True)
class _Step:
    """An applied act, and the time that is believed of it."""

    applied: Applied
    time: datetime
    doubtful: bool


@dataclass(frozen=True, slots=True)
class _Run:
    """From the step ``began`` on, while ``orgs`` played the roles, until ``ended``."""

    row: ClockRow
    began: _Step
    orgs: Mapping[str, str]
    ended: _Step | None = None
    given: datetime | None = None


def clocks(matter: Matter, law: Law, now: datetime) -> list[Clock]:
    """All runs of all clocks of a matter, as they stand at ``now``, in the order of their start.

    Raises ``ConfigError`` where no rule pack gives the length, on the day of the start or today.
    """
    steps = _steps(matter, now)
    found = [
        _clock(matter, run, law, now) for row in matter.table.clocks for run in _runs(steps, row)
    ]
    return sorted(found, key=lambda clock: (clock.started, clock.row.name))


def open_clocks(matters: Iterable[Matter], law: Law, now: datetime) -> list[Clock]:
    """The clocks that run, those that end first before the others."""
    found = [c for m in matters if m.is_open for c in clocks(m, law, now) if c.stopped is None]
    return sorted(found, key=lambda clock: (clock.due, clock.matter.key))


def _steps(matter: Matter, now: datetime) -> list[_Step]:
    steps: list[_Step] = []
    for applied in matter.applied:
        time, doubtful = applied.act.act_time, applied.act.act_time > now + SKEW
        if doubtful:
            time = steps[-1].time if steps else now
        steps.append(_Step(applied, time, doubtful))
    return steps


def _runs(steps: Sequence[_Step], row: ClockRow) -> list[_Run]:
    runs: list[_Run] = []
    running: _Step | None = None
    orgs: Mapping[str, str] = {}
    last: dict[str, _Step] = {}
    given: datetime | None = None
    for step in steps:
        code, inside = step.applied.act.code, step.applied.row.to in row.states
        last[code] = step
        if code in row.given_by:
            given = step.applied.act.due_time
        if running is not None and not inside:
            if row.only_if in (None, code):
                runs.append(_Run(row, running, orgs, step, given))
            running = None
        elif inside and (running is None or code == row.since_act):
            running = last.get(row.since_act or "", step)
        orgs = step.applied.orgs
    if running is not None and row.only_if is None:
        runs.append(_Run(row, running, orgs, given=given))
    return runs


def _clock(matter: Matter, run: _Run, law: Law, now: datetime) -> Clock:
    started = run.began.time
    division = matter.key.org[_CODE_DIVISION]
    day = started.astimezone(CHINA).date()
    today = now.astimezone(CHINA).date()
    found, is_of_day = length_of(run.row.parameter, division, (day, today), law)
    agreed = None if run.row.statutory else _agreed(matter, run.row.parameter, law)
    length = int(found.entry.value) if agreed is None else agreed
    unit = _unit(run.row, division, day if is_of_day else today, law)
    due, provisional, version = due_time(started, length, unit, law)
    given = _given(run, due, is_agreed=agreed is not None)
    if given is not None:
        due, provisional, version = given, False, ""
    stopped = None if run.ended is None else max(run.ended.time, started)
    return Clock(
        matter=matter,
        row=run.row,
        who=run.row.who,
        org=_player(matter, run),
        started=started,
        length=length,
        unit=unit,
        due=due,
        provisional=provisional,
        calendar_version=version,
        basis=found.basis,
        agreed=agreed is not None,
        stopped=stopped,
        standing=standing_of(due, stopped, now),
        entered=run.ended.applied.act.recorded_time if run.ended is not None else None,
        doubtful=run.began.doubtful
        or not is_of_day
        or (run.ended is not None and run.ended.doubtful),
        given=given is not None,
    )


def _given(run: _Run, due: datetime, *, is_agreed: bool) -> datetime | None:
    """The first moment after the time that an act gave; None where that says nothing.

    Midnight is meant as the whole day. A time that had passed when the period began is not
    believed, nor one by which one side would take from the other days that both agreed on.
    """
    if run.given is None:
        return None
    last = run.given.astimezone(CHINA)
    first_late = _midnight_after(last.date()) if last.time() == time() else last + _SECOND
    if first_late <= run.began.time or (is_agreed and first_late < due):
        return None
    return first_late


def _player(matter: Matter, run: _Run) -> str | None:
    """Who plays the role in this run; the losing side of a dispute follows from how it ended."""
    if matter.table.role(run.row.who).loses:
        return losing_of(matter)
    return run.orgs.get(run.row.who)


def length_of(
    name: str, division: str, days: tuple[date, date], law: Law
) -> tuple[Found[Parameter], bool]:
    """The parameter as it was on the first day; else as on the second, for a day before the law."""
    try:
        return parameter(name, division, days[0], law.packs), True
    except ConfigError:
        return parameter(name, division, days[1], law.packs), False


def _agreed(matter: Matter, name: str, law: Law) -> int | None:
    """What the agencies of the matter (those that may have a node) agreed on."""
    inside = {org for role, org in matter.orgs.items() if not matter.table.role(role).outside}
    found = (
        length
        for (parties, parameter_name), length in sorted(
            (law.agreed or {}).items(), key=lambda item: sorted(item[0][0])
        )
        if parameter_name == name and inside <= parties
    )
    return next(found, None)


def _unit(row: ClockRow, division: str, day: date, law: Law) -> str:
    if row.unit != "days":
        return row.unit
    read = choice("transfer_days", division, day, law.packs).entry.value
    return "working_days" if read == "working" else "natural_days"


def standing_of(
    due: datetime, stopped: datetime | None, now: datetime, soon: timedelta = SOON
) -> Standing:
    """How a period that ends before ``due`` stands."""
    if stopped is not None:
        return "kept" if stopped < due else "late"
    if now >= due:
        return "overdue"
    return "due_soon" if now >= due - soon else "running"


def due_time(started: datetime, length: int, unit: str, law: Law) -> tuple[datetime, bool, str]:
    """The first moment after a period, whether that is provisional, and by which calendar."""
    if unit == "hours":
        return started + timedelta(hours=length), False, ""
    day = started.astimezone(CHINA).date()
    if unit == "months":
        return _midnight_after(_months_later(day, length)), False, ""
    add = add_working_days if unit == "working_days" else add_natural_days
    end = add(day, length, calendar=law.calendar)
    return _midnight_after(end.day), end.provisional, end.calendar_version


def _midnight_after(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), CHINA)


def _months_later(day: date, months: int) -> date:
    year, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + year, month + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))
