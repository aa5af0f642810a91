"""Procedure, exemption, limitation and ranges of fines: each number on both sides."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import ConfigError
from schemas.law.exemption import grounds, list_items
from schemas.law.limitation import limitation
from schemas.law.penalties import fine_range
from schemas.law.procedure import (
    Proposed,
    collective_discussion_needed,
    hearing_right,
    late_payment,
    legal_review_needed,
    on_the_spot_collection,
    summary_allowed,
)
from schemas.rulepack import load_rule_pack, parse_rule_pack, rule_packs

DAY = date(2026, 10, 8)
HERE = "330523"


def proposed(
    fine: str = "0", party: str = "natural_person", kinds: str = "fine", confiscated: str = "0"
) -> Proposed:
    return Proposed(frozenset(kinds.split()), party, Decimal(fine), Decimal(confiscated))


@pytest.mark.parametrize(
    ("party", "fine", "allowed"),
    [
        ("natural_person", "200", True),
        ("natural_person", "200.01", False),
        ("individual_business", "200.01", False),
        ("legal_org", "3000", True),
        ("legal_org", "3000.01", False),
    ],
)
def test_summary_procedure_up_to_its_limit(party: str, fine: str, allowed: bool) -> None:
    answer = summary_allowed(proposed(fine, party), HERE, DAY)
    assert answer.holds is allowed
    assert answer.force == "may"
    assert "第五十一条" in answer.reasons[0].basis.article
    assert answer.verified


@pytest.mark.parametrize(("fine", "holds"), [("200", True), ("3000", None), ("3000.01", False)])
def test_of_an_unknown_party_only_what_holds_for_all_is_answered(
    fine: str, holds: bool | None
) -> None:
    proposed = Proposed(frozenset({"fine"}), "unmapped", Decimal(fine))
    answer = summary_allowed(proposed, "341882", date(2026, 10, 8))
    assert answer.holds is holds
    assert answer.open_questions == (() if holds is not None else ("party_category",))


def test_summary_procedure_is_only_for_warnings_and_fines() -> None:
    assert summary_allowed(proposed(kinds="warning"), HERE, DAY).holds
    answer = summary_allowed(proposed(kinds="fine licence_suspension"), HERE, DAY)
    assert answer.holds is False
    assert "licence_suspension" in answer.reasons[0].text.en


def test_procedure_before_the_law_of_2021_is_not_guessed() -> None:
    assert summary_allowed(proposed("50"), HERE, date(2021, 7, 15)).holds
    with pytest.raises(ConfigError, match="2021-07-14"):
        summary_allowed(proposed("50"), HERE, date(2021, 7, 14))


@pytest.mark.parametrize(
    ("what", "right"),
    [
        (proposed("9999.99"), False),
        (proposed("10000"), True),
        (proposed("99999.99", "legal_org"), False),
        (proposed("100000", "legal_org"), True),
        (proposed(kinds="licence_revocation"), True),
        (proposed(kinds="qualification_downgrade"), True),
        (proposed(kinds="production_suspension"), True),
        (proposed(kinds="licence_suspension"), False),
        (proposed(kinds="confiscation_of_gains", confiscated="10000"), True),
        (proposed(kinds="confiscation_of_gains", confiscated="9999.99"), False),
    ],
)
def test_hearing_is_offered_for_these_kinds_and_from_these_amounts(
    what: Proposed, right: bool
) -> None:
    answer = hearing_right(what, HERE, DAY)
    assert answer.holds is right
    assert bool(answer.reasons) is right


def test_a_hearing_by_amount_rests_on_a_number_that_nobody_verified() -> None:
    assert not hearing_right(proposed("20000"), HERE, DAY).verified
    assert hearing_right(proposed(kinds="closure"), HERE, DAY).verified
    assert hearing_right(proposed(), HERE, DAY, {"other_severe_penalty": True}).holds


def test_review_and_discussion_name_the_facts_that_are_unknown() -> None:
    asked = legal_review_needed({}, HERE, DAY)
    assert asked.holds is None
    assert set(asked.open_questions) == {
        "major_public_interest", "major_rights_after_hearing", "complex_case",
        "review_by_other_provision",
    }  # fmt: skip
    no = dict.fromkeys(asked.open_questions, False)
    assert legal_review_needed(no, HERE, DAY).holds is False
    one = legal_review_needed({"complex_case": True}, HERE, DAY)
    assert (one.holds, one.force) == (True, "shall")
    assert "第五十八条" in one.reasons[0].basis.article
    major = collective_discussion_needed({"major_violation": True}, HERE, DAY)
    assert "第五十七条" in major.reasons[0].basis.article


@pytest.mark.parametrize(("fine", "holds"), [("100", True), ("100.01", None)])
def test_collection_on_the_spot(fine: str, holds: bool | None) -> None:
    assert on_the_spot_collection(Decimal(fine), {}, HERE, DAY).holds is holds
    hard = on_the_spot_collection(Decimal(fine), {"hard_to_execute_later": True}, HERE, DAY)
    assert hard.holds is True


@pytest.mark.parametrize(
    ("days", "yuan", "capped"),
    [
        (0, "0", False),
        (1, "30", False),
        (33, "990", False),
        (34, "1000", True),
        (400, "1000", True),
    ],
)
def test_late_payment_grows_by_the_day_up_to_the_fine(days: int, yuan: str, capped: bool) -> None:
    found = late_payment(Decimal(1000), days, HERE, DAY)
    assert (found.amount_cny, found.capped) == (Decimal(yuan), capped)
    with pytest.raises(ConfigError):
        late_payment(Decimal(1000), -1, HERE, DAY)


@given(st.decimals(0, 10**6, places=2), st.integers(0, 1000))
def test_late_payment_never_exceeds_the_fine(fine: Decimal, days: int) -> None:
    assert 0 <= late_payment(fine, days, HERE, DAY).amount_cny <= fine


def test_grounds_of_article_33() -> None:
    facts = {"first_offence": True, "slight_harm": True, "corrected_in_time": True}
    found = {g.code: g for g in grounds(facts, HERE, DAY)}
    assert found["33-1b"].holds is True
    assert found["33-1b"].consequence == "may_not_punish"
    assert found["33-1b"].decision_type == "no_penalty_first"
    assert found["33-1a"].holds is None
    assert found["33-1a"].missing == ("minor_violation", "no_harm")
    assert found["33-1a"].consequence == "shall_not_punish"
    refuted = {g.code: g for g in grounds(facts | {"first_offence": False}, HERE, DAY)}
    assert (refuted["33-1b"].holds, refuted["33-1b"].missing) == (False, ())
    assert grounds(facts, HERE, date(2021, 7, 14)) == ()


ITEM = """\
name = "xx"
version = "xx-1"
jurisdiction = "某市"
jurisdiction_en = "some city"
divisions = ["3305"]

