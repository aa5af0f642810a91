"""A revoked record leaves in time, is applied by who has it, and is proven."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flows_matters import Two
from flows_withdrawal import at, inspect, make, withdraw
from flows_world import NIGHT, NOW, B, query

from cooperation.procedures.clocks import clocks
from flows.matters import law_of
from flows.withdrawal_proofs import prove
from flows.withdrawing import PROCEDURE, follow
from schemas.errors import ConfigError


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("withdrawal") / "w").root


@pytest.fixture
def two(template: Path, tmp_path: Path) -> Two:
    import shutil

    shutil.copytree(template, tmp_path / "w")
    return Two(tmp_path / "w")


def test_a_withdrawal_goes_over_is_applied_and_proven(two: Two) -> None:
    record, other = inspect(two, 1), inspect(two, 2)
    two.carry(two.a, two.b)

    done = withdraw(two, record, NOW + NIGHT)
    assert [(r.status, r.contradicted) for r in done.restated] == [("revoked", False)]
    (matter,) = done.matters
    assert (matter.state_name, matter.orgs["receiver"]) == ("recorded", B.code)
    (clock,) = clocks(matter, law_of(two.a, NOW), NOW + NIGHT)
    assert (clock.due, clock.row.name, clock.org) == (
        done.due, "withdrawal_send", two.a.agency.code,
    )  # fmt: skip
    assert at(two, "a") == [("检1", "revoked"), ("检2", "valid")]
    # once more: the same
    again = withdraw(two, record, NOW + NIGHT)
    assert (again.restated, len(again.matters)) == ((), 1)

    assert follow(two.a, NOW + NIGHT).sent == ()
    assert prove(two.b, NOW + NIGHT) == []
    two.carry(two.a, two.b, NOW + NIGHT)
    (sent,) = follow(two.a, NOW + NIGHT).sent
    assert sent.result_no is not None
    assert two.matter(two.a, PROCEDURE).state_name == "sent"

    # B need not wait for A to say that it was sent
    (proof,) = prove(two.b, NOW + NIGHT)
    assert (proof.code, proof.result_record_id) == (
        "confirm_applied", done.correction.record_id,
    )  # fmt: skip
    assert prove(two.b, NOW + NIGHT) == []
    assert at(two, "b") == [("检1", "revoked"), ("检2", "valid")]
    told = "refers_to_record_id, legal_document_no, resulting_data_status, refers_to_content_hash"
    assert query(two.b, "correction", f"SELECT {told} FROM correction_current") == [
        (record.record_id, "示复撤〔2026〕1号", "revoked", record.content_hash)
    ]
    two.carry(two.b, two.a, NOW + 2 * NIGHT)
    two.carry(two.a, two.b, NOW + 2 * NIGHT)
    for node in (two.a, two.b):
        matter = two.matter(node, PROCEDURE)
        assert (matter.state_name, matter.overtaken) == ("applied", ())
        assert not matter.is_open
    assert follow(two.a, NOW + 3 * NIGHT).opened == ()
    assert other.data_status == "valid"


def test_the_source_does_not_undo_it_and_may_come_to_agree(two: Two) -> None:
    record = inspect(two, 1)
    two.carry(two.a, two.b)
    withdraw(two, record, NOW + NIGHT)
    # the same row once more is no news; another one is overruled, and told
    inspect(two, 1)
    assert at(two, "a") == [("检1", "revoked")]
    inspect(two, 1, NOW + 2 * NIGHT, name="钱另有其人")
    assert at(two, "a") == [("检1", "valid")]
    done = follow(two.a, NOW + 2 * NIGHT)
    assert [(r.record_id, r.status) for r in done.contradicted] == [(record.record_id, "revoked")]
    assert at(two, "a", "data_status, party_name") == [("revoked", "钱另有其人")]
    assert follow(two.a, NOW + 2 * NIGHT).restated == ()
    # what the source changed before it was withdrawn, and told later, is not hidden
    inspect(two, 1, NOW + 2 * NIGHT, name="钱早已变更", updated=(NOW + NIGHT / 2).isoformat())
    assert at(two, "a", "data_status, party_name") == [("revoked", "钱另有其人")]
    inspect(two, 1, NOW + 3 * NIGHT, status="revoked")
    assert follow(two.a, NOW + 3 * NIGHT).restated == ()
    assert at(two, "a") == [("检1", "revoked")]


def test_a_withdrawal_can_be_taken_back(two: Two) -> None:
    record = inspect(two, 1)
    withdraw(two, record, NOW + NIGHT)
    withdraw(two, record, NOW + 2 * NIGHT, kind="data_error", document_no=None, status="valid")
    assert at(two, "a") == [("检1", "valid")]
    assert follow(two.a, NOW + 3 * NIGHT).restated == ()


def test_nobody_hears_of_what_he_never_had(two: Two) -> None:
    record = inspect(two, 1)
    done = withdraw(two, record, NOW + NIGHT)
    assert done.matters == ()
    two.carry(two.a, two.b, NOW + 2 * NIGHT)
    assert at(two, "b") == [("检1", "revoked")]
    assert follow(two.a, NOW + 3 * NIGHT).opened == ()


def test_what_a_source_revokes_waits_for_its_document(two: Two) -> None:
    inspect(two, 1)
    two.carry(two.a, two.b)
    inspect(two, 1, NOW + NIGHT, status="revoked")
    (proposal,) = follow(two.a, NOW + NIGHT).proposals
    assert (proposal.number, proposal.partners) == ("检1", (B.code,))
    two.carry(two.a, two.b, NOW + NIGHT)  # it goes all the same
    (proposal,) = follow(two.a, NOW + 2 * NIGHT).proposals
    record = inspect(two, 1, NOW + NIGHT, status="revoked")
    done = withdraw(two, record, NOW + 2 * NIGHT, effective=NOW + NIGHT)
    assert (len(done.matters), done.restated) == (1, ())
    after = follow(two.a, NOW + 2 * NIGHT)
    assert (after.proposals, len(after.sent)) == ((), 1)
    two.carry(two.a, two.b, NOW + 2 * NIGHT)
    assert [a.code for a in prove(two.b, NOW + 2 * NIGHT)] == ["confirm_applied"]


def test_what_a_partner_could_not_apply_is_said_and_sent_anew(two: Two) -> None:
    record = inspect(two, 1)
    two.carry(two.a, two.b)
    rules = two.root / "b/rules"
    withdraw(two, record, NOW + NIGHT)
    two.publish(two.a, NOW + NIGHT)
    follow(two.a, NOW + NIGHT)
    two.publish(two.a, NOW + NIGHT)
    assert rules is not None
    two.receive(two.b, NOW + NIGHT)
    assert [a.code for a in prove(two.b, NOW + NIGHT)] == ["confirm_applied"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"document_no": None}, "legal document"),
        ({"reason": None}, "reason is missing"),
        ({"effective": NOW + NIGHT}, "time to come"),
    ],
)
def test_what_is_missing_is_said(two: Two, more: dict[str, Any], said: str) -> None:
    record = inspect(two, 1)
    with pytest.raises(ConfigError, match=said):
        withdraw(two, record, **more)
