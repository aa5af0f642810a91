"""Giving each output of a mapping its field's type, without losing what does not fit.

A cast that could change a value without a word is not made: money with more than two
decimals, a fraction where a whole number belongs, a time of day whose zone nobody said. Such
a value becomes NULL, its raw text goes into ``_uncast``, and rule ``type:<field>`` names it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from schemas.contract import Field
from schemas.generated_rules import CONTROL
from schemas.sql import ident, literal
from schemas.text import Text

# Macros whose result is NFC and never an empty text.
CLEAN_TEXT = frozenset({"txt", "plate", "credit_code", "id_no", "code"})
# Macros whose result names its zone, or is no time at all.
ZONED = frozenset({"ts_cn", "ts_utc", "epoch_ms"})

# The type of the literal NULL: it becomes anything.
NO_TYPE = "NULL"

_MORE_THAN_FEN = r"\.[0-9]{2}[0-9]*[1-9]|[eE]"
_FRACTION = r"\.[0-9]*[1-9]|[eE]"
_FIRST_DAY, _LAST_DAY = "DATE '1000-01-01'", "DATE '9999-12-31'"
_FIRST_TIME = "TIMESTAMPTZ '1000-01-02 00:00:00+00'"
_LAST_TIME = "TIMESTAMPTZ '9999-12-30 00:00:00+00'"


@dataclass(frozen=True, slots=True)
class Column:
    """One output of a mapping: its field, DuckDB's type of it, its outermost function."""

    field: Field
    given_type: str
    function: str


@dataclass(frozen=True, slots=True)
class Casts:
    """``outputs``: select items over ``m``; ``uncast_sql``: over ``c``, which selects those."""

    outputs: tuple[str, ...]
    uncast_sql: str


def cast_problem(column: Column) -> tuple[Text, Text] | None:
    """Why this column can never become its field, with a hint; None if it may."""
    field, given = column.field, column.given_type
    named = Text(en=f"{field.name} ", zh=f"{field.name}（{field.label_zh}）")
    if field.duckdb_type.endswith("[]") and not (given.endswith("[]") or given == NO_TYPE):
        return (
            Text(en=named.en + "is a list", zh=named.zh + "是列表"),
            Text(
                en="use split_list(x, separator), or [x] for a single value",
                zh="请用 split_list(x, 分隔符)；单个值写成 [x]",
            ),
        )
    nested = given.endswith("[]") or given.startswith(("STRUCT", "MAP", "UNION", "JSON"))
    if nested and not field.duckdb_type.endswith("[]"):
        return (
            Text(en=named.en + f"can't be made of {given}", zh=named.zh + f"不能由 {given} 得到"),
            Text(
                en="pick one value; out of JSON, ->> gives text and -> does not",
                zh="请取其中一个值；从 JSON 中取文本用 ->>，不要用 ->",
            ),
        )
    if field.duckdb_type == "TIMESTAMPTZ" and given.split("_")[0] in ("TIMESTAMP", "DATE"):
        return (
            Text(
                en=named.en + "is a point in time, and this value does not say its zone",
                zh=named.zh + "是时间点，但这个值没有时区",
            ),
            Text(
                en="use ts_cn(x) for China's time, ts_utc(x), or ts_in(x, 'zone')",
                zh="北京时间用 ts_cn(x)，UTC 用 ts_utc(x)，其他用 ts_in(x, '时区')",
            ),
        )
    return None


def casts(columns: Sequence[Column]) -> Casts:
    """The select items that type ``columns``, and the expression that tells what failed."""
    outputs: list[str] = []
    failed: list[tuple[str, str, str]] = []
    texts: list[tuple[str, str]] = []
    for column in columns:
        name = ident(column.field.name)
        outputs.append(f"{_cast(column)} AS {name}")
        if column.field.duckdb_type == "VARCHAR":
            texts.append((column.field.name, f"c.{name}"))
            continue
        raw = ident("_raw_" + column.field.name)
        outputs.append(f"nullif(CAST(m.{name} AS VARCHAR), '') AS {raw}")
        test = f"c.{raw} IS NOT NULL AND c.{name} IS NULL"
        failed.append((column.field.name, test, f"c.{raw}"))
        if column.field.duckdb_type == "VARCHAR[]":
            texts.append((column.field.name, f"array_to_string(c.{name}, ' ')"))
    return Casts(tuple(outputs), _uncast(failed, texts))


def _cast(column: Column) -> str:
    field, given = column.field, column.given_type
    value = f"m.{ident(field.name)}"
    wanted = "TIMESTAMP WITH TIME ZONE" if field.duckdb_type == "TIMESTAMPTZ" else field.duckdb_type
    if field.duckdb_type == "VARCHAR":
        if given == "VARCHAR":
            return value if column.function in CLEAN_TEXT else f"nullif(nfc_text({value}), '')"
        return f"CAST({value} AS VARCHAR)"
    if given == wanted:
        return _in_range(field.duckdb_type, value)
    if given != "VARCHAR":
        return _in_range(field.duckdb_type, f"TRY_CAST({value} AS {field.duckdb_type})")
    match field.duckdb_type:
        case "DECIMAL(16,2)":
            return _unless(_MORE_THAN_FEN, value, field.duckdb_type)
        case "BIGINT":
            return _unless(_FRACTION, value, field.duckdb_type)
        case "TIMESTAMPTZ":
            zoned = value if column.function in ZONED else f"zoned_text({value})"
            return _in_range(field.duckdb_type, f"TRY_CAST({zoned} AS TIMESTAMPTZ)")
        case _:
            return _in_range(field.duckdb_type, f"TRY_CAST({value} AS {field.duckdb_type})")


def _unless(pattern: str, value: str, duckdb_type: str) -> str:
    return (
        f"CASE WHEN regexp_matches({value}, {literal(pattern)}) THEN NULL "
        f"ELSE TRY_CAST({value} AS {duckdb_type}) END"
    )


def _in_range(duckdb_type: str, value: str) -> str:
    """Dates that Arrow, Delta and ISO 8601 can write: DuckDB also knows infinity and BC."""
    if duckdb_type == "DATE":
        return f"CASE WHEN {value} BETWEEN {_FIRST_DAY} AND {_LAST_DAY} THEN {value} END"
    if duckdb_type == "TIMESTAMPTZ":
        return f"CASE WHEN {value} BETWEEN {_FIRST_TIME} AND {_LAST_TIME} THEN {value} END"
    return value


def _uncast(failed: list[tuple[str, str, str]], texts: list[tuple[str, str]]) -> str:
    """JSON object of field and raw text for what failed; costly only for rows that have it."""
    # A text with a control character shows as a backslash in the row's JSON.
    broken = [(n, f"regexp_matches({text}, {literal(CONTROL)})", text) for n, text in texts]
    entries = ", ".join(
        f"{{'k': {literal(name)}, 'v': CASE WHEN {test} THEN {raw} END}}"
        for name, test, raw in (*failed, *broken)
    )
    tests = [f"({test})" for _, test, _ in failed]
    if texts:
        every = ", ".join(text for _, text in texts)
        tests.append(
            "CASE WHEN contains(c._json, '\\') "
            f"THEN regexp_matches(concat_ws(' ', {every}), {literal(CONTROL)}) ELSE FALSE END"
        )
    if not tests:
        return "CAST(NULL AS VARCHAR)"
    return (
        f"CASE WHEN {' OR '.join(tests)} THEN CAST(to_json(map_from_entries("
        f"list_filter([{entries}], lambda e: e.v IS NOT NULL))) AS VARCHAR) END"
    )
