"""Erased rows leave nothing of their content in a table's folder, and every version stays."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from lake.erase import MARK, Rows, count_rows, erase_rows
from lake.runs import RunRecord
from lake.store import Lake
from schemas.contract import load_contract
from schemas.sql import connect

WORKER = Path(__file__).with_name("lake_erase_worker.py")
TYPE, STREAM, ORG = "inspection", "system/stream", "113305230000000HFG"
START = datetime(2026, 10, 1, tzinfo=UTC)
RUNS = 3


def record(number: int) -> str:
    return f"{number:032x}"


def row(number: int, day: int) -> dict[str, Any]:
    when = START + timedelta(days=day)
    return {
        "record_id": record(number), "source_org_code": ORG, "data_status": "valid",
        "content_hash": f"{number * 100 + day:064x}", "source_updated_time": when,
        "received_time": when, "inspection_no": f"number-{number}-of-the-inspection",
        "party_name": f"name-{number}-of-the-party", "_object": 0, "_row": day,
    }  # fmt: skip


def append(lake: Lake, sequence: int, *rows: dict[str, Any]) -> None:
    contract = load_contract(TYPE)
    kinds = {f.name: f.arrow_type for f in contract.fields}
    table = pa.table({n: pa.array([r[n] for r in rows], kinds.get(n)) for n in rows[0]})
    run = RunRecord(
        f"{STREAM}/{sequence}", STREAM, TYPE, "cursor", START, len(rows), len(rows), 0, 0, 0,
        landed=("f" * 64,),
    )  # fmt: skip
    lake.append(contract, table.to_reader(), run, sequence=sequence)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Record 1 in three versions: one only in a file that was compacted away."""
    root = tmp_path_factory.mktemp("erase") / "lake"
    lake = Lake(root)
    for sequence in range(1, RUNS + 1):
        append(lake, sequence, row(sequence, sequence), row(100 + sequence, sequence))
    append(lake, RUNS + 1, row(1, 50))
    lake.compact(TYPE)
    append(lake, RUNS + 2, row(1, 60))
    DeltaTable(str(root / TYPE)).create_checkpoint()
    return root


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "lake"))


CONTENT = ("name-1-of-the-party", "number-1-of-the-inspection")
WANTED = Rows(ORG, frozenset([record(1)]))


def contents(root: Path) -> list[tuple[str, bytes]]:
    """Suffix and bytes of each file, and what is compressed in it."""
    found = []
    for path in (p for p in root.rglob("*") if p.is_file()):
        content = path.read_bytes()
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            filled = [n for n in table.column_names if table[n].null_count < len(table)]
            content += json.dumps(table.select(filled).to_pylist(), default=str).encode()
        found.append((path.suffix, content))
    return found


def holding(root: Path, *texts: str) -> list[set[str]]:
    """For each text the suffixes of the files that hold it."""
    files = contents(root)
    return [{suffix for suffix, content in files if t.encode() in content} for t in texts]


@cache
def database() -> duckdb.DuckDBPyConnection:
    """One for all: making it takes its time."""
    return connect()


def seen(root: Path, version: int | None = None) -> list[tuple[Any, ...]]:
    con = database()
    Lake(root).attach(con, TYPE, at_version=version)
    return con.execute(
        "SELECT record_id, content_hash, source_updated_time, data_status, _object_digest, _row "
        f"FROM {TYPE}_history ORDER BY ALL"
    ).fetchall()


def check_erased(root: Path, before: dict[int, list[tuple[Any, ...]]]) -> None:
    assert holding(root, *CONTENT, "number-102-of-the-inspection") == [
        set(), set(), {".json", ".parquet"},
    ]  # fmt: skip
    assert {version: seen(root, version) for version in before} == before
    assert list(root.rglob(".erasing-*")) == []


def test_nothing_is_left_and_every_version_stays(root: Path) -> None:
    lake = Lake(root)
    last = lake.version(TYPE) or 0
    before = {version: seen(root, version) for version in (1, RUNS, RUNS + 1, last)}
    assert holding(root, *CONTENT) == [{".parquet"}, {".json", ".parquet"}]
    # the first run's file, the compacted one, and two of a run each
    assert count_rows(root, TYPE, WANTED) == 5
    done = erase_rows(root, TYPE, WANTED)
    assert (done.rows, done.files, count_rows(root, TYPE, WANTED)) == (5, 4, 0)
    check_erased(root, before)
    assert erase_rows(root, TYPE, WANTED).rows == 0

    con = database()
    lake.attach(con, TYPE)
    assert con.execute(
        f"SELECT DISTINCT _extra, party_name, source_record_id FROM {TYPE}_history "
        "WHERE record_id = ?", [record(1)],
    ).fetchall() == [(MARK, None, None)]  # fmt: skip
    # what came between two versions is told as before, and the table goes on
    lake.attach(con, TYPE, at_version=last, between=(last - 1, last))
    assert con.execute(f"SELECT count(*) FROM {TYPE}_current").fetchall() == [(1,)]
    append(lake, RUNS + 3, row(2, 70))
    lake.compact(TYPE)
    assert len(seen(root)) == 2 * RUNS + 3
    assert len(DeltaTable(str(root / TYPE)).to_pyarrow_table()) == 2 * RUNS + 3
    assert len(lake.runs(TYPE)) == RUNS + 3


def test_killed_at_any_change_it_is_done_by_the_next_call(root: Path, tmp_path: Path) -> None:
    version = Lake(root).version(TYPE) or 0
    before = {version: seen(root, version)}
    paths = [str(WORKER.parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
    ran = subprocess.run(
        [sys.executable, str(WORKER), str(root), str(tmp_path / "copies"), ORG, record(1)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        check=True,
    )
    statuses = [int(line) for line in ran.stdout.split()]
    assert len(statuses) > 4
    assert set(statuses[:-1]) == {-signal.SIGKILL}
    for nth in range(1, len(statuses) + 1):
        killed = tmp_path / "copies" / str(nth)
        assert seen(killed) == before[version], nth  # readable meanwhile
        erase_rows(killed, TYPE, WANTED)
        check_erased(killed, before)


def test_rows_of_a_bundle_are_meant_whoever_is_their_source(root: Path) -> None:
    nobody = Rows(bundles=frozenset(["b" * 32]), status="removed")
    assert count_rows(root, TYPE, nobody) == 0
    other = Rows("913305230000000000", frozenset([record(1)]))
    assert count_rows(root, TYPE, other) == 0
