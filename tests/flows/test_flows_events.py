"""A log of changes: its order holds, whenever and however often its events are read.

That it does for any log and any reads is shown in ``tests/quality/test_quality_log_fates.py``; here
the whole way is gone, from a table of a real database.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from flows_database import RECORD_TYPE, Front, front
from flows_world import NIGHT, NOW, World, counts, query
from servers.postgresql import Postgresql, postgresql

from flows.change_log import sort_key
from lake.runs import RunRecord
from schemas.errors import DataError

__all__ = ["postgresql"]

LOG = "CREATE TABLE log (seq bigint, op text, no text, reason text, fine text, day date)"
FOLLOW = """
[cursor]
field = "seq"
format = "integer"
overlap = 1000

[events]
operation = "op"
"""
GONE = None

#: What becomes visible in each night: (record, place in the log, what it says).
NIGHTS: tuple[tuple[tuple[str, int, int | None], ...], ...] = (
    (
        *(("back and forth", n, fine) for n, fine in ((9, 200), (10, 500), (11, 200))),
        ("moves on", 15, 200),
        *(("late", 25, 200), ("late", 28, 800)),
        ("goes", 31, 200),
        *(
            ("to and fro", 40 + n, fine)
            for n, fine in enumerate((200, GONE, 200, GONE, GONE, 200, 200))
        ),
        ("goes before it came", 52, GONE),
        *(("goes late", 61, 200), ("goes late", 63, 300)),
        *(("comes and goes", 71, 200), ("comes and goes", 72, GONE)),
        ("clock set back", 81, 200),
        *(("twice", 91, 200), ("twice", 91, 200), ("twice", 92, GONE), ("twice", 92, GONE)),
        *(("two at once", 95, 200), ("two at once", 95, 500)),
        *(("is and is not", 96, 200), ("is and is not", 96, GONE)),
        ("shares a place", 96, 300),
    ),
    (
        ("moves on", 17, 500),
        ("late", 26, 300),
        ("goes", 33, GONE),
        ("goes before it came", 51, 200),
        ("goes late", 62, GONE),
        ("clock set back", 82, 500),
    ),
    (("late", 27, 700), ("clock set back", 83, GONE)),
)
#: The node's clock in each of them.
CLOCK = (NOW, NOW - 30 * NIGHT, NOW - 60 * NIGHT)


@dataclass(frozen=True)
class Told:
    source: Front
    runs: list[RunRecord]


@pytest.fixture(scope="module")
def told(new_world: Callable[[], World], postgresql: Postgresql) -> Told:
    source = front(new_world(), postgresql, "events", "log", LOG, FOLLOW)
    runs = []
    for events, now in zip(NIGHTS, CLOCK, strict=True):
        source.sql(*(says(*event) for event in events))
        if not runs:
            source.sql(
                "INSERT INTO log VALUES (NULL, 'U', 'no place', '超限运输', '300', '2026-09-01')",
                "INSERT INTO log VALUES (99, 'D', NULL, NULL, NULL, NULL)",
            )
        runs.append(source.sync(now))
    return Told(source, runs)


def says(no: str, place: int, fine: int | None) -> str:
    """An event: the fine of a case, or that the case is gone. A removal has only its key."""
    if fine is None:
        return f"INSERT INTO log VALUES ({place}, 'D ', '{no}', NULL, NULL, NULL)"
    return f"INSERT INTO log VALUES ({place}, 'U', '{no}', '超限运输', '{fine}', '2026-09-01')"


@pytest.mark.parametrize(
    ("record", "versions"),
    [
        ("back and forth", [200, 500, 200]),
        ("moves on", [200, 500]),
        ("late", [200, 300, 700, 800]),
        ("goes", [200, "removed"]),
        ("to and fro", [200, "removed", 200, "removed", 200]),
        ("goes before it came", [200, "removed"]),
        ("goes late", [200, "removed", 300]),
        ("comes and goes", [200, "removed"]),
        ("clock set back", [200, 500, "removed"]),
        ("twice", [200, "removed"]),
        ("two at once", []),
        ("is and is not", []),
        ("shares a place", [300]),
        ("no place", []),
    ],
)
def test_versions_are_in_the_order_of_the_log(
    told: Told, record: str, versions: list[int | str]
) -> None:
    assert told.source.versions(record) == versions


def test_every_event_is_accounted_for(told: Told) -> None:
    # In the first night, unchanged: a second removal in a row, and one of what nobody knew;
    # duplicate: two events that came twice, and a state that was said again.
    assert [counts(run) for run in told.runs] == [
        (31, 20, 2, 3, 6),
        (37, 7, 22, 2, 6),
        (39, 2, 29, 2, 6),
    ]
    assert [(run.retracted, run.retracted_by_row) for run in told.runs] == [(4, 4), (3, 3), (1, 1)]
    assert [run.appended for run in told.runs] == [run.accepted for run in told.runs]
    assert told.runs[0].reasons["conflict:record_id"] == 4
    assert told.runs[0].reasons["read:sequence"] == 1
    assert told.runs[0].reasons["required:source_record_id"] == 1
    assert told.source.doubled() == 0


def test_a_removal_keeps_the_row_that_said_so(told: Told) -> None:
    found = query(
        told.source.world.a,
        RECORD_TYPE,
        "SELECT data_status, disposition_reason, source_record_id, _object_digest IS NOT NULL, "
        "_row - first_value(_row) OVER (ORDER BY record_version), content_hash "
        "FROM disposition_history WHERE disposition_no = 'comes and goes' ORDER BY record_version",
    )
    assert [row[:5] for row in found] == [
        ("valid", "超限运输", "comes and goes", True, 0),
        ("removed", "超限运输", "comes and goes", True, 1),
    ]
    assert found[0][5] != found[1][5]


def test_replays_take_a_new_mapping_and_go_back(world: World, postgresql: Postgresql) -> None:
    log = front(world, postgresql, "events", "log", LOG, FOLLOW)
    log.sql(says("甲1", 1, 200), says("甲2", 2, 300), says("甲1", 3, 500), says("甲2", 4, GONE))
    log.sync()
    path = log.source.mapping_path
    before = path.read_text(encoding="utf-8")
    path.write_text(before.replace("txt(fine)", "txt(fine) || '1'"), encoding="utf-8")
    log.replay(NOW + NIGHT)
    assert log.versions("甲1") == [200, 2001, 500, 5001]
    assert log.current() == {"甲1": 5001}
    path.write_text(before, encoding="utf-8")
    log.replay(NOW + 2 * NIGHT)
    assert log.current() == {"甲1": 500}
    again = log.replay(NOW + 3 * NIGHT)
    assert (counts(again), again.retracted) == ((4, 0, 4, 0, 0), 0)


def test_places_that_are_times_are_compared_as_times(world: World, postgresql: Postgresql) -> None:
    rest = FOLLOW.replace('"seq"', '"moved"').replace("integer", "iso").replace("1000", '"PT1H"')
    create = LOG.replace("seq bigint", "moved timestamptz")
    log = front(world, postgresql, "events", "log", create, rest, key=["no"])
    for moved, fine in (("10:00:00.5+00", 1), ("19:00:00+08", 2), ("10:30:00+00", 3)):
        log.sql(says("甲1", 0, fine).replace("(0", f"('2026-01-01 {moved}'"))
    log.sync()
    assert log.versions("甲1") == [1, 3, 2]
    text = log.source.folder / "source.toml"
    text.write_text(text.read_text(encoding="utf-8").replace('operation = "op"', 'operation = "x"'))
    with pytest.raises(DataError, match="the log has no column 'x'"):
        log.sync(NOW + NIGHT)


def test_keys_sort_as_their_numbers() -> None:
    numbers = [-(10**30), -11, -10, -9, -1, 0, 1, 9, 10, 11, 99, 100, 10**30]
    keys = [sort_key(number) for number in numbers]
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)
