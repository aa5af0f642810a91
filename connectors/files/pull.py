"""Files that appear in a folder.

The cursor is the state of the folder: {name: {"sha256", "size", "mtime_ns"}} of the files that
are there. Size and time of change are only hints to skip unread files; the digest decides.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

from connectors.config import SourceConfig, file_date_pattern, in_window
from connectors.delivery import Delivery, Progress, PullRequest, Secrets
from connectors.landing import Landed, Landing
from connectors.reader_config import FilesReader
from schemas.errors import HefuError, RefusedError, RetryableError, Where
from schemas.text import Text

_CHUNK = 1 << 20


def pull_files(
    source: SourceConfig,
    reader: FilesReader,
    folder: Path,
    request: PullRequest,
    landing: Landing,
    *,
    secrets: Secrets,
    progress: Progress,
) -> Delivery:
    """Land the files that ``request`` asks for.

    Mode ``cursor``: files that are new or whose content changed. Mode ``window``: all files
    whose date in the name is in the window; without ``window.file_date``, all files.

    Raises :class:`RefusedError` for a missing folder or a path that leads out of it,
    :class:`RetryableError` for a file that changed while it was copied.
    """
    root = drop_folder(reader, folder, secrets)
    names = list_files(root, reader.pattern)
    if request.mode == "window":
        return _pull_window(source, root, names, request, landing, progress)
    before: dict[str, Any] = request.cursor or {}
    after: dict[str, Any] = {}
    objects: list[Landed] = []
    for done, name in enumerate(names):
        progress(done, len(names))
        found = _stat(root, name)
        known = before.get(name)
        if known and (known["size"], known["mtime_ns"]) == (found.st_size, found.st_mtime_ns):
            after[name] = known
            continue
        # By distance: a share whose clock runs ahead must not hide its files for ever.
        if abs(request.now.timestamp() - found.st_mtime) < reader.quiet_seconds:
            if known:
                after[name] = known  # still seen as changed when it has come to rest
            continue
        landed = _land(source, root, name, landing, request.now)
        after[name] = {
            "sha256": landed.digest,
            "size": found.st_size,
            "mtime_ns": found.st_mtime_ns,
        }
        if not known or known["sha256"] != landed.digest:
            objects.append(landed)
    progress(len(names), len(names))
    return Delivery(tuple(objects), after)


def newest_file(
    source: SourceConfig,
    reader: FilesReader,
    folder: Path,
    landing: Landing,
    *,
    secrets: Secrets,
    now: datetime,
) -> Delivery:
    """Land the file that changed last, to try a source out; nothing if there is none."""
    root = drop_folder(reader, folder, secrets)
    names = list_files(root, reader.pattern)
    newest = max(names, key=lambda n: (_stat(root, n).st_mtime_ns, n), default=None)
    objects = () if newest is None else (_land(source, root, newest, landing, now),)
    return Delivery(objects, None)


def _pull_window(
    source: SourceConfig,
    root: Path,
    names: list[str],
    request: PullRequest,
    landing: Landing,
    progress: Progress,
) -> Delivery:
    pattern = source.window.file_date if source.window else None
    wanted = [n for n in names if _named_in_window(n, pattern, request)]
    objects = []
    for done, name in enumerate(wanted):
        progress(done, len(wanted))
        objects.append(_land(source, root, name, landing, request.now))
    progress(len(wanted), len(wanted))
    return Delivery(tuple(objects), None, request.since, request.until)


def _named_in_window(name: str, pattern: str | None, request: PullRequest) -> bool:
    """A file whose name shows no date is taken: its rows say where they belong."""
    if pattern is None:
        return True
    found = file_date_pattern(pattern).search(Path(name).name)
    if not found:
        return True
    try:
        day: date = datetime.strptime(found[0], pattern).date()  # noqa: DTZ007 - a date
    except ValueError:
        return True
    return in_window(day, request.since, request.until)


def drop_folder(reader: FilesReader, folder: Path, secrets: Secrets) -> Path:
    """The folder that files appear in. Raises :class:`RefusedError` if it isn't there."""
    given = secrets(reader.path) if reader.path.startswith("env:") else reader.path
    root = folder / given
    if not root.is_dir():
        raise RefusedError(
            Text(en="the source's folder is not there", zh="来源文件夹不存在"),
            where=Where(str(root)),
            hint=Text(
                en="check path in source.toml, and that the share is mounted",
                zh="请检查 source.toml 中的 path，并确认共享目录已挂载",
            ),
        )
    return root.resolve()


