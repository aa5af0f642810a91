"""The part of a CSV that is header and records: without titles above and totals below.

``header_row`` says where the header is, in lines as a text editor counts them. ``footer`` says
what the lines below the last record begin with: they are cut from the end of the file upwards,
and only while each begins so, so that a footer that is missing one day costs no record.
A first line ``sep=;``, as Excel reads and some tools write it, says the delimiter.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from connectors.disk import minding_a_full_disk
from connectors.formats.csv_records import Dialect
from connectors.reader_config import FilesReader
from schemas.errors import DataError, Where
from schemas.text import Text

_HEAD = 4 << 20
_TAIL = 64 << 10
_CHUNK = 1 << 20
_SEPARATOR = re.compile(r'^"?sep=(.)"?\r?$', re.IGNORECASE)
_BLANK = " \t\r\u3000\ufeff"


def body_of(
    path: Path, dialect: Dialect, reader: FilesReader, target: Path, where: Where
) -> tuple[Path, Dialect]:
    """``path``, or ``target`` with the header and the records alone; and the dialect.

    Raises :class:`DataError` if the file ends above ``header_row``.
    """
    size = path.stat().st_size
    with path.open("rb") as handle:
        head = handle.read(_HEAD)
        handle.seek(max(0, size - _TAIL))
        tail = handle.read(_TAIL)
    told = _separator(head, dialect)
    if told is not None:
        if told in ("\r", "\0", dialect.quote, dialect.escape):
            raise _no_separator(where)
        dialect = replace(dialect, delimiter=told)
    lines_above = (reader.header_row or 1) - 1 or int(told is not None)
    start = _start(head, dialect.newline, lines_above, where)
    end = _end(tail, size, dialect, reader.footer)
    if start == 0 and end == size:
        return path, dialect
    _copy(path, start, max(start, end), target)
    return target, dialect


def _separator(head: bytes, dialect: Dialect) -> str | None:
    first = head[:20].split(dialect.newline)[0].decode(dialect.encoding, "replace")
    found = _SEPARATOR.match(first.removeprefix("\ufeff"))
    return found[1] if found else None


def _no_separator(where: Where) -> DataError:
    return DataError(
        Text(
            en="the first line, sep=, names what can't part columns",
            zh="首行 sep= 指定的字符不能用作分隔符",
        ),
        where=where,
        hint=Text(
            en="have it exported again, without this line: `delimiter` in source.toml then says it",
            zh="请对方去掉该行后重新导出，并在 source.toml 中用 delimiter 说明",
        ),
    )


def _start(head: bytes, newline: bytes, lines_above: int, where: Where) -> int:
    at = 0
    for above in range(lines_above):
        found = head.find(newline, at)
        if found < 0:
            raise DataError(
                Text(
                    en=f"the file ends after {above + 1} lines, above the header",
                    zh=f"文件只有 {above + 1} 行，没有到表头所在的行",
                ),
                where=where,
                hint=Text(
                    en="compare header_row in source.toml with the file",
                    zh="请将 source.toml 中的 header_row 与文件核对",
                ),
            )
        at = found + len(newline)
    return at


def _end(tail: bytes, size: int, dialect: Dialect, footer: tuple[str, ...]) -> int:
    """Where the footer begins: ``size`` if there is none."""
    if not footer:
        return size
    pieces = tail.split(dialect.newline)
    begins = size
    at = size
    skipped = _BLANK + dialect.delimiter + dialect.quote
    # The first piece may be the end of a longer line, unless the tail is the whole file.
    for nth in range(len(pieces) - 1, -1 if len(tail) == size else 0, -1):
        at -= len(pieces[nth])
        text = pieces[nth].decode(dialect.encoding, "replace").lstrip(skipped)
        if text.startswith(footer):
            begins = at
        elif text:
            break
        at -= len(dialect.newline)
    return begins


def _copy(path: Path, start: int, end: int, target: Path) -> None:
    with path.open("rb") as source, target.open("wb") as out:
        source.seek(start)
        left = end - start
        while left and (chunk := source.read(min(_CHUNK, left))):
            left -= len(chunk)
            with minding_a_full_disk(target.parent):
                out.write(chunk)
