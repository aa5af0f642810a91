"""A read is of one moment, whole and in parts, however it is disturbed."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from connectors_mysql_world import FOLLOW, Table, secret, table
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from servers.mariadb import PASSWORD, USER, MariaDb, mariadb

from connectors.database.faults import ConnectionLostError
from connectors.database.mysql import open_mysql
from connectors.database.settings import DatabaseReader
from connectors.delivery import Counted
from schemas.errors import ConfigError

__all__ = ["mariadb"]

SMALL = 'table = "cases"\nrows_per_object = 1000\n'
PARTS = SMALL + 'partition_column = "id"\npartitions = 3\n'
MANY = (
    "CREATE TABLE {s}.cases (id int, word varchar(40), updated_at datetime, KEY (updated_at)) "
    "AS SELECT seq AS id, CONCAT('word ', seq) AS word, "
    "'2026-05-01' + INTERVAL seq SECOND AS updated_at FROM {s}.seq_1_to_3500"
)


@pytest.fixture
def many(mariadb: MariaDb, tmp_path: Path) -> Table:
    one = table(mariadb, tmp_path, SMALL)
    one.execute(MANY)
    return one


def test_rows_land_in_objects_of_some_rows_each(many: Table) -> None:
    delivery = many.pull()
    assert [o.page for o in delivery.objects] == [1, 2, 3, 4]
    assert many.ids(delivery) == list(range(1, 3501))
    told = " ".join(f"{o.origin} {o.request}" for o in delivery.objects)
    assert f"mysql://127.0.0.1:{many.server.port}/{many.database}/cases" in told
    assert USER not in told
    assert PASSWORD not in told


def test_the_same_rows_are_the_same_bytes(many: Table) -> None:
    one = [o.digest for o in many.pull().objects]
    assert [o.digest for o in many.pull().objects] == one


@pytest.mark.parametrize("reader", [SMALL, PARTS], ids=["whole", "parts"])
def test_what_changes_while_it_is_read_changes_nothing(
    mariadb: MariaDb, tmp_path: Path, reader: str
) -> None:
    """Updates, deletes and inserts between two objects: the read is of one moment."""
    source = table(mariadb, tmp_path, reader)
    source.execute(MANY)

    def disturb(done: int, _total: int | None) -> None:
        if done == 1:
            source.execute(
                "UPDATE {s}.cases SET word = 'new', updated_at = '2026-05-02' WHERE id = 3400",
                "DELETE FROM {s}.cases WHERE id = 3300",
                "INSERT INTO {s}.cases VALUES (1, 'again', '2026-05-02 00:00:01')",
            )

    first = source.pull(landed=disturb)
    rows = source.rows(first)
    assert sorted(int(r["id"] or 0) for r in rows) == list(range(1, 3501))
    assert {r["word"] for r in rows} == {f"word {i}" for i in range(1, 3501)}
    assert first.counted == Counted(3500, "source")
    second = source.pull(first.cursor)
    assert {(r["id"], r["word"]) for r in source.rows(second)} >= {("3400", "new"), ("1", "again")}


def test_a_row_that_moves_between_parts_comes_once(mariadb: MariaDb, tmp_path: Path) -> None:
    """Read in parts over several moments, it would come in both of them, or in none."""
    source = table(mariadb, tmp_path, PARTS, rest="")
    source.execute(MANY)

    def move(done: int, _total: int | None) -> None:
        if done == 1:
            source.execute(
                "UPDATE {s}.cases SET id = 9000 WHERE id = 1",
                "UPDATE {s}.cases SET id = -1 WHERE id = 3500",
            )

    assert source.ids(source.pull(landed=move)) == list(range(1, 3501))


def test_a_table_that_is_altered_after_the_moment_of_the_read(many: Table) -> None:
    """The server can't show it as it was then (MariaDB's error 1412): the read begins anew."""
    assert isinstance(many.config.reader, DatabaseReader)
    with closing(open_mysql(many.config.reader, many.folder, secrets=secret)) as session:
        many.execute("ALTER TABLE {s}.cases ADD COLUMN more int, ALGORITHM = COPY")
        with pytest.raises(ConnectionLostError, match=r"could not keep the moment .* \(1412\)"):
            list(session.read("SELECT id FROM cases"))


def test_a_deleted_row_is_seen_by_the_count(many: Table) -> None:
    first = many.pull()
    assert first.counted == Counted(3500, "source")
    many.execute("DELETE FROM {s}.cases WHERE id = 7")
    assert many.pull(first.cursor).counted == Counted(3499, "source")


@pytest.mark.parametrize("count", [2, 7, 64])
def test_parts_hold_every_row_once(mariadb: MariaDb, tmp_path: Path, count: int) -> None:
    reader = f'table = "cases"\npartition_column = "id"\npartitions = {count}\n'
    source = table(mariadb, tmp_path, reader)
    source.execute(
        MANY,
        "INSERT INTO {s}.cases (id) VALUES (-2147483648), (2147483647), (NULL), (0), (0)",
    )
    delivery = source.pull()
    assert source.ids(delivery) == sorted([-2147483648, 0, 0, 0, *range(1, 3501), 2147483647])
    assert len({o.request for o in delivery.objects}) > 1


def test_parts_of_unsigned_numbers(mariadb: MariaDb, tmp_path: Path) -> None:
    reader = 'table = "cases"\npartition_column = "id"\npartitions = 3\n'
    source = table(mariadb, tmp_path, reader, rest="")
    source.execute("CREATE TABLE {s}.cases (id bigint unsigned)")
    source.put("0", "9223372036854775807", "9223372036854775808", "18446744073709551615")
    assert source.ids(source.pull()) == [0, 2**63 - 1, 2**63, 2**64 - 1]


def test_parts_need_a_number(mariadb: MariaDb, tmp_path: Path) -> None:
    reader = 'table = "cases"\npartition_column = "word"\npartitions = 2\n'
    source = table(mariadb, tmp_path, reader)
    source.execute(MANY)
    with pytest.raises(ConfigError, match="cut into parts by word"):
        source.pull()


def test_a_snapshot_is_complete_every_time(mariadb: MariaDb, tmp_path: Path) -> None:
    source = table(mariadb, tmp_path, rest="", head='mode = "snapshot"\n')
    source.execute(MANY)
    first = source.pull()
    assert (first.complete, first.cursor, first.counted) == (True, None, Counted(3500, "delivery"))
    source.execute("DELETE FROM {s}.cases")
    second = source.pull()
    assert (second.complete, second.objects, second.counted) == (True, (), Counted(0, "delivery"))


def test_events_come_in_the_order_of_the_log(mariadb: MariaDb, tmp_path: Path) -> None:
    rest = '[cursor]\nfield = "no"\nformat = "integer"\noverlap = 2\n[events]\noperation = "op"\n'
    source = table(mariadb, tmp_path, rest=rest, head='mode = "events"\n')
    source.execute(
        "CREATE TABLE {s}.cases (no int, part int, op varchar(1), PRIMARY KEY (no, part)) "
        "ENGINE = MyISAM",
        "INSERT INTO {s}.cases VALUES (10, 2, 'D'), (9, 1, 'U'), (10, 1, 'I'), (2, 1, 'I')",
    )
    first = source.pull()
    assert [(r["no"], r["part"]) for r in source.rows(first)] == [
        ("2", "1"),
        ("9", "1"),
        ("10", "1"),
        ("10", "2"),
    ]
    assert [r["no"] for r in source.rows(source.pull(first.cursor))] == ["9", "10", "10"]


def test_a_query(mariadb: MariaDb, tmp_path: Path) -> None:
    text = "SELECT id * 10 AS id, updated_at FROM cases -- all of them\\n;"
    source = table(mariadb, tmp_path, f'query = "{text}"\n')
    source.execute(MANY.replace("3500", "3"))
    first = source.pull()
    assert source.ids(first) == [10, 20, 30]
    assert first.cursor == {"value": "2026-05-01 00:00:03"}


WRITES = st.lists(
    st.tuples(
        st.sampled_from(["insert", "update", "delete", "late", "commit", "pull"]),
        st.integers(0, 7),
    ),
    max_size=25,
)


@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=WRITES)
def test_any_order_of_writes_and_pulls_ends_with_what_is_there(
    mariadb: MariaDb, tmp_path: Path, steps: list[tuple[str, int]]
) -> None:
    """Rows carry the time of their statement, some are committed late; after a last pull each
    row that is there was read in its last version. What was deleted shows in the count."""
    source = table(mariadb, tmp_path, rest=FOLLOW + 'overlap = "PT0S"\n')
    source.execute("CREATE TABLE {s}.cases (id int PRIMARY KEY, updated_at datetime(6), word text)")
    now = "CONVERT_TZ(NOW(6), @@time_zone, '+08:00')"
    known: dict[str, str | None] = {}
    cursor = None
    counted = None

    def write(number: int, version: int) -> str:
        return f"REPLACE INTO cases VALUES ({number}, {now}, '{version}')"

    with (
        closing(mariadb.connect(source.database)) as early,
        closing(mariadb.connect(source.database)) as late,
        early.cursor() as at_once,
        late.cursor() as later,
    ):
        late.begin()
        for version, (what, number) in enumerate([*steps, ("commit", 0), ("pull", 0)]):
            if what == "late":  # ids of its own: two transactions don't wait for one row
                later.execute(write(number + 100, version))
            elif what == "commit":
                late.commit()
                late.begin()
            elif what == "delete":
                at_once.execute(f"DELETE FROM cases WHERE id = {number}")
            elif what == "pull":
                delivery = source.pull(cursor)
                cursor, counted = delivery.cursor, delivery.counted
                known |= {r["id"] or "": r["word"] for r in source.rows(delivery)}
            else:
                at_once.execute(write(number, version))
        at_once.execute("SELECT id, word FROM cases")
        there = {str(i): word for i, word in at_once.fetchall()}
    assert {i: known.get(i) for i in there} == there
    assert counted == Counted(len(there), "source")
