"""A small record type of our own, rows of it and runs over them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa

from lake.runs import RunRecord, bundle_stream_id
from lake.store import Lake
from schemas.contract import Contract, parse_contract
from schemas.sql import connect

START = datetime(2026, 10, 1, tzinfo=UTC)
STREAM = "cases/results"
DIGEST = sha256(b"landed").hexdigest()
TIME = pa.timestamp("us", tz="UTC")


Field = tuple[str, str]

FIELDS: tuple[Field, ...] = (
    ("record_id", "VARCHAR"),
    ("content_hash", "VARCHAR"),
    ("source_updated_time", "TIMESTAMPTZ"),
    ("received_time", "TIMESTAMPTZ"),
    ("record_version", "BIGINT"),
    ("party_name", "VARCHAR"),
    ("fine_amount_cny", "DECIMAL(16,2)"),
    ("legal_basis", "VARCHAR[]"),
)


def contract(*more: Field) -> Contract:
    """The small record type, with more fields at the end."""
    lines = [
        "apiVersion: v3.1.0",
        "kind: DataContract",
        "id: urn:hefu:contract:thing",
        "version: 1.0.0",
        "status: active",
        "schema:",
        "  - name: thing",
        "    properties:",
    ]
    for name, kind in (*FIELDS, *more):
        lines.append(f'      - {{name: {name}, physicalType: "{kind}", classification: internal}}')
    return parse_contract("\n".join(lines).encode())


def lake_at(root: Path, *more: Field) -> Lake:
    return Lake(root, contracts=lambda _: contract(*more))


def row(key: str, day: int, name: str = "jia", received: int = 0) -> dict[str, Any]:
    return {
        "record_id": key,
        "content_hash": sha256(f"{key}{day}{name}".encode()).hexdigest(),
        "source_updated_time": START + timedelta(days=day),
        "received_time": START + timedelta(days=30 + received),
        "party_name": name,
        "legal_basis": ["a", "b"],
        "_object": 0,
        "_row": day,
        "_flags": [],
    }


SCHEMA = pa.schema(
    [
        pa.field("record_id", pa.string()),
        pa.field("content_hash", pa.string()),
        pa.field("source_updated_time", TIME),
        pa.field("received_time", TIME),
        pa.field("party_name", pa.string()),
        pa.field("legal_basis", pa.list_(pa.string())),
        pa.field("_object", pa.int32()),
        pa.field("_row", pa.int64()),
        pa.field("_flags", pa.list_(pa.string())),
    ]
)


def reader(rows: Sequence[dict[str, Any]], schema: pa.Schema = SCHEMA) -> pa.RecordBatchReader:
    return pa.Table.from_pylist(list(rows), schema=schema).to_reader(max_chunksize=2)


def run(run_id: str, accepted: int, **more: Any) -> RunRecord:
    given = {
        "run_id": run_id,
        "stream_id": STREAM,
        "record_type": "thing",
        "mode": "cursor",
        "started_at": START,
        "received": accepted,
        "accepted": accepted,
        "unchanged": 0,
        "duplicate": 0,
        "quarantined": 0,
        "landed": (DIGEST,),
    }
    return RunRecord(**given | more)


def bundle_run(bundle_id: str, accepted: int, **more: Any) -> RunRecord:
    stream = bundle_stream_id("341882", "ag-1")
    return run(f"run of {bundle_id}", accepted, stream_id=stream, bundle_id=bundle_id, **more)


def query(lake: Lake, sql: str, *, at_version: int | None = None) -> list[tuple[Any, ...]]:
    con = connect(threads=2)
    try:
        lake.attach(con, "thing", at_version=at_version)
        lake.attach_known(con, "thing")
        return con.execute(sql).fetchall()
    finally:
        con.close()
