"""``raw_values``: what the source wrote where the record says something else."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest
from schemas_samples import ORIGIN, candidates, fetch, load_raw, mapping_sql

from schemas.contract import load_contract, parse_contract
from schemas.errors import ConfigError
from schemas.mapping import candidate_sql, parse_mapping

CASE = load_contract("case_result")
COLOUR = "code('plate_color', 'zh', x)"


def one(con: duckdb.DuckDBPyConnection, given: str | None, **fields: str) -> dict[str, Any]:
    """The candidate that a row with ``x`` = ``given`` becomes."""
    load_raw(con, {"x": given})
    [row] = candidates(con, **fields)
    return row


@pytest.mark.parametrize(
    ("field", "given", "sql", "raw"),
    [
        ("fine_amount_cny", "0.15", "yuan_from_wan(x)", "0.15 万元"),
        ("fine_amount_cny", " 0.15 万元", "yuan_from_wan(x)", "0.15 万元"),
        ("fine_amount_cny", "0.15万", "yuan_from_wan(x)", "0.15万"),
        ("fine_amount_cny", "0.15", "yuan_from_wan(x)::DECIMAL(16, 2)", None),
        ("fine_amount_cny", "0.15", "coalesce(yuan_from_wan(x), yuan(y))", "0.15 万元"),
        ("fine_amount_cny", None, "coalesce(yuan_from_wan(x), yuan('7'))", None),
        ("fine_amount_cny", "2", "CASE WHEN x = '1' THEN yuan_from_wan(x) ELSE yuan(x) END", None),
        ("fine_amount_cny", "1", "CASE x WHEN '1' THEN yuan_from_wan(x) END", "1 万元"),
        ("fine_amount_cny", "0", "nullif(yuan_from_wan(x), '0.0000000000')", None),
        ("fine_amount_cny", "1500", "yuan(x)", None),
        ("fine_amount_cny", "不详", "yuan_from_wan(x)", None),
        ("fine_amount_cny", None, "yuan_from_wan(x)", None),
    ],
)
def test_the_text_of_a_converted_amount_is_kept_with_its_unit(
    con: duckdb.DuckDBPyConnection, field: str, given: str | None, sql: str, raw: str | None
) -> None:
    load_raw(con, {"x": given, "y": None})
    if "::" in sql:
        with pytest.raises(ConfigError):
            candidates(con, **{field: sql})
        return
    [row] = candidates(con, **{field: sql})
    assert row["raw_values"] == (None if raw is None else [f"{field}={raw}"])


def test_the_text_of_a_converted_mass_is_kept_with_its_unit(con: duckdb.DuckDBPyConnection) -> None:
    load_raw(con, {"x": "75.0004", "y": "49T"})
    [row] = candidates(
        con, "inspection", total_weight_kg="kg_from_t(x)", limit_weight_kg="KG_FROM_T(y)"
    )
    assert (row["total_weight_kg"], row["limit_weight_kg"]) == (75000, 49000)
    assert sorted(row["raw_values"]) == ["limit_weight_kg=49T", "total_weight_kg=75.0004 吨"]


def test_entries_stand_in_the_order_of_the_contract(con: duckdb.DuckDBPyConnection) -> None:
    row = one(
        con,
        "1",
        fine_amount_cny="yuan_from_wan(x)",
        vehicle_plate_color=COLOUR,
        penalty_category="[x]",
        party_id_type="x",
        decision_type="'abc'",
    )
    order = [entry.split("=")[0] for entry in row["raw_values"]]
    assert order == [n for n in CASE.names() if n in order]
    assert len(order) == 5


def test_raw_values_are_content(con: duckdb.DuckDBPyConnection) -> None:
    hashes = {one(con, x, vehicle_plate_color=COLOUR)["content_hash"] for x in ("紫", "粉")}
    assert len(hashes) == 2
    in_yuan = one(con, "1500", fine_amount_cny="yuan(x)")["content_hash"]
    in_wan = one(con, "0.15", fine_amount_cny="yuan_from_wan(x)")["content_hash"]
    assert in_yuan != in_wan


def test_no_mapping_gives_raw_values(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_mapping(con, mapping_sql("case_result", raw_values="['a']"), "m.sql", CASE)
    assert "filled by the node" in caught.value.message.en


def test_without_a_place_for_the_text_nothing_is_translated(
    con: duckdb.DuckDBPyConnection,
) -> None:
    older = CASE.yaml_bytes.replace(b"name: raw_values", b"name: other_values")
    contract = parse_contract(older.replace(b"tags: [envelope, derived]", b"tags: [envelope]"))
    load_raw(con, {"x": "紫"})
    sql = mapping_sql("case_result", vehicle_plate_color=COLOUR, fine_amount_cny="kg_from_t('1')")
    mapping = parse_mapping(con, sql, "m.sql", contract)
    [row] = fetch(con, candidate_sql(con, mapping, contract, ORIGIN))
    assert (row["vehicle_plate_color"], row["other_values"]) == ("紫", None)
    rules = {r.rule_id: r for r in contract.rules()}
    assert rules["code:vehicle_plate_color"].severity == "hard"
    assert "type:code" not in rules
