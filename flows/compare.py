"""One history for all: who has told whom that a stream stands where.

A statement says three kinds of things of chains: which statement it is itself, which one came
before it, and where every stream ended that its publisher knew of (``heads``). All of it is
signed. So two agencies that hold what they were told against each other find a publisher that
showed them different things, and can prove it with two of its own signatures.

Pure: what was told comes in, what does not fit together comes out. Being behind is never a
difference: only two words about one and the same number are held against each other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from schemas.text import Text

if TYPE_CHECKING:
    from exchange.bundle.statement import Predicate

Kind = Literal["fork", "contradiction", "went_back", "beyond", "metadata"]


class Told(NamedTuple):
    """One agency's word that ``stream`` of ``publisher`` has this statement at ``sequence``."""

    by: str
    publisher: str
    stream: str
    sequence: int
    digest: str
    proof: str | None
    """Digest of the signed statement that says so; None: nobody has signed it."""
    at: tuple[str, int] | None
    """Stream and number of that statement."""
    where: str
    """File, or whose notes."""


class Sighting(NamedTuple):
    """One file of a publisher's TUF metadata as somebody saw it; ``digest`` of what is signed."""

    publisher: str
    role: str
    version: int
    digest: str
    where: str
    is_signed: bool
    """Whether the publisher's known keys signed what it is the digest of."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What cannot both be so. ``told`` (or ``seen``) holds one of each word that disagrees.

    fork            the publisher itself has signed both: proven
    contradiction   the publisher and somebody else, or two others: one of them is wrong
    went_back       an agency that had said more of a stream now says less
    beyond          somebody was given a number of our own stream that we never published
    metadata        two different files of metadata of one role and version (``stream`` is the
                    role, ``sequence`` the version)
    """

    kind: Kind
    publisher: str
    stream: str
    sequence: int
    told: tuple[Told, ...] = ()
    seen: tuple[Sighting, ...] = ()
    later: int = 0
    """How many later numbers of the stream differ as well, as they must after a fork."""

    @property
    def is_proven(self) -> bool:
        """Whether the publisher's own signatures are under both."""
        return self.kind == "fork" or sum(one.is_signed for one in self.seen) > 1

    @property
    def message(self) -> Text:
        where = f"{self.publisher} {self.stream} #{self.sequence}"
        tellers = "、".join(dict.fromkeys(one.by for one in self.told))
        en, zh = _WORDS[self.kind]
        return Text(
            en=f"{where}: {en.format(by=tellers.replace('、', ', '))}",
            zh=f"{where}：{zh.format(by=tellers)}",
        )


_WORDS: dict[Kind, tuple[str, str]] = {
    "fork": (
        "its publisher has signed two different statements under one number",
        "发布单位在同一序号下签署了两份不同的声明",
    ),
    "contradiction": (
        "two accounts of it differ ({by}); one of them is wrong, or the publisher told them "
        "different things",
        "对该序号的说法不一致（{by}）：其中一方有误，或发布单位对各方说法不同",
    ),
    "went_back": (
        "{by} had said that it knew this number and said less later",
        "{by} 曾声明已知该序号，后来的声明却更早",
    ),
    "beyond": (
        "{by} was given this number, which this node never published",
        "{by} 声明收到该序号，但本节点从未发布",
    ),
    "metadata": (
        "there are two different metadata files of one version",
        "同一版本的元数据有两份不同的文件",
    ),
}


def told_by(statement: Predicate, digest: str, where: str) -> Iterator[Told]:
    """All that one signed statement says of chains, its own first."""
    by, at = statement.publisher.code, (statement.stream, statement.sequence)
    yield Told(by, by, *at, digest, digest, at, where)
    if statement.previous_statement_sha256 is not None:
        before = (statement.stream, statement.sequence - 1)
        yield Told(by, by, *before, statement.previous_statement_sha256, digest, at, where)
    for head in statement.heads:
        yield Told(
            by, head.publisher, head.stream, head.sequence, head.statement_sha256, digest, at, where
        )


