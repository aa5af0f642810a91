"""Quarantine: every row that was refused, with its raw text and all its reasons.

One Parquet file per batch, in the stream's quarantine folder. It is written before the lake's
commit and counts from the moment that the run record in that commit names it, so a killed run
leaves at most a file that nobody reads. Its bytes depend only on the batch, and its name on
its bytes, so doing a batch again writes the same file and never another one over it.

Files are mode 0600: they hold personal data as the source sent it.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.errors import DataError, Where
from schemas.sealed import PREFIX
from schemas.sql import literal
from schemas.text import Text

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

ROWS_PER_GROUP = 10_000

COLUMNS = {
    "stream": "VARCHAR",
    "object_digest": "VARCHAR",
    "row": "BIGINT",
    "record_id": "VARCHAR",
    "source_record_id": "VARCHAR",
    "reasons": "VARCHAR[]",
    "uncast": "VARCHAR",
    "raw": "VARCHAR",
    "raw_text": "VARCHAR",
    "detail": "VARCHAR",
    "row_digest": "VARCHAR",
    "contract_version": "VARCHAR",
    "mapping_digest": "VARCHAR",
}


@dataclass(frozen=True)
class Batch:
    """What makes a batch that batch. ``landed`` are the digests in the order of ``_object``."""

    stream_id: str
    landed: tuple[str, ...]
    mapping_digest: str
    contract_version: str

    @property
    def batch_id(self) -> str:
        """32 hex digits; the same for the same stream, objects, mapping and contract."""
        parts = [self.stream_id, list(self.landed), self.mapping_digest, self.contract_version]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class QuarantineFile:
    """``name`` is relative to the stream's quarantine folder."""

    name: str
    digest: str
    size: int
    rows: int


@dataclass(frozen=True)
class RunFile:
    """What one committed run says of quarantine: its objects, its file, its time.

    ``whole``: it judged every row of its objects, not only those of a window. ``arrived``: of a
    run that only normalised again what had been received, when that was received.
    """

    landed: tuple[str, ...]
    file: str | None
    at: datetime
    whole: bool = True
    arrived: datetime | None = None


def write_quarantine(
    con: duckdb.DuckDBPyConnection, folder: Path, batch: Batch
) -> QuarantineFile | None:
    """Writes the rows of the view ``quarantined`` (see ``settle``); None if there are none.

    The file appears whole or not at all. Same batch and rows: same name, same bytes.
    """
    if con.execute("SELECT 1 FROM quarantined LIMIT 1").fetchone() is None:
        return None
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, temporary = tempfile.mkstemp(prefix=".writing-", suffix=".parquet", dir=folder)
    os.close(handle)  # mkstemp made it 0600
    path = Path(temporary)
    try:
        rows = _write(con, path, batch)
        digest = _sha256(path)
        name = f"{batch.batch_id}-{digest[:16]}.parquet"
        size = path.stat().st_size
        path.replace(folder / name)
    finally:
        path.unlink(missing_ok=True)
    return QuarantineFile(name, digest, size, rows)


def read_quarantine(
    con: duckdb.DuckDBPyConnection, folder: Path, files: Sequence[str]
) -> duckdb.DuckDBPyRelation:
    """Entries of the files (oldest first), of each row its latest: COLUMNS and ``file``.

    A row is told by its stream and the digest of its raw text, so one that the source sends
    every night is one entry. Raises DataError if a file is missing.
    """
    return con.sql(
        f"SELECT * EXCLUDE (nth) FROM ({_all_entries(folder, files)}) "
        "QUALIFY row_number() OVER "
        "(PARTITION BY stream, row_digest ORDER BY nth DESC, object_digest, row) = 1 "
        "ORDER BY nth, object_digest, row"
    )


def resolve(
    con: duckdb.DuckDBPyConnection, folder: Path, runs: Sequence[RunFile], accepted: str
) -> duckdb.DuckDBPyRelation:
    """Entries as ``read_quarantine`` gives them, with ``resolved_by``: NULL while open.

    Args:
        runs: the stream's committed runs, oldest first.
        accepted: relation (record_id, received_time), the record type's history.

    ``accepted``: a version of the same record was accepted after the row was quarantined, or,
    of a row that was only read again, came from the source after the row did.
    ``passed``: a later run read the whole of the same object again and no longer refused it.
    """
    # The same file may be named by several runs: it counts for the last of them.
    newest = {str(run.file): nth for nth, run in enumerate(runs) if run.file is not None}
    files = sorted(newest, key=newest.__getitem__)
    # An archive that could not be opened is told by its digest alone; read later, by its members.
    read_whole = {
        name: nth
        for nth, run in enumerate(runs)
        if run.whole
        for key in run.landed
        for name in (key, key.partition("!/")[0])
    }
    con.execute(
        "CREATE OR REPLACE TEMP TABLE quarantine_runs "
        "(file VARCHAR, nth INTEGER, quarantined_at TIMESTAMPTZ, arrived_at TIMESTAMPTZ)"
    )
    con.execute(
        "CREATE OR REPLACE TEMP TABLE quarantine_readings (object_digest VARCHAR, nth INTEGER)"
    )
    con.execute("CREATE OR REPLACE TEMP TABLE quarantine_replays (replayed_at TIMESTAMPTZ)")
    _fill(con, "quarantine_replays", [(run.at,) for run in runs if run.arrived is not None])
    of_file = [(name, nth, runs[nth].at, runs[nth].arrived) for name, nth in newest.items()]
    _fill(con, "quarantine_runs", of_file)
    _fill(con, "quarantine_readings", read_whole.items())
    entries = read_quarantine(con, folder, files)
    entries.create_view("quarantine_entries", replace=True)
    return _resolved(con, accepted)


