"""CSV into ``raw``: DuckDB's parallel reader for a clean file, record by record otherwise.

The fast way is taken only if nothing is wrong: strictly valid text, DuckDB in strict mode
without a complaint, and an audit that accounts for every line. Else every record is looked
at (:mod:`connectors.formats.csv_records`): good ones go through, the others become rejects.
An empty field is the empty text, quoted or not; a mapping's ``txt()`` makes NULL of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from connectors.disk import minding_a_full_disk
from connectors.formats.csv_body import body_of
from connectors.formats.csv_records import TELLING_COLUMNS, Dialect, Good, Line, Splitter, lines
from connectors.formats.encodings import certainly_other, head_of, likely_other, wrong_encoding
from connectors.formats.raw_table import RawTable, Reject, check_names
from connectors.formats.text_file import Shape, from_utf16, newline_of, shape_of, transcode
from connectors.landing import Landed
from connectors.reader_config import FilesReader
from schemas.errors import DataError, Where
from schemas.sql import ident, literal
from schemas.text import Text

if TYPE_CHECKING:
    import duckdb

_PART = "raw_part"
_BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class _Header:
    """``lines`` that it takes (0: the file has none), ``delimiters`` inside its names."""

    columns: tuple[str, ...]
    lines: int
    delimiters: int


def load_csv(
    table: RawTable, landed: Landed, index: int, reader: FilesReader, temp: Path
) -> tuple[str, ...]:
    """Add the rows of one CSV object and return its columns.

    ``temp`` takes copies in UTF-8; the caller deletes them.

    Raises :class:`DataError` for an empty file and a header that can't be used.
    """
    where = Where(landed.origin)
    if landed.size == 0:
        raise _empty(where)
    seen = certainly_other(head_of(landed.path), reader.encoding)
    if seen is not None:
        raise wrong_encoding(seen, reader.encoding, where)
    path, dialect = landed.path, _dialect(reader, landed.path)
    if reader.encoding == "utf-16":
        path = temp / f"{index}.utf8"
        from_utf16(landed.path, path)
        dialect = replace(dialect, newline=newline_of(path))
    path, dialect = body_of(path, dialect, reader, temp / f"{index}.body", where)
    part = _Part(table, index, reader, temp, where)
    header = _read_header(path, dialect, reader, where)
    fast = len(header.columns) > 1 and dialect.is_plain
    if not (fast and _load_fast(part, path, dialect, header)):
        _load_carefully(part, path, dialect, header)
    return header.columns


@dataclass(frozen=True, slots=True)
class _Part:
    """What one file's rows are read for and with."""

    table: RawTable
    index: int
    reader: FilesReader
    temp: Path
    where: Where

    def adopt(self, columns: tuple[str, ...]) -> None:
        """Take over ``raw_part``, with NULL where the source writes a word for it."""
        words = ", ".join(literal(word) for word in self.reader.null_text)
        for name in columns if words else ():
            self.table.con.execute(
                f"UPDATE {_PART} SET {ident(name)} = NULL WHERE {ident(name)} IN ({words})"
            )
        self.table.adopt(_PART, self.index, columns, self.where)


def _dialect(reader: FilesReader, path: Path) -> Dialect:
    encoding = "utf-8" if reader.encoding in ("utf-8-sig", "utf-16") else reader.encoding
    return Dialect(
        reader.delimiter,
        reader.quote,
        newline_of(path),
        encoding,
        reader.max_record_bytes,
        reader.escape,
    )


# ---- header ----------------------------------------------------------------------------------


def _lines(path: Path, dialect: Dialect) -> Iterator[Line]:
    with path.open("rb") as handle:
        source = lines(handle, dialect)
        first = next(source, None)
        if first is not None:
            yield replace(first, text=first.text.removeprefix(_BOM))
        yield from source


def _read_header(path: Path, dialect: Dialect, reader: FilesReader, where: Where) -> _Header:
    if not reader.header:
        return _Header(_checked(reader.columns, where), 0, 0)
    splitter = Splitter(_lines(path, dialect), dialect, None)
    first = next(iter(splitter), None)
    if first is None:
        raise _empty(where)
    if isinstance(first, Reject):
        seen = likely_other(head_of(path), reader.encoding)
        if first.rule_id == "read:encoding" and seen is not None:
            raise wrong_encoding(seen, reader.encoding, where)
        raise DataError(
            Text(
                en=f"the header can't be read ({first.rule_id}: {first.detail})",
                zh=f"无法读取表头（{first.rule_id}：{first.detail}）",
            ),
            where=where,
            hint=Text(
                en="check encoding, delimiter and quote in source.toml",
                zh="请检查 source.toml 中的 encoding、delimiter 和 quote",
            ),
        )
    found = [name or "" for name in first.fields]
    names = [n.strip() or f"column_{i}" for i, n in enumerate(found, start=1)]
    inside = sum(n.count(dialect.delimiter) for n in found)
    return _Header(_checked(names, where), splitter.lines_used, inside)


