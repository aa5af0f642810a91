"""Receipts: what this node did with a partner's bundle, as records that travel back.

A receipt is a record like any other: same contract, same checks, same bundles. Its number is
the stream, the bundle's sequence and the grade (``stream/00000003/taken_in``; a refusal names
the file as well), so writing it again changes nothing, and the stream's name says whom it is for:
it goes to the publisher of that stream and to nobody else. So what a sender notes about its own
stream, that no answer came, stays at home.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from exchange.agreement.model import LEGAL_TIME
from flows.bundle_states import KINDS, Kind, Said
from flows.locks import holding
from flows.own_records import SYSTEM, append_own
from hefu.node import Node
from lake.ledger import Entry
from lake.runs import RunRecord
from lake.store import Lake
from schemas.codes import REMOVED
from schemas.errors import AccountingError, VerificationError, Where
from schemas.sql import literal
from schemas.text import Text

STREAM_ID = f"{SYSTEM}/receipts"

MAPPING = """
SELECT
    receipt_no AS source_record_id,
    receipt_no,
    receipt_time AS occurred_time,
    receipt_time AS source_updated_time,
    refers_to_record_id,
    refers_to_bundle_digest,
    receiver_org,
    receipt_grade,
    receipt_time,
    refusal_reason
FROM raw
"""


#: What became of a bundle is told under its grade; a second statement under a number is refused.
_GRADE: Mapping[Kind, str] = {k: "refused" if k == "fork" else k for k in KINDS}
_NUMBER = re.compile(
    rf"(?P<stream>[a-z0-9][a-z0-9._-]{{0,199}})/(?P<sequence>[0-9]{{8}})/(?P<kind>{'|'.join(KINDS)})"
    r"(/[0-9a-f]{16})?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Receipt:
    """One answer to one bundle. All text, as a source would send it."""

    receipt_no: str
    refers_to_record_id: str
    refers_to_bundle_digest: str | None
    receiver_org: str
    receipt_grade: str
    receipt_time: str
    refusal_reason: str | None = None


def number_of(stream: str, sequence: int, kind: Kind, digest: str = "") -> str:
    """A receipt's number. ``digest``: of what was refused."""
    return "/".join([stream, f"{sequence:08d}", kind, *([digest[:16]] if digest else [])])


def read_number(receipt_no: str) -> tuple[str, int, Kind] | None:
    """(stream, sequence, kind) of a number of this form; None for other agencies' own numbers."""
    found = _NUMBER.fullmatch(receipt_no)
    if found is None:
        return None
    kind = next(k for k in KINDS if k == found["kind"])
    return found["stream"], int(found["sequence"]), kind


def taken_in(node: Node, entry: Entry, quarantined: int) -> Receipt:
    """The receipt for a bundle that the ledger names.

    ``quarantined`` rows of it broke the receiver's own rules: the publisher is told how many,
    since they are not in the receiver's lake.
    """
    return Receipt(
        receipt_no=number_of(entry.stream, entry.sequence, "taken_in"),
        refers_to_record_id=entry.bundle_id,
        refers_to_bundle_digest=entry.statement_digest,
        receiver_org=node.agency.code,
        receipt_grade="taken_in",
        receipt_time=entry.received_time.isoformat(),
        refusal_reason=f"其中 {quarantined} 行未通过接收方校验，已隔离" if quarantined else None,
    )


@dataclass(frozen=True, slots=True)
class Named:
    """One file as its publisher's signed list names it. Digests are hex SHA-256."""

    stream: str
    sequence: int
    file_sha256: str
    statement_sha256: str


def refused(node: Node, named: Named, error: VerificationError, now: datetime) -> Receipt:
    """The receipt for a bundle that failed a check.

    Nothing in a refused bundle is believed, its id neither: the receipt says what the list says.
    Its number names the file, so that another file under the same number is answered as well.
    """
    return _unbelieved(node, named, "refused", words_of(error), now, file=named.file_sha256)


def forked(node: Node, named: Named, reason: str, now: datetime) -> Receipt:
    """The refusal of another statement under a number that was taken in."""
    return _unbelieved(node, named, "fork", reason, now, file=named.statement_sha256)


def received(node: Node, named: Named, error: VerificationError, now: datetime) -> Receipt:
    """A bundle is here that can't be judged before its turn."""
    return _unbelieved(node, named, "received", words_of(error), now)


