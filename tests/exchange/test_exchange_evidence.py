"""What is kept with a bundle proves it as of its receipt, whatever holds today."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from bundles import NOW, RECEIVER, SENDER, Key, agreement, contract, good, statement_digest
from repository_world import DAY, World, founded, public, signer

from exchange.bundle.container import STATEMENT_ENTRY, read_container
from exchange.bundle.policy import ChainHead, Policy
from exchange.bundle.verify import verify_bundle
from exchange.limits import DEFAULT_LIMITS
from exchange.repository.folder import FolderCarrier
from exchange.repository.local import publish
from exchange.trust.ceremony import apply_change, read_terms
from exchange.trust.client import Publisher, open_publisher
from exchange.trust.drafts import draft_change, load_draft, sign_change
from exchange.trust.evidence import Basis, Kept, keep, kept_in, load
from exchange.trust.evidence_verify import Proof, proof_of, verify_evidence
from exchange.trust.roles import Periods, Signers
from schemas.errors import ConfigError, DataError, VerificationError

STREAM = agreement().stream_id(agreement().grants[0])
ONLINE = Key("online")
RECEIVED = NOW + timedelta(hours=2)


@dataclass
class Receiver:
    """A publisher's repository and a receiver's inbox."""

    publisher: World
    folder: Path

    @property
    def inbox(self) -> Path:
        return self.folder / "inbox"

    @property
    def root(self) -> bytes:
        return (self.publisher.repository / "metadata/1.root.json").read_bytes()

    def publish(self, bundle: bytes, sequence: int = 1) -> None:
        file = self.folder / "leaving"
        file.write_bytes(bundle)
        envelope = bytes(read_container(bundle, DEFAULT_LIMITS)[STATEMENT_ENTRY])
        world = self.publisher
        publish(
            world.repository, world.sent, STREAM, sequence, file, envelope,
            world.signers, Periods(), NOW,
        )  # fmt: skip

    def view(self, now: Any = RECEIVED) -> Publisher:
        carrier = FolderCarrier(self.publisher.repository)
        return open_publisher(carrier, self.folder / "trusted", self.root, now)

    def take(self, sequence: int = 1, head: ChainHead | None = None, now: Any = RECEIVED) -> Kept:
        """Fetch, verify and keep, as a node does."""
        view = self.view(now)
        listed = view.find(STREAM, sequence)
        assert listed is not None
        plain = self.folder / f"came-{sequence}-{now:%H%M%S%f}"
        plain.unlink(missing_ok=True)
        view.download(listed, plain)
        policy = Policy({"note": contract()}, RECEIVER, (agreement(),), head or ChainHead.start())
        bundle = verify_bundle(plain.read_bytes(), view.trust(SENDER), policy, now)
        basis = Basis(RECEIVER, agreement(), policy.contracts, self.root, view.metadata())
        return keep(self.inbox, bundle, plain, basis, now)


@pytest.fixture
def receiver(tmp_path: Path) -> Receiver:
    made = Receiver(founded(tmp_path / "publisher"), tmp_path)
    made.publish(good(ONLINE))
    return made


@pytest.fixture
def kept(receiver: Receiver) -> Kept:
    return receiver.take()


def test_what_was_kept_verifies_without_the_publisher(receiver: Receiver, kept: Kept) -> None:
    shutil.rmtree(receiver.publisher.root)
    shutil.rmtree(receiver.folder / "trusted")
    proven = verify_evidence(proof_of(load(receiver.inbox, SENDER, STREAM, 1)))
    assert proven.bundle.statement_sha256 == statement_digest(good(ONLINE))
    assert proven.bundle.tables["note"].num_rows == 3
    assert [key.key_id for key in proven.bundle.signed_by] == [ONLINE.public.key_id]
    assert proven.root_fingerprint.replace(" ", "") == kept.evidence.root_sha256
    assert len(proven.checks) == 7
    assert proven.warnings == ()


def test_the_agreement_is_kept_in_the_form_that_its_digest_is_of(kept: Kept) -> None:
    assert kept.evidence.agreement_sha256 == agreement().digest()
    assert kept.agreement() == agreement().canonical()


def test_keeping_again_replaces_what_a_killed_run_left(receiver: Receiver, kept: Kept) -> None:
    """Until the ledger names the bundle, the last run's evidence is the one that counts."""
    kept.bundle.write_bytes(b"half")
    (kept.bundle.parent / ".partial-1-00000001.hefu").write_bytes(b"ha")
    again = receiver.take(now=RECEIVED + DAY)
    assert again.evidence.received_time == RECEIVED + DAY
    assert load(receiver.inbox, SENDER, STREAM, 1) == again
    assert verify_evidence(proof_of(again)).bundle.statement.sequence == 1


