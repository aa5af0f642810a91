"""A source folder, a landing area and an HTTP server that misbehaves as told."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import duckdb
import pytest

from connectors.config import SourceConfig, load_source
from connectors.delivery import Delivery, PullRequest
from connectors.landing import Landing
from connectors.pace import Pace
from connectors.pull import pull
from connectors.raw import RawBatch, load_raw

NOW = datetime(2026, 5, 20, 1, 30, tzinfo=UTC)
TOKEN = "secret-token"
HEAD = 'system = "cases"\nstream = "decisions"\nrecord_type = "case_result"\n'


@dataclass(frozen=True)
class Reply:
    """What the server sends. ``announce``: a false Content-Length. ``hang``: then silence."""

    body: bytes = b""
    status: int = 200
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json"),)
    announce: int | None = None
    hang: bool = False


def page(items: Any, **rest: Any) -> Reply:
    return Reply(json.dumps({"data": {"items": items}, **rest}, ensure_ascii=False).encode())


@dataclass
class Asked:
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    method: str = "GET"
    body: bytes = b""
    raw_query: str = ""


@dataclass
class Server:
    """Answers with ``answer(asked, count)``; ``count`` is how many came before."""

    url: str = ""
    answer: Callable[[Asked, int], Reply] = lambda _asked, _count: Reply(b"[]")
    asked: list[Asked] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    def script(self, *replies: Reply) -> None:
        """The replies in this order; the last one again and again."""
        self.answer = lambda _asked, count: replies[min(count, len(replies) - 1)]


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.do_POST()

        def do_POST(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            query = {k: v[0] for k, v in parse_qs(parts.query, keep_blank_values=True).items()}
            headers = {k.lower(): v for k, v in self.headers.items()}
            asked = Asked(parts.path, query, headers, self.command, body, parts.query)
            count = len(server.asked)
            server.asked.append(asked)
            reply = server.answer(asked, count)
            self.send_response_only(reply.status)  # and no Date of the machine's own clock
            for name, value in reply.headers:
                self.send_header(name, value)
            length = len(reply.body) if reply.announce is None else reply.announce
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(reply.body)
            if reply.hang:
                self.wfile.flush()
                server.released.wait()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    return Handler


@pytest.fixture
def server() -> Iterator[Server]:
    with running_server() as one:
        yield one


class running_server:  # noqa: N801 - a context manager
    def __enter__(self) -> Server:
        self.server = Server()
        self.httpd = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self.server))
        self.httpd.daemon_threads = True
        self.server.url = f"http://127.0.0.1:{self.httpd.server_address[1]}"
        self.thread = threading.Thread(target=self.httpd.serve_forever, args=(0.01,))
        self.thread.start()
        return self.server

    def __exit__(self, *_: object) -> None:
        self.server.released.set()
        self.httpd.shutdown()
        self.httpd.server_close()
        self.thread.join()


@dataclass
class Source:
    """One source with its folder; ``waits`` are the pauses that a pull asked for."""

    folder: Path
    config: SourceConfig
    landing: Landing
    waits: list[float] = field(default_factory=list)
    monotonic: Callable[[], float] = lambda: 0.0

    @property
    def drop(self) -> Path:
        return self.folder / "drop"

    def put(self, name: str, data: bytes) -> Path:
        path = self.drop / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def pull(
        self,
        cursor: dict[str, Any] | None = None,
        *,
        window: tuple[date | None, date | None] | None = None,
        now: datetime = NOW,
        token: str = TOKEN,
    ) -> Delivery:
        since, until = window or (None, None)
        mode: Any = "window" if window else "cursor"
        return pull(
            self.config,
            self.folder,
            PullRequest(mode, cursor, since, until, now),
            self.landing,
            secrets=lambda _reference: token,
            pace=Pace(self.waits.append, self.monotonic),
        )

    def read(self, delivery: Delivery) -> Read:
        with duckdb.connect() as con:
            batch = load_raw(con, self.config, delivery)
            names = list(batch.columns)
            quoted = ", ".join('"' + n.replace('"', '""') + '"' for n in names)
            select = f"_object, _row{', ' if quoted else ''}{quoted}"
            rows = con.execute(f"SELECT {select} FROM raw ORDER BY _object, _row").fetchall()
            rejects = con.execute(
                "SELECT _object, _row, rule_id, detail, raw_text FROM raw_reject "
                "ORDER BY _object, _row"
            ).fetchall()
        assert batch.received == len(rows) + len(rejects)
        assert batch.unreadable == len(rejects)
        return Read(batch, [dict(zip(names, r[2:], strict=True)) for r in rows], rows, rejects)


@dataclass
class Read:
    batch: RawBatch
    rows: list[dict[str, str | None]]
    placed: list[tuple[Any, ...]]
    rejects: list[tuple[int, int, str, str, str]]

    @property
    def rules(self) -> list[str]:
        return [r[2] for r in self.rejects]


MakeSource = Callable[[str], Source]


@pytest.fixture
def make_source(tmp_path: Path) -> MakeSource:
    """A source from the tables of its ``source.toml`` after the three names."""

    def make(tables: str) -> Source:
        folder = tmp_path / "sources" / "cases" / "decisions"
        (folder / "drop").mkdir(parents=True, exist_ok=True)
        (folder / "source.toml").write_text(HEAD + tables, encoding="utf-8")
        return Source(folder, load_source(folder), Landing(tmp_path / "landing"))

    return make


@pytest.fixture
def files(make_source: MakeSource) -> Callable[..., Source]:
    """A source of files: ``files("csv", 'encoding = "gbk"')``."""

    def make(form: str, more: str = "", tables: str = "") -> Source:
        reader = f'[reader]\nkind = "files"\npath = "drop"\nformat = "{form}"\n{more}\n'
        return make_source(reader + tables)

    return make


@pytest.fixture
def rest(make_source: MakeSource, server: Server) -> Callable[..., Source]:
    """A REST source on ``server``."""

    def make(more: str = "", tables: str = "") -> Source:
        reader = (
            f'[reader]\nkind = "rest"\nbase_url = "{server.url}"\npath = "api/cases"\n'
            f'records = "data.items"\n{more}\n'
        )
        return make_source(reader + tables)

    return make


# A paged REST source of five rows, for the tests of REST.
PAGED = '[reader.pagination]\nkind = "page"\nsize = 2\nsize_parameter = "size"\n'
ROWS = [{"no": f"A{i}", "updated": f"2026-05-0{i}T10:00:00+08:00"} for i in range(1, 6)]


def numbered(
    rows: list[dict[str, Any]], size: int = 2, **rest: Any
) -> Callable[[Asked, int], Reply]:
    """An honest server with pages of ``size``."""

    def answer(asked: Asked, _count: int) -> Reply:
        at = (int(asked.query["page"]) - 1) * size
        return page(rows[at : at + size], **rest)

    return answer


def numbers(source: Source, delivery: Delivery) -> list[Any]:
    return [r["no"] for r in source.read(delivery).rows]
