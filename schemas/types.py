"""The types that a field may have, in DuckDB and in Arrow.

Money is DECIMAL(16,2) in yuan, a ratio DECIMAL(6,4), weights are BIGINT in kg. Points in time
are microseconds in UTC.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

DUCKDB_TYPES = (
    "VARCHAR",
    "BIGINT",
    "DECIMAL(16,2)",
    "DECIMAL(6,4)",
    "DATE",
    "TIMESTAMPTZ",
    "BOOLEAN",
    "VARCHAR[]",
    "BIGINT[]",
)


def arrow_type(duckdb_type: str) -> pa.DataType:
    """Arrow's type for one of :data:`DUCKDB_TYPES`. KeyError for any other."""
    import pyarrow as pa

    return {
        "VARCHAR": pa.string(),
        "BIGINT": pa.int64(),
        "DECIMAL(16,2)": pa.decimal128(16, 2),
        "DECIMAL(6,4)": pa.decimal128(6, 4),
        "DATE": pa.date32(),
        "TIMESTAMPTZ": pa.timestamp("us", tz="UTC"),
        "BOOLEAN": pa.bool_(),
        "VARCHAR[]": pa.list_(pa.string()),
        "BIGINT[]": pa.list_(pa.int64()),
    }[duckdb_type]
