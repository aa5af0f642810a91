"""Rules on how a case was decided: the range of its fine, hearing, review, periods."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from schemas.law.calendar import moved_days, settled_until
from schemas.law.penalties import FineRange, ranges
from schemas.law.rule_making import (
    PLACE,
    Draft,
    days_in_force_sql,
    law_rule,
    live,
    rule_id,
    territory_sql,
    values_sql,
)
from schemas.law.weight_rules import ACT_DAY
from schemas.rule_entries import Entry, Parameter, PenaltyRange
from schemas.rulepack import RulePack, in_force_sql
from schemas.sql import literal
from schemas.text import Text

PENALTY = "decision_type = 'penalty'"
FINE_FIELDS = (
    PLACE, "occurred_time", "decision_type", "decision_date", "common_cause_code",
    "fine_amount_cny",
)  # fmt: skip


def fine_range(packs: tuple[RulePack, ...]) -> Iterator[Draft]:
    """The fine lies outside the range that an article gives for the cause.

    Silent where gains were confiscated above the amount from which the law counts in multiples
    of them: the record does not say how large the gains were.
    """
    for pack in packs:
        groups = dict.fromkeys(r.group for r in live(pack.penalty_ranges))
        for group in groups:
            yield from _group(pack, packs, group)


def _group(pack: RulePack, packs: tuple[RulePack, ...], group: str) -> Iterator[Draft]:
    rows = [r for r in live(pack.penalty_ranges) if r.group == group]
    causes = dict.fromkeys(cause for row in rows for cause in row.causes)
    known = {cause: ranges(pack, cause) for cause in causes}
    starts = sorted({r.valid_from for found in known.values() for r in found})
    for start in starts:
        mine = [r for found in known.values() for r in found if r.valid_from == start]
        tests = [_range_sql(pack, packs, one, known[one.cause]) for one in mine]
        with_gains = any(one.gains_over_cny is not None for one in mine)
        told = "; ".join(f"{r.min_cny}–{r.max_cny}" for r in mine)
        yield law_rule(
            rule_id=rule_id(pack, f"fine_range_{group}", starts, start),
            fields=(*FINE_FIELDS, *(("confiscated_amount_cny",) if with_gains else ())),
            violation_sql=f"CASE WHEN {PENALTY} AND fine_amount_cny > 0 THEN "
            f"CASE common_cause_code {' '.join(tests)} END END",
            message=Text(
                en=f"the fine is outside the range for its cause ({told} yuan)",
                zh=f"罚款数额超出该违法行为的法定幅度（{told.replace('; ', '；')} 元）",
            ),
            hint=Text(
                en="check amount and cause; a fine below the range needs a ground to mitigate it",
                zh="请核对金额和案由；低于幅度的，应有减轻处罚的依据",
            ),
            rows=tuple(dict.fromkeys(row for one in mine for row in one.rows)),
        )


def _range_sql(
    pack: RulePack, packs: tuple[RulePack, ...], one: FineRange, all_of_cause: Sequence[FineRange]
) -> str:
    def of_cause(other: RulePack) -> tuple[PenaltyRange, ...]:
        return tuple(r for r in other.penalty_ranges if one.cause in r.causes)

    here = territory_sql(pack, packs, of_cause, ACT_DAY)
    gains = (
        f" AND coalesce(confiscated_amount_cny, 0) <= {one.gains_over_cny}"
        if one.gains_over_cny is not None
        else ""
    )
    return (
        f"WHEN {literal(one.cause)} THEN ({here}) AND ({_governs(one, all_of_cause)}){gains} "
        f"AND fine_amount_cny NOT BETWEEN {one.min_cny} AND {one.max_cny}"
    )


def _governs(one: FineRange, all_of_cause: Sequence[FineRange]) -> str:
    """Whether ``one`` is the law of the case: that of the act, or a lighter one at the decision."""

    def on(found: FineRange, day: str) -> str:
        return days_in_force_sql(found.valid_from, found.valid_to, day)

    mine = on(one, ACT_DAY)
    lighter = [o for o in all_of_cause if o is not one and o.lighter_than(one)]
    heavier = [o for o in all_of_cause if o is not one and one.lighter_than(o)]
    if lighter:
        later = " OR ".join(f"({on(o, 'decision_date')})" for o in lighter)
        mine = f"{mine} AND NOT coalesce({later}, FALSE)"
    if heavier:
        earlier = " OR ".join(f"({on(o, ACT_DAY)})" for o in heavier)
        mine = f"({mine}) OR (({earlier}) AND {on(one, 'decision_date')})"
    return mine


def hearing_by_kind(packs: tuple[RulePack, ...]) -> Iterator[Draft]:
    """A kind of penalty before which a hearing is to be offered, and the record knows of none."""
    for pack in packs:
        rows = [r for r in live(pack.hearing_conditions) if r.kinds and not r.larger_amount]
        starts = sorted({r.valid_from for r in rows})
        for start in starts:
            now = [r for r in rows if r.valid_from == start]
            kinds = values_sql(kind for row in now for kind in row.kinds)
            here = territory_sql(pack, packs, lambda p: p.hearing_conditions, "decision_date")
            yield law_rule(
                rule_id=rule_id(pack, "hearing_by_kind", starts, start),
                fields=(
                    PLACE,
                    "decision_type",
                    "decision_date",
                    "penalty_category",
                    "hearing_flag",
                ),
                violation_sql=f"CASE WHEN {PENALTY} AND hearing_flag IS FALSE "
                f"AND {in_force_sql(now[0], 'decision_date')} AND ({here}) "
                f"THEN list_has_any(penalty_category, [{kinds}]) END",
                message=_NO_HEARING,
                hint=_HEARING_HINT,
                rows=now,
            )


def hearing_by_amount(packs: tuple[RulePack, ...]) -> Iterator[Draft]:
    """A large fine, and the record knows of no hearing."""
    for party, name in (("natural_person", "person"), ("legal_org", "org")):
        for pack, number, starts, here in _numbers(packs, f"hearing_fine_{name}_cny"):
            yield law_rule(
                rule_id=rule_id(pack, f"hearing_by_amount_{name}", starts, number.valid_from),
                fields=(
                    PLACE,
                    "decision_type",
                    "decision_date",
                    "party_category",
                    "fine_amount_cny",
                    "hearing_flag",
                ),
                violation_sql=f"CASE WHEN {PENALTY} AND hearing_flag IS FALSE "
                f"AND party_category = '{party}' AND {in_force_sql(number, 'decision_date')} "
                f"AND ({here}) THEN fine_amount_cny >= {number.value} END",
                message=_NO_HEARING,
                hint=_HEARING_HINT,
                rows=(number,),
            )


_NO_HEARING = Text(
    en="the party had a right to a hearing, and the record says that there was none",
    zh="当事人有要求听证的权利，记录显示没有听证",
)
_HEARING_HINT = Text(
    en="check that the notice of this right is on file; a party may do without a hearing",
    zh="请核对卷内是否有听证权利告知；当事人可以不要求听证",
)


def legal_review(packs: tuple[RulePack, ...]) -> Iterator[Draft]:
    """A major case without legal review."""
    yield from _major_case(
        packs,
        "legal_review",
        "legal_review_flag IS NOT TRUE AND legal_review_date IS NULL",
        ("legal_review_flag", "legal_review_date"),
        Text("a major case was decided without legal review", "重大案件没有法制审核记录"),
    )


def collective_discussion(packs: tuple[RulePack, ...]) -> Iterator[Draft]:
    """A major case that the heads of the agency did not discuss."""
    yield from _major_case(
        packs,
        "collective_discussion",
        "collective_discussion_flag IS NOT TRUE AND collective_discussion_date IS NULL",
        ("collective_discussion_flag", "collective_discussion_date"),
        Text("a major case was decided without discussion", "重大案件没有集体讨论记录"),
    )


def _major_case(
    packs: tuple[RulePack, ...],
    duty: str,
    missing: str,
    fields: tuple[str, ...],
    message: Text,
) -> Iterator[Draft]:
    for pack in packs:
        rows = [r for r in live(pack.conditions) if r.duty == duty]
        starts = sorted({r.valid_from for r in rows})
        for start in starts:
            now = [r for r in rows if r.valid_from == start]
            here = territory_sql(
                pack, packs, lambda p: [r for r in p.conditions if r.duty == duty], "decision_date"
            )
            yield law_rule(
                rule_id=rule_id(pack, duty, starts, start),
                fields=(PLACE, "decision_type", "decision_date", "major_case_flag", *fields),
                violation_sql=f"CASE WHEN {PENALTY} AND major_case_flag "
                f"AND {in_force_sql(now[0], 'decision_date')} AND ({here}) THEN {missing} END",
                message=message,
                hint=Text(
                    en="enter it, or check whether the case is one of those that need it",
                    zh="请补录；或者核对该案是否属于应当审核、讨论的情形",
                ),
                rows=now,
            )


def filed_after_limitation(packs: tuple[RulePack, ...]) -> Iterator[Draft]:
    """Filed after the period in which an act can be punished; the year's last day still counts."""
    for pack, number, starts, here in _numbers(packs, "limitation_years", "day_cn(filing_time)"):
        yield law_rule(
            rule_id=rule_id(pack, "filed_after_limitation", starts, number.valid_from),
            fields=(PLACE, "occurred_time", "filing_time"),
            violation_sql=f"CASE WHEN {in_force_sql(number, 'day_cn(filing_time)')} AND ({here}) "
            f"THEN day_cn(filing_time) > day_cn(occurred_time) + to_years({number.value}) END",
            message=Text(
                en="the case was filed after the period of limitation",
                zh="立案时已超过行政处罚的追究时效",
            ),
            hint=Text(
                en="check when the act was discovered, whether it went on, and whether the longer "
                "period for life, health and financial safety applies",
                zh="请核对发现时间、违法行为是否有连续或者继续状态，以及是否适用较长时效",
            ),
            rows=(number,),
        )


