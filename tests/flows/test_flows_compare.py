"""A publisher that shows two histories is found, and being behind is never called a fork."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from exchange.bundle.statement import Head, Predicate, make_statement
from exchange.jsontext import sha256_hex
from flows.compare import Difference, Sighting, Told, compare, compare_metadata, told_by

A, B, C = "AGENCYA", "AGENCYB", "AGENCYC"
Chain = list[tuple[Predicate, str]]


def stream_of(sender: str, receiver: str) -> str:
    return f"deal.{sender}.{receiver}.cases".lower()


def statement(
    sender: str, receiver: str, chain: Chain, heads: dict[tuple[str, str], tuple[int, str]],
    rows: int = 1,
) -> tuple[Predicate, str]:  # fmt: skip
    facts: dict[str, Any] = {
        "publisher": {"code": sender, "name": "虚构"},
        "recipients": [{"code": receiver, "name": "虚构"}],
        "agreement": {"id": "deal", "version": 1, "digest": "0" * 64},
        "purpose": "cases",
        "legal_basis": "虚构",
        "stream": stream_of(sender, receiver),
        "sequence": len(chain) + 1,
        "previous_statement_sha256": chain[-1][1] if chain else None,
        "period": None,
        "lake_versions": {"note": 1},
        "counts": {"note": rows},
        "contracts": {"note": {"version": "1.0.0", "sha256": "0" * 64}},
        "heads": [
            Head(publisher=p, stream=s, sequence=n, statement_sha256=d)
            for (p, s), (n, d) in sorted(heads.items())
        ],
        "rule_pack_version": "test",
        "verdict_sha256": "0" * 64,
        "created_time": "2026-11-22T01:00:00.000000Z",
        "sensitivity_class": "internal",
    }
    made = make_statement(facts, [])
    return made.predicate, sha256_hex(made.payload())


@dataclass
class Agency:
    """What one agency has published, taken in, and been told."""

    code: str
    chains: dict[str, Chain] = field(default_factory=lambda: defaultdict(list))
    heads: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)

    def send(self, receiver: str) -> None:
        chain = self.chains[receiver]
        chain.append(statement(self.code, receiver, chain, self.heads_for(receiver)))
        self.heads[self.code, stream_of(self.code, receiver)] = (len(chain), chain[-1][1])
        self.told += told_by(*chain[-1], "sent")

    def heads_for(self, receiver: str) -> dict[tuple[str, str], tuple[int, str]]:
        return self.heads

    def take(self, sender: Agency) -> None:
        key = (sender.code, stream_of(sender.code, self.code))
        taken = self.heads.get(key, (0, ""))[0]
        if taken < len(sender.chains[self.code]):
            predicate, digest = sender.chains[self.code][taken]
            self.heads[key] = (taken + 1, digest)
            self.told += told_by(predicate, digest, "inbox")
            self.told.append(Told(self.code, *key, taken + 1, digest, None, None, "ledger"))


@dataclass
class Liar(Agency):
    """Publishes to B, and tells C of another history of that stream from number ``since`` on."""

    since: int = 1
    other: Chain = field(default_factory=list)

    def send(self, receiver: str) -> None:
        super().send(receiver)
        if receiver == B:
            number = len(self.chains[B])
            if number < self.since:
                self.other.append(self.chains[B][-1])
            else:
                self.other.append(statement(A, B, self.other, {}, rows=2))

    def heads_for(self, receiver: str) -> dict[tuple[str, str], tuple[int, str]]:
        if receiver != C or not self.other:
            return self.heads
        return {**self.heads, (A, stream_of(A, B)): (len(self.other), self.other[-1][1])}


PAIRS = [(x, y) for x in (A, B, C) for y in (A, B, C) if x != y]
EVENTS = st.lists(
    st.tuples(st.sampled_from(["send", "take", "notes"]), st.sampled_from(PAIRS)), max_size=40
)
#: What brings a lie about: A sends, B and C take in, now and then something else.
_FROM_A = [("send", (A, B)), ("take", (B, A)), ("send", (A, C)), ("take", (C, A))]
LIES = st.lists(
    st.one_of(
        *[st.just(one) for one in _FROM_A * 3], st.tuples(st.just("send"), st.sampled_from(PAIRS))
    ),
    min_size=8,
    max_size=40,
)
LIE = [*_FROM_A, *_FROM_A]


def play(events: list[tuple[str, tuple[str, str]]], first: Agency) -> dict[str, list[list[Told]]]:
    """What each agency had been told when notes were taken; the last ones are of the end."""
    agencies = {A: first, B: Agency(B), C: Agency(C)}
    notes: dict[str, list[list[Told]]] = defaultdict(list)
    for what, (one, other) in events:
        if what == "send":
            agencies[one].send(other)
        elif what == "take":
            agencies[one].take(agencies[other])
        else:
            notes[one].append(list(agencies[one].told))
    for code, agency in agencies.items():
        notes[code].append(agency.told)
    return notes


@given(EVENTS)
def test_whoever_is_honest_is_never_accused_however_far_behind(
    events: list[tuple[str, tuple[str, str]]],
) -> None:
    honest = Agency(A)
    notes = play(events, honest)
    told = [one for of_agency in notes.values() for taken in of_agency for one in taken]
    own_last = {stream_of(A, to): len(chain) for to, chain in honest.chains.items()}
    assert compare(told, A, own_last) == []


@given(LIES, st.integers(1, 3))
@example(LIE, 1)
@example([*LIE, *LIE], 2)
def test_two_histories_are_found_as_soon_as_the_notes_of_both_victims_meet(
    events: list[tuple[str, tuple[str, str]]], since: int
) -> None:
    liar = Liar(A, since=since)
    notes = play(events, liar)
    shown_b, shown_c = (
        {
            (one.sequence, one.digest)
            for one in notes[code][-1]
            if (one.publisher, one.stream) == (A, stream_of(A, B))
        }
        for code in (B, C)
    )
    differ = {n for n, d in shown_b for m, e in shown_c if n == m and d != e}
    found = compare([*notes[B][-1], *notes[C][-1]], B, {})
    if differ:
        (fork,) = (d for d in found if d.publisher == A)
        assert fork.kind == "fork"
        assert fork.is_proven
        assert fork.sequence == min(differ)
        assert {one.by for one in fork.told} == {A}
        assert len({one.proof for one in fork.told}) == 2
    else:
        assert found == []


# Single cases, in words.


def a_word(by: str, number: int, digest: str, at: int | None = 1, **more: Any) -> Told:
    facts = {
        "by": by, "publisher": A, "stream": "s", "sequence": number, "digest": digest,
        "proof": None if at is None else f"{by}{at}", "at": None if at is None else ("t", at),
        "where": "file",
    }  # fmt: skip
    return Told(**facts | more)


def kinds(found: list[Difference]) -> list[tuple[str, int, bool]]:
    return [(d.kind, d.sequence, d.is_proven) for d in found]


def test_the_word_of_a_third_contradicts_but_proves_nothing() -> None:
    words = [a_word(A, 2, "x"), a_word(B, 2, "y")]
    assert kinds(compare(words, C, {})) == [("contradiction", 2, False)]
    words.append(a_word(A, 2, "y", 9))
    assert kinds(compare(words, C, {})) == [("fork", 2, True)]


def test_an_unproven_difference_does_not_hide_a_later_proof() -> None:
    words = [a_word(A, 2, "x"), a_word(B, 2, "y"), a_word(A, 3, "v", 2), a_word(A, 3, "w", 3)]
    first, second = compare(words, C, {})
    assert (first.kind, first.sequence, first.later) == ("contradiction", 2, 1)
    assert (second.kind, second.sequence, second.later) == ("fork", 3, 0)


def test_an_agency_that_knows_less_than_it_said_before_is_named() -> None:
    words = [a_word(B, 5, "x", 1), a_word(B, 4, "w", 2)]
    (found,) = compare(words, C, {})
    assert (found.kind, found.sequence) == ("went_back", 5)
    assert B in found.message.en
    assert B in found.message.zh
    assert compare([a_word(B, 5, "x", 2), a_word(B, 4, "w", 1)], C, {}) == []


def test_who_was_given_more_of_our_stream_than_we_published_is_named() -> None:
    words = [a_word(B, 5, "x", 1)]
    assert kinds(compare(words, A, {"s": 4})) == [("beyond", 5, False)]
    assert compare(words, A, {"s": 5}) == []
    assert compare(words, A, {}) == []


def test_two_files_of_one_version_are_a_difference_and_two_signed_ones_a_proof() -> None:
    seen = [
        Sighting(A, "timestamp", 3, "x", "here", True),
        Sighting(A, "timestamp", 3, "x", "notes", False),
        Sighting(A, "timestamp", 4, "y", "notes", False),
    ]
    assert compare_metadata(seen) == []
    seen.append(Sighting(A, "timestamp", 3, "z", "notes", False))
    assert kinds(compare_metadata(seen)) == [("metadata", 3, False)]
    seen.append(Sighting(A, "timestamp", 3, "z", "other", True))
    assert kinds(compare_metadata(seen)) == [("metadata", 3, True)]
