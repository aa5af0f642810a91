"""A folder of an SFTP server.

paramiko is spoken to directly. fsspec's SFTP takes any unknown server's key unless it is told
otherwise (ADR 0017).
"""

from __future__ import annotations

import errno
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import paramiko

from connectors.delivery import Secrets
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
from connectors.files.settings import SftpPlace
from connectors.files.sftp_login import Session, failure, log_in
from schemas.errors import HefuError, Where
from schemas.text import Text

T = TypeVar("T")


class SftpFolder:
    """A :class:`connectors.files.place.Place` below ``path`` of a server."""

    unsettled_seconds = 120.0  # times have whole seconds, of the server's own clock
    lists_folders = False

    def __init__(self, settings: SftpPlace, path: str, secrets: Secrets) -> None:
        self._settings = settings
        self._path = path.encode(settings.name_encoding)
        self._shown = path
        self._secrets = secrets
        self._session: Session | None = None
        self._root = b""

    def reached(self) -> tuple[Text, ...]:
        steps = self._connected().reached
        return (
            *steps,
            Text(en=f"the folder is there: {self._shown}", zh=f"文件夹存在：{self._shown}"),
        )

    def list_files(self, pattern: Pattern) -> list[Seen]:
        self._connected()
        return sorted(self._walk(self._root, "", pattern), key=lambda seen: seen.name)

    def look_at(self, name: str) -> Seen:
        self._connected()
        return self._stat(self._at(name), name)

    @contextmanager
    def open(self, seen: Seen) -> Iterator[Reading]:
        name = seen.name
        client = self._connected().client
        path = self._at(name)
        # A link may have been set in its place since the folder was listed.
        real = self._speak(name, lambda: client.real_path(path))
        if not self._is_inside(real):
            raise leads_out(name)
        if not stat.S_ISREG(self._mode(path, name)):
            raise changing(name)
        handle = self._speak(name, lambda: client.open_to_read(path))
        try:
            before = self._seen(name, self._speak(name, lambda: client.attributes(handle)))
            yield Reading(before, self._whole_file(handle, path, before))
        except GeneratorExit:
            self._drop()
            raise
        except BaseException:
            # Answers to open questions may still be on their way: better a new connection.
            self._drop()
            raise
        else:
            self._speak(name, lambda: client.close_handle(handle))

    def close(self) -> None:
        self._drop()

    # ---- walking --------------------------------------------------------------------------

    def _walk(self, folder: bytes, above: str, pattern: Pattern) -> Iterator[Seen]:
        client = self._connected().client
        for raw, attributes in self._list(folder, above):
            entry = self._decoded(raw)
            name, path = above + entry, folder.rstrip(b"/") + b"/" + raw
            linked = attributes.st_mode is not None and stat.S_ISLNK(attributes.st_mode)
            below = pattern.below(entry, linked=linked)
            fits = pattern.fits(entry)
            if below is None and not fits:
                continue
            if linked:
                real = self._speak(name, lambda path=path: client.real_path(path))  # type: ignore[misc]  # mypy can't infer a lambda with defaults
                if not self._is_inside(real):
                    raise leads_out(name)
            if linked or attributes.st_mode is None:
                attributes = self._speak(name, lambda path=path: client.stat(path))  # type: ignore[misc]
            if stat.S_ISDIR(attributes.st_mode or 0):
                if below is not None:
                    yield from self._walk(path, name + "/", below)
                continue
            if fits:
                self._refuse_strange(raw, name, attributes)
                yield self._seen(name, attributes)

    def _list(self, folder: bytes, above: str) -> list[tuple[bytes, Any]]:
        client = self._connected().client
        name = above or self._shown
        try:
            return self._speak(name, lambda: client.list_folder(folder))
        except HefuError as error:
            cause = error.__cause__
            if isinstance(cause, OSError) and cause.errno == errno.EACCES:
                raise no_permission_for_folder(name) from cause
            if isinstance(cause, OSError) and cause.errno == errno.ENOENT and above:
                return []  # moved away since it was seen
            raise

    def _refuse_strange(self, raw: bytes, name: str, attributes: Any) -> None:
        encoding = self._settings.name_encoding
        if raw.decode(encoding, "replace") != name.rpartition("/")[2]:
            raise strange_name(
                name,
                encoding,
                Text(
                    en='set name_encoding = "gb18030" under [reader.place], or rename the file',
                    zh='请在 [reader.place] 中设置 name_encoding = "gb18030"，或重命名该文件',
                ),
            )
        if attributes.st_mode is not None and not stat.S_ISREG(attributes.st_mode):
            raise no_plain_file(name)

    def _decoded(self, raw: bytes) -> str:
        """The name; what does not belong to the encoding can be matched, but not be read."""
        return raw.decode(self._settings.name_encoding, "surrogateescape")

    # ---- reading --------------------------------------------------------------------------

    def _whole_file(self, handle: bytes, path: bytes, before: Seen) -> Iterator[bytes]:
        """The file's bytes; an error instead of the end if it changed meanwhile."""
        client, name = self._connected().client, before.name
        answers = client.read_all(handle, before.size)
        size, chunks, held = 0, [], 0
        while (data := self._speak(name, lambda: next(answers, None))) is not None:
            size, held = size + len(data), held + len(data)
            chunks.append(data)
            if held >= CHUNK_BYTES:
                yield b"".join(chunks)
                chunks, held = [], 0
        if chunks:
            yield b"".join(chunks)
        after = self._seen(name, self._speak(name, lambda: client.attributes(handle)))
        try:
            named = self._stat(path, name)
        except HefuError as error:
            if not isinstance(error.__cause__, FileNotFoundError):
                raise
            named = after  # taken away while we read: what was read is whole
        if size != before.size or not before == after == named:
            raise changing(name)

    def _stat(self, path: bytes, name: str) -> Seen:
        client = self._connected().client
        return self._seen(name, self._speak(name, lambda: client.stat(path)))

    def _mode(self, path: bytes, name: str) -> int:
        client = self._connected().client
        found: int | None = self._speak(name, lambda: client.stat(path)).st_mode
        return stat.S_IFREG if found is None else found

    def _at(self, name: str) -> bytes:
        encoded = name.encode(self._settings.name_encoding)
        return self._root.rstrip(b"/") + b"/" + encoded

    def _seen(self, name: str, attributes: Any) -> Seen:
        size, mtime = attributes.st_size, attributes.st_mtime
        if size is None or mtime is None:
            raise unreadable(name, "the server tells neither size nor time of change")
        return Seen(name, size, mtime * 10**9)

    # ---- the connection -------------------------------------------------------------------

    def _connected(self) -> Session:
        if self._session is None:
            self._session = log_in(self._settings, self._secrets)
            try:
                self._root = self._find_root(self._session)
            except BaseException:
                self._drop()
                raise
        return self._session

    def _find_root(self, session: Session) -> bytes:
        client, where = session.client, f"{self._where}/{self._shown.lstrip('/')}"
        try:
            root = client.real_path(self._path)
            found = client.stat(root)
        except OSError as error:
            if error.errno == errno.EACCES:
                raise no_permission_for_folder(where) from error
            if error.errno is None or error.errno not in (errno.ENOENT, errno.EIO):
                raise self._failure(error) from error
            raise no_folder(where) from error
        except (paramiko.SSHException, EOFError) as error:
            raise self._failure(error) from error
        if found.st_mode is not None and not stat.S_ISDIR(found.st_mode):
            raise no_folder(where)
        return root

    def _is_inside(self, real: bytes) -> bool:
        return real.startswith(self._root.rstrip(b"/") + b"/")

    def _speak(self, name: str, ask: Callable[[], T]) -> T:
        """``ask()`` with the library's errors as ours."""
        try:
            return ask()
        except OSError as error:
            if isinstance(error, FileNotFoundError):
                raise gone(name) from error
            if error.errno == errno.EACCES:
                raise no_permission(name) from error
            if error.errno == errno.EIO:  # the server's own word for what has no number
                raise unreadable(name, _plain(error.strerror)) from error
            raise self._lost(error) from error
        except (paramiko.SSHException, paramiko.SFTPError, EOFError) as error:
            raise self._lost(error) from error

    def _lost(self, error: BaseException) -> HefuError:
        self._drop()
        return self._failure(error)

    def _failure(self, error: BaseException) -> HefuError:
        return failure(error, Where(self._where), self._settings.timeout_seconds)

    @property
    def _where(self) -> str:
        host = self._settings.host
        host = self._secrets(host) if host.startswith("env:") else host
        return f"sftp://{host}:{self._settings.port}"

    def _drop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.close()


def _plain(text: str | None) -> str:
    """A server's own words, short and printable."""
    shown = "".join(c for c in (text or "") if c.isprintable())[:100]
    return shown or "the server says no more"
