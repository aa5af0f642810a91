"""OAuth 2.0 client credentials (RFC 6749 section 4.4): one ``POST`` for a token.

Written out here because the libraries for it write what is sent, the secret included, to their
logs, and would bring their own session beside ours.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote

import requests

from connectors.formats.jsontext import Number, loads
from connectors.rest.auth_settings import OAuthAuth
from connectors.rest.body import AgainError
from connectors.rest.errors import busy, cant_be_sent, public, unreachable
from schemas.errors import OutsideError, RefusedError, RetryableError, Where
from schemas.text import Text

_MAX_BYTES = 1 << 16
_SPARE_SECONDS = 60.0


@dataclass
class ClientCredentials(requests.auth.AuthBase):
    """Puts a token on each request; holds it in memory until shortly before it runs out."""

    settings: OAuthAuth
    token_url: str
    secret: str = field(repr=False)
    session: requests.Session = field(repr=False)
    """For the token alone: with the same trust, and none of the list's own headers."""
    timeout_seconds: float
    monotonic: Callable[[], float]
    _token: str | None = field(default=None, repr=False)
    _until: float | None = None

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token is None or (self._until is not None and self.monotonic() >= self._until):
            self._fetch()
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request

    def forget(self) -> None:
        """The server no longer takes the token: the next request fetches another one."""
        self._token = None

    def _fetch(self) -> None:
        asked_at = self.monotonic()
        answer = self._ask()
        token, life = answer.get("access_token"), answer.get("expires_in")
        kind = answer.get("token_type", "bearer")
        if not isinstance(token, str) or not token or not token.isprintable():
            raise self._useless("access_token")
        if not isinstance(kind, str) or kind.lower() != "bearer":
            raise self._useless("token_type = bearer")
        self._token, self._until = token, None
        # Zero is what servers say that mean "never"; if it is not, a 401 tells.
        if isinstance(life, str) and re.fullmatch(r"0*[1-9]\d{0,8}", life):
            seconds = int(life)
            self._until = asked_at + seconds - min(_SPARE_SECONDS, seconds / 10)

    def _ask(self) -> dict[str, object]:
        form = {"grant_type": "client_credentials"} | self.settings.token_parameters
        if self.settings.scope:
            form["scope"] = self.settings.scope
        basic = None
        if self.settings.client_authentication == "basic":
            # both parts are form-encoded first: RFC 6749 section 2.3.1
            basic = requests.auth.HTTPBasicAuth(
                quote(self.settings.client_id, safe=""), quote(self.secret, safe="")
            )
        else:
            form |= {"client_id": self.settings.client_id, "client_secret": self.secret}
        try:
            with self.session.post(
                self.token_url,
                data=form,
                auth=basic,
                timeout=(self.timeout_seconds, self.timeout_seconds),
                allow_redirects=False,
                stream=True,
            ) as response:
                return self._read(response)
        except (
            requests.exceptions.ConnectionError,
            requests.exceptions.Timeout,
            requests.exceptions.ChunkedEncodingError,
        ) as error:
            raise _again_or_refused(unreachable(self.token_url, error)) from None
        except (requests.exceptions.RequestException, ValueError) as error:
            raise cant_be_sent(self.token_url, error) from None

    def _read(self, response: requests.Response) -> dict[str, object]:
        status = response.status_code
        if status in (408, 425, 429) or status >= 500:
            raise AgainError(busy(self.token_url, status), response.headers.get("Retry-After"))
        content = b""
        for chunk in response.iter_content(_MAX_BYTES):
            content += chunk
            if len(content) > _MAX_BYTES:
                break
        try:
            answer = loads(content.decode("utf-8-sig"))
        except ValueError:
            answer = None
        answer = answer if isinstance(answer, dict) else {}
        if status == 200 and answer:
            return {k: str(v) if isinstance(v, Number) else v for k, v in answer.items()}
        raise self._refused(status, answer.get("error"))

    def _refused(self, status: int, code: object) -> RefusedError:
        # only the codes of RFC 6749 section 5.2: a description may quote what was sent
        named = code if isinstance(code, str) and re.fullmatch(r"[a-z_]{1,40}", code) else None
        shown = f"{status}, {named}" if named else str(status)
        return RefusedError(
            Text(
                en=f"the token server gives no token ({shown})",
                zh=f"令牌服务器未发放令牌（{shown}）",
            ),
            where=Where(public(self.token_url)),
            hint=Text(
                en="check token_url, client_id, client_secret, scope and client_authentication",
                zh="请检查 token_url、client_id、client_secret、scope 和 client_authentication",
            ),
        )

    def _useless(self, lacks: str) -> RefusedError:
        return RefusedError(
            Text(
                en=f"the token server's answer has no {lacks}",
                zh=f"令牌服务器的应答中没有 {lacks}",
            ),
            where=Where(public(self.token_url)),
            hint=Text(
                en="check token_url: this may be no OAuth 2.0 token endpoint",
                zh="请检查 token_url：该地址可能不是 OAuth 2.0 令牌接口",
            ),
        )


def _again_or_refused(error: OutsideError) -> Exception:
    return AgainError(error) if isinstance(error, RetryableError) else error
