"""A folder of this machine, or one that is mounted on it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from connectors.files.patterns import Pattern
from connectors.files.place import (
    CHUNK_BYTES,
    Reading,
    Seen,
    changing,
    gone,
    leads_out,
    no_folder,
    no_permission,
    no_permission_for_folder,
    no_plain_file,
    strange_name,
    unreadable,
)
from schemas.errors import HefuError
from schemas.text import Text


class LocalFolder:
    """A :class:`connectors.files.place.Place` below ``root``."""

    unsettled_seconds = 2.0  # a file system's clock ticks in milliseconds, on FAT in seconds
    lists_folders = False

    def __init__(self, root: Path) -> None:
        self._given = root

    @property
    def _root(self) -> Path:
        """Raises :class:`schemas.errors.RefusedError` if the folder isn't there."""
        try:
            there = self._given.is_dir()
        except OSError as error:  # a share that hangs, a folder that may not be entered
            raise _folder_error(str(self._given), error) from error
        if not there:
            raise no_folder(str(self._given))
        return self._given.resolve()

    def reached(self) -> tuple[Text, ...]:
        root = self._root
        return (Text(en=f"the folder is there: {root}", zh=f"文件夹存在：{root}"),)

    def list_files(self, pattern: Pattern) -> list[Seen]:
        root = self._root
        found = list(_walk(root, root, pattern))
        return sorted(found, key=lambda seen: seen.name)

    def look_at(self, name: str) -> Seen:
        return _seen(name, _stat(self._root / name, name))

    @contextmanager
    def open(self, seen: Seen) -> Iterator[Reading]:
        path, name = self._root / seen.name, seen.name
        try:
            # Not to hang at a pipe that took a file's place.
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise _file_error(path, name, error) from error
        try:
            before = os.fstat(descriptor)
            if not stat.S_ISREG(before.st_mode):
                raise changing(name)
            yield Reading(_seen(name, before), _whole_file(descriptor, before, path, name))
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """Nothing is held open."""


def _walk(root: Path, folder: Path, pattern: Pattern) -> Iterator[Seen]:
    try:
        with os.scandir(folder) as entries:
            found = list(entries)
    except FileNotFoundError:
        return  # moved away since it was seen
    except OSError as error:
        raise _folder_error(str(folder), error) from error
    for entry in found:
        path = folder / entry.name
        name = path.relative_to(root).as_posix()
        if _is_folder(entry, name):
            below = pattern.below(entry.name, linked=entry.is_symlink())
            if below is not None:
                yield from _walk(root, path, below)
        elif pattern.fits(entry.name):
            _refuse_strange(root, path, name)
            try:
                yield _seen(name, path.stat())
            except OSError as error:
                if not path.is_symlink() and not path.exists():
                    continue  # moved away since it was seen
                raise _file_error(path, name, error) from error


def _is_folder(entry: os.DirEntry[str], name: str) -> bool:
    try:
        return entry.is_dir()
    except OSError as error:
        raise unreadable(name, error.strerror or type(error).__name__) from error


def _refuse_strange(root: Path, path: Path, name: str) -> None:
    """Raise :class:`schemas.errors.RefusedError` for what is no plain file of this folder."""
    if not path.resolve().is_relative_to(root):
        raise leads_out(name)
    if path.exists() and not path.is_file():
        raise no_plain_file(name)
    try:
        name.encode("utf-8")
    except UnicodeEncodeError as error:
        raise strange_name(
            name, "utf-8", Text(en="rename the file", zh="请重命名该文件")
        ) from error


def _seen(name: str, found: os.stat_result) -> Seen:
    identity = {"ctime_ns": found.st_ctime_ns, "inode": found.st_ino}
    return Seen(name, found.st_size, found.st_mtime_ns, identity)


def _stat(path: Path, name: str) -> os.stat_result:
    try:
        return path.stat()
    except OSError as error:
        raise _file_error(path, name, error) from error


def _whole_file(descriptor: int, before: os.stat_result, path: Path, name: str) -> Iterator[bytes]:
    """The file's bytes; an error instead of the end if it changed meanwhile."""
    try:
        size = 0
        while chunk := os.read(descriptor, CHUNK_BYTES):
            size += len(chunk)
            if size > before.st_size:  # or a file that is written to would never end
                raise changing(name)
            yield chunk
        after = os.fstat(descriptor)
        try:
            named = path.stat()
        except FileNotFoundError:
            named = after  # taken away while we read: what was read is whole
    except OSError as error:
        raise _file_error(path, name, error) from error
    if not _fingerprint(before) == _fingerprint(after) == _fingerprint(named):
        raise changing(name)
    if size != before.st_size:
        raise changing(name)


def _fingerprint(found: os.stat_result) -> tuple[int, int, int, int]:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _file_error(path: Path, name: str, error: OSError) -> HefuError:
    if isinstance(error, PermissionError):
        return no_permission(name)
    if isinstance(error, FileNotFoundError) and not path.is_symlink():
        return gone(name)
    return unreadable(name, error.strerror or type(error).__name__)


def _folder_error(name: str, error: OSError) -> HefuError:
    if isinstance(error, PermissionError):
        return no_permission_for_folder(name)
    return unreadable(name, error.strerror or type(error).__name__)
