"""Never a row lost at the cursor's edge: each hazard is made to happen on a real server."""

from __future__ import annotations

from contextlib import closing
from datetime import date, datetime
from pathlib import Path

import pytest
from connectors_postgresql_world import FOLLOW, Table, secret, table
from servers.postgresql import USER, Postgresql, postgresql, run

from connectors.delivery import Counted
from connectors.pull import look
from schemas.errors import ConfigError

__all__ = ["postgresql"]

CASES = "CREATE TABLE {s}.cases (id bigint PRIMARY KEY, updated_at {type}, word text)"


@pytest.fixture
def cases(postgresql: Postgresql, tmp_path: Path) -> Table:
    """``cases (id, updated_at timestamp, word)``, followed by updated_at, overlap PT0S."""
    one = table(postgresql, tmp_path, rest=FOLLOW + 'overlap = "PT0S"\n')
    one.execute(CASES.replace("{type}", "timestamp"))
    return one


def put(source: Table, *rows: str) -> None:
    source.execute(*(f"INSERT INTO {{s}}.cases VALUES ({row})" for row in rows))


def now_row(source: Table, number: int) -> str:
    """As an application writes it: the time at which its transaction began."""
    now = "now() AT TIME ZONE 'Asia/Shanghai'"
    return f"INSERT INTO {source.schema}.cases VALUES ({number}, {now})"


def test_rows_with_the_very_moment_of_the_cursor_come_again(cases: Table) -> None:
    put(cases, "1, '2026-05-01 10:00:00'", "2, '2026-05-01 10:00:01'")
    first = cases.pull()
    assert first.cursor == {"value": "2026-05-01 10:00:01"}
    put(cases, "3, '2026-05-01 10:00:01'")
    second = cases.pull(first.cursor)
    assert cases.ids(second) == [2, 3]
    assert second.counted == Counted(3, "source")


def test_without_rows_nothing_is_landed_and_the_cursor_stays(cases: Table) -> None:
    empty = cases.pull()
    assert (empty.objects, empty.cursor, empty.counted) == ((), {}, Counted(0, "source"))
    put(cases, "1, '2026-05-01 10:00:00'")
    later = {"value": "2026-05-02 00:00:00"}
    nothing = cases.pull(later)
    assert (nothing.objects, nothing.cursor) == ((), later)
    assert nothing.counted == Counted(1, "source")


@pytest.mark.parametrize("kind", ["timestamp(0)", "timestamp(3)", "timestamp(6)"])
def test_seconds_against_microseconds(postgresql: Postgresql, tmp_path: Path, kind: str) -> None:
    source = table(postgresql, tmp_path, rest=FOLLOW + 'overlap = "PT0S"\n')
    source.execute(CASES.replace("{type}", kind))
    put(source, "1, '2026-05-01 10:00:00.4'")
    # The cursor of a source that has since been changed to keep microseconds, or no longer does.
    for cursor in ("2026-05-01 10:00:00", "2026-05-01 10:00:00.000000"):
        assert source.ids(source.pull({"value": cursor})) == [1]


def test_microseconds_are_kept_at_the_edge(cases: Table) -> None:
    put(cases, "1, '2026-05-01 10:00:00.123455'", "2, '2026-05-01 10:00:00.123456'")
    first = cases.pull()
    assert first.cursor == {"value": "2026-05-01 10:00:00.123456"}
    put(cases, "3, '2026-05-01 10:00:00.123457'")
    assert cases.ids(cases.pull(first.cursor)) == [2, 3]


def test_a_row_without_a_time_is_read_every_time(cases: Table) -> None:
    put(cases, "1, '2026-05-01 10:00:00'", "2, NULL")
    first = cases.pull()
    put(cases, "3, NULL")
    assert cases.ids(cases.pull(first.cursor)) == [1, 2, 3]


def test_only_rows_without_a_time(cases: Table) -> None:
    put(cases, "1, NULL")
    assert cases.pull().cursor == {}
    kept = {"value": "2026-05-01 10:00:00"}
    assert cases.pull(kept).cursor == kept


