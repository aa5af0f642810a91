"""Snapshots in the lake: those that this node made, and the writing of new ones."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from cooperation.accumulation.following import Earlier
from cooperation.accumulation.judging import KEY_COLUMN
from cooperation.accumulation.law import KINDS, Base, Kind, WindowKind
from flows.coverage import own_sql
from flows.own_records import append_own
from hefu.node import Node
from lake.store import Lake
from schemas.contract import load_contract
from schemas.errors import AccountingError, ConfigError
from schemas.sql import literal
from schemas.text import Text

if TYPE_CHECKING:
    import duckdb

RECORD_TYPE = "accumulation_snapshot"
Subject = tuple[Kind, str]
_COLUMNS = (
    "record_id", "snapshot_no", "snapshot_time", "snapshot_change", "supersedes_record_id",
    "subject_kind", "subject_token", "base_date_kind", "window_kind", "window_end_date",
    "accumulation_result", "hit_record_ids",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot of ours as the lake has it."""

    record_id: str
    snapshot_no: str
    snapshot_time: datetime
    snapshot_change: str | None
    supersedes_record_id: str | None
    subject_kind: Kind
    subject_token: str
    base_date_kind: str
    window_kind: WindowKind | None
    window_end_date: date
    accumulation_result: str
    hit_record_ids: tuple[str, ...]


def own_snapshots(con: duckdb.DuckDBPyConnection, node: Node) -> list[Snapshot]:
    """The current snapshots of this agency, the oldest first."""
    Lake(node.place("lake")).attach(con, RECORD_TYPE)
    rows = con.execute(
        f"SELECT {', '.join(_COLUMNS)} FROM {RECORD_TYPE}_current WHERE {own_sql(node)} "
        "AND data_status NOT IN ('removed', 'revoked') ORDER BY snapshot_time, record_id"
    ).fetchall()
    return [_snapshot(dict(zip(_COLUMNS, row, strict=True))) for row in rows]


def _snapshot(row: dict[str, Any]) -> Snapshot:
    return Snapshot(**row | {"hit_record_ids": tuple(row["hit_record_ids"] or ())})


def newest(snapshots: Sequence[Snapshot]) -> list[Earlier]:
    """Of each subject the snapshot that nothing follows, with those that it follows."""
    by_id = {s.record_id: s for s in snapshots}
    followed = {s.supersedes_record_id for s in snapshots}
    return [_earlier(s, by_id) for s in snapshots if s.record_id not in followed]


def _earlier(snapshot: Snapshot, by_id: Mapping[str, Snapshot]) -> Earlier:
    chain = [snapshot.record_id]
    at = snapshot
    while at.snapshot_change != "crossed":
        before = by_id.get(at.supersedes_record_id or "")
        if before is None or before.record_id in chain:
            break
        at = before
        chain.append(at.record_id)
    return Earlier(
        record_id=snapshot.record_id,
        no=snapshot.snapshot_no,
        kind=snapshot.subject_kind,
        token=snapshot.subject_token,
        base=cast("Base", snapshot.base_date_kind.removesuffix("_date")),
        window_kind=snapshot.window_kind,
        window_end=snapshot.window_end_date,
        exceeded=snapshot.accumulation_result == "exceeded",
        hits=frozenset(snapshot.hit_record_ids),
        chain=tuple(chain),
    )


def append_snapshots(node: Node, rows: Sequence[Mapping[str, object]], now: datetime) -> int:
    """Write snapshots given by field, all with the same fields; how many were not there yet.

    Raises ``AccountingError`` if one breaks our own rules: nothing may be lost.
    """
    if not rows:
        return 0
    names = sorted({name for row in rows for name in row})
    contract = load_contract(RECORD_TYPE)
    lists = {f.name for f in contract.fields if f.duckdb_type.endswith("[]")}
    columns = ", ".join(
        f"CASE WHEN {n} IS NOT NULL THEN from_json({n}, '[\"VARCHAR\"]') END AS {n}"
        if n in lists
        else n
        for n in names
    )
    text = [{name: _text(row.get(name)) for name in names} for row in rows]
    run = append_own(node, RECORD_TYPE, f"SELECT {columns} FROM raw", text, now)
    if run is not None and run.quarantined:
        broken = ", ".join(sorted(run.reasons))
        raise AccountingError(
            Text(
                en=f"a snapshot breaks our own rules: {broken}",
                zh=f"累计快照未通过本节点自身的规则：{broken}",
            )
        )
    return run.accepted if run is not None else 0


def _text(value: Any) -> str | None:
    if value is None or value == ():
        return None
    if isinstance(value, tuple):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime | date):
        return value.isoformat()
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def find_snapshot(con: duckdb.DuckDBPyConnection, node: Node, wanted: str) -> Snapshot | None:
    """The snapshot of that number or identifier, or the only one whose number ends with it."""
    known = own_snapshots(con, node)
    whole = [s for s in known if wanted in (s.snapshot_no, s.record_id)]
    found = whole or [s for s in known if s.snapshot_no.endswith(wanted.upper())]
    if len(found) > 1:
        raise ConfigError(
            Text(
                en=f"{len(found)} snapshots have a number that ends with {wanted!r}",
                zh=f"有 {len(found)} 个快照的编号以 {wanted!r} 结尾",
            ),
            hint=Text(en="give the whole number", zh="请写完整编号"),
        )
    return found[0] if found else None


def among(values: Sequence[str]) -> str:
    """SQL list of texts; of none it holds for no row."""
    return "(" + (", ".join(map(literal, values)) or "NULL") + ")"


def by_subject(
    con: duckdb.DuckDBPyConnection, snapshots: Iterable[Earlier]
) -> dict[Subject, Earlier]:
    """Snapshots by whom they are about: whom most of the counted records are about now. If none of
    them is left, by a key that nobody has."""
    known = list(snapshots)
    if not known:
        return {}
    hits = [(n, e.kind, record) for n, e in enumerate(known) for record in sorted(e.hits)]
    keys = " ".join(f"WHEN '{kind}' THEN {KEY_COLUMN[kind]}" for kind in KINDS)
    rows = con.execute(
        f"""
        WITH hit AS (SELECT unnest($numbers) AS number, unnest($kinds) AS kind,
            unnest($records) AS record_id)
        SELECT number, CASE kind {keys} END AS key FROM cases JOIN hit USING (record_id)
        WHERE key IS NOT NULL GROUP BY ALL ORDER BY count(*), key DESC
        """,
        {
            "numbers": [n for n, _, _ in hits],
            "kinds": [kind for _, kind, _ in hits],
            "records": [record for _, _, record in hits],
        },
    ).fetchall()
    most = dict(rows)
    return {(e.kind, most.get(n, f"?{e.record_id}")): e for n, e in enumerate(known)}
