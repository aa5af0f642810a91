"""Rows, run record and cursor in one commit; history and current state read from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from lake_samples import (
    DIGEST,
    SCHEMA,
    STREAM,
    contract,
    lake_at,
    query,
    reader,
    row,
    run,
)

from lake.runs import Drift, RunRecord
from lake.store import ConcurrentRunError
from schemas.errors import AccountingError, ConfigError, DataError
from schemas.sql import connect, seal
from schemas.text import Text

VIN = ("vin", "VARCHAR")


def test_a_lake_without_tables_shows_empty_views(tmp_path: Path) -> None:
    lake = lake_at(tmp_path)
    assert query(lake, "SELECT count(*) FROM thing_current") == [(0,)]
    assert query(lake, "SELECT count(*) FROM known") == [(0,)]
    assert lake.last_run(STREAM, "thing") is None
    assert (lake.version("thing"), lake.runs("thing")) == (None, [])
    assert lake.next_sequence(STREAM, "thing") == 1


def test_rows_come_back_with_where_they_came_from(tmp_path: Path) -> None:
    lake = lake_at(tmp_path)
    lake.append(contract(), reader([row("a", 1), row("b", 2)]), run("r1", 2), sequence=1)
    found = query(
        lake,
        "SELECT record_id, record_version, party_name, fine_amount_cny, legal_basis, _run_id, "
        "_object_digest, _row, _flags, _bundle_id FROM thing_history ORDER BY record_id",
    )
    assert found == [
        ("a", 1, "jia", None, ["a", "b"], "r1", DIGEST, 1, [], None),
        ("b", 1, "jia", None, ["a", "b"], "r1", DIGEST, 2, [], None),
    ]


def test_views_have_the_contract_fields_in_its_order(tmp_path: Path) -> None:
    lake = lake_at(tmp_path)
    names = [f.name for f in contract().fields]
    for _ in range(2):
        described = [name for name, *_ in query(lake, "DESCRIBE thing_current")]
        assert described[: len(names)] == names
        lake.append(contract(), reader([row("a", 1)]), run("r1", 1), sequence=1)


def test_current_is_the_greatest_by_clock_then_receipt_then_hash(tmp_path: Path) -> None:
    lake = lake_at(tmp_path)
    rows = [row("a", 3, "newest"), row("a", 1, "oldest"), row("a", 2, "x", 1), row("a", 2, "y")]
    lake.append(contract(), reader(rows), run("r1", 4), sequence=1)
    versions = "SELECT record_version, party_name FROM thing_history ORDER BY 1"
    assert query(lake, versions) == [(1, "oldest"), (2, "y"), (3, "x"), (4, "newest")]
    current = "SELECT record_version, party_name FROM thing_current"
    assert query(lake, current) == [(4, "newest")]


def test_the_run_record_is_in_the_commit_of_its_rows(tmp_path: Path) -> None:
    lake = lake_at(tmp_path)
    record = run(
        "r1",
        1,
        received=5,
        quarantined=2,
        duplicate=1,
        unchanged=1,
        reasons={"code:colour": 2},
        cursor={"after": "2026-10-01T00:00:00+08:00", "page": 3},
        gate_passed=False,
        gate_reasons=(Text(en="too few", zh="过少"),),
        quarantine_file="x.parquet",
        drift=Drift(unused=("备注",)),
    )
    version = lake.append(contract(), reader([row("a", 1)]), record, sequence=1)
    assert lake.last_run(STREAM, "thing") == replace(record, sequence=1)
    assert version == lake.version("thing")


def test_a_run_without_rows_still_moves_the_cursor(tmp_path: Path) -> None:
    lake = lake_at(tmp_path)
    lake.append(contract(), reader([row("a", 1)]), run("r1", 1, cursor={"n": 1}), sequence=1)
    lake.append(contract(), reader([]), run("r2", 0, cursor={"n": 2}), sequence=2)
    last = lake.last_run(STREAM, "thing")
    assert last is not None
    assert (last.run_id, last.cursor, last.sequence) == ("r2", {"n": 2}, 2)
    assert query(lake, "SELECT count(*) FROM thing_history") == [(1,)]


def test_the_same_run_again_changes_nothing(tmp_path: Path) -> None:
    lake = lake_at(tmp_path)
    first = lake.append(contract(), reader([row("a", 1)]), run("r1", 1), sequence=1)
    again = lake.append(contract(), reader([row("a", 1)]), run("r1", 1), sequence=1)
    assert (again, lake.version("thing")) == (first, first)
    assert query(lake, "SELECT count(*) FROM thing_history") == [(1,)]


def test_another_run_at_a_taken_sequence_is_refused_and_not_forgotten(tmp_path: Path) -> None:
    lake = lake_at(tmp_path)
    lake.append(contract(), reader([row("a", 1)]), run("r1", 1), sequence=1)
    with pytest.raises(ConcurrentRunError):
        lake.append(contract(), reader([row("b", 1)]), run("r2", 1), sequence=1)
    assert query(lake, "SELECT record_id FROM thing_history") == [("a",)]


def elsewhere(work: Callable[[], Any]) -> None:
    """In a thread of its own: delta-rs cannot be entered from inside its own write."""
    thread = Thread(target=work)
    thread.start()
    thread.join()


def test_two_runs_that_race_cannot_both_commit(tmp_path: Path) -> None:
    lake = lake_at(tmp_path)
    lake.append(contract(), reader([]), run("r0", 0), sequence=1)

    def slow() -> Any:
        # The other run commits after this one has looked at the table.
        elsewhere(
            lambda: lake.append(contract(), reader([row("b", 1)]), run("quick", 1), sequence=2)
        )
        yield from reader([row("a", 1)])

    rows = pa.RecordBatchReader.from_batches(SCHEMA, slow())
    with pytest.raises(ConcurrentRunError):
        lake.append(contract(), rows, run("slow", 1), sequence=2)
    assert query(lake, "SELECT record_id FROM thing_history") == [("b",)]


def test_streams_of_one_table_do_not_hinder_each_other(tmp_path: Path) -> None:
    lake = lake_at(tmp_path)
    lake.append(contract(), reader([]), run("r0", 0), sequence=1)

    def slow() -> Any:
        other = run("other", 1, stream_id="hotline/results")
        elsewhere(lambda: lake.append(contract(), reader([row("b", 1)]), other, sequence=1))
        yield from reader([row("a", 1)])

    rows = pa.RecordBatchReader.from_batches(SCHEMA, slow())
    lake.append(contract(), rows, run("slow", 1), sequence=2)
    assert query(lake, "SELECT count(*) FROM thing_history") == [(2,)]


def test_the_last_run_is_found_behind_many_of_other_streams(tmp_path: Path) -> None:
    lake = lake_at(tmp_path)
    lake.append(contract(), reader([]), run("r1", 0), sequence=1)
    for i in range(1, 40):
        other = run(f"o{i}", 0, stream_id="hotline/results")
        lake.append(contract(), reader([]), other, sequence=i)
    last = lake.last_run(STREAM, "thing")
    assert last is not None
    assert last.run_id == "r1"
    assert [r.run_id for r in lake.runs("thing", limit=2)] == ["o39", "o38"]
    assert [r.run_id for r in lake.runs("thing", STREAM)] == ["r1"]


def test_an_older_version_of_the_table_can_be_read(tmp_path: Path) -> None:
    lake = lake_at(tmp_path)
    first = lake.append(contract(), reader([row("a", 1)]), run("r1", 1), sequence=1)
    lake.append(contract(), reader([row("b", 1)]), run("r2", 1), sequence=2)
    sql = "SELECT record_id FROM thing_history"
    assert query(lake, sql, at_version=first) == [("a",)]


def test_a_contract_may_gain_a_field(tmp_path: Path) -> None:
    lake_at(tmp_path).append(contract(), reader([row("a", 1)]), run("r1", 1), sequence=1)
    wider = lake_at(tmp_path, VIN)
    assert query(wider, "SELECT vin FROM thing_history") == [(None,)]
    rows = pa.Table.from_pylist(
        [row("b", 1) | {"vin": "v"}], schema=SCHEMA.append(pa.field("vin", pa.string()))
    )
    wider.append(contract(VIN), rows.to_reader(), run("r2", 1), sequence=2)
    found = query(wider, "SELECT record_id, vin FROM thing_history ORDER BY record_id")
    assert found == [("a", None), ("b", "v")]
    # and a node that still has the older contract goes on
    lake_at(tmp_path).append(contract(), reader([row("c", 1)]), run("r3", 1), sequence=3)
    assert query(wider, "SELECT count(*) FROM thing_current") == [(3,)]


def test_a_field_never_changes_its_type(tmp_path: Path) -> None:
    lake_at(tmp_path, VIN).append(contract(VIN), reader([row("a", 1)]), run("r1", 1), sequence=1)
    with pytest.raises(ConfigError, match="vin"):
        lake_at(tmp_path, ("vin", "BIGINT")).append(
            contract(("vin", "BIGINT")), reader([row("a", 1)]), run("r2", 1), sequence=2
        )


@pytest.mark.parametrize(
    ("column", "kind"),
    [("unheard_of", pa.string()), ("fine_amount_cny", pa.list_(pa.string()))],
)
def test_a_column_that_has_no_place_is_named(
    tmp_path: Path, column: str, kind: pa.DataType
) -> None:
    rows = pa.table({"record_id": ["a"], column: pa.nulls(1, kind)})
    with pytest.raises(ConfigError, match=column):
        lake_at(tmp_path).append(contract(), rows.to_reader(), run("r1", 1), sequence=1)
    assert lake_at(tmp_path).last_run(STREAM, "thing") is None


def test_fewer_rows_than_accepted_are_not_committed(tmp_path: Path) -> None:
    lake = lake_at(tmp_path)
    with pytest.raises(AccountingError, match="1 rows came to the lake, 2 were accepted"):
        lake.append(contract(), reader([row("a", 1)]), run("r1", 2), sequence=1)
    assert lake.last_run(STREAM, "thing") is None
    assert query(lake, "SELECT count(*) FROM thing_history") == [(0,)]


def test_compacting_keeps_rows_runs_and_older_versions(tmp_path: Path) -> None:
    lake = lake_at(tmp_path)
    versions = [
        lake.append(contract(), reader([row(f"k{i}", 1)]), run(f"r{i}", 1), sequence=i)
        for i in range(1, 6)
    ]
    before = query(lake, "SELECT * FROM thing_history ORDER BY ALL")
    lake.compact("thing")
    assert len(DeltaTable(tmp_path / "thing").file_uris()) == 1
    assert query(lake, "SELECT * FROM thing_history ORDER BY ALL") == before
    assert [r.run_id for r in lake.runs("thing")] == ["r5", "r4", "r3", "r2", "r1"]
    assert lake.next_sequence(STREAM, "thing") == 6
    count = "SELECT count(*) FROM thing_history"
    assert query(lake, count, at_version=versions[1]) == [(2,)]


def test_the_log_is_never_cleaned(tmp_path: Path) -> None:
    lake_at(tmp_path).append(contract(), reader([]), run("r1", 0), sequence=1)
    kept = DeltaTable(tmp_path / "thing").metadata().configuration
    assert kept["delta.enableExpiredLogCleanup"] == "false"
    assert kept["delta.appendOnly"] == "true"


def test_a_sealed_connection_reads_the_lake_too(tmp_path: Path) -> None:
    lake = lake_at(tmp_path)
    lake.append(contract(), reader([row("a", 1), row("a", 2)]), run("r1", 2), sequence=1)
    con = connect(threads=2)
    seal(con)
    lake.attach(con, "thing")
    lake.attach_known(con, "thing")
    sql = "SELECT record_version, legal_basis FROM thing_current"
    assert con.execute(sql).fetchall() == [(2, ["a", "b"])]
    assert con.execute("SELECT count(*) FROM known").fetchone() == (2,)
    con.close()


def test_a_run_record_of_another_format_is_named() -> None:
    text = run("r1", 0).to_json()
    assert RunRecord.from_json(text) == run("r1", 0)
    assert RunRecord.from_json(text[:-1] + ',"later":1}') == run("r1", 0)
    for broken in (text.replace("hefu.run/1", "hefu.run/9"), text[:-9], "{}"):
        with pytest.raises(DataError):
            RunRecord.from_json(broken)