def test_a_source_whose_times_go_back(cases: Table) -> None:
    put(cases, "1, '2026-05-01 10:00:00'")
    first = cases.pull()
    cases.execute("UPDATE {s}.cases SET updated_at = '2026-04-01'")
    again = cases.pull(first.cursor)
    assert again.cursor == first.cursor
    assert again.counted == Counted(1, "source")  # and none came: the counts will differ
    assert cases.ids(cases.pull(first.cursor, full=True)) == [1]


def test_a_source_whose_clock_runs_ahead(cases: Table) -> None:
    """A time that is still to come doesn't move the cursor; the row comes every time."""
    put(cases, "1, '2026-05-01 10:00:00'", "2, '2999-01-01'", "3, 'infinity'")
    first = cases.pull()
    assert cases.ids(first) == [1, 2, 3]
    assert first.cursor == {"value": "2026-05-01 10:00:00"}
    put(cases, "4, '2026-05-01 10:00:05'")
    assert cases.ids(cases.pull(first.cursor)) == [1, 2, 3, 4]


def test_only_times_to_come(cases: Table) -> None:
    put(cases, "1, '2999-01-01'")
    assert cases.pull().cursor == {}


def test_it_is_the_clock_of_the_server_that_counts(cases: Table) -> None:
    """The node's own clock (2026-05-20 in these tests) says nothing."""
    cases.execute(
        "INSERT INTO {s}.cases VALUES (1, now() AT TIME ZONE 'Asia/Shanghai' - interval '1 h'), "
        "(2, now() AT TIME ZONE 'Asia/Shanghai' + interval '1 h')"
    )
    cursor = cases.pull().cursor or {}
    ((one, now),) = cases.execute(
        "SELECT updated_at::timestamp, (now() AT TIME ZONE 'Asia/Shanghai') FROM {s}.cases "
        "WHERE id = 1"
    )
    assert datetime.fromisoformat(cursor["value"]) == one < now


def test_times_are_those_of_the_sources_own_zone(postgresql: Postgresql, tmp_path: Path) -> None:
    """A wall clock east of the server's: what is now there is not a time to come."""
    head = 'time_zone = "Pacific/Kiritimati"\n'
    source = table(postgresql, tmp_path, rest=FOLLOW, head=head)
    source.execute(
        CASES.replace("{type}", "timestamp"),
        "INSERT INTO {s}.cases SELECT 1, now() AT TIME ZONE 'Pacific/Kiritimati'",
    )
    assert source.pull().cursor != {}


def test_moments_with_an_offset(postgresql: Postgresql, tmp_path: Path) -> None:
    source = table(postgresql, tmp_path, rest=FOLLOW + 'overlap = "PT1M"\n')
    source.execute(CASES.replace("{type}", "timestamptz"))
    put(source, "1, '2026-05-01 10:00:00+08'", "2, '2026-04-30 22:00:30.5-04'")
    first = source.pull()
    assert first.cursor == {"value": "2026-05-01 02:00:30.5+00"}
    put(source, "3, '2026-05-01 09:59:30.499999+08'", "4, '2026-05-01 09:59:30.5+08'")
    assert source.ids(source.pull(first.cursor)) == [1, 2, 4]


def test_days(postgresql: Postgresql, tmp_path: Path) -> None:
    """A day may get rows until it ends: it is read again, and the one before it."""
    source = table(postgresql, tmp_path, rest=FOLLOW)
    source.execute(CASES.replace("{type}", "date"))
    put(source, "1, '2026-04-29'", "2, '2026-04-30'", "3, '2026-05-01'")
    first = source.pull()
    assert first.cursor == {"value": "2026-05-01"}
    assert source.ids(source.pull(first.cursor)) == [2, 3]


def test_late_commit_within_the_overlap(postgresql: Postgresql, tmp_path: Path) -> None:
    source = table(postgresql, tmp_path, rest=FOLLOW)
    source.execute(CASES.replace("{type}", "timestamp"))
    put(source, "1, '2026-05-01 10:00:00'")
    first = source.pull()
    put(source, "2, '2026-05-01 09:50:00'")
    assert source.ids(source.pull(first.cursor)) == [1, 2]


