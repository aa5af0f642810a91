"""Views over a snapshot of a record type's table.

DuckDB reads the very Parquet files that the Delta snapshot names; its own Delta extension
would have to be downloaded. Files behind an ``s3://`` address are read through PyArrow's
file system for the same reason, and so is everything on a sealed connection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.contract import Contract
from schemas.sql import ident, literal

if TYPE_CHECKING:
    import duckdb
    from deltalake import DeltaTable

# What orders the versions of one record. The clock of the source comes first; for equal clocks
# what was received later; the hash last, so that the order is total on every node.
ORDER = ("source_updated_time", "received_time", "content_hash")

TECHNICAL_TYPES = {
    "_run_id": "VARCHAR",
    "_object_digest": "VARCHAR",
    "_row": "BIGINT",
    "_flags": "VARCHAR[]",
    "_bundle_id": "VARCHAR",
}


def create_views(
    con: duckdb.DuckDBPyConnection,
    contract: Contract,
    table: DeltaTable | None,
    bundles: list[str],
) -> None:
    """``<record_type>_history`` with ``record_version``, and ``<record_type>_current``."""
    name = contract.record_type
    source = _visible(con, contract, table, bundles)
    oldest_first = ", ".join(f"{column} ASC NULLS FIRST" for column in ORDER)
    newest_first = ", ".join(f"{column} DESC NULLS LAST" for column in ORDER)
    versioned = ", ".join(
        _numbered(oldest_first, field.duckdb_type)
        if field.name == "record_version"
        else ident(field.name)
        for field in contract.fields
    )
    if "record_version" not in {field.name for field in contract.fields}:
        versioned += ", " + _numbered(oldest_first, "BIGINT")
    technical = ", ".join(TECHNICAL_TYPES)
    con.execute(
        f"CREATE OR REPLACE VIEW {ident(name + '_history')} AS "
        f"SELECT {versioned}, {technical} FROM {source}"
    )
    con.execute(
        f"CREATE OR REPLACE VIEW {ident(name + '_current')} AS "
        f"SELECT * FROM {ident(name + '_history')} "
        f"QUALIFY row_number() OVER (PARTITION BY record_id ORDER BY {newest_first}) = 1"
    )


def known_view(
    con: duckdb.DuckDBPyConnection,
    contract: Contract,
    table: DeltaTable | None,
    bundles: list[str],
) -> None:
    """``known``: the keys of every visible version.

    Which one is current is left to the reader: a window over the whole lake is dear, and only
    sources without a clock ask.
    """
    con.execute(
        "CREATE OR REPLACE VIEW known AS SELECT record_id, content_hash, source_updated_time, "
        f"received_time FROM {_visible(con, contract, table, bundles)}"
    )


def _numbered(order: str, duckdb_type: str) -> str:
    return (
        f"CAST(row_number() OVER (PARTITION BY record_id ORDER BY {order}) "
        f"AS {duckdb_type}) AS record_version"
    )


def _visible(
    con: duckdb.DuckDBPyConnection,
    contract: Contract,
    table: DeltaTable | None,
    bundles: list[str],
) -> str:
    """A sub-query: all stored columns of the visible rows, missing ones as typed NULLs."""
    columns = {
        field.name: field.duckdb_type for field in contract.fields if field.name != "record_version"
    } | TECHNICAL_TYPES
    files = [] if table is None else sorted(table.file_uris())
    if table is None or not files:
        nulls = ", ".join(f"NULL::{kind} AS {ident(name)}" for name, kind in columns.items())
        return f"(SELECT {nulls} WHERE false)"
    stored = {field.name for field in table.schema().fields}
    selected = ", ".join(
        ident(name) if name in stored else f"NULL::{kind} AS {ident(name)}"
        for name, kind in columns.items()
    )
    visible = "_bundle_id IS NULL"
    if bundles:
        relation = f"_bundles_of_{contract.record_type}"
        con.execute(f"CREATE OR REPLACE TEMP TABLE {ident(relation)} (bundle_id VARCHAR)")
        con.execute(f"INSERT INTO {ident(relation)} SELECT unnest(?)", [bundles])
        visible += f" OR _bundle_id IN (SELECT bundle_id FROM {ident(relation)})"
    return f"(SELECT {selected} FROM {_scan(con, contract, table, files)} WHERE {visible})"


def _scan(
    con: duckdb.DuckDBPyConnection, contract: Contract, table: DeltaTable, files: list[str]
) -> str:
    local = "://" not in files[0] or files[0].startswith("file://")
    if not local or not _may_read_files(con):
        relation = f"_dataset_of_{contract.record_type}"
        con.register(relation, table.to_pyarrow_dataset())
        return ident(relation)
    paths = ", ".join(literal(path.removeprefix("file://")) for path in files)
    return f"read_parquet([{paths}], union_by_name = true)"


def _may_read_files(con: duckdb.DuckDBPyConnection) -> bool:
    """False on a connection that ``schemas.sql.seal`` closed to the outside."""
    row = con.execute("SELECT current_setting('enable_external_access')").fetchone()
    return bool(row and row[0])
