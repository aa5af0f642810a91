"""REST: lists that are asked for by POST."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl

from connectors_auth_world import run
from connectors_world import ROWS, Asked, Reply, numbers, page


def test_a_list_by_post_with_a_nested_json_body(rest, server):
    def answer(asked: Asked, _count: int) -> Reply:
        assert asked.method == "POST"
        assert asked.headers["content-type"] == "application/json"
        assert asked.query == {}
        body = json.loads(asked.body)
        assert body["district"] == "甲县"
        assert body["open"] is True
        at = (body["page"]["current"] - 1) * body["page"]["size"]
        return page(ROWS[at : at + body["page"]["size"]], total=5)

    server.answer = answer
    source = rest(
        'method = "POST"\nparameters = { district = "甲县", open = true }\n'
        '[reader.pagination]\nkind = "page"\nsize = 2\npage_parameter = "page.current"\n'
        'size_parameter = "page.size"\ntotal = "total"\nkey = ["no"]\n'
    )
    assert len(numbers(source, run(source))) == 5
    assert len(server.asked) == 3


def test_a_list_by_post_with_a_form(rest, server):
    def answer(asked: Asked, _count: int) -> Reply:
        assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
        form = dict(parse_qsl(asked.body.decode()))
        at = int(form.get("cursor", "0"))
        return page(ROWS[at : at + 2], next=at + 2 if at < 4 else None)

    server.answer = answer
    source = rest(
        'method = "POST"\nbody = "form"\nparameters = { a = 1 }\n'
        '[reader.pagination]\nkind = "cursor"\ntoken = "next"\n'
    )
    assert len(numbers(source, run(source))) == 5


def test_a_post_is_tried_again_and_follows_next_pages_with_its_body(rest, server):
    def answer(asked: Asked, count: int) -> Reply:
        if count == 1:
            return Reply(b"", 502)
        at = int(asked.query.get("at", 0))
        assert json.loads(asked.body) == {"state": 2}
        return page(ROWS[at : at + 3], next=f"?at={at + 3}" if at == 0 else None)

    server.answer = answer
    source = rest(
        'method = "POST"\nparameters = { state = 2 }\n'
        '[reader.pagination]\nkind = "next_url"\nurl = "next"\n'
    )
    assert len(numbers(source, run(source))) == 5
    assert len(server.asked) == 3


def test_a_cursor_in_a_json_body_keeps_its_kind(rest, server):
    server.script(page([{"updated": 1777600000001}]))
    source = rest(
        'method = "POST"\n',
        '[cursor]\nfield = "updated"\nparameter = "since"\nformat = "epoch_ms"\n'
        'initial = "1777600000000"\noverlap = "PT1S"\n',
    )
    run(source)
    assert json.loads(server.asked[0].body) == {"since": 1777599999000}


def test_a_post_that_is_redirected(rest, server):
    def answer(asked: Asked, count: int) -> Reply:
        if asked.path == "/api/cases":
            return Reply(status=307 + (count % 2), headers=(("Location", "/v2"),))
        assert (asked.method, json.loads(asked.body)) == ("POST", {"state": 2})
        return page(ROWS)

    server.answer = answer
    source = rest('method = "POST"\nparameters = { state = 2 }\n')
    assert len(numbers(source, run(source))) == 5
