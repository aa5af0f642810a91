"""A partner's codes by our lists: what we do not know is unmapped, and what it sent is kept."""

from __future__ import annotations

from typing import Any

import duckdb
from schemas_samples import fetch

from schemas.contract import load_contract, parse_contract
from schemas.received import received_columns
from schemas.sql import ident

CASE = load_contract("case_result")
TYPES = {name: CASE.field(name).duckdb_type for name in CASE.names()}


def translated(con: duckdb.DuckDBPyConnection, row: dict[str, Any]) -> dict[str, Any]:
    """One received row with these columns, by our lists."""
    items = ", ".join(f"CAST(${n} AS {TYPES[n]}) AS {ident(n)}" for n in row)
    con.execute(f"CREATE OR REPLACE TABLE received AS SELECT {items}", row)
    columns = received_columns(CASE, list(row))
    names = list(dict.fromkeys([*row, *columns]))
    selected = ", ".join(f"{columns.get(n, ident(n))} AS {ident(n)}" for n in names)
    [found] = fetch(con, f"SELECT {selected} FROM received")
    return found


def test_codes_that_we_have_are_taken_over(con: duckdb.DuckDBPyConnection) -> None:
    row = {
        "case_no": "A",
        "vehicle_plate_color": "yellow",
        "penalty_category": ["fine", "", "unmapped"],
        "decision_type": "unmapped",
        "party_category": None,
        "raw_values": ["decision_type=甲", "penalty_category=乙", "from_the_future=1"],
    }
    assert translated(con, row) == row


def test_a_code_that_we_do_not_have_is_unmapped_and_kept_in_its_place(
    con: duckdb.DuckDBPyConnection,
) -> None:
    row = {
        "decision_type": "new_type",
        "vehicle_plate_color": "unmapped",
        "penalty_category": ["fine", "new_kind", "other_kind"],
        "raw_values": ["vehicle_plate_color=渐变", "fine_amount_cny=1 万元", "future=1"],
    }
    assert translated(con, row) == {
        "decision_type": "unmapped",
        "vehicle_plate_color": "unmapped",
        "penalty_category": ["fine", "unmapped", "unmapped"],
        "raw_values": [
            "decision_type=new_type",
            "vehicle_plate_color=渐变",
            "penalty_category=new_kind",
            "penalty_category=other_kind",
            "fine_amount_cny=1 万元",
            "future=1",
        ],
    }


def test_a_bundle_without_raw_values_gets_ours(con: duckdb.DuckDBPyConnection) -> None:
    assert translated(con, {"decision_type": "new_type"})["raw_values"] == [
        "decision_type=new_type"
    ]
    assert translated(con, {"decision_type": "penalty"})["raw_values"] is None
    assert translated(con, {"case_no": "A"})["raw_values"] is None


def test_open_and_closed_lists_are_left_to_their_rules(con: duckdb.DuckDBPyConnection) -> None:
    row = {"division_code": "990000", "data_status": "lost", "raw_values": None}
    assert translated(con, row) == row


def test_what_can_be_no_code_is_left_to_quarantine(con: duckdb.DuckDBPyConnection) -> None:
    row = {
        "decision_type": "x" * 65,
        "party_category": "a\x01",
        "penalty_category": ["y" * 65],
        "raw_values": None,
    }
    assert translated(con, row) == row
    rules = {r.rule_id: r for r in CASE.rules(list(row))}
    broken = [
        name
        for name in ("type:code", "text:control")
        if con.execute(f"SELECT {rules[name].violation_sql} FROM received").fetchone() == (True,)
    ]
    assert broken == ["type:code", "text:control"]
    for field in ("decision_type", "penalty_category"):
        rest = f"(SELECT * REPLACE (NULL AS {field}) FROM received)"
        sql = f"SELECT {rules['type:code'].violation_sql} FROM {rest}"
        assert con.execute(sql).fetchone() == (True,)
    assert {rules[name].severity for name in broken} == {"hard"}
    assert rules["code:decision_type"].severity == "soft"


def test_without_raw_values_in_the_contract_nothing_is_translated() -> None:
    yaml = CASE.yaml_bytes.replace(b"name: raw_values", b"name: other_values")
    older = parse_contract(yaml.replace(b"tags: [envelope, derived]", b"tags: [envelope]"))
    assert received_columns(older, older.names()) == {}
