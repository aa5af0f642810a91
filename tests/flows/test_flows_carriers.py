"""Repositories on real servers: buckets, SFTP, web; written by one node, read by another."""

from __future__ import annotations

import gc
import hashlib
import http.server
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import ClassVar

import pytest
from flows_publisher import DAY, NOW, PERIODS, SIGNERS, STREAM, World, founded, make_bundle
from servers.s3 import ACCESS_KEY, READ_ONLY, SECRET_KEY, S3Server, s3_server
from servers.sftp import PASSWORD, USER, SftpServer, sftp_server

from connectors.pace import Pace
from exchange.repository.carrier import Carrier, WritingCarrier
from exchange.repository.local import refresh
from exchange.repository.mirror import Mirrored, mirror
from exchange.repository.settings import Access
from exchange.trust.client import Publisher, open_publisher
from flows.carriers.s3 import S3Carrier
from flows.carriers.sftp import SftpCarrier
from schemas.errors import RefusedError, RetryableError

__all__ = ["s3_server", "sftp_server"]

PATH = "metadata/timestamp.json"
LARGE = bytes(range(256)) * 40_000
"""Ten megabytes: more than one range, request and part."""
PACE = Pace(sleep=lambda _: None)
SECRETS = {"env:KEY": ACCESS_KEY, "env:SECRET": SECRET_KEY, "env:PASSWORD": PASSWORD}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return founded(tmp_path)


@pytest.fixture
def bucket(s3_server: S3Server, request: pytest.FixtureRequest) -> str:
    name = hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:20]
    return s3_server.create_bucket(f"b{name}")


