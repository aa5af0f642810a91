"""The published chain: whole files, one after another, whatever happens meanwhile."""

from __future__ import annotations

import http.server
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar

import pytest
from bundles import good, rows, second, statement_digest

from exchange.limits import Limits
from exchange.repository.local import bundle_name, fetch, head, publish, stream_folder
from schemas.errors import RefusedError, RetryableError, VerificationError

STREAM = "test-agreement.testsender.testreceiver.format_test"
FIRST = good()
SECOND = second(FIRST)
OTHER_FIRST = good(tables={"note": rows(2)})


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in stream_folder(folder, STREAM).iterdir() if p.name != ".lock")


def test_the_head_is_read_from_the_chain(tmp_path: Path) -> None:
    assert head(tmp_path, STREAM) is None
    publish(tmp_path, STREAM, 1, FIRST)
    publish(tmp_path, STREAM, 2, SECOND)
    last = head(tmp_path, STREAM)
    assert last is not None
    assert (last.sequence, last.statement_sha256) == (2, statement_digest(SECOND))
    assert last.statement.lake_versions == {"note": 7}
    assert names(tmp_path) == ["00000001.hefu", "00000002.hefu"]


def test_publishing_again_changes_nothing(tmp_path: Path) -> None:
    path = publish(tmp_path, STREAM, 1, FIRST)
    before = path.stat().st_mtime_ns
    assert publish(tmp_path, STREAM, 1, FIRST) == path
    assert path.stat().st_mtime_ns == before


def test_a_number_is_never_given_twice(tmp_path: Path) -> None:
    publish(tmp_path, STREAM, 1, FIRST)
    with pytest.raises(RetryableError):
        publish(tmp_path, STREAM, 1, OTHER_FIRST)
    assert fetch(str(tmp_path), STREAM, 1) == FIRST


@pytest.mark.parametrize(
    ("sequence", "data"),
    [(2, SECOND), (1, SECOND), (2, FIRST), (1, b"not a bundle"), (1, FIRST[:-1])],
)
def test_what_does_not_continue_the_chain_is_not_published(
    tmp_path: Path, sequence: int, data: bytes
) -> None:
    with pytest.raises(VerificationError):
        publish(tmp_path, STREAM, sequence, data)
    assert names(tmp_path) == []


def test_another_history_is_not_continued(tmp_path: Path) -> None:
    publish(tmp_path, STREAM, 1, OTHER_FIRST)
    with pytest.raises(VerificationError) as caught:
        publish(tmp_path, STREAM, 2, SECOND)
    assert caught.value.step == "stream"


@pytest.mark.parametrize("stream", ["", "..", "../x", "a/b", "A", "x" * 201, ".hidden", "a\x00"])
def test_a_stream_cannot_leave_the_repository(tmp_path: Path, stream: str) -> None:
    with pytest.raises(ValueError, match="not a stream name"):
        publish(tmp_path, stream, 1, FIRST)
    assert list(tmp_path.iterdir()) == []


def test_a_gap_in_our_own_chain_is_told(tmp_path: Path) -> None:
    publish(tmp_path, STREAM, 1, FIRST)
    path = publish(tmp_path, STREAM, 2, SECOND)
    (path.parent / bundle_name(1)).unlink()
    with pytest.raises(VerificationError, match="has a gap") as caught:
        head(tmp_path, STREAM)
    assert caught.value.expected == "00000001.hefu"


def test_a_file_under_another_number_is_told(tmp_path: Path) -> None:
    path = publish(tmp_path, STREAM, 1, FIRST)
    (path.parent / bundle_name(2)).write_bytes(FIRST)
    with pytest.raises(VerificationError, match="not the bundle its name says"):
        head(tmp_path, STREAM)
    (path.parent / bundle_name(2)).write_bytes(b"")
    with pytest.raises(VerificationError):
        head(tmp_path, STREAM)


def test_of_two_publishers_at_once_one_wins_whole(tmp_path: Path) -> None:
    def attempt(data: bytes) -> str:
        try:
            publish(tmp_path, STREAM, 1, data)
        except RetryableError:
            return "again"
        return "done"

    with ThreadPoolExecutor(8) as pool:
        ends = list(pool.map(attempt, [FIRST, OTHER_FIRST] * 8))
    winner = fetch(str(tmp_path), STREAM, 1)
    assert winner in (FIRST, OTHER_FIRST)
    assert ends == ["done" if d == winner else "again" for d in [FIRST, OTHER_FIRST] * 8]
    assert names(tmp_path) == ["00000001.hefu"]


