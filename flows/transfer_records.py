"""The formal record of a transfer (contract ``transfer``), made when it is sent to the police.

It travels to partners that are granted it, as any record does; the act names it. Party, place and
cause are those of the case; the materials are digests of files that the agency keeps.
Source: 310号令 第五条、第六条.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from cooperation.procedures.act import Act
from cooperation.procedures.fold import Matter
from flows.coverage import own_sql
from flows.own_records import SYSTEM, append_own
from flows.workspace import reading
from hefu.node import Node
from lake.store import Lake
from schemas.errors import AccountingError
from schemas.identity import record_id_sql
from schemas.sql import connect, literal
from schemas.text import Text

RECORD_TYPE = "transfer"
#: Taken over from the case as they are.
_OF_CASE = (
    "party_category", "party_name", "party_id_type", "party_id_no", "legal_representative",
    "legal_representative_id_type", "legal_representative_id_no", "party_address", "party_phone",
    "violation_place", "violation_division_code", "case_cause_code", "common_cause_code",
)  # fmt: skip
_PLAIN = (
    "transfer_no", "transfer_kind", "case_record_id", "case_no", "transfer_document_type",
    "transfer_document_no", "transfer_reason", "from_org", "from_org_name", "to_org",
    "to_org_name", "cc_procuratorate_org", "suspected_offence", "approver_role",
    "approval_result",
)  # fmt: skip
_LISTS = (
    "officer_certificate_nos", "material_kinds", "material_titles", "material_states",
    "material_sha256", "property_names", "property_quantities", "property_locations",
)  # fmt: skip
_TIMES = (
    "team_set_time", "report_time", "approval_time", "sent_time", "occurred_time",
    "recorded_time",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Goods:
    """One item of property that goes along (310号令 第六条第三项)."""

    name: str
    quantity: str = ""
    place: str = ""


def transfer_record_id(node: Node, matter_no: str) -> str:
    """The identifier that the record of a matter has."""
    values = (node.agency.code, RECORD_TYPE, SYSTEM, matter_no)
    with connect() as con:
        row = con.execute(f"SELECT {record_id_sql(*map(literal, values))}").fetchone()
    assert row is not None  # noqa: S101 (a SELECT without FROM has one row)
    return str(row[0])


def write_transfer_record(
    node: Node, matter: Matter, sent: Act, goods: Sequence[Goods], copied_to: str | None
) -> None:
    """Append the record of a matter that is about to be sent by the act ``sent``.

    Raises ``AccountingError`` if it breaks our own rules.
    """
    row = {**_values(matter, sent, goods, copied_to), **_of_case(node, matter)}
    told = {name: _text(row.get(name)) for name in (*_PLAIN, *_OF_CASE, *_TIMES, *_LISTS)}
    now = sent.recorded_time or sent.act_time
    run = append_own(node, RECORD_TYPE, _mapping(), [told], now)
    if run is not None and run.quarantined:
        raise AccountingError(
            Text(
                en="the record of a transfer breaks our own rules: "
                + ", ".join(sorted(run.reasons)),
                zh="移送记录未通过本节点自身的规则：" + "、".join(sorted(run.reasons)),
            )
        )


def _values(
    matter: Matter, sent: Act, goods: Sequence[Goods], copied_to: str | None
) -> dict[str, object]:
    first, team = matter.opening, matter.last_of("set_team")
    report, approval = matter.last_of("report"), matter.last_of("approve")
    return {
        "transfer_no": matter.key.no,
        "transfer_kind": "criminal",
        "case_record_id": next(iter(first.subject_record_ids), None),
        "case_no": next(iter(first.subject_nos), None),
        "transfer_document_type": "suspected_crime_transfer",
        "transfer_document_no": sent.document_no,
        "transfer_reason": sent.reason_text,
        "from_org": sent.acting_org,
        "from_org_name": sent.acting_org_name,
        "to_org": sent.to_org,
        "to_org_name": sent.to_org_name,
        "cc_procuratorate_org": copied_to,
        "suspected_offence": first.suspected_offence,
        "officer_certificate_nos": team.officer_certificate_nos if team else (),
        "team_set_time": team.act_time if team else None,
        "report_time": report.act_time if report else None,
        "approver_role": approval.approver_role if approval else None,
        "approval_time": approval.act_time if approval else None,
        "approval_result": "approved" if approval else None,
        "sent_time": sent.act_time,
        "recorded_time": sent.recorded_time,
        "material_kinds": tuple(m.kind for m in sent.materials),
        "material_titles": tuple(m.title for m in sent.materials),
        "material_states": tuple(m.state for m in sent.materials),
        "material_sha256": tuple(m.sha256 for m in sent.materials),
        "property_names": tuple(g.name for g in goods),
        "property_quantities": tuple(g.quantity for g in goods),
        "property_locations": tuple(g.place for g in goods),
    }


def _of_case(node: Node, matter: Matter) -> Mapping[str, object]:
    """Party, place and cause of the case; nothing for a case that is not in the lake."""
    subject = next(iter(matter.opening.subject_record_ids), None)
    if subject is None:
        return {}
    columns = (*_OF_CASE, "occurred_time")
    with reading(node) as con:
        Lake(node.place("lake")).attach(con, "case_result")
        row = con.execute(
            f"SELECT {', '.join(columns)} FROM case_result_current "
            f"WHERE record_id = ? AND {own_sql(node)}",
            [subject],
        ).fetchone()
    return dict(zip(columns, row, strict=True)) if row else {}


def _mapping() -> str:
    lists = ", ".join(
        f"CASE WHEN {name} IS NOT NULL THEN from_json({name}, '[\"VARCHAR\"]') END AS {name}"
        for name in _LISTS
    )
    times = ", ".join(name for name in _TIMES if name != "recorded_time")
    plain = ", ".join((*_PLAIN, *_OF_CASE))
    return (
        f"SELECT transfer_no AS source_record_id, {plain}, {lists}, {times}, "
        "recorded_time AS source_updated_time, "
        "'310号令 第五条、第六条' AS legal_basis_ref FROM raw"
    )


def _text(value: object) -> str | None:
    if value is None or value == ():
        return None
    if isinstance(value, tuple):
        return json.dumps(value, ensure_ascii=False)
    return value.isoformat() if isinstance(value, datetime) else str(value)


def recorded(node: Node) -> frozenset[str]:
    """Identifiers of the transfer records that this node made."""
    with reading(node) as con:
        Lake(node.place("lake")).attach(con, RECORD_TYPE)
        rows = con.execute(
            f"SELECT record_id FROM {RECORD_TYPE}_current WHERE {own_sql(node)}"
        ).fetchall()
    return frozenset(row[0] for row in rows)
