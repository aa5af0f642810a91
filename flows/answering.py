"""What a receiver answers: how far it got with each number of a partner's stream.

Each case has one outcome, and saying it again adds nothing (``flows.receipts``):

    taken in                                    taken_in
    failed a check                              refused, with the step
    another statement under a number that was
    taken in                                    refused (``fork``), with both digests
    the number can't be had                     missing
    good in itself, a number before is missing  verified
    here, but not to be judged before its turn  received
    the same statement once more                nothing: it was answered
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from exchange.agreement.model import LEGAL_TIME
from exchange.bundle.policy import ChainHead
from exchange.errors import refusal
from flows.forks import keep_fork
from flows.receipts import (
    Named,
    Receipt,
    forked,
    kept_receipts,
    missing,
    read_number,
    received,
    refused,
    taken_in,
    verified,
    write_receipts,
)
from hefu.looked import looked_at
from hefu.node import Node
from lake.runs import bundle_stream_id
from lake.store import Lake
from schemas.errors import DataError, VerificationError, Where
from schemas.text import Text

if TYPE_CHECKING:
    from exchange.agreement.model import Agreement, Grant
    from exchange.trust.client import Listed, Publisher
    from flows.bundle_states import Said

#: So many numbers after a gap are looked at; what lies further is judged when its turn comes.
LOOK_AHEAD = 16
#: What these steps say may come out otherwise when the bundle's turn comes: a new version of the
#: agreement or of a contract may be here by then.
_MAY_PASS_LATER = {"agreement", "contract"}


class MissingBundleError(DataError):
    """Numbers of a partner's stream can't be had; what follows them waits.

    ``numbers``: at least one. ``waiting``: later ones that are good in themselves.
    """

    def __init__(self, gap: Gap, hint: Text):
        listed = ", ".join(str(n) for n in gap.numbers)
        listed_zh = "、".join(str(n) for n in gap.numbers)
        day = gap.since.astimezone(LEGAL_TIME).strftime("%Y-%m-%d %H:%M")
        super().__init__(
            Text(
                en=f"number {listed} can't be had since {day}; later ones that are here and wait: "
                f"{len(gap.waiting)}",
                zh=f"自 {day} 起取不到第 {listed_zh} 号；"
                f"其后已到并在等待的数据包：{len(gap.waiting)} 个",
            ),
            where=Where(gap.stream),
            hint=hint,
        )
        self.gap = gap


@dataclass(frozen=True, slots=True)
class Gap:
    """Numbers that can't be had, since when, and later ones that wait for them."""

    stream: str
    numbers: tuple[int, ...]
    since: datetime
    waiting: tuple[int, ...]


def ask_again(stream: str, numbers: Sequence[int], publisher_name: str) -> Text:
    """What to do about numbers that can't be had: the publisher's command, then our own."""
    commands = "; ".join(f"hefu publish --again {stream} {n}" for n in numbers)
    return Text(
        en=f"ask {publisher_name} to run: {commands}; then run hefu receive again, or "
        "hefu receive --from FOLDER if they hand over a disk",
        zh=f"请联系{publisher_name}执行：{commands}；随后在本节点重新执行 hefu receive，"
        "若对方交来磁盘则执行 hefu receive --from 目录",
    )


def answer_taken(node: Node, lake: Lake, publisher: str, stream: str, now: datetime) -> None:
    """Receipts for all that the ledger has of this stream; also what a killed run left undone.

    A bundle that brought nothing but receipts is not answered: two agencies that acknowledge
    each other's acknowledgements never come to an end. Unless its number was complained about
    before: then the complaint is settled.
    """
    entries = [
        entry
        for entry in lake.ledger.entries()
        if (entry.publisher, entry.stream) == (publisher, stream)
    ]
    if any(set(entry.counts) == {"receipt"} for entry in entries):
        told = {said.sequence for said in _said_by_us(node, stream)}
        entries = [e for e in entries if set(e.counts) != {"receipt"} or e.sequence in told]
    if not entries:
        return
    quarantined: Counter[str | None] = Counter()
    stream_id = bundle_stream_id(publisher, stream)
    for record_type in {name for entry in entries for name in entry.counts}:
        for run in lake.runs(record_type, stream_id):
            quarantined[run.bundle_id] += run.quarantined
    receipts = [taken_in(node, entry, quarantined[entry.bundle_id]) for entry in entries]
    write_receipts(node, receipts, now)


def answer_refused(
    node: Node, stream: str, listed: Listed, error: VerificationError, now: datetime
) -> None:
    """The negative receipt for a bundle that failed a check."""
    write_receipts(node, [refused(node, _named(stream, listed), error, now)], now)


def _named(stream: str, listed: Listed) -> Named:
    return Named(stream, listed.sequence, listed.sha256, listed.statement_sha256)


