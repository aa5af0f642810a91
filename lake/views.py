"""Views over a snapshot of a record type's table.

DuckDB reads the very Parquet files that the Delta snapshot names; its own Delta extension
would have to be downloaded. Files behind an ``s3://`` address are read through PyArrow's
file system for the same reason, and so is everything on a sealed connection.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lake.extra import filled
from lake.shape import EXTRA, LOG_SEQUENCE, VERSION_FIELD
from schemas.codes import REMOVED
from schemas.contract import Contract
from schemas.sql import ident, literal

if TYPE_CHECKING:
    import duckdb
    from deltalake import DeltaTable

# What orders the versions of one record. The clock of the source comes first; for equal clocks
# its log, if it has one, then what was received later; the hash last, so that the order is total
# on every node.
ORDER = ("source_updated_time", LOG_SEQUENCE, "received_time", "content_hash")

SOURCE_FIELD = "source_org_code"

TECHNICAL_TYPES = {
    "_run_id": "VARCHAR",
    "_object_digest": "VARCHAR",
    "_row": "BIGINT",
    "_flags": "VARCHAR[]",
    "_bundle_id": "VARCHAR",
    EXTRA: "VARCHAR",
    LOG_SEQUENCE: "VARCHAR",
}

STATUS_FIELD = "data_status"

# In the run id of versions that the node made of a record of one of its streams, after the
# stream's id; no stream's or run's own name can hold a tilde (flows/withdrawn_versions.py).
MADE_HERE = "/~"


def made_here_sql() -> str:
    """SQL over stored rows: was the version made by the node, and not of what its source said?"""
    return f"contains(_run_id, {literal(MADE_HERE)})"


def create_views(
    con: duckdb.DuckDBPyConnection,
    contract: Contract,
    table: DeltaTable | None,
    bundles: list[str],
    came: Sequence[str] | None = None,
) -> None:
    """``<record_type>_history`` with ``record_version``, and ``<record_type>_current``.

    Few records have more than one version, and ordering versions is dear (a window holds whole
    rows), so only the records that do are ordered. With ``came`` (files of the table) only of
    records that these files have a version of; then the files are read once, and here.
    """
    if came is not None:
        table = table if came else None
    source = _visible(con, contract, table, bundles, fill=True)
    key = _key(contract)
    if table is not None and came:
        source = _rows_of_those_that(con, contract, table, came, source)
    several = f"(SELECT {key} FROM {source} GROUP BY {key} HAVING count(*) > 1)"
    one = f"SELECT {_columns(contract, '1')} FROM {source} ANTI JOIN {several} USING ({key})"
    oldest_first = ", ".join(f"{column} ASC NULLS FIRST" for column in ORDER)
    newest_first = ", ".join(f"{column} DESC NULLS LAST" for column in ORDER)
    place = f"row_number() OVER (PARTITION BY {key} ORDER BY {oldest_first})"
    more = f"SELECT {_columns(contract, place)} FROM {source} SEMI JOIN {several} USING ({key})"
    newest = f"row_number() OVER (PARTITION BY {key} ORDER BY {newest_first}) = 1"
    for view, last in (("history", ""), ("current", f" QUALIFY {newest}")):
        name = ident(f"{contract.record_type}_{view}")
        con.execute(f"CREATE OR REPLACE VIEW {name} AS {one} UNION ALL {more}{last}")


def _rows_of_those_that(
    con: duckdb.DuckDBPyConnection,
    contract: Contract,
    table: DeltaTable,
    came: Sequence[str],
    source: str,
) -> str:
    """A table of the visible rows of records that the files ``came`` have a version of."""
    name = ident(f"_changed_{contract.record_type}")
    key = _key(contract)
    changed = f"SELECT DISTINCT {key} FROM {_scan(con, contract, table, sorted(came))}"
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {name} AS "
        f"SELECT * FROM {source} SEMI JOIN ({changed}) USING ({key})"
    )
    return name


def known_view(
    con: duckdb.DuckDBPyConnection,
    contract: Contract,
    table: DeltaTable | None,
    bundles: list[str],
    org_code: str | None,
) -> None:
    """``known``: the keys of every visible version that a source told, or of those that
    ``org_code`` is source of. What the node made of a record is no word of its source, which may
    go on saying what it said.

    Which one is current is left to the reader: a window over the whole lake is dear, and only
    sources without a clock ask. ``by_row``: a row stands behind the version; none does behind one
    that says that its record is no longer in a full copy.
    """
    names = {field.name for field in contract.fields}
    removed = f"{STATUS_FIELD} = {literal(REMOVED)}" if STATUS_FIELD in names else "false"
    con.execute(
        "CREATE OR REPLACE VIEW known AS SELECT record_id, content_hash, source_updated_time, "
        f"received_time, {LOG_SEQUENCE}, {removed} AS removed, _row IS NOT NULL AS by_row, _run_id "
        f"FROM {_visible(con, contract, table, bundles, fill=False)} WHERE NOT {made_here_sql()}"
        + (f" AND {SOURCE_FIELD} = {literal(org_code)}" if org_code is not None else "")
    )


def made_of(
    con: duckdb.DuckDBPyConnection,
    contract: Contract,
    table: DeltaTable | None,
    bundles: list[str],
    digests: Sequence[str],
    name: str,
) -> None:
    """Table ``name``: by object and row, the version that an own row of these objects made last."""
    objects = ", ".join(f"({nth}, {literal(digest)})" for nth, digest in enumerate(digests))
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {ident(name)} AS SELECT o._object, v._row, v.record_id, "
        f"v.content_hash FROM {_visible(con, contract, table, bundles, fill=False)} AS v "
        f"JOIN (VALUES {objects}) AS o(_object, digest) ON v._object_digest = o.digest "
        "WHERE v._bundle_id IS NULL QUALIFY row_number() OVER (PARTITION BY o._object, v._row, "
        "v.record_id ORDER BY v.received_time DESC) = 1"
    )


def _key(contract: Contract) -> str:
    """What tells a record: a record_id is only its own agency's to give."""
    fields = {field.name for field in contract.fields}
    return f"record_id, {SOURCE_FIELD}" if SOURCE_FIELD in fields else "record_id"


