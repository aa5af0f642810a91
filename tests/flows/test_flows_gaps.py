"""Numbers that can't be had, bundles that come again, and two statements under one number."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pyrage
import pytest
from flows_letters import STREAM, Letters, make_letters
from flows_world import NIGHT, NOW, A, B, query

from exchange.bundle.container import STATEMENT_ENTRY, read_container
from exchange.bundle.dsse import read_envelope
from exchange.jsontext import sha256_hex
from exchange.limits import DEFAULT_LIMITS
from flows.answering import MissingBundleError
from flows.receipts import kept_receipts
from flows.sending_again import send_again
from hefu.cli import run
from hefu.exchange_summary import SentStatus, TakenStatus, sent_status, settle, taken_status
from hefu.node import Node
from lake.store import Lake
from schemas.errors import ConfigError, VerificationError

LATER = NOW + 3 * NIGHT


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A has published three bundles, B has received none. Copied, never changed."""
    letters = make_letters(tmp_path_factory.mktemp("gaps") / "w")
    for night, number in enumerate(("甲更〔2026〕1号", "甲更〔2026〕2号", "甲更〔2026〕3号")):
        letters.send(number, NOW + night * NIGHT)
    return letters.root


@pytest.fixture
def letters(template: Path, tmp_path: Path) -> Letters:
    shutil.copytree(template, tmp_path / "w")
    return Letters(tmp_path / "w")


def said_by_b(node: Node) -> list[tuple[int, str]]:
    return sorted((k.said.sequence, k.said.kind) for k in kept_receipts(node) if k.by == B.code)


def sent_of(letters: Letters, now: Any = LATER) -> SentStatus:
    (status,) = sent_status(letters.a, kept_receipts(letters.a), now)
    return status


def taken_of(letters: Letters, now: Any = LATER) -> TakenStatus:
    (status,) = taken_status(letters.b, kept_receipts(letters.b), now)
    return status


def taken_in(letters: Letters) -> int:
    head = Lake(letters.b.place("lake")).ledger.head(A.code, STREAM)
    return head[0] if head else 0


def test_a_number_that_is_not_there_is_named_with_the_commands_that_bring_it(
    letters: Letters,
) -> None:
    data = letters.lose(2)
    with pytest.raises(MissingBundleError) as told:
        letters.receive(now=LATER)
    assert (told.value.gap.numbers, told.value.gap.waiting) == ((2,), (3,))
    assert taken_in(letters) == 1
    assert told.value.hint is not None
    assert f"hefu publish --again {STREAM} 2" in told.value.hint.en
    assert "hefu receive" in told.value.hint.zh
    answered = [(1, "taken_in"), (2, "missing"), (3, "verified")]
    assert said_by_b(letters.b) == answered

    # a night later nothing is added, and it is still since when
    with pytest.raises(MissingBundleError) as again:
        letters.receive(now=LATER + NIGHT)
    assert again.value.gap == told.value.gap
    assert said_by_b(letters.b) == answered
    (alarm,) = taken_of(letters, LATER + NIGHT).alarms
    assert (alarm.kind, alarm.numbers, alarm.since) == ("missing", (2,), LATER)

    # the publisher reads the same, and runs the command
    letters.answer(LATER + NIGHT)
    status = sent_of(letters)
    assert (status.answered_up_to, status.waiting) == (1, 1)
    assert [(a.kind, a.numbers) for a in status.alarms] == [("missing", (2,))]
    assert status.alarms[0].hint.en == f"hefu publish --again {STREAM} 2"
    with pytest.raises(ConfigError, match="is not in the repository") as lost:
        send_again(letters.a, STREAM, 2, LATER + NIGHT)
    assert lost.value.where is not None
    place = Path(lost.value.where.file or "")
    place.write_bytes(data)
    send_again(letters.a, STREAM, 2, LATER + NIGHT)

    assert [t.sequence for t in letters.receive(now=LATER + 2 * NIGHT)] == [2, 3]
    letters.answer(LATER + 2 * NIGHT)
    assert (sent_of(letters).answered_up_to, sent_of(letters).alarms) == (3, ())
    assert taken_of(letters).alarms == ()
    numbers = "SELECT correction_no FROM correction_current ORDER BY ALL"
    assert query(letters.b, "correction", numbers) == query(letters.a, "correction", numbers)


def test_the_last_number_is_missing_too_if_it_is_listed(letters: Letters) -> None:
    letters.lose(3)
    with pytest.raises(MissingBundleError) as told:
        letters.receive(now=LATER)
    assert (told.value.gap.numbers, told.value.gap.waiting) == ((3,), ())
    assert taken_in(letters) == 2