def test_the_same_evidence_twice_is_the_same_bytes(receiver: Receiver, kept: Kept) -> None:
    def files() -> dict[str, bytes]:
        found = (p for p in receiver.inbox.rglob("*") if p.is_file())
        return {str(p.relative_to(receiver.inbox)): p.read_bytes() for p in found}

    before = files()
    shutil.rmtree(receiver.folder / "trusted")
    receiver.take()
    assert files() == before


def test_nobody_else_may_read_what_is_kept(receiver: Receiver, kept: Kept) -> None:
    modes = {p.stat().st_mode & 0o077 for p in receiver.inbox.rglob("*") if p.is_file()}
    assert modes == {0}


def test_metadata_is_kept_once_for_many_bundles(receiver: Receiver, kept: Kept) -> None:
    before = len(list((receiver.inbox / SENDER / "metadata").iterdir()))
    first = good(ONLINE)
    receiver.publish(_second(first), 2)
    receiver.take(2, ChainHead(1, statement_digest(first)))
    after = len(list((receiver.inbox / SENDER / "metadata").iterdir()))
    assert after == before + 3, "a segment, a snapshot and a timestamp are new"
    assert [one.evidence.sequence for one in kept_in(receiver.inbox)] == [1, 2]


def _second(first: bytes) -> bytes:
    return good(ONLINE, sequence=2, previous_statement_sha256=statement_digest(first))


def test_the_bundle_before_is_looked_at_if_it_is_at_hand(receiver: Receiver, kept: Kept) -> None:
    first = good(ONLINE)
    receiver.publish(_second(first), 2)
    proof = proof_of(receiver.take(2, ChainHead(1, statement_digest(first))))
    assert verify_evidence(proof, ChainHead(1, statement_digest(first))).warnings == ()
    (warning,) = verify_evidence(proof).warnings
    assert "not looked at" in warning.en
    with pytest.raises(VerificationError) as refused:
        verify_evidence(proof, ChainHead(1, "0" * 64))
    assert refused.value.step == "stream"


def revoke(world: World, folder: Path, now: Any) -> None:
    """The online key is revoked, another takes its place."""
    terms = replace(read_terms(world.repository), online_key=public("next"))
    draft = draft_change(world.repository, folder, terms, Periods(), now)
    sign_change(folder, signer("root"))
    world.signers = Signers((signer("next"),))
    draft = load_draft(folder)
    apply_change(world.repository, draft.before, draft.after, world.signers, Periods(), now, None)


def test_after_a_revocation_what_was_received_before_still_verifies_and_nothing_new_does(
    receiver: Receiver, kept: Kept
) -> None:
    first = good(ONLINE)
    revoke(receiver.publisher, receiver.folder / "change", NOW + 3 * DAY)
    assert verify_evidence(proof_of(kept)).bundle.signed_by == (ONLINE.public,)
    receiver.publish(_second(first), 2)
    with pytest.raises(VerificationError) as refused:
        receiver.take(2, ChainHead(1, statement_digest(first)), NOW + 4 * DAY)
    assert refused.value.step == "signature"
    assert [one.evidence.sequence for one in kept_in(receiver.inbox)] == [1]
    # The old evidence under a time after the revocation: its lists are of before.
    proof = proof_of(kept)
    late = proof.evidence.model_copy(update={"received_time": NOW + 30 * DAY})
    with pytest.raises(VerificationError):
        verify_evidence(replace(proof, evidence=late))


@pytest.mark.parametrize("days", [-1, 60])
def test_another_time_of_receipt_does_not_fit_the_publishers_lists(kept: Kept, days: int) -> None:
    """The lists say when they were published and until when they hold."""
    proof = proof_of(kept)
    moved = proof.evidence.model_copy(update={"received_time": RECEIVED + days * DAY})
    with pytest.raises(VerificationError) as refused:
        verify_evidence(replace(proof, evidence=moved))
    assert refused.value.step in ("trust", "fetch")


