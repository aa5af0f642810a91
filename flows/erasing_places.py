"""Where else than in the lake a record's content lies on a node, and how it goes from there.

Quarantine: rows are emptied inside their file, which keeps its name. Landing: an object goes when
all records that were made of it are erased, or a person says that it may go with the others. The
derived indexes are made anew. Each function may be called again, and with ``dry_run`` only looks.
"""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from connectors.landing import Landing
from exchange.files import sync_folder
from flows.locks import holding, trying
from flows.waiting import waiting_objects
from flows.workspace import reading, scratch_folder
from hefu.landing_report import keep_of, named_by_runs
from hefu.node import Node
from lake.erase import MARK
from lake.runs import bundle_stream_id
from lake.store import Lake
from lake.views import made_here_sql
from schemas.sql import ident, literal
from schemas.text import Text

if TYPE_CHECKING:
    from datetime import datetime

_PARTIAL = ".erasing-"
_CONTENT = ("source_record_id", "uncast", "raw", "raw_text", "detail")


@dataclass(frozen=True, slots=True)
class Staying:
    """``count`` things of a ``place`` that stay, and why. ``ends``: whether the nightly run waits
    for them; else they are only told."""

    place: str
    count: int
    why: Text
    ends: bool


@dataclass(frozen=True, slots=True)
class Gone:
    """``count`` things of a ``place`` went (or would go), ``staying`` did not."""

    place: str
    count: int
    staying: tuple[Staying, ...] = ()


def erase_quarantined(
    node: Node,
    records: Collection[str],
    files: Collection[str] = (),
    *,
    publisher: str | None = None,
    dry_run: bool = False,
) -> Gone:
    """Empty the quarantined rows of these records, and all of these files (by their names).

    ``publisher``: only what came from that partner; it may have named records of others.
    """
    emptied = 0
    for path in sorted(node.place("quarantine").rglob("*.parquet")):
        if path.name.startswith("."):
            if path.name.startswith(_PARTIAL) and not dry_run:
                path.unlink()
            continue
        if publisher is not None and not _came_from(node, path, publisher):
            continue
        file = pq.ParquetFile(path)
        table = file.read(columns=["record_id", *_CONTENT])
        mask = _quarantined(table, None if path.name in files else records)
        found = pc.sum(mask).as_py() or 0
        if found and not dry_run:
            _empty(file, path, mask)
        emptied += found
    return Gone("quarantine", emptied)


def _came_from(node: Node, path: Path, publisher: str) -> bool:
    """Whether a quarantine file is of a bundle of that partner (``flows.rechecking``)."""
    stream = path.relative_to(node.place("quarantine")).parts[0]
    return stream == bundle_stream_id(publisher, "").rstrip("/").replace(":", "_")


def _quarantined(table: pa.Table, records: Collection[str] | None) -> pa.ChunkedArray:
    """True for rows of these records (None: of all) that still hold something."""
    filled = pc.is_valid(table["raw"])
    for name in _CONTENT:
        filled = pc.or_(filled, pc.is_valid(table[name]))
    if records is None:
        return filled
    wanted = pa.array(sorted(records), pa.string())
    return pc.and_(pc.fill_null(pc.is_in(table["record_id"], value_set=wanted), False), filled)


def _empty(file: pq.ParquetFile, path: Path, mask: pa.ChunkedArray) -> None:
    table = file.read()
    for name in _CONTENT:
        index = table.column_names.index(name)
        column = pc.if_else(mask, pa.scalar(None, pa.string()), table[name])
        table = table.set_column(index, table.schema.field(index), column)
    new = path.with_name(_PARTIAL + path.name)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as handle:
        pq.write_table(table, handle, compression="zstd", version="2.6")
        handle.flush()
        os.fsync(handle.fileno())
    new.replace(path)
    sync_folder(path.parent)


