"""One ``GET`` to a source: authenticated, paced, tried again when that may help, and bounded.

The body goes to the landing area as it comes. What is retried, how often and how long it
waits is urllib3's ``Retry``; it is driven from here because it must also cover a body that
breaks off, which urllib3 itself can't see once headers are in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

import requests
from urllib3.exceptions import HTTPError, InvalidHeader, MaxRetryError, ProtocolError
from urllib3.util.retry import Retry

from connectors.delivery import Secrets
from connectors.landing import Landed, Landing
from connectors.pace import Pace
from connectors.rest.settings import BasicAuth, BearerAuth, HeaderAuth, RestReader
from schemas.errors import ConfigError, HefuError, RefusedError, RetryableError, Where
from schemas.text import Text

__all__ = ["Answer", "Client", "HttpRefusedError", "Pace", "elsewhere", "public", "same_origin"]

_CHUNK = 1 << 16
_MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_RETRIED = frozenset({408, 425, 429})


class HttpRefusedError(RefusedError):
    """The server answered with ``status`` and will answer so again."""

    status: int = 0


class _AgainError(Exception):
    """An attempt that may be repeated; ``final`` is raised when no attempt is left."""

    def __init__(self, final: RetryableError, response: requests.Response | None = None) -> None:
        super().__init__()
        self.final = final
        self.response = response


@dataclass(frozen=True, slots=True)
class Answer:
    """A landed page (None: 204, no content), its address and its ``Link`` header's ``next``."""

    landed: Landed | None
    url: str
    next_link: str | None