def list_files(root: Path, pattern: str) -> list[str]:
    """Names below ``root`` that match, sorted; names that begin with a dot are left alone.

    Raises :class:`RefusedError` for what is no plain file of this folder.
    """
    names = []
    for path in root.glob(pattern):
        name = path.relative_to(root).as_posix()
        if any(part.startswith(".") for part in Path(name).parts) or path.is_dir():
            continue
        _refuse_strange(root, path, name)
        names.append(name)
    return sorted(names)


def _refuse_strange(root: Path, path: Path, name: str) -> None:
    if not path.resolve().is_relative_to(root):
        raise _refused(
            name,
            Text(en="this link leads out of the source's folder", zh="此链接指向来源文件夹之外"),
            Text(en="put the file itself into the folder", zh="请把文件本身放入该文件夹"),
        )
    if path.exists() and not path.is_file():
        raise _refused(
            name,
            Text(en="this is no plain file", zh="这不是普通文件"),
            Text(en="remove it or narrow the pattern", zh="请移走它，或收窄 pattern"),
        )
    try:
        name.encode("utf-8")
    except UnicodeEncodeError as error:
        raise _refused(
            ascii(name),
            Text(en="this file's name is not UTF-8", zh="文件名不是 UTF-8 编码"),
            Text(en="rename the file", zh="请重命名该文件"),
        ) from error


def _refused(name: str, message: Text, hint: Text) -> RefusedError:
    return RefusedError(message, where=Where(name), hint=hint)


def _stat(root: Path, name: str) -> os.stat_result:
    try:
        return (root / name).stat()
    except OSError as error:
        raise _unreadable(name, error) from error


def _land(source: SourceConfig, root: Path, name: str, landing: Landing, now: datetime) -> Landed:
    chunks = _whole_file(root / name, name)
    return landing.store(source.stream_id, chunks, name, now, once=True)


def _whole_file(path: Path, name: str) -> Iterator[bytes]:
    """The file's bytes; an error instead of the end if it changed meanwhile."""
    try:
        with path.open("rb", buffering=0) as handle:
            before = os.fstat(handle.fileno())
            if not stat.S_ISREG(before.st_mode):
                raise _changing(name)
            size = 0
            while chunk := handle.read(_CHUNK):
                size += len(chunk)
                if size > before.st_size:  # or a file that is written to would never end
                    raise _changing(name)
                yield chunk
        after = path.stat()
    except OSError as error:
        raise _unreadable(name, error) from error
    if _fingerprint(before) != _fingerprint(after):
        raise _changing(name)


def _fingerprint(found: os.stat_result) -> tuple[int, int, int, int]:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _changing(name: str) -> RetryableError:
    return RetryableError(
        Text(en="the file changed while it was read", zh="读取过程中文件发生变化"),
        where=Where(name),
        hint=Text(
            en="it is probably still being written; it is tried again, or set quiet_seconds",
            zh="可能仍在写入；系统会重试，也可设置 quiet_seconds",
        ),
    )


def _unreadable(name: str, error: OSError) -> HefuError:
    where = Where(name)
    if isinstance(error, PermissionError):
        return RefusedError(
            Text(en="no permission to read this file", zh="没有读取此文件的权限"),
            where=where,
            hint=Text(
                en="let the account that Hefu runs under read it",
                zh="请授予运行 Hefu 的账户读取权限",
            ),
        )
    reason = error.strerror or type(error).__name__
    return RetryableError(
        Text(en=f"the file can't be read: {reason}", zh=f"无法读取文件：{reason}"), where=where
    )
