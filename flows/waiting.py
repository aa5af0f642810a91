"""Rows of a stream in quarantine that still wait for a person."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from hefu.node import Node
from lake.runs import RunRecord
from lake.store import Lake
from quality.quarantine import RunFile, resolve
from schemas.sql import connect

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


def resolve_rows(
    con: duckdb.DuckDBPyConnection,
    node: Node,
    lake: Lake,
    record_type: str,
    stream_id: str,
    runs: Sequence[RunRecord],
) -> None:
    """View ``quarantine_resolved`` of a stream's rows (``quality.quarantine.resolve``).

    ``runs``: the stream's committed runs, newest first. Raises ``DataError`` when a file that one
    of them names is gone.
    """
    lake.attach(con, record_type)
    entries = resolve(
        con,
        node.place("quarantine") / stream_id.replace(":", "_"),
        list(_files(list(reversed(runs)))),
        f"{record_type}_history",
    )
    entries.create_view("quarantine_resolved", replace=True)


def waiting(node: Node, record_type: str, stream_id: str, runs: Sequence[RunRecord]) -> pa.Table:
    """``record_id`` (may be null) and ``row_digest`` of a stream's open rows, as they lie there."""
    con = connect(memory_limit=node.config.node.memory_limit)
    try:
        if not any(run.quarantine_file for run in runs):
            none = "SELECT NULL::VARCHAR AS record_id, NULL::VARCHAR AS row_digest WHERE false"
            return con.execute(none).to_arrow_table()
        resolve_rows(con, node, Lake(node.place("lake")), record_type, stream_id, runs)
        return con.execute(
            "SELECT record_id, row_digest FROM quarantine_resolved WHERE resolved_by IS NULL"
        ).to_arrow_table()
    finally:
        con.close()


def waiting_objects(node: Node, stream_id: str, record_types: Collection[str]) -> frozenset[str]:
    """Digests of the landed objects that hold open rows of a stream, of these record types."""
    lake = Lake(node.place("lake"))
    found: set[str] = set()
    for record_type in record_types:
        con = connect(memory_limit=node.config.node.memory_limit)
        try:
            resolve_rows(con, node, lake, record_type, stream_id, lake.runs(record_type, stream_id))
            rows = con.execute(
                "SELECT DISTINCT object_digest FROM quarantine_resolved WHERE resolved_by IS NULL"
            ).fetchall()
        finally:
            con.close()
        found.update(str(key).partition("!/")[0] for (key,) in rows)
    return frozenset(found)


def _files(runs: Sequence[RunRecord]) -> Iterator[RunFile]:
    """What the runs (oldest first) say of quarantine."""
    received: dict[tuple[str, ...], datetime] = {}
    for run in runs:
        whole, arrived = not run.outside_window, None
        if run.mode == "replay":
            arrived = received.get(run.landed)
        else:
            received[run.landed] = run.started_at
        yield RunFile(run.landed, run.quarantine_file, run.started_at, whole, arrived)
