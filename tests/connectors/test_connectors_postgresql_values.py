"""Every value of every type comes as its exact text, whatever the server's settings."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from connectors_postgresql_world import Table, table
from servers.postgresql import USER, Postgresql, postgresql, run

from connectors.raw import load_raw

__all__ = ["postgresql"]

VALUES = {
    "a_small": ("smallint", "-32768", "-32768"),
    "a_big": ("bigint", "9223372036854775807", "9223372036854775807"),
    "amount": ("numeric(16,2)", "1500.00", "1500.00"),
    "free": ("numeric", "0.000000000000000000000000012300", "0.000000000000000000000000012300"),
    "huge": ("numeric", "1e30", "1" + "0" * 30),
    "single": ("real", "0.1", "0.1"),
    "double_": ("double precision", "0.1::float8 + 0.2::float8", "0.30000000000000004"),
    "money_": ("money", "12.34::money", "12.34"),
    "yes": ("boolean", "true", "true"),
    "no": ("boolean", "false", "false"),
    "empty": ("text", "''", ""),
    "nothing": ("text", "NULL", None),
    "words": ("varchar(20)", "'浙江 \t|,\"''\\N'", "浙江 \t|,\"'\\N"),
    "lines": ("text", "E'a\\r\\nb'", "a\r\nb"),
    "day": ("date", "'2026-02-28'", "2026-02-28"),
    "moment": (
        "timestamptz",
        "'2026-05-01 10:00:00.123456+08'",
        "2026-05-01 02:00:00.123456+00",
    ),
    "wall": ("timestamp", "'2026-05-01 10:00:00.000001'", "2026-05-01 10:00:00.000001"),
    "wall_second": ("timestamp(0)", "'2026-05-01 10:00:00'", "2026-05-01 10:00:00"),
    "clock": ("time", "'23:59:59.5'", "23:59:59.5"),
    "span": ("interval", "'1 day 02:03:04'", "P1DT2H3M4S"),
    "bytes": ("bytea", r"'\x00ff0a'", "00ff0a"),
    "document": ("json", '\'{"b": 1.10, "a": null}\'', '{"b": 1.10, "a": null}'),
    "binary_document": ("jsonb", "'{\"b\":1.10}'", '{"b": 1.10}'),
    "numbers": ("numeric[]", "ARRAY[1.10, NULL]", "[1.10,null]"),
    "texts": ("text[]", "ARRAY['a,b', '\"']", '["a,b","\\""]'),
    "ident": (
        "uuid",
        "'00000000-0000-4000-8000-000000000001'",
        "00000000-0000-4000-8000-000000000001",
    ),
    "address": ("inet", "'10.0.0.1'", "10.0.0.1/32"),
    "forever": ("timestamp", "'infinity'", "infinity"),
    "not_a_number": ("numeric", "'NaN'", "NaN"),
    "未命名": ("text", "'x'", "x"),
}


def _create(**_: object) -> str:
    columns = ", ".join(f'"{name}" {kind}' for name, (kind, _, _) in VALUES.items())
    return f"CREATE TABLE {{s}}.cases ({columns})"


def _insert() -> str:
    return f"INSERT INTO {{s}}.cases VALUES ({', '.join(v for _, v, _ in VALUES.values())})"


def test_values_of_a_table(postgresql: Postgresql, tmp_path: Path) -> None:
    source = table(postgresql, tmp_path, rest="")
    source.execute(_create(), _insert())
    (row,) = source.read(source.pull())
    assert {n: (row[n], v[2]) for n, v in VALUES.items() if row[n] != v[2]} == {}
    assert list(row) == list(VALUES)


def test_values_of_a_query_are_the_same(postgresql: Postgresql, tmp_path: Path) -> None:
    source = table(postgresql, tmp_path, 'query = "SELECT * FROM {s}.cases;\\n"\n', rest="")
    source.execute(_create(), _insert())
    (row,) = source.read(source.pull())
    assert {n: (row[n], v[2]) for n, v in VALUES.items() if row[n] != v[2]} == {}
    assert list(row) == list(VALUES)


@pytest.mark.parametrize(
    ("encoding", "word", "unreadable"),
    [("EUC_CN", "'虚构'", 0), ("LATIN1", "'é'", 0), ("SQL_ASCII", r"E'\xd5\xc5'", 1)],
)
def test_a_database_in_another_encoding(
    postgresql: Postgresql, tmp_path: Path, encoding: str, word: str, unreadable: int
) -> None:
    name = f"kept_in_{encoding.lower()}"
    like = f"ENCODING '{encoding}' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"
    postgresql.execute(f"CREATE DATABASE {name} {like}")
    with postgresql.connect(database=name) as connection:
        run(
            connection,
            "SET client_encoding = 'UTF8'",
            "CREATE TABLE cases (id int, word text)",
            f"INSERT INTO cases VALUES (1, {word}), (2, 'plain')",
            f"GRANT SELECT ON cases TO {USER}",
        )
    reader = 'table = "public.cases"\n'
    source: Table = table(postgresql, tmp_path, reader, rest="", database=f'"{name}"')
    with duckdb.connect() as con:
        batch = load_raw(con, source.config, source.pull())
        words = [w for (w,) in con.execute("SELECT word FROM raw ORDER BY id").fetchall()]
    assert (batch.received, batch.unreadable) == (2, unreadable)
    assert words == (["plain"] if unreadable else [word.strip("'"), "plain"])
