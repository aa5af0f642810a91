"""REST: what a look at a list tells before anything is pulled."""

from __future__ import annotations

import pytest
from connectors_world import NOW, PAGED, Asked, Reply, page

from connectors.look import ColumnSeen
from connectors.pace import Pace
from connectors.pull import look
from schemas.errors import RefusedError, RetryableError

ROWS = [
    {"no": "A1", "fine": 1.50, "paid": None, "parts": [], "more": {"a": 1}, "open": True},
    {"no": "A2", "fine": None, "paid": None, "late": "x"},
    {"no": 3, "fine": 2},
]


def seen(source):
    pace = Pace(source.waits.append, lambda: 0.0, lambda: NOW)
    return look(source.config, source.folder, secrets=lambda _name: "token", pace=pace)


def test_a_look_reaches_authenticates_and_lists_the_fields(rest, server, tmp_path):
    server.answer = lambda asked, _count: (
        page(ROWS, total=1234)
        if asked.headers["authorization"] == "Bearer token"
        else Reply(b"", 401)
    )
    auth = '[reader.auth]\nkind = "bearer"\ntoken = "env:T"\n'
    source = rest(PAGED + 'total = "total"\nkey = ["no"]\n' + auth)
    found = seen(source)
    assert [step.en for step in found.reached] == [
        f"reached {server.url}/api/cases",
        "the server takes auth = bearer and answers 200",
        "the first page has 3 records of 1,234",
        "with pages of 3 a reading of the whole list takes about 412 requests",
    ]
    (stream,) = found.streams
    assert (stream.name, stream.rows) == ("api/cases", 1234)
    assert stream.columns == (
        ColumnSeen("no", "string | number", None, True),
        ColumnSeen("fine", "number"),
        ColumnSeen("paid", ""),
        ColumnSeen("parts", "array"),
        ColumnSeen("more", "object"),
        ColumnSeen("open", "boolean"),
        ColumnSeen("late", "string"),
    )
    assert len(server.asked) == 1
    assert not (tmp_path / "landing").exists()


def test_the_source_may_count_itself(rest, server):
    def answer(asked: Asked, _count: int) -> Reply:
        return Reply(b'{"n": "77"}') if asked.path == "/count" else page(ROWS)

    server.answer = answer
    source = rest('count = { path = "../count", field = "n" }'.replace("../", ""))
    assert seen(source).streams[0].rows == 77


def test_a_list_that_is_empty(rest, server):
    server.script(Reply(status=204))
    found = seen(rest())
    assert found.streams[0].columns == ()
    assert found.reached[-1].en == "the first page has 0 records"


@pytest.mark.parametrize(
    ("reply", "error"),
    [(Reply(b"", 403), RefusedError), (Reply(b""), RetryableError), (Reply(b"{}"), RefusedError)],
)
def test_a_look_says_what_a_pull_would(rest, server, reply, error):
    server.script(reply)
    source = rest("retries = 1")
    with pytest.raises(error):
        seen(source)


# ---- what it will cost, and what it would miss ---------------------------------------------------

MANY = [{"no": f"B{n}"} for n in range(9)]
KEY = 'total = "total"\nkey = ["no"]\n'


def sliced(asked: Asked, _count: int) -> Reply:
    first = asked.query.get("page")
    at = (int(first) - 1) * 2 if first else int(asked.query.get("cursor", 0))
    if at < 0:
        return Reply(b"", 400)
    return page(MANY[at : at + 2], total=9, next=at + 2 if at + 2 < 9 else None)


@pytest.mark.parametrize(
    ("pagination", "told"),
    [
        (PAGED + KEY, ["about 5 requests"]),
        (PAGED + 'total = "total"\n', ["about 5 requests, 10 in all", "read twice"]),
        (PAGED + KEY + "read_twice = true", ["about 5 requests, 10 in all", "as read_twice says"]),
        (PAGED, ["list is read twice each time"]),
        ('[reader.pagination]\nkind = "cursor"\ntoken = "next"\ntotal = "total"', ["about 5"]),
        ('[reader.pagination]\nkind = "cursor"\ntoken = "next"\n', []),
    ],
)
def test_what_a_reading_costs_is_told_and_is_so(rest, server, pagination, told):
    server.answer = sliced
    source = rest(pagination)
    steps = [step.en for step in seen(source).reached[3:]]
    assert len(steps) == len(told)
    assert all(words in step for words, step in zip(told, steps, strict=True))
    server.asked.clear()
    source.pull()
    twice = any("read twice" in step or "in all" in step for step in steps)
    # 12: an empty page ends what announces nothing
    assert len(server.asked) in ((10, 12) if twice else (5,))


def test_a_full_copy_by_token_is_read_twice(rest, server):
    server.answer = sliced
    source = rest('[reader.pagination]\nkind = "cursor"\ntoken = "next"\n')
    source.config = source.config.model_copy(update={"mode": "snapshot"})
    assert "total under [reader.pagination] saves half" in seen(source).reached[-1].en
    server.asked.clear()
    source.pull()
    assert len(server.asked) == 10


def test_a_list_that_begins_at_page_zero(rest, server):
    server.answer = lambda asked, _count: page(MANY[int(asked.query["page"]) * 2 :][:2])
    said = seen(rest(PAGED)).reached[-1]
    assert said.en.startswith("page 0 holds other records than page 1: first_page = 0, or they")


@pytest.mark.parametrize("zero", [page(MANY[:2]), page([]), Reply(b"", 500), Reply(status=204)])
def test_a_list_that_begins_at_page_one(rest, server, zero):
    server.answer = lambda asked, count: (
        zero if asked.query["page"] == "0" else sliced(asked, count)
    )
    source = rest(PAGED)
    assert not [s for s in seen(source).reached if "other records" in s.en]
    assert len(server.asked) == 2
    assert source.waits == []


def test_a_next_page_that_is_looked_for_in_the_wrong_place(rest, server):
    server.answer = sliced
    source = rest('[reader.pagination]\nkind = "cursor"\ntoken = "nxt"\n')
    assert "no further page is announced" in seen(source).reached[-1].en
