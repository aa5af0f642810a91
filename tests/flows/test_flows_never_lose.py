"""Whatever happens between a source and its pulls: in the end its rows are here, each once.

A real PostgreSQL is written to, pulled, backfilled and crashed in any order. After one last quiet
pull, what is not removed in the lake is what the source has, and no version is there twice.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from flows_database import RECORD_TYPE, STREAM, Front, front
from flows_world import NOW, World
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from servers.postgresql import Postgresql, postgresql

import flows.ingest
from lake.store import Lake

__all__ = ["postgresql"]

ROWS = "CREATE TABLE cases (no text PRIMARY KEY, reason text, fine text, day date, moved timestamp)"
LOG = (
    "CREATE TABLE log (seq bigint PRIMARY KEY, op text, no text, reason text, fine text, day date)"
)
CURSOR = '[cursor]\nfield = "moved"\noverlap = "PT1H"\n'
SNAPSHOT = "[snapshot]\nmax_removed = 1.0\n"
EVENTS = '[cursor]\nfield = "seq"\nformat = "integer"\noverlap = 50\n\n[events]\noperation = "op"\n'

#: One story after the other on one server: a run costs some tenths of a second.
STORIES = settings(
    max_examples=2,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
NUMBERS = st.sampled_from(["甲1", "甲2", "甲3"])
FINES = st.integers(1, 3)
PULLS = st.one_of(
    st.just(("pull",)),
    st.tuples(st.just("crash"), st.sampled_from(["asking", "landed", "commit", "committed"])),
    st.just(("window",)),
)


class Crash(BaseException):
    """The process ends here."""


@contextmanager
def crashing(at: str) -> Iterator[None]:
    """A run dies before it asks, when all has landed, before its commit, or right after it."""
    with pytest.MonkeyPatch.context() as patch:
        if at == "asking":
            patch.setattr(flows.ingest, "pull", _dying(None))
        elif at == "landed":
            patch.setattr(flows.ingest, "load_raw", _dying(None))
        elif at == "commit":
            patch.setattr(Lake, "append", _dying(None))
        else:
            patch.setattr(Lake, "append", _dying(Lake.append))
        try:
            yield
        except Crash:
            return
        raise AssertionError(f"nothing crashed at {at}")


def _dying(first: Callable[..., Any] | None) -> Callable[..., Any]:
    def call(*given: Any, **more: Any) -> Any:
        if first is not None:
            first(*given, **more)
        raise Crash

    return call


class Story:
    """A node, a source, and this node's clock, which may jump."""

    def __init__(self, source: Front) -> None:
        self.source = source
        self.now = NOW

    def read(self, what: tuple[str, ...]) -> None:
        self.now += timedelta(minutes=7)
        if what[0] == "pull":
            self.source.sync(self.now)
        elif what[0] == "window":
            self.source.backfill(date(2026, 9, 1), date(2026, 9, 2), self.now)
        else:
            with crashing(what[1]):
                self.source.sync(self.now)

    def ends_with(self, rows: dict[str, int]) -> None:
        self.now += timedelta(minutes=7)
        self.source.sync(self.now)
        assert self.source.current() == rows
        assert self.source.doubled() == 0
        self.now += timedelta(minutes=7)
        again = self.source.sync(self.now)
        assert (again.accepted, again.retracted) == (0, 0)


def stories(*writes: st.SearchStrategy[tuple[Any, ...]]) -> st.SearchStrategy[list[Any]]:
    """Some writes, then a read of some kind, and so on."""
    part = st.tuples(st.lists(st.one_of(*writes), min_size=1, max_size=4), PULLS)
    return st.lists(part, min_size=2, max_size=3)


def _rows_are(source: Front) -> dict[str, int]:
    return {no: int(fine) for no, fine in source.sql("SELECT no, fine FROM cases")}


PUT = st.tuples(st.just("put"), NUMBERS, FINES, st.sampled_from([0, 0, 1, 30]))
DROP = st.tuples(st.just("drop"), NUMBERS)


@STORIES
@given(stories(PUT))
def test_rows_followed_by_a_cursor(
    new_world: Callable[[], World], postgresql: Postgresql, story: list[Any]
) -> None:
    """Ties, rows that are committed late, a source's clock that goes back within the overlap."""
    source = front(new_world(), postgresql, "cursor", "cases", ROWS, CURSOR)
    told, clock = Story(source), datetime(2020, 1, 1, 9)  # noqa: DTZ001 - as the source writes
    for writes, read in story:
        for nth, (_, no, fine, late) in enumerate(writes):
            clock += timedelta(minutes=nth % 2)
            moved = clock - timedelta(minutes=late)
            source.sql(_put(no, fine, moved))
        told.read(read)
    told.ends_with(_rows_are(source))


