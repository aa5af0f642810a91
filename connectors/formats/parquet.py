"""Parquet into ``raw``: every value as text, page checksums verified where the file has them.

timestamp with zone     2026-05-01T02:00:00[.ffffff]Z  (UTC)
timestamp without zone  2026-05-01T10:00:00[.ffffff]   (the mapping says where)
date, time              ISO 8601
decimal, integer        as written in full; floating point in its shortest exact form
boolean                 true, false
bytes                   hexadecimal, lower case
lists, structs, maps    JSON text
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connectors.formats.raw_table import RawTable, Reject, check_name, printable
from connectors.landing import Landed
from schemas.errors import DataError, Where
from schemas.sql import ident
from schemas.text import Text

if TYPE_CHECKING:
    import duckdb

_PART = "raw_part"
_BATCH_ROWS = 65_536
_SHOWN = 1000
"""Characters of an oversize row that are kept beside it."""


def load_parquet(
    table: RawTable, landed: Landed, index: int, max_record_bytes: int | None = None
) -> tuple[str, ...]:
    """Add the rows of one Parquet object and return its columns.

    A row whose texts have more than ``max_record_bytes`` bytes is rejected. Raises
    :class:`DataError` if it isn't Parquet, is damaged, or repeats a column's name.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    where = Where(landed.origin)
    try:
        with pq.ParquetFile(landed.path, page_checksum_verification=True) as file:
            schema = file.schema_arrow
            names = _names(schema.names, where)
            select = _create_part(table.con, schema.empty_table(), names)
            row = 0
            for batch in file.iter_batches(batch_size=_BATCH_ROWS):
                kept = _readable(table, index, batch, row, where)
                _insert(table.con, kept, select)
                row += batch.num_rows
    except (pa.ArrowException, OSError) as error:
        raise _damaged(where, error) from error
    _reject_nul(table, index, names)
    if max_record_bytes is not None:
        _reject_oversize(table, index, names, max_record_bytes)
    table.adopt(_PART, index, names, where)
    return names


def _names(names: list[str], where: Where) -> tuple[str, ...]:
    lowered = [n.lower() for n in names]
    repeated = sorted({n for n in names if lowered.count(n.lower()) > 1})
    if repeated or not all(names):
        shown = ", ".join(repeated) or "''"
        raise DataError(
            Text(
                en=f"columns without a name of their own: {shown}",
                zh=f"列名重复或缺失：{shown}",
            ),
            where=where,
            hint=Text(
                en="have the source write the file with different names",
                zh="请让来源系统使用互不相同的列名重新导出",
            ),
        )
    for name in names:
        check_name(name, where)
    return tuple(names)


def _create_part(con: duckdb.DuckDBPyConnection, empty: Any, names: tuple[str, ...]) -> str:
    """An empty ``raw_part``; returns the select list that makes texts of a batch."""
    con.register("raw_parquet", empty)
    try:
        types = {str(r[0]): str(r[1]) for r in con.execute("DESCRIBE raw_parquet").fetchall()}
    finally:
        con.unregister("raw_parquet")
    columns = ", ".join(f"{ident(n)} VARCHAR" for n in names)
    con.execute(f"CREATE OR REPLACE TABLE {_PART} ({columns}, _row BIGINT)")
    return ", ".join(f"{_as_text(ident(n), types[n])} AS {ident(n)}" for n in names)


def _as_text(column: str, duckdb_type: str) -> str:
    if duckdb_type == "TIMESTAMP WITH TIME ZONE":
        return f"replace(CAST(make_timestamp(epoch_us({column})) AS VARCHAR), ' ', 'T') || 'Z'"
    if duckdb_type.startswith("TIMESTAMP"):
        return f"replace(CAST({column} AS VARCHAR), ' ', 'T')"
    if duckdb_type == "BLOB":
        return f"lower(hex({column}))"
    if duckdb_type.endswith("]") or duckdb_type.startswith(("STRUCT", "MAP", "UNION")):
        return f"CAST(to_json({column}) AS VARCHAR)"
    return f"CAST({column} AS VARCHAR)"


