"""The tables ``raw`` and ``raw_reject`` while they are being filled.

``raw``: every source column as VARCHAR, ``_object`` INTEGER (index into the delivery's
objects), ``_row`` BIGINT (1-based within the object). ``raw_reject``: rows that can't be read.
DuckDB compares column names without case, so two names that differ only in case are one column.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas.errors import DataError, Where
from schemas.sql import ident
from schemas.text import Text

if TYPE_CHECKING:
    import duckdb

RESERVED = ("_object", "_row")
MAX_COLUMNS = 2000
"""More are values in the place of names; each costs more time and memory than the last."""
_BATCH = 20_000


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that can't be read. ``rule_id`` is one of the ``read:…`` names; row 0: the file."""

    row: int
    rule_id: str
    detail: str
    raw_text: str


def printable(text: str) -> str:
    r"""``text`` as it can be stored: bad bytes as ``\xff``, NUL as ``\x00``, lone surrogates."""
    if text.isascii() and "\0" not in text:
        return text
    out = text.replace("\0", "\\x00")
    try:
        out.encode("utf-8")
    except UnicodeEncodeError:
        return "".join(_shown(c) for c in out)
    return out


def _shown(char: str) -> str:
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return f"\\u{code:04x}" if 0xD800 <= code <= 0xDFFF else char


def check_name(name: str, where: Where) -> None:
    """Raise :class:`DataError` if a source column has a name that Hefu needs itself, or one that
    no database can hold."""
    if printable(name) != name:
        raise DataError(
            Text(
                en="a column's name holds a NUL or what is no character",
                zh="有列名含有 NUL 或无效字符",
            ),
            where=where,
            hint=Text(
                en="have the source name its columns in plain text",
                zh="请让来源系统使用普通文字作列名",
            ),
        )
    if name.lower() in RESERVED:
        raise DataError(
            Text(en=f"a column can't be called {name}", zh=f"列名不能是 {name}"),
            where=where,
            hint=Text(
                en="Hefu uses this name for a row's place; have it renamed",
                zh="该名称由系统用于记录行位置，请让来源系统改名",
            ),
        )


def check_names(names: Collection[str], where: Where) -> None:
    """Raise :class:`DataError` for a table's columns that can't be columns here."""
    if len(names) > MAX_COLUMNS:
        raise _too_many(where)
    for name in names:
        check_name(name, where)


