"""REST: a pull that broke off between two pages goes on from there, and nothing comes twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from connectors_world import NOW, Asked, Reply, page
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.delivery import Delivery, PullRequest
from connectors.pace import Pace
from connectors.pull import pull
from schemas.errors import RefusedError, RetryableError

TOKENS = '[reader.pagination]\nkind = "cursor"\ntoken = "next"\n'
OFFSET = '[reader.pagination]\nkind = "offset"\nsize = 2\nsize_parameter = "limit"\n'
PAGE = '[reader.pagination]\nkind = "page"\nsize = 2\nsize_parameter = "limit"\n'
ROWS = [{"no": f"A{n}"} for n in range(1, 10)]


class List:
    """Nine rows, two a page, by token, offset or page number; ``down`` from that request on."""

    def __init__(self) -> None:
        self.rows = list(ROWS)
        self.down: int | None = None

    def __call__(self, asked: Asked, count: int) -> Reply:
        if self.down is not None and count >= self.down:
            return Reply(b"", 503)
        if "page" in asked.query:
            at = (int(asked.query["page"]) - 1) * 2
        else:
            at = int(asked.query.get("offset", asked.query.get("cursor", 0)))
        following = at + 2 if at + 2 < len(self.rows) else None
        return page(self.rows[at : at + 2], next=following)


def held(delivery: Delivery) -> list[str]:
    documents = [json.loads(landed.path.read_bytes()) for landed in delivery.objects]
    return [each["no"] for document in documents for each in document["data"]["items"]]


def progress_file(source) -> Path:
    return source.landing.root / "progress" / "cases" / "decisions.jsonl"


def broken_off(source, server, after: int) -> List:
    """A pull that failed after so many pages; the server is well again."""
    world = server.answer = List()
    world.down = after
    with pytest.raises(RetryableError):
        source.pull()
    world.down = None
    server.asked.clear()
    return world


ALL = [r["no"] for r in ROWS]


@pytest.mark.parametrize("after", [1, 2, 4])
def test_tokens_go_on_where_they_were(rest, server, after):
    source = rest("retries = 0\n" + TOKENS)
    broken_off(source, server, after)
    delivery = source.pull()
    assert held(delivery) == ALL
    assert server.asked[0].query == {"cursor": str(after * 2)}
    assert len(server.asked) == 5 - after
    assert len(source.landing.events("cases/decisions")) == 5  # each page was landed once
    assert not progress_file(source).exists()


@pytest.mark.parametrize("pagination", [OFFSET, PAGE])
def test_counted_pages_go_on_too(rest, server, pagination):
    source = rest("retries = 0\n" + pagination)
    broken_off(source, server, 3)
    assert set(held(source.pull())) == set(ALL)
    first = server.asked[0].query
    assert first.get("offset", first.get("page")) in ("4", "3")


@pytest.mark.parametrize("pagination", [OFFSET, PAGE])
def test_a_list_that_changed_in_between_is_read_anew(rest, server, pagination):
    source = rest("retries = 0\n" + pagination)
    world = broken_off(source, server, 3)
    del world.rows[0]
    assert {r["no"] for r in world.rows} <= set(held(source.pull()))


def test_page_numbers_that_nothing_would_check_begin_anew(rest, server):
    source = rest("retries = 0\n" + PAGE + "read_twice = false")
    broken_off(source, server, 3)
    assert held(source.pull()) == ALL
    assert server.asked[0].query["page"] == "1"


def test_what_is_too_old_is_begun_anew(rest, server):
    source = rest("retries = 0\nresume_minutes = 30\n" + TOKENS)
    broken_off(source, server, 3)
    assert held(source.pull(now=NOW + timedelta(minutes=31))) == ALL
    assert len(server.asked) == 5


def test_another_question_begins_anew(rest, server):
    source = rest("retries = 0\n" + TOKENS)
    broken_off(source, server, 3)
    other = rest("retries = 0\nparameters = { district = '999999' }\n" + TOKENS)
    assert held(other.pull()) == ALL
    assert len(server.asked) == 5


def test_a_token_that_the_server_forgot_begins_anew(rest, server):
    source = rest("retries = 0\n" + TOKENS)
    world = broken_off(source, server, 3)
    server.answer = lambda asked, count: (
        Reply(b"", 410) if count == 0 and "cursor" in asked.query else world(asked, count)
    )
    assert held(source.pull()) == ALL
    assert len(server.asked) == 6


def test_a_refusal_that_has_nothing_to_do_with_it_stays_one(rest, server):
    source = rest("retries = 0\n" + TOKENS)
    broken_off(source, server, 3)
    server.script(Reply(b"", 403))
    with pytest.raises(RefusedError, match="answers 403"):
        source.pull()
    assert len(server.asked) == 1


@pytest.mark.parametrize("damage", ["torn", "garbage", "page gone"])
def test_damaged_progress_costs_pages_but_no_row(rest, server, damage):
    source = rest("retries = 0\n" + TOKENS)
    broken_off(source, server, 3)
    path = progress_file(source)
    if damage == "torn":
        path.write_bytes(path.read_bytes()[:-7])
    elif damage == "garbage":
        path.write_bytes(b"\xff\xfe not JSON\n")
    else:
        source.landing.events("cases/decisions")[1].path.unlink()
    assert held(source.pull()) == ALL
    assert len(server.asked) == (3 if damage == "torn" else 5)


@pytest.mark.parametrize("pagination", [TOKENS, OFFSET, PAGE])
def test_a_list_that_was_no_list_is_not_gone_on_with(rest, server, pagination):
    source = rest("retries = 0\n" + pagination)
    server.answer = lambda _asked, count: page(ROWS[:2], next=f"t{count}")
    with pytest.raises(RefusedError, match="never ends"):
        source.pull()
    assert not progress_file(source).exists()
    server.asked.clear()
    server.answer = List()
    assert set(held(source.pull())) == set(ALL)


def test_progress_holds_no_secret_and_is_for_nobody_else(rest, server):
    auth = 'retries = 0\nauth = { kind = "bearer", token = "env:T" }\n'
    source = rest(auth + 'parameters = { person = "999999190001010000" }\n' + TOKENS)
    broken_off(source, server, 2)
    path = progress_file(source)
    assert b"secret-token" not in path.read_bytes()
    assert b"9999991900" not in path.read_bytes()
    assert path.stat().st_mode & 0o077 == 0


def test_a_pull_that_takes_too_long_stops_after_a_page_and_goes_on(rest, server):
    server.answer = List()
    source = rest(TOKENS, "[limits]\nrun_minutes = 10\n")
    clock = iter(range(0, 100_000, 60))  # each look at it is a minute later
    source.monotonic = lambda: float(next(clock))
    with pytest.raises(RetryableError, match="longer than 10 minutes"):
        source.pull()
    assert 0 < len(server.asked) < 5
    assert held(source.pull()) == ALL
    assert len(server.asked) == 5


class StoppedError(Exception):
    """What takes the place of a power cut in the law below."""


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    pagination=st.sampled_from([TOKENS, OFFSET, PAGE]),
    stops=st.lists(st.integers(0, 6), max_size=3),
    changes=st.lists(st.sampled_from(["delete first", "insert last", "nothing"]), max_size=3),
)
def test_any_row_of_crashes_and_changes_ends_with_every_row(
    rest, server, pagination, stops, changes
):
    source = rest("retries = 0\n" + pagination)
    world = server.answer = List()
    request = PullRequest("cursor", None, None, None, NOW)
    changes = changes + ["nothing"] * len(stops)
    number = 100

    def run(stop: int | None) -> Delivery:
        def progress(done: int, total: int | None) -> None:
            if stop is not None and total is None and done >= stop:
                raise StoppedError

        return pull(
            source.config,
            source.folder,
            request,
            source.landing,
            secrets=str,
            progress=progress,
            pace=Pace(lambda _s: None, lambda: 0.0),
        )

    for stop, change in zip(stops, changes, strict=False):
        with suppress(StoppedError):
            run(stop)
        number += 1
        if change == "delete first" and world.rows:
            del world.rows[0]
        elif change == "insert last":
            world.rows.append({"no": f"A{number}"})
    found = held(run(None))
    here = {r["no"] for r in world.rows}
    known = {r["no"] for r in ROWS} | here
    if pagination == TOKENS and "delete first" in changes[: len(stops)]:
        return  # these tokens are positions: a server like that can't be resumed safely
    assert here <= set(found) <= known
    assert not progress_file(source).exists()


KILLED = """
import os, signal, sys
from datetime import datetime
from pathlib import Path
from connectors.config import load_source
from connectors.delivery import PullRequest
from connectors.landing import Landing
from connectors.pull import pull

folder, landing, now, after = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])

def progress(done, total):
    if done == after:
        os.kill(os.getpid(), signal.SIGKILL)

request = PullRequest("cursor", None, None, None, datetime.fromisoformat(now))
pull(load_source(folder), folder, request, Landing(landing), secrets=str, progress=progress)
"""


def test_killed_between_pages_loses_and_doubles_nothing(rest, server):
    server.answer = List()
    source = rest(TOKENS)
    arguments: list[Any] = [source.folder, source.landing.root, NOW.isoformat(), "3"]
    root = Path(__file__).parents[2]
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, *map(str, arguments)],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)},
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL
    assert len(server.asked) == 3
    assert held(source.pull()) == ALL
    assert len(server.asked) == 5
