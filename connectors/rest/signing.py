"""Signed requests: a declared text about the request, and its keyed digest.

Gateways differ in what they sign and how they write it, so the text is a template. The secret
is the key of an HMAC (RFC 2104); only ``md5``, which old gateways want, takes it into the text.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit
from zoneinfo import ZoneInfo

import requests

from connectors.rest.auth_settings import HmacAuth

_DIGESTS = {"hmac-sha256": "sha256", "hmac-sha1": "sha1", "hmac-sm3": "sm3"}
_FORM = "application/x-www-form-urlencoded"

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Signable:
    """What of a request can be signed. ``parameters``: of the query and of a form body."""

    method: str
    path: str
    parameters: Pairs
    body: bytes
    timestamp: str
    nonce: str
    app_key: str


def canonical_string(template: str, request: Signable, secret: str = "") -> str:
    """The text that is signed; parameters are sorted by name, then value.

    ``{query}`` is ``name=value`` joined by ``&``, percent-encoded as RFC 3986 has it;
    ``{plain_query}`` the same without encoding; ``{joined_query}`` ``namevalue`` with nothing
    between.
    """
    pairs = sorted(request.parameters)
    values = {
        "method": request.method,
        "path": request.path,
        "query": "&".join(f"{quote(n, safe='')}={quote(v, safe='')}" for n, v in pairs),
        "plain_query": "&".join(f"{n}={v}" for n, v in pairs),
        "joined_query": "".join(f"{n}{v}" for n, v in pairs),
        "timestamp": request.timestamp,
        "nonce": request.nonce,
        "app_key": request.app_key,
        "body_sha256": hashlib.sha256(request.body).hexdigest(),
        "body_md5": hashlib.md5(request.body, usedforsecurity=False).hexdigest(),
        "secret": secret,
    }
    return _filled(template, values)


def _filled(template: str, values: dict[str, str]) -> str:
    """One pass from left to right: a value that looks like a placeholder stays as it is."""
    out, rest = [], template
    while rest:
        before, brace, after = rest.partition("{")
        out.append(before)
        name, closing, tail = after.partition("}")
        if closing and name in values:
            out.append(values[name])
            rest = tail
        else:
            out.append(brace)
            rest = after
    return "".join(out)


def signature(text: str, settings: HmacAuth, secret: str) -> str:
    """The digest of ``text`` (UTF-8) as ``settings`` writes it."""
    if settings.algorithm == "md5":
        digest = hashlib.md5(text.encode(), usedforsecurity=False).digest()
    else:
        digest = hmac.new(secret.encode(), text.encode(), _DIGESTS[settings.algorithm]).digest()
    if settings.encoding == "base64":
        return base64.b64encode(digest).decode()
    return digest.hex().upper() if settings.encoding == "HEX" else digest.hex()


def written_time(moment: datetime, form: str, zone: ZoneInfo) -> str:
    """A time as a signature's ``timestamp_format`` wants it."""
    if form == "epoch_s":
        return str(int(moment.timestamp()))
    if form == "epoch_ms":
        return str(int(moment.timestamp() * 1000))
    if form == "iso":
        return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return moment.astimezone(zone).strftime(form)


@dataclass(frozen=True)
class SignedAuth(requests.auth.AuthBase):
    """Signs each request anew, retries included: a gateway takes a nonce once."""

    settings: HmacAuth
    app_key: str
    secret: str
    zone: ZoneInfo
    clock: Callable[[], datetime]
    nonce: Callable[[], str]

    def __repr__(self) -> str:
        return "SignedAuth"  # never the secret

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        settings = self.settings
        timestamp = written_time(self.clock(), settings.timestamp_format, self.zone)
        nonce = self.nonce() if settings.nonce_name else ""
        named = ((settings.app_key_name, self.app_key), (settings.timestamp_name, timestamp))
        shown = [(n, v) for n, v in (*named, (settings.nonce_name, nonce)) if n]
        parts = urlsplit(request.url or "")
        query = parse_qsl(parts.query, keep_blank_values=True)
        if settings.placement == "query":
            # A next page's address may repeat the query that we sent, the old signature in it.
            ours = {settings.signature_name, *(n for n, _ in shown)}
            query = [(n, v) for n, v in query if n not in ours] + shown
        body = request.body or b""
        body = body.encode() if isinstance(body, str) else body
        form = request.headers.get("Content-Type") == _FORM
        signable = Signable(
            request.method or "",
            parts.path or "/",
            [*query, *parse_qsl(body.decode(), True)] if form else query,
            body,
            timestamp,
            nonce,
            self.app_key,
        )
        text = canonical_string(settings.string_to_sign, signable, self.secret)
        signed = settings.signature_prefix + signature(text, settings, self.secret)
        if settings.placement == "query":
            query.append((settings.signature_name, signed))
            request.url = urlunsplit(parts._replace(query=urlencode(query, quote_via=quote)))
        else:
            request.headers.update([*shown, (settings.signature_name, signed)])
        return request
