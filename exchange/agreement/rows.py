"""Which rows of a granted record type are covered: the agreement's row filter as SQL.

What is not known to be covered is not: a row without a value in a tested column, and every row
of a record type that does not have the column. Receipts are not filtered: they answer what the
partner sent, and go back to it alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from schemas.sql import ident, literal

if TYPE_CHECKING:
    from exchange.agreement.model import Grant, RowFilter
    from schemas.contract import Contract


#: Record types that a row filter says nothing of.
UNFILTERED = frozenset({"receipt"})


@dataclass(frozen=True, slots=True)
class RowTest:
    """One test of a row filter. ``key``: its key (or keys) in the agreement's file; ``sql`` is
    true for a row that passes and never NULL."""

    key: str
    column: str
    sql: str


def row_tests(rows: RowFilter) -> Iterator[RowTest]:
    """The tests of a filter, in the order of its keys; over columns that a relation must have."""
    for key, column, beginnings in (
        ("divisions", "division_code", rows.divisions),
        (
            "registration_divisions",
            "vehicle_registration_division",
            rows.registration_divisions,
        ),
    ):
        if beginnings:
            tests = (f"starts_with({ident(column)}, {literal(b)})" for b in beginnings)
            yield RowTest(key, column, f"coalesce({' OR '.join(tests)}, false)")
    if rows.domains:
        listed = ", ".join(map(literal, rows.domains))
        sql = f"coalesce(business_domain IN ({listed}), false)"
        yield RowTest("domains", "business_domain", sql)
    if rows.since is not None or rows.until is not None:
        yield RowTest("since, until", "occurred_time", _in_time(rows.since, rows.until))


def _in_time(since: date | None, until: date | None) -> str:
    """Days of Chinese legal time; the last one to its end."""
    tests = []
    if since is not None:
        tests.append(f"occurred_time >= {_midnight(since)}")
    if until is not None:
        tests.append(f"occurred_time < {_midnight(until + timedelta(days=1))}")
    return f"coalesce({' AND '.join(tests)}, false)"


def _midnight(day: date) -> str:
    # Two digits of an offset are read by DuckDB whatever the session's time zone is.
    return f"TIMESTAMPTZ {literal(f'{day.isoformat()} 00:00:00+08')}"


def missing_columns(grant: Grant, contract: Contract) -> tuple[str, ...]:
    """Columns that the filter tests and this record type does not have: none of its rows goes."""
    names = set(contract.names())
    if contract.record_type in UNFILTERED:
        return ()
    return tuple(t.column for t in row_tests(grant.rows) if t.column not in names)


def row_filter_sql(grant: Grant, contract: Contract, names: Collection[str] | None = None) -> str:
    """SQL: does the agreement cover this row? Never NULL; ``true`` without a filter.

    Over a row with all fields of the contract, as the lake has it. With ``names``: over a row of
    a bundle, which has only these columns; tests of others can't be made there and are left out.
    """
    if contract.record_type in UNFILTERED:
        return "true"
    if missing_columns(grant, contract):
        return "false"
    tests = [t.sql for t in row_tests(grant.rows) if names is None or t.column in names]
    return " AND ".join(tests) or "true"
