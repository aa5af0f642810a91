"""Laws of taking rows in, through the public functions of quality and lake.

Any batches of a source with a clock, in any order and any number of times, give the same
versions and the same current state; every row of every batch is accounted for; and what was
taken in once is unchanged when it comes again.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st
from lake_samples import START, STREAM, contract, lake_at, run

from lake.store import Lake
from quality.check import create_checked, settle
from quality.counts import Counts
from schemas.contract import Rule
from schemas.sql import connect
from schemas.text import Text

Row = tuple[str, int, bool]  # key, day of the source's clock, breaks a rule
Batch = list[Row]

RULES = [
    Rule(
        rule_id="required:party_name",
        kind="required",
        severity="hard",
        fields=("party_name",),
        violation_sql="party_name IS NULL",
        params={},
        message=Text(en="missing", zh="缺失"),
        hint=Text(en="fill it in", zh="请补充"),
        source="test",
    )
]

ROWS = st.tuples(st.sampled_from("abc"), st.integers(1, 3), st.booleans())
BATCHES = st.lists(st.lists(ROWS, max_size=6), min_size=1, max_size=3)
# An in-memory database and a handful of small commits per example
EXAMPLES = settings(max_examples=12, deadline=None, derandomize=True, database=None)


def take_in(con: duckdb.DuckDBPyConnection, lake: Lake, batch: Batch, now: int) -> Counts:
    """One run: content follows from key and day, as a source with a clock promises."""
    rows = [*batch, ("", 0, False)]  # an empty VALUES list is no SQL; LIMIT takes it off again
    listed = ", ".join(f"('{key}', {day}, {bad}, {n})" for n, (key, day, bad) in enumerate(rows))
    con.execute(
        "CREATE OR REPLACE TABLE raw AS SELECT key, day, bad, 0 AS _object, n AS _row "
        f"FROM (VALUES {listed}) AS v(key, day, bad, n) "
        f"LIMIT {len(batch)}"
    )
    con.execute(
        "CREATE OR REPLACE TABLE raw_reject (_object INTEGER, _row BIGINT, rule_id VARCHAR, "
        "detail VARCHAR, raw_text VARCHAR)"
    )
    received = (START + timedelta(days=30 + now)).isoformat()
    candidates = (
        "SELECT key AS record_id, key AS source_record_id, sha256(key || day || bad) AS "
        f"content_hash, TIMESTAMPTZ '{START.isoformat()}' + to_days(day) AS "
        f"source_updated_time, TIMESTAMPTZ '{received}' AS received_time, "
        "CASE WHEN NOT bad THEN key || day END AS party_name, _object, _row, "
        "NULL::VARCHAR AS _uncast, true AS _has_clock FROM raw"
    )
    create_checked(con, candidates, RULES)
    lake.attach_known(con, "thing")
    counts = settle(con)
    record = run(
        f"run {now}", counts.accepted, received=counts.received, quarantined=counts.quarantined
    )
    rows = con.execute("SELECT * EXCLUDE (source_record_id) FROM accepted").to_arrow_reader(10)
    lake.append(contract(), rows, record, sequence=lake.next_sequence(STREAM, "thing"))
    return counts


def state(con: duckdb.DuckDBPyConnection, lake: Lake) -> tuple[Any, ...]:
    lake.attach(con, "thing")
    kept = "record_id, content_hash, source_updated_time, party_name, record_version"
    return tuple(
        con.execute(f"SELECT {kept} FROM thing_{view} ORDER BY ALL").fetchall()
        for view in ("history", "current")
    )


def lake_of(batches: Sequence[Batch]) -> tuple[tuple[Any, ...], list[Counts]]:
    con = connect(threads=1)
    with tempfile.TemporaryDirectory() as folder:
        lake = lake_at(Path(folder))
        counts = [take_in(con, lake, batch, now) for now, batch in enumerate(batches)]
        result = state(con, lake)
    con.close()
    return result, counts


def without_conflicts(batches: list[Batch]) -> list[Batch]:
    """A clocked source says one thing of one record at one moment."""
    bad = {(key, day) for batch in batches for key, day, broken in batch if broken}
    return [[(key, day, (key, day) in bad) for key, day, _ in batch] for batch in batches]


@EXAMPLES
@given(BATCHES, st.data())
def test_order_and_repetition_change_nothing(batches: list[Batch], data: st.DataObject) -> None:
    batches = without_conflicts(batches)
    again = data.draw(st.lists(st.sampled_from(batches), max_size=2))
    shuffled = data.draw(st.permutations([*batches, *again]))
    assert lake_of(shuffled)[0] == lake_of(batches)[0]


@EXAMPLES
@given(BATCHES)
def test_every_row_is_accounted_for(batches: list[Batch]) -> None:
    (history, current), counts = lake_of(batches)
    for batch, found in zip(batches, counts, strict=True):
        assert found.received == len(batch)
        found.check()
    assert sum(found.accepted for found in counts) == len(history)
    assert len({version[:2] for version in history}) == len(history)
    assert {version[0] for version in current} == {version[0] for version in history}


@EXAMPLES
@given(BATCHES)
def test_a_second_run_changes_nothing(batches: list[Batch]) -> None:
    _, counts = lake_of([*batches, *batches])
    for first, second in zip(counts, counts[len(batches) :], strict=False):
        assert second.accepted == 0
        assert second.unchanged == first.accepted + first.unchanged
        assert second.quarantined == first.quarantined
