"""REST: tokens that run out, and secrets that are seen nowhere."""

from __future__ import annotations

import base64
import json
import logging
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

import pytest
from connectors_auth_world import HMAC, OLD, SECRET, run
from connectors_world import ROWS, Asked, Reply, numbers, page, running_server

from schemas.errors import RefusedError, RetryableError


@dataclass
class Issuer:
    """A token server and the list behind it. ``valid``: the tokens that are taken."""

    life: int | None = 3600
    replies: list[Reply] = field(default_factory=list)
    valid: set[str] = field(default_factory=set)
    issued: int = 0
    forms: list[Asked] = field(default_factory=list)
    refuse_all: bool = False

    def __call__(self, asked: Asked, _count: int) -> Reply:
        if asked.path == "/token":
            self.forms.append(asked)
            if self.replies:
                return self.replies.pop(0)
            self.issued += 1
            token = f"token-{self.issued}"
            self.valid = {token}
            life = {} if self.life is None else {"expires_in": self.life}
            answer = {"access_token": token, "token_type": "Bearer", **life}
            return Reply(json.dumps(answer).encode())
        token = asked.headers.get("authorization", "").removeprefix("Bearer ")
        if self.refuse_all or token not in self.valid:
            return Reply(b"", 401)
        at = int(asked.query.get("cursor", 0))
        return page(ROWS[at : at + 1], next=at + 1 if at < 4 else None)


def oauth(server, more: str = "") -> str:
    return (
        '[reader.pagination]\nkind = "cursor"\ntoken = "next"\n'
        f'[reader.auth]\nkind = "oauth"\ntoken_url = "{server.url}/token"\n'
        f'client_id = "node 7"\nclient_secret = "env:SECRET"\n{more}\n'
    )


def test_one_token_serves_a_whole_pull(rest, server):
    issuer = server.answer = Issuer()
    source = rest(oauth(server, 'scope = "lists:read"\ntoken_parameters = { audience = "x" }'))
    assert len(numbers(source, run(source))) == 5
    assert issuer.issued == 1
    (asked,) = issuer.forms
    assert dict(parse_qsl(asked.body.decode())) == {
        "grant_type": "client_credentials",
        "scope": "lists:read",
        "audience": "x",
    }
    basic = base64.b64decode(asked.headers["authorization"].removeprefix("Basic "))
    assert basic == b"node%207:the-shared-secret"


def test_id_and_secret_in_the_form(rest, server):
    issuer = server.answer = Issuer()
    run(rest(oauth(server, 'client_authentication = "body"')))
    form = dict(parse_qsl(issuer.forms[0].body.decode()))
    assert (form["client_id"], form["client_secret"]) == ("node 7", SECRET)
    assert "authorization" not in issuer.forms[0].headers


def test_a_token_is_renewed_before_it_runs_out(rest, server):
    issuer = server.answer = Issuer(life=100)
    ticks = iter(range(0, 100_000, 20))
    source = rest(oauth(server))
    assert len(numbers(source, run(source, monotonic=lambda: float(next(ticks))))) == 5
    assert issuer.issued > 1
    assert not [a for a in server.asked if a.path != "/token" and a.headers["authorization"] == ""]


def test_a_401_heals_by_exactly_one_renewal(rest, server):
    issuer = Issuer(life=None)

    def answer(asked: Asked, count: int) -> Reply:
        if count == 3:
            issuer.valid = set()  # the token server was restarted
        return issuer(asked, count)

    server.answer = answer
    source = rest(oauth(server))
    assert len(numbers(source, run(source))) == 5
    assert issuer.issued == 2
    assert len(server.asked) == 2 + 5 + 1
    assert source.waits == []


def test_a_401_that_a_new_token_does_not_heal(rest, server):
    issuer = server.answer = Issuer(refuse_all=True)
    with pytest.raises(RefusedError, match="answers 401"):
        run(rest(oauth(server)))
    assert issuer.issued == 2
    assert len(server.asked) == 4


@pytest.mark.parametrize("kind", ["bearer", "basic", "header", "hmac"])
def test_a_401_for_what_can_not_be_renewed_is_refused_at_once(rest, server, kind):
    server.script(Reply(b"", 401))
    auth = {
        "bearer": '[reader.auth]\nkind = "bearer"\ntoken = "env:T"\n',
        "basic": '[reader.auth]\nkind = "basic"\nusername = "u"\npassword = "env:T"\n',
        "header": '[reader.auth]\nkind = "header"\nname = "X-Key"\nvalue = "env:T"\n',
        "hmac": HMAC,
    }[kind]
    with pytest.raises(RefusedError, match="answers 401"):
        run(rest(auth))
    assert len(server.asked) == 1


def test_a_token_server_that_is_busy_for_a_while(rest, server):
    issuer = server.answer = Issuer(replies=[Reply(b"", 503, (("Retry-After", "4"),))])
    source = rest(oauth(server))
    assert len(numbers(source, run(source))) == 5
    assert source.waits == [4]
    assert issuer.issued == 1


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(b'{"error": "invalid_client"}', 401), r"gives no token \(401, invalid_client\)"),
        (Reply(b'{"error": "no <b>such</b>"}', 400), r"gives no token \(400\)"),
        (Reply(b"<html>", 404), r"gives no token \(404\)"),
        (Reply(b"<html>", 200), r"gives no token \(200\)"),
        (Reply(b'{"token": "x"}'), "answer has no access_token"),
        (Reply(b'{"access_token": "x", "token_type": "mac"}'), "has no token_type = bearer"),
        (Reply(b"", 302, (("Location", "/login"),)), r"gives no token \(302\)"),
    ],
)
def test_a_token_server_that_gives_none(rest, server, reply, words):
    server.answer = Issuer(replies=[reply])
    with pytest.raises(RefusedError, match=words) as caught:
        run(rest(oauth(server)))
    assert caught.value.hint
    assert len(server.asked) == 1


def test_a_token_server_that_is_down(rest, server):
    with running_server() as other:
        address = other.url
    source = rest(oauth(server).replace(f"{server.url}/token", f"{address}/token"))
    with pytest.raises(RetryableError, match=f"{address}/token: the server can't be reached"):
        run(source)
    assert len(source.waits) == 5


# ---- secrets -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["hmac", "md5", "oauth", "bearer"])
@pytest.mark.parametrize("fails", [False, True])
def test_secrets_are_seen_nowhere(rest, server, tmp_path, caplog, capfd, kind, fails):
    caplog.set_level(logging.DEBUG)
    issuer = Issuer(refuse_all=fails)

    def answer(asked: Asked, count: int) -> Reply:
        if asked.path == "/token" or kind == "oauth":
            return issuer(asked, count)
        return Reply(b"", 500) if fails else page(ROWS)

    server.answer = answer
    auth = {
        "hmac": HMAC,
        "md5": HMAC + OLD,
        "oauth": oauth(server, 'client_authentication = "body"'),
        "bearer": '[reader.auth]\nkind = "bearer"\ntoken = "env:T"\n',
    }[kind]
    source = rest("retries = 1\n" + auth)
    told = ""
    if fails:
        with pytest.raises((RefusedError, RetryableError)) as caught:
            run(source)
        told = repr(caught.value) + str(caught.value) + repr(caught.value.as_dict())
        told += repr(caught.value.__cause__)
    else:
        run(source)
    landing = b"".join(p.read_bytes() for p in (tmp_path / "landing").rglob("*") if p.is_file())
    seen = told + caplog.text + "".join(capfd.readouterr()) + landing.decode(errors="replace")
    for secret in (SECRET, "bearer-token", "token-1", "token-2"):
        assert secret not in seen
