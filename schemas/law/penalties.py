"""The range of a fine for a cause, by the law of the act and that of the decision.

行政处罚法 art. 37: the law at the time of the act applies; if it has changed by the time of the
decision and the new law is lighter, the new one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from schemas.law.basis import Basis, basis_of
from schemas.rule_entries import PenaltyRange
from schemas.rulepack import RulePack, packs_of


@dataclass(frozen=True, slots=True)
class FineRange:
    """Least and greatest fine for a cause while the same rows are in force.

    ``rows``: what it is made of; several if the law has a range of its own for grave cases.
    Where illegal gains are over ``gains_over_cny``, the law counts in multiples of them.
    """

    cause: str
    min_cny: Decimal
    max_cny: Decimal
    may: bool
    gains_over_cny: Decimal | None
    valid_from: date
    valid_to: date | None
    rows: tuple[PenaltyRange, ...]
    pack: RulePack

    @property
    def bases(self) -> tuple[Basis, ...]:
        return tuple(basis_of(self.pack, row) for row in self.rows)

    @property
    def verified(self) -> bool:
        return all(row.verified for row in self.rows)

    def in_force(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)

    def lighter_than(self, other: FineRange) -> bool:
        """By the greatest fine, then by the least."""
        return (self.max_cny, self.min_cny) < (other.max_cny, other.min_cny)


def fine_range(
    cause: str,
    division_code: str,
    act_day: date,
    decision_day: date | None = None,
    packs: Iterable[RulePack] | None = None,
) -> FineRange | None:
    """The range that governs a case, or None if no pack knows the cause on that day.

    Args:
        cause: code of ``schemas/codes/case_cause.csv``.
        decision_day: without it the law of the act alone is asked.
    """
    for pack in packs_of(division_code, packs):
        known = ranges(pack, cause)
        at_act = next((r for r in known if r.in_force(act_day)), None)
        if at_act is None:
            continue
        later = next((r for r in known if decision_day and r.in_force(decision_day)), None)
        return later if later is not None and later.lighter_than(at_act) else at_act
    return None


def ranges(pack: RulePack, cause: str) -> tuple[FineRange, ...]:
    """The ranges of a cause in one pack, one for each time in which its rows stay the same."""
    rows = [r for r in pack.penalty_ranges if cause in r.causes and r.withdrawn is None]
    edges = sorted({r.valid_from for r in rows} | {r.valid_to for r in rows if r.valid_to})
    ends = [*edges, None][1:]
    found = []
    for start, end in zip(edges, ends, strict=True):
        now = tuple(r for r in rows if r.in_force(start))
        if now:
            found.append(_merged(pack, cause, now, start, end))
    return tuple(found)


def _merged(
    pack: RulePack, cause: str, rows: tuple[PenaltyRange, ...], start: date, end: date | None
) -> FineRange:
    gains = [r.gains_over_cny for r in rows if r.gains_over_cny is not None]
    return FineRange(
        cause=cause,
        min_cny=min(r.min_cny for r in rows),
        max_cny=max(r.max_cny for r in rows),
        may=any(r.may for r in rows),
        gains_over_cny=min(gains, default=None),
        valid_from=start,
        valid_to=end,
        rows=rows,
        pack=pack,
    )
