"""One request to a source: authenticated, paced, tried again when that may help, and bounded.

What is retried, how often and how long it waits is urllib3's ``Retry``; it is driven from here
because it must also cover a body that breaks off, which urllib3 itself can't see once headers
are in, and an answer that turns out to be no whole document.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import requests
from urllib3.exceptions import MaxRetryError, ProtocolError
from urllib3.util.retry import Retry

from connectors.delivery import Secrets
from connectors.pace import Pace
from connectors.rest.auth import authenticate
from connectors.rest.auth_settings import HmacAuth
from connectors.rest.body import ACCEPTED, AgainError, body_of
from connectors.rest.errors import (
    HttpRefusedError,
    busy,
    cant_be_sent,
    circle,
    elsewhere,
    public,
    refused,
    unreachable,
)
from connectors.rest.links import joined, next_link
from connectors.rest.oauth import ClientCredentials
from connectors.rest.settings import RestReader, Value
from connectors.rest.tls import secure
from schemas.errors import RetryableError
from schemas.text import Text

_MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_RETRIED = frozenset({408, 425, 429})

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: where, and the parameters of its query or body."""

    url: str
    parameters: Mapping[str, Value]
    method: str = "GET"


@dataclass(frozen=True, slots=True)
class Received:
    """An answer of status 200 or 204 while its body is still on the way.

    ``date``: what the server's clock said, None if it said nothing that can be read.
    """

    status: int
    url: str
    body: Iterator[bytes]
    next_link: str | None
    date: datetime | None
    redirected: bool


def same_origin(one: str, other: str) -> bool:
    """Whether both addresses have the same scheme, host and port: may see the same token."""
    return _origin(one) is not None and _origin(one) == _origin(other)


def _origin(url: str) -> tuple[str, str | None, int | None] | None:
    """None for what is no address at all: a port that can't be, half a bracket."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return None
    return parts.scheme, parts.hostname, port


def plain(value: Value) -> str:
    """A parameter as a query writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


