"""Rules on how a case was decided: the range of its fine, hearing, review, periods."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from schemas.law.calendar import Calendar, moved_days, settled_until
from schemas.law.penalties import FineRange, ranges
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
    values_sql,
)
from schemas.law.weight_rules import ACT_DAY
from schemas.rule_entries import Entry, Parameter, PenaltyRange
from schemas.rulepack import RulePack, in_force_sql
from schemas.sql import literal
from schemas.text import Text

PENALTY = "decision_type = 'penalty'"
UNVERIFIED_RANGE = Text(en=" (not verified)", zh="（待核实）")
FINE_FIELDS = (
    *ACT_PLACE_FIELDS, "occurred_time", "decision_type", "decision_date", "common_cause_code",
    "fine_amount_cny",
)  # fmt: skip


def fine_range(packs: tuple[RulePack, ...]) -> Iterator[Draft]:
    """The fine lies outside the range that the law gives for the cause.

    Silent where gains were confiscated above the amount from which the law counts in multiples
    of them: the record does not say how large the gains were.
    """
    for pack in packs:
        for cause in dict.fromkeys(c for r in live(pack.penalty_ranges) for c in r.causes):
            known = ranges(pack, cause)
            starts = [one.valid_from for one in known]
            for one in known:
                yield _of_cause(pack, packs, one, known, starts)


def _of_cause(
    pack: RulePack,
    packs: tuple[RulePack, ...],
    one: FineRange,
    known: Sequence[FineRange],
    starts: Sequence[date],
) -> Draft:
    mixed = len({row.verified for row in one.rows}) > 1
    told = [_told(row, doubt=mixed and not row.verified) for row in one.rows]
    return law_rule(
        rule_id=rule_id(pack, f"fine_range_{one.cause}", starts, one.valid_from),
        fields=(
            *FINE_FIELDS,
            *(("confiscated_amount_cny",) if one.gains_over_cny is not None else ()),
        ),
        violation_sql=f"CASE WHEN {PENALTY} AND fine_amount_cny > 0 "
        f"AND common_cause_code = {literal(one.cause)} THEN {_range_sql(pack, packs, one, known)} "
        "END",
        message=Text(
            en=f"the fine is outside the range for its cause ({', '.join(t.en for t in told)})",
            zh=f"罚款数额超出该违法行为的法定幅度（{'、'.join(t.zh for t in told)}）",
        ),
        hint=_range_hint(one),
        rows=one.rows,
        doubt=not mixed,
    )


def _range_hint(one: FineRange) -> Text:
    en = ["check amount and cause; fines for several acts in one decision may add up"]
    zh = ["请核对金额和案由；一份决定书处罚多项违法行为的，罚款可以累加"]
    if one.min_cny > 0:
        en.append("a fine below the range needs a ground to mitigate it")
        zh.append("低于幅度的，应有减轻处罚的依据")
    if one.gains_over_cny is not None:
        en.append("where it goes by multiples of the illegal gains, enter the amount confiscated")
        zh.append("按违法所得倍数处罚的，请补录没收金额")
    return Text(en="; ".join(en), zh="；".join(zh))


def _told(row: PenaltyRange, *, doubt: bool) -> Text:
    mark = UNVERIFIED_RANGE if doubt else Text("", "")
    if row.min_cny == 0:
        return Text(f"up to {row.max_cny} yuan{mark.en}", f"{row.max_cny} 元以下{mark.zh}")
    return Text(
        f"{row.min_cny}–{row.max_cny} yuan{mark.en}", f"{row.min_cny}–{row.max_cny} 元{mark.zh}"
    )


def _range_sql(
    pack: RulePack, packs: tuple[RulePack, ...], one: FineRange, all_of_cause: Sequence[FineRange]
) -> str:
    def of_cause(other: RulePack) -> tuple[PenaltyRange, ...]:
        return tuple(r for r in other.penalty_ranges if one.cause in r.causes)

    here = territory_sql(pack, packs, of_cause, ACT_DAY, ACT_PLACE)
    gains = (
        f" AND coalesce(confiscated_amount_cny, 0) <= {one.gains_over_cny}"
        if one.gains_over_cny is not None
        else ""
    )
    return (
        f"({here}) AND ({_governs(one, all_of_cause)}){gains} "
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
                    *_HEARING_FIELDS,
                ),
                violation_sql=f"CASE WHEN {PENALTY} AND {_UNHEARD} "
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
                    *_HEARING_FIELDS,
                ),
                violation_sql=f"CASE WHEN {PENALTY} AND {_UNHEARD} "
                f"AND party_category = '{party}' AND {in_force_sql(number, 'decision_date')} "
                f"AND ({here}) THEN fine_amount_cny >= {number.value} END",
                message=_NO_HEARING,
                hint=_HEARING_HINT,
                rows=(number,),
            )


# The law asks for the notice of the right; a party that was told may do without a hearing.
_UNHEARD = "hearing_flag IS FALSE AND prior_notice_date IS NULL"
_HEARING_FIELDS = ("hearing_flag", "prior_notice_date")
_NO_HEARING = Text(
    en="the party had a right to a hearing, and the record knows of neither notice nor hearing",
    zh="当事人有要求听证的权利，记录中既没有事先告知，也没有听证",
)
_HEARING_HINT = Text(
    en="enter the day of the notice; a party that was told may do without a hearing",
    zh="请补录事先告知日期；已告知而当事人不要求听证的，不必听证",
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
    """Punished, though filed after the period in which an act can be; its last day still counts.

    A case that was then withdrawn, or ended without penalty for that reason, ended as it should.
    """
    for pack, number, starts, here in _numbers(packs, "limitation_years", "day_cn(filing_time)"):
        yield law_rule(
            rule_id=rule_id(pack, "filed_after_limitation", starts, number.valid_from),
            fields=(PLACE, "occurred_time", "filing_time", "decision_type"),
            violation_sql=f"CASE WHEN {PENALTY} "
            f"AND {in_force_sql(number, 'day_cn(filing_time)')} AND ({here}) "
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


def delivered_late(
    packs: tuple[RulePack, ...], calendar: Calendar | None = None
) -> Iterator[Draft]:
    """A decision on a penalty was delivered later than the working days that the law gives.

    Judged only as far as the calendar is settled; the moved days are part of the rule's SQL.
    """
    last = settled_until(calendar)
    for pack, number, starts, here in _numbers(packs, "delivery_working_days"):
        days = int(number.value)
        yield law_rule(
            rule_id=rule_id(pack, "delivered_late", starts, number.valid_from),
            fields=(PLACE, "decision_type", "decision_date", "delivery_date"),
            violation_sql=f"CASE WHEN {PENALTY} AND delivery_date - decision_date > {days} "
            f"AND delivery_date <= DATE '{last}' AND {in_force_sql(number, 'decision_date')} "
            f"AND ({here}) "
            f"THEN {working_days_sql('decision_date', 'delivery_date', number, calendar)} "
            f"> {days} END",
            message=Text(
                en="the decision was delivered later than the law allows",
                zh="行政处罚决定书超过法定期限送达",
            ),
            hint=Text(
                en="check the day of delivery, whether it was pronounced to the party in person, "
                "and whether it had to be delivered by public notice",
                zh="请核对送达日期，以及是否已当场宣告并交付、是否属于公告送达",
            ),
            rows=(number,),
        )


def working_days_sql(start: str, end: str, since: Entry, calendar: Calendar | None = None) -> str:
    """Working days after ``start`` up to ``end`` (DATE expressions, not before ``since``)."""
    rest, worked = moved_days(since.valid_from, calendar)
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
