"""Never a row lost at the cursor's edge: each hazard is made to happen on a real server."""

from __future__ import annotations

from contextlib import closing
from datetime import date, datetime
from pathlib import Path

import pytest
from connectors_mysql_world import CASES, FOLLOW, Table, table
from servers.mariadb import USER, MariaDb, mariadb

from connectors.delivery import Counted
from schemas.errors import ConfigError

__all__ = ["mariadb"]

NO_OVERLAP = FOLLOW + 'overlap = "PT0S"\n'


@pytest.fixture
def cases(mariadb: MariaDb, tmp_path: Path) -> Table:
    """``cases (id, updated_at datetime(6), word)``, followed by updated_at, overlap PT0S."""
    one = table(mariadb, tmp_path, rest=NO_OVERLAP)
    one.execute(CASES.replace("{type}", "datetime(6)"))
    return one


def of_type(server: MariaDb, folder: Path, kind: str, rest: str = FOLLOW, head: str = "") -> Table:
    one = table(server, folder, rest=rest, head=head)
    one.execute(CASES.replace("{type}", kind))
    return one


def insert(source: Table, number: int) -> str:
    """A row with the time of now as an application in China writes it."""
    now = "CONVERT_TZ(NOW(6), @@time_zone, '+08:00')"
    return f"INSERT INTO {source.database}.cases VALUES ({number}, {now}, NULL)"


def test_rows_with_the_very_moment_of_the_cursor_come_again(cases: Table) -> None:
    cases.put("1, '2026-05-01 10:00:00', ''", "2, '2026-05-01 10:00:01', ''")
    first = cases.pull()
    assert first.cursor == {"value": "2026-05-01 10:00:01.000000"}
    cases.put("3, '2026-05-01 10:00:01', ''")
    second = cases.pull(first.cursor)
    assert cases.ids(second) == [2, 3]
    assert second.counted == Counted(3, "source")


def test_without_rows_nothing_is_landed_and_the_cursor_stays(cases: Table) -> None:
    empty = cases.pull()
    assert (empty.objects, empty.cursor, empty.counted) == ((), {}, Counted(0, "source"))
    cases.put("1, '2026-05-01 10:00:00', ''")
    later = {"value": "2026-05-02 00:00:00"}
    nothing = cases.pull(later)
    assert (nothing.objects, nothing.cursor) == ((), later)
    assert nothing.counted == Counted(1, "source")


@pytest.mark.parametrize("kind", ["datetime", "datetime(3)", "datetime(6)"])
def test_seconds_against_microseconds(mariadb: MariaDb, tmp_path: Path, kind: str) -> None:
    source = of_type(mariadb, tmp_path, kind, NO_OVERLAP)
    source.put("1, '2026-05-01 10:00:00.4', ''")
    # The cursor of a source that has since been changed to keep microseconds, or no longer does.
    for cursor in ("2026-05-01 10:00:00", "2026-05-01 10:00:00.000000"):
        assert source.ids(source.pull({"value": cursor})) == [1]


def test_a_column_that_now_keeps_microseconds(mariadb: MariaDb, tmp_path: Path) -> None:
    source = of_type(mariadb, tmp_path, "datetime", NO_OVERLAP)
    source.put("1, '2026-05-01 10:00:00', ''")
    first = source.pull()
    assert first.cursor == {"value": "2026-05-01 10:00:00"}
    source.execute("ALTER TABLE {s}.cases MODIFY updated_at datetime(6)")
    source.put("2, '2026-05-01 10:00:00.000001', ''")
    assert source.ids(source.pull(first.cursor)) == [1, 2]


def test_microseconds_are_kept_at_the_edge(cases: Table) -> None:
    cases.put("1, '2026-05-01 10:00:00.123455', ''", "2, '2026-05-01 10:00:00.123456', ''")
    first = cases.pull()
    assert first.cursor == {"value": "2026-05-01 10:00:00.123456"}
    cases.put("3, '2026-05-01 10:00:00.123457', ''")
    assert cases.ids(cases.pull(first.cursor)) == [2, 3]


