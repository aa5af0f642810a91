"""Erasing content for good: the rows stay, what they said goes from the disk.

A table of the lake is only ever appended to, and incremental publishing, the case index and every
look at an earlier version rest on its files and their names. So nothing is deleted or renumbered:
each Parquet file that holds such rows is written anew under its own name, with nothing left of
them but technical fields, and the minima and maxima that the log and its checkpoints kept of it go
(ADR 0034). That touches every file in the table's folder, also those that no version names any
more (after ``compact``, after a run that was killed).

In this order: the new files beside the old ones, the log, then each file takes its place. What is
still to be done is told by the rows alone, and the log is always ahead of them: killed anywhere,
the same call does the rest.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lake.shape import EXTRA, TECHNICAL
from lake.views import SOURCE_FIELD, STATUS_FIELD
from schemas.contract import Contract, load_contract

#: What an erased row holds in the column ``_extra``.
MARK = '{"_erased":true}'
_PARTIAL = ".erasing-"
_LOG = "_delta_log"
_BATCH_ROWS = 65_536
_KEYS = ("record_id", SOURCE_FIELD, "_bundle_id", EXTRA)


@dataclass(frozen=True, slots=True)
class Rows:
    """Which rows: all versions of these records of one agency, or all that came in these bundles.

    ``status``: what their data_status becomes; None leaves it. An own record's versions keep
    theirs: what a partner was told follows from them.
    """

    org: str = ""
    records: frozenset[str] = frozenset()
    bundles: frozenset[str] = frozenset()
    status: str | None = None


@dataclass(frozen=True, slots=True)
class ErasedRows:
    """``rows`` that were emptied now, in so many ``files``."""

    rows: int = 0
    files: int = 0


def count_rows(root: Path, record_type: str, rows: Rows) -> int:
    """How many rows still hold content, in every file, also in those that no version names."""
    return sum(_count(pq.ParquetFile(path), rows) for path in _files(root / record_type))


def erase_rows(
    root: Path,
    record_type: str,
    rows: Rows,
    *,
    contracts: Callable[[str], Contract] = load_contract,
) -> ErasedRows:
    """Empty these rows of one record type's table, a folder below ``root``.

    The caller holds the table's lock, so that nobody appends meanwhile. Raises ``OSError`` for a
    full disk; then nothing was changed, and the call can be made again.
    """
    folder = root / record_type
    for left in folder.glob(f"{_PARTIAL}*"):
        left.unlink()
    keep = {f.name for f in contracts(record_type).fields if f.technical} | {*TECHNICAL.names}
    made: dict[Path, Path] = {}
    emptied = 0
    for path in _files(folder):
        file = pq.ParquetFile(path)
        found = _count(file, rows)
        if found:
            emptied += found
            made[path] = _rewritten(file, path, rows, keep)
    if made:
        _settle_log(folder, {path.name: new.stat().st_size for path, new in made.items()})
        for path, new in made.items():
            new.replace(path)
        _sync(folder)
    return ErasedRows(emptied, len(made))


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.glob("*.parquet")):
        if not path.name.startswith("."):
            yield path


def _count(file: pq.ParquetFile, rows: Rows) -> int:
    names = [name for name in _KEYS if name in file.schema_arrow.names]
    return sum(
        pc.sum(_mask(batch, rows)).as_py() or 0
        for batch in file.iter_batches(_BATCH_ROWS, columns=names)
    )


def _mask(table: pa.RecordBatch, rows: Rows) -> pa.BooleanArray:
    """True for rows that are meant and not erased yet."""
    parts = []
    if rows.records:
        mine = pc.and_(
            pc.is_in(table["record_id"], value_set=pa.array(sorted(rows.records))),
            pc.equal(table[SOURCE_FIELD], pa.scalar(rows.org)),
        )
        parts.append(mine)
    if rows.bundles:
        parts.append(pc.is_in(table["_bundle_id"], value_set=pa.array(sorted(rows.bundles))))
    meant = parts[0] if len(parts) == 1 else pc.or_(*parts)
    if EXTRA in table.schema.names:
        erased = pc.fill_null(pc.equal(table[EXTRA], pa.scalar(MARK)), False)
        meant = pc.and_(meant, pc.invert(erased))
    return pc.fill_null(meant, False)


def _rewritten(file: pq.ParquetFile, path: Path, rows: Rows, keep: Collection[str]) -> Path:
    """A file beside ``path``, on disk, with the rows emptied."""
    schema = file.schema_arrow
    if EXTRA not in schema.names:
        schema = schema.append(pa.field(EXTRA, pa.string()))
    new = path.with_name(_PARTIAL + path.name)
    with new.open("xb") as handle:
        with pq.ParquetWriter(handle, schema, compression=_compression(file)) as writer:
            for batch in file.iter_batches(_BATCH_ROWS):
                writer.write_batch(_emptied(batch, schema, rows, keep))
        handle.flush()
        os.fsync(handle.fileno())
    new.chmod(path.stat().st_mode & 0o777)
    return new


def _compression(file: pq.ParquetFile) -> str:
    found = str(file.metadata.row_group(0).column(0).compression)
    return "none" if found == "UNCOMPRESSED" else found


def _emptied(
    table: pa.RecordBatch, schema: pa.Schema, rows: Rows, keep: Collection[str]
) -> pa.RecordBatch:
    mask = _mask(table, rows)
    columns = []
    for field in schema:
        if field.name == EXTRA:
            before = (
                table[EXTRA] if EXTRA in table.schema.names else pa.nulls(len(table), pa.string())
            )
            columns.append(pc.if_else(mask, pa.scalar(MARK), before))
        elif field.name == STATUS_FIELD and rows.status is not None:
            columns.append(pc.if_else(mask, pa.scalar(rows.status), table[field.name]))
        elif field.name in keep:
            columns.append(table[field.name])
        else:
            nothing = pa.scalar(None, field.type)
            columns.append(pc.if_else(mask, nothing, table[field.name]).cast(field.type))
    return pa.RecordBatch.from_arrays(columns, schema=schema)


# the log


def _settle_log(folder: Path, sizes: Mapping[str, int]) -> None:
    """Let the log say nothing of the content of these files, and their new sizes."""
    log = folder / _LOG
    for path in sorted(log.glob("*.json")):
        lines = path.read_text(encoding="utf-8").splitlines()
        after = [_settled_line(line, sizes) for line in lines]
        if after != lines:
            _put(path, ("\n".join(after) + "\n").encode())
    for path in sorted(log.glob("*.checkpoint*.parquet")):
        _settle_checkpoint(path, sizes)
    _settle_last_checkpoint(log)
    _sync(log)


def _settled_line(line: str, sizes: Mapping[str, int]) -> str:
    if not line.strip():
        return line
    action = json.loads(line)
    changed = [_settle(action[kind], sizes) for kind in ("add", "remove") if action.get(kind)]
    if not any(changed):
        return line
    return json.dumps(action, ensure_ascii=False, separators=(",", ":"))


def _settle(file: dict[str, Any], sizes: Mapping[str, int]) -> bool:
    """Change what one action says of a file; whether it was one of them."""
    size = sizes.get(unquote(str(file["path"])))
    if size is None:
        return False
    stats = json.loads(file["stats"]) if file.get("stats") else {}
    if "stats" in file:
        kept = {"numRecords": stats["numRecords"]} if "numRecords" in stats else None
        file["stats"] = json.dumps(kept, separators=(",", ":")) if kept else None
    if "stats_parsed" in file:
        file["stats_parsed"] = None
    if file.get("size") is not None:
        file["size"] = size
    return True


def _settle_checkpoint(path: Path, sizes: Mapping[str, int]) -> None:
    file = pq.ParquetFile(path)
    table = file.read()
    changed = False
    for kind in ("add", "remove"):
        if kind not in table.column_names:
            continue
        index = table.column_names.index(kind)
        actions = table[kind].to_pylist(maps_as_pydicts=None)
        settled = [_settle(action, sizes) for action in actions if action is not None]
        if any(settled):
            field = table.schema.field(index)
            table = table.set_column(index, field, pa.array(actions, field.type))
            changed = True
    if not changed:
        return
    new = path.with_name(_PARTIAL + path.name)
    with new.open("wb") as handle:
        pq.write_table(table, handle, compression=_compression(file))
        handle.flush()
        os.fsync(handle.fileno())
    new.replace(path)


def _settle_last_checkpoint(log: Path) -> None:
    """The pointer names the size of what it points to."""
    pointer = log / "_last_checkpoint"
    if not pointer.is_file():
        return
    said = json.loads(pointer.read_text(encoding="utf-8"))
    target = log / f"{said['version']:020d}.checkpoint.parquet"
    if "checksum" not in said and target.is_file() and "sizeInBytes" in said:
        said["sizeInBytes"] = target.stat().st_size
        _put(pointer, json.dumps(said, separators=(",", ":")).encode())


def _put(path: Path, data: bytes) -> None:
    new = path.with_name(_PARTIAL + path.name)
    with new.open("wb") as handle:
        handle.write(data)
        handle.flush()
        os.fsync(handle.fileno())
    new.replace(path)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
