"""REST below HTTP: servers and networks that break in every way, and what is done about each."""

from __future__ import annotations

import gzip
import json
import os
import socket
import subprocess
import sys
import threading
import zlib
from collections.abc import Callable
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from connectors_world import NOW, Reply, page
from servers.http_raw import raw_server, reply, reset

from connectors.delivery import PullRequest
from connectors.pace import Pace
from connectors.pull import pull
from schemas.errors import RefusedError, RetryableError

ROWS = [{"no": f"A{n}"} for n in range(1, 4)]
BODY = page(ROWS).body
Answer = Callable[[socket.socket, bytes, int], None]


@pytest.fixture
def raw(make_source):
    """A source on a raw server: ``with raw(answer) as source``."""

    @contextmanager
    def make(answer: Answer, more: str = "retries = 2"):
        with raw_server(answer) as port:
            yield make_source(
                f'[reader]\nkind = "rest"\nbase_url = "http://127.0.0.1:{port}"\n'
                f'records = "data.items"\n{more}\n'
            )

    return make


def held(delivery) -> list[str]:
    documents = [json.loads(landed.path.read_bytes()) for landed in delivery.objects]
    return [each["no"] for document in documents for each in document["data"]["items"]]


def first_then_well(bad: Callable[[socket.socket], None]) -> Answer:
    def answer(connection: socket.socket, _request: bytes, count: int) -> None:
        if count == 0:
            bad(connection)
        else:
            connection.sendall(reply(BODY, "Connection: close"))

    return answer


def packed(body: bytes = BODY) -> bytes:
    return gzip.compress(body, mtime=0)


def cut_by_reset(connection: socket.socket) -> None:
    connection.sendall(reply(BODY)[:-20])
    reset(connection)


def reset_at_once(connection: socket.socket) -> None:
    reset(connection)


def closed_at_once(connection: socket.socket) -> None:
    connection.close()


def too_long_announced(connection: socket.socket) -> None:
    connection.sendall(reply(BODY, "Connection: close", length=len(BODY) + 7))


def too_short_announced(connection: socket.socket) -> None:
    connection.sendall(reply(BODY, "Connection: close", length=len(BODY) - 7))


def gzip_cut_off(connection: socket.socket) -> None:
    connection.sendall(reply(packed()[:-9], "Content-Encoding: gzip", "Connection: close"))


def gzip_without_its_end(connection: socket.socket) -> None:
    """All of the data is there, but not the checksum that shows it."""
    connection.sendall(reply(packed()[:-8], "Content-Encoding: gzip", "Connection: close"))


def chunks_cut_off(connection: socket.socket) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    connection.sendall(head + b"10\r\n" + BODY[:16] + b"\r\n")


def empty(connection: socket.socket) -> None:
    connection.sendall(reply(b"", "Connection: close"))


HEALING = (
    cut_by_reset,
    reset_at_once,
    closed_at_once,
    too_long_announced,
    too_short_announced,
    gzip_cut_off,
    gzip_without_its_end,
    chunks_cut_off,
    empty,
)


@pytest.mark.parametrize("fault", HEALING)
def test_what_heals_is_tried_again_and_never_half_taken(raw, fault):
    with raw(first_then_well(fault)) as source:
        assert held(source.pull()) == ["A1", "A2", "A3"]
        assert len(source.waits) == 1


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (cut_by_reset, "broke off before its end"),
        (reset_at_once, "cut the connection"),
        (too_long_announced, "broke off before its end"),
        (too_short_announced, "JSON is cut off"),
        (gzip_without_its_end, "broke off before its end"),
        (chunks_cut_off, "broke off before its end"),
        (empty, "answers 200 with nothing in it"),
    ],
)
def test_what_does_not_heal_is_told_and_nothing_is_taken(raw, fault, words):
    with (
        raw(lambda connection, _request, _count: fault(connection)) as source,
        pytest.raises(RetryableError, match=words) as caught,
    ):
        source.pull()
    assert len(source.waits) == 2
    assert caught.value.hint
    assert not list((source.landing.root / "tmp").rglob("decisions"))


def test_a_length_that_changes_between_the_tries(raw):
    lengths = [len(BODY) + 50, len(BODY) - 3, len(BODY)]

    def answer(connection: socket.socket, _request: bytes, count: int) -> None:
        connection.sendall(reply(BODY, "Connection: close", length=lengths[count]))

    with raw(answer) as source:
        assert held(source.pull()) == ["A1", "A2", "A3"]


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "deflate", "raw deflate", "two members"])
def test_compressed_answers(raw, encoding):
    whole = {
        "gzip": packed(),
        "x-gzip": packed(),
        "deflate": zlib.compress(BODY),
        "raw deflate": zlib.compress(BODY, wbits=-15),
        "two members": packed(BODY[:10]) + packed(BODY[10:]),
    }[encoding]
    name = {"raw deflate": "deflate", "two members": "gzip"}.get(encoding, encoding)

    def answer(connection: socket.socket, request: bytes, _count: int) -> None:
        assert b"Accept-Encoding: gzip, deflate\r\n" in request
        connection.sendall(reply(whole, f"Content-Encoding: {name}", "Connection: close"))

    with raw(answer) as source:
        delivery = source.pull()
    assert delivery.objects[0].path.read_bytes() == BODY


def test_a_compression_nobody_asked_for(raw):
    def answer(connection: socket.socket, _request: bytes, _count: int) -> None:
        connection.sendall(reply(b"...", "Content-Encoding: br", "Connection: close"))

    with raw(answer) as source, pytest.raises(RefusedError, match="was not asked for"):
        source.pull()