def test_a_row_without_a_time_is_read_every_time(cases: Table) -> None:
    cases.put("1, '2026-05-01 10:00:00', ''", "2, NULL, ''")
    first = cases.pull()
    cases.put("3, NULL, ''")
    assert cases.ids(cases.pull(first.cursor)) == [1, 2, 3]


@pytest.mark.parametrize("nullable", ["NOT NULL", "NULL"])
@pytest.mark.parametrize("kind", ["datetime", "date", "timestamp"])
def test_a_zero_date_is_no_time(mariadb: MariaDb, tmp_path: Path, kind: str, nullable: str) -> None:
    """``0000-00-00`` stands for none in old systems: such a row is read every time."""
    source = table(mariadb, tmp_path, rest=FOLLOW)
    source.execute(f"CREATE TABLE {{s}}.cases (id int, updated_at {kind} {nullable}, word text)")
    zero = "'0000-00-00 00:00:00', ''"
    with closing(mariadb.connect(source.database)) as connection, connection.cursor() as cursor:
        cursor.execute("SET sql_mode = ''")
        cursor.execute(f"INSERT INTO cases VALUES (1, '2026-05-01 10:00', ''), (2, {zero})")
        first = source.pull()
        assert (first.cursor or {})["value"].startswith("2026-05-01")
        cursor.execute(f"INSERT INTO cases VALUES (3, {zero})")
    assert source.ids(source.pull(first.cursor)) == [1, 2, 3]


def test_only_rows_without_a_time(cases: Table) -> None:
    cases.put("1, NULL, ''")
    assert cases.pull().cursor == {}
    kept = {"value": "2026-05-01 10:00:00"}
    assert cases.pull(kept).cursor == kept


def test_a_source_whose_times_go_back(cases: Table) -> None:
    cases.put("1, '2026-05-01 10:00:00', ''")
    first = cases.pull()
    cases.execute("UPDATE {s}.cases SET updated_at = '2026-04-01'")
    again = cases.pull(first.cursor)
    assert again.cursor == first.cursor
    assert again.counted == Counted(1, "source")  # and none came: the counts will differ
    assert cases.ids(cases.pull(first.cursor, full=True)) == [1]


def test_a_source_whose_clock_runs_ahead(cases: Table) -> None:
    """A time that is still to come doesn't move the cursor; the row comes every time."""
    cases.put("1, '2026-05-01 10:00:00', ''", "2, '2999-01-01', ''")
    first = cases.pull()
    assert cases.ids(first) == [1, 2]
    assert first.cursor == {"value": "2026-05-01 10:00:00.000000"}
    cases.put("4, '2026-05-01 10:00:05', ''")
    assert cases.ids(cases.pull(first.cursor)) == [1, 2, 4]


def test_it_is_the_clock_of_the_server_that_counts(cases: Table) -> None:
    """The node's own clock (2026-05-20 in these tests) says nothing."""
    now = "CONVERT_TZ(NOW(6), @@time_zone, '+08:00')"
    cases.put(f"1, {now} - INTERVAL 1 HOUR, ''", f"2, {now} + INTERVAL 1 HOUR, ''")
    cursor = cases.pull().cursor or {}
    ((one,),) = cases.execute("SELECT updated_at FROM {s}.cases WHERE id = 1")
    assert datetime.fromisoformat(cursor["value"]) == one


def test_times_are_those_of_the_sources_own_zone(mariadb: MariaDb, tmp_path: Path) -> None:
    """A wall clock east of the server's: what is now there is not a time to come."""
    head = 'time_zone = "Pacific/Kiritimati"\n'
    source = of_type(mariadb, tmp_path, "datetime", head=head)
    source.put("1, UTC_TIMESTAMP() + INTERVAL 14 HOUR, ''")
    assert source.pull().cursor != {}


