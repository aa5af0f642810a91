"""REST over TLS: whom the node trusts, and by what it shows itself."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import pytest
from connectors_world import page
from servers.http_raw import deaf_server, raw_server, reply
from servers.http_tls import Authority, Pair

from schemas.errors import ConfigError, RefusedError

BODY = page([{"no": "A1"}]).body


def fine(connection: socket.socket, _request: bytes, _count: int) -> None:
    connection.sendall(reply(BODY, "Connection: close"))


@pytest.fixture(scope="module")
def ours(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ours"))


@pytest.fixture(scope="module")
def theirs(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("theirs"), "Nobody Known")


def source(make_source, port: int, more: str = "", *, authority: Path | None = None):
    text = (
        f'[reader]\nkind = "rest"\nbase_url = "https://127.0.0.1:{port}"\n'
        f'records = "data.items"\nretries = 2\n{more}\n'
    )
    return make_source(text + (f'ca_file = "{authority}"\n' if authority else ""))


def refusal(make_source, port: int, more: str = "", *, authority: Path | None = None):
    one = source(make_source, port, more, authority=authority)
    with pytest.raises(RefusedError) as caught:
        one.pull()
    assert one.waits == []  # trying again would not help
    assert caught.value.hint
    return str(caught.value)


def test_a_private_authority(make_source, ours):
    with raw_server(fine, ours.issue("server").server()) as port:
        assert len(source(make_source, port, authority=ours.certificate).pull().objects) == 1


def test_an_authority_that_nobody_named(make_source, ours):
    with raw_server(fine, ours.issue("server").server()) as port:
        assert "nobody known here has signed it" in refusal(make_source, port)


def test_the_wrong_authority(make_source, ours, theirs):
    with raw_server(fine, theirs.issue("server").server()) as port:
        told = refusal(make_source, port, authority=ours.certificate)
    assert "nobody known here has signed it" in told


def test_a_certificate_that_has_expired(make_source, ours):
    with raw_server(fine, ours.issue("old", expired=True).server()) as port:
        told = refusal(make_source, port, authority=ours.certificate)
    assert "it has expired or is not valid yet" in told


@pytest.mark.parametrize("host", ["127.0.0.2", "cases.invalid"])
def test_a_certificate_of_another_host(make_source, ours, host):
    with raw_server(fine, ours.issue("other", host=host).server()) as port:
        told = refusal(make_source, port, authority=ours.certificate)
    assert "it was made for another host" in told


def test_a_port_without_tls(make_source):
    with deaf_server(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        assert "no secure connection comes about" in refusal(make_source, port)


# ---- the node's own certificate ----------------------------------------------------------------


def named(pair: Pair) -> str:
    return f'client_certificate = "{pair.certificate}"\nclient_key = "{pair.key}"'


def test_a_client_certificate(make_source, ours):
    context = ours.issue("server").server(clients_of=ours.certificate)
    with raw_server(fine, context) as port:
        mine = named(ours.issue("node", client=True))
        delivery = source(make_source, port, mine, authority=ours.certificate).pull()
    assert len(delivery.objects) == 1


def test_key_and_certificate_in_one_file(make_source, ours, tmp_path):
    context = ours.issue("server").server(clients_of=ours.certificate)
    pair = ours.issue("node", client=True)
    both = tmp_path / "both.pem"
    both.write_bytes(pair.certificate.read_bytes() + pair.key.read_bytes())
    with raw_server(fine, context) as port:
        more = f'client_certificate = "{both}"'
        assert source(make_source, port, more, authority=ours.certificate).pull().objects


@pytest.mark.parametrize("tls", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_certificate_that_is_missing(make_source, ours, tls):
    context = ours.issue("server").server(clients_of=ours.certificate)
    context.maximum_version = context.minimum_version = tls
    with raw_server(fine, context) as port:
        told = refusal(make_source, port, authority=ours.certificate)
    assert "wants another client certificate than this one, or any at all" in told


def test_a_client_certificate_of_somebody_else(make_source, ours, theirs):
    context = ours.issue("server").server(clients_of=ours.certificate)
    with raw_server(fine, context) as port:
        mine = named(theirs.issue("node", client=True))
        told = refusal(make_source, port, mine, authority=ours.certificate)
    assert "wants another client certificate than this one, or any at all" in told


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ('ca_file = "nowhere.pem"', "ca_file is not there"),
        ('ca_file = "source.toml"', "ca_file holds no certificates"),
        ('client_certificate = "nowhere.pem"', "client_certificate is not there"),
        ('client_certificate = "source.toml"', "can't be used together"),
        ('client_certificate = "source.toml"\nclient_key = "no"', "client_key is not there"),
    ],
)
def test_files_that_are_of_no_use(make_source, more, words):
    with pytest.raises(ConfigError, match=words):
        source(make_source, 9, more).pull()


def test_a_key_that_does_not_belong_to_its_certificate(make_source, ours):
    one, other = ours.issue("one", client=True), ours.issue("two", client=True)
    with pytest.raises(ConfigError, match="can't be used together"):
        source(make_source, 9, named(Pair(one.certificate, other.key))).pull()


def test_a_key_without_its_certificate(make_source):
    with pytest.raises(ConfigError, match="client_key needs client_certificate"):
        source(make_source, 9, 'client_key = "node.key"')
