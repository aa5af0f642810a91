"""Refused rows are kept with their raw text, once, readable by their owner only."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from quality_samples import NOW, RULES, good

from quality.check import create_checked, settle
from quality.quarantine import Batch, RunFile, read_quarantine, resolve, write_quarantine
from schemas.errors import DataError

BAD = ("b", "2026-10-01", None, "green", "-1", "2026-02-30")


def batch(*landed: str) -> Batch:
    return Batch("cases/results", landed or ("d1",), "m1", "1.0.0")


def refuse(con: Any, load: Any, folder: Path, rows: list[Any], of: Batch, **more: Any) -> Any:
    create_checked(con, load(rows, **more), RULES)
    settle(con)
    return write_quarantine(con, folder, of)


def test_nothing_refused_leaves_no_file(con: Any, load: Any, tmp_path: Path) -> None:
    assert refuse(con, load, tmp_path / "q", [good("a")], batch()) is None
    assert not (tmp_path / "q").exists()


def test_a_refused_row_can_be_read_again(con: Any, load: Any, tmp_path: Path) -> None:
    file = refuse(con, load, tmp_path, [good("a"), BAD], batch(), rejects=1)
    rows = read_quarantine(con, tmp_path, [file.name])
    found = [dict(zip(rows.columns, row, strict=True)) for row in rows.fetchall()]
    assert [(r["object_digest"], r["row"], r["reasons"]) for r in found] == [
        (
            "d1",
            2,
            [
                "required:party_name",
                "code:colour",
                "range:fine_amount_cny",
                "type:decision_date",
            ],
        ),
        ("d1", 3, ["read:columns"]),
    ]
    assert found[0]["raw"].startswith('{"colour":"green"')
    assert found[0]["row_digest"] == hashlib.sha256(found[0]["raw"].encode()).hexdigest()
    assert found[1]["raw_text"] == "a;b"
    assert {(r["stream"], r["contract_version"], r["mapping_digest"]) for r in found} == {
        ("cases/results", "1.0.0", "m1")
    }
    assert (file.rows, file.size) == (2, (tmp_path / file.name).stat().st_size)


def test_the_file_is_private(con: Any, load: Any, tmp_path: Path) -> None:
    file = refuse(con, load, tmp_path / "q", [BAD], batch())
    assert (tmp_path / "q" / file.name).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "q").stat().st_mode & 0o777 == 0o700


def test_the_same_batch_writes_the_same_bytes(con: Any, load: Any, tmp_path: Path) -> None:
    rows = [(f"k{i}", "2026-10-01", None, "blue", "1", None) for i in range(25_000)]
    first = refuse(con, load, tmp_path / "one", rows, batch())
    con.execute("SET threads = 1")
    second = refuse(con, load, tmp_path / "two", rows, batch())
    assert first == second
    assert (tmp_path / "one" / first.name).read_bytes() == (
        tmp_path / "two" / second.name
    ).read_bytes()
    assert first.rows == 25_000


def test_a_batch_that_is_judged_otherwise_does_not_overwrite(
    con: Any, load: Any, tmp_path: Path
) -> None:
    first = refuse(con, load, tmp_path, [BAD, BAD], batch())
    second = refuse(con, load, tmp_path, [BAD], batch())
    assert first.name != second.name
    assert first.name.startswith(batch().batch_id)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([first.name, second.name])


@pytest.mark.parametrize(
    "other",
    [
        Batch("cases/other", ("d1",), "m1", "1.0.0"),
        Batch("cases/results", ("d2",), "m1", "1.0.0"),
        Batch("cases/results", ("d1",), "m2", "1.0.0"),
        Batch("cases/results", ("d1",), "m1", "1.0.1"),
    ],
)
def test_a_batch_is_told_by_all_that_decides_its_rows(other: Batch) -> None:
    assert other.batch_id != batch().batch_id


def test_a_row_that_comes_every_night_is_one_entry(con: Any, load: Any, tmp_path: Path) -> None:
    files = [refuse(con, load, tmp_path, [BAD], batch(f"d{i}")).name for i in range(3)]
    rows = read_quarantine(con, tmp_path, files)
    assert rows.select("object_digest").fetchall() == [("d2",)]
    assert read_quarantine(con, tmp_path, []).fetchall() == []


def test_a_missing_file_is_named(con: Any, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="missing"):
        read_quarantine(con, tmp_path, ["gone.parquet"])


def test_an_entry_is_open_until_accepted_or_read_again_and_passed(
    con: Any, load: Any, tmp_path: Path
) -> None:
    rows = [("b", "2026-10-01", None, "blue", "1", None), BAD, ("c", None, None, "blue", "1", None)]
    first = refuse(con, load, tmp_path, [rows[0]], batch("d1"))
    second = refuse(con, load, tmp_path, [rows[2]], batch("d2"))
    third = refuse(con, load, tmp_path, [("e", None, None, "blue", "1", None)], batch("d3"))
    con.execute("CREATE TABLE history (record_id VARCHAR, received_time TIMESTAMPTZ)")
    later = NOW + timedelta(days=1)
    con.execute("INSERT INTO history VALUES (md5('b'), ?), (md5('e'), ?)", [later, NOW])
    runs = [
        RunFile(("d1",), first.name, NOW),
        RunFile(("d2",), second.name, NOW),
        RunFile(("d3",), third.name, NOW),
        RunFile(("d2",), None, later),
    ]
    found = resolve(con, tmp_path, runs, "history").select("source_record_id, resolved_by")
    assert sorted(found.fetchall()) == [("b", "accepted"), ("c", "passed"), ("e", None)]


def test_a_backfill_that_left_rows_out_resolves_nothing(
    con: Any, load: Any, tmp_path: Path
) -> None:
    """It read the object again, but only the rows of its window were judged."""
    file = refuse(con, load, tmp_path, [("c", None, None, "blue", "1", None)], batch("d1"))
    con.execute("CREATE TABLE history (record_id VARCHAR, received_time TIMESTAMPTZ)")
    later = NOW + timedelta(days=1)
    runs = [RunFile(("d1",), file.name, NOW), RunFile(("d1",), None, later, whole=False)]
    (found,) = resolve(con, tmp_path, runs, "history").select("resolved_by").fetchall()
    assert found == (None,)


def test_rows_without_a_text_of_their_own_are_entries_of_their_own(
    con: Any, load: Any, tmp_path: Path
) -> None:
    create_checked(con, load([good("a")]), RULES)
    con.execute(
        "INSERT INTO raw_reject VALUES (0, 2, 'read:encoding', 'not UTF-8', ''), "
        "(0, 3, 'read:encoding', 'not UTF-8', ''), "
        "(0, 4, 'read:oversize', '9 bytes; sha256 1', 'cut'), "
        "(0, 5, 'read:oversize', '9 bytes; sha256 2', 'cut')"
    )
    settle(con)
    file = write_quarantine(con, tmp_path, batch())
    assert file is not None
    assert len(read_quarantine(con, tmp_path, [file.name]).fetchall()) == 4
