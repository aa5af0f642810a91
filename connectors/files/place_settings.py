"""``[reader.place]``: where the files are that another system drops."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from connectors.reader_base import secret_reference
from schemas.toml import StrictModel

_FINGERPRINT = re.compile(r"^SHA256:[A-Za-z0-9+/]{43}=?$")
_SHORTEST_KEY = 51  # Ed25519: its name and 32 bytes, each with their length
_KEY_LINE = re.compile(r"^(?:\S+ +)?(?P<type>ssh-[a-z0-9-]+|ecdsa-[a-z0-9-]+) +(?P<key>\S+)")


class LocalPlace(StrictModel):
    """A folder of this machine, or one that is mounted on it."""

    kind: Literal["local"] = "local"


class RemotePlace(StrictModel):
    """What places beyond a network share."""

    timeout_seconds: float = Field(default=30, gt=0)
    """Longest silence of the server."""
    retries: int = Field(default=5, ge=0)
    """After a connection that can't be made or breaks off, and a file that changes."""
    backoff_seconds: float = Field(default=1, ge=0)
    """Waits grow from this, with jitter."""
    backoff_max_seconds: float = Field(default=60, ge=0)


class SftpPlace(RemotePlace):
    """A folder of an SFTP server. The server is known by its host key, never by its address."""

    kind: Literal["sftp"]
    host: str
    """A name or address, or ``env:NAME``."""
    port: int = Field(default=22, ge=1, le=65535)
    user: str
    """A name, or ``env:NAME``."""
    host_key: str
    """``ssh-ed25519 AAAA…`` as in a known_hosts line, or its fingerprint ``SHA256:…``."""
    password: str | None = None
    private_key: str | None = None
    """The key in OpenSSH or PEM form, named as ``file:PATH``, ``env:NAME`` or ``block:NAME``."""
    passphrase: str | None = None
    name_encoding: Literal["utf-8", "gb18030"] = "utf-8"
    """How the server writes the names of files."""

    @field_validator("password", "private_key", "passphrase")
    @classmethod
    def _names_a_secret(cls, value: str | None) -> str | None:
        return None if value is None else secret_reference(value)

    @field_validator("host_key")
    @classmethod
    def _reads_as_key(cls, value: str) -> str:
        pinned_key(value)
        return value

    @model_validator(mode="after")
    def _some_way_in(self) -> SftpPlace:
        if self.password is None and self.private_key is None:
            raise ValueError("sftp needs a password or a private_key")
        if self.passphrase is not None and self.private_key is None:
            raise ValueError("a passphrase is for a private_key")
        return self


class S3Place(RemotePlace):
    """A bucket of any S3-compatible store; ``reader.path`` is the prefix."""

    kind: Literal["s3"]
    bucket: str
    endpoint: str | None = None
    """``https://host[:port]`` or ``env:NAME``; unset: that of AWS."""
    region: str = "us-east-1"
    access_key: str | None = None
    secret_key: str | None = None
    """Both unset: a bucket that anybody may read."""
    virtual_hosted: bool = False
    """The bucket is part of the host's name; else of the path."""
    ca_file: str | None = None
    """Certificates of a private authority, relative to the source's folder."""

    @field_validator("access_key", "secret_key")
    @classmethod
    def _names_a_secret(cls, value: str | None) -> str | None:
        return None if value is None else secret_reference(value)

    @model_validator(mode="after")
    def _both_or_none(self) -> S3Place:
        if (self.access_key is None) != (self.secret_key is None):
            raise ValueError("access_key and secret_key come together")
        return self


Place = Annotated[LocalPlace | SftpPlace | S3Place, Field(discriminator="kind")]


def pinned_key(text: str) -> tuple[str | None, str]:
    """The key's type, if it is told, and its fingerprint ``SHA256:…`` without padding.

    Raises :class:`ValueError` for what is neither a key line nor a fingerprint.
    """
    text = text.strip()
    if _FINGERPRINT.match(text):
        return None, text.rstrip("=")
    found = _KEY_LINE.match(text)
    if not found:
        raise ValueError("write host_key as a known_hosts line or as its fingerprint SHA256:…")
    try:
        blob = base64.b64decode(found["key"], validate=True)
    except binascii.Error as error:
        raise ValueError("the key in host_key is cut off or mistyped") from error
    name = found["type"].encode()
    if not blob.startswith(len(name).to_bytes(4, "big") + name) or len(blob) < _SHORTEST_KEY:
        raise ValueError("the key in host_key is cut off or mistyped")
    return found["type"], fingerprint(blob)


def fingerprint(blob: bytes) -> str:
    """As ``ssh-keygen -l`` shows a public key."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
