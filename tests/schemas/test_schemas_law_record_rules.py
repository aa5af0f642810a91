"""The law as rules over records: each flags what breaks it, on both sides of number and day."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.contract import Contract, Rule, load_contract, record_types
from schemas.law.calendar import settled_until, working_days_between
from schemas.law.overload import fine
from schemas.law.penalties import fine_range
from schemas.law.record_rules import law_rules
from schemas.rulepack import load_rule_pack, parse_rule_pack, rule_packs
from schemas.sql import connect, ident

CASE, INSPECTION = load_contract("case_result"), load_contract("inspection")
CON: duckdb.DuckDBPyConnection = connect()
CAUSE_63 = "no_road_passenger_licence"

OVERLOAD = {
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


BORDER = {"division_code": "330523"}
REVOKED = {"penalty_category": ["licence_revocation"]}
ORG = {"party_category": "legal_org", "hearing_flag": False}
PERSON = {"party_category": "natural_person", "hearing_flag": False}


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


def test_law_only_flags_and_says_where_it_stands() -> None:
    for record_type in record_types():
        contract = load_contract(record_type)
        rules = law_rules(contract)
        assert len({r.rule_id for r in rules}) == len(rules)
        for rule in rules:
            assert rule.rule_id.startswith("law:")
            assert (rule.severity, rule.kind) == ("soft", "sql")
            assert set(rule.fields) <= set(contract.names())
            for text in (rule.message, rule.hint):
                assert rule.source.split("；")[0] in text.zh
                assert rule.source.split("；")[0] in text.en
    assert {"case_result", "inspection"} <= {
        t for t in record_types() if law_rules(load_contract(t))
    }


def test_a_rule_that_rests_on_an_unverified_number_says_so() -> None:
    rules = rules_of(CASE)
    assert "待核实" in rules["law:cn:overload_fine"].message.zh
    assert "not verified" in rules["law:cn:overload_fine"].message.en
    assert "待核实" not in rules["law:zj:overload_fine"].message.zh
    assert "待核实" not in rules["law:cn:fine_range_road_transport_64"].message.zh


def test_a_contract_without_the_fields_has_no_such_rule() -> None:
    kept = tuple(f for f in CASE.fields if f.name != "total_weight_kg")
    smaller = Contract(
        CASE.record_type, CASE.version, CASE.label, CASE.description, kept, (), b""
    )  # fmt: skip
    left = {r.rule_id for r in law_rules(smaller)}
    assert "law:cn:overload_fine" not in left
    assert "law:cn:weight_limit" in left


@pytest.mark.parametrize(
    ("division", "fine_cny", "flags"),
    [
        ("341882", "13000", set()),
        ("341882", "13000.01", {"cn:overload_fine"}),
        ("341882", "12999.99", {"cn:overload_fine"}),
        ("341882", "5160", {"cn:overload_fine"}),
        ("330523", "5160", set()),
        ("330523", "5160.01", {"zj:overload_fine"}),
        ("330523", "13000", {"zj:overload_fine"}),
        ("341882", "30000.01", {"cn:overload_fine", "cn:fine_range_highway_64"}),
    ],
)
def test_a_fine_is_held_against_the_tariff_of_its_own_place(
    division: str, fine_cny: str, flags: set[str]
) -> None:
    row = OVERLOAD | {"division_code": division, "fine_amount_cny": fine_cny}
    assert short(broken(CASE, row)) == flags


@pytest.mark.parametrize(
    ("changes", "flags"),
    [
        (BORDER | {"occurred_time": "2020-10-01 00:00:00+08"}, {"zj:overload_fine"}),
        (BORDER | {"occurred_time": "2020-09-30 23:59:59+08"}, set()),
        ({"occurred_time": "2016-09-20 12:00:00+08", "fine_amount_cny": "1"}, set()),
        ({"occurred_time": "2016-09-21 12:00:00+08", "fine_amount_cny": "1"}, {"cn:overload_fine"}),
        ({"occurred_time": None, "fine_amount_cny": "1"}, {"cn:overload_fine"}),
        ({"decision_type": "no_penalty_first", "fine_amount_cny": "0"}, set()),
        ({"common_cause_code": "unmapped", "fine_amount_cny": "1"}, set()),
        ({"fine_amount_cny": None}, set()),
        ({"total_weight_kg": None}, set()),
        ({"total_weight_kg": 9_000_000_000_000_000_000, "fine_amount_cny": "1"}, set()),
        ({"total_weight_kg": 50_000, "fine_amount_cny": "0"}, set()),
        ({"total_weight_kg": 50_000, "fine_amount_cny": "500"}, {"cn:overload_fine"}),
        ({"total_weight_kg": 50_001, "fine_amount_cny": "500"}, set()),
        ({"total_weight_kg": 49_000, "fine_amount_cny": "500"}, {"cn:overload_fine"}),
        # up to a fifth over the limit Zhejiang's agencies may punish or not: no sum is wrong
        ({"division_code": "330523", "total_weight_kg": 58_800, "fine_amount_cny": "900"}, set()),
        (
            {"division_code": "330523", "total_weight_kg": 58_801, "fine_amount_cny": "900"},
            {"zj:overload_fine"},
        ),
    ],
)  # fmt: skip
def test_overload_fine_by_day_and_weight(changes: dict[str, Any], flags: set[str]) -> None:
    assert short(broken(CASE, OVERLOAD | changes)) == flags


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 200_000),
            st.sampled_from([18_000, 31_000, 49_000]),
            st.sampled_from(["330523", "341882", "310101"]),
            st.decimals(0, 30_000, places=2),
            st.booleans(),
        ),
        min_size=1,
        max_size=40,
    )
)
def test_the_sql_rule_flags_exactly_what_the_function_does_not_give(
    cases: list[tuple[int, int, str, Decimal, bool]],
) -> None:
    rows, expected = [], []
    for total, limit_kg, division, other, right in cases:
        one = fine(total, limit_kg, division, date(2026, 10, 1))[0]
        amount = one.fine_cny if right else other
        rows.append(
            OVERLOAD
            | {
                "division_code": division,
                "total_weight_kg": total,
                "limit_weight_kg": limit_kg,
                "axle_count": None,
                "fine_amount_cny": amount,
            }
        )
        expected.append(one.outcome != "may_be_exempt" and amount != one.fine_cny)
    got = [any(":overload_fine" in i for i in ids) for ids in broken_each(CASE, rows)]
    assert got == expected


def fined(cause: str, amount: str, act: str = "2026-10-01", decided: str = "2026-10-08") -> Any:
    return {
        "division_code": "341882",
        "occurred_time": f"{act} 09:00:00+08:00",
        "decision_date": decided,
        "decision_type": "penalty",
        "common_cause_code": cause,
        "fine_amount_cny": amount,
    }


@pytest.mark.parametrize(
    ("row", "flags"),
    [
        (fined("no_driver_qualification", "199.99"), {"cn:fine_range_road_transport_64"}),
        (fined("no_driver_qualification", "200"), set()),
        (fined("no_driver_qualification", "2000"), set()),
        (fined("no_driver_qualification", "2000.01"), {"cn:fine_range_road_transport_64"}),
        (fined("vehicle_modified", "20000.01"), {"cn:fine_range_road_transport_69"}),
        (fined("vehicle_modified", "20000"), set()),
        (fined("vehicle_modified", "1", act="2023-07-19"), set()),
        (fined("overload_ordered", "30000.01"), {"cn:fine_range_highway_68"}),
        (fined("other", "99999999"), set()),
        (fined(CAUSE_63, "9999.99"), {"cn:fine_range_road_transport_63:2023-07-20"}),
        (fined(CAUSE_63, "10000"), set()),
        (fined(CAUSE_63, "100000.01"), {"cn:fine_range_road_transport_63:2023-07-20"}),
        (fined(CAUSE_63, "10000", "2023-07-19", "2023-07-19"), {"cn:fine_range_road_transport_63"}),
        (fined(CAUSE_63, "30000", "2023-07-19", "2023-07-19"), set()),
        # act under the old law, decision under the new, lighter one (art. 37)
        (fined(CAUSE_63, "10000", "2023-07-19", "2023-07-20"), set()),
        (
            fined(CAUSE_63, "9999", "2023-07-19", "2023-07-20"),
            {"cn:fine_range_road_transport_63:2023-07-20"},
        ),
        (fined(CAUSE_63, "0"), set()),
        (fined(CAUSE_63, "400000") | {"confiscated_amount_cny": "20000.01"}, set()),
        (
            fined(CAUSE_63, "400000") | {"confiscated_amount_cny": "20000"},
            {"cn:fine_range_road_transport_63:2023-07-20"},
        ),
    ],
)
def test_range_of_a_fine_by_the_law_of_its_day(row: dict[str, Any], flags: set[str]) -> None:
    assert short(broken(CASE, row)) == flags


CAUSES = sorted({c for r in load_rule_pack("cn").penalty_ranges for c in r.causes})
DAYS = st.dates(date(2022, 1, 1), date(2026, 12, 31))


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(CAUSES), DAYS, st.integers(0, 400), st.sampled_from(
                [199, 200, 999, 1000, 2000, 2001, 5001, 9999, 10000, 20001, 30000, 30001, 100001]
            ),
        ),
        min_size=1,
        max_size=40,
    )
)  # fmt: skip
def test_the_sql_rule_and_the_function_know_the_same_ranges(
    cases: list[tuple[str, date, int, int]],
) -> None:
    rows, expected = [], []
    for cause, act, later, yuan in cases:
        decided = act + timedelta(days=later)
        rows.append(fined(cause, str(yuan), act.isoformat(), decided.isoformat()))
        found = fine_range(cause, "341882", act, decided)
        expected.append(found is not None and not found.min_cny <= yuan <= found.max_cny)
    got = [any("fine_range" in i for i in ids) for ids in broken_each(CASE, rows)]
    assert got == expected


DECIDED = {"division_code": "341882", "decision_type": "penalty", "decision_date": "2026-10-08"}


@pytest.mark.parametrize(
    ("changes", "flags"),
    [
        (
            {"penalty_category": ["licence_revocation"], "hearing_flag": False},
            {"cn:hearing_by_kind"},
        ),
        (REVOKED | {"hearing_flag": True}, set()),
        (REVOKED, set()),
        ({"penalty_category": ["fine"], "hearing_flag": False}, set()),
        (ORG | {"fine_amount_cny": "100000"}, {"cn:hearing_by_amount_org"}),
        (ORG | {"fine_amount_cny": "99999.99"}, set()),
        (PERSON | {"fine_amount_cny": "10000"}, {"cn:hearing_by_amount_person"}),
        (PERSON | {"fine_amount_cny": "9999.99"}, set()),
        (
            {"decision_date": "2021-07-14", "penalty_category": ["closure"], "hearing_flag": False},
            set(),
        ),
        ({"major_case_flag": True}, {"cn:legal_review", "cn:collective_discussion"}),
        (
            {
                "major_case_flag": True,
                "legal_review_date": "2026-10-01",
                "collective_discussion_flag": True,
            },
            set(),
        ),
        ({"major_case_flag": False}, set()),
        ({"major_case_flag": True, "decision_date": "2021-07-14"}, set()),
    ],
)
def test_hearing_review_and_discussion(changes: dict[str, Any], flags: set[str]) -> None:
    assert short(broken(CASE, DECIDED | changes)) == flags


@pytest.mark.parametrize(
    ("act", "filed", "late"),
    [
        ("2024-10-08 23:59:59+08", "2026-10-08 23:59:59+08", False),
        ("2024-10-08 23:59:59+08", "2026-10-09 00:00:00+08", True),
        ("2024-02-29 12:00:00+08", "2026-02-28 12:00:00+08", False),
        ("2024-02-29 12:00:00+08", "2026-03-01 12:00:00+08", True),
        ("2015-01-01 12:00:00+08", "2021-07-14 12:00:00+08", False),
        ("2015-01-01 12:00:00+08", "2021-07-15 12:00:00+08", True),
    ],
)
def test_filing_after_the_period_of_limitation(act: str, filed: str, late: bool) -> None:
    row = {"division_code": "341882", "occurred_time": act, "filing_time": filed}
    assert short(broken(CASE, row)) == ({"cn:filed_after_limitation"} if late else set())


@pytest.mark.parametrize(
    ("decided", "delivered", "late"),
    [
        (
            "2026-10-08",
            "2026-10-19",
            True,
        ),  # 9, 10, 12 … 16 October are six; the 19th is the eighth
        ("2026-09-30", "2026-10-15", False),
        ("2026-09-30", "2026-10-16", True),
        ("2021-07-14", "2021-12-31", False),
        ("2021-07-15", "2021-07-26", False),
        ("2021-07-15", "2021-07-27", True),
        ("2026-12-01", "2026-12-24", True),
        ("2026-12-01", "2026-12-25", False),  # past the settled calendar nothing is judged
        ("2026-10-08", None, False),
        ("2026-10-08", "2026-10-01", False),
    ],
)
def test_late_delivery_counts_working_days(decided: str, delivered: Any, late: bool) -> None:
    days = {"division_code": "341882", "decision_date": decided, "delivery_date": delivered}
    assert short(broken(CASE, days)) == ({"cn:delivered_late"} if late else set())


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.tuples(st.dates(date(2021, 7, 15), date(2026, 12, 31)), st.integers(0, 60)),
        min_size=1,
        max_size=60,
    )
)
def test_working_days_in_sql_are_those_of_the_calendar(cases: list[tuple[date, int]]) -> None:
    rows = [
        {"division_code": "341882", "decision_date": d, "delivery_date": d + timedelta(days=n)}
        for d, n in cases
    ]
    expected = [
        end <= settled_until() and working_days_between(d, end).count > 7
        for d, n in cases
        for end in [d + timedelta(days=n)]
    ]
    assert [bool(ids) for ids in broken_each(CASE, rows)] == expected


WEIGHED = {"division_code": "341882", "inspection_time": "2026-10-08 09:00:00+08:00"}


@pytest.mark.parametrize(
    ("axles", "limit_kg", "permit", "flagged"),
    [
        (6, 49_000, None, False),
        (6, 46_000, None, False),
        (6, 48_999, None, True),
        (7, 49_000, None, False),
        (2, 18_000, None, False),
        (2, 15_000, None, False),
        (2, 18_001, None, True),
        (3, 25_000, None, False),
        (3, 27_000, None, False),
        (3, 31_000, None, True),
        (4, 49_000, None, True),
        (4, 49_000, "P-1", False),
        (1, 9_000, None, False),
        (None, 1, None, False),
    ],
)
def test_limit_of_a_weighing_is_one_that_the_axles_have(
    axles: int | None, limit_kg: int, permit: str | None, flagged: bool
) -> None:
    row = WEIGHED | {"axle_count": axles, "limit_weight_kg": limit_kg, "permit_no": permit}
    assert short(broken(INSPECTION, row)) == ({"cn:weight_limit"} if flagged else set())
    old = row | {"inspection_time": "2016-09-20 09:00:00+08:00"}
    assert broken(INSPECTION, old) == set()


CITY = """\
name = "xx"
version = "xx-1"
jurisdiction = "某市"
jurisdiction_en = "some city"
divisions = ["3418"]
"""
ROW = """\
article = "某市规定第一条"
text = "摘要：示例"
source = "memory"
verified = false
"""


def test_a_city_takes_the_place_of_the_country_where_and_when_its_row_holds() -> None:
    tariff = (
        '[[overload_fine]]\nname = "overload_fine"\nmethod = "per_step"\nfree_kg = 0\n'
        "step_kg = 1000\nyuan_per_step = 100\ncap_cny = 5000\nvalid_from = 2026-01-01\n"
    )
    packs = [*rule_packs(), parse_rule_pack(CITY + tariff + ROW, Path("xx.toml"))]
    before = {"occurred_time": "2025-12-31 09:00:00+08:00"}
    assert short(broken(CASE, OVERLOAD, packs)) == {"xx:overload_fine"}
    assert broken(CASE, OVERLOAD | {"fine_amount_cny": "2600"}, packs) == set()
    assert broken(CASE, OVERLOAD | before, packs) == set()
    assert broken(CASE, OVERLOAD | {"division_code": "341902"}, packs) == set()


def test_each_dated_version_is_a_rule_of_its_own_and_the_oldest_keeps_the_plain_id() -> None:
    first = (
        '[[overload_fine]]\nname = "overload_fine"\nmethod = "per_step"\nfree_kg = 0\n'
        "step_kg = 1000\nyuan_per_step = 100\ncap_cny = 5000\nvalid_from = 2025-01-01\n"
        "valid_to = 2026-10-05\n" + ROW
    )
    second = first.replace("2025-01-01\nvalid_to = 2026-10-05", "2026-10-05").replace(
        "100", "200", 1
    )
    packs = [parse_rule_pack(CITY + first + second, Path("xx.toml"))]
    ids = [i for i in rules_of(CASE, packs) if "overload_fine" in i]
    assert ids == ["law:xx:overload_fine", "law:xx:overload_fine:2026-10-05"]
    acted = {"occurred_time": "2026-10-05 00:00:00+08:00"}
    assert broken(CASE, OVERLOAD | acted, packs) == {"law:xx:overload_fine:2026-10-05"}
    # the tariff changed between act and decision: which is lighter is a person's task
    assert broken(CASE, OVERLOAD, packs) == set()
    early = {"occurred_time": "2026-10-04 23:00:00+08:00", "decision_date": "2026-10-04"}
    assert broken(CASE, OVERLOAD | early, packs) == {"law:xx:overload_fine"}
