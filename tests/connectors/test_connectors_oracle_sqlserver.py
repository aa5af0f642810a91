"""Oracle and SQL Server, as far as it goes without a server of theirs.

The SQL is read by sqlglot's parsers of the two dialects, so that it is at least their language;
the real drivers are pointed at a port where nobody listens, and at one that hangs up. What a
real server answers is not tested, and no page says that it was.
"""

from __future__ import annotations

import datetime
import decimal
import gc
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlglot

from connectors.config import CursorConfig
from connectors.cursor import Clock
from connectors.database import oracle_catalog, sqlserver_catalog
from connectors.database.drivers import text_batches
from connectors.database.faults import ConnectionLostError
from connectors.database.oracle import open_oracle
from connectors.database.oracle_dialect import OracleDialect
from connectors.database.oracle_dialect import column_of as oracle_column
from connectors.database.oracle_dialect import split_table as oracle_table
from connectors.database.session import Column, Dialect
from connectors.database.settings import DatabaseReader
from connectors.database.sqlserver import open_sqlserver
from connectors.database.sqlserver_dialect import SqlServerDialect
from connectors.database.sqlserver_dialect import column_of as sqlserver_column
from connectors.database.statements import Asked, or_null
from schemas.errors import ConfigError, HefuError

PASSWORD = "p@ss'w/o:rd 1%"


def reader(kind: str, **changed: Any) -> DatabaseReader:
    settings = {
        "kind": kind,
        "host": "127.0.0.1",
        "database": "front",
        "user": "hefu_reader",
        "password": "env:FRONT_PASSWORD",
        "tls": "disable",
        "table": "jdcf.cases",
        "connect_seconds": 2,
    }
    return DatabaseReader.model_validate(settings | changed)


def secret(_reference: str) -> str:
    return PASSWORD


@dataclass(frozen=True)
class _Type:
    name: str


@dataclass(frozen=True)
class _Info:
    """What python-oracledb says of a column (``oracledb.FetchInfo``)."""

    name: str
    type_code: _Type
    precision: int | None = None
    scale: int | None = None
    null_ok: bool = True


def oracle(kind: str, precision: int | None = None, scale: int | None = None) -> Column:
    return oracle_column(_Info("C", _Type(f"DB_TYPE_{kind}"), precision, scale))


def sqlserver(word: str) -> Column:
    return sqlserver_column("c", word, nullable=True)


# --- values as text

ALL_DIGITS = (
    r"""REGEXP_REPLACE(TO_CHAR("C", 'TM9', 'NLS_NUMERIC_CHARACTERS=''.,'''), """
    r"""'^(-?)\.', '\10.')"""
)
NLS = ", 'NLS_CALENDAR=GREGORIAN'"
ORACLE = [
    (oracle("NUMBER", 12, 2), "numeric", "TO_CHAR(\"C\", 'FM9999999990.00')"),
    (oracle("NUMBER", 10, 0), "integer", "TO_CHAR(\"C\", 'FM9999999990')"),
    (oracle("NUMBER", 2, 4), "numeric", "TO_CHAR(\"C\", 'FM0.0000')"),
    (oracle("NUMBER", 3, -2), "numeric", "TO_CHAR(\"C\", 'FM99990')"),
    (oracle("DATE"), "timestamp", f"TO_CHAR(\"C\", 'YYYY-MM-DD HH24:MI:SS'{NLS})"),
    (oracle("TIMESTAMP", 0, 6), "timestamp", f"TO_CHAR(\"C\", 'YYYY-MM-DD HH24:MI:SS.FF6'{NLS})"),
    (oracle("TIMESTAMP", 0, 0), "timestamp", f"TO_CHAR(\"C\", 'YYYY-MM-DD HH24:MI:SS'{NLS})"),
    (
        oracle("TIMESTAMP_TZ", 0, 3),
        "timestamptz",
        f"TO_CHAR(\"C\", 'YYYY-MM-DD HH24:MI:SS.FF3TZH:TZM'{NLS})",
    ),
    (oracle("VARCHAR"), "text", '"C"'),
    (oracle("CLOB"), "other", '"C"'),
    (oracle("RAW"), "bytes", '"C"'),
    (oracle("BINARY_DOUBLE"), "numeric", '"C"'),
    (oracle("ROWID"), "other", 'ROWIDTOCHAR("C")'),
    (
        oracle("NUMBER", 0, -127),
        "numeric",
        ALL_DIGITS,
    ),
    (
        oracle("NUMBER", 126, -127),
        "numeric",
        ALL_DIGITS,
    ),
]

