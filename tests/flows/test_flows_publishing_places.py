"""Which carrier a place gets, and bringing the repository to every place of hefu.toml."""

from __future__ import annotations

import http.server
import re
import threading
import tomllib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from flows_publisher import DAY, NOW, STREAM, World, founded
from servers.http_tls import Authority
from servers.s3 import s3_server
from servers.sftp import PASSWORD, USER, SftpServer, sftp_server

from exchange.repository.carrier import Carrier
from exchange.repository.folder import FolderCarrier
from exchange.repository.settings import Access, check_access
from exchange.trust.client import Publisher, open_publisher
from flows.carriers import open_carrier, open_writing_carrier
from flows.carriers.bringing_out import BroughtOut, bring_out
from hefu.node import Agency, Node, NodeConfig, Publishing, PublishingPlace
from schemas.errors import ConfigError, HefuError, RefusedError

__all__ = ["s3_server", "sftp_server"]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return founded(tmp_path)


def read(world: World, carrier: Carrier) -> Publisher:
    root = (world.repository / "metadata/1.root.json").read_bytes()
    return open_publisher(carrier, world.root / "reader", root, NOW + DAY)


def sftp_access(server: SftpServer, **changes: object) -> Access:
    facts = {"host_key": server.host_key, "password": "env:PASSWORD"}
    return Access.model_validate(facts | changes)


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
