"""Recognition records: how they are read from the lake, and how this node writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from cooperation.procedures.act import Act
from cooperation.recognition.chain import (
    Chain,
    Link,
    Versions,
    act_of,
    chains,
    following,
    next_step,
)
from flows.own_records import append_own
from hefu.node import Node
from lake.store import Lake
from schemas.codes import REMOVED
from schemas.contract import load_contract
from schemas.errors import AccountingError
from schemas.sql import ident, literal
from schemas.text import Text

if TYPE_CHECKING:
    import duckdb

RECORD_TYPE = "recognition"

#: Field of :class:`Link` -> column of the contract.
_LINK = {
    "record_id": "record_id",
    "source_org": "source_org_code",
    "recognition_no": "recognition_no",
    "step": "recognition_step",
    "sequence": "recognition_sequence",
    "use": "recognition_use",
    "decision": "recognition_decision",
    "recognising_org": "recognising_org",
    "recognising_org_name": "recognising_org_name",
    "recognised_org": "recognised_org",
    "own_record_type": "own_record_type",
    "own_record_id": "own_record_id",
    "own_no": "own_no",
    "own_hash": "own_content_hash",
    "original_type": "recognised_record_type",
    "original_id": "recognised_record_id",
    "original_no": "recognised_no",
    "original_hash": "recognised_content_hash",
    "act_time": "coalesce(occurred_time, decided_time, proposed_time, source_updated_time)",
    "recorded_time": "source_updated_time",
    "valid_to": "valid_to",
    "reason": "recognition_reason",
    "reason_text": "recognition_reason_text",
    "role": "decided_by_role",
    "name": "decided_by_name",
    "effect": "effect_text",
    "changed": "changed_fields",
    "decision_sha256": "decision_sha256",
    "proposed": "proposed_decision",
    "identity": "identity_match",
    "score": "match_score",
    "evidence": "match_evidence",
    "findings": "legal_findings",
    "crosswalk_id": "rule_crosswalk_id",
    "is_own": "_bundle_id IS NULL",
}
_LISTS = ("changed", "evidence", "findings")

_PLAIN = (
    "recognition_no", "recognition_sequence", "recognition_step", "recognition_use",
    "recognition_decision", "recognising_org", "recognising_org_name", "recognised_org",
    "own_record_type", "own_record_id", "own_no", "own_content_hash", "recognised_record_type",
    "recognised_record_id", "recognised_no", "recognised_content_hash", "identity_match",
    "match_score", "proposed_decision", "proposed_time", "recognition_reason",
    "recognition_reason_text", "rule_crosswalk_id", "applied_rule_pack_version",
    "decided_by_role", "decided_by_name", "decision_sha256", "decided_time", "valid_from",
    "valid_to", "effect_text", "rechecked_time", "occurred_time",
)  # fmt: skip
_WRITTEN_LISTS = ("match_evidence", "legal_findings", "applied_articles", "changed_fields")
_MAPPING = (
    "SELECT recognition_no || '/' || recognition_sequence || '/' || recognition_step "
    f"AS source_record_id, {', '.join(_PLAIN)}, "
    + ", ".join(
        f"CASE WHEN {name} IS NOT NULL THEN from_json({name}, '[\"VARCHAR\"]') END AS {name}"
        for name in _WRITTEN_LISTS
    )
    + ", recorded_time AS source_updated_time FROM raw"
)


def append_recognitions(node: Node, rows: Sequence[Mapping[str, object]], now: datetime) -> None:
    """Write records of this agency, all in one run. Raises ``AccountingError`` if our own rules
    refuse one."""
    texts = [{name: _text(row.get(name)) for name in _NAMES} for row in rows]
    run = append_own(node, RECORD_TYPE, _MAPPING, texts, now)
    if run is not None and run.quarantined:
        raise AccountingError(
            Text(
                en="a recognition breaks our own rules: " + ", ".join(sorted(run.reasons)),
                zh="互认记录未通过本节点自身的规则：" + "、".join(sorted(run.reasons)),
            )
        )


_NAMES = (*_PLAIN, *_WRITTEN_LISTS, "recorded_time")


def _text(value: object) -> str | None:
    if value is None or value == ():
        return None
    if isinstance(value, tuple):
        return json.dumps(value, ensure_ascii=False)
    return value.isoformat() if isinstance(value, date) else str(value)


def row_of(link: Link) -> dict[str, object]:
    """The row of a record that follows by itself: a reopening or a lapse."""
    told = {column: getattr(link, name) for name, column in _LINK.items() if column in _NAMES}
    return told | {
        "occurred_time": link.act_time,
        "rechecked_time": link.recorded_time,
        "recorded_time": link.recorded_time,
    }


def read_links(con: duckdb.DuckDBPyConnection, lake: Lake) -> list[Link]:
    """Every recognition record that stands, own and partners'."""
    if lake.version(RECORD_TYPE) is None:
        return []
    lake.attach(con, RECORD_TYPE)
    columns = ", ".join(_LINK.values())
    rows = con.execute(
        f"SELECT {columns} FROM {RECORD_TYPE}_current "
        f"WHERE data_status NOT IN ({literal(REMOVED)}, 'revoked')"
    ).fetchall()
    return [_link(dict(zip(_LINK, row, strict=True))) for row in rows]


def _link(values: dict[str, Any]) -> Link:
    return Link(**(values | {name: tuple(values[name] or ()) for name in _LISTS}))


@dataclass(frozen=True, slots=True)
class Looked:
    """A recognition and what became of the two records; ``known_time``: when this node came to
    know of their newest versions."""

    chain: Chain
    original: Versions
    own: Versions
    known_time: datetime


