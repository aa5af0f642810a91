"""Leads that this node makes itself: of a finished case, a snapshot, a hotline order.

They are records like any other, appended by ``flows.own_records``; a lead whose origin changed
gets a new version, so that the partner who has it learns of it with the next bundle.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from cooperation.referral.leads import lead_number
from flows.coverage import own_sql
from flows.own_records import SYSTEM, append_own
from flows.referral_records import Referable
from flows.workspace import reading
from hefu.node import Node
from lake.store import Lake
from schemas.codes import UNMAPPED
from schemas.contract import load_contract
from schemas.errors import AccountingError
from schemas.sql import literal
from schemas.text import Text

if TYPE_CHECKING:
    import duckdb

RECORD_TYPE = "lead"
_RECORD_ID_LENGTH = 32
#: Set by the node's clock or by the receiver's periods, not by the origin: no correction.
_OWN = frozenset({"source_updated_time", "data_status", "feedback_due_time", "jurisdiction_reason"})


@dataclass(frozen=True, slots=True)
class MadeLead:
    """A lead of ours as the lake has it now; ``values`` by field."""

    record_id: str
    lead_no: str
    to_org: str | None
    origin_record_id: str | None
    data_status: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Addressed:
    """To whom a lead goes. ``kind``: code of ``lead_type``; ``why``: why that agency is competent;
    ``basis``: the article; ``due``: until when an answer is asked for, None if none is."""

    to_org: str
    kind: str
    why: str
    basis: str = ""
    due: datetime | None = None


def lead_values(
    node: Node, record: Referable, lead_no: str, addressed: Addressed
) -> dict[str, Any]:
    """A lead made of a record, by field."""
    return dict(record.content) | {
        "lead_no": lead_no,
        "lead_type": addressed.kind,
        "from_org": node.agency.code,
        "to_org": addressed.to_org,
        "feedback_required": addressed.due is not None,
        "feedback_due_time": addressed.due,
        "jurisdiction_reason": addressed.why,
        "legal_basis_ref": addressed.basis or None,
        "origin_record_type": record.candidate.record_type,
        "origin_record_id": record.candidate.record_id,
        "origin_record_no": record.candidate.no,
    }


def goes_as_it_is(record: Referable, to: str) -> bool:
    """A lead that names nobody else is referred itself; of anything else a lead is made."""
    return record.candidate.record_type == RECORD_TYPE and record.addressee in (None, to)


def lead_no_of(node: Node, record: Referable, to: str) -> str:
    """The number of the lead by which a record goes to an agency."""
    if goes_as_it_is(record, to):
        return record.candidate.no
    return lead_number(node.agency.code, record.candidate.record_id, to)


def lead_id_of(node: Node, record: Referable, to: str) -> str:
    """The identifier of that lead."""
    if goes_as_it_is(record, to):
        return record.candidate.record_id
    return lead_record_id(node.agency.code, lead_no_of(node, record, to))


def lead_record_id(org: str, lead_no: str) -> str:
    """The identifier of a lead that this node makes (docs/record-digest.md)."""
    text = json.dumps(
        [org, RECORD_TYPE, SYSTEM, lead_no], ensure_ascii=False, separators=(",", ":")
    )
    return sha256(text.encode()).hexdigest()[:_RECORD_ID_LENGTH]


def givable() -> tuple[str, ...]:
    """The fields that a lead of ours may give, in the contract's order."""
    contract = load_contract(RECORD_TYPE)
    return tuple(f.name for f in contract.givable_fields() if f.name != "source_record_id")


def made_leads(con: duckdb.DuckDBPyConnection, lake: Lake, node: Node) -> dict[str, MadeLead]:
    """The leads that this node made, by number."""
    names = givable()
    lake.attach(con, RECORD_TYPE)
    rows = con.execute(
        f"SELECT record_id, {', '.join(names)} FROM {RECORD_TYPE}_current "
        f"WHERE {own_sql(node)} AND source_system = {literal(SYSTEM)}"
    ).fetchall()
    found = (dict(zip(("record_id", *names), row, strict=True)) for row in rows)
    return {values["lead_no"]: _made(values) for values in found}


def _made(values: Mapping[str, Any]) -> MadeLead:
    return MadeLead(
        record_id=values["record_id"],
        lead_no=values["lead_no"],
        to_org=values["to_org"],
        origin_record_id=values["origin_record_id"],
        data_status=values["data_status"],
        values=values,
    )


def changed_fields(made: MadeLead, wanted: Mapping[str, Any]) -> tuple[str, ...]:
    """Fields that the lead's origin says otherwise now."""
    return tuple(
        name
        for name, value in wanted.items()
        if name not in _OWN and _text(name, value) != _text(name, made.values.get(name))
    )


def append_leads(node: Node, leads: Sequence[Mapping[str, Any]], now: datetime) -> frozenset[str]:
    """Write leads (fields by name, ``lead_no`` among them); those that the lake has as they are
    stay. Returns the numbers that are there afterwards; one that is not broke a hard rule.
    """
    if not leads:
        return frozenset()
    names = [n for n in givable() if any(lead.get(n) is not None for lead in leads)]
    rows = [
        {n: _text(n, lead.get(n)) for n in names} | {"source_updated_time": now.isoformat()}
        for lead in leads
    ]
    columns = list(dict.fromkeys([*names, "source_updated_time"]))
    ordered = [{name: row[name] for name in columns} for row in rows]
    append_own(node, RECORD_TYPE, _mapping(columns), ordered, now)
    with reading(node) as con:
        there = made_leads(con, Lake(node.place("lake")), node)
    wanted = {str(lead["lead_no"]) for lead in leads}
    return frozenset(wanted & there.keys())


def check_all_there(wanted: Iterable[str], there: frozenset[str]) -> None:
    """Raises ``AccountingError`` if a lead that somebody asked for was not accepted."""
    if set(wanted) - there:
        raise AccountingError(
            Text(
                en="a lead made by this node breaks one of its own hard rules",
                zh="本节点形成的线索未通过自身的强制规则",
            ),
            hint=Text(
                en="correct the record that it comes from at its source",
                zh="请在来源系统更正形成该线索的记录",
            ),
        )


def _mapping(columns: Sequence[str]) -> str:
    lists = {f.name for f in load_contract(RECORD_TYPE).fields if f.duckdb_type == "VARCHAR[]"}
    listed = ", ".join(
        f"from_json({name}, '[\"VARCHAR\"]') AS {name}" if name in lists else name
        for name in columns
    )
    return f"SELECT lead_no AS source_record_id, {listed} FROM raw"


def _text(name: str, value: Any) -> str | None:
    if value is None or value == "" or value == []:
        return None
    if value == UNMAPPED and load_contract(RECORD_TYPE).field(name).code_list:
        return None  # what it was stands in raw_values of the origin; nothing is guessed
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone().isoformat() if value.tzinfo is None else value.isoformat()
    if isinstance(value, list | tuple):
        return json.dumps(list(value), ensure_ascii=False)
    return value.isoformat() if isinstance(value, date) else _number(value)


def _number(value: Any) -> str:
    return format(value, "f") if isinstance(value, Decimal) else str(value)
