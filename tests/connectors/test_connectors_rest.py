"""REST sources that behave, and every way in which one misbehaves, against a real server."""

from __future__ import annotations

import json
import socket

import pytest
from connectors_world import (
    PAGED,
    ROWS,
    TOKEN,
    Asked,
    Reply,
    numbered,
    numbers,
    page,
    running_server,
)

from schemas.errors import ConfigError, RefusedError, RetryableError

# ---- pages -----------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize("cap", [1, 2, 3])
def test_numbered_pages_lose_nothing_even_if_the_server_caps_them(rest, server, count, cap):
    server.answer = numbered(ROWS[:count], cap)
    source = rest(PAGED)
    assert numbers(source, source.pull()) == [r["no"] for r in ROWS[:count]]
    assert len(server.asked) <= 2 * (count + 1)  # the list is read twice
    assert server.asked[0].query == {"page": "1", "size": "2"}


def test_a_short_page_in_the_middle_is_not_the_end(rest, server):
    """A server that leaves out rows after cutting its pages."""
    pages = [ROWS[:2], ROWS[2:3], ROWS[3:5], []]
    server.answer = lambda asked, _count: page(pages[int(asked.query["page"]) - 1])
    source = rest(PAGED)
    assert numbers(source, source.pull()) == ["A1", "A2", "A3", "A4", "A5"]


@pytest.mark.parametrize("beyond", ["404", "last page again"])
def test_servers_that_have_no_empty_page(rest, server, beyond):
    def answer(asked: Asked, _count: int) -> Reply:
        if asked.query["page"] == "1" or beyond == "last page again":
            return page(ROWS[:1])
        return Reply(b"{}", 404)

    server.answer = answer
    source = rest(PAGED)
    assert numbers(source, source.pull()) == ["A1"]


@pytest.mark.parametrize(("key", "told"), [("total_pages", {"pages": 3}), ("total", {"total": 5})])
def test_announced_ends_are_believed(rest, server, key, told):
    server.answer = numbered(ROWS, **told)
    source = rest(PAGED + f'key = ["no"]\nread_twice = false\n{key} = "{next(iter(told))}"')
    assert numbers(source, source.pull()) == ["A1", "A2", "A3", "A4", "A5"]
    assert len(server.asked) == 3


def test_fewer_rows_than_announced_are_not_taken(rest, server):
    server.answer = numbered(ROWS[:3], total=5)
    with pytest.raises(RetryableError, match="announced 5 records and gave 3"):
        rest(PAGED + 'total = "total"').pull()


def test_total_that_is_not_there_is_named(rest, server):
    server.answer = numbered(ROWS)
    with pytest.raises(RefusedError, match=r"no whole number at meta\.total"):
        rest(PAGED + 'total = "meta.total"').pull()


@pytest.mark.parametrize("cap", [1, 2, 3])
def test_offsets(rest, server, cap):
    def answer(asked: Asked, _count: int) -> Reply:
        at = int(asked.query["offset"])
        return page(ROWS[at : at + cap])

    server.answer = answer
    source = rest('[reader.pagination]\nkind = "offset"\nsize = 3\nsize_parameter = "limit"')
    found = numbers(source, source.pull())
    assert sorted(set(found)) == ["A1", "A2", "A3", "A4", "A5"]
    # the overlaps come twice, which is settled later
    assert [n for n in found if found.count(n) > 2] == []


def test_tokens(rest, server):
    def answer(asked: Asked, _count: int) -> Reply:
        at = int(asked.query.get("cursor", "0"))
        return page(ROWS[at : at + 2], next=at + 2 if at < 4 else None)

    server.answer = answer
    source = rest('[reader.pagination]\nkind = "cursor"\ntoken = "next"')
    assert numbers(source, source.pull()) == ["A1", "A2", "A3", "A4", "A5"]
    assert len(server.asked) == 3


@pytest.mark.parametrize("kind", ["link", "next_url"])
def test_addresses_of_the_next_page(rest, server, kind):
    def answer(asked: Asked, _count: int) -> Reply:
        at = int(asked.query.get("at", "0"))
        target = f"/api/cases?at={at + 2}" if at < 4 else None
        reply = page(ROWS[at : at + 2], next=target if kind == "next_url" else "ignored")
        link = (("Link", f'<{target}>; rel="next"'),) if target else ()
        return Reply(reply.body, headers=link)

    server.answer = answer
    more = 'url = "next"' if kind == "next_url" else ""
    source = rest(f'[reader.pagination]\nkind = "{kind}"\n{more}')
    assert numbers(source, source.pull()) == ["A1", "A2", "A3", "A4", "A5"]


def test_one_request_without_pages(rest, server):
    server.script(page(ROWS))
    source = rest("parameters = { district = '999999', open = true }")
    assert len(numbers(source, source.pull())) == 5
    assert server.asked[0].query == {"district": "999999", "open": "true"}
    assert server.asked[0].path == "/api/cases"


def test_no_content_is_no_rows(rest, server):
    server.script(Reply(status=204))
    source = rest()
    assert source.read(source.pull()).batch.received == 0


