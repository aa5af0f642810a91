"""The generator's own check digits against the macros that the node uses."""

from __future__ import annotations

from datetime import date

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from examples.region.agencies import AGENCIES
from examples.region.check_digits import (
    CREDIT_ALPHABET,
    credit_code,
    identity_number,
    with_wrong_check,
)
from schemas.sql import connect


@pytest.fixture(scope="module")
def shared() -> duckdb.DuckDBPyConnection:
    return connect()


def _is_credit_code(con: duckdb.DuckDBPyConnection, text: str) -> bool:
    row = con.execute("SELECT credit_code_ok(?)", [text]).fetchone()
    return row is not None and bool(row[0])


def _is_identity_number(con: duckdb.DuckDBPyConnection, text: str) -> bool:
    row = con.execute("SELECT id_no_ok(?)", [text]).fetchone()
    return row is not None and bool(row[0])


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(first=st.text(alphabet=CREDIT_ALPHABET, min_size=17, max_size=17))
def test_a_credit_code_is_right_until_its_check_character_is_changed(
    shared: duckdb.DuckDBPyConnection, first: str
) -> None:
    code = credit_code(first)
    assert _is_credit_code(shared, code)
    assert not _is_credit_code(shared, with_wrong_check(code))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    born=st.dates(date(1000, 1, 1), date(2999, 12, 31)),
    region=st.text(alphabet="0123456789", min_size=6, max_size=6),
    sequence=st.text(alphabet="0123456789", min_size=3, max_size=3),
)
def test_an_identity_number_is_right_until_its_check_digit_is_changed(
    shared: duckdb.DuckDBPyConnection, born: object, region: str, sequence: str
) -> None:
    number = identity_number(f"{region}{str(born).replace('-', '')}{sequence}")
    assert _is_identity_number(shared, number)
    assert not _is_identity_number(shared, with_wrong_check(number))


@pytest.mark.parametrize(
    ("code", "first"),
    [("11341800003250001P", "11341800003250001"), ("91350100M000100Y43", "91350100M000100Y4")],
)
def test_known_credit_codes(code: str, first: str) -> None:
    """The second is the example of GB 32100-2015 itself."""
    assert credit_code(first) == code


def test_a_known_identity_number() -> None:
    """The example of GB 11643-1999."""
    assert identity_number("11010519491231002") == "11010519491231002X"


@pytest.mark.parametrize("agency", AGENCIES, ids=lambda agency: agency.folder)
def test_agencies_have_right_codes_that_say_they_are_invented(
    con: duckdb.DuckDBPyConnection, agency: object
) -> None:
    code = agency.code  # type: ignore[attr-defined]
    assert _is_credit_code(con, code)
    assert code[8:15] == "HEFUDEM"
    assert "示例" in agency.name  # type: ignore[attr-defined]
