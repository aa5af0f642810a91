"""The re-check of a verified bundle's rows by our own rules, and their way into the lake.

Rows lie in their tables but are invisible until the ledger names the bundle (``lake.ledger``).
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

from exchange.agreement.model import Grant
from exchange.agreement.recheck import agreed_rules
from exchange.bundle.verify import VerifiedBundle
from flows.locks import holding
from flows.progress import Step, tell
from flows.records import Judged, check_candidates, judge_rows
from flows.sealed import came_with
from flows.workspace import workspace
from hefu.node import Node
from lake.runs import RunRecord, bundle_stream_id
from lake.shape import EXTRA
from lake.store import Lake
from quality.counts import Counts
from quality.quarantine import Batch as QuarantineBatch
from quality.quarantine import write_quarantine
from schemas.contract import Contract, Rule, load_contract
from schemas.identity import content_hash_sql, object_sql
from schemas.received import received_columns
from schemas.sealed import sealed_rules
from schemas.sql import ident, literal
from schemas.text import Text

if TYPE_CHECKING:
    import duckdb


#: Rules of every received row, beside those of its contract.
FOREIGN = "bundle:source_org_code"
CONTENT = "bundle:content_hash"
_DIFFERS = "_content_differs"


def take_rows(
    node: Node,
    lake: Lake,
    grant: Grant,
    bundle: VerifiedBundle,
    record_type: str,
    now: datetime,
) -> Counts:
    """Re-check one table by our own rules and append what passes; invisible until the ledger."""
    publisher, stream = grant.from_org, bundle.statement.stream
    contract = load_contract(record_type)
    stream_id = bundle_stream_id(publisher, stream)
    rows = bundle.statement.counts[record_type]
    tell(Step(stream, "take_in", 0, rows))
    with workspace(node) as (con, _):
        columns = _load(con, bundle, contract)
        rules = (
            *node.rules(contract, columns),
            *agreed_rules(grant, contract, columns),
            *(r for r in sealed_rules(contract) if not set(r.fields) <= set(columns)),
            *came_with(contract, bundle.entries),
            _own_records_only(publisher),
            _CONTENT_FITS,
        )
        candidates = _candidates(contract, columns)
        check_candidates(con, candidates, contract, rules, stream, rows)
        with holding(node, f"table/{record_type}"):
            judged: Judged = judge_rows(con, lake, record_type, rows, stream, publisher)
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
    tell(Step(stream, "take_in", rows, rows))
    return counts


def _own_records_only(publisher: str) -> Rule:
    """A partner speaks for itself: a row in another's name could take the place of its record."""
    return Rule(
        rule_id=FOREIGN,
        kind="sql",
        severity="hard",
        fields=("source_org_code",),
        violation_sql=f"source_org_code IS DISTINCT FROM {literal(publisher)}",
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