def test_the_hour_that_comes_twice(postgresql: Postgresql, tmp_path: Path) -> None:
    """Where summer time ends, 01:59 is followed by 01:00."""
    head = 'time_zone = "America/New_York"\n'
    source = table(postgresql, tmp_path, rest=FOLLOW, head=head)
    source.execute(CASES.replace("{type}", "timestamp"))
    put(source, "1, '2025-11-02 00:30:00'", "2, '2025-11-02 01:59:00'")
    first = source.pull()
    put(source, "3, '2025-11-02 01:00:00'")
    assert source.ids(source.pull(first.cursor)) == [2, 3]


def test_a_transaction_that_is_open_for_longer_than_the_overlap(cases: Table) -> None:
    """Its row will carry an older time than what is committed before it."""
    with closing(cases.server.connect(autocommit=False)) as late:
        run(late, now_row(cases, 1))
        cases.execute(now_row(cases, 2))
        first = cases.pull()
        assert (cases.ids(first), first.cursor) == ([2], {})
        late.commit()
    second = cases.pull(first.cursor)
    assert cases.ids(second) == [1, 2]
    assert second.cursor != {}


def test_a_transaction_that_is_prepared_and_waits(cases: Table) -> None:
    with closing(cases.server.connect(autocommit=False)) as late:
        run(late, now_row(cases, 1), f"PREPARE TRANSACTION '{cases.schema}'")
    cases.execute(now_row(cases, 2))
    first = cases.pull()
    assert (cases.ids(first), first.cursor) == ([2], {})
    cases.execute("COMMIT PREPARED '{s}'")
    assert cases.ids(cases.pull(first.cursor)) == [1, 2]


def test_what_was_prepared_may_have_begun_long_before(cases: Table) -> None:
    """The server only tells when it was prepared."""
    with closing(cases.server.connect(autocommit=False)) as late:
        run(late, now_row(cases, 1))
        cases.execute(now_row(cases, 2))
        run(late, f"PREPARE TRANSACTION '{cases.schema}'")
    first = cases.pull()
    cases.execute("COMMIT PREPARED '{s}'")
    assert cases.ids(cases.pull(first.cursor)) == [1, 2]


def test_a_transaction_that_has_not_written_yet(cases: Table) -> None:
    with closing(cases.server.connect(autocommit=False)) as late:
        run(late, "SELECT now()")
        cases.execute(now_row(cases, 2))
        first = cases.pull()
        run(late, now_row(cases, 1))
        late.commit()
    assert cases.ids(cases.pull(first.cursor)) == [1, 2]


def test_an_account_that_cannot_see_others_says_so(cases: Table) -> None:
    cases.execute("CREATE TABLE {s}.other (id int)")

    def told() -> list[str]:
        seen = look(cases.config, cases.folder, secrets=secret)
        assert seen.streams[0].name == f"{cases.schema}.cases"
        return [text.en for text in seen.reached]

    assert not any("can't see" in text for text in told())
    cases.execute(f"REVOKE pg_read_all_stats FROM {USER}")
    try:
        assert any("can't see" in text for text in told())
        assert cases.pull().cursor == {}
    finally:
        cases.execute(f"GRANT pg_read_all_stats TO {USER}")


# --- numbers and texts


def test_numbers_that_were_handed_out_before_they_were_committed(
    postgresql: Postgresql, tmp_path: Path
) -> None:
    source = table(postgresql, tmp_path, rest='[cursor]\nfield = "id"\nformat = "integer"\n')
    source.execute(CASES.replace("{type}", "timestamp"))
    put(source, "5000, NULL")
    first = source.pull()
    assert first.cursor == {"value": "5000"}
    put(source, "4000, NULL", "3999, NULL", "5001, NULL")
    second = source.pull(first.cursor)
    assert source.ids(second) == [4000, 5000, 5001]
    assert second.cursor == {"value": "5001"}
    assert second.counted == Counted(4, "source")


