"""The five faults of an exchange, each with its one outcome and nothing lost or taken in twice:
a lost hub, no answer, a late answer, an unasked message, an invalid message."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from flows_letters import STREAM, Letters, make_letters
from flows_world import NIGHT, NOW, A, C, query

from examples.introduce import make_node
from exchange.repository.local import published_streams
from flows.answers import awaited, note_unanswered
from flows.incoming import incoming_of, take_in
from flows.receipts import kept_receipts
from hefu.exchange_summary import SentStatus, sent_status
from lake.store import Lake
from schemas.errors import HefuError, RefusedError, VerificationError

LATER = NOW + NIGHT
NUMBERS = "SELECT correction_no FROM correction_current ORDER BY ALL"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A has published one bundle. Copied, never changed."""
    letters = make_letters(tmp_path_factory.mktemp("faults") / "w")
    letters.send("甲更〔2026〕1号")
    return letters.root


@pytest.fixture
def letters(template: Path, tmp_path: Path) -> Letters:
    shutil.copytree(template, tmp_path / "w")
    return Letters(tmp_path / "w")


def taken_in(letters: Letters) -> int:
    head = Lake(letters.b.place("lake")).ledger.head(A.code, STREAM)
    return head[0] if head else 0


def sent_of(letters: Letters, now: object) -> SentStatus:
    (status,) = sent_status(letters.a, kept_receipts(letters.a), now)  # type: ignore[arg-type]
    return status


def what_b_knows(letters: Letters) -> dict[str, bytes]:
    """All of B but its locks and what it was told of failures."""
    places = [letters.b.place(name) for name in ("lake", "inbox")]
    places.append(letters.root / "b" / "partners")
    return {
        str(path): path.read_bytes()
        for place in places
        for path in sorted(place.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


# a lost hub


def test_while_the_hub_is_lost_nothing_changes_and_a_disk_goes_another_way(
    letters: Letters, tmp_path: Path
) -> None:
    """The place where both meet is gone: both nodes go on, and a carried disk replaces it."""
    hub = letters.a.place("repository")
    away = hub.rename(hub.with_name("away"))
    before = what_b_knows(letters)
    for night in range(2):
        with pytest.raises(RefusedError) as told:
            letters.receive(now=LATER + night * NIGHT)
        assert told.value.hint is not None
        assert what_b_knows(letters) == before

    disk = shutil.copytree(away, tmp_path / "disk")
    (incoming,) = incoming_of(letters.b)
    taken = take_in(letters.b, incoming, LATER, place=str(disk))
    assert [one.sequence for one in taken] == [1]

    away.rename(hub)
    assert letters.receive(now=LATER) == [], "what came by disk does not come twice"
    letters.send("甲更〔2026〕2号", LATER)
    assert [one.sequence for one in letters.receive(now=LATER)] == [2]
    assert query(letters.b, "correction", NUMBERS) == query(letters.a, "correction", NUMBERS)


# no answer, and a late one


def test_without_an_answer_the_sender_writes_so_and_a_late_answer_does_not_erase_it(
    letters: Letters,
) -> None:
    (waiting,) = [one for one in awaited(letters.a, NOW) if one.stream == STREAM]
    deadline = waiting.due.deadline
    assert note_unanswered(letters.a, deadline - timedelta(seconds=1)) == []
    assert sent_of(letters, deadline - timedelta(seconds=1)).alarms == ()

    # no answer: one negative of our own, however often it is looked for
    assert [one.sequence for one in note_unanswered(letters.a, deadline)] == [1]
    assert note_unanswered(letters.a, deadline + NIGHT) == []
    assert [(r.by, r.said.kind) for r in kept_receipts(letters.a)] == [(A.code, "unanswered")]
    assert [alarm.kind for alarm in sent_of(letters, deadline).alarms] == ["unanswered"]

    # late answer: what was sent counts as taken in, and that it was late stays
    late = deadline + 2 * NIGHT
    assert [one.sequence for one in letters.receive(now=late)] == [1]
    letters.answer(late)
    assert sorted(r.said.kind for r in kept_receipts(letters.a)) == ["taken_in", "unanswered"]
    status = sent_of(letters, late)
    assert (status.answered_up_to, status.late, status.alarms) == (1, 1, ())


# an unasked message


def test_a_stranger_is_not_listened_to(letters: Letters, tmp_path: Path) -> None:
    """Whoever puts a repository of its own where the partner's should be: its root is not ours."""
    stranger = make_node(tmp_path / "c", C, NOW - NIGHT, "passphrase of c in tests")
    before = what_b_knows(letters)
    (incoming,) = incoming_of(letters.b)
    with pytest.raises(VerificationError) as told:
        take_in(letters.b, incoming, LATER, place=str(stranger.place("repository")))
    assert told.value.step == "trust"
    assert what_b_knows(letters) == before


def test_a_stream_that_no_agreement_has_is_neither_fetched_nor_answered(letters: Letters) -> None:
    """A sends under an agreement that B never signed: B does not know of it, and does not ask."""
    agreements = letters.root / "b" / "agreements"
    kept = (agreements / "letters.toml").rename(agreements / "letters.unsigned")
    assert published_streams(letters.a.place("repository")) == (STREAM,)
    before = what_b_knows(letters)
    assert incoming_of(letters.b) == []
    assert letters.receive(now=LATER) == []
    assert what_b_knows(letters) == before
    assert kept_receipts(letters.b) == []

    kept.rename(agreements / "letters.toml")
    assert [one.sequence for one in letters.receive(now=LATER)] == [1]


def test_a_bundle_that_was_taken_in_already_is_not_asked_for_again(letters: Letters) -> None:
    letters.receive(now=LATER)
    before = what_b_knows(letters)
    assert letters.receive(now=LATER) == []
    assert what_b_knows(letters) == before


# an invalid message


def test_an_invalid_message_is_refused_answered_and_made_good(letters: Letters) -> None:
    path = letters.file(1)
    good = path.read_bytes()
    path.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    with pytest.raises(VerificationError) as told:
        letters.receive(now=LATER)
    assert isinstance(told.value, HefuError)
    assert (told.value.step, taken_in(letters)) == ("trust", 0)
    assert query(letters.b, "correction", "SELECT count(*) FROM correction_history") == [(0,)]

    letters.answer(LATER)
    assert [r.said.kind for r in kept_receipts(letters.a)] == ["refused"]
    (alarm,) = sent_of(letters, LATER).alarms
    assert (alarm.kind, alarm.numbers) == ("refused", (1,))
    assert f"hefu publish --again {STREAM} 1" in alarm.hint.en

    path.write_bytes(good)
    assert [one.sequence for one in letters.receive(now=LATER + NIGHT)] == [1]
    letters.answer(LATER + NIGHT)
    status = sent_of(letters, LATER + NIGHT)
    assert (status.answered_up_to, status.alarms) == (1, ())
