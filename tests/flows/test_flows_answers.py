"""Each bundle's state follows from the receipts alone, and a deadline is a working day's end."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from flows_letters import STREAM, Letters, make_letters
from flows_world import NOW, A, B
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.answers import answer_due, awaited, note_unanswered, sent_streams
from flows.bundle_states import (
    KINDS,
    STATE_WORDS,
    STATES,
    BundleState,
    Kind,
    Known,
    Said,
    bundle_state,
    stream_states,
    taken_up_to,
)
from flows.receipts import Kept, kept_receipts, number_of, read_number
from hefu.exchange_summary import sent_status
from schemas.law.calendar import load_calendar

CHINA = ZoneInfo("Asia/Shanghai")
DEADLINE = datetime(2026, 10, 13, tzinfo=CHINA)
SECOND = timedelta(seconds=1)


def at(year: int, month: int, day: int, hour: int = 9, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=CHINA)


# ---- deadlines ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("created", "days", "first_too_late"),
    [
        pytest.param(at(2026, 11, 20), 2, date(2026, 11, 25), id="Friday: Monday and Tuesday"),
        pytest.param(at(2026, 11, 20, 23, 59), 2, date(2026, 11, 25), id="late on Friday"),
        pytest.param(at(2026, 11, 21, 0, 0), 1, date(2026, 11, 24), id="Saturday"),
        pytest.param(at(2026, 9, 30), 1, date(2026, 10, 9), id="National Day"),
        pytest.param(at(2026, 10, 9, 1, 30), 1, date(2026, 10, 11), id="a worked Saturday"),
        pytest.param(at(2026, 10, 9, 1, 30), 2, date(2026, 10, 13), id="and the Monday after"),
        pytest.param(at(2025, 12, 31), 1, date(2026, 1, 5), id="31 December, and a worked Sunday"),
    ],
)
def test_a_deadline_is_the_end_of_the_last_working_day(
    created: datetime, days: int, first_too_late: date
) -> None:
    due = answer_due(created, days, load_calendar())
    assert due.deadline == datetime.combine(first_too_late, datetime.min.time(), CHINA)
    assert not due.provisional


def test_a_deadline_beyond_the_calendar_says_that_it_is_provisional(tmp_path: Path) -> None:
    created = at(2026, 12, 30)
    assert answer_due(created, 2, load_calendar()).provisional
    own = tmp_path / "2027.toml"
    own.write_text(
        'version = "own-2027"\ncomplete_years = [2027]\n'
        '[[day]]\ndate = 2027-01-01\nworking = false\nsource = "invented"\n',
        encoding="utf-8",
    )
    due = answer_due(created, 2, load_calendar(own))
    assert (due.deadline.date(), due.provisional) == (date(2027, 1, 5), False)


def test_the_day_is_that_of_china() -> None:
    """17:30 in UTC on Thursday is Friday in Beijing."""
    created = datetime(2026, 11, 19, 17, 30, tzinfo=UTC)
    assert answer_due(created, 1, load_calendar()).deadline == at(2026, 11, 24, 0)


# ---- the fold ----------------------------------------------------------------------------------


def digest(sequence: int) -> str:
    return f"{sequence:064x}"


def said(sequence: int, kind: Kind, hours: float = 0, **more: str) -> Said:
    tail = "f" * 16 if kind in ("refused", "fork") else ""
    when = NOW + timedelta(hours=hours)
    told = {"taken_in": digest(sequence)}.get(kind)
    one = Said(number_of(STREAM, sequence, kind, tail), sequence, kind, told, when, when)
    return replace(one, **more)  # type: ignore[arg-type]


def known(sequence: int = 1, deadline: datetime | None = DEADLINE) -> Known:
    return Known(sequence, digest(sequence), deadline)


def test_the_last_second_is_in_time_and_the_first_after_it_is_not() -> None:
    assert bundle_state(known(), [], DEADLINE - SECOND).state == "awaited"
    assert bundle_state(known(), [], DEADLINE).state == "unanswered"
    assert bundle_state(known(deadline=None), [], DEADLINE).state == "no_answer_due"


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "unanswered"])
def test_each_answer_has_its_state(kind: Kind) -> None:
    expected = "forked" if kind == "fork" else kind
    found = bundle_state(known(), [said(1, kind)], DEADLINE)
    assert (found.state, found.since, found.is_late) == (expected, NOW, False)


def test_a_late_answer_does_not_erase_that_there_was_none() -> None:
    note = said(1, "unanswered", said_time=DEADLINE)  # type: ignore[arg-type]
    late = said(1, "taken_in", hours=200)
    found = bundle_state(known(), [note, late], DEADLINE)
    assert found.state == "taken_in"
    assert found.is_late
    assert (found.unanswered_since, found.answered_time) == (DEADLINE, late.arrived_time)


def test_another_digest_than_ours_is_a_fork_and_takes_nothing_in() -> None:
    states = stream_states(
        [known(1), known(2)], [said(2, "taken_in", digest=digest(9))], DEADLINE - SECOND
    )
    assert [state.state for state in states.values()] == ["awaited", "forked"]
    assert taken_up_to(states) == 0


def test_one_that_was_taken_in_stands_for_all_before_it() -> None:
    receipts = [said(1, "missing"), said(2, "refused"), said(4, "taken_in")]
    states = stream_states([known(n) for n in range(1, 6)], receipts, DEADLINE - SECOND)
    assert [state.state for state in states.values()] == [*["taken_in"] * 4, "awaited"]
    assert [state.implied for state in states.values()] == [True, True, True, False, False]
    assert taken_up_to(states) == 4


def test_every_state_has_words_in_both_languages() -> None:
    assert set(STATE_WORDS) == set(STATES)
    assert len({words.zh for words in STATE_WORDS.values()}) == len(STATES)
    assert len({words.en for words in STATE_WORDS.values()}) == len(STATES)


spoken = st.lists(
    st.tuples(
        st.integers(1, 5),
        st.sampled_from([kind for kind in KINDS if kind != "unanswered"]),
        st.floats(0, 500),
        st.booleans(),
    ).map(lambda t: said(t[0], t[1], t[2], **({} if t[3] else {"digest": digest(99)}))),
    max_size=14,
    unique_by=lambda one: one.receipt_no,
)


def plain(states: dict[int, BundleState]) -> list[tuple[str, datetime | None]]:
    """What both sides say of each bundle; when an answer arrived is each one's own."""
    return [(state.state, state.since) for state in states.values()]