class RawTable:
    """Fills ``raw`` and ``raw_reject`` of ``con``; an older pair of them is replaced."""

    def __init__(self, con: duckdb.DuckDBPyConnection, optional: Sequence[str]) -> None:
        self.con = con
        self.received = 0
        self.unreadable = 0
        self._optional = tuple(optional)
        self._names: dict[str, str] = {}
        self._rows: list[tuple[int, int, Mapping[str, str | None]]] = []
        self._rejects: list[tuple[int, Reject]] = []
        con.execute("CREATE OR REPLACE TABLE raw (_object INTEGER, _row BIGINT)")
        con.execute(
            "CREATE OR REPLACE TABLE raw_reject (_object INTEGER, _row BIGINT, "
            "rule_id VARCHAR, detail VARCHAR, raw_text VARCHAR)"
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """Source columns in order of first appearance, optional ones that never came last."""
        return tuple(self._names.values())

    def known(self, name: str) -> str | None:
        """The column of that name, whatever its case."""
        return self._names.get(name.lower())

    def add_row(self, index: int, row: int, values: Mapping[str, str | None]) -> None:
        """One readable row. Keys must be names that :meth:`name_column` gave."""
        self.received += 1
        self._rows.append((index, row, values))
        if len(self._rows) >= _BATCH:
            self._flush_rows()

    def name_column(self, name: str, where: Where) -> str:
        """The column for a source's ``name``, added if new. Raises :class:`DataError`."""
        check_name(name, where)
        key = name.lower()
        if key not in self._names:
            if len(self._names) >= MAX_COLUMNS:
                raise _too_many(where)
            self._names[key] = name
            self.con.execute(f"ALTER TABLE raw ADD COLUMN {ident(name)} VARCHAR")
        return self._names[key]

    def adopt(self, part: str, index: int, columns: Sequence[str], where: Where) -> None:
        """Take over the rows of table ``part``, which has ``columns`` and ``_row``, and drop it."""
        self._flush_rows()
        count = _count(self.con, part)
        if self.received == 0 and not self._names:
            self.con.execute("DROP TABLE raw")
            self.con.execute(f"ALTER TABLE {ident(part)} RENAME TO raw")
            self.con.execute(f"ALTER TABLE raw ADD COLUMN _object INTEGER DEFAULT {index}")
            self.con.execute("ALTER TABLE raw ALTER COLUMN _object DROP DEFAULT")
            for name in columns:
                self._names[name.lower()] = name
        else:
            targets = [self.name_column(name, where) for name in columns]
            self.con.execute(
                f"INSERT INTO raw (_object, _row, {', '.join(map(ident, targets))}) "
                f"SELECT {index}, _row, {', '.join(map(ident, columns))} FROM {ident(part)}"
            )
            self.con.execute(f"DROP TABLE {ident(part)}")
        self.received += count

    def reject(self, index: int, reject: Reject) -> None:
        """One row that can't be read; it counts as received."""
        self.received += 1
        self.unreadable += 1
        self._rejects.append((index, reject))
        if len(self._rejects) >= _BATCH:
            self._flush_rejects()

    def take_back(self, index: int) -> None:
        """Forget every row of one object, good and bad, as if it had never been read."""
        self._flush_rows()
        self._flush_rejects()
        for target in ("raw", "raw_reject"):
            found = self.con.execute(
                f"SELECT count(*) FROM {target} WHERE _object = ?", [index]
            ).fetchone()
            rows = int(found[0]) if found else 0
            self.con.execute(f"DELETE FROM {target} WHERE _object = ?", [index])
            self.received -= rows
            if target == "raw_reject":
                self.unreadable -= rows

    def finish(self) -> None:
        """Write what is still held back and add optional columns that never came.

        Not if nothing came at all: a table of optional columns would look like a source
        whose other columns are gone.
        """
        self._flush_rows()
        self._flush_rejects()
        for name in self._optional if self._names else ():
            self.name_column(name, Where(field="optional_columns"))

    def _flush_rows(self) -> None:
        if not self._rows:
            return
        import pyarrow as pa

        names = self.columns
        arrays = [
            pa.array([r[0] for r in self._rows], pa.int32()),
            pa.array([r[1] for r in self._rows], pa.int64()),
            *(pa.array([r[2].get(n) for r in self._rows], pa.string()) for n in names),
        ]
        self._insert("raw", pa.table(arrays, names=["_object", "_row", *names]))
        self._rows.clear()

    def _flush_rejects(self) -> None:
        if not self._rejects:
            return
        import pyarrow as pa

        table = pa.table(
            {
                "_object": pa.array([i for i, _ in self._rejects], pa.int32()),
                "_row": pa.array([r.row for _, r in self._rejects], pa.int64()),
                "rule_id": pa.array([r.rule_id for _, r in self._rejects], pa.string()),
                "detail": pa.array([r.detail for _, r in self._rejects], pa.string()),
                "raw_text": pa.array([r.raw_text for _, r in self._rejects], pa.string()),
            }
        )
        self._insert("raw_reject", table)
        self._rejects.clear()

    def _insert(self, target: str, table: object) -> None:
        self.con.register("raw_incoming", table)
        try:
            self.con.execute(f"INSERT INTO {target} BY NAME SELECT * FROM raw_incoming")
        finally:
            self.con.unregister("raw_incoming")


def _too_many(where: Where) -> DataError:
    return DataError(
        Text(en=f"more than {MAX_COLUMNS} columns", zh=f"列数超过 {MAX_COLUMNS}"),
        where=where,
        hint=Text(
            en="a file or record so wide is a mistake, or has values in the place of names: look "
            "at it, and have it sent again",
            zh="列数如此之多，多半是文件有误，或把取值当成了列名；请核查后让对方重新传送",
        ),
    )


def _count(con: duckdb.DuckDBPyConnection, table: str) -> int:
    found = con.execute(f"SELECT count(*) FROM {ident(table)}").fetchone()
    return int(found[0]) if found else 0
