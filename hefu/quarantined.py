"""The rows in quarantine that are still open, and what may be shown of them.

A row is open until a version of its record was accepted later, or a later run read the same
object and no longer refused it (``quality.quarantine.resolve``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from hefu.lineage import PRIVATE, lineage, private_columns
from schemas.errors import ConfigError
from schemas.masking import mask, mask_text
from schemas.text import Text

if TYPE_CHECKING:
    import duckdb

    from hefu.node import Node
    from lake.store import Lake
    from schemas.contract import Contract

_ID_LENGTH = 12
_BUNDLE = "bundle:"


@dataclass(frozen=True, slots=True)
class OpenRow:
    """One quarantined row. ``row_id``: first 12 hex digits of the SHA-256 of its raw text.

    ``row`` counts from 1 in the landed object ``object_digest``. ``raw`` (JSON of the source's
    columns), ``raw_text`` (a row that could not even be read) and ``uncast`` (JSON field → raw
    text) hold personal data: show them through :func:`shown`.
    """

    row_id: str
    stream_id: str
    record_type: str
    time: datetime
    object_digest: str
    row: int
    record_id: str | None
    source_record_id: str | None
    reasons: tuple[str, ...]
    raw: str | None
    raw_text: str | None
    uncast: str | None
    detail: str | None


@dataclass(frozen=True, slots=True)
class Shown:
    """A row as it may be shown: source column → value, field → text that could not be read."""

    values: Mapping[str, str | None]
    uncast: Mapping[str, str]
    raw_text: str | None
    masked: bool


def open_rows(
    node: Node, wanted: list[str] | None = None, reason: str | None = None
) -> list[OpenRow]:
    """Open rows, newest run first. ``wanted``: systems or system/stream; ``reason``: a rule id.

    Raises :class:`ConfigError` for a source that the node does not have, ``DataError`` when a
    file that a run names is gone.
    """
    from lake.store import Lake
    from schemas.sql import connect

    lake = Lake(node.place("lake"))
    streams = _streams(node, lake, wanted)
    con = connect(memory_limit=node.config.node.memory_limit)
    try:
        rows = [
            row
            for record_type, stream_id in streams
            for row in _rows_of(con, node, lake, record_type, stream_id)
            if reason is None or reason in row.reasons
        ]
    finally:
        con.close()
    return sorted(rows, key=lambda r: (-r.time.timestamp(), r.stream_id, r.object_digest, r.row))


def find_row(node: Node, row_id: str) -> OpenRow:
    """The open row whose id begins with ``row_id``. Raises :class:`ConfigError`."""
    rows = open_rows(node)
    found = [row for row in rows if row.row_id.startswith(row_id.lower())]
    if len(found) == 1:
        return found[0]
    raise ConfigError(
        Text(en=f"no open row has the id {row_id}", zh=f"没有编号为 {row_id} 的待处理行")
        if not found
        else Text(
            en=f"{len(found)} open rows have an id that begins with {row_id}",
            zh=f"有 {len(found)} 行的编号以 {row_id} 开头",
        ),
        hint=Text(en="hefu quarantine list shows the ids", zh="编号可用 hefu quarantine list 查看"),
    )


def shown(node: Node, row: OpenRow, *, reveal: bool) -> Shown:
    """What may be shown of a row: personal values masked unless ``reveal``.

    A source column that the mapping does not use may hold anything and is masked; so is the
    text of a row that could not be read, and everything when the mapping can't be read.
    """
    from schemas.contract import load_contract

    values = _as_texts(row.raw)
    uncast = {k: str(v) for k, v in _as_texts(row.uncast).items()}
    if reveal:
        return Shown(values, uncast, row.raw_text, masked=False)
    contract = load_contract(row.record_type)
    hidden = _hidden_columns(node, row, contract, tuple(values))
    open_fields = {f.name for f in contract.fields if f.classification not in PRIVATE}
    return Shown(
        {
            c: v if v is None else mask(v) if c in hidden else mask_text(v)
            for c, v in values.items()
        },
        {f: mask_text(text) if f in open_fields else mask(text) for f, text in uncast.items()},
        mask(row.raw_text) if row.raw_text is not None else None,
        masked=True,
    )


def _hidden_columns(
    node: Node, row: OpenRow, contract: Contract, columns: tuple[str, ...]
) -> frozenset[str]:
    """The source columns to mask; a bundle's columns are the contract's fields themselves."""
    from schemas.sql import connect

    if row.stream_id.startswith(_BUNDLE):
        return private_columns({name: (name,) for name in columns}, contract, columns)
    (source,) = node.sources([row.stream_id])
    try:
        sql = source.mapping_path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return frozenset(columns)
    con = connect()
    try:
        return private_columns(lineage(con, sql, columns), contract, columns)
    finally:
        con.close()


def _as_texts(document: str | None) -> dict[str, str | None]:
    plain: dict[str, Any] = json.loads(document) if document else {}
    return {name: None if value is None else str(value) for name, value in plain.items()}


def _streams(node: Node, lake: Lake, wanted: list[str] | None) -> list[tuple[str, str]]:
    """(record type, stream) of own sources and of partners' bundles, or of those wanted."""
    from schemas.contract import record_types

    own = [w for w in wanted or [] if not w.startswith(_BUNDLE)]
    found = [
        (source.config.record_type, source.stream_id)
        for source in (node.sources(own) if own or not wanted else [])
    ]
    for record_type in record_types():
        streams = sorted({run.stream_id for run in lake.runs(record_type) if run.bundle_id})
        found += [(record_type, s) for s in streams if not wanted or s in wanted]
    return found


def _rows_of(
    con: duckdb.DuckDBPyConnection, node: Node, lake: Lake, record_type: str, stream_id: str
) -> Iterator[OpenRow]:
    from flows.waiting import resolve_rows

    runs = lake.runs(record_type, stream_id)
    if not any(run.quarantine_file for run in runs):
        return
    resolve_rows(con, node, lake, record_type, stream_id, runs)
    found = con.execute(
        "SELECT row_digest, quarantined_at, object_digest, row, record_id, source_record_id, "
        "reasons, raw, raw_text, uncast, detail FROM quarantine_resolved WHERE resolved_by IS NULL"
    ).fetchall()
    for digest, at, obj, row, record_id, source_record_id, reasons, *texts in found:
        yield OpenRow(
            row_id=digest[:_ID_LENGTH],
            stream_id=stream_id,
            record_type=record_type,
            time=at,
            object_digest=obj,
            row=row,
            record_id=record_id,
            source_record_id=source_record_id,
            reasons=tuple(reasons),
            raw=texts[0],
            raw_text=texts[1],
            uncast=texts[2],
            detail=texts[3],
        )
