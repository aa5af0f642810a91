"""Great Expectations and the marks agree on every rule of every contract that we ship."""

from __future__ import annotations

from typing import Any

import pytest

from quality.check import create_checked, rule_counts
from quality.gx import validate
from schemas.contract import load_contract, record_types
from schemas.sql import ident, literal

# One row of nothing, one of values that most rules refuse, one of the contracts' own examples, and
# one of codes that no list knew.
ODD = {
    "VARCHAR": "'\u3000{x}: 50%'",
    "BIGINT": "-1",
    "DECIMAL(16,2)": "-0.01",
    "DECIMAL(6,4)": "99.9999",
    "DATE": "DATE '1800-02-28'",
    "TIMESTAMPTZ": "TIMESTAMPTZ '2999-12-31 23:30:00+00'",
    "BOOLEAN": "true",
    "VARCHAR[]": "['', '?', NULL]",
    "BIGINT[]": "[-1, NULL]",
}


def rows(record_type: str, *, stored: bool) -> str:
    fields = load_contract(record_type).fields
    selects = []
    for n in range(4):
        values = []
        for f in fields:
            example = f"TRY_CAST({literal(f.examples[0])} AS {f.duckdb_type})" if f.examples else ""
            unmapped = "NULL"
            if f.code_list:
                unmapped = "['', 'unmapped']" if f.duckdb_type == "VARCHAR[]" else "'unmapped'"
            value = ("NULL", ODD[f.duckdb_type], example or "NULL", unmapped)[n]
            values.append(f"CAST({value} AS {f.duckdb_type}) AS {ident(f.name)}")
        uncast = '\'{"decision_date":"2026-02-30"}\'' if n == 1 else "NULL::VARCHAR"
        technical = f", 0 AS _object, {n} AS _row, {uncast} AS _uncast, true AS _has_clock"
        selects.append(f"SELECT {', '.join(values)}{'' if stored else technical}")
    return " UNION ALL ".join(selects)


@pytest.mark.parametrize("record_type", record_types())
def test_counts_agree_on_candidates(con: Any, record_type: str) -> None:
    contract = load_contract(record_type)
    create_checked(con, rows(record_type, stored=False), contract.rules())
    verdict = validate(con, "checked", contract, contract.rules())
    verdict.agree_with(rule_counts(con))
    assert sum(1 for count in verdict.unexpected.values() if count) > 10


@pytest.mark.parametrize("record_type", record_types())
def test_counts_agree_on_received_rows(con: Any, record_type: str) -> None:
    contract = load_contract(record_type)
    rules = contract.rules(contract.names())
    con.execute(f"CREATE TABLE received AS {rows(record_type, stored=True)}")
    con.execute("CREATE TABLE raw_rows AS SELECT *, 0 AS _object, 1 AS _row FROM received")
    verdict = validate(con, "received", contract, rules)
    create_checked(con, "SELECT * FROM raw_rows", rules)
    ours = rule_counts(con)
    assert {name: ours[name] for name in verdict.unexpected} == verdict.unexpected