def delivered_late(packs: tuple[RulePack, ...]) -> Iterator[Draft]:
    """Delivered later than the working days that the law gives.

    Judged only as far as the calendar is settled; the moved days are part of the rule's SQL.
    """
    last = settled_until()
    for pack, number, starts, here in _numbers(packs, "delivery_working_days"):
        days = int(number.value)
        yield law_rule(
            rule_id=rule_id(pack, "delivered_late", starts, number.valid_from),
            fields=(PLACE, "decision_date", "delivery_date"),
            violation_sql=f"CASE WHEN delivery_date - decision_date > {days} "
            f"AND delivery_date <= DATE '{last}' AND {in_force_sql(number, 'decision_date')} "
            f"AND ({here}) THEN {working_days_sql('decision_date', 'delivery_date', number)} "
            f"> {days} END",
            message=Text(
                en="the decision was delivered later than the law allows",
                zh="行政处罚决定书超过法定期限送达",
            ),
            hint=Text(
                en="check the day of delivery and whether it was pronounced to the party in person",
                zh="请核对送达日期，以及是否已当场宣告并交付",
            ),
            rows=(number,),
        )


def working_days_sql(start: str, end: str, since: Entry) -> str:
    """Working days after ``start`` up to ``end`` (DATE expressions, not before ``since``)."""
    rest, worked = moved_days(since.valid_from)
    span = f"{end} - {start}"
    # Weekdays of whole weeks, then of the days that are left over.
    plain = (
        f"({span}) // 7 * 5 + len(list_filter(range(1, ({span}) % 7 + 1), "
        f"lambda i: isodow({start} + CAST(i AS INTEGER)) < 6))"
    )
    return f"({plain} - {_between(rest, start, end)} + {_between(worked, start, end)})"


def _between(days: Sequence[date], start: str, end: str) -> str:
    listed = ", ".join(f"DATE '{day}'" for day in days)
    return f"len(list_filter([{listed}]::DATE[], lambda d: d > {start} AND d <= {end}))"


def _numbers(
    packs: tuple[RulePack, ...], name: str, day: str = "decision_date"
) -> Iterator[tuple[RulePack, Parameter, list[date], str]]:
    for pack in packs:
        rows = [p for p in live(pack.parameters) if p.name == name]
        here = territory_sql(
            pack, packs, lambda p: [r for r in p.parameters if r.name == name], day
        )
        for row in rows:
            yield pack, row, [r.valid_from for r in rows], here