[[exemption_item]]
name = "first_certificate_not_carried"
list = "first_offence"
item = "1"
causes = ["vehicle_certificate_not_carried"]
conditions = ["初次违法", "当场改正"]
follow_up_days = 30
article = "某市首违免罚事项清单（示例）第1项"
text = "摘要：首次未随车携带道路运输证，当场改正的"
source = "memory"
verified = false
valid_from = 2025-01-01
"""


def test_lists_of_a_city_hold_in_the_city_from_their_day() -> None:
    packs = [*rule_packs(), parse_rule_pack(ITEM, Path("xx.toml"))]
    cause = "vehicle_certificate_not_carried"
    found = list_items(HERE, DAY, cause=cause, packs=packs)
    assert [f.entry.follow_up_days for f in found] == [30]
    assert found[0].basis.article == "某市首违免罚事项清单（示例）第1项"
    assert list_items(HERE, date(2024, 12, 31), cause=cause, packs=packs) == ()
    assert list_items("330100", DAY, cause=cause, packs=packs) == ()
    assert list_items(HERE, DAY, cause="overload_road", packs=packs) == ()
    assert list_items(HERE, DAY) == ()  # no real list is shipped: none was read


@pytest.mark.parametrize(
    ("ended", "grave", "last"),
    [
        (date(2024, 10, 8), False, date(2026, 10, 8)),
        (date(2024, 10, 8), True, date(2029, 10, 8)),
        (date(2024, 2, 29), False, date(2026, 2, 28)),
        (date(2023, 2, 28), True, date(2028, 2, 28)),
        (date(2022, 2, 28), False, date(2024, 2, 28)),
        (date(2019, 2, 28), True, date(2024, 2, 28)),
        (date(2023, 12, 31), False, date(2025, 12, 31)),
    ],
)
def test_limitation_ends_on_the_corresponding_day(ended: date, grave: bool, last: date) -> None:
    found = limitation(ended, HERE, DAY, grave=grave)
    assert found.last_day == last
    assert not found.passed_on(last)
    assert found.passed_on(last + timedelta(days=1))
    assert "第三十六条" in found.bases[0].article


def test_whether_the_first_day_counts_is_a_reading() -> None:
    cn = load_rule_pack("cn")
    other = cn.model_copy(
        update={
            "choices": tuple(
                c.model_copy(update={"value": "same_day"})
                if c.name == "limitation_first_day"
                else c
                for c in cn.choices
            )
        }
    )
    assert limitation(date(2024, 10, 8), HERE, DAY, packs=[other]).last_day == date(2026, 10, 7)


@given(st.dates(date(1950, 1, 1), date(9999, 12, 31)), st.booleans())
def test_limitation_is_monotone_and_never_raises(ended: date, grave: bool) -> None:
    found = limitation(ended, HERE, DAY, grave=grave)
    assert found.last_day >= ended
    if ended < date.max:
        assert (
            limitation(ended + timedelta(days=1), HERE, DAY, grave=grave).last_day >= found.last_day
        )
    assert limitation(ended, HERE, DAY, grave=True).last_day >= found.last_day


PASSENGER = "no_road_passenger_licence"


@pytest.mark.parametrize(
    ("act", "decision", "least"),
    [
        (date(2023, 7, 19), date(2023, 7, 19), 30_000),
        (date(2023, 7, 19), None, 30_000),
        (date(2023, 7, 19), date(2023, 7, 20), 10_000),  # the new law is lighter (art. 37)
        (date(2023, 7, 20), date(2023, 7, 20), 10_000),
        (date(2023, 7, 20), date(2026, 10, 8), 10_000),
    ],
)
def test_a_fine_goes_by_the_law_of_the_act_unless_the_new_one_is_lighter(
    act: date, decision: date | None, least: int
) -> None:
    found = fine_range(PASSENGER, HERE, act, decision)
    assert found is not None
    assert (found.min_cny, found.max_cny) == (least, 100_000)
    assert found.verified is (least == 10_000)


def test_the_heavier_law_does_not_reach_back() -> None:
    """The dated pair turned round: what was 10 000 becomes 30 000."""
    cn = load_rule_pack("cn")
    swapped = tuple(
        r.model_copy(update={"min_cny": Decimal(40_000 - int(r.min_cny))})
        if PASSENGER in r.causes
        else r
        for r in cn.penalty_ranges
    )
    packs = [cn.model_copy(update={"penalty_ranges": swapped})]
    found = fine_range(PASSENGER, HERE, date(2023, 7, 19), date(2023, 7, 20), packs)
    assert found is not None
    assert found.min_cny == 10_000


def test_ranges_of_each_article() -> None:
    def ends(cause: str) -> tuple[int, int]:
        found = fine_range(cause, HERE, DAY)
        assert found is not None
        return int(found.min_cny), int(found.max_cny)

    assert ends("no_road_freight_licence") == (3_000, 50_000)
    assert ends("no_dangerous_goods_licence") == (30_000, 100_000)
    assert ends("no_driver_qualification") == (200, 2_000)
    assert ends("vehicle_modified") == (5_000, 20_000)
    assert ends("overload_road") == (0, 30_000)
    assert ends("overlimit_permit_lent") == (1_000, 5_000)
    assert fine_range("other", HERE, DAY) is None
    assert fine_range("vehicle_modified", HERE, date(2023, 7, 19)) is None
