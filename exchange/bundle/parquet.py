"""Tables as Parquet: one way to write them, and a reader that trusts no footer.

The writer has no free settings: the same rows give the same bytes with the same release of
Arrow, however the rows were batched. The reader holds the schema against the contract's
before it looks at a row, and every declared size against the bytes that are there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import IOBase
from threading import Event

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from exchange.bundle.footer import FooterError, read_footer
from exchange.bundle.pages import check_pages
from exchange.bundle.passing import give_back
from exchange.errors import refusal
from exchange.limits import Limits
from schemas.errors import VerificationError
from schemas.text import Text

ROW_GROUP_ROWS = 100_000
# Level 3 takes half as long again and packs hexadecimal digests worse.
_ZSTD_LEVEL = 1
# Small enough that a reader can decode thousands of rows at a time within Limits.batch_size.
_DICTIONARY_PAGE_BYTES = 16 * 1024
# Small enough that a reader sees from the page that no cell is longer than Limits.cell_length.
_DATA_PAGE_BYTES = 512 * 1024
_MAX_BATCH_ROWS = 65_536
READERS = 2
"""Threads that check a table: decoding lets go of the interpreter."""


def write_parquet(data: pa.Table | pa.RecordBatchReader, schema: pa.Schema, sink: IOBase) -> int:
    """Write the Parquet file of these rows into ``sink``; returns their number.

    Holds one row group at a time. Raises ``ValueError`` if the columns are not exactly the
    schema's, in its order: what is not granted must not even get as far as the writer.
    """
    if not data.schema.equals(schema, check_metadata=False):
        raise ValueError(
            f"columns are not those of the schema: {data.schema.names} for {schema.names}"
        )
    rows = 0
    with pq.ParquetWriter(
        sink,
        schema.remove_metadata(),
        version="2.6",
        compression="zstd",
        compression_level=_ZSTD_LEVEL,
        data_page_version="1.0",
        data_page_size=_DATA_PAGE_BYTES,
        # A list column has no dictionary: nothing would bound what one row unfolds to.
        use_dictionary=[f.name for f in schema if not pa.types.is_nested(f.type)],
        dictionary_pagesize_limit=_DICTIONARY_PAGE_BYTES,
        write_statistics=False,
        write_page_checksum=True,
        write_page_index=False,
        store_schema=False,
    ) as writer:
        for group in _row_groups(data, schema):
            writer.write_table(group, row_group_size=ROW_GROUP_ROWS)
            rows += group.num_rows
    return rows


def _row_groups(data: pa.Table | pa.RecordBatchReader, schema: pa.Schema) -> Iterator[pa.Table]:
    """Tables of one chunk and ``ROW_GROUP_ROWS`` rows: page bounds follow chunk bounds."""
    batches = data.to_batches() if isinstance(data, pa.Table) else data
    waiting: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        start = 0
        while start < batch.num_rows:
            part = batch.slice(start, ROW_GROUP_ROWS - rows)
            waiting.append(part)
            start += part.num_rows
            rows += part.num_rows
            if rows == ROW_GROUP_ROWS:
                yield pa.Table.from_batches(waiting, schema).combine_chunks()
                waiting, rows = [], 0
    if waiting:
        yield pa.Table.from_batches(waiting, schema).combine_chunks()


@dataclass(frozen=True, slots=True)
class ParquetEntry:
    """An entry whose footer and page headers have been held against its bytes."""

    entry: str
    data: memoryview
    schema: pa.Schema
    num_rows: int
    num_groups: int
    batch_rows: int
    """So many rows at a time, by as many readers as ``READERS``, stay within
    ``Limits.batch_size``."""
    largest_page: int
    """Bytes, uncompressed: no cell is longer."""
    readers: int
    """So many row groups at the same time stay within ``Limits.batch_size``; one in any case."""

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All rows in the file's order."""
        return self.batches_of(range(self.num_groups))

    def batches_of(self, groups: Sequence[int]) -> Iterator[pa.RecordBatch]:
        """The rows of some row groups; what was read of a mapped file is given back."""
        file = pq.ParquetFile(pa.BufferReader(self.data), page_checksum_verification=True)
        for group in groups:
            yield from file.iter_batches(batch_size=self.batch_rows, row_groups=[group])
            give_back(self.data)


@dataclass(frozen=True, slots=True)
class VerifiedTable:
    """A table whose bytes have been verified; decodes them anew each time it is asked.

    ``schema`` holds the columns that the receiver's contract knows, ``whole`` all that came.
    """

    source: ParquetEntry
    schema: pa.Schema
    whole: pa.Schema

    @property
    def num_rows(self) -> int:
        return self.source.num_rows

    def batches(self, *, whole: bool = False) -> pa.RecordBatchReader:
        """The rows in the file's order, a batch at a time."""
        schema = self.whole if whole else self.schema
        batches = (
            pa.RecordBatch.from_arrays([batch.column(n) for n in schema.names], schema=schema)
            for batch in self.source.batches()
        )
        return pa.RecordBatchReader.from_batches(schema, batches)

    def table(self) -> pa.Table:
        return self.batches().read_all()


def _bad(message: Text, entry: str, expected: object, found: object) -> VerificationError:
    return refusal("table", message, expected=expected, found=found, entry=entry)


