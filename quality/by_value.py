"""Rules that cost more than finding the different values they are asked of.

A check digit over 18 characters takes about a microsecond a row, as much as ten other rules
together, and is asked of columns where the same authority or haulier stands in thousands of
rows. Such a rule is asked once per value: first the broken values, of which there are few or
none, then the rows that have them.
"""

from __future__ import annotations

from schemas.contract import Rule
from schemas.sql import ident

# Measured on 1,000,000 rows (CPU seconds): credit_code_ok 0.9, id_no_ok 1.6; grouping a column
# of as many different values 0.2.
DEAR_MACROS = ("credit_code_ok(", "id_no_ok(")


def is_dear(rule: Rule) -> bool:
    """Whether the rule is to be asked once per value of its fields."""
    return bool(rule.fields) and any(macro in rule.violation_sql for macro in DEAR_MACROS)


def broken_values(rule: Rule, relation: str) -> str:
    """SELECT of the different values of the rule's fields in ``relation`` that break it."""
    fields = ", ".join(ident(name) for name in rule.fields)
    return (
        f"SELECT {fields} FROM (SELECT DISTINCT {fields} FROM {relation}) AS v "
        f"WHERE ({rule.violation_sql})"
    )


def same_values(rule: Rule, one: str, other: str) -> str:
    """Condition: two rows have the same values in the rule's fields, NULL being a value."""
    return " AND ".join(
        f"{one}.{ident(name)} IS NOT DISTINCT FROM {other}.{ident(name)}" for name in rule.fields
    )
