"""The law as rules over records: how a case was decided, on both sides of number and day."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from schemas_law_rows import CASE, broken, broken_each, rules_of, short

from schemas.codes import canonical
from schemas.contract import Contract, load_contract, record_types
from schemas.law.calendar import settled_until, working_days_between
from schemas.law.penalties import fine_range
from schemas.law.record_rules import law_rules
from schemas.rulepack import load_rule_pack
from schemas.text import Text

CAUSE_63 = "no_road_passenger_licence"
OTHER_DECISIONS = sorted({c.code for c in canonical("decision_type")} - {"penalty"} | {"unmapped"})
REVOKED = {"penalty_category": ["licence_revocation"]}
ORG = {"party_category": "legal_org", "hearing_flag": False}
PERSON = {"party_category": "natural_person", "hearing_flag": False}


def test_law_only_flags_and_says_where_it_stands() -> None:
    for record_type in record_types():
        contract = load_contract(record_type)
        rules = law_rules(contract)
        assert len({r.rule_id for r in rules}) == len(rules)
        for rule in rules:
            assert rule.rule_id.startswith("law:")
            assert (rule.severity, rule.kind) == ("soft", "sql")
            assert set(rule.fields) <= set(contract.names())
            for text in (rule.message.zh, rule.message.en):
                for article in rule.source.split("；"):
                    assert text.count(article.removeprefix("中华人民共和国")) == 1
            # the article is named once: the hint says what to do
            assert "条" not in rule.hint.zh
            assert rule.message.zh not in rule.hint.zh
    assert {"case_result", "inspection"} <= {
        t for t in record_types() if law_rules(load_contract(t))
    }


def test_a_rule_that_rests_on_an_unverified_number_says_so() -> None:
    rules = rules_of(CASE)
    assert "待核实" in rules["law:cn:overload_fine"].message.zh
    assert "not verified" in rules["law:cn:overload_fine"].message.en
    assert "待核实" not in rules["law:zj:overload_fine"].message.zh
    assert "待核实" not in rules["law:cn:fine_range_no_driver_qualification"].message.zh
    passengers = rules["law:cn:fine_range_no_road_passenger_licence:2023-07-20"].message
    assert passengers.zh == (
        "罚款数额超出该违法行为的法定幅度（10000–100000 元）：道路运输条例（2023年修订）第六十三条"
    )
    # of two ranges of one article only the one that nobody read is called unverified
    assert rules["law:cn:fine_range_no_road_freight_licence"].message == Text(
        en="the fine is outside the range for its cause (3000–10000 yuan, 10000–50000 yuan "
        "(not verified)): 道路运输条例（2023年修订）第六十三条",
        zh="罚款数额超出该违法行为的法定幅度（3000–10000 元、10000–50000 元（待核实））："
        "道路运输条例（2023年修订）第六十三条",
    )
    assert "（30000 元以下）" in rules["law:cn:fine_range_overload_road"].message.zh


def test_a_contract_without_the_fields_has_no_such_rule() -> None:
    kept = tuple(f for f in CASE.fields if f.name != "total_weight_kg")
    smaller = Contract(
        CASE.record_type, CASE.version, CASE.label, CASE.description, kept, (), b""
    )  # fmt: skip
    left = {r.rule_id for r in law_rules(smaller)}
    assert "law:cn:overload_fine" not in left
    assert "law:cn:weight_limit" in left


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
        (fined("no_driver_qualification", "199.99"), {"cn:fine_range_no_driver_qualification"}),
        (fined("no_driver_qualification", "200"), set()),
        (fined("no_driver_qualification", "2000"), set()),
        (fined("no_driver_qualification", "2000.01"), {"cn:fine_range_no_driver_qualification"}),
        (fined("vehicle_modified", "20000.01"), {"cn:fine_range_vehicle_modified"}),
        (fined("vehicle_modified", "20000"), set()),
        (fined("vehicle_modified", "1", act="2023-07-19"), set()),
        (fined("overload_ordered", "30000.01"), {"cn:fine_range_overload_ordered"}),
        (fined("other", "99999999"), set()),
        (fined(CAUSE_63, "9999.99"), {"cn:fine_range_no_road_passenger_licence:2023-07-20"}),
        (fined(CAUSE_63, "10000"), set()),
        (fined(CAUSE_63, "100000.01"), {"cn:fine_range_no_road_passenger_licence:2023-07-20"}),
        (
            fined(CAUSE_63, "10000", "2023-07-19", "2023-07-19"),
            {"cn:fine_range_no_road_passenger_licence"},
        ),
        (fined(CAUSE_63, "30000", "2023-07-19", "2023-07-19"), set()),
        # act under the old law, decision under the new, lighter one (art. 37)
        (fined(CAUSE_63, "10000", "2023-07-19", "2023-07-20"), set()),
        (
            fined(CAUSE_63, "9999", "2023-07-19", "2023-07-20"),
            {"cn:fine_range_no_road_passenger_licence:2023-07-20"},
        ),
        (fined(CAUSE_63, "0"), set()),
        *((fined(CAUSE_63, "1") | {"decision_type": other}, set()) for other in OTHER_DECISIONS),
        # before 2023 gains of exactly 20 000 yuan were already counted in multiples
        (
            fined(CAUSE_63, "150000", "2023-07-18", "2023-07-19")
            | {"confiscated_amount_cny": "20000"},
            set(),
        ),
        (fined(CAUSE_63, "400000") | {"confiscated_amount_cny": "20000.01"}, set()),
        (
            fined(CAUSE_63, "400000") | {"confiscated_amount_cny": "20000"},
            {"cn:fine_range_no_road_passenger_licence:2023-07-20"},
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
        # who was told of the right and did not ask for a hearing has none
        (REVOKED | {"hearing_flag": False, "prior_notice_date": "2026-09-20"}, set()),
        (ORG | {"fine_amount_cny": "100000", "prior_notice_date": "2026-09-20"}, set()),
        *((REVOKED | {"hearing_flag": False, "decision_type": d}, set()) for d in OTHER_DECISIONS),
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
    punished = row | {"decision_type": "penalty"}
    assert short(broken(CASE, punished)) == ({"cn:filed_after_limitation"} if late else set())
    # withdrawn, or not punished, because the time was over: that is what art. 36 asks for
    others = [row | {"decision_type": d} for d in OTHER_DECISIONS]
    assert broken_each(CASE, others) == [set()] * len(others)


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
    days = DECIDED | {"decision_date": decided, "delivery_date": delivered}
    assert short(broken(CASE, days)) == ({"cn:delivered_late"} if late else set())
    assert broken(CASE, days | {"decision_type": "withdrawn"}) == set()


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
        DECIDED | {"decision_date": d, "delivery_date": d + timedelta(days=n)} for d, n in cases
    ]
    expected = [
        end <= settled_until() and working_days_between(d, end).count > 7
        for d, n in cases
        for end in [d + timedelta(days=n)]
    ]
    assert [bool(ids) for ids in broken_each(CASE, rows)] == expected
