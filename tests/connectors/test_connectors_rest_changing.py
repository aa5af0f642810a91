"""REST lists that change while they are read: rows put in, taken away and moved between pages."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from connectors_world import NOW, Asked, Reply, page
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.delivery import Delivery, PullRequest
from connectors.pace import Pace
from connectors.pull import pull
from schemas.errors import RefusedError, RetryableError

OFFSET = '[reader.pagination]\nkind = "offset"\nsize = 3\nsize_parameter = "limit"\n'
PAGE = '[reader.pagination]\nkind = "page"\nsize = 3\nsize_parameter = "limit"\n'
CURSOR = '[cursor]\nfield = "updated"\nparameter = "since"\noverlap = "PT0S"\n'


def held(delivery: Delivery) -> list[str]:
    """The numbers of the rows in a delivery, in order."""
    documents = [json.loads(landed.path.read_bytes()) for landed in delivery.objects]
    return [each["no"] for document in documents for each in document["data"]["items"]]


def row(number: int, version: int = 1) -> dict[str, Any]:
    return {"no": f"A{number:03}", "version": version}


class Changing:
    """A list of rows in which ``changes[n]`` happens just before the n-th request."""

    def __init__(self, count: int, *, total: bool = False, floor: bool = False) -> None:
        self.rows = [row(n) for n in range(1, count + 1)]
        self.changes: dict[int, Callable[[list[dict[str, Any]]], Any]] = {}
        self.total = total
        self.floor = floor

    def __call__(self, asked: Asked, count: int) -> Reply:
        if count in self.changes:
            self.changes[count](self.rows)
        size = int(asked.query["limit"])
        if "page" in asked.query:
            at = (int(asked.query["page"]) - 1) * size
        else:
            at = int(asked.query["offset"])
            at -= at % size if self.floor else 0
        told = {"total": len(self.rows)} if self.total else {}
        return page(self.rows[at : at + size], **told)


def to_the_end(rows: list[dict[str, Any]]) -> None:
    """As in a list by time of change: the first row is changed."""
    first = rows.pop(0)
    rows.append(first | {"version": first["version"] + 1})


def in_front(rows: list[dict[str, Any]]) -> None:
    rows.insert(0, row(900 + len(rows)))


WAYS = {
    "offset": (OFFSET, False),
    "offset and total": (OFFSET + 'total = "total"\n', True),
    "page twice": (PAGE, False),
    "page, total, key": (PAGE + 'total = "total"\nkey = ["no"]\n', True),
    "page, total": (PAGE + 'total = "total"\n', True),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_row_taken_away_lets_no_other_slip_through(rest, server, way, at):
    pagination, total = WAYS[way]
    world = server.answer = Changing(10, total=total)
    world.changes = {at: lambda rows: rows.pop(0)}
    source = rest(pagination)
    found = set(held(source.pull()))
    assert {r["no"] for r in world.rows} <= found


@pytest.mark.parametrize("way", [w for w in WAYS if w != "page, total"])
@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_row_changed_and_moved_to_the_end_lets_no_other_slip_through(rest, server, way, at):
    pagination, total = WAYS[way]
    world = server.answer = Changing(10, total=total)
    world.changes = {at: to_the_end}
    source = rest(pagination)
    assert {r["no"] for r in world.rows} <= set(held(source.pull()))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_row_put_in_front_costs_no_other(rest, server, way, at):
    pagination, total = WAYS[way]
    world = server.answer = Changing(10, total=total)
    before = {r["no"] for r in world.rows}
    world.changes = {at: in_front}
    source = rest(pagination)
    assert before <= set(held(source.pull()))


def test_a_list_at_rest_is_read_once_where_that_proves_it_whole(rest, server):
    server.answer = Changing(10, total=True)
    rest(PAGE + 'total = "total"\nkey = ["no"]').pull()
    assert len(server.asked) == 4


def test_offsets_begin_one_row_early(rest, server):
    server.answer = Changing(7)
    rest(OFFSET).pull()
    assert [a.query["offset"] for a in server.asked] == ["0", "2", "4", "6", "7"]


def test_a_server_that_only_cuts_at_multiples_of_the_page(rest, server):
    server.answer = Changing(8, floor=True)
    source = rest(OFFSET)
    assert set(held(source.pull())) == {f"A00{n}" for n in range(1, 9)}


@pytest.mark.parametrize("way", ["offset", "page twice", "page, total, key"])
def test_a_list_that_never_rests_is_not_taken(rest, server, way):
    pagination, total = WAYS[way]
    world = server.answer = Changing(40, total=total)
    world.changes = dict.fromkeys(range(1, 1000), to_the_end)
    with pytest.raises(RetryableError, match=r"changes while it is read|announced 40 records"):
        rest(pagination).pull()
    assert len(server.asked) < 80  # bounded


def test_rows_newer_than_the_beginning_do_not_unsettle_a_reading(rest, server):
    """A busy list: something is appended all the time, and it comes with the next pull."""

    def appended(rows: list[dict[str, Any]]) -> None:
        when = NOW + timedelta(seconds=len(rows))
        rows.append(row(len(rows) + 1) | {"updated": when.isoformat()})

    world = server.answer = Changing(10)
    for each in world.rows:
        each["updated"] = (NOW - timedelta(days=1)).isoformat()
    world.changes = dict.fromkeys(range(1, 1000), appended)
    source = rest(PAGE, CURSOR)
    delivery = source.pull({})
    assert {f"A{n:03}" for n in range(1, 11)} <= set(held(delivery))
    moved = source.read(delivery).batch.cursor
    assert moved == {"value": (NOW - timedelta(days=1)).isoformat()}


def test_a_list_of_rows_that_are_alike_is_read(rest, server):
    """Distinct rows are fewer than announced, for ever: twice the same list is the list."""
    world = server.answer = Changing(5, total=True)
    world.rows[4] = world.rows[0]
    source = rest(PAGE + 'total = "total"')
    found = held(source.pull())
    assert sorted(found) == ["A001", "A001", "A002", "A003", "A004"]


def test_a_wrong_total_is_told_with_both_numbers(rest, server):
    world = Changing(5)
    server.answer = lambda asked, count: page(
        world.rows[(int(asked.query["page"]) - 1) * 3 :][:3], total=9
    )
    with pytest.raises(RetryableError, match="announced 9 records and gave 5"):
        rest(PAGE + 'total = "total"').pull()


def test_a_key_that_no_record_has_is_named(rest, server):
    server.answer = Changing(5)
    with pytest.raises(Exception, match="no record has id, by which records are told apart"):
        rest(PAGE + 'key = ["id"]').pull()


@pytest.mark.parametrize("kind", ["offset", "page"])
@pytest.mark.parametrize("size", ["", 'size = 3\nsize_parameter = "limit"\n'])
def test_a_server_that_knows_no_such_parameter_is_not_taken_for_a_short_list(
    rest, server, kind, size
):
    """It gives its first page whatever is asked: the others would be lost."""
    server.script(page([row(1), row(2), row(3)]))
    with pytest.raises(RefusedError, match=r"never ends: page \d is one already seen"):
        rest(f'[reader.pagination]\nkind = "{kind}"\n{size}').pull()


def test_a_token_that_comes_again_is_an_error(rest, server):
    server.answer = lambda _asked, count: page([row(count)], next="same")
    with pytest.raises(RefusedError, match="page 3 has the token or address of one already seen"):
        rest('[reader.pagination]\nkind = "cursor"\ntoken = "next"').pull()
    assert len(server.asked) == 2


def test_rows_that_come_on_two_pages_are_harmless(rest, server):
    pages = [[row(1), row(2)], [row(2), row(3)]]
    server.answer = lambda _asked, count: page(pages[count], next="more" if count == 0 else None)
    source = rest('[reader.pagination]\nkind = "cursor"\ntoken = "next"')
    assert held(source.pull()) == ["A001", "A002", "A002", "A003"]


# ---- what is known to be all ------------------------------------------------------------------


def snapshot(source, *, full: bool = False):
    if not full:
        source.config = source.config.model_copy(update={"mode": "snapshot"})
    request = PullRequest("cursor", None, None, None, NOW, full=full)
    return pull(
        source.config,
        source.folder,
        request,
        source.landing,
        secrets=str,
        pace=Pace(source.waits.append, lambda: 0.0),
    )


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("way", WAYS)
def test_a_whole_list_at_rest_is_complete(rest, server, way, full):
    pagination, total = WAYS[way]
    server.answer = Changing(10, total=total)
    delivery = snapshot(rest(pagination), full=full)
    assert delivery.complete
    assert (delivery.counted is not None) == total


def test_a_snapshot_is_begun_anew_when_a_row_is_put_in_front(rest, server):
    world = server.answer = Changing(10)
    world.changes = {2: in_front}
    source = rest(OFFSET)
    delivery = snapshot(source)
    assert delivery.complete
    assert {r["no"] for r in world.rows} == set(held(delivery))


def test_the_announced_number_counts_the_rows_of_the_delivery(rest, server):
    server.answer = Changing(10, total=True)
    source = rest(OFFSET + 'total = "total"')
    delivery = snapshot(source)
    assert delivery.counted is not None
    assert delivery.counted.scope == "delivery"
    assert delivery.counted.rows == source.read(delivery).batch.received


def test_a_pull_from_a_cursor_is_never_complete(rest, server):
    server.script(page([row(1) | {"updated": "2026-05-01T00:00:00Z"}]))
    source = rest(tables=CURSOR)
    assert not source.pull({"value": "2026-05-01T00:00:00Z"}).complete


def test_the_source_counts_all_that_it_has(rest, server):
    def answer(asked: Asked, count: int) -> Reply:
        if asked.path == "/api/cases/count":
            assert asked.query == {"state": "any"}
            return Reply(b'{"n": 12}')
        return page([row(1)])

    server.answer = answer
    source = rest('count = { path = "api/cases/count", field = "n", parameters = {state = "any"} }')
    counted = source.pull().counted
    assert counted is not None
    assert (counted.rows, counted.scope) == (12, "source")


# ---- laws --------------------------------------------------------------------------------------

CHANGES = {
    "delete first": lambda rows: rows.pop(0) if rows else None,
    "delete middle": lambda rows: rows.pop(len(rows) // 2) if rows else None,
    "delete last": lambda rows: rows.pop() if rows else None,
    "insert first": in_front,
    "insert last": lambda rows: rows.append(row(800 + len(rows))),
    "move to end": lambda rows: to_the_end(rows) if rows else None,
}


@pytest.mark.parametrize("way", ["offset", "offset and total", "page twice", "page, total, key"])
@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    count=st.integers(0, 14),
    changes=st.dictionaries(st.integers(1, 12), st.sampled_from(sorted(CHANGES)), max_size=2),
)
def test_what_was_there_from_beginning_to_end_is_read_or_nothing_is(
    rest, server, way, count, changes
):
    """At most one change between two requests: two that cancel out can't be seen by anyone."""
    pagination, total = WAYS[way]
    server.asked.clear()
    world = server.answer = Changing(count, total=total)
    world.changes = {at: CHANGES[name] for at, name in changes.items()}
    before = {r["no"] for r in world.rows}
    try:
        delivery = rest(pagination).pull()
    except RetryableError:
        return
    assert before & {r["no"] for r in world.rows} <= set(held(delivery))


# ---- the source's clock ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("server_clock", "value", "moves"),
    [
        (timedelta(minutes=20), timedelta(minutes=10), True),  # the source's clock is ahead
        (timedelta(minutes=20), timedelta(minutes=30), False),
        (timedelta(minutes=-20), timedelta(minutes=-10), False),  # ours is ahead
        (timedelta(minutes=-20), timedelta(minutes=-30), True),
        (timedelta(days=400), timedelta(minutes=10), False),  # nobody believes that
        (timedelta(days=-400), timedelta(minutes=-10), True),
        (None, timedelta(minutes=10), False),
        (None, timedelta(minutes=-10), True),
    ],
)
def test_the_future_is_what_the_source_calls_so(rest, server, server_clock, value, moves):
    headers = ()
    if server_clock is not None:
        moment: datetime = (NOW + server_clock).astimezone(UTC)
        headers = (("Date", moment.strftime("%a, %d %b %Y %H:%M:%S GMT")),)
    body = page([row(1) | {"updated": (NOW + value).isoformat()}]).body
    server.script(Reply(body, headers=headers))
    source = rest(tables=CURSOR)
    moved = source.read(source.pull({})).batch.cursor
    assert bool(moved) is moves
