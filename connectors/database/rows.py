"""Rows of a database as Parquet bytes: the same rows in the same order give the same bytes.

What is held at once is one row group, bounded by rows and by bytes, whatever the size of a
table. Where a group ends follows from the rows alone, not from how the driver cut its batches.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

GROUP_ROWS = 50_000
GROUP_BYTES = 32 << 20


def row_groups(
    batches: Iterator[pa.RecordBatch], rows_per_object: int
) -> Iterator[tuple[pa.Table, bool]]:
    """``batches`` cut anew; with each group, whether it is the last of its object."""
    import pyarrow as pa

    held: list[Any] = []
    rows = size = in_object = 0
    for batch in batches:
        ends = _ends(batch)
        start = 0
        while start < batch.num_rows:
            room = min(GROUP_ROWS, rows_per_object - in_object) - rows
            before = _bytes_until(ends, start)
            full = 1 + bisect_left(
                range(batch.num_rows),
                GROUP_BYTES - size + before,
                lo=start,
                key=lambda i: _bytes_until(ends, i + 1),
            )
            stop = min(start + room, full, batch.num_rows)
            held.append(batch.slice(start, stop - start))
            rows += stop - start
            size += _bytes_until(ends, stop) - before
            if stop == full or rows == min(GROUP_ROWS, rows_per_object - in_object):
                in_object += rows
                yield _group(held), in_object == rows_per_object
                in_object %= rows_per_object
                held, rows, size = [], 0, 0
            start = stop
    if held:
        yield pa.Table.from_batches(held).combine_chunks(), False


def parquet_objects(
    batches: Iterator[pa.RecordBatch], rows_per_object: int
) -> Iterator[Iterator[bytes]]:
    """One iterator of bytes per object; each is to be used up before the next is asked for.

    No rows: no object.
    """
    groups = row_groups(batches, rows_per_object)
    for first in groups:
        yield _parquet(first, groups)


def _parquet(
    first: tuple[pa.Table, bool], groups: Iterator[tuple[pa.Table, bool]]
) -> Iterator[bytes]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = _Sink()
    group, last = first
    with (
        pa.PythonFile(sink, mode="w") as handle,
        pq.ParquetWriter(
            handle,
            group.schema,
            compression="zstd",
            # plain pages: dictionaries of texts cost more time than zstd saves bytes by them
            use_dictionary=False,
            write_statistics=False,
            write_page_checksum=True,
        ) as writer,
    ):
        writer.write_table(group, row_group_size=max(group.num_rows, 1))
        yield from sink.drain()
        while not last:
            following = next(groups, None)
            if following is None:
                break
            group, last = following
            writer.write_table(group, row_group_size=max(group.num_rows, 1))
            yield from sink.drain()
        writer.close()
        handle.flush()
        yield from sink.drain()


class _Sink:
    """A file that only keeps what was written since it was last asked."""

    closed = False

    def __init__(self) -> None:
        self._written: list[bytes] = []

    def write(self, data: Any) -> int:
        taken = bytes(data)
        self._written.append(taken)
        return len(taken)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Nothing to close."""

    def drain(self) -> Iterator[bytes]:
        taken, self._written = self._written, []
        if taken:
            yield b"".join(taken)


def _group(held: list[Any]) -> Any:
    import pyarrow as pa

    return pa.Table.from_batches(held).combine_chunks()


def _ends(batch: pa.RecordBatch) -> Any:
    """For each row, the bytes of all texts up to its end."""
    import pyarrow as pa
    import pyarrow.compute as pc

    total = pa.array([0] * batch.num_rows, pa.int64()) if batch.num_columns == 0 else None
    for column in batch.columns:
        length = pc.cast(pc.fill_null(pc.binary_length(column), 0), pa.int64())
        total = length if total is None else pc.add(total, length)
    return pc.cumulative_sum(total)


def _bytes_until(ends: Any, row: int) -> int:
    """Bytes of the rows before ``row``."""
    return int(ends[row - 1].as_py()) if row else 0
