"""Recognition between two nodes: proposed, decided, told to the other side, reopened, lapsed."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from flows_matters import Two, make_two
from flows_world import NIGHT, NOW, A, B, query

from examples.region.check_digits import credit_code
from flows.decisions import verify_decision
from flows.first_offence import (
    check_first_offence,
    check_inspected,
    reminders,
    subject_of_case,
    subject_of_number,
)
from flows.matters import matters_of
from flows.own_records import append_own
from flows.recognising import (
    Decider,
    Recognition,
    decide_recognition,
    propose_recognitions,
    recheck,
    recognitions_of,
    reopen_recognition,
)
from flows.recognition_explained import explain_recognition
from flows.second_fines import second_fines
from hefu.node import Node
from schemas.contract import load_contract
from schemas.errors import ConfigError

FIRM = "91999900MA00000006"
HEAD = Decider("department_head", "测试甲")
_CASE_FIELDS = (
    "case_no", "decision_type", "non_penalty_basis", "violation_type", "party_name",
    "party_id_type", "party_id_no", "vehicle_plate_no", "vehicle_plate_color", "occurred_time",
    "fine_amount_cny", "decision_date", "delivery_date", "review_status", "common_cause_code",
    "total_weight_kg", "limit_weight_kg", "filing_time", "counts_toward_accumulation",
)  # fmt: skip
#: What the agency whose result it is may see of a recognition: not who decided.
_RECOGNITION = [
    f.name
    for f in load_contract("recognition").fields
    if not (f.envelope or f.technical) and f.name != "decided_by_name"
]


def _listed(names: tuple[str, ...] | list[str]) -> str:
    return "[" + ", ".join(f'"{name}"' for name in names) + "]"


RECORDS = f"""\
case_result = {_listed(_CASE_FIELDS)}
inspection = ["inspection_no", "inspection_time", "inspection_result", "vehicle_plate_no", \
"vehicle_plate_color"]
recognition = {_listed(["occurred_time", *_RECOGNITION])}
"""
CASES = """
SELECT no AS source_record_id, no AS case_no, decision AS decision_type,
  '超限运输' AS violation_type, '示例公司' AS party_name, 'uscc' AS party_id_type,
  firm AS party_id_no, plate(plate) AS vehicle_plate_no, 'yellow' AS vehicle_plate_color,
  ts_cn(acted) AS occurred_time, yuan(fine) AS fine_amount_cny, date_ymd(decided) AS decision_date,
  date_ymd(decided) AS delivery_date, review AS review_status,
  'overload_road' AS common_cause_code, ts_cn(updated) AS source_updated_time,
  kg('75000') AS total_weight_kg, kg('49000') AS limit_weight_kg, ts_cn(filed) AS filing_time,
  true AS counts_toward_accumulation, coalesce(status, 'valid') AS data_status FROM raw
"""
INSPECTIONS = """
SELECT no AS source_record_id, no AS inspection_no, ts_cn(acted) AS inspection_time,
  'no_problem' AS inspection_result, '示例公司' AS party_name, plate(plate) AS vehicle_plate_no,
  'yellow' AS vehicle_plate_color, ts_cn(acted) AS source_updated_time FROM raw
"""


def case(no: str, day: str, hour: str = "08", **more: str | None) -> dict[str, str | None]:
    given: dict[str, str | None] = {
        "no": no,
        "plate": "浙A12345",
        "firm": FIRM,
        "decision": "penalty",
        "acted": f"2026-{day} {hour}:00:00",
        "fine": "13000",
        "decided": "2026-09-30",
        "review": None,
        "updated": "2026-10-01 09:00:00",
        "filed": f"2026-{day} 10:00:00",
        "status": None,
    }
    return given | more


def let(node: Node, *rows: dict[str, str | None]) -> None:
    """Cases of an agency's own system."""
    run = append_own(node, "case_result", CASES, rows, NOW)
    assert run is not None
    assert run.quarantined == 0, run.reasons


