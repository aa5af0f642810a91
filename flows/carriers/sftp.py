"""A repository on an SFTP server, whose key is pinned.

SFTP has no conditional write. The timestamp is compared, then put in the old one's place by one
rename (``posix-rename@openssh.com``), so that a reader sees the old or the new one and nothing
else; but two machines that publish for one agency in the same second may both think that they
were first. Processes of one node wait for each other before that (``exchange.repository.mirror``).
Nor can SFTP say that the server's disk has what it took.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path, PurePosixPath
from stat import S_ISDIR, S_ISREG
from typing import IO, TypeVar

import paramiko

from connectors.delivery import Secrets
from connectors.files.patience import Patience
from connectors.files.place import LostError, no_permission, no_plain_file, unreadable
from connectors.files.sftp_client import Client
from connectors.files.sftp_login import Session, failure, log_in
from connectors.pace import Pace
from exchange.repository.carrier import parts_of
from exchange.repository.settings import Access
from exchange.repository.swapping import another_was_quicker
from flows.carriers.places import sftp_place
from schemas.errors import RefusedError, RetryableError, Where
from schemas.text import Text

T = TypeVar("T")
_PARTIAL = ".partial-"
_CHUNK_BYTES = 1 << 20
_ATTEMPTS = 4


class SftpCarrier:
    """A :class:`exchange.repository.carrier.WritingCarrier` over ``sftp://user@host/path``."""

    def __init__(self, at: str, access: Access, secrets: Secrets, pace: Pace | None = None):
        self._session: Session | None = None
        self._settings, path = sftp_place(at, access)
        pace = pace or Pace()
        self.label = at.rstrip("/")
        self._top = PurePosixPath(path)
        self._secrets = secrets
        self._patience = Patience(
            pace,
            self._settings.retries,
            self._settings.backoff_seconds,
            self._settings.backoff_max_seconds,
        )
        self._made: set[PurePosixPath] = set()

    def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def __del__(self) -> None:
        """A view of a repository outlives the function that opened its carrier."""
        self.close()

    # ---- reading --------------------------------------------------------------------------

    def read(self, path: str) -> Iterator[bytes] | None:
        target = self._at(path)
        pieces = self._pieces(target)
        try:
            next(pieces)
        except FileNotFoundError:
            self._patience.run(lambda: self._check_top(), again=(LostError,))
            return None
        return pieces

    def _pieces(self, target: PurePosixPath) -> Iterator[bytes]:
        """Nothing first, when the file is open. After a broken connection the file is read from
        its start once more, since paramiko's requests can't begin later."""
        came, is_open = 0, False
        for attempt in range(_ATTEMPTS):
            try:
                with self._opened(target) as answers:
                    if not is_open:
                        is_open = True
                        yield b""
                    skip = came
                    while (data := self._speak(target, lambda: next(answers, None))) is not None:
                        if skip < len(data):
                            came += len(data) - skip
                            yield data[skip:]
                        skip = max(0, skip - len(data))
                    return
            except LostError:
                if attempt == _ATTEMPTS - 1:
                    raise

    @contextmanager
    def _opened(self, target: PurePosixPath) -> Iterator[Iterator[bytes]]:
        """What the file has, from its start. A reader that stops early leaves answers on their
        way, so the connection goes with it."""
        client = self._patience.run(self._client, again=(LostError,))
        found = self._speak(target, lambda: client.lstat(str(target)))
        if found.st_mode is not None and not S_ISREG(found.st_mode):
            raise no_plain_file(str(target))
        handle = self._speak(target, lambda: client.open_to_read(str(target).encode()))
        is_whole = False
        try:
            size = self._speak(target, lambda: client.attributes(handle)).st_size
            if size is None:
                raise unreadable(str(target), "the server tells no size")
            left = size

            def counted() -> Iterator[bytes]:
                nonlocal left
                for data in client.read_all(handle, size):
                    left -= len(data)
                    yield data

            yield counted()
            if left:
                raise self._lost(EOFError("the file became shorter"))
            is_whole = True
        finally:
            if is_whole:
                self._speak(target, lambda: client.close_handle(handle))
            else:
                self.close()

    def list_paths(self, folder: str) -> list[str]:
        top = self._at(folder)
        return self._patience.run(lambda: sorted(self._walk(top)), again=(LostError,))

    def _walk(self, folder: PurePosixPath) -> Iterator[str]:
        client = self._client()
        try:
            entries = self._speak(folder, lambda: client.list_folder(str(folder).encode()))
        except FileNotFoundError:
            return
        for raw, attributes in entries:
            name = raw.decode("utf-8", "replace")
            if name.startswith("."):
                continue
            if S_ISDIR(attributes.st_mode or 0):
                yield from self._walk(folder / name)
            else:
                yield (folder / name).relative_to(self._top).as_posix()

    # ---- writing --------------------------------------------------------------------------

    def put(self, path: str, source: Path) -> None:
        target = self._at(path)

        def once() -> None:
            with source.open("rb") as file:
                self._write(target, file, source.stat().st_size)

        self._patience.run(once, again=(LostError,))

    def swap(self, path: str, data: bytes, expected: bytes | None) -> None:
        target = self._at(path)

        def once() -> None:
            pieces = self.read(path)
            found = None if pieces is None else b"".join(pieces)
            if found == data and expected != data:
                return  # a try before this one was heard, though its answer was lost
            if found != expected:
                raise another_was_quicker(self.label)
            self._write(target, BytesIO(data), len(data))

        self._patience.run(once, again=(LostError,))

    def _write(self, target: PurePosixPath, data: IO[bytes], size: int) -> None:
        client = self._client()
        self._make_folder(client, target.parent)
        partial = str(target.parent / f"{_PARTIAL}{target.name}")

        def written() -> int:
            with client.file(partial, "wb") as file:
                file.set_pipelined(True)
                while piece := data.read(_CHUNK_BYTES):
                    file.write(piece)
            return int(client.stat(partial).st_size)

        if self._speak(target, written) != size:
            raise self._lost(EOFError("the server has less than was sent"))
        self._rename(client, partial, target)

    def _rename(self, client: Client, partial: str, target: PurePosixPath) -> None:
        try:
            self._speak(target, lambda: client.posix_rename(partial, str(target)))
        except RetryableError as error:
            if not isinstance(error.__cause__, OSError) or error.__cause__.errno != errno.EIO:
                raise
            raise RefusedError(
                Text(
                    en="the server cannot put a file in another's place at one moment",
                    zh="服务器不支持以原子方式替换文件",
                ),
                where=self._where(target),
                hint=Text(
                    en="it must know posix-rename@openssh.com, as OpenSSH does, "
                    "and there must be room on its disk",
                    zh="服务器须支持 posix-rename@openssh.com（如 OpenSSH），并请确认磁盘空间充足",
                ),
            ) from error.__cause__

    def _make_folder(self, client: Client, folder: PurePosixPath) -> None:
        """Below the repository, never above it."""
        if folder in self._made:
            return
        if folder == self._top:
            self._check_top()
        else:
            self._make_folder(client, folder.parent)
            try:
                self._speak(folder, lambda: client.stat(str(folder)))
            except FileNotFoundError:
                self._speak(folder, lambda: client.mkdir(str(folder)))
        self._made.add(folder)

    # ---- the connection -------------------------------------------------------------------

    def _at(self, path: str) -> PurePosixPath:
        return self._top.joinpath(*parts_of(path, self.label))

    def _client(self) -> Client:
        if self._session is None:
            self._made.clear()
            self._session = log_in(self._settings, self._secrets)
        return self._session.client

    def _check_top(self) -> None:
        client = self._client()
        try:
            self._speak(self._top, lambda: client.stat(str(self._top)))
        except FileNotFoundError as error:
            raise RefusedError(
                Text(en="the repository's folder is not there", zh="找不到发布目录"),
                where=self._where(self._top),
                hint=Text(
                    en="make it on the server, or correct the address",
                    zh="请在服务器上创建该目录，或更正地址",
                ),
            ) from error

    def _speak(self, target: PurePosixPath, ask: Callable[[], T]) -> T:
        """``ask()`` with the library's errors as ours; but ``FileNotFoundError`` stays."""
        try:
            return ask()
        except FileNotFoundError:
            raise
        except OSError as error:
            if error.errno == errno.EACCES:
                raise no_permission(str(self._where(target))) from error
            if error.errno == errno.EIO:  # the server's own word for what has no number
                raise unreadable(str(self._where(target)), "the server says no more") from error
            raise self._lost(error) from error
        except (paramiko.SSHException, paramiko.SFTPError, EOFError) as error:
            raise self._lost(error) from error

    def _lost(self, error: BaseException) -> Exception:
        self.close()
        return failure(error, Where(self.label), self._settings.timeout_seconds)

    def _where(self, target: PurePosixPath) -> Where:
        host = f"{self._settings.host}:{self._settings.port}"
        return Where(f"sftp://{host}{target}")