@pytest.mark.parametrize("servers", ["+08:00", "-05:00"])
def test_moments_whatever_the_servers_zone(mariadb: MariaDb, tmp_path: Path, servers: str) -> None:
    """TIMESTAMP is a moment: the server's and the session's zones change only how it is shown."""
    source = of_type(mariadb, tmp_path, "timestamp(3) NULL", FOLLOW + 'overlap = "PT1M"\n')
    source.execute(f"SET GLOBAL time_zone = '{servers}'")
    try:
        with closing(mariadb.connect(source.database)) as other, other.cursor() as cursor:
            cursor.execute("SET time_zone = '+08:00'")
            insert = "INSERT INTO cases VALUES ({}, '2026-05-01 {}', '')"
            cursor.execute(insert.format(1, "10:00:00"))
            cursor.execute(insert.format(2, "10:00:30.5"))
            first = source.pull()
            assert first.cursor == {"value": "2026-05-01 02:00:30.500+00:00"}
            cursor.execute(insert.format(3, "09:59:30.499"))
            cursor.execute(insert.format(4, "09:59:30.5"))
        assert source.ids(source.pull(first.cursor)) == [1, 2, 4]
    finally:
        source.execute("SET GLOBAL time_zone = 'SYSTEM'")


def test_days(mariadb: MariaDb, tmp_path: Path) -> None:
    """A day may get rows until it ends: it is read again, and the one before it."""
    source = of_type(mariadb, tmp_path, "date")
    source.put("1, '2026-04-29', ''", "2, '2026-04-30', ''", "3, '2026-05-01', ''")
    first = source.pull()
    assert first.cursor == {"value": "2026-05-01"}
    assert source.ids(source.pull(first.cursor)) == [2, 3]


def test_late_commit_within_the_overlap(mariadb: MariaDb, tmp_path: Path) -> None:
    source = of_type(mariadb, tmp_path, "datetime")
    source.put("1, '2026-05-01 10:00:00', ''")
    first = source.pull()
    source.put("2, '2026-05-01 09:50:00', ''")
    assert source.ids(source.pull(first.cursor)) == [1, 2]


def test_a_transaction_that_is_open_for_longer_than_the_overlap(cases: Table) -> None:
    """Its row will carry an older time than what is committed before it."""
    with closing(cases.server.connect()) as late, late.cursor() as cursor:
        late.begin()
        cursor.execute(insert(cases, 1))
        cases.execute(insert(cases, 2))
        first = cases.pull()
        assert (cases.ids(first), first.cursor) == ([2], {})
        late.commit()
    second = cases.pull(first.cursor)
    assert cases.ids(second) == [1, 2]
    assert second.counted == Counted(2, "source")


def test_an_account_that_cannot_see_others_says_so(cases: Table) -> None:
    def told() -> list[str]:
        return [text.en for text in cases.look().reached]

    assert not any("can't see" in text for text in told())
    cases.execute(f"REVOKE PROCESS ON *.* FROM {USER}@'127.0.0.1'")
    try:
        assert any("can't see" in text for text in told())
        assert cases.pull().cursor == {}
    finally:
        cases.execute(f"GRANT PROCESS ON *.* TO {USER}@'127.0.0.1'")


# --- numbers and texts


def test_numbers_that_were_handed_out_before_they_were_committed(
    mariadb: MariaDb, tmp_path: Path
) -> None:
    rest = '[cursor]\nfield = "id"\nformat = "integer"\n'
    source = of_type(mariadb, tmp_path, "datetime", rest)
    source.put("5000, NULL, ''")
    first = source.pull()
    assert first.cursor == {"value": "5000"}
    source.put("4000, NULL, ''", "3999, NULL, ''", "5001, NULL, ''")
    second = source.pull(first.cursor)
    assert source.ids(second) == [4000, 5000, 5001]
    assert second.counted == Counted(4, "source")


def test_numbers_below_zero_and_with_decimals(mariadb: MariaDb, tmp_path: Path) -> None:
    rest = '[cursor]\nfield = "n"\nformat = "integer"\noverlap = 1\n'
    source = table(mariadb, tmp_path, rest=rest)
    source.execute("CREATE TABLE {s}.cases (id int, n decimal(10,2))")
    source.put("1, -12.50", "2, -10.25")
    first = source.pull()
    assert first.cursor == {"value": "-10.25"}
    source.put("3, -11.25", "4, -11.26")
    assert source.ids(source.pull(first.cursor)) == [2, 3]


