"""How a case may or must be decided: summary procedure, hearing, review, discussion, payment."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from schemas.errors import ConfigError
from schemas.law.answers import Answer, Reason
from schemas.law.basis import Basis
from schemas.law.jurisdiction import Found, parameter, prevailing, rows_for
from schemas.rule_entries import Condition, HearingCondition
from schemas.rulepack import RulePack
from schemas.text import Text

FEN = Decimal("0.01")
PERSON = "natural_person"
ORG = "legal_org"
#: Whom one of the two amounts of a rule is for; of anyone else we do not know which.
KNOWN_PARTIES = frozenset({PERSON, "individual_business", ORG})
#: Penalties that the summary procedure knows (art. 51).
SUMMARY_KINDS = frozenset({"fine", "warning"})


@dataclass(frozen=True, slots=True)
class Proposed:
    """The penalty that an agency means to impose.

    ``kinds``: codes of ``schemas/codes/penalty_category.csv``; ``party_category``: of its list.
    An individual business is treated as a person.
    """

    kinds: frozenset[str]
    party_category: str
    fine_cny: Decimal = Decimal(0)
    confiscated_cny: Decimal = Decimal(0)

    @property
    def is_org(self) -> bool:
        return self.party_category == ORG

    @property
    def is_known(self) -> bool:
        """Whether it is known if the amounts for persons or those for organisations hold."""
        return self.party_category in KNOWN_PARTIES


@dataclass(frozen=True, slots=True)
class LatePayment:
    """What is added to a fine that was not paid in time."""

    amount_cny: Decimal
    capped: bool
    days: int
    bases: tuple[Basis, ...]


def summary_allowed(
    proposed: Proposed, division_code: str, day: date, packs: Iterable[RulePack] | None = None
) -> Answer:
    """Whether the penalty may be imposed on the spot (行政处罚法 art. 51).

    The facts must also be certain and the basis statutory, which no number says. Where the
    party's category is unknown and decides, the answer is open.
    """
    name = "org" if proposed.is_org else "person"
    found = parameter(f"summary_fine_limit_{name}_cny", division_code, day, packs)
    limit = found.entry.value
    other = sorted(proposed.kinds - SUMMARY_KINDS)
    if other:
        text = Text(
            f"not with {', '.join(other)}: only a warning or a fine",
            "只有警告和罚款可以当场作出，本案还有其他种类的处罚",
        )
        return Answer(False, "may", (Reason(text, found.basis),))
    holds = proposed.fine_cny <= limit
    if not (holds or proposed.is_known):
        org = parameter("summary_fine_limit_org_cny", division_code, day, packs)
        if proposed.fine_cny <= org.entry.value:
            return Answer(None, "may", (), ("party_category",))
    text = Text(
        f"fine {proposed.fine_cny} yuan, limit {limit} yuan",
        f"罚款 {proposed.fine_cny} 元，当场处罚的限额为 {limit} 元",
    )
    return Answer(holds, "may", (Reason(text, found.basis),))


def hearing_right(
    proposed: Proposed,
    division_code: str,
    day: date,
    facts: Mapping[str, bool] | None = None,
    packs: Iterable[RulePack] | None = None,
) -> Answer:
    """Whether the party must be told of a right to a hearing (art. 63).

    Args:
        facts: ``other_severe_penalty``, ``hearing_by_other_provision``; a fact not given is no.
    """
    rows = prevailing(rows_for(HearingCondition, division_code, day, packs=packs))
    reasons = [
        reason
        for row in rows
        for reason in _hearing_reasons(row, proposed, division_code, day, facts or {}, packs)
    ]
    return Answer(bool(reasons), "shall", tuple(reasons))


def legal_review_needed(
    facts: Mapping[str, bool],
    division_code: str,
    day: date,
    packs: Iterable[RulePack] | None = None,
) -> Answer:
    """Whether the decision needs a legal review before it (art. 58).

    Args:
        facts: ``major_public_interest``, ``major_rights_after_hearing``, ``complex_case``,
            ``review_by_other_provision``; facts that are not given are asked for.
    """
    return _any_of("legal_review", facts, division_code, day, packs)


def collective_discussion_needed(
    facts: Mapping[str, bool],
    division_code: str,
    day: date,
    packs: Iterable[RulePack] | None = None,
) -> Answer:
    """Whether the heads of the agency must discuss (art. 57): complex_case, major_violation."""
    return _any_of("collective_discussion", facts, division_code, day, packs)


def on_the_spot_collection(
    fine_cny: Decimal,
    facts: Mapping[str, bool],
    division_code: str,
    day: date,
    packs: Iterable[RulePack] | None = None,
) -> Answer:
    """Whether a fine of the summary procedure may be collected on the spot (art. 68)."""
    found = parameter("on_the_spot_collection_limit_cny", division_code, day, packs)
    limit = found.entry.value
    if fine_cny <= limit:
        text = Text(
            f"fine {fine_cny} yuan, limit {limit} yuan",
            f"罚款 {fine_cny} 元，当场收缴的限额为 {limit} 元",
        )
        return Answer(True, "may", (Reason(text, found.basis),))
    other = _any_of("on_the_spot_collection", facts, division_code, day, packs)
    return Answer(other.holds, "may", other.reasons, other.open_questions)


def late_payment(
    fine_cny: Decimal,
    days_late: int,
    division_code: str,
    day: date,
    packs: Iterable[RulePack] | None = None,
) -> LatePayment:
    """What may be added after ``days_late`` days (art. 72), never more than the cap.

    Raises :class:`ConfigError` for a negative number of days or amount.
    """
    if days_late < 0 or fine_cny < 0:
        raise ConfigError(Text(en="days and amounts are not negative", zh="天数和金额不得为负"))
    daily = parameter("late_payment_daily_ratio", division_code, day, packs)
    cap = parameter("late_payment_cap_ratio", division_code, day, packs)
    full = fine_cny * daily.entry.value * days_late
    most = fine_cny * cap.entry.value
    amount = min(full, most).quantize(FEN, rounding=ROUND_HALF_UP)
    return LatePayment(amount, full > most, days_late, (daily.basis, cap.basis))


def _hearing_reasons(
    row: Found[HearingCondition],
    proposed: Proposed,
    division_code: str,
    day: date,
    facts: Mapping[str, bool],
    packs: Iterable[RulePack] | None,
) -> tuple[Reason, ...]:
    entry = row.entry
    if entry.fact is not None:
        if not facts.get(entry.fact):
            return ()
        return (Reason(Text(entry.fact, entry.text.rpartition("）")[-1]), row.basis),)
    kinds = sorted(proposed.kinds.intersection(entry.kinds))
    if not kinds:
        return ()
    if not entry.larger_amount:
        return (Reason(Text(f"penalty: {', '.join(kinds)}", _item_words(entry)), row.basis),)
    name = "org" if proposed.is_org else "person"
    found = parameter(f"hearing_fine_{name}_cny", division_code, day, packs)
    amount = _amount(kinds, proposed)
    if amount < found.entry.value:
        return ()
    text = Text(
        f"{amount} yuan, from {found.entry.value} yuan on it counts as large",
        f"数额 {amount} 元，{found.entry.value} 元以上按较大数额对待",
    )
    return (Reason(text, row.basis), Reason(text, found.basis))


def _item_words(entry: HearingCondition) -> str:
    return entry.text.rpartition("）")[-1]


def _amount(kinds: Collection[str], proposed: Proposed) -> Decimal:
    return proposed.fine_cny if "fine" in kinds else proposed.confiscated_cny


def _any_of(
    duty: str,
    facts: Mapping[str, bool],
    division_code: str,
    day: date,
    packs: Iterable[RulePack] | None,
) -> Answer:
    rows = prevailing(
        row
        for row in rows_for(Condition, division_code, day, packs=packs)
        if row.entry.duty == duty
    )
    reasons = tuple(
        Reason(Text(row.entry.label_en, row.entry.text), row.basis)
        for row in rows
        if facts.get(row.entry.fact)
    )
    if reasons:
        return Answer(True, "shall", reasons)
    unknown = tuple(row.entry.fact for row in rows if row.entry.fact not in facts)
    return Answer(None if unknown else False, "shall", (), unknown)