def test_a_list_that_a_policy_took_although_it_was_over_still_holds(receiver: Receiver) -> None:
    late = NOW + 20 * DAY
    carrier = FolderCarrier(receiver.publisher.repository)
    view = open_publisher(carrier, receiver.folder / "t", receiver.root, late, 10)
    bundle = good(ONLINE)
    plain = receiver.folder / "plain"
    plain.write_bytes(bundle)
    assert view.find(STREAM, 1) is not None
    policy = Policy({"note": contract()}, RECEIVER, (agreement(),), ChainHead.start())
    verified = verify_bundle(bundle, view.trust(SENDER), policy, late)
    basis = Basis(RECEIVER, agreement(), policy.contracts, receiver.root, view.metadata(), 10)
    proof = proof_of(keep(receiver.inbox, verified, plain, basis, late))
    assert verify_evidence(proof).freshness.is_stale
    strict = proof.evidence.model_copy(update={"max_stale_days": 0})
    with pytest.raises(VerificationError):
        verify_evidence(replace(proof, evidence=strict))


CHANGES: dict[str, Callable[[Proof], Proof]] = {
    "another agreement": lambda p: replace(p, agreement=agreement(version=2).canonical()),
    "another root": lambda p: replace(p, root=p.root + b" "),
    "a list taken out": lambda p: replace(
        p, metadata={n: d for n, d in p.metadata.items() if not n.endswith("000000.json")}
    ),
    "a list changed": lambda p: replace(
        p,
        metadata={
            n: d.replace(b'"length": ', b'"length":  ') if n.endswith("000000.json") else d[:-1]
            for n, d in p.metadata.items()
        },
    ),
    "another statement": lambda p: _with(p, statement_sha256="0" * 64),
    "another number": lambda p: _with(p, sequence=2),
    "another file": lambda p: _with(p, file_sha256="0" * 64),
    "encrypted": lambda p: _with(p, encrypted_sha256="0" * 64),
    "another receiver": lambda p: _with(p, recipient="SOMEBODYELSE"),
    "another publisher": lambda p: _with(p, publisher="SOMEBODYELSE"),
    "no contract": lambda p: replace(p, contracts={}),
}


def _with(proof: Proof, **changes: object) -> Proof:
    return replace(proof, evidence=proof.evidence.model_copy(update=changes))


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_evidence_that_was_changed_is_refused(kept: Kept, change: Callable[[Proof], Proof]) -> None:
    with pytest.raises(VerificationError):
        verify_evidence(change(proof_of(kept)))


def test_one_byte_of_the_bundle_changed_is_refused(kept: Kept) -> None:
    data = bytearray(kept.bundle.read_bytes())
    data[len(data) // 2] ^= 1
    kept.bundle.write_bytes(data)
    with pytest.raises(VerificationError) as refused:
        verify_evidence(proof_of(kept))
    assert refused.value.step == "fetch"


def test_a_kept_file_that_is_damaged_or_gone_is_named(receiver: Receiver, kept: Kept) -> None:
    (path, *_) = sorted((receiver.inbox / SENDER / "metadata").iterdir())
    data = path.read_bytes()
    path.write_bytes(data + b" ")
    with pytest.raises(DataError, match="changed"):
        proof_of(kept)
    path.unlink()
    with pytest.raises(DataError, match="missing"):
        proof_of(kept)
    receiver.take()
    assert path.read_bytes() == data


def test_what_is_no_evidence_is_named(receiver: Receiver, kept: Kept) -> None:
    with pytest.raises(ConfigError, match="no evidence"):
        load(receiver.inbox, SENDER, STREAM, 7)
    text = kept.record.read_bytes()
    for other in (
        text.replace(b'"sequence":1', b'"sequence":2'),
        text.replace(b'"_type":"urn:hefu:evidence:1",', b""),
        text.replace(b'"max_stale_days":0', b'"max_stale_days":-1'),
        text.replace(b'"timestamp.json":', b'"timestamp/../../../x":'),
    ):
        kept.record.write_bytes(other)
        with pytest.raises(DataError, match="not the evidence"):
            load(receiver.inbox, SENDER, STREAM, 1)


def test_a_bundle_that_was_let_go_of_leaves_its_statement(kept: Kept) -> None:
    kept.bundle.unlink()
    with pytest.raises(DataError, match="let go of"):
        proof_of(kept)
    assert kept.statement.is_file()


def test_a_copy_is_kept_where_a_file_cannot_have_two_names(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(18, "another file system")

    monkeypatch.setattr(os, "link", refuse)
    assert receiver.take().bundle.read_bytes() == good(ONLINE)
