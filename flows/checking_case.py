"""Has another agency filed, decided or fined the same act? Asked before an officer decides.

行政处罚法 第二十五条: of several competent agencies the one that filed first; 第二十九条: no second
fine for one act. The answer is one of three: stop, look, clear; always with what stands behind it
and with whose records it rests on. That no record was found says nothing of what was not shared,
and never that there was no offence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from cooperation.matching.pair import Pair, pairs
from cooperation.matching.same_act import same_act
from cooperation.matching.settings import load_settings
from flows.case_index import CaseIndex, attach_cases
from flows.case_question import Facts, ask_facts, ask_number
from hefu.node import Node
from schemas.sql import literal

if TYPE_CHECKING:
    import duckdb

    from cooperation.procedures.fold import Matter

Verdict = Literal["stop", "look", "clear"]
#: What stands against a second fine: a decision with a fine, another decision, a filing.
Reason = Literal["fined", "decided", "filed", "transferred"]

#: Of these nothing stands any more.
_GONE = frozenset({"removed", "revoked"})
_NO_DECISION = frozenset({"withdrawn", "not_established"})
_OVERTURNED = frozenset({"revoked"})
_FILED_STATES = frozenset({"filed", "decided", "result_fed_back"})
_DETAILS = (
    "record_id", "source_org_code", "source_org_name", "record_type", "no", "is_own", "data_status",
    "act_time", "division", "filing_time", "decision_type", "decision_date", "fine_amount_cny",
    "review_status", "litigation_status",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """A record as far as the answer tells of it; no plate, no person."""

    record_id: str
    source_org_code: str
    source_org_name: str
    record_type: str
    no: str
    is_own: bool
    data_status: str
    act_time: datetime | None
    division: str | None
    filing_time: datetime | None
    decision_type: str | None
    decision_date: date | None
    fine_amount_cny: Decimal | None
    review_status: str | None
    litigation_status: str | None

    @property
    def key(self) -> tuple[str, str]:
        return self.record_id, self.source_org_code

    @property
    def stands(self) -> bool:
        """Not withdrawn, not revoked on review or in court, not found to be no offence."""
        return (
            self.data_status not in _GONE
            and self.decision_type not in _NO_DECISION
            and not {self.review_status, self.litigation_status} & _OVERTURNED
        )


@dataclass(frozen=True, slots=True)
class Found:
    """A record that may tell of the same act. ``reason``: why it stands against a fine; None: it
    does not (a lead, an inspection, a case that was withdrawn). ``filed_by``: who filed it, if that
    is known from a matter and not from the record. ``we_filed_first``: by the two filing times."""

    case: Case
    pair: Pair
    reason: Reason | None
    filed_by: str | None = None
    we_filed_first: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """A partner that an agreement lets tell us of cases or leads. ``as_of``: up to when its records
    are here; None: it never answered. ``is_stale``: it promised news by now."""

    org: str
    name: str
    record_types: tuple[str, ...]
    as_of: datetime | None
    records: int
    is_stale: bool


@dataclass(frozen=True, slots=True)
class CaseCheck:
    """``asked``: the records that the question named (none if it gave facts). ``conflicts``: what
    stands against a fine, the surest first; ``related``: other records of the act.
    ``frozen_by``: matters that hold a fine up, and whether they are of this act for certain."""

    verdict: Verdict
    asked: tuple[Case, ...]
    conflicts: tuple[Found, ...]
    related: tuple[Found, ...]
    frozen_by: tuple[tuple[Matter, bool], ...]
    coverage: tuple[Answered, ...]


def check_case(node: Node, question: str | Facts, now: datetime) -> CaseCheck:
    """Answer for a number of a case, a lead or an inspection here, or for facts.

    Reads the case index and the matters; writes nothing. Raises ``ConfigError`` for a number that
    no record here has, and for facts that can't be compared.
    """
    import duckdb

    con = duckdb.connect(
        config={"memory_limit": node.config.node.memory_limit, "autoload_known_extensions": False}
    )
    try:
        index = attach_cases(con, node)
        if isinstance(question, str):
            ask_number(con, question)
        else:
            ask_facts(con, node, question)
        asked = [] if isinstance(question, Facts) else _cases(con, "asked")
        found = _found(con, asked)
        matters = _matters(con, node)
    finally:
        con.close()
    found = [_with_filing(one, matters, node.agency.code) for one in [*_themselves(asked), *found]]
    found = [one for one in found if one.reason is not None or one.case not in asked]
    frozen = _frozen(node, question, asked, found, matters)
    conflicts = tuple(one for one in found if one.reason is not None)
    return CaseCheck(
        verdict=_verdict(conflicts, frozen),
        asked=tuple(asked),
        conflicts=conflicts,
        related=tuple(one for one in found if one.reason is None),
        frozen_by=frozen,
        coverage=answered(node, index, now),
    )


def _matters(con: duckdb.DuckDBPyConnection, node: Node) -> list[Matter]:
    """None where no act was ever recorded: what reads them takes half a second to import."""
    if not (node.place("lake") / "procedure_act").is_dir():
        return []
    from flows.matters import matters_of, read_acts
    from lake.store import Lake

    return matters_of(node, acts=read_acts(con, Lake(node.place("lake"))))


def _verdict(conflicts: Sequence[Found], frozen: Sequence[tuple[object, bool]]) -> Verdict:
    if any(one.pair.match == "exact" for one in conflicts) or any(sure for _, sure in frozen):
        return "stop"
    return "look" if conflicts or frozen else "clear"


def _cases(con: duckdb.DuckDBPyConnection, relation: str) -> list[Case]:
    rows = con.execute(f"SELECT {', '.join(_DETAILS)} FROM {relation}").fetchall()
    return [Case(*row) for row in rows]


def _found(con: duckdb.DuckDBPyConnection, asked: Sequence[Case]) -> list[Found]:
    """The pairs of what was asked, each record once, by its surest pair."""
    ours = {case.key for case in asked}
    best: dict[tuple[str, str], Pair] = {}
    for pair in pairs(same_act(con, "asked", "cases", load_settings())):
        if (pair.b, pair.b_org) not in ours:
            best.setdefault((pair.b, pair.b_org), pair)
    if not best:
        return []
    cases = [case for case in _cases(con, _near(con, best)) if case.key in best]
    filed = min((case.filing_time for case in asked if case.filing_time), default=None)
    found = [_judged(case, best[case.key], filed) for case in cases]
    return sorted(found, key=lambda one: (-one.pair.score, one.case.key))


def _near(con: duckdb.DuckDBPyConnection, wanted: Iterable[tuple[str, str]]) -> str:
    """The rows of these records, with constants by which files can be passed over."""
    minutes = load_settings().widest_minutes()
    bounds = con.execute(
        f"SELECT CAST(min(about_time) - to_minutes({minutes}) AS VARCHAR), "
        f"CAST(max(about_time) + to_minutes({minutes}) AS VARCHAR) FROM asked"
    ).fetchone()
    listed = ", ".join(f"hash({literal(org)}, {literal(key)})" for key, org in wanted)
    hashes = con.execute(f"SELECT unnest([{listed}])").fetchall()
    assert bounds is not None  # noqa: S101 (an aggregate always gives a row)
    return (
        f"cases WHERE about_time BETWEEN {literal(bounds[0])}::TIMESTAMPTZ "
        f"AND {literal(bounds[1])}::TIMESTAMPTZ "
        f"AND _record_hash IN ({', '.join(str(row[0]) for row in hashes)})"
    )


def _themselves(asked: Sequence[Case]) -> list[Found]:
    """A lead that was asked about may have been filed by the agency that it was referred to."""
    return [
        Found(case, Pair(*case.key, *case.key, "exact", 100, ()), None)
        for case in asked
        if case.record_type == "lead"
    ]


def _judged(case: Case, pair: Pair, we_filed: datetime | None) -> Found:
    theirs = case.filing_time
    first = we_filed is not None and theirs is not None and we_filed < theirs
    return Found(case, pair, _reason(case), we_filed_first=first)


def _reason(case: Case) -> Reason | None:
    if case.record_type != "case_result" or not case.stands:
        return None
    if case.decision_type == "criminal_transfer":
        return "transferred"
    if case.decision_date is None and case.decision_type is None:
        return "filed"
    return "fined" if case.decision_type == "penalty" else "decided"


def _with_filing(found: Found, matters: Sequence[Matter], own_org: str) -> Found:
    """A lead that another agency has filed stands against a fine as its case does."""
    if (
        not matters
        or found.reason is not None
        or found.case.record_type != "lead"
        or not found.case.stands
    ):
        return found
    from flows.transferring import subjects_of

    subjects = {found.case.record_id, found.case.no}
    for matter in matters:
        if matter.state_name not in _FILED_STATES or not subjects & subjects_of(matter):
            continue
        act = matter.last_of("file")
        if act is not None and act.acting_org != own_org:
            return replace(found, reason="filed", filed_by=act.acting_org)
    return found


def _frozen(
    node: Node,
    question: str | Facts,
    asked: Sequence[Case],
    found: Sequence[Found],
    matters: Sequence[Matter],
) -> tuple[tuple[Matter, bool], ...]:
    """Matters that hold a fine up, those of this act for certain first. What rests on another
    agency's word alone is never certain: it is for a person to look at."""
    if not matters:
        return ()
    from flows.transferring import holds_up, is_only_told, subjects_of

    sure = {name for case in asked for name in (case.record_id, case.no)}
    sure |= {question} if isinstance(question, str) else set()
    perhaps: set[str] = set()
    for one in found:
        (sure if one.pair.match == "exact" else perhaps).update((one.case.record_id, one.case.no))
    holding = [m for m in matters if holds_up(m, node.agency.code)]
    told = [m for m in matters if is_only_told(m, node.agency.code)]
    certain = [(m, True) for m in holding if subjects_of(m) & sure]
    known = {m.key for m, _ in certain}
    return (
        *certain,
        *((m, False) for m in holding if m.key not in known and subjects_of(m) & perhaps),
        *((m, False) for m in told if subjects_of(m) & (sure | perhaps)),
    )