def _columns(contract: Contract, version: str) -> str:
    """The contract's fields in order with ``record_version`` as given, then the technical ones."""
    names = [field.name for field in contract.fields]
    kinds = {field.name: field.duckdb_type for field in contract.fields}
    numbered = f"CAST({version} AS {kinds.get(VERSION_FIELD, 'BIGINT')}) AS {VERSION_FIELD}"
    own = [numbered if name == VERSION_FIELD else ident(name) for name in names]
    if VERSION_FIELD not in names:
        own.append(numbered)
    return ", ".join([*own, *TECHNICAL_TYPES])


def _visible(
    con: duckdb.DuckDBPyConnection,
    contract: Contract,
    table: DeltaTable | None,
    bundles: list[str],
    *,
    fill: bool,
) -> str:
    """A sub-query: all stored columns of the visible rows, missing ones as typed NULLs.

    With ``fill``, fields that came before our contract knew them are taken from ``_extra``.
    """
    columns = {
        field.name: field.duckdb_type for field in contract.fields if field.name != VERSION_FIELD
    } | TECHNICAL_TYPES
    files = [] if table is None else sorted(table.file_uris())
    if table is None or not files:
        nulls = ", ".join(f"NULL::{kind} AS {ident(name)}" for name, kind in columns.items())
        return f"(SELECT {nulls} WHERE false)"
    # A column that no file has yet, be it that the table's schema has it, comes from here.
    missing = ", ".join(f"NULL::{kind} AS {ident(name)}" for name, kind in columns.items())
    rows = (
        f"(SELECT * FROM {_scan(con, contract, table, files)} "
        f"UNION ALL BY NAME SELECT {missing} WHERE false)"
    )
    from_extra = filled(con, contract, rows) if fill else {}
    selected = ", ".join(from_extra.get(name, ident(name)) for name in columns)
    visible = "_bundle_id IS NULL"
    if bundles:
        relation = f"_bundles_of_{contract.record_type}"
        con.execute(f"CREATE OR REPLACE TEMP TABLE {ident(relation)} (bundle_id VARCHAR)")
        con.execute(f"INSERT INTO {ident(relation)} SELECT unnest(?)", [bundles])
        visible += f" OR _bundle_id IN (SELECT bundle_id FROM {ident(relation)})"
    return f"(SELECT {selected} FROM {rows} WHERE {visible})"


def _scan(
    con: duckdb.DuckDBPyConnection, contract: Contract, table: DeltaTable, files: list[str]
) -> str:
    local = "://" not in files[0] or files[0].startswith("file://")
    if not local or not _may_read(con, files[0]):
        relation = f"_dataset_of_{contract.record_type}"
        con.register(relation, table.to_pyarrow_dataset())
        return ident(relation)
    paths = ", ".join(literal(path.removeprefix("file://")) for path in files)
    return f"read_parquet([{paths}], union_by_name = true)"


def _may_read(con: duckdb.DuckDBPyConnection, file: str) -> bool:
    """False on a connection that was closed to the outside, the lake included."""
    import duckdb

    try:
        con.execute(f"SELECT 1 FROM read_parquet({literal(file.removeprefix('file://'))}) LIMIT 0")
    except duckdb.PermissionException:
        return False
    return True
