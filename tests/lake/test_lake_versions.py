"""Tables of a node that went on to a newer contract: the first released one, then today's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from threading import Thread
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from lake_samples import DIGEST, bundle_run, contract, lake_at, query, reader, row, run

from lake.ledger import Entry
from lake.store import ConcurrentRunError, Lake
from schemas.compatibility import newest_release
from schemas.compatibility.releases import released_contract, released_versions
from schemas.contract import Contract, load_contract, record_types
from schemas.sql import connect

TIME = datetime(2026, 10, 1, tzinfo=UTC)
VIN = ("vin", "VARCHAR")
RELEASED = [name for name in record_types() if newest_release(name) is not None]


def lake_of(root: Path, contract: Contract) -> Lake:
    return Lake(root, contracts=lambda _: contract)


def rows_of(contract: Contract, *keys: str) -> pa.RecordBatchReader:
    """Rows with an identity and a value in every field that a text may stand in."""
    values = [
        {f.name: key for f in contract.fields if f.duckdb_type == "VARCHAR"}
        | {"record_id": key, "content_hash": sha256(key.encode()).hexdigest()}
        | {"source_org_code": "x", "source_updated_time": TIME, "received_time": TIME}
        | {"record_version": 0}
        for key in keys
    ]
    return pa.Table.from_pylist(values, schema=contract.arrow_schema()).to_reader()


def append(lake: Lake, contract: Contract, name: str, *keys: str, sequence: int) -> None:
    record = run(name, len(keys), record_type=contract.record_type)
    lake.append(contract, rows_of(contract, *keys), record, sequence=sequence)


def rows_in(lake: Lake, contract: Contract, view: str = "current") -> list[dict[str, Any]]:
    con = connect(threads=1)
    try:
        lake.attach(con, contract.record_type)
        found = con.execute(
            f"FROM {contract.record_type}_{view} ORDER BY record_id"
        ).to_arrow_table()
        return list(found.to_pylist())
    finally:
        con.close()


@pytest.mark.parametrize("record_type", RELEASED)
def test_a_table_of_the_first_contract_takes_rows_of_todays(
    tmp_path: Path, record_type: str
) -> None:
    first = released_contract(record_type, released_versions(record_type)[0])
    now = load_contract(record_type)
    old, new = lake_of(tmp_path, first), lake_of(tmp_path, now)
    append(old, first, "r1", "a", sequence=1)
    # an upgraded node reads what is there, before it wrote anything and after a run with no row
    before = rows_in(new, now)
    append(new, now, "r2", sequence=2)
    assert rows_in(new, now) == before
    (a,) = before
    fresh = set(now.names()) - set(first.names())
    assert {a[name] for name in fresh} <= {None}
    append(new, now, "r3", "b", sequence=3)
    # software of the first contract goes on, too, and sees every row
    append(old, first, "r4", "c", sequence=4)
    assert [r["record_id"] for r in rows_in(old, first)] == ["a", "b", "c"]
    found = rows_in(new, now, "history")
    for r in found:
        for field in now.fields:
            if field.duckdb_type == "VARCHAR" and field.name in fresh:
                assert r[field.name] == ("b" if r["record_id"] == "b" else None)
    new.compact(record_type)
    assert len(DeltaTable(tmp_path / record_type).file_uris()) == 1
    assert rows_in(new, now, "history") == found
    assert [r.run_id for r in new.runs(record_type)] == ["r4", "r3", "r2", "r1"]
    assert list(found[0]) == [*now.names(), "_run_id", "_object_digest", "_row", "_flags",
                              "_bundle_id", "_extra", "_log_sequence"]  # fmt: skip


def elsewhere(work: Callable[[], Any]) -> None:
    """In a thread of its own: delta-rs cannot be entered from inside its own write."""
    thread = Thread(target=work)
    thread.start()
    thread.join()


@pytest.mark.parametrize("slow_is_newer", [True, False])
def test_writers_of_both_contracts_at_the_same_time(tmp_path: Path, slow_is_newer: bool) -> None:
    """A schema that changes under an older writer turns it away; it tries again and is right."""
    narrow, wide = (lake_at(tmp_path), contract()), (lake_at(tmp_path, VIN), contract(VIN))
    (slow, its), (quick, others) = (wide, narrow) if slow_is_newer else (narrow, wide)
    narrow[0].append(contract(), reader([]), run("r0", 0), sequence=1)
    other = run("other", 1, stream_id="hotline/results")

    def batches() -> Any:
        elsewhere(lambda: quick.append(others, reader([row("b", 1)]), other, sequence=1))
        yield from reader([row("a", 1)])

    rows = pa.RecordBatchReader.from_batches(reader([]).schema, batches())
    if slow_is_newer:
        slow.append(its, rows, run("slow", 1), sequence=2)
    else:
        with pytest.raises(ConcurrentRunError, match="with another version of the contract"):
            slow.append(its, rows, run("slow", 1), sequence=2)
        assert query(slow, "SELECT record_id FROM thing_history") == [("b",)]
        slow.append(its, reader([row("a", 1)]), run("slow", 1), sequence=2)
    for lake in (narrow[0], wide[0]):
        assert query(lake, "SELECT record_id FROM thing_current ORDER BY 1") == [("a",), ("b",)]
    assert query(wide[0], "SELECT DISTINCT vin FROM thing_history") == [(None,)]


KINDS = {
    "VARCHAR": ('"a\\"b"', 'a"b'),
    "BIGINT": ('"7"', 7),
    "DECIMAL(16,2)": ('"1500.00"', "1500.00"),
    "DECIMAL(6,4)": ('"0.5306"', "0.5306"),
    "DATE": ('"2026-10-08"', "2026-10-08"),
    "TIMESTAMPTZ": ('"2026-10-08T01:30:00.000001Z"', "2026-10-08 09:30:00.000001+08"),
    "BOOLEAN": ('"false"', False),
    "VARCHAR[]": ('["a","b\\"",null]', ["a", 'b"', None]),
    "BIGINT[]": ('["7000","13600"]', [7000, 13600]),
}


def extra_rows(*extras: str | None) -> pa.RecordBatchReader:
    given = [row(f"k{i}", 1) | {"_extra": extra} for i, extra in enumerate(extras)]
    return reader(given, reader([]).schema.append(pa.field("_extra", pa.string())))


@pytest.mark.parametrize("kind", KINDS)
def test_a_field_that_came_before_it_was_known_is_shown(tmp_path: Path, kind: str) -> None:
    shown, value = KINDS[kind]
    extra = f'{{"later":"z","vin":{shown}}}'
    older, newer = lake_at(tmp_path), lake_at(tmp_path, ("vin", kind))
    record = bundle_run("b1", 3)
    older.append(
        contract(), extra_rows(extra, None, '{"vin":"no value of it"}'), record, sequence=1
    )
    sql = "SELECT record_id, _extra FROM thing_current ORDER BY 1"
    assert query(older, sql) == []  # not in the ledger yet
    older.ledger.add(Entry("341882", "ag-1", 1, "b1", DIGEST, TIME, {}, DIGEST, DIGEST))
    assert query(older, sql)[:2] == [("k0", extra), ("k1", None)]
    typed = value if kind in ("VARCHAR", "BIGINT", "BOOLEAN") or kind.endswith("[]") else None
    column = "vin" if typed is not None else "vin::VARCHAR"
    for view in ("history", "current"):
        found = query(newer, f"SELECT {column}, _extra FROM thing_{view} ORDER BY record_id")
        assert found[0] == (value, extra)
        assert found[1] == (None, None)
        if kind not in ("VARCHAR", "VARCHAR[]"):
            # what is no value of the type stays to be read where it came
            assert found[2] == (None, '{"vin":"no value of it"}')
    # a row that has the field itself is not overridden
    types = {f.name: f.arrow_type for f in contract(("vin", kind)).fields}
    schema = reader([]).schema.append(pa.field("vin", types["vin"]))
    newer.append(contract(("vin", kind)), reader([row("own", 1)], schema), run("r1", 1), sequence=1)
    found = query(newer, f"SELECT {column} FROM thing_current WHERE record_id = 'own'")
    assert found == [(None,)]
    assert query(newer, "SELECT count(*) FROM known") == [(4,)]
