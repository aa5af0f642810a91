"""Where a repository lies and how to log in there: what partner.toml and hefu.toml say of it.

A location is one of

    a folder                          as a disk, a share or the web server's root
    https://host/path                 read only
    s3://bucket/prefix                any S3-compatible store
    sftp://user@host[:port]/path      the server's key must be pinned

Secrets are named, never written: ``env:NAME``, ``file:PATH``, ``block:NAME``.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


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
    """HTTPS: PEM file of the authority that the server's certificate is of."""
