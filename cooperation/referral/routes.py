"""Which agency a record goes to, by the routes that agreements order: rules over values.

Among the rules that are about a record the one with the longest beginning of the place's code
wins. Where the place is not known, or two agencies could be meant, nothing is guessed: the record
is left with the reason, for an officer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from schemas.identities.plates import plate_division
from schemas.text import Text

Unfit = Literal[
    "not_shared", "discipline", "revoked", "no_violation", "criminal", "foreign_subject"
]
Reason = Literal[
    "not_shared",
    "discipline",
    "revoked",
    "no_violation",
    "criminal",
    "foreign_subject",
    "before_agreement",
    "place_unknown",
    "place_vague",
    "own_territory",
    "no_route",
    "ambiguous",
    "no_grant",
    "refused_by_rules",
]

#: Why a record was left, and what an officer can do; the same words on every list.
WORDS: dict[Reason, Text] = {
    "not_shared": Text(en="marked as not shared", zh="标为不予共享，不发出"),
    "discipline": Text(
        en="a discipline lead goes by the sealed channel alone (hefu seal)",
        zh="问题线索只能密封移送（hefu seal）",
    ),
    "revoked": Text(en="revoked or gone at its source", zh="已撤销或者来源已删除"),
    "no_violation": Text(
        en="the case ended without a violation", zh="案件以违法事实不成立或者撤销结束，无需抄告"
    ),
    "criminal": Text(
        en="transferred to the police; see hefu transfer", zh="已移送公安机关，见 hefu transfer"
    ),
    "foreign_subject": Text(
        en="it is about a record of another agency; an officer refers it by hand",
        zh="所涉记录来自其他机关，请由办案人员手工移送",
    ),
    "before_agreement": Text(
        en="finished before the agreement began", zh="在协议生效之前办结，不在约定范围内"
    ),
    "place_unknown": Text(
        en="the place that decides is unknown (registration place, or place of the act); find it "
        "and correct the record at its source, or refer it by hand",
        zh="车籍地（或者违法行为发生地）不明；请查明后在来源系统补录，或者手工移送",
    ),
    "place_vague": Text(
        en="the plate names the province only; find the registration place, or refer it by hand",
        zh="只能由号牌看出省份，不足以确定接收机关；请查明车籍地，或者手工移送",
    ),
    "own_territory": Text(en="it is this agency's own", zh="属于本机关辖区，无需移送"),
    "no_route": Text(
        en="no agreement has a route for that place; notify it another way",
        zh="没有协议约定该地的接收机关，请通过其他途径抄告",
    ),
    "ambiguous": Text(
        en="several agencies could be meant; refer it by hand",
        zh="可能的接收机关不止一个，请手工移送",
    ),
    "no_grant": Text(
        en="the agreement does not let leads and acts go to that agency",
        zh="协议没有授权向该机关发送线索和办理环节",
    ),
    "refused_by_rules": Text(
        en="the lead made of it breaks a hard rule; correct the record at its source",
        zh="由此形成的线索未通过强制规则，请在来源系统更正",
    ),
}

_KINDS = ("copy_notice", "transfer", "assist")
_LEVEL = 2  # two digits of GB/T 2260 each: province, city, county


@dataclass(frozen=True, slots=True)
class RoutingRule:
    """One route of an agreement in force.

    ``since``: the first day on which any version of the agreement had it: nothing older is swept
    up. ``divisions``: beginnings of GB/T 2260 codes; ``by``: which place they are held against.
    """

    agreement: str
    since: date
    to_org: str
    kind: str
    record_type: str
    by: Literal["registration_place", "act_place", "addressee"]
    causes: tuple[str, ...] = ()
    divisions: tuple[str, ...] = ()
    feedback_required: bool = True


@dataclass(frozen=True, slots=True)
class Candidate:
    """What decides about a record. ``done``: the day it was finished (a case: closed; a lead:
    discovered; a snapshot: made). ``unfit``: why it may not go at all."""

    record_id: str
    record_type: str
    no: str
    done: date
    cause: str | None = None
    registration_division: str | None = None
    plate: str | None = None
    act_division: str | None = None
    addressee: str | None = None
    unfit: Unfit | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A division code, whole or its beginning. ``derived``: taken from the plate."""

    code: str
    derived: bool = False


