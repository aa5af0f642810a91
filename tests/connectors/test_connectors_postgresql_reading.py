"""What a pull reads of a table or query: one snapshot, in parts, in order, whole."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from connectors_postgresql_world import FOLLOW, Table, secret, table
from servers.postgresql import DATABASE, PASSWORD, USER, Postgresql, postgresql

from connectors.database.following import follower
from connectors.database.postgresql import open_postgresql
from connectors.database.session import Settled
from connectors.database.statements import asked_of
from connectors.delivery import Counted
from connectors.look import ColumnSeen
from connectors.pull import look
from connectors.raw import load_raw
from connectors.reader_config import DatabaseReader
from schemas.errors import ConfigError

__all__ = ["postgresql"]

MANY = (
    "CREATE TABLE {s}.cases AS SELECT i AS id, 'word ' || i AS word, "
    "timestamp '2026-05-01' + i * interval '1 s' AS updated_at FROM generate_series(1, 3500) g (i)"
)
SMALL = 'table = "{s}.cases"\nrows_per_object = 1000\n'


@pytest.fixture
def many(postgresql: Postgresql, tmp_path: Path) -> Table:
    """3,500 rows in objects of 1,000."""
    source = table(postgresql, tmp_path, SMALL)
    source.execute(MANY)
    return source


def test_rows_land_in_objects_of_a_bounded_size(many: Table) -> None:
    seen: list[tuple[int, int | None]] = []
    delivery = many.pull(landed=lambda *told: seen.append(told))
    assert many.ids(delivery) == list(range(1, 3501))
    assert [pq.read_metadata(o.path).num_rows for o in delivery.objects] == [1000, 1000, 1000, 500]
    assert [o.page for o in delivery.objects] == [1, 2, 3, 4]
    assert seen == [(1, None), (2, None), (3, None), (4, None)]


def test_an_object_says_where_it_came_from_and_what_was_asked(many: Table) -> None:
    first = many.pull().objects[0]
    server = many.server
    assert first.origin == (
        f"postgresql://{server.host}:{server.port}/{DATABASE}/{many.schema}.cases"
    )
    assert first.request is not None
    assert first.request.startswith('SELECT "id"::text AS "id", ')
    told = (many.landing._root / "streams/front/cases.jsonl").read_text()
    assert USER not in told
    assert PASSWORD not in told


def test_the_same_rows_are_the_same_bytes(many: Table) -> None:
    one = [o.digest for o in many.pull().objects]
    assert [o.digest for o in many.pull().objects] == one


def test_full_objects_leave_no_empty_one(postgresql: Postgresql, tmp_path: Path) -> None:
    source = table(postgresql, tmp_path, SMALL, rest="")
    source.execute(MANY.replace("3500", "2000"))
    assert len(source.pull().objects) == 2


@pytest.mark.parametrize(
    "reader", [SMALL, SMALL + 'partition_column = "id"\npartitions = 3\n'], ids=["whole", "parts"]
)
def test_what_changes_while_it_is_read_changes_nothing(
    postgresql: Postgresql, tmp_path: Path, reader: str
) -> None:
    """Updates, deletes and inserts between two objects: the read is of one moment."""
    source = table(postgresql, tmp_path, reader)
    source.execute(MANY)

    def disturb(done: int, _total: int | None) -> None:
        if done == 1:
            source.execute(
                "UPDATE {s}.cases SET word = 'new', updated_at = '2026-05-02' WHERE id = 3400",
                "DELETE FROM {s}.cases WHERE id = 3300",
                "INSERT INTO {s}.cases VALUES (1, 'again', '2026-05-02 00:00:01')",
            )

    first = source.pull(landed=disturb)
    rows = source.read(first)
    assert sorted(int(r["id"] or 0) for r in rows) == list(range(1, 3501))
    assert {r["word"] for r in rows} == {f"word {i}" for i in range(1, 3501)}
    assert first.counted == Counted(3500, "source")
    second = source.pull(first.cursor)
    assert {(r["id"], r["word"]) for r in source.read(second)} >= {("3400", "new"), ("1", "again")}


def test_a_deleted_row_is_seen_by_the_count(many: Table) -> None:
    first = many.pull()
    assert first.counted == Counted(3500, "source")
    many.execute("DELETE FROM {s}.cases WHERE id = 7")
    assert many.pull(first.cursor).counted == Counted(3499, "source")


def test_counting_can_be_left_out(postgresql: Postgresql, tmp_path: Path) -> None:
    source = table(postgresql, tmp_path, count="false")
    source.execute(MANY)
    assert source.pull().counted is None


@pytest.mark.parametrize("count", [2, 7, 64])
def test_parts_hold_every_row_once(postgresql: Postgresql, tmp_path: Path, count: int) -> None:
    reader = f'table = "{{s}}.cases"\npartition_column = "id"\npartitions = {count}\n'
    source = table(postgresql, tmp_path, reader)
    source.execute(
        MANY, "INSERT INTO {s}.cases VALUES (-2147483648), (2147483647), (NULL), (0), (0)"
    )
    delivery = source.pull()
    assert source.ids(delivery) == sorted([-2147483648, 0, 0, 0, *range(1, 3501), 2147483647])
    assert len({o.request for o in delivery.objects}) > 1


def test_parts_of_few_rows(postgresql: Postgresql, tmp_path: Path) -> None:
    reader = 'table = "{s}.cases"\npartition_column = "id"\npartitions = 8\n'
    source = table(postgresql, tmp_path, reader)
    source.execute(MANY)
    for kept in (2, 1, 0):
        source.execute(f"DELETE FROM {{s}}.cases WHERE id > {kept}")
        assert source.ids(source.pull()) == list(range(1, kept + 1))


def test_parts_need_a_number(postgresql: Postgresql, tmp_path: Path) -> None:
    reader = 'table = "{s}.cases"\npartition_column = "word"\npartitions = 2\n'
    source = table(postgresql, tmp_path, reader)
    source.execute(MANY)
    with pytest.raises(ConfigError, match="cut into parts by word"):
        source.pull()


def test_a_snapshot_is_complete_every_time(postgresql: Postgresql, tmp_path: Path) -> None:
    source = table(postgresql, tmp_path, rest="", head='mode = "snapshot"\n')
    source.execute(MANY)
    first = source.pull()
    assert (first.complete, first.cursor, first.counted) == (True, None, Counted(3500, "delivery"))
    source.execute("DELETE FROM {s}.cases")
    second = source.pull()
    assert (second.complete, second.objects, second.counted) == (True, (), Counted(0, "delivery"))


def test_everything_on_request(many: Table) -> None:
    delivery = many.pull({"value": "2026-05-01 00:58:00"}, full=True)
    assert many.ids(delivery) == list(range(1, 3501))
    assert delivery.complete
    assert delivery.cursor == {"value": "2026-05-01 00:58:20"}
    assert not many.pull({"value": "2026-05-01 00:58:00"}).complete


def test_events_come_in_the_order_of_the_log(postgresql: Postgresql, tmp_path: Path) -> None:
    rest = '[cursor]\nfield = "no"\nformat = "integer"\noverlap = 2\n[events]\noperation = "op"\n'
    source = table(postgresql, tmp_path, rest=rest, head='mode = "events"\n')
    source.execute(
        "CREATE TABLE {s}.cases (no int, part int, op text, PRIMARY KEY (no, part))",
        "INSERT INTO {s}.cases VALUES (10, 2, 'D'), (9, 1, 'U'), (10, 1, 'I'), (2, 1, 'I')",
    )
    first = source.pull()
    assert [(r["no"], r["part"]) for r in source.read(first)] == [
        ("2", "1"),
        ("9", "1"),
        ("10", "1"),
        ("10", "2"),
    ]
    assert first.cursor == {"value": "10"}
    second = source.pull(first.cursor)
    assert [r["no"] for r in source.read(second)] == ["9", "10", "10"]
    assert second.counted == Counted(3, "delivery")
    assert not second.complete


def test_chosen_columns(postgresql: Postgresql, tmp_path: Path) -> None:
    source = table(postgresql, tmp_path, 'table = "{s}.cases"\ncolumns = ["word", "id"]\n')
    source.execute(MANY.replace("3500", "1"))
    assert source.read(source.pull()) == [{"word": "word 1", "id": "1"}]
    wrong = table(postgresql, tmp_path, 'table = "{s}.cases"\ncolumns = ["wrod"]\n')
    wrong.execute(MANY)
    with pytest.raises(ConfigError, match="no column 'wrod'") as caught:
        wrong.pull()
    assert caught.value.hint is not None
    assert caught.value.hint.en == "did you mean word?"


def test_a_query(postgresql: Postgresql, tmp_path: Path) -> None:
    text = "SELECT id * 10 AS id, updated_at FROM {s}.cases -- all of them\\n;"
    source = table(postgresql, tmp_path, f'query = "{text}"\n')
    source.execute(MANY.replace("3500", "3"))
    first = source.pull()
    assert source.ids(first) == [10, 20, 30]
    assert first.cursor == {"value": "2026-05-01 00:00:03"}
    assert first.counted == Counted(3, "source")
    assert first.objects[0].origin.endswith("/(query)")


def test_a_view_a_strange_name_and_a_schema_on_the_path(
    postgresql: Postgresql, tmp_path: Path
) -> None:
    source = table(postgresql, tmp_path, 'table = "{s}.案件 \\"x\\""\n', rest="")
    source.execute('CREATE VIEW {s}."案件 ""x""" AS SELECT 1 AS "编 号;"')
    assert source.read(source.pull()) == [{"编 号;": "1"}]
    plain = table(postgresql, tmp_path, 'table = "cases_{s}"\n', rest="")
    plain.execute("CREATE TABLE {s}.cases_{s} AS SELECT 1 AS id")
    plain.execute(f"ALTER ROLE {USER} SET search_path = {plain.schema}")
    assert plain.ids(plain.pull()) == [1]
    plain.execute(f"ALTER ROLE {USER} RESET search_path")