SQLSERVER = [
    ("int", "integer", "CONVERT(varchar(41), [c])"),
    ("decimal(12,2)", "numeric", "CONVERT(varchar(41), [c])"),
    ("money", "numeric", "CONVERT(varchar(41), [c], 2)"),
    ("float", "numeric", "[c]"),
    ("bit", "boolean", "CASE [c] WHEN 1 THEN 'true' WHEN 0 THEN 'false' END"),
    ("date", "date", "CONVERT(varchar(10), [c], 23)"),
    ("datetime", "timestamp", "CONVERT(varchar(30), [c], 121)"),
    ("datetime2(7)", "timestamp", "CONVERT(varchar(30), [c], 121)"),
    (
        "datetimeoffset(7)",
        "timestamptz",
        "REPLACE(REPLACE(CONVERT(varchar(40), [c], 121), ' +', '+'), ' -', '-')",
    ),
    ("nvarchar(50)", "text", "[c]"),
    ("varchar(50)", "text", "CONVERT(nvarchar(max), [c])"),
    ("text", "other", "CONVERT(nvarchar(max), [c])"),
    ("uniqueidentifier", "other", "LOWER(CONVERT(char(36), [c]))"),
    ("varbinary(max)", "bytes", "[c]"),
    ("timestamp", "bytes", "[c]"),
    ("geography", "other", "[c].ToString()"),
]


@pytest.mark.parametrize(("column", "kind", "sql"), ORACLE)
def test_oracle_values_as_text(column: Column, kind: str, sql: str) -> None:
    assert (column.kind, OracleDialect().as_text(column)) == (kind, sql)
    sqlglot.parse_one(f"SELECT {sql} FROM t", dialect="oracle")


@pytest.mark.parametrize(("word", "kind", "sql"), SQLSERVER)
def test_sqlserver_values_as_text(word: str, kind: str, sql: str) -> None:
    column = sqlserver(word)
    assert (column.kind, SqlServerDialect().as_text(column)) == (kind, sql)
    sqlglot.parse_one(f"SELECT {sql} FROM t", dialect="tsql")


# --- bounds

BOUNDS: list[tuple[Dialect, Column, str, str]] = [
    (OracleDialect(), oracle("NUMBER", 10, 0), "-12", "-12"),
    (OracleDialect(), oracle("NUMBER", 10, 2), "12.50", "12.50"),
    (OracleDialect(), oracle("VARCHAR"), "o'; --", "'o''; --'"),
    (
        OracleDialect(),
        oracle("DATE"),
        "2026-05-01 10:00:00.999999",
        "TO_DATE('2026-05-01 10:00:00', 'YYYY-MM-DD HH24:MI:SS')",
    ),
    (
        OracleDialect(),
        oracle("TIMESTAMP", 0, 6),
        "2026-05-01T10:00:00.123456",
        "TIMESTAMP '2026-05-01 10:00:00.123456'",
    ),
    (
        OracleDialect(),
        oracle("TIMESTAMP_TZ", 0, 6),
        "2026-05-01 10:00:00.5+08:00",
        "TIMESTAMP '2026-05-01 02:00:00.500000 +00:00'",
    ),
    (SqlServerDialect(), sqlserver("bigint"), "-12", "-12"),
    (SqlServerDialect(), sqlserver("money"), "12.5000", "12.5000"),
    (SqlServerDialect(), sqlserver("nvarchar(9)"), "车'; --", "N'车''; --'"),
    (SqlServerDialect(), sqlserver("date"), "2026-05-01", "CAST('2026-05-01' AS date)"),
    (
        SqlServerDialect(),
        sqlserver("datetime"),
        "2026-05-01 10:00:00.123999",
        "CAST('2026-05-01T10:00:00.123' AS datetime)",
    ),
    (
        SqlServerDialect(),
        sqlserver("datetime2(7)"),
        "2026-05-01 10:00:00.1234567",
        "CAST('2026-05-01T10:00:00.123456' AS datetime2(7))",
    ),
    (
        SqlServerDialect(),
        sqlserver("datetimeoffset(3)"),
        "2026-05-01 10:00:00.500+08:00",
        "CAST('2026-05-01T02:00:00.500000+00:00' AS datetimeoffset(7))",
    ),
]


