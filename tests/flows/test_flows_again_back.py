"""A correction that was itself wrong is taken back: the records go back, here and at partners."""

from __future__ import annotations

import pytest
from flows_world import CASES, NIGHT, NOW, World, case, counts, query

from flows.again import normalise_again
from hefu.quarantined import open_rows
from lake.runs import RunRecord
from schemas.codes import COLUMNS
from schemas.errors import DataError

DECIDED = "SELECT violation_type FROM case_result_current ORDER BY case_no"
FINES = "SELECT fine_amount_cny::INT FROM case_result_current ORDER BY case_no"
CATEGORY = "SELECT party_category, raw_values FROM case_result_current ORDER BY case_no"
RIGHT, WRONG = "txt(violation) AS", "'误：' || txt(violation) AS"


def _again(world: World, night: int) -> RunRecord:
    (source,) = world.a.sources([CASES])
    return normalise_again(world.a, source, NOW + night * NIGHT)


def _correct(world: World, before: str, after: str) -> None:
    mapping = world.a.root / "sources" / CASES / "mapping.sql"
    text = mapping.read_text(encoding="utf-8")
    assert before in text
    mapping.write_text(text.replace(before, after), encoding="utf-8")


@pytest.mark.parametrize("clock", [True, False])
def test_a_mapping_that_is_put_back_puts_the_records_back(world: World, clock: bool) -> None:
    if not clock:
        _correct(world, "    ts_cn(updated) AS source_updated_time,\n", "")
    world.drop("1.csv", [case(1)])
    world.sync()
    _correct(world, RIGHT, WRONG)
    assert _again(world, 1).accepted == 1
    assert query(world.a, "case_result", DECIDED) == [("误：超限运输",)]
    _correct(world, WRONG, RIGHT)
    assert counts(_again(world, 2)) == (1, 1, 0, 0, 0)
    assert query(world.a, "case_result", DECIDED) == [("超限运输",)]
    assert counts(_again(world, 3)) == (1, 0, 1, 0, 0)


@pytest.mark.parametrize("clock", [True, False])
def test_the_partner_follows_there_and_back(world: World, clock: bool) -> None:
    if not clock:
        _correct(world, "    ts_cn(updated) AS source_updated_time,\n", "")
    world.drop("1.csv", [case(1)])
    world.sync()
    for night, (before, after) in enumerate([(RIGHT, RIGHT), (RIGHT, WRONG), (WRONG, RIGHT)], 1):
        _correct(world, before, after)
        _again(world, night)
        world.publish(now=NOW + night * NIGHT)
        world.receive(now=NOW + night * NIGHT)
        assert query(world.b, "case_result", DECIDED) == query(world.a, "case_result", DECIDED)
    assert query(world.b, "case_result", DECIDED) == [("超限运输",)]


def test_a_code_row_that_is_withdrawn_leaves_the_code_unmapped_again(world: World) -> None:
    read = "code('party_category', 'zh', name) AS party_category, "
    _correct(world, "txt(phone) AS", f"{read}txt(phone) AS")
    world.drop("1.csv", [case(1, name="甲类户")])
    world.sync()
    before = query(world.a, "case_result", CATEGORY)
    rows = world.a.root / "codes" / "party_category.csv"
    rows.parent.mkdir(exist_ok=True)
    rows.write_text(f"{','.join(COLUMNS)}\nzh,甲类户,individual_business,,,,,误,true\n", "utf-8")
    _again(world, 1)
    assert query(world.a, "case_result", CATEGORY) == [("individual_business", None)]
    rows.unlink()
    _again(world, 2)
    assert query(world.a, "case_result", CATEGORY) == before


def test_of_two_nights_with_one_clock_the_later_stays_in_force(world: World) -> None:
    """The time of receipt decides, and a content hash must not: it would be a lottery."""
    numbers = range(1, 9)
    world.drop("1.csv", [case(n, fine="200") for n in numbers])
    world.sync()
    world.drop("1.csv", [case(n, fine="500") for n in numbers])
    world.sync(now=NOW + NIGHT)
    assert query(world.a, "case_result", FINES) == [(500,)] * 8
    _correct(world, RIGHT, WRONG)
    _again(world, 2)
    assert query(world.a, "case_result", FINES) == [(500,)] * 8
    assert counts(_again(world, 3)) == (16, 0, 16, 0, 0)
    assert query(world.a, "case_result", FINES) == [(500,)] * 8


def test_a_refused_row_that_was_put_right_since_is_not_open_again(world: World) -> None:
    world.drop("1.csv", [case(1, fine="贰佰"), case(2, fine="叁佰")])
    assert world.sync().quarantined == 2
    world.drop("2.csv", [case(1, day=2, fine="200")])
    world.sync(now=NOW + NIGHT)
    before = [row.row for row in open_rows(world.a)]
    assert before == [2]
    assert _again(world, 2).quarantined == 2
    assert [row.row for row in open_rows(world.a)] == before


def test_a_row_refused_only_by_todays_mapping_is_open(world: World) -> None:
    world.drop("1.csv", [case(1)])
    world.sync()
    _correct(world, "yuan(fine)", "yuan('约' || fine)")
    assert _again(world, 1).quarantined == 1
    assert [row.row for row in open_rows(world.a)] == [1]


def test_an_object_that_the_landing_log_does_not_know_is_not_passed_over(world: World) -> None:
    world.drop("1.csv", [case(1)])
    world.sync()
    (world.a.place("landing") / "streams" / f"{CASES}.jsonl").write_bytes(b"")
    with pytest.raises(DataError, match="landing"):
        _again(world, 1)
