"""From a partner into the lake: fetch, verify, re-check, take in, receipt.

Until the ledger names a bundle, nothing of it is visible (``lake.ledger``). The steps before
may be cut off anywhere: the next run starts from the ledger's head, fetches the same bundle and
goes the same way; what was appended already is not appended twice. The verified bytes are the
used bytes: the file in ``inbox/`` is kept as evidence and never read back here.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from exchange.agreement.model import Agreement, Grant
from exchange.bundle.contracts import INSTALLED
from exchange.bundle.verify import ChainHead, Policy, VerifiedBundle, verify_bundle
from exchange.repository.local import bundle_name, fetch, stream_folder
from exchange.trust.partner import Partner
from flows.answering import answer_taken
from flows.locks import holding
from flows.progress import Step, tell
from flows.receipts import refused, write_receipts
from flows.records import Judged, check_candidates, judge_rows
from flows.workspace import workspace
from hefu.node import Node
from lake.ledger import Entry
from lake.runs import RunRecord, bundle_stream_id
from lake.shape import EXTRA
from lake.store import Lake
from quality.counts import Counts
from quality.quarantine import Batch as QuarantineBatch
from quality.quarantine import write_quarantine
from schemas.contract import Contract, Rule, load_contract
from schemas.errors import ConfigError, VerificationError, Where
from schemas.identity import content_hash_sql, object_sql
from schemas.received import received_columns
from schemas.sql import ident, literal
from schemas.text import Text

if TYPE_CHECKING:
    import duckdb


#: Rules of every received row, beside those of its contract.
FOREIGN = "bundle:source_org_code"
CONTENT = "bundle:content_hash"
_DIFFERS = "_content_differs"


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


def incoming_of(node: Node, partners: Sequence[str] | None = None) -> list[Incoming]:
    """The grants under which this node receives, from all partners or those named.

    Leaves out partners whose key nobody has added; :func:`untrusted_of` names them.
    Raises ``ConfigError`` for a named partner that no agreement lets us receive from.
    """
    trusted = {p.code: p for p in node.partners()}
    return [
        Incoming(agreement, grant, trusted[grant.from_org])
        for agreement, grant in _grants_to(node, partners)
        if grant.from_org in trusted
    ]


def untrusted_of(
    node: Node, partners: Sequence[str] | None = None
) -> list[tuple[str, ConfigError]]:
    """Streams that an agreement grants us but whose publisher's key is not here, and why."""
    trusted = {p.code for p in node.partners()}
    return [
        (agreement.stream_id(grant), _no_key(node, agreement, grant))
        for agreement, grant in _grants_to(node, partners)
        if grant.from_org not in trusted
    ]


def _grants_to(node: Node, partners: Sequence[str] | None) -> list[tuple[Agreement, Grant]]:
    found = [
        (agreement, grant)
        for agreement in node.agreements()
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
            zh="请用合作单位交来的名片执行 hefu partner add 名片目录",
        ),
    )


def take_in(node: Node, incoming: Incoming, now: datetime) -> list[TakenIn]:
    """Take in the stream's bundles that follow the last one, in order, until there is no next.

    A bundle that fails a check is refused: the state stays as it was, a negative receipt is
    written, and the ``VerificationError`` is raised. What came before it stays taken in.
    """
    lake = Lake(node.place("lake"))
    taken: list[TakenIn] = []
    with holding(node, f"receive/{incoming.stream}"):
        answer_taken(node, lake, incoming.partner.code, incoming.stream, now)
        while True:
            head = lake.ledger.head(incoming.partner.code, incoming.stream)
            sequence = head[0] + 1 if head else 1
            tell(Step(incoming.stream, "fetch", len(taken), None, "bundles"))
            data = fetch(_location(incoming), incoming.stream, sequence)
            if data is None:
                return taken
            taken.append(_take_one(node, lake, incoming, sequence, head, data, now))
            answer_taken(node, lake, incoming.partner.code, incoming.stream, now)