def test_a_row_that_is_too_large_is_told_apart(postgresql: Postgresql, tmp_path: Path) -> None:
    source = table(postgresql, tmp_path, 'table = "{s}.cases"\nmax_record_bytes = 1024\n', rest="")
    source.execute(
        "CREATE TABLE {s}.cases AS SELECT 1 AS id, repeat('好', 341) AS word "
        "UNION ALL SELECT 2, repeat('好', 342) UNION ALL SELECT 3, NULL"
    )
    with duckdb.connect() as con:
        batch = load_raw(con, source.config, source.pull())
        assert (batch.received, batch.unreadable) == (3, 1)
        assert con.execute("SELECT _row, rule_id, detail FROM raw_reject").fetchall() == [
            (2, "read:oversize", "1027 bytes, more than 1024")
        ]


def test_a_trial_reads_some_rows_and_moves_nothing(many: Table) -> None:
    delivery = many.probe()
    assert len(many.read(delivery)) == 100
    assert (delivery.cursor, delivery.counted, delivery.complete) == (None, None, False)


def test_a_look_tells_tables_columns_and_comments(many: Table) -> None:
    many.execute(
        "CREATE TABLE {s}.party (id int PRIMARY KEY, name text)",
        "COMMENT ON TABLE {s}.party IS '当事人'",
        "COMMENT ON COLUMN {s}.party.name IS '当事人名称'",
        "CREATE TABLE {s}.secret (id int)",
        f"REVOKE SELECT ON {{s}}.secret FROM {USER}",
    )
    seen = look(many.config, many.folder, secrets=secret)
    assert seen.streams[0].name == f"{many.schema}.cases"
    assert seen.streams[0].rows == 3500
    assert [c.name for c in seen.streams[0].columns] == ["id", "word", "updated_at"]
    others = {s.name: s for s in seen.streams[1:]}
    assert f"{many.schema}.secret" not in others
    party = others[f"{many.schema}.party"]
    assert party.label == "当事人"
    assert party.columns == (
        ColumnSeen("id", "integer", None, True),
        ColumnSeen("name", "text", "当事人名称", False),
    )
    assert "connected to postgresql://" in seen.reached[0].en


