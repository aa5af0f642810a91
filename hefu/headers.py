"""What columns a file has, and how it is written; no row is kept or shown."""

from __future__ import annotations

import csv
import io
import json
import re
import tempfile
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from connectors.formats.encodings import utf16_of
from schemas.errors import ConfigError, DataError, Where
from schemas.text import Text

_HEAD_BYTES = 1 << 16
_DELIMITERS = ",\t;|"
_JSON_LINES = 1000
_MAX_DOCUMENT = 1 << 28
_XML_RECORDS = 1000
_LOOKED_AT = 50
_SEPARATOR = re.compile(r'^"?sep=([^"\0])"?$', re.IGNORECASE)
_VALUE = re.compile(r"^\s*[-+]?\d[\d.,]*\s*$|\d{4}")
_PACKED = (b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b")
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")


@dataclass(frozen=True, slots=True)
class Header:
    """A file's columns, and how it is written. ``delimiter`` is a CSV's, and ``header_row``
    where titles stand above it; ``sheet``, the row of its header, and the ``other_sheets`` that
    hold rows are a workbook's; ``records`` and ``lists``
    are what ``source.toml`` says of an XML document."""

    encoding: str
    delimiter: str
    columns: tuple[str, ...]
    format: Literal["csv", "json", "jsonl", "spreadsheet", "xml"] = "csv"
    sheet: str | None = None
    header_row: int | None = None
    other_sheets: tuple[str, ...] = ()
    records: str = ""
    lists: tuple[str, ...] = ()


def read_header(path: Path) -> Header:
    """The header of a CSV file in UTF-8, GB18030 or UTF-16: its first line, or the one below its
    titles; a line ``sep=`` above it says the delimiter. Raises :class:`ConfigError`."""
    head = _head(path)
    for encoding in ("utf-16",) if utf16_of(head) else ("utf-8-sig", "gb18030"):
        # A header that is ASCII says nothing; the rows after it may.
        if encoding == "utf-8-sig" and not _decodes(head, encoding):
            continue
        found = _table_header(head, encoding)
        if found is not None:
            return found
        break
    raise ConfigError(
        Text(
            en="no CSV header in UTF-8, GB18030 or UTF-16 is found at the beginning of this file",
            zh="文件开头没有找到 UTF-8、GB18030 或 UTF-16 编码的 CSV 表头",
        ),
        where=Where(str(path)),
        hint=Text(
            en="it must name at least two columns, none of them blank; for JSON, Parquet or an "
            "interface write source.toml by hand, as docs/sources.md shows",
            zh="表头应至少有两个列名，且都不能为空；JSON、Parquet 或接口请按 "
            "docs/sources.zh-CN.md 手工编写 source.toml",
        ),
    )


def read_columns(path: Path, records: str = "") -> Header:
    """As :func:`read_header`, and of ``.json`` and ``.jsonl`` files the names of their records.

    Workbooks and XML are told by their first bytes; of a ZIP or gzip the first file that is
    packed in it is looked at. ``records``: path to the list in a JSON or
    XML document, as in ``source.toml``; of XML it is found if it is not given. Raises
    :class:`ConfigError`, and :class:`DataError` for a workbook or XML that can't be read.
    """
    head = _head(path)
    if head.startswith(_PACKED) and not (head.startswith(b"PK") and _is_workbook(path)):
        return _archive(path, records)
    return _columns(path, records)


def _is_workbook(path: Path) -> bool:
    from connectors.formats.archive import is_spreadsheet

    return is_spreadsheet(path)


def _columns(path: Path, records: str) -> Header:
    head = _head(path)
    if head.startswith(_WORKBOOKS):
        return _workbook(path)
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") or path.suffix.lower() == ".xml":
        return _xml(path, records)
    suffix = path.suffix.lower()
    if suffix == ".jsonl":
        lines = _open_text(path)
        return Header("utf-8-sig", ",", _names(lines[:_JSON_LINES], path), "jsonl")
    if suffix == ".json":
        return Header("utf-8-sig", ",", _names(_document(path, records), path), "json")
    return read_header(path)


def _table_header(head: bytes, encoding: str) -> Header | None:
    """The header as it is written in the first lines of a table; None if there is none.

    As in a workbook: lines with few fields above those with many are titles, and the first that
    is none must name every column. What holds numbers is a row, and never taken for a header.
    """
    order = utf16_of(head) or encoding
    text = head.decode(order, "replace").removeprefix("\ufeff")
    newline = "\n" if "\n" in text else "\r"
    lines = [line.removesuffix("\r") for line in text.split(newline)[:_LOOKED_AT]]
    told = _SEPARATOR.match(lines[0])
    delimiter = told[1] if told else _delimiter(lines)
    rows = [_fields(line, delimiter) for line in lines]
    filled = [sum(bool(name.strip()) for name in row) for row in rows]
    for at in range(int(told is not None), len(rows)):
        if 3 * filled[at] <= 2 * max(filled):
            continue
        if filled[at] < 2 or filled[at] < len(rows[at]) or {"\ufffd", "\0"} & set(lines[at]):
            return None
        first = at == int(told is not None)
        if not first and any(_VALUE.search(name) for name in rows[at]):
            return None
        return Header(encoding, delimiter, tuple(rows[at]), header_row=None if first else at + 1)
    return None


def _delimiter(lines: list[str]) -> str:
    """The one that parts most lines alike; of several the one with most fields."""

    def alike(delimiter: str) -> tuple[int, int]:
        widths = Counter(len(_fields(line, delimiter)) for line in lines)
        return max(((n, width) for width, n in widths.items() if width > 1), default=(0, 0))

    return max(_DELIMITERS, key=alike)


def _fields(line: str, delimiter: str) -> list[str]:
    return next(csv.reader(io.StringIO(line), delimiter=delimiter), [])


def _archive(path: Path, records: str) -> Header:
    """Of the first file that is packed in it, by name."""
    from connectors.formats.archive import expand, unpacker
    from connectors.landing import Landed
    from connectors.reader_config import FilesReader

    reader = FilesReader(kind="files", path=".", format="spreadsheet")
    moment = datetime.min.replace(tzinfo=UTC)
    received = Landed("", path.stat().st_size, path, str(path), moment)
    first = expand(received, reader)[0]
    with tempfile.TemporaryDirectory() as temp, closing(unpacker(reader, None)) as unpack:
        plain = unpack.plain(first, Path(temp))
        # By its own name: a.csv.gz holds a.csv, and what it holds is told by that.
        name = PurePosixPath(first.member or path.name)
        named = Path(temp) / f"file{PurePosixPath(name.name.removesuffix('.gz')).suffix}"
        plain.path.rename(named)
        try:
            return _columns(named, records)
        except (ConfigError, DataError) as error:
            error.where = Where(first.origin)
            raise


def _workbook(path: Path) -> Header:
    """The first sheet that has rows, and its header as it would be found in a run."""
    from connectors.formats.spreadsheet import filled_sheets, read_shape
    from connectors.reader_config import FilesReader

    where = Where(str(path))
    reader = FilesReader(kind="files", path=".", format="spreadsheet")
    with tempfile.TemporaryDirectory() as temp:
        sheets = filled_sheets(path, where, reader, Path(temp))
        if len(sheets) > 1:
            reader = reader.model_copy(update={"sheet": sheets[0]})
        shape = read_shape(path, where, reader, Path(temp))
    return Header(
        encoding="utf-8-sig",
        delimiter=",",
        columns=shape.columns,
        format="spreadsheet",
        sheet=shape.sheet,
        header_row=shape.header_row,
        other_sheets=tuple(name for name in sheets if name != shape.sheet),
    )


def _xml(path: Path, records: str) -> Header:
    """Columns of the first records; the elements that repeat in them become ``lists``."""
    from connectors.formats.xml import data_error, record_path, xml_records
    from connectors.formats.xml_parser import XmlError
    from connectors.reader_base import Rows

    try:
        if not records:
            with path.open("rb") as handle:
                records = record_path(handle)
        lists: set[str] = set()
        while True:
            rows = Rows(records=records, lists=tuple(sorted(lists)))
            with path.open("rb") as handle:
                found = list(islice(xml_records(handle, rows), _XML_RECORDS))
            repeated = {r.repeated for r in found if r.repeated} - lists
            if not repeated:
                break
            lists |= repeated
    except XmlError as error:
        raise data_error(error, Where(str(path))) from error
    names = dict.fromkeys(name for record in found for name in record.values)
    if not names:
        raise ConfigError(
            Text(en="this XML holds no records", zh="XML 中没有记录"),
            where=Where(str(path)),
            hint=Text(
                en="name the path of the record elements as `records` in source.toml",
                zh="请在 source.toml 中用 records 写明记录元素的路径",
            ),
        )
    return Header(
        "utf-8-sig", ",", tuple(names), "xml", records=records, lists=tuple(sorted(lists))
    )


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_HEAD_BYTES)
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> ConfigError:
    return ConfigError(
        Text(
            en=f"the file can't be read ({error.strerror})",
            zh=f"无法读取文件（{error.strerror}）",
        ),
        where=Where(str(path)),
    )


