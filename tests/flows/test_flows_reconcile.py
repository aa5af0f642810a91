"""What the source counts against what the node holds, with a real PostgreSQL server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pytest
from flows_hotline import Hotline
from flows_world import LEADS, NIGHT, NOW, World, counts, current, order
from servers.postgresql import DATABASE, PASSWORD, USER, Postgresql

from connectors.delivery import Counted, Delivery
from connectors.pull import PullRequest
from connectors.raw import RawBatch
from flows.ingest import ingest
from flows.reconcile import Reading, reconcile
from lake.runs import Mode, RunRecord
from schemas.sql import connect

STREAM = "front/cases"
SOURCE = """\
system = "front"
stream = "cases"
record_type = "correction"
{head}
[reader]
kind = "postgresql"
host = "{host}"
port = {port}
database = "{database}"
user = "{user}"
password = "env:FRONT_PASSWORD"
tls = "disable"
table = "{schema}.cases"
key = ["row_no"]
{reader}
{cursor}
[expect]
max_quarantine_share = 1.0
max_drop = 1.0
"""
CURSOR = '[cursor]\nfield = "updated_at"\n'
MAPPING = """\
SELECT
    txt(case_no) AS source_record_id,
    ts_cn(updated_at) AS source_updated_time,
    txt(case_no) AS correction_no,
    'decision_revoked' AS correction_type,
    '虚构第1号' AS refers_to_no,
    ts_cn(effective) AS effective_time,
    coalesce(code('data_status', 'zh', status), 'valid') AS data_status
