"""Suspected crimes: every path of 310号令, each guard, each period at its edge, what is held up."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from cooperation_acts import CST, KEY, act
from cooperation_signs import find

from cooperation.procedures.act import Act, Material
from cooperation.procedures.clocks import Clock, Law, clocks
from cooperation.procedures.fold import Matter, fold
from cooperation.procedures.guards import MATERIALS, broken, missing_materials
from cooperation.transfer.meanwhile import Penalty, held_up, penalties_meanwhile
from cooperation.transfer.missing import ALL, lines, outcomes
from schemas.rulepack import load_rule_pack

# Codes whose place 3 to 8 is the division: the agency is a county's, as the first police.
ORG, POLICE, OTHER_POLICE = KEY.org, "11999900HEFUPL0C1Y", "11999900HEFUPL0C2W"
COUNTY_POLICE, PROCURATORATE = "11999904HEFUPL0C3T", "11999900HEFUPR0C4R"
#: A Wednesday.
DAY = datetime(2026, 3, 4, 10, tzinfo=CST)
PAPER = {"source_org": ORG, "document_no": "文1"}
FULL = tuple(Material(kind, "present") for kind in MATERIALS)
SUBJECT = {"subject_record_ids": ("a" * 32,), "subject_nos": ("案1",)}
STEPS: dict[str, tuple[str, dict[str, Any]]] = {
    "suspect": (ORG, SUBJECT),
    "set_team": (ORG, {"officer_certificate_nos": ("1", "2")}),
    "report": (ORG, {"document_no": "报1"}),
    "approve": (ORG, {"approver_role": "principal_head", "actor_name": "某"}),
    "refuse": (ORG, {"approver_role": "acting_head", "actor_name": "某", "reason_text": "无"}),
    "dispatch": (ORG, {"to_org": POLICE, "document_no": "移1", "materials": FULL}),
    "sign_receipt": (POLICE, PAPER),
    "forward_to_competent": (POLICE, PAPER | {"to_org": OTHER_POLICE}),
    "police_file": (POLICE, PAPER),
    "police_decline": (POLICE, PAPER | {"reason_text": "无犯罪事实"}),
    "request_reconsideration": (ORG, {"document_no": "复1"}),
    "reconsidered_file": (POLICE, PAPER),
    "uphold": (POLICE, PAPER),
    "request_supervision": (ORG, {"to_org": PROCURATORATE, "document_no": "督1"}),
    "require_explanation": (PROCURATORATE, PAPER),
    "explain": (POLICE, PAPER),
    "order_filing": (PROCURATORATE, PAPER),
    "accept_non_filing": (PROCURATORATE, PAPER),
    "resume_administrative": (ORG, {"reason_text": "依法处理"}),
    "hand_over_property": (ORG, {"document_no": "交1"}),
    "conclude": (ORG, {"result_code": "convicted", "document_no": "判1"}),
    "return": (POLICE, PAPER),
}


def made(code: str, sequence: int = 1, when: datetime = DAY, **given: Any) -> Act:
    by, fields = STEPS[code]
    told = fields | {"procedure": "transfer", "act_time": when} | given
    return act(code, sequence, told.pop("acting_org", by), **told)


def way(*codes: str | Act, start: datetime = DAY) -> Matter:
    """The matter after these acts, an hour apart."""
    acts = [
        replace(one, sequence=number)
        if isinstance(one, Act)
        else made(one, number, start + timedelta(hours=number))
        for number, one in enumerate(codes, 1)
    ]
    return fold(KEY, "transfer", acts)


TO_SENT = ("suspect", "set_team", "report", "approve", "dispatch")
TO_REVIEW = (*TO_SENT, "sign_receipt")
TO_SUPERVISION = (*TO_REVIEW, "police_decline", "request_supervision")


@pytest.mark.parametrize(
    ("codes", "state"),
    [
        (("suspect", "set_team", "report", "refuse"), "refused"),
        (("suspect", "set_team", "report", "refuse", "report", "approve"), "approved"),
        ((*TO_REVIEW, "forward_to_competent"), "police_not_competent"),
        ((*TO_REVIEW, "police_file", "hand_over_property", "conclude"), "concluded"),
        ((*TO_REVIEW, "police_file", "conclude", "conclude", "return"), "returned"),
        ((*TO_REVIEW, "police_file", "return"), "returned"),
        (
            (*TO_REVIEW, "police_decline", "request_reconsideration", "reconsidered_file"),
            "filed",
        ),
        (
            (*TO_REVIEW, "police_decline", "request_reconsideration", "uphold",
             "resume_administrative"),
            "administrative",
        ),
        (
            (*TO_REVIEW, "police_decline", "request_reconsideration", "uphold",
             "request_supervision"),
            "supervision_requested",
        ),
        ((*TO_REVIEW, "police_decline", "resume_administrative"), "administrative"),
        (
            (*TO_SUPERVISION, "require_explanation", "explain", "order_filing", "police_file"),
            "filed",
        ),
        ((*TO_SUPERVISION, "require_explanation", "police_file"), "filed"),
        (
            (*TO_SUPERVISION, "require_explanation", "explain", "accept_non_filing",
             "resume_administrative"),
            "administrative",
        ),
        ((*TO_SENT, "request_supervision"), "supervision_requested"),
    ],
)  # fmt: skip
def test_a_way_of_the_law_leads_where_it_should(codes: tuple[str, ...], state: str) -> None:
    matter = way(*codes)
    assert matter.state_name == state
    assert matter.overtaken == ()


def test_after_forwarding_the_other_police_act_and_the_first_do_not() -> None:
    codes = (*TO_REVIEW, "forward_to_competent")
    theirs = made("sign_receipt", acting_org=OTHER_POLICE, when=DAY + timedelta(days=1))
    assert way(*codes, theirs).state_name == "receipt_signed"
    assert way(*codes, "sign_receipt").state_name == "police_not_competent"


def test_who_is_brought_in_later_follows_from_the_act_that_brings_it_in() -> None:
    whole = [made(c, n, DAY + timedelta(hours=n)) for n, c in enumerate(TO_SUPERVISION, 1)]
    answer = made("require_explanation", len(whole) + 1, DAY + timedelta(days=1))
    everywhere = fold(KEY, "transfer", [*whole, answer])
    assert everywhere.state_name == "explanation_required"
    at_police = fold(KEY, "transfer", [*whole[4:], answer])
    at_procuratorate = fold(KEY, "transfer", [whole[-1], answer])
    for there in (at_police, at_procuratorate):
        assert (there.state_name, there.last, there.overtaken) == (
            everywhere.state_name, everywhere.last, (),
        )  # fmt: skip
    # An act in the middle that brings nobody in begins nothing.
    assert fold(KEY, "transfer", whole[5:6]).applied == ()


# guards


def said(matter: Matter, act: Act, law: Law | None = None) -> list[str]:
    row = matter.table.row(matter.state_name, act.code)
    assert row is not None
    return [text.en for text in broken(matter, row, act, law or Law())]


@pytest.mark.parametrize(("officers", "passes"), [
    (("1",), False), (("1", "1"), False), (("1", ""), False), (("1", "2"), True),
])  # fmt: skip
def test_a_team_is_two_different_officers(officers: tuple[str, ...], passes: bool) -> None:
    team = made("set_team", officer_certificate_nos=officers)
    assert (said(way("suspect"), team) == []) is passes


@pytest.mark.parametrize(("role", "passes"), [
    ("principal_head", True), ("acting_head", True), ("deputy_head", False), ("other", False),
    (None, False),
])  # fmt: skip
@pytest.mark.parametrize("code", ["approve", "refuse"])
def test_the_principal_or_acting_head_decides(code: str, role: str | None, passes: bool) -> None:
    decision = made(code, approver_role=role)
    assert (said(way("suspect", "set_team", "report"), decision) == []) is passes


@pytest.mark.parametrize("kind", MATERIALS)
def test_each_of_the_five_materials_is_asked_for(kind: str) -> None:
    def with_state(state: str | None) -> tuple[str, ...]:
        there = tuple(m for m in FULL if m.kind != kind)
        more = (Material(kind, state),) if state else ()
        return missing_materials(made("dispatch", materials=(*there, *more)))

    assert with_state("present") == ()
    assert with_state(None) == with_state("missing") == (kind,)
    always = kind in ("transfer_letter", "investigation_report")
    assert with_state("not_applicable") == ((kind,) if always else ())


def test_a_missing_material_is_named_and_stops_the_transfer() -> None:
    approved = way("suspect", "set_team", "report", "approve")
    (refusal,) = said(approved, made("dispatch", materials=FULL[1:]))
    assert "transfer letter" in refusal
    assert said(approved, made("dispatch")) == []


def test_one_more_item_that_is_missing_is_missing() -> None:
    both = made("dispatch", materials=(*FULL, Material("other", "missing")))
    assert missing_materials(both) == ("other",)


def test_it_goes_to_police_of_the_same_level_or_says_why_not() -> None:
    approved = way("suspect", "set_team", "report", "approve")
    assert said(approved, made("dispatch", to_org=COUNTY_POLICE))
    assert said(approved, made("dispatch", to_org=COUNTY_POLICE, reason_text="指定管辖")) == []


def test_supervision_without_a_decision_waits_until_the_police_are_late() -> None:
    review = way(*TO_REVIEW)  # received on 4 March: three days end with 7 March
    late = datetime(2026, 3, 8, tzinfo=CST)
    too_early = late - timedelta(seconds=1)
    assert said(review, made("request_supervision", when=too_early, reason_text="逾期"))
    assert said(review, made("request_supervision", when=late, reason_text="逾期")) == []


@pytest.mark.parametrize(("result", "may"), [
    ("prosecuted", False), ("convicted", False), ("not_prosecuted", True),
    ("closed_without_charge", True),
])  # fmt: skip
def test_no_fine_beside_a_court(result: str, may: bool) -> None:
    matter = way(*TO_REVIEW, "police_file", made("conclude", result_code=result))
    assert matter.state.freezes == "all"
    assert (said(matter, made("resume_administrative")) == []) is may


def test_an_outcome_is_one_of_justice() -> None:
    matter = way(*TO_REVIEW, "police_file")
    assert said(matter, made("conclude", result_code="handled"))


# periods


@pytest.mark.parametrize(
    ("codes", "name", "due"),
    [
        (("suspect", "set_team", "report"), "transfer_approval", date(2026, 3, 8)),
        (TO_REVIEW, "police_filing", date(2026, 3, 8)),
        ((*TO_REVIEW, "police_decline"), "reconsideration_request", date(2026, 3, 8)),
        (
            (*TO_REVIEW, "police_decline", "request_reconsideration"),
            "reconsideration_decision", date(2026, 3, 8),
        ),
        (
            (*TO_REVIEW, "police_decline", "request_reconsideration", "uphold"),
            "supervision_request", date(2026, 3, 8),
        ),
        ((*TO_SUPERVISION, "require_explanation"), "police_explanation", date(2026, 3, 12)),
        (
            (*TO_SUPERVISION, "require_explanation", "explain", "order_filing"),
            "ordered_filing", date(2026, 3, 20),
        ),
        ((*TO_REVIEW, "police_file"), "property_handover", date(2026, 3, 8)),
    ],
)  # fmt: skip
def test_a_period_of_days_ends_with_its_last_day(
    codes: tuple[str, ...], name: str, due: date
) -> None:
    matter = way(*codes)
    end = datetime.combine(due, datetime.min.time(), CST)
    (clock,) = running(matter, end - timedelta(seconds=1))
    assert (clock.row.name, clock.due) == (name, end)
    assert clock.standing == "due_soon"
    assert [c.standing for c in running(matter, end)] == ["overdue"]
    assert clock.last_day == due - timedelta(days=1)


def running(matter: Matter, now: datetime, law: Law | None = None) -> list[Clock]:
    return [c for c in clocks(matter, law or Law(), now) if c.stopped is None]


def test_the_transfer_is_due_to_the_second_also_over_a_holiday() -> None:
    eve = datetime(2026, 9, 30, 18, tzinfo=CST)
    start = eve - timedelta(hours=4)  # the approval is the fourth act, an hour each
    (clock,) = running(way("suspect", "set_team", "report", "approve", start=start), eve)
    assert (clock.row.name, clock.due - eve) == ("transfer_dispatch", timedelta(hours=24))


@pytest.mark.parametrize(("hours", "standing"), [(24, "late"), (23, "kept")])
def test_forwarding_is_due_within_a_day_of_the_receipt(hours: int, standing: str) -> None:
    received, later = DAY + timedelta(hours=len(TO_REVIEW)), DAY + timedelta(days=9)
    forward = made("forward_to_competent", when=received + timedelta(hours=hours))
    found = {c.row.name: c for c in clocks(way(*TO_REVIEW, forward), Law(), later)}
    assert found["police_forward"].standing == standing
    # Police that decide themselves never had to forward it.
    whole = clocks(way(*TO_REVIEW, "police_file"), Law(), later)
    assert "police_forward" not in {c.row.name for c in whole}


def test_days_may_be_read_as_working_days() -> None:
    reading = load_rule_pack()
    choices = tuple(
        choice.model_copy(update={"value": "working"}) if choice.name == "transfer_days" else choice
        for choice in reading.choices
    )
    law = Law((reading.model_copy(update={"choices": choices}),))
    friday = way("suspect", "set_team", "report", start=datetime(2026, 3, 6, 9, tzinfo=CST))
    (clock,) = running(friday, friday.since or DAY, law)
    assert clock.last_day == date(2026, 3, 11)


def test_justice_is_answered_within_two_months() -> None:
    back = act(
        "receive_back", 1, ORG, procedure="reverse_transfer", to_org=PROCURATORATE,
        document_no="检意1", subject_nos=("案1",), act_time=datetime(2025, 12, 31, 9, tzinfo=CST),
    )  # fmt: skip
    taken = act("take_up", 2, ORG, procedure="reverse_transfer", act_time=DAY)
    (clock,) = running(fold(KEY, "reverse_transfer", [back, taken]), DAY)
    assert clock.last_day == date(2026, 2, 28)
    assert clock.standing == "overdue"


# fines


@pytest.mark.parametrize("codes", [TO_SENT[:n] for n in range(1, 6)])
def test_fines_are_held_up_from_the_suspicion_on(codes: tuple[str, ...]) -> None:
    assert way(*codes).state.freezes == "all"
    assert held_up(way(*codes)) == [(DAY.date(), None)]


def test_a_refusal_lets_go_and_a_new_report_holds_again() -> None:
    refused = made("refuse", when=DAY + timedelta(days=3))
    again = made("report", when=DAY + timedelta(days=5))
    matter = way("suspect", "set_team", "report", refused, again)
    days = [date(2026, 3, 4), date(2026, 3, 7), date(2026, 3, 9)]
    assert held_up(matter) == [(days[0], days[1]), (days[2], None)]


@pytest.mark.parametrize(
    ("category", "day", "effect"),
    [
        ("fine", date(2026, 3, 3), "offset"),
        ("fine", date(2026, 3, 4), "offset"),
        ("fine", date(2026, 3, 5), "instead"),
        ("fine", date(2026, 3, 6), "instead"),
        ("fine", date(2026, 3, 7), "after"),
        ("fine", None, "look"),
        ("warning", date(2026, 3, 5), "stays"),
        ("licence_revocation", date(2026, 3, 3), "stays"),
        ("confiscation_of_gains", date(2026, 3, 3), "look"),
    ],
)
def test_what_article_11_makes_of_a_penalty(category: str, day: date | None, effect: str) -> None:
    over = made("refuse", when=datetime(2026, 3, 7, 9, tzinfo=CST))
    matter = way("suspect", "set_team", "report", over)
    penalty = Penalty("a" * 32, "另一案号", None, day, (category,), None)
    (found,) = penalties_meanwhile(matter, [penalty, replace(penalty, record_id="b" * 32)])
    assert found.effect == effect


def test_an_amount_is_a_fine_also_where_no_kind_says_so() -> None:
    penalty = Penalty("", "案1", None, date(2026, 3, 5), ("warning",), Decimal(200))
    found = penalties_meanwhile(way("suspect"), [penalty])
    assert {(f.category, f.effect) for f in found} == {("warning", "stays"), ("fine", "instead")}


# suspicions and numbers


def test_the_numbers_count_a_case_once_and_add_up() -> None:
    hazmat = {"cause": "no_dangerous_goods_licence"}
    found = find(
        hazmat | {"record_id": "a" * 32},
        hazmat | {"transferred": True},
        hazmat | {"case_no": "案9"},
        hazmat | {"month_date": date(2026, 4, 1)},
    )
    refused = way(
        made("suspect", subject_record_ids=(), subject_nos=("案9",)), "set_team", "report", "refuse"
    )
    known = outcomes([way("suspect"), refused])
    by_key = {(line.month, line.sign): line for line in lines(found, known)}
    assert len(by_key) == 6
    march = by_key[date(2026, 3, 1), ALL]
    assert (march.cases, march.transferred, march.suspected, march.refused, march.none) == (
        3, 1, 1, 1, 0,
    )  # fmt: skip
    assert march.versions == (load_rule_pack().version,)
    assert by_key[date(2026, 4, 1), ALL].none == 1
    for line in by_key.values():
        assert line.cases == line.transferred + line.suspected + line.refused + line.none
    only = lines(found, known, date(2026, 3, 31), date(2026, 3, 31))
    assert {line.month for line in only} == {date(2026, 3, 1)}


def test_a_sent_case_counts_as_transferred_whatever_the_police_say() -> None:
    declined = way(*TO_REVIEW, "police_decline", "resume_administrative")
    assert set(outcomes([declined]).values()) == {"transferred"}
    assert outcomes([way("suspect")]) == {"a" * 32: "suspected", "案1": "suspected"}
