"""Receipts: what this node did with a partner's bundle, as records that travel back.

A receipt is a record like any other: same contract, same checks, same bundles. Its number is
the stream, the bundle's sequence and the grade, so writing it again changes nothing, and the
stream's name says whom it is for (``flows.outgoing`` sends it to nobody else).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from flows.locks import holding
from flows.records import check_candidates, judge_rows
from flows.workspace import workspace
from hefu.node import Node
from lake.ledger import Entry
from lake.runs import RunRecord
from lake.store import Lake
from schemas.contract import load_contract
from schemas.errors import VerificationError
from schemas.mapping import Origin, candidate_sql, parse_mapping
from schemas.rulepack import rule_set_version

SYSTEM = "hefu"
STREAM_ID = f"{SYSTEM}/receipts"

#: schemas/codes/business_domain.csv: a bundle may hold several domains, its receipt has none.
OTHER_DOMAIN = "99"

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


@dataclass(frozen=True, slots=True)
class Receipt:
    """One answer to one bundle. All text, as a source would send it."""

    receipt_no: str
    refers_to_record_id: str
    refers_to_bundle_digest: str
    receiver_org: str
    receipt_grade: str
    receipt_time: str
    refusal_reason: str | None = None


def taken_in(node: Node, entry: Entry, quarantined: int) -> Receipt:
    """The receipt for a bundle that the ledger names.

    ``quarantined`` rows of it broke the receiver's own rules: the publisher is told how many,
    since they are not in the receiver's lake.
    """
    return Receipt(
        receipt_no=f"{entry.stream}/{entry.sequence:08d}/taken_in",
        refers_to_record_id=entry.bundle_id,
        refers_to_bundle_digest=entry.statement_digest,
        receiver_org=node.agency.code,
        receipt_grade="taken_in",
        receipt_time=entry.received_time.isoformat(),
        refusal_reason=f"其中 {quarantined} 行未通过接收方校验，已隔离" if quarantined else None,
    )


def refused(
    node: Node, stream: str, sequence: int, data: bytes, error: VerificationError, now: datetime
) -> Receipt:
    """The receipt for a bundle that failed a check.

    Nothing in a refused bundle is believed, its id neither: the receipt names the file by the
    digest of its bytes, and the place in the stream that it was fetched for.
    """
    digest = hashlib.sha256(data).hexdigest()
    return Receipt(
        receipt_no=f"{stream}/{sequence:08d}/refused/{digest[:16]}",
        refers_to_record_id=hashlib.sha256(f"{stream}/{sequence:08d}".encode()).hexdigest()[:32],
        refers_to_bundle_digest=digest,
        receiver_org=node.agency.code,
        receipt_grade="refused",
        receipt_time=now.isoformat(),
        refusal_reason=f"{error.step}：{error.message.zh}"[:2000],
    )


def write_receipts(node: Node, receipts: Sequence[Receipt], now: datetime) -> RunRecord | None:
    """Append the receipts that the lake does not have yet; None if it has them all."""
    lake = Lake(node.place("lake"))
    contract = load_contract("receipt")
    with (
        holding(node, f"stream/{STREAM_ID}"),
        holding(node, "table/receipt"),
        workspace(node) as (con, _),
    ):
        lake.attach(con, "receipt")
        have = {
            row[0]
            for row in con.execute(
                "SELECT source_record_id FROM receipt_history WHERE _bundle_id IS NULL"
            ).fetchall()
        }
        new = [r for r in receipts if r.receipt_no not in have]
        if not new:
            return None
        columns = list(asdict(new[0]))
        listed = ", ".join(f"{name} VARCHAR" for name in columns)
        con.execute(f"CREATE TABLE raw ({listed}, _object INTEGER, _row BIGINT)")
        con.execute(
            "CREATE TABLE raw_reject (_object INTEGER, _row BIGINT, rule_id VARCHAR, "
            "detail VARCHAR, raw_text VARCHAR)"
        )
        con.execute("CREATE TABLE objects (_object INTEGER, fetched_at TIMESTAMPTZ)")
        con.executemany(
            f"INSERT INTO raw VALUES ({', '.join('?' * (len(columns) + 2))})",
            [[*asdict(r).values(), 0, i + 1] for i, r in enumerate(new)],
        )
        candidates = candidate_sql(
            con,
            parse_mapping(con, MAPPING, "flows/receipts.py", contract),
            contract,
            Origin(
                org_code=node.agency.code,
                org_name=node.agency.name,
                system=SYSTEM,
                division_code=node.agency.division_code,
                business_domain=node.agency.business_domain or OTHER_DOMAIN,
                received_time=now,
                rule_pack_version=rule_set_version(node.agency.division_code, node.rule_packs()),
            ),
        )
        check_candidates(con, candidates, contract, node.rules(contract), STREAM_ID, len(new))
        counts = judge_rows(con, lake, "receipt", len(new), STREAM_ID, node.agency.code).counts
        sequence = lake.next_sequence(STREAM_ID, "receipt")
        run = RunRecord(
            run_id=f"{STREAM_ID}/{sequence}",
            stream_id=STREAM_ID,
            record_type="receipt",
            mode="cursor",
            started_at=now,
            contract_version=contract.version,
            landed=("",),
            **asdict(counts),
        )
        lake.append(
            contract,
            con.execute("SELECT * FROM accepted").to_arrow_reader(100_000),
            run,
            sequence=sequence,
        )
        return run
