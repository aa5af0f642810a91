"""A mapping is put right: what was received before is normalised again, without the source."""

from __future__ import annotations

import shutil
from datetime import date

import pytest
from flows_world import CASES, NIGHT, NOW, World, case, counts, current, query

from flows.again import normalise_again
from lake.runs import RunRecord
from lake.store import Lake
from schemas.errors import DataError

VIOLATIONS = "SELECT violation_type FROM case_result_current ORDER BY case_no"


def _again(world: World, night: int, **more: object) -> RunRecord:
    (source,) = world.a.sources([CASES])
    return normalise_again(world.a, source, NOW + night * NIGHT, **more)  # type: ignore[arg-type]


def _correct(world: World, before: str, after: str) -> None:
    mapping = world.a.root / "sources" / CASES / "mapping.sql"
    text = mapping.read_text(encoding="utf-8")
    assert before in text
    mapping.write_text(text.replace(before, after), encoding="utf-8")


def _two_nights(world: World) -> None:
    world.drop("1.csv", [case(1), case(2)])
    world.sync()
    world.drop("2.csv", [case(2, day=2, fine="500"), case(3, day=2)])
    world.sync(now=NOW + NIGHT)


def test_nothing_changes_while_the_mapping_stays(world: World) -> None:
    _two_nights(world)
    before = current(world.a)
    assert counts(_again(world, 2)) == (4, 0, 4, 0, 0)
    assert current(world.a) == before


def test_a_corrected_mapping_reaches_what_came_before(world: World) -> None:
    _two_nights(world)
    shutil.rmtree(world.root / "drops")  # the source is not asked
    _correct(world, "txt(violation) AS", "'改正：' || txt(violation) AS")
    would = _again(world, 2, dry_run=True)
    assert counts(would) == (4, 4, 0, 0, 0)
    assert query(world.a, "case_result", VIOLATIONS) == [("超限运输",)] * 3
    assert counts(_again(world, 2)) == (4, 4, 0, 0, 0)
    assert query(world.a, "case_result", VIOLATIONS) == [("改正：超限运输",)] * 3
    fines = query(
        world.a, "case_result", "SELECT fine_amount_cny::INT FROM case_result_current ORDER BY 1"
    )
    assert fines == [(200,), (200,), (500,)]
    assert counts(_again(world, 3)) == (4, 0, 4, 0, 0)


def test_without_a_clock_the_newest_content_stays_in_force(world: World) -> None:
    _correct(world, "    ts_cn(updated) AS source_updated_time,\n", "")
    for night, fine in enumerate(("200", "500", "200")):
        world.drop("all.csv", [case(1, fine=fine)])
        world.sync(now=NOW + night * NIGHT)
    _correct(world, "txt(violation) AS", "'改正：' || txt(violation) AS")
    _again(world, 4)
    both = "SELECT violation_type, fine_amount_cny::INT FROM case_result_current"
    assert query(world.a, "case_result", both) == [("改正：超限运输", 200)]


def test_versions_of_two_nights_with_one_clock_are_no_conflict(world: World) -> None:
    world.drop("1.csv", [case(1, fine="200")])
    world.sync()
    world.drop("1.csv", [case(1, fine="500")])
    world.sync(now=NOW + NIGHT)
    _correct(world, "txt(violation) AS", "'改正：' || txt(violation) AS")
    assert counts(_again(world, 2)) == (2, 2, 0, 0, 0)


def test_a_quarantined_row_comes_in_when_the_mapping_can_read_it(world: World) -> None:
    world.drop("1.csv", [case(1), case(2, fine="贰佰")])
    assert world.sync().quarantined == 1
    _correct(world, "yuan(fine)", "yuan(replace(fine, '贰佰', '200'))")
    assert counts(_again(world, 1)) == (2, 1, 1, 0, 0)
    assert len(current(world.a)) == 2


def test_only_what_was_received_in_the_days_asked_for(world: World) -> None:
    _two_nights(world)
    # 17:30 in UTC is past midnight in China
    assert _again(world, 2, since=date(2026, 10, 10)).received == 2
    assert _again(world, 2, until=date(2026, 10, 9)).received == 2
    with pytest.raises(DataError, match="nothing was received"):
        _again(world, 2, since=date(2026, 10, 11))


def test_the_nightly_cursor_and_gate_stay_as_they_were(world: World) -> None:
    _two_nights(world)
    lake = Lake(world.a.place("lake"))
    before = lake.last_run(CASES, "case_result")
    _again(world, 2)
    after = lake.last_run(CASES, "case_result")
    assert before is not None
    assert after is not None
    assert (after.mode, after.cursor) == ("replay", before.cursor)
    assert world.sync(now=NOW + 3 * NIGHT).received == 0


def test_an_object_that_is_gone_is_named(world: World) -> None:
    _two_nights(world)
    shutil.rmtree(world.a.place("landing") / "objects")
    with pytest.raises(DataError, match="not in the landing area"):
        _again(world, 2)
