"""Rows that are sound as data, and that a person should look at all the same.

A code or a cause that no list knows, and decisions that the agency's own law does not give. Such
a row is accepted, flagged and counted; the ledger says by which field or rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random
from typing import Any, Final

from examples.region.agencies import Agency
from examples.region.causes import LOCAL, OVERLOAD, LocalCause
from examples.region.facts import Case, Fact
from examples.region.feeds import Feed, UnknownCode
from examples.region.happenings import fine_words
from examples.region.ledger import AGAINST_THE_LAW, Kind
from examples.region.overload import MAXIMUM_FINE_YUAN, ministry, zhejiang

KINDS: Final[frozenset[Kind]] = AGAINST_THE_LAW | {"unknown_code"}
# Fines outside the range of their cause, and the rule of law that must say so.
_OUT_OF_RANGE: Final = {
    "no_road_freight_licence": (1_000, "law:cn:fine_range_no_road_freight_licence"),
    "no_road_passenger_licence": (5_000, "law:cn:fine_range_no_road_passenger_licence:2023-07-20"),
    "no_driver_qualification": (5_000, "law:cn:fine_range_no_driver_qualification"),
}
# What may be fined on the spot at most (行政处罚法 art. 51); a trader is not tried here.
_ON_THE_SPOT: Final = {
    "natural_person": (200, "case_result.summary_fine_over_limit_person"),
    "legal_org": (3_000, "case_result.summary_fine_over_limit_org"),
}
_LIMITATION_DAYS: Final = 2 * 366


@dataclass(frozen=True, slots=True)
class Odd:
    """``fact`` is what happened; ``columns`` of its row are then written as given."""

    kind: Kind
    fact: Fact
    detail: str
    columns: Mapping[str, Any] = field(default_factory=dict)


def make_odd(rng: Random, feed: Feed[Any], kind: Kind | None, fact: Fact) -> Odd | None:
    """``fact`` as it must be for ``kind``; None for another kind, or if this fact can't be it."""
    if kind == "unknown_code":
        return _unknown_code(rng, feed, fact)
    wrong = _WRONG.get(kind) if kind else None
    if wrong and isinstance(fact, Case) and fact.decision_type == "penalty":
        return wrong(rng, feed.agency, fact)
    return None


def _unknown_code(rng: Random, feed: Feed[Any], fact: Fact) -> Odd | None:
    choices: list[UnknownCode | LocalCause] = [*feed.unknown_codes]
    if isinstance(fact, Case) and fact.decision_type == "penalty":
        choices += LOCAL[feed.agency.folder]
    choice = rng.choice(choices)
    if isinstance(choice, UnknownCode):
        return Odd("unknown_code", fact, choice.detail, {choice.column: choice.text})
    return _of_local_cause(rng, choice, fact) if isinstance(fact, Case) else None


def _of_local_cause(rng: Random, cause: LocalCause, case: Case) -> Odd:
    """The case as one of a cause that stands in the agency's own catalogue alone."""
    changed = replace(
        case,
        cause=cause.key,
        violation=cause.violation,
        facts=f"当事人{cause.violation}，有现场笔录、照片为证",
        basis=cause.basis,
        procedure="ordinary",
        total_kg=None,
        limit_kg=None,
    )
    fact = _fined(changed, rng.randrange(200, 2_100, 100))
    return Odd("unknown_code", fact, f"common_cause_code={cause.written}")


def _fined(case: Case, yuan: int) -> Case:
    return replace(case, penalty_category="fine", fine_yuan=yuan, content=fine_words(yuan))


def _off_tariff(rng: Random, agency: Agency, case: Case) -> Odd | None:
    """An overload fined as the neighbour would fine it, or by 500 yuan more."""
    del rng
    if case.cause != OVERLOAD or not (case.fine_yuan and case.total_kg and case.limit_kg):
        return None
    in_zhejiang = agency.province == "浙"
    other = (ministry if in_zhejiang else zhejiang)(case.total_kg, case.limit_kg).fine_yuan
    if not other or other == case.fine_yuan:
        more = 500 if case.fine_yuan < MAXIMUM_FINE_YUAN else -500
        other = case.fine_yuan + more
    rule = f"law:{'zj' if in_zhejiang else 'cn'}:overload_fine"
    return Odd("fine_off_tariff", _fined(case, min(other, MAXIMUM_FINE_YUAN)), rule)


def _out_of_range(rng: Random, agency: Agency, case: Case) -> Odd | None:
    del rng, agency
    if case.cause not in _OUT_OF_RANGE:
        return None
    yuan, rule = _OUT_OF_RANGE[case.cause]
    return Odd("fine_out_of_range", replace(_fined(case, yuan), procedure="ordinary"), rule)


def _over_the_spot_limit(rng: Random, agency: Agency, case: Case) -> Odd | None:
    del rng, agency
    most, rule = _ON_THE_SPOT.get(case.party.category, (None, ""))
    if most is None or not case.fine_yuan or case.fine_yuan <= most:
        return None
    return Odd("summary_over_limit", replace(case, procedure="summary"), rule)


def _too_late(rng: Random, agency: Agency, case: Case) -> Odd:
    """A case filed more than two years after the act."""
    del agency
    ago = timedelta(days=_LIMITATION_DAYS + rng.randint(10, 200))
    late = replace(case, violated_at=case.violated_at - ago)
    return Odd("limitation_passed", late, "law:cn:filed_after_limitation")


_WRONG: Final[Mapping[Kind, Callable[[Random, Agency, Case], Odd | None]]] = {
    "fine_off_tariff": _off_tariff,
    "fine_out_of_range": _out_of_range,
    "summary_over_limit": _over_the_spot_limit,
    "limitation_passed": _too_late,
}