def look(con: duckdb.DuckDBPyConnection, lake: Lake, found: Sequence[Chain]) -> list[Looked]:
    """The versions behind the recognitions of this agency: those of partners are not ours to
    judge, and one that names no records rests on paper alone."""
    ours = [c for c in found if c.first.is_own and len(_refs(c)) == _BOTH]
    wanted = {ref for chain in ours for ref in _refs(chain)}
    records = _records(con, lake, wanted)
    return [_looked(chain, records) for chain in ours]


#: Record type, organisation, record, content hash that was looked at.
_Ref = tuple[str, str, str, str | None]
_Row = dict[str, Any]
#: The original and the own record.
_BOTH = 2


def _refs(chain: Chain) -> list[_Ref]:
    last = chain.last
    named = [
        (last.original_type, last.recognised_org, last.original_id, last.original_hash),
        (last.own_record_type, last.recognising_org, last.own_record_id, last.own_hash),
    ]
    return [(t, o, i, h) for t, o, i, h in named if t and o and i]


def _records(
    con: duckdb.DuckDBPyConnection, lake: Lake, wanted: set[_Ref]
) -> dict[_Ref, tuple[Versions, datetime | None]]:
    found: dict[_Ref, tuple[Versions, datetime | None]] = {}
    for record_type in sorted({ref[0] for ref in wanted}):
        refs = sorted((r for r in wanted if r[0] == record_type), key=str)
        found |= _records_of(con, lake, record_type, refs)
    return found


def _records_of(
    con: duckdb.DuckDBPyConnection, lake: Lake, record_type: str, refs: Sequence[_Ref]
) -> dict[_Ref, tuple[Versions, datetime | None]]:
    lake.attach(con, record_type)
    _wanted_table(con, refs)
    names = [f.name for f in load_contract(record_type).content_fields()]
    columns = ", ".join(f"r.{ident(name)}" for name in (*names, "content_hash", "received_time"))
    key = "r.source_org_code = w.org AND r.record_id = w.id"
    now = con.execute(
        f"SELECT w.org, w.id, w.hash, {columns} FROM wanted_records w "
        f"JOIN {record_type}_current r ON {key}"
    ).fetchall()
    seen = con.execute(
        f"SELECT w.org, w.id, w.hash, {columns} FROM wanted_records w "
        f"JOIN {record_type}_history r ON {key} AND r.content_hash = w.hash"
    ).fetchall()
    current = {tuple(row[:3]): row[3:] for row in now}
    before = {tuple(row[:3]): row[3:] for row in seen}
    return {ref: _versions(names, before.get(ref[1:]), current.get(ref[1:])) for ref in refs}


def _wanted_table(con: duckdb.DuckDBPyConnection, refs: Sequence[_Ref]) -> None:
    import pyarrow as pa

    columns = list(zip(*refs, strict=True))
    table = pa.table(
        {
            name: pa.array(values, pa.string())
            for name, values in zip(("type", "org", "id", "hash"), columns, strict=True)
        }
    )
    con.register("wanted_records_arrow", table)
    con.execute("CREATE OR REPLACE TEMP TABLE wanted_records AS FROM wanted_records_arrow")
    con.unregister("wanted_records_arrow")


def _versions(
    names: Sequence[str], seen: Sequence[Any] | None, now: Sequence[Any] | None
) -> tuple[Versions, datetime | None]:
    def row(values: Sequence[Any] | None) -> _Row | None:
        return None if values is None else dict(zip(names, values, strict=False))

    hash_now = None if now is None else now[-2]
    known = None if now is None else now[-1]
    return Versions(row(seen), row(now), hash_now), known


def _looked(chain: Chain, records: Mapping[_Ref, tuple[Versions, datetime | None]]) -> Looked:
    last, nothing = chain.last, (Versions(None, None, None), None)
    original = (
        last.original_type or "", last.recognised_org or "", last.original_id or "",
        last.original_hash,
    )  # fmt: skip
    own = (
        last.own_record_type or "", last.recognising_org, last.own_record_id or "", last.own_hash
    )  # fmt: skip
    theirs, theirs_known = records.get(original, nothing)
    ours, ours_known = records.get(own, nothing)
    times = [t for t in (theirs_known, ours_known, last.act_time) if t is not None]
    return Looked(chain, theirs, ours, max(times))


def follow(looked: Looked, on: date | None, recorded: datetime | None = None) -> Link | None:
    """The record that has to follow; None if nothing changed. Without ``on`` only what rests on
    versions is asked, not what ends on a day."""
    day = looked.chain.last.act_time.date() if on is None else on
    step = next_step(looked.chain, looked.original, looked.own, day)
    if step is None:
        return None
    link = following(looked.chain, step, looked.known_time, recorded or looked.known_time)
    return replace(
        link,
        original_hash=looked.original.hash_now or link.original_hash,
        own_hash=looked.own.hash_now or link.own_hash,
    )


def standing(con: duckdb.DuckDBPyConnection, lake: Lake, on: date | None = None) -> list[Chain]:
    """All recognitions as they stand: our own with what follows from the versions of the records
    behind them, also if it is not written down yet."""
    links = read_links(con, lake)
    found = chains(links)
    more = [link for one in look(con, lake, found) if (link := follow(one, on)) is not None]
    return chains([*links, *more]) if more else found


def recognition_acts(con: duckdb.DuckDBPyConnection, lake: Lake) -> list[Act]:
    """Recognitions as acts of the procedure, for the list of all matters and for the clocks."""
    return [act_of(link) for chain in standing(con, lake) for link in chain.links]
