"""A contract that came with a bundle and knows more than this version does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from schemas_contracts import FIELDS, small_contract

from schemas.contract import load_contract, parse_contract, record_types
from schemas.errors import ConfigError
from schemas.foreign import parse_foreign
from schemas.identity import content_hash_sql, object_sql
from schemas.sql import connect

LISTED = {**FIELDS, "note_no": {"codeList": "urgency", "codeListOpen": True}}


def later(old: str, new: str, **more: Any) -> bytes:
    """A contract's bytes with something in them that this version does not know."""
    data = small_contract(**more).yaml_bytes
    assert old.encode() in data
    return data.replace(old.encode(), new.encode())


@pytest.mark.parametrize(
    "data",
    [
        later('"urgency"', '"list_to_come"', fields=LISTED),
        later('"cn"', '"pack_to_come"', rulePack="cn"),
        later("mass_kg > 1", "mass_kg > {number_to_come}", rules={"r": {"where": "mass_kg > 1"}}),
        later('"error"', '"severity_to_come"', rules={"r": {"where": "mass_kg > 1"}}),
    ],
    ids=["code list", "rule pack", "parameter", "severity"],
)
def test_what_is_not_needed_to_read_rows_is_left_out(data: bytes) -> None:
    with pytest.raises(ConfigError):
        parse_contract(data)
    read = parse_foreign(data)
    assert (read.yaml_bytes, read.names()) == (data, tuple(FIELDS))
    assert read.declared == ()
    assert read.field("colour").code_list == "plate_color"
    assert read.field("note_no").code_list is None


@pytest.mark.parametrize(
    "data",
    [
        later('"BIGINT"', '"TYPE_TO_COME"'),
        later('"internal"', '"class_to_come"'),
        later('"mass_kg"', '"mass kg"'),
        b"",
        b"[]",
        b"schema: 3",
        b"schema: [3]",
        b"schema: [{name: thing, properties: 3}]",
        b"\xff\xfe",
        b"&a [*a]",
        b"x: &a 1\ny: *a\n",
        b"[" * 999_999,
        b"- " * 499_999,
        b"? " * 499_999,
        b"{a: " * 249_999,
        b"a: 2026-13-45",
        b"a: " + b"1" * 5_000,
        b"a: 1" + b":1" * 100_000,
        b"a: 0x" + b"f" * 5_000,
        later('"urgency"', '["urgency"]', fields=LISTED),
        b"#" * 1_000_001,
    ],
)
def test_what_is_needed_or_no_contract_at_all_is_refused(data: bytes) -> None:
    with pytest.raises(ConfigError):
        parse_foreign(data)


@pytest.mark.parametrize("record_type", record_types())
def test_our_own_are_read_whole(record_type: str) -> None:
    ours = load_contract(record_type)
    assert parse_foreign(ours.yaml_bytes) == ours


RELEASED = Path(__file__).parents[2] / "schemas/contracts/released"
FIRST = parse_contract((RELEASED / "case_result/1.0.0.odcs.yaml").read_bytes())
NOW = load_contract("case_result")
OLD_NAMES = FIRST.names()
VALUES = st.dictionaries(
    st.sampled_from([f.name for f in FIRST.content_fields() if f.duckdb_type == "VARCHAR"]),
    st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=8
    ),
    max_size=5,
)


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with closing(connect(threads=1)) as opened:
        yield opened


@settings(max_examples=8, deadline=None)
@given(rows=st.lists(VALUES, min_size=1, max_size=40))
def test_a_field_without_a_value_leaves_the_content_hash_as_it_was(
    con: duckdb.DuckDBPyConnection, rows: list[dict[str, str]]
) -> None:
    con.register("rows_of_both", pa.Table.from_pylist(rows, schema=NOW.arrow_schema()))
    before, after = content_hash_sql(FIRST, OLD_NAMES), content_hash_sql(NOW, NOW.names())
    sql = f"SELECT count(*), count(*) FILTER ({before} = {after}) FROM rows_of_both"
    assert con.execute(sql).fetchall() == [(len(rows), len(rows))]


def test_an_object_of_nothing_is_nothing(con: duckdb.DuckDBPyConnection) -> None:
    fields = [NOW.field("case_no"), NOW.field("penalty_category")]
    sql = (
        f"SELECT {object_sql(fields)}, {object_sql([])} FROM (VALUES "
        "(NULL::VARCHAR, NULL::VARCHAR[]), ('a\"\x0b', []), (NULL, ['x', NULL]))"
        " AS t(case_no, penalty_category)"
    )
    assert con.execute(sql).fetchall() == [
        (None, None),
        ('{"case_no":"a\\"\\u000b","penalty_category":[]}', None),
        ('{"penalty_category":["x",null]}', None),
    ]
