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
