"""The code lists as tables that the macros ``code()`` and ``code_on()`` look into.

A look-up is an element of a list of small maps, chosen by the text's hash: DuckDB goes through
a map from its beginning, which for the 3,000 codes of a nationwide list takes ten times as long
as the rest of a mapping's field. How many maps a list is cut into is macro ``code_buckets``.

    hefu_code       list, scheme, raw, code, valid_from, valid_to: every row, as it is written
    hefu_code_map   k ('list/scheme'), buckets: raw → code, for texts with one meaning
    hefu_code_days  k, buckets: raw → its periods, for texts whose rows are dated
    hefu_code_list  list, code: the canonical codes, for rules on lists too long to be spelt out
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

from schemas.codes import CANONICAL, CodeRow, all_codes
from schemas.sql import literal

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

# Maps of a list: many for a long one; few for the others, as every connection makes them all.
LONG, BUCKETS_OF_LONG, BUCKETS = 500, 256, 8

# No text of a list holds them: control characters are refused in a node's rows.
_CELL_END, _ROW_END = "\x1f", "\x1e"

_TABLES = ("hefu_code", "hefu_code_list", "hefu_code_map", "hefu_code_days")
#: By the text that they are made of; a node's own rows make another one.
_MADE: dict[str, Mapping[str, pa.Table]] = {}
#: The text of the package's own lists by name, which a process reads once.
_WRITTEN: dict[str, str] = {}
_KEPT = 4

_HALF_WIDTH = {full: full - 0xFEE0 for full in range(0xFF01, 0xFF5F)}


def install_codes(con: duckdb.DuckDBPyConnection, codes: Mapping[str, Sequence[CodeRow]]) -> None:
    """Creates the tables above, and ``code_buckets``; replaces those that are there.

    What was made once in a process is copied to its next connections: a tenth of the time.
    """
    # As one long text: bound one by one, 70,000 cells take longer than all the rest; and as a
    # literal, for DuckDB imports pandas to bind the first parameter of a process.
    written = (_written(name, codes[name]) for name in sorted(codes))
    text = literal(_ROW_END.join(part for part in written if part))
    long = [name for name in sorted(codes) if len(codes[name]) > LONG]
    con.execute(
        "CREATE OR REPLACE MACRO code_buckets(list) AS CASE WHEN list IN "
        f"({', '.join(literal(name) for name in ['', *long])}) "
        f"THEN {BUCKETS_OF_LONG} ELSE {BUCKETS} END"
    )
    if text in _MADE:
        _copy(con, _MADE[text])
        return
    _make(con, text)
    # A process that has no use for Arrow does not load it for this.
    if "pyarrow" in sys.modules:
        if len(_MADE) >= _KEPT:
            _MADE.clear()
        _MADE[text] = {name: con.execute(f"FROM {name}").to_arrow_table() for name in _TABLES}


def _copy(con: duckdb.DuckDBPyConnection, made: Mapping[str, pa.Table]) -> None:
    for name, table in made.items():
        con.register("hefu_made", table)
        con.execute(f"CREATE OR REPLACE TABLE {name} AS FROM hefu_made")
        con.unregister("hefu_made")


def _make(con: duckdb.DuckDBPyConnection, text: str) -> None:
    con.execute(
        "CREATE OR REPLACE TABLE hefu_code AS SELECT c[1] AS list, c[2] AS scheme, c[3] AS raw, "
        "c[4] AS code, TRY_CAST(c[5] AS DATE) AS valid_from, TRY_CAST(c[6] AS DATE) AS valid_to "
        f"FROM (SELECT string_split(line, '{_CELL_END}') AS c "
        f"FROM (SELECT unnest(string_split({text}, '{_ROW_END}')) AS line))"
    )
    con.execute(
        "CREATE OR REPLACE TABLE hefu_code_list AS "
        f"SELECT DISTINCT list, code FROM hefu_code WHERE scheme = '{CANONICAL}'"
    )
    con.execute(
        "CREATE OR REPLACE TABLE hefu_code_map AS "
        + _buckets("min(code) AS v", "min(code) = max(code)")
    )
    con.execute(
        "CREATE OR REPLACE TABLE hefu_code_days AS "
        + _buckets(
            "list({'valid_from': valid_from, 'valid_to': valid_to, 'code': code}) AS v",
            "count(valid_from) + count(valid_to) > 0",
        )
    )


def _buckets(value: str, having: str) -> str:
    """SELECT of (k, buckets) for the lists and schemes that have such texts.

    An empty bucket is NULL, as is its map; so is what is asked of a list and scheme without any.
    """
    return (
        "WITH texts AS (SELECT list, list || '/' || scheme AS k, raw, "
        f"hash(raw) % code_buckets(list) AS b, {value} FROM hefu_code "
        f"GROUP BY list, scheme, raw HAVING {having}), "
        "filled AS (SELECT k, b, map_from_entries(list((raw, v))) AS m FROM texts GROUP BY k, b), "
        "places AS (SELECT k, unnest(range(code_buckets(any_value(list)))) AS b "
        "FROM texts GROUP BY k) "
        "SELECT k, list(m ORDER BY b) AS buckets FROM places LEFT JOIN filled USING (k, b) "
        "GROUP BY k"
    )


def _written(name: str, rows: Sequence[CodeRow]) -> str:
    """A list's rows as text; that of the package's lists is made once."""
    if all_codes().get(name) is not rows:
        return _text(name, rows)
    if name not in _WRITTEN:
        _WRITTEN[name] = _text(name, rows)
    return _WRITTEN[name]


def _text(name: str, rows: Sequence[CodeRow]) -> str:
    return _ROW_END.join(_CELL_END.join(row) for row in _rows(name, rows))


def _rows(name: str, rows: Sequence[CodeRow]) -> Iterator[tuple[str, ...]]:
    """The rows, and those whose text has another form after trimming, NFC and half width.

    The macros look for a text as it is and then in that form, so both must be found.
    """
    written = {(row.scheme, row.raw) for row in rows}
    for row in rows:
        rest = (row.code, _iso(row.valid_from), _iso(row.valid_to))
        yield (name, row.scheme, row.raw, *rest)
        plain = _plain(row.raw)
        if plain and (row.scheme, plain) not in written:
            yield (name, row.scheme, plain, *rest)


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip().translate(_HALF_WIDTH)


def _iso(day: date | None) -> str:
    return day.isoformat() if day else ""
