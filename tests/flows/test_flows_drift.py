"""Columns that a source gains or loses: told in words, and done as its ``drift`` says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from flows_hotline import Hotline
from flows_world import (
    CASE_COLUMNS,
    LEADS,
    NIGHT,
    NOW,
    World,
    case,
    counts,
    csv_text,
    current,
    order,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.landing import Landing
from flows.again import normalise_again
from flows.drift_words import told
from flows.shapes import describe
from flows.standing_news import standing_drift
from hefu.quarantined import open_rows
from lake.runs import Drift, RunRecord
from lake.store import Lake
from schemas.errors import ConfigError, DataError
from schemas.sql import connect

NEW = (*CASE_COLUMNS, "车牌颜色")

# Every column of the case system is read, into a record type with few rules: they take the time.
MAPPING = """\
SELECT
    txt(no) AS source_record_id,
    ts_cn(updated) AS source_updated_time,
    txt(no) AS correction_no,
    'decision_revoked' AS correction_type,
    ts_cn(decided) AS effective_time,
    left(concat_ws('/', plate, name, phone, violation, fine, sharing), 20) AS refers_to_no
FROM raw
"""


@pytest.fixture
def world(world: World) -> World:
    text = world.source_toml.read_text(encoding="utf-8").replace("case_result", "correction")
    world.source_toml.write_text(text, encoding="utf-8")
    world.source_toml.with_name("mapping.sql").write_text(MAPPING, encoding="utf-8")
    return world


def contract_mode(world: World, mode: str, more: str = "", stream: str = "cases/decided") -> None:
    path = world.root / "a" / "sources" / stream / "source.toml"
    text = path.read_text(encoding="utf-8").replace(
        "\n[reader]", f'drift = "{mode}"\n\n[reader]', 1
    )
    path.write_text(text + more, encoding="utf-8")


def coloured(numbers: Sequence[int], colour: str = "蓝") -> str:
    return csv_text([case(n) | {"车牌颜色": colour} for n in numbers], NEW)


def explain(world: World) -> None:
    with world.source_toml.open("a", encoding="utf-8") as file:
        file.write('\n[unused_columns]\n"车牌颜色" = "颜色已在车牌号中体现"\n')


def words(run: RunRecord) -> list[tuple[str, str]]:
    return [(text.en, text.zh) for text in told(run.drift)]


def standing(world: World, *runs: RunRecord) -> list[str]:
    (source,) = world.a.sources(["cases"])
    return [text.en for text in told(standing_drift(source.config, runs), dated=True)]


def test_a_new_column_is_told_once_with_rows_and_sample(world: World) -> None:
    world.drop("1.csv", [case(1)])
    first = world.sync()
    assert first.drift.new == ()
    assert first.columns == CASE_COLUMNS
    world.drop("2.csv", coloured(range(2, 6)))
    second = world.sync(now=NOW + NIGHT)
    assert words(second) == [
        (
            "column 车牌颜色 is new: 4 of 4 rows have it, sample 蓝",
            "新增列“车牌颜色”：4 行中 4 行有值，示例：蓝",
        )
    ]
    assert counts(second) == (4, 4, 0, 0, 0)
    world.drop("3.csv", coloured([7]))
    third = world.sync(now=NOW + 2 * NIGHT)
    assert (third.drift.new, third.drift.unused) == ((), ("车牌颜色",))
    assert standing(world, third, second, first) == [
        "column 车牌颜色 is new since 2026-10-10: 4 of 4 rows have it, sample 蓝"
    ]
    nothing_came = replace(third, columns=(), drift=Drift())
    assert standing(world, nothing_came, third, second, first) == standing(
        world, third, second, first
    )
    explain(world)
    assert standing(world, third, second, first) == []


def test_a_new_column_of_persons_shows_its_shape_and_no_value(world: World) -> None:
    world.drop("1.csv", [case(1)])
    world.sync()
    columns = (*CASE_COLUMNS, "经办人", "证件")
    people = [
        case(n) | {"经办人": "虚构甲乙", "证件": "999999199001010017"} for n in range(2, 8)
    ] + [case(9) | {"经办人": "虚构丙", "证件": ""}]
    world.drop("2.csv", csv_text(people, columns))
    run = world.sync(now=NOW + NIGHT)
    assert words(run) == [
        (
            "column 经办人 is new: 7 of 7 rows have it, Chinese text of 3 to 4 characters",
            "新增列“经办人”：7 行中 7 行有值，中文，3 至 4 个字符",
        ),
        (
            "column 证件 is new: 6 of 7 rows have it, digits of 18 characters",
            "新增列“证件”：7 行中 6 行有值，数字，18 个字符",
        ),
    ]
    kept = run.to_json()
    assert not any(value in kept for value in ("虚构", "99999919"))
    assert RunRecord.from_json(kept) == run


@pytest.mark.parametrize("first", [True, False])
def test_freeze_takes_nothing_in_until_somebody_tells_of_the_column(
    world: World, first: bool
) -> None:
    contract_mode(world, "freeze")
    if not first:
        world.drop("1.csv", [case(1)])
        world.sync()
    before = current(world.a, "correction")
    world.drop("2.csv", coloured(range(2, 6)))
    with pytest.raises(DataError) as caught:
        world.sync(now=NOW + NIGHT)
    assert "车牌颜色" in caught.value.message.zh
    assert "4 of 4 rows have it, sample 蓝" in caught.value.message.en
    assert caught.value.hint is not None
    assert "[unused_columns]" in caught.value.hint.en
    assert current(world.a, "correction") == before
    assert Lake(world.a.place("lake")).next_sequence("cases/decided", "correction") == 2 - first
    explain(world)
    run = world.sync(now=NOW + NIGHT)
    assert counts(run) == (4, 4, 0, 0, 0)
    assert run.drift.unused == ()


def test_freeze_takes_nothing_in_when_part_of_it_lacks_a_column(world: World) -> None:
    contract_mode(world, "freeze")
    world.drop("1.csv", [case(1)])
    fewer = tuple(c for c in CASE_COLUMNS if c != "phone")
    rows = [{k: v for k, v in case(2).items() if k != "phone"}]
    world.drop("2.csv", csv_text(rows, fewer))
    with pytest.raises(DataError, match="lacks column phone, which the mapping reads") as caught:
        world.sync()
    assert caught.value.hint is not None
    assert "optional_columns" in caught.value.hint.en


def test_discarded_rows_wait_in_quarantine_and_come_in_once_the_column_is_explained(
    world: World,
) -> None:
    contract_mode(world, "discard_row")
    world.drop("1.csv", csv_text([case(1) | {"车牌颜色": ""}, case(2) | {"车牌颜色": "蓝"}], NEW))
    run = world.sync()
    assert counts(run) == (2, 1, 0, 0, 1)
    assert run.reasons == {"read:drift": 1}
    (en, _), *_ = words(run)
    assert "nobody told of column 车牌颜色 (first seen on 2026-10-09)" in en
    assert en.endswith("the rows that have it are in quarantine")
    (row,) = open_rows(world.a)
    assert row.reasons == ("read:drift",)
    assert row.record_id is not None
    assert json.loads(row.raw or "")["车牌颜色"] == "蓝"
    explain(world)
    (source,) = world.a.sources(["cases"])
    again = normalise_again(world.a, source, NOW + NIGHT)
    assert (again.accepted, again.quarantined) == (1, 0)
    assert len(current(world.a, "correction")) == 2
    assert open_rows(world.a) == []


def test_a_discarded_value_is_left_out_and_landing_still_has_it(world: World) -> None:
    contract_mode(world, "discard_value")
    rows = [case(1) | {"车牌颜色": "蓝"}, case(2, decided="坏") | {"车牌颜色": "蓝"}]
    world.drop("1.csv", csv_text(rows, NEW))
    run = world.sync()
    assert counts(run) == (2, 1, 0, 0, 1)
    assert "2 of 2 rows have it" in words(run)[0][0]
    assert words(run)[0][1].endswith("；该列的值未采用")
    (row,) = open_rows(world.a)
    assert "车牌颜色" not in json.loads(row.raw or "")
    landed = Landing(world.a.place("landing")).find(run.landed[0])
    assert "车牌颜色" in Path(landed).read_bytes().decode("gb18030")


def test_a_column_renamed_in_part_of_the_files_is_told_with_its_new_name(world: World) -> None:
    world.drop("0.csv", [case(9)])
    world.sync()
    renamed = tuple("plate_no" if c == "plate" else c for c in CASE_COLUMNS)
    row = case(2)
    world.drop("1.csv", [case(1)])
    world.drop("2.csv", csv_text([row | {"plate_no": row.pop("plate")}], renamed))
    run = world.sync(now=NOW + NIGHT)
    assert run.drift.missing == ("plate",)
    assert [en for en, _ in words(run)] == [
        "column plate_no is new: 1 of 2 rows have it, mixed text of 7 characters; "
        "it may be the new name of plate",
        "part of what came lacks column plate, which the mapping reads",
    ]


def test_a_column_that_is_gone_is_named_with_the_run_that_last_had_it(world: World) -> None:
    world.drop("1.csv", [case(1)])
    world.sync()
    renamed = tuple("plate_no" if c == "plate" else c for c in CASE_COLUMNS)
    row = case(2)
    world.drop("2.csv", csv_text([row | {"plate_no": row.pop("plate")}], renamed))
    with pytest.raises(ConfigError) as caught:
        world.sync(now=NOW + NIGHT)
    error = caught.value
    assert error.message.en == (
        "the source no longer has column plate, which the mapping reads; "
        "the run of 2026-10-09 was the last to see it"
    )
    assert error.hint is not None
    assert error.hint.en.startswith("plate_no may be the new name of plate")


def test_the_values_of_a_file_without_header_are_nobodys_columns(world: World) -> None:
    world.drop("1.csv", [case(1)])
    world.sync()
    headless = csv_text([case(2), case(3)]).split("\r\n", 1)[1]
    world.drop("2.csv", headless)
    with pytest.raises(ConfigError) as caught:
        world.sync(now=NOW + NIGHT)
    said = json.dumps(caught.value.as_dict(), ensure_ascii=False)
    assert "without its header line" in said
    assert "虚构" not in said
    contract_mode(world, "discard_row")
    world.drop("3.csv", [case(4)])
    run = world.sync(now=NOW + NIGHT)
    assert (run.accepted, run.drift.new, run.drift.unused) == (1, (), ())
    assert "虚构" not in run.to_json()


def test_a_key_of_some_rows_only_counts_like_a_column(world: World, hotline: Hotline) -> None:
    contract_mode(world, "discard_row", stream=LEADS)
    hotline.orders = [order(1), order(2, day=2) | {"渠道": "电话"}, order(3, day=3)]
    run = world.sync(LEADS)
    assert counts(run) == (3, 2, 0, 0, 1)
    assert run.drift.new == ("渠道",)


def test_columns_that_source_toml_names_are_told_of(world: World) -> None:
    text = world.source_toml.read_text(encoding="utf-8")
    text = text.replace('encoding = "gb18030"', 'encoding = "gb18030"\noptional_columns = ["备注"]')
    text = text.replace('field = "decided"', 'field = "到案日期"')
    world.source_toml.write_text(text, encoding="utf-8")
    contract_mode(world, "freeze")
    more = (*CASE_COLUMNS, "备注", "到案日期")
    world.drop("1.csv", csv_text([case(1) | {"备注": "无", "到案日期": "2020-09-01"}], more))
    assert counts(world.sync()) == (1, 1, 0, 0, 0)


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    made = connect(threads=1)
    yield made
    made.close()


@settings(deadline=None, max_examples=50)
@given(name=st.lists(st.sampled_from("虚示例某甲乙丙丁戊己"), min_size=2, max_size=4).map("".join))
def test_no_name_is_taken_for_a_code(con: duckdb.DuckDBPyConnection, name: str) -> None:
    con.execute("CREATE OR REPLACE TABLE raw AS SELECT ? AS c FROM range(6)", [name])
    found = describe(con, "c")
    assert found.filled == 6
    known = con.execute("SELECT 1 FROM hefu_code WHERE raw = ?", [name]).fetchone()
    assert (found.samples == ()) == (known is None)


@pytest.mark.parametrize(
    ("values", "samples", "shape"),
    [
        (["1", "1", "2", "2"], ("1", "2"), "digits of 1 character"),
        (["黄", "蓝", "蓝", "黄"], ("蓝", "黄"), "Chinese text of 1 character"),
        (["蓝", "黄"], (), "Chinese text of 1 character"),
        (["示A12345"] * 4, (), "mixed text of 7 characters"),
        (["13900000000"] * 4, (), "digits of 11 characters"),
        (["12.50", "3"], (), "numbers of 1 to 5 characters"),
        (["2026-10-01 08:00", "2026年1月1日"], (), "dates of 9 to 16 characters"),
        (['{"a": 1}', "[]"], (), "nested data of 2 to 8 characters"),
        (["Y", "N", "Y", "N"], ("N", "Y"), "letters and digits of 1 character"),
        (["", "　", ""], (), "empty so far"),
    ],
)
def test_shapes(
    con: duckdb.DuckDBPyConnection, values: list[str], samples: tuple[str, ...], shape: str
) -> None:
    con.execute("CREATE OR REPLACE TABLE raw AS SELECT unnest(?) AS c", [values])
    found = describe(con, "c")
    assert (set(found.samples), found.shape.en) == (set(samples), shape)
