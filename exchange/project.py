"""From a lake's rows to what one partner may see of them.

The content hash is computed anew over the columns that go over. A hash over all fields
would let the partner guess a field that was not shared: a fine or a telephone number has
few enough values to try them all.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from exchange.agreement import Grant
from schemas.identity import content_hash_sql
from schemas.sql import ident

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from schemas.contract import Contract

_BATCH_ROWS = 100_000
_HASH = "content_hash"
_ORDER = ("record_id", "record_version", "received_time", _HASH)


def projection_sql(relation: str, contract: Contract, grant: Grant) -> str:
    """SQL for the granted columns of ``relation`` (a name), in a fixed order of rows.

    The order is by record, then version, time of receipt and content, so that the same rows
    give the same bytes whatever order the lake keeps them in.
    """
    names = grant.columns(contract)
    recomputed = {_HASH: content_hash_sql(contract, names)}
    columns = [f"{recomputed[n]} AS {ident(n)}" if n in recomputed else ident(n) for n in names]
    order = [ident(n) for n in _ORDER if n in names]
    return f"SELECT {', '.join(columns)} FROM {ident(relation)} ORDER BY {', '.join(order)}"


def project(
    con: duckdb.DuckDBPyConnection, relation: str, contract: Contract, grant: Grant
) -> pa.RecordBatchReader:
    """The rows of ``relation`` as a bundle holds them: columns, types and order.

    Streams, and asks the database only when the first batch is pulled: several of these may
    be made on one connection if they are then read one after another, as ``build_bundle``
    reads them.
    """
    import pyarrow as pa

    schema = contract.arrow_schema(grant.columns(contract))

    def batches() -> Iterator[pa.RecordBatch]:
        found = con.sql(projection_sql(relation, contract, grant))
        for batch in found.to_arrow_reader(_BATCH_ROWS):
            columns = [c.cast(f.type) for c, f in zip(batch.columns, schema, strict=True)]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)

    return pa.RecordBatchReader.from_batches(schema, batches())
