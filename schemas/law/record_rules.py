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
from schemas.law import case_rules, weight_rules
from schemas.law.rule_making import Draft
from schemas.rulepack import RulePack, rule_packs

Maker = Callable[[tuple[RulePack, ...]], Iterator[Draft]]

#: Which rules a record type can break.
MAKERS: dict[str, tuple[Maker, ...]] = {
    "case_result": (
        weight_rules.overload_fine,
        weight_rules.limit_of_case,
        case_rules.fine_range,
        case_rules.hearing_by_kind,
        case_rules.hearing_by_amount,
        case_rules.legal_review,
        case_rules.collective_discussion,
        case_rules.filed_after_limitation,
        case_rules.delivered_late,
    ),
    "inspection": (weight_rules.limit_of_inspection,),
}


def law_rules(contract: Contract, packs: Iterable[RulePack] | None = None) -> tuple[Rule, ...]:
    """The rules of law that a contract has the fields for, all soft; ids are unique.

    Args:
        packs: the law to judge by; without it the packs installed.
    """
    drafts = _installed(contract.record_type) if packs is None else _made(contract, packs)
    known = set(contract.names())
    return tuple(d.rule for d in drafts if known.issuperset(d.rule.fields))


@cache
def _installed(record_type: str) -> tuple[Draft, ...]:
    return tuple(draft for make in MAKERS.get(record_type, ()) for draft in make(rule_packs()))


def _made(contract: Contract, packs: Iterable[RulePack]) -> tuple[Draft, ...]:
    given = tuple(packs)
    return tuple(draft for make in MAKERS.get(contract.record_type, ()) for draft in make(given))
