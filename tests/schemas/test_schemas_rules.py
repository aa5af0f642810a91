"""Every declared rule has a row that breaks it, and the row beside it that does not."""

from __future__ import annotations

import duckdb
import pytest
from schemas_cases import CASES, PENALTY, Row
from schemas_cases_procedure import CRIMINAL, PROCEDURE_CASES
from schemas_samples import ORIGIN, REQUIRED, broken_rules, fetch, load_raw

from schemas.contract import load_contract
from schemas.sql import connect, ident

Verdict = dict[str, str]
ALL_CASES = CASES | PROCEDURE_CASES
PAIRS = [(t, rule) for t, rules in ALL_CASES.items() for rule in rules]


@pytest.fixture(scope="module")
def verdicts() -> dict[tuple[str, str], tuple[Verdict, Verdict]]:
    """For each declared rule: the rules that its good and its bad row break, with severity."""
    found: dict[tuple[str, str], tuple[Verdict, Verdict]] = {}
    for record_type, cases in ALL_CASES.items():
        rows = [row for pair in cases.values() for row in pair]
        judged = judge(record_type, rows)
        for number, rule in enumerate(cases):
            found[record_type, rule] = (judged[2 * number], judged[2 * number + 1])
    return found


def judge(record_type: str, rows: list[Row]) -> list[Verdict]:
    """The declared rules that typed rows break, in one query."""
    contract = load_contract(record_type)
    columns = ", ".join(f"{ident(f.name)} {f.duckdb_type}" for f in contract.fields)
    received = f"TIMESTAMPTZ '{ORIGIN.received_time.isoformat()}'"
    con = connect(threads=1)
    con.execute(f"CREATE TABLE row (_n INTEGER, {columns})")
    for number, row in enumerate(rows):
        fields = REQUIRED[record_type] | {"received_time": received} | row
        names, values = ", ".join(fields), ", ".join(fields.values())
        con.execute(f"INSERT INTO row (_n, {names}) SELECT {number}, {values}")
    marks = ", ".join(f"{r.violation_sql} AS {ident(r.rule_id)}" for r in contract.declared)
    judged = fetch(con, f"SELECT {marks} FROM row ORDER BY _n")
    con.close()
    return [{r.rule_id: r.severity for r in contract.declared if j[r.rule_id]} for j in judged]


def test_every_declared_rule_has_its_pair_of_rows() -> None:
    for record_type, cases in ALL_CASES.items():
        declared = {r.rule_id.split(".")[1] for r in load_contract(record_type).declared}
        assert declared == set(cases)


@pytest.mark.parametrize(("record_type", "rule"), PAIRS)
def test_the_rule_tells_the_two_rows_apart(
    verdicts: dict[tuple[str, str], tuple[Verdict, Verdict]], record_type: str, rule: str
) -> None:
    rule_id = f"{record_type}.{rule}"
    severity = next(r.severity for r in load_contract(record_type).declared if r.rule_id == rule_id)
    good, bad = verdicts[record_type, rule]
    assert rule_id not in good
    assert bad.get(rule_id) == severity


@pytest.mark.parametrize(
    ("field", "sql", "rule"),
    [
        ("fine_amount_cny", "'-1'", "range:fine_amount_cny"),
        ("fine_amount_cny", "'1e308'", "type:fine_amount_cny"),
        ("decision_date", "'2026-02-30'", "type:decision_date"),
        ("decision_type", "repeat('罚', 65)", "type:code"),
        ("party_category", "'a' || chr(0)", "type:code"),
        ("penalty_category", "['fine', repeat('罚', 65)]", "type:penalty_category"),
        ("division_code", "'3305'", "pattern:division_code"),
        ("data_status", "'有效'", "code:data_status"),
        ("case_no", "NULL", "required:case_no"),
        ("case_no", "''", "required:case_no"),
        ("source_record_id", "NULL", "required:source_record_id"),
        ("party_name", "'a' || chr(0)", "text:control"),
        ("axle_count", "'0'", "range:axle_count"),
    ],
)
def test_generated_rules_put_a_row_into_quarantine(
    shared_con: duckdb.DuckDBPyConnection, field: str, sql: str, rule: str
) -> None:
    load_raw(shared_con, {"x": "1"})
    assert broken_rules(shared_con, "case_result", **{field: sql})[rule] == "hard"


@pytest.mark.parametrize(
    ("field", "sql"),
    [("decision_type", "'罚款'"), ("penalty_category", "['fine', '罚']")],
)
def test_an_unknown_code_is_only_flagged(
    shared_con: duckdb.DuckDBPyConnection, field: str, sql: str
) -> None:
    load_raw(shared_con, {"x": "1"})
    found = broken_rules(shared_con, "case_result", **{field: sql})
    assert found[f"code:{field}"] == "soft"
    assert set(found.values()) == {"soft"}


def test_a_long_text_and_an_unknown_division_are_only_flagged(
    shared_con: duckdb.DuckDBPyConnection,
) -> None:
    load_raw(shared_con, {"x": "1"})
    found = broken_rules(
        shared_con,
        "case_result",
        **PENALTY | {"party_name": "repeat('示', 201)", "division_code": "'999999'"},
    )
    assert found == {"length:text": "soft", "code:division_code": "soft"}
    found = broken_rules(shared_con, "case_result", **PENALTY | {"party_name": "repeat('示', 200)"})
    assert found == {}


@pytest.mark.parametrize("record_type", REQUIRED)
def test_what_a_record_type_requires_is_enough(
    shared_con: duckdb.DuckDBPyConnection, record_type: str
) -> None:
    """Through a mapping: no field beyond the required ones is needed to be taken in."""
    load_raw(shared_con, {"x": "1"})
    found = broken_rules(shared_con, record_type)
    assert [rule for rule, severity in found.items() if severity == "hard"] == []


def test_missing_materials_of_a_suspected_crime_are_told_in_each_form(
    shared_con: duckdb.DuckDBPyConnection,
) -> None:
    load_raw(shared_con, {"x": "1"})
    rule = "transfer.criminal_materials_missing"
    crime = CRIMINAL | {"material_states": "['present', 'present', 'not_applicable', '', '']"}
    assert rule not in broken_rules(shared_con, "transfer", **crime)
    for other in (
        {"material_kinds": "NULL", "material_states": "NULL"},
        {"material_kinds": "[]", "material_states": "[]"},
        {"material_states": "['present', 'present', 'missing', '', '']"},
    ):
        assert broken_rules(shared_con, "transfer", **crime | other)[rule] == "soft"
    refused = {"material_kinds": "NULL", "approval_result": "'refused'"}
    assert rule not in broken_rules(shared_con, "transfer", **CRIMINAL | refused)


def test_a_penalty_on_the_spot_may_be_registered_after_its_decision() -> None:
    """The officer decides first and files the copy afterwards (行政处罚法 art. 52)."""
    late = PENALTY | {"filing_time": "'2026-10-12 09:00:00+08:00'"}
    ordinary, unsaid, on_the_spot = judge(
        "case_result",
        [late, late | {"procedure_type": "NULL"}, late | {"procedure_type": "'summary'"}],
    )
    assert "case_result.decision_before_filing" in ordinary.keys() & unsaid.keys()
    assert "case_result.decision_before_filing" not in on_the_spot