def test_numbers_count_when_all_that_was_open_has_ended(many: Table) -> None:
    """Numbers that were seen before the oldest open transaction began are nobody's."""
    reader = many.config.reader
    assert isinstance(reader, DatabaseReader)
    session = open_postgresql(reader, many.folder, secrets=secret)
    columns = session.columns()
    cursor = many.config.cursor
    assert cursor is not None
    following = follower(session, columns[0], cursor, many.config.zone)
    asked = asked_of(session, reader, columns)
    now = datetime.fromisoformat("2026-05-20T09:00:00+08:00")
    day = timedelta(days=1)

    def after(before: dict[str, str], at: datetime, minutes: int | None) -> dict[str, str]:
        oldest = None if minutes is None else at - timedelta(minutes=minutes)
        return following.advance(session, asked, before, Settled(at, oldest, sees_others=True))

    seen = after({"value": "5"}, now, 3)
    assert seen == {"value": "5", "seen": "3500", "seen_at": now.isoformat()}
    assert after(seen, now + day, 2000) == seen
    assert after(seen, now + day, 3) == {"value": "3500"}
    assert after(seen, now + day, None) == {"value": "3500"}
    session.close()


def test_a_table_without_a_cursor_is_read_whole(postgresql: Postgresql, tmp_path: Path) -> None:
    source = table(postgresql, tmp_path, rest="")
    source.execute(MANY)
    assert source.pull().cursor is None
    assert FOLLOW.startswith("[cursor]")


@pytest.mark.parametrize(
    ("kind", "values"),
    [("numeric", "'NaN', 1"), ("float8", "'-Infinity', 1e20"), ("float8", "1e20, -0.5")],
)
def test_parts_of_numbers_that_are_none_or_large(
    postgresql: Postgresql, tmp_path: Path, kind: str, values: str
) -> None:
    cut = 'table = "{s}.cases"\npartition_column = "n"\npartitions = 4\n'
    source = table(postgresql, tmp_path, reader=cut, rest="")
    source.execute(
        f"CREATE TABLE {{s}}.cases (id int, n {kind})",
        *(f"INSERT INTO {{s}}.cases VALUES (1, {n})" for n in (*values.split(", "), "NULL")),
    )
    assert source.ids(source.pull()) == [1, 1, 1]


def test_a_table_of_more_than_a_thousand_columns(postgresql: Postgresql, tmp_path: Path) -> None:
    source = table(postgresql, tmp_path, rest="")
    columns = ", ".join(f"c{i} text" for i in range(1100))
    source.execute(f"CREATE TABLE {{s}}.cases (id int, {columns})")
    source.execute("INSERT INTO {s}.cases VALUES (1, 'first')", "INSERT INTO {s}.cases VALUES (2)")
    assert source.ids(source.pull()) == [1, 2]
