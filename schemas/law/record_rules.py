"""The law as soft rules over records: a result that its own jurisdiction's law does not give.

Such a record is flagged with the article, never refused: the agency may have reasons that the
record does not hold. Which rows of law a record is judged by is decided in its own SQL, by its
division and by its day: that of the act for what is punished and how much (行政处罚法 art. 37),
that of the decision for how it was done.

There is one rule for each pack and dated version of the law. The oldest version has the plain
id ``law:<pack>:<name>``, a later one adds ``:<valid_from>``. Where a more specific pack has a
row of the same kind in force, the national rule is silent for its divisions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache

from schemas.contract import Contract, Rule
from schemas.law import case_rules, discretion_rules, weight_rules
from schemas.law.calendar import Calendar, load_calendar
from schemas.law.rule_making import Draft
from schemas.rulepack import RulePack, rule_packs

Maker = Callable[[tuple[RulePack, ...]], Iterator[Draft]]
DayMaker = Callable[[tuple[RulePack, ...], Calendar | None], Iterator[Draft]]

#: Which rules a record type can break.
MAKERS: dict[str, tuple[Maker, ...]] = {
    "case_result": (
        weight_rules.overload_fine,
        weight_rules.limit_of_case,
        case_rules.fine_range,
        discretion_rules.discretion_tier,
        case_rules.hearing_by_kind,
        case_rules.hearing_by_amount,
        case_rules.legal_review,
        case_rules.collective_discussion,
        case_rules.filed_after_limitation,
    ),
    "inspection": (weight_rules.limit_of_inspection,),
}
#: Those that count working days.
DAY_MAKERS: dict[str, tuple[DayMaker, ...]] = {"case_result": (case_rules.delivered_late,)}


def law_rules(
    contract: Contract,
    packs: Iterable[RulePack] | None = None,
    calendar: Calendar | None = None,
) -> tuple[Rule, ...]:
    """The rules of law that a contract has the fields for, all soft; ids are unique.

    Args:
        packs: the law to judge by; without it the packs installed.
        calendar: the working days; without it the installed calendar.
    """
    own_law = packs is not None and packs is not rule_packs()
    own_days = calendar is not None and calendar is not load_calendar()
    drafts = (
        _made(contract.record_type, rule_packs() if packs is None else tuple(packs), calendar)
        if own_law or own_days
        else _installed(contract.record_type)
    )
    known = set(contract.names())
    return tuple(d.rule for d in drafts if known.issuperset(d.rule.fields))


@cache
def _installed(record_type: str) -> tuple[Draft, ...]:
    return _made(record_type, rule_packs(), None)


def _made(
    record_type: str, packs: tuple[RulePack, ...], calendar: Calendar | None
) -> tuple[Draft, ...]:
    by_law = (draft for make in MAKERS.get(record_type, ()) for draft in make(packs))
    by_days = (draft for make in DAY_MAKERS.get(record_type, ()) for draft in make(packs, calendar))
    return (*by_law, *by_days)
