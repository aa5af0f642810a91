"""Receipts: what is said, to whom, how often, and that the two sides come to rest."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from flows_letters import BACK, STREAM, Letters, make_letters
from flows_world import NIGHT, NOW, RECEIPT_FIELDS, A, B, query

from exchange.errors import refusal
from exchange.repository.local import published
from flows.answering import MissingBundleError
from flows.receipts import Named, kept_receipts, missing, received, refused, write_receipts
from flows.sending_again import send_again
from hefu.exchange_summary import sent_status
from hefu.node import Node
from schemas.text import Text

LATER = NOW + NIGHT


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Receipts go both ways; A has sent one bundle, B has answered. Copied, never changed."""
    letters = make_letters(tmp_path_factory.mktemp("receipts") / "w")
    _let_receipts_go_both_ways(letters)
    letters.send("甲更〔2026〕1号")
    letters.receive()
    letters.publish(letters.b)
    return letters.root


@pytest.fixture
def letters(template: Path, tmp_path: Path) -> Letters:
    shutil.copytree(template, tmp_path / "w")
    return Letters(tmp_path / "w")


def _let_receipts_go_both_ways(letters: Letters) -> None:
    fields = ", ".join(f'"{name}"' for name in RECEIPT_FIELDS)
    for folder in ("a", "b"):
        path = letters.root / folder / "agreements/letters.toml"
        text = path.read_text(encoding="utf-8")
        path.write_text(
            text.replace("correction = [", f"receipt = [{fields}]\ncorrection = ["),
            encoding="utf-8",
        )


def numbers(node: Node, by: str) -> list[tuple[str, int, str]]:
    found = [(k.stream, k.said.sequence, k.said.kind) for k in kept_receipts(node) if k.by == by]
    return sorted(found)


def test_a_receipt_is_written_once_whatever_is_said_again(letters: Letters) -> None:
    error = refusal("signature", Text(en="x", zh="签名不足"), expected=2, found=1)
    second, third = (Named(STREAM, n, "ab" * 32, "cd" * 32) for n in (2, 3))
    told = [
        refused(letters.b, second, error, LATER),
        received(letters.b, third, error, LATER),
        missing(letters.b, STREAM, 4, None, "已列入清单，但文件不在发布处", LATER),
    ]
    run = write_receipts(letters.b, told, LATER)
    assert run is not None
    assert (run.accepted, run.quarantined) == (3, 0)
    later = [
        refused(letters.b, second, error, LATER + NIGHT),
        missing(letters.b, STREAM, 4, "ef" * 32, "换一种说法", LATER + NIGHT),
    ]
    assert write_receipts(letters.b, later, LATER + NIGHT) is None
    assert write_receipts(letters.b, [*told, *told], LATER) is None
    rows = query(
        letters.b,
        "receipt",
        "SELECT receipt_grade, refusal_reason FROM receipt_history ORDER BY receipt_no",
    )
    assert rows == [
        ("taken_in", None),
        ("refused", "signature：签名不足"),
        ("received", "signature：签名不足"),
        ("missing", "已列入清单，但文件不在发布处"),
    ]


def test_the_same_receipt_twice_in_one_writing_is_one(letters: Letters) -> None:
    one = missing(letters.b, STREAM, 9, None, "未列入清单", LATER)
    run = write_receipts(letters.b, [one, one], LATER)
    assert run is not None
    assert run.accepted == 1


def test_a_lost_bundle_of_receipts_is_complained_about_and_settled(letters: Letters) -> None:
    """Only then is it answered: acknowledgements of acknowledgements never come to an end."""
    repository = letters.b.place("repository")
    listed = published(repository, BACK, 1)
    assert listed is not None
    file = repository / listed.file
    data = file.read_bytes()
    file.unlink()
    with pytest.raises(MissingBundleError):
        letters.receive(letters.a, LATER)
    letters.publish(letters.a, LATER)
    letters.receive(letters.b, LATER)
    (status,) = sent_status(letters.b, kept_receipts(letters.b), LATER)
    assert [(a.kind, a.numbers) for a in status.alarms] == [("missing", (1,))]

    file.write_bytes(data)
    send_again(letters.b, BACK, 1, LATER)
    assert [t.sequence for t in letters.receive(letters.a, LATER)] == [1]
    letters.publish(letters.a, LATER)
    letters.receive(letters.b, LATER)
    (status,) = sent_status(letters.b, kept_receipts(letters.b), LATER)
    assert (status.answered_up_to, status.alarms) == (1, ())

    # and it comes to rest: neither has anything to say to what brought only receipts
    assert numbers(letters.a, A.code) == [(BACK, 1, "missing"), (BACK, 1, "taken_in")]
    assert numbers(letters.b, B.code) == [(STREAM, 1, "taken_in")]
    quiet = [*letters.publish(letters.a, LATER), *letters.publish(letters.b, LATER)]
    assert {p.status for p in quiet} == {"nothing_new"}


def test_a_node_tells_nobody_that_it_was_not_answered(letters: Letters) -> None:
    """The note is about our own stream; a receipt goes to the publisher of the stream it names."""
    from flows.answers import note_unanswered

    letters.send("甲更〔2026〕2号", LATER)
    long_after = LATER + 20 * NIGHT
    assert [n.sequence for n in note_unanswered(letters.a, long_after)] == [1, 2]
    assert {p.status for p in letters.publish(letters.a, long_after)} == {"nothing_new"}
