"""Repositories on real servers: buckets, SFTP, web; written by one node, read by another."""

from __future__ import annotations

import hashlib
import http.server
import re
import threading
import tomllib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from flows_publisher import DAY, NOW, PERIODS, SIGNERS, STREAM, World, founded, make_bundle
from servers.http_tls import Authority
from servers.s3 import ACCESS_KEY, READ_ONLY, SECRET_KEY, S3Server, s3_server
from servers.sftp import PASSWORD, USER, SftpServer, sftp_server

from connectors.pace import Pace
from exchange.repository.carrier import Carrier, WritingCarrier
from exchange.repository.folder import FolderCarrier
from exchange.repository.local import refresh
from exchange.repository.mirror import Mirrored, mirror
from exchange.repository.settings import Access, check_access
from exchange.trust.client import Publisher, open_publisher
from flows.carriers import open_carrier, open_writing_carrier
from flows.carriers.bringing_out import BroughtOut, bring_out
from flows.carriers.s3 import S3Carrier
from flows.carriers.sftp import SftpCarrier
from hefu.node import Agency, Node, NodeConfig, Publishing, PublishingPlace
from schemas.errors import ConfigError, HefuError, RefusedError, RetryableError

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


# the choice


def node(root: Path, **publishing: object) -> Node:
    root.mkdir(parents=True, exist_ok=True)
    config = NodeConfig(
        agency=Agency(code="11330000000000001A", name="甲测试支队", division_code="999999"),
        publishing=Publishing.model_validate(publishing),
    )
    return Node(root, config)


@pytest.mark.parametrize(
    ("at", "access", "told"),
    [
        ("https://host/a", {}, "a web server can only be read"),
        ("ftp://host/a", {}, "cannot lie at an address of kind 'ftp'"),
        ("/srv/hefu", {"region": "a"}, "access has region"),
        ("s3://bucket", {"access_key": "env:A"}, "come together"),
        ("s3://bucket", {"access_key": "AKIA0", "secret_key": "env:A"}, "never the secret"),
        ("s3://", {}, "bucket: Field required"),
        ("s3://b", {"endpoint": "http://store"}, "the endpoint is without TLS"),
        ("sftp://host/a", {"host_key": "SHA256:" + "A" * 43, "password": "env:A"}, "user: Field"),
        ("sftp://u@host/a", {"password": "env:A"}, "host_key: Field required"),
        ("sftp://u@host/a", {"host_key": "SHA256:" + "A" * 43}, "password or a private_key"),
        ("sftp://u@host:0x/a", {"host_key": "x", "password": "env:A"}, "port"),
        ("sftp://u:secret@host/a", {}, "must not hold a password"),
    ],
)
def test_a_place_that_cannot_be_written_is_told_before_anything_is_done(
    tmp_path: Path, at: str, access: dict[str, str], told: str
) -> None:
    with pytest.raises(ConfigError, match=told) as caught:
        open_writing_carrier(node(tmp_path), at, Access.model_validate(access))
    assert "secret@" not in str(caught.value)


@pytest.mark.parametrize(
    ("at", "access", "told"),
    [
        ("https://host/a", {"token": "env:HEFU_TEST_UNSET"}, "HEFU_TEST_UNSET is not set"),
        ("http://host/a", {"token": "file:token"}, "https:// addresses only"),
        ("https://host/a", {"ca_file": "ca.pem"}, "ca_file is not there"),
    ],
)
def test_a_web_address_that_cannot_be_used_is_told(
    tmp_path: Path, at: str, access: dict[str, str], told: str
) -> None:
    (tmp_path / "token").write_text("a-token\n")
    with pytest.raises(ConfigError, match=told):
        open_carrier(node(tmp_path), at, Access.model_validate(access))


@pytest.fixture
def web_server(world: World, tmp_path: Path) -> Iterator[tuple[str, list[str | None], Path]]:
    """The repository as a static server shows it, under an authority of our own."""
    authority = Authority(tmp_path / "authority")
    seen: list[str | None] = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers.get("Authorization"))
            super().do_GET()

        def log_message(self, *_: object) -> None:
            pass

    handler = partial(Handler, directory=str(world.repository))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        context = authority.issue("127.0.0.1").server()
        running.socket = context.wrap_socket(running.socket, server_side=True)
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"https://127.0.0.1:{running.server_port}", seen, authority.certificate
        finally:
            running.shutdown()
            thread.join()


