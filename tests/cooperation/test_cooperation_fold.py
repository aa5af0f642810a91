"""What a fold makes of acts that are forged, far ahead, taken back, or out of order."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import permutations

import pytest
from cooperation_acts import CST, KEY, POLICE, STRANGER, T0, A, B, C, act, gist, sent, walk, way_to

from cooperation.procedures.act import MatterKey
from cooperation.procedures.fold import LEAP, Matter, fold, fold_all, lacking, unopened
from cooperation.procedures.table import procedure

FAR = 2**62


def referral(*acts: object) -> Matter:
    return fold(KEY, "referral", acts)  # type: ignore[arg-type]


def test_any_order_of_arrival_and_any_copy_gives_the_same() -> None:
    acts = [sent(), act("sign", 2, B), act("start_verification", 3, B), act("withdraw", 3, A)]
    wanted = gist(referral(*acts))
    assert all(gist(referral(*order, order[0])) == wanted for order in permutations(acts))
    assert wanted[0] == "withdrawn"


def test_of_two_acts_side_by_side_the_one_that_leads_on_goes_before_the_one_that_leaves() -> None:
    matter = referral(sent(), act("withdraw", 2, A), act("sign", 2, B))
    assert [a.act.code for a in matter.applied] == ["send", "sign", "withdraw"]


def test_what_no_longer_fits_is_told_with_its_reason_and_moves_the_count() -> None:
    late = act("sign", 3, B)
    matter = referral(sent(), act("withdraw", 2, A), late)
    assert matter.state_name == "withdrawn"
    (overtaken,) = matter.overtaken
    assert overtaken.act is late
    assert "已撤回" in overtaken.reason.zh
    assert matter.last == 3


@pytest.mark.parametrize(
    "forged",
    [
        act("sign", 2, B, source_org=STRANGER),
        act("sign", 2, STRANGER),
        act("sign", FAR, STRANGER),
        act("withdraw", 1, A, source_org=STRANGER),
        act("send", 1, A, source_org=STRANGER, to_org=STRANGER),
        act("unheard_of", 1, STRANGER),
        act("close", FAR, A, source_org=STRANGER, act_time=datetime(9999, 1, 1, tzinfo=CST)),
    ],
    ids=lambda one: f"{one.code} {one.sequence}",
)
def test_a_stranger_moves_nothing_not_even_the_count(forged: object) -> None:
    acts = [sent(), act("sign", 2, B)]
    with_it, without = referral(*acts, forged), referral(*acts)
    assert gist(with_it)[:4] == gist(without)[:4]
    assert with_it.last == without.last
    assert [o.act for o in with_it.overtaken] == [forged]


@pytest.mark.parametrize("by", [A, C, STRANGER])
def test_a_party_does_not_act_in_the_name_of_another(by: str) -> None:
    matter = referral(sent(), act("sign", 2, by, source_org=B))
    assert matter.state_name == "sent"
    assert len(matter.overtaken) == 1


def test_a_number_far_ahead_is_told_and_pushes_nobody() -> None:
    matter = referral(sent(), act("sign", FAR, B))
    assert (matter.state_name, matter.last) == ("sent", 1)
    assert str(FAR) in matter.overtaken[0].reason.zh
    # The honest answer after it is an ordinary one.
    assert referral(sent(), act("sign", FAR, B), act("reject", 2, B)).state_name == "rejected"


def test_some_acts_may_be_missing_before_one() -> None:
    assert referral(sent(), act("sign", 1 + LEAP, B)).state_name == "signed"
    assert referral(sent(), act("sign", 2 + LEAP, B)).state_name == "sent"


def test_an_answer_without_its_letter_opens_nothing_and_is_shown() -> None:
    alone = act("sign", 2, B)
    assert fold_all([alone]) == []
    (matter,) = unopened([alone])
    assert not matter.is_open
    assert [o.act for o in matter.overtaken] == [alone]
    (opened,) = fold_all([alone, sent()])
    assert opened.state_name == "signed"
    assert unopened([alone, sent()]) == []


def test_nobody_opens_a_matter_in_the_name_of_another() -> None:
    own_key = MatterKey(B, KEY.no)
    theirs = act("send", 1, A, source_org=B, to_org=B)
    assert fold_all([theirs]) == []
    assert fold(own_key, "referral", [replace(theirs, matter=own_key)]).applied == ()


def test_the_same_number_of_two_openers_is_two_matters() -> None:
    other = MatterKey(B, KEY.no)
    found = fold_all([sent(), act("send", 1, B, to_org=A, matter=other)])
    assert {m.key for m in found} == {KEY, other}


def test_a_record_taken_back_no_longer_counts_and_is_told() -> None:
    gone = act("sign", 2, B, taken_back=True)
    matter = referral(sent(), gone)
    assert (matter.state_name, matter.last) == ("sent", 2)
    assert matter.overtaken[0].act is gone
    assert "撤回该记录" in matter.overtaken[0].reason.zh


def test_a_letter_that_was_answered_can_not_be_taken_back() -> None:
    matter = referral(sent(taken_back=True), act("sign", 2, B))
    assert matter.state_name == "signed"
    assert matter.opening.taken_back
    assert referral(sent(taken_back=True)).applied == ()


def test_what_rests_on_a_record_that_was_taken_back_falls_with_it() -> None:
    acts = [sent(), act("sign", 2, B, taken_back=True), act("start_verification", 3, B)]
    matter = referral(*acts)
    assert matter.state_name == "sent"
    assert [o.act.code for o in matter.overtaken] == ["sign", "start_verification"]


def test_a_body_that_is_brought_in_later_follows_from_the_act_that_brings_it_in() -> None:
    table = procedure("transfer")
    acts = walk(table, way_to(table, "receipt_signed"))
    brings = next(i for i, a in enumerate(acts) if any(r.enters for r in table.rows_of(a.code)))
    whole, part = fold(KEY, "transfer", acts), fold(KEY, "transfer", acts[brings:])
    assert part.state_name == whole.state_name
    forged = act("suspect", 1, A, source_org=STRANGER, procedure="transfer")
    assert fold(KEY, "transfer", [forged, *acts[brings:]]).state_name == whole.state_name


def test_no_party_can_pose_as_the_superior_and_no_stranger_either() -> None:
    acts = [act("raise", 1, A, to_org=B, procedure="jurisdiction")]
    by_b = act("designate", 2, B, procedure="jurisdiction", competent_org=B)
    by_stranger = act("designate", 2, STRANGER, procedure="jurisdiction", competent_org=B)
    matter = fold(KEY, "jurisdiction", [*acts, by_b, by_stranger])
    assert [a.act.code for a in matter.applied] == ["raise"]
    assert len(matter.overtaken) == 2


def test_a_body_without_a_node_is_who_first_acted_in_its_role() -> None:
    table = procedure("jurisdiction")
    rows = [r for r in table.rows if "superior" in r.by and "raised" in r.from_states]
    acts = [act("raise", 1, A, to_org=B, procedure="jurisdiction")]
    named = act(rows[0].act, 2, POLICE, source_org=B, procedure="jurisdiction", to_org=C)
    matter = fold(KEY, "jurisdiction", [*acts, named])
    assert matter.orgs["superior"] == POLICE


def test_what_a_row_needs_is_told_by_its_name_in_the_dictionary() -> None:
    row = procedure("referral").row("sent", "reject")
    assert row is not None
    said = lacking(row, act("reject", 2, B))
    assert said is not None
    assert "理由" in said.zh
    assert lacking(row, act("reject", 2, B, reason_code="other")) is None


def test_times_move_no_state() -> None:
    acts = [sent(), act("sign", 2, B), act("file", 3, B)]
    moved = [replace(one, act_time=T0 - timedelta(days=900 * n)) for n, one in enumerate(acts)]
    assert referral(*acts).state_name == referral(*moved).state_name == "filed"
