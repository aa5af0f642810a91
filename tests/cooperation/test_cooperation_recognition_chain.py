"""The chain of a recognition: records that only follow, and what reopens a decision."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cooperation.recognition import chain as chain_of
from cooperation.recognition.chain import (
    ACTS,
    DECIDED_STATES,
    HARMLESS,
    LAPSE,
    PROPOSE,
    REOPEN,
    Chain,
    Link,
    Step,
    Versions,
    chains,
    following,
    next_step,
)

OURS, THEIRS = "11999901HEFUFLWB2F", "11999900HEFUFLWA1W"
ON = date(2026, 10, 9)
NOON = datetime(2026, 9, 20, 4, tzinfo=UTC)


def link(step: str, sequence: int, seen: str = "1" * 64, **more: Any) -> Link:
    decisions = {act: decision for decision, act in ACTS.items()}
    given: dict[str, Any] = {
        "record_id": f"{sequence:032x}",
        "source_org": OURS,
        "recognition_no": "HR-999901-0000000001",
        "step": step,
        "sequence": sequence,
        "use": "duplicate_fine_check",
        "decision": decisions.get(step, "pending"),
        "recognising_org": OURS,
        "recognising_org_name": None,
        "recognised_org": THEIRS,
        "own_record_type": "case_result",
        "own_record_id": "b" * 32,
        "own_no": "乙1",
        "own_hash": "9" * 64,
        "original_type": "case_result",
        "original_id": "a" * 32,
        "original_no": "甲1",
        "original_hash": seen,
        "act_time": NOON,
        "recorded_time": NOON + timedelta(minutes=sequence),
        "reason": "no_basis",
        "is_own": True,
    }
    return Link(**(given | more))


def one(*links: Link) -> Chain:
    (found,) = chains(links)
    return found


def versions(
    seen: Mapping[str, Any] | None, now: Mapping[str, Any] | None, hash_now: str | None = "2" * 64
) -> Versions:
    return Versions(seen, now, hash_now)


OWN_SAME = Versions({"data_status": "valid"}, {"data_status": "valid"}, "9" * 64)
DECIDED = one(link(PROPOSE, 1), link("recognise", 2))


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        ({"review_status": None}, {"review_status": "pending"}, ("review_status",)),
        ({"review_status": None}, {"review_status": "none"}, ()),
        ({"delivery_date": None}, {"delivery_date": ON}, ("delivery_date",)),
        ({"data_status": "valid"}, {"data_status": "revoked"}, ("data_status",)),
        ({"data_status": "valid"}, {"data_status": "corrected"}, ("data_status",)),
        ({"violation_facts": "甲"}, {"violation_facts": "乙"}, ("violation_facts",)),
        # the agreement grants more now, or less: nothing has changed
        ({"violation_facts": None}, {"violation_facts": "乙"}, ()),
        ({"violation_facts": "甲"}, {"violation_facts": None}, ()),
        ({"paid_amount_cny": Decimal(1)}, {"paid_amount_cny": Decimal(2)}, ()),
    ],
)
def test_which_changes_of_the_original_reopen(
    before: dict[str, Any], after: dict[str, Any], changed: tuple[str, ...]
) -> None:
    step = next_step(DECIDED, versions(before, after), OWN_SAME, ON)
    assert step == (Step(REOPEN, changed) if changed else None)


def test_what_was_looked_at_and_is_not_kept_any_more_reopens() -> None:
    step = next_step(DECIDED, versions(None, {"data_status": "valid"}), OWN_SAME, ON)
    assert step == Step(REOPEN, ("content_hash",))


def test_without_its_records_a_recognition_lapses_and_comes_back_with_them() -> None:
    here = Versions({"data_status": "valid"}, {"data_status": "valid"}, "1" * 64)
    removed = versions({"data_status": "valid"}, {"data_status": "removed"})
    assert next_step(DECIDED, removed, OWN_SAME, ON) == Step(LAPSE, ("data_status",))
    nothing = Versions(None, None, None)
    assert next_step(DECIDED, nothing, OWN_SAME, ON) == Step(LAPSE, ("data_status",))
    assert next_step(DECIDED, here, nothing, ON) == Step(LAPSE, ("own.data_status",))
    lapsed = one(*DECIDED.links, link(LAPSE, 3, changed=("data_status",)))
    assert lapsed.matter.state_name == "lapsed"
    assert next_step(lapsed, removed, OWN_SAME, ON) is None
    back = next_step(lapsed, here, OWN_SAME, ON)
    assert back == Step(REOPEN, ("data_status",))


def test_of_the_own_record_only_what_the_match_rests_on_counts() -> None:
    here = Versions({"data_status": "valid"}, {"data_status": "valid"}, "1" * 64)
    moved = versions({"vehicle_plate_no": "示A00001"}, {"vehicle_plate_no": "示A00002"})
    assert next_step(DECIDED, here, moved, ON) == Step(REOPEN, ("own.vehicle_plate_no",))
    decided = versions({"decision_type": None}, {"decision_type": "penalty"})
    assert next_step(DECIDED, here, decided, ON) is None


def test_validity_that_ends_after_the_decision_reopens_from_the_day_after() -> None:
    chain = one(link(PROPOSE, 1, use="credit"), link("recognise", 2, use="credit"))
    last = NOON.date() + timedelta(days=3)
    here = Versions({}, {"publicity_deadline": last}, "1" * 64)
    assert next_step(chain, here, OWN_SAME, last) is None
    after = next_step(chain, here, OWN_SAME, last + timedelta(days=1))
    assert after == Step(REOPEN, ("publicity_deadline",))
    fine = one(link(PROPOSE, 1), link("recognise", 2))
    assert next_step(fine, here, OWN_SAME, last + timedelta(days=1)) is None


def test_the_effect_of_an_inspection_just_ends() -> None:
    given = {"use": "inspection_exemption", "valid_to": ON}
    chain = one(link(PROPOSE, 1, **given), link("recognise", 2, **given))
    here = Versions({}, {"data_status": "valid"}, "1" * 64)
    assert next_step(chain, here, OWN_SAME, ON) is None
    assert next_step(chain, here, OWN_SAME, ON + timedelta(days=1)) == Step(LAPSE, ("valid_to",))


def test_records_of_another_system_make_a_chain_by_their_order() -> None:
    plain = {"step": None, "sequence": None}
    pending = replace(link(PROPOSE, 1), **plain)
    decided = replace(link("recognise_partly", 2), **plain)
    again = replace(link(REOPEN, 3), **plain)
    assert one(decided).matter.state_name == "partly_recognised"
    assert one(decided, pending).matter.state_name == "partly_recognised"
    assert one(again, decided, pending).matter.state_name == "reopened"


VALUES = {
    "data_status": ("valid", "corrected", "revoked", "removed"),
    "review_status": (None, "none", "pending", "upheld", "revoked"),
    "delivery_date": (None, date(2026, 9, 26)),
    "fine_amount_cny": (Decimal(1000), Decimal(2000)),
    "violation_facts": (None, "甲", "乙"),
    "paid_amount_cny": (None, Decimal(1000)),
}
VERSION = st.fixed_dictionaries({name: st.sampled_from(v) for name, v in VALUES.items()})
EVENT = st.one_of(VERSION, st.sampled_from(sorted(ACTS)))


def _hash(version: Mapping[str, Any]) -> str:
    return f"{sum(v.index(version[n]) * 7**i for i, (n, v) in enumerate(VALUES.items())):064x}"


def _played(events: list[Any]) -> Iterator[tuple[Chain, Mapping[str, Any], Mapping[str, Any]]]:
    """After each event what stands, the version of now and the one that the last record saw."""
    now: Mapping[str, Any] = {name: v[0] for name, v in VALUES.items()}
    kept = {_hash(now): now}
    links = [link(PROPOSE, 1, _hash(now))]
    for event in events:
        if isinstance(event, str):
            if one(*links).matter.is_open:
                links.append(link(ACTS[event], len(links) + 1, _hash(now)))
        else:
            now = event
            kept[_hash(now)] = now
        for _ in range(3):  # what follows by itself ends after one step
            found = one(*links)
            seen = kept[found.last.original_hash or ""]
            step = next_step(found, Versions(seen, now, _hash(now)), OWN_SAME, ON)
            if step is None:
                break
            next_link = following(found, step, NOON, NOON + timedelta(hours=len(links)))
            links.append(replace(next_link, original_hash=_hash(now)))
        assert next_step(one(*links), Versions(now, now, _hash(now)), OWN_SAME, ON) is None
        yield one(*links), now, kept[one(*links).last.original_hash or ""]


@given(st.lists(EVENT, max_size=12))
def test_no_decision_stands_on_an_original_that_changed(events: list[Any]) -> None:
    for found, now, seen in _played(events):
        if found.matter.state_name in DECIDED_STATES:
            legal = chain_of.LEGAL_FIELDS - HARMLESS
            differing = {n for n in VALUES if n in legal and seen[n] != now[n]}
            nothing = {"review_status"} if {seen["review_status"], now["review_status"]} == {
                None, "none"
            } else set()  # fmt: skip
            assert differing <= nothing
            assert now["data_status"] != "removed"
            assert found.decided is not None
        if now["data_status"] == "removed":
            assert found.matter.state_name == "lapsed"


@given(st.lists(EVENT, max_size=12), st.randoms(use_true_random=False))
def test_the_state_depends_on_the_set_of_records_alone(
    events: list[Any], rng: random.Random
) -> None:
    for found, _, _ in _played(events):
        mixed = [*found.links, *found.links[:2]]
        rng.shuffle(mixed)
        assert one(*mixed).matter == found.matter
        assert not found.matter.overtaken
