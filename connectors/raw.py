"""From landed objects to the tables ``raw`` and ``raw_reject``."""

from __future__ import annotations

import tempfile
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from connectors.config import SourceConfig
from connectors.cursor import Clock, advance
from connectors.delivery import Delivery, Secrets
from connectors.formats.archive import AsIs, Unpacker, unpacker
from connectors.formats.load import load_object
from connectors.formats.raw_table import RawTable, Reject
from connectors.landing import Landed
from connectors.reader_config import DatabaseReader, FilesReader
from connectors.window import cut_window
from schemas.errors import AccountingError, DataError, Where
from schemas.sql import ident
from schemas.text import Text

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True, slots=True)
class RawBatch:
    """What was read. ``received`` = rows of ``raw`` + rows of ``raw_reject``.

    ``columns``: source columns in order of first appearance; empty if nothing came, and then
    there is nothing to map. ``absent``: column → indexes of the table files that lack it
    (their rows are NULL there): a column renamed or dropped in some of the files.
    ``outside_window``: rows left out because they were not asked for.
    """

    received: int
    unreadable: int
    columns: tuple[str, ...]
    cursor: dict[str, Any] | None
    absent: dict[str, tuple[int, ...]] = field(default_factory=dict)
    outside_window: int = 0


def load_raw(
    con: duckdb.DuckDBPyConnection,
    source: SourceConfig,
    delivery: Delivery,
    *,
    secrets: Secrets | None = None,
) -> RawBatch:
    """Read every object of ``delivery`` into ``raw`` and ``raw_reject`` of ``con``.

    Copies in UTF-8 and what archives hold go to ``con``'s temporary directory and are deleted;
    ``secrets`` are asked for the password of an archive. A file that can't be
    read as a whole (empty, damaged, cut off, two columns of one name) is one row of
    ``raw_reject``, rule ``read:file``, and the files beside it go through; it is read again when
    it changes. A page of a REST source that can't be read raises :class:`DataError`: going on
    would move the cursor past it.
    """
    table = RawTable(con, source.reader.optional_columns)
    seen: list[set[str]] = []
    with (
        tempfile.TemporaryDirectory(prefix="hefu-read-", dir=_temporary_root(con)) as temp,
        closing(unpacker(source.reader, secrets)) as unpack,
    ):
        for index, landed in enumerate(delivery.objects):
            # A folder for each, so that its copies are gone before the next one's are made.
            with tempfile.TemporaryDirectory(dir=temp) as own:
                seen.append(
                    _load_or_reject(table, source, unpack, landed, index, Path(own), secrets)
                )
    table.finish()
    outside = cut_window(table, source.window, delivery, source.time_zone)
    received = _balanced(table, outside)
    return RawBatch(
        received=received,
        unreadable=table.unreadable,
        columns=table.columns,
        cursor=_cursor(table, source, delivery),
        absent=_absent(table, source, seen),
        outside_window=outside,
    )


def _load_or_reject(
    table: RawTable,
    source: SourceConfig,
    unpack: Unpacker | AsIs,
    landed: Landed,
    index: int,
    temp: Path,
    secrets: Secrets | None,
) -> set[str]:
    try:
        plain = unpack.plain(landed, temp)
        return load_object(table, source.reader, plain, index, temp, secrets)
    except DataError as error:
        if not isinstance(source.reader, FilesReader):
            raise
        table.take_back(index)
        # The name and digest stand for the file: its bytes may be anything, of any length.
        text = f"{landed.origin} ({landed.size} bytes, sha256 {landed.digest})"
        table.reject(index, Reject(0, "read:file", str(error.message.en), text))
        return set()


def _absent(
    table: RawTable, source: SourceConfig, seen: list[set[str]]
) -> dict[str, tuple[int, ...]]:
    optional = {c.lower() for c in source.reader.optional_columns}
    gaps = {
        name: tuple(i for i, columns in enumerate(seen) if columns and name.lower() not in columns)
        for name in table.columns
        if name.lower() not in optional
    }
    return {name: where for name, where in gaps.items() if where}


def _temporary_root(con: duckdb.DuckDBPyConnection) -> Path | None:
    """The directory that the connection spills to, or None for the system's own."""
    found = con.execute("SELECT current_setting('temp_directory')").fetchone()
    named = str(found[0]) if found and found[0] else ""
    return Path(named) if named and Path(named).is_dir() else None


def _balanced(table: RawTable, outside: int) -> int:
    found = table.con.execute(
        "SELECT (SELECT count(*) FROM raw), (SELECT count(*) FROM raw_reject)"
    ).fetchone()
    rows, rejects = found if found else (0, 0)
    if rows + rejects + outside != table.received or rejects != table.unreadable:
        raise AccountingError(
            Text(
                en=f"{table.received} rows were read, {rows} + {rejects} are in the tables",
                zh=f"读取 {table.received} 行，表中却有 {rows} + {rejects} 行",
            )
        )
    return int(rows + rejects)


def _cursor(table: RawTable, source: SourceConfig, delivery: Delivery) -> dict[str, Any] | None:
    if delivery.cursor is None or source.cursor is None or not delivery.objects:
        return delivery.cursor
    if isinstance(source.reader, DatabaseReader):
        return delivery.cursor  # told by the server itself, of the snapshot that was read
    column = table.known(source.cursor.field)
    if column is None:
        if table.received == table.unreadable:
            return delivery.cursor
        raise DataError(
            Text(
                en=f"the records have no field {source.cursor.field!r}, which the cursor follows",
                zh=f"记录中没有游标字段 {source.cursor.field!r}",
            ),
            where=Where(source.stream_id, field="cursor.field"),
            hint=Text(
                en=f"fields here: {', '.join(table.columns)}",
                zh=f"现有字段：{'、'.join(table.columns)}",
            ),
        )
    values = table.con.execute(
        f"SELECT DISTINCT {ident(column)} FROM raw WHERE {ident(column)} IS NOT NULL"
    ).fetchall()
    return advance(
        Clock(source.cursor, source.zone),
        delivery.cursor,
        (str(v[0]) for v in values),
        delivery.as_of or max(o.fetched_at for o in delivery.objects),
    )