def open_parquet(data: memoryview, entry: str, limits: Limits) -> ParquetEntry:
    """Read the footer and hold every size it declares against the bytes that are there.

    Raises ``VerificationError`` (step ``table``); no row is decoded.
    """
    data = data.cast("B")  # Arrow's own buffers show signed bytes
    try:
        footer = read_footer(data, limits)
    except FooterError as error:
        raise _bad(_MALFORMED, entry, "a footer as the format has it", str(error)) from None
    numbers = [
        ("rows", footer.num_rows, limits.row_count),
        ("columns", len(footer.leaves), limits.column_count),
        ("row groups", len(footer.groups), limits.row_group_count),
    ]
    for what, found, allowed in numbers:
        if not 0 <= found <= allowed:
            raise _bad(_TOO_MANY, entry, f"at most {allowed} {what}", found)
    sizes = check_pages(data, footer, entry, limits)
    try:
        schema = pq.read_schema(pa.BufferReader(data))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _bad(_MALFORMED, entry, "a Parquet file", type(error).__name__) from None
    batch_rows = limits.batch_size // (READERS * max(sizes.dictionaries, 1))
    return ParquetEntry(
        entry=entry,
        data=data,
        schema=schema,
        num_rows=footer.num_rows,
        num_groups=len(footer.groups),
        batch_rows=max(1, min(batch_rows, _MAX_BATCH_ROWS)),
        largest_page=sizes.largest,
        readers=READERS if READERS * sizes.group <= limits.batch_size else 1,
    )


def check_schema(file: ParquetEntry, expected: pa.Schema) -> None:
    """The file's columns are exactly ``expected``, in its order and with its types."""
    if file.schema.names != expected.names:
        different = sorted(set(file.schema.names) ^ set(expected.names))
        raise _bad(
            _SCHEMA, file.entry, f"{len(expected.names)} columns", f"differs in {different[:8]}"
        )
    for mine, theirs in zip(expected, file.schema, strict=True):
        if not theirs.equals(mine, check_metadata=False):
            raise refusal(
                "table",
                _SCHEMA,
                expected=_say(mine),
                found=_say(theirs),
                entry=file.entry,
                field=mine.name,
            )


def _say(field: pa.Field) -> str:
    return f"{field.type}{'' if field.nullable else ' not null'}"


def check_rows(file: ParquetEntry, rows: int, limits: Limits) -> None:
    """Decode every page once, keeping nothing: checksums, UTF-8, sizes, number of rows."""
    if file.num_rows != rows:
        raise _bad(_ROW_COUNT, file.entry, f"{rows} rows", file.num_rows)
    seen = size = 0
    groups = [range(n, file.num_groups, file.readers) for n in range(file.readers)]
    with ThreadPoolExecutor(file.readers, thread_name_prefix="check") as pool:
        stop = Event()
        try:
            for part in [pool.submit(_decode, file, of, limits, stop) for of in groups if of]:
                rows_there, bytes_there = part.result()
                seen, size = seen + rows_there, size + bytes_there
        except (pa.ArrowException, OSError, ValueError) as error:
            raise _bad(_MALFORMED, file.entry, "readable pages", type(error).__name__) from None
        finally:
            stop.set()
    if size > limits.table_size:
        raise _bad(_TOO_MANY, file.entry, f"at most {limits.table_size} bytes", "more")
    if seen != rows:
        raise _bad(_ROW_COUNT, file.entry, f"{rows} rows", seen)


def _decode(
    file: ParquetEntry, groups: Sequence[int], limits: Limits, stop: Event
) -> tuple[int, int]:
    """Rows and bytes of these row groups; no further than a table may be large."""
    rows = size = 0
    for batch in file.batches_of(groups):
        batch.validate(full=True)
        rows += batch.num_rows
        size += batch.nbytes
        if file.largest_page > limits.cell_length:
            _check_cells(batch, file.entry, limits)
        if size > limits.table_size or stop.is_set():
            break
    return rows, size


def _check_cells(batch: pa.RecordBatch, entry: str, limits: Limits) -> None:
    for field, column in zip(batch.schema, batch.columns, strict=True):
        longest = _longest_text(column)
        if longest > limits.cell_length:
            raise refusal(
                "table",
                _LONG_CELL,
                expected=f"at most {limits.cell_length} bytes",
                found=longest,
                entry=entry,
                field=field.name,
            )


def _longest_text(column: pa.Array) -> int:
    if pa.types.is_list(column.type):
        column = column.flatten()
    if not pa.types.is_string(column.type):
        return 0
    return pc.max(pc.binary_length(column)).as_py() or 0


_MALFORMED = Text(en="this table is not sound Parquet", zh="该表不是完好的 Parquet 文件")
_TOO_MANY = Text(en="this table is larger than allowed", zh="该表超过允许的大小")
_SCHEMA = Text(
    en="this table's columns are not those of its contract", zh="该表的列与数据标准不一致"
)
_ROW_COUNT = Text(
    en="this table does not have the number of rows that was signed", zh="该表行数与签名声明不一致"
)
_LONG_CELL = Text(en="a cell is longer than allowed", zh="单元格内容超过允许的长度")