def _checked(names: list[str] | tuple[str, ...], where: Where) -> tuple[str, ...]:
    count = Counter(n.lower() for n in names)
    repeated = [str(i) for i, n in enumerate(names, start=1) if count[n.lower()] > 1]
    if repeated:
        # By position: without its header, a file's "names" are the values of a row.
        raise DataError(
            Text(
                en=f"the header names a column more than once: columns {', '.join(repeated)}",
                zh=f"表头中有重复的列名：第 {'、'.join(repeated)} 列",
            ),
            where=where,
            hint=Text(
                en="nobody can tell which is meant; have the source name them apart",
                zh="无法判断以哪一列为准，请让来源系统使用不同列名",
            ),
        )
    check_names(names, where)
    return tuple(names)


def _empty(where: Where) -> DataError:
    return DataError(
        Text(en="the file is empty, without even a header", zh="文件是空的，连表头也没有"),
        where=where,
        hint=Text(
            en="an export probably failed; have it made again, or remove the file",
            zh="可能是导出失败；请重新导出，或移走该文件",
        ),
    )


# ---- the fast way ----------------------------------------------------------------------------


def _load_fast(part: _Part, path: Path, dialect: Dialect, header: _Header) -> bool:
    """False, and nothing done, if the file isn't clean."""
    con = part.table.con
    if dialect.encoding != "utf-8":
        utf8 = part.temp / f"{part.index}.utf8"
        if not transcode(path, dialect.encoding, utf8, dialect.newline, dialect.max_bytes):
            return False
        path = utf8
    delimiter, quote = dialect.delimiter.encode("utf-8"), dialect.quote.encode("utf-8")
    shape = shape_of(path, dialect.newline, delimiter, quote, dialect.max_bytes)
    if shape is None:
        return False
    columns = dict.fromkeys(header.columns, "VARCHAR")
    options = "header = true" if header.lines else "header = false"
    if dialect.newline == b"\n" and not shape.returns:
        options += ", new_line = '\\n'"
    if not _read(con, path, columns, dialect, options):
        return False
    if not _audit(con, path, header, shape, dialect):
        con.execute(f"DROP TABLE {_PART}")
        return False
    con.execute(f"ALTER TABLE {_PART} ADD COLUMN _row BIGINT")
    # A table just made has its rows in the order of the file, numbered from 0 without gaps.
    con.execute(f"UPDATE {_PART} SET _row = rowid + 1")
    part.adopt(header.columns)
    return True


def _read(
    con: duckdb.DuckDBPyConnection,
    path: Path,
    columns: dict[str, str],
    dialect: Dialect,
    options: str,
) -> bool:
    """``raw_part`` from a file by DuckDB's reader in strict mode; False if it complains."""
    import duckdb

    types = ", ".join(f"{literal(n)}: {literal(t)}" for n, t in columns.items())
    texts = ", ".join(literal(n) for n, t in columns.items() if t == "VARCHAR")
    quote = literal(dialect.quote)
    query = (
        f"CREATE OR REPLACE TABLE {_PART} AS SELECT * FROM read_csv({literal(str(path))}, "
        f"auto_detect = false, {options}, columns = {{{types}}}, "
        f"delim = {literal(dialect.delimiter)}, quote = {quote}, escape = {quote}, comment = '', "
        f"strict_mode = true, null_padding = false, ignore_errors = false, "
        f"force_not_null = [{texts}], max_line_size = {dialect.max_bytes})"
    )
    try:
        con.execute(query)
    except (duckdb.InvalidInputException, duckdb.ConversionException):
        return False
    return True


def _audit(
    con: duckdb.DuckDBPyConnection, path: Path, header: _Header, shape: Shape, dialect: Dialect
) -> bool:
    """Whether every line and every delimiter of the file is accounted for.

    Lines are rows, header, blank or inside a field. Delimiters part the columns or are inside
    a field: DuckDB silently drops empty fields past the last column, and a row that has one
    too many may have been shifted by a comma that nobody quoted.
    """
    rows = _number(con, f"SELECT count(*) FROM {_PART}")
    lines_left = shape.lines - header.lines - rows
    if not _delimiters_fit(con, header, shape, dialect, rows + (header.lines > 0)):
        return False
    if lines_left == 0:
        return True
    embedded = _inside(con, header, dialect.newline.decode("ascii"))
    if not 0 <= lines_left - embedded <= _blank_lines(path, dialect.newline):
        return False
    return embedded == 0 or not _swallowed(con, header, dialect)


def _delimiters_fit(
    con: duckdb.DuckDBPyConnection, header: _Header, shape: Shape, dialect: Dialect, records: int
) -> bool:
    needed = records * (len(header.columns) - 1)
    if shape.outside == needed:
        return True
    left = shape.delimiters - needed - header.delimiters
    return left == 0 or left == _inside(con, header, dialect.delimiter)


