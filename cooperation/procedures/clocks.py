"""The periods of a matter: which run, until when, and which were kept.

A period starts on the day after the act that began it and ends with its last day; one of hours ends
to the second. ``due`` is the first moment that is too late. An overdue clock is told and
counted; it never decides anything.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from cooperation.procedures.act import Act
from cooperation.procedures.fold import Matter
from cooperation.procedures.table import ClockRow
from schemas.law.basis import Basis
from schemas.law.calendar import Calendar, add_natural_days, add_working_days
from schemas.law.jurisdiction import choice, parameter
from schemas.rulepack import RulePack

CHINA = ZoneInfo("Asia/Shanghai")
#: An open clock is shown as due soon from this long before its end.
SOON = timedelta(days=1)
_CODE_DIVISION = slice(2, 8)

Standing = Literal["running", "due_soon", "overdue", "kept", "late"]


@dataclass(frozen=True, slots=True)
class Clock:
    """One run of one clock. ``who`` is a role, ``org`` who plays it (None: nobody is named yet).

    ``provisional``: a day was counted that no holiday notice covers yet. ``stopped``: when the
    act that ended it was done; None while it runs.
    """

    matter: Matter
    row: ClockRow
    who: str
    org: str | None
    started: datetime
    length: int
    due: datetime
    provisional: bool
    calendar_version: str
    basis: Basis
    agreed: bool
    stopped: datetime | None
    standing: Standing

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
class _Run:
    row: ClockRow
    started: datetime
    orgs: Mapping[str, str]
    stopped: datetime | None = None


def clocks(matter: Matter, law: Law, now: datetime) -> list[Clock]:
    """All runs of all clocks of a matter, as they stand at ``now``, in the order of their start.

    Raises ``ConfigError`` where no rule pack in force on the day of the start gives the length.
    """
    found = [
        _clock(matter, run, law, now) for row in matter.table.clocks for run in _runs(matter, row)
    ]
    return sorted(found, key=lambda clock: (clock.started, clock.row.name))


def open_clocks(matters: Iterable[Matter], law: Law, now: datetime) -> list[Clock]:
    """The clocks that run, those that end first before the others."""
    found = [c for m in matters if m.is_open for c in clocks(m, law, now) if c.stopped is None]
    return sorted(found, key=lambda clock: (clock.due, clock.matter.key))


def _runs(matter: Matter, row: ClockRow) -> list[_Run]:
    runs: list[_Run] = []
    running: datetime | None = None
    last: dict[str, Act] = {}
    for applied in matter.applied:
        act, inside = applied.act, applied.row.to in row.states
        last[act.code] = act
        if running is not None and not inside:
            if row.only_if in (None, act.code):
                runs.append(_Run(row, running, matter.orgs, act.act_time))
            running = None
        elif inside and (running is None or act.code == row.since_act):
            begun = last.get(row.since_act or "", act)
            running = begun.act_time
    if running is not None and row.only_if is None:
        runs.append(_Run(row, running, matter.orgs))
    return runs


def _clock(matter: Matter, run: _Run, law: Law, now: datetime) -> Clock:
    day = run.started.astimezone(CHINA).date()
    division = matter.key.org[_CODE_DIVISION]
    found = parameter(run.row.parameter, division, day, law.packs)
    agreed = None if run.row.statutory else _agreed(matter, run.row.parameter, law)
    length = int(found.entry.value) if agreed is None else agreed
    due, provisional, version = due_time(
        run.started, length, _unit(run.row, division, day, law), law
    )
    return Clock(
        matter=matter,
        row=run.row,
        who=run.row.who,
        org=run.orgs.get(run.row.who),
        started=run.started,
        length=length,
        due=due,
        provisional=provisional,
        calendar_version=version,
        basis=found.basis,
        agreed=agreed is not None,
        stopped=run.stopped,
        standing=_standing(due, run.stopped, now),
    )


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


def _standing(due: datetime, stopped: datetime | None, now: datetime) -> Standing:
    if stopped is not None:
        return "kept" if stopped < due else "late"
    if now >= due:
        return "overdue"
    return "due_soon" if now >= due - SOON else "running"


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
