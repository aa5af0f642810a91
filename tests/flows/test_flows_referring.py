"""Referral between two nodes: by the routes and by hand, to and fro, and both see the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flows_matters import Two
from flows_referral import case, make_referral, put, put_cases
from flows_world import NOW, A, B, query

from cooperation.procedures.fold import Matter, fold
from cooperation.referral.routes import Candidate
from flows.acting import do, do_all, following
from flows.dispositions import take_dispositions
from flows.matters import find_matter, law_of, matters_of
from flows.referral_by_hand import send_draft
from flows.referral_standing import delivery_of, lead_of, limitation_of, results_in
from flows.referral_terms import send_by
from flows.referring import Opened, refer, route, unsent
from hefu.node import Node
from schemas.errors import ConfigError

CHINA = ZoneInfo("Asia/Shanghai")
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Two:
    """What A and B have in their own systems, before anything is referred."""
    two = make_referral(tmp_path_factory.mktemp("referring"))
    put_cases(
        two.a,
        case(1),
        case(2, vehicle_registration_division=None),
        case(3, vehicle_registration_division=None, vehicle_plate_no="皖P00003"),
        case(4, vehicle_registration_division="370100"),
        case(5, closed_date=None),
        case(6, sharing_attribute="not_shared"),
        case(7, data_status="revoked"),
        case(8, decision_type="not_established", fine_amount_cny=None),
        case(9, common_cause_code="vehicle_modified"),
        case(11),
        case(12),
        case(21, vehicle_registration_division=None),
    )
    put(
        two.a, "lead",
        [lead(1), lead(2, to_org=None), lead(3, lead_type="discipline"), lead(4, to_org=A.code),
         lead(31), lead(32)],
        "lead_no",
    )  # fmt: skip
    put_cases(two.b, case(1, case_no="乙交案〔2026〕1号", decision_date="2020-10-08"))
    put(
        two.b, "disposition",
        [
            disposition("反馈1", "线索31", "filed", result_case_no="乙交案〔2026〕9号"),
            disposition("反馈2", "线索32", "forwarded"),
            disposition("反馈3", "线索99", "filed"),
        ],
        "disposition_no",
    )  # fmt: skip
    return two


@pytest.fixture(scope="module")
def routed(two: Two) -> dict[str, Opened]:
    """By number, what the routes referred; B has it."""
    would = route(two.a, NOW, dry_run=True)
    assert matters_of(two.a, "referral") == [], "a dry run writes nothing"
    done = route(two.a, NOW)
    assert [o.lead_no for o in would.opened] == [o.lead_no for o in done.opened]
    two.carry(two.a, two.b)
    return {short(o.chosen.candidate.no): o for o in done.opened}


def short(no: str) -> str:
    return no.removeprefix("甲交案〔2020〕").removesuffix("号")


def lead(number: int, **more: str | None) -> dict[str, str | None]:
    row: dict[str, str | None] = {
        "lead_no": f"线索{number}",
        "lead_source": "wim",
        "lead_type": "copy_notice",
        "discovered_time": "2026-10-01T09:00:00+08:00",
        "suspected_violation": "疑似超限",
        "vehicle_plate_no": "示A00001",
        "to_org": B.code,
        "sharing_attribute": "conditional",
        "source_updated_time": "2026-10-01T09:00:00+08:00",
    }
    return row | more


def disposition(no: str, lead_no: str, action: str, **more: str | None) -> dict[str, str | None]:
    row: dict[str, str | None] = {
        "disposition_no": no, "refers_to_no": lead_no, "handling_org": B.code,
        "disposition_action": action, "disposition_reason": None,
        "decision_time": "2026-10-08T10:00:00+08:00", "result_case_no": None,
        "source_updated_time": "2026-10-08T18:00:00+08:00",
    }  # fmt: skip
    return row | more


def same(two: Two, opened: Opened) -> Matter:
    """The matter, the same at both nodes."""
    assert opened.matter is not None
    number = opened.matter.key.no
    here, there = (find_matter(matters_of(n, "referral"), number) for n in (two.a, two.b))
    assert here.state_name == there.state_name
    assert dict(here.orgs) == dict(there.orgs) == {"origin": A.code, "receiver": B.code}
    return here


def acts(node: Node, code: str, *opened: Opened, **fields: object) -> None:
    """One act in several matters."""
    known = matters_of(node, "referral")
    found = [find_matter(known, o.matter.key.no) for o in opened if o.matter]
    do_all(node, [following(node, m, code, NOW, **fields) for m in found], NOW)


def test_what_the_routes_order_goes_once_and_the_rest_says_why(
    two: Two, routed: dict[str, Opened]
) -> None:
    assert set(routed) == {"1", "3", "11", "12", "线索1", "线索31", "线索32"}
    again = route(two.a, NOW, dry_run=True)
    assert again.opened == ()
    assert again.already == len(routed)
    left = {short(s.left.candidate.no): s.left.reason for s in again.left}
    assert left == left | {
        "2": "place_unknown", "4": "no_route", "6": "not_shared", "7": "revoked",
        "8": "no_violation",
    }  # fmt: skip
    assert not {"5", "9", "线索2", "线索4"} & left.keys()
    assert same(two, routed["12"]).opening.proposed_by_node
    # closed on 30 September 2020; 1 to 8 October were holidays, Saturday the 10th was worked
    waiting = {short(c.no): (why and why.reason, by.last_day) for c, why, by in unsent(two.a, NOW)}
    assert waiting["2"] == ("place_unknown", date(2020, 10, 16))
    assert waiting["4"] == ("no_route", date(2020, 10, 16))
    assert not {"6", "7", "8"} & waiting.keys()


def test_the_receiver_gets_the_list_of_the_article_and_no_more(
    two: Two, routed: dict[str, Opened]
) -> None:
    lead = lead_of(two.b, same(two, routed["12"]))
    assert lead is not None
    told = lead.values
    assert told["vehicle_plate_no"] == "示A00012"
    assert told["penalty_decision_no"] == "甲交罚〔2020〕12号"
    assert told["origin_record_no"] == "甲交案〔2020〕12号"
    assert (told["from_org"], told["to_org"]) == (A.code, B.code)
    assert "第四十四条" in told["jurisdiction_reason"]
    assert {told[n] for n in ("party_phone", "party_address", "driver_license_no")} == {None}
    derived = lead_of(two.b, same(two, routed["3"]))
    assert derived is not None
    assert "号牌推定" in derived.values["jurisdiction_reason"]
    ended = limitation_of(two.b, lead, law_of(two.b, NOW), NOW)
    assert ended is not None
    assert ended.last_day.year == 2022
    delivery = delivery_of(two.a, same(two, routed["12"]), NOW)
    assert delivery is not None
    assert (delivery.sequence, delivery.taken_in) == (1, False)


def test_the_whole_way_with_the_result_back_and_a_withdrawal_that_crosses_a_filing(
    two: Two, routed: dict[str, Opened]
) -> None:
    whole, crossed = routed["1"], routed["3"]
    acts(two.a, "withdraw", crossed, reason_code="mistake")
    acts(two.b, "sign", whole, crossed)
    acts(two.b, "file", whole, crossed, result_no="乙交案〔2026〕1号")
    found = {r.matter.key: r for r in results_in(two.b, [same_at(two.b, whole)])}
    (result,) = found.values()
    assert (result.case_no, result.result_code) == ("乙交案〔2026〕1号", "penalty")
    acts(two.b, "feed_back", whole, result_code=result.result_code, result_no=result.case_no,
         result_record_id=result.record_id)  # fmt: skip
    two.carry(two.b, two.a)
    two.carry(two.a, two.b)
    assert same(two, whole).state_name == "result_fed_back"
    assert same(two, whole).latest.result_no == "乙交案〔2026〕1号"
    assert results_in(two.b, matters_of(two.b)) != [], "the crossed one still waits"
    assert same(two, crossed).state_name == "filed"
    acts(two.a, "close", whole)
    assert same_at(two.a, whole).state_name == "closed"
    with pytest.raises(ConfigError):
        acts(two.b, "sign", whole)


def same_at(node: Node, opened: Opened) -> Matter:
    assert opened.matter is not None
    return find_matter(matters_of(node, "referral"), opened.matter.key.no)


def test_a_correction_goes_after_the_referral_and_makes_no_second_one(
    two: Two, routed: dict[str, Opened]
) -> None:
    later = NOW + MINUTE
    newer = "2020-10-01T18:00:00+08:00"
    put_cases(
        two.a,
        case(11, fine_amount_cny="300.00", source_updated_time=newer),
        case(12, data_status="revoked", source_updated_time=newer),
        now=later,
    )
    told = {c.lead_no: (c.fields, c.gone, c.status) for c in route(two.a, later).changed}
    assert told[routed["11"].lead_no] == (("fine_amount_cny",), False, "corrected")
    assert told[routed["12"].lead_no] == ((), True, "revoked")
    again = {c.lead_no: (c.gone, c.status) for c in route(two.a, later + MINUTE).changed}
    assert again == {routed["12"].lead_no: (True, "revoked")}, "told until somebody has looked"
    versions = query(two.a, "lead", "SELECT count(*) FROM lead_history WHERE origin_record_id "
                     "IS NOT NULL GROUP BY lead_no HAVING count(*) > 1")  # fmt: skip
    assert versions == [(2,), (2,)]
    two.carry(two.a, two.b, later)
    lead = lead_of(two.b, same(two, routed["11"]))
    assert lead is not None
    assert (lead.status, str(lead.values["fine_amount_cny"])) == ("corrected", "300.00")


def test_by_hand_in_steps_and_what_is_refused(two: Two, routed: dict[str, Opened]) -> None:
    number = "甲交案〔2020〕21号"
    drafted = refer(two.a, number, B.code, NOW, draft=True, reason="车籍地经查明")
    assert drafted.matter.state_name == "drafted"
    checked = do(two.a, following(two.a, drafted.matter, "check", NOW), NOW)
    kept = "SELECT sharing_attribute FROM lead_current WHERE record_id = "
    kept += f"'{drafted.act.subject_record_ids[0]}'"
    assert drafted.act.party_orgs == checked.act.party_orgs == (A.code,), "a draft stays at home"
    assert query(two.a, "lead", kept) == [("not_shared",)]
    sent = send_draft(two.a, checked.matter, NOW + MINUTE)
    assert sent.matter.state_name == "sent"
    assert sent.act.party_orgs == (A.code, B.code)
    assert query(two.a, "lead", kept) == [("conditional",)]
    # For the receiver the matter begins with the letter.
    there = fold(sent.matter.key, "referral", [replace(sent.act, record_id="1")])
    assert (there.state_name, there.orgs["receiver"]) == ("sent", B.code)
    assert not any(s.left.candidate.no == number for s in route(two.a, NOW, dry_run=True).left)
    copied = refer(two.a, "线索4", B.code, NOW)
    made = query(
        two.a, "lead", "SELECT origin_record_no, to_org FROM lead_current "
        f"WHERE record_id = '{copied.act.subject_record_ids[0]}'"
    )  # fmt: skip
    assert made == [("线索4", B.code)], "a lead for somebody else goes as a lead of its own"
    for wanted, to, words in (
        (number, B.code, r"referred|已向"),
        ("甲交案〔2020〕5号", B.code, r"not closed|尚未结案"),
        ("甲交案〔2020〕6号", B.code, r"not shared|不予共享"),
        ("甲交案〔2020〕7号", B.code, r"revoked|撤销"),
        ("线索3", B.code, r"sealed|密封|no case|没有"),
        ("nothing", B.code, r"no case|没有"),
        (number, A.code, r"itself|本机关"),
        (number, "11999902HEFUFLWC31", r"no agreement|没有"),
    ):
        with pytest.raises(ConfigError, match=words):
            refer(two.a, wanted, to, NOW)
    with pytest.raises(ConfigError, match=r"no case|没有"):
        refer(two.b, "线索1", A.code, NOW)


def test_what_the_receivers_system_says_becomes_acts_of_the_matter(
    two: Two, routed: dict[str, Opened]
) -> None:
    taken = take_dispositions(two.b, NOW)
    assert [d.act.code for d in taken.done] == ["sign", "file"]
    assert [w.disposition_no for w in taken.left] == ["反馈2"]
    assert take_dispositions(two.b, NOW).done == ()
    two.carry(two.b, two.a)
    filed = same(two, routed["线索31"])
    assert filed.state_name == "filed"
    assert filed.latest.act_time == datetime(2026, 10, 8, 10, tzinfo=CHINA)
    assert same(two, routed["线索32"]).state_name == "sent"


@pytest.mark.parametrize(
    ("closed", "last", "provisional"),
    [
        ("2026-09-14", "2026-09-22", False),  # Sunday the 20th is worked
        ("2026-09-18", "2026-09-29", False),  # Friday evening; 25 to 27 September are holidays
        ("2026-09-30", "2026-10-15", False),  # 1 to 7 October; Saturday the 10th is worked
        ("2026-10-03", "2026-10-15", False),  # within the holidays
        ("2026-12-31", "2027-01-11", True),  # no notice covers 2027 yet
    ],
)
def test_seven_working_days_at_their_edges(
    two: Two, closed: str, last: str, provisional: bool
) -> None:
    done = date.fromisoformat(closed)
    candidate = Candidate("1", "case_result", "1", done, cause="overload_road")
    by = send_by(two.a, candidate, law_of(two.a, NOW))
    assert by is not None
    assert (by.last_day, by.provisional) == (date.fromisoformat(last), provisional)
    assert (by.due - SECOND).astimezone(CHINA).date() == by.last_day
    assert by.due.astimezone(CHINA).date() == by.last_day + timedelta(days=1)