def _resolved(con: duckdb.DuckDBPyConnection, accepted: str) -> duckdb.DuckDBPyRelation:
    return con.sql(
        # What was only normalised again says nothing of what came when.
        "WITH later AS (SELECT record_id, max(received_time) AS received_time, "
        "max(received_time) FILTER (received_time NOT IN "
        "(SELECT replayed_at FROM quarantine_replays)) "
        f"AS arrived_time FROM {accepted} GROUP BY record_id) "
        "SELECT e.*, r.quarantined_at, "
        "CASE WHEN later.received_time > r.quarantined_at "
        "OR later.arrived_time > r.arrived_at THEN 'accepted' "
        "WHEN o.nth > r.nth THEN 'passed' END AS resolved_by "
        "FROM quarantine_entries AS e JOIN quarantine_runs AS r USING (file) "
        "LEFT JOIN quarantine_readings AS o USING (object_digest) "
        "LEFT JOIN later USING (record_id)"
    )


def _fill(con: duckdb.DuckDBPyConnection, table: str, rows: Iterable[tuple[object, ...]]) -> None:
    listed = list(rows)
    if listed:
        marks = ", ".join("?" * len(listed[0]))
        con.executemany(f"INSERT INTO {table} VALUES ({marks})", listed)


def _all_entries(folder: Path, files: Sequence[str]) -> str:
    if not files:
        nulls = ", ".join(f'NULL::{kind} AS "{name}"' for name, kind in COLUMNS.items())
        return f"SELECT {nulls}, NULL::VARCHAR AS file, 0 AS nth WHERE false"
    selects = []
    for nth, name in enumerate(files):
        path = folder / name
        if not path.is_file():
            raise DataError(
                Text(
                    en="a quarantine file named by a run is missing",
                    zh="运行记录所列的隔离文件不存在",
                ),
                where=Where(file=str(path)),
                hint=Text(
                    en="restore it from a backup, or read the source again from the landing folder",
                    zh="请从备份恢复，或从落地目录重新读取该来源",
                ),
            )
        selects.append((nth, name, path))
    listed = ", ".join(literal(str(path)) for _, _, path in selects)
    order = ", ".join(literal(name) for _, name, _ in selects)
    return (
        f"SELECT * EXCLUDE (filename), parse_filename(filename) AS file, "
        f"list_position([{order}], parse_filename(filename)) AS nth "
        f"FROM read_parquet([{listed}], filename = true)"
    )


def _write(con: duckdb.DuckDBPyConnection, path: Path, batch: Batch) -> int:
    import pyarrow.parquet as pq

    reader = con.execute(_select(batch)).to_arrow_reader(ROWS_PER_GROUP)
    rows = 0
    # Dictionaries and statistics follow from the rows alone; the row groups are cut by us,
    # as DuckDB's batches depend on its threads.
    with pq.ParquetWriter(path, reader.schema, compression="zstd", version="2.6") as writer:
        for table in _groups(reader):
            writer.write_table(table, row_group_size=ROWS_PER_GROUP)
            rows += table.num_rows
    return rows


def row_digest_sql(landed: Sequence[str]) -> str:
    """SQL over the view ``quarantined``: what tells a row from another, whatever run refused it.

    ``landed``: the keys of the run's objects, in the order of ``_object``.
    """
    # What was cut is told by its own digest in ``detail``; what left no text, by its place.
    told = (
        "coalesce(raw, CASE WHEN list_contains(reasons, 'read:oversize') "
        "THEN raw_text || chr(10) || detail ELSE nullif(raw_text, '') END, "
        f"{_object_digest(landed)} || '/' || _row)"
    )
    return f"sha256({told})"


def _object_digest(landed: Sequence[str]) -> str:
    listed = ", ".join(literal(digest) for digest in landed)
    return f"([{listed}]::VARCHAR[])[_object + 1]"


def _select(batch: Batch) -> str:
    object_digest = _object_digest(batch.landed)
    # The digest is of the raw row, so that the row is known again; its content goes no further.
    sealed = f"len(list_filter(reasons, lambda r: starts_with(r, {literal(PREFIX)}))) > 0"
    uncast, raw, raw_text, detail = (
        f"CASE WHEN NOT ({sealed}) THEN {column} END AS {column}"
        for column in ("uncast", "raw", "raw_text", "detail")
    )
    return (
        f"SELECT {literal(batch.stream_id)} AS stream, {object_digest} AS object_digest, "
        '_row AS "row", record_id, source_record_id, reasons, '
        f"{uncast}, {raw}, {raw_text}, {detail}, {row_digest_sql(batch.landed)} AS row_digest, "
        f"{literal(batch.contract_version)} AS contract_version, "
        f"{literal(batch.mapping_digest)} AS mapping_digest "
        "FROM quarantined ORDER BY _object, _row"
    )


def _groups(reader: pa.RecordBatchReader) -> Iterator[pa.Table]:
    import pyarrow as pa

    waiting: list[pa.RecordBatch] = []
    count = 0
    for batch in reader:
        waiting.append(batch)
        count += batch.num_rows
        if count >= ROWS_PER_GROUP:
            table = pa.Table.from_batches(waiting)
            whole = count - count % ROWS_PER_GROUP
            yield table.slice(0, whole).combine_chunks()
            waiting = table.slice(whole).to_batches()
            count -= whole
    if count:
        yield pa.Table.from_batches(waiting).combine_chunks()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
