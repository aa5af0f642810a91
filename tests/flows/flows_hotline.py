"""The hotline's API as a real server on 127.0.0.1: pages, a token, and every way to go wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

Mood = Literal["well", "endless", "truncated", "html", "broken_off", "busy_once"]


@dataclass
class Hotline:
    """What the server holds. Tests change it between requests."""

    token: str
    orders: list[dict[str, Any]] = field(default_factory=list)
    mood: Mood = "well"
    asked: list[dict[str, str]] = field(default_factory=list)
    url: str = ""

    def answer(self, query: dict[str, str]) -> tuple[int, bytes, str]:
        """Status, body, content type."""
        self.asked.append(query)
        if self.mood == "html":
            return 200, b"<html><body>login</body></html>", "text/html"
        if self.mood == "busy_once":
            self.mood = "well"
            return 500, b"", "text/plain"
        page = json.dumps({"data": self._page(query)}, ensure_ascii=False).encode()
        if self.mood == "truncated":
            return 200, page[: len(page) // 2], "application/json"
        return 200, page, "application/json"

    def _page(self, query: dict[str, str]) -> list[dict[str, Any]]:
        number, size = int(query["page"]), int(query["size"])
        if self.mood == "endless":
            return self.orders[:size]
        wanted = [o for o in self.orders if _in_question(o, query)]
        return wanted[(number - 1) * size : number * size]


def _in_question(order: dict[str, Any], query: dict[str, str]) -> bool:
    updated = str(order["updated"])
    return query.get("since", "") <= updated and (
        query.get("from", "") <= updated[:10] <= query.get("to", "9999")
    )


@contextmanager
def serving(hotline: Hotline) -> Iterator[Hotline]:
    """Answer on a free port until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.headers.get("Authorization") != f"Bearer {hotline.token}":
                self._send(401, b"{}", "application/json")
                return
            query = {k: v[0] for k, v in parse_qs(urlsplit(self.path).query).items()}
            self._send(*hotline.answer(query))

        def _send(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            extra = 100 if hotline.mood == "broken_off" else 0
            self.send_header("Content-Length", str(len(body) + extra))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing: the tests look at what Hefu says."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    hotline.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield hotline
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
