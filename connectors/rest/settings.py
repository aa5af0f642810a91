"""``[reader]`` with ``kind = "rest"``: a list behind ``GET``."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from connectors.reader_base import MIB, Rows, secret_reference
from schemas.toml import StrictModel


class NoAuth(StrictModel):
    kind: Literal["none"] = "none"


class BearerAuth(StrictModel):
    kind: Literal["bearer"]
    token: Annotated[str, Field(description="env:NAME, file:PATH or block:NAME")]
    _check = field_validator("token")(secret_reference)


class BasicAuth(StrictModel):
    kind: Literal["basic"]
    username: str
    password: str
    _check = field_validator("password")(secret_reference)


class HeaderAuth(StrictModel):
    """A key in a header of the source's own, such as ``X-Api-Key``."""

    kind: Literal["header"]
    name: str = Field(pattern=r"^[A-Za-z0-9-]+$")
    value: str
    _check = field_validator("value")(secret_reference)


class NoPages(StrictModel):
    kind: Literal["none"] = "none"


class _Counted(StrictModel):
    size: int = Field(default=500, ge=1)
    size_parameter: str | None = None
    total: str | None = None
    """Path to the number of all records in the answer, if it tells."""


class NumberedPages(_Counted):
    kind: Literal["page"]
    page_parameter: str = "page"
    first_page: int = Field(default=1, ge=0)
    total_pages: str | None = None
    """Path to the number of pages in the answer, if it tells."""


class OffsetPages(_Counted):
    kind: Literal["offset"]
    offset_parameter: str = "offset"


class TokenPages(StrictModel):
    kind: Literal["cursor"]
    parameter: str = "cursor"
    token: str
    """Path to the next page's token in the answer; absent, null, false or empty: last page."""
    size: int | None = Field(default=None, ge=1)
    size_parameter: str | None = None


class LinkPages(StrictModel):
    """``Link: <…>; rel="next"`` (RFC 8288)."""

    kind: Literal["link"]


class NextUrlPages(StrictModel):
    kind: Literal["next_url"]
    url: str
    """Path to the next page's address in the answer; absent, null or empty: last page."""


Pages = Annotated[
    NoPages | NumberedPages | OffsetPages | TokenPages | LinkPages | NextUrlPages,
    Field(discriminator="kind"),
]
Auth = Annotated[NoAuth | BearerAuth | BasicAuth | HeaderAuth, Field(discriminator="kind")]


class Success(StrictModel):
    """For sources that answer 200 with an error inside: ``code`` must be one of ``values``."""

    path: str
    values: tuple[int | str | bool, ...] = Field(min_length=1)


class RestReader(Rows):
    """A list behind ``GET``, page by page."""

    kind: Literal["rest"]
    base_url: str
    """``https://host[:port][/prefix]`` or ``env:NAME``."""
    path: str = ""
    headers: dict[str, str] = Field(default_factory=dict)
    parameters: dict[str, str | int | bool] = Field(default_factory=dict)
    auth: Auth = Field(default_factory=NoAuth)
    pagination: Pages = Field(default_factory=NoPages)
    success: Success | None = None
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
    ca_file: str | None = None
    """Certificates of a private authority (PEM), relative to the source's folder."""
    proxy: str | None = None

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

    @field_validator("headers")
    @classmethod
    def _no_secrets_in_headers(cls, value: dict[str, str]) -> dict[str, str]:
        for name in value:
            if name.lower() in ("authorization", "cookie", "proxy-authorization"):
                raise ValueError(f"{name} would be a secret in plain text; use [reader.auth]")
        return value