FROM raw
"""


@dataclass
class Front:
    """A front-end table and node A, which reads it."""

    world: World
    server: Postgresql
    schema: str
    night: int = 0

    def configure(self, *, head: str = "", cursor: str = CURSOR, reader: str = "") -> None:
        folder = self.world.root / "a" / "sources" / STREAM
        folder.mkdir(parents=True, exist_ok=True)
        text = SOURCE.format(
            head=head,
            host=self.server.host,
            port=self.server.port,
            database=DATABASE,
            user=USER,
            schema=self.schema,
            cursor=cursor,
            reader=reader,
        )
        (folder / "source.toml").write_text(text, encoding="utf-8")
        clock = "    ts_cn(updated_at) AS source_updated_time,\n"
        mapping = MAPPING.replace(clock, "") if "snapshot" in head else MAPPING
        (folder / "mapping.sql").write_text(mapping, encoding="utf-8")

    def execute(self, *statements: str) -> None:
        self.server.execute(*(s.replace("cases", f"{self.schema}.cases") for s in statements))

    def add(self, *rows: tuple[str, int], effective: str = "2020-09-01", status: str = "") -> None:
        """(case number, day of September 2020 of its last update)."""
        for number, day in rows:
            self.execute(
                "INSERT INTO cases (case_no, updated_at, effective, status) VALUES "
                f"('{number}', '2020-09-{day:02d} 09:00:00', '{effective}', nullif('{status}', ''))"
            )

    def sync(self, *, full: bool = False) -> RunRecord:
        (source,) = self.world.a.sources([STREAM])
        now = NOW + self.night * NIGHT
        self.night += 1
        request = PullRequest("cursor", None, None, None, now, full=full)
        return ingest(self.world.a, source, request, now)


@pytest.fixture
def front(world: World, postgresql: Postgresql, monkeypatch: pytest.MonkeyPatch) -> Front:
    monkeypatch.setenv("FRONT_PASSWORD", PASSWORD)
    made = Front(world, postgresql, postgresql.create_schema("counted"))
    made.execute(
        "CREATE TABLE cases (row_no int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, case_no text, "
        "updated_at timestamp, effective text, status text)"
    )
    made.add(("1", 1), ("2", 2), ("3", 3))
    made.configure()
    return made


def both(run: RunRecord) -> tuple[int | None, int | None]:
    """What the source and the node count, held to be an alarm if they differ."""
    assert bool(run.alarms) == (run.source_count != run.node_count)
    return run.source_count, run.node_count


def test_a_deleted_row_is_an_alarm_until_the_node_follows_deletions(front: Front) -> None:
    assert both(front.sync()) == (3, 3)
    front.execute("DELETE FROM cases WHERE case_no = '2'")
    run = front.sync()
    assert both(run) == (2, 3)
    assert run.gate_passed
    assert [(t.en, t.zh) for t in run.alarms] == [
        (
            "the source counts 2 rows, this node holds 3: 1 more; "
            'rows were deleted there: mode = "snapshot" follows deletions',
            "来源统计为 2 行，本节点有 3 行，多 1 行；"
            '来源删除过数据：设置 mode = "snapshot" 可跟随删除',
        )
    ]
    assert both(front.sync(full=True)) == (2, 3)
    front.configure(head='mode = "snapshot"\n\n[snapshot]\nmax_removed = 0.5\n', cursor="")
    run = front.sync()
    assert (run.retracted, both(run)) == (1, (2, 2))


def test_a_row_that_came_too_late_for_the_cursor_is_an_alarm_until_a_full_read(
    front: Front,
) -> None:
    front.sync()
    front.add(("late", 1))
    run = front.sync()
    assert both(run) == (4, 3)
    assert str(run.alarms[0].en) == (
        "the source counts 4 rows, this node holds 3 of them: 1 is missing; "
        "hefu sync --full front/cases reads everything again"
    )
    run = front.sync(full=True)
    assert counts(run) == (4, 1, 3, 0, 0)
    assert both(run) == (4, 4)
    assert both(front.sync()) == (4, 4)
    assert RunRecord.from_json(run.to_json()).surplus_rows == 0


def test_rows_in_quarantine_are_held_once_however_often_they_come(front: Front) -> None:
    front.add(("bad", 4), effective="多")
    run = front.sync()
    assert (run.quarantined, both(run)) == (1, (4, 4))
    front.execute(
        "UPDATE cases SET effective = '少', updated_at = '2020-09-05' WHERE case_no = 'bad'"
    )
    run = front.sync()
    assert (run.quarantined, both(run)) == (1, (4, 4))
    # known with another content before: the record is here, and so is a row of it
    front.execute(
        "UPDATE cases SET effective = '多', updated_at = '2020-09-06' WHERE case_no = '3'"
    )
    run = front.sync()
    assert (run.quarantined, both(run)) == (2, (4, 4))
    front.execute(
        "UPDATE cases SET effective = '2020-09-02', updated_at = '2020-09-07' "
        "WHERE effective NOT LIKE '2020%'"
    )
    assert both(front.sync()) == (4, 4)
    front.execute("DELETE FROM cases WHERE case_no = 'bad'")
    assert both(front.sync()) == (3, 4)


def test_a_row_that_says_itself_that_it_is_void_is_a_row(front: Front) -> None:
    front.add(("void", 4), status="删除")
    assert both(front.sync()) == (4, 4)
    front.add(("new", 5))
    assert both(front.sync()) == (5, 5)


def test_rows_beyond_one_a_record_are_remembered_from_the_last_full_read(front: Front) -> None:
    front.add(("1", 1), ("3", 4))
    run = front.sync()
    assert (counts(run), both(run), run.surplus_rows) == ((5, 4, 0, 1, 0), (5, 5), 2)
    front.add(("new", 5))
    assert both(front.sync()) == (6, 6)
    front.add(("new", 6))
    run = front.sync()
    assert both(run) == (7, 6)
    assert both(front.sync(full=True)) == (7, 7)
    assert both(front.sync()) == (7, 7)


def test_nothing_is_compared_that_was_never_asked_for(front: Front) -> None:
    front.configure(cursor=CURSOR + 'initial = "2020-09-02 00:00:00"\n')
    run = front.sync()
    assert (run.received, both(run)) == (2, (None, None))
    assert both(front.sync(full=True)) == (3, 3)
    front.configure(reader="count = false")
    assert both(front.sync()) == (None, None)


def test_another_stream_of_the_system_counts_for_itself(front: Front) -> None:
    front.sync()
    other = front.world.root / "a" / "sources" / "front" / "cases_old"
    mine = other.with_name("cases")
    other.mkdir()
    for name in ("source.toml", "mapping.sql"):
        text = (mine / name).read_text(encoding="utf-8")
        text = text.replace('stream = "cases"', 'stream = "cases_old"')
        (other / name).write_text(text.replace("txt(case_no)", "'old-' || case_no"), "utf-8")
    (source,) = front.world.a.sources(["front/cases_old"])
    now = NOW + NIGHT
    request = PullRequest("cursor", None, None, None, now)
    assert both(ingest(front.world.a, source, request, now)) == (3, 3)
    assert both(front.sync()) == (3, 3)
    assert len(current(front.world.a, "correction")) == 6


def test_a_source_that_can_not_count_is_not_compared(world: World, hotline: Hotline) -> None:
    hotline.orders = [order(1)]
    run = world.sync(LEADS)
    assert (run.accepted, both(run)) == (1, (None, None))


@pytest.mark.parametrize(
    ("mode", "asked", "scope", "complete", "expected"),
    [
        ("cursor", "window", "delivery", False, (5, 4)),
        ("snapshot", "cursor", "delivery", True, (5, 4)),
        ("events", "cursor", "delivery", False, (5, 4)),
        ("events", "cursor", "source", True, (5, 4)),
        ("events", "cursor", "source", False, (None, None)),
        ("cursor", "window", "source", False, (None, None)),
        ("cursor", "replay", "delivery", False, (None, None)),
    ],
)
def test_what_is_compared_of_a_delivery(
    front: Front,
    mode: str,
    asked: Mode,
    scope: Literal["delivery", "source"],
    complete: bool,
    expected: tuple[int | None, int | None],
) -> None:
    (source,) = front.world.a.sources([STREAM])
    config = source.config.model_copy(update={"mode": mode})
    delivery = Delivery((), None, complete=complete, counted=Counted(5, scope))
    reading = Reading(front.world.a, config, asked, delivery, RawBatch(3, 0, (), None, {}, 1), list)
    con = connect(threads=1)
    try:
        found = reconcile(con, reading, "appended")
    finally:
        con.close()
    assert (found.source_count, found.node_count) == expected
    assert [alarm.zh for alarm in found.alarms] == [
        "来源统计为 5 行，实际收到 4 行；可用 hefu sync --full front/cases 全部重新读取"
    ] * (expected[0] is not None)