@pytest.mark.parametrize(("reply", "rows"), [(page([]), 0), (page(None), 0), (page(ROWS), 5)])
def test_an_empty_list_may_be_null(rest, server, reply, rows):
    server.script(reply)
    source = rest()
    assert source.read(source.pull()).batch.received == rows


# ---- a page that never ends ------------------------------------------------------------------


def test_the_same_page_again_is_named(rest, server):
    server.script(page(ROWS[:2]))
    with pytest.raises(RefusedError, match="never ends: page 2 is one already seen"):
        rest(PAGED).pull()


def test_the_same_page_under_another_time_stamp(rest, server):
    server.answer = lambda _asked, count: page(ROWS[:2], generated=count, next=f"t{count}")
    with pytest.raises(RefusedError, match="never ends"):
        rest('[reader.pagination]\nkind = "cursor"\ntoken = "next"').pull()
    assert len(server.asked) == 2


def test_ever_new_pages_stop_at_the_bound(rest, server):
    server.answer = lambda _asked, count: page([{"no": str(count * 2 + i)} for i in (0, 1)])
    with pytest.raises(RefusedError, match="more than 7 pages"):
        rest("max_pages = 7\n" + PAGED).pull()
    assert len(server.asked) == 7


# ---- refusals --------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 418])
def test_refusals_are_not_tried_again(rest, server, status):
    server.script(Reply(b"no", status))
    with pytest.raises(RefusedError, match=f"answers {status}") as caught:
        rest().pull()
    assert len(server.asked) == 1
    assert caught.value.hint
    assert caught.value.where.file == f"{server.url}/api/cases"


def test_wrong_token(rest, server):
    def answer(asked: Asked, _count: int) -> Reply:
        right = asked.headers.get("authorization") == f"Bearer {TOKEN}"
        return page(ROWS) if right else Reply(b"{}", 401)

    server.answer = answer
    source = rest('auth = { kind = "bearer", token = "env:CASES_TOKEN" }')
    assert len(source.pull().objects) == 1
    with pytest.raises(RefusedError) as caught:
        source.pull(token="wrong-token")
    assert "token" in str(caught.value.hint)
    assert "wrong-token" not in repr(caught.value.__dict__)


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        ('kind = "basic", username = "甲", password = "env:P"', "authorization", "Basic "),
        ('kind = "header", name = "X-Api-Key", value = "env:K"', "x-api-key", TOKEN),
    ],
)
def test_other_ways_to_authenticate(rest, server, auth, header, value):
    server.script(page(ROWS))
    rest(f"auth = {{ {auth} }}").pull()
    assert server.asked[0].headers[header].startswith(value)


def test_token_that_no_header_can_hold_is_not_shown(rest, server):
    source = rest('auth = { kind = "bearer", token = "env:T" }')
    with pytest.raises(ConfigError) as caught:
        source.pull(token="line\nbreak-secret")
    assert "break-secret" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_to_another_host_is_refused_and_sees_no_token(rest, server, status):
    with running_server() as other:
        server.script(Reply(status=status, headers=(("Location", f"{other.url}/api/cases"),)))
        source = rest('auth = { kind = "bearer", token = "env:T" }')
        with pytest.raises(RefusedError, match="points to another host"):
            source.pull()
        assert not other.asked


def test_redirect_on_the_same_host_is_followed(rest, server):
    def answer(asked: Asked, _count: int) -> Reply:
        if asked.path == "/api/cases":
            return Reply(status=302, headers=(("Location", "/v2/cases"),))
        return page(ROWS)

    server.answer = answer
    source = rest()
    assert len(numbers(source, source.pull())) == 5


def test_redirects_in_a_circle(rest, server):
    server.script(Reply(status=302, headers=(("Location", "/api/cases"),)))
    with pytest.raises(RefusedError, match="circle"):
        rest().pull()


def test_next_page_on_another_host_is_refused(rest, server):
    with running_server() as other:
        server.script(page(ROWS, next=f"{other.url}/api/cases"))
        with pytest.raises(RefusedError, match="points to another host"):
            rest('[reader.pagination]\nkind = "next_url"\nurl = "next"').pull()
        assert not other.asked


# ---- what may work later ---------------------------------------------------------------------


def test_host_down(rest, server):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    source = rest("retries = 3")
    reader = source.config.reader.model_copy(update={"base_url": f"http://127.0.0.1:{port}"})
    source.config = source.config.model_copy(update={"reader": reader})
    with pytest.raises(RetryableError, match="can't be reached"):
        source.pull()
    assert len(source.waits) == 3


def test_too_many_requests_then_fine(rest, server):
    server.script(Reply(b"", 429, (("Retry-After", "7"),)), page(ROWS))
    source = rest()
    assert len(numbers(source, source.pull())) == 5
    assert source.waits == [7]


