"""Walk a Parquet file's pages by their own headers, before any decoder sees them.

Arrow allocates what a page header declares. This walk reads each header (``parquet.thrift``,
structures ``PageHeader``, ``DataPageHeader``, ``DictionaryPageHeader``) and holds it against
the column chunk, the entry and the limits:
chunks lie one after another from byte 4 to the footer, pages fill their chunk exactly, each
page has a checksum, and no page unpacks to more than allowed.
"""

from __future__ import annotations

from dataclasses import dataclass

from exchange.bundle.footer import Chunk, Footer
from exchange.bundle.passing import give_back
from exchange.bundle.thrift import Reader, Spec, ThriftError
from exchange.errors import refusal
from exchange.limits import Limits
from schemas.errors import VerificationError
from schemas.text import Text

_DATA_PAGE, _DICTIONARY_PAGE = 0, 2
_MAX_HEADER = 256
_PAGE_HEADER: Spec = {
    1: "i32",
    2: "i32",
    3: "i32",
    4: "i32",
    5: {1: "i32", 2: "i32", 3: "i32", 4: "i32", 5: {}},  # 5: statistics, always empty
    7: {1: "i32", 2: "i32", 3: "bool"},
}

_LIES = Text(
    en="this table declares sizes that do not match its bytes", zh="该表声明的大小与实际内容不符"
)


def _lie(entry: str, expected: object, found: object) -> VerificationError:
    return refusal("table", _LIES, expected=expected, found=found, entry=entry)


@dataclass(frozen=True, slots=True)
class PageSizes:
    """Bytes, uncompressed, of the largest of each: the dictionaries of one row group, all columns
    of one row group, one page."""

    dictionaries: int
    group: int
    largest: int


def check_pages(data: memoryview, footer: Footer, entry: str, limits: Limits) -> PageSizes:
    """Hold footer and page headers against the bytes.

    Raises ``VerificationError`` (step ``table``) unless footer, pages and bytes agree.
    """
    position, rows, pages = 4, 0, 0
    unpacked = largest_group = dictionaries = largest = 0
    for group in footer.groups:
        rows += group.num_rows
        if not 0 <= group.num_rows <= limits.row_group_rows:
            raise _lie(entry, f"at most {limits.row_group_rows} rows in a group", group.num_rows)
        of_group = dictionaries_of_group = 0
        for chunk in group.chunks:
            walk = _Walk(data, chunk, group.num_rows, entry, limits)
            found = walk.check(position, footer.start, limits.page_count - pages)
            position += chunk.packed_size
            pages += found.pages
            of_group += found.size
            dictionaries_of_group += found.dictionary
            largest = max(largest, found.largest)
        if of_group > limits.row_group_size:
            raise _lie(entry, f"at most {limits.row_group_size} bytes in a row group", of_group)
        give_back(data)
        unpacked += of_group
        largest_group = max(largest_group, of_group)
        dictionaries = max(dictionaries, dictionaries_of_group)
    if position != footer.start:
        raise _lie(entry, f"pages up to byte {footer.start}", f"up to byte {position}")
    if rows != footer.num_rows:
        raise _lie(entry, f"{footer.num_rows} rows", rows)
    if unpacked > limits.table_size:
        raise _lie(entry, f"at most {limits.table_size} bytes", unpacked)
    return PageSizes(dictionaries, largest_group, largest)


@dataclass(frozen=True, slots=True)
class _ChunkSizes:
    """Of one column chunk: number of its pages; bytes, uncompressed, of all, of its dictionary and
    of its largest page."""

    pages: int
    size: int
    dictionary: int
    largest: int


