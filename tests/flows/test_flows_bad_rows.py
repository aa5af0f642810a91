"""Rows that can't be taken in: each is quarantined under one name, and its neighbours go through.

One night's drop holds a file for each kind of defect; it is synced once and the tests look at
what became of each file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import duckdb
import pytest
from flows_world import CASE_COLUMNS, CASES, NOW, World, case, counts, csv_text, history

from hefu.quarantined import open_rows
from lake.runs import RunRecord
from lake.store import Lake

GOOD = 3


def lines(start: int, *bad: bytes, after: bytes = b"") -> bytes:
    """A file with three good cases, the last of them after ``bad``."""
    good = csv_text(case(start + i) for i in range(GOOD)).encode("gb18030").splitlines(True)
    return b"".join([*good[:-1], *bad, good[-1], after])


def line(number: int, **more: str) -> bytes:
    return csv_text([case(number, **more)]).encode("gb18030").splitlines(True)[1]


@dataclass(frozen=True)
class Defect:
    name: str
    content: bytes
    reasons: tuple[str, ...] = ()
    """Why its bad row is refused; the first is the name of the defect."""
    bad: int = 1
    good: int = GOOD


DEFECTS = (
    Defect("a column more", lines(100, line(103).replace(b"\r\n", b",x\r\n")), ("read:columns",)),
    Defect("a column less", lines(110, line(113).replace(b",200,", b",")), ("read:columns",)),
    Defect(
        "bytes that are no GB18030",
        lines(120, line(123).replace("超限".encode("gb18030"), b"\xff\xff")),
        ("read:encoding",),
    ),
    Defect("a byte order mark", "\ufeff".encode("gb18030") + lines(130), bad=0),
    Defect(
        "a quote that never closes",
        lines(140, line(143).replace(b",200,", b',"200,')),
        ("read:quote",),
    ),
    Defect(
        "a field of 10 MB",
        lines(150, line(153, violation="x" * 10_000_000)),
        ("read:oversize",),
    ),
    Defect("a NUL", lines(160, line(163).replace(b",200,", b",2\x0000,")), ("read:nul",)),
    Defect(
        "a date that does not exist",
        lines(170, line(173, decided="2026-02-30")),
        # the value is kept as it was written; the decision has no date that can be read
        ("type:decision_date", "case_result.decision_date_missing"),
    ),
    Defect("a fine of -1", lines(180, line(183, fine="-1")), ("range:fine_amount_cny",)),
    Defect("a fine of 1e308", lines(190, line(193, fine="1e308")), ("type:fine_amount_cny",)),
    Defect(
        "one identity, two contents",
        lines(200, line(203, fine="100"), line(203, fine="900")),
        ("conflict:record_id",),
        bad=2,
    ),
    Defect("nothing but blank lines between", lines(210, b"\r\n\r\n"), bad=0),
    Defect("a header and no row", csv_text([]).encode("gb18030"), bad=0, good=0),
)


@dataclass(frozen=True)
class Night:
    world: World
    run: RunRecord
    digests: dict[str, str]
    quarantined: dict[str, list[Any]]


@pytest.fixture(scope="module")
def night(new_world: Callable[[], World]) -> Night:
    world = new_world()
    for i, defect in enumerate(DEFECTS):
        world.drop(f"{i:02d}.csv", defect.content)
    run = world.sync()
    digests = {d.name: run.landed[i] for i, d in enumerate(DEFECTS)}
    quarantined: dict[str, list[Any]] = {digest: [] for digest in run.landed}
    for row in open_rows(world.a):
        quarantined[row.object_digest].append(row)
    return Night(world, run, digests, quarantined)


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda d: d.name)
def test_each_defect_has_one_name(night: Night, defect: Defect) -> None:
    refused = night.quarantined[night.digests[defect.name]]
    assert [row.reasons for row in refused] == [defect.reasons] * defect.bad


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda d: d.name)
def test_good_rows_beside_it_go_through(night: Night, defect: Defect) -> None:
    digest = night.digests[defect.name]
    assert sum(digest in row for row in history(night.world.a)) == defect.good


def test_the_counts_balance(night: Night) -> None:
    bad, good = sum(d.bad for d in DEFECTS), sum(d.good for d in DEFECTS)
    assert counts(night.run) == (good + bad, good, 0, 0, bad)
    told = [reason for d in DEFECTS for reason in d.reasons * d.bad]
    assert dict(night.run.reasons) == {name: told.count(name) for name in set(told)}


def test_reading_all_of_it_again_changes_nothing(night: Night) -> None:
    before = history(night.world.a)
    open_before = {row.row_id for row in open_rows(night.world.a)}
    for i, defect in enumerate(DEFECTS):
        night.world.drop(f"again-{i:02d}.csv", defect.content)
    again = night.world.sync()
    bad, good = sum(d.bad for d in DEFECTS), sum(d.good for d in DEFECTS)
    assert counts(again) == (good + bad, 0, good, 0, bad)
    assert history(night.world.a) == before
    assert {row.row_id for row in open_rows(night.world.a)} == open_before


def test_a_corrected_row_leaves_quarantine(world: World) -> None:
    world.drop("1.csv", [case(1), case(2, decided="2026-02-30")])
    world.sync()
    (refused,) = open_rows(world.a)
    assert refused.reasons[0] == "type:decision_date"
    world.drop("2.csv", [case(2, day=2, decided="2026-02-28")])
    assert counts(world.sync(now=NOW.replace(day=9))) == (1, 1, 0, 0, 0)
    assert open_rows(world.a) == []


def test_one_identity_and_one_content_twice_is_one_record(world: World) -> None:
    world.drop("1.csv", [case(1), case(1), case(2)])
    assert counts(world.sync()) == (3, 2, 0, 1, 0)


def test_a_new_column_is_told_and_stops_nothing(world: World) -> None:
    rows = [case(i) | {"备注": "无"} for i in range(3)]
    world.drop("1.csv", csv_text(rows, (*CASE_COLUMNS, "备注")))
    run = world.sync()
    assert counts(run) == (3, 3, 0, 0, 0)
    assert run.drift.unused == ("备注",)


def test_a_raw_row_stays_readable_for_the_one_who_corrects_it(night: Night) -> None:
    """Refused rows keep the whole raw text; only its owner may read the file."""
    folder = night.world.root / "a" / "quarantine" / CASES
    files = list(folder.glob("*.parquet"))
    assert [f.stat().st_mode & 0o777 for f in files] == [0o600] * len(files)
    raw = duckdb.sql(f"SELECT raw, raw_text FROM read_parquet('{folder}/*.parquet')").fetchall()
    assert all(one or text for one, text in raw)
    assert any("2026-02-30" in one for one, _ in raw if one)
    assert any('"200' in text for _, text in raw if text)


def test_a_row_that_was_refused_is_not_in_the_lake(night: Night) -> None:
    lake = Lake(night.world.a.place("lake"))
    (run,) = lake.runs("case_result", CASES, limit=1)
    assert run.quarantine_file is not None
    stored = {str(value) for row in history(night.world.a) for value in row}
    assert not stored & {"-1.00", "甲交罚〔2026〕0203号", "甲交罚〔2026〕0173号"}
