"""A repository on a web server: read with plain GET requests, one file at a time.

What breaks off goes on where it was. That what comes then is of the same file need not be
believed: every file but ``timestamp.json`` is named by its version or digest, and its reader
checks it against signed metadata.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from exchange.repository.carrier import parts_of
from schemas.errors import RefusedError, RetryableError, Where
from schemas.text import Text

if TYPE_CHECKING:
    import requests

_CHUNK_BYTES = 1 << 20
_ATTEMPTS = 4
_TIMEOUT_SECONDS = (10, 60)
_SLOWEST_BYTES_PER_SECOND = 1024
_PATIENCE_SECONDS = 60
_RETRY_STATUS = {408, 425, 429, 500, 502, 503, 504}


class _NoSuchFileError(Exception):
    """The server has no such file."""


class WebCarrier:
    """A :class:`exchange.repository.carrier.Carrier` over an ``http(s)://`` address.

    ``token`` is sent as a bearer token; ``ca_file`` is a PEM file of the authority that the
    server's certificate is of. Three more attempts after 1, 2, 4 seconds for what may heal by
    itself; a server that sends fewer than 1,024 bytes a second is given up after a minute.
    """

    def __init__(
        self,
        address: str,
        token: str | None = None,
        ca_file: str | None = None,
        *,
        pause: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ):
        self.label = address.rstrip("/")
        self._token = token
        self._verify: str | bool = ca_file or True
        self._pause = pause
        self._clock = clock

    def close(self) -> None:
        """Nothing is open between two calls."""

    def read(self, path: str) -> Iterator[bytes] | None:
        pieces = self._pieces(f"{self.label}/{'/'.join(parts_of(path, self.label))}")
        try:
            next(pieces)
        except _NoSuchFileError:
            return None
        return pieces

    def _pieces(self, url: str) -> Iterator[bytes]:
        """Nothing first, when the server has said that it has the file."""
        came = 0
        is_open = False
        for attempt in range(_ATTEMPTS):
            try:
                with _speaking(url), closing(self._asked(url, came)) as response:
                    if response.status_code == 404:
                        if is_open:
                            raise _refused(url, "HTTP 404")
                        raise _NoSuchFileError
                    _check_status(response.status_code, url)
                    if not is_open:
                        is_open = True
                        yield b""
                    for piece in self._rest(response, url, came):
                        came += len(piece)
                        yield piece
                    return
            except RetryableError:
                if attempt == _ATTEMPTS - 1:
                    raise
            self._pause(2.0**attempt)

    def _asked(self, url: str, start: int) -> requests.Response:
        import requests

        headers = {"Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
        return requests.get(
            url,
            stream=True,
            timeout=_TIMEOUT_SECONDS,
            allow_redirects=False,
            headers=headers,
            auth=self._authorise,
            verify=self._verify,
        )

    def _authorise(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Even without a token: what a ``.netrc`` holds is not meant for a partner's server."""
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request

    def _rest(self, response: requests.Response, url: str, start: int) -> Iterator[bytes]:
        """What the response has from ``start`` on, whether or not the server heeded the range."""
        ranged = response.status_code == 206
        if ranged and not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
            raise _refused(url, "Content-Range")
        skip = 0 if ranged else start
        began, received = self._clock(), 0
        while piece := response.raw.read1(_CHUNK_BYTES, decode_content=False):
            received += len(piece)
            patience = _PATIENCE_SECONDS + received / _SLOWEST_BYTES_PER_SECOND
            if self._clock() - began > patience:
                raise _unreachable(url, "too slow")
            if skip < len(piece):
                yield piece[skip:]
            skip = max(0, skip - len(piece))


@contextmanager
def _speaking(url: str) -> Iterator[None]:
    import requests
    from urllib3.exceptions import HTTPError

    try:
        yield
    except (requests.exceptions.InvalidURL, requests.exceptions.SSLError) as error:
        raise _refused(url, type(error).__name__) from error
    except (requests.RequestException, HTTPError, OSError, ValueError) as error:
        raise _unreachable(url, type(error).__name__) from error


def _unreachable(url: str, why: str) -> RetryableError:
    return RetryableError(
        Text(
            en=f"the partner's repository cannot be reached ({why})",
            zh=f"无法连接合作单位的发布地址（{why}）",
        ),
        where=Where(url),
        hint=Text(
            en="check the network and whether the partner's server runs",
            zh="请检查网络，并确认合作单位的服务器正在运行",
        ),
    )


def _check_status(status: int, url: str) -> None:
    if status in _RETRY_STATUS:
        raise RetryableError(
            Text(
                en=f"the partner's repository answers {status}",
                zh=f"合作单位的发布地址返回 {status}",
            ),
            where=Where(url),
        )
    if status not in (200, 206):
        raise _refused(url, f"HTTP {status}")


def _refused(url: str, why: str) -> RefusedError:
    return RefusedError(
        Text(
            en=f"the partner's repository refuses ({why})",
            zh=f"合作单位的发布地址拒绝访问（{why}）",
        ),
        where=Where(url),
        hint=Text(
            en="ask the partner for the right address and for access",
            zh="请向合作单位确认地址和访问权限",
        ),
    )
