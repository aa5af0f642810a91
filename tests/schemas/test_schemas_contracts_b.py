"""Licences, first-offence checks, accumulation and hotline work orders: fields and rules."""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files

import pytest
from schemas_homes import HOMES
from schemas_samples import CREDIT_CODE, ID_NO, ORIGIN, fetch

from schemas.codes import all_codes, canonical
from schemas.contract import Contract, Field, load_contract
from schemas.dictionary.entries import block_rules_of
from schemas.sql import connect, ident

Row = dict[str, str]
WRONG_CODE, WRONG_ID = f"'{CREDIT_CODE[:-1]}7'", f"'{ID_NO[:-1]}7'"
RECORD, OTHER = f"'{'0a' * 16}'", f"'{'1b' * 16}'"
ORG = "'11999900MB0000000G'"
AS_OF = "'2026-10-08T09:30:00+08:00'"
LATE = "'2026-11-24 09:30:00+08:00'"

REQUIRED: dict[str, Row] = {
    "licence": {"licence_type": "'road_transport_vehicle'", "licence_no": "'示运000'"},
    "exemption_check": {
        "check_no": "'C-1'",
        "check_time": "'2026-10-08 10:00:00+08:00'",
        "subject_kind": "'vehicle'",
        "subject_token": f"'hs256:{'0a' * 32}'",
        "window_end_date": "'2026-10-07'",
        "exemption_result": "'no_record_in_answered_sources'",
        "answered_org_codes": f"[{ORG}]",
        "answered_as_of_times": f"[{AS_OF}]",
    },
    "accumulation_snapshot": {
        "snapshot_no": "'S-1'",
        "snapshot_time": "'2026-10-08 10:00:00+08:00'",
        "subject_kind": "'vehicle'",
        "subject_token": f"'hs256:{'0a' * 32}'",
        "window_start_date": "'2025-10-09'",
        "window_end_date": "'2026-10-08'",
        "base_date_kind": "'violation_date'",
        "accumulation_result": "'not_exceeded_in_answered_sources'",
        "answered_org_codes": f"[{ORG}]",
        "answered_as_of_times": f"[{AS_OF}]",
    },
    "work_order": {
        "work_order_no": "'W-1'",
        "hotline": "'12328'",
        "hotline_business_type": "'complaint_report'",
        "accept_time": "'2026-10-08 09:30:00+08:00'",
    },
}
NO_ANSWER = {"answered_org_codes": "NULL", "answered_as_of_times": "NULL"}


def looked_through(result: str, time: str) -> dict[str, tuple[Row, Row]]:
    """Rules that the check and the snapshot share."""
    return {
        "window_ends_before_start": (
            {"window_start_date": "'2026-10-07'", "window_end_date": "'2026-10-07'"},
            {"window_start_date": "'2026-10-08'", "window_end_date": "'2026-10-07'"},
        ),
        "window_after_its_making": (
            {"window_end_date": "'2026-10-09'"},
            {"window_end_date": "'2026-10-10'"},
        ),
        "made_in_future": ({}, {time: LATE}),
        "hit_lists_differ": (
            {"hit_record_ids": f"[{RECORD}]", "hit_source_org_codes": f"[{ORG}]"},
            {"hit_record_ids": f"[{RECORD}, {OTHER}]", "hit_source_org_codes": f"[{ORG}]"},
        ),
        "hit_record_id_form": (
            {"hit_record_ids": f"[{RECORD}]"},
            {"hit_record_ids": f"[{RECORD}, '示交罚〔2026〕000001号']"},
        ),
        "coverage_lists_differ": ({}, {"answered_as_of_times": "NULL"}),
        "as_of_time_form": (
            {"answered_as_of_times": "['2026-10-08T01:30:00.5Z']"},
            {"answered_as_of_times": "['2026-10-08 09:30:00']"},
        ),
        "answered_and_unanswered": (
            {"unanswered_org_codes": "['11999900MA000000XH']"},
            {"unanswered_org_codes": f"[{ORG}]"},
        ),
        "result_without_answer": (NO_ANSWER | {result: "'no_source_answered'"}, NO_ANSWER),
        "answer_without_result": ({}, {result: "'no_source_answered'"}),
        "query_purpose_missing": ({"query_purpose": "'办案'"}, {}),
        "applied_article_missing": ({"applied_article": "'第六十六条'"}, {}),
        "about_record_incomplete": (
            {"about_record_id": RECORD, "about_source_org_code": ORG},
            {"about_record_id": RECORD},
        ),
        "case_cause_scope_missing": ({"case_cause_scope": "['超限']"}, {"case_cause_scope": "[]"}),
    }