def _location(incoming: Incoming) -> str:
    location = incoming.partner.location
    if location is None:
        raise ConfigError(
            Text(
                en=f"it is not said where {incoming.partner.code} publishes",
                zh=f"没有写明 {incoming.partner.code} 的发布位置",
            ),
            where=Where(str(incoming.partner.folder / "partner.toml"), field="repository"),
            hint=Text(
                en="add repository = a folder or an http(s) address",
                zh="请补上 repository（文件夹或 http(s) 地址）",
            ),
        )
    return location


def _take_one(
    node: Node,
    lake: Lake,
    incoming: Incoming,
    sequence: int,
    head: tuple[int, str] | None,
    data: bytes,
    now: datetime,
) -> TakenIn:
    tell(Step(incoming.stream, "verify", sequence - 1, None, "bundles"))
    policy = Policy(
        contracts=INSTALLED,
        recipient=node.agency.code,
        agreements=(incoming.agreement,),
        head=ChainHead(*head) if head else ChainHead.start(),
    )
    try:
        bundle = verify_bundle(data, incoming.partner.trust, policy, now)
    except VerificationError as error:
        write_receipts(node, [refused(node, incoming.stream, sequence, data, error, now)], now)
        raise
    _keep(node, incoming, sequence, data)
    counts = {
        record_type: _append(node, lake, incoming, bundle, record_type, now)
        for record_type in bundle.statement.counts
    }
    statement = bundle.statement
    lake.ledger.add(
        Entry(
            publisher=incoming.partner.code,
            stream=incoming.stream,
            sequence=sequence,
            bundle_id=statement.bundle_id,
            statement_digest=bundle.statement_sha256,
            received_time=now,
            counts={name: c.accepted for name, c in counts.items() if c.received},
            verdict_digest=statement.verdict_sha256,
            file_digest=hashlib.sha256(data).hexdigest(),
        )
    )
    return TakenIn(
        incoming.stream,
        incoming.partner.code,
        incoming.partner.name,
        sequence,
        statement.bundle_id,
        statement.created_time,
        counts,
        bundle.warnings,
    )


def _keep(node: Node, incoming: Incoming, sequence: int, data: bytes) -> Path:
    """The bundle as it came, for the day when somebody asks who said what."""
    folder = stream_folder(node.place("inbox") / incoming.partner.code, incoming.stream)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / bundle_name(sequence)
    partial = path.with_suffix(f".partial-{os.getpid()}")
    with partial.open("wb") as handle:
        handle.write(data)
        handle.flush()
        os.fsync(handle.fileno())
    partial.replace(path)
    return path


def _append(
    node: Node,
    lake: Lake,
    incoming: Incoming,
    bundle: VerifiedBundle,
    record_type: str,
    now: datetime,
) -> Counts:
    """Re-check one table by our own rules and append what passes; invisible until the ledger."""
    contract = load_contract(record_type)
    stream_id = bundle_stream_id(incoming.partner.code, incoming.stream)
    rows = bundle.statement.counts[record_type]
    tell(Step(incoming.stream, "take_in", 0, rows))
    with workspace(node) as (con, _):
        columns = _load(con, bundle, contract)
        rules = (
            *node.rules(contract, columns),
            _own_records_only(incoming.partner),
            _CONTENT_FITS,
        )
        candidates = _candidates(contract, columns)
        check_candidates(con, candidates, contract, rules, incoming.stream, rows)
        with holding(node, f"table/{record_type}"):
            judged: Judged = judge_rows(
                con, lake, record_type, rows, incoming.stream, incoming.partner.code
            )
            counts = judged.counts
            digest = bundle.statement_sha256
            written = write_quarantine(
                con,
                node.place("quarantine") / stream_id.replace(":", "_"),
                QuarantineBatch(stream_id, (digest,), "", contract.version),
            )
            run = RunRecord(
                run_id=f"{stream_id}/{bundle.statement.sequence}",
                stream_id=stream_id,
                record_type=record_type,
                mode="bundle",
                started_at=now,
                contract_version=contract.version,
                landed=(digest,),
                quarantine_file=written.name if written else None,
                bundle_id=bundle.statement.bundle_id,
                **asdict(counts),
            )
            lake.append(
                contract,
                con.execute(f"SELECT * EXCLUDE ({_DIFFERS}) FROM accepted").to_arrow_reader(
                    100_000
                ),
                run,
                sequence=bundle.statement.sequence,
            )
    tell(Step(incoming.stream, "take_in", rows, rows))
    return counts


