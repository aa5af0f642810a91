"""Records that the node itself makes: acts of this agency, in the lake like any source's rows.

They come by a mapping, are checked by the contract's rules and are appended once: a row whose
number is in the lake already is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

from flows.locks import holding
from flows.records import check_candidates, judge_rows
from flows.workspace import workspace
from hefu.node import Node
from lake.runs import RunRecord
from lake.store import Lake
from quality.counts import Counts
from schemas.contract import load_contract
from schemas.errors import AccountingError
from schemas.mapping import Origin, candidate_sql, parse_mapping
from schemas.rulepack import rule_set_version
from schemas.sql import ident
from schemas.text import Text

if TYPE_CHECKING:
    import duckdb

#: The source system of what no system of the agency sent.
SYSTEM = "hefu"
#: schemas/codes/business_domain.csv: what a node does itself is of no domain.
OTHER_DOMAIN = "99"


def append_own(
    node: Node,
    record_type: str,
    mapping: str,
    rows: Sequence[Mapping[str, str | None]],
    now: datetime,
) -> RunRecord | None:
    """Append those of ``rows`` that the lake does not have; None if it has them all.

    ``rows`` are text, as a source would send it, all with the same names; ``mapping`` is the SQL
    that makes records of them and gives ``source_record_id``. Stream: ``hefu/<record type>s``.
    """
    lake = Lake(node.place("lake"))
    contract = load_contract(record_type)
    stream_id = f"{SYSTEM}/{record_type}s"
    with (
        holding(node, f"stream/{stream_id}"),
        holding(node, f"table/{record_type}"),
        workspace(node) as (con, _),
    ):
        if not rows:
            return None
        _load(con, rows)
        parsed = parse_mapping(con, mapping, "flows/own_records.py", contract)
        origin = Origin(
            org_code=node.agency.code,
            org_name=node.agency.name,
            system=SYSTEM,
            division_code=node.agency.division_code,
            business_domain=node.agency.business_domain or OTHER_DOMAIN,
            received_time=now,
            rule_pack_version=rule_set_version(node.agency.division_code, node.rule_packs()),
        )
        candidates = candidate_sql(con, parsed, contract, origin)
        check_candidates(con, candidates, contract, node.rules(contract), stream_id, len(rows))
        counts = judge_rows(con, lake, record_type, len(rows), stream_id, node.agency.code).counts
        if not counts.accepted:
            _check_all_there(record_type, counts)
            return None
        sequence = lake.next_sequence(stream_id, record_type)
        run = RunRecord(
            run_id=f"{stream_id}/{sequence}",
            stream_id=stream_id,
            record_type=record_type,
            mode="cursor",
            started_at=now,
            contract_version=contract.version,
            landed=("",),
            **asdict(counts),
        )
        reader = con.execute("SELECT * FROM accepted").to_arrow_reader(100_000)
        lake.append(contract, reader, run, sequence=sequence)
        return run


def _check_all_there(record_type: str, counts: Counts) -> None:
    """Nothing is appended: then every row must be there already, or the run has lost one."""
    if counts.quarantined:
        raise AccountingError(
            Text(
                en=f"our own {record_type} breaks our own rules: "
                + ", ".join(sorted(counts.reasons)),
                zh=f"本节点生成的 {record_type} 未通过自身规则："
                + "、".join(sorted(counts.reasons)),
            )
        )


def _load(con: duckdb.DuckDBPyConnection, rows: Sequence[Mapping[str, str | None]]) -> None:
    """Tables ``raw``, ``raw_reject``, ``objects``, as a reader of a source makes them."""
    columns = list(rows[0])
    listed = ", ".join(f"{ident(name)} VARCHAR" for name in columns)
    con.execute(f"CREATE TABLE raw ({listed}, _object INTEGER, _row BIGINT)")
    con.execute(
        "CREATE TABLE raw_reject (_object INTEGER, _row BIGINT, rule_id VARCHAR, "
        "detail VARCHAR, raw_text VARCHAR)"
    )
    con.execute("CREATE TABLE objects (_object INTEGER, fetched_at TIMESTAMPTZ)")
    con.executemany(
        f"INSERT INTO raw VALUES ({', '.join('?' * (len(columns) + 2))})",
        [[*(row[name] for name in columns), 0, number] for number, row in enumerate(rows, 1)],
    )
