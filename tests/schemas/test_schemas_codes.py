"""Codes: what a list does not know is neither lost nor guessed, and what was written is kept."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from schemas_samples import (
    ORIGIN,
    broken_rules,
    candidates,
    fetch,
    load_raw,
    mapping_sql,
    text,
    value,
)

from quality.check import create_checked, rule_counts, settle
from schemas.codes import MARK, UNMAPPED, canonical
from schemas.contract import load_contract
from schemas.errors import ConfigError
from schemas.generated_rules import generated_rules
from schemas.mapping import Origin, candidate_sql, parse_mapping
from schemas.mapping_codes import code_calls

CASE = load_contract("case_result")
COLOUR = "code('plate_color', 'zh', x)"
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)


def one(con: duckdb.DuckDBPyConnection, given: str | None, **fields: str) -> dict[str, Any]:
    """The candidate that a row with ``x`` = ``given`` becomes."""
    load_raw(con, {"x": given})
    [row] = candidates(con, **fields)
    return row


# what code() says


def test_a_text_that_a_scheme_does_not_know_is_marked(con: duckdb.DuckDBPyConnection) -> None:
    assert value(con, "code('plate_color', 'zh', ' 紫 ')") == MARK + "紫"
    assert value(con, "code('plate_color', 'zh', 'unmapped:紫')") == MARK + MARK + "紫"
    assert value(con, "code('plate_color', 'zh', NULL)") is None
    assert value(con, "code('plate_color', 'zh', '　')") is None


@pytest.mark.parametrize("row", canonical("business_domain"), ids=lambda r: r.code)
def test_a_text_that_looks_like_a_code_of_ours_is_none(
    shared_con: duckdb.DuckDBPyConnection, row: Any
) -> None:
    row = one(shared_con, row.code, business_domain="code('business_domain', 'zh', x)")
    assert row["business_domain"] == UNMAPPED
    assert len(row["raw_values"]) == 1
    assert row["raw_values"][0].startswith("business_domain=")


@pytest.fixture
def dated() -> Any:
    """A connection whose list of colours has a scheme in which 1 meant two things in turn."""
    from dataclasses import replace
    from datetime import date

    from schemas.codes import all_codes
    from schemas.sql import connect

    row = replace(canonical("plate_color")[0], scheme="old", raw="1", label_zh="", label_en="")
    rows = (
        replace(row, code="blue", valid_to=date(2020, 1, 1)),
        replace(row, code="yellow", valid_from=date(2020, 1, 1), valid_to=date(2022, 1, 1)),
        replace(row, raw="２", code="black", valid_from=date(2021, 1, 1)),
        replace(row, raw="3", code="white"),
        replace(row, raw="4", code="white", valid_to=date(2020, 1, 1)),
        replace(row, raw="4", code="white", valid_from=date(2021, 1, 1)),
    )
    lists = dict(all_codes())
    con = connect(threads=1, codes=lists | {"plate_color": (*lists["plate_color"], *rows)})
    yield con
    con.close()


@pytest.mark.parametrize(
    ("raw", "day", "gives"),
    [
        ("1", "DATE '2019-12-31'", "blue"),
        ("1", "DATE '2020-01-01'", "yellow"),
        ("1", "'2021-12-31'", "yellow"),
        ("1", "'2022年1月1日'", "unmapped:1"),
        ("1", "NULL", "unmapped:1"),
        ("1", "'不详'", "unmapped:1"),
        ("1", "'2019-12-31T15:59:59Z'", "blue"),
        ("1", "'2019-12-31T16:00:00Z'", "yellow"),
        ("1", "ts_cn('2019-12-31 23:59:59')", "blue"),
        ("1", "TIMESTAMPTZ '2019-12-31 16:00:00+00'", "yellow"),
        ("２", "'2020-12-31'", "unmapped:２"),
        ("2", "'2020-12-31'", "unmapped:2"),
        (" ２", "'2021-01-01'", "black"),
        ("2", "NULL", "black"),
        ("3", "'1950-01-01'", "white"),
        ("4", "'2020-06-01'", "unmapped:4"),
        ("4", "NULL", "white"),
        ("9", "'2020-06-01'", "unmapped:9"),
        (None, "'2020-06-01'", None),
    ],
)
def test_a_code_is_read_by_the_row_of_its_day(
    dated: Any, raw: str | None, day: str, gives: str | None
) -> None:
    assert value(dated, f"code_on('plate_color', 'old', {text(raw)}, {day})") == gives


@pytest.mark.parametrize(
    ("raw", "gives"), [("1", "unmapped:1"), ("２", "black"), ("2", "black"), ("4", "white")]
)
def test_a_text_with_two_meanings_is_unknown_without_a_day(
    dated: Any, raw: str, gives: str
) -> None:
    assert value(dated, f"code('plate_color', 'old', {text(raw)})") == gives


def test_the_parts_of_a_text_are_translated_in_order(con: duckdb.DuckDBPyConnection) -> None:
    call = "codes('penalty_category', 'zh', x, '、')"
    row = one(con, "罚款、斩首、 警告、、流放", penalty_category=call)
    assert row["penalty_category"] == ["fine", UNMAPPED, "warning", UNMAPPED]
    assert row["raw_values"] == ["penalty_category=斩首", "penalty_category=流放"]
    assert one(con, " 、", penalty_category=call)["penalty_category"] is None
    assert one(con, None, penalty_category=call)["penalty_category"] is None


# what becomes of it in a field


def test_an_unknown_code_becomes_unmapped_and_its_text_is_kept(
    con: duckdb.DuckDBPyConnection,
) -> None:
    row = one(con, "紫", vehicle_plate_color=COLOUR)
    assert row["vehicle_plate_color"] == UNMAPPED
    assert row["raw_values"] == ["vehicle_plate_color=紫"]
    assert row["_uncast"] is None
    row = one(con, "黄", vehicle_plate_color=COLOUR)
    assert (row["vehicle_plate_color"], row["raw_values"]) == ("yellow", None)
    row = one(con, None, vehicle_plate_color=COLOUR)
    assert (row["vehicle_plate_color"], row["raw_values"]) == (None, None)


@pytest.mark.parametrize(
    ("given", "sql", "code", "raw"),
    [
        ("yellow", "x", "yellow", None),
        ("yellow", "txt(x)", "yellow", None),
        ("黄", "txt(x)", UNMAPPED, "黄"),
        ("unmapped", "txt(x)", UNMAPPED, "unmapped"),
        ("unmapped:黄", "txt(x)", UNMAPPED, "unmapped:黄"),
        ("a", "'yellow'", "yellow", None),
        ("a", "'purple'", UNMAPPED, "purple"),
        ("a", "'unmapped:purple'", UNMAPPED, "unmapped:purple"),
        ("紫", f"coalesce({COLOUR}, 'yellow')", UNMAPPED, "紫"),
        (None, f"coalesce({COLOUR}, 'yellow')", "yellow", None),
        ("紫", f"CASE WHEN x = '紫' THEN {COLOUR} ELSE x END", UNMAPPED, "紫"),
        ("green", f"CASE WHEN x = '紫' THEN {COLOUR} ELSE x END", "green", None),
        ("uscc", "code('id_type', 'zh', x)", UNMAPPED, "uscc"),
        ("法人", "code('party_category', 'zh', x)", UNMAPPED, "legal_org"),
        ("7", "7", UNMAPPED, "7"),
        ("", "x", None, None),
        ("示", "repeat(x, 64)", UNMAPPED, "示" * 64),
    ],
)
def test_every_way_to_give_a_code_is_treated_alike(
    con: duckdb.DuckDBPyConnection, given: str | None, sql: str, code: str | None, raw: str | None
) -> None:
    row = one(con, given, vehicle_plate_color=sql)
    assert row["vehicle_plate_color"] == code
    assert row["raw_values"] == (None if raw is None else [f"vehicle_plate_color={raw}"])


def test_a_list_is_translated_element_by_element(con: duckdb.DuckDBPyConnection) -> None:
    row = one(
        con, "罚", penalty_category="[x, 'fine', '', NULL, code('penalty_category', 'zh', x)]"
    )
    assert row["penalty_category"] == [UNMAPPED, "fine", "", None, UNMAPPED]
    assert row["raw_values"] == ["penalty_category=罚", "penalty_category=罚"]
    row = one(con, "罚", penalty_category="[code('penalty_category', 'zh', x)]")
    assert row["penalty_category"] == [UNMAPPED]
    row = one(con, None, penalty_category="[code('penalty_category', 'zh', x)]")
    assert (row["penalty_category"], row["raw_values"]) == ([None], None)


@pytest.mark.parametrize(
    ("field", "sql", "rule"),
    [
        ("vehicle_plate_color", COLOUR, "type:code"),
        ("vehicle_plate_color", "txt(x)", "type:code"),
        ("penalty_category", "[code('penalty_category', 'zh', x)]", "type:penalty_category"),
        ("penalty_category", "['fine', x]", "type:penalty_category"),
    ],
)
@pytest.mark.parametrize("given", ["车" * 65, "a\x01b"])
def test_what_can_be_no_code_does_not_travel_as_one(
    con: duckdb.DuckDBPyConnection, field: str, sql: str, rule: str, given: str
) -> None:
    row = one(con, given, **{field: sql})
    assert (row[field], row["raw_values"]) == (None, None)
    assert given in str(json.loads(row["_uncast"])[field])
    assert broken_rules(con, "case_result", **{field: sql})[rule] == "hard"


def test_an_open_list_keeps_the_text_and_a_closed_one_refuses_it(
    con: duckdb.DuckDBPyConnection,
) -> None:
    load_raw(con, {"x": "990000"})
    given = {"division_code": "code('division', 'history', x)"}
    [row] = candidates(con, **given)
    assert (row["division_code"], row["raw_values"]) == ("990000", None)
    assert broken_rules(con, "case_result", **given)["code:division_code"] == "soft"
    given = {"data_status": "code('data_status', 'zh', x)"}
    [row] = candidates(con, **given)
    assert (row["data_status"], row["raw_values"]) == ("990000", None)
    assert broken_rules(con, "case_result", **given)["code:data_status"] == "hard"


def test_a_marked_text_in_a_field_without_a_list_is_the_text(
    con: duckdb.DuckDBPyConnection,
) -> None:
    row = one(
        con,
        "紫",
        party_name=COLOUR,
        legal_basis=f"[{COLOUR}, 'unmapped:a']",
        fine_amount_cny="code('plate_color', 'zh', '9')",
        violation_facts="'unmapped:b' || txt(x)",
    )
    assert row["party_name"] == "紫"
    assert row["fine_amount_cny"] == 9
    assert row["violation_facts"] == "unmapped:b紫"
    load_raw(con, {"x": "紫"})
    sql = (
        f"WITH q AS (SELECT *, {COLOUR} AS first FROM raw), "
        "p AS (SELECT *, first AS second FROM q) "
        + mapping_sql("case_result", party_name="second", vehicle_plate_color="second").replace(
            "FROM raw", "FROM p"
        )
    )
    mapping = parse_mapping(con, sql, "m.sql", CASE)
    [row] = fetch(con, candidate_sql(con, mapping, CASE, ORIGIN))
    assert (row["party_name"], row["vehicle_plate_color"]) == ("紫", UNMAPPED)
    assert row["raw_values"] == ["vehicle_plate_color=紫"]
    assert code_calls(con, mapping) == (
        ("party_name", "plate_color", "zh"),
        ("vehicle_plate_color", "plate_color", "zh"),
    )


def test_which_schemes_a_mapping_reads(con: duckdb.DuckDBPyConnection) -> None:
    fields = {
        "vehicle_plate_color": f"coalesce({COLOUR}, code('plate_color', 'toll', y))",
        "penalty_category": "codes('penalty_category', 'zh', x, ',')",
        "division_code": "code_on('division', 'history', x, y)",
    }
    mapping = parse_mapping(con, mapping_sql("case_result", **fields), "m.sql", CASE)
    assert code_calls(con, mapping) == (
        ("vehicle_plate_color", "plate_color", "toll"),
        ("vehicle_plate_color", "plate_color", "zh"),
        ("penalty_category", "penalty_category", "zh"),
        ("division_code", "division", "history"),
    )


def test_a_wrong_default_is_an_error_of_the_configuration(con: duckdb.DuckDBPyConnection) -> None:
    load_raw(con, {"x": "1"})
    mapping = parse_mapping(con, mapping_sql("case_result"), "m.sql", CASE)
    origin = Origin("c", "n", "s", "330523", "9x", ORIGIN.received_time, "v")
    with pytest.raises(ConfigError) as caught:
        candidate_sql(con, mapping, CASE, origin)
    assert "business_domain" in caught.value.message.en


# laws


@settings(max_examples=3, deadline=None)
@given(st.lists(ANY_TEXT, min_size=60, max_size=90))
def test_whatever_a_code_column_holds_the_row_is_judged_and_its_text_kept(
    shared_con: duckdb.DuckDBPyConnection, texts: list[str]
) -> None:
    con = shared_con
    con.execute("CREATE OR REPLACE TABLE raw (x VARCHAR, _object INTEGER, _row BIGINT)")
    con.execute(
        "INSERT INTO raw SELECT x, 0, row_number() OVER () FROM (SELECT unnest($x) AS x)",
        {"x": texts},
    )
    con.execute(
        "CREATE OR REPLACE TABLE raw_reject (_object INTEGER, _row BIGINT, rule_id VARCHAR, "
        "detail VARCHAR, raw_text VARCHAR)"
    )
    con.execute("CREATE OR REPLACE TABLE objects (_object INTEGER, fetched_at TIMESTAMPTZ)")
    con.execute("INSERT INTO objects VALUES (0, '2026-11-21 23:00:00+00')")
    con.execute(
        "CREATE OR REPLACE TABLE known (record_id VARCHAR, content_hash VARCHAR, "
        "source_updated_time TIMESTAMPTZ, received_time TIMESTAMPTZ)"
    )
    fields = {
        "source_record_id": "'R' || _row",
        "vehicle_plate_color": COLOUR,
        "party_category": "x",
        "penalty_category": "[x, code('penalty_category', 'zh', x)]",
        "violation_facts": "txt(x)",
        "legal_basis": "[x]",
    }
    mapping = parse_mapping(con, mapping_sql("case_result", **fields), "m.sql", CASE)
    rules = generated_rules(CASE, projected=False)
    create_checked(con, candidate_sql(con, mapping, CASE, ORIGIN), rules)
    counts = settle(con)
    assert counts.received == len(texts) == counts.accepted + counts.quarantined
    rows = fetch(con, "SELECT c.*, x, txt(x) AS clean FROM checked c JOIN raw USING (_row)")
    for row in rows:
        wide = row["x"] if "\0" in row["x"] else unicodedata.normalize("NFC", row["x"])
        told = json.loads(row["_uncast"] or "{}")
        kept = row["raw_values"] or []
        if row["clean"] is not None:
            colour = row["vehicle_plate_color"]
            entry = f"vehicle_plate_color={row['clean']}"
            assert {
                None: told.get("vehicle_plate_color") == row["clean"],
                UNMAPPED: entry in kept,
            }.get(colour, colour in {r.code for r in canonical("plate_color")})
        if wide:
            entry = f"party_category={wide}"
            assert entry in kept or wide == row["party_category"] or told["party_category"] == wide
        assert row["violation_facts"] == row["clean"]
        assert row["legal_basis"] == [wide]


@settings(max_examples=200, deadline=None)
@given(ANY_TEXT)
def test_a_text_comes_out_in_normal_form_and_whole(
    shared_con: duckdb.DuckDBPyConnection, given: str
) -> None:
    [[plain, trimmed]] = shared_con.execute("SELECT nfc_text($x), txt($x)", {"x": given}).fetchall()
    normal = unicodedata.normalize("NFC", given)
    if "\0" in given:
        normal = given  # such a row goes into quarantine
    assert plain == normal
    edges = " \t\n\r\f\u00a0\u3000\ufeff"
    assert (trimmed or "") == normal.strip(edges)


def test_the_rules_count_each_row_with_a_code_that_is_none(con: duckdb.DuckDBPyConnection) -> None:
    load_raw(con, *({"x": x} for x in ("紫", "黄", None, "a" * 65, "\x01", "990000", "330523")))
    fields = {
        "source_record_id": "'R' || _row",
        "vehicle_plate_color": COLOUR,
        "division_code": "coalesce(x, '330523')",
        "penalty_category": "[x]",
        "data_status": "coalesce(x, 'valid')",
    }
    mapping = parse_mapping(con, mapping_sql("case_result", **fields), "m.sql", CASE)
    rules = generated_rules(CASE, projected=False)
    create_checked(con, candidate_sql(con, mapping, CASE, ORIGIN), rules)
    counts = rule_counts(con)
    found = {name: counts[f"code:{name}"] for name in fields if f"code:{name}" in counts}
    assert found == {
        "vehicle_plate_color": 3,
        "division_code": 5,
        "penalty_category": 4,
        "data_status": 6,
    }
    assert counts["type:code"] == 2
    assert counts["type:penalty_category"] == 2