@dataclass
class Session:
    """A session with one source. Use as a context manager."""

    reader: RestReader
    pace: Pace
    _http: requests.Session = field(default_factory=requests.Session, repr=False)
    _renewable: ClientCredentials | None = field(default=None, repr=False)
    _last_request: float | None = field(default=None, repr=False)

    @classmethod
    def open(
        cls, reader: RestReader, folder: Path, *, secrets: Secrets, pace: Pace, zone: ZoneInfo
    ) -> Session:
        """Prepare a session; nothing is sent yet.

        Raises :class:`ConfigError` for a missing secret, authority or certificate.
        """
        session = cls(reader, pace)
        http = session._http
        accept = {"json": "application/json", "xml": "application/xml, text/xml"}[reader.format]
        http.headers.update({"Accept": accept, "User-Agent": "hefu"})
        http.headers["Accept-Encoding"] = ACCEPTED
        http.headers.update(reader.headers)
        secure(http, reader, folder, secrets)
        session._renewable = authenticate(
            http, reader, folder, secrets=secrets, pace=pace, zone=zone
        )
        return session

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()
        if self._renewable is not None:
            self._renewable.session.close()

    def fetch(self, ask: Ask, take: Callable[[Received], T]) -> T:
        """What ``take`` makes of the answer; ``take`` raises :class:`AgainError` to try again.

        Raises :class:`RefusedError` (a wrong token, a redirect elsewhere, too large …) or
        :class:`RetryableError` when the retries are used up. A 401 is healed once, by another
        token, where tokens can be had.
        """
        retry = Retry(
            total=self.reader.retries,
            backoff_factor=self.reader.backoff_seconds,
            backoff_max=self.reader.backoff_max_seconds,
            backoff_jitter=self.reader.backoff_seconds,
        )
        renewed = False
        while True:
            try:
                return self._attempt(ask, take)
            except HttpRefusedError as error:
                if error.status != 401 or self._renewable is None or renewed:
                    raise
                renewed = True
                self._renewable.forget()
            except AgainError as again:
                try:  # "GET": a POST here only asks, so it may be repeated as well
                    retry = retry.increment("GET", public(ask.url), error=ProtocolError("again"))
                except MaxRetryError:
                    raise again.final from None
                self.pace.sleep(self._wait(retry, again.retry_after))

    def _wait(self, retry: Retry, retry_after: str | None) -> float:
        asked = _seconds_asked(retry_after, self.pace.clock) if retry_after else None
        wait = retry.get_backoff_time() if asked is None else asked
        return min(wait, self.reader.backoff_max_seconds)

    def _attempt(self, ask: Ask, take: Callable[[Received], T]) -> T:
        redirected = False
        for _ in range(_MAX_REDIRECTS + 1):
            self._keep_pace()
            with self._send(ask) as response:
                if response.status_code not in _REDIRECTS:
                    return take(self._received(response, redirected))
                ask, redirected = self._redirected(ask, response), True
        raise circle(ask.url)

    def _keep_pace(self) -> None:
        now = self.pace.monotonic()
        if self.reader.requests_per_second and self._last_request is not None:
            wait = self._last_request + 1 / self.reader.requests_per_second - now
            if wait > 0:
                self.pace.sleep(wait)
                now += wait
        self._last_request = now

    def _send(self, ask: Ask) -> requests.Response:
        told: Exception
        try:
            return self._http.request(
                ask.method,
                ask.url,
                **_carried(ask, self.reader.body),
                stream=True,
                allow_redirects=False,
                timeout=(self.reader.timeout_seconds, self.reader.timeout_seconds),
            )
        except (requests.exceptions.ConnectionError, requests.exceptions.Timeout) as error:
            found = unreachable(ask.url, error)
            told = AgainError(found) if isinstance(found, RetryableError) else found
        except (requests.exceptions.RequestException, ValueError) as error:
            told = cant_be_sent(ask.url, error)
        # Raised out here: what requests and urllib3 say holds the address with its query, and the
        # header with its token, and would ride along.
        raise told

    def _redirected(self, ask: Ask, response: requests.Response) -> Ask:
        target = joined(response.url, response.headers.get("Location", ""))
        if not same_origin(target, response.url):
            raise elsewhere(response.url, target)
        if ask.method == "POST" and response.status_code in (307, 308):
            return Ask(target, ask.parameters, "POST")
        return Ask(target, {})

    def _received(self, response: requests.Response, redirected: bool) -> Received:
        status, url = response.status_code, response.url
        if status in _RETRIED or status >= 500:
            raise AgainError(busy(url, status), response.headers.get("Retry-After"))
        date = _moment(response.headers.get("Date"))
        if status not in (200, 204):
            raise refused(url, status, self._why_refused(status, date))
        link = next_link(response.headers.get("Link", ""))
        return Received(
            status,
            url,
            body_of(response, self.reader, self.pace.monotonic),
            joined(url, link) if link else None,
            date,
            redirected,
        )

    def _why_refused(self, status: int, date: datetime | None) -> Text | None:
        if not isinstance(self.reader.auth, HmacAuth) or status not in (401, 403):
            return None
        apart = abs(self.pace.clock() - date) if date else timedelta(0)
        if apart > timedelta(minutes=1):
            seconds = int(apart.total_seconds())
            return Text(
                en=f"the clocks of this machine and the server are {seconds} s apart; "
                "a signature is only taken near its time",
                zh=f"本机与服务器时钟相差 {seconds} 秒；签名只在时间相近时有效",
            )
        return Text(
            en="check app_key, secret and string_to_sign under [reader.auth]",
            zh="请检查 [reader.auth] 下的 app_key、secret 和 string_to_sign",
        )


def _carried(ask: Ask, body: str) -> dict[str, Any]:
    if ask.method == "GET":
        return {"params": {n: plain(v) for n, v in ask.parameters.items()} or None}
    if body == "form":
        return {"data": {n: plain(v) for n, v in ask.parameters.items()}}
    text = json.dumps(nested(ask.parameters), ensure_ascii=False, separators=(",", ":"))
    return {"data": text.encode(), "headers": {"Content-Type": "application/json"}}


def nested(parameters: Mapping[str, Value]) -> dict[str, Any]:
    """``{"page.size": 2}`` to ``{"page": {"size": 2}}``."""
    document: dict[str, Any] = {}
    for name, value in parameters.items():
        *outer, last = name.split(".")
        here = document
        for key in outer:
            inner = here.setdefault(key, {})
            if not isinstance(inner, dict):
                inner = here[key] = {}
            here = inner
        here[last] = value
    return document


def _seconds_asked(header: str, clock: Callable[[], datetime]) -> float | None:
    """``Retry-After`` as seconds or a date (RFC 9110 section 10.2.3); None: neither."""
    text = header.strip()
    if text.isdecimal():
        return float(text[:9])
    moment = _moment(text)
    return None if moment is None else max(0.0, (moment - clock()).total_seconds())


def _moment(header: str | None) -> datetime | None:
    try:
        found = parsedate_to_datetime(header) if header else None
    except (ValueError, IndexError, OverflowError, TypeError):
        return None
    return found if found and found.tzinfo else None
