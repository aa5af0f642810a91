"""Withdraw and correct: a correction with its legal document, and who must hear of it.

``record_correction`` is a person's word; ``follow`` is the night's: versions that say it, matters
for those that have the record, and what went out (``flows.withdrawal_proofs`` is the other side).
Everything is made of records and can be made again: a correction is told by its number, a matter by
its subject. Killed in between, the next night goes on.
Source: 行政处罚法 第四十八条；个人信息保护法 第四十七条.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from cooperation.procedures.act import Act
from cooperation.procedures.clocks import Law, due_time
from cooperation.procedures.fold import Matter
from cooperation.withdrawal.effects import (
    DOCUMENTED,
    TOLD_BY_SOURCE,
    Correction,
    opening_act,
    resulting_status,
    standing,
)
from flows.acting import do_all, opening
from flows.coverage import own_sql
from flows.holders import Way, holders, ways_of
from flows.matters import law_of, matters_of
from flows.own_found import Found, number_sql, subject_types
from flows.own_records import append_own
from flows.withdrawal_sent import PROCEDURE, note_sent
from flows.withdrawn_versions import Restated, read_corrections, restate
from flows.workspace import reading
from hefu.node import Node
from lake.store import Lake
from lake.views import made_here_sql
from schemas.contract import load_contract
from schemas.errors import AccountingError, ConfigError
from schemas.law.jurisdiction import parameter
from schemas.sql import ident, literal
from schemas.text import Text

if TYPE_CHECKING:
    import duckdb

PARAMETER = "withdrawal_working_days"
_NUMBER_LENGTH = 10

MAPPING = """
SELECT
    correction_no AS source_record_id,
    correction_no, refers_to_record_id, refers_to_no, refers_to_record_type, refers_to_org,
    refers_to_content_hash, correction_type, correction_reason, legal_document_no, deciding_org,
    deciding_org_name, effective_time, resulting_data_status,
    from_json(corrected_fields, '["VARCHAR"]') AS corrected_fields,
    withdraw_due_time, reason_published = 'true' AS reason_published_flag,
    from_json(notified_orgs, '["VARCHAR"]') AS notified_orgs,
    effective_time AS occurred_time, recorded_time AS source_updated_time,
    legal_basis AS legal_basis_ref