def _insert(con: duckdb.DuckDBPyConnection, batch: Any, select: str) -> None:
    con.register("raw_parquet", batch)
    try:
        con.execute(f"INSERT INTO {_PART} SELECT {select}, _row FROM raw_parquet")
    finally:
        con.unregister("raw_parquet")


def _readable(table: RawTable, index: int, batch: Any, before: int, where: Where) -> Any:
    """The batch with ``_row``, without rows whose texts aren't UTF-8; those become rejects."""
    import pyarrow as pa

    rows = pa.array(range(before + 1, before + batch.num_rows + 1), pa.int64())
    numbered = pa.table([*batch.columns, rows], names=[*batch.schema.names, "_row"])
    try:
        batch.validate(full=True)
    except pa.ArrowInvalid:
        bad = _undecodable(batch)
        if not bad:
            raise  # deeper than a text column: the file is damaged
    else:
        return numbered
    for i in sorted(bad):
        detail = f"the text of column {bad[i]} is not UTF-8"
        table.reject(index, Reject(before + i + 1, "read:encoding", detail, ""))
    kept = numbered.filter(pa.array([i not in bad for i in range(batch.num_rows)]))
    try:
        kept.validate(full=True)
    except pa.ArrowInvalid as error:
        raise _damaged(where, error) from error
    return kept


def _undecodable(batch: Any) -> dict[int, str]:
    """Row offsets with a text that isn't UTF-8, and its column."""
    import pyarrow as pa

    bad: dict[int, str] = {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        kind = column.type
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            continue
        binary = pa.large_binary() if pa.types.is_large_string(kind) else pa.binary()
        for i, value in enumerate(column.view(binary).to_pylist()):
            try:
                (value or b"").decode("utf-8")
            except UnicodeDecodeError:
                bad.setdefault(i, name)
    return bad


def _reject_nul(table: RawTable, index: int, names: tuple[str, ...]) -> None:
    broken = " OR ".join(f"contains({ident(n)}, chr(0))" for n in names) or "false"
    texts = ", ".join(f"coalesce({ident(n)}, '')" for n in names) or "''"
    found = table.con.execute(
        f"SELECT _row, concat_ws(',', {texts}) FROM {_PART} WHERE {broken} ORDER BY _row"
    ).fetchall()
    for row, text in found:
        reject = Reject(int(row), "read:nul", "a NUL inside a text", printable(text))
        table.reject(index, reject)
    if found:
        table.con.execute(f"DELETE FROM {_PART} WHERE {broken}")


def _reject_oversize(table: RawTable, index: int, names: tuple[str, ...], max_bytes: int) -> None:
    # A list, because a sum of 1,600 columns is deeper than what DuckDB parses.
    sizes = ", ".join(f"strlen({ident(n)})" for n in names)
    size = f"coalesce(list_sum([{sizes}]), 0)" if names else "0"
    shown = ", ".join(f"coalesce(left({ident(n)}, {_SHOWN}), '')" for n in names) or "''"
    found = table.con.execute(
        f"SELECT _row, {size}, left(concat_ws(',', {shown}), {_SHOWN}) FROM {_PART} "
        f"WHERE {size} > {max_bytes} ORDER BY _row"
    ).fetchall()
    for row, length, text in found:
        detail = f"{length} bytes, more than {max_bytes}"
        table.reject(index, Reject(int(row), "read:oversize", detail, text))
    if found:
        table.con.execute(f"DELETE FROM {_PART} WHERE {size} > {max_bytes}")


def _damaged(where: Where, error: Exception) -> DataError:
    return DataError(
        Text(
            en=f"this Parquet file is damaged or none ({type(error).__name__})",
            zh=f"不是 Parquet 文件或已损坏（{type(error).__name__}）",
        ),
        where=where,
        hint=Text(
            en="have it written or sent again, or remove it from the folder",
            zh="请重新生成或传送该文件，或将其移出文件夹",
        ),
    )
