"""The field ``raw_values``: what the source wrote where the record says something else.

One entry ``field=text`` for each code that no list knew, and for each amount or mass whose unit
was converted, in the order of the contract's fields. NULL where there is nothing to tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from schemas.codes import MARK, UNMAPPED, canonical
from schemas.sql import literal

if TYPE_CHECKING:
    from schemas.contract import Contract, Field

RAW_VALUES = "raw_values"

# A longer text in a code field is no code, but another column mapped by mistake: it may say
# anything, and must not travel under the name of a code.
LONGEST_CODE = 64

# A longer list of codes is looked up in a table: spelt out, 3,000 codes cost more to compare
# with than to look up, and make the SQL of each run longer than all its rest.
LONGEST_LITERAL = 200

# C0 controls without tab, line feed and carriage return.
CONTROL = r"[\x00-\x08\x0b\x0c\x0e-\x1f]"


def keeps_raw_values(contract: Contract) -> bool:
    """Whether records of this contract can say what the source wrote."""
    return any(f.name == RAW_VALUES and f.derived for f in contract.fields)


def is_translated(contract: Contract, field: Field) -> bool:
    """Whether an unknown code in this field becomes ``unmapped``.

    Not where the contract has no place for the source's text: it would be lost.
    """
    return (
        field.code_list is not None
        and field.code_mode == "translated"
        and keeps_raw_values(contract)
    )


def is_unknown(code_list: str, value: str, *, in_lambda: bool = False) -> str:
    """SQL: ``value`` is none of the list's codes; NULL for NULL.

    ``in_lambda``: DuckDB has no subqueries there, so the codes are spelt out.
    """
    codes = [row.code for row in canonical(code_list)]
    if len(codes) > LONGEST_LITERAL and not in_lambda:
        return f"{value} NOT IN (SELECT code FROM hefu_code_list WHERE list = {literal(code_list)})"
    # Not IN: DuckDB's planner makes a join of each, and a record has forty of them.
    return f"NOT list_contains([{', '.join(literal(c) for c in codes)}], {value})"


def has_mark(value: str) -> str:
    """SQL: ``value`` is a text that ``code()`` did not know."""
    return f"starts_with({value}, {literal(MARK)})"


def without_mark(value: str) -> str:
    """SQL of a text as it was before ``code()`` marked it."""
    return f"CASE WHEN {has_mark(value)} THEN {mark_removed(value)} ELSE {value} END"


def mark_removed(value: str) -> str:
    """SQL of a marked text without its mark."""
    return f"substr({value}, {len(MARK) + 1})"


def is_no_code(text: str) -> str:
    """SQL: a text that can't be a code, of any scheme."""
    # Bytes are counted in no time and are never fewer than characters.
    return (
        f"CASE WHEN strlen({text}) > {LONGEST_CODE} AND length({text}) > {LONGEST_CODE} THEN TRUE "
        f"ELSE regexp_matches({text}, {literal(CONTROL)}) END"
    )


def is_unmapped(field: Field, value: str) -> str:
    """SQL: the field's value is ``unmapped``, or a list with it."""
    if field.duckdb_type.endswith("[]"):
        return f"list_contains({value}, {literal(UNMAPPED)})"
    return f"{value} = {literal(UNMAPPED)}"


def entries_sql(parts: Sequence[tuple[str, str]]) -> str:
    """SQL of ``raw_values`` from (condition, list of entries) pairs, in contract order.

    Nothing but the conditions is worked out for a row that has no entry.
    """
    any_of = " OR ".join(f"({test})" for test, _ in parts)
    lists = ", ".join(f"CASE WHEN {test} THEN {entries} ELSE [] END" for test, entries in parts)
    return f"CASE WHEN {any_of} THEN flatten([{lists}]) END"


def entry(name: str, text: str) -> str:
    """SQL of one entry."""
    return f"{literal(name + '=')} || {text}"