def erase_landed(
    node: Node,
    record_type: str,
    records: Collection[str],
    now: datetime,
    *,
    whole: bool,
    dry_run: bool = False,
) -> Gone:
    """Let go of landed objects that hold own records.

    By itself an object goes only if every record that was made of it is erased, or is one of
    these. ``whole``: all objects of the streams that told of the records, with the other rows in
    them; what was made of those is in the lake.
    """
    landing = Landing(node.place("landing"))
    landed = set(landing.streams())
    count, staying = 0, []
    for stream, made in sorted(_made_of(node, record_type, records).items()):
        if stream not in landed:
            continue
        resting = {d for d, one in landing.latest(stream).items() if one.pruned_at is None}
        going = (
            resting if whole else resting & _only_these(node, stream, record_type, records, made)
        )
        left = resting - going
        with trying(node, f"stream/{stream}") as free:
            if going and not free:
                staying.append(Staying("landing", len(going), _BUSY, ends=True))
                continue
            if going and not dry_run:
                landing.note_pruned(stream, going, now)
        count += len(going)
        if left:
            staying.append(
                Staying("landing", len(left), _held(node, stream, left & made), ends=False)
            )
    if not dry_run:
        landing.sweep(())
    return Gone("landing", count, tuple(staying))


def _made_of(node: Node, record_type: str, records: Collection[str]) -> dict[str, set[str]]:
    """By stream, digests of the objects that versions of the records were made of."""
    lake = Lake(node.place("lake"))
    found: defaultdict[str, set[str]] = defaultdict(set)
    if lake.version(record_type) is None:
        return found
    listed = ", ".join(literal(r) for r in sorted(records))
    with reading(node) as con:
        lake.attach(con, record_type)
        for run_id, key in con.execute(
            f"SELECT DISTINCT _run_id, _object_digest FROM {ident(record_type + '_history')} "
            f"WHERE record_id IN ({listed}) AND _bundle_id IS NULL AND NOT {made_here_sql()}"
        ).fetchall():
            stream = "/".join(str(run_id).split("/")[:2])
            found[stream].update({str(key).partition("!/")[0]} if key else set())
    return found


def _only_these(
    node: Node, stream: str, record_type: str, records: Collection[str], objects: set[str]
) -> set[str]:
    """Those of the objects of which nothing else was made, and in which no row waits."""
    lake = Lake(node.place("lake"))
    listed = ", ".join(literal(r) for r in sorted(records))
    named = ", ".join(literal(o) for o in sorted(objects)) or "NULL"
    with reading(node) as con:
        lake.attach(con, record_type)
        others = {
            str(row[0])
            for row in con.execute(
                "SELECT DISTINCT split_part(_object_digest, '!/', 1) AS digest "
                f"FROM {ident(record_type + '_history')} WHERE digest IN ({named}) "
                f"AND record_id NOT IN ({listed}) AND _extra IS DISTINCT FROM {literal(MARK)}"
            ).fetchall()
        }
    kinds = named_by_runs(node).quarantined.get(stream, frozenset())
    return objects - others - waiting_objects(node, stream, kinds)


_BUSY = Text(
    en="the stream is being read right now; the next run does it",
    zh="该数据流正在读取，下次运行时处理",
)


def _held(node: Node, stream: str, made: Collection[str]) -> Text:
    keep = keep_of(node)
    until_en = f"for {keep.days} days ([landing] keep_days)" if keep else "for ever (no keep_days)"
    until_zh = f"按 [landing] keep_days 保存 {keep.days} 天" if keep else "未设保存期限，一直保留"
    return Text(
        en=f"objects of {stream} hold other records' rows, too: {len(made)} certainly hold these "
        f"rows, the others may; kept {until_en}; --landing lets all of them go",
        zh=f"{stream} 的接收对象还含有其他记录的行：其中 {len(made)} 个确有这些记录，"
        f"其余可能有；{until_zh}；加 --landing 可一并清除",
    )


def forget_derived(node: Node) -> None:
    """Remove what can be made anew from the lake, and what killed runs left."""
    folder = node.root / "index"
    if folder.is_dir():
        with holding(node, "index/cases"):
            for path in _inside(folder):
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink(missing_ok=True)
    with scratch_folder(node):
        pass  # making one sweeps those of processes that are gone


def _inside(folder: Path) -> Iterator[Path]:
    yield from sorted(folder.iterdir())