def language(dialect: Dialect) -> str:
    return "oracle" if isinstance(dialect, OracleDialect) else "tsql"


@pytest.mark.parametrize(("dialect", "column", "value", "sql"), BOUNDS)
def test_bounds(dialect: Dialect, column: Column, value: str, sql: str) -> None:
    assert dialect.bound(column, value) == sql
    sqlglot.parse_one(f"SELECT 1 FROM t WHERE c >= {sql}", dialect=language(dialect))


@pytest.mark.parametrize("dialect", [OracleDialect(), SqlServerDialect()])
@pytest.mark.parametrize("kind", ["integer", "numeric", "timestamp", "timestamptz", "bytes"])
@pytest.mark.parametrize("value", ["", "1; DROP TABLE t", "1 OR 1=1", "'", "0000-00-00"])
def test_what_is_no_value_of_a_kind_is_never_written(
    dialect: Dialect, kind: Any, value: str
) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - what the protocol promises
        dialect.bound(Column("c", kind, "DATE"), value)


# --- whole statements


@pytest.mark.parametrize(
    ("dialect", "columns", "relation"),
    [
        (OracleDialect(), [c for c, _, _ in ORACLE[:8]], '"JDCF"."CASES"'),
        (SqlServerDialect(), [sqlserver(w) for w, _, _ in SQLSERVER[:14]], "[jdcf].[cases]"),
    ],
)
def test_statements_are_of_the_databases_own_language(
    dialect: Dialect, columns: list[Column], relation: str
) -> None:
    assert dialect.relation("jdcf.cases") == relation
    time = next(c for c in columns if c.kind == "timestamp")
    asked = Asked(dialect, relation, tuple(columns))
    some = asked.where(
        or_null(
            dialect,
            time,
            f"{dialect.ident(time.name)} >= {dialect.bound(time, '2026-05-01 10:00:00')}",
        )
    )
    statements = [
        some.rows(),
        some.count(),
        some.extreme("max", time),
        dialect.first_rows(asked.rows(), 100),
    ]
    for sql in statements:
        (tree,) = sqlglot.parse(sql, dialect=language(dialect))
        assert tree is not None
        assert "UNPARSED" not in repr(tree)
        assert relation.split(".")[0].strip('"[]') in sql
    assert "IS NULL" in statements[0]


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [
        ("oracle", oracle_catalog.CLOCK),
        ("oracle", oracle_catalog.OLDEST),
        ("oracle", oracle_catalog.TABLES),
        ("oracle", oracle_catalog.table_query("JDCF", "CASES")),
        ("oracle", oracle_catalog.table_query(None, "CASES")),
        ("tsql", sqlserver_catalog.CLOCK),
        ("tsql", sqlserver_catalog.SNAPSHOTS),
        ("tsql", sqlserver_catalog.OLDEST),
        ("tsql", sqlserver_catalog.TABLES),
        ("tsql", sqlserver_catalog.table_query("[dbo].[cases]")),
        ("tsql", sqlserver_catalog.query_columns("SELECT 'a' AS b FROM c")),
    ],
)
def test_what_the_catalogue_is_asked(dialect: str, sql: str) -> None:
    (tree,) = sqlglot.parse(sql, dialect=dialect)
    assert tree is not None