def compare(told: Iterable[Told], own: str, own_last: Mapping[str, int]) -> list[Difference]:
    """What does not fit together, by publisher and stream.

    ``own``: this agency's code; ``own_last``: where its own streams end (a stream that is not
    named is not judged).
    """
    known = list(told)
    found = [*_forks(known), *_went_back(known), *_beyond(known, own, own_last)]
    return sorted(found, key=lambda d: (d.publisher, d.stream, d.sequence, d.kind))


def compare_metadata(seen: Iterable[Sighting]) -> list[Difference]:
    """Two files of one role and version by one publisher, that say different things."""
    files: dict[tuple[str, str, int], dict[str, Sighting]] = defaultdict(dict)
    for one in seen:
        of_version = files[one.publisher, one.role, one.version]
        if one.digest not in of_version or one.is_signed:
            of_version[one.digest] = one
    return [
        Difference("metadata", publisher, role, version, seen=tuple(ones.values()))
        for (publisher, role, version), ones in sorted(files.items())
        if len(ones) > 1
    ]


def _forks(known: Iterable[Told]) -> Iterator[Difference]:
    """The first number of each stream that has two digests, and the first that is proven."""
    words: dict[tuple[str, str], dict[int, dict[str, Told]]] = defaultdict(
        lambda: defaultdict(dict)
    )
    for one in known:
        of_number = words[one.publisher, one.stream][one.sequence]
        best = of_number.get(one.digest)
        if best is None or _weight(one) > _weight(best):
            of_number[one.digest] = one
    for (publisher, stream), numbers in words.items():
        differing = [
            _difference(publisher, stream, sequence, numbers[sequence])
            for sequence in sorted(numbers)
            if len(numbers[sequence]) > 1
        ]
        shown = dict.fromkeys(
            next((i for i, d in enumerate(differing) if test(d)), None)
            for test in (lambda _: True, lambda d: d.is_proven)
        )
        for i in shown:
            if i is not None:
                d = differing[i]
                later = len(differing) - i - 1
                yield Difference(d.kind, publisher, stream, d.sequence, d.told, later=later)


def _difference(publisher: str, stream: str, sequence: int, words: dict[str, Told]) -> Difference:
    told = tuple(sorted(words.values(), key=lambda t: (-_weight(t), t.digest)))
    signed = sum(one.by == publisher and one.proof is not None for one in told)
    return Difference("fork" if signed > 1 else "contradiction", publisher, stream, sequence, told)


def _weight(one: Told) -> int:
    """The publisher's own signed word counts most, then another's, then what nobody signed."""
    if one.proof is None:
        return 0
    if one.by != one.publisher:
        return 1
    return 3 if one.digest == one.proof else 2


def _went_back(known: Iterable[Told]) -> Iterator[Difference]:
    """Within one stream of statements, what its publisher says of another stream only grows."""
    said: dict[tuple[str, str, str, str], dict[int, Told]] = defaultdict(dict)
    for one in known:
        if one.at is not None:
            by_number = said[one.by, one.at[0], one.publisher, one.stream]
            before = by_number.get(one.at[1])
            if before is None or before.sequence < one.sequence:
                by_number[one.at[1]] = one
    for (_, _, publisher, stream), by_number in said.items():
        most: Told | None = None
        for number in sorted(by_number):
            one = by_number[number]
            if most is not None and one.sequence < most.sequence:
                yield Difference("went_back", publisher, stream, most.sequence, (most, one))
                break
            most = one


def _beyond(known: Iterable[Told], own: str, own_last: Mapping[str, int]) -> Iterator[Difference]:
    """Whoever knows more of our streams than we do was told it by somebody with our key, or we
    have lost a part of our own history."""
    furthest: dict[str, Told] = {}
    for one in known:
        is_ours = one.publisher == own and one.stream in own_last
        if is_ours and one.sequence > own_last[one.stream]:
            best = furthest.get(one.stream)
            if best is None or one.sequence > best.sequence:
                furthest[one.stream] = one
    for stream, one in furthest.items():
        yield Difference("beyond", own, stream, one.sequence, (one,))