def _decodes(head: bytes, encoding: str) -> bool:
    """Whether the bytes are of this encoding, a character cut off at the end aside."""
    try:
        head.decode(encoding)
    except UnicodeDecodeError as error:
        return len(head) == _HEAD_BYTES and error.start >= len(head) - 4
    return True


def _open_text(path: Path) -> list[Any]:
    try:
        with path.open(encoding="utf-8-sig") as file:
            lines = [line for line in islice(file, _JSON_LINES) if line.strip()]
        return [json.loads(line) for line in lines]
    except OSError as error:
        raise _unreadable(path, error) from error
    except ValueError as error:
        raise _no_records(path) from error


def _document(path: Path, records: str) -> Iterable[Any]:
    try:
        if path.stat().st_size > _MAX_DOCUMENT:
            raise ConfigError(
                Text(en="this JSON document is too large", zh="JSON 文件过大"),
                where=Where(str(path)),
                hint=Text(en="give a smaller one of the same kind", zh="请换一个同类的小文件"),
            )
        found = json.loads(path.read_bytes())
    except OSError as error:
        raise _unreadable(path, error) from error
    except ValueError as error:
        raise _no_records(path) from error
    for key in filter(None, records.split(".")):
        found = found.get(key) if isinstance(found, dict) else None
    if not isinstance(found, list):
        raise _no_records(path)
    return islice(found, _JSON_LINES)


def _names(records: Iterable[Any], path: Path) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for record in records:
        if not isinstance(record, dict):
            raise _no_records(path)
        names.update(dict.fromkeys(record))
    if not names:
        raise _no_records(path)
    return tuple(names)


def _no_records(path: Path) -> ConfigError:
    # Not the decoder's words: they quote the file.
    return ConfigError(
        Text(
            en="this file holds no list of JSON records in UTF-8",
            zh="文件中没有 UTF-8 编码的 JSON 记录列表",
        ),
        where=Where(str(path)),
        hint=Text(
            en="a .json file holds a list of objects, a .jsonl file one object a line",
            zh=".json 文件应为对象列表，.jsonl 文件应每行一个对象",
        ),
    )
