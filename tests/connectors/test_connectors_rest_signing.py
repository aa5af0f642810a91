"""REST: signed requests."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from urllib.parse import parse_qsl, quote

import pytest
from connectors_auth_world import HMAC, OLD, SECRET, run
from connectors_world import NOW, ROWS, Asked, Reply, numbers, page
from hypothesis import given
from hypothesis import strategies as st

from connectors.rest.auth_settings import HmacAuth
from connectors.rest.signing import Signable, canonical_string, signature, written_time
from schemas.errors import ConfigError, RefusedError


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