def test_an_answer_that_unpacks_without_end(raw):
    bomb = gzip.compress(b"[" + b" " * 5_000_000 + b"]", mtime=0)

    def answer(connection: socket.socket, _request: bytes, _count: int) -> None:
        connection.sendall(reply(bomb, "Content-Encoding: gzip", "Connection: close"))

    with raw(answer, "max_page_bytes = 100000") as source:
        with pytest.raises(RefusedError, match="larger than 100000 bytes"):
            source.pull()
        assert not source.landing.events("cases/decisions")


def test_a_slow_drip_is_stopped_by_the_time_of_a_page(raw):
    """A byte comes each time the clock is looked at, so silence never lasts."""
    looks = threading.Semaphore(0)

    def answer(connection: socket.socket, _request: bytes, _count: int) -> None:
        connection.sendall(reply(b"", "Connection: close", length=1000))
        while looks.acquire(timeout=5):
            connection.sendall(b" ")

    with raw(answer, "retries = 0\npage_seconds = 60\ntimeout_seconds = 5") as source:
        ticks = iter(range(0, 100_000, 3))

        def monotonic() -> float:
            looks.release()
            return float(next(ticks))

        source.monotonic = monotonic
        with pytest.raises(RetryableError, match="a page took longer than 60 seconds"):
            source.pull()
        looks.release(100)  # so that the server notices that nobody listens


# ---- names and addresses -----------------------------------------------------------------------


def test_a_name_that_nobody_knows(make_source):
    source = make_source(
        '[reader]\nkind = "rest"\nbase_url = "http://cases.invalid"\nretries = 1\n'
    )
    with pytest.raises(RetryableError, match=r"no address is known for host cases\.invalid"):
        source.pull()
    assert len(source.waits) == 1


def test_a_port_that_nobody_listens_on(make_source):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    source = make_source(
        f'[reader]\nkind = "rest"\nbase_url = "http://127.0.0.1:{port}"\nretries = 1\n'
    )
    with pytest.raises(RetryableError, match="it refuses the connection"):
        source.pull()


# ---- being told to wait ------------------------------------------------------------------------


def test_retry_after_as_a_date(rest, server):
    def http_date(after: timedelta) -> str:
        return (NOW + after).strftime("%a, %d %b %Y %H:%M:%S GMT")

    server.script(
        Reply(b"", 429, (("Retry-After", http_date(timedelta(seconds=9))),)),
        Reply(b"", 503, (("Retry-After", http_date(-timedelta(days=9))),)),
        Reply(b"", 429, (("Retry-After", "99999999999999999999"),)),
        Reply(b"", 429, (("Retry-After", "-5"),)),
        page(ROWS),
    )
    source = rest("backoff_max_seconds = 40")
    delivery = pull(
        source.config,
        source.folder,
        PullRequest("cursor", None, None, None, NOW),
        source.landing,
        secrets=str,
        pace=Pace(source.waits.append, lambda: 0.0, lambda: NOW),
    )
    assert held(delivery) == ["A1", "A2", "A3"]
    assert source.waits[:3] == [9, 0, 40]
    assert 0 < source.waits[3] <= 40


# ---- pages for people --------------------------------------------------------------------------

LOGIN = b"<!DOCTYPE html><html><title>login</title></html>"


def test_a_redirect_to_a_page_for_signing_in(rest, server):
    server.answer = lambda asked, _count: (
        Reply(LOGIN, headers=(("Content-Type", "text/html"),))
        if asked.path == "/login"
        else Reply(status=302, headers=(("Location", "/login?back=%2Fapi%2Fcases"),))
    )
    source = rest()
    with pytest.raises(RefusedError, match="sends on to an HTML page, not to the list") as caught:
        source.pull()
    assert "/login" in str(caught.value)
    assert source.waits == []


def test_a_page_for_people_instead_of_the_list(rest, server):
    server.script(Reply(b"\n\n  " + LOGIN))
    with pytest.raises(RefusedError, match="answers an HTML page, not the list"):
        rest().pull()


# ---- the node's own disk -----------------------------------------------------------------------

FULL = """
import resource, sys
from datetime import datetime
from pathlib import Path
from connectors.config import load_source
from connectors.delivery import PullRequest
from connectors.landing import Landing
from connectors.pull import pull
from schemas.errors import RetryableError

folder, landing, now = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
request = PullRequest("cursor", None, None, None, datetime.fromisoformat(now))
try:
    pull(load_source(folder), folder, request, Landing(landing), secrets=str)
except RetryableError as error:
    print(error)
    sys.exit(7)
"""


def test_a_disk_that_is_full_is_told_and_nothing_half_stays(rest, server):
    small = page([{"no": "A1"}], next="1")
    large = page([{"no": f"A{n}", "text": "x" * 1000} for n in range(2, 100)])
    server.answer = lambda asked, _count: large if "cursor" in asked.query else small
    source = rest('[reader.pagination]\nkind = "cursor"\ntoken = "next"')
    root = Path(__file__).parents[2]
    ended = subprocess.run(
        [sys.executable, "-c", FULL, str(source.folder), str(source.landing.root), NOW.isoformat()],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root), "HEFU_LANG": "en"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (7, "")
    assert "is full" in ended.stdout
    assert len(server.asked) == 2  # a full disk is not asked again
    assert len(source.landing.events("cases/decisions")) == 1
    assert not list((source.landing.root / "tmp").rglob("decisions"))
    # with room again, it goes on at the page that did not fit
    assert len(held(source.pull())) == 99
    assert len(server.asked) == 3
