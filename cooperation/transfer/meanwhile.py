"""What a suspected crime means for penalties on the same case (310号令 第十一条).

No penalty instead of a transfer. What was imposed before it stays in force if it is a warning, a
suspension of business or of a licence, or a revocation; a fine is offset by the court.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from cooperation.procedures.clocks import CHINA
from cooperation.procedures.fold import Matter

#: Codes of schemas/codes/penalty_category.csv that article 11 names.
STANDING = frozenset(
    {
        "warning",
        "production_suspension",
        "licence_suspension",
        "licence_revocation",
        "licence_suspension_or_revocation",
    }
)
FINE = "fine"
#: ``stays``: is carried on; ``offset``: a fine from before; ``look``: article 11 does not name it;
#: ``instead``: a fine that was decided while the matter held it up; ``after``: one from after.
Effect = Literal["stays", "offset", "look", "instead", "after"]


@dataclass(frozen=True, slots=True)
class Penalty:
    """A decision of this agency on a case."""

    record_id: str
    case_no: str
    decision_no: str | None
    decision_date: date | None
    categories: tuple[str, ...]
    fine_amount_cny: Decimal | None

    @property
    def has_fine(self) -> bool:
        return FINE in self.categories or bool(self.fine_amount_cny)


@dataclass(frozen=True, slots=True)
class Standing:
    """What becomes of one kind of penalty of a decision because of a matter."""

    matter: Matter
    penalty: Penalty
    category: str
    effect: Effect


def held_up(matter: Matter) -> list[tuple[date, date | None]]:
    """From when until when (first free day; None: still) fines were held up, in legal days."""
    spans: list[tuple[date, date | None]] = []
    since: date | None = None
    for applied in matter.applied:
        holds = matter.table.state(applied.row.to).freezes == "all"
        day = applied.act.act_time.astimezone(CHINA).date()
        if holds and since is None:
            since = day
        elif not holds and since is not None:
            spans.append((since, day))
            since = None
    return [*spans, (since, None)] if since is not None else spans


def penalties_meanwhile(matter: Matter, penalties: Iterable[Penalty]) -> list[Standing]:
    """What each kind of penalty of the matter's cases means. A fine that has the date of the day
    of suspicion counts as earlier: dates do not tell which came first on one day."""
    acts = [applied.act for applied in matter.applied]
    ids = {s for act in acts for s in act.subject_record_ids}
    nos = {s for act in acts for s in act.subject_nos}
    spans = held_up(matter)
    return [
        Standing(matter, penalty, category, _effect(category, penalty.decision_date, spans))
        for penalty in penalties
        if penalty.record_id in ids or penalty.case_no in nos
        for category in dict.fromkeys((*penalty.categories, *([FINE] if penalty.has_fine else [])))
    ]


def _effect(category: str, day: date | None, spans: list[tuple[date, date | None]]) -> Effect:
    if category in STANDING:
        return "stays"
    if category != FINE or day is None:
        return "look"
    if any(start < day and (end is None or day < end) for start, end in spans):
        return "instead"
    return "after" if spans and day > spans[0][0] else "offset"
