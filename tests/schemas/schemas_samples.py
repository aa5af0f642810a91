"""Rows and mappings that the tests of the schemas room share; names and numbers are invented."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import duckdb

from schemas.contract import Contract, load_contract
from schemas.mapping import Mapping, Origin, candidate_sql, parse_mapping
from schemas.sql import ident, literal

RECEIVED = datetime(2026, 11, 22, 1, 30, tzinfo=UTC)
ORIGIN = Origin(
    org_code="11999900MB0000000G",
    org_name="示例县交通运输综合行政执法大队",
    system="case-system",
    division_code="330523",
    business_domain="01",
    received_time=RECEIVED,
    rule_pack_version="cn-2026.11",
)
CREDIT_CODE = "91999900MA00000006"
ID_NO = "999999180001010008"

# Required fields of each record type, as a mapping would give them.
REQUIRED = {
    "case_result": {
        "source_record_id": "'R1'",
        "case_no": "'A-1'",
        "decision_type": "'not_established'",
        "violation_type": "'超限'",
        "party_name": "'示例公司'",
    },
    "lead": {
        "source_record_id": "'R1'",
        "lead_no": "'L-1'",
        "lead_source": "'wim'",
        "lead_type": "'copy_notice'",
        "discovered_time": "'2026-10-08 09:31:00+08:00'",
        "suspected_violation": "'超限'",
        "party_name": "'示例公司'",
    },
    "inspection": {
        "source_record_id": "'R1'",
        "inspection_no": "'I-1'",
        "inspection_time": "'2026-10-08 09:31:00+08:00'",
    },
    "receipt": {
        "source_record_id": "'R1'",
        "receipt_no": "'H-1'",
        "refers_to_record_id": "'00c5f6f2b2f4a4b0b5d0f8d7f6e5c4b3'",
        "receiver_org": "'11999900MB0000000G'",
        "receipt_grade": "'verified'",
        "receipt_time": "'2026-10-09 09:00:00+08:00'",
    },
    "sealed_lead": {
        "source_record_id": "'MF-1'",
        "sealed_no": "'MF-1'",
        "to_org": "'11999900MB0000000G'",
        "sealed_time": "'2026-10-09 09:00:00+08:00'",
        "sealed_sha256": "repeat('9f86d081', 8)",
        "sealed_size_bytes": "65836",
    },
    "procedure_act": {
        "source_record_id": "'CG-999900-0123456789/1/send'",
        "act_no": "'CG-999900-0123456789/1/send'",
        "procedure": "'referral'",
        "matter_org": "'11999900MB0000000G'",
        "matter_no": "'CG-999900-0123456789'",
        "act_code": "'send'",
        "act_sequence": "'1'",
        "act_time": "'2026-10-09 09:00:00+08:00'",
        "acting_org": "'11999900MB0000000G'",
        "party_orgs": "['11999900MB0000000G']",
    },
    "transfer": {
        "source_record_id": "'R1'",
        "transfer_no": "'Y-1'",
        "transfer_kind": "'admin_to_admin'",
        "from_org": "'11999900MB0000000G'",
        "case_no": "'A-1'",
    },
    "disposition": {
        "source_record_id": "'R1'",
        "disposition_no": "'F-1'",
        "refers_to_no": "'Y-1'",
        "handling_org": "'11999900MB0000000G'",
        "disposition_action": "'accepted'",
    },
    "recognition": {
        "source_record_id": "'R1'",
        "recognition_no": "'H-1'",
        "recognised_no": "'罚-1'",
        "recognising_org": "'11999900MB0000000G'",
        "recognition_use": "'accumulation'",
        "recognition_decision": "'pending'",
    },
    "correction": {
        "source_record_id": "'R1'",
        "correction_no": "'G-1'",
        "refers_to_no": "'罚-1'",
        "correction_type": "'publicity_expired'",
        "effective_time": "'2026-11-02 00:00:00+08:00'",
    },
}


def load_raw(con: duckdb.DuckDBPyConnection, *rows: dict[str, str | None]) -> None:
    """Tables ``raw`` and ``objects`` as the connectors leave them."""
    columns = list(rows[0])
    con.execute(
        "CREATE OR REPLACE TABLE raw ("
        + "".join(f"{ident(c)} VARCHAR, " for c in columns)
        + "_object INTEGER, _row BIGINT)"
    )
    for number, row in enumerate(rows, start=1):
        con.execute(
            f"INSERT INTO raw VALUES ({'?, ' * len(columns)}0, {number})",
            [row[c] for c in columns],
        )
    con.execute("CREATE OR REPLACE TABLE objects (_object INTEGER, fetched_at TIMESTAMPTZ)")
    con.execute("INSERT INTO objects VALUES (0, '2026-11-21 23:00:00+00')")


def mapping_sql(record_type: str, **fields: str) -> str:
    """A mapping that gives the required fields and ``fields`` (SQL by field name)."""
    given = REQUIRED[record_type] | fields
    return "SELECT " + ", ".join(f"{sql} AS {name}" for name, sql in given.items()) + " FROM raw"


def candidates(
    con: duckdb.DuckDBPyConnection, record_type: str = "case_result", **fields: str
) -> list[dict[str, Any]]:
    """Candidate rows of ``raw`` by :func:`mapping_sql`."""
    contract = load_contract(record_type)
    mapping = parse_mapping(con, mapping_sql(record_type, **fields), "mapping.sql", contract)
    return fetch(con, candidate_sql(con, mapping, contract, ORIGIN))


def fetch(con: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    """Rows of a query as dictionaries."""
    cursor = con.execute(sql)
    names = [d[0] for d in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def broken_rules(con: duckdb.DuckDBPyConnection, record_type: str, **fields: str) -> dict[str, str]:
    """The rules that the one row of ``raw`` breaks under these fields, with their severity."""
    contract: Contract = load_contract(record_type)
    mapping: Mapping = parse_mapping(
        con, mapping_sql(record_type, **fields), "mapping.sql", contract
    )
    rules = contract.rules()
    marks = ", ".join(
        f"coalesce({rule.violation_sql}, FALSE) AS {ident(rule.rule_id)}" for rule in rules
    )
    [row] = fetch(con, f"SELECT {marks} FROM ({candidate_sql(con, mapping, contract, ORIGIN)})")
    return {rule.rule_id: rule.severity for rule in rules if row[rule.rule_id]}


def value(con: duckdb.DuckDBPyConnection, expression: str) -> Any:
    """The value of one SQL expression."""
    row = con.execute(f"SELECT {expression}").fetchone()
    assert row is not None
    return row[0]


def text(given: str | None) -> str:
    """An SQL literal of a text or NULL."""
    return "NULL::VARCHAR" if given is None else literal(given)
