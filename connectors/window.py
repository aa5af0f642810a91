"""Leaving out rows whose business date is outside the window that was asked for.

A folder can't be asked for some days only, so its files are read whole and rows outside are
left out before anything is counted: they were not asked for. A row whose date can't be read
stays in; the checks name what is wrong with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.config import WindowConfig
from connectors.delivery import Delivery
from connectors.formats.raw_table import RawTable
from schemas.contract import did_you_mean
from schemas.errors import DataError, Where
from schemas.sql import ident, literal
from schemas.text import Text

if TYPE_CHECKING:
    import duckdb

# A date with separators, or eight digits, alone or before a time of day: not the first eight of
# any number, which in a count of milliseconds may look like a day.
_YMD = (
    r"^\s*(\d{4})(?:[-/.年]\s*(\d{1,2})[-/.月]\s*(\d{1,2})(?:\D|$)"
    r"|(\d{2})(\d{2})(?:\D|$|\d{4}(?:\d{2})?(?:\D|$)))"
)
_AWARE = r"\d[T ]\d{1,2}:\d{2}.*(Z|[+-]\d{2}:?\d{2})\s*$"


def cut_window(
    table: RawTable, window: WindowConfig | None, delivery: Delivery, time_zone: str
) -> int:
    """Delete rows outside of since..until (inclusive) from ``raw``; returns how many."""
    if window is None or window.field is None or not (delivery.since or delivery.until):
        return 0
    if not delivery.objects or not table.columns:
        return 0
    column = table.known(window.field)
    if column is None:
        raise DataError(
            Text(
                en=f"the source has no column {window.field!r}, by which the window is cut",
                zh=f"来源中没有用于日期范围的列 {window.field!r}",
            ),
            where=Where(field="window.field"),
            # Not all names: without its header, a file's "columns" are the values of a row.
            hint=did_you_mean(window.field, table.columns)
            or Text(
                en="compare [window] field with the source's own header",
                zh="请将 [window] 的 field 与来源的表头核对",
            ),
        )
    day = business_day(ident(column), window.field_format, time_zone)
    outside = []
    if delivery.since:
        outside.append(f"{day} < DATE {literal(delivery.since.isoformat())}")
    if delivery.until:
        outside.append(f"{day} > DATE {literal(delivery.until.isoformat())}")
    return _delete(table.con, " OR ".join(f"coalesce({o}, false)" for o in outside))


def business_day(column: str, pattern: str | None, time_zone: str) -> str:
    """SQL for the local date that a text tells, NULL if it tells none."""
    if pattern is not None:
        return f"CAST(try_strptime({column}, {literal(pattern)}) AS DATE)"
    parts = f"regexp_extract({column}, {literal(_YMD)}, ['y', 'm1', 'd1', 'm2', 'd2'])"
    month, day = f"{parts}.m1 || {parts}.m2", f"{parts}.d1 || {parts}.d2"
    plain = f"TRY_CAST({parts}.y || '-' || {month} || '-' || {day} AS DATE)"
    aware = f"CAST(TRY_CAST({column} AS TIMESTAMPTZ) AT TIME ZONE {literal(time_zone)} AS DATE)"
    return f"CASE WHEN regexp_matches({column}, {literal(_AWARE)}) THEN {aware} ELSE {plain} END"


def _delete(con: duckdb.DuckDBPyConnection, condition: str) -> int:
    found = con.execute(f"DELETE FROM raw WHERE {condition}").fetchone()
    return int(found[0]) if found else 0