def verified(
    node: Node,
    stream: str,
    sequence: int,
    bundle_id: str,
    statement_digest: str,
    waits_for: int,
    now: datetime,
) -> Receipt:
    """A bundle is good in itself and waits for the number ``waits_for`` before it."""
    return Receipt(
        receipt_no=number_of(stream, sequence, "verified"),
        refers_to_record_id=bundle_id,
        refers_to_bundle_digest=statement_digest,
        receiver_org=node.agency.code,
        receipt_grade="verified",
        receipt_time=now.isoformat(),
        refusal_reason=f"待补第 {waits_for} 号后入库",
    )


def missing(
    node: Node, stream: str, sequence: int, statement_sha256: str | None, reason: str, now: datetime
) -> Receipt:
    """A number can't be had although it is listed (then its digest is known), or later ones are."""
    named = Named(stream, sequence, "", statement_sha256 or "")
    return _unbelieved(node, named, "missing", reason, now)


def unanswered(
    node: Node,
    stream: str,
    known: tuple[int, str, str],
    receiver: str,
    deadline: datetime,
    provisional: bool,
) -> Receipt:
    """Our own note that no answer to a bundle of ours came in time.

    ``known``: sequence, bundle id and statement digest. It is dated at the deadline, whenever
    the node got round to it.
    """
    sequence, bundle_id, digest = known
    last_day = (deadline - timedelta(microseconds=1)).astimezone(LEGAL_TIME).date()
    guess = "（工作日历尚未公布，期限为暂定）" if provisional else ""
    return Receipt(
        receipt_no=number_of(stream, sequence, "unanswered"),
        refers_to_record_id=bundle_id,
        refers_to_bundle_digest=digest,
        receiver_org=receiver,
        receipt_grade="unanswered",
        receipt_time=deadline.isoformat(),
        refusal_reason=f"截至 {last_day.isoformat()} 未收到回执{guess}",
    )


def words_of(error: VerificationError) -> str:
    """What a partner is told of a failed check: the step and the reason, as an error says them."""
    return f"{error.step}：{error.message.zh}"[:2000]


def _unbelieved(
    node: Node, named: Named, kind: Kind, reason: str, now: datetime, *, file: str = ""
) -> Receipt:
    place = f"{named.stream}/{named.sequence:08d}"
    return Receipt(
        receipt_no=number_of(named.stream, named.sequence, kind, file),
        refers_to_record_id=hashlib.sha256(place.encode()).hexdigest()[:32],
        refers_to_bundle_digest=named.statement_sha256 or None,
        receiver_org=node.agency.code,
        receipt_grade=_GRADE[kind],
        receipt_time=now.isoformat(),
        refusal_reason=reason[:2000],
    )


@dataclass(frozen=True, slots=True)
class Kept:
    """A receipt in the lake. ``by``: the agency whose record it is."""

    by: str
    stream: str
    said: Said


def kept_receipts(node: Node) -> list[Kept]:
    """All receipts about bundles that the lake has, our own and partners'; each version once.

    Receipts of other kinds (about a transfer, from another system) are not among them.
    """
    from schemas.sql import connect

    lake = Lake(node.place("lake"))
    if lake.version("receipt") is None:
        return []
    con = connect(threads=1)
    try:
        lake.attach(con, "receipt")
        rows = con.execute(
            "SELECT source_org_code, receipt_no, receipt_grade, refers_to_bundle_digest, "
            "receipt_time, received_time, refusal_reason FROM receipt_history "
            f"WHERE source_system = {literal(SYSTEM)} AND data_status <> {literal(REMOVED)}"
        ).fetchall()
    finally:
        con.close()
    found = []
    for by, receipt_no, grade, digest, said_time, arrived_time, reason in rows:
        number = read_number(receipt_no or "")
        if number is None or _GRADE[number[2]] != grade:
            continue
        stream, sequence, kind = number
        said = Said(receipt_no, sequence, kind, digest, said_time, arrived_time, reason)
        found.append(Kept(by, stream, said))
    return found


def write_receipts(node: Node, receipts: Sequence[Receipt], now: datetime) -> RunRecord | None:
    """Append the receipts that the lake does not have yet; None if it has them all.

    Raises ``AccountingError`` if one of them breaks our own rules: what a node did must be told.
    """
    ours = node.agency.code
    with holding(node, "receipts"):
        have = {kept.said.receipt_no for kept in kept_receipts(node) if kept.by == ours}
        new = [asdict(r) for r in receipts if r.receipt_no not in have]
        if not new:
            return None
        run = append_own(node, "receipt", MAPPING, new, now)
    if run is None or run.quarantined:
        raise AccountingError(
            Text(
                en=f"{len(new)} receipts were to be written, and not all pass our own rules",
                zh=f"应写入 {len(new)} 条回执，其中有未通过本节点校验的",
            ),
            where=Where(STREAM_ID),
        )
    return run
