"""Carriers that need a login, and the choice of a carrier by where a repository lies."""

from __future__ import annotations

from pathlib import Path

from exchange.repository.carrier import Carrier, WritingCarrier
from exchange.repository.folder import FolderCarrier
from exchange.repository.settings import Access, check_access, shown
from exchange.repository.web import WebCarrier
from hefu.node import Node
from schemas.errors import ConfigError, Where
from schemas.text import Text


def open_carrier(node: Node, at: str, access: Access) -> Carrier:
    """What reads the repository at ``at``; a relative folder is below the node.

    Nothing is connected to before the first read. Raises ``ConfigError`` for an address or a
    key of ``access`` that is not of its kind, and for a secret that is not there.
    """
    if check_access(at, access) == "web":
        return _web(node, at, access)
    return open_writing_carrier(node, at, access)


def open_writing_carrier(node: Node, at: str, access: Access) -> WritingCarrier:
    """As :func:`open_carrier`, for a place that can be written: any but a web server."""
    kind = check_access(at, access)
    if kind == "web":
        raise ConfigError(
            Text(en="a web server can only be read", zh="网站只能读取，不能写入"),
            where=Where(shown(at)),
            hint=Text(
                en="publish to the folder that it serves, to a bucket or by sftp",
                zh="请发布到该网站所用的目录、存储桶，或使用 sftp",
            ),
        )
    if kind == "folder":
        return FolderCarrier(node.root / at)
    if kind == "s3":
        from flows.carriers.s3 import S3Carrier

        return S3Carrier(at, access, node.root, node.secrets)
    from flows.carriers.sftp import SftpCarrier

    return SftpCarrier(at, access, node.secrets)


def _web(node: Node, at: str, access: Access) -> WebCarrier:
    token = node.secrets(access.token) if access.token else None
    if token and not at.lower().startswith("https://"):
        raise ConfigError(
            Text(en="a token is sent to https:// addresses only", zh="令牌只发送到 https:// 地址"),
            where=Where(shown(at), field="access.token"),
        )
    if not access.ca_file:
        return WebCarrier(at, token)
    return WebCarrier(at, token, str(ca_file(node.root, access.ca_file)))


def ca_file(root: Path, name: str) -> Path:
    """Absolute. Raises ``ConfigError`` if there is no such file."""
    path = root / name
    if not path.is_file():
        raise ConfigError(
            Text(en="ca_file is not there", zh="找不到 ca_file 指定的文件"),
            where=Where(str(path), field="access.ca_file"),
            hint=Text(en="its path is relative to the node", zh="路径相对于节点目录"),
        )
    return path
