"""What brings a repository's files: from a folder, a web server, memory."""

from __future__ import annotations

import http.server
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import ClassVar

import pytest
from repository_world import killed_at
from servers.http_tls import Authority

from exchange.repository.carrier import Carrier, WritingCarrier
from exchange.repository.folder import FolderCarrier
from exchange.repository.memory import MemoryCarrier
from exchange.repository.settings import Access, check_access, kind_of, shown
from exchange.repository.web import WebCarrier
from schemas.errors import ConfigError, RefusedError, RetryableError

PATH = "metadata/timestamp.json"
LARGE = bytes(range(256)) * 12_000  # three pieces


def whole(carrier: Carrier, path: str = PATH) -> bytes | None:
    pieces = carrier.read(path)
    return None if pieces is None else b"".join(pieces)


@pytest.fixture(params=["folder", "memory"])
def writing(request: pytest.FixtureRequest, tmp_path: Path) -> WritingCarrier:
    if request.param == "memory":
        return MemoryCarrier()
    (tmp_path / "repository").mkdir()
    return FolderCarrier(tmp_path / "repository")


# every carrier


def test_what_was_put_is_read(writing: WritingCarrier, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(LARGE)
    assert writing.read("targets/a/b.hefu") is None
    assert writing.list_paths("targets") == []
    for path in ("targets/a/b.hefu", "targets/a.hefu", "metadata/1.root.json"):
        writing.put(path, tmp_path / "file")
    assert whole(writing, "targets/a/b.hefu") == LARGE
    assert writing.list_paths("targets") == ["targets/a.hefu", "targets/a/b.hefu"]
    (tmp_path / "file").write_bytes(b"")
    writing.put("targets/a.hefu", tmp_path / "file")
    assert whole(writing, "targets/a.hefu") == b""


def test_a_swap_replaces_what_was_expected(writing: WritingCarrier) -> None:
    writing.swap(PATH, b"one", None)
    writing.swap(PATH, b"two", b"one")
    assert whole(writing) == b"two"


@pytest.mark.parametrize("expected", [None, b"zero"])
def test_a_swap_replaces_nothing_else(writing: WritingCarrier, expected: bytes | None) -> None:
    writing.swap(PATH, b"one", None)
    with pytest.raises(RetryableError, match="another process has published here"):
        writing.swap(PATH, b"two", expected)
    assert whole(writing) == b"one"


@pytest.mark.parametrize(
    "path",
    [
        *("../x", "metadata/../../x", "/etc/passwd", "", "a//b", "a/", "a/.hidden", "a/%2e%2e"),
        *("a\\b", "a/b\x00", "a/\n", "a?b", "a#b", "a:b", "é", "a" * 256, "a/" * 8 + "a"),
    ],
)
def test_a_path_that_leads_elsewhere_is_refused(
    writing: WritingCarrier, tmp_path: Path, path: str
) -> None:
    for ask in (
        partial(writing.read, path),
        partial(writing.put, path, tmp_path),
        partial(writing.swap, path, b"", None),
        partial(WebCarrier("http://127.0.0.1:9").read, path),
    ):
        with pytest.raises(RefusedError, match="no repository of Hefu"):
            ask()


# a folder


def test_a_folder_that_is_not_there_is_told_and_not_made(tmp_path: Path) -> None:
    carrier = FolderCarrier(tmp_path / "disk")
    for ask in (
        partial(carrier.read, PATH),
        partial(carrier.put, PATH, Path(__file__)),
        partial(carrier.swap, PATH, b"", None),
        partial(carrier.list_paths, "targets"),
    ):
        with pytest.raises(RefusedError, match="folder is not there") as caught:
            ask()
        assert caught.value.hint is not None
    assert not (tmp_path / "disk").exists()


@pytest.mark.parametrize("kind", ["link", "link_of_folder", "pipe", "folder"])
def test_what_is_no_plain_file_is_not_read(tmp_path: Path, kind: str) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own/timestamp.json").write_bytes(b"ours")
    disk = tmp_path / "disk"
    disk.mkdir()
    if kind == "link_of_folder":
        (disk / "metadata").symlink_to(tmp_path / "own")
    else:
        place = disk / PATH
        place.parent.mkdir()
        if kind == "link":
            place.symlink_to(tmp_path / "own/timestamp.json")
        elif kind == "pipe":
            os.mkfifo(place)
        else:
            place.mkdir()
    with pytest.raises(RefusedError, match="no plain file"):
        FolderCarrier(disk).read(PATH)


@pytest.mark.parametrize("name", [".lock", "metadata/.partial-timestamp.json", "metadata"])
def test_nothing_is_written_through_a_link_on_a_disk_that_others_had(
    tmp_path: Path, name: str
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "signing.pem").write_bytes(b"ours")
    disk = tmp_path / "disk"
    (disk / "metadata").mkdir(parents=True)
    if name == "metadata":
        (disk / name).rmdir()
    (disk / name).symlink_to(own if name == "metadata" else own / "signing.pem")
    carrier = FolderCarrier(disk)
    for ask in (
        partial(carrier.swap, PATH, b"new", None),
        partial(carrier.put, PATH, Path(__file__)),
    ):
        with suppress(RefusedError):
            ask()
    assert [(p.name, p.read_bytes()) for p in own.iterdir()] == [("signing.pem", b"ours")]


def test_the_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "mounted").mkdir()
    (tmp_path / "disk").symlink_to(tmp_path / "mounted")
    carrier = FolderCarrier(tmp_path / "disk")
    carrier.swap(PATH, b"one", None)
    assert whole(carrier) == b"one"