FOUR = {"threshold_count": "3", "count_by_violation_date": "4", "count_by_decision_date": "3"}
EXCEEDED = {"accumulation_result": "'exceeded'"}
FLEET = {
    "subject_kind": "'transport_enterprise'",
    "threshold_ratio": "0.1",
    "overloaded_vehicle_count": "4",
    "fleet_vehicle_count": "40",
    "overloaded_vehicle_ratio": "0.1",
}

ONE_HIT = {"hit_record_ids": f"[{RECORD}]", "hit_source_org_codes": f"[{ORG}]"}
NOT_COUNTED = {
    "not_counted_record_ids": f"[{RECORD}]",
    "not_counted_source_org_codes": f"[{ORG}]",
    "not_counted_reasons": "['revoked']",
}

CASES: dict[str, dict[str, tuple[Row, Row]]] = {
    "licence": {
        "driver_license_no_check_digit": (
            {"driver_license_no": "'境外000'"},
            {"driver_license_no": WRONG_ID},
        ),
        "holder_missing": ({"vin": "'LZZZZZZZ000000000'"}, {}),
        "vehicle_missing": (
            {"vehicle_plate_no": "'皖P00000'"},
            {"licence_type": "'ride_hailing_vehicle'"},
        ),
        "certificate_numbers_differ": (
            {"transport_certificate_no": "'示运000'"},
            {"transport_certificate_no": "'000'"},
        ),
        "person_licence_of_organisation": (
            {"licence_type": "'ride_hailing_driver'", "party_category": "'natural_person'"},
            {"licence_type": "'ride_hailing_driver'", "party_id_type": "'uscc'"},
        ),
        "qualification_category_missing": (
            {
                "licence_type": "'driver_qualification'",
                "qualification_categories": "['freight_driver']",
            },
            {"licence_type": "'driver_qualification'", "qualification_categories": "[]"},
        ),
        "valid_to_before_valid_from": (
            {"valid_from": "'2026-03-01'", "valid_to": "'2026-03-01'"},
            {"valid_from": "'2026-03-01'", "valid_to": "'2026-02-28'"},
        ),
        "issued_before_first_issue": (
            {"first_issue_date": "'2026-03-01'", "issue_date": "'2026-03-01'"},
            {"first_issue_date": "'2026-03-01'", "issue_date": "'2026-02-28'"},
        ),
        "issued_in_future": ({"issue_date": "'2026-11-23'"}, {"first_issue_date": "'2026-11-24'"}),
        "status_in_future": ({"status_time": "'2026-11-22 09:00:00+08:00'"}, {"status_time": LATE}),
        "status_time_missing": (
            {"licence_status": "'valid'"},
            {"licence_status": "'rescinded'"},
        ),
        "valid_after_its_end": (
            {"licence_status": "'valid'", "valid_to": "'2026-11-22'"},
            {"licence_status": "'valid'", "valid_to": "'2026-11-21'"},
        ),
        "expired_before_its_end": (
            {"licence_status": "'expired'", "valid_to": "'2026-11-21'"},
            {"licence_status": "'expired'", "valid_to": "'2026-11-22'"},
        ),
        "issue_org_missing": ({"issue_org_name": "'示例县交通运输局'"}, {}),
        "issue_org_uscc_check_digit": (
            {"issue_org_uscc": f"'{CREDIT_CODE}'"},
            {"issue_org_uscc": WRONG_CODE},
        ),
    },
    "exemption_check": {
        **looked_through("exemption_result", "check_time"),
        "no_record_but_hits": ({"hit_count": "0"}, {"hit_record_ids": f"[{RECORD}]"}),
        "record_but_no_hits": (
            {"exemption_result": "'record_in_answered_sources'", "hit_count": "1"},
            {"exemption_result": "'record_in_answered_sources'", "hit_count": "0"},
        ),
        "hit_count_differs": (
            {"hit_count": "1", "hit_record_ids": f"[{RECORD}]"},
            {"hit_count": "2", "hit_record_ids": f"[{RECORD}]"},
        ),
    },
    "accumulation_snapshot": {
        **looked_through("accumulation_result", "snapshot_time"),
        "counts_missing": (
            {"count_by_violation_date": "0"},
            {"base_date_kind": "'decision_date'", "count_by_violation_date": "0"},
        ),
        "threshold_missing": (
            FLEET,
            FLEET | {"threshold_ratio": "NULL", "threshold_count": "3"},
        ),
        "ratio_missing": (FLEET, FLEET | {"fleet_vehicle_count": "NULL"}),
        # "more than 3" is the fourth; 3 by the date of decision do not exceed.
        "count_result_contradicts": (FOUR | EXCEEDED, FOUR),
        # exactly 10 % does not exceed 10 %
        "ratio_result_contradicts": (FLEET, FLEET | EXCEEDED),
        "ratio_differs": (FLEET, FLEET | {"overloaded_vehicle_ratio": "10"}),
        "hit_nos_differ": (
            ONE_HIT | {"hit_nos": "['甲']"},
            ONE_HIT | {"hit_nos": "[]"},
        ),
        "not_counted_lists_differ": (
            NOT_COUNTED,
            NOT_COUNTED | {"not_counted_reasons": "[]"},
        ),
        "more_vehicles_than_fleet": (FLEET, FLEET | {"fleet_vehicle_count": "3"}),
        "hit_count_differs": (
            FOUR | {"hit_record_ids": f"[{RECORD}, {OTHER}, {RECORD}, {OTHER}]"},
            FOUR | {"hit_record_ids": f"[{RECORD}]"},
        ),
    },
    "work_order": {
        "content_gives_number": (
            {"content": "'路段K35，2026年10月8日21时，货车超限，工单20261008000123456789'"},
            {"content": "'请回电13800000000'"},
        ),
        "accepted_in_future": ({}, {"accept_time": LATE}),
        "finished_before_acceptance": (
            {"finish_time": "'2026-10-08 09:30:00+08:00'"},
            {"finish_time": "'2026-10-08 09:29:59+08:00'"},
        ),
        "finished_in_future": (
            {"finish_time": "'2026-10-13 09:30:00+08:00'"},
            {"finish_time": LATE},
        ),
        "due_before_acceptance": (
            {"due_time": "'2026-10-15 18:00:00+08:00'"},
            {"due_time": "'2026-10-07 18:00:00+08:00'"},
        ),
        "result_missing": (
            {"finish_time": "'2026-10-13 09:30:00+08:00'", "handling_result": "'已核查'"},
            {"finish_time": "'2026-10-13 09:30:00+08:00'"},
        ),
        "rated_before_finish": (
            {"satisfaction": "'not_rated'"},
            {"satisfaction": "'satisfied'"},
        ),
        "respondent_missing": ({"hotline_business_type": "'consultation'"}, {}),
        "content_missing": ({"content": "'货车超限'"}, {}),
        "handling_org_missing": ({"handling_org_name": "'示例大队'"}, {}),
        "handling_org_check_digit": (
            {"handling_org": f"'{CREDIT_CODE}'"},
            {"handling_org": WRONG_CODE},
        ),
    },
}
PAIRS = [(t, rule) for t, rules in CASES.items() for rule in rules]
contracts = pytest.mark.parametrize(
    "contract", [load_contract(t) for t in CASES], ids=lambda c: c.record_type
)


