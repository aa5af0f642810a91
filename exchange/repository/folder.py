"""A repository in a folder: a disk, a share, the root of a web server.

The disk may be a partner's. So nothing but plain files below the folder is read: no link on the
way leads to a file of ours, no pipe is waited at for ever.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO

from exchange.files import sync_folder
from exchange.repository.carrier import parts_of
from exchange.repository.swapping import another_was_quicker
from schemas.errors import ConfigError, HefuError, RefusedError, RetryableError, Where
from schemas.text import Text

PARTIAL = ".partial-"
LOCK = ".lock"
_CHUNK_BYTES = 1 << 20
_NO_PLAIN_FILE = {errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.ENXIO}


class FolderCarrier:
    """A :class:`exchange.repository.carrier.WritingCarrier` over ``folder``."""

    def __init__(self, folder: Path):
        self._folder = folder
        self.label = str(folder)

    def close(self) -> None:
        """Nothing is open between two calls."""

    def read(self, path: str) -> Iterator[bytes] | None:
        pieces = self._pieces(path)
        try:
            next(pieces)
        except FileNotFoundError:
            return None
        return pieces

    def _pieces(self, path: str) -> Iterator[bytes]:
        """Nothing first, when the file is open: whether it is there is known at once."""
        where = self._folder / path
        with _speaking(where), _opened(self._there(), parts_of(path, self.label)) as descriptor:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise _no_plain_file(where)
            yield b""
            while piece := os.read(descriptor, _CHUNK_BYTES):
                yield piece

    def put(self, path: str, source: Path) -> None:
        target = self._folder.joinpath(*parts_of(path, self.label))
        with _speaking(target), source.open("rb") as file:
            self._make_folder(target.parent)
            with locked(self._folder):
                copy_atomically(file, target)

    def swap(self, path: str, data: bytes, expected: bytes | None) -> None:
        target = self._folder.joinpath(*parts_of(path, self.label))
        with _speaking(target):
            self._make_folder(target.parent)
            with locked(self._folder):
                if self._found(path, len(expected or b"")) != expected:
                    raise another_was_quicker(self.label)
                write_atomically(target, data)

    def _found(self, path: str, size: int) -> bytes | None:
        """What is there, of a file larger than ``size`` bytes no more than shows that it is."""
        pieces = self.read(path)
        if pieces is None:
            return None
        found = bytearray()
        for piece in pieces:
            found += piece
            if len(found) > size:
                break
        return bytes(found)

    def list_paths(self, folder: str) -> list[str]:
        top = self._there().joinpath(*parts_of(folder, self.label))
        found: list[str] = []
        with _speaking(top):
            for here, _, names in os.walk(top, onerror=_raise):
                for name in names:
                    path = Path(here, name)
                    if not name.startswith("."):
                        found.append(path.relative_to(self._folder).as_posix())
        return sorted(found)

    def _there(self) -> Path:
        if not self._folder.is_dir():
            raise RefusedError(
                Text(en="the repository's folder is not there", zh="找不到发布目录"),
                where=Where(str(self._folder)),
                hint=Text(
                    en="mount the disk or share, or correct the path in partner.toml or hefu.toml",
                    zh="请挂载磁盘或共享目录，或更正 partner.toml 或 hefu.toml 中的路径",
                ),
            )
        return self._folder

    def _make_folder(self, folder: Path) -> None:
        """Below the repository, never above it: a disk that is not mounted stays unwritten, and
        so does whatever a link on it leads to."""
        here = self._there()
        for part in folder.relative_to(here).parts:
            here /= part
            if here.is_symlink():
                raise _no_plain_file(here)
            here.mkdir(exist_ok=True)


def _raise(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


@contextmanager
def locked(folder: Path, name: str = LOCK) -> Iterator[None]:
    """One writer at a time. The kernel frees the lock when its holder dies, however.

    Where the folder is a disk that others had, the lock may be a link: it is not followed.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
    with os.fdopen(os.open(folder / name, flags, 0o644), "wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError as error:
            raise ConfigError(
                Text(
                    en="this file system has no locks, so two publishers could meet in it",
                    zh="此文件系统不支持文件锁，无法防止两个进程同时发布",
                ),
                where=Where(str(folder)),
                hint=Text(
                    en="publish into a folder of a local disk and copy from there",
                    zh="请发布到本地磁盘的目录，再由该处复制",
                ),
            ) from error
        yield


def write_atomically(target: Path, data: bytes) -> None:
    """``data`` at ``target``: there whole and on disk when this returns, or not at all."""
    copy_atomically(BytesIO(data), target)


def copy_atomically(source: IO[bytes], target: Path) -> None:
    """What ``source`` holds, as :func:`write_atomically`, in pieces. For who holds the lock: it
    takes what a killed process left half of the same file."""
    partial = target.parent / f"{PARTIAL}{target.name}"
    partial.unlink(missing_ok=True)
    with partial.open("xb") as file:
        shutil.copyfileobj(source, file, _CHUNK_BYTES)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(target)
    sync_folder(target.parent)


@contextmanager
def _opened(folder: Path, parts: tuple[str, ...]) -> Iterator[int]:
    """A descriptor of the file, reached name by name so that no link is followed below."""
    held = [os.open(folder, os.O_RDONLY | os.O_DIRECTORY)]
    try:
        for part in parts[:-1]:
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
            held.append(os.open(part, flags, dir_fd=held[-1]))
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        held.append(os.open(parts[-1], flags, dir_fd=held[-1]))
        yield held[-1]
    finally:
        for descriptor in held:
            os.close(descriptor)


@contextmanager
def _speaking(where: Path) -> Iterator[None]:
    try:
        yield
    except (HefuError, FileNotFoundError):
        raise
    except OSError as error:
        if error.errno in _NO_PLAIN_FILE:
            raise _no_plain_file(where) from error
        raise RetryableError(
            Text(
                en=f"the file cannot be read or written ({_name_of(error)})",
                zh=f"无法读写文件（{_name_of(error)}）",
            ),
            where=Where(str(where)),
            hint=Text(
                en="check the disk, its free space and the rights of this user",
                zh="请检查磁盘、剩余空间和当前用户的权限",
            ),
        ) from error


def _name_of(error: OSError) -> str:
    return errno.errorcode.get(error.errno or 0, type(error).__name__)


def _no_plain_file(path: Path) -> RefusedError:
    return RefusedError(
        Text(en="this is no plain file", zh="这不是普通文件"),
        where=Where(str(path)),
        hint=Text(
            en="ask the partner for the file itself, not a link to it",
            zh="请合作单位提供文件本身，而不是链接",
        ),
    )
