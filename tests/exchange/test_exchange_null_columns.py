"""A column in which nobody has a value is an ordinary column, of whatever type."""

from __future__ import annotations

from io import BytesIO

import pyarrow as pa
import pytest

from exchange.bundle.parquet import check_rows, open_parquet, write_parquet
from exchange.limits import DEFAULT_LIMITS

TYPES = (
    pa.string(),
    pa.int64(),
    pa.bool_(),
    pa.date32(),
    pa.timestamp("us", tz="UTC"),
    pa.decimal128(16, 2),
    pa.list_(pa.string()),
)


@pytest.mark.parametrize("kind", TYPES, ids=str)
@pytest.mark.parametrize("rows", [0, 1, 3])
def test_a_column_of_nulls_is_read_as_it_was_written(kind: pa.DataType, rows: int) -> None:
    table = pa.table(
        {"before": ["x"] * rows, "nulls": pa.nulls(rows, kind), "after": [1] * rows},
        pa.schema({"before": pa.string(), "nulls": kind, "after": pa.int64()}),
    )
    sink = BytesIO()
    write_parquet(table, table.schema, sink)
    file = open_parquet(sink.getbuffer(), "records/x.parquet", DEFAULT_LIMITS)
    check_rows(file, rows, DEFAULT_LIMITS)
    assert pa.Table.from_batches(file.batches(), file.schema).equals(table)