def own_rules(contract: Contract) -> dict[str, str]:
    """Severity of each declared rule that no shared block brings, by its short name."""
    shared = block_rules_of(contract)
    names = {r.rule_id.partition(".")[2]: r.severity for r in contract.declared}
    return {name: severity for name, severity in names.items() if name not in shared}


@cache
def verdicts(record_type: str) -> dict[str, tuple[set[str], set[str]]]:
    """For each rule: the rules that its good and its bad row break."""
    cases = CASES[record_type]
    rows = [row for pair in cases.values() for row in pair]
    judged = broken(record_type, rows)
    return {rule: (judged[2 * n], judged[2 * n + 1]) for n, rule in enumerate(cases)}


def broken(record_type: str, rows: list[Row]) -> list[set[str]]:
    """The declared rules that each typed row breaks, in one query."""
    contract = load_contract(record_type)
    columns = ", ".join(f"{ident(f.name)} {f.duckdb_type}" for f in contract.fields)
    received = f"TIMESTAMPTZ '{ORIGIN.received_time.isoformat()}'"
    con = connect(threads=1)
    con.execute(f"CREATE TABLE row (_n INTEGER, {columns})")
    clock = {"received_time": received, "source_updated_time": received}
    for number, row in enumerate(rows):
        fields = REQUIRED[record_type] | clock | row
        names, values = ", ".join(fields), ", ".join(fields.values())
        con.execute(f"INSERT INTO row (_n, {names}) SELECT {number}, {values}")
    marks = ", ".join(f"{r.violation_sql} AS {ident(r.rule_id)}" for r in contract.declared)
    judged = fetch(con, f"SELECT {marks} FROM row ORDER BY _n")
    con.close()
    return [{name.partition(".")[2] for name, is_so in row.items() if is_so} for row in judged]


@contracts
def test_every_rule_of_its_own_has_its_pair_of_rows(contract: Contract) -> None:
    assert set(own_rules(contract)) == set(CASES[contract.record_type])


@pytest.mark.parametrize(("record_type", "rule"), PAIRS)
def test_the_rule_tells_the_two_rows_apart(record_type: str, rule: str) -> None:
    good, bad = verdicts(record_type)[rule]
    assert rule not in good
    assert rule in bad


