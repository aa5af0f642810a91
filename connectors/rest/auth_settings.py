"""``[reader.auth]``: how a request shows who asks."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from connectors.reader_base import secret_reference
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


PLACEHOLDERS = (
    "method",
    "path",
    "query",
    "plain_query",
    "joined_query",
    "timestamp",
    "nonce",
    "app_key",
    "body_sha256",
    "body_md5",
    "secret",
)
_PLACEHOLDER = re.compile(r"\{(\w*)\}")


class HmacAuth(StrictModel):
    """A request signed with a secret that both sides know and that is never sent."""

    kind: Literal["hmac"]
    app_key: str = Field(min_length=1)
    secret: str
    algorithm: Literal["hmac-sha256", "hmac-sha1", "hmac-sm3", "md5"] = "hmac-sha256"
    """``md5`` is what old gateways do: the MD5 of a text that holds the secret."""
    string_to_sign: str = "{method}\n{path}\n{query}\n{timestamp}\n{nonce}\n{body_sha256}"
    encoding: Literal["hex", "HEX", "base64"] = "hex"
    timestamp_format: str = "epoch_ms"
    """``epoch_s`` | ``epoch_ms`` | ``iso`` | a strftime pattern, in the source's time zone."""
    placement: Literal["header", "query"] = "header"
    app_key_name: str = "X-App-Key"
    timestamp_name: str = "X-Timestamp"
    nonce_name: str = "X-Nonce"
    """Empty: none is sent."""
    signature_name: str = "X-Signature"
    signature_prefix: str = ""
    _check = field_validator("secret")(secret_reference)

    @field_validator("timestamp_format")
    @classmethod
    def _known_format(cls, value: str) -> str:
        if value not in ("epoch_s", "epoch_ms", "iso") and "%" not in value:
            raise ValueError(
                "timestamp_format is epoch_s, epoch_ms, iso or a pattern like %Y%m%d%H%M%S"
            )
        return value

    @field_validator("app_key_name", "timestamp_name", "nonce_name", "signature_name")
    @classmethod
    def _is_name(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9_.-]*", value):
            raise ValueError("a name of a header or parameter has letters, digits, - _ . only")
        return value

    @model_validator(mode="after")
    def _can_be_signed(self) -> HmacAuth:
        used = set(_PLACEHOLDER.findall(self.string_to_sign))
        if unknown := sorted(used - set(PLACEHOLDERS)):
            known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
            raise ValueError(f"string_to_sign knows no {{{unknown[0]}}}; known: {known}")
        if (self.algorithm == "md5") != ("secret" in used):
            raise ValueError(
                "{secret} stands in string_to_sign with algorithm = 'md5', and only then: "
                "an HMAC takes it as its key"
            )
        if not self.signature_name:
            raise ValueError("signature_name can't be empty")
        if "nonce" in used and not self.nonce_name:
            raise ValueError("a nonce that is signed must be sent: name it with nonce_name")
        return self


class OAuthAuth(StrictModel):
    """OAuth 2.0 client credentials (RFC 6749 section 4.4)."""

    kind: Literal["oauth"]
    token_url: str
    client_id: str = Field(min_length=1)
    client_secret: str
    scope: str | None = None
    client_authentication: Literal["basic", "body"] = "basic"
    """Where id and secret stand: in the ``Authorization`` header or in the form."""
    token_parameters: dict[str, str] = Field(default_factory=dict)
    """More fields of the form, such as ``audience``."""
    _check = field_validator("client_secret")(secret_reference)

    @field_validator("token_url")
    @classmethod
    def _is_address(cls, value: str) -> str:
        if not re.match(r"^(https?://[^/@?#]+(/[^?#]*)?|env:\S+)$", value):
            raise ValueError("token_url is https://host/path or env:NAME, without user and query")
        return value


Auth = Annotated[
    NoAuth | BearerAuth | BasicAuth | HeaderAuth | HmacAuth | OAuthAuth,
    Field(discriminator="kind"),
]
