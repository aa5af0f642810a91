"""What only a bucket has: keys and rights, pages of a long list, ranges, TLS."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest
from connectors_places import DATA, S3World, names
from servers.cable import cable_to, certificate
from servers.s3 import READ_ONLY, S3Server

from connectors.files.look import look_files
from connectors.files.pull import newest_file
from schemas.errors import ConfigError, RefusedError, RetryableError


@pytest.fixture
def world(make_source, s3_server) -> S3World:
    return S3World.new(make_source, s3_server)


@pytest.fixture
def cable(world):
    with cable_to(urlsplit(world.server.endpoint).port) as one:
        yield one


def through(cable, scheme: str = "http") -> str:
    return f"{scheme}://127.0.0.1:{cable.port}"


def test_a_list_of_more_than_one_page(world):
    from concurrent.futures import ThreadPoolExecutor

    store = world.server.store(world.bucket)
    wanted = [f"f{n:04}.csv" for n in range(1203)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: store.put(f"drop/{name}", b"a\n1\n"), wanted))
    source = world.source('pattern = "f*2.csv"')
    assert names(source.pull({})) == [n for n in wanted if n.endswith("2.csv")]


def test_only_what_lies_below_the_prefix(world):
    world.put("a.csv", DATA)
    world.server.put(world.bucket, "dropped/b.csv", DATA)
    world.server.put(world.bucket, "c.csv", DATA)
    assert names(world.source('pattern = "**/*.csv"').pull({})) == ["a.csv"]


def test_the_same_bytes_in_another_object_are_no_news(world):
    source = world.source()
    world.put("a.csv", DATA)
    first = source.pull({})
    world.put("a.csv", DATA)
    assert names(source.pull(first.cursor)) == []


WRONG_KEYS = {
    "secret": (
        'access_key = "env:ACCESS_KEY"\nsecret_key = "env:WRONG"',
        "the signature does not match: the secret key is wrong",
    ),
    "access": (
        'access_key = "env:WRONG"\nsecret_key = "env:SECRET_KEY"',
        "the store does not know this access key",
    ),
    "rights": (
        'access_key = "env:NOBODY"\nsecret_key = "env:NOBODY_SECRET"',
        "access denied: this access key may not list or read here",
    ),
    "anonymous": ("virtual_hosted = false", "access denied"),
}


@pytest.mark.parametrize("which", WRONG_KEYS)
def test_refused(world, which):
    place, message = WRONG_KEYS[which]
    source = world.source(place=place)
    source.secrets |= {"env:NOBODY": READ_ONLY[0], "env:NOBODY_SECRET": READ_ONLY[1]}
    with pytest.raises(RefusedError, match=message) as caught:
        source.pull({})
    assert source.inner.waits == []
    told = f"{caught.value} {caught.value.hint}"
    assert READ_ONLY[1] not in told
    assert "Signature=" not in told


def test_no_such_bucket(world):
    world.bucket = "never-made"
    with pytest.raises(RefusedError, match="there is no such bucket") as caught:
        world.source().pull({})
    assert caught.value.where.file == "s3://never-made/drop"


def test_a_bucket_that_anybody_may_read(world):
    world.bucket = world.server.create_bucket("public")
    world.put("a.csv", DATA)
    source = world.source(place="virtual_hosted = false")
    assert names(source.pull({})) == ["a.csv"]
    look = look_files(
        source.inner.config, source.inner.config.reader, source.inner.folder, secrets=str
    )
    assert "can be listed by anybody" in look.reached[0].en


def test_unreachable(world):
    source = world.source(endpoint="http://127.0.0.1:1")
    with pytest.raises(RetryableError, match="can't be reached"):
        source.pull({})
    assert len(source.inner.waits) == 2  # as often as `retries` says


def test_a_connection_that_breaks_off_costs_one_range(world, cable):
    large = bytes(range(256)) * 80_000
    world.put("a.csv", large)
    source = world.source(endpoint=through(cable))
    cable.cut_at = [5_000_000, 100_000]
    assert source.bytes_of(source.pull({})) == [large]
    assert len(source.inner.waits) == 2


def test_a_connection_that_never_holds_lands_nothing(world, cable):
    world.put("a.csv", bytes(10_000_000))
    source = world.source(endpoint=through(cable))
    cable.cut_at = [5_000_000] * 10
    with pytest.raises(RetryableError, match="broke off"):
        source.pull({})
    assert source.events == []
    assert len(source.inner.waits) == 2
    assert not list((source.inner.folder.parents[2] / "landing" / "objects").glob("*/*"))


def test_a_silent_store(world, cable):
    world.put("a.csv", bytes(1_000_000))
    source = world.source(endpoint=through(cable), place=KEYS + "timeout_seconds = 0.3\n")
    cable.silent_at = 300_000
    with pytest.raises(RetryableError, match=r"silent for more than 0\.3 seconds"):
        source.pull({})
    assert source.events == []


KEYS = 'access_key = "env:ACCESS_KEY"\nsecret_key = "env:SECRET_KEY"\n'


def test_a_private_authority(world, tmp_path):
    *pair, authority = certificate(tmp_path, datetime.now(UTC))
    world.put("a.csv", DATA)
    with cable_to(urlsplit(world.server.endpoint).port, tls=(pair[0], pair[1])) as cable:
        with pytest.raises(RefusedError, match="certificate is not trusted"):
            world.source(endpoint=through(cable, "https")).pull({})
        place = f'{KEYS}ca_file = "{authority}"'
        source = world.source(endpoint=through(cable, "https"), place=place)
        assert names(source.pull({})) == ["a.csv"]


def test_a_ca_file_that_is_not_there(world):
    with pytest.raises(ConfigError, match="ca_file is not there"):
        world.source(place=KEYS + 'ca_file = "none.pem"').pull({})


def test_an_object_that_leaves_before_it_is_read(world, monkeypatch):
    """Listed, and gone when it is its turn: as if it had left before the list."""
    source = world.source()
    world.put("a.csv", b"a\n1\n")
    world.put("b.csv", b"a\n2\n")
    with world.while_reading(lambda: world.remove("b.csv")):
        delivery = source.pull({})
    assert names(delivery) == ["a.csv"]
    assert set(delivery.cursor) == {"a.csv"}


def test_look_and_probe(world):
    source = world.source('pattern = "*.csv"\ndone_suffix = ".ok"')
    for name in ("a.csv", "a.csv.ok", "b.csv"):
        world.put(name, DATA)
    config, folder = source.inner.config, source.inner.folder
    look = look_files(config, config.reader, folder, secrets=source.secrets.__getitem__)
    told = [text.en for text in look.reached]
    assert told[0] == (
        f"bucket {world.bucket} at {world.server.endpoint} can be listed with this access key"
    )
    assert told[1:] == [
        "1 files match *.csv, 8 bytes",
        "the newest is a.csv",
        "1 more wait for their mark (.ok)",
    ]
    assert [stream.name for stream in look.streams] == ["a.csv"]
    delivery = newest_file(
        config,
        config.reader,
        folder,
        source.inner.landing,
        secrets=source.secrets.__getitem__,
        now=datetime(2026, 5, 20, tzinfo=UTC),
    )
    assert (names(delivery), delivery.cursor) == (["a.csv"], None)


STRANGE = ["a b+c%20#&.csv", "emoji-🚚.csv", "q?'\".csv", "full　width.csv"]


@pytest.mark.parametrize("name", STRANGE)
def test_strange_keys(world, name):
    """Whatever a key holds, it is read or named; never passed over."""
    import requests

    # By the filer: the client in use has its own idea of how a key is written.
    requests.post(
        f"{world.server.filer}/buckets/{world.bucket}/drop/",
        files={"file": (name, DATA)},
        timeout=30,
    )
    source = world.source('pattern = "**/*"')
    delivery = source.pull({})
    assert source.bytes_of(delivery) == [DATA]


LISTED = """<?xml version="1.0" encoding="UTF-8"?><ListBucketResult><IsTruncated>false</IsTruncated>
<Contents><Key>{key}</Key><LastModified>2026-05-20T01:30:00.734Z</LastModified><ETag>"x"</ETag>
<Size>0</Size></Contents><Name>b</Name><Prefix>drop/</Prefix><KeyCount>1</KeyCount>
<MaxKeys>1000</MaxKeys></ListBucketResult>"""


class _OneKey(BaseHTTPRequestHandler):
    """A store that lists one key, which no client of ours can write, and knows no object."""

    key = ""

    def do_GET(self) -> None:
        body = LISTED.format(key=self.key).encode()
        self.send_response(200 if "list-type" in self.path else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_HEAD(self) -> None:
        self.send_error(404)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def one_key(make_source):
    """A source that reads a snapshot from a store which lists one key."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _OneKey) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, args=(0.01,))
        thread.start()
        world = S3World(make_source, S3Server(f"http://127.0.0.1:{httpd.server_port}", ""), "b")
        yield world.source(tables='mode = "snapshot"\n\n')
        httpd.shutdown()
        thread.join()


def test_a_folder_made_by_a_tool_is_no_copy(one_key, monkeypatch):
    """An empty object whose key ends with a slash: the list shows it like a file."""
    monkeypatch.setattr(_OneKey, "key", "drop/archive/")
    delivery = one_key.pull({})
    assert (names(delivery), delivery.complete) == ([], False)


def test_a_key_that_is_no_path_is_named(one_key, monkeypatch):
    monkeypatch.setattr(_OneKey, "key", "drop//a.csv")
    with pytest.raises(RefusedError, match="key is no path") as caught:
        one_key.pull({})
    assert caught.value.where.file == "drop//a.csv"
