"""XML documents into ``raw``: files, and pages of a REST source.

Columns are the records' leaves by their paths (:mod:`connectors.formats.xml_records`). Texts
lose the blanks around them and nothing else; an empty element is the empty text, ``xsi:nil``
and an element that is not there are NULL. Of a document that is broken anywhere nothing is
taken: what stands behind the break is not known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import IO

from connectors.formats.jsontext import dumps
from connectors.formats.raw_table import RawTable, Reject, printable
from connectors.formats.xml_parser import (
    MAX_DEPTH,
    XmlError,
    feed,
    local,
    strict_parser,
    too_deep,
)
from connectors.formats.xml_records import XmlRecord, XmlShape, iter_records
from connectors.formats.xml_text import utf8_chunks
from connectors.landing import Landed
from connectors.reader_base import Rows
from schemas.errors import DataError, Where
from schemas.text import Text

_LOOKED_AT_DEPTH = 6
_LOOKED_AT_PATHS = 10_000


def load_xml(table: RawTable, landed: Landed, index: int, reader: Rows) -> None:
    """Add the records of one XML document.

    Raises :class:`DataError` if it is no XML, holds a DTD, is broken or cut off anywhere, or
    has nothing at ``reader.records``.
    """
    where = Where(landed.origin, field=reader.records or None)
    with landed.path.open("rb") as handle:
        try:
            for record in xml_records(handle, reader):
                _add(table, index, record, where)
        except XmlError as error:
            raise data_error(error, where) from error


def xml_records(handle: IO[bytes], reader: Rows) -> Iterator[XmlRecord]:
    """The records of a document as its source sent it. Raises :class:`XmlError`."""
    shape = XmlShape.of(reader.records, reader.namespaces, reader.lists, reader.max_record_bytes)
    return iter_records(utf8_chunks(handle, reader.encoding), shape)


def record_path(handle: IO[bytes]) -> str:
    """Where the records of a document seem to be: the first elements of one name that repeat
    side by side, the uppermost of them; else the root's children. Raises :class:`XmlError`."""
    counts: Counter[tuple[str, ...]] = Counter()
    path: list[str] = []
    parser = strict_parser()

    def start(name: str, _attributes: dict[str, str]) -> None:
        path.append(local(name))
        if len(path) > MAX_DEPTH:
            raise too_deep()
        if 1 < len(path) <= _LOOKED_AT_DEPTH:
            counts[tuple(path)] += 1

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _name: path.pop()
    for _ in feed(parser, utf8_chunks(handle, "utf-8")):
        if len(counts) > _LOOKED_AT_PATHS:
            break
    repeated = [found for found, times in counts.items() if times > 1]
    return "/".join(min(repeated or counts, key=lambda found: len(found), default=()))


def data_error(error: XmlError, where: Where) -> DataError:
    """What a person is told of it."""
    if error.cut_off:
        hint = Text(
            en="nothing of it was taken; have it written or sent again",
            zh="不完整的内容未被采用；请重新生成或传送",
        )
    else:
        hint = Text(
            en="check `records`, `namespaces` and `encoding` in source.toml, or ask the "
            "system's operator",
            zh="请检查 source.toml 中的 records、namespaces 和 encoding，或联系该系统的运维人员",
        )
    return DataError(error.message, where=where, hint=hint)


def _add(table: RawTable, index: int, record: XmlRecord, where: Where) -> None:
    if record.rule_id is not None:
        table.reject(
            index,
            Reject(record.row, record.rule_id, record.detail, printable(record.raw_text)),
        )
        return
    try:
        named = {table.name_column(name, where): v for name, v in record.values.items()}
    except DataError as error:
        _reject(table, index, record, error.message.en)
        return
    if len(named) < len(record.values):
        _reject(table, index, record, "two names differ only in upper and lower case")
        return
    table.add_row(index, record.row, named)


def _reject(table: RawTable, index: int, record: XmlRecord, detail: str) -> None:
    shown = printable(dumps(record.values))
    table.reject(index, Reject(record.row, "read:xml", detail, shown))