@dataclass(frozen=True, slots=True)
class _Walk:
    """The pages of one column of one row group."""

    data: memoryview
    chunk: Chunk
    rows: int
    entry: str
    limits: Limits

    def check(self, position: int, footer_start: int, most_pages: int) -> _ChunkSizes:
        end = position + self.chunk.packed_size
        if self.chunk.start != position or not position <= end <= footer_start:
            found = f"bytes {self.chunk.start} to {end}"
            raise _lie(self.entry, f"a column chunk at byte {position}", found)
        values = unpacked = dictionary = largest = pages = 0
        seen_dictionary = False
        while position < end:
            page = _read_page(self.data, position, end, self.entry, self.limits)
            if page.is_dictionary:
                self._check_dictionary(pages, position, page.size)
                # Its size may be 0: the dictionary of a column in which every value is NULL.
                dictionary, seen_dictionary = page.size, True
            elif not seen_dictionary and self.chunk.dictionary_offset is not None:
                raise _lie(self.entry, "a dictionary first", "a data page")
            elif pages == seen_dictionary and position != self.chunk.data_offset:
                raise _lie(self.entry, f"data at byte {position}", self.chunk.data_offset)
            pages += 1
            if pages > most_pages:
                raise _lie(self.entry, f"at most {self.limits.page_count} pages", "more")
            largest = max(largest, page.size)
            values += page.values
            unpacked += page.header_size + page.size
            position = page.end
        self._check_values(values)
        allowed = min(self.chunk.unpacked_size, self.limits.column_chunk_size)
        if unpacked != self.chunk.unpacked_size or unpacked > allowed:
            raise _lie(self.entry, f"{allowed} bytes in a column chunk", unpacked)
        return _ChunkSizes(pages, unpacked, dictionary, largest)

    def _check_dictionary(self, pages: int, position: int, size: int) -> None:
        """Nothing would bound what a list's dictionary unfolds to, so a list has none."""
        if pages or self.chunk.leaf.is_list or self.chunk.dictionary_offset != position:
            raise _lie(self.entry, "a dictionary first, and none for a list", "another dictionary")
        if size > self.limits.dictionary_size:
            allowed = f"a dictionary of at most {self.limits.dictionary_size} bytes"
            raise _lie(self.entry, allowed, size)

    def _check_values(self, values: int) -> None:
        """A flat column has a value or null per row; a list column a bounded number."""
        least = most = self.rows
        if self.chunk.leaf.is_list:
            most = self.rows * self.limits.list_length
        if values != self.chunk.num_values or not least <= values <= most:
            raise _lie(self.entry, f"{least} to {most} values in {self.rows} rows", values)


@dataclass(frozen=True, slots=True)
class _Page:
    is_dictionary: bool
    values: int
    size: int
    """Uncompressed, without the header."""
    header_size: int
    end: int


def _read_page(data: memoryview, position: int, end: int, entry: str, limits: Limits) -> _Page:
    reader = Reader(data, position, min(end, position + _MAX_HEADER))
    try:
        header = reader.struct(_PAGE_HEADER)
    except ThriftError as error:
        raise _lie(entry, "a page header", str(error)) from None
    kind, size, packed = header.get(1), header.get(2), header.get(3)
    is_dictionary = kind == _DICTIONARY_PAGE
    details = header.get(7 if is_dictionary else 5)
    if kind not in (_DATA_PAGE, _DICTIONARY_PAGE) or details is None or 4 not in header:
        raise _lie(entry, "a data or dictionary page with a checksum", f"page type {kind}")
    if size is None or not 0 <= size <= limits.page_size:
        raise _lie(entry, f"a page of at most {limits.page_size} bytes", size)
    if packed is None or not 0 <= packed <= end - reader.position:
        raise _lie(entry, f"a page within {end - reader.position} bytes", packed)
    values = details.get(1, -1)
    # A value of a dictionary takes a byte at least, or four before a text.
    if values < 0 or (is_dictionary and values > size):
        raise _lie(entry, "a number of values", values)
    return _Page(
        is_dictionary=is_dictionary,
        values=0 if is_dictionary else values,
        size=size,
        header_size=reader.position - position,
        end=reader.position + packed,
    )