@settings(max_examples=150, deadline=None)
@given(receipts=spoken, data=st.data())
def test_both_sides_say_the_same_however_the_receipts_came(
    receipts: list[Said], data: st.DataObject
) -> None:
    """Any order, any delay, each as often as one likes."""
    published = [known(n) for n in range(1, 6)]
    delays = data.draw(st.lists(st.integers(0, 900), min_size=14, max_size=14))
    came = [
        replace(one, arrived_time=one.arrived_time + timedelta(hours=delay))
        for one, delay in zip(receipts, delays, strict=False)
    ]
    again = data.draw(st.lists(st.sampled_from(came), max_size=6)) if came else []
    mixed = data.draw(st.permutations([*came, *again]))
    now = NOW + timedelta(hours=data.draw(st.integers(0, 300)))
    receiver = stream_states(published, receipts, now)
    sender = stream_states(published, mixed, now)
    assert plain(sender) == plain(receiver)


@settings(max_examples=150, deadline=None)
@given(receipts=spoken, data=st.data())
def test_a_receipt_that_is_lost_only_leaves_the_sender_behind(
    receipts: list[Said], data: st.DataObject
) -> None:
    """What the sender knows from some of the receipts never outranks what all of them say; and
    the notes that it makes itself change no state that an answer gave."""
    published = [known(n) for n in range(1, 6)]
    kept = data.draw(st.lists(st.sampled_from(receipts), unique=True)) if receipts else []
    notes = [said(n, "unanswered") for n in data.draw(st.sets(st.integers(1, 5)))]
    receiver = stream_states(published, receipts, DEADLINE)
    sender = stream_states(published, [*notes, *kept], DEADLINE)
    for number, state in sender.items():
        if receiver[number].implied or state.implied:
            continue  # see the test above: a later number stands for it
        assert STATES.index(state.state) <= STATES.index(receiver[number].state)
    assert plain(stream_states(published, [*notes, *receipts], DEADLINE)) == plain(receiver)


@given(
    stream=st.from_regex(r"[a-z0-9][a-z0-9._-]{0,40}", fullmatch=True),
    sequence=st.integers(1, 99_999_999),
    kind=st.sampled_from(KINDS),
)
def test_a_number_is_read_as_it_was_written(stream: str, sequence: int, kind: Kind) -> None:
    assert read_number(number_of(stream, sequence, kind)) == (stream, sequence, kind)


@pytest.mark.parametrize(
    "text", ["", "HZ-2026-0001", "s/1/taken_in", "s/00000001/eaten", "s/a/b/c/d"]
)
def test_other_numbers_are_nobodys_answer(text: str) -> None:
    assert read_number(text) is None


