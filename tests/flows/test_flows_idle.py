"""A run that found nothing new leaves no commit; one a day is kept all the same."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flows_hotline import Hotline
from flows_world import CASES, LEADS, NIGHT, NOW, World, case, history

from flows.idle import last_idle
from hefu.summary import summarise
from lake.store import Lake
from schemas.errors import OutsideError

MINUTES = timedelta(minutes=5)


def commits(world: World) -> int:
    return len(Lake(world.a.place("lake")).runs("case_result", CASES))


def test_the_log_grows_with_news_and_with_days(world: World) -> None:
    world.drop("1.csv", [case(1), case(2)])
    world.sync()
    for nth in range(1, 4):
        idle = world.sync(now=NOW + nth * MINUTES)
        assert (idle.received, idle.accepted) == (0, 0)
    assert commits(world) == 1
    noted = last_idle(world.a, CASES)
    assert noted is not None
    assert noted.started_at == NOW + 3 * MINUTES
    (status,) = (s for s in summarise(world.a, NOW).sources if s.stream_id == CASES)
    assert status.last_run == noted
    assert (status.runs, status.accepted) == (1, 2)
    world.drop("2.csv", [case(3)])
    assert world.sync(now=NOW + 4 * MINUTES).accepted == 1
    assert (commits(world), last_idle(world.a, CASES)) == (2, None)
    world.sync(now=NOW + NIGHT)
    assert (commits(world), last_idle(world.a, CASES)) == (3, None)
    assert len(history(world.a)) == 3


def test_what_is_not_the_same_is_kept(world: World) -> None:
    world.drop("1.csv", [case(1), case(2)])
    world.sync()
    world.drop("1.csv", [case(1), case(2)])
    mapping = world.a.sources([CASES])[0].mapping_path
    mapping.write_text(mapping.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    world.sync(now=NOW + MINUTES)
    assert commits(world) == 2  # another mapping
    world.drop("2.csv", [case(3, fine="-1")])
    assert world.sync(now=NOW + 2 * MINUTES).quarantined == 1
    assert commits(world) == 3


def test_a_dry_run_notes_nothing(world: World) -> None:
    world.drop("1.csv", [case(1)])
    world.sync()
    world.sync(now=NOW + MINUTES, dry_run=True)
    assert last_idle(world.a, CASES) is None


def test_a_source_that_fails_is_told_and_needs_a_person_once_it_is_left_alone(
    world: World, hotline: Hotline
) -> None:
    hotline.token = "another"
    for nth in range(5):
        with pytest.raises(OutsideError):
            world.sync(LEADS, NOW + nth * MINUTES)
        found = summarise(world.a, NOW)
        (status,) = (s for s in found.sources if s.stream_id == LEADS)
        assert status.standing is not None
        assert status.standing.failures == nth + 1
        assert found.needs_a_person == (nth == 4)
