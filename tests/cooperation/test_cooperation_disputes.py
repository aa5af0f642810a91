"""The table of jurisdiction: who may agree, what crossed letters lead to, whose fines wait."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest

from cooperation.jurisdiction.refusals import sent_back
from cooperation.procedures.act import Act, MatterKey
from cooperation.procedures.clocks import Law
from cooperation.procedures.fold import Matter, fold
from cooperation.procedures.guards import broken, competent_of

NOW = datetime(2026, 11, 20, 1, tzinfo=UTC)
A, B, THIRD, SUPERIOR = "agency-a", "agency-b", "agency-c", "superior"
KEY = MatterKey(A, "GX-999900-0000000001")


def act(sequence: int, code: str, by: str, *, recorded_by: str | None = None, **more: Any) -> Act:
    return Act(
        record_id=f"{sequence}-{code}-{by}",
        source_org=recorded_by or by,
        procedure="jurisdiction",
        matter=KEY,
        code=code,
        sequence=sequence,
        act_time=NOW,
        acting_org=by,
        party_orgs=(A, B),
        **more,
    )


RAISED = act(1, "raise", A, to_org=B, subject_record_ids=("1", "2"))


def dispute(*acts: Act) -> Matter:
    """The matter, the same in whatever order the acts arrive."""
    states = [fold(KEY, "jurisdiction", order) for order in permutations([RAISED, *acts])]
    assert len({(m.state_name, competent_of(m)) for m in states}) == 1
    return states[0]


def against(matter: Matter, next_act: Act) -> list[str]:
    """What the guards of its row say."""
    row = matter.table.row(matter.state_name, next_act.code)
    assert row is not None
    return [said.en for said in broken(matter, row, next_act, Law())]


def test_a_proposal_is_agreed_to_by_the_other_side_alone() -> None:
    proposed = act(2, "propose_competent", A, competent_org=A)
    assert dispute(proposed, act(3, "agree", B, competent_org=A)).state_name == "agreed"
    own = dispute(proposed, act(3, "agree", A, competent_org=A))
    assert own.state_name == "origin_proposed"
    assert [o.act.code for o in own.overtaken] == ["agree"]
    countered = act(2, "counter_propose", B, competent_org=B)
    assert dispute(countered, act(3, "agree", A, competent_org=B)).state_name == "agreed"
    assert dispute(countered, act(3, "agree", B, competent_org=B)).state_name == "receiver_proposed"


def test_nobody_proposes_in_the_others_name() -> None:
    assert dispute(act(2, "propose_competent", B, competent_org=B)).state_name == "raised"
    assert dispute(act(2, "counter_propose", A, competent_org=A)).state_name == "raised"
    forged = act(2, "counter_propose", B, recorded_by=A, competent_org=A)
    assert dispute(forged).state_name == "raised"


def test_two_proposals_side_by_side_wait_for_the_raising_agency() -> None:
    both = (
        act(2, "propose_competent", A, competent_org=A),
        act(2, "counter_propose", B, competent_org=B),
    )
    assert dispute(*both).state_name == "receiver_proposed"
    matter = dispute(*both, act(3, "agree", A, competent_org=B))
    assert (matter.state_name, competent_of(matter)) == ("agreed", B)


def test_an_agreement_goes_before_a_change_of_mind_that_it_could_not_know() -> None:
    matter = dispute(
        act(2, "propose_competent", A, competent_org=A),
        act(3, "agree", B, competent_org=A),
        act(3, "propose_competent", A, competent_org=B),
    )
    assert (matter.state_name, competent_of(matter)) == ("agreed", A)
    assert [o.act.code for o in matter.overtaken] == ["propose_competent"]


def test_letters_that_crossed_hold_up_both_and_go_to_the_superior() -> None:
    """B agrees to A's first proposal after a step of its own; A had changed it meanwhile."""
    crossed = dispute(
        act(2, "propose_competent", A, competent_org=A),
        act(3, "propose_competent", A, competent_org=B),
        act(3, "exchange_evidence", B),
        act(4, "agree", B, competent_org=A),
    )
    assert crossed.state_name == "agreed"
    assert competent_of(crossed) is None
    assert crossed.state.freezes == "not_competent"
    for code in ("hand_over_file", "close"):
        assert all(against(crossed, act(5, code, org)) for org in (A, B))
    assert against(crossed, act(5, "escalate", A, to_org=SUPERIOR)) == []


