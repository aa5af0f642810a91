"""What is the case with each bundle of a stream: one fold over the receipts that there are.

Sender and receiver compute it from the same records and come to the same answer, in whatever
order, however late, however often the receipts arrived. A state follows from *which* receipts
there are, never from which came last: each grade outranks those below it, and clocks of two
agencies need not agree. Nothing here reads a disk or a clock.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, get_args

from schemas.text import Text

State = Literal[
    "no_answer_due",
    "awaited",
    "unanswered",
    "missing",
    "received",
    "verified",
    "refused",
    "taken_in",
    "forked",
]
"""From the least known to the most; a later one outranks an earlier one."""

STATES: tuple[State, ...] = get_args(State)

STATE_WORDS: Mapping[State, Text] = {
    "no_answer_due": Text(en="no answer due", zh="无需答复"),
    "awaited": Text(en="awaited", zh="待答复"),
    "unanswered": Text(en="unanswered", zh="逾期未答复"),
    "missing": Text(en="missing", zh="缺号"),
    "received": Text(en="received", zh="已收到，待判定"),
    "verified": Text(en="verified, waiting", zh="已验证，待补前号"),
    "refused": Text(en="refused", zh="拒收"),
    "taken_in": Text(en="taken in", zh="已入库"),
    "forked": Text(en="two statements under one number", zh="同号异文"),
}

Kind = Literal["missing", "received", "verified", "refused", "taken_in", "fork", "unanswered"]
"""What the third part of a receipt's number says (``flows.receipts``)."""

KINDS: tuple[Kind, ...] = get_args(Kind)

_STATE_OF: Mapping[Kind, State] = {
    "missing": "missing",
    "received": "received",
    "verified": "verified",
    "refused": "refused",
    "taken_in": "taken_in",
    "fork": "forked",
}


@dataclass(frozen=True, slots=True)
class Said:
    """One receipt about one bundle, as the fold needs it.

    ``digest``: of the statement, as the receiver took it in or as it is listed. ``said_time``:
    when its author wrote it. ``arrived_time``: when it was here.
    """

    receipt_no: str
    sequence: int
    kind: Kind
    digest: str | None
    said_time: datetime
    arrived_time: datetime
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """One bundle that was published, as its own statement says.

    ``deadline``: from then on an answer is late. None: none is due.
    """

    sequence: int
    statement_sha256: str
    deadline: datetime | None


@dataclass(frozen=True, slots=True)
class BundleState:
    """``since``: when the deciding receipt was written. ``reason``: its words.

    ``unanswered_since``: the deadline at which the sender noted that there was no answer; it
    stays when an answer comes. ``answered_time``: when the first answer was here.
    ``implied``: no receipt says so, but that of a later number: a chain is taken in in order.
    ``decided_by``: numbers of the receipts that decided.
    """

    state: State
    since: datetime | None = None
    reason: str | None = None
    unanswered_since: datetime | None = None
    answered_time: datetime | None = None
    implied: bool = False
    decided_by: tuple[str, ...] = ()

    @property
    def is_late(self) -> bool:
        """There is an answer now, and there was none at the deadline."""
        return self.unanswered_since is not None and self.answered_time is not None

    @property
    def words(self) -> Text:
        return STATE_WORDS[self.state]


def bundle_state(known: Known, said: Iterable[Said], now: datetime) -> BundleState:
    """The state of one bundle. ``said``: what was said about it, in any order, with repetitions."""
    by_number: dict[str, Said] = {}
    for one in _in_order(said):
        if one.sequence == known.sequence:
            by_number.setdefault(one.receipt_no, one)
    answers = [s for s in by_number.values() if s.kind != "unanswered"]
    notes = [s.said_time for s in by_number.values() if s.kind == "unanswered"]
    open_state = BundleState(
        _open(known, bool(notes), now), unanswered_since=min(notes, default=None)
    )
    if not answers:
        return open_state
    top = max((_state(known, s) for s in answers), key=STATES.index)
    deciding = [s for s in answers if _state(known, s) == top]
    return BundleState(
        state=top,
        since=min(s.said_time for s in deciding),
        reason=_reason(known, deciding[0]),
        unanswered_since=open_state.unanswered_since,
        answered_time=min(s.arrived_time for s in answers),
        decided_by=tuple(s.receipt_no for s in deciding),
    )


def stream_states(
    published: Sequence[Known], said: Iterable[Said], now: datetime
) -> dict[int, BundleState]:
    """The state of each bundle of ``published``, by number.

    A number that was taken in stands for all before it: none is taken in before the one that
    it follows. So a receipt that was lost on its way is made up for by the next.
    """
    about: defaultdict[int, list[Said]] = defaultdict(list)
    for one in said:
        about[one.sequence].append(one)
    states = {k.sequence: bundle_state(k, about[k.sequence], now) for k in published}
    taken = [n for n, s in states.items() if s.state == "taken_in"]
    last = max(taken, default=0)
    return {n: _implied(s, states[last]) if n < last else s for n, s in states.items()}


def taken_up_to(states: Mapping[int, BundleState]) -> int:
    """The highest number that is known to have been taken in; 0: none."""
    return max((n for n, s in states.items() if s.state == "taken_in"), default=0)


def _open(known: Known, noted: bool, now: datetime) -> State:
    if known.deadline is None:
        return "unanswered" if noted else "no_answer_due"
    return "unanswered" if noted or now >= known.deadline else "awaited"


def _state(known: Known, said: Said) -> State:
    if said.kind == "taken_in" and said.digest not in (None, known.statement_sha256):
        return "forked"  # the partner holds another statement under this number than we do
    return _STATE_OF[said.kind]


def _reason(known: Known, said: Said) -> str | None:
    if said.kind == "taken_in" and _state(known, said) == "forked":
        return f"对方入库的声明为 {said.digest}，本方发布的声明为 {known.statement_sha256}"
    return said.reason


def _implied(state: BundleState, later: BundleState) -> BundleState:
    if state.state in ("taken_in", "forked"):
        return state
    return replace(
        state,
        state="taken_in",
        since=later.since,
        reason=None,
        answered_time=state.answered_time or later.answered_time,
        implied=True,
        decided_by=later.decided_by,
    )


def _in_order(said: Iterable[Said]) -> list[Said]:
    """A fixed order, so that which of two equals is quoted does not depend on their arrival."""
    return sorted(said, key=lambda s: (s.arrived_time, s.receipt_no, s.said_time, s.reason or ""))