def answered(node: Node, index: CaseIndex, now: datetime) -> tuple[Answered, ...]:
    """Every partner that a running agreement lets tell us of cases or leads, in order of name."""
    from exchange.agreement.versions import in_force

    granted: dict[str, set[str]] = {}
    names: dict[str, str] = {}
    for agreement in in_force(node.agreements(), now):
        if not agreement.is_running(now):
            continue
        for grant in agreement.grants:
            told = {name for name in ("case_result", "lead") if grant.records.get(name)}
            if grant.to_org == node.agency.code and told:
                granted.setdefault(grant.from_org, set()).update(told)
                names[grant.from_org] = agreement.party(grant.from_org).name
    covered = {one.org: one for one in index.coverage}
    return tuple(
        _answered(org, names[org], tuple(sorted(types)), covered, now)
        for org, types in sorted(granted.items(), key=lambda item: names[item[0]])
    )


def _answered(
    org: str, name: str, types: tuple[str, ...], covered: Mapping[str, Any], now: datetime
) -> Answered:
    one = covered.get(org)
    if one is None:
        return Answered(org, name, types, None, 0, is_stale=False)
    stale = one.is_stale_after is not None and one.is_stale_after <= now
    return Answered(org, name, types, one.as_of, one.records, is_stale=stale)