@STORIES
@given(stories(PUT, DROP))
def test_full_copies(
    new_world: Callable[[], World], postgresql: Postgresql, story: list[Any]
) -> None:
    source = front(new_world(), postgresql, "snapshot", "cases", ROWS, SNAPSHOT)
    told = Story(source)
    for writes, read in story:
        for write in writes:
            if write[0] == "put":
                source.sql(_put(write[1], write[2], None))
            else:
                source.sql(f"DELETE FROM cases WHERE no = '{write[1]}'")
        told.read(read)
        told.now -= timedelta(minutes=10)  # this node's clock is set back
    told.ends_with(_rows_are(source))


@STORIES
@given(stories(PUT, DROP), st.randoms(use_true_random=False))
def test_a_log_of_changes(
    new_world: Callable[[], World], postgresql: Postgresql, story: list[Any], order: Any
) -> None:
    """Places of the log become visible in any order within a run's overlap."""
    source = front(new_world(), postgresql, "events", "log", LOG, EVENTS)
    told, place, late, rows = Story(source), 0, [], {}
    for writes, read in story:
        fresh, late = late, []
        for write in writes:
            place += 1
            event = _event(place, write)
            rows.pop(write[1], None)
            if write[0] == "put":
                rows[write[1]] = write[2]
            (late if order.random() < 0.3 else fresh).append(event)
        for event in fresh:
            source.sql(event)
        told.read(read)
        told.now -= timedelta(minutes=10)
    for event in late:
        source.sql(event)
    told.ends_with(rows)


def _put(no: str, fine: int, moved: datetime | None) -> str:
    at = "NULL" if moved is None else f"'{moved}'"
    return (
        f"INSERT INTO cases VALUES ('{no}', '超限运输', '{fine}', '2026-09-01', {at}) "
        f"ON CONFLICT (no) DO UPDATE SET fine = '{fine}', moved = {at}"
    )


def _event(place: int, write: tuple[Any, ...]) -> str:
    if write[0] == "drop":
        return f"INSERT INTO log VALUES ({place}, 'D', '{write[1]}', NULL, NULL, NULL)"
    return (
        f"INSERT INTO log VALUES ({place}, 'U', '{write[1]}', '超限运输', '{write[2]}', "
        "'2026-09-01')"
    )


def _size(source: Front) -> tuple[int, list[str]]:
    """What the stream remembers besides the lake and what has landed."""
    root = source.world.a.root
    last = Lake(source.world.a.place("lake")).last_run(STREAM, RECORD_TYPE)
    assert last is not None
    folders = ("lake", "landing", "quarantine", "sources", "keys", "repository")
    kept = (p.relative_to(root) for p in root.rglob("*") if p.is_file())
    names = sorted(str(p) for p in kept if p.parts[0] not in folders)
    return len(json.dumps(dict(last.cursor or {}))), names


@pytest.mark.parametrize("mode", ["cursor", "snapshot", "events"])
def test_what_is_remembered_does_not_grow_with_the_rows(
    new_world: Callable[[], World], postgresql: Postgresql, mode: str
) -> None:
    table, create, rest = {
        "cursor": ("cases", ROWS, CURSOR),
        "snapshot": ("cases", ROWS, SNAPSHOT),
        "events": ("log", LOG, EVENTS),
    }[mode]
    source = front(new_world(), postgresql, mode, table, create, rest)
    filled = {
        "cases": "INSERT INTO cases SELECT '甲' || n, '超限运输', '200', '2026-09-01', "
        "timestamp '2020-01-01' + n * interval '1 min' FROM generate_series({}, {}) AS n",
        "log": "INSERT INTO log SELECT n, 'U', '甲' || n, '超限运输', '200', '2026-09-01' "
        "FROM generate_series({}, {}) AS n",
    }[table]
    source.sql(filled.format(1001, 1010))
    source.sync()
    few = _size(source)
    source.sql(filled.format(1011, 2000))
    source.sync(NOW + timedelta(days=1))
    assert len(source.current()) == 1000
    assert _size(source) == few
