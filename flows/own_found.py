"""Own records by what an officer calls them: a record id, or a number of the agency's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flows.coverage import own_sql
from flows.workspace import reading
from hefu.node import Node
from lake.store import Lake
from schemas.contract import Contract, load_contract, record_types
from schemas.errors import ConfigError
from schemas.sql import ident, literal
from schemas.text import Text

if TYPE_CHECKING:
    import duckdb

#: What is itself a step or an answer, and never the subject of a correction.
STEPS = ("accumulation_snapshot", "correction", "procedure_act", "receipt", "sealed_lead")


@dataclass(frozen=True, slots=True)
class Found:
    """One current record. ``number``: as its agency numbers it."""

    record_id: str
    record_type: str
    number: str
    data_status: str
    content_hash: str


def subject_types(lake: Lake, *, steps: bool = False) -> list[str]:
    """Record types that the lake has and that a correction may refer to; with ``steps``, all."""
    left_out = () if steps else STEPS
    return [t for t in record_types() if t not in left_out and lake.version(t) is not None]


def find_own(node: Node, wanted: str, *, steps: bool = False) -> Found:
    """The own record with this id or number.

    Raises ``ConfigError`` if there is none, or several.
    """
    lake = Lake(node.place("lake"))
    with reading(node) as con:
        found = [
            one
            for record_type in subject_types(lake, steps=steps)
            for one in _find(con, lake, node, load_contract(record_type), wanted)
        ]
    if len(found) == 1:
        return found[0]
    raise ConfigError(
        Text(
            en=f"no record of this agency has this id or number: {wanted!r}"
            if not found
            else f"{len(found)} records of this agency have the number {wanted!r}",
            zh=f"本机关没有标识或编号为“{wanted}”的记录"
            if not found
            else f"本机关有 {len(found)} 条记录的编号为“{wanted}”",
        ),
        hint=Text(
            en="give the record's id (32 hex digits) or its case number, as hefu export shows them",
            zh="请写记录标识（32 位十六进制）或案号，可用 hefu export 查看",
        ),
    )


def _find(
    con: duckdb.DuckDBPyConnection, lake: Lake, node: Node, contract: Contract, wanted: str
) -> Iterator[Found]:
    lake.attach(con, contract.record_type)
    names = number_fields(contract)
    told = " OR ".join(f"{ident(n)} = {literal(wanted)}" for n in ("record_id", *names))
    number = number_sql(contract)
    for row in con.execute(
        f"SELECT record_id, {number}, data_status, content_hash "
        f"FROM {ident(contract.record_type + '_current')} WHERE {own_sql(node)} AND ({told})"
    ).fetchall():
        yield Found(row[0], contract.record_type, *row[1:])


def number_fields(contract: Contract) -> list[str]:
    """The fields that hold a record's own number, the most usual one first."""
    required = [
        f.name for f in contract.fields if f.required and not f.envelope and f.name.endswith("_no")
    ]
    return [*required, *(n for n in ("penalty_decision_no",) if n in contract.names())]


def number_sql(contract: Contract) -> str:
    """SQL: what to call a row by."""
    names = ", ".join(ident(n) for n in number_fields(contract))
    return f"coalesce({names}, record_id)" if names else "record_id"
