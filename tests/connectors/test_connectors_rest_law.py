"""REST: whatever is written, pulled and broken off in between, in the end every row is here."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from connectors_world import NOW, Asked, Reply, page
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.cursor import Clock, advance
from connectors.delivery import PullRequest
from connectors.pace import Pace
from connectors.pull import pull
from schemas.errors import RetryableError

PAGINATION = {
    "offset": '[reader.pagination]\nkind = "offset"\nsize = 3\nsize_parameter = "limit"\n',
    "page": '[reader.pagination]\nkind = "page"\nsize = 3\nsize_parameter = "limit"\n',
    "page, total, key": '[reader.pagination]\nkind = "page"\nsize = 3\nsize_parameter = "limit"\n'
    'total = "total"\nkey = ["no"]\n',
}
CURSOR = '[cursor]\nfield = "updated"\nparameter = "since"\noverlap = "PT2S"\n'


class Store:
    """Rows with the time of their last change, to the second, in that order; newest last.

    Its clock is ``ahead`` of the node's and moves by a second with each write and request. A
    write just before the n-th request is in ``writes``. Ties are common: a row may be written
    with the second of the one before.
    """

    def __init__(self, ahead: timedelta, newest_first: bool, strictly: bool) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self.clock = NOW + ahead
        self.newest_first = newest_first
        self.strictly = strictly
        self.writes: dict[int, tuple[int, bool]] = {}
        self.count = 0

    def write(self, number: int, tie: bool) -> None:
        if not tie:
            self.clock += timedelta(seconds=1)
        name = f"A{number}"
        version = self.rows.pop(name, {}).get("version", 0) + 1
        self.rows[name] = {"no": name, "version": version, "updated": self.clock.isoformat()}

    def __call__(self, asked: Asked, _count: int) -> Reply:
        self.count += 1
        if self.count in self.writes:
            self.write(*self.writes[self.count])
        rows = sorted(
            self.rows.values(), key=lambda r: (r["updated"], r["no"]), reverse=self.newest_first
        )
        if since := asked.query.get("since"):
            bound = datetime.fromisoformat(since)
            moment = datetime.fromisoformat
            rows = [
                r
                for r in rows
                if moment(r["updated"]) > bound
                or (not self.strictly and moment(r["updated"]) == bound)
            ]
        size = int(asked.query["limit"])
        at = int(asked.query.get("offset", 0))
        at = (int(asked.query["page"]) - 1) * size if "page" in asked.query else at
        date = self.clock.strftime("%a, %d %b %Y %H:%M:%S GMT")
        return Reply(page(rows[at : at + size], total=len(rows)).body, headers=(("Date", date),))


class StoppedError(Exception):
    """Power is cut."""


@pytest.mark.parametrize("way", PAGINATION)
@settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    first=st.integers(0, 9),
    writes=st.dictionaries(
        st.integers(1, 30), st.tuples(st.integers(0, 12), st.booleans()), max_size=8
    ),
    stops=st.lists(st.none() | st.integers(1, 4), min_size=1, max_size=4),
    store=st.builds(
        Store,
        st.sampled_from([timedelta(minutes=m) for m in (-10, 0, 10)]),
        st.booleans(),
        st.booleans(),
    ),
)
def test_every_row_arrives_in_its_last_version(rest, server, way, first, writes, stops, store):
    server.answer = store
    for number in range(first):
        store.write(number, number % 3 == 1)
    store.writes = dict(writes)
    source = rest("retries = 0\n" + PAGINATION[way], CURSOR)
    assert source.config.cursor is not None
    clock = Clock(source.config.cursor, source.config.zone)
    cursor: dict[str, Any] = {}
    lake: dict[str, int] = {}

    def run(stop: int | None) -> None:
        nonlocal cursor

        def progress(done: int, total: int | None) -> None:
            if stop is not None and done >= stop:
                raise StoppedError

        request = PullRequest("cursor", dict(cursor), None, None, NOW)
        delivery = pull(
            source.config,
            source.folder,
            request,
            source.landing,
            secrets=str,
            progress=progress,
            pace=Pace(lambda _s: None, lambda: 0.0),
        )
        changed: list[str] = []
        for landed in delivery.objects:
            for row in json.loads(landed.path.read_bytes())["data"]["items"]:
                changed.append(row["updated"])
                lake[row["no"]] = max(lake.get(row["no"], 0), row["version"])
        cursor = advance(clock, cursor, changed, delivery.as_of or NOW)

    for stop in stops:
        with suppress(StoppedError, RetryableError):
            run(stop)
    store.writes = {}
    store.clock += timedelta(seconds=5)
    run(None)
    assert lake == {name: row["version"] for name, row in store.rows.items()}