def test_a_damaged_one_behind_a_gap_is_refused_at_once(letters: Letters) -> None:
    letters.lose(2)
    third = letters.file(3)
    data = bytearray(third.read_bytes())
    data[len(data) // 2] ^= 1
    third.write_bytes(data)
    with pytest.raises(MissingBundleError) as told:
        letters.receive(now=LATER)
    assert told.value.gap.waiting == ()
    assert said_by_b(letters.b) == [(1, "taken_in"), (2, "missing"), (3, "refused")]


def test_a_bundle_that_comes_again_is_the_same_bundle(letters: Letters) -> None:
    """Other bytes, same statement: nothing is taken in, nothing is answered twice."""
    letters.receive(now=LATER)
    before = said_by_b(letters.b)
    entries = Lake(letters.b.place("lake")).ledger.entries()
    old = letters.file(2).read_bytes()
    _agree_on_encryption(letters)
    again = send_again(letters.a, STREAM, 2, LATER)
    assert again.path.read_bytes() != old
    assert again.path.suffix == ".age"
    opened = bytes(pyrage.decrypt(again.path.read_bytes(), letters.a.identities()))
    envelope = read_container(opened, DEFAULT_LIMITS)[STATEMENT_ENTRY]
    assert sha256_hex(read_envelope(envelope, DEFAULT_LIMITS).payload) == again.statement_sha256
    assert letters.receive(now=LATER + NIGHT) == []
    assert said_by_b(letters.b) == before
    assert Lake(letters.b.place("lake")).ledger.entries() == entries


def _agree_on_encryption(letters: Letters) -> None:
    for folder in ("a", "b"):
        path = letters.root / folder / "agreements/letters.toml"
        text = path.read_text(encoding="utf-8")
        path.write_text(
            text.replace(
                'purpose = "corrections"', 'purpose = "corrections"\nencryption = "always"'
            ),
            encoding="utf-8",
        )


def test_only_the_very_statement_goes_out_again(letters: Letters) -> None:
    letters.file(2).write_bytes(letters.file(1).read_bytes())
    with pytest.raises(VerificationError, match="another statement than the one"):
        send_again(letters.a, STREAM, 2, LATER)
    with pytest.raises(ConfigError, match="was never published"):
        send_again(letters.a, STREAM, 4, LATER)
    with pytest.raises(ConfigError, match="sends nothing as"):
        send_again(letters.b, STREAM, 1, LATER)


@pytest.fixture
def forked(letters: Letters, tmp_path: Path) -> Letters:
    """B took in the first bundle. Then A was put back from a backup of the time before, and
    published something else under that number, and once more."""
    early = make_letters(tmp_path / "early")
    shutil.rmtree(letters.root)
    shutil.copytree(early.root, letters.root)
    backup = letters.root / "a.backup"
    shutil.copytree(letters.root / "a", backup)
    letters.send("甲更〔2026〕1号", NOW)
    letters.receive(now=NOW)
    letters.publish(letters.b, now=NOW)
    shutil.rmtree(letters.root / "a")
    shutil.copytree(backup, letters.root / "a")
    letters.send("甲更〔2026〕7号", NOW + NIGHT)
    letters.send("甲更〔2026〕8号", NOW + NIGHT)
    return letters


def test_another_statement_under_a_number_is_refused_with_both_digests(forked: Letters) -> None:
    (ours,) = Lake(forked.b.place("lake")).ledger.entries()
    with pytest.raises(VerificationError):
        forked.receive(now=LATER)
    assert taken_in(forked) == 1
    assert said_by_b(forked.b) == [(1, "fork"), (1, "taken_in"), (2, "refused")]
    (fork,) = (k.said for k in kept_receipts(forked.b) if k.said.kind == "fork")
    assert ours.statement_digest in (fork.reason or "")
    assert (fork.digest or "-") in (fork.reason or "")
    assert {a.kind for a in taken_of(forked).alarms} == {"forked", "refused"}
    proof = forked.b.place("inbox") / A.code / "forks" / STREAM
    (kept,) = proof.iterdir()
    assert kept.name == f"00000001-{(fork.digest or '')[:16]}"
    named = [path.read_bytes() for path in (kept / "metadata").rglob("*.json")]
    assert any((fork.digest or "-").encode() in data for data in named)
    assert (kept / "bundle.hefu").read_bytes() == forked.file(1).read_bytes()

    # the publisher hears of it on the way back, and sees what it was that the partner holds
    forked.answer(LATER)
    assert "forked" in {a.kind for a in sent_of(forked).alarms}

    # a person looks: this alarm is settled on that side, the refusal of what follows is not
    assert settle(forked.b, STREAM, 1, LATER) == [fork.receipt_no]
    assert {a.kind for a in taken_of(forked).alarms} == {"refused"}
    run(["status", "--looked", STREAM, "1", "--node", str(forked.root / "a")])
    assert "forked" not in {a.kind for a in sent_of(forked).alarms}
    with pytest.raises(ConfigError, match="nothing is told of two statements"):
        settle(forked.b, STREAM, 9, LATER)


def test_a_partner_that_is_silent_for_longer_than_agreed_is_told_of(letters: Letters) -> None:
    letters.receive(now=LATER)
    published = taken_of(letters).published_time
    assert published is not None
    assert taken_of(letters, published + 7 * NIGHT).alarms == ()
    (alarm,) = taken_of(letters, published + 8 * NIGHT).alarms
    assert alarm.kind == "overdue"
    kinds = {a.kind for a in taken_of(letters, NOW + 40 * NIGHT).alarms}
    assert kinds == {"overdue", "stale"}
