"""What the values of an unknown column look like, without showing one that could be a person's.

Nobody has said what a new column holds: it may be a name, an identity number, a plate. So its
values are told by their kind and length. They are shown only if each of them is surely a code: few
different ones, each on several rows, all of one code list or of the form of a bare code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas.sql import ident
from schemas.text import Text

if TYPE_CHECKING:
    import duckdb

#: More different values than this are no code.
MOST_CODES = 20
#: So many rows there must be for each different value.
_REPEATED = 2
_SHOWN = 3
# A digit or three, one letter, a letter with its number, a truth value: no name, plate or number
# of a person is as short.
_BARE_CODE = r"[0-9]{1,3}|[A-Za-z]|[A-Z][0-9]{1,2}|(?i:true|false|yes|no)"

# The first whose pattern all values match; Han includes the middle dot of foreign names.
_KINDS = (
    (r"[0-9]+", "digits", "数字"),
    (r"[+-]?[0-9][0-9,]*([.][0-9]+)?", "numbers", "数值"),
    (r"[0-9]{4}[-/.年][0-9]{1,2}[-/.月].*", "dates", "日期"),
    (r"[\p{Han}·]+", "Chinese text", "中文"),
    (r"[A-Za-z0-9]+", "letters and digits", "字母与数字"),
    (r"[\[{].*", "nested data", "嵌套数据"),
)


@dataclass(frozen=True, slots=True)
class Shape:
    """``filled`` rows of ``raw`` have a value. ``samples``: empty if it may be personal."""

    filled: int
    shape: Text
    samples: tuple[str, ...] = ()


def describe(con: duckdb.DuckDBPyConnection, column: str) -> Shape:
    """What ``column`` of table ``raw`` holds; blank is no value."""
    values = f"(SELECT txt({ident(column)}) AS v FROM raw)"
    kinds = ", ".join(
        f"count(*) FILTER (regexp_full_match(v, '{pattern}', 's'))" for pattern, _, _ in _KINDS
    )
    row = con.execute(
        f"SELECT count(v), count(DISTINCT v), min(length(v)), max(length(v)), {kinds} FROM {values}"
    ).fetchone()
    filled, different, shortest, longest, *matches = row or (0, 0, 0, 0)
    if not filled:
        return Shape(0, Text(en="empty so far", zh="目前为空"))
    kind = next(
        ((en, zh) for (_, en, zh), n in zip(_KINDS, matches, strict=True) if n == filled),
        ("mixed text", "混合文本"),
    )
    shape = _words(kind, int(shortest), int(longest))
    repeated = different <= MOST_CODES and filled >= _REPEATED * different
    samples = _codes(con, values, different) if repeated else ()
    return Shape(int(filled), shape, samples)


def _codes(con: duckdb.DuckDBPyConnection, values: str, different: int) -> tuple[str, ...]:
    """The most frequent values, if all of them are codes."""
    bare = con.execute(
        f"SELECT coalesce(bool_and(regexp_full_match(v, '{_BARE_CODE}')), false) "
        f"FROM {values} WHERE v IS NOT NULL"
    ).fetchone()
    if not (bare and bare[0]):
        of_a_list = con.execute(
            "SELECT 1 FROM hefu_code "
            f"SEMI JOIN (SELECT DISTINCT v AS raw FROM {values}) USING (raw) "
            "GROUP BY list HAVING count(DISTINCT raw) = ?",
            [different],
        ).fetchone()
        if of_a_list is None:
            return ()
    found = con.execute(
        f"SELECT v FROM {values} WHERE v IS NOT NULL GROUP BY v ORDER BY count(*) DESC, v "
        f"LIMIT {_SHOWN}"
    ).fetchall()
    return tuple(str(value) for (value,) in found)


def _words(kind: tuple[str, str], shortest: int, longest: int) -> Text:
    long = f"{shortest}" if shortest == longest else f"{shortest} to {longest}"
    lang = f"{shortest}" if shortest == longest else f"{shortest} 至 {longest}"
    unit = "character" if longest == 1 else "characters"
    return Text(en=f"{kind[0]} of {long} {unit}", zh=f"{kind[1]}，{lang} 个字符")
