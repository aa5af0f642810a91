"""REST sources that say what is not so: every row arrives all the same, or it is told."""

from __future__ import annotations

import json
from base64 import b64encode
from urllib.parse import parse_qsl

import pytest
from connectors_auth_world import HMAC, OLD, run
from connectors_world import NOW, PAGED, ROWS, Asked, Reply, numbered, numbers, page, running_server

from connectors.delivery import PullRequest
from connectors.rest.errors import public
from connectors.rest.links import next_link
from connectors.rest.question import question
from schemas.errors import ConfigError, RefusedError

NAMES = [r["no"] for r in ROWS]
OFFSET = '[reader.pagination]\nkind = "offset"\nsize = 2\nsize_parameter = "size"\n'
NEXT = '[reader.pagination]\nkind = "next_url"\nurl = "next"\n'
TOKENS = '[reader.pagination]\nkind = "cursor"\ntoken = "next"\n'
LINKS = '[reader.pagination]\nkind = "link"\n'


def offsets(total: int):
    return lambda asked, _count: page(ROWS[int(asked.query["offset"]) :][:2], total=total)


# ---- what is announced -----------------------------------------------------------------------


@pytest.mark.parametrize("total", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("key", ["", 'key = ["no"]\n'])
def test_a_total_that_is_the_number_of_something_else(rest, server, total, key):
    """Often of the rows on the page; nothing that is proven by it."""
    for pagination, answer in ((PAGED, numbered(ROWS, total=total)), (OFFSET, offsets(total))):
        server.answer = answer
        source = rest(pagination + key + 'total = "total"')
        source.config = source.config.model_copy(update={"mode": "snapshot"})
        assert sorted(set(numbers(source, source.pull()))) == NAMES


def test_a_total_of_minus_one_is_none(rest, server):
    server.answer = numbered(ROWS, total=-1)
    with pytest.raises(RefusedError, match="no whole number at total") as caught:
        rest(PAGED + 'total = "total"').pull()
    assert "-1" in caught.value.hint.en


def test_no_pages_announced_but_rows_given(rest, server):
    server.answer = numbered(ROWS, pages=0)
    source = rest(PAGED + 'total_pages = "pages"')
    assert sorted(set(numbers(source, source.pull()))) == NAMES


@pytest.mark.parametrize("beyond", [page([], total=4), Reply(b"", 404), page(ROWS[2:4], total=4)])
def test_a_full_last_page_is_asked_beyond_once(rest, server, beyond):
    """Servers answer there an empty page, an error, or the last page again."""
    honest = numbered(ROWS[:4], total=4)
    server.answer = lambda asked, count: (
        beyond if asked.query["page"] == "3" else honest(asked, count)
    )
    source = rest(PAGED + 'total = "total"\nkey = ["no"]')
    assert numbers(source, source.pull()) == NAMES[:4]
    assert len(server.asked) == 3


# ---- the next page ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "target"),
    [
        ('</a?at=2>; rel="Next"', "/a?at=2"),
        ('</a?at=2>; rel="last next"', "/a?at=2"),
        ("</a?at=2>; rel=next", "/a?at=2"),
        ('</a;jsessionid=AB?at=2>; rel="next"', "/a;jsessionid=AB?at=2"),
        ('</a?at=2,5>; title="a, b; c"; rel="next"', "/a?at=2,5"),
        ('</p>; rel="prev", </n>; title="\\"x\\""; rel="next"', "/n"),
        ('</p>;rel="prev",</n>;rel="next"', "/n"),
        ('</p>; rel="prev"', None),
        ('</p>; rel="nextish"', None),
        ('</p>; rel="prev"; rel="next"', None),
        ("", None),
        ("<", None),
    ],
)
def test_links(header, target):
    assert next_link(header) == target


def test_a_link_of_an_old_gateway(rest, server):
    link = ("Link", '</api/cases;jsessionid=7A?at=2>; rel="next"')
    server.answer = lambda asked, _count: (
        page(ROWS[2:]) if "at" in asked.query else Reply(page(ROWS[:2]).body, headers=(link,))
    )
    source = rest(LINKS)
    assert numbers(source, source.pull()) == NAMES


@pytest.mark.parametrize(
    "target", ["http://127.0.0.1:99999/", "http://127.0.0.1:x/", "http://[half/", "//a.invalid/"]
)
@pytest.mark.parametrize("how", ["next_url", "link", "redirect"])
def test_addresses_that_are_none_or_elsewhere(rest, server, target, how):
    told = "points to another host"
    if how == "redirect":
        server.script(Reply(status=302, headers=(("Location", target),)))
        told = "points to another host|can't be sent"
    else:
        link = (("Link", f'<{target}>; rel="next"'),)
        server.script(Reply(page(ROWS, next=target).body, headers=link))
    with pytest.raises((RefusedError, ConfigError), match=told):
        rest({"next_url": NEXT, "link": LINKS, "redirect": ""}[how]).pull()


