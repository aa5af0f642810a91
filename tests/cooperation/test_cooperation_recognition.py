"""What another agency's result counts for: the legal check and the proposals."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from cooperation.recognition.effects import DECISIONS, LAW, effects
from cooperation.recognition.legal import Rules, legal_check
from cooperation.recognition.matches import exemption_pairs, same_act_pairs, subject_pairs
from cooperation.recognition.propose import is_reminder, propose, uses
from cooperation.recognition.sides import COLUMNS, Match, Side
from flows.case_rows import COLUMNS as INDEX_COLUMNS
from flows.case_rows import KEYS
from schemas.codes import canonical
from schemas.sql import connect

OURS, THEIRS = "11999901HEFUFLWB2F", "11999900HEFUFLWA1W"
ON = date(2026, 10, 9)
NOON = datetime(2026, 9, 20, 4, tzinfo=UTC)
#: Zhejiang: its own tariff goes before the national one.
RULES = Rules("330523")
SAME_ACT = Match("exact", Decimal(1), ("same_plate_colour",), same_act=True)
USES = tuple(LAW)


def side(**more: Any) -> Side:
    """A fine of another agency, decided and delivered."""
    given: dict[str, Any] = {
        "record_id": "a" * 32,
        "record_type": "case_result",
        "content_hash": "1" * 64,
        "source_org_code": THEIRS,
        "is_own": False,
        "data_status": "valid",
        "no": "甲交罚〔2026〕1号",
        "vehicle_key": "示A00001/yellow",
        "party_key": "hs256:" + "0" * 64,
        "act_time": NOON,
        "cause": "overload_road",
        "total_weight_kg": 75000,
        "limit_weight_kg": 49000,
        "decision_type": "penalty",
        "decision_date": date(2026, 9, 25),
        "delivery_date": date(2026, 9, 26),
        "fine_amount_cny": Decimal("13000.00"),
        "review_status": "upheld",
        "counts_toward_accumulation": True,
        "rule_pack_version": "cn-2026.11",
    }
    return Side(**(given | more))


def own(**more: Any) -> Side:
    """An own lead of later than the original."""
    given: dict[str, Any] = {
        "record_id": "b" * 32,
        "record_type": "lead",
        "source_org_code": OURS,
        "is_own": True,
        "no": "乙线〔2026〕1号",
        "act_time": NOON + timedelta(hours=1),
        "decision_type": None,
        "decision_date": None,
        "delivery_date": None,
        "fine_amount_cny": None,
        "review_status": None,
        "counts_toward_accumulation": None,
    }
    return side(**(given | more))


def codes(original: Side, use: Any = "duplicate_fine_check", on: date = ON) -> set[tuple[str, str]]:
    return {(f.code, f.weight) for f in legal_check(original, use, on, RULES)}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, set()),
        ({"delivery_date": ON}, set()),
        ({"delivery_date": ON + timedelta(days=1)}, {("not_final", "limits")}),
        ({"delivery_date": None}, {("not_final", "limits")}),
        ({"decision_date": ON + timedelta(days=1)}, {("not_final", "limits")}),
        ({"decision_date": None, "decision_type": "unmapped"}, {("not_final", "limits")}),
        ({"review_status": "pending"}, {("under_review", "limits")}),
        ({"litigation_status": "pending"}, {("under_review", "limits")}),
        ({"review_status": "revoked"}, {("revoked", "blocks")}),
        ({"litigation_status": "confirmed_illegal"}, {("revoked", "blocks")}),
        ({"review_status": "changed"}, {("revoked", "limits")}),
        ({"review_status": "changed", "data_status": "corrected"}, set()),
        ({"data_status": "revoked"}, {("revoked", "blocks")}),
        ({"data_status": "removed"}, {("revoked", "blocks")}),
        ({"data_status": "repaired"}, set()),
        ({"cause": None}, {("cause_unmapped", "limits")}),
        ({"cause": "unmapped"}, {("cause_unmapped", "limits")}),
        ({"fine_amount_cny": None}, {("no_basis", "limits")}),
        ({"fine_amount_cny": Decimal(0)}, {("no_basis", "blocks")}),
        ({"decision_type": "no_penalty_first"}, {("no_basis", "blocks")}),
        ({"decision_type": "criminal_transfer"}, {("no_basis", "limits")}),
        ({"publicity_deadline": date(2026, 1, 1)}, set()),
    ],
)
def test_what_stands_against_a_fine_elsewhere(
    changed: dict[str, Any], expected: set[tuple[str, str]]
) -> None:
    assert codes(side(**changed)) == expected


def test_the_end_of_publication_matters_for_credit_from_the_day_after() -> None:
    for field in ("publicity_deadline", "penalty_valid_until"):
        last = side(**{field: ON})
        assert codes(last, "credit") == set()
        assert codes(last, "credit", ON + timedelta(days=1)) == {("expired", "limits")}
        assert codes(last, "accumulation", ON + timedelta(days=1)) == set()


def test_the_period_of_reconsideration_is_told_to_its_last_day() -> None:
    fresh = side(review_status=None)
    last = date(2026, 9, 26) + timedelta(days=60)
    assert codes(fresh, on=last) == {("not_final", "told")}
    assert codes(fresh, on=last + timedelta(days=1)) == set()


def test_what_counts_there_need_not_count_here() -> None:
    assert codes(side(counts_toward_accumulation=False), "accumulation") == {
        ("rule_difference", "limits")
    }
    assert codes(side(decision_type="not_established"), "accumulation") == {("no_basis", "blocks")}


def test_every_reason_and_use_is_of_its_list() -> None:
    reasons = {row.code for row in canonical("recognition_reason")}
    assert set(USES) == {row.code for row in canonical("recognition_use")}
    statuses = [row.code for row in canonical("review_status")]
    decisions = [row.code for row in canonical("decision_type")]
    for use in USES:
        assert set(effects(use, own(), side())) == set(DECISIONS)
        for status in statuses:
            for decision in decisions:
                found = side(review_status=status, decision_type=decision, cause=None)
                assert {f.code for f in legal_check(found, use, ON, RULES)} <= reasons


def asked(mine: Side, other: Side, match: Match = SAME_ACT, on: date = ON) -> set[str]:
    return set(uses(mine, other, match, on, RULES))


def shared(*names: str) -> Match:
    return Match("exact", Decimal(1), (), same_act=False, shared=frozenset(names))


def test_one_act_is_asked_about_for_what_is_open_or_fined() -> None:
    duplicate = {"duplicate_fine_check"}
    case = own(record_type="case_result")
    fined = replace(case, decision_type="penalty", decision_date=ON, fine_amount_cny=Decimal(500))
    assert asked(own(), side()) == asked(case, side()) == asked(fined, side()) == duplicate
    let_off = replace(fined, decision_type="no_penalty_minor", fine_amount_cny=None)
    assert asked(let_off, side()) == set()
    assert asked(own(data_status="revoked"), side()) == set()
    assert asked(own(), side(record_type="lead")) == set()  # a lead is no result yet
    assert asked(side(), side()) == set()  # neither is ours
    assert asked(own(), replace(side(), is_own=True)) == set()


def test_the_window_of_a_first_offence_is_two_years_to_the_day() -> None:
    party = shared("party")
    first = own(act_time=datetime(2026, 9, 20, 4, tzinfo=UTC))
    inside = side(act_time=datetime(2024, 9, 20, 4, tzinfo=UTC))
    outside = side(act_time=datetime(2024, 9, 19, 4, tzinfo=UTC))
    assert "first_offence_check" in asked(first, inside, party)
    assert "first_offence_check" not in asked(first, outside, party)
    assert asked(first, replace(inside, cause="cargo_spill"), party) == set()
    assert asked(first, replace(inside, decision_type="not_established"), party) == set()
    assert asked(first, replace(inside, act_time=first.act_time), party) == set()
    decided = replace(first, record_type="case_result", decision_date=ON)
    assert "first_offence_check" in asked(
        replace(decided, decision_type="no_penalty_first"), inside, party
    )
    assert "first_offence_check" not in asked(
        replace(decided, decision_type="penalty"), inside, party
    )


def test_overloads_of_one_vehicle_accumulate_within_the_year() -> None:
    vehicle = shared("vehicle")
    late = own(act_time=datetime(2026, 9, 20, 4, tzinfo=UTC))
    inside = side(act_time=datetime(2025, 9, 20, 4, tzinfo=UTC))
    outside = side(act_time=datetime(2025, 9, 19, 4, tzinfo=UTC))
    assert asked(late, inside, vehicle) == {"accumulation"}
    assert asked(late, outside, vehicle) == set()
    assert "accumulation" not in asked(late, inside, shared("party"))
    light = replace(late, total_weight_kg=49000)
    assert asked(light, inside, vehicle) == set()


def test_an_inspection_frees_from_another_to_its_last_day() -> None:
    vehicle = shared("vehicle")
    seen = side(record_type="inspection", inspection_result="no_problem", cause=None)
    for days, expected in ((0, 1), (7, 1), (8, 0)):
        planned = own(
            record_type="inspection", act_time=NOON + timedelta(days=days), inspection_result=None
        )
        assert len(asked(planned, seen, vehicle)) == expected
    done = own(record_type="inspection", inspection_result="no_problem")
    assert asked(done, seen, vehicle) == set()
    planned = own(record_type="inspection", act_time=NOON + timedelta(days=3))
    clean = propose("inspection_exemption", planned, seen, vehicle, ON, RULES)
    assert (clean.proposed, clean.valid_to) == ("recognised", date(2026, 9, 27))
    found = replace(seen, inspection_result="case_to_file")
    assert (
        propose("inspection_exemption", planned, found, vehicle, ON, RULES).proposed
        == "not_recognised"
    )


def test_recognition_is_never_copying() -> None:
    told = propose("duplicate_fine_check", own(), side(), SAME_ACT, ON, RULES)
    assert told.proposed == "recognised"
    assert told.tariff is not None
    assert "5,160.00" in told.tariff.zh  # 浙江省公路条例
    assert "13,000.00" in told.tariff.zh  # what was decided there
    assert ("rule_difference", "told") in {(f.code, f.weight) for f in told.findings}
    assert {b.entry for b in told.bases} >= {"no_second_fine", "no_two_fines"}
    assert told.crosswalk_id == "cn-2026.11~" + "+".join(("cn-2026.11", "zj-2026.11"))
    same = propose(
        "duplicate_fine_check", own(), side(fine_amount_cny=Decimal("5160.00")), SAME_ACT, ON, RULES
    )
    assert same.tariff is None


def test_what_is_probable_is_recognised_in_part_at_most() -> None:
    maybe = replace(SAME_ACT, level="probable")
    told = propose("duplicate_fine_check", own(), side(), maybe, ON, RULES)
    assert (told.proposed, told.reason) == ("partly", "identity_uncertain")
    gone = propose("duplicate_fine_check", own(), side(review_status="revoked"), maybe, ON, RULES)
    assert (gone.proposed, gone.reason) == ("not_recognised", "revoked")


def test_who_was_let_off_and_offends_again_is_told_of() -> None:
    let_off = side(decision_type="no_penalty_first", act_time=NOON - timedelta(days=30))
    assert is_reminder(let_off, own(), RULES)
    assert not is_reminder(let_off, side(), RULES)  # neither is ours
    assert not is_reminder(side(), own(), RULES)
    assert not is_reminder(replace(let_off, act_time=NOON - timedelta(days=800)), own(), RULES)
    said = effects("first_offence_check", own(), let_off)["recognised"]
    assert "再次违法" in said.zh


# Matches by subject, as SQL


def _relation(con: Any, name: str, sides: list[Side]) -> None:
    kinds = {**INDEX_COLUMNS, **dict.fromkeys(KEYS, "VARCHAR"), "about_time": "TIMESTAMPTZ"}
    con.execute(
        f"CREATE TABLE {name} ({', '.join(f'{column} {kind}' for column, kind in kinds.items())})"
    )
    for each in sides:
        names = [*COLUMNS, "about_time", "vehicle_plate_no", "vehicle_plate_color"]
        plate, _, colour = (each.vehicle_key or "/").partition("/")
        values = [*(getattr(each, c) for c in COLUMNS), each.act_time, plate or None, colour]
        con.execute(
            f"INSERT INTO {name} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})",
            values,
        )


def test_records_match_by_equal_keys_and_earlier_time() -> None:
    con = connect()
    year = timedelta(days=366)
    mine = own(party_key="hs256:" + "1" * 64)
    others = [
        side(record_id="1" * 32),
        side(record_id="2" * 32, party_key=mine.party_key, vehicle_key=None),
        side(record_id="3" * 32, vehicle_key="示A00002/yellow"),  # another one
        side(record_id="4" * 32, act_time=NOON + timedelta(hours=2)),  # later
        side(record_id="5" * 32, act_time=NOON - timedelta(days=400)),  # too early
        side(record_id="6" * 32, data_status="removed"),
    ]
    _relation(con, "mine", [mine])
    _relation(con, "others", others)
    found = {p.original.record_id[0]: p.match for p in subject_pairs(con, "mine", "others", year)}
    assert {name: set(match.shared) for name, match in found.items()} == {
        "1": {"vehicle"},
        "2": {"party"},
    }
    assert found["1"].evidence == ("same_vehicle",)
    (pair,) = (p for p in same_act_pairs(con, "mine", "others") if p.original.record_id[0] == "1")
    assert pair.match.same_act
    assert pair.match.level == "exact"
    assert 0 < pair.match.score <= 1


def test_an_exemption_and_what_came_later_are_a_pair() -> None:
    con = connect()
    let_off = side(decision_type="no_penalty_first", act_time=NOON - timedelta(days=30))
    _relation(con, "cases", [let_off, own(), side(record_id="c" * 32)])
    found = exemption_pairs(con, "cases", timedelta(days=732))
    assert [(e.record_id[0], later.record_id[0]) for e, later in found] == [("a", "b")]
