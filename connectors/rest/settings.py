"""``[reader]`` with ``kind = "rest"``: a list behind HTTP, page by page."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from connectors.reader_base import MIB, Rows
from connectors.rest.auth_settings import Auth, NoAuth
from connectors.rest.page_settings import NoPages, Pages
from schemas.toml import StrictModel

Value = str | int | bool


class Success(StrictModel):
    """For sources that answer 200 with an error inside: ``code`` must be one of ``values``."""

    path: str
    values: tuple[Value, ...] = Field(min_length=1)


class Count(StrictModel):
    """Where the source says how many records it has in all."""

    path: str
    parameters: dict[str, Value] = Field(default_factory=dict)
    field: str
    """Path to the number in the answer."""


class RestReader(Rows):
    """A list behind ``GET`` or a ``POST`` that only asks."""

    kind: Literal["rest"]
    base_url: str
    """``https://host[:port][/prefix]`` or ``env:NAME``."""
    path: str = ""
    method: Literal["GET", "POST"] = "GET"
    format: Literal["json", "xml"] = "json"
    """What the answers are. XML: ``total`` and other paths into an answer are written as
    ``records`` is (``answer/head/total``), ``key`` as the columns are (``party/name``)."""
    body: Literal["json", "form"] = "json"
    """``POST``: how the parameters stand in the body. A name with dots is nested in JSON."""
    headers: dict[str, str] = Field(default_factory=dict)
    parameters: dict[str, Value] = Field(default_factory=dict)
    auth: Auth = Field(default_factory=NoAuth)
    pagination: Pages = Field(default_factory=NoPages)
    success: Success | None = None
    count: Count | None = None
    max_pages: int = Field(default=10_000, ge=1)
    max_page_bytes: int = Field(default=64 * MIB, ge=1024)
    requests_per_second: float | None = Field(default=None, gt=0)
    timeout_seconds: float = Field(default=30, gt=0)
    """Longest silence of the server, on connecting and while it answers."""
    page_seconds: float = Field(default=300, gt=0)
    """Longest time for one page in all, however steadily it drips."""
    retries: int = Field(default=5, ge=0, le=20)
    backoff_seconds: float = Field(default=1.0, ge=0)
    backoff_max_seconds: float = Field(default=60, ge=0)
    """Upper bound of one wait, also of one that the server asks for with ``Retry-After``."""
    resume_minutes: float = Field(default=60, ge=0)
    """A pull that broke off goes on where it was if its last page is no older than this."""
    ca_file: str | None = None
    """Certificates of a private authority (PEM), relative to the source's folder."""
    client_certificate: str | None = None
    """The node's own certificate (PEM), for servers that ask for one (mutual TLS)."""
    client_key: str | None = None
    """Its private key (PEM, not locked); unset: it stands in the certificate's file."""
    proxy: str | None = None
    """``http://host:port``, or ``env:NAME`` if it holds a user and password."""

    @field_validator("base_url")
    @classmethod
    def _is_address(cls, value: str) -> str:
        if value.startswith("env:"):
            return value
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("an address starts with https:// or http:// and names a host")
        if parts.username or parts.password:
            raise ValueError("no user or password in the address; use [reader.auth]")
        if parts.query or parts.fragment:
            raise ValueError("no query in base_url; use [reader.parameters]")
        return value

    @field_validator("proxy")
    @classmethod
    def _is_proxy(cls, value: str | None) -> str | None:
        if value is None or value.startswith(("env:", "file:", "block:")):
            return value
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("a proxy is http://host:port")
        if parts.username or parts.password:
            raise ValueError("no user or password in plain text; name the proxy as env:NAME")
        return value

    @field_validator("headers")
    @classmethod
    def _no_secrets_in_headers(cls, value: dict[str, str]) -> dict[str, str]:
        for name in value:
            if name.lower() in ("authorization", "cookie", "proxy-authorization"):
                raise ValueError(f"{name} would be a secret in plain text; use [reader.auth]")
        return value

    @model_validator(mode="after")
    def _key_has_a_certificate(self) -> RestReader:
        if self.client_key and not self.client_certificate:
            raise ValueError("client_key needs client_certificate")
        return self