def test_names() -> None:
    assert oracle_table("jdcf.cases") == ("JDCF", "CASES")
    assert oracle_table('"Jdcf"."cases"') == ("Jdcf", "cases")
    assert SqlServerDialect().ident("a]b") == "[a]]b]"
    with pytest.raises(ValueError, match="double quote"):
        OracleDialect().ident('a" FROM b --')


def test_a_bound_less_the_overlap() -> None:
    """The text of a DATETIMEOFFSET is one that the cursor can compute with."""
    clock = Clock(CursorConfig(field="c"), ZoneInfo("Asia/Shanghai"))
    earlier = clock.asked("2026-05-01 10:00:00.1234567+08:00")
    bound = SqlServerDialect().bound(sqlserver("datetimeoffset(7)"), earlier)
    assert bound == "CAST('2026-05-01T01:50:00.123456+00:00' AS datetimeoffset(7))"


def test_values_of_a_driver_become_texts() -> None:
    row = (
        "车",
        b"\x00\xff",
        0.1,
        decimal.Decimal("1E+3"),
        True,
        7,
        datetime.datetime(2026, 5, 1, 10),  # noqa: DTZ001 - as a driver gives it
        uuid.UUID(int=1),
    )
    rows = [[row, (None,) * 8], []]
    names = [f"c{i}" for i in range(8)]
    (batch,) = text_batches(lambda _: rows.pop(0), names, range(8))
    first, second = batch.to_pylist()
    assert list(first.values()) == [
        "车",
        "00ff",
        "0.1",
        "1000",
        "true",
        "7",
        "2026-05-01 10:00:00",
        "00000000-0000-0000-0000-000000000001",
    ]
    assert set(second.values()) == {None}


# --- the real drivers, and no server


@contextmanager
def hanging_up() -> Iterator[int]:
    """A port where somebody answers and hangs up at once."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        open_ = [True]

        def serve() -> None:
            while open_:
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    continue
                connection.close()

        thread = Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            open_.clear()
            thread.join()


def said(error: HefuError) -> str:
    assert error.__cause__ is None
    assert error.__context__ is None
    text = f"{error} {error.as_dict()!r}"
    assert PASSWORD not in text
    return text


@pytest.mark.parametrize("kind", ["oracle", "sqlserver"])
def test_nobody_listens(kind: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with pytest.raises(ConnectionLostError) as caught:
            _open(reader(kind, port=port), tmp_path)
    assert f"{kind}://127.0.0.1:{port}/front: the database can't be reached" in said(caught.value)
    assert capfd.readouterr() == ("", "")


# python-oracledb leaves its socket to the garbage collector when a server hangs up on it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("kind", ["oracle", "sqlserver"])
def test_somebody_hangs_up(kind: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with hanging_up() as port, pytest.raises(ConnectionLostError) as caught:
        _open(reader(kind, port=port), tmp_path)
    assert "the database can't be reached" in said(caught.value)
    gc.collect()
    assert capfd.readouterr().out == ""


def _open(settings: DatabaseReader, folder: Path) -> None:
    open_ = {"oracle": open_oracle, "sqlserver": open_sqlserver}[settings.kind]
    open_(settings, folder, secrets=secret).close()


@pytest.mark.parametrize(
    ("kind", "changed", "field"),
    [
        ("oracle", {"tls": "prefer"}, "reader.tls"),
        ("sqlserver", {"tls": "verify-full"}, "reader.tls"),
        ("sqlserver", {"tls": "require", "ca_file": "ca.pem"}, "reader.ca_file"),
        ("oracle", {"tls": "require", "ca_file": "missing.pem"}, "reader.ca_file"),
    ],
)
def test_tls_that_cannot_be_had(
    kind: str, changed: dict[str, str], field: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as caught:
        _open(reader(kind, **changed), tmp_path)
    assert field in said(caught.value)