FROM raw
"""


@dataclass(frozen=True, slots=True)
class Told:
    """What a person says of a correction. ``effective``: of the legal document, from which the
    periods run. ``deciding_org``: who decided it, this agency if left out.

    ``status``: of the record from then on, if another than the kind's own; ``valid`` takes an
    earlier correction back. ``fields``: what was wrong, of a data error.
    """

    kind: str
    document_no: str | None
    effective: datetime
    reason: str | None = None
    deciding_org: str | None = None
    deciding_org_name: str | None = None
    reason_published: bool = False
    status: str | None = None
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of it: the correction, versions that were made, and one matter for each partner
    that has the record. ``due``: the first moment that is too late."""

    correction: Correction
    record: Found
    due: datetime
    provisional: bool
    restated: tuple[Restated, ...]
    matters: tuple[Matter, ...]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A record that its source says is revoked or repaired, which partners have as it was, and of
    which nobody has recorded the legal document."""

    record_id: str
    record_type: str
    number: str
    data_status: str
    since: datetime
    due: datetime
    partners: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Followed:
    """What one night made of it. ``restated`` are new versions, ``opened`` and ``sent`` acts."""

    restated: tuple[Restated, ...] = ()
    opened: tuple[Act, ...] = ()
    sent: tuple[Act, ...] = ()
    proposals: tuple[Proposal, ...] = ()

    @property
    def contradicted(self) -> tuple[Restated, ...]:
        """Records that their source still told otherwise after the correction."""
        return tuple(r for r in self.restated if r.contradicted)


def record_correction(node: Node, record: Found, told: Told, now: datetime) -> Recorded:
    """Write down that a record is corrected, give it its new status, and open a matter with each
    partner that has it. The next publication sends it; doing it again changes nothing.

    Raises ``ConfigError`` where the document or the ground is missing, or for a time to come.
    """
    _check(told, now)
    law = law_of(node, now)
    due, provisional = _due(node, told.effective, law)
    number = _number(node, record, told)
    lake = Lake(node.place("lake"))
    ways = ways_of(node, now)
    correction = _recorded(node, number)
    if correction is None:
        with reading(node) as con:
            status = {record.record_id: told.status or resulting_status(told.kind)}
            having = holders(con, lake, node, ways, record.record_type, status)
        row = _row(node, record, told, number, due, having.get(record.record_id, ()), now)
        _write(node, row, now)
        correction = _recorded(node, number)
    if correction is None:
        raise AssertionError(number)  # it was written, or _write raised
    followed = _follow_own(node, [correction], ways, now)
    matters = [
        m
        for m in matters_of(node, PROCEDURE)
        if m.applied and m.opening.result_record_id == correction.record_id
    ]
    return Recorded(correction, record, due, provisional, followed.restated, tuple(matters))


def follow(node: Node, now: datetime) -> Followed:
    """The night's part: what sources and publications have made necessary since.

    Call it after the sources were read and before anything is published, and it may be called
    again after that: what went out is seen in the published chain.
    """
    lake = Lake(node.place("lake"))
    with reading(node) as con:
        corrections = read_corrections(con, lake, node)
    ways = ways_of(node, now)
    followed = _follow_own(node, corrections, ways, now)
    return replace(
        followed,
        sent=tuple(note_sent(node, ways, now)),
        proposals=tuple(proposals(node, now, ways)),
    )


def _follow_own(
    node: Node, corrections: Sequence[Correction], ways: Sequence[Way], now: datetime
) -> Followed:
    lake = Lake(node.place("lake"))
    with reading(node) as con:
        everything = read_corrections(con, lake, node)
        typed = _typed(con, lake, node, everything)
        holding = standing(typed)
        asked = {c.record_id for c in corrections}
        news = [c for c in typed if c.record_id in asked and holding[c.refers_to] is c]
        having = _having(con, lake, node, ways, news)
    # The matters first: which version a partner had is read before a new one takes its place.
    opened = _open(node, news, having, now)
    by_type: defaultdict[str, dict[str, Correction]] = defaultdict(dict)
    for one in news:
        if one.record_type is not None:
            by_type[one.record_type][one.refers_to] = one
    restated = [
        made
        for name, wanted in sorted(by_type.items())
        for made in restate(node, name, wanted, now)
    ]
    return Followed(tuple(restated), tuple(opened))


def _having(
    con: duckdb.DuckDBPyConnection,
    lake: Lake,
    node: Node,
    ways: Sequence[Way],
    corrections: Sequence[Correction],
) -> dict[str, tuple[str, ...]]:
    by_type: defaultdict[str, dict[str, str | None]] = defaultdict(dict)
    for one in corrections:
        if one.record_type is not None:
            by_type[one.record_type][one.refers_to] = one.status
    found: dict[str, tuple[str, ...]] = {}
    for name, wanted in by_type.items():
        found |= holders(con, lake, node, ways, name, wanted)
    return found


def _typed(
    con: duckdb.DuckDBPyConnection, lake: Lake, node: Node, corrections: Sequence[Correction]
) -> list[Correction]:
    """Those whose record is here, with its type, which a source may leave out."""
    found: dict[str, str] = {}
    ids = {c.refers_to for c in corrections}
    if not ids:
        return []
    listed = ", ".join(literal(i) for i in sorted(ids))
    for name in subject_types(lake, steps=True):
        lake.attach(con, name)
        rows = con.execute(
            f"SELECT record_id FROM {ident(name + '_current')} "
            f"WHERE record_id IN ({listed}) AND {own_sql(node)}"
        ).fetchall()
        found |= {str(row[0]): name for row in rows}
    return [replace(c, record_type=found[c.refers_to]) for c in corrections if c.refers_to in found]


def _open(
    node: Node,
    corrections: Sequence[Correction],
    having: dict[str, tuple[str, ...]],
    now: datetime,
) -> list[Act]:
    acts = [
        opening(
            node,
            PROCEDURE,
            opening_act(one.kind),
            now,
            again=one.number,
            to_org=partner,
            subject_record_ids=(one.refers_to,),
            subject_nos=(one.refers_to_no,) if one.refers_to_no else (),
            subject_record_type=one.record_type,
            reason_code=one.kind,
            document_no=one.document_no,
            act_time=one.effective,
            result_record_id=one.record_id,
        )
        for one in corrections
        for partner in having.get(one.refers_to, ())
    ]
    return [done.act for done in do_all(node, acts, now)] if acts else []


def proposals(node: Node, now: datetime, ways: Sequence[Way] | None = None) -> list[Proposal]:
    """What sources say is revoked and nobody has recorded, the first to be due first."""
    lake, law = Lake(node.place("lake")), law_of(node, now)
    found: list[Proposal] = []
    with reading(node) as con:
        recorded = {c.refers_to for c in read_corrections(con, lake, node)}
        for name in subject_types(lake):
            rows = _told_by_source(con, lake, node, name, recorded)
            wanted: dict[str, str | None] = {row[0]: row[2] for row in rows}
            known = ways if ways is not None or not rows else ways_of(node, now)
            having = holders(con, lake, node, known or (), name, wanted)
            found += [
                Proposal(row[0], name, row[1], row[2], row[3], _due(node, row[3], law)[0], partners)
                for row in rows
                if (partners := having.get(row[0], ()))
            ]
    return sorted(found, key=lambda p: (p.due, p.record_id))


def _told_by_source(
    con: duckdb.DuckDBPyConnection, lake: Lake, node: Node, record_type: str, recorded: set[str]
) -> list[tuple[str, str, str, datetime]]:
    lake.attach(con, record_type)
    statuses = ", ".join(literal(s) for s in TOLD_BY_SOURCE)
    rows = con.execute(
        f"SELECT record_id, {number_sql(load_contract(record_type))}, data_status, "
        f"source_updated_time FROM {ident(record_type + '_current')} "
        f"WHERE {own_sql(node)} AND data_status IN ({statuses}) AND NOT {made_here_sql()} "
        f"AND {_is_no_copy_sql(record_type)}"
    ).fetchall()
    return [row for row in rows if row[0] not in recorded]


def _is_no_copy_sql(record_type: str) -> str:
    """A lead that was made of a case follows the case: its status is no source's word."""
    has_origin = "origin_record_id" in load_contract(record_type).names()
    return "origin_record_id IS NULL" if has_origin else "true"


