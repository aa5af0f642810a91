"""REST sources that answer XML, against a real server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.sax.saxutils import escape

import pytest
from connectors_world import ROWS, Asked, MakeSource, Reply, Server, Source, numbers

from connectors.pull import look
from schemas.errors import ConfigError, RefusedError, RetryableError

NAMES = [r["no"] for r in ROWS]
PAGE = '[reader.pagination]\nkind = "page"\nsize = 2\nsize_parameter = "size"\n'


def xml(rows: list[dict[str, Any]], **head: Any) -> Reply:
    said = "".join(f"<{k}>{escape(str(v))}</{k}>" for k, v in head.items())
    each = "".join(
        f'<c:case id="{r["no"]}"><c:no>{r["no"]}</c:no><c:updated>{r["updated"]}</c:updated>'
        "</c:case>"
        for r in rows
    )
    start = f'<c:answer xmlns:c="urn:x" pages="{head.get("pages", "")}"><head>{said}</head>'
    text = f"{start}<list>{each}</list></c:answer>"
    return Reply(f'<?xml version="1.0" encoding="UTF-8"?><!-- a gateway -->{text}'.encode())


def numbered(rows: list[dict[str, Any]], **head: Any) -> Callable[[Asked, int], Reply]:
    def answer(asked: Asked, _count: int) -> Reply:
        at = (int(asked.query["page"]) - 1) * 2
        return xml(rows[at : at + 2], **head)

    return answer


@pytest.fixture
def make(make_source: MakeSource, server: Server) -> Callable[..., Source]:
    def one(more: str = "", tables: str = "") -> Source:
        return make_source(
            f'[reader]\nkind = "rest"\nbase_url = "{server.url}"\nformat = "xml"\n'
            f'records = "answer/list/case"\nretries = 1\n{more}\n{tables}'
        )

    return one


def test_pages_whose_end_and_number_are_announced(make, server):
    server.answer = numbered(ROWS, total=5)
    source = make(PAGE + 'total = "answer/head/total"\nkey = ["@id"]')
    assert numbers(source, source.pull()) == NAMES
    assert len(server.asked) == 3
    assert server.asked[0].headers["accept"] == "application/xml, text/xml"


def test_a_path_to_an_attribute(make, server):
    server.answer = numbered(ROWS, pages=3)
    source = make(PAGE + 'total_pages = "answer/@pages"\nread_twice = false')
    assert numbers(source, source.pull()) == NAMES
    assert len(server.asked) == 3


def test_fewer_than_announced_are_not_taken(make, server):
    server.answer = numbered(ROWS[:3], total=5)
    with pytest.raises(RetryableError, match="announced 5 records and gave 3"):
        make(PAGE + 'total = "answer/head/total"').pull()


@pytest.mark.parametrize("path", ["answer/total", "total", "head.total", "answer/list/case/no"])
def test_a_total_that_is_not_there_is_named(make, server, path):
    server.answer = numbered(ROWS, total=5)
    with pytest.raises(RefusedError, match=f"no whole number at {path}"):
        make(PAGE + f'total = "{path}"').pull()


def test_a_total_that_comes_twice_is_none(make, server):
    reply = xml(ROWS, total=5)
    server.script(Reply(reply.body.replace(b"<head>", b"<head><total>9</total>")))
    with pytest.raises(RefusedError, match="no whole number at answer/head/total"):
        make(PAGE + 'total = "answer/head/total"').pull()


def test_tokens(make, server):
    def answer(asked: Asked, _count: int) -> Reply:
        at = int(asked.query.get("cursor", "0"))
        return xml(ROWS[at : at + 2], **({"next": at + 2} if at < 4 else {"next": ""}))

    server.answer = answer
    source = make('[reader.pagination]\nkind = "cursor"\ntoken = "answer/head/next"')
    assert numbers(source, source.pull()) == NAMES
    assert len(server.asked) == 3


def test_addresses_of_the_next_page(make, server):
    def answer(asked: Asked, _count: int) -> Reply:
        at = int(asked.query.get("at", "0"))
        return xml(ROWS[at : at + 2], **({"next": f"?a=1&at={at + 2}"} if at < 4 else {}))

    server.answer = answer
    source = make('[reader.pagination]\nkind = "next_url"\nurl = "answer/head/next"')
    assert numbers(source, source.pull()) == NAMES
    assert server.asked[1].query == {"a": "1", "at": "2"}


@pytest.mark.parametrize(("code", "passes"), [("0", True), ("500", False), (None, False)])
def test_an_error_inside_a_200(make, server, code, passes):
    server.script(xml(ROWS, **({} if code is None else {"code": code})))
    source = make('success = { path = "answer/head/code", values = [0] }')
    if passes:
        assert numbers(source, source.pull()) == NAMES
        return
    words = "no answer/head/code in" if code is None else "failed: answer/head/code = 500"
    with pytest.raises(RefusedError, match=words):
        source.pull()


@pytest.mark.parametrize("counted", [b"<count><all>5</all></count>", b"<count all='5'/>"])
def test_the_source_counts(make, server, counted):
    server.answer = lambda asked, _count: Reply(counted) if asked.path == "/count" else xml(ROWS)
    field = "count/@all" if b"all=" in counted else "count/all"
    source = make(f'count = {{ path = "count", field = "{field}" }}')
    assert source.pull().counted.rows == 5


WHOLE = xml(ROWS).body


@pytest.mark.parametrize(
    ("body", "error", "words"),
    [
        (b"<!DOCTYPE html><html>login</html>", RefusedError, "answers an HTML page, not the list"),
        (b"<html><body>no", RefusedError, "answers an HTML page, not the list"),
        (b'<?xml version="1.0"?>\n<html xmlns="x"/>', RefusedError, "answers an HTML page"),
        (
            b'<?xml version="1.0"?><!DOCTYPE html PUBLIC "x" "y"><html/>',
            RefusedError,
            "answers an HTML page",
        ),
        (b'{"data": []}', RefusedError, "this is JSON, not XML"),
        (b"busy", RefusedError, "the XML is broken in line 1, column 1"),
        (WHOLE[:200], RetryableError, "the XML is cut off in line 1"),
        (WHOLE[:-9], RetryableError, "the XML is cut off in line 1"),
        (b"", RetryableError, "answers 200 with nothing in it"),
        (WHOLE.replace(b"<list>", b"<rows>").replace(b"</list>", b"</rows>"), RefusedError, "root"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', RefusedError, "document type declaration"),
    ],
)
def test_what_is_no_list(make, server, body, error, words):
    server.script(Reply(body))
    source = make()
    with pytest.raises(error, match=words) as caught:
        source.pull()
    assert caught.value.where.file.rstrip("/") == server.url
    assert caught.value.hint
    assert len(server.asked) == (2 if error is RetryableError else 1)
    assert len(source.landing.events("cases/decisions")) == len(server.asked)  # as evidence


def test_an_answer_that_was_cut_off_and_then_is_whole(make, server):
    server.script(Reply(WHOLE[:-9]), Reply(WHOLE))
    source = make()
    assert numbers(source, source.pull()) == NAMES


def test_records_that_can_not_be_read_are_put_aside_and_counted(make, server):
    """An element that repeats: the page has three rows, one of which nobody can read."""
    odd = WHOLE.replace(b"<c:no>A3</c:no>", b"<c:no>A3</c:no><c:no>A9</c:no>")
    server.answer = lambda asked, _count: (
        Reply(odd.replace(b"<head>", b"<head><total>5</total>"))
        if asked.query["page"] == "1"
        else xml([], total=5)
    )
    source = make(PAGE + 'total = "answer/head/total"\nkey = ["no"]')
    read = source.read(source.pull())
    assert [r["no"] for r in read.rows] == ["A1", "A2", "A4", "A5"]
    assert read.rules == ["read:xml"]


def test_a_list_that_moves_is_noticed(make, server):
    """The first row goes away after the first page: another moves up and slips through."""
    rows = list(ROWS)

    def answer(asked: Asked, count: int) -> Reply:
        if count == 1:
            del rows[0]
        return numbered(rows)(asked, count)

    server.answer = answer
    source = make(PAGE)
    assert set(numbers(source, source.pull())) >= set(NAMES[1:])


def test_the_cursor_moves_by_a_field_of_the_records(make, server):
    server.script(xml(ROWS))
    source = make(tables='[cursor]\nfield = "updated"\nparameter = "since"\n')
    read = source.read(source.pull({}))
    assert read.batch.cursor["value"].startswith("2026-05-05")


def test_looking_at_it(make, server):
    server.answer = numbered(ROWS, total=5)
    source = make(PAGE + 'total = "answer/head/total"\nkey = ["@id"]')
    seen = look(source.config, source.folder, secrets=str).streams[0]
    assert seen.rows == 5
    assert [(c.name, c.in_key) for c in seen.columns] == [
        ("@id", True),
        ("no", False),
        ("updated", False),
    ]


def test_a_key_that_no_record_has(make, server):
    server.answer = numbered(ROWS, total=5)
    with pytest.raises(ConfigError, match="no record has id, by which records are told apart"):
        make(PAGE + 'total = "answer/head/total"\nkey = ["id"]').pull()


def test_one_record_without_the_key_does_not_stop_the_others(make, server):
    odd = WHOLE.replace(b"<c:no>A3</c:no>", b"")
    server.answer = lambda asked, _count: (
        Reply(odd) if asked.query["page"] == "1" else xml([], total=5)
    )
    source = make(PAGE + 'key = ["no"]')
    assert numbers(source, source.pull()) == ["A1", "A2", None, "A4", "A5"]
