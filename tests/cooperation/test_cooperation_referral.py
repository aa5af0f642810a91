"""Which agency a record goes to, what a lead holds, what another system's disposition says."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cooperation.procedures.act import Act, MatterKey
from cooperation.procedures.fold import fold
from cooperation.referral.answers import Unclear, steps
from cooperation.referral.leads import case_lead, lead_number
from cooperation.referral.routes import Candidate, Chosen, Left, RoutingRule, choose, territory

DAY = date(2026, 10, 8)
OWN = "330523"


def rule(to: str = "B", **more: Any) -> RoutingRule:
    values: dict[str, Any] = {
        "agreement": "a-b", "since": date(2026, 1, 1), "to_org": to, "kind": "copy_notice",
        "record_type": "case_result", "by": "registration_place", "causes": ("overload_road",),
        "divisions": ("341822",),
    }  # fmt: skip
    return RoutingRule(**(values | more))


def case(**more: Any) -> Candidate:
    values: dict[str, Any] = {
        "record_id": "1", "record_type": "case_result", "no": "1", "done": DAY,
        "cause": "overload_road", "registration_division": "341822",
    }  # fmt: skip
    return Candidate(**(values | more))


def reason(candidate: Candidate, *rules: RoutingRule) -> str | None:
    answer = choose(candidate, rules, OWN)
    return answer.reason if isinstance(answer, Left) else None


def to(candidate: Candidate, *rules: RoutingRule) -> str | None:
    answer = choose(candidate, rules, OWN)
    return answer.rule.to_org if isinstance(answer, Chosen) else None


def test_a_case_goes_to_where_the_vehicle_is_registered() -> None:
    assert to(case(), rule()) == "B"
    assert to(case(registration_division="341821"), rule()) is None
    assert choose(case(cause="vehicle_modified"), [rule()], OWN) is None, "no rule is about it"


def test_the_longest_beginning_wins_and_equal_ones_are_for_a_person() -> None:
    city, county = rule("CITY", divisions=("3418",)), rule("COUNTY", divisions=("341822",))
    assert to(case(), city, county) == "COUNTY"
    assert to(case(registration_division="341821"), city, county) == "CITY"
    assert reason(case(), county, rule("OTHER")) == "ambiguous"
    assert to(case(), rule(kind="transfer"), rule(kind="copy_notice")) == "B"


def test_a_plate_names_the_province_and_no_more() -> None:
    known = case(registration_division=None, plate="皖P00000")
    assert reason(known, rule()) == "place_vague"
    answer = choose(known, [rule(divisions=("34",))], OWN)
    assert isinstance(answer, Chosen)
    assert answer.place is not None
    assert (answer.place.code, answer.place.derived) == ("34", True)
    assert reason(case(registration_division=None, plate="浙E00000"), rule()) == "place_vague"
    assert reason(case(registration_division=None, plate="鲁A00000"), rule()) == "no_route"
    assert reason(case(registration_division=None, plate=None), rule()) == "place_unknown"
    assert reason(case(registration_division=None, plate="使000000"), rule()) == "place_unknown"


def test_what_is_our_own_stays_and_a_longer_beginning_goes_all_the_same() -> None:
    assert reason(case(registration_division=OWN), rule()) == "own_territory"
    city_office = choose(
        case(registration_division="330523"), [rule(divisions=("330523",))], "330500"
    )
    assert isinstance(city_office, Chosen), "a city's county has an office of its own"
    assert territory("330500") == "3305"
    assert territory("330000") == "33"
    assert territory("330523") == "330523"


@pytest.mark.parametrize(
    "unfit", ["not_shared", "discipline", "revoked", "no_violation", "criminal"]
)
def test_what_may_not_go_is_left_whatever_its_place(unfit: Any) -> None:
    assert reason(case(unfit=unfit), rule()) == unfit


def test_nothing_older_than_the_agreement_is_swept_up() -> None:
    assert to(case(done=date(2026, 1, 1)), rule()) == "B"
    assert reason(case(done=date(2025, 12, 31)), rule()) == "before_agreement"


def test_a_lead_goes_to_whom_it_names_and_to_nobody_else() -> None:
    named = rule(record_type="lead", by="addressee", causes=(), divisions=())
    placed = rule("C", record_type="lead", by="act_place", causes=())
    lead = case(record_type="lead", addressee="B", act_division="341822")
    assert to(lead, named, placed) == "B"
    assert choose(lead, [placed], OWN) is None, "named for another agency"
    nobody = case(record_type="lead", act_division="341822")
    assert to(nobody, named, placed) == "C"
    assert choose(nobody, [named], OWN) is None
    assert reason(case(record_type="lead"), named, placed) == "place_unknown"


DIVISIONS = st.text("0123456789", min_size=2, max_size=6)


@given(
    st.lists(
        st.builds(
            rule,
            st.sampled_from(["B", "C", "D"]),
            divisions=st.lists(DIVISIONS, max_size=3).map(tuple),
            kind=st.sampled_from(["copy_notice", "transfer", "assist"]),
        ),
        max_size=5,
    ),
    st.text("0123456789", min_size=6, max_size=6),
    st.randoms(),
)
def test_the_order_of_rules_never_matters_and_a_choice_covers_the_place(
    rules: list[RoutingRule], place: str, random: Any
) -> None:
    record = case(registration_division=place)
    shuffled = random.sample(rules, len(rules))
    first, second = choose(record, rules, OWN), choose(record, shuffled, OWN)
    if isinstance(first, Chosen):
        assert isinstance(second, Chosen)
        assert (first.rule.to_org, first.rule.kind) == (second.rule.to_org, second.rule.kind)
        assert any(place.startswith(d) for d in first.rule.divisions)
    else:
        assert first == second


def test_a_lead_of_a_case_holds_the_list_of_the_article_and_nothing_private_beyond() -> None:
    row = {
        "violation_type": "超限", "filing_time": None, "occurred_time": None,
        "decision_date": date(2026, 10, 8), "vehicle_plate_no": "示A00001",
        "qualification_certificate_no": "1", "penalty_decision_no": "罚1号",
        "party_phone": "10000000000", "party_address": "虚构路", "driver_license_no": "1",
        "vin": "1", "legal_representative": "虚构", "inspection_form": "off_site",
    }  # fmt: skip
    lead = case_lead(row)
    assert lead["vehicle_plate_no"] == "示A00001"
    assert lead["penalty_decision_no"] == "罚1号"
    assert lead["lead_source"] == "wim"
    assert lead["discovered_time"].date() == date(2026, 10, 8)
    private = {"party_phone", "party_address", "driver_license_no", "vin", "legal_representative"}
    assert not private & lead.keys()


def test_a_lead_has_one_number_for_one_record_and_addressee() -> None:
    assert lead_number("A" * 18, "r", "B") == lead_number("A" * 18, "r", "B")
    assert lead_number("A" * 18, "r", "B") != lead_number("A" * 18, "r", "C")


# -- dispositions ---------------------------------------------------------------------------------


def said(action: str, **more: Any) -> dict[str, Any]:
    return {"disposition_action": action, "filing_decision": None} | more


def codes(row: dict[str, Any], state: str) -> list[str] | None:
    answer = steps(row, state)
    return None if isinstance(answer, Unclear) else [step.act for step in answer]


@pytest.mark.parametrize(
    ("row", "state", "acts"),
    [
        (said("accepted"), "sent", ["sign"]),
        (said("accepted"), "verifying", []),
        (said("accepted", filing_decision="filed"), "sent", ["sign", "file"]),
        (said("filed"), "sent", ["sign", "file"]),
        (said("filed"), "signed", ["file"]),
        (said("filed"), "filed", []),
        (said("filed"), "withdrawn", ["file"]),
        (said("filed", filing_decision="not_filed"), "signed", None),
        (said("not_filed", disposition_reason="无违法"), "sent", ["sign", "decline"]),
        (said("not_filed"), "filed", None),
        (said("supplement", supplement_materials=["称重单"]), "sent", ["request_supplement"]),
        (said("supplement"), "sent", None),
        (said("returned"), "signed", ["reject"]),
        (said("returned"), "filed", None),
        (said("forwarded", forwarded_to_org="C"), "signed", ["forward"]),
        (said("forwarded"), "signed", None),
        (said("closed"), "filed", ["feed_back"]),
        (said("closed", filing_decision="filed"), "sent", ["sign", "file", "feed_back"]),
        (said("closed", filing_decision="not_filed"), "sent", ["sign", "decline"]),
        (said("closed"), "result_fed_back", []),
        (said("unmapped"), "sent", None),
    ],
)
def test_a_disposition_leads_to_the_state_that_it_says(
    row: dict[str, Any], state: str, acts: list[str] | None
) -> None:
    assert codes(row, state) == acts


# -- the table ------------------------------------------------------------------------------------

KEY = MatterKey("A", "CG-1")


def act(code: str, sequence: int, by: str, **more: Any) -> Act:
    return Act(
        record_id=f"{by}{sequence}{code}", source_org=by, procedure="referral", matter=KEY,
        code=code, sequence=sequence, act_time=datetime(2026, 10, sequence, tzinfo=UTC),
        acting_org=by, party_orgs=("A", "B"), **more,
    )  # fmt: skip


SENT = act("send", 1, "A", to_org="B")


@pytest.mark.parametrize(
    ("theirs", "state"),
    [
        ([], "withdrawn"),
        ([act("sign", 2, "B")], "withdrawn"),
        ([act("sign", 2, "B"), act("file", 3, "B")], "filed"),
        ([act("sign", 2, "B"), act("start_verification", 3, "B"), act("file", 4, "B")], "filed"),
        ([act("sign", 2, "B"), act("decline", 3, "B")], "withdrawn"),
        ([act("reject", 2, "B")], "rejected"),
    ],
)
def test_a_filing_that_crossed_a_withdrawal_stands(theirs: list[Act], state: str) -> None:
    withdrawn = act("withdraw", 2, "A")
    assert fold(KEY, "referral", [SENT, withdrawn, *theirs]).state_name == state
    assert fold(KEY, "referral", [*reversed(theirs), withdrawn, SENT]).state_name == state


def test_a_notice_is_answered_without_a_filing_and_closed_without_an_answer() -> None:
    handled = [SENT, act("sign", 2, "B"), act("feed_back", 3, "B")]
    assert fold(KEY, "referral", handled).state_name == "result_fed_back"
    assert fold(KEY, "referral", [SENT, act("close", 2, "A")]).state_name == "closed"
