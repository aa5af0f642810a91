"""The contracts: of the standard, of one piece, and what comes out of them."""

from __future__ import annotations

from functools import cache

import duckdb
import pyarrow as pa
import pytest
from open_data_contract_standard.model import OpenDataContractStandard
from schemas_samples import value

from schemas.codes import all_codes, canonical, schemes
from schemas.contract import Contract, load_contract, parse_contract, record_types
from schemas.errors import ConfigError
from schemas.rulepack import load_rule_pack
from schemas.sql import ident, literal

CONTRACTS = [load_contract(t) for t in record_types()]
contracts = pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: c.record_type)


@cache
def model_of(yaml_text: str) -> OpenDataContractStandard:
    return OpenDataContractStandard.from_string(yaml_text)


def model(contract: Contract) -> OpenDataContractStandard:
    return model_of(contract.yaml_bytes.decode())


def test_there_is_a_contract_for_each_record_type_of_the_model() -> None:
    assert set(record_types()) == {row.code for row in canonical("record_type")}
    for contract in CONTRACTS:
        [row] = [r for r in canonical("record_type") if r.code == contract.record_type]
        assert contract.label.zh == row.label_zh


@contracts
def test_a_contract_is_of_the_standard_and_keeps_its_bytes(contract: Contract) -> None:
    table = (model(contract).schema_ or [])[0]
    assert [p.name for p in table.properties or ()] == list(contract.names())
    assert parse_contract(contract.yaml_bytes) == contract


@contracts
def test_every_field_is_described_for_both_readers(contract: Contract) -> None:
    for field in contract.fields:
        assert all(
            (field.label_zh, field.label_en, field.description, field.source, field.examples)
        )
        assert not field.label_zh.isascii()
        assert isinstance(field.arrow_type, pa.DataType)


@contracts
def test_every_rule_is_described_for_both_readers(contract: Contract) -> None:
    ids = [r.rule_id for r in contract.rules()]
    assert len(set(ids)) == len(ids) <= 180
    for rule in contract.rules():
        assert rule.fields
        assert rule.message.en
        assert not rule.message.zh.isascii()
        assert rule.hint.en
        assert not rule.hint.zh.isascii()


@contracts
@pytest.mark.parametrize("projected", [False, True])
def test_every_rule_runs_and_an_empty_row_breaks_only_presence(
    con: duckdb.DuckDBPyConnection, contract: Contract, projected: bool
) -> None:
    columns = ", ".join(f"{ident(f.name)} {f.duckdb_type}" for f in contract.fields)
    con.execute(f"CREATE TABLE row ({columns}, _uncast VARCHAR)")
    con.execute("INSERT INTO row (_uncast) VALUES (NULL)")
    rules = contract.rules(contract.names()) if projected else contract.rules()
    broken = [r for r in rules if value(con, f"({r.violation_sql}) FROM row")]
    assert [r.rule_id for r in broken if r.kind != "required" and "_missing" not in r.rule_id] == []
    assert {r.fields[0] for r in broken if r.kind == "required"} == {
        f.name for f in contract.fields if f.required and (projected or not f.filled_by_node)
    }


@contracts
def test_the_examples_have_their_type_and_break_no_rule_of_their_field(
    con: duckdb.DuckDBPyConnection, contract: Contract
) -> None:
    columns = []
    for field in contract.fields:
        example = field.examples[0]
        if field.duckdb_type.endswith("[]"):
            sql = f"CAST(string_split({literal(example)}, ' ') AS {field.duckdb_type})"
        else:
            sql = f"CAST({literal(example)} AS {field.duckdb_type})"
        columns.append(f"{sql} AS {ident(field.name)}")
    con.execute(f"CREATE TABLE row AS SELECT {', '.join(columns)}, NULL::VARCHAR AS _uncast")
    for rule in (*contract.rules(), *contract.rules(contract.names())):
        if len(rule.fields) == 1 or rule.rule_id.startswith(("text:", "length:")):
            assert value(con, f"({rule.violation_sql}) FROM row") is not True, rule.rule_id


@contracts
def test_the_arrow_schema_is_in_the_contracts_order(contract: Contract) -> None:
    assert tuple(contract.arrow_schema().names) == contract.names()
    backwards = list(reversed(contract.names()[:4]))
    assert tuple(contract.arrow_schema(backwards).names) == contract.names()[:4]


def test_a_projection_is_checked_by_the_rules_it_has_the_fields_for() -> None:
    contract = load_contract("case_result")
    names = {"record_id", "fine_amount_cny", "decision_date"}
    rules = contract.rules(names)
    assert all(names.issuperset(r.fields) for r in rules)
    assert {"required:record_id", "pattern:record_id", "range:fine_amount_cny"} <= {
        r.rule_id for r in rules
    }
    assert not [r for r in rules if "_uncast" in r.violation_sql]


def test_rules_that_gx_knows_carry_what_it_needs() -> None:
    rules = {r.rule_id: r for r in load_contract("case_result").rules()}
    assert "blue" in rules["code:vehicle_plate_color"].params["value_set"]
    assert rules["range:axle_count"].params == {"min": 1, "max": 99}
    assert rules["pattern:division_code"].params == {"regex": "^[0-9]{6}$"}
    assert rules["code:division_code"].severity == "soft"
    assert rules["code:vehicle_plate_color"].severity == "soft"