def test_numbers_that_an_open_transaction_may_hold_are_only_seen(
    postgresql: Postgresql, tmp_path: Path
) -> None:
    """Thousands of rows may be committed while one that came before them waits a second."""
    source = table(postgresql, tmp_path, rest='[cursor]\nfield = "id"\nformat = "integer"\n')
    source.execute(CASES.replace("{type}", "timestamp"))
    put(source, "1, NULL")
    before = source.pull().cursor
    assert before == {"value": "1"}
    with closing(postgresql.connect(autocommit=False)) as late:
        run(late, f"INSERT INTO {source.schema}.cases VALUES (2)")
        source.execute("INSERT INTO {s}.cases SELECT generate_series(3, 5000)")
        first = source.pull(before)
        assert first.cursor is not None
        assert (first.cursor["value"], first.cursor["seen"]) == ("1", "5000")
        late.commit()
    second = source.pull(first.cursor)
    assert 2 in source.ids(second)
    assert second.cursor == {"value": "5000"}


def test_a_value_of_another_type_is_none(postgresql: Postgresql, tmp_path: Path) -> None:
    source = table(postgresql, tmp_path, rest='[cursor]\nfield = "id"\nformat = "integer"\n')
    source.execute(CASES.replace("{type}", "timestamp"))
    put(source, "1, NULL")
    assert source.ids(source.pull({"value": "2026-05-01 10:00:00"})) == [1]


def test_numbers_below_zero_and_with_decimals(postgresql: Postgresql, tmp_path: Path) -> None:
    rest = '[cursor]\nfield = "n"\nformat = "integer"\noverlap = 1\n'
    source = table(postgresql, tmp_path, rest=rest)
    source.execute("CREATE TABLE {s}.cases (id int, n numeric)")
    put(source, "1, -12.50", "2, -10.25")
    first = source.pull()
    assert first.cursor == {"value": "-10.25"}
    put(source, "3, -11.25", "4, -11.26")
    assert source.ids(source.pull(first.cursor)) == [2, 3]


def test_a_number_is_greater_by_size_not_by_its_digits(
    postgresql: Postgresql, tmp_path: Path
) -> None:
    rest = '[cursor]\nfield = "id"\nformat = "integer"\noverlap = 0\n'
    source = table(postgresql, tmp_path, rest=rest)
    source.execute(CASES.replace("{type}", "timestamp"))
    put(source, "9, NULL", "10, NULL")
    assert source.pull().cursor == {"value": "10"}


def test_seconds_since_1970(postgresql: Postgresql, tmp_path: Path) -> None:
    source = table(postgresql, tmp_path, rest='[cursor]\nfield = "at"\nformat = "epoch_s"\n')
    source.execute("CREATE TABLE {s}.cases (id int, at bigint)")
    put(source, "1, 1777600000", "2, 1777599400", "3, 1777599399", "4, 99999999999")
    first = source.pull()
    assert first.cursor == {"value": "1777600000"}
    assert source.ids(source.pull(first.cursor)) == [1, 2, 4]


@pytest.mark.parametrize(
    ("form", "values"),
    [
        ("%Y%m%d%H%M%S", ["20260501100000", "20260501095000", "20260501094959"]),
        ("iso", ["2026-05-01 10:00:00", "2026-05-01 09:50:00", "2026-05-01 09:49:59"]),
        ("iso", ["2026-05-01T10:00:00Z", "2026-05-01T09:50:00Z", "2026-05-01T09:49:59Z"]),
    ],
)
def test_times_that_are_kept_as_text(
    postgresql: Postgresql, tmp_path: Path, form: str, values: list[str]
) -> None:
    source = table(postgresql, tmp_path, rest=f'{FOLLOW}format = "{form}"\n')
    source.execute(CASES.replace("{type}", "varchar(40)"))
    put(source, *(f"{i}, '{v}'" for i, v in enumerate(values)), "8, '29990101'", "9, 'unknown'")
    first = source.pull()
    assert first.cursor == {"value": values[0]}
    assert source.ids(source.pull(first.cursor)) == [0, 1, 8, 9]


def test_texts_in_their_own_order(postgresql: Postgresql, tmp_path: Path) -> None:
    rest = '[cursor]\nfield = "word"\nformat = "text"\n'
    source = table(postgresql, tmp_path, rest=rest)
    source.execute(CASES.replace("{type}", "timestamp"))
    put(source, "1, NULL, 'a''1'", "2, NULL, 'b\\''; --'")
    first = source.pull()
    assert first.cursor == {"value": "b\\'; --"}
    put(source, "3, NULL, 'a'", "4, NULL, 'c'")
    assert source.ids(source.pull(first.cursor)) == [2, 4]


