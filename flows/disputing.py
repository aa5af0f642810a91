"""Disputes of jurisdiction: where one should be raised, raising it, and what the records say of it.

Nothing here opens a dispute by itself: two agencies may both have filed in good order, and an
officer who knows the file says whether there is anything to settle (行政处罚法 art. 25).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal

from cooperation.jurisdiction.competence import CHINA, Filing, Proposal, propose_competent
from cooperation.jurisdiction.refusals import sent_back
from cooperation.procedures.fold import Matter
from flows.acting import Done, do, opening
from flows.case_index import Coverage, attach_cases
from flows.matters import matters_of
from flows.workspace import workspace
from hefu.node import Node
from schemas.codes import REMOVED
from schemas.errors import ConfigError
from schemas.sql import literal
from schemas.text import Text

if TYPE_CHECKING:
    import duckdb

PROCEDURE = "jurisdiction"
#: The digits of a unified social credit code that name the division (GB 32100-2015).
_DIVISION = slice(2, 8)
_STANDS = f"data_status NOT IN ({literal(REMOVED)}, 'revoked')"
#: Decisions that leave no case to dispute about (schemas/codes/decision_type.csv).
_NO_CASE = ("withdrawn", "not_established")
_COLUMNS = (
    "record_id", "record_type", "source_org_code", "is_own", "no", "filing_time", "division",
    "decision_date", "fine_amount_cny", "act_time", "cause",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CaseSeen:
    """One record of the case index, as far as jurisdiction is concerned."""

    record_id: str
    record_type: str
    org: str
    is_own: bool
    no: str
    filed: datetime | None
    division: str | None
    decided: date | None
    fined: bool
    act_time: datetime | None
    cause: str | None

    def filing(self) -> Filing:
        return Filing(
            org=self.org,
            record_id=self.record_id,
            no=self.no,
            filed=self.filed,
            place=self.division,
            decided=self.decided,
            fined=self.fined,
        )


@dataclass(frozen=True, slots=True)
class Advice:
    """What the records say of a dispute. ``missing``: records that it names and this node does not
    have; ``others``: disputes about the same records with further agencies."""

    matter: Matter
    proposal: Proposal
    cases: tuple[CaseSeen, ...]
    missing: tuple[str, ...]
    coverage: tuple[Coverage, ...]
    others: tuple[Matter, ...]


@dataclass(frozen=True, slots=True)
class DisputeProposal:
    """Where a dispute should perhaps be raised; nothing was opened.

    ``kind``: both_filed, the same act was filed by two agencies; both_refuse, what this agency
    referred was sent back because the other one is not competent either. ``other``: their record,
    None where there is none. ``match``: exact or probable; ``evidence``: codes of why the two
    records are of one act (cooperation/matching).
    """

    kind: Literal["both_filed", "both_refuse"]
    own: CaseSeen
    other: CaseSeen | None
    org: str
    match: str | None = None
    evidence: tuple[str, ...] = ()


def dispute_proposals(node: Node) -> list[DisputeProposal]:
    """Where this agency and another one both took up an act, or neither wants to.

    Exact matches come before probable ones: where each side places the act in its own territory,
    the records of one act do not agree in all. What a dispute was raised about, even if it was
    withdrawn, is not told again.
    """
    from cooperation.matching.same_act import same_act
    from cooperation.matching.settings import load_settings

    matters = matters_of(node)
    raised = [
        frozenset(m.opening.subject_record_ids)
        for m in matters
        if m.table.name == PROCEDURE and m.applied
    ]
    with workspace(node) as (con, _):
        attach_cases(con, node)
        for name, side in (("_own_filed", ""), ("_others_filed", "NOT ")):
            con.execute(
                f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT * FROM cases WHERE {side}is_own "
                f"AND record_type = 'case_result' AND {_STANDS} "
                f"AND coalesce(decision_type, '') NOT IN ({_listed(_NO_CASE)})"
            )
        pairs = same_act(con, "_own_filed", "_others_filed", load_settings())
        matched = pairs.filter("match IN ('exact', 'probable')").order("match, score DESC, a, b")
        alike = matched.project("a, b, match, evidence").fetchall()
        refused = sent_back(matters, node.agency.code)
        wanted = {record for a, b, *_ in alike for record in (a, b)} | {r for r, _ in refused}
        seen = {c.record_id: c for c in _cases(con, f"record_id IN ({_listed(wanted)})")}
    found = [
        DisputeProposal("both_filed", seen[a], seen[b], seen[b].org, match, tuple(evidence or ()))
        for a, b, match, evidence in alike
        if not any({a, b} <= about for about in raised)
    ]
    return found + [
        DisputeProposal("both_refuse", seen[record], None, org)
        for record, org in refused
        if record in seen and not any(record in about for about in raised)
    ]


def raise_dispute(node: Node, own: str, other: str, now: datetime, **given: object) -> Done:
    """Open a dispute of this agency's case with the agency that another record is of.

    Args:
        own: record identifier or number of this agency's case or lead.
        other: the same of the other agency's record, or that agency's code where it has none
            because it holds itself not competent.
        given: further fields of the act (``reason_code`` ``not_competent``: nobody wants it).

    Raises ``ConfigError`` for a record that is not there, or that is on the wrong side, and where
    the same dispute is open already.
    """
    partners = {party.code for agreement in node.agreements() for party in agreement.parties}
    partners -= {node.agency.code}
    with workspace(node) as (con, _):
        attach_cases(con, node)
        ours = _one(con, own, is_own=True)
        theirs = None if other in partners else _one(con, other, is_own=False)
    about = [ours] if theirs is None else [ours, theirs]
    to_org = other if theirs is None else theirs.org
    known = matters_of(node, PROCEDURE)
    _refuse_open(known, {case.record_id for case in about}, to_org)
    fields: dict[str, Any] = {
        "to_org": to_org,
        "subject_record_ids": tuple(case.record_id for case in about),
        "subject_nos": tuple(case.no for case in about),
        "subject_record_type": ours.record_type,
        **given,
    }
    act = opening(node, PROCEDURE, "raise", now, **fields)
    if any(m.key == act.matter for m in known):  # an earlier dispute of these two has ended
        act = opening(node, PROCEDURE, "raise", now, again=now.isoformat(), **fields)
    return do(node, act, now)


def _refuse_open(known: Iterable[Matter], records: set[str], other: str) -> None:
    for matter in known:
        about = set(matter.opening.subject_record_ids) if matter.applied else set()
        if matter.is_open and other in matter.party_orgs and records <= about:
            raise ConfigError(
                Text(
                    en=f"the dispute about these records is open already: {matter.key.no}",
                    zh=f"就这两条记录已有未结的管辖争议：{matter.key.no}",
                ),
                hint=Text(
                    en=f"see hefu jurisdiction show {matter.key.no}",
                    zh=f"请查看 hefu jurisdiction show {matter.key.no}",
                ),
            )


def advise(node: Node, matter: Matter, now: datetime) -> Advice:
    """Who filed first, where the act was, who the common superior is: read anew from the records
    as they are, corrections included."""
    records = list(matter.opening.subject_record_ids)
    with workspace(node) as (con, _):
        index = attach_cases(con, node)
        cases = _cases(con, f"record_id IN ({_listed(records)})")
    orgs = [matter.orgs[role] for role in ("origin", "receiver") if role in matter.orgs]
    proposal = propose_competent(
        [case.filing() for case in cases if case.org in orgs],
        {org: division_of(node, org) for org in orgs},
        now.astimezone(CHINA).date(),
        node.rule_packs(),
    )
    have = {case.record_id for case in cases}
    others = [
        m
        for m in matters_of(node, PROCEDURE)
        if m.key != matter.key and m.applied and set(m.opening.subject_record_ids) & set(records)
    ]
    return Advice(
        matter,
        proposal,
        tuple(cases),
        tuple(r for r in records if r not in have),
        tuple(c for c in index.coverage if c.org in orgs),
        tuple(others),
    )


def division_of(node: Node, org: str) -> str:
    """The division of an agency: as this node or the partner's card says, else by its code."""
    if org == node.agency.code:
        return node.agency.division_code
    told = {p.code: p.config.division_code for p in node.partners()}
    return told.get(org) or org[_DIVISION]