@pytest.fixture(params=["s3", "sftp"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def place(kind: str, request: pytest.FixtureRequest) -> Callable[[], WritingCarrier]:
    """Opens one and the same place anew."""
    if kind == "s3":
        return partial(
            on_s3, request.getfixturevalue("s3_server"), request.getfixturevalue("bucket")
        )
    server: SftpServer = request.getfixturevalue("sftp_server")
    (server.folder / "hefu").mkdir()
    return partial(on_sftp, server)


def s3_access(server: S3Server, **changes: object) -> Access:
    facts = {"endpoint": server.endpoint, "access_key": "env:KEY", "secret_key": "env:SECRET"}
    return Access.model_validate(facts | {"allow_http": True} | changes)


def on_s3(server: S3Server, bucket: str, prefix: str = "hefu/out", **changes: object) -> S3Carrier:
    access = s3_access(server, **changes)
    return S3Carrier(f"s3://{bucket}/{prefix}", access, Path(), SECRETS.__getitem__, PACE)


def sftp_access(server: SftpServer, **changes: object) -> Access:
    facts = {"host_key": server.host_key, "password": "env:PASSWORD"}
    return Access.model_validate(facts | changes)


def on_sftp(server: SftpServer, path: str = "hefu", **changes: object) -> SftpCarrier:
    at = f"sftp://{USER}@127.0.0.1:{server.port}/{path}"
    return SftpCarrier(at, sftp_access(server, **changes), SECRETS.__getitem__, PACE)


def whole(carrier: Carrier, path: str = PATH) -> bytes | None:
    pieces = carrier.read(path)
    return None if pieces is None else b"".join(pieces)


def read(world: World, carrier: Carrier) -> Publisher:
    root = (world.repository / "metadata/1.root.json").read_bytes()
    return open_publisher(carrier, world.root / "reader", root, NOW + DAY)


# both kinds of server


def test_what_was_put_is_read(place: Callable[[], WritingCarrier], tmp_path: Path) -> None:
    carrier = place()
    (tmp_path / "large").write_bytes(LARGE)
    (tmp_path / "empty").write_bytes(b"")
    assert carrier.read("targets/a/b.hefu") is None
    assert carrier.list_paths("targets") == []
    carrier.put("targets/a/b.hefu", tmp_path / "large")
    carrier.put("targets/a.hefu", tmp_path / "empty")
    assert whole(carrier, "targets/a/b.hefu") == LARGE
    assert whole(carrier, "targets/a.hefu") == b""
    assert carrier.list_paths("targets") == ["targets/a.hefu", "targets/a/b.hefu"]
    carrier.close()
    assert whole(carrier, "targets/a/b.hefu") == LARGE, "another call connects anew"
    carrier.put("targets/a/b.hefu", tmp_path / "empty")
    assert whole(carrier, "targets/a/b.hefu") == b""
    carrier.close()


def test_a_swap_replaces_what_was_expected_and_nothing_else(
    place: Callable[[], WritingCarrier],
) -> None:
    carrier = place()
    carrier.swap(PATH, b"one", None)
    carrier.swap(PATH, b"two", b"one")
    for expected in (None, b"one"):
        with pytest.raises(RetryableError, match="another process has published here"):
            carrier.swap(PATH, b"three", expected)
    assert whole(carrier) == b"two"
    carrier.close()


def test_a_reader_that_stops_early_harms_no_other_call(
    place: Callable[[], WritingCarrier], tmp_path: Path
) -> None:
    carrier = place()
    (tmp_path / "large").write_bytes(LARGE)
    carrier.put("targets/a.hefu", tmp_path / "large")
    carrier.swap(PATH, b"one", None)
    pieces = carrier.read("targets/a.hefu")
    assert pieces is not None
    assert LARGE.startswith(next(pieces))
    del pieces
    assert whole(carrier) == b"one"
    carrier.close()


def test_a_repository_is_published_there_and_read_from_there(
    place: Callable[[], WritingCarrier], world: World
) -> None:
    made = world.publish_more(20)
    carrier = place()
    assert mirror(world.repository, carrier).files == 26
    world.publish(make_bundle(21, made[-1].statement_sha256))
    assert mirror(world.repository, carrier).files == 3
    refresh(world.repository, SIGNERS, PERIODS, NOW + DAY / 2)
    assert mirror(world.repository, carrier).files == 0
    assert mirror(world.repository, carrier) == Mirrored(0, 0)
    carrier.close()
    reading = place()
    publisher = read(world, reading)
    assert publisher.last(STREAM) == 21
    assert publisher.freshness.published_time == NOW + DAY / 2
    listed = publisher.find(STREAM, 2)
    assert listed is not None
    publisher.download(listed, world.root / "second")
    assert (world.root / "second").read_bytes() == made[1].data
    reading.close()


def test_two_machines_that_publish_at_once_do_not_mix(
    place: Callable[[], WritingCarrier], world: World, tmp_path: Path
) -> None:
    """Both looked; then one swaps, and the other one's swap comes too late."""
    made = world.publish_more(1)
    first = place()
    mirror(world.repository, first)
    before = whole(first)
    world.publish(make_bundle(2, made[-1].statement_sha256))
    mirror(world.repository, first)
    first.close()
    second = place()
    with pytest.raises(RetryableError, match="another process has published here"):
        second.swap(PATH, b"of the other machine", before)
    assert read(world, second).last(STREAM) == 2
    second.close()


# a bucket


def test_a_bucket_is_swapped_on_condition(s3_server: S3Server, bucket: str) -> None:
    """Between our look and our write another one writes: the store itself refuses ours."""
    carrier = on_s3(s3_server, bucket)
    carrier.swap(PATH, b"one", None)
    look = carrier._now

    def raced(path: str) -> object:
        found = look(path)
        s3_server.put(bucket, f"hefu/out/{PATH}", b"another one")
        return found

    carrier._now = raced  # type: ignore[method-assign,assignment]
    with pytest.raises(RetryableError, match="another process has published here"):
        carrier.swap(PATH, b"two", b"one")
    assert s3_server.get(bucket, f"hefu/out/{PATH}") == b"another one"
    s3_server.delete(bucket, f"hefu/out/{PATH}")
    with pytest.raises(RetryableError, match="another process has published here"):
        carrier.swap(PATH, b"two", None)
    assert s3_server.get(bucket, f"hefu/out/{PATH}") == b"another one"


def test_a_bucket_that_is_not_there_is_told(s3_server: S3Server) -> None:
    with pytest.raises(RefusedError, match="no such bucket"):
        on_s3(s3_server, "nowhere-at-all").read(PATH)


def test_an_account_without_rights_is_told(s3_server: S3Server, bucket: str) -> None:
    secrets = {"env:KEY": READ_ONLY[0], "env:SECRET": READ_ONLY[1]}
    at = f"s3://{bucket}/hefu"
    carrier = S3Carrier(at, s3_access(s3_server), Path(), secrets.__getitem__, PACE)
    with pytest.raises(RefusedError, match="access denied"):
        carrier.read(PATH)
    with pytest.raises(RefusedError, match="access denied"):
        carrier.swap(PATH, b"one", None)


def test_a_store_that_cannot_be_reached_is_retryable(tmp_path: Path) -> None:
    access = Access(
        endpoint="http://127.0.0.1:9",
        allow_http=True,
        access_key="env:KEY",
        secret_key="env:SECRET",
    )
    carrier = S3Carrier("s3://bucket", access, tmp_path, SECRETS.__getitem__, PACE)
    with pytest.raises(RetryableError):
        carrier.read(PATH)


# an SFTP server


def test_another_host_key_is_refused_before_anything_is_said(
    sftp_server: SftpServer, tmp_path: Path
) -> None:
    other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJx1Uo6p8u5kmHP+vOAvn6CSGd1zSGEqUwQhhTlpfWuq"
    carrier = on_sftp(sftp_server, host_key=other)
    with pytest.raises(RefusedError, match="another key than the pinned one"):
        carrier.read(PATH)
    assert sftp_server.logins == 0


def test_a_folder_that_is_not_there_is_told_and_not_made(sftp_server: SftpServer) -> None:
    carrier = on_sftp(sftp_server, "nowhere")
    with pytest.raises(RefusedError, match="folder is not there"):
        carrier.read(PATH)
    with pytest.raises(RefusedError, match="folder is not there"):
        carrier.swap(PATH, b"one", None)
    assert list(sftp_server.folder.iterdir()) == []
    carrier.close()


def test_a_carrier_that_nobody_holds_hangs_up(sftp_server: SftpServer, world: World) -> None:
    (sftp_server.folder / "hefu").mkdir()
    carrier = on_sftp(sftp_server)
    mirror(world.repository, carrier)
    session = carrier._session
    assert session is not None
    assert session.transport.is_active()
    publisher = read(world, carrier)
    del carrier
    assert publisher.last(STREAM) == 0
    assert session.transport.is_active(), "the view still reads through it"
    del publisher
    gc.collect()
    assert not session.transport.is_active()


def test_what_breaks_off_goes_on(sftp_server: SftpServer) -> None:
    sftp_server.put("hefu/targets/a.hefu", LARGE)
    sftp_server.faults.drop_at = [0, 3_000_000, 9_000_000]
    carrier = on_sftp(sftp_server)
    assert whole(carrier, "targets/a.hefu") == LARGE
    assert sftp_server.logins == 4
    carrier.close()


def test_a_link_on_the_server_is_not_followed(sftp_server: SftpServer, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    (sftp_server.folder / "hefu/metadata").mkdir(parents=True)
    (sftp_server.folder / "hefu" / PATH).symlink_to(tmp_path / "secret")
    carrier = on_sftp(sftp_server)
    with pytest.raises(RefusedError, match="no plain file"):
        carrier.read(PATH)
    carrier.close()


def test_what_may_not_be_read_is_told(sftp_server: SftpServer) -> None:
    sftp_server.put(f"hefu/{PATH}", b"one")
    sftp_server.faults.no_permission.add("timestamp.json")
    carrier = on_sftp(sftp_server)
    with pytest.raises(RefusedError, match="no permission"):
        carrier.read(PATH)
    carrier.close()


class Unconditional(http.server.BaseHTTPRequestHandler):
    """A store that has not implemented conditions."""

    objects: ClassVar[dict[str, bytes]] = {}

    def do_GET(self) -> None:
        data = self.objects.get(self.path)
        self._answer(404 if data is None else 200, data or b"")

    def do_PUT(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("If-Match") or self.headers.get("If-None-Match"):
            self._answer(501, b"<Error><Code>NotImplemented</Code></Error>")
            return
        self.objects[self.path] = data
        self._answer(200, b"")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("ETag", '"an-etag"')
        self.send_header("Last-Modified", "Sun, 22 Nov 2026 01:00:00 GMT")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def test_a_store_without_conditions_is_compared_and_written(tmp_path: Path) -> None:
    Unconditional.objects.clear()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Unconditional) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        try:
            endpoint = f"http://127.0.0.1:{running.server_port}"
            keys = {"access_key": "env:KEY", "secret_key": "env:SECRET"}
            access = Access(endpoint=endpoint, allow_http=True, **keys)
            carrier = S3Carrier("s3://bucket/out", access, tmp_path, SECRETS.__getitem__, PACE)
            carrier.swap(PATH, b"one", None)
            carrier.swap(PATH, b"two", b"one")
            with pytest.raises(RetryableError, match="another process has published here"):
                carrier.swap(PATH, b"three", b"one")
        finally:
            running.shutdown()
            thread.join()
    assert Unconditional.objects == {f"/bucket/out/{PATH}": b"two"}
