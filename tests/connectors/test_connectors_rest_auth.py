"""REST: signed requests, tokens that run out, and secrets that are seen nowhere."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, quote

import pytest
from connectors_world import NOW, ROWS, Asked, Reply, numbers, page, running_server
from hypothesis import given
from hypothesis import strategies as st

from connectors.delivery import Delivery, PullRequest
from connectors.pace import Pace
from connectors.pull import pull
from connectors.rest.auth_settings import HmacAuth
from connectors.rest.signing import Signable, canonical_string, signature, written_time
from schemas.errors import ConfigError, RefusedError, RetryableError

SECRET = "the-shared-secret"
KNOWN = {"env:SECRET": SECRET, "env:KEY": "app-7", "env:T": "bearer-token"}


def run(source, *, clock: datetime = NOW, monotonic=lambda: 0.0) -> Delivery:
    count = iter(range(1000))
    return pull(
        source.config,
        source.folder,
        PullRequest("cursor", None, None, None, NOW),
        source.landing,
        secrets=KNOWN.__getitem__,
        pace=Pace(source.waits.append, monotonic, lambda: clock, lambda: f"nonce-{next(count)}"),
    )


# ---- signed requests -----------------------------------------------------------------------------

HMAC = '[reader.auth]\nkind = "hmac"\napp_key = "env:KEY"\nsecret = "env:SECRET"\n'


def expected(asked: Asked) -> str:
    """What a gateway computes, written down a second time."""
    query = "&".join(
        f"{quote(n, safe='')}={quote(v, safe='')}" for n, v in sorted(parse_qsl(asked.raw_query))
    )
    text = "\n".join(
        (
            asked.method,
            asked.path,
            query,
            asked.headers["x-timestamp"],
            asked.headers["x-nonce"],
            hashlib.sha256(asked.body).hexdigest(),
        )
    )
    return hmac.new(SECRET.encode(), text.encode(), "sha256").hexdigest()


def test_a_gateway_takes_the_signature(rest, server):
    def gateway(asked: Asked, _count: int) -> Reply:
        return page(ROWS) if asked.headers["x-signature"] == expected(asked) else Reply(b"", 401)

    server.answer = gateway
    source = rest("parameters = { district = '甲 县', b = 2, a = 'x/y' }\n" + HMAC)
    assert len(numbers(source, run(source))) == 5
    assert server.asked[0].headers["x-app-key"] == "app-7"
    assert server.asked[0].headers["x-timestamp"] == str(int(NOW.timestamp() * 1000))


def test_a_body_is_signed_too(rest, server):
    def gateway(asked: Asked, _count: int) -> Reply:
        assert json.loads(asked.body) == {"district": "甲县"}
        return page(ROWS) if asked.headers["x-signature"] == expected(asked) else Reply(b"", 401)

    server.answer = gateway
    source = rest('method = "POST"\nparameters = { district = "甲县" }\n' + HMAC)
    assert len(numbers(source, run(source))) == 5


def test_each_try_is_signed_anew(rest, server):
    """A gateway takes a nonce once."""
    server.script(Reply(b"", 503), page(ROWS))
    source = rest(HMAC)
    run(source)
    nonces = [asked.headers["x-nonce"] for asked in server.asked]
    assert nonces == ["nonce-0", "nonce-1"]
    assert all(asked.headers["x-signature"] == expected(asked) for asked in server.asked)


OLD = (
    'algorithm = "md5"\nencoding = "HEX"\nplacement = "query"\nnonce_name = ""\n'
    'timestamp_format = "%Y-%m-%d %H:%M:%S"\napp_key_name = "app_key"\n'
    'timestamp_name = "timestamp"\nsignature_name = "sign"\n'
    'string_to_sign = "{secret}{joined_query}{secret}"\n'
)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_old_gateway_with_md5_in_the_query(rest, server, method):
    def gateway(asked: Asked, _count: int) -> Reply:
        pairs = dict(parse_qsl(asked.raw_query)) | dict(parse_qsl(asked.body.decode()))
        sign = pairs.pop("sign")
        assert pairs == {"app_key": "app-7", "timestamp": "2026-05-20 09:30:00", "state": "甲"}
        text = SECRET + "".join(n + pairs[n] for n in sorted(pairs)) + SECRET
        right = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest().upper()
        return page(ROWS) if sign == right else Reply(b"", 403)

    server.answer = gateway
    form = f'method = "{method}"\nbody = "form"\nparameters = {{ state = "甲" }}\n'
    source = rest(form + HMAC + OLD)
    assert len(numbers(source, run(source))) == 5
    assert "sign" not in str(source.landing.events("cases/decisions"))


@pytest.mark.parametrize(
    ("algorithm", "name"),
    [("hmac-sha256", "sha256"), ("hmac-sha1", "sha1"), ("hmac-sm3", "sm3")],
)
@pytest.mark.parametrize("encoding", ["hex", "HEX", "base64"])
def test_algorithms_and_encodings(algorithm, name, encoding):
    auth = HmacAuth(
        kind="hmac", app_key="k", secret="env:S", algorithm=algorithm, encoding=encoding
    )
    digest = hmac.new(b"secret", "文".encode(), name).digest()
    wanted = {
        "hex": digest.hex(),
        "HEX": digest.hex().upper(),
        "base64": base64.b64encode(digest).decode(),
    }
    assert signature("文", auth, "secret") == wanted[encoding]


def test_the_vector_of_rfc_4231():
    auth = HmacAuth(kind="hmac", app_key="k", secret="env:S")
    told = signature("what do ya want for nothing?", auth, "Jefe")
    assert told == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"


@pytest.mark.parametrize(
    ("form", "written"),
    [
        ("epoch_s", "1779240600"),
        ("epoch_ms", "1779240600000"),
        ("iso", "2026-05-20T01:30:00Z"),
        ("%Y%m%d%H%M%S", "20260520093000"),
    ],
)
def test_timestamps(rest, form, written):
    assert written_time(NOW, form, rest().config.zone) == written


TEXT = st.text(max_size=8)


@given(
    pairs=st.lists(st.tuples(TEXT, TEXT), max_size=5),
    seed=st.randoms(use_true_random=False),
    body=st.binary(max_size=20),
)
def test_the_order_of_parameters_and_braces_in_values_change_nothing(pairs, seed, body):
    shuffled = list(pairs)
    seed.shuffle(shuffled)
    template = "{method}|{path}|{query}|{plain_query}|{joined_query}|{nonce}|{body_md5}|{unknown}"

    def text(each: list[tuple[str, str]]) -> str:
        request = Signable("GET", "/a", each, body, "1", "{secret}", "k")
        return canonical_string(template, request, "s")

    assert text(pairs) == text(shuffled)
    assert "|{secret}|" in text(pairs)  # a value is never read as a placeholder
    assert text(pairs).endswith("|{unknown}")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ('string_to_sign = "{methode}"', "knows no {methode}; known: {method}"),
        ('string_to_sign = "{secret}{query}"', "with algorithm = 'md5', and only then"),
        ('algorithm = "md5"', "with algorithm = 'md5', and only then"),
        ('signature_name = ""', "signature_name can't be empty"),
        ('nonce_name = ""', "a nonce that is signed must be sent"),
        ('timestamp_format = "unix"', "timestamp_format is epoch_s"),
        ('signature_name = "X Sign"', "letters, digits"),
    ],
)
def test_signatures_that_can_not_be(rest, more, words):
    with pytest.raises(ConfigError) as caught:
        rest(HMAC + more)
    assert words in str(caught.value)


@pytest.mark.parametrize(("apart", "words"), [(0, "string_to_sign"), (300, "300 s apart")])
def test_a_refused_signature_tells_of_the_clocks(rest, server, apart, words):
    date = (NOW + timedelta(seconds=apart)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    server.script(Reply(b"", 401, (("Date", date),)))
    with pytest.raises(RefusedError, match="answers 401") as caught:
        run(rest(HMAC))
    assert words in str(caught.value.hint.en)
    assert len(server.asked) == 1


# ---- client credentials ---------------------------------------------------------------------


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


# ---- lists that are asked for by POST ------------------------------------------------------------


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
