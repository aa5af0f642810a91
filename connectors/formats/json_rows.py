"""JSON documents and JSON lines into ``raw``.

The columns are the union of the records' keys. Numbers keep the text in which the source
wrote them; true and false are ``true`` and ``false``; nested values are JSON text; null and a
key that is not there are NULL. What can't be read becomes a reject, record by record.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from connectors.formats.csv_records import Dialect, Line, lines
from connectors.formats.json_document import decode, read_file_document, records_in
from connectors.formats.jsontext import NotJsonError, Number, Repeated, dumps, has_repeated, loads
from connectors.formats.raw_table import RawTable, Reject, printable
from connectors.formats.text_file import newline_of
from connectors.landing import Landed
from connectors.reader_config import FilesReader, RestReader
from schemas.errors import DataError, RefusedError, Where
from schemas.text import Text

_SHOWN = 1000


def load_json(
    table: RawTable, landed: Landed, index: int, reader: FilesReader | RestReader
) -> None:
    """Add the records of one JSON document.

    Raises :class:`DataError` if the document as a whole can't be read.
    """
    where = Where(landed.origin, field=reader.records or None)
    if isinstance(reader, FilesReader) and landed.size > reader.max_document_bytes:
        raise _too_large(where, reader.max_document_bytes)
    document = read_file_document(landed.path.read_bytes(), reader.encoding, where)
    try:
        records = records_in(document, reader.records, where)
    except RefusedError as error:
        raise DataError(error.message, where=where, hint=error.hint) from error
    for row, record in enumerate(records, start=1):
        _add(table, index, row, record, reader.max_record_bytes, where)


def load_json_lines(table: RawTable, landed: Landed, index: int, reader: FilesReader) -> None:
    """Add the records of one JSON Lines object; a line that isn't JSON is a reject."""
    where = Where(landed.origin)
    for row, line in enumerate(_filled_lines(landed, reader), start=1):
        if line.digest is not None:
            detail = f"{line.size} bytes, more than {reader.max_record_bytes}; sha256 {line.digest}"
            table.reject(index, Reject(row, "read:oversize", detail, printable(line.text)))
            continue
        try:
            record = loads(line.text)
        except NotJsonError as error:
            # Bad bytes and NUL have names of their own also where they break the syntax.
            reject = _unreadable_text(row, line.text) or Reject(
                row, "read:json", f"{error.reason} at character {error.position + 1}", ""
            )
            table.reject(
                index, Reject(row, reject.rule_id, reject.detail, printable(line.text.rstrip("\r")))
            )
            continue
        _add(table, index, row, record, reader.max_record_bytes, where)


def _filled_lines(landed: Landed, reader: FilesReader) -> Iterator[Line]:
    if reader.encoding == "utf-16":
        for text in decode(landed.path.read_bytes(), "utf-16").split("\n"):
            if text.strip():
                yield Line(text, len(text))
        return
    name = "utf-8" if reader.encoding == "utf-8-sig" else reader.encoding
    dialect = Dialect(",", "", newline_of(landed.path), name, reader.max_record_bytes)
    with landed.path.open("rb") as handle:
        for number, line in enumerate(lines(handle, dialect)):
            text = line.text.removeprefix("\ufeff") if number == 0 else line.text
            if text.strip():
                yield Line(text, line.size, line.digest)


def _add(table: RawTable, index: int, row: int, record: Any, max_bytes: int, where: Where) -> None:
    try:
        found = _values(record)
    except RecursionError:
        # Parsed by C, which goes deeper than Python; its text can't be shown either.
        table.reject(index, Reject(row, "read:json", "nested too deeply", ""))
        return
    if isinstance(found, str):
        table.reject(index, Reject(row, "read:json", found, printable(dumps(record))))
        return
    text = "".join(k + (v or "") for k, v in found.items())
    if len(text) * 4 > max_bytes and len(text.encode("utf-8", "surrogatepass")) > max_bytes:
        table.reject(index, _oversize(row, dumps(record), max_bytes))
        return
    problem = _unreadable_text(row, text)
    if problem is not None:
        shown = printable(dumps(record))
        table.reject(index, Reject(row, problem.rule_id, problem.detail, shown))
        return
    try:
        named = {table.name_column(k or "column_", where): v for k, v in found.items()}
    except DataError as error:
        table.reject(index, Reject(row, "read:json", error.message.en, printable(dumps(record))))
        return
    if len(named) < len(found):
        detail = "two keys differ only in upper and lower case"
        table.reject(index, Reject(row, "read:json", detail, printable(dumps(record))))
        return
    table.add_row(index, row, named)


def _values(record: Any) -> dict[str, str | None] | str:
    """Texts by key, or what is wrong with the record."""
    if isinstance(record, Repeated):
        return "a key comes twice"
    if not isinstance(record, dict):
        return "not an object"
    values: dict[str, str | None] = {}
    for key, value in record.items():
        if value is None or type(value) is str or type(value) is Number:
            values[key] = value
        elif value is True or value is False:
            values[key] = "true" if value else "false"
        elif has_repeated(value):
            return "a key comes twice in a nested object"
        else:
            values[key] = dumps(value)
    return values


def _unreadable_text(row: int, text: str) -> Reject | None:
    """Nested values are JSON text already, in which a NUL is written as an escape."""
    if "\0" in text or "\\u0000" in text:
        return Reject(row, "read:nul", "a NUL inside a text", "")
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            return Reject(row, "read:encoding", "a text holds what is no character", "")
    return None


def _oversize(row: int, text: str, max_bytes: int) -> Reject:
    data = text.encode("utf-8", "surrogatepass")
    digest = hashlib.sha256(data).hexdigest()
    detail = f"{len(data)} bytes, more than {max_bytes}; sha256 {digest}"
    return Reject(row, "read:oversize", detail, printable(text[:_SHOWN]))


def _too_large(where: Where, limit: int) -> DataError:
    return DataError(
        Text(en=f"the document is larger than {limit} bytes", zh=f"文档超过 {limit} 字节"),
        where=where,
        hint=Text(
            en="have it written as JSON lines, or raise max_document_bytes",
            zh="请改为 JSON Lines 格式，或调大 max_document_bytes",
        ),
    )