def of_use(node: Node, use: str, now: datetime = NOW) -> Recognition:
    """That of 乙1."""
    (found,) = (
        one
        for one in recognitions_of(node, now)
        if (one.chain.first.use, one.chain.first.own_no) == (use, "乙1")
    )
    return found


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Two:
    """A fined the truck in August and September and let the firm off in July; B fined it an hour
    after A in September, and has a case of the firm's other truck that is not decided."""
    made = make_two(tmp_path_factory.mktemp("recognising"), records=RECORDS)
    let(
        made.a,
        case("甲1", "09-20"),
        case("甲2", "08-20"),
        case("甲3", "07-01", plate="浙B00001", decision="no_penalty_first", fine=None),
    )
    append_own(
        made.a, "inspection", INSPECTIONS,
        [{"no": "甲查1", "acted": "2026-10-05 08:00:00", "plate": "浙A12345"}], NOW,
    )  # fmt: skip
    let(
        made.b,
        case("乙1", "09-20", "09", filed="2026-09-21 10:00:00"),
        case("乙2", "10-06", plate="浙B00001", decision="unmapped", fine=None, decided=None),
    )
    made.carry(made.a, made.b)
    return made


def test_each_match_is_proposed_once_and_decided_by_a_person(two: Two) -> None:
    first = propose_recognitions(two.b, NOW)
    again = propose_recognitions(two.b, NOW + NIGHT)
    assert (again.numbers, again.matched) == ((), first.matched)
    assert [one.org for one in first.coverage] == [A.code]
    assert {
        (one.chain.first.own_no, one.chain.first.original_no, one.chain.first.use)
        for one in recognitions_of(two.b, NOW)
    } == {
        ("乙1", "甲1", "duplicate_fine_check"),
        ("乙1", "甲2", "accumulation"),
        ("乙2", "甲3", "accumulation"),
        ("乙2", "甲1", "first_offence_check"),
        ("乙2", "甲2", "first_offence_check"),
        ("乙2", "甲3", "first_offence_check"),
    }

    fine = of_use(two.b, "duplicate_fine_check")
    assert (fine.matter.state_name, fine.chain.last.proposed) == ("proposed", "recognised")
    assert fine.clock is not None
    told = explain_recognition(two.b, fine.number, NOW)
    assert told.proposal is not None
    assert "no_second_fine" in {b.entry for b in told.proposal.bases}
    assert {row.field.name for row in told.fields if row.differs} >= {"filing_time"}
    (doubled,) = second_fines(two.b)
    assert (doubled.own_no, doubled.original_no) == ("乙1", "甲1")

    for by in (Decider("system", "测试甲"), Decider("department_head", " "), Decider("x", "y")):
        with pytest.raises(ConfigError):
            decide_recognition(two.b, fine.number, "recognised", by, NOW)
    with pytest.raises(ConfigError) as lacking:
        decide_recognition(two.b, fine.number, "not_recognised", HEAD, NOW)
    assert lacking.value.hint is not None
    assert "no_basis" in lacking.value.hint.en
    done = decide_recognition(two.b, fine.number[-6:], "recognised", HEAD, NOW)
    assert done.matter.state_name == "recognised"
    assert done.clock is None
    decision = done.chain.decided
    assert decision is not None
    assert "不再罚款" in (decision.effect or "")
    signed = verify_decision(two.b, decision.decision_sha256 or "")
    assert signed.fields["recognition_no"] == done.number
    assert signed.fields["decided_by_name"] == HEAD.name
    assert second_fines(two.b) != []  # our fine still stands
    with pytest.raises(ConfigError):
        decide_recognition(two.b, fine.number, "recognised", HEAD, NOW)

    two.carry(two.b, two.a)
    seen = of_use(two.a, "duplicate_fine_check")
    assert (seen.matter.state_name, seen.is_ours) == ("recognised", False)
    assert (seen.chain.last.role, seen.chain.last.name) == (HEAD.role, None)
    assert seen.matter.state_name in {m.state_name for m in matters_of(two.a, "recognition")}
    with pytest.raises(ConfigError):
        decide_recognition(two.a, seen.number, "recognised", HEAD, NOW)


