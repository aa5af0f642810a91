"""A log of changes: its order holds, whenever and however often its events are read."""

from __future__ import annotations

import pytest
from flows_database import RECORD_TYPE, Front, front
from flows_world import NIGHT, NOW, World, counts, query
from servers.postgresql import Postgresql, postgresql

__all__ = ["postgresql"]

LOG = (
    "CREATE TABLE log (seq bigint PRIMARY KEY, op text, no text, reason text, fine text, day date)"
)
FOLLOW = """
[cursor]
field = "seq"
format = "integer"
overlap = 100

[events]
operation = "op"
"""


@pytest.fixture
def log(world: World, postgresql: Postgresql) -> Front:
    return front(world, postgresql, "events", "log", LOG, FOLLOW)


def says(source: Front, seq: int, no: str, fine: int | None, op: str = "U") -> None:
    """An event: the fine of a case, or (None) that the case is gone. A removal has only its key."""
    if fine is None:
        source.sql(f"INSERT INTO log VALUES ({seq}, 'D', '{no}', NULL, NULL, NULL)")
    else:
        source.sql(
            f"INSERT INTO log VALUES ({seq}, '{op}', '{no}', '超限运输', '{fine}', '2026-09-01')"
        )


def test_events_of_one_batch_are_versions_in_the_order_of_the_log(log: Front) -> None:
    for seq, fine in ((9, 200), (10, 500), (11, 200)):
        says(log, seq, "甲1", fine)
    run = log.sync()
    assert counts(run) == (3, 3, 0, 0, 0)
    assert log.versions("甲1") == [200, 500, 200]
    assert log.current() == {"甲1": 200}


def test_events_that_are_read_again_change_nothing(log: Front) -> None:
    says(log, 5, "甲1", 200)
    log.sync()
    says(log, 7, "甲1", 500)
    log.sync(NOW + NIGHT)
    run = log.sync(NOW + 2 * NIGHT)
    assert counts(run) == (2, 0, 2, 0, 0)
    assert log.versions("甲1") == [200, 500]


def test_an_event_that_is_committed_late_takes_its_place(log: Front) -> None:
    says(log, 5, "甲1", 200)
    says(log, 8, "甲1", 800)
    log.sync()
    says(log, 6, "甲1", 300)
    run = log.sync(NOW + NIGHT)
    assert counts(run) == (3, 1, 2, 0, 0)
    assert log.versions("甲1") == [200, 300, 800]
    says(log, 7, "甲1", 700)
    log.sync(NOW + 2 * NIGHT)
    assert log.versions("甲1") == [200, 300, 700, 800]


def test_a_removal_makes_a_version_of_the_last_one(log: Front) -> None:
    says(log, 1, "甲1", 200)
    says(log, 2, "甲2", 300)
    log.sync()
    says(log, 3, "甲1", None)
    run = log.sync(NOW + NIGHT)
    assert counts(run) == (3, 1, 2, 0, 0)
    assert (run.retracted, run.retracted_by_row, run.appended) == (1, 1, 1)
    assert log.current() == {"甲2": 300}
    assert log.versions("甲1") == [200, "removed"]
    again = log.sync(NOW + 2 * NIGHT)
    assert (counts(again), again.retracted) == ((3, 0, 3, 0, 0), 0)


def test_a_removal_keeps_the_row_that_said_so(log: Front) -> None:
    says(log, 1, "甲1", 200)
    says(log, 2, "甲1", None)
    log.sync()
    found = query(
        log.world.a,
        RECORD_TYPE,
        "SELECT data_status, _row, _object_digest IS NOT NULL, disposition_reason, "
        "source_record_id FROM disposition_history ORDER BY record_version",
    )
    assert found == [
        ("valid", 1, True, "超限运输", "甲1"),
        ("removed", 2, True, "超限运输", "甲1"),
    ]


def test_the_last_word_of_a_batch_holds(log: Front) -> None:
    for seq, fine in ((1, 200), (2, None), (3, 200), (4, None), (5, None), (6, 200), (7, 200)):
        says(log, seq, "甲1", fine)
    run = log.sync()
    # 5 says nothing new, and neither does 7
    assert counts(run) == (7, 5, 1, 1, 0)
    assert log.versions("甲1") == [200, "removed", 200, "removed", 200]


def test_a_removal_of_what_nobody_knows_changes_nothing(log: Front) -> None:
    says(log, 2, "甲1", None)
    run = log.sync()
    assert (counts(run), run.retracted) == ((1, 0, 1, 0, 0), 0)
    # what it removed was committed late
    says(log, 1, "甲1", 200)
    run = log.sync(NOW + NIGHT)
    assert (counts(run), run.retracted) == ((2, 2, 0, 0, 0), 1)
    assert log.versions("甲1") == [200, "removed"]