def _own_records_only(partner: Partner) -> Rule:
    """A partner speaks for itself: a row in another's name could take the place of its record."""
    return Rule(
        rule_id=FOREIGN,
        kind="sql",
        severity="hard",
        fields=("source_org_code",),
        violation_sql=f"source_org_code IS DISTINCT FROM {literal(partner.code)}",
        params={},
        message=Text(
            en="the record is not the publisher's own",
            zh="该记录的来源单位不是发送单位本身",
        ),
        hint=Text(
            en="ask the partner why its bundle holds records of another agency",
            zh="请向合作单位询问：其数据包中为何含有其他单位的记录",
        ),
        source="",
    )


# Whoever changes a row after its publisher hashed it, be it the publisher's own software, is
# found out here; and a hash that is not the content's would make two versions look like one.
_CONTENT_FITS = Rule(
    rule_id=CONTENT,
    kind="sql",
    severity="hard",
    fields=("content_hash",),
    violation_sql=_DIFFERS,
    params={},
    message=Text(
        en="the content hash is not that of the record's content",
        zh="记录摘要与记录内容不符",
    ),
    hint=Text(
        en="ask the partner to publish the record again; its software may be faulty",
        zh="请联系合作单位重新发送该记录，其程序可能有误",
    ),
    source="",
)


def _candidates(contract: Contract, names: tuple[str, ...]) -> str:
    """SQL for the received rows in the shape of candidates: what was not shared is NULL, what
    our code lists do not know is unmapped.

    A received row has no clock of its own here: only what is newer than the version in force
    changes it, so a publisher that goes back to an earlier content is followed.
    """
    absent = {f.name: f"NULL::{f.duckdb_type}" for f in contract.fields if f.name not in names}
    values = {n: ident(n) for n in names} | absent | received_columns(contract, names)
    fields = ", ".join(f"{values[f.name]} AS {ident(f.name)}" for f in contract.fields)
    return (
        f"SELECT {fields}, {EXTRA}, {_DIFFERS}, _object, _row, NULL::VARCHAR AS _uncast, "
        "false AS _has_clock FROM received"
    )


def _load(
    con: duckdb.DuckDBPyConnection, bundle: VerifiedBundle, ours: Contract
) -> tuple[str, ...]:
    """Tables ``received`` (typed), ``raw`` (the same as text) and an empty ``raw_reject``.

    Returns the columns that our contract knows. Those that only the sender's has are kept as
    they are in ``raw`` and together as JSON in ``_extra``.
    """
    theirs = bundle.contracts[ours.record_type]
    reader = bundle.batches(ours.record_type, whole=True)
    names = tuple(reader.schema.names)
    known = tuple(n for n in names if n in ours.names())
    unknown = [theirs.field(n) for n in names if n not in known]
    con.register("bundle_rows", reader)
    con.execute(
        f"CREATE TABLE received AS SELECT *, {object_sql(unknown)} AS {EXTRA}, "
        f"{content_hash_sql(theirs, names)} IS DISTINCT FROM content_hash AS {_DIFFERS}, "
        "0 AS _object, (row_number() OVER ())::BIGINT AS _row FROM bundle_rows"
    )
    con.unregister("bundle_rows")
    texts = ", ".join(f"{ident(name)}::VARCHAR AS {ident(name)}" for name in names)
    con.execute(f"CREATE VIEW raw AS SELECT {texts}, _object, _row FROM received")
    con.execute(
        "CREATE TABLE raw_reject (_object INTEGER, _row BIGINT, rule_id VARCHAR, "
        "detail VARCHAR, raw_text VARCHAR)"
    )
    return known
