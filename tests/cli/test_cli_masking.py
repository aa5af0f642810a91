"""What is personal is masked, and a source column is as private as what is made of it."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hefu.lineage import lineage, private_columns
from schemas.contract import load_contract
from schemas.masking import mask

CONTRACT = load_contract("case_result")


@given(st.text())
def test_a_masked_value_shows_at_most_its_first_and_last_character(text: str) -> None:
    masked = mask(text)
    assert masked[:1] == text[:1]
    assert set(masked[1:-1]) <= {"*"}
    assert masked[1:] == "" or masked[-1] in {"*", text[-1]}


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("", ""),
        ("甲", "甲"),
        ("示例甲", "示**"),
        ("皖P00001", "皖*****1"),
        ("9" * 18, "9************9"),
    ],
)
def test_masked_examples(text: str, masked: str) -> None:
    assert mask(text) == masked


def made_of(sql: str, *columns: str) -> dict[str, tuple[str, ...]]:
    con = duckdb.connect()
    try:
        return lineage(con, sql, columns)
    finally:
        con.close()


def test_lineage_follows_expressions_tables_and_subqueries() -> None:
    sql = (
        "WITH a AS (SELECT *, x || y AS xy FROM raw) "
        'SELECT upper(a.xy) AS case_no, "金额" * 2 AS fine_amount_cny, '
        "CASE WHEN B THEN c ELSE d END AS party_name, raw_d FROM a"
    )
    assert made_of(sql, "x", "y", "金额", "b", "c", "d", "raw_d") == {
        "case_no": ("x", "y"),
        "fine_amount_cny": ("金额",),
        "party_name": ("b", "c", "d"),
        "raw_d": ("raw_d",),
    }


def test_a_column_is_open_only_if_every_field_made_of_it_is() -> None:
    columns = ("号", "人", "备注")
    used = {"case_no": ("号",), "party_name": ("人", "号")}
    assert private_columns(used, CONTRACT, columns) == {"号", "人", "备注"}
    assert private_columns({"case_no": ("号",)}, CONTRACT, columns) == {"人", "备注"}


def test_a_yes_or_no_shows_nothing_of_the_column_that_it_was_asked_of() -> None:
    used = {"complainant_withheld_flag": ("来电人", "号"), "work_order_no": ("号",)}
    assert private_columns(used, load_contract("work_order"), ("来电人", "号")) == {"来电人"}


def test_a_mapping_that_does_not_parse_opens_no_column() -> None:
    assert made_of("SELECT FROM", "a") == {}
    assert private_columns({}, CONTRACT, ("a",)) == {"a"}
