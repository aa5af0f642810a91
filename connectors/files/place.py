"""A place where files are dropped: what a local folder, an SFTP server and a bucket share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from connectors.files.patterns import Pattern
from schemas.errors import RefusedError, RetryableError, Where
from schemas.text import Text

CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Seen:
    """A file as it looked at one moment.

    ``name`` is its path below the place. ``identity``: what else tells it from another file of
    the same size and time (inode and time of change, ETag), with values that JSON can hold.
    """

    name: str
    size: int
    mtime_ns: int
    identity: dict[str, Any] = field(default_factory=dict)

    @property
    def marks(self) -> dict[str, Any]:
        """By what it is known again without being read: an entry of the cursor, digest apart."""
        return {"size": self.size, "mtime_ns": self.mtime_ns, **self.identity}


@dataclass(frozen=True, slots=True)
class Reading:
    """An open file. ``chunks`` are all its bytes as ``seen`` says, or end with an error:
    :class:`ChangedError`, :class:`LostError`."""

    seen: Seen
    chunks: Iterator[bytes]


class Place(Protocol):
    """Where files are dropped. Errors are :class:`schemas.errors.OutsideError` and
    :class:`schemas.errors.ConfigError`; after a :class:`LostError` every call connects anew."""

    unsettled_seconds: float
    """A file read so shortly after its last change may change once more and look the same."""

    lists_folders: bool
    """Among what is listed as empty files may be folders, which can't be looked at."""

    def reached(self) -> tuple[Text, ...]:
        """Connect, and say which steps worked."""

    def list_files(self, pattern: Pattern) -> list[Seen]:
        """The files that ``pattern`` means, by name."""

    def look_at(self, name: str) -> Seen:
        """One file as it is now. Raises :class:`GoneError`."""

    def open(self, seen: Seen) -> AbstractContextManager[Reading]:
        """Open a file. Raises :class:`GoneError`, :class:`ChangedError`."""

    def close(self) -> None: ...


class LostError(RetryableError):
    """The connection failed or broke off; the next one may hold."""


class ChangedError(RetryableError):
    """The file is no longer what it was when it was opened."""


class GoneError(RetryableError):
    """The file was there a moment ago."""


def changing(name: str) -> ChangedError:
    return ChangedError(
        Text(en="the file changed while it was read", zh="读取过程中文件发生变化"),
        where=Where(name),
        hint=Text(
            en="it is probably still being written; it is tried again, or set quiet_seconds",
            zh="可能仍在写入；系统会重试，也可设置 quiet_seconds",
        ),
    )


def gone(name: str) -> GoneError:
    return GoneError(
        Text(en="the file can't be read: it is no longer there", zh="无法读取文件：文件已不在原处"),
        where=Where(name),
        hint=Text(
            en="the source may have moved it away; it is looked for again",
            zh="来源可能已将其移走；系统会重新查找",
        ),
    )


def unreadable(name: str, reason: str) -> RetryableError:
    return RetryableError(
        Text(en=f"the file can't be read: {reason}", zh=f"无法读取文件：{reason}"),
        where=Where(name),
    )


def no_permission(name: str) -> RefusedError:
    return RefusedError(
        Text(en="no permission to read this file", zh="没有读取此文件的权限"),
        where=Where(name),
        hint=Text(
            en="let the account that Hefu runs under read it",
            zh="请授予运行 Hefu 的账户读取权限",
        ),
    )


def no_permission_for_folder(name: str) -> RefusedError:
    return RefusedError(
        Text(en="no permission to list this folder", zh="没有列出此文件夹的权限"),
        where=Where(name),
        hint=Text(
            en="let the account that Hefu uses read and enter it",
            zh="请授予 Hefu 所用账户读取并进入该文件夹的权限",
        ),
    )


def no_folder(where: str) -> RefusedError:
    return RefusedError(
        Text(en="the source's folder is not there", zh="来源文件夹不存在"),
        where=Where(where),
        hint=Text(
            en="check path in source.toml, and that the share is mounted",
            zh="请检查 source.toml 中的 path，并确认共享目录已挂载",
        ),
    )


def leads_out(name: str) -> RefusedError:
    return _refused(
        name,
        Text(en="this link leads out of the source's folder", zh="此链接指向来源文件夹之外"),
        Text(en="put the file itself into the folder", zh="请把文件本身放入该文件夹"),
    )


def no_plain_file(name: str) -> RefusedError:
    return _refused(
        name,
        Text(en="this is no plain file", zh="这不是普通文件"),
        Text(en="remove it or narrow the pattern", zh="请移走它，或收窄 pattern"),
    )


def strange_name(name: str, encoding: str, hint: Text) -> RefusedError:
    return _refused(
        ascii(name),
        Text(
            en=f"this file's name is not {encoding.upper()}",
            zh=f"文件名不是 {encoding.upper()} 编码",
        ),
        hint,
    )


def _refused(name: str, message: Text, hint: Text) -> RefusedError:
    return RefusedError(message, where=Where(name), hint=hint)