def public(url: str) -> str:
    """An address without query, fragment, user: fit for messages and the landing index."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    netloc = f"{host}:{parts.port}" if parts.port else host
    return urlunsplit(SplitResult(parts.scheme, netloc, parts.path, "", ""))


def same_origin(one: str, other: str) -> bool:
    """Whether both addresses have the same scheme, host and port: may see the same token."""
    return _origin(one) == _origin(other)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, parts.hostname, port


@dataclass
class Client:
    """A session with one source. Use as a context manager."""

    reader: RestReader
    landing: Landing
    stream_id: str
    now: datetime
    pace: Pace = field(default_factory=Pace)
    _session: requests.Session = field(default_factory=requests.Session, repr=False)
    _last_request: float | None = field(default=None, repr=False)

    @classmethod
    def open(
        cls,
        reader: RestReader,
        folder: Path,
        landing: Landing,
        stream_id: str,
        *,
        secrets: Secrets,
        now: datetime,
        pace: Pace,
    ) -> Client:
        """Prepare a session. Raises :class:`ConfigError` for a missing secret or CA file."""
        client = cls(reader, landing, stream_id, now, pace)
        session = client._session
        session.trust_env = False  # a .netrc or a proxy variable must not redirect a token
        session.headers.update({"Accept": "application/json", "User-Agent": "hefu"})
        session.headers.update(reader.headers)
        if reader.proxy:
            session.proxies = {"http": reader.proxy, "https": reader.proxy}
        if reader.ca_file:
            session.verify = str(_existing(folder / reader.ca_file))
        _authenticate(session, reader, secrets)
        return client

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def get(self, url: str, parameters: Mapping[str, str], page: int) -> Answer:
        """Fetch and land one page.

        Raises :class:`RefusedError` (a wrong token, a redirect elsewhere, too large …) or
        :class:`RetryableError` when the retries are used up.
        """
        retry = Retry(
            total=self.reader.retries,
            backoff_factor=self.reader.backoff_seconds,
            backoff_max=self.reader.backoff_max_seconds,
            backoff_jitter=self.reader.backoff_seconds,
        )
        while True:
            try:
                return self._attempt(url, parameters, page)
            except _AgainError as again:
                try:
                    retry = retry.increment("GET", public(url), error=ProtocolError("again"))
                except MaxRetryError:
                    raise again.final from again.__cause__
                self.pace.sleep(self._wait(retry, again.response))

    def _wait(self, retry: Retry, response: requests.Response | None) -> float:
        asked: float | None = None
        header = response.headers.get("Retry-After") if response is not None else None
        if header:
            try:
                asked = retry.parse_retry_after(header)
            except InvalidHeader:
                asked = None
        wait = retry.get_backoff_time() if asked is None else asked
        return min(wait, self.reader.backoff_max_seconds)

    def _attempt(self, url: str, parameters: Mapping[str, str], page: int) -> Answer:
        query: Mapping[str, str] | None = parameters or None
        for _ in range(_MAX_REDIRECTS + 1):
            self._keep_pace()
            with self._send(url, query) as response:
                if response.status_code not in _REDIRECTS:
                    return self._receive(response, page)
                url, query = self._redirected(response), None
        raise RefusedError(
            Text(en="the server redirects in a circle", zh="服务器循环重定向"),
            where=Where(public(url)),
        )

    def _keep_pace(self) -> None:
        now = self.pace.monotonic()
        if self.reader.requests_per_second and self._last_request is not None:
            wait = self._last_request + 1 / self.reader.requests_per_second - now
            if wait > 0:
                self.pace.sleep(wait)
                now += wait
        self._last_request = now

    def _send(self, url: str, query: Mapping[str, str] | None) -> requests.Response:
        try:
            return self._session.get(
                url,
                params=query,
                stream=True,
                allow_redirects=False,
                timeout=(self.reader.timeout_seconds, self.reader.timeout_seconds),
            )
        except requests.exceptions.SSLError as error:
            raise RefusedError(
                Text(en="the server's certificate is not trusted", zh="服务器证书不受信任"),
                where=Where(public(url)),
                hint=Text(
                    en="name the authority's certificates with ca_file, or check the host",
                    zh="请用 ca_file 指定签发机构证书，或核对主机",
                ),
            ) from error
        except (requests.exceptions.ConnectionError, requests.exceptions.Timeout) as error:
            raise _AgainError(_out_of_reach(url, error)) from error
        except (requests.exceptions.InvalidHeader, requests.exceptions.InvalidURL, ValueError) as e:
            # Neither the header's value nor the address may be shown: either can hold the token.
            raise ConfigError(
                Text(
                    en=f"this request can't be sent ({type(e).__name__})",
                    zh=f"无法发送此请求（{type(e).__name__}）",
                ),
                where=Where(public(url)),
                hint=Text(
                    en="check base_url, headers and the token for line breaks or odd characters",
                    zh="请检查 base_url、headers 和令牌中是否有换行或异常字符",
                ),
            ) from None

    def _redirected(self, response: requests.Response) -> str:
        target = urljoin(response.url, response.headers.get("Location", ""))
        if same_origin(target, response.url):
            return target
        raise elsewhere(response.url, target)

    def _receive(self, response: requests.Response, page: int) -> Answer:
        status, url = response.status_code, response.url
        if status in _RETRIED or status >= 500:
            raise _AgainError(_busy(url, status), response)
        if status == 204:
            return Answer(None, url, None)
        if status != 200:
            raise _refused(url, status)
        landed = self.landing.store(
            self.stream_id, self._body(response), public(url), self.now, page
        )
        link = response.links.get("next", {}).get("url")
        return Answer(landed, url, urljoin(url, link) if link else None)

    def _body(self, response: requests.Response) -> Iterator[bytes]:
        started, size = self.pace.monotonic(), 0
        try:
            for chunk in response.iter_content(_CHUNK):
                size += len(chunk)
                if size > self.reader.max_page_bytes:
                    raise _too_large(response.url, self.reader.max_page_bytes)
                if self.pace.monotonic() - started > self.reader.page_seconds:
                    raise _AgainError(_too_slow(response.url, self.reader.page_seconds))
                yield chunk
        except requests.exceptions.ContentDecodingError as error:
            raise RefusedError(
                Text(en="the answer's compression is broken", zh="应答的压缩数据已损坏"),
                where=Where(public(response.url)),
            ) from error
        except (requests.exceptions.RequestException, HTTPError) as error:
            raise _AgainError(_broken_off(response.url)) from error


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise ConfigError(
            Text(en="ca_file is not there", zh="找不到 ca_file 指定的文件"), where=Where(str(path))
        )
    return path


def _authenticate(session: requests.Session, reader: RestReader, secrets: Secrets) -> None:
    auth = reader.auth
    if isinstance(auth, BearerAuth):
        session.headers["Authorization"] = f"Bearer {secrets(auth.token)}"
    elif isinstance(auth, BasicAuth):
        username, password = auth.username.encode(), secrets(auth.password).encode()
        session.auth = requests.auth.HTTPBasicAuth(username, password)
    elif isinstance(auth, HeaderAuth):
        session.headers[auth.name] = secrets(auth.value)


def elsewhere(url: str, target: str) -> RefusedError:
    """A redirect or a next page on another host: following it would hand over the token."""
    host = urlsplit(target).netloc.rpartition("@")[2] or "?"
    return RefusedError(
        Text(en=f"the server points to another host, {host}", zh=f"服务器指向另一主机 {host}"),
        where=Where(public(url)),
        hint=Text(
            en="if that host is right, make it the base_url; it would be given the token",
            zh="如该主机无误，请改写 base_url；跟随跳转会把令牌交给对方",
        ),
    )


def _out_of_reach(url: str, error: Exception) -> RetryableError:
    slow = isinstance(error, requests.exceptions.Timeout)
    return RetryableError(
        Text(
            en="the server does not answer in time" if slow else "the server can't be reached",
            zh="服务器未在时限内应答" if slow else "无法连接服务器",
        ),
        where=Where(public(url)),
        hint=Text(
            en="check host, port and firewall; it is tried again in the next run",
            zh="请检查主机、端口和防火墙；下次运行会重试",
        ),
    )


def _busy(url: str, status: int) -> RetryableError:
    return RetryableError(
        Text(
            en=f"the server still answers {status} after all retries",
            zh=f"多次重试后服务器仍返回 {status}",
        ),
        where=Where(public(url)),
        hint=Text(
            en="lower requests_per_second, or ask the system's operator",
            zh="请调低 requests_per_second，或联系该系统运维人员",
        )
        if status == 429
        else Text(
            en="ask the system's operator if it persists", zh="如持续出现，请联系该系统运维人员"
        ),
    )


_REFUSALS = {
    401: Text(en="the token is wrong or has run out", zh="令牌错误或已过期"),
    403: Text(en="the token has no right to this list", zh="该令牌无权访问此列表"),
    404: Text(en="check base_url and path", zh="请检查 base_url 和 path"),
    400: Text(en="check the names and formats of the parameters", zh="请检查参数名称和格式"),
}


def _refused(url: str, status: int) -> HttpRefusedError:
    error = HttpRefusedError(
        Text(en=f"the server answers {status}", zh=f"服务器返回 {status}"),
        where=Where(public(url)),
        hint=_REFUSALS.get(
            status,
            Text(
                en="ask the system's operator what this status means",
                zh="请向该系统运维人员确认此状态码含义",
            ),
        ),
    )
    error.status = status
    return error


def _too_large(url: str, limit: int) -> HefuError:
    return RefusedError(
        Text(en=f"a page is larger than {limit} bytes", zh=f"单页超过 {limit} 字节"),
        where=Where(public(url)),
        hint=Text(
            en="ask for fewer rows a page, or raise max_page_bytes",
            zh="请减少每页行数，或调大 max_page_bytes",
        ),
    )


def _too_slow(url: str, seconds: float) -> RetryableError:
    return RetryableError(
        Text(
            en=f"a page took longer than {seconds:g} seconds",
            zh=f"单页传输超过 {seconds:g} 秒",
        ),
        where=Where(public(url)),
        hint=Text(
            en="ask for fewer rows a page, or raise page_seconds",
            zh="请减少每页行数，或调大 page_seconds",
        ),
    )


def _broken_off(url: str) -> RetryableError:
    return RetryableError(
        Text(en="the answer broke off before its end", zh="应答未传完即中断"),
        where=Where(public(url)),
        hint=Text(
            en="nothing of it was taken; it is tried again in the next run",
            zh="不完整的内容未被采用；下次运行会重试",
        ),
    )