@pytest.mark.parametrize("charset", ["utf8mb4", "gbk", "latin1"])
def test_texts_in_their_own_order(mariadb: MariaDb, tmp_path: Path, charset: str) -> None:
    """Whatever the column's characters: the bound is compared in the column's own order."""
    source = table(mariadb, tmp_path, rest='[cursor]\nfield = "word"\nformat = "text"\n')
    source.execute(f"CREATE TABLE {{s}}.cases (id int, word varchar(40) CHARACTER SET {charset})")
    source.put("1, 'a''1'", r"2, 'b\\''; --'")
    first = source.pull()
    assert first.cursor == {"value": "b\\'; --"}
    source.put("3, 'a'", "4, 'c'")
    assert source.ids(source.pull(first.cursor)) == [2, 4]


def test_texts_in_chinese(mariadb: MariaDb, tmp_path: Path) -> None:
    source = table(mariadb, tmp_path, rest='[cursor]\nfield = "word"\nformat = "text"\n')
    source.execute("CREATE TABLE {s}.cases (id int, word varchar(40) CHARACTER SET gbk)")
    source.put("1, '处罚〔2026〕1号'", "2, '处罚〔2026〕2号'")
    first = source.pull()
    assert first.cursor == {"value": "处罚〔2026〕2号"}
    source.put("3, '处罚〔2026〕3号'")
    assert source.ids(source.pull(first.cursor)) == [2, 3]


@pytest.mark.parametrize(
    ("form", "values"),
    [
        ("%Y%m%d%H%M%S", ["20260501100000", "20260501095000", "20260501094959"]),
        ("iso", ["2026-05-01 10:00:00", "2026-05-01 09:50:00", "2026-05-01 09:49:59"]),
    ],
)
def test_times_that_are_kept_as_text(
    mariadb: MariaDb, tmp_path: Path, form: str, values: list[str]
) -> None:
    source = of_type(mariadb, tmp_path, "varchar(40)", f'{FOLLOW}format = "{form}"\n')
    source.put(*(f"{i}, '{v}', ''" for i, v in enumerate(values)), "9, 'unknown', ''")
    first = source.pull()
    assert first.cursor == {"value": values[0]}
    assert source.ids(source.pull(first.cursor)) == [0, 1, 9]


def test_what_cannot_be_followed(mariadb: MariaDb, tmp_path: Path) -> None:
    source = table(mariadb, tmp_path, rest='[cursor]\nfield = "word"\n')
    source.execute("CREATE TABLE {s}.cases (id int, word blob, updated_at datetime)")
    with pytest.raises(ConfigError, match="can't follow column word"):
        source.pull()
    source = table(mariadb, tmp_path, rest='[cursor]\nfield = "update_at"\n')
    source.execute("CREATE TABLE {s}.cases (id int, updated_at datetime)")
    with pytest.raises(ConfigError, match="no column 'update_at'"):
        source.pull()


# --- windows


@pytest.mark.parametrize(
    ("kind", "inside", "outside", "asked"),
    [
        ("date", ["2026-05-01", "2026-05-02"], ["2026-04-30", "2026-05-03"], True),
        (
            "datetime(6)",
            ["2026-05-01 00:00:00", "2026-05-02 23:59:59.999999"],
            ["2026-04-30 23:59:59.999999", "2026-05-03 00:00:00"],
            True,
        ),
        ("text", ["2026-05-01", "2026/5/2 8:00"], ["2026-04-30", "2026-05-03"], False),
    ],
)
def test_a_window_of_days(
    mariadb: MariaDb,
    tmp_path: Path,
    kind: str,
    inside: list[str],
    outside: list[str],
    asked: bool,
) -> None:
    source = table(mariadb, tmp_path, rest=FOLLOW + '[window]\nfield = "day"\n')
    source.execute(f"CREATE TABLE {{s}}.cases (id int, day {kind}, updated_at datetime)")
    source.put(*(f"{i}, '{day}', NULL" for i, day in enumerate(inside + outside)), "9, NULL, NULL")
    window = (date(2026, 5, 1), date(2026, 5, 2))
    delivery = source.pull({"value": "2026-05-19"}, window=window)
    assert source.ids(delivery) == [0, 1, 9]
    assert delivery.cursor is None
    assert delivery.counted == (Counted(3, "delivery") if asked else None)