def _one(con: duckdb.DuckDBPyConnection, wanted: str, *, is_own: bool) -> CaseSeen:
    found = _cases(con, f"record_id = {literal(wanted)} OR no = {literal(wanted)}")
    right = [c for c in found if c.is_own == is_own]
    if len(right) == 1:
        return right[0]
    raise _not_one(len(found), len(right), is_own=is_own)


def _not_one(found: int, right: int, *, is_own: bool) -> ConfigError:
    side = Text(en="of this agency", zh="本机关") if is_own else Text(
        en="of another agency", zh="其他机关"
    )  # fmt: skip
    hint = Text(
        en="give the record identifier; hefu check-case and hefu jurisdiction proposals show it",
        zh="请填写记录标识，可由 hefu check-case 或 hefu jurisdiction proposals 查得",
    )
    if right:
        return ConfigError(
            Text(
                en=f"{right} records {side.en} have that number",
                zh=f"{side.zh}有 {right} 条记录使用该编号",
            ),
            hint=hint,
        )
    if found:
        return ConfigError(
            Text(en=f"that is no record {side.en}", zh=f"该记录不是{side.zh}的记录"), hint=hint
        )
    return ConfigError(
        Text(en=f"there is no such record {side.en} here", zh=f"本节点没有这条{side.zh}的记录"),
        hint=hint,
    )


def _cases(con: duckdb.DuckDBPyConnection, where: str) -> list[CaseSeen]:
    rows = con.execute(
        f"SELECT {', '.join(_COLUMNS)} FROM cases WHERE ({where}) "
        f"AND {_STANDS} ORDER BY filing_time, record_id"
    ).fetchall()
    return [_seen(dict(zip(_COLUMNS, row, strict=True))) for row in rows]


def _seen(row: Mapping[str, Any]) -> CaseSeen:
    return CaseSeen(
        record_id=row["record_id"],
        record_type=row["record_type"],
        org=row["source_org_code"],
        is_own=bool(row["is_own"]),
        no=row["no"] or "",
        filed=row["filing_time"],
        division=row["division"],
        decided=row["decision_date"],
        fined=bool(row["fine_amount_cny"]),
        act_time=row["act_time"],
        cause=row["cause"],
    )


def _listed(values: Iterable[str]) -> str:
    return ", ".join(literal(v) for v in values) or "NULL"
