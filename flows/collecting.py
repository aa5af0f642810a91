"""What is new for a grant: rows of the lake that may go and have not gone, in a table each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exchange.agreement.model import Agreement, Grant
from exchange.agreement.project import shared_sql
from exchange.repository.local import PublishedHead
from flows.progress import Step, tell
from hefu.node import Node
from lake.store import Lake
from schemas.codes import REMOVED
from schemas.contract import Contract, Rule, load_contract
from schemas.sql import ident, literal

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True, slots=True)
class Collected:
    """The table ``table`` holds the rows that leave, with the granted columns."""

    contract: Contract
    table: str
    rows: int
    withheld: int
    removed: int
    rules: tuple[Rule, ...]


def collect(
    con: duckdb.DuckDBPyConnection,
    lake: Lake,
    node: Node,
    agreement: Agreement,
    grant: Grant,
    last: PublishedHead | None,
    record_type: str,
    version: int,
) -> Collected:
    contract = load_contract(record_type)
    tell(Step(agreement.stream_id(grant), "collect"))
    columns = grant.columns(contract)
    rules = node.rules(contract, columns)
    covered = last.statement.lake_versions.get(record_type) if last else None
    _remember_sent(con, lake, record_type, covered)
    lake.attach(con, record_type, at_version=version)
    table = f"outgoing_{record_type}"
    hard = [f"coalesce(({r.violation_sql}), false)" for r in rules if r.severity == "hard"]
    con.execute(
        "CREATE OR REPLACE TEMP VIEW going AS "
        f"SELECT * FROM {ident(record_type + '_current')} "
        "ANTI JOIN sent USING (record_id, content_hash, source_updated_time, received_time) "
        f"WHERE {_may_go(contract, node, grant)}"
    )
    con.execute(
        f"CREATE TABLE {ident(table)} AS SELECT *, {' OR '.join(hard) or 'false'} AS _broken "
        f"FROM ({shared_sql('going', contract, grant)})"
    )
    rows, withheld = _two(con, f"SELECT count(*), count(*) FILTER (_broken) FROM {ident(table)}")
    con.execute(f"DELETE FROM {ident(table)} WHERE _broken")
    con.execute(f"ALTER TABLE {ident(table)} DROP COLUMN _broken")
    of_table = f"SELECT count(*) FILTER (data_status = {literal(REMOVED)}), 0 FROM {ident(table)}"
    removed, _ = _two(con, of_table)
    return Collected(contract, table, rows - withheld, withheld, removed, rules)


def _remember_sent(
    con: duckdb.DuckDBPyConnection, lake: Lake, record_type: str, covered: int | None
) -> None:
    """The table ``sent``: every version that the last bundle's lake version held.

    A version is told by its times too: a source without a clock may go back to an earlier
    content, and so may a record whose mapping or code row was put back; the partner has to hear.
    """
    con.execute(
        "CREATE OR REPLACE TABLE sent "
        "(record_id VARCHAR, content_hash VARCHAR, source_updated_time TIMESTAMPTZ, "
        "received_time TIMESTAMPTZ)"
    )
    if covered is not None:
        lake.attach(con, record_type, at_version=covered)
        con.execute(
            "INSERT INTO sent SELECT record_id, content_hash, source_updated_time, received_time "
            f"FROM {ident(record_type + '_history')} WHERE _bundle_id IS NULL"
        )


def _may_go(contract: Contract, node: Node, grant: Grant) -> str:
    """SQL over a current row: is it ours, shareable, and not addressed to somebody else?"""
    tests = [
        "_bundle_id IS NULL",
        f"source_org_code = {literal(node.agency.code)}",
        "sharing_attribute <> 'not_shared'",
    ]
    names = set(contract.names())
    # A lead on an official's conduct goes by a sealed channel of its own, whatever its source
    # says of sharing (310号令 art. 18 and 19, 监察法 art. 37).
    tests += [f"{ident(k)} <> 'discipline'" for k in ("lead_type", "transfer_kind") if k in names]
    if "to_org" in names:
        tests.append(f"(to_org IS NULL OR to_org = {literal(grant.to_org)})")
    if contract.record_type == "receipt":
        # A receipt goes back on the way that its bundle came: to that publisher alone.
        answered = [
            agreement.stream_id(back)
            for agreement in node.agreements()
            for back in agreement.grants_from(grant.to_org)
            if back.to_org == node.agency.code
        ]
        ours = " OR ".join(
            f"starts_with(source_record_id, {literal(stream + '/')})" for stream in answered
        )
        tests.append(f"({ours or 'false'})")
    return " AND ".join(tests)


def _two(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[int, int]:
    row = con.execute(sql).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)
