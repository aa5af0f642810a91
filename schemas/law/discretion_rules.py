"""Rules on a jurisdiction's own discretion standard: the tiers of a fine for a cause."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import pairwise

from schemas.law.case_rules import FINE_FIELDS, PENALTY
from schemas.law.rule_making import (
    ACT_PLACE,
    Draft,
    days_in_force_sql,
    law_rule,
    live,
    rule_id,
    territory_sql,
)
from schemas.law.weight_rules import ACT_DAY
from schemas.rule_entries import DiscretionTier
from schemas.rulepack import RulePack
from schemas.sql import literal
from schemas.text import Text

GRADE = "discretion_grade"


def discretion_tier(packs: tuple[RulePack, ...]) -> Iterator[Draft]:
    """The fine lies outside the tier that the record names, or outside all if it names none.

    A grade is compared as it is written. Silent where the standard changed between act and
    decision: which of the two is lighter is a person's task.
    """
    for pack in packs:
        for cause in dict.fromkeys(tier.cause for tier in live(pack.discretion_tiers)):
            yield from _of_cause(pack, packs, cause)


def _of_cause(pack: RulePack, packs: tuple[RulePack, ...], cause: str) -> Iterator[Draft]:
    rows = _tiers(pack, cause)
    starts = sorted({r.valid_from for r in rows} | {r.valid_to for r in rows if r.valid_to})
    here = territory_sql(pack, packs, lambda p: _tiers(p, cause), ACT_DAY, ACT_PLACE)
    for start, end in pairwise([*starts, None]):
        now = [row for row in rows if start is not None and row.in_force(start)]
        if start is None or not now:
            continue
        told = [_told(row) for row in now]
        yield law_rule(
            rule_id=rule_id(pack, f"discretion_{cause}", starts, start),
            fields=(*FINE_FIELDS, GRADE),
            violation_sql=f"CASE WHEN {PENALTY} AND fine_amount_cny > 0 "
            f"AND common_cause_code = {literal(cause)} AND ({here}) "
            f"AND {_unchanged(start, end)} THEN {_outside(now)} END",
            message=Text(
                en="the fine is outside its tier of the discretion standard "
                f"({', '.join(t.en for t in told)})",
                zh=f"罚款数额不在裁量基准相应档次的幅度内（{'、'.join(t.zh for t in told)}）",
            ),
            hint=Text(
                en="check amount, cause and grade; a mitigation, or other acts in the same "
                "decision, may explain it",
                zh="请核对金额、案由和裁量档次；减轻处罚或者一并处罚其他违法行为，也可能造成差异",
            ),
            rows=now,
        )


def _tiers(pack: RulePack, cause: str) -> tuple[DiscretionTier, ...]:
    return tuple(tier for tier in live(pack.discretion_tiers) if tier.cause == cause)


def _unchanged(start: date, end: date | None) -> str:
    days = (days_in_force_sql(start, end, day) for day in (ACT_DAY, "decision_date"))
    return " AND ".join(days)


def _outside(tiers: Sequence[DiscretionTier]) -> str:
    branches = ""
    for grade in dict.fromkeys(tier.grade for tier in tiers):
        of_grade = [tier for tier in tiers if tier.grade == grade]
        branches += f" WHEN {literal(grade)} THEN {_in_none(of_grade)}"
    return f"CASE {GRADE}{branches} ELSE {_in_none(tiers)} END"


def _in_none(tiers: Sequence[DiscretionTier]) -> str:
    within = (f"fine_amount_cny BETWEEN {tier.min_cny} AND {tier.max_cny}" for tier in tiers)
    return f"NOT ({' OR '.join(within)})"


def _told(tier: DiscretionTier) -> Text:
    return Text(
        f"{tier.grade} {tier.min_cny}–{tier.max_cny} yuan",
        f"{tier.grade} {tier.min_cny}–{tier.max_cny} 元",
    )
