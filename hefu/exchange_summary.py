"""What is the case with the exchange: what partners said of ours, and what we have of theirs.

Read from the published chain, the ledger, the receipts in the lake and when each partner's
repository was last read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from hefu.exchange_alarms import Alarm, gaps, overdue, sent_alarms, stale
from schemas.errors import ConfigError, DataError
from schemas.text import Text

if TYPE_CHECKING:
    from exchange.agreement.model import Agreement, Grant
    from exchange.trust.partner import Partner
    from flows.answers import SentStream
    from flows.compare import Difference
    from flows.receipts import Kept
    from hefu.node import Node
    from hefu.partner_seen import Seen
    from lake.ledger import Entry


@dataclass(frozen=True, slots=True)
class SentStatus:
    """What was published to one partner under one grant. ``sequence`` 0: nothing yet.

    ``answered_up_to``: the highest number that the partner is known to have taken in.
    ``awaited``: how many are not answered and not overdue; ``awaited_until``: the first of their
    deadlines, ``provisional`` if the calendar does not reach there. ``waiting``: how many the
    partner has, good or not judged yet, behind one that it lacks. ``late``: how many were answered
    after their deadline, the last of them at ``late_time``.
    """

    partner: str
    name: str
    stream: str
    sequence: int
    time: datetime | None
    answered_up_to: int = 0
    awaited: int = 0
    awaited_until: datetime | None = None
    provisional: bool = False
    waiting: int = 0
    late: int = 0
    late_time: datetime | None = None
    alarms: tuple[Alarm, ...] = ()

    @property
    def needs_a_person(self) -> bool:
        return bool(self.alarms)


@dataclass(frozen=True, slots=True)
class TakenStatus:
    """What one partner sends under one grant. ``sequence``: the newest taken in, 0: nothing yet;
    ``rows`` over all bundles. ``read_time``: when its repository was last read, and
    ``published_time``: when the partner had signed what was read there."""

    partner: str
    name: str
    stream: str
    sequence: int
    time: datetime | None
    rows: int
    read_time: datetime | None = None
    published_time: datetime | None = None
    alarms: tuple[Alarm, ...] = ()

    @property
    def needs_a_person(self) -> bool:
        return bool(self.alarms)


def sent_status(node: Node, receipts: Sequence[Kept], now: datetime) -> list[SentStatus]:
    """One for each stream of ours, in order."""
    from flows.answers import sent_streams
    from hefu.looked import looked_at

    looked = set(looked_at(node))
    return [_sent(stream, looked) for stream in sent_streams(node, now, receipts)]


def _sent(stream: SentStream, looked: set[str]) -> SentStatus:
    awaited = [b for b in stream.of("awaited") if b.due is not None]
    until = min((b.due for b in awaited if b.due), key=lambda d: d.deadline, default=None)
    late = [b.state.answered_time for b in stream.late if b.state.answered_time]
    return SentStatus(
        partner=stream.partner,
        name=stream.partner_name,
        stream=stream.stream,
        sequence=stream.last,
        time=stream.last_time,
        answered_up_to=stream.taken_up_to,
        awaited=len(awaited),
        awaited_until=until.deadline if until else None,
        provisional=until is not None and until.provisional,
        waiting=len(stream.of("verified", "received")),
        late=len(late),
        late_time=max(late, default=None),
        alarms=tuple(sent_alarms(stream, looked)),
    )


def taken_status(node: Node, receipts: Sequence[Kept], now: datetime) -> list[TakenStatus]:
    """One for each stream that is granted to us or of which something was taken in, in order."""
    from exchange.agreement.versions import in_force
    from hefu.looked import looked_at
    from hefu.partner_seen import seen_of
    from lake.ledger import Ledger

    entries: defaultdict[tuple[str, str], list[Entry]] = defaultdict(list)
    for entry in Ledger(str(node.place("lake"))).entries():
        entries[entry.publisher, entry.stream].append(entry)
    granted = {
        (grant.from_org, agreement.stream_id(grant)): (agreement, grant)
        for agreement in in_force(node.agreements(), now)
        for grant in agreement.grants
        if grant.to_org == node.agency.code
    }
    partners = {p.code: p for p in node.partners()}
    looked = set(looked_at(node))
    ours = [kept for kept in receipts if kept.by == node.agency.code]
    return [
        _taken(
            key,
            entries.get(key, []),
            granted.get(key),
            partners.get(key[0]),
            seen_of(node, key[0]),
            [kept for kept in ours if kept.stream == key[1]],
            looked,
            now,
        )
        for key in sorted({*entries, *granted})
    ]


def _taken(
    key: tuple[str, str],
    entries: Sequence[Entry],
    under: tuple[Agreement, Grant] | None,
    partner: Partner | None,
    seen: Seen | None,
    ours: Sequence[Kept],
    looked: set[str],
    now: datetime,
) -> TakenStatus:
    newest = max(entries, key=lambda e: e.sequence, default=None)
    agreed = under[0].party(key[0]).name if under else ""
    name = partner.name if partner else agreed
    # What the partner signed counts, not when we came by: a disk may be old when it arrives.
    read = seen.published_time if seen else newest.received_time if newest else None
    is_running = under is not None and under[0].is_running(now)
    alarms = [
        *gaps(key[1], newest.sequence if newest else 0, ours, looked, name or key[0]),
        *(overdue(key[1], under, read, now, name or key[0]) if under else ()),
        *(stale(seen, partner, now, name) if seen and partner and is_running else ()),
    ]
    return TakenStatus(
        partner=key[0],
        name=name,
        stream=key[1],
        sequence=newest.sequence if newest else 0,
        time=newest.received_time if newest else None,
        rows=sum(sum(e.counts.values()) for e in entries),
        read_time=seen.read_time if seen else None,
        published_time=seen.published_time if seen else None,
        alarms=tuple(alarms),
    )


def history_alarms(node: Node, streams: Sequence[SentStatus | TakenStatus]) -> tuple[Alarm, ...]:
    """What this node was told of chains that can't all be so (``hefu compare``), as far as no alarm
    of ``streams`` tells of that number and no person has looked at it."""
    from flows.history import forks
    from hefu.looked import looked_at

    told = {
        (one.stream, number)
        for one in streams
        for alarm in one.alarms
        if alarm.kind in ("forked", "beyond")
        for number in alarm.numbers
    }
    looked = looked_at(node)
    try:
        found = [d for d in forks(node) if (d.stream, d.sequence) not in told]
    except DataError as error:
        return (Alarm("history", error.message, error.hint or _COMPARE),)
    return tuple(
        Alarm(
            "history",
            d.message,
            Text(
                en=f"{_COMPARE.en}; when it is settled: hefu status --looked {d.stream} "
                f"{d.sequence}",
                zh=f"{_COMPARE.zh}；核实处理后执行 hefu status --looked {d.stream} {d.sequence}",
            ),
            (d.sequence,),
        )
        for d in found
        if _name_of(d) not in looked and not _receipt_was_looked_at(d, looked)
    )


_COMPARE = Text(
    en="hefu compare --proofs DIR, and talk to the agencies that it names",
    zh="请执行 hefu compare --proofs 目录，并与所列单位核实",
)


def _name_of(one: Difference) -> str:
    """Other words about the same number are another alarm."""
    words = sorted({*(t.digest for t in one.told), *(s.digest for s in one.seen)})
    digest = sha256(" ".join(words).encode()).hexdigest()[:16]
    return f"{one.stream}/{one.sequence:08d}/{one.kind}/{digest}"


def _receipt_was_looked_at(one: Difference, looked: Collection[str]) -> bool:
    place = f"{one.stream}/{one.sequence:08d}/"
    return any(n.startswith((f"{place}fork/", f"{place}taken_in")) for n in looked if one.told)


def settle(node: Node, stream: str, number: int, now: datetime) -> list[str]:
    """A person has looked at the two statements under ``number``; returns the receipts that told
    of them and had not been looked at before.

    Raises ``ConfigError`` if nothing is told of that number.
    """
    from flows.answers import sent_streams
    from flows.history import forks
    from flows.receipts import kept_receipts
    from hefu.looked import note_looked

    receipts = kept_receipts(node)
    told = {
        kept.said.receipt_no
        for kept in receipts
        if (kept.stream, kept.said.sequence, kept.said.kind) == (stream, number, "fork")
    }
    for ours in sent_streams(node, now, receipts):
        if ours.stream == stream:
            told.update(*(b.state.decided_by for b in ours.of("forked") if b.sequence == number))
    told.update(_name_of(d) for d in forks(node) if (d.stream, d.sequence) == (stream, number))
    if not told:
        raise ConfigError(
            Text(
                en=f"nothing is told of two statements under number {number} of {stream!r}",
                zh=f"{stream!r} 第 {number} 号没有同号异文的情况",
            ),
            hint=Text(
                en="hefu status names the stream and the number",
                zh="数据流和序号见 hefu status",
            ),
        )
    return note_looked(node, sorted(told), now)
