"""Where a repository lies and how to log in there: what partner.toml and hefu.toml say of it.

A location is one of

    a folder                          as a disk, a share or the web server's root
    https://host/path                 read only; http:// too, but without a token
    s3://bucket/prefix                any S3-compatible store
    sftp://user@host[:port]/path      the server's key must be pinned

Secrets are named, never written: ``env:NAME``, ``file:PATH``, ``block:NAME``.
"""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

from schemas.errors import ConfigError, Where
from schemas.text import Text


class Access(BaseModel):
    """How to log in. Only the keys of the location's kind may be given."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    endpoint: str | None = None
    """S3: address of the store, if it is not Amazon's."""
    region: str | None = None
    access_key: str | None = None
    secret_key: str | None = None
    """S3: names of secrets."""
    allow_http: bool = False
    """S3: an endpoint without TLS, inside a machine or a closed network."""
    password: str | None = None
    private_key: str | None = None
    passphrase: str | None = None
    """SFTP: names of secrets."""
    host_key: str | None = None
    """SFTP: the server's public key, as ``ssh-keyscan`` prints it."""
    token: str | None = None
    """HTTPS: name of a secret that is sent as a bearer token."""
    ca_file: str | None = None
    """HTTPS and S3: PEM file of the authority that the server's certificate is of; a relative
    path is below the node."""


Kind = Literal["folder", "web", "s3", "sftp"]

_KEYS: dict[Kind, frozenset[str]] = {
    "folder": frozenset(),
    "web": frozenset({"token", "ca_file"}),
    "s3": frozenset({"endpoint", "region", "access_key", "secret_key", "allow_http", "ca_file"}),
    "sftp": frozenset({"password", "private_key", "passphrase", "host_key"}),
}
_SCHEMES: dict[str, Kind] = {"http": "web", "https": "web", "s3": "s3", "sftp": "sftp"}
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")


def kind_of(at: str) -> Kind:
    """What ``at`` is. Raises ``ConfigError`` for an address of a kind that Hefu can't read."""
    found = _SCHEME.match(at)
    if found is None:
        return "folder"
    kind = _SCHEMES.get(found[1].lower())
    if kind is None:
        raise ConfigError(
            Text(
                en=f"a repository cannot lie at an address of kind {found[1]!r}",
                zh=f"发布地址不支持 {found[1]!r} 类型",
            ),
            where=Where(shown(at)),
            hint=Text(
                en="use a folder, https://…, s3://bucket/prefix or sftp://user@host/path",
                zh="请使用目录、https://…、s3://存储桶/前缀 或 sftp://用户@主机/路径",
            ),
        )
    return kind


def check_access(at: str, access: Access) -> Kind:
    """The kind of ``at``. Raises ``ConfigError`` for a key of ``access`` that is not of its kind,
    and for a secret that stands in the address."""
    kind = kind_of(at)
    if kind != "folder" and urlsplit(at).password is not None:
        raise ConfigError(
            Text(en="an address must not hold a password", zh="地址中不得写入口令"),
            where=Where(shown(at)),
            hint=Text(
                en="name it under access as env:NAME, file:PATH or block:NAME",
                zh="请在 access 中写成 env:变量名、file:路径 或 block:名称",
            ),
        )
    foreign = sorted(access.model_fields_set - _KEYS[kind])
    if foreign:
        known = ", ".join(sorted(_KEYS[kind]))
        raise ConfigError(
            Text(
                en=f"access has {', '.join(foreign)}, which is not for a place of kind {kind}",
                zh=f"access 中的 {'、'.join(foreign)} 不适用于 {kind} 类型的位置",
            ),
            where=Where(shown(at), field=f"access.{foreign[0]}"),
            hint=Text(
                en=f"keys for it: {known}" if known else "a folder needs no access: remove it",
                zh=f"可用的键：{known}" if known else "目录不需要 access，请删除",
            ),
        )
    return kind


def shown(at: str) -> str:
    """``at`` without a password, for messages."""
    parts = urlsplit(at) if _SCHEME.match(at) else None
    if parts is None or parts.password is None:
        return at
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
