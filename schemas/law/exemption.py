"""Grounds not to punish (行政处罚法 art. 33), and published lists of offences that are let off.

The engine says which ground the facts would fit; a person decides. A first offence *may* go
unpunished, the other grounds *shall*. The party is educated in every case.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from schemas.law.basis import Basis
from schemas.law.jurisdiction import Found, prevailing, rows_for
from schemas.rule_entries import Exemption, ExemptionItem
from schemas.rulepack import RulePack
from schemas.text import Text


@dataclass(frozen=True, slots=True)
class Ground:
    """One ground of art. 33.

    Attributes:
        code: of ``schemas/codes/non_penalty_basis.csv``: 33-1a, 33-1b, 33-2.
        holds: True if all its facts are there, False if one is not, None if some are unknown.
        missing: the facts that are unknown.
        consequence: what follows if it holds.
        decision_type: what the decision is then called.
    """

    code: str
    label: Text
    holds: bool | None
    missing: tuple[str, ...]
    consequence: Literal["shall_not_punish", "may_not_punish"]
    decision_type: str
    basis: Basis


def grounds(
    facts: Mapping[str, bool],
    division_code: str,
    day: date,
    packs: Iterable[RulePack] | None = None,
) -> tuple[Ground, ...]:
    """Every ground in force, and what the facts say about it.

    Args:
        facts: minor_violation, corrected_in_time, no_harm, first_offence, slight_harm,
            no_fault_proved; what is not known is left out, never guessed. ``first_offence`` is
            the answer of a first-offence check over the partners that answered.
    """
    rows = prevailing(rows_for(Exemption, division_code, day, packs=packs))
    return tuple(_ground(row, facts) for row in rows)


def list_items(
    division_code: str,
    day: date,
    *,
    cause: str | None = None,
    packs: Iterable[RulePack] | None = None,
) -> tuple[Found[ExemptionItem], ...]:
    """Items of all published lists in force (首违免罚, 轻微免罚, 承诺轻罚), most specific first.

    Args:
        cause: code of ``schemas/codes/case_cause.csv``; without it the items of every cause.
    """
    rows = rows_for(ExemptionItem, division_code, day, packs=packs)
    return tuple(row for row in rows if cause is None or cause in row.entry.causes)


def _ground(row: Found[Exemption], facts: Mapping[str, bool]) -> Ground:
    entry = row.entry
    missing = tuple(need for need in entry.needs if need not in facts)
    refuted = any(facts.get(need) is False for need in entry.needs)
    return Ground(
        code=entry.ground,
        label=Text(entry.label_en, entry.text),
        holds=False if refuted else (None if missing else True),
        missing=() if refuted else missing,
        consequence=entry.consequence,
        decision_type=entry.decision_type,
        basis=row.basis,
    )
