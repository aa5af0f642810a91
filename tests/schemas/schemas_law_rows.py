"""A way to hold rows against the rules of law, for the tests of schemas/law."""

from __future__ import annotations

from typing import Any

import duckdb

from schemas.contract import Contract, Rule, load_contract
from schemas.law.record_rules import law_rules
from schemas.sql import connect, ident

CASE, INSPECTION = load_contract("case_result"), load_contract("inspection")
CON: duckdb.DuckDBPyConnection = connect()

#: A six-axle train of 75 t in Anhui, fined as the ministry's tariff says.
OVERLOAD: dict[str, Any] = {
    "division_code": "341882",
    "occurred_time": "2026-10-01 09:00:00+08:00",
    "decision_date": "2026-10-08",
    "decision_type": "penalty",
    "common_cause_code": "overload_road",
    "axle_count": 6,
    "total_weight_kg": 75_000,
    "limit_weight_kg": 49_000,
    "fine_amount_cny": "13000",
}


def rules_of(contract: Contract, packs: Any = None) -> dict[str, Rule]:
    return {rule.rule_id: rule for rule in law_rules(contract, packs)}


def broken(contract: Contract, row: dict[str, Any], packs: Any = None) -> set[str]:
    """Ids of the rules that a row breaks; fields that it does not name are NULL."""
    return broken_each(contract, [row], packs)[0]


def broken_each(
    contract: Contract, rows: list[dict[str, Any]], packs: Any = None
) -> list[set[str]]:
    fields = [f for f in contract.fields if any(f.name in row for row in rows)]
    nulls = [f for f in contract.fields if f not in fields]
    select = ", ".join(
        [f"CAST({ident(f.name)} AS {f.duckdb_type}) AS {ident(f.name)}" for f in fields]
        + [f"CAST(NULL AS {f.duckdb_type}) AS {ident(f.name)}" for f in nulls]
    )
    marks = "(?" + ", ?" * (len(fields)) + ")"
    rules = rules_of(contract, packs)
    tests = ", ".join(f"({r.violation_sql}) IS TRUE" for r in rules.values())
    values = [
        value
        for number, row in enumerate(rows)
        for value in (number, *(_text(row.get(f.name)) for f in fields))
    ]
    names = ", ".join(["_n", *(ident(f.name) for f in fields)])
    found = CON.execute(
        f"SELECT {tests} FROM (SELECT _n, {select} FROM "
        f"(VALUES {', '.join([marks] * len(rows))}) v({names})) ORDER BY _n",
        values,
    ).fetchall()
    return [{i for i, b in zip(rules, line, strict=True) if b} for line in found]


def _text(value: Any) -> Any:
    return value if isinstance(value, list) or value is None else str(value)


def short(ids: set[str]) -> set[str]:
    return {i.removeprefix("law:") for i in ids}