def test_a_static_web_server_is_all_that_a_repository_needs(
    world: World, web_server: tuple[str, list[str | None], Path], tmp_path: Path
) -> None:
    address, seen, authority = web_server
    world.publish_more(2)
    (tmp_path / "node").mkdir()
    (tmp_path / "node/token").write_text("a-token\n")
    (tmp_path / "node/ca.pem").write_bytes(authority.read_bytes())
    access = Access(token="file:token", ca_file="ca.pem")
    publisher = read(world, open_carrier(node(tmp_path / "node"), address, access))
    assert publisher.last(STREAM) == 2
    assert set(seen) == {"Bearer a-token"}


# [publishing] places


def places(*all_: tuple[str, Access]) -> tuple[PublishingPlace, ...]:
    return tuple(PublishingPlace(at=at, access=access) for at, access in all_)


def test_one_place_out_of_reach_keeps_no_other_from_it(
    world: World, sftp_server: SftpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEFU_TEST_PASSWORD", PASSWORD)
    (sftp_server.folder / "hefu").mkdir()
    (world.root / "disk").mkdir()
    sftp = f"sftp://{USER}@127.0.0.1:{sftp_server.port}/hefu"
    here = node(
        world.root,
        places=places(
            ("not-mounted", Access()),
            ("disk", Access()),
            (sftp, sftp_access(sftp_server, password="env:HEFU_TEST_PASSWORD")),
            ("s3://bucket", Access(access_key="env:HEFU_TEST_UNSET", secret_key="env:X")),
        ),
    )
    world.publish_more(1)
    outcomes = bring_out(here, NOW)
    assert [outcome.subject for outcome in outcomes] == ["not-mounted", "disk", sftp, "s3://bucket"]
    assert [type(outcome.error) for outcome in outcomes] == [
        RefusedError,
        type(None),
        type(None),
        ConfigError,
    ]
    assert isinstance(outcomes[1].result, BroughtOut)
    assert outcomes[1].result.files == outcomes[2].result.files == 7
    assert read(world, FolderCarrier(world.root / "disk")).last(STREAM) == 1
    assert all(isinstance(o.error, HefuError) for o in outcomes if o.result is None)
    (world.root / "not-mounted").mkdir()
    again = bring_out(here, NOW)
    assert [outcome.result and outcome.result.files for outcome in again] == [7, 0, 0, None]
    (world.root / "disk/metadata/1.targets.json").unlink()
    bring_out(here, NOW, thorough=True)
    assert (world.root / "disk/metadata/1.targets.json").is_file()


# docs/publishing.md

DOCS = Path(__file__).parents[2] / "docs"
MESSAGE = re.compile(r"^\| `([^`]+)` \|", re.MULTILINE)


@pytest.mark.parametrize("name", ["publishing.md", "publishing.zh-CN.md"])
def test_the_page_names_every_key_and_its_examples_are_read(name: str) -> None:
    text = (DOCS / name).read_text(encoding="utf-8")
    for key in (*Access.model_fields, *Publishing.model_fields):
        assert f"`{key}`" in text, key
    hefu, partner = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    publishing = Publishing.model_validate(tomllib.loads(hefu)["publishing"])
    assert [check_access(place.at, place.access) for place in publishing.places] == [
        "folder",
        "s3",
        "sftp",
    ]
    read_from = tomllib.loads(partner)
    assert check_access(read_from["repository"], Access(**read_from["access"])) == "web"


@pytest.mark.parametrize("name", ["publishing.md", "publishing.zh-CN.md"])
def test_the_page_quotes_messages_that_there_are(name: str) -> None:
    text = (DOCS / name).read_text(encoding="utf-8").partition("## A bucket\n")[2]
    text = text or (DOCS / name).read_text(encoding="utf-8").partition("## 对象存储桶\n")[2]
    rooms = ("exchange/repository", "flows/carriers", "connectors/files")
    files = (path for room in rooms for path in (DOCS.parent / room).glob("*.py"))
    source = "".join(path.read_text(encoding="utf-8") for path in files)
    said = re.sub(r'"\s*f?"', "", source)
    for message in MESSAGE.findall(text):
        for part in re.split(r"…|[(（]HTTP 403[)）]", message):
            assert part.strip() in said, message