def test_an_address_of_ip_version_6_stays_one():
    assert public("http://u:p@[::1]:8080/a?b#c") == "http://[::1]:8080/a"


def test_a_token_of_thousands_of_digits(rest, server):
    huge = page(ROWS[:2], next="N").body.replace(b'"N"', b"9" * 5000)
    server.answer = lambda asked, _count: page(ROWS[2:]) if "cursor" in asked.query else Reply(huge)
    source = rest(TOKENS)
    assert numbers(source, source.pull()) == NAMES


# ---- records ---------------------------------------------------------------------------------


def test_a_record_nested_deeper_than_python_goes_is_put_aside(rest, server):
    deep = b'{"data": {"items": [{"no": "A1"}, {"x": ' + b"[" * 800 + b"]" * 800 + b"}]}}"
    server.answer = lambda asked, _count: Reply(deep) if asked.query["page"] == "1" else page([])
    source = rest(PAGED)
    read = source.read(source.pull())
    assert [r["no"] for r in read.rows] == ["A1"]
    assert [(r[2], r[3]) for r in read.rejects] == [("read:json", "nested too deeply")]


# ---- what an earlier pull left -----------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "[]",
        "5",
        '{"question": 1}',
        "Q\n[]",
        "Q\n{}",
        'Q\n{"page": 1, "landed": {"digest": 5}}',
        'Q\n{"page": "x", "landed": null, "url": "", "date": 5, "next_link": null}',
        "Q\n" + "[" * 5000,
    ],
)
def test_progress_that_is_not_ours_stops_nothing(rest, server, line):
    server.script(page(ROWS))
    source = rest(TOKENS)
    request = PullRequest("cursor", None, None, None, NOW)
    asked = question(source.config, source.config.reader, request, str)
    path = source.landing.root / "progress" / "cases" / "decisions.jsonl"
    path.parent.mkdir(parents=True)
    head = json.dumps({"question": asked.digest(source.config)})
    path.write_text(line.replace("Q", head) + "\n")
    assert numbers(source, source.pull()) == NAMES


# ---- signatures and tokens -------------------------------------------------------------------


def test_a_next_address_that_repeats_our_signature(rest, server):
    """A gateway would see two signatures, and two times."""

    def answer(asked: Asked, count: int) -> Reply:
        names = [name for name, _ in parse_qsl(asked.raw_query)]
        assert sorted(names) == sorted(set(names))
        again = f"/api/cases?{asked.raw_query}&at=2"
        return page(ROWS[2:]) if count else page(ROWS[:2], next=again)

    server.answer = answer
    source = rest("parameters = { state = '甲 +&=/%', z = 'a+b' }\n" + NEXT + HMAC + OLD)
    assert numbers(source, run(source)) == NAMES
    assert dict(parse_qsl(server.asked[1].raw_query))["state"] == "甲 +&=/%"


def test_a_token_that_lives_for_no_time_is_used_until_it_is_refused(rest, server):
    def answer(asked: Asked, _count: int) -> Reply:
        if asked.path == "/token":
            return Reply(b'{"access_token": "t", "expires_in": 0}')
        at = int(asked.query.get("cursor", 0))
        return page(ROWS[at : at + 1], next=at + 1 if at < 4 else None)

    server.answer = answer
    auth = f'token_url = "{server.url}/token"\nclient_id = "n"\nclient_secret = "env:SECRET"\n'
    source = rest(f'{TOKENS}[reader.auth]\nkind = "oauth"\n{auth}')
    assert numbers(source, run(source)) == NAMES
    assert len([a for a in server.asked if a.path == "/token"]) == 1


@pytest.mark.parametrize("token", ["a\nb", "a\rb", "令牌"])
@pytest.mark.parametrize(
    "auth",
    [
        'kind = "bearer"\ntoken = "env:T"',
        'kind = "header"\nname = "X-K"\nvalue = "env:T"',
        'kind = "hmac"\napp_key = "env:T"\nsecret = "env:T"',
    ],
)
def test_a_secret_that_would_end_its_header_is_not_sent_nor_carried_along(
    rest, server, token, auth
):
    with pytest.raises(ConfigError, match="can't be sent") as caught:
        rest(f"[reader.auth]\n{auth}").pull(token=token)
    assert server.asked == []
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_a_proxy_whose_password_is_named(rest, server):
    """What a proxy is sent, and that it is no plain text in source.toml."""
    with running_server() as proxy:
        proxy.script(page(ROWS))
        address = proxy.url.removeprefix("http://")
        source = rest('proxy = "env:PROXY"')
        delivery = source.pull(token=f"http://node:pass-word@{address}")
        assert numbers(source, delivery) == NAMES
        basic = b64encode(b"node:pass-word").decode()
        assert proxy.asked[0].headers["proxy-authorization"] == f"Basic {basic}"
    assert server.asked == []
    with pytest.raises(ConfigError) as caught:
        rest('proxy = "http://node:pass-word@127.0.0.1:1"')
    assert "name the proxy as env:NAME" in str(caught.value)
    assert "pass-word" not in str(caught.value)
