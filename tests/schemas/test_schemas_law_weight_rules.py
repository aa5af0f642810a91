"""The law as rules over records: fines and limits by weight, and whose law it is."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from schemas_law_rows import CASE, INSPECTION, OVERLOAD, broken, broken_each, rules_of, short

from schemas.law.overload import fine
from schemas.rulepack import parse_rule_pack, rule_packs

BORDER = {"division_code": "330523"}


@pytest.mark.parametrize(
    ("division", "fine_cny", "flags"),
    [
        ("341882", "13000", set()),
        ("341882", "13001", {"cn:overload_fine"}),
        ("341882", "13000.99", set()),
        ("341882", "12999", {"cn:overload_fine"}),
        ("341882", "12999.01", set()),
        ("341882", "5160", {"cn:overload_fine"}),
        ("330523", "5160", set()),
        ("330523", "5161", {"zj:overload_fine"}),
        ("330523", "13000", {"zj:overload_fine"}),
        ("341882", "30000.01", {"cn:overload_fine", "cn:fine_range_overload_road"}),
    ],
)
def test_a_fine_is_held_against_the_tariff_of_its_own_place(
    division: str, fine_cny: str, flags: set[str]
) -> None:
    row = OVERLOAD | {"division_code": division, "fine_amount_cny": fine_cny}
    assert short(broken(CASE, row)) == flags


@pytest.mark.parametrize(
    ("agency", "act", "fine_cny", "flags"),
    [
        ("341882", "330523", "5160", set()),
        ("341882", "330523", "13000", {"zj:overload_fine"}),
        ("330523", "341882", "13000", set()),
        ("330523", "341882", "5160", {"cn:overload_fine"}),
        ("330523", None, "5160", set()),
        # a place that could not be read is not the rest of the country
        ("341882", "浙江省安吉县", "5160", set()),
        ("浙江省安吉县", None, "5160", set()),
        (None, None, "1", set()),
    ],
)
def test_the_place_of_the_act_decides_by_whose_tariff(
    agency: str | None, act: str | None, fine_cny: str, flags: set[str]
) -> None:
    row = {"division_code": agency, "violation_division_code": act, "fine_amount_cny": fine_cny}
    assert short(broken(CASE, OVERLOAD | row)) == flags


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
        expected.append(one.outcome != "may_be_exempt" and abs(amount - one.fine_cny) >= 1)
    got = [any(":overload_fine" in i for i in ids) for ids in broken_each(CASE, rows)]
    assert got == expected


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
