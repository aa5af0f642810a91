"""A real SFTP server: asyncssh in a thread, with faults on command."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh
import pytest

USER = "hefu-reader"
PASSWORD = "password-of-the-tests-only"


@dataclass
class Faults:
    """What goes wrong; ``reset`` makes all well again."""

    drop_at: list[int] = field(default_factory=list)
    """Offsets: each cuts the connection once when a read reaches it."""
    hang_at: int | None = None
    """A read from here on is never answered."""
    short_reads: int | None = None
    """No answer is longer than this."""
    no_permission: set[str] = field(default_factory=set)
    """Names of files and folders that the account may not open."""
    hang_up_at_login: bool = False
    close_at_once: int = 0
    """So many connections are closed before anything is said."""
    on_read: Callable[[str, int], None] | None = None
    """Called before each answer with the file's name and the offset."""


@dataclass
class SftpServer:
    """``host_key`` is a line as in known_hosts; ``folder`` is what the server shows as its root."""

    port: int
    folder: Path
    host_key: str
    fingerprint: str
    faults: Faults = field(default_factory=Faults)
    client_key: str = ""
    """A private key that may log in, in OpenSSH's form."""
    logins: int = 0
    connections: list[asyncssh.SSHServerConnection] = field(default_factory=list)
    files: list[Any] = field(default_factory=list)
    """All that were opened: a connection that is cut leaves its own open."""

    def put(self, name: str | bytes, data: bytes) -> Path:
        path = self.folder / (
            name if isinstance(name, str) else name.decode("utf-8", "surrogateescape")
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path


class _Gate(asyncssh.SSHServer):
    def __init__(self, server: SftpServer, key: asyncssh.SSHKey) -> None:
        self._server = server
        self._key = key

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._server.connections.append(conn)
        if self._server.faults.close_at_once:
            self._server.faults.close_at_once -= 1
            conn.abort()

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        if self._server.faults.hang_up_at_login:
            self._server.connections[-1].abort()
        return self._let_in(username == USER and password == PASSWORD)

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return self._let_in(username == USER and key == self._key.convert_to_public())

    def _let_in(self, right: bool) -> bool:
        if not right:
            return False
        self._server.logins += 1
        return True


class _Folder(asyncssh.SFTPServer):
    """Below ``folder`` as if it were ``/``, but links are resolved as they are on the disk."""

    server: SftpServer

    def __init__(self, chan: asyncssh.SSHServerChannel[bytes], server: SftpServer) -> None:
        super().__init__(chan)
        self.server = server
        self.names: dict[int, str] = {}
        self.dropped = False

    def map_path(self, path: bytes) -> bytes:
        return str(self.server.folder).encode() + b"/" + path.lstrip(b"/")

    def reverse_map_path(self, path: bytes) -> bytes:
        root = str(self.server.folder).encode()
        return path[len(root) :] or b"/" if (path + b"/").startswith(root + b"/") else b"/outside"

    async def scandir(self, path: bytes) -> Any:
        self._permit(path)
        async for entry in super().scandir(path):
            yield entry

    async def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        self._permit(path)
        opened: Any = super().open(path, pflags, attrs)
        self.server.files.append(opened)
        self.names[id(opened)] = path.decode("utf-8", "replace").rpartition("/")[2]
        return opened

    async def read(self, file_obj: object, offset: int, size: int) -> bytes:
        faults = self.server.faults
        if faults.on_read is not None:
            faults.on_read(self.names[id(file_obj)], offset)
        if faults.hang_at is not None and offset >= faults.hang_at:
            await asyncio.Event().wait()
        if faults.drop_at and offset >= faults.drop_at[0] and not self.dropped:
            self.dropped = True
            del faults.drop_at[0]
            self.connection.abort()
        data: Any = super().read(file_obj, offset, min(size, faults.short_reads or size))
        return bytes(data)

    def _permit(self, path: bytes) -> None:
        if path.decode("utf-8", "replace").rpartition("/")[2] in self.server.faults.no_permission:
            raise asyncssh.SFTPPermissionDenied("Permission denied")


@contextmanager
def running(folder: Path) -> Iterator[SftpServer]:
    """A server that shows ``folder``; stopped at the end."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    host_key, client_key = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    server = SftpServer(
        0,
        folder.resolve(),
        host_key.export_public_key().decode().strip(),
        host_key.get_fingerprint(),
        client_key=client_key.export_private_key().decode(),
    )

    async def start() -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_host_keys=[host_key],
            server_factory=lambda: _Gate(server, client_key),
            sftp_factory=lambda chan: _Folder(chan, server),
            encoding=None,
        )

    async def stop() -> None:
        acceptor.close()
        await acceptor.wait_closed()
        for connection in server.connections:
            connection.abort()
            await connection.wait_closed()
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        for file in server.files:
            file.close()

    acceptor = asyncio.run_coroutine_threadsafe(start(), loop).result(30)
    server.port = acceptor.get_port()
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(stop(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture
def sftp_server(tmp_path: Path) -> Iterator[SftpServer]:
    """A server of its own for a test: starting one takes milliseconds."""
    folder = tmp_path / "sftp"
    folder.mkdir()
    with running(folder) as server:
        yield server
