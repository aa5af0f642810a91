"""What access says, as the settings that the connectors of files know."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from pydantic import ValidationError

from connectors.files.place_settings import S3Place, SftpPlace
from exchange.repository.settings import Access, shown
from schemas.errors import ConfigError, Where
from schemas.text import Text
from schemas.toml import StrictModel

T = TypeVar("T", bound=StrictModel)


def s3_place(at: str, access: Access) -> tuple[S3Place, str]:
    """The bucket of ``s3://bucket/prefix``, and the prefix."""
    parts = urlsplit(at)
    if (access.endpoint or "").startswith("http://") and not access.allow_http:
        raise ConfigError(
            Text(
                en="the endpoint is without TLS: anybody on the way can read along",
                zh="endpoint 未使用 TLS，传输内容可能被窃听",
            ),
            where=Where(shown(at), field="access.endpoint"),
            hint=Text(
                en="use https://, or set allow_http = true inside a closed network",
                zh="请改用 https://；仅在封闭网络内可设 allow_http = true",
            ),
        )
    facts = access.model_dump(
        include={"endpoint", "region", "access_key", "secret_key", "ca_file"}, exclude_none=True
    )
    return _made(S3Place, at, kind="s3", bucket=parts.netloc, **facts), parts.path.strip("/")


def sftp_place(at: str, access: Access) -> tuple[SftpPlace, str]:
    """The server of ``sftp://user@host[:port]/path``, and the path, absolute."""
    parts = urlsplit(at)
    try:
        port = parts.port or 22
    except ValueError:
        port = 0
    facts = access.model_dump(
        include={"password", "private_key", "passphrase", "host_key"}, exclude_none=True
    )
    place = _made(
        SftpPlace,
        at,
        kind="sftp",
        host=parts.hostname,
        port=port,
        user=unquote(parts.username or "") or None,
        **facts,
    )
    return place, str(PurePosixPath("/", unquote(parts.path)))


def _made(model: type[T], at: str, **facts: Any) -> T:
    try:
        return model.model_validate({k: v for k, v in facts.items() if v not in (None, "")})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        why = first["msg"].removeprefix("Value error, ")
        raise ConfigError(
            Text(
                en=f"this place cannot be used: {name + ': ' if name else ''}{why}",
                zh=f"此位置无法使用：{name + '：' if name else ''}{why}",
            ),
            where=Where(shown(at), field=f"access.{name}" if name in Access.model_fields else None),
            hint=Text(
                en="an address is s3://bucket/prefix or sftp://user@host[:port]/path",
                zh="地址写作 s3://存储桶/前缀 或 sftp://用户@主机[:端口]/路径",
            ),
        ) from None
