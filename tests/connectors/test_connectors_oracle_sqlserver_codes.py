"""What the codes of Oracle and SQL Server mean: whether it may heal, and whose turn it is."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.database.faults import ConnectionLostError
from connectors.database.oracle_errors import oracle_fault
from connectors.database.settings import DatabaseReader
from connectors.database.sqlserver_errors import connect_fault, statement_fault
from schemas.errors import ConfigError, HefuError, RefusedError, RetryableError


def reader(kind: str, **changed: Any) -> DatabaseReader:
    settings = {
        "kind": kind,
        "host": "127.0.0.1",
        "database": "front",
        "user": "hefu_reader",
        "password": "env:FRONT_PASSWORD",
        "tls": "disable",
        "table": "jdcf.cases",
    }
    return DatabaseReader.model_validate(settings | changed)


class _Told:
    def __init__(self, code: str) -> None:
        self.full_code = code


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("ORA-01017", RefusedError),
        ("ORA-28000", RefusedError),
        ("ORA-12514", RefusedError),
        ("ORA-00942", RefusedError),
        ("ORA-01555", RetryableError),
        ("ORA-03113", RetryableError),
        ("ORA-12541", RetryableError),
        ("ORA-00020", RetryableError),
        ("DPY-4024", RetryableError),
        ("DPY-4011", RetryableError),
        ("DPY-3010", RefusedError),
        ("ORA-01456", ConfigError),
        ("ORA-99999", RefusedError),
        ("", RefusedError),
    ],
)
def test_codes_of_oracle(code: str, kind: type[HefuError]) -> None:
    error = oracle_fault(Exception(_Told(code)), reader("oracle"), "oracle://h:1521/s")
    assert isinstance(error, kind)
    assert code in str(error)


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (18456, RefusedError),
        (4060, RefusedError),
        (229, RefusedError),
        (208, RefusedError),
        (1222, RetryableError),
        (1205, RetryableError),
        (3960, RetryableError),
        (20003, RetryableError),
        (20047, RetryableError),
        (17809, RetryableError),
        (99999, RefusedError),
    ],
)
def test_numbers_of_sqlserver(number: int, kind: type[HefuError]) -> None:
    settings = reader("sqlserver")
    for args in ((number, b"text"), ((number, b"text"),)):
        error = statement_fault(Exception(*args), settings, "sqlserver://h:1433/d")
        assert isinstance(error, kind)
        assert str(number) in str(error)
    assert isinstance(
        connect_fault(Exception((20009, b"text")), settings, "sqlserver://h:1433/d"),
        ConnectionLostError,
    )


def test_a_query_that_is_none() -> None:
    settings = reader("sqlserver", table=None, query="SELECT 1")
    assert isinstance(statement_fault(Exception(207, b""), settings, "a"), ConfigError)
    settings = reader("oracle", table=None, query="SELECT 1")
    assert isinstance(oracle_fault(Exception(_Told("ORA-00904")), settings, "a"), ConfigError)
