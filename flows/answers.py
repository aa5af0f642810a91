"""The sender's side: what this node published, what its partners answered, and what nobody did.

What was sent is the published chain, what was answered are the receipts in the lake. Nothing is
kept apart but one thing: that at a deadline there was no answer. That is a record of our own, so
that it stays when the answer comes after all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from exchange.agreement.explain import ANSWER_FIELDS
from exchange.agreement.model import LEGAL_TIME, Agreement, Grant
from exchange.agreement.versions import in_force
from exchange.bundle.statement import Predicate
from flows.bundle_states import BundleState, Known, Said, stream_states, taken_up_to
from flows.own_chain import OwnChain, own_tree
from flows.receipts import Kept, kept_receipts, unanswered, write_receipts
from hefu.node import Node
from schemas.law.calendar import Calendar, add_working_days

if TYPE_CHECKING:
    from lake.runs import RunRecord

RECEIPT = "receipt"

#: What is told of a bundle although it was taken in.
_STAYS = {"fork", "unanswered"}


@dataclass(frozen=True, slots=True)
class Due:
    """``deadline``: the first moment that is too late. ``provisional``: it rests on days of which
    the calendar does not know yet whether they are worked."""

    deadline: datetime
    provisional: bool
    calendar_version: str


@dataclass(frozen=True, slots=True)
class Awaited:
    """One bundle of ours without an answer; ``state`` is ``awaited`` or ``unanswered``."""

    partner: str
    stream: str
    sequence: int
    bundle_id: str
    statement_sha256: str
    created_time: datetime
    due: Due
    state: BundleState


@dataclass(frozen=True, slots=True)
class SentBundle:
    """One published bundle and what is known of it. ``due`` None: no answer is expected."""

    sequence: int
    statement: Predicate
    statement_sha256: str
    due: Due | None
    state: BundleState


@dataclass(frozen=True, slots=True)
class SentStream:
    """One stream of ours.

    ``last``: the highest number published. ``taken_up_to``: the highest that the partner took
    in. ``open``: all after that, and those before about which something stands out: a second
    statement, an answer that came late.
    ``beyond``: numbers that the partner answered and that we never published: this node was put
    back from an old backup, and what it would publish next would be a second history.
    """

    partner: str
    partner_name: str
    stream: str
    last: int
    last_time: datetime | None
    taken_up_to: int
    open: tuple[SentBundle, ...]
    beyond: tuple[int, ...]

    @property
    def late(self) -> list[SentBundle]:
        """Those that were answered after this node had noted that they were not."""
        return [bundle for bundle in self.open if bundle.state.is_late]

    def of(self, *states: str) -> list[SentBundle]:
        return [bundle for bundle in self.open if bundle.state.state in states]


def answer_due(created: datetime, working_days: int, calendar: Calendar) -> Due:
    """Until when an answer to a bundle of that moment is in time.

    The days begin with the one after it, in Chinese legal time; the last of them counts to its
    end.
    """
    day = created.astimezone(LEGAL_TIME).date()
    last = add_working_days(day, working_days, calendar)
    deadline = datetime.combine(last.day + timedelta(days=1), time(), LEGAL_TIME)
    return Due(deadline, last.provisional, last.calendar_version)


def sent_streams(
    node: Node, now: datetime, receipts: Iterable[Kept] | None = None
) -> list[SentStream]:
    """Every stream of ours and its state. ``receipts``: those of the lake, if they are at hand.

    Reads the statements that are not answered yet, not the whole chain: a number that was taken
    in stands for those before it.
    """
    kept = kept_receipts(node) if receipts is None else list(receipts)
    calendar = node.calendar()
    agreements = node.agreements()
    tree = own_tree(node)
    said: defaultdict[tuple[str, str], list[Said]] = defaultdict(list)
    for one in kept:
        said[one.by, one.stream].append(one.said)
    found = []
    for stream, (agreement, grant) in own_streams(node.agency.code, agreements, now).items():
        answers = [s for s in said[grant.to_org, stream] if s.kind != "unanswered"]
        notes = [s for s in said[node.agency.code, stream] if s.kind == "unanswered"]
        days = (
            grant.delivery.receipt_within_working_days
            if answers_come_back(agreements, node.agency.code, grant.to_org)
            else None
        )
        chain = OwnChain(tree, node.place("sent"), stream)
        found.append(_stream(chain, agreement, grant, [*answers, *notes], days, calendar, now))
    return found


def own_streams(
    ours: str, agreements: Sequence[Agreement], now: datetime
) -> dict[str, tuple[Agreement, Grant]]:
    """The streams on which we send, each with the terms that hold now; a stream that only an older
    version of its agreement has is still answered for."""
    older = sorted(agreements, key=lambda a: (a.id, -a.version))
    found: dict[str, tuple[Agreement, Grant]] = {}
    for agreement in (*in_force(agreements, now), *older):
        for grant in agreement.grants_from(ours):
            found.setdefault(agreement.stream_id(grant), (agreement, grant))
    return dict(sorted(found.items()))


def answers_come_back(agreements: Iterable[Agreement], ours: str, partner: str) -> bool:
    """Whether any agreement lets the partner send us receipts: else none is waited for."""
    return any(
        grant.to_org == ours and set(grant.records.get(RECEIPT, ())) >= ANSWER_FIELDS
        for agreement in agreements
        for grant in agreement.grants_from(partner)
    )


def awaited(node: Node, now: datetime) -> list[Awaited]:
    """What was sent and not answered, oldest first in each stream.

    Bundles that brought only receipts are not answered and not awaited.
    """
    return [one for stream in sent_streams(node, now) for one in _awaited(stream)]


def note_unanswered(node: Node, now: datetime) -> list[Awaited]:
    """Write down, for every bundle whose deadline has passed, that there was no answer.

    Returns those that had not been noted before. The note is a receipt record of our own with
    grade ``unanswered``, dated at the deadline; writing it again changes nothing, and an answer
    that comes later does not take it away.
    """
    due = [
        one
        for one in awaited(node, now)
        if now >= one.due.deadline and one.state.unanswered_since is None
    ]
    if due:
        _write_notes(node, due, now)
    return due


def _write_notes(node: Node, due: Iterable[Awaited], now: datetime) -> RunRecord | None:
    notes = [
        unanswered(
            node,
            one.stream,
            (one.sequence, one.bundle_id, one.statement_sha256),
            one.partner,
            one.due.deadline,
            one.due.provisional,
        )
        for one in due
    ]
    return write_receipts(node, notes, now)


def _awaited(stream: SentStream) -> list[Awaited]:
    return [
        Awaited(
            stream.partner,
            stream.stream,
            bundle.sequence,
            bundle.statement.bundle_id,
            bundle.statement_sha256,
            bundle.statement.created_time,
            bundle.due,
            bundle.state,
        )
        for bundle in stream.of("awaited", "unanswered")
        if bundle.due is not None
    ]


def _stream(
    chain: OwnChain,
    agreement: Agreement,
    grant: Grant,
    said: list[Said],
    days: int | None,
    calendar: Calendar,
    now: datetime,
) -> SentStream:
    last = chain.length
    first = _first_to_read(chain, last, said)
    odd = sorted({s.sequence for s in said if s.kind in _STAYS and 1 <= s.sequence < first})
    numbers = (*odd, *range(first, last + 1))
    dues = {n: _due(chain.statement(n), days, calendar) for n in numbers}
    known = [Known(n, chain.digest(n), due.deadline if due else None) for n, due in dues.items()]
    states = stream_states(known, said, now)
    return SentStream(
        partner=grant.to_org,
        partner_name=agreement.party(grant.to_org).name,
        stream=chain.stream,
        last=last,
        last_time=chain.statement(last).created_time if last else None,
        taken_up_to=taken_up_to(states),
        open=tuple(
            SentBundle(n, chain.statement(n), chain.digest(n), dues[n], states[n])
            for n in numbers
            if states[n].state != "taken_in" or states[n].is_late
        ),
        beyond=tuple(sorted({s.sequence for s in said if s.sequence > last})),
    )


def _first_to_read(chain: OwnChain, last: int, said: Iterable[Said]) -> int:
    """The last number that the partner took in as we published it; 1 if there is none.

    Each statement repeats the digest of the one before: where one is the same, all before are.
    """
    taken = {s.sequence: s.digest for s in said if s.kind == "taken_in" and s.sequence <= last}
    return next((n for n in sorted(taken, reverse=True) if taken[n] == chain.digest(n)), 1)


def _due(statement: Predicate, days: int | None, calendar: Calendar) -> Due | None:
    if days is None or not _wants_answer(statement.counts):
        return None
    return answer_due(statement.created_time, days, calendar)


def _wants_answer(counts: Mapping[str, int]) -> bool:
    """Two agencies that acknowledge each other's acknowledgements never come to an end."""
    return {name for name, rows in counts.items() if rows} != {RECEIPT}