def test_an_agreement_that_fits_needs_no_superior() -> None:
    settled = dispute(
        act(2, "propose_competent", A, competent_org=B), act(3, "agree", B, competent_org=B)
    )
    assert against(settled, act(4, "escalate", A, to_org=SUPERIOR))
    assert against(settled, act(4, "hand_over_file", B))
    assert against(settled, act(4, "hand_over_file", A)) == []
    assert against(settled, act(4, "close", A))


def test_a_designation_goes_before_an_agreement_of_the_same_moment() -> None:
    matter = dispute(
        act(2, "propose_competent", A, competent_org=A),
        act(3, "agree", B, competent_org=A),
        act(3, "designate", SUPERIOR, recorded_by=A, competent_org=B),
    )
    assert (matter.state_name, competent_of(matter)) == ("designated", B)


def test_evidence_after_a_proposal_leaves_the_proposal_standing() -> None:
    matter = dispute(
        act(2, "propose_competent", A, competent_org=A), act(3, "exchange_evidence", B)
    )
    assert matter.state_name == "origin_proposed"


def test_the_superior_is_whom_the_request_went_to() -> None:
    escalated = act(2, "escalate", B, to_org=SUPERIOR)
    other = act(3, "designate", "another body", recorded_by=A, competent_org=A)
    assert dispute(escalated, other).state_name == "escalated"
    matter = dispute(escalated, act(3, "designate", SUPERIOR, recorded_by=A, competent_org=A))
    assert matter.state_name == "designated"


def test_a_third_agency_is_designated_and_takes_both_files() -> None:
    escalated = act(2, "escalate", A, to_org=SUPERIOR)
    named = act(3, "designate_other", SUPERIOR, recorded_by=B, to_org=THIRD, competent_org=THIRD)
    matter = dispute(escalated, named, act(4, "hand_over_file", A), act(5, "hand_over_file", B))
    assert (matter.state_name, competent_of(matter)) == ("designated_other", THIRD)
    assert matter.state.freezes == "not_competent"
    closed = dispute(
        escalated, named, act(4, "hand_over_file", A),
        act(5, "confirm_file", THIRD, recorded_by=A),
    )  # fmt: skip
    assert closed.state_name == "closed"
    assert competent_of(closed) == THIRD


def test_only_the_two_are_proposed_and_a_third_is_entered_as_such() -> None:
    raised = dispute()
    assert against(raised, act(2, "propose_competent", A, competent_org=THIRD))
    assert against(raised, act(2, "designate", SUPERIOR, competent_org=THIRD))
    assert against(raised, act(2, "designate_other", SUPERIOR, to_org=A, competent_org=A))
    assert against(raised, act(2, "designate_other", SUPERIOR, to_org=B, competent_org=THIRD))
    start = fold(KEY, "jurisdiction", ())
    assert against_start(start, act(1, "raise", A, to_org=A))


def against_start(matter: Matter, first: Act) -> list[str]:
    row = matter.table.row("start", first.code)
    assert row is not None
    return [said.en for said in broken(matter, row, first, Law())]


@pytest.mark.parametrize(
    ("acts", "held"),
    [
        ((), {A, B}),
        ((act(2, "propose_competent", A, competent_org=A),), {A, B}),
        ((act(2, "withdraw", A, reason_code="mistake"),), set()),
        ((act(2, "escalate", A, to_org=SUPERIOR),), {A, B}),
        (
            (act(2, "propose_competent", A, competent_org=A), act(3, "agree", B, competent_org=A)),
            {B},
        ),
    ],
)
def test_whose_fines_are_held_up(acts: tuple[Act, ...], held: set[str]) -> None:
    matter = dispute(*acts)
    freezes, competent = matter.state.freezes, competent_of(matter)
    frozen = {o for o in (A, B) if freezes == "all" or (freezes != "nobody" and o != competent)}
    assert frozen == held


def test_what_a_referral_brought_back_as_nobodys_is_told() -> None:
    key = MatterKey(A, "CG-999900-0000000001")
    sent = replace(RAISED, procedure="referral", matter=key, code="send", subject_record_ids=("7",))
    back = replace(
        act(2, "reject", B, reason_code="not_competent"), procedure="referral", matter=key
    )
    incomplete = replace(back, reason_code="incomplete")
    assert sent_back([fold(key, "referral", [sent, back])], A) == [("7", B)]
    assert sent_back([fold(key, "referral", [sent, back])], B) == []
    assert sent_back([fold(key, "referral", [sent, incomplete])], A) == []
    assert sent_back([fold(key, "referral", [sent])], A) == []
