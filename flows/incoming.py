"""From a partner into the lake: fetch, verify, re-check, take in, receipt.

Until the ledger names a bundle, nothing of it is visible (``lake.ledger``). The steps before
may be cut off anywhere: the next run starts from the ledger's head, fetches the same bundle and
goes the same way; what was appended already is not appended twice. What lies in ``inbox/`` is
kept as evidence and never read back here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from exchange.agreement.model import Agreement, Grant
from exchange.agreement.versions import in_force, newest
from exchange.bundle.contracts import INSTALLED
from exchange.bundle.verify import ChainHead
from exchange.trust.evidence import Basis, keep
from exchange.trust.partner import Partner
from flows.answering import (
    MissingBundleError,
    answer_gap,
    answer_refused,
    answer_taken,
    check_history,
)
from flows.locks import holding
from flows.opening import Opened, opened
from flows.progress import Step, tell
from flows.publishers import publisher_of
from flows.rechecking import take_rows
from hefu.node import Node
from lake.ledger import Entry
from lake.store import Lake
from quality.counts import Counts
from schemas.errors import ConfigError, HefuError, VerificationError, Where
from schemas.text import Text

if TYPE_CHECKING:
    from exchange.trust.client import Listed, Publisher


@dataclass(frozen=True, slots=True)
class Incoming:
    """One grant under which a partner sends to us."""

    agreement: Agreement
    grant: Grant
    partner: Partner

    @property
    def stream(self) -> str:
        return self.agreement.stream_id(self.grant)


@dataclass(frozen=True, slots=True)
class TakenIn:
    """One bundle taken in. ``counts`` per record type; all four fates of the re-check."""

    stream: str
    partner: str
    partner_name: str
    sequence: int
    bundle_id: str
    created_time: datetime
    counts: dict[str, Counts] = field(default_factory=dict)
    warnings: tuple[Text, ...] = ()


def incoming_of(
    node: Node, partners: Sequence[str] | None = None, now: datetime | None = None
) -> list[Incoming]:
    """The grants under which this node receives, from all partners or those named.

    Of several versions of an agreement by the one that holds at ``now``; without it, the newest.
    Leaves out partners whose key nobody has added; :func:`untrusted_of` names them.
    Raises ``ConfigError`` for a named partner that no agreement lets us receive from.
    """
    trusted = {p.code: p for p in node.partners()}
    return [
        Incoming(agreement, grant, trusted[grant.from_org])
        for agreement, grant in _grants_to(node, partners, now)
        if grant.from_org in trusted
    ]


def untrusted_of(
    node: Node, partners: Sequence[str] | None = None, now: datetime | None = None
) -> list[tuple[str, ConfigError]]:
    """Streams that an agreement grants us but whose publisher's key is not here, and why."""
    trusted = {p.code for p in node.partners()}
    return [
        (agreement.stream_id(grant), _no_key(node, agreement, grant))
        for agreement, grant in _grants_to(node, partners, now)
        if grant.from_org not in trusted
    ]


def _grants_to(
    node: Node, partners: Sequence[str] | None, now: datetime | None
) -> list[tuple[Agreement, Grant]]:
    agreements = node.agreements()
    found = [
        (agreement, grant)
        for agreement in (newest(agreements) if now is None else in_force(agreements, now))
        for grant in agreement.grants
        if grant.to_org == node.agency.code and (not partners or grant.from_org in partners)
    ]
    for code in partners or ():
        if code not in {grant.from_org for _, grant in found}:
            raise ConfigError(
                Text(
                    en=f"no agreement lets this node receive from {code}",
                    zh=f"没有允许本节点接收 {code} 数据的协议",
                ),
                where=Where(str(node.root / "agreements")),
            )
    return found


def _no_key(node: Node, agreement: Agreement, grant: Grant) -> ConfigError:
    return ConfigError(
        Text(
            en=f"agreement {agreement.id}: the key of {grant.from_org} is not here",
            zh=f"协议 {agreement.id} 涉及 {grant.from_org}，但本节点没有其公钥",
        ),
        where=Where(str(node.root / "partners")),
        hint=Text(
            en="hefu partner add CARD, with the card that the partner handed over",
            zh="请用合作单位交来的名片执行 hefu partner add 名片文件",
        ),
    )


