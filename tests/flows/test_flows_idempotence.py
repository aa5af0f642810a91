"""Whatever is pulled, how often and in which order: the lake ends up the same."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest
from flows_hotline import Hotline
from flows_world import (
    LEADS,
    NIGHT,
    NOW,
    World,
    case,
    counts,
    current,
    history,
    order,
)

from hefu.quarantined import open_rows
from lake.store import Lake

#: Three files about four cases: the second corrects a case, the third brings an old version late.
DROPS = {
    "1": [case(1, day=2), case(2, day=2)],
    "2": [case(1, day=5, fine="900"), case(3, day=5)],
    "3": [case(2, day=1, fine="50"), case(4, day=3)],
}
SEPTEMBER = (date(2020, 9, 1), date(2020, 9, 30))


def test_a_second_sync_changes_nothing(world: World) -> None:
    world.drop("1.csv", DROPS["1"])
    assert counts(world.sync()) == (2, 2, 0, 0, 0)
    before = history(world.a)
    assert counts(world.sync(now=NOW + NIGHT)) == (0, 0, 0, 0, 0)
    # the same rows under another name and in another order are read, and known
    world.drop("copy.csv", DROPS["1"][::-1])
    assert counts(world.sync(now=NOW + 2 * NIGHT)) == (2, 0, 2, 0, 0)
    assert history(world.a) == before


#: Nights as lists of the drops that are there in the morning; * is the same file once more.
NIGHTS = {
    "one after the other": ["1", "2", "3"],
    "backwards": ["3", "2", "1"],
    "all in one night": ["123"],
    "again and again": ["2", "13", "21"],
}


@pytest.fixture(scope="module")
def in_order(new_world: Callable[[], World]) -> list[Any]:
    return live(new_world(), NIGHTS["one after the other"])


def live(world: World, nights: list[str]) -> list[Any]:
    for number, night in enumerate(nights):
        for name in night:
            world.drop(f"{name}-{number}.csv", DROPS[name])
        counts(world.sync(now=NOW + number * NIGHT))
    return current(world.a)


@pytest.mark.parametrize("nights", list(NIGHTS)[1:])
def test_the_order_of_files_does_not_matter(world: World, in_order: list[Any], nights: str) -> None:
    assert len(in_order) == 4
    assert live(world, NIGHTS[nights]) == in_order


def test_a_late_old_version_does_not_become_current(in_order: list[Any]) -> None:
    assert ["200.00" in map(str, row) for row in in_order].count(True) == 3
    assert ["50.00" in map(str, row) for row in in_order].count(True) == 0


def test_two_syncs_at_once_take_each_row_once(world: World) -> None:
    world.drop("1.csv", DROPS["1"])
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(world.sync) for _ in range(2)]
    assert sorted(counts(run.result()) for run in runs) == [(0, 0, 0, 0, 0), (2, 2, 0, 0, 0)]
    assert len(history(world.a)) == 2


# ---- backfill ----------------------------------------------------------------------------------


def test_a_window_then_the_nightly_sync_is_as_the_nightly_sync_alone(
    world: World, in_order: list[Any]
) -> None:
    for name, rows in DROPS.items():
        world.drop(f"{name}.csv", rows)
    assert counts(world.backfill(date(2020, 9, 2), date(2020, 9, 3))) == (4, 4, 0, 0, 0)
    nightly = world.sync()
    assert counts(nightly) == (6, 2, 4, 0, 0)
    assert current(world.a) == in_order


def test_a_backfill_does_not_move_the_cursor_and_finds_nothing_new(world: World) -> None:
    world.drop("1.csv", DROPS["1"])
    cursor = world.sync().cursor
    before = history(world.a)
    world.drop("2.csv", [case(9)])
    again = world.backfill(*SEPTEMBER, now=NOW + NIGHT)
    assert counts(again) == (3, 1, 2, 0, 0)
    assert again.cursor == cursor
    assert len(history(world.a)) == len(before) + 1
    # the new file is still new to the nightly sync
    assert counts(world.sync(now=NOW + 2 * NIGHT)) == (1, 0, 1, 0, 0)


def test_a_backfill_asks_the_api_for_the_window_and_leaves_its_cursor(
    world: World, hotline: Hotline
) -> None:
    hotline.orders = [order(i, day=1 + i) for i in range(6)]
    first = world.backfill(date(2020, 10, 2), date(2020, 10, 3), LEADS)
    assert counts(first) == (2, 2, 0, 0, 0)
    assert first.cursor is None
    assert {(q["from"], q["to"]) for q in hotline.asked} == {("2020-10-02", "2020-10-03")}
    nightly = world.sync(LEADS, NOW + NIGHT)
    assert counts(nightly) == (6, 4, 2, 0, 0)
    assert nightly.cursor == {"value": "2020-10-06T10:00:00+08:00"}
    again = world.backfill(date(2020, 10, 1), date(2020, 10, 6), LEADS, NOW + 2 * NIGHT)
    assert (counts(again), again.cursor) == ((6, 0, 6, 0, 0), nightly.cursor)
    hotline.asked.clear()
    # a day of overlap: the last two are asked for again, and known
    assert counts(world.sync(LEADS, NOW + 3 * NIGHT)) == (2, 0, 2, 0, 0)
    assert hotline.asked[0]["since"].startswith("2020-10-05T10:00:00")


def test_a_dry_run_counts_and_stores_nothing(world: World) -> None:
    world.drop("1.csv", [case(1), case(2), case(3, fine="-1")])
    lake = Lake(world.a.place("lake"))
    assert counts(world.backfill(*SEPTEMBER, dry_run=True)) == (3, 2, 0, 0, 1)
    assert lake.version("case_result") is None
    assert list((world.root / "a/quarantine").glob("**/*.parquet")) == []
    world.sync()
    version, refused = lake.version("case_result"), open_rows(world.a)
    world.drop("2.csv", [case(4), case(5, fine="-1")])
    assert counts(world.sync(dry_run=True)) == (2, 1, 0, 0, 1)
    assert counts(world.backfill(*SEPTEMBER, dry_run=True)) == (5, 1, 2, 0, 2)
    assert (lake.version("case_result"), open_rows(world.a)) == (version, refused)
    # the nightly sync finds everything that the dry run looked at
    assert counts(world.sync()) == (2, 1, 0, 0, 1)