def test_a_first_value(postgresql: Postgresql, tmp_path: Path) -> None:
    source = table(postgresql, tmp_path, rest=FOLLOW + 'initial = "2026-05-01"\n')
    source.execute(CASES.replace("{type}", "timestamp"))
    put(source, "1, '2026-04-01'", "2, '2026-05-01'")
    assert source.ids(source.pull()) == [2]
    assert source.ids(source.pull(full=True)) == [1, 2]


def test_what_cannot_be_followed(postgresql: Postgresql, tmp_path: Path) -> None:
    source = table(postgresql, tmp_path, rest='[cursor]\nfield = "word"\n')
    source.execute("CREATE TABLE {s}.cases (id int, word json, updated_at timestamp)")
    with pytest.raises(ConfigError, match="can't follow column word"):
        source.pull()
    source = table(postgresql, tmp_path, rest='[cursor]\nfield = "id"\noverlap = "PT5M"\n')
    source.execute("CREATE TABLE {s}.cases (id int)")
    with pytest.raises(ConfigError, match="its overlap is a number"):
        source.pull()
    source = table(postgresql, tmp_path, rest='[cursor]\nfield = "update_at"\n')
    source.execute("CREATE TABLE {s}.cases (id int, updated_at timestamp)")
    with pytest.raises(ConfigError, match="no column 'update_at'") as caught:
        source.pull()
    assert caught.value.hint is not None
    assert caught.value.hint.en == "did you mean updated_at?"


# --- windows


@pytest.mark.parametrize(
    ("kind", "inside", "outside", "asked"),
    [
        ("date", ["2026-05-01", "2026-05-02"], ["2026-04-30", "2026-05-03"], True),
        (
            "timestamp",
            ["2026-05-01 00:00:00", "2026-05-02 23:59:59.999999"],
            ["2026-04-30 23:59:59.999999", "2026-05-03 00:00:00"],
            True,
        ),
        (
            "timestamptz",
            ["2026-04-30 16:00:00+00", "2026-05-02 15:59:59.999999+00"],
            ["2026-04-30 15:59:59.999999+00", "2026-05-02 16:00:00+00"],
            True,
        ),
        ("text", ["2026-05-01", "2026/5/2 8:00"], ["2026-04-30", "2026-05-03"], False),
    ],
)
def test_a_window_of_days(
    postgresql: Postgresql,
    tmp_path: Path,
    kind: str,
    inside: list[str],
    outside: list[str],
    asked: bool,
) -> None:
    source = table(postgresql, tmp_path, rest=FOLLOW + '[window]\nfield = "day"\n')
    source.execute(f"CREATE TABLE {{s}}.cases (id int, day {kind}, updated_at timestamp)")
    put(source, *(f"{i}, '{day}'" for i, day in enumerate(inside + outside)), "9, NULL")
    window = (date(2026, 5, 1), date(2026, 5, 2))
    delivery = source.pull({"value": "2026-05-19"}, window=window)
    assert source.ids(delivery) == [0, 1, 9]
    assert delivery.cursor is None
    assert delivery.counted == (Counted(3, "delivery") if asked else None)
    assert (delivery.since, delivery.until) == ((None, None) if asked else window)
    open_ended = source.pull(window=(date(2026, 5, 1), None))
    assert source.ids(open_ended) == [0, 1, 3, 9]


def test_a_window_by_a_number_of_the_day(postgresql: Postgresql, tmp_path: Path) -> None:
    rest = '[window]\nfield = "day"\nfield_format = "%Y%m%d"\n'
    source = table(postgresql, tmp_path, rest=rest)
    source.execute("CREATE TABLE {s}.cases (id int, day int)")
    put(source, "1, 20260430", "2, 20260501", "3, 20260531", "4, 20260601")
    delivery = source.pull(window=(date(2026, 5, 1), date(2026, 5, 31)))
    assert source.ids(delivery) == [2, 3]
    assert delivery.counted == Counted(2, "delivery")


def test_a_window_needs_its_column(cases: Table) -> None:
    with pytest.raises(ConfigError, match="can't be asked for a window"):
        cases.pull(window=(date(2026, 5, 1), date(2026, 5, 1)))
