"""A case system, a hotline or a notice system behind a web interface, as a process.

    python -m examples.region.systems.case_api --profile zhichao --port 0 \\
        --data FILE --token-env NAME

It listens on 127.0.0.1, prints its port as one line, and serves until it is terminated or, with
``--until-stdin-closes``, until the process that started it is gone. ``FILE`` holds one JSON
object per line, ``{"updated_at": …, "row": {…}}``, and is read again when it changes: that is
how a day passes.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from hmac import compare_digest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from examples.region.systems.answers import Answer, Kept, answer
from examples.region.systems.limits import RateLimit, Stumble
from examples.region.systems.profiles import PROFILES, Profile


class Shelf:
    """The rows of a data file, as the file is now."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = (-1, -1)
        self._kept: tuple[Kept, ...] = ()
        self._lock = Lock()

    def rows(self) -> Sequence[Kept]:
        with self._lock:
            stat = self._path.stat()
            stamp = (stat.st_mtime_ns, stat.st_ino)
            if stamp != self._stamp:
                with self._path.open(encoding="utf-8") as lines:
                    parsed = [json.loads(line) for line in lines]
                self._kept = tuple(
                    Kept(datetime.fromisoformat(each["updated_at"]), each["row"]) for each in parsed
                )
                self._stamp = stamp
            return self._kept


class Service:
    """Decides the answer to one request."""

    def __init__(
        self, profile: Profile, shelf: Shelf, token: str, rate: RateLimit, stumble: Stumble
    ) -> None:
        self._profile = profile
        self._shelf = shelf
        self._token = token
        self._rate = rate
        self._stumble = stumble

    def respond(self, target: str, header: Callable[[str], str | None]) -> Answer:
        parts = urlsplit(target)
        if not self._may(header(self._profile.key_header)):
            return Answer(401, {"error": "unauthorized"}, {"WWW-Authenticate": "Bearer"})
        if parts.path != self._profile.path:
            return Answer(404, {"error": "not found"})
        if not self._rate.admits():
            return Answer(429, {"error": "too many requests"}, {"Retry-After": "1"})
        if self._stumble.falls():
            return Answer(500, {"error": "internal error"})
        return answer(self._profile, self._shelf.rows(), dict(parse_qsl(parts.query)))

    def _may(self, given: str | None) -> bool:
        prefix = "Bearer " if self._profile.key_header == "Authorization" else ""
        return given is not None and compare_digest(given.encode(), (prefix + self._token).encode())


class Handler(BaseHTTPRequestHandler):
    """HTTP/1.1 with connections that stay open."""

    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # headers and body leave together: no 40 ms wait for an acknowledgement

    def __init__(self, service: Service, *args: Any) -> None:
        self._service = service
        super().__init__(*args)

    def do_GET(self) -> None:
        result = self._service.respond(self.path, self.headers.get)
        body = result.encoded()
        self.send_response(result.status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        for name, value in result.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  name of the base class
        """Say nothing: a query may hold what must not be logged."""


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="case_api", description=__doc__.partition("\n")[0])
    parser.add_argument("--profile", choices=sorted(PROFILES), default="zhichao")
    parser.add_argument("--port", type=int, default=0, help="0 takes any free port")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--token-env", required=True, help="environment variable with the key")
    parser.add_argument("--burst", type=int, default=12, help="requests allowed at once")
    parser.add_argument("--per-second", type=float, default=10.0, help="requests after that")
    parser.add_argument("--fail-every", type=int, default=17, help="each so many answers 500")
    parser.add_argument("--fail-first", type=int, default=17, help="the first that answers 500")
    parser.add_argument("--until-stdin-closes", action="store_true")
    return parser.parse_args(argv)


def main(argv: Sequence[str]) -> int:
    options = _arguments(argv)
    token = os.environ.get(options.token_env, "")
    if not token:
        print(f"environment variable {options.token_env} is not set", file=sys.stderr)  # noqa: T201
        return 2
    service = Service(
        PROFILES[options.profile],
        Shelf(options.data),
        token,
        RateLimit(options.burst, options.per_second, time.monotonic),
        Stumble(options.fail_every, options.fail_first),
    )
    with ThreadingHTTPServer(("127.0.0.1", options.port), partial(Handler, service)) as server:
        print(server.server_port, flush=True)  # noqa: T201  the port is this program's output
        if options.until_stdin_closes:
            Thread(target=_stop_with_stdin, args=(server,), daemon=True).start()
        server.serve_forever(poll_interval=0.1)
    return 0


def _stop_with_stdin(server: ThreadingHTTPServer) -> None:
    sys.stdin.buffer.read()
    server.shutdown()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