def take_in(
    node: Node, incoming: Incoming, now: datetime, *, place: str | None = None
) -> list[TakenIn]:
    """Take in the stream's bundles that follow the last one, in order, until there is no next.

    ``place``: a folder (a disk that was carried here) instead of where the partner publishes.
    A bundle that fails a check is refused: the state stays as it was, a negative receipt is
    written, and the ``VerificationError`` is raised. What came before it stays taken in. A number
    that can't be had is a :class:`MissingBundleError`, and two statements under one number are a
    ``VerificationError`` until a person has looked; both are answered by receipts.
    """
    lake = Lake(node.place("lake"))
    taken: list[TakenIn] = []
    with holding(node, f"receive/{incoming.stream}"):
        answer_taken(node, lake, incoming.partner.code, incoming.stream, now)
        publisher = publisher_of(node, incoming.partner, now, place=place)
        code, stream = incoming.partner.code, incoming.stream
        problem: HefuError | None = check_history(node, lake, code, stream, publisher, now)
        try:
            while found := _take_next(node, lake, incoming, publisher, len(taken), now):
                if not isinstance(found, TakenIn):
                    problem = problem or found
                    break
                taken.append(found)
                answer_taken(node, lake, code, stream, now)
            if problem is not None:
                raise problem
        except HefuError as error:
            error.done = tuple(taken)
            raise
        return taken


def _take_next(
    node: Node,
    lake: Lake,
    incoming: Incoming,
    publisher: Publisher,
    done: int,
    now: datetime,
) -> TakenIn | MissingBundleError | None:
    """The next bundle; why it can't be had although there is one; None at the end of the list."""
    from exchange.trust.refusals import MissingError

    head = _head(lake, incoming)
    tell(Step(incoming.stream, "fetch", done, None, "bundles"))
    listed = publisher.find(incoming.stream, head.sequence + 1)
    if listed is not None:
        try:
            return _take_one(node, lake, incoming, publisher, listed, head, now)
        except MissingError:
            pass  # it is listed and not there: answered as missing below
    under = (incoming.agreement, incoming.grant)
    return answer_gap(node, under, publisher, head, now)


def _head(lake: Lake, incoming: Incoming) -> ChainHead:
    found = lake.ledger.head(incoming.partner.code, incoming.stream)
    return ChainHead(*found) if found else ChainHead.start()


def _take_one(
    node: Node,
    lake: Lake,
    incoming: Incoming,
    publisher: Publisher,
    listed: Listed,
    head: ChainHead,
    now: datetime,
) -> TakenIn:
    tell(Step(incoming.stream, "verify", head.sequence, None, "bundles"))
    under = (incoming.agreement, incoming.grant)
    try:
        with opened(node, publisher, listed, under, head, now) as found:
            return _take_opened(node, lake, incoming, publisher, found, now)
    except VerificationError as error:
        answer_refused(node, incoming.stream, listed, error, now)
        raise


def _take_opened(
    node: Node,
    lake: Lake,
    incoming: Incoming,
    publisher: Publisher,
    found: Opened,
    now: datetime,
) -> TakenIn:
    """Evidence first, then the rows, then the ledger, which makes them visible."""
    statement = found.bundle.statement
    kept = keep(
        node.place("inbox"),
        found.bundle,
        found.plain,
        Basis(
            recipient=node.agency.code,
            agreement=found.agreement,
            contracts=INSTALLED,
            root=incoming.partner.root or b"",
            metadata=publisher.metadata(),
            max_stale_days=incoming.partner.config.max_stale_days,
        ),
        now,
        found.encrypted_sha256,
    )
    counts = {
        record_type: take_rows(node, lake, found.grant, found.bundle, record_type, now)
        for record_type in statement.counts
    }
    lake.ledger.add(
        Entry(
            publisher=incoming.partner.code,
            stream=incoming.stream,
            sequence=statement.sequence,
            bundle_id=statement.bundle_id,
            statement_digest=found.bundle.statement_sha256,
            received_time=now,
            counts={name: c.accepted for name, c in counts.items() if c.received},
            verdict_digest=statement.verdict_sha256,
            file_digest=kept.evidence.file_sha256,
        )
    )
    return TakenIn(
        incoming.stream,
        incoming.partner.code,
        incoming.partner.name,
        statement.sequence,
        statement.bundle_id,
        statement.created_time,
        counts,
        found.warnings,
    )
