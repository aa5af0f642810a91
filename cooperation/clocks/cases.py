"""The periods of an agency's own cases, and of leads that it received.

行政处罚法 第六十条: a decision within 90 days of the filing; 第六十一条: delivery within 7 working
days of the decision; 第三十六条: no penalty after two years. The numbers come from the rule packs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal

from cooperation.procedures.clocks import (
    CHINA,
    Law,
    Standing,
    due_time,
    length_of,
    standing_of,
)
from schemas.law.basis import Basis
from schemas.law.limitation import limitation
from schemas.text import Text

Kind = Literal["decision", "delivery", "limitation"]
#: From how long before its end a period of that kind is shown as due soon.
SOON = {
    "decision": timedelta(days=10),
    "delivery": timedelta(days=2),
    "limitation": timedelta(days=60),
}
DUTY = {
    "decision": Text(
        en="decide the case (if decided: enter the date)",
        zh="作出处理决定（已决定的，补录决定日期）",
    ),
    "delivery": Text(en="deliver the decision", zh="送达行政处罚决定书"),
    "limitation": Text(en="find out before the act can't be fined", zh="在追责期限届满前查处"),
}
LABEL = {
    "decision": Text(en="time to decide", zh="办案期限"),
    "delivery": Text(en="time to deliver", zh="送达期限"),
    "limitation": Text(en="limitation", zh="追责期限"),
}
_PARAMETER = {
    "decision": ("decision_days", "natural_days"),
    "delivery": ("delivery_working_days", "working_days"),
}


@dataclass(frozen=True, slots=True)
class Begun:
    """A case or lead in which a period runs: since ``started``, in ``division`` (GB/T 2260)."""

    kind: Kind
    record_id: str
    no: str
    division: str
    started: datetime


@dataclass(frozen=True, slots=True)
class CaseClock:
    """One period that runs; as :class:`cooperation.procedures.clocks.Clock`."""

    of: Begun
    length: int
    unit: str
    due: datetime
    provisional: bool
    calendar_version: str
    basis: Basis
    standing: Standing

    @property
    def last_day(self) -> date:
        return (self.due - timedelta(microseconds=1)).astimezone(CHINA).date()


def case_clocks(begun: Iterable[Begun], law: Law, now: datetime) -> list[CaseClock]:
    """The periods as they stand at ``now``, those that end first before the others.

    Raises ``ConfigError`` where no rule pack gives the length, on the day of the start or today.
    """
    return sorted(
        (_clock(one, law, now) for one in begun), key=lambda c: (c.due, c.of.kind, c.of.record_id)
    )


def _clock(one: Begun, law: Law, now: datetime) -> CaseClock:
    if one.kind == "limitation":
        return _limitation(one, law, now)
    name, unit = _PARAMETER[one.kind]
    days = one.started.astimezone(CHINA).date(), now.astimezone(CHINA).date()
    found, _ = length_of(name, one.division, days, law)
    length = int(found.entry.value)
    due, provisional, version = due_time(one.started, length, unit, law)
    standing = standing_of(due, None, now, SOON[one.kind])
    return CaseClock(one, length, unit, due, provisional, version, found.basis, standing)


def _limitation(one: Begun, law: Law, now: datetime) -> CaseClock:
    ended, today = one.started.astimezone(CHINA).date(), now.astimezone(CHINA).date()
    found = limitation(ended, one.division, today, packs=law.packs)
    last = min(found.last_day, date.max - timedelta(days=1))
    due = datetime.combine(last + timedelta(days=1), time(), CHINA)
    standing = standing_of(due, None, now, SOON[one.kind])
    return CaseClock(one, found.years, "years", due, False, "", found.bases[0], standing)
