"""Every value of every type comes as its exact text, whatever the server's settings."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from connectors_mysql_world import Table, table
from servers.mariadb import MariaDb, mariadb

from connectors.delivery import Delivery
from connectors.raw import load_raw

__all__ = ["mariadb"]

VALUES: dict[str, tuple[str, str, str | None]] = {
    "id": ("bigint primary key", "1", "1"),
    "a_tiny": ("tinyint(1)", "2", "2"),
    "a_small": ("smallint", "-32768", "-32768"),
    "a_big": ("bigint", "-9223372036854775808", "-9223372036854775808"),
    "unsigned": ("bigint unsigned", "18446744073709551615", "18446744073709551615"),
    "padded": ("int(6) zerofill", "42", "000042"),
    "amount": ("decimal(16,2)", "1500", "1500.00"),
    "huge": ("decimal(65,30)", "0.000000000000000000000000012300", "0." + "0" * 25 + "12300"),
    "single": ("float", "49.35", "49.35"),
    "single_long": ("float", "1234567.8", "1234567.8"),
    "single_null": ("float", "NULL", None),
    "single_fixed": ("float(9,2)", "1234567.5", "1234567.50"),
    "double_": ("double", "0.1e0 + 0.2e0", "0.30000000000000004"),
    "flag": ("bit(1)", "b'1'", "1"),
    "bits": ("bit(64)", "b'" + "1" * 64 + "'", "18446744073709551615"),
    "empty": ("varchar(9)", "''", ""),
    "nothing": ("varchar(9)", "NULL", None),
    "words": ("varchar(40)", "'浙江 \\t|,\"\\'\\\\N %s'", "浙江 \t|,\"'\\N %s"),
    "lines": ("text", "'a\\r\\nb'", "a\r\nb"),
    "outside": ("varchar(9)", "'𠮷🚗'", "𠮷🚗"),
    "gbk": ("varchar(40) character set gbk", "'车牌未识别'", "车牌未识别"),
    "latin": ("varchar(9) character set latin1", "'é'", "é"),
    "char_": ("char(6)", "'ab '", "ab"),
    "choice": ("enum('已结案','未结案')", "'已结案'", "已结案"),
    "choices": ("set('x','y')", "'x,y'", "x,y"),
    "day": ("date", "'2026-02-28'", "2026-02-28"),
    "no_day": ("date", "'0000-00-00'", "0000-00-00"),
    "half_day": ("date", "'2026-05-00'", "2026-05-00"),
    "wall": ("datetime", "'2026-05-01 10:00:00'", "2026-05-01 10:00:00"),
    "wall_micro": ("datetime(6)", "'2026-05-01 10:00:00.000001'", "2026-05-01 10:00:00.000001"),
    "no_wall": ("datetime", "'0000-00-00'", "0000-00-00 00:00:00"),
    "moment": ("timestamp(3) null", "'2026-05-01 10:00:00.120'", "2026-05-01 02:00:00.120+00:00"),
    "clock": ("time(1)", "'-838:59:59.5'", "-838:59:59.5"),
    "year_": ("year", "2026", "2026"),
    "blob_": ("longblob", "X'00ff0a'", "00ff0a"),
    "fixed_bytes": ("binary(4)", "X'00ff'", "00ff0000"),
    "document": ("json", '\'{"b": 1.10, "a": null}\'', '{"b": 1.10, "a": null}'),
    "place": ("point", "ST_GeomFromText('POINT(120.5 30.25)')", "POINT(120.5 30.25)"),
    "未命名": ("text", "'x'", "x"),
    "odd `name": ("text", "'y'", "y"),
}


def _fill(source: Table) -> None:
    columns = ", ".join(f"`{n.replace('`', '``')}` {kind}" for n, (kind, _, _) in VALUES.items())
    values = ", ".join(value for _, value, _ in VALUES.values())
    # The session of an application in China, with the lax modes of old servers.
    source.execute(f"CREATE TABLE {{s}}.cases ({columns}) CHARACTER SET utf8mb4")
    with source.server.connect(source.database) as connection, connection.cursor() as cursor:
        cursor.execute("SET sql_mode = '', time_zone = '+08:00'")
        cursor.execute(f"INSERT INTO cases VALUES ({values})")


@pytest.mark.parametrize("what", ['table = "cases"', 'table = "{s}.cases"', "query"])
def test_values(mariadb: MariaDb, tmp_path: Path, what: str) -> None:
    if what == "query":
        what = 'query = "SELECT * FROM cases;\\n"'
    source = table(mariadb, tmp_path, what + "\n", rest="")
    _fill(source)
    (row,) = source.rows(source.pull())
    assert {n: (row[n], v[2]) for n, v in VALUES.items() if row[n] != v[2]} == {}
    assert list(row) == list(VALUES)


def test_chosen_columns_in_their_order(mariadb: MariaDb, tmp_path: Path) -> None:
    reader = 'table = "cases"\ncolumns = ["WORD", "id"]\n'
    source = table(mariadb, tmp_path, reader, rest="")
    source.execute("CREATE TABLE {s}.cases (id int, skipped int, word text)")
    source.put("1, 2, 'a'")
    assert source.rows(source.pull()) == [{"word": "a", "id": "1"}]


def test_an_empty_table(mariadb: MariaDb, tmp_path: Path) -> None:
    source = table(mariadb, tmp_path, rest="")
    source.execute("CREATE TABLE {s}.cases (id int)")
    assert source.pull().objects == ()


def test_very_wide_texts_do_not_come_all_at_once(mariadb: MariaDb, tmp_path: Path) -> None:
    source = table(mariadb, tmp_path, 'table = "cases"\nmax_record_bytes = 8388608\n', rest="")
    source.execute(
        "CREATE TABLE {s}.cases (id int, word longtext)",
        "INSERT INTO {s}.cases SELECT seq, REPEAT('字', 2000000) FROM {s}.seq_1_to_8",
    )
    rows = source.rows(source.pull())
    assert [(r["id"], len(r["word"] or "")) for r in rows] == [
        (str(i), 2_000_000) for i in range(1, 9)
    ]


def test_a_text_that_is_no_utf_8_costs_its_row_only(mariadb: MariaDb, tmp_path: Path) -> None:
    """An old table whose bytes were loaded as they came."""
    reader = 'query = "SELECT id, CAST(word AS CHAR CHARACTER SET utf8mb4) AS word FROM cases"\n'
    source = table(mariadb, tmp_path, reader, rest="")
    source.execute("CREATE TABLE {s}.cases (id int, word varchar(20) CHARACTER SET latin1)")
    with source.server.connect(source.database) as connection, connection.cursor() as cursor:
        cursor.execute("SET NAMES latin1")
        cursor.execute(b"INSERT INTO cases VALUES (1, X'B3B5C5C6'), (2, 'ok')".decode())
    # Its characters are shown as latin1 says, none of them is lost: the query can ask for GBK.
    assert [r["word"] for r in source.rows(source.pull())] == ["³µÅÆ", "ok"]
    gbk = 'query = "SELECT id, CONVERT(CAST(word AS BINARY) USING gbk) AS word FROM {s}.cases"\n'
    again = table(mariadb, tmp_path / "gbk", gbk.replace("{s}", source.database), rest="")
    mariadb.execute(f"GRANT SELECT ON {source.database}.* TO hefu_reader@'127.0.0.1'")
    assert [r["word"] for r in again.rows(again.pull())] == ["车牌", "ok"]


def test_the_servers_modes_change_nothing(mariadb: MariaDb, tmp_path: Path) -> None:
    source = table(mariadb, tmp_path)
    source.execute(
        "CREATE TABLE {s}.cases (id int, updated_at varchar(40))",
        r"INSERT INTO {s}.cases VALUES (1, 'a\\'), (2, 'b''')",
        "SET GLOBAL sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT'",
    )
    try:
        assert source.rows(source.pull()) == [
            {"id": "1", "updated_at": "a\\"},
            {"id": "2", "updated_at": "b'"},
        ]
    finally:
        source.execute("SET GLOBAL sql_mode = DEFAULT")


def unreadable(source: Table, delivery: Delivery) -> list[tuple[int, str]]:
    with duckdb.connect() as con:
        load_raw(con, source.config, delivery)
        return con.execute("SELECT _row, rule_id FROM raw_reject ORDER BY _row").fetchall()


def test_a_nul_in_a_text_costs_its_row_only(mariadb: MariaDb, tmp_path: Path) -> None:
    source = table(mariadb, tmp_path, rest="")
    source.execute("CREATE TABLE {s}.cases (id int, word text)")
    source.put("1, 'a'", "2, CONCAT('a', CHAR(0 USING utf8mb4))", "3, 'c'")
    assert unreadable(source, source.pull()) == [(2, "read:nul")]


def test_probe_takes_a_hundred_rows(mariadb: MariaDb, tmp_path: Path) -> None:
    source = table(mariadb, tmp_path, rest="")
    source.execute(
        "CREATE TABLE {s}.cases (id int)",
        "INSERT INTO {s}.cases SELECT seq FROM {s}.seq_1_to_150",
    )
    assert len(source.rows(source.probe())) == 100


def test_look_shows_tables_with_their_comments(mariadb: MariaDb, tmp_path: Path) -> None:
    source = table(mariadb, tmp_path)
    source.execute(
        "CREATE TABLE {s}.cases (id int PRIMARY KEY COMMENT '编号', updated_at datetime(3)) "
        "COMMENT '行政处罚决定'",
        "CREATE VIEW {s}.closed AS SELECT id FROM {s}.cases",
    )
    source.put("1, NULL")
    seen, view = source.look().streams[:2]
    assert (seen.name, seen.label, seen.rows) == ("cases", "行政处罚决定", 1)
    assert [(c.name, c.type, c.label, c.in_key) for c in seen.columns] == [
        ("id", "int(11)", "编号", True),
        ("updated_at", "datetime(3)", None, False),
    ]
    assert (view.name, view.label) == ("closed", None)