def test_a_change_of_the_original_reopens_at_once_and_the_other_side_learns_of_it(
    two: Two,
) -> None:
    propose_recognitions(two.b, NOW)
    number = of_use(two.b, "accumulation").number
    decide_recognition(two.b, number, "partly", HEAD, NOW, reason="rule_difference")
    later = NOW + NIGHT
    changed = case("甲2", "08-20", review="pending", updated="2026-10-02 09:00:00")
    assert append_own(two.a, "case_result", CASES, [changed], later) is not None
    two.carry(two.a, two.b, later)

    # before anything is written the decision stands no more
    found = of_use(two.b, "accumulation", later)
    assert found.matter.state_name == "reopened"
    assert found.chain.last.changed == ("review_status",)
    assert "reopened" in {m.state_name for m in matters_of(two.b, "recognition")}
    with pytest.raises(ConfigError) as unseen:
        decide_recognition(two.b, number, "recognised", HEAD, later)
    assert "review_status" in str(unseen.value)
    assert recheck(two.b, later) == ()  # the refusal wrote it down
    two.carry(two.b, two.a, later)
    assert of_use(two.a, "accumulation", later).matter.state_name == "reopened"
    now_seen = explain_recognition(two.b, number, later)
    assert now_seen.proposal is not None
    assert now_seen.proposal.reason == "under_review"
    done = decide_recognition(two.b, number, "partly", HEAD, later, reason="under_review")
    assert done.matter.state_name == "partly_recognised"
    again = reopen_recognition(two.b, number, "理由代码写错", HEAD, later)
    assert again.matter.state_name == "reopened"

    gone = later + NIGHT
    removed = changed | {"status": "removed", "updated": "2026-10-03 09:00:00"}
    append_own(two.a, "case_result", CASES, [removed], gone)
    two.carry(two.a, two.b, gone)
    followed = recheck(two.b, gone)
    assert {(k.original_no, k.step, k.changed) for k in followed} == {
        ("甲2", "lapse", ("data_status",))
    }
    assert recheck(two.b, gone) == ()
    assert of_use(two.b, "accumulation", gone).matter.state_name == "lapsed"


def test_first_offences_are_asked_for_with_stated_coverage(two: Two) -> None:
    later = NOW + timedelta(days=3)
    found = check_first_offence(
        two.b, subject_of_case(two.b, "乙2"), later, purpose="办理乙2", role="case_officer"
    )
    assert found.result == "record_in_answered_sources"
    assert "甲3" in {hit.no for hit in found.hits}
    assert [org for org, _ in found.answered] == [B.code, A.code]
    (kept,) = query(
        two.b,
        "exemption_check",
        "SELECT check_no, exemption_result, hit_count, subject_kind, about_record_id IS NULL "
        "FROM exemption_check_current",
    )
    assert kept == (found.check_no, found.result, len(found.hits), "legal_org", False)
    nobody = subject_of_number(two.b, "uscc", credit_code("91999900MA0000009"))
    clean = check_first_offence(two.b, nobody, later, purpose="预查", role="case_officer")
    assert (clean.result, clean.hits) == ("no_record_in_answered_sources", ())
    with pytest.raises(ConfigError):
        subject_of_number(two.b, "uscc", "91999900MA0000000X")
    with pytest.raises(ConfigError):
        subject_of_case(two.b, "乙99")

    told = reminders(two.b, later)
    assert {(one.exemption.no, one.later.no) for one in told} >= {("甲3", "乙2")}
    assert all(one.same_cause for one in told)


def test_a_vehicle_that_was_inspected_there_need_not_be_stopped_again(two: Two) -> None:
    found = check_inspected(two.b, "浙A12345/yellow", NOW)
    ((seen, last),) = found.hits
    assert (seen.no, seen.source_org_code) == ("甲查1", A.code)
    assert last.isoformat() == "2026-10-12"
    assert check_inspected(two.b, "浙A12345/blue", NOW).hits == ()
    assert check_inspected(two.b, "浙A12345/yellow", NOW + timedelta(days=4)).hits == ()