KILLED = """
import os, signal, sys
from pathlib import Path
import exchange.repository.local as repository

real = repository._link_without_overwrite
def die(partial, target):
    if sys.argv[3] == "after":
        real(partial, target)
    os.kill(os.getpid(), signal.SIGKILL)
repository._link_without_overwrite = die
repository.publish(Path(sys.argv[1]), sys.argv[4], 1, Path(sys.argv[2]).read_bytes())
"""


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_killed_publisher_blocks_nobody(tmp_path: Path, when: str) -> None:
    (tmp_path / "bundle").write_bytes(FIRST)
    repository = tmp_path / "repository"
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(repository), str(tmp_path / "bundle"), when, STREAM],
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    assert fetch(str(repository), STREAM, 1) == (FIRST if when == "after" else None)
    publish(repository, STREAM, 1, FIRST)
    publish(repository, STREAM, 2, SECOND)
    assert names(repository) == ["00000001.hefu", "00000002.hefu"]


def test_a_file_system_without_hard_links_is_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    publish(tmp_path, STREAM, 1, FIRST)
    assert names(tmp_path) == ["00000001.hefu"]


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(RefusedError) as caught:
        fetch(str(tmp_path / "disk"), STREAM, 1)
    assert caught.value.hint is not None
    assert fetch(str(tmp_path), STREAM, 1) is None


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    publish(tmp_path, STREAM, 1, FIRST)
    with pytest.raises(VerificationError) as caught:
        fetch(str(tmp_path), STREAM, 1, limits=Limits(bundle_size=100))
    assert caught.value.step == "size"


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves a folder; ``plan`` says what to answer instead, one status after another."""

    plan: ClassVar[list[int]] = []
    seen: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.seen.append(self.path)
        if not self.plan:
            super().do_GET()
            return
        status = self.plan.pop(0)
        if status == 0:  # promises more than it sends
            self.send_response(200)
            self.send_header("Content-Length", "100000")
            self.end_headers()
            self.wfile.write(b"PK")
            self.close_connection = True
        elif status == 1:  # says nothing of the length and never stops
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"x" * 300_000)
            self.close_connection = True
        else:
            self.send_response(status)
            self.send_header("Location", "http://127.0.0.1:9/")
            self.send_header("Content-Length", "0")
            self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    publish(tmp_path, STREAM, 1, FIRST)

    def handler(*arguments: object) -> Handler:
        return Handler(*arguments, directory=str(tmp_path))

    Handler.plan, Handler.seen = [], []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}/"
        running.shutdown()
        thread.join()


def test_bundles_come_from_a_web_server(server: str) -> None:
    assert fetch(server, STREAM, 1) == FIRST
    assert fetch(server, STREAM, 2) is None
    assert Handler.seen[0] == f"/streams/{STREAM}/00000001.hefu"


def test_what_may_heal_is_tried_again(server: str) -> None:
    Handler.plan = [503, 429, 0]
    pauses: list[float] = []
    assert fetch(server, STREAM, 1, pause=pauses.append) == FIRST
    assert pauses == [1.0, 2.0, 4.0]


@pytest.mark.parametrize("status", [500, 503, 429, 0])
def test_what_does_not_heal_is_retryable(server: str, status: int) -> None:
    Handler.plan = [status] * 4
    with pytest.raises(RetryableError):
        fetch(server, STREAM, 1, pause=lambda _: None)
    assert len(Handler.seen) == 4


@pytest.mark.parametrize("status", [301, 302, 401, 403, 204])
def test_a_refusal_is_not_tried_again(server: str, status: int) -> None:
    Handler.plan = [status]
    with pytest.raises(RefusedError, match=str(status)):
        fetch(server, STREAM, 1, pause=lambda _: None)
    assert len(Handler.seen) == 1


@pytest.mark.parametrize("plan", [[], [1]])
def test_a_download_stops_at_the_limit(server: str, plan: list[int]) -> None:
    Handler.plan = plan
    with pytest.raises(VerificationError) as caught:
        fetch(server, STREAM, 1, limits=Limits(bundle_size=1000), pause=lambda _: None)
    assert caught.value.step == "size"


def test_nobody_there_is_retryable(server: str) -> None:
    pauses: list[float] = []
    with pytest.raises(RetryableError):
        fetch("http://127.0.0.1:9/", STREAM, 1, pause=pauses.append)
    assert len(pauses) == 3


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(RefusedError):
        fetch("http://", STREAM, 1, pause=lambda _: None)


@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_what_is_no_plain_file_is_not_read(tmp_path: Path, kind: str) -> None:
    place = stream_folder(tmp_path, STREAM) / bundle_name(1)
    place.parent.mkdir(parents=True)
    if kind == "link":
        (tmp_path / "own").write_bytes(b"ours")
        place.symlink_to(tmp_path / "own")
    else:
        os.mkfifo(place)
    with pytest.raises(RefusedError, match="no plain file"):
        fetch(str(tmp_path), STREAM, 1)