def test_a_reader_that_stops_early_leaves_nothing_open(tmp_path: Path) -> None:
    carrier = FolderCarrier(tmp_path)
    (tmp_path / "metadata").mkdir()
    (tmp_path / PATH).write_bytes(LARGE)
    before = len(list(Path("/proc/self/fd").iterdir()))
    pieces = [carrier.read(PATH) for _ in range(10)]
    assert next(pieces[0] or iter(())) == LARGE[: 1 << 20]
    del pieces
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_read_goes_on_in_the_file_that_it_began(tmp_path: Path) -> None:
    carrier = FolderCarrier(tmp_path)
    carrier.swap(PATH, LARGE, None)
    pieces = carrier.read(PATH)
    assert pieces is not None
    carrier.swap(PATH, b"new", LARGE)
    assert b"".join(pieces) == LARGE


def test_a_killed_copy_leaves_no_half(tmp_path: Path) -> None:
    """Killed while it writes, readers see what was before."""
    carrier = FolderCarrier(tmp_path)
    carrier.swap(PATH, b"before", None)
    (tmp_path / "new").write_bytes(LARGE)
    event = 1
    while killed_at(event, lambda: carrier.put(PATH, tmp_path / "new")):
        assert whole(carrier) == b"before"
        assert carrier.list_paths("metadata") == [PATH]
        event += 1
    assert whole(carrier) == LARGE


def test_no_rights_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object, **__: object) -> int:
        raise PermissionError(13, "Permission denied")

    carrier = FolderCarrier(tmp_path)
    carrier.swap(PATH, b"one", None)
    monkeypatch.setattr(os, "open", denied)
    with pytest.raises(RetryableError, match="EACCES"):
        carrier.read(PATH)


# a web server


class Handler(http.server.SimpleHTTPRequestHandler):
    """``plan``: for each request a status, 0 (hang up), -1 (break off in the middle), or 1
    (break off, and give the rest when it is asked for as a range)."""

    plan: ClassVar[list[int]] = []
    seen: ClassVar[list[tuple[str, str | None, str | None]]] = []

    def do_GET(self) -> None:
        range_ = self.headers.get("Range")
        self.seen.append((self.path, range_, self.headers.get("Authorization")))
        step = self.plan.pop(0) if self.plan else 200
        if step == 0:
            self.close_connection = True
            return
        if step == -1:
            self._send(200, LARGE[: len(LARGE) // 2])
        elif step == 1 and range_:
            start = int(range_.removeprefix("bytes=").removesuffix("-"))
            self._send(206, LARGE[start:], start)
        elif step == 200:
            super().do_GET()
        else:
            self.send_response(step)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

    def _send(self, status: int, data: bytes, start: int = 0) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(LARGE) - start))
        self.send_header("Content-Range", f"bytes {start}-{len(LARGE) - 1}/{len(LARGE)}")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(folder: Path, authority: Authority | None = None) -> Iterator[str]:
    Handler.plan, Handler.seen = [], []
    handler = partial(Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        if authority is not None:
            context = authority.issue("127.0.0.1").server()
            running.socket = context.wrap_socket(running.socket, server_side=True)
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http{'s' if authority else ''}://127.0.0.1:{running.server_port}/"
        finally:
            running.shutdown()
            thread.join()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "metadata").mkdir()
    (tmp_path / PATH).write_bytes(LARGE)
    with serving(tmp_path) as address:
        yield address


def web(address: str, pauses: list[float] | None = None, **more: object) -> WebCarrier:
    kept: list[float] = [] if pauses is None else pauses
    return WebCarrier(address, pause=kept.append, **more)  # type: ignore[arg-type]


def test_files_come_from_a_web_server(server: str) -> None:
    carrier = web(server)
    assert whole(carrier) == LARGE
    assert carrier.read("metadata/2.root.json") is None
    assert Handler.seen == [(f"/{PATH}", None, None), ("/metadata/2.root.json", None, None)]


