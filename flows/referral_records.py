"""What of this node's records may be referred: each record type read by a small adapter.

An adapter reads current records of this agency's own and says of each what decides about it
(:class:`Candidate`) and which fields of a lead it makes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from cooperation.procedures.clocks import CHINA
from cooperation.referral.leads import (
    COPIED_OF_CASE,
    COPIED_OF_LEAD,
    case_lead,
    lead_of_lead,
    snapshot_lead,
)
from cooperation.referral.routes import Candidate, Unfit
from flows.coverage import own_sql
from flows.own_records import SYSTEM
from hefu.node import Node
from lake.store import Lake
from schemas.codes import REMOVED, canonical
from schemas.sql import ident, literal

if TYPE_CHECKING:
    import duckdb

#: Leads that a referral made are referred already; what a hotline order made is not.
_MADE_FOR_REFERRAL = ("case_result", "lead", "accumulation_snapshot")
_NO_VIOLATION = ("not_established", "withdrawn")
#: subject_kind of a crossing → the cause that it is in the common list (公路安全保护条例 art. 66)
_CROSSING = {
    "vehicle": "overload_repeat_vehicle",
    "driver": "overload_repeat_driver",
    "transport_enterprise": "overload_repeat_operator",
}


@dataclass(frozen=True, slots=True)
class Referable:
    """A record that may be referred. ``content``: fields of the lead that it makes."""

    candidate: Candidate
    data_status: str
    content: Mapping[str, Any]
    addressee: str | None = None


@dataclass(frozen=True, slots=True)
class Adapter:
    """``numbers``: fields that an officer may name a record by; ``finished``: SQL, what a route
    takes up; ``read``: the current own records that fulfil SQL."""

    numbers: tuple[str, ...]
    finished: str
    read: Callable[[duckdb.DuckDBPyConnection, Lake, Node, str], list[Referable]]


def _rows(
    con: duckdb.DuckDBPyConnection, lake: Lake, node: Node, record_type: str,
    names: Iterable[str], where: str,
) -> list[dict[str, Any]]:  # fmt: skip
    columns = tuple(dict.fromkeys(("record_id", "data_status", "sharing_attribute", *names)))
    lake.attach(con, record_type)
    found = con.execute(
        f"SELECT {', '.join(map(ident, columns))} FROM {record_type}_current "
        f"WHERE {own_sql(node)} AND ({where}) ORDER BY record_id"
    ).fetchall()
    return [dict(zip(columns, row, strict=True)) for row in found]


def _unfit(row: Mapping[str, Any]) -> Unfit | None:
    if row.get("lead_type") == "discipline":
        return "discipline"
    if row["sharing_attribute"] == "not_shared":
        return "not_shared"
    if row["data_status"] in (REMOVED, "revoked"):
        return "revoked"
    if row.get("decision_type") in _NO_VIOLATION:
        return "no_violation"
    return "criminal" if row.get("decision_type") == "criminal_transfer" else None


def _cases(con: duckdb.DuckDBPyConnection, lake: Lake, node: Node, where: str) -> list[Referable]:
    names = (*COPIED_OF_CASE, "case_no", "filing_time", "violation_type", "case_source",
             "inspection_form")  # fmt: skip
    return [
        Referable(
            Candidate(
                record_id=row["record_id"],
                record_type="case_result",
                no=row["case_no"],
                done=row["closed_date"] or date.max,
                cause=row["common_cause_code"],
                registration_division=row["vehicle_registration_division"],
                plate=row["vehicle_plate_no"],
                act_division=row["violation_division_code"],
                unfit=_unfit(row),
            ),
            row["data_status"],
            case_lead(row),
        )
        for row in _rows(con, lake, node, "case_result", names, where)
    ]


def _leads(con: duckdb.DuckDBPyConnection, lake: Lake, node: Node, where: str) -> list[Referable]:
    names = (*COPIED_OF_LEAD, "lead_no", "lead_type", "to_org")
    return [
        Referable(
            Candidate(
                record_id=row["record_id"],
                record_type="lead",
                no=row["lead_no"],
                done=row["discovered_time"].astimezone(CHINA).date(),
                cause=row["common_cause_code"],
                registration_division=row["vehicle_registration_division"],
                plate=row["vehicle_plate_no"],
                act_division=row["violation_division_code"],
                addressee=row["to_org"],
                unfit=_unfit(row),
            ),
            row["data_status"],
            lead_of_lead(row),
            row["to_org"],
        )
        for row in _rows(con, lake, node, "lead", names, where)
    ]


def _snapshots(
    con: duckdb.DuckDBPyConnection, lake: Lake, node: Node, where: str
) -> list[Referable]:
    names = (
        "snapshot_no", "snapshot_time", "subject_kind", "about_record_id",
        "vehicle_registration_division",
    )  # fmt: skip
    rows = _rows(con, lake, node, "accumulation_snapshot", names, where)
    if not rows:
        return []
    about = _about(con, lake, node, [r["about_record_id"] for r in rows if r["about_record_id"]])
    return [_snapshot(row, about.get(row["about_record_id"])) for row in rows]


def _snapshot(row: Mapping[str, Any], about: Mapping[str, Any] | None) -> Referable:
    cause = _CROSSING.get(row["subject_kind"])
    # Of whose office the licence is, the count itself says; a counted case may not know it.
    division = row["vehicle_registration_division"]
    known = dict(about or {})
    if division:
        known["vehicle_registration_division"] = division
    return Referable(
        Candidate(
            record_id=row["record_id"],
            record_type="accumulation_snapshot",
            no=row["snapshot_no"],
            done=row["snapshot_time"].astimezone(CHINA).date(),
            cause=cause,
            registration_division=known.get("vehicle_registration_division"),
            plate=known.get("vehicle_plate_no"),
            unfit=_unfit(row) or ("foreign_subject" if about is None else None),
        ),
        row["data_status"],
        snapshot_lead(row, known, _label(cause)) | {"common_cause_code": cause},
    )


def _about(
    con: duckdb.DuckDBPyConnection, lake: Lake, node: Node, record_ids: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """The counted cases that tell who a crossing is about. Only our own: what a partner sent for
    one purpose is not passed on for another."""
    if not record_ids:
        return {}
    rows = _rows(con, lake, node, "case_result", COPIED_OF_CASE, among(record_ids))
    return {row["record_id"]: row for row in rows}


def _label(cause: str | None) -> str:
    labels = {row.code: row.label_zh for row in canonical("case_cause")}
    return labels.get(str(cause), "一年内违法超限运输累计达到规定次数或者比例")


def among(record_ids: Iterable[str]) -> str:
    """SQL: the record is one of these."""
    listed = ", ".join(literal(one) for one in record_ids)
    return f"record_id IN ({listed})" if listed else "false"


_NOT_MADE = (
    f"NOT (source_system = {literal(SYSTEM)} AND coalesce(origin_record_type, '') IN "
    f"({', '.join(map(literal, _MADE_FOR_REFERRAL))}))"
)

#: A crossing is referred once: not again when further cases come, and not when it was taken back.
_CROSSED = (
    "accumulation_result = 'exceeded' AND coalesce(snapshot_change, 'crossed') = 'crossed' AND "
    "record_id NOT IN (SELECT supersedes_record_id FROM accumulation_snapshot_current "
    "WHERE supersedes_record_id IS NOT NULL AND snapshot_change = 'below')"
)

ADAPTERS: dict[str, Adapter] = {
    "case_result": Adapter(("case_no", "penalty_decision_no"), "closed_date IS NOT NULL", _cases),
    "lead": Adapter(("lead_no",), _NOT_MADE, _leads),
    "accumulation_snapshot": Adapter(("snapshot_no",), _CROSSED, _snapshots),
}