def _inside(con: duckdb.DuckDBPyConnection, header: _Header, char: str) -> int:
    """How often ``char`` stands inside the fields."""
    text, width = f"chr({ord(char)})", len(char.encode("utf-8"))
    counts = " + ".join(
        f"coalesce(sum(strlen({ident(c)}) - strlen(replace({ident(c)}, {text}, ''))) "
        f"FILTER (contains({ident(c)}, {text})), 0)"
        for c in header.columns
    )
    return _number(con, f"SELECT {counts} FROM {_PART}") // width


def _blank_lines(path: Path, newline: bytes) -> int:
    with path.open("rb") as handle:
        if newline == b"\n":
            return sum(line in (b"\n", b"\r\n", b"\r") for line in handle)
        return handle.read().count(b"\r\r")


def _swallowed(con: duckdb.DuckDBPyConnection, header: _Header, dialect: Dialect) -> bool:
    """Whether a field that spans lines holds a line that looks like a whole record."""
    if len(header.columns) < TELLING_COLUMNS:
        return False
    newline, width = dialect.newline.decode("ascii"), len(header.columns)
    for name in header.columns:
        found = con.execute(
            f"SELECT {ident(name)} FROM {_PART} WHERE contains({ident(name)}, ?)", [newline]
        )
        while batch := found.fetchmany(10_000):
            for (value,) in batch:
                inner = value.split(newline)[1:-1]
                if any(line.count(dialect.delimiter) + 1 >= width for line in inner):
                    return True
    return False


def _number(con: duckdb.DuckDBPyConnection, query: str) -> int:
    found: Any = con.execute(query).fetchone()
    return int(found[0])


# ---- the careful way -------------------------------------------------------------------------


def _load_carefully(part: _Part, path: Path, dialect: Dialect, header: _Header) -> None:
    """Good records into a clean copy with their numbers, which DuckDB then reads.

    Raises :class:`DataError` if most rows are in another encoding than was said.
    """
    after_header = islice(_lines(path, dialect), header.lines, None)
    records = _encoding_minded(part, Splitter(after_header, dialect, len(header.columns)), path)
    if dialect.escape:
        _add_rows(part, records, header)
        return
    clean = part.temp / f"{part.index}.clean"
    own = replace(
        dialect,
        delimiter=dialect.delimiter if dialect.is_plain else ",",
        quote=(dialect.quote if dialect.is_plain else "") or '"',
        max_bytes=8 * dialect.max_bytes,
    )
    good = 0
    with clean.open("w", encoding="utf-8", newline="") as out:
        for record in records:
            good += 1
            with minding_a_full_disk(part.temp):
                out.write(f"{record.row}{own.delimiter}{_written(record, own)}\n")
    columns = {"_row": "BIGINT"} | dict.fromkeys(header.columns, "VARCHAR")
    if (
        not _read(part.table.con, clean, columns, own, "header = false, new_line = '\\n'")
        or _number(part.table.con, f"SELECT count(*) FROM {_PART}") != good
    ):
        raise _disagreement(part.where)
    part.adopt(header.columns)


def _encoding_minded(part: _Part, records: Splitter, path: Path) -> Iterator[Good]:
    """Good records; the others become rejects, unless most of them are in another encoding."""
    total, undecodable = 0, 0
    for record in records:
        total += 1
        if isinstance(record, Good):
            yield record
        else:
            undecodable += record.rule_id == "read:encoding"
            part.table.reject(part.index, record)
    if 2 * undecodable > total:
        seen = likely_other(head_of(path), part.reader.encoding)
        if seen is not None:
            raise wrong_encoding(seen, part.reader.encoding, part.where)


def _add_rows(part: _Part, records: Iterator[Good], header: _Header) -> None:
    """Rows one by one: a value that is none can't be told from an empty text in a CSV."""
    table, nothing = part.table, frozenset(part.reader.null_text)
    names = [table.name_column(name, part.where) for name in header.columns]
    for record in records:
        values = (None if value in nothing else value for value in record.fields)
        table.add_row(part.index, record.row, dict(zip(names, values, strict=True)))


def _written(record: Good, dialect: Dialect) -> str:
    quote = dialect.quote
    if record.text is not None:
        return record.text
    return dialect.delimiter.join(
        f"{quote}{(value or '').replace(quote, quote * 2)}{quote}" for value in record.fields
    )


def _disagreement(where: Where) -> DataError:
    return DataError(
        Text(
            en="two readers disagree about the rows of this file",
            zh="两种读取方式对此文件的行数不一致",
        ),
        where=where,
        hint=Text(
            en="this is a defect of Hefu; nothing was taken in, please report it",
            zh="这是合符的缺陷；未采用任何数据，请报告",
        ),
    )
