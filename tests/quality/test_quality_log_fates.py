"""The order rule of a log of changes holds, whatever is read when (ADR 0020)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.check import create_checked, settle
from quality.counts import Counts
from schemas.sql import connect

START = datetime(2026, 10, 8, 17, 30, tzinfo=UTC)
GONE = "removed"

Event = tuple[int, str, str]
"""(place in the log, record, what is said: a content or GONE)."""

# A few statements in memory per example: a batch takes about 20 ms.
EXAMPLES = settings(max_examples=12, deadline=None, derandomize=True, database=None)


@st.composite
def _logs(draw: st.DrawFn) -> list[Event]:
    said = st.tuples(st.sampled_from("abcd"), st.sampled_from(("A", "B", GONE)))
    return [(place, *event) for place, event in enumerate(draw(st.lists(said, max_size=14)), 1)]


@dataclass
class Node:
    """What a lake does with events, in one connection: ``known`` is its table of versions."""

    con: duckdb.DuckDBPyConnection
    reads: int = field(default=0)

    def read(self, batch: Sequence[Event], fetched: datetime) -> Counts:
        """One run over ``batch``, fetched when this node's clock said ``fetched``."""
        self.reads += 1
        con = self.con
        con.execute("CREATE OR REPLACE TABLE raw (key VARCHAR, said VARCHAR, place INTEGER, "
                    "_object INTEGER, _row BIGINT)")  # fmt: skip
        con.execute(
            "CREATE OR REPLACE TABLE raw_reject (_object INTEGER, _row BIGINT, rule_id VARCHAR, "
            "detail VARCHAR, raw_text VARCHAR)"
        )
        con.execute(
            "CREATE OR REPLACE TABLE removals (_object INTEGER, _row BIGINT, record_id VARCHAR, "
            "sequence VARCHAR, fetched_at TIMESTAMPTZ, raw_text VARCHAR)"
        )
        for row, (place, key, said) in enumerate(batch):
            if said == GONE:
                con.execute(
                    "INSERT INTO removals VALUES (0, ?, ?, ?, ?, '{}')",
                    [row, key, f"{place:03}", fetched],
                )
            else:
                con.execute("INSERT INTO raw VALUES (?, ?, ?, 0, ?)", [key, said, place, row])
        create_checked(
            con,
            "SELECT key AS record_id, key AS source_record_id, said AS content_hash, "
            f"TIMESTAMPTZ '{fetched.isoformat()}' AS source_updated_time, 'valid' AS data_status, "
            f"TIMESTAMPTZ '{self._now().isoformat()}' AS received_time, _object, _row, "
            "NULL::VARCHAR AS _uncast, false AS _has_clock, "
            "lpad(place::VARCHAR, 3, '0') AS _log_sequence FROM raw",
            [],
        )
        counts = settle(con)
        con.execute(
            "INSERT INTO known SELECT record_id, content_hash, source_updated_time, received_time, "
            "_log_sequence, false FROM accepted UNION ALL SELECT record_id, 'removed', "
            f"source_updated_time, TIMESTAMPTZ '{self._now().isoformat()}', sequence, true "
            "FROM log_removals"
        )
        return counts

    def versions(self, key: str) -> list[str]:
        """As the views of the lake order them."""
        found = self.con.execute(
            "SELECT content_hash FROM known WHERE record_id = ? ORDER BY source_updated_time, "
            "_log_sequence NULLS FIRST, received_time, content_hash",
            [key],
        ).fetchall()
        return [said for (said,) in found]

    def stored(self) -> list[tuple[str, str, str]]:
        return self.con.execute(
            "SELECT record_id, content_hash, _log_sequence FROM known"
        ).fetchall()

    def _now(self) -> datetime:
        return START + timedelta(days=365 + self.reads)


@contextmanager
def a_node() -> Iterator[Node]:
    con = connect(threads=1)
    con.execute(
        "CREATE TABLE known (record_id VARCHAR, content_hash VARCHAR, "
        "source_updated_time TIMESTAMPTZ, received_time TIMESTAMPTZ, _log_sequence VARCHAR, "
        "removed BOOLEAN)"
    )
    try:
        yield Node(con)
    finally:
        con.close()


def told(log: Sequence[Event], key: str) -> list[str]:
    """The states that a log tells of one record, each as long as it lasted."""
    states = [said for said, _ in groupby(said for _, k, said in sorted(log) if k == key)]
    return states[1:] if states[:1] == [GONE] else states


def lasting(versions: Sequence[str]) -> list[str]:
    return [said for said, _ in groupby(versions)]


@EXAMPLES
@given(_logs(), st.data())
def test_any_reads_end_with_what_the_log_says(log: list[Event], data: st.DataObject) -> None:
    """Parts of it in any order, again and again, late, by a clock that jumps; at last all of it."""
    parts = st.lists(st.sampled_from(log), max_size=9) if log else st.just([])
    reads = data.draw(st.lists(st.tuples(parts, st.integers(-5, 5)), max_size=3))
    last = data.draw(st.integers(-5, 5))
    with a_node() as node:
        for part, hours in [*reads, (data.draw(st.permutations(log)), last)]:
            counts = node.read(part, START + timedelta(hours=hours))
            counts.check()
            assert counts.received == len(part)
        for key in "abcd":
            assert lasting(node.versions(key)) == told(log, key)
        stored = node.stored()
        assert len(stored) == len(set(stored))
        again = node.read(log, START + timedelta(hours=9))
        assert again.accepted == 0


@EXAMPLES
@given(_logs(), st.data())
def test_reads_that_overlap_far_enough_are_right_after_each(
    log: list[Event], data: st.DataObject
) -> None:
    """Each read begins at or before the oldest event that became visible since the last one."""
    visible: list[Event] = []
    hidden = data.draw(st.permutations(log))
    with a_node() as node:
        while hidden:
            count = data.draw(st.integers(1, len(hidden)))
            fresh, hidden = hidden[:count], hidden[count:]
            visible = sorted([*visible, *fresh])
            start = data.draw(st.integers(1, min(fresh)[0]))
            batch = [event for event in visible if event[0] >= start]
            node.read(batch, START + timedelta(hours=data.draw(st.integers(-5, 5))))
            for key in "abcd":
                assert node.versions(key)[-1:] == told(visible, key)[-1:]


def test_one_place_says_one_thing_only() -> None:
    with a_node() as node:
        counts = node.read([(1, "a", "A"), (1, "a", GONE), (2, "b", "A")], START)
        assert (counts.accepted, counts.quarantined) == (1, 2)
        assert counts.reasons == {"conflict:record_id": 2}
        assert node.versions("a") == []
