"""Accumulation by article 66: each edge of the law, and any set of cases against its words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from cooperation_cases import A, B, case
from cooperation_counts import ANHUI, DAY, HENAN, count, times, vehicle
from hypothesis import given
from hypothesis import strategies as st

from cooperation.accumulation.accumulate import limit_text
from cooperation.accumulation.acts import roots
from cooperation.accumulation.law import Laws
from cooperation.accumulation.model import Fleet
from cooperation.accumulation.subjects import standing_of_ratio
from schemas.errors import ConfigError
from schemas.rulepack import parse_rule_pack, rule_packs
from schemas.sql import connect


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    con = connect(threads=1)
    yield con
    con.close()


def test_the_fourth_counts_and_the_third_does_not(con: duckdb.DuckDBPyConnection) -> None:
    assert count(con, times(3)).vehicles == ()
    (near,) = count(con, times(3), near=True).vehicles
    assert (near.standing, near.count) == ("near", 3)
    (found,) = count(con, times(4)).vehicles
    assert (found.standing, found.by_violation, found.by_decision) == ("exceeded", 4, 4)
    assert [c.no[-6:] for c in found.counted()] == ["〕0001号", "〕0002号", "〕0003号", "〕0004号"]
    assert found.law.bases["vehicle"].article.endswith("第六十六条")
    assert found.law.version == "cn-2026.11"


@pytest.mark.parametrize(
    ("moment", "is_counted"),
    [
        ("2025-11-22T23:59:59.999999+08:00", False),
        ("2025-11-23T00:00:00+08:00", True),
        ("2025-11-22T16:00:00+00:00", True),
        ("2025-11-22T15:59:59+00:00", False),
        ("2026-11-22T23:59:59.999999+08:00", True),
        ("2026-11-23T00:00:00+08:00", False),
    ],
)
def test_a_window_begins_and_ends_at_midnight_of_chinese_time(
    con: duckdb.DuckDBPyConnection, moment: str, is_counted: bool
) -> None:
    found = vehicle(con, [*times(3), case(9, moment, decision_date="2026-01-01")])
    assert found.by_violation == (4 if is_counted else 3)
    assert found.by_decision == (4 if moment < "2026-11-23" or is_counted else 3)


@pytest.mark.parametrize(
    ("as_of", "start"),
    [
        ("2026-11-22", "2025-11-23"),
        ("2027-01-01", "2026-01-02"),
        ("2028-02-28", "2027-03-01"),
        ("2028-02-29", "2027-03-01"),  # there is no 29 February 2027: the end of that month
        ("2028-03-01", "2027-03-02"),
        ("2029-02-28", "2028-02-29"),
    ],
)
def test_a_rolling_year_and_the_29th_of_february(as_of: str, start: str) -> None:
    law = Laws(None, date.fromisoformat(as_of)).of(ANHUI)
    assert law.window().start == date.fromisoformat(start)


@pytest.mark.parametrize(
    ("issued", "as_of", "start"),
    [
        ("2024-06-15", "2026-06-14", "2025-06-15"),
        ("2024-06-15", "2026-06-15", "2026-06-15"),
        ("2024-02-29", "2027-02-27", "2026-02-28"),
        ("2024-02-29", "2028-02-28", "2027-02-28"),
        ("2024-02-29", "2028-02-29", "2028-02-29"),
        ("2026-06-15", "2026-06-15", "2026-06-15"),
    ],
)
def test_a_licence_year_runs_from_the_first_issue(issued: str, as_of: str, start: str) -> None:
    law = Laws(None, date.fromisoformat(as_of), window="licence_year").of(ANHUI)
    found = law.window(date.fromisoformat(issued))
    assert (found.kind, found.start) == ("licence_year", date.fromisoformat(start))
    assert law.window().kind == "rolling_year"  # who has no licence record here


def test_the_window_of_a_subject_is_that_of_its_licence(con: duckdb.DuckDBPyConnection) -> None:
    licence = {
        "kind": "vehicle", "key": "示A00001/yellow", "division": ANHUI,
        "first_issue_date": "2020-03-01",
    }  # fmt: skip
    rows = times(4)  # January to April: only two since the first of March
    found = vehicle(con, rows, licences=[licence], window="licence_year")
    assert (found.count, found.window.start) == (2, date(2026, 3, 1))
    assert vehicle(con, rows, licences=[licence], window="calendar_year").count == 4


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"data_status": "revoked"}, "revoked"),
        ({"data_status": "removed"}, "removed"),
        ({"review_status": "revoked"}, "revoked"),
        ({"litigation_status": "confirmed_illegal"}, "revoked"),
        ({"decision_type": "withdrawn"}, "revoked"),
        ({"decision_type": "no_penalty_first"}, "no_penalty"),
        ({"decision_type": "criminal_transfer"}, "no_penalty"),
        ({"decision_type": None}, "no_decision"),
        ({"fine_amount_cny": "0"}, "warning"),
        ({"counts_toward_accumulation": False}, "own_word"),
        ({"review_status": "pending"}, "under_review"),
        ({"litigation_status": "pending"}, "under_review"),
        ({"cause": "cargo_spill"}, "other_cause"),
        ({"cause": "unmapped"}, "cause_unknown"),
        ({"cause": None}, "cause_unknown"),
        ({"act_time": "2025-01-01T00:00:00+08:00", "decision_date": "2025-01-02"}, "before_window"),
        ({"fine_amount_cny": None}, None),  # not granted: not taken for a warning
        ({"data_status": "corrected"}, None),
        ({"data_status": "repaired"}, None),
        ({"review_status": "upheld"}, None),
        ({"counts_toward_accumulation": True}, None),
        ({"cause": "oversize_road"}, None),
        ({"cause": "overlimit_road"}, None),
    ],
)
def test_what_is_not_counted_is_listed_with_its_reason(
    con: duckdb.DuckDBPyConnection, more: dict[str, Any], reason: str | None
) -> None:
    found = vehicle(con, [*times(3), case(9, "2026-09-01") | more])
    (last,) = (c for c in found.cases if c.record_id.endswith("9"))
    assert (last.violation, last.decision) == (reason, reason)
    assert found.count == (4 if reason is None else 3)


def test_both_dates_are_counted_and_the_packs_say_which_decides(
    con: duckdb.DuckDBPyConnection,
) -> None:
    old = case(9, "2025-11-01", decision_date="2026-01-15")
    young = case(8, "2026-11-20", decision_date=None)
    rows = [*times(3), old]
    (found,) = count(con, rows, near=True).vehicles
    assert (found.base, found.by_violation, found.by_decision) == ("violation", 3, 4)
    assert (found.standing, found.other_standing) == ("near", "exceeded")
    (found,) = count(con, rows, base="decision").vehicles
    assert (found.count, found.standing) == (4, "exceeded")
    found = vehicle(con, [*times(3), young])
    assert (found.by_violation, found.by_decision) == (4, 3)
    assert found.cases[-1].decision == "no_date"


def test_as_of_a_day_only_what_was_decided_by_then(con: duckdb.DuckDBPyConnection) -> None:
    rows = [*times(3), case(9, "2026-04-10", decision_date="2026-06-30")]
    found = vehicle(con, rows, as_of=date(2026, 6, 29))
    assert (found.count, found.cases[-1].violation) == (3, "not_yet_decided")
    assert vehicle(con, rows, as_of=date(2026, 6, 30)).count == 4
    late = vehicle(con, rows, as_of=date(2026, 6, 29), decided_by=DAY)
    assert (late.by_violation, late.by_decision) == (4, 3)


def test_one_act_counts_once(con: duckdb.DuckDBPyConnection) -> None:
    twice = [
        case(8, "2026-08-01", same_act_group_id="g", filing_time="2026-08-02T00:00:00+08:00"),
        case(
            9, "2026-08-01", same_act_group_id="g", source_org_code=B,
            filing_time="2026-08-01T00:00:00+08:00",
        ),
    ]  # fmt: skip
    found = vehicle(con, [*times(2), *twice])
    assert found.count == 3
    assert {c.org: c.violation for c in found.cases[-2:]} == {A: "same_act", B: None}
    # what stands is counted if the other was revoked
    revoked = [twice[0], twice[1] | {"data_status": "revoked"}]
    found = vehicle(con, [*times(2), *revoked])
    assert {c.org: c.violation for c in found.cases[-2:]} == {A: None, B: "revoked"}


def test_matching_joins_acts_that_the_agencies_did_not(con: duckdb.DuckDBPyConnection) -> None:
    rows = [*times(3), case(8, "2026-08-01"), case(9, "2026-08-01", source_org_code=B)]

    def pairs(con: duckdb.DuckDBPyConnection, rows: str) -> list[tuple[str, str]]:
        assert con.table(rows).columns[:2] == ["kind", "key"]
        return [(f"{8:032x}", f"{9:032x}")]

    assert vehicle(con, rows).count == 5
    assert vehicle(con, rows, same_act=pairs).count == 4


@given(st.lists(st.tuples(st.sampled_from("abcdefg"), st.sampled_from("abcdefg")), max_size=12))
def test_connected_acts_have_one_name_in_any_order(pairs: list[tuple[str, str]]) -> None:
    found = roots(pairs)
    assert found == roots(reversed(pairs)) == roots((b, a) for a, b in pairs)
    assert all(found[a] == found[b] for a, b in pairs)
    assert all(found[root] == root <= act for act, root in found.items())


# ---- operators ----------------------------------------------------------------------------------


def fleet(vehicles: int, operator: str = "o", **more: Any) -> list[dict[str, Any]]:
    return [
        {
            "kind": "vehicle", "key": f"示B{n:05d}/yellow", "operator_key": operator,
            "division": ANHUI, "is_goods": True, "valid_from": "2020-01-01",
        }
        | more
        for n in range(vehicles)
    ]  # fmt: skip


def overloads(vehicles: int, operator: str = "o", **more: Any) -> list[dict[str, Any]]:
    return [
        case(n, "2026-05-01", vehicle_key=f"示B{n:05d}/yellow", operator_key=operator, **more)
        for n in range(vehicles)
    ]


@pytest.mark.parametrize(
    ("overloaded", "vehicles", "standing"),
    [
        (1, 10, "near"),
        (2, 19, "exceeded"),
        (11, 110, "near"),
        (12, 110, "exceeded"),
        (11, 109, "exceeded"),
        (1, 9, "exceeded"),
        (10, 110, "below"),
        (1, 21, "below"),
        (1, 19, "near"),
    ],
)
def test_exactly_ten_per_cent_does_not_exceed_ten_per_cent(
    con: duckdb.DuckDBPyConnection, overloaded: int, vehicles: int, standing: str
) -> None:
    kinds = ("transport_enterprise",)
    given = count(con, overloads(overloaded), licences=fleet(vehicles), kinds=kinds, near=True)
    found = {a.standing for a in given.operators} or {"below"}
    assert found == {standing}
    exact = count(con, overloads(overloaded), licences=fleet(vehicles), kinds=kinds)
    assert bool(exact.operators) == (standing == "exceeded")


@given(st.integers(0, 4000), st.integers(1, 40000))
def test_a_ratio_is_compared_without_dividing(vehicles: int, fleet_vehicles: int) -> None:
    found = standing_of_ratio(vehicles, Fleet(fleet_vehicles, 0, DAY), Decimal("0.1"))
    assert (found == "exceeded") == (10 * vehicles > fleet_vehicles)


def test_a_vehicle_of_the_fleet_counts_once_however_often_it_was_caught(
    con: duckdb.DuckDBPyConnection,
) -> None:
    rows = [
        case(n, f"2026-0{n}-01", vehicle_key="示B00000/yellow", operator_key="o")
        for n in range(1, 6)
    ]
    found = count(con, rows, licences=fleet(10), kinds=("transport_enterprise",), near=True)
    assert [(a.by_violation, a.standing) for a in found.operators] == [(1, "near")]


def test_the_fleet_is_what_was_licensed_on_the_day(con: duckdb.DuckDBPyConnection) -> None:
    licences = [
        *fleet(9),
        *[f | {"key": f"示C{n:05d}/blue"} for n, f in enumerate((
            *fleet(1, valid_from="2026-11-23"),
            *fleet(1, valid_to="2026-11-21"),
            *fleet(1, ended_on="2026-11-22"),
            *fleet(1, is_goods=False),
        ))],
        *fleet(9),  # the same certificates by another agency
    ]  # fmt: skip
    (found,) = count(
        con, overloads(1), licences=licences, kinds=("transport_enterprise",), near=True
    ).operators
    assert found.fleet is not None
    assert (found.fleet.vehicles, found.fleet.day, found.standing) == (9, DAY, "exceeded")
    also = [*licences, *[f | {"key": "示D00001/blue"} for f in fleet(1, ended_on="2026-11-23")]]
    (found,) = count(
        con, overloads(1), licences=also, kinds=("transport_enterprise",), near=True
    ).operators
    assert found.standing == "near"  # 1 of 10


def test_an_unknown_fleet_is_said_and_not_guessed(con: duckdb.DuckDBPyConnection) -> None:
    kinds = ("transport_enterprise",)
    found = count(con, overloads(50), licences=fleet(3, "another"), kinds=kinds)
    assert (found.operators, found.fleet_unknown) == ((), 1)
    (told,) = count(con, overloads(50), kinds=kinds, near=True).operators
    assert (told.standing, told.fleet, told.by_violation) == ("fleet_unknown", None, 50)


def test_vehicles_that_may_be_no_goods_vehicles(con: duckdb.DuckDBPyConnection) -> None:
    """What holds for both numbers of the fleet is said, all else is unknown."""
    unclear = [f | {"key": f"示E{n:05d}/yellow"} for n, f in enumerate(fleet(20, is_goods=None))]
    kinds = ("transport_enterprise",)
    (found,) = count(
        con, overloads(2), licences=[*fleet(10), *unclear], kinds=kinds, near=True
    ).operators
    assert (found.standing, found.doubts) == (
        "fleet_unknown",
        ("fleet_class_unknown",),
    )
    (found,) = count(con, overloads(4), licences=[*fleet(10), *unclear], kinds=kinds).operators
    assert found.standing == "exceeded"


# ---- whose law, who it is -----------------------------------------------------------------------


def test_the_law_of_the_place_of_registration_decides(con: duckdb.DuckDBPyConnection) -> None:
    kinds = ("transport_enterprise",)
    rows = overloads(31, vehicle_registration_division=HENAN)
    (found,) = count(con, rows, licences=fleet(100, division=HENAN), kinds=kinds).operators
    assert (found.grave, found.law.version) == (True, "cn-2026.11+ha-2026.11")
    assert "河南" in found.law.bases["transport_enterprise"].article
    (found,) = count(con, rows[:30], licences=fleet(100, division=HENAN), kinds=kinds).operators
    assert not found.grave  # exactly 30 %
    (found,) = count(con, overloads(31), licences=fleet(100), kinds=kinds).operators
    assert (found.grave, found.law.revocation_ratio) == (False, None)


STRICT = """
name = "strict"
version = "strict-1"
jurisdiction = "严格"
jurisdiction_en = "Strict"
divisions = ["9998"]
[[parameter]]
name = "accumulation_vehicle_times"
value = 1
unit = "times"
unit_zh = "次"
article = "本测试虚构"
text = "虚构"
source = "memory"
verified = false
valid_from = 2026-07-01
[[choice]]
name = "accumulation_warnings"
value = "counted"
options = ["not_counted", "counted"]
article = "本测试虚构"
text = "虚构"
source = "memory"
verified = false
valid_from = 2026-07-01
[[choice]]
name = "accumulation_causes"
value = "mass"
options = ["mass", "mass_and_size"]
article = "本测试虚构"
text = "虚构"
source = "memory"
verified = false
valid_from = 2026-07-01
"""


def test_the_law_of_the_day_and_a_node_s_own_readings(con: duckdb.DuckDBPyConnection) -> None:
    packs = (*rule_packs(), parse_rule_pack(STRICT, Path("strict.toml")))
    there = {"vehicle_registration_division": "999800"}
    rows = [
        case(1, "2026-03-01", **there, fine_amount_cny="0"),
        case(2, "2026-04-01", **there),
        case(3, "2026-05-01", **there, cause="oversize_road"),
    ]
    (found,) = count(con, rows, packs=packs).vehicles
    assert [c.violation for c in found.cases] == [None, None, "other_cause"]
    before = vehicle(con, rows, packs=packs, as_of=date(2026, 6, 30))
    assert (before.limit, [c.violation for c in before.cases]) == (3, ["warning", None, None])
    with pytest.raises(ConfigError):
        count(con, rows, as_of=date(2011, 6, 30))


def test_who_it_is_is_never_guessed(con: duckdb.DuckDBPyConnection) -> None:
    rows = [
        *[case(n, f"2026-0{n}-01", vehicle_key=None, driver_key="3*****4") for n in range(1, 6)],
        *[case(10 + n, f"2026-0{n}-02", vehicle_key=None, source_org_code=B) for n in (1, 2)],
    ]
    found = count(con, rows, near=True)
    assert found.all() == ()
    told = {u.org: (u.vehicle, u.driver, u.transport_enterprise) for u in found.uncounted}
    assert told == {A: (5, 5, 5), B: (2, 2, 2)}


def test_what_a_person_should_look_at_first(con: duckdb.DuckDBPyConnection) -> None:
    sold = [
        case(n, f"2026-0{n}-01", operator_key=f"o{n % 2}",
             vehicle_registration_division=(HENAN, ANHUI)[n % 2])
        for n in range(1, 5)
    ]  # fmt: skip
    found = vehicle(con, sold)
    assert found.doubts == ("several_operators", "registration_differs")
    assert found.division == HENAN  # that of the latest case
    nowhere = vehicle(con, times(4, vehicle_registration_division=None))
    assert (nowhere.doubts, nowhere.division) == (("registration_unknown",), None)
    two = [
        *times(4),
        case(9, "2026-06-01", vehicle_key="示A00001/blue", vehicle_plate_no="示A00001"),
    ]
    assert "several_colours" in vehicle(con, two).doubts
    (driver,) = count(con, times(4, vehicle_key=None, driver_key="d"), kinds=("driver",)).drivers
    assert driver.doubts == ("office_by_vehicle",)


def test_nobody_is_counted_out_of_nothing(con: duckdb.DuckDBPyConnection) -> None:
    assert count(con, []).all() == ()
    gone = vehicle(con, [])
    assert (gone.count, gone.cases, gone.standing) == (0, (), "below")
    leads = [c | {"record_type": "lead"} for c in times(9)]
    assert count(con, leads, near=True).all() == ()


def test_limits_in_words() -> None:
    assert limit_text(Decimal("0.1"), is_ratio=True) == "10 %"
    assert limit_text(Decimal("0.125"), is_ratio=True) == "12.5 %"
    assert limit_text(Decimal(3), is_ratio=False) == "3"
