"""Whom a session trusts, and by which certificate the node shows itself."""

from __future__ import annotations

import ssl
from pathlib import Path

import requests

from connectors.delivery import Secrets
from connectors.rest.named import named_or_plain
from connectors.rest.settings import RestReader
from schemas.errors import ConfigError, Where
from schemas.text import Text


def secure(session: requests.Session, reader: RestReader, folder: Path, secrets: Secrets) -> None:
    """Set authority, client certificate and proxy of ``session``.

    Raises :class:`ConfigError` for a file that is missing or can't be used: found here, it can
    be named; in the middle of a handshake it could not.
    """
    session.trust_env = False  # a .netrc or a proxy variable must not redirect a token
    if reader.proxy:
        proxy = named_or_plain(reader.proxy, secrets)
        session.proxies = {"http": proxy, "https": proxy}
    if reader.ca_file:
        session.verify = str(_authority(folder / reader.ca_file))
    if reader.client_certificate:
        certificate = _existing(folder / reader.client_certificate, "client_certificate")
        key = _existing(folder / reader.client_key, "client_key") if reader.client_key else None
        _fits(certificate, key)
        session.cert = (str(certificate), str(key)) if key else str(certificate)


def _existing(path: Path, name: str) -> Path:
    if not path.is_file():
        raise ConfigError(
            Text(en=f"{name} is not there", zh=f"找不到 {name} 指定的文件"), where=Where(str(path))
        )
    return path


def _authority(path: Path) -> Path:
    _existing(path, "ca_file")
    try:
        ssl.create_default_context(cafile=str(path))
    except (ssl.SSLError, ValueError) as error:
        raise ConfigError(
            Text(en="ca_file holds no certificates", zh="ca_file 中没有证书"),
            where=Where(str(path)),
            hint=Text(en="it must be PEM text", zh="须为 PEM 文本格式"),
        ) from error
    return path


def _no_password() -> str:
    raise ssl.SSLError("locked")


def _fits(certificate: Path, key: Path | None) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except (ssl.SSLError, OSError) as error:
        raise ConfigError(
            Text(
                en="client certificate and key can't be used together",
                zh="客户端证书与私钥无法配对使用",
            ),
            where=Where(str(key or certificate)),
            hint=Text(
                en="both must be PEM, belong together, and the key must not have a password",
                zh="两者须为 PEM 格式且成对，私钥不得加密码",
            ),
        ) from error
