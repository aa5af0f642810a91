"""A code that nobody explained is taken in and told; the node's own rows explain it."""

from __future__ import annotations

from datetime import date

import pytest
from flows_world import CASES, NIGHT, NOW, World, case, counts, query

from schemas.codes import COLUMNS
from schemas.errors import ConfigError

SEPTEMBER = (date(2020, 9, 1), date(2020, 9, 30))
FIELDS = "SELECT party_category, raw_values FROM case_result_current ORDER BY case_no"


def read_the_party_category(world: World) -> None:
    path = world.a.root / "sources" / CASES / "mapping.sql"
    more = "code('party_category', 'zh', name) AS party_category, txt(phone) AS party_phone"
    path.write_text(path.read_text("utf-8").replace("txt(phone) AS party_phone", more), "utf-8")


def add_row(world: World, row: str) -> None:
    folder = world.a.root / "codes"
    folder.mkdir(exist_ok=True)
    (folder / "party_category.csv").write_text(f"{','.join(COLUMNS)}\n{row}\n", "utf-8")


def test_an_unknown_code_is_kept_and_a_new_row_reaches_old_records(world: World) -> None:
    read_the_party_category(world)
    world.drop("1.csv", [case(1, name="甲类户"), case(2, name="自然人")])
    run = world.sync()
    assert counts(run) == (2, 2, 0, 0, 0)
    assert run.soft["code:party_category"] == 1
    assert query(world.a, "case_result", FIELDS) == [
        ("unmapped", ["party_category=甲类户"]),
        ("natural_person", None),
    ]
    add_row(world, "zh,甲类户,individual_business,,,,,本单位系统,true")
    again = world.backfill(*SEPTEMBER, now=NOW + NIGHT)
    assert counts(again) == (2, 1, 1, 0, 0)
    assert "code:party_category" not in again.soft
    assert query(world.a, "case_result", FIELDS) == [
        ("individual_business", None),
        ("natural_person", None),
    ]


def test_a_run_says_by_which_code_rows_its_records_were_read(world: World) -> None:
    read_the_party_category(world)
    world.drop("1.csv", [case(1, name="甲类户")])
    runs = [world.sync(), world.backfill(*SEPTEMBER, now=NOW + NIGHT)]
    add_row(world, "zh,甲类户,individual_business,,,,,本单位系统,true")
    runs.append(world.backfill(*SEPTEMBER, now=NOW + 2 * NIGHT))
    first, same, other = (run.codes_digest for run in runs)
    assert first == same != other
    assert len({run.mapping_digest for run in runs}) == 1


def test_a_row_that_cannot_be_used_stops_the_run_and_is_named(world: World) -> None:
    world.drop("1.csv", [case(1)])
    add_row(world, "zh,甲类户,pink,,,,,本单位系统,true")
    with pytest.raises(ConfigError) as caught:
        world.sync()
    assert caught.value.where
    assert str(caught.value.where).endswith("party_category.csv, row 2")
    (world.a.root / "codes" / "party_category.csv").unlink()
    assert counts(world.sync(now=NOW + NIGHT)) == (1, 1, 0, 0, 0)
