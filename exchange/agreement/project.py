"""From a lake's rows to what one partner may see of them.

The content hash is computed anew over the columns that go over. A hash over all fields
would let the partner guess a field that was not shared: a fine or a telephone number has
few enough values to try them all.

Two columns are made here rather than read: a token is a digest under the key that we share with
this partner alone, and of ``raw_values`` only the entries of granted fields go along.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from exchange.agreement.model import Grant
from schemas.identities.tokens import TOKEN_FIELDS, field_token_sql
from schemas.identity import content_hash_sql
from schemas.sql import ident, literal

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from schemas.contract import Contract

_BATCH_ROWS = 100_000
_HASH = "content_hash"
_RAW_VALUES = "raw_values"
_ORDER = ("record_id", "record_version", "received_time", _HASH)


def token_fields(contract: Contract, grant: Grant) -> tuple[str, ...]:
    """The granted fields that hold a token: projecting them needs the pair's key."""
    return tuple(name for name in grant.columns(contract) if name in TOKEN_FIELDS)


def shared_sql(relation: str, contract: Contract, grant: Grant) -> str:
    """SQL for the rows of ``relation`` (the lake's, with all fields) as the partner may see them.

    The granted columns, a token computed from a number that need not be granted itself. With a
    :func:`token_fields` the connection must have been given the pair's key
    (``schemas.identities.tokens.set_token_key``); what the lake holds there is not used.
    """
    names = grant.columns(contract)
    made = {name: field_token_sql(name) for name in token_fields(contract, grant)}
    if _RAW_VALUES in names:
        made[_RAW_VALUES] = raw_values_sql(names)
    columns = [f"{made[n]} AS {ident(n)}" if n in made else ident(n) for n in names]
    return f"SELECT {', '.join(columns)} FROM {ident(relation)}"


def raw_values_sql(names: Sequence[str], relation: str | None = None) -> str:
    """SQL: of the ``raw_values`` of a row (of ``relation``) those of these fields.

    Entries are ``field=raw text``; a list without any is no value.
    """
    granted = "[" + ", ".join(map(literal, names)) + "]"
    column = f"{relation}.{_RAW_VALUES}" if relation else _RAW_VALUES
    kept = f"list_filter({column}, lambda e: list_contains({granted}, string_split(e, '=')[1]))"
    return f"CASE WHEN len({kept}) > 0 THEN {kept} END"


def projection_sql(relation: str, contract: Contract, grant: Grant) -> str:
    """SQL for the granted columns of ``relation`` (a name), in a fixed order of rows.

    ``relation`` holds them as :func:`shared_sql` gives them.

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