def test_both_edges_of_the_accumulation() -> None:
    """公路安全保护条例 art. 66: more than 3 times, more than 10 per cent."""
    three = FOUR | {"base_date_kind": "'decision_date'"}
    over_ten = FLEET | {"overloaded_vehicle_count": "41", "fleet_vehicle_count": "400"}
    rows = [FOUR | EXCEEDED, three, three | EXCEEDED, over_ten | EXCEEDED, over_ten]
    found = broken("accumulation_snapshot", rows)
    names = {"count_result_contradicts", "ratio_result_contradicts"}
    assert [sorted(f & names) for f in found] == [
        [],
        [],
        ["count_result_contradicts"],
        [],
        ["ratio_result_contradicts"],
    ]


@pytest.mark.parametrize(
    ("text", "is_refused"),
    [
        ("联系电话：13800000000", True),
        ("138-0000-0000", True),
        ("请回１３８ ００００ ００００", True),
        ("身份证99999918000101000X核查", True),
        ("999999180001010008", True),
        ("工单号 202610080001", False),
        ("工单号 123289999000000011", False),
        ("车牌皖P00000，轴数6，总质量75000千克", False),
        ("统一社会信用代码91999900MA00000006", False),
        ("12328", False),
    ],
)
def test_a_number_in_a_hotline_text_is_refused(text: str, is_refused: bool) -> None:
    [found] = broken("work_order", [{"handling_result": f"'{text}'"}])
    assert ("content_gives_number" in found) is is_refused
    assert own_rules(load_contract("work_order"))["content_gives_number"] == "hard"


@contracts
def test_a_code_that_nobody_could_translate_refuses_no_row(contract: Contract) -> None:
    severities = own_rules(contract)
    fields = [f for f in contract.fields if f.code_list and f.code_mode == "translated"]
    rows: list[Row] = [{}, *({f.name: unmapped(f)} for f in fields)]
    hard = [
        {r for r in found if severities.get(r) == "hard"}
        for found in broken(contract.record_type, rows)
    ]
    assert hard == [set()] * len(rows)


def unmapped(field: Field) -> str:
    return "['unmapped']" if field.duckdb_type.endswith("[]") else "'unmapped'"


def test_the_hotline_contract_has_no_place_for_the_complainant() -> None:
    contract = load_contract("work_order")
    of_complainant = [
        f.name
        for f in contract.fields
        if any(word in f.name for word in ("complainant", "appellant", "caller", "reporter"))
        or any(word in f.label_zh for word in ("投诉人", "举报人", "来电人", "诉求人"))
    ]
    assert of_complainant == ["complainant_withheld_flag"]
    assert contract.field("complainant_withheld_flag").duckdb_type == "BOOLEAN"
    assert "never shared" in contract.description


def test_finding_nothing_is_said_of_the_sources_that_answered_only() -> None:
    [nothing] = [r for r in canonical("exemption_result") if r.code.startswith("no_record")]
    assert nothing.label_zh == "本次已答复的数据来源中无记录"
    assert nothing.label_en == "no record in the answered sources"
    [below] = [r for r in canonical("accumulation_result") if r.code.startswith("not_")]
    assert "已答复的数据来源" in below.label_zh


@pytest.mark.parametrize("record_type", ["exemption_check", "accumulation_snapshot"])
def test_a_check_never_holds_the_number_of_its_subject(record_type: str) -> None:
    contract = load_contract(record_type)
    own = [f for f in contract.fields if not f.envelope]
    assert {f.classification for f in own} <= {"public", "internal"}
    assert contract.field("subject_token").limits["pattern"].startswith("^")


@contracts
def test_every_field_of_the_model_has_a_home(contract: Contract) -> None:
    homes = {home for names in HOMES[contract.record_type].values() for home in names.split()}
    assert homes <= set(contract.names())


@contracts
def test_lists_of_this_kind_are_known_and_sourced(contract: Contract) -> None:
    for field in contract.fields:
        if field.code_list and not field.envelope:
            rows = all_codes()[field.code_list]
            assert all(r.source for r in rows)
            assert all(r.label_zh and r.label_en for r in canonical(field.code_list))


@pytest.mark.parametrize(
    "name", ["qualification_category", "hotline_business_type", "satisfaction", "window_kind"]
)
def test_what_nobody_here_has_read_says_so(name: str) -> None:
    with files("schemas.codes").joinpath(f"{name}.csv").open(encoding="utf-8") as file:
        rows = [r for r in csv.DictReader(file) if r["scheme"] == "canonical"]
    assert {r["verified"] for r in rows if r["code"] != "other"} == {"false"}