@dataclass(frozen=True, slots=True)
class Chosen:
    """The record goes by this rule. ``place`` None: the record itself names the agency."""

    candidate: Candidate
    rule: RoutingRule
    place: Place | None


@dataclass(frozen=True, slots=True)
class Left:
    """The record stays. ``place``: what is known of it."""

    candidate: Candidate
    reason: Reason
    place: Place | None = None

    @property
    def words(self) -> Text:
        return WORDS[self.reason]


def choose(
    candidate: Candidate, rules: Iterable[RoutingRule], own_division: str
) -> Chosen | Left | None:
    """By which rule a record goes, or why not; None if no rule is about such records."""
    about = [rule for rule in rules if _is_about(rule, candidate)]
    if not about:
        return None
    if candidate.unfit is not None:
        return Left(candidate, candidate.unfit)
    named = [r for r in about if r.by == "addressee" and r.to_org == candidate.addressee]
    if named:
        return _in_time(candidate, sorted(named, key=_order), None)
    placed = [
        r for r in about if r.by != "addressee" and candidate.addressee in (None, "", r.to_org)
    ]
    if not placed:
        return None
    return _by_place(candidate, placed, own_division)


def _is_about(rule: RoutingRule, candidate: Candidate) -> bool:
    return rule.record_type == candidate.record_type and (
        not rule.causes or candidate.cause in rule.causes
    )


def _by_place(
    candidate: Candidate, rules: Sequence[RoutingRule], own_division: str
) -> Chosen | Left:
    fits: list[tuple[int, RoutingRule, Place]] = []
    places: list[Place] = []
    vague: Place | None = None
    own = territory(own_division)
    for rule in rules:
        place = place_of(candidate, rule.by)
        if place is None:
            continue
        places.append(place)
        beginnings = [d for d in rule.divisions if place.code.startswith(d)]
        if beginnings:
            fits.append((max(map(len, beginnings)), rule, place))
        elif any(d.startswith(place.code) for d in (*rule.divisions, own)):
            vague = place
    if not places:
        return Left(candidate, "place_unknown")
    longest = max((length for length, _, _ in fits), default=0)
    if any(p.code.startswith(own) for p in places) and len(own) >= longest:
        return Left(candidate, "own_territory", places[0])
    if not fits:
        return Left(candidate, "place_vague" if vague else "no_route", vague or places[0])
    best = [(rule, place) for length, rule, place in fits if length == longest]
    if len({rule.to_org for rule, _ in best}) > 1:
        return Left(candidate, "ambiguous", best[0][1])
    rule, place = min(best, key=lambda found: _order(found[0]))
    return _in_time(candidate, [rule], place)


def _in_time(
    candidate: Candidate, rules: Sequence[RoutingRule], place: Place | None
) -> Chosen | Left:
    for rule in rules:
        if candidate.done >= rule.since:
            return Chosen(candidate, rule, place)
    return Left(candidate, "before_agreement", place)


def _order(rule: RoutingRule) -> tuple[int, str]:
    return _KINDS.index(rule.kind), rule.agreement


def place_of(candidate: Candidate, by: str) -> Place | None:
    """The place that a rule asks for. A plate names at least the province where the vehicle is
    registered (GA 36), where nothing says more."""
    if by == "act_place":
        return Place(candidate.act_division) if candidate.act_division else None
    if candidate.registration_division:
        return Place(candidate.registration_division)
    province = plate_division(candidate.plate)
    return Place(province, derived=True) if province else None


def territory(division: str) -> str:
    """The beginning that all divisions of an agency's territory share: 341800 → 3418."""
    code = division
    while len(code) > _LEVEL and code.endswith("00"):
        code = code[:-_LEVEL]
    return code
