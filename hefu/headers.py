"""What columns a file has, and how it is written; no row is kept or shown."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from schemas.errors import ConfigError, Where
from schemas.text import Text

_HEAD_BYTES = 1 << 16
_DELIMITERS = ",\t;|"
_JSON_LINES = 1000
_MAX_DOCUMENT = 1 << 28
_XML_RECORDS = 1000
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")


@dataclass(frozen=True, slots=True)
class Header:
    """A file's columns, and how it is written. ``delimiter`` is a CSV's; ``sheet``, the row of
    its header, and the ``other_sheets`` that hold rows are a workbook's; ``records`` and ``lists``
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
    """The first line of a CSV file in UTF-8 or GB18030. Raises :class:`ConfigError`."""
    head = _head(path)
    line = head.splitlines()[0] if head else b""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = line.decode(encoding)
        except UnicodeDecodeError:
            continue
        # A header that is ASCII says nothing; the rows after it may.
        if encoding == "utf-8-sig" and not _decodes(head, encoding):
            continue
        delimiter = max(_DELIMITERS, key=text.count)
        columns = next(csv.reader(io.StringIO(text), delimiter=delimiter), [])
        if len(columns) > 1 and all(name.strip() for name in columns):
            return Header(encoding, delimiter, tuple(columns))
        break
    raise ConfigError(
        Text(
            en="the first line is no CSV header in UTF-8 or GB18030",
            zh="首行不是 UTF-8 或 GB18030 编码的 CSV 表头",
        ),
        where=Where(str(path), row=1),
        hint=Text(
            en="the first line must name at least two columns; for JSON, Parquet or an "
            "interface write source.toml by hand, as docs/sources.md shows",
            zh="首行应至少有两个列名；JSON、Parquet 或接口请按 docs/sources.zh-CN.md 手工编写 "
            "source.toml",
        ),
    )


def read_columns(path: Path, records: str = "") -> Header:
    """As :func:`read_header`, and of ``.json`` and ``.jsonl`` files the names of their records.

    Workbooks and XML are told by their first bytes. ``records``: path to the list in a JSON or
    XML document, as in ``source.toml``; of XML it is found if it is not given. Raises
    :class:`ConfigError`, and :class:`DataError` for a workbook or XML that can't be read.
    """
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