def test_a_late_removal_does_not_undo_what_came_after_it(log: Front) -> None:
    says(log, 1, "甲1", 200)
    says(log, 3, "甲1", 300)
    log.sync()
    says(log, 2, "甲1", None)
    log.sync(NOW + NIGHT)
    assert log.versions("甲1") == [200, "removed", 300]
    assert log.current() == {"甲1": 300}


def test_the_order_of_the_log_holds_when_this_nodes_clock_is_set_back(log: Front) -> None:
    says(log, 1, "甲1", 200)
    log.sync()
    says(log, 2, "甲1", 500)
    log.sync(NOW - 30 * NIGHT)
    says(log, 3, "甲1", None)
    log.sync(NOW - 60 * NIGHT)
    assert log.versions("甲1") == [200, 500, "removed"]


def test_a_row_without_a_place_in_the_log_is_quarantined(log: Front) -> None:
    log.sql("ALTER TABLE log DROP CONSTRAINT log_pkey", "ALTER TABLE log ALTER seq DROP NOT NULL")
    says(log, 1, "甲1", 200)
    log.sql("INSERT INTO log VALUES (NULL, 'U', '甲2', '超限运输', '300', '2026-09-01')")
    run = log.sync()
    assert counts(run) == (2, 1, 0, 0, 1)
    assert run.reasons == {"read:sequence": 1}


def test_a_removal_without_a_key_is_quarantined(log: Front) -> None:
    log.sql("INSERT INTO log VALUES (1, 'D', NULL, NULL, NULL, NULL)")
    run = log.sync()
    assert counts(run) == (1, 0, 0, 0, 1)
    assert "required:source_record_id" in run.reasons


@pytest.mark.parametrize("second", [500, None])
def test_two_things_at_one_place_are_in_conflict(log: Front, second: int | None) -> None:
    log.sql("ALTER TABLE log DROP CONSTRAINT log_pkey")
    says(log, 1, "甲1", 200)
    says(log, 1, "甲1", second)
    says(log, 1, "甲2", 300)
    run = log.sync()
    assert counts(run) == (3, 1, 0, 0, 2)
    assert run.reasons == {"conflict:record_id": 2}


def test_one_event_that_comes_twice_is_one(log: Front) -> None:
    log.sql("ALTER TABLE log DROP CONSTRAINT log_pkey")
    for _ in range(2):
        says(log, 1, "甲1", 200)
        says(log, 2, "甲1", None)
    run = log.sync()
    assert counts(run) == (4, 2, 0, 2, 0)
    assert log.versions("甲1") == [200, "removed"]


def test_replays_keep_the_end_and_take_a_new_mapping(log: Front) -> None:
    says(log, 1, "甲1", 200)
    says(log, 2, "甲2", 300)
    log.sync()
    says(log, 3, "甲1", 500)
    says(log, 4, "甲2", None)
    log.sync(NOW + NIGHT)
    again = log.replay(NOW + 2 * NIGHT)
    assert (again.accepted, again.retracted, again.unchanged) == (0, 0, 6)
    path = log.source.mapping_path
    before = path.read_text(encoding="utf-8")
    path.write_text(before.replace("txt(fine)", "txt(fine) || '1'"), encoding="utf-8")
    log.replay(NOW + 3 * NIGHT)
    assert log.versions("甲1") == [200, 2001, 500, 5001]
    assert log.current() == {"甲1": 5001}
    path.write_text(before, encoding="utf-8")
    log.replay(NOW + 4 * NIGHT)
    assert log.current() == {"甲1": 500}
    assert log.replay(NOW + 5 * NIGHT).accepted == 0


def test_places_that_are_times_are_compared_as_times(world: World, postgresql: Postgresql) -> None:
    rest = FOLLOW.replace('field = "seq"', 'field = "moved"').replace("integer", "iso")
    create = LOG.replace("seq bigint PRIMARY KEY", "moved timestamptz")
    log = front(world, postgresql, "events", "log", create, rest.replace("100", '"PT1H"'))
    for moved, fine in (("10:00:00.5+00", 1), ("19:00:00+08", 2), ("10:30:00+00", 3)):
        log.sql(
            f"INSERT INTO log VALUES ('2026-01-01 {moved}', 'U', '甲1', '超限运输', '{fine}', "
            "'2026-09-01')"
        )
    log.sync()
    assert log.versions("甲1") == [1, 3, 2]