def test_an_unknown_code_is_refused_only_where_the_node_decides_by_it() -> None:
    rules = {r.rule_id: r for r in load_contract("case_result").rules()}
    assert rules["code:data_status"].severity == "hard"
    assert rules["code:division_code"].severity == "soft"
    assert rules["code:vehicle_plate_color"].severity == "soft"


def test_a_field_says_one_thing_of_its_code_list() -> None:
    text = load_contract("receipt").yaml_bytes.decode()
    coded, is_open, is_closed = (
        f"          - {{property: {mark}}}\n"
        for mark in (
            "codeList, value: receipt_grade",
            "codeListOpen, value: true",
            "codeListClosed, value: true",
        )
    )
    assert coded + is_closed in text
    opened = parse_contract(text.replace(coded + is_closed, coded + is_open).encode())
    assert opened.field("receipt_grade").code_mode == "open"
    for senseless in (coded + is_closed + is_open, is_closed, is_open):
        with pytest.raises(ConfigError):
            parse_contract(text.replace(coded + is_closed, senseless).encode())


def test_what_is_always_in_a_bundle_is_never_personal() -> None:
    for contract in CONTRACTS:
        technical = [f for f in contract.fields if f.technical]
        assert {"record_id", "content_hash", "data_status"} <= {f.name for f in technical}
        assert {f.classification for f in technical} <= {"public", "internal"}


SENSITIVE = {
    "party_id_no", "party_other_id_nos", "party_phone", "party_address", "driver_license_no",
    "legal_representative_id_no", "suspected_offence",
}  # fmt: skip
PERSONAL = {
    "party_name", "vehicle_plate_no", "driver_name", "officer_names", "raw_values", "case_name",
    "reporter_name", "contact_name", "contact_phone", "supervision_object_name",
}  # fmt: skip


def test_identity_numbers_phones_and_addresses_are_sensitive() -> None:
    for contract in CONTRACTS:
        for field in contract.fields:
            if field.name in SENSITIVE:
                assert field.classification == "sensitive", field.name
            if field.name in PERSONAL:
                assert field.classification == "personal", field.name


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(ConfigError) as caught:
        load_contract("case_results")
    assert caught.value.hint
    assert "case_result" in caught.value.hint.en
    with pytest.raises(ConfigError) as caught:
        load_contract("lead").field("vehicle_plate")
    assert caught.value.hint
    assert "vehicle_plate" in caught.value.hint.zh


GOOD = load_contract("receipt").yaml_bytes.decode()


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"\xff\xfe",
        b"a: [",
        b"a: &x [1]\nb: *x\n",
        b"- 1",
        b"x" * 1_000_001,
        GOOD.replace("VARCHAR", "HUGEINT", 1).encode(),
        GOOD.replace("name: record_id", 'name: "x; DROP TABLE y"', 1).encode(),
        GOOD.replace("name: record_type\n", "name: record_id\n", 1).encode(),
        GOOD.replace("codeList, value: data_status", "codeList, value: no_such_list").encode(),
        GOOD.replace("classification: internal", "classification: secret", 1).encode(),
        GOOD.replace("rulePack, value: cn", "rulePack, value: ../cn").encode(),
        GOOD.replace("SELECT COUNT(*)", "DELETE", 1).encode(),
        GOOD.replace("apiVersion:", "apiversion:", 1).encode(),
        GOOD.replace("id: receipt_in_future", "id: updated_in_future", 1).encode(),
    ],
)
def test_a_contract_that_cannot_be_used_is_refused(broken: bytes) -> None:
    with pytest.raises(ConfigError):
        parse_contract(broken)


def test_codes_are_canonical_dated_and_reached_by_their_schemes() -> None:
    for name, rows in all_codes().items():
        codes = [r.code for r in canonical(name)]
        assert len(set(codes)) == len(codes)
        assert {r.code for r in rows} <= set(codes), name
        keys = [(r.scheme, r.raw, r.valid_from) for r in rows]
        assert len(set(keys)) == len(keys), name
        assert all(r.source for r in rows)
        assert all(r.valid_from < r.valid_to for r in rows if r.valid_from and r.valid_to)
    assert schemes("plate_color") == {"canonical", "zh", "toll", "jt697", "operator", "parking"}


def test_the_divisions_keep_their_history() -> None:
    divisions = {(r.scheme, r.raw): r for r in all_codes()["division"]}
    assert divisions["history", "330184"].code == "330110"
    assert divisions["history", "330155"].code == "330114"
    assert divisions["canonical", "330184"].valid_to
    for code in ("330523", "341882", "341881", "310101", "320500", "341800"):
        assert divisions["canonical", code].code == code


def test_legal_numbers_are_dated_and_sourced() -> None:
    pack = load_rule_pack("cn")
    assert all(p.article for p in pack.parameters)
    with pytest.raises(ConfigError):
        pack.sql("no_such_number", "decision_date")
    with pytest.raises(ConfigError):
        load_rule_pack("no-such-pack")


@pytest.mark.parametrize(("day", "limit"), [("2021-07-14", None), ("2021-07-15", 200)])
def test_a_legal_number_holds_from_its_day(
    con: duckdb.DuckDBPyConnection, day: str, limit: int | None
) -> None:
    sql = load_rule_pack("cn").sql("summary_fine_limit_person_cny", f"DATE '{day}'")
    assert value(con, sql) == limit
