"""A partner that uses its own matters against another agency, and what it gets by that."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cooperation_acts import POLICE, A, B, C, act

from cooperation.procedures.act import Act, MatterKey
from cooperation.procedures.fold import Matter, fold
from flows.transferring import holds_up, is_only_told, subjects_of

OURS, THEIRS = "0" * 32, "1" * 32


def dispute(*more: Act, **given: Any) -> Matter:
    """B raises a dispute with A over a record of A."""
    values: dict[str, Any] = {
        "procedure": "jurisdiction",
        "matter": MatterKey(B, "GX-1"),
        "to_org": A,
        "subject_record_ids": (OURS, THEIRS),
    }
    raised = act("raise", 1, B, **(values | given))
    return fold(raised.matter, "jurisdiction", [raised, *more])


def of_dispute(code: str, sequence: int, by: str, **given: Any) -> Act:
    return act(code, sequence, by, procedure="jurisdiction", matter=MatterKey(B, "GX-1"), **given)


def test_a_transfer_of_another_agency_is_told_and_holds_up_its_own_fines_alone() -> None:
    key = MatterKey(B, "YS-1")
    suspected = act("suspect", 1, B, procedure="transfer", matter=key, subject_record_ids=(OURS,))
    matter = fold(key, "transfer", [suspected])
    assert matter.state.freezes == "all"
    assert subjects_of(matter) == {OURS}
    assert (holds_up(matter, A), is_only_told(matter, A)) == (False, True)
    assert (holds_up(matter, B), is_only_told(matter, B)) == (True, False)


def test_a_dispute_holds_up_its_two_sides_and_nobody_who_was_only_named() -> None:
    matter = dispute(party_orgs=(A, B, C))
    assert [holds_up(matter, org) for org in (A, B, C)] == [True, True, False]
    assert is_only_told(matter, C)


def test_a_designation_that_only_the_other_side_entered_is_told_and_asked_for() -> None:
    paper = {"acting_org": POLICE, "document_no": "虚构1", "competent_org": B}
    raised = dispute().opening
    for source, sure in ((B, False), (A, True)):
        entered = replace(of_dispute("designate", 2, source), **paper)
        matter = fold(raised.matter, "jurisdiction", [raised, entered])
        assert matter.state_name == "designated"
        assert holds_up(matter, A) is sure
        assert is_only_told(matter, A) is not sure
        assert not holds_up(matter, B)
    concedes = replace(of_dispute("designate", 2, B), **(paper | {"competent_org": A}))
    assert not holds_up(fold(raised.matter, "jurisdiction", [raised, concedes]), A)


def test_an_answer_does_not_widen_what_a_matter_is_about() -> None:
    raised = replace(dispute().opening, source_org=A, acting_org=A, to_org=B,
                     matter=MatterKey(A, "GX-2"), subject_record_ids=(OURS,))  # fmt: skip
    answer = act(
        "counter_propose", 2, B, procedure="jurisdiction", matter=raised.matter,
        competent_org=B, subject_record_ids=(THEIRS, "2" * 32),
    )  # fmt: skip
    matter = fold(raised.matter, "jurisdiction", [raised, answer])
    assert matter.state_name == "receiver_proposed"
    assert subjects_of(matter) == {OURS}