# ---- a node ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Letters:
    """A has published two bundles on Friday 9 October 2026, B has not received. Only read."""
    letters = make_letters(tmp_path_factory.mktemp("sent") / "w")
    for number in ("甲更〔2026〕1号", "甲更〔2026〕2号"):
        letters.send(number)
    return letters


def kept(receipts: Sequence[Said], by: str = B.code) -> list[Kept]:
    return [Kept(by, STREAM, one) for one in receipts]


def test_what_was_sent_is_awaited_until_the_deadline(sent: Letters) -> None:
    found = [a for a in awaited(sent.a, NOW) if a.stream == STREAM]
    assert [(a.sequence, a.due.deadline, a.state.state) for a in found] == [
        (1, DEADLINE, "awaited"),
        (2, DEADLINE, "awaited"),
    ]
    (status,) = sent_status(sent.a, [], NOW)
    assert (status.awaited, status.awaited_until, status.alarms) == (2, DEADLINE, ())


def test_an_answer_ends_the_waiting_for_all_before_it(sent: Letters) -> None:
    (stream,) = sent_streams(sent.a, NOW)
    second = stream.open[1]
    taken = said(2, "taken_in", digest=second.statement_sha256)
    (status,) = sent_status(sent.a, kept([taken]), DEADLINE)
    assert (status.answered_up_to, status.awaited, status.alarms) == (2, 0, ())


def test_nobody_answers_for_another(sent: Letters) -> None:
    (stream,) = sent_streams(sent.a, NOW)
    taken = said(2, "taken_in", digest=stream.open[1].statement_sha256)
    (status,) = sent_status(sent.a, kept([taken], by="11999902HEFUFLWC3J"), NOW)
    assert (status.answered_up_to, status.awaited) == (0, 2)
    # and a partner can't note for us that it did not answer
    (status,) = sent_status(sent.a, kept([said(1, "unanswered")]), NOW)
    assert status.awaited == 2


@pytest.mark.parametrize(
    ("receipt", "kind", "command"),
    [
        (said(1, "missing"), "missing", f"hefu publish --again {STREAM} 1"),
        (said(1, "refused", reason="decrypt：x"), "refused", f"hefu publish --again {STREAM} 1"),
        (said(1, "fork"), "forked", f"hefu status --looked {STREAM} 1"),
        (said(1, "taken_in", digest=digest(7)), "forked", f"hefu status --looked {STREAM} 1"),
        (said(3, "taken_in"), "beyond", "publish nothing"),
    ],
)
def test_what_needs_a_person_comes_with_what_to_do(
    sent: Letters, receipt: Said, kind: str, command: str
) -> None:
    (status,) = sent_status(sent.a, kept([receipt]), NOW)
    (alarm,) = status.alarms
    assert alarm.kind == kind
    assert command in alarm.hint.en or command in alarm.hint.zh
    assert status.needs_a_person


@pytest.fixture
def copied(sent: Letters, tmp_path: Path) -> Letters:
    shutil.copytree(sent.root, tmp_path / "w")
    return Letters(tmp_path / "w")


def test_the_note_is_written_once_at_the_deadline(copied: Letters) -> None:
    sent = copied
    assert note_unanswered(sent.a, DEADLINE - SECOND) == []
    assert kept_receipts(sent.a) == []
    assert [n.sequence for n in note_unanswered(sent.a, DEADLINE)] == [1, 2]
    notes = kept_receipts(sent.a)
    assert [(n.by, n.said.kind, n.said.said_time) for n in notes] == [
        (A.code, "unanswered", DEADLINE)
    ] * 2
    later = DEADLINE + timedelta(days=3)
    assert note_unanswered(sent.a, later) == []
    assert kept_receipts(sent.a) == notes
    (status,) = sent_status(sent.a, notes, later)
    assert [(alarm.kind, alarm.numbers) for alarm in status.alarms] == [
        ("unanswered", (1,)),
        ("unanswered", (2,)),
    ]
    late = said(
        2, "taken_in", hours=300, digest=sent_streams(sent.a, later)[0].open[1].statement_sha256
    )
    (status,) = sent_status(sent.a, [*notes, *kept([late])], later)
    assert (status.answered_up_to, status.late, status.late_time, status.alarms) == (
        2,
        2,
        late.arrived_time,
        (),
    )


def test_where_no_receipt_can_come_back_none_is_awaited(copied: Letters) -> None:
    path = copied.root / "a/agreements/letters.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"receipt_grade", ', ""), encoding="utf-8")
    assert awaited(copied.a, DEADLINE) == []