def test_retry_after_is_capped_and_nonsense_ignored(rest, server):
    server.script(
        Reply(b"", 503, (("Retry-After", "86400"),)),
        Reply(b"", 429, (("Retry-After", "soon"),)),
        page(ROWS),
    )
    source = rest("backoff_max_seconds = 20")
    source.pull()
    assert source.waits[0] == 20
    assert source.waits[1] <= 20


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_server_errors_are_tried_again_with_growing_waits(rest, server, status):
    server.script(*[Reply(b"oops", status)] * 4, page(ROWS))
    source = rest("retries = 4\nbackoff_seconds = 1")
    assert len(numbers(source, source.pull())) == 5
    assert len(source.waits) == 4
    floors = [0, 2, 4, 8]
    assert all(f <= w <= f + 1 for f, w in zip(floors, source.waits, strict=True))


def test_server_error_that_stays(rest, server):
    server.script(Reply(b"oops", 500))
    source = rest("retries = 2")
    with pytest.raises(RetryableError, match="still answers 500 after all retries"):
        source.pull()
    assert len(server.asked) == 3


def test_answer_that_breaks_off_is_tried_again_and_never_half_taken(rest, server, tmp_path):
    whole = page(ROWS)
    server.script(
        Reply(whole.body, announce=len(whole.body) + 10, headers=(("Connection", "close"),)), whole
    )
    source = rest()
    assert len(numbers(source, source.pull())) == 5
    assert len(source.landing.events("cases/decisions")) == 1
    assert not list((tmp_path / "landing" / "tmp").rglob("decisions"))


def test_answer_that_always_breaks_off(rest, server):
    server.script(Reply(b"[", announce=10, headers=(("Connection", "close"),)))
    with pytest.raises(RetryableError, match="broke off"):
        rest("retries = 1").pull()


def test_server_that_falls_silent(rest, server):
    server.script(Reply(b'{"data"', announce=100, hang=True))
    with pytest.raises(RetryableError, match="broke off"):
        rest("retries = 0\ntimeout_seconds = 0.2").pull()


def test_server_that_drips_for_ever(rest, server):
    server.script(page(ROWS))
    source = rest("retries = 0\npage_seconds = 60")
    ticks = iter(range(0, 10_000, 100))
    source.monotonic = lambda: float(next(ticks))
    with pytest.raises(RetryableError, match="longer than 60 seconds"):
        source.pull()


def test_requests_are_paced(rest, server):
    server.answer = numbered(ROWS)
    source = rest("requests_per_second = 4\n" + PAGED)
    source.monotonic = lambda: sum(source.waits)
    source.pull()
    assert source.waits == [0.25] * 7


# ---- what is no answer -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "error", "words"),
    [
        (b"<!DOCTYPE html><html>login</html>", RefusedError, "HTML"),
        (b"\xef\xbb\xbf  <html/>", RefusedError, "answers an HTML page, not the list"),
        (b"just text", RefusedError, "not JSON"),
        (b'{"data": {"items": [{"no": "A1"}, {"no', RetryableError, "cut off"),
        (b'{"data": {"items": [{"no": "A1"}]', RetryableError, "cut off"),
        (b"", RetryableError, "answers 200 with nothing in it"),
        (b" \n", RetryableError, "answers 200 with nothing in it"),
        (b'{"data": {"rows": []}}', RefusedError, "no list of records at data.items"),
        (b'{"data": {"items": {"no": 1}}}', RefusedError, "no list of records at data.items"),
        (b'{"error": "busy"}', RefusedError, "no list of records"),
        (b"[" * 100_000, RefusedError, "too deeply"),
    ],
)
def test_wrong_answers_with_status_200(rest, server, body, error, words):
    server.script(Reply(body))
    source = rest("retries = 1")
    with pytest.raises(error, match=words):
        source.pull()
    tries = 2 if error is RetryableError else 1
    assert len(source.landing.events("cases/decisions")) == tries  # kept as evidence


@pytest.mark.parametrize(
    ("code", "passes"), [(0, True), (200, True), ("200", True), (500, False), (None, False)]
)
def test_error_inside_a_200(rest, server, code, passes):
    server.script(page(ROWS, code=code))
    source = rest('success = { path = "code", values = [0, 200] }')
    if passes:
        assert len(source.pull().objects) == 1
        return
    with pytest.raises(RefusedError, match="says that it failed: code = "):
        source.pull()


def test_answer_without_the_success_code(rest, server):
    server.script(page(ROWS))
    with pytest.raises(RefusedError, match="no code in the answer"):
        rest('success = { path = "code", values = [0] }').pull()


def test_answer_beyond_the_size_limit_is_not_read_to_its_end(rest, server):
    server.script(Reply(b"[" + b"1," * 1_000_000 + b"1]"))
    source = rest("max_page_bytes = 100000")
    with pytest.raises(RefusedError, match="larger than 100000 bytes"):
        source.pull()
    assert not source.landing.events("cases/decisions")


def test_broken_compression(rest, server):
    server.script(Reply(b"not gzip", headers=(("Content-Encoding", "gzip"),)))
    with pytest.raises(RefusedError, match="compression"):
        rest().pull()


def test_answer_in_an_old_encoding(rest, server):
    body = json.dumps({"data": {"items": [{"party": "甲公司"}]}}, ensure_ascii=False)
    server.script(Reply(body.encode("gb18030")))
    source = rest('encoding = "gb18030"')
    assert source.read(source.pull()).rows == [{"party": "甲公司"}]
