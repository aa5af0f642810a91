"""Mappings: what is refused, and what becomes of values."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from schemas_samples import ORIGIN, candidates, fetch, load_raw, mapping_sql, text, value

from schemas.contract import load_contract
from schemas.errors import ConfigError
from schemas.mapping import Origin, candidate_sql, mapping_error, parse_mapping, unused_columns
from schemas.sql import seal

CASE = load_contract("case_result")


def refused(con: duckdb.DuckDBPyConnection, sql: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        parse_mapping(con, sql, "sources/a/b/mapping.sql", CASE)
    assert caught.value.where
    assert caught.value.where.file == "sources/a/b/mapping.sql"
    assert not caught.value.message.zh.isascii()
    return caught.value


@pytest.mark.parametrize(
    ("clause", "word"),
    [
        ("WHERE a = '1'", "WHERE"),
        ("LIMIT 5", "LIMIT"),
        ("GROUP BY ALL", "GROUP BY"),
        ("QUALIFY row_number() OVER () = 1", "QUALIFY"),
        ("USING SAMPLE 3", "SAMPLE"),
    ],
)
def test_rows_may_not_be_lost(con: duckdb.DuckDBPyConnection, clause: str, word: str) -> None:
    assert word in refused(con, f"{mapping_sql('case_result')} {clause}").message.en


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("", "SELECT"),
        ("SELEC 1", "SELECT"),
        ("DELETE FROM raw", "SELECT"),
        ("COPY raw TO 'x.csv'", "SELECT"),
        ("SELECT 1 AS case_no FROM raw; SELECT 2", "one statement"),
        ("SELECT a AS case_no FROM raw UNION ALL SELECT b FROM raw", "UNION"),
        ("SELECT DISTINCT a AS case_no FROM raw", "DISTINCT"),
        ("SELECT * FROM raw", "no field name"),
        ("SELECT upper(a) FROM raw", "no field name"),
        ("SELECT max(a) AS case_no FROM raw", "max"),
        ("SELECT unnest([a, b]) AS case_no FROM raw", "unnest"),
        ("SELECT a AS case_no FROM 'other.csv'", "raw and nothing else"),
        ("SELECT a AS case_no FROM read_csv('other.csv')", "read_csv"),
        ("SELECT a AS case_no FROM 'other.parquet'", "reads raw and nothing else"),
        ("WITH t AS (SELECT 1) SELECT a AS case_no FROM raw, main.t", "reads raw and nothing else"),
        (
            'SELECT (WITH "o.parquet" AS (SELECT 1 AS x) SELECT x FROM "o.parquet") '
            '|| (SELECT min(y) FROM "o.parquet") AS case_no FROM raw',
            "reads raw and nothing else",
        ),
        ("SELECT CAST(a AS DATE) AS decision_date FROM raw", "CAST to DATE"),
        ("SELECT now() AS occurred_time FROM raw", "now"),
        ("SELECT current_date AS decision_date FROM raw", "current_date"),
        ("SELECT a AS case_no, b AS case_no FROM raw", "twice"),
        ("SELECT a AS record_id FROM raw", "filled by the node"),
        ("WITH q AS (SELECT * FROM raw WHERE a = '1') SELECT a AS case_no FROM q", "WHERE"),
        ("SELECT code('plate_colour', 'zh', a) AS vehicle_plate_color FROM raw", "plate_colour"),
        ("SELECT code('plate_color', 'jt796', a) AS vehicle_plate_color FROM raw", "jt796"),
        ("SELECT code('plate_color', b, a) AS vehicle_plate_color FROM raw", "literal"),
    ],
)
def test_what_a_mapping_may_not_be(con: duckdb.DuckDBPyConnection, sql: str, says: str) -> None:
    assert says in refused(con, sql).message.en


def test_a_misspelt_field_is_answered_with_the_nearest(con: duckdb.DuckDBPyConnection) -> None:
    error = refused(con, mapping_sql("case_result", fine_amount="a"))
    assert "fine_amount" in error.message.en
    assert error.hint
    assert "fine_amount_cny" in error.hint.en


def test_missing_fields_are_named_with_their_chinese_labels(con: duckdb.DuckDBPyConnection) -> None:
    error = refused(con, "SELECT a AS source_record_id, b AS case_no FROM raw")
    assert "decision_type (决定类型), violation_type (违法行为类型)" in error.message.en
    assert "case_no" not in error.message.en


def test_a_column_that_is_not_there_is_an_error_of_the_file(con: duckdb.DuckDBPyConnection) -> None:
    load_raw(con, {"案号": "1"})
    mapping = parse_mapping(con, mapping_sql("case_result", case_no='"案名"'), "m.sql", CASE)
    with pytest.raises(ConfigError) as caught:
        candidate_sql(con, mapping, CASE, ORIGIN)
    assert "案名" in caught.value.message.en
    assert str(caught.value).startswith("m.sql: ")


def test_columns_that_nothing_uses_are_listed(con: duckdb.DuckDBPyConnection) -> None:
    load_raw(con, {"A": "1", "b": "2", "c": "3", "新增": "4"})
    mapping = parse_mapping(
        con,
        mapping_sql("case_result", case_no="r.a", party_name="upper(b)").replace("raw", "raw r"),
        "m.sql",
        CASE,
    )
    assert unused_columns(con, mapping) == ("c", "新增")
    whole = parse_mapping(
        con, mapping_sql("case_result", violation_facts="CAST(to_json(raw) AS VARCHAR)"), "m", CASE
    )
    assert unused_columns(con, whole) == ()


def test_a_with_clause_and_a_look_up_keep_the_rows(con: duckdb.DuckDBPyConnection) -> None:
    load_raw(con, {"a": "1"}, {"a": "2"})
    sql = (
        "WITH kinds AS (SELECT * FROM (VALUES ('1', '超限')) v(k, n)), q AS (SELECT * FROM raw) "
        + mapping_sql("case_result", violation_type="coalesce(n, '其他')").replace(
            "FROM raw", "FROM q LEFT JOIN kinds ON k = a"
        )
    )
    mapping = parse_mapping(con, sql, "m.sql", CASE)
    rows = fetch(con, candidate_sql(con, mapping, CASE, ORIGIN))
    assert {(r["_row"], r["violation_type"]) for r in rows} == {(1, "超限"), (2, "其他")}


@pytest.mark.parametrize(
    ("field", "given", "gives"),
    [
        ("fine_amount_cny", "1500", Decimal("1500.00")),
        ("fine_amount_cny", "1500.50000", Decimal("1500.50")),
        ("fine_amount_cny", "-1", Decimal("-1.00")),
        ("fine_amount_cny", "1500.005", None),
        ("fine_amount_cny", "1e308", None),
        ("fine_amount_cny", "1e3", None),
        ("fine_amount_cny", "NaN", None),
        ("fine_amount_cny", "一千五", None),
        ("axle_count", "6", 6),
        ("axle_count", "6.0", 6),
        ("axle_count", "6.5", None),
        ("axle_count", "99999999999999999999", None),
        ("decision_date", "2026-10-08", date(2026, 10, 8)),
        ("decision_date", "2026-02-30", None),
        ("decision_date", "infinity", None),
        ("decision_date", "0044-03-15 (BC)", None),
        ("decision_date", "99999-01-01", None),
        ("filing_time", "2026-10-08 09:30:00+08:00", datetime(2026, 10, 8, 1, 30, tzinfo=UTC)),
        ("filing_time", "2026-10-08T01:30:00Z", datetime(2026, 10, 8, 1, 30, tzinfo=UTC)),
        ("filing_time", "2026-10-08 09:30:00", None),
        ("filing_time", "2026-10-08", None),
        ("filing_time", "infinity", None),
        ("hearing_flag", "true", True),
        ("hearing_flag", "也许", None),
    ],
)
def test_a_value_gets_its_type_or_keeps_its_raw_text(
    con: duckdb.DuckDBPyConnection, field: str, given: str, gives: Any
) -> None:
    load_raw(con, {"x": given})
    [row] = candidates(con, **{field: "x"})
    assert row[field] == gives
    if gives is None:
        assert value(con, f"json_extract_string({text(row['_uncast'])}, '$.{field}')") == given
    else:
        assert row["_uncast"] is None


def test_an_empty_text_is_no_value(con: duckdb.DuckDBPyConnection) -> None:
    load_raw(con, {"x": ""})
    [row] = candidates(con, fine_amount_cny="x", decision_date="x", party_name="x", case_no="x")
    assert [row[n] for n in ("fine_amount_cny", "decision_date", "party_name")] == [None] * 3
    assert row["_uncast"] is None


def test_control_characters_are_told_by_field(con: duckdb.DuckDBPyConnection) -> None:
    load_raw(con, {"x": "a\x00b"}, {"x": 'two\nlines\t"and\\quotes"'}, {"x": "\x1f"})
    rows = candidates(con, party_name="x", legal_basis="[x]")
    assert [r["_uncast"] is not None for r in rows] == [True, False, True]
    assert value(con, f"json_keys({text(rows[0]['_uncast'])})") == ["party_name", "legal_basis"]


def test_what_is_typed_already_is_taken_as_it_is(con: duckdb.DuckDBPyConnection) -> None:
    load_raw(con, {"x": "1"})
    [row] = candidates(
        con,
        fine_amount_cny="CAST(12.5 AS DECIMAL(8, 2))",
        decision_date="DATE '2026-10-08'",
        axle_count="6::INTEGER",
        hearing_flag="x = '1'",
        filing_time="TIMESTAMPTZ '2026-10-08 01:30:00+00'",
        penalty_category="['fine', 'warning']",
        legal_basis="NULL",
        closed_date="DATE 'infinity'",
    )
    assert row["fine_amount_cny"] == Decimal("12.50")
    assert (row["decision_date"], row["axle_count"]) == (date(2026, 10, 8), 6)
    assert row["hearing_flag"] is True
    assert row["penalty_category"] == ["fine", "warning"]
    assert row["legal_basis"] is None
    assert row["closed_date"] is None
    assert value(con, f"json_keys({text(row['_uncast'])})") == ["closed_date"]


@pytest.mark.parametrize(
    ("field", "sql", "says"),
    [
        ("penalty_category", "x", "split_list"),
        ("party_name", "[x]", "one value"),
        ("party_name", "'{\"a\": 1}'::JSON -> 'a'", "->>"),
        ("filing_time", "TIMESTAMP '2026-10-08 09:30:00'", "ts_cn"),
        ("filing_time", "DATE '2026-10-08'", "ts_cn"),
    ],
)
def test_a_type_that_can_never_fit_is_refused(
    con: duckdb.DuckDBPyConnection, field: str, sql: str, says: str
) -> None:
    load_raw(con, {"x": "1"})
    with pytest.raises(ConfigError) as caught:
        candidates(con, **{field: sql})
    assert field in caught.value.message.en
    assert caught.value.hint
    assert says in caught.value.hint.en


def test_the_node_fills_the_envelope(con: duckdb.DuckDBPyConnection) -> None:
    load_raw(con, {"x": "1"})
    [row] = candidates(con)
    expected = {
        "record_type": "case_result",
        "schema_version": load_contract("case_result").version,
        "source_org_code": ORIGIN.org_code,
        "source_org_name": ORIGIN.org_name,
        "source_system": "case-system",
        "division_code": "330523",
        "business_domain": "01",
        "data_status": "valid",
        "sharing_attribute": "conditional",
        "rule_pack_version": "cn-2026.11",
        "record_version": 0,
        "received_time": ORIGIN.received_time,
        "source_updated_time": datetime(2026, 11, 21, 23, tzinfo=UTC),
        "sensitivity_class": "personal",
        "_has_clock": False,
        "_object": 0,
        "_row": 1,
    }
    assert {name: row[name] for name in expected} == expected
    assert list(row)[: len(CASE.fields)] == list(CASE.names())
    assert list(row)[len(CASE.fields) :] == ["_object", "_row", "_uncast", "_has_clock"]


def test_a_mapping_may_give_what_has_a_default(con: duckdb.DuckDBPyConnection) -> None:
    load_raw(con, {"x": "revoked"})
    [row] = candidates(con, data_status="x", business_domain="'02'", party_id_no="'1'")
    assert (row["data_status"], row["business_domain"]) == ("revoked", "02")
    assert row["sensitivity_class"] == "sensitive"


def test_somebody_must_give_the_business_domain(con: duckdb.DuckDBPyConnection) -> None:
    load_raw(con, {"x": "1"})
    mapping = parse_mapping(con, mapping_sql("case_result"), "m.sql", CASE)
    nobody = Origin("c", "n", "s", "330523", None, ORIGIN.received_time, "v")
    with pytest.raises(ConfigError) as caught:
        candidate_sql(con, mapping, CASE, nobody)
    assert "business_domain" in caught.value.message.en


def test_the_same_row_gives_the_same_record_in_another_run(con: duckdb.DuckDBPyConnection) -> None:
    load_raw(con, {"x": "1"}, {"x": "2"})
    first = candidates(con, source_record_id="x", party_name="x")
    load_raw(con, {"x": "2"}, {"x": "1"})
    second = candidates(con, source_record_id="x", party_name="x")
    assert {(r["record_id"], r["content_hash"]) for r in first} == {
        (r["record_id"], r["content_hash"]) for r in second
    }
    assert first[0]["record_id"] != first[1]["record_id"]


def test_a_failing_expression_is_reported_without_the_value(con: duckdb.DuckDBPyConnection) -> None:
    load_raw(con, {"x": "示例甲"})
    given = mapping_sql("case_result", axle_count="CASE WHEN x = 1 THEN 2 END")
    mapping = parse_mapping(con, given, "m.sql", CASE)
    with pytest.raises(duckdb.Error) as caught:
        fetch(con, candidate_sql(con, mapping, CASE, ORIGIN))
    error = mapping_error(caught.value, mapping.path)
    assert "示例甲" in str(caught.value)
    assert "示例甲" not in str(error.as_dict())
    assert error.hint


def test_a_mapping_of_literals_alone_is_a_mapping(con: duckdb.DuckDBPyConnection) -> None:
    load_raw(con, {"x": "1"}, {"x": "2"})
    rows = candidates(con, party_name="'quote \" and \\ both'", party_id_no="'1'")
    assert len(rows) == 2
    assert rows[0]["content_hash"] == rows[1]["content_hash"]
    assert rows[0]["sensitivity_class"] == "sensitive"
    [written, *_] = candidates(
        con, party_name="concat('quote \" and ', '\\ both')", party_id_no="concat('1')"
    )
    assert written["content_hash"] == rows[0]["content_hash"]


def test_the_mapping_runs_on_a_sealed_connection(con: duckdb.DuckDBPyConnection) -> None:
    load_raw(con, {"x": "黄"})
    seal(con)
    [row] = candidates(con, vehicle_plate_color="code('plate_color', 'zh', x)")
    assert row["vehicle_plate_color"] == "yellow"