def test_what_may_heal_is_tried_again(server: str) -> None:
    Handler.plan = [503, 429, 0]
    pauses: list[float] = []
    assert whole(web(server, pauses)) == LARGE
    assert pauses == [1.0, 2.0, 4.0]


@pytest.mark.parametrize("status", [500, 503, 429, 0, -1])
def test_what_does_not_heal_is_retryable(server: str, status: int) -> None:
    Handler.plan = [status] * 4
    with pytest.raises(RetryableError):
        whole(web(server))
    assert len(Handler.seen) == 4


@pytest.mark.parametrize("plan", [[-1, 200], [-1, 1], [-1, 0, 503, 1], [-1, -1, 200]])
def test_what_breaks_off_goes_on_where_it_was(server: str, plan: list[int]) -> None:
    Handler.plan = list(plan)
    pieces = web(server).read(PATH)
    assert pieces is not None
    assert b"".join(pieces) == LARGE
    assert [range_ for _, range_, _ in Handler.seen[1:]] == [
        f"bytes={len(LARGE) // 2}-" for _ in plan[1:]
    ]


def test_a_rest_of_something_else_is_refused(server: str) -> None:
    Handler.plan = [-1, 404]
    with pytest.raises(RefusedError, match="HTTP 404"):
        whole(web(server))


@pytest.mark.parametrize("status", [301, 302, 401, 403, 204])
def test_a_refusal_is_not_tried_again(server: str, status: int) -> None:
    Handler.plan = [status]
    with pytest.raises(RefusedError, match=str(status)):
        whole(web(server))
    assert len(Handler.seen) == 1


def test_a_server_that_drips_is_given_up(server: str) -> None:
    """Each look at the clock is half a minute later."""
    ticks = iter(range(0, 100_000, 30))
    pauses: list[float] = []
    carrier = web(server, pauses, clock=lambda: float(next(ticks)))
    assert whole(carrier) == LARGE, "three pieces in two minutes are fast enough"
    slow = iter(range(0, 10_000_000, 3600))
    with pytest.raises(RetryableError, match="too slow"):
        whole(web(server, pauses, clock=lambda: float(next(slow))))


def test_nobody_there_is_retryable() -> None:
    pauses: list[float] = []
    with pytest.raises(RetryableError):
        whole(web("http://127.0.0.1:9/", pauses))
    assert len(pauses) == 3


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(RefusedError):
        whole(web("http://"))


def test_a_token_is_sent_and_a_netrc_is_not(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password something\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    whole(web(server))
    whole(web(server, token="a-token"))
    assert [authorisation for _, _, authorisation in Handler.seen] == [None, "Bearer a-token"]


def test_a_certificate_of_an_own_authority(tmp_path: Path) -> None:
    (tmp_path / "metadata").mkdir()
    (tmp_path / PATH).write_bytes(LARGE)
    authority = Authority(tmp_path / "authority")
    with serving(tmp_path, authority) as address:
        assert whole(web(address, ca_file=str(authority.certificate))) == LARGE
        with pytest.raises(RefusedError, match="SSLError"):
            whole(web(address))


# what access may say


@pytest.mark.parametrize(
    ("at", "kind"),
    [
        ("/srv/hefu", "folder"),
        ("../neighbour", "folder"),
        ("https://hefu.example/a", "web"),
        ("HTTP://hefu.example/a", "web"),
        ("s3://bucket/prefix", "s3"),
        ("sftp://hefu@host/path", "sftp"),
    ],
)
def test_an_address_says_what_it_is(at: str, kind: str) -> None:
    assert kind_of(at) == kind


@pytest.mark.parametrize("at", ["ftp://host/a", "gs://bucket", "file:///srv"])
def test_other_addresses_are_refused(at: str) -> None:
    with pytest.raises(ConfigError, match="cannot lie at an address of kind"):
        kind_of(at)


@pytest.mark.parametrize(
    ("at", "access", "foreign"),
    [
        ("/srv/hefu", {"token": "env:T"}, "token"),
        ("https://host/a", {"host_key": "ssh-ed25519 A"}, "host_key"),
        ("s3://bucket", {"region": "a", "password": "env:P"}, "password"),
        ("sftp://u@host/a", {"ca_file": "ca.pem"}, "ca_file"),
    ],
)
def test_keys_that_do_not_fit_are_named(at: str, access: dict[str, str], foreign: str) -> None:
    with pytest.raises(ConfigError, match=f"access has {foreign}") as caught:
        check_access(at, Access(**access))
    assert caught.value.where is not None
    assert caught.value.where.field == f"access.{foreign}"


def test_a_password_in_an_address_is_refused_and_not_shown() -> None:
    with pytest.raises(ConfigError, match="must not hold a password") as caught:
        check_access("sftp://user:secret@host/path", Access())
    assert "secret" not in f"{caught.value} {caught.value.as_dict()}"
    assert shown("sftp://user:secret@host:22/path") == "sftp://host:22/path"
