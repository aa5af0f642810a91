"""The digests of docs/record-digest*.md, against the rfc8785 package."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st
from schemas_samples import candidates, load_raw, value

from schemas.contract import load_contract
from schemas.identity import content_hash_sql, record_id_sql

CONTRACT = load_contract("inspection")
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "VARCHAR": TEXT,
    "BIGINT": st.integers(-(2**63), 2**63 - 1),
    "DECIMAL(16,2)": st.decimals("-99999999999999", "99999999999999", places=2),
    "DECIMAL(6,4)": st.decimals("-99", "99", places=4),
    "DATE": st.dates(date(1000, 1, 1)),
    "TIMESTAMPTZ": st.datetimes(timezones=st.just(UTC)).filter(lambda t: t.year >= 1000),
    "BOOLEAN": st.booleans(),
    "VARCHAR[]": st.lists(TEXT, max_size=4),
    "BIGINT[]": st.lists(st.integers(-(2**63), 2**63 - 1), max_size=4),
}
FIELDS = list(CONTRACT.content_fields())


def as_json(given: Any) -> Any:
    """A value as docs/record-digest.md writes it, in Python."""
    match given:
        case bool():
            return "true" if given else "false"
        case datetime():
            return given.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        case date():
            return given.isoformat()
        case list():
            return [as_json(item) for item in given]
        case Decimal():
            return format(given, "f") if given else format(abs(given), "f")
        case _:
            return str(given)


def sha256_of(given: Any) -> str:
    return hashlib.sha256(rfc8785.dumps(given)).hexdigest()


@settings(max_examples=60, deadline=None)
@given(
    st.fixed_dictionaries(
        {},
        optional={f.name: VALUES[f.duckdb_type] for f in FIELDS},
    )
)
def test_the_content_hash_is_sha256_of_rfc_8785_json(
    shared_con: duckdb.DuckDBPyConnection, row: dict[str, Any]
) -> None:
    names = list(row)
    columns = ", ".join(f"CAST(${n} AS {CONTRACT.field(n).duckdb_type}) AS {n}" for n in names)
    sql = f"SELECT {content_hash_sql(CONTRACT, names)} FROM (SELECT {columns or '1 AS one'})"
    [[found]] = shared_con.execute(sql, row).fetchall()
    assert found == sha256_of({n: as_json(v) for n, v in row.items()})


@settings(max_examples=50, deadline=None)
@given(st.tuples(TEXT, TEXT, TEXT, TEXT))
def test_the_record_id_is_of_the_four_names(
    shared_con: duckdb.DuckDBPyConnection, names: tuple[str, str, str, str]
) -> None:
    sql = f"SELECT {record_id_sql('$a', '$b', '$c', '$d')}"
    [[found]] = shared_con.execute(sql, dict(zip("abcd", names, strict=True))).fetchall()
    assert found == sha256_of(list(names))[:32]


def test_fields_filled_by_the_node_are_no_content(con: duckdb.DuckDBPyConnection) -> None:
    row = "(SELECT 'a' AS case_no, 'x' AS record_id, 'y' AS content_hash)"
    contract = load_contract("case_result")
    with_them = value(
        con, f"({content_hash_sql(contract, ['case_no', 'record_id', 'content_hash'])}) FROM {row}"
    )
    assert with_them == sha256_of({"case_no": "a"})


def test_a_candidate_is_hashed_over_what_the_source_answers_for(
    con: duckdb.DuckDBPyConnection,
) -> None:
    load_raw(con, {"号": "A-1"})
    content = {
        "business_domain": "01",
        "case_no": "A-1",
        "data_status": "valid",
        "decision_type": "not_established",
        "division_code": "330523",
        "fine_amount_cny": "0.00",
        "party_name": "示例\n公司",
        "sharing_attribute": "conditional",
        "source_record_id": "R1",
        "violation_type": "超限",
    }
    [row] = candidates(con, fine_amount_cny="'0'", party_name="'示例' || chr(10) || '公司'")
    assert row["content_hash"] == sha256_of(content)
    assert not row["_has_clock"]
    [row] = candidates(
        con,
        fine_amount_cny="'0'",
        party_name="'示例' || chr(10) || '公司'",
        source_updated_time="'2026-10-08T09:30:00.5+08:00'",
    )
    assert row["_has_clock"]
    content["source_updated_time"] = "2026-10-08T01:30:00.500000Z"
    assert row["content_hash"] == sha256_of(content)


@pytest.mark.parametrize("page", ["record-digest.md", "record-digest.zh-CN.md"])
def test_the_examples_of_the_document_are_right(page: str) -> None:
    lines = Path("docs", page).read_text(encoding="utf-8").splitlines()
    examples = [
        (lines[i - 1].strip(), line.split("→")[1].strip())
        for i, line in enumerate(lines)
        if line.strip().startswith("→")
    ]
    assert len(examples) == 2
    for text, digest in examples:
        assert hashlib.sha256(text.encode()).hexdigest()[: len(digest)] == digest
