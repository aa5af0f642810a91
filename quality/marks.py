"""Which rules a row breaks, as bits in a few integer columns.

A list of reasons per row would cost more than the rules themselves; almost every row breaks
none, and a run sees few different combinations. ``_marks_0`` holds the first 60 rules,
``_marks_1`` the next. The table ``checked_rules`` says which bit is which rule, so that
whoever has the connection can read the marks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from quality.by_value import broken_values, is_dear
from schemas.contract import Rule
from schemas.sql import ident, literal

if TYPE_CHECKING:
    import duckdb

BITS_PER_WORD = 60


def create_rules(con: duckdb.DuckDBPyConnection, rules: Sequence[Rule]) -> None:
    """Creates ``checked_rules`` (rule_id, severity, word, bit, position)."""
    con.execute(
        "CREATE OR REPLACE TABLE checked_rules "
        "(rule_id VARCHAR PRIMARY KEY, severity VARCHAR, word INTEGER, bit INTEGER, "
        "position INTEGER)"
    )
    rows = ", ".join(
        f"({literal(rule.rule_id)}, {literal(rule.severity)}, "
        f"{i // BITS_PER_WORD}, {i % BITS_PER_WORD}, {i})"
        for i, rule in enumerate(rules)
    )
    if rows:
        con.execute(f"INSERT INTO checked_rules VALUES {rows}")


def marks_sql(rules: Sequence[Rule]) -> list[str]:
    """Select items that compute the marks columns from a candidate row, but for dear rules."""
    words = [rules[i : i + BITS_PER_WORD] for i in range(0, len(rules), BITS_PER_WORD)]
    return [
        "(" + " | ".join(_bit(rule, bit) for bit, rule in enumerate(word)) + f") AS _marks_{i}"
        for i, word in enumerate(words)
    ]


def mark_by_value(
    con: duckdb.DuckDBPyConnection, rules: Sequence[Rule], literals: Mapping[str, str]
) -> None:
    """Sets the bits that ``marks_sql`` left open, in ``checked_rows`` (``quality/by_value.py``).

    The values are read from the view ``checked``, which has all columns; ``literals`` are those
    columns that ``checked_rows`` has not.
    """
    for i, rule in enumerate(rules):
        if not is_dear(rule):
            continue
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE broken_values AS {broken_values(rule, 'checked')}"
        )
        if con.execute("SELECT 1 FROM broken_values LIMIT 1").fetchone() is None:
            continue
        column = f"_marks_{i // BITS_PER_WORD}"
        same = " AND ".join(
            f"{literals.get(name) or 'c.' + ident(name)} IS NOT DISTINCT FROM b.{ident(name)}"
            for name in rule.fields
        )
        con.execute(
            f"UPDATE checked_rows AS c SET {column} = c.{column} | "
            f"{1 << i % BITS_PER_WORD}::UBIGINT FROM broken_values AS b WHERE {same}"
        )


def mark_columns(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Names of the marks columns of ``checked``."""
    found = con.execute("SELECT DISTINCT word FROM checked_rules ORDER BY word").fetchall()
    return [f"_marks_{word}" for (word,) in found]


def breaks_any(con: duckdb.DuckDBPyConnection, severity: str) -> str:
    """SQL: does the row break any rule of this severity?"""
    words = con.execute(
        "SELECT word, sum(1::HUGEINT << bit)::UBIGINT FROM checked_rules WHERE severity = ? "
        "GROUP BY word ORDER BY word",
        [severity],
    ).fetchall()
    tests = [f"(_marks_{word} & {mask}::UBIGINT) <> 0" for word, mask in words]
    return "(" + " OR ".join(tests) + ")" if tests else "false"


def broken(con: duckdb.DuckDBPyConnection, severity: str) -> str:
    """SQL: list of the rule ids that the row breaks, in the order of the rules."""
    names = ", ".join(
        f"CASE WHEN {_is_set(word, bit)} THEN {literal(rule_id)} END"
        for rule_id, word, bit in _rules(con, severity)
    )
    if not names:
        return "[]::VARCHAR[]"
    return f"list_filter([{names}], lambda name: name IS NOT NULL)"


def counts_of(
    con: duckdb.DuckDBPyConnection, combinations: str, severity: str | None = None
) -> dict[str, int]:
    """Rows per rule, zero included, from a relation of marks columns and their number ``n``."""
    rules = _rules(con, severity)
    if not rules:
        return {}
    sums = ", ".join(
        f"coalesce(sum(n) FILTER ({_is_set(word, bit)}), 0)::BIGINT" for _, word, bit in rules
    )
    found = con.execute(f"SELECT {sums} FROM {combinations}").fetchone() or ()
    return dict(zip((rule_id for rule_id, _, _ in rules), found, strict=True))


def _rules(con: duckdb.DuckDBPyConnection, severity: str | None) -> list[tuple[str, int, int]]:
    found: list[tuple[str, int, int]] = con.execute(
        "SELECT rule_id, word, bit FROM checked_rules WHERE coalesce(severity = ?, true) "
        "ORDER BY position",
        [severity],
    ).fetchall()
    return found


def _bit(rule: Rule, bit: int) -> str:
    if is_dear(rule):
        return "0::UBIGINT"
    return f"CASE WHEN ({rule.violation_sql}) THEN {1 << bit}::UBIGINT ELSE 0::UBIGINT END"


def _is_set(word: int, bit: int) -> str:
    return f"(_marks_{word} & {1 << bit}::UBIGINT) <> 0"
