"""A node with cases of its own and of a partner, without the way that they came: the cheapest world
for what works on the case index. Everything is invented."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import pyarrow as pa
from flows_world import NOW, A, B

from examples.introduce import make_node
from flows.own_records import append_own
from hefu.node import Agency, Node, load_node
from lake.ledger import Entry
from lake.runs import RunRecord, bundle_stream_id
from lake.store import Lake
from quality.counts import Counts
from schemas.contract import load_contract
from schemas.identities import id_check
from schemas.identities.tokens import party_token
from schemas.sql import connect

KEY = bytes(range(32))
_FIXED = {
    "case_result": {
        "decision_type": "penalty",
        "violation_type": "违法超限运输",
        "decision_date": "2026-10-02",
    },
    "lead": {
        "lead_source": "wim",
        "lead_type": "copy_notice",
        "discovered_time": "2026-10-01T08:00:00+08:00",
        "suspected_violation": "涉嫌违法超限运输",
    },
    "inspection": {"inspection_time": "2026-10-01T08:00:00+08:00"},
}
_NO = {"case_result": "case_no", "lead": "lead_no", "inspection": "inspection_no"}

Row = Mapping[str, str | None]


def person(number: int) -> str:
    """An identity number of nobody: there is no region 999999."""
    body = f"99999919000101{number:03}"
    return body + id_check(body)


def token(number: int, key: bytes = KEY) -> str:
    found = party_token(key, "resident_id", person(number))
    assert found is not None
    return found


def make_office(root: Path, agency: Agency = A) -> Node:
    make_node(root, agency, NOW, "passphrase of an office in tests")
    return load_node(root)


def own(node: Node, record_type: str, rows: Sequence[Row], now: datetime = NOW) -> None:
    """Rows of the node's own agency; ``no`` and any fields of the contract."""
    filled = [_filled(record_type, row) for row in rows]
    names = sorted({name for row in filled for name in row})
    mapping = f"SELECT {', '.join(names)} FROM raw"
    run = append_own(
        node, record_type, mapping, [{n: row.get(n) for n in names} for row in filled], now
    )
    assert run is not None, "every row was refused"
    assert not run.quarantined, run.reasons


def _filled(record_type: str, row: Row) -> dict[str, str | None]:
    told = _FIXED[record_type] | {k: v for k, v in row.items() if k != "no"}
    no = row["no"]
    return {
        "source_record_id": no,
        _NO[record_type]: no,
        "source_updated_time": "2026-10-02T08:00:00+08:00",
    } | told


def received(
    node: Node,
    scratch: Path,
    record_type: str,
    rows: Sequence[Row],
    sequence: int = 1,
    *,
    sender: Agency = B,
    named: bool = True,
) -> Entry:
    """Rows of a partner, as a bundle of it brings them. ``named``: the ledger names the bundle."""
    theirs = make_office(scratch, sender) if not scratch.exists() else load_node(scratch)
    before = Lake(theirs.place("lake")).version(record_type)
    own(theirs, record_type, rows)
    table = _sent(theirs, record_type, before or 0)
    lake, bundle_id = Lake(node.place("lake")), f"{sender.code}/stream/{sequence}/{record_type}"
    stream = bundle_stream_id(sender.code, "stream")
    run = RunRecord(
        run_id=bundle_id,
        stream_id=stream,
        record_type=record_type,
        mode="bundle",
        started_at=NOW,
        contract_version=load_contract(record_type).version,
        landed=("",),
        **asdict(Counts(len(rows), len(rows), 0, 0, 0, 0)),
        bundle_id=bundle_id,
    )
    lake.append(load_contract(record_type), table.to_reader(), run, sequence=sequence)
    entry = Entry(sender.code, "stream", sequence, bundle_id, "0" * 64, NOW, {}, "0" * 64, "0" * 64)
    if named:
        lake.ledger.add(entry)
    return entry


def _sent(theirs: Node, record_type: str, since: int) -> pa.Table:
    contract, lake = load_contract(record_type), Lake(theirs.place("lake"))
    now = lake.version(record_type)
    assert now is not None
    con = connect(threads=1)
    try:
        lake.attach(con, record_type, between=(since, now))
        names = [f.name for f in contract.fields if f.name != "record_version"]
        listed = ", ".join(f'"{name}"' for name in names)
        return con.execute(f"SELECT {listed} FROM {record_type}_history").to_arrow_table()
    finally:
        con.close()
