"""What was received is kept as long as the rule says, and as long as anybody needs it."""

from __future__ import annotations

import os

import pytest
from flows_world import CASES, NIGHT, NOW, World, case, counts, current

from connectors.landing import Landing
from flows.again import normalise_again
from flows.locks import holding
from flows.retention import prune
from hefu.landing_report import landing_use
from schemas.errors import ConfigError, HefuError

KEEP = 400 * NIGHT


def objects(world: World) -> int:
    return len(list(Landing(world.a.place("landing")).resting()))


def two_nights(world: World) -> None:
    world.drop("1.csv", [case(1)])
    world.sync()
    world.drop("2.csv", [case(2, day=2)])
    world.sync(now=NOW + 100 * NIGHT)


def test_only_what_is_older_than_the_rule_goes(world: World) -> None:
    two_nights(world)
    before = current(world.a)
    would = prune(world.a, NOW + 450 * NIGHT, keep=KEEP, dry_run=True)
    assert (would.objects, objects(world)) == (1, 2)
    done = prune(world.a, NOW + 450 * NIGHT, keep=KEEP)
    assert (done.objects, done.size) == (would.objects, would.size)
    assert [len(plan.old) for plan in done.plans] == [1]
    assert objects(world) == 1
    assert current(world.a) == before  # the lake is not touched
    assert prune(world.a, NOW + 450 * NIGHT, keep=KEEP).objects == 0


def test_without_a_rule_everything_is_kept(world: World) -> None:
    two_nights(world)
    assert prune(world.a, NOW + 5000 * NIGHT).objects == 0
    assert objects(world) == 2


def test_the_rule_of_the_node(world: World) -> None:
    two_nights(world)
    config = world.root / "a" / "hefu.toml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("# keep_days = 400", "keep_days = 400"), encoding="utf-8")
    assert landing_use(world.a, NOW + 450 * NIGHT).streams[0].old == 1
    assert prune(world.a, NOW + 450 * NIGHT).objects == 1


def test_what_a_younger_run_read_again_is_kept(world: World) -> None:
    two_nights(world)
    (source,) = world.a.sources([CASES])
    normalise_again(world.a, source, NOW + 300 * NIGHT)
    assert prune(world.a, NOW + 550 * NIGHT, keep=KEEP).objects == 0


def test_what_waits_in_quarantine_is_kept_until_told_otherwise(world: World) -> None:
    world.drop("1.csv", [case(1), case(2, fine="keine")])
    world.sync()
    done = prune(world.a, NOW + 500 * NIGHT, keep=KEEP)
    assert (done.objects, [len(plan.waiting) for plan in done.plans]) == (0, [1])
    assert prune(world.a, NOW + 500 * NIGHT, keep=KEEP, quarantined=True).objects == 1


def test_a_row_that_was_put_right_holds_nothing_back(world: World) -> None:
    world.drop("1.csv", [case(1), case(2, fine="keine")])
    world.sync()
    world.drop("1.csv", [case(1), case(2, day=2)])
    world.sync(now=NOW + NIGHT)
    assert prune(world.a, NOW + 500 * NIGHT, keep=KEEP).objects == 2


def test_a_stream_that_is_being_read_is_left_alone(world: World) -> None:
    two_nights(world)
    with holding(world.a, f"stream/{CASES}"):
        done = prune(world.a, NOW + 5000 * NIGHT, keep=KEEP)
    assert (done.objects, done.busy) == (0, (CASES,))
    assert objects(world) == 2


def _failed_run(world: World, night: int) -> None:
    """The file is landed, and then the run fails: no run names the object."""
    mapping = world.root / "a" / "sources" / CASES / "mapping.sql"
    text = mapping.read_text(encoding="utf-8")
    mapping.write_text("SELECT nothing FROM raw", encoding="utf-8")
    with pytest.raises(HefuError):
        world.sync(now=NOW + night * NIGHT)
    mapping.write_text(text, encoding="utf-8")


def test_an_orphan_goes_once_its_stream_went_on_without_it(world: World) -> None:
    lost = world.drop("1.csv", [case(1)])
    _failed_run(world, 0)
    lost.unlink()
    # While every run fails nobody can say that it is not needed.
    assert prune(world.a, NOW + 100 * NIGHT).objects == 0
    world.drop("2.csv", [case(2)])
    assert counts(world.sync(now=NOW + NIGHT)) == (1, 1, 0, 0, 0)
    assert prune(world.a, NOW + 6 * NIGHT).objects == 0
    use = landing_use(world.a, NOW + 8 * NIGHT).streams[0]
    assert (use.objects, use.orphans) == (2, 1)
    assert prune(world.a, NOW + 8 * NIGHT).objects == 1
    assert landing_use(world.a, NOW + 8 * NIGHT).streams[0].pruned == 1


def test_an_object_that_neither_log_nor_run_knows_goes_after_a_week(world: World) -> None:
    two_nights(world)
    landing = world.a.place("landing")
    stray = landing / "objects" / "ab" / ("ab" * 32)
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"left by a run that was killed")
    os.utime(stray, (NOW.timestamp(), NOW.timestamp()))
    assert landing_use(world.a, NOW).unknown == 1
    assert prune(world.a, NOW + 6 * NIGHT).unknown == 0
    assert prune(world.a, NOW + 8 * NIGHT).unknown == 1
    assert objects(world) == 2


def test_a_lost_log_costs_no_object_that_a_run_names(world: World) -> None:
    two_nights(world)
    (world.a.place("landing") / "streams" / f"{CASES}.jsonl").unlink()
    assert prune(world.a, NOW + 5000 * NIGHT, keep=KEEP).objects == 0
    assert objects(world) == 2


def test_a_file_that_still_lies_there_is_received_anew_and_nothing_changes(world: World) -> None:
    two_nights(world)
    prune(world.a, NOW + 600 * NIGHT, keep=KEEP)
    assert objects(world) == 0
    assert counts(world.sync(now=NOW + 601 * NIGHT)) == (0, 0, 0, 0, 0)
    assert counts(world.backfill(None, None, now=NOW + 602 * NIGHT)) == (2, 0, 2, 0, 0)
    assert objects(world) == 2


def test_content_that_two_streams_received_is_counted_once_on_the_disk(world: World) -> None:
    landing = Landing(world.a.place("landing"))
    for stream in ("one/a", "two/b"):
        landing.store(stream, [b"x" * 1000], "f", NOW)
    use = landing_use(world.a, NOW)
    assert [(s.objects, s.size) for s in use.streams] == [(1, 1000), (1, 1000)]
    assert (use.objects, use.size) == (1, 1000)
    assert [s.stream_id for s in landing_use(world.a, NOW, ["two"]).streams] == ["two/b"]
    with pytest.raises(ConfigError, match="nothing was ever received"):
        landing_use(world.a, NOW, ["three"])
