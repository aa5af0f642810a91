"""Versions of own records that say what a correction made of them.

A correction is a record of its own. So that every view, index and partner follows, the record gets
a new version too: its source's newest content with the status of the correction. The source
is not contradicted for good: what it changes later becomes part of the next such version, and a
status that it says by itself needs none (ADR 0034). Such a version is no word of the source:
what the source says next is judged against what the source said before (``lake.views.known_view``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from cooperation.withdrawal.effects import Correction, resulting_status
from flows.coverage import own_sql
from flows.locks import holding
from flows.workspace import workspace
from hefu.node import Node
from lake.erase import MARK
from lake.runs import RunRecord
from lake.store import Lake
from lake.views import MADE_HERE, ORDER, STATUS_FIELD, made_here_sql
from schemas.codes import REMOVED
from schemas.contract import Contract, load_contract
from schemas.identity import content_hash_sql
from schemas.rulepack import rule_set_version
from schemas.sql import ident, literal

if TYPE_CHECKING:
    import duckdb

STREAM = "hefu/withdrawn"
_CLOCK = "source_updated_time"
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Restated:
    """A version that was made. ``contradicted``: the source said another status after the
    correction was recorded, and was overruled."""

    record_id: str
    status: str
    contradicted: bool


def read_corrections(con: duckdb.DuckDBPyConnection, lake: Lake, node: Node) -> list[Correction]:
    """The corrections of this agency that count: its node's, and its systems' with a document."""
    lake.attach(con, "correction")
    rows = con.execute(
        "SELECT record_id, correction_no, refers_to_record_id, refers_to_record_type, "
        "correction_type, legal_document_no, effective_time, received_time, resulting_data_status, "
        "refers_to_no "
        f"FROM correction_current WHERE {own_sql(node)} AND refers_to_record_id IS NOT NULL "
        f"AND data_status NOT IN ({literal(REMOVED)}, 'revoked') "
        "AND (source_system = 'hefu' OR legal_document_no IS NOT NULL)"
    ).fetchall()
    return [
        Correction(no, number, about, kind, what, document, since, came, _status(what, said), its)
        for no, number, about, kind, what, document, since, came, said, its in rows
    ]


def _status(kind: str, said: str | None) -> str | None:
    if said is None:
        return resulting_status(kind)
    return None if said == "valid" else said


def restate(
    node: Node, record_type: str, wanted: Mapping[str, Correction], now: datetime
) -> list[Restated]:
    """Give each record that does not show its correction a version that does.

    ``wanted``: by record id. Run again it makes nothing.
    """
    if not wanted:
        return []
    lake = Lake(node.place("lake"))
    with holding(node, f"table/{record_type}"), workspace(node) as (con, _):
        made = _make(con, lake, node, load_contract(record_type), wanted.values(), now)
        if made:
            _append(con, lake, load_contract(record_type), now)
        return made


def _make(
    con: duckdb.DuckDBPyConnection,
    lake: Lake,
    node: Node,
    contract: Contract,
    wanted: Iterable[Correction],
    now: datetime,
) -> list[Restated]:
    """The table ``restated``: versions in the shape that goes to the lake, and ``_stream``."""
    con.execute(
        "CREATE TEMP TABLE wanted (record_id VARCHAR, status VARCHAR, recorded TIMESTAMPTZ)"
    )
    con.executemany(
        "INSERT INTO wanted VALUES (?, ?, ?)", [(c.refers_to, c.status, c.received) for c in wanted]
    )
    record_type = contract.record_type
    lake.attach(con, record_type)
    newest = ", ".join(f"{ident(column)} DESC NULLS LAST" for column in ORDER)
    history = ident(f"{record_type}_history")
    con.execute(
        f"CREATE TEMP TABLE told AS SELECT * FROM {history} SEMI JOIN wanted USING (record_id) "
        f"WHERE {own_sql(node)} AND NOT {made_here_sql()} "
        f"QUALIFY row_number() OVER (PARTITION BY record_id ORDER BY {newest}) = 1"
    )
    con.execute(
        f"CREATE TEMP TABLE holding AS SELECT record_id, {STATUS_FIELD} AS status, content_hash, "
        f"{_CLOCK} AS clock, received_time AS received, {made_here_sql()} AS is_ours "
        f"FROM {ident(record_type + '_current')} SEMI JOIN wanted USING (record_id) "
        f"WHERE {own_sql(node)}"
    )
    moment, tick = f"{literal(now.isoformat())}::TIMESTAMPTZ", "INTERVAL 1 MICROSECOND"
    replaced = {
        STATUS_FIELD: f"coalesce(w.status, t.{STATUS_FIELD})",
        _CLOCK: f"greatest({moment}, h.clock + {tick})",
        "received_time": f"greatest({moment}, h.received + {tick})",
        "schema_version": literal(contract.version),
        "rule_pack_version": literal(
            rule_set_version(node.agency.division_code, node.rule_packs())
        ),
    }
    fields = ", ".join(
        f"{replaced.get(f.name, 't.' + ident(f.name))} AS {ident(f.name)}" for f in contract.fields
    )
    content = [f.name for f in contract.content_fields() if f.name != _CLOCK]
    con.execute(
        "CREATE TEMP TABLE restated AS SELECT * FROM (SELECT * REPLACE "
        f"({content_hash_sql(contract, content)} AS content_hash) FROM (SELECT {fields}, t._flags, "
        "regexp_extract(t._run_id, '^[^/]+/[^/]+') AS _stream, h.status AS _status, "
        "h.content_hash AS _hash, h.is_ours AS _is_ours, "
        f"t._extra IS NOT DISTINCT FROM {literal(MARK)} AS _erased, "
        "NOT h.is_ours AND t.received_time > w.recorded AS _contradicted "
        "FROM told AS t JOIN wanted AS w USING (record_id) JOIN holding AS h USING (record_id))) "
        f"WHERE {STATUS_FIELD} <> _status OR (_is_ours AND content_hash <> _hash AND NOT _erased)"
    )
    rows = con.execute(
        f"SELECT record_id, {STATUS_FIELD}, _contradicted FROM restated ORDER BY record_id"
    ).fetchall()
    return [Restated(*row) for row in rows]


def _append(con: duckdb.DuckDBPyConnection, lake: Lake, contract: Contract, now: datetime) -> None:
    """One run for each stream that told of the records: their versions stay that stream's."""
    found = con.execute(
        "SELECT _stream, count(*) FROM restated GROUP BY _stream ORDER BY _stream"
    ).fetchall()
    for stream, rows in found:
        sequence = lake.next_sequence(STREAM, contract.record_type)
        run = RunRecord(
            run_id=f"{stream}{MADE_HERE}{sequence}",
            stream_id=STREAM,
            record_type=contract.record_type,
            mode="cursor",
            started_at=now,
            received=rows,
            accepted=rows,
            unchanged=0,
            duplicate=0,
            quarantined=0,
            contract_version=contract.version,
        )
        reader = con.execute(
            "SELECT * EXCLUDE (_stream, _status, _hash, _is_ours, _erased, _contradicted) "
            f"FROM restated WHERE _stream = {literal(stream)}"
        ).to_arrow_reader(100_000)
        lake.append(contract, reader, run, sequence=sequence)