def answer_gap(
    node: Node,
    under: tuple[Agreement, Grant],
    publisher: Publisher,
    head: ChainHead,
    now: datetime,
) -> MissingBundleError | None:
    """To be called when the number after ``head`` is not listed or not there.

    None if the publisher's list simply ends here. Otherwise says what is missing, looks at what
    waits behind it, writes the receipts and returns the error to raise. Raises
    ``VerificationError`` if the publisher no longer lists what was taken in.
    """
    agreement, grant = under
    stream = agreement.stream_id(grant)
    last = publisher.last(stream)
    if last < head.sequence:
        publisher.check_continues(stream, head)
    first = head.sequence + 1
    if last < first:
        return None
    told = {(said.sequence, said.kind): said for said in _said_by_us(node, stream)}
    receipts = [_missing(node, publisher, stream, first, now)]
    waiting: list[int] = []
    for sequence in range(first + 1, min(last, first + LOOK_AHEAD) + 1):
        if (sequence, "verified") in told:
            waiting.append(sequence)
            continue
        receipt = _look_at(node, under, publisher, sequence, first, now)
        receipts.append(receipt)
        if receipt.receipt_grade == "verified":
            waiting.append(sequence)
    write_receipts(node, receipts, now)
    numbers = tuple(_numbers(receipts, "missing"))
    known = [told[n, "missing"].said_time for n in numbers if (n, "missing") in told]
    gap = Gap(stream, numbers, min(known, default=now), tuple(waiting))
    name = agreement.party(grant.from_org).name
    return MissingBundleError(gap, ask_again(stream, numbers, name))


def _numbers(receipts: Iterable[Receipt], grade: str) -> list[int]:
    found = (read_number(r.receipt_no) for r in receipts if r.receipt_grade == grade)
    return [number[1] for number in found if number is not None]


def _missing(
    node: Node, publisher: Publisher, stream: str, sequence: int, now: datetime
) -> Receipt:
    listed = publisher.find(stream, sequence)
    if listed is None:
        return missing(node, stream, sequence, None, "未列入清单，而其后的序号已列入", now)
    digest = listed.statement_sha256
    return missing(node, stream, sequence, digest, "已列入清单，但文件不在发布处", now)


def _look_at(
    node: Node,
    under: tuple[Agreement, Grant],
    publisher: Publisher,
    sequence: int,
    waits_for: int,
    now: datetime,
) -> Receipt:
    """What is to be said of a number whose turn has not come."""
    from exchange.trust.refusals import MissingError

    agreement, grant = under
    stream = agreement.stream_id(grant)
    listed = publisher.find(stream, sequence)
    before = publisher.find(stream, sequence - 1)
    if listed is None:
        return _missing(node, publisher, stream, sequence, now)
    try:
        if before is None:
            return received(node, _named(stream, listed), _nothing_before(), now)
        return _judge(node, under, publisher, listed, before, waits_for, now)
    except MissingError:
        return _missing(node, publisher, stream, sequence, now)
    except VerificationError as error:
        say = received if error.step in _MAY_PASS_LATER else refused
        return say(node, _named(stream, listed), error, now)


def _judge(
    node: Node,
    under: tuple[Agreement, Grant],
    publisher: Publisher,
    listed: Listed,
    before: Listed,
    waits_for: int,
    now: datetime,
) -> Receipt:
    from flows.opening import opened

    head = ChainHead(before.sequence, before.statement_sha256)
    with opened(node, publisher, listed, under, head, now) as found:
        return verified(
            node,
            found.bundle.statement.stream,
            listed.sequence,
            found.bundle.statement.bundle_id,
            found.bundle.statement_sha256,
            waits_for,
            now,
        )


def _nothing_before() -> VerificationError:
    """Why a bundle can't be judged whose forerunner is not even listed."""
    return refusal(
        "stream",
        Text(
            en="the number before it is not listed, so what it must continue is not known",
            zh="前一号未列入清单，无法核对其接续的内容",
        ),
        expected="the number before it in the list",
        found="no such entry",
    )


def check_history(
    node: Node, lake: Lake, code: str, stream: str, publisher: Publisher, now: datetime
) -> VerificationError | None:
    """Hold what was taken in of a stream against what its publisher lists today.

    The same statement in another envelope or another encrypted file is the same bundle: nothing
    is done. Another statement under a number that was taken in is refused with both digests and
    kept as proof (``flows.forks``); the error is returned until a person has looked
    (``hefu.looked``), and nothing that was taken in is touched. Raise it after what can be taken
    in has been.
    """
    forks: list[Receipt] = []
    error: VerificationError | None = None
    for entry in lake.ledger.entries():
        if (entry.publisher, entry.stream) != (code, stream):
            continue
        listed = publisher.find(stream, entry.sequence)
        if listed is None or listed.statement_sha256 == entry.statement_digest:
            continue
        found = _two_statements(stream, entry.sequence, entry.statement_digest, listed)
        reason = (
            f"stream：第 {entry.sequence} 号已入库的声明为 {entry.statement_digest}，"
            f"发布清单现列声明 {listed.statement_sha256}"
        )
        keep_fork(node, code, stream, publisher, listed)
        receipt = forked(node, _named(stream, listed), reason, now)
        forks.append(receipt)
        if receipt.receipt_no not in looked_at(node):
            error = error or found
    if forks:
        write_receipts(node, forks, now)
    return error


def _two_statements(stream: str, sequence: int, ours: str, listed: Listed) -> VerificationError:
    return refusal(
        "stream",
        Text(
            en=f"number {sequence} of {stream} was taken in with another statement than the "
            "publisher lists now",
            zh=f"{stream} 第 {sequence} 号：已入库的声明与发布方现列的声明不同",
        ),
        expected=ours,
        found=listed.statement_sha256,
        entry=listed.path,
        hint=Text(
            en="keep both, call the publisher and compare the digests; when that is settled: "
            f"hefu status --looked {stream} {sequence}",
            zh="请保留两份，联系发布方核对摘要；核实处理后执行 "
            f"hefu status --looked {stream} {sequence}",
        ),
    )


def _said_by_us(node: Node, stream: str) -> list[Said]:
    return [
        kept.said
        for kept in kept_receipts(node)
        if (kept.by, kept.stream) == (node.agency.code, stream)
    ]
