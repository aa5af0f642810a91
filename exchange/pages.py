"""Walk a Parquet file's pages by their own headers, before any decoder sees them.

Arrow allocates what a page header declares. This walk reads each header (Thrift compact
protocol; ``parquet.thrift`` structs ``PageHeader``, ``DataPageHeader``,
``DictionaryPageHeader``) and holds it against the column chunk, the entry and the limits:
chunks lie one after another from byte 4 to the footer, pages fill their chunk exactly, each
page has a checksum, and no page unpacks to more than allowed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exchange.errors import refusal
from exchange.limits import Limits
from schemas.errors import VerificationError
from schemas.text import Text

if TYPE_CHECKING:
    import pyarrow.parquet as pq

_DATA_PAGE, _DICTIONARY_PAGE = 0, 2
_TYPE, _UNCOMPRESSED, _COMPRESSED, _CRC, _DATA_HEADER = 1, 2, 3, 4, 5
_NUM_VALUES = 1
_T_TRUE, _T_FALSE, _T_BYTE, _T_I16, _T_I32, _T_I64 = 1, 2, 3, 4, 5, 6
_T_BINARY, _T_STRUCT = 8, 12
_MAX_HEADER = 4096

_MALFORMED = Text(en="this table is not sound Parquet", zh="该表不是完好的 Parquet 文件")
_LIES = Text(
    en="this table declares sizes that do not match its bytes", zh="该表声明的大小与实际内容不符"
)


def _lie(entry: str, expected: object, found: object) -> VerificationError:
    return refusal("table", _LIES, expected=expected, found=found, entry=entry)


class _Thrift:
    """Just enough of the compact protocol to read one page header."""

    def __init__(self, data: memoryview, position: int, end: int) -> None:
        self.data, self.position = data, position
        self.end = min(end, position + _MAX_HEADER)

    def byte(self) -> int:
        if self.position >= self.end:
            raise ValueError("page header runs over its chunk")
        self.position += 1
        return self.data[self.position - 1]

    def varint(self) -> int:
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if not byte & 0x80:
                return value
            shift += 7
            if shift > 63:
                raise ValueError("number too long")

    def signed(self) -> int:
        value = self.varint()
        return (value >> 1) ^ -(value & 1)

    def struct(self, depth: int = 0) -> dict[int, object]:
        """Field id to value; numbers and structs only, which is all a page header needs."""
        if depth > 3:
            raise ValueError("page header nested too deeply")
        fields: dict[int, object] = {}
        last = 0
        while head := self.byte():
            kind, delta = head & 0x0F, head >> 4
            last = last + delta if delta else self.signed()
            if last in fields:
                raise ValueError("page header field twice")
            fields[last] = self._value(kind, depth)
        return fields

    def _value(self, kind: int, depth: int) -> object:
        if kind in (_T_TRUE, _T_FALSE):
            return kind == _T_TRUE
        if kind == _T_BYTE:
            return self.byte()
        if kind in (_T_I16, _T_I32, _T_I64):
            return self.signed()
        if kind == _T_STRUCT:
            return self.struct(depth + 1)
        if kind == _T_BINARY:
            length = self.varint()
            if length > self.end - self.position:
                raise ValueError("page header runs over its chunk")
            self.position += length
            return None
        raise ValueError(f"unexpected type {kind} in a page header")


def check_pages(data: memoryview, meta: pq.FileMetaData, entry: str, limits: Limits) -> int:
    """The greatest size of all dictionaries of one row group, in bytes.

    Raises ``VerificationError`` (step ``table``) unless footer, pages and bytes agree.
    """
    footer_start = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    position, rows, unpacked, dictionaries = 4, 0, 0, 0
    for g in range(meta.num_row_groups):
        group = meta.row_group(g)
        rows += group.num_rows
        if not 0 <= group.num_rows <= limits.row_count:
            raise _lie(entry, f"at most {limits.row_count} rows", group.num_rows)
        of_group = 0
        for c in range(group.num_columns):
            chunk = _Chunk(data, group.column(c), meta.schema.column(c), group.num_rows)
            position, size, dictionary = chunk.check(position, footer_start, entry, limits)
            unpacked += size
            of_group += dictionary
        dictionaries = max(dictionaries, of_group)
    if position != footer_start:
        raise _lie(entry, f"pages up to byte {footer_start}", f"up to byte {position}")
    if rows != meta.num_rows:
        raise _lie(entry, f"{meta.num_rows} rows", rows)
    if unpacked > limits.table_size:
        raise _lie(entry, f"at most {limits.table_size} bytes", unpacked)
    return dictionaries


@dataclass(frozen=True, slots=True)
class _Chunk:
    """One column of one row group as the footer describes it."""

    data: memoryview
    meta: pq.ColumnChunkMetaData
    column: pq.ColumnSchema
    rows: int

    def check(
        self, position: int, footer_start: int, entry: str, limits: Limits
    ) -> tuple[int, int, int]:
        """Where the next chunk begins, this one's uncompressed size, its dictionary's size."""
        end = position + self.meta.total_compressed_size
        self._check_place(position, end, footer_start, entry)
        values = unpacked = dictionary = pages = 0
        while position < end:
            page = _read_page(self.data, position, end, entry, limits)
            if page.is_dictionary:
                self._check_dictionary(pages, page.size, entry, limits)
                dictionary = page.size
            pages += 1
            values += page.values
            unpacked += page.header_size + page.size
            position = page.end
        self._check_values(values, entry, limits)
        if unpacked != self.meta.total_uncompressed_size or unpacked > limits.column_chunk_size:
            allowed = min(self.meta.total_uncompressed_size, limits.column_chunk_size)
            raise _lie(entry, f"{allowed} bytes in a column chunk", unpacked)
        return end, unpacked, dictionary

    def _check_place(self, position: int, end: int, footer_start: int, entry: str) -> None:
        if self.meta.file_path:
            raise _lie(entry, "pages in this file", "pages in another file")
        start = self.meta.data_page_offset
        if self.meta.has_dictionary_page and self.meta.dictionary_page_offset is not None:
            start = min(start, self.meta.dictionary_page_offset)
        if start != position or not position <= end <= footer_start:
            raise _lie(entry, f"a column chunk at byte {position}", f"bytes {start} to {end}")

    def _check_dictionary(self, pages: int, size: int, entry: str, limits: Limits) -> None:
        if pages or self.column.max_repetition_level:
            raise _lie(entry, "a dictionary first, and none for a list", "another dictionary")
        if size > limits.dictionary_size:
            raise _lie(entry, f"a dictionary of at most {limits.dictionary_size} bytes", size)

    def _check_values(self, values: int, entry: str, limits: Limits) -> None:
        """A flat column has a value or null per row; a list column a bounded number."""
        least = most = self.rows
        if self.column.max_repetition_level:
            most = self.rows * limits.list_length
        if values != self.meta.num_values or not least <= values <= most:
            raise _lie(entry, f"{least} to {most} values in {self.rows} rows", values)


@dataclass(frozen=True, slots=True)
class _Page:
    is_dictionary: bool
    values: int
    size: int
    """Uncompressed, without the header."""
    header_size: int
    end: int


def _read_page(data: memoryview, position: int, end: int, entry: str, limits: Limits) -> _Page:
    reader = _Thrift(data, position, end)
    try:
        header = reader.struct()
    except ValueError as error:
        raise refusal(
            "table", _MALFORMED, expected="a page header", found=str(error), entry=entry
        ) from None
    kind, size, packed = (header.get(k) for k in (_TYPE, _UNCOMPRESSED, _COMPRESSED))
    if kind not in (_DATA_PAGE, _DICTIONARY_PAGE) or _CRC not in header:
        raise _lie(entry, "a data or dictionary page with a checksum", f"page type {kind}")
    if not isinstance(size, int) or not 0 <= size <= limits.page_size:
        raise _lie(entry, f"a page of at most {limits.page_size} bytes", size)
    if not isinstance(packed, int) or not 0 <= packed <= end - reader.position:
        raise _lie(entry, f"a page within {end - reader.position} bytes", packed)
    values: object = 0
    if kind == _DATA_PAGE:
        details = header.get(_DATA_HEADER)
        values = details.get(_NUM_VALUES) if isinstance(details, dict) else None
    if not isinstance(values, int) or values < 0:
        raise _lie(entry, "a number of values", values)
    return _Page(
        is_dictionary=kind == _DICTIONARY_PAGE,
        values=values,
        size=size,
        header_size=reader.position - position,
        end=reader.position + packed,
    )