# the record of a correction


def _check(told: Told, now: datetime) -> None:
    if told.effective > now:
        raise ConfigError(
            Text(en="the document takes effect at a time to come", zh="文书生效时间晚于现在"),
            hint=Text(en="record it on the day", zh="请在生效当日登记"),
        )
    if told.kind in DOCUMENTED and not told.document_no:
        raise ConfigError(
            Text(
                en=f"{told.kind} rests on a legal document: its number is missing",
                zh="该类更正须有法律文书，请写明文号",
            ),
            hint=Text(en="--document-no NUMBER", zh="--document-no 文号"),
        )
    if told.kind in DOCUMENTED and not told.reason:
        raise ConfigError(
            Text(
                en="the reason is missing; it has to be published (行政处罚法 art. 48)",
                zh="缺少理由；理由应当公开说明（行政处罚法第四十八条）",
            ),
            hint=Text(en="--reason TEXT", zh="--reason 理由"),
        )


def _due(node: Node, effective: datetime, law: Law) -> tuple[datetime, bool]:
    division = node.agency.division_code
    days = parameter(PARAMETER, division, effective.date(), law.packs).entry.value
    due, provisional, _ = due_time(effective, int(days), "working_days", law)
    return due, provisional


def _number(node: Node, record: Found, told: Told) -> str:
    """The same correction always gets the same number: recording it twice is one record."""
    parts = (
        record.record_id, told.kind, told.document_no or "", told.effective.isoformat(),
        told.status or "",
    )  # fmt: skip
    digest = sha256("\x1f".join(parts).encode()).hexdigest()[:_NUMBER_LENGTH].upper()
    return f"GZ-{node.agency.division_code}-{digest}"


def _recorded(node: Node, number: str) -> Correction | None:
    with reading(node) as con:
        known = read_corrections(con, Lake(node.place("lake")), node)
    return next((c for c in known if c.number == number), None)


def _row(
    node: Node,
    record: Found,
    told: Told,
    number: str,
    due: datetime,
    partners: Sequence[str],
    now: datetime,
) -> dict[str, str | None]:
    status = told.status or resulting_status(told.kind)
    return {
        "correction_no": number,
        "refers_to_record_id": record.record_id,
        # The number of what is to be forgotten is not written down once more.
        "refers_to_no": None if opening_act(told.kind) == "erase" else record.number,
        "refers_to_record_type": record.record_type,
        "refers_to_org": node.agency.code,
        "refers_to_content_hash": record.content_hash,
        "correction_type": told.kind,
        "correction_reason": told.reason,
        "legal_document_no": told.document_no,
        "deciding_org": told.deciding_org or node.agency.code,
        "deciding_org_name": told.deciding_org_name
        or (node.agency.name if told.deciding_org is None else None),
        "effective_time": told.effective.isoformat(),
        "resulting_data_status": status,
        "corrected_fields": _listed(told.fields),
        "withdraw_due_time": due.isoformat(),
        "reason_published": "true" if told.reason_published else None,
        "notified_orgs": _listed(partners),
        "recorded_time": now.isoformat(),
        "legal_basis": "个人信息保护法 第四十七条"
        if opening_act(told.kind) == "erase"
        else "行政处罚法 第四十八条",
    }


def _listed(values: Sequence[str]) -> str | None:
    import json

    return json.dumps(list(values), ensure_ascii=False) if values else None


def _write(node: Node, row: dict[str, str | None], now: datetime) -> None:
    run = append_own(node, "correction", MAPPING, [row], now)
    if run is None or run.quarantined:
        reasons = ", ".join(sorted(run.reasons)) if run is not None else ""
        raise AccountingError(
            Text(
                en=f"the correction breaks our own rules: {reasons}",
                zh=f"更正记录未通过本节点自身的规则：{reasons}",
            )
        )
