"""Giving each output of a mapping its field's type, without losing what does not fit.

A cast that could change a value without a word is not made: money with more than two
decimals, a fraction where a whole number belongs, a time of day whose zone nobody said. Such
a value becomes NULL, its raw text goes into ``_uncast``, and rule ``type:<field>`` names it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from schemas.codes import UNMAPPED
from schemas.contract import Field
from schemas.raw_values import (
    CONTROL,
    entries_sql,
    entry,
    has_mark,
    is_no_code,
    is_unknown,
    is_unmapped,
    mark_removed,
    without_mark,
)
from schemas.sql import ident, literal
from schemas.text import Text

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
    """One output of a mapping, and what its expression says about its values.

    ``given_type``: DuckDB's type of it; ``function``: its outermost function; ``clean``: texts
    are NFC and not empty; ``marked``: they may carry the mark of ``code()``; ``translated``: what
    is not in the field's code list becomes ``unmapped``; ``coded``: each value is a code of that
    list or marked; ``converted``: the column ``_unit_<field>`` has it as it was given.
    """

    field: Field
    given_type: str
    function: str
    clean: bool = False
    marked: bool = False
    translated: bool = False
    coded: bool = False
    converted: bool = False


@dataclass(frozen=True, slots=True)
class Casts:
    """``outputs``: select items over ``m``; ``raw_values_sql``: over ``t``, which selects those,
    None if no row can have an entry; ``uncast_sql``: over ``c``, which selects all of ``t``.
    """

    outputs: tuple[str, ...]
    raw_values_sql: str | None
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


def unit_column(name: str) -> str:
    """Name of the column of ``m`` that holds what a converted field was given as."""
    return "_unit_" + name


def casts(columns: Sequence[Column]) -> Casts:
    """The select items that type ``columns``, what they were before, and what failed.

    ``columns`` in the contract's order.
    """
    outputs: list[str] = []
    failed: list[tuple[str, str, str]] = []
    texts: list[tuple[str, str]] = []
    kept: list[tuple[str, str]] = []
    for column in columns:
        field, name = column.field, ident(column.field.name)
        raw = ident("_raw_" + field.name)
        if column.translated:
            value, given = _translated(column)
            outputs += [f"{value} AS {name}", f"{given} AS {raw}"]
            test = f"c.{raw} IS NOT NULL AND c.{name} IS NULL"
            failed.append((field.name, test, _as_text(column, f"c.{raw}")))
            kept.append((is_unmapped(field, f"t.{name}"), _unmapped_entries(column, f"t.{raw}")))
            continue
        outputs.append(f"{_cast(column)} AS {name}")
        if column.converted:
            unit = ident(unit_column(field.name))
            outputs.append(f"m.{unit} AS {unit}")
            there = f"t.{unit} IS NOT NULL AND t.{name} IS NOT NULL"
            kept.append((there, f"[{entry(field.name, f't.{unit}')}]"))
        if field.duckdb_type == "VARCHAR":
            texts.append((field.name, f"c.{name}"))
            continue
        outputs.append(f"nullif(CAST({_source(column)} AS VARCHAR), '') AS {raw}")
        test = f"c.{raw} IS NOT NULL AND c.{name} IS NULL"
        failed.append((field.name, test, f"c.{raw}"))
        if field.duckdb_type == "VARCHAR[]":
            texts.append((field.name, f"array_to_string(c.{name}, ' ')"))
    raw_values = entries_sql(kept) if kept else None
    return Casts(tuple(outputs), raw_values, _uncast(failed, texts))


def _source(column: Column) -> str:
    """The mapping's value, without the mark that ``code()`` may have left on it."""
    value = f"m.{ident(column.field.name)}"
    if not column.marked:
        return value
    if column.given_type == "VARCHAR":
        return f"({without_mark(value)})"
    if column.given_type == "VARCHAR[]":
        return f"list_transform({value}, lambda e: {without_mark('e')})"
    return value


def _translated(column: Column) -> tuple[str, str]:
    """SQL of the code, and of what it is made of: the code itself or the source's text."""
    given = _normal(column, f"m.{ident(column.field.name)}")
    if column.field.duckdb_type == "VARCHAR":
        text = _before(column, given)
        return (
            f"CASE WHEN {_unknown(column, given)} THEN "
            f"CASE WHEN {is_no_code(text)} THEN NULL ELSE {literal(UNMAPPED)} END "
            f"ELSE {given} END",
            given,
        )
    unknown = _unknown(column, "e", in_lambda=True)
    any_unknown = f"len(list_filter({given}, lambda e: {unknown})) > 0"
    if column.coded:
        # A list of one, which most are, needs no lambda.
        any_unknown = f"CASE WHEN len({given}) = 1 THEN {has_mark(f'{given}[1]')} " + (
            f"ELSE {any_unknown} END"
        )
    no_code = f"({unknown}) AND ({is_no_code(_before(column, 'e'))})"
    codes = f"lambda e: CASE WHEN {unknown} THEN {literal(UNMAPPED)} ELSE e END"
    return (
        f"CASE WHEN {any_unknown} THEN "
        f"CASE WHEN len(list_filter({given}, lambda e: {no_code})) = 0 "
        f"THEN list_transform({given}, {codes}) END ELSE {given} END",
        given,
    )


def _unmapped_entries(column: Column, given: str) -> str:
    if column.field.duckdb_type == "VARCHAR":
        return f"[{entry(column.field.name, f'({_before(column, given)})')}]"
    unknown = _unknown(column, "e", in_lambda=True)
    text = entry(column.field.name, f"({_before(column, 'e')})")
    return f"list_transform(list_filter({given}, lambda e: {unknown}), lambda e: {text})"


def _unknown(column: Column, value: str, *, in_lambda: bool = False) -> str:
    if column.coded:
        return has_mark(value)
    # In a list, an empty text keeps the place of what is not known.
    empty = f"{value} <> '' AND " if in_lambda else ""
    return empty + is_unknown(column.field.code_list or "", value, in_lambda=in_lambda)


def _before(column: Column, value: str) -> str:
    """SQL of the source's text of an unknown value."""
    if column.coded:
        return mark_removed(value)
    return without_mark(value) if column.marked else value


def _as_text(column: Column, given: str) -> str:
    if column.field.duckdb_type == "VARCHAR":
        return f"({_before(column, given)})"
    return f"CAST(list_transform({given}, lambda e: {without_mark('e')}) AS VARCHAR)"


def _normal(column: Column, value: str) -> str:
    """SQL of texts in NFC, a single empty one as NULL."""
    if column.field.duckdb_type == "VARCHAR[]":
        value = value if column.given_type == "VARCHAR[]" else f"TRY_CAST({value} AS VARCHAR[])"
        return value if column.clean else f"list_transform({value}, lambda e: nfc_text(e))"
    if column.given_type != "VARCHAR":
        return f"CAST({value} AS VARCHAR)"
    return value if column.clean else f"nullif(nfc_text({value}), '')"


def _cast(column: Column) -> str:
    field, given = column.field, column.given_type
    value = _source(column)
    wanted = "TIMESTAMP WITH TIME ZONE" if field.duckdb_type == "TIMESTAMPTZ" else field.duckdb_type
    if field.duckdb_type in ("VARCHAR", "VARCHAR[]"):
        return _normal(column, value)
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
