"""Rules on excess mass: the fine that the tariff gives, the limit that the axles have."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from schemas.law.overload_sql import fine_fen_sql, may_be_exempt_sql, plausible_sql
from schemas.law.rule_making import (
    ACT_PLACE,
    ACT_PLACE_FIELDS,
    PLACE,
    Draft,
    days_in_force_sql,
    law_rule,
    live,
    rule_id,
    territory_sql,
)
from schemas.law.units import FEN_PER_YUAN
from schemas.rule_entries import Parameter, WeightLimit
from schemas.rulepack import RulePack, in_force_sql
from schemas.text import Text

ACT_DAY = "coalesce(day_cn(occurred_time), decision_date)"
CAUSE = "overload_road"


def overload_fine(packs: tuple[RulePack, ...]) -> Iterator[Draft]:
    """The fine of a penalty for excess mass differs from what the tariff gives.

    Less than a yuan of difference is rounding. Silent where the tariff lets the agency choose
    not to punish, and where the tariff changed between act and decision (art. 37 then compares
    two fines: a person's task).
    """
    for pack in packs:
        tariffs = live(pack.overload_fines)
        for tariff in tariffs:
            others = [t for t in tariffs if t is not tariff]
            changed = " OR ".join(f"({in_force_sql(t, 'decision_date')})" for t in others)
            here = territory_sql(pack, packs, lambda p: p.overload_fines, ACT_DAY, ACT_PLACE)
            expected = fine_fen_sql(tariff, "total_weight_kg", "limit_weight_kg")
            exempt = may_be_exempt_sql(tariff, "total_weight_kg", "limit_weight_kg")
            violation = (
                f"CASE WHEN decision_type = 'penalty' AND common_cause_code = '{CAUSE}' "
                f"AND {plausible_sql('total_weight_kg', 'limit_weight_kg')} AND ({here}) "
                f"AND {in_force_sql(tariff, ACT_DAY)}"
                + (f" AND NOT coalesce({changed}, FALSE)" if changed else "")
                + f" THEN NOT ({exempt}) AND "
                f"abs(fine_amount_cny * {FEN_PER_YUAN} - ({expected})) >= {FEN_PER_YUAN} END"
            )
            yield law_rule(
                rule_id=rule_id(
                    pack, "overload_fine", (t.valid_from for t in tariffs), tariff.valid_from
                ),
                fields=(
                    *ACT_PLACE_FIELDS,
                    "occurred_time",
                    "decision_type",
                    "decision_date",
                    "common_cause_code",
                    "total_weight_kg",
                    "limit_weight_kg",
                    "fine_amount_cny",
                ),
                violation_sql=violation,
                message=Text(
                    en=f"the fine for the excess mass is not what the tariff gives "
                    f"({pack.jurisdiction_en})",
                    zh=f"超限罚款数额与罚款标准计算结果不一致（{pack.jurisdiction}）",
                ),
                hint=Text(
                    en="compute it with hefu rules overload; other acts in the same decision, a "
                    "mitigation or another reading of the tariff may explain it",
                    zh="可用 hefu rules overload 复算；一并处罚其他违法行为、减轻处罚或者对标准"
                    "的不同理解，都可能造成差异",
                ),
                rows=(tariff,),
            )


def limit_of_inspection(packs: tuple[RulePack, ...]) -> Iterator[Draft]:
    """The limit of a weighing is none that the axles can have; a permit sets its own."""
    day = "day_cn(coalesce(measured_time, inspection_time))"
    fields = (PLACE, "measured_time", "inspection_time", "axle_count", "limit_weight_kg")
    yield from _limits(packs, day, PLACE, (*fields, "permit_no"), " AND permit_no IS NULL")


def limit_of_case(packs: tuple[RulePack, ...]) -> Iterator[Draft]:
    """As for inspections; the case does not say whether there was a permit."""
    fields = (*ACT_PLACE_FIELDS, "occurred_time", "decision_date", "axle_count", "limit_weight_kg")
    yield from _limits(packs, ACT_DAY, ACT_PLACE, fields, "")


def _limits(
    packs: tuple[RulePack, ...], day: str, place: str, fields: tuple[str, ...], unless: str
) -> Iterator[Draft]:
    for pack in packs:
        rows = live(pack.weight_limits)
        starts = sorted({r.valid_from for r in rows} | {r.valid_to for r in rows if r.valid_to})
        for start, end in pairwise([*starts, None]):
            now = tuple(r for r in rows if start is not None and r.in_force(start))
            if start is None or not now:
                continue
            less = [
                p for p in pack.entries(Parameter, on=start) if p.name == "single_tyre_reduction_kg"
            ]
            here = territory_sql(pack, packs, lambda p: p.weight_limits, day, place)
            yield law_rule(
                rule_id=rule_id(pack, "weight_limit", starts, start),
                fields=fields,
                violation_sql=(
                    f"CASE WHEN limit_weight_kg IS NOT NULL AND axle_count IS NOT NULL{unless} "
                    f"AND ({here}) AND {days_in_force_sql(start, end, day)} "
                    f"THEN NOT ({_allowed(now, [int(p.value) for p in less])}) END"
                ),
                message=Text(
                    en="the limit is none that a vehicle with these axles has",
                    zh="限值与该轴数车辆的限定标准不符",
                ),
                hint=Text(
                    en="check axles and configuration; tractors, low-speed trucks and permitted "
                    "transports have limits of their own",
                    zh="请核对轴数和车型；拖拉机、低速货车和持通行证的大件运输另有限值",
                ),
                rows=(*now, *less),
            )


def _allowed(rows: tuple[WeightLimit, ...], reductions: list[int]) -> str:
    """``CASE axle_count`` over the limits that each number of axles can have.

    A number of axles that no row names (a truck of one axle) is not judged.
    """
    counts = sorted({r.axles for r in rows})
    branches = ""
    for count in counts:
        fitting = [r for r in rows if r.axles == count or (r.or_more and r.axles <= count)]
        limits = {r.limit_kg for r in fitting}
        limits |= {limit - less for limit in limits for less in reductions}
        more = any(r.or_more for r in fitting) and count == counts[-1]
        test = f"axle_count >= {count}" if more else f"axle_count = {count}"
        branches += f" WHEN {test} THEN limit_weight_kg IN ({', '.join(map(str, sorted(limits)))})"
    return f"CASE{branches} END"
