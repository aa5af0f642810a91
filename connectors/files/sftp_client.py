"""paramiko's SFTP client, for servers that are old and files that are large.

Names stay bytes: servers write them in any encoding. A file is read with many requests under
way, from one thread and in bounded memory; paramiko's own ``prefetch`` asks from a second
thread, which dies noisily with the connection, and may hold a whole file.
"""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import paramiko
from paramiko.message import Message
from paramiko.sftp import (
    CMD_ATTRS,
    CMD_CLOSE,
    CMD_DATA,
    CMD_FSTAT,
    CMD_HANDLE,
    CMD_NAME,
    CMD_OPEN,
    CMD_OPENDIR,
    CMD_READ,
    CMD_READDIR,
    CMD_REALPATH,
    CMD_STATUS,
    SFTP_EOF,
    SFTP_FLAG_READ,
    SFTP_NO_SUCH_FILE,
    SFTP_OK,
    SFTP_PERMISSION_DENIED,
    SFTPError,
    int64,
)
from paramiko.sftp_attr import SFTPAttributes

_REQUEST_BYTES = 32768
"""What every server must be able to send in one answer."""
_REQUESTS = 64
_ERRNOS = {SFTP_NO_SUCH_FILE: errno.ENOENT, SFTP_PERMISSION_DENIED: errno.EACCES}


class Client(paramiko.SFTPClient):  # type: ignore[misc]  # paramiko has no types
    """Raises what paramiko does: OSError of the server's status, EOFError, SSHException."""

    def list_folder(self, path: bytes) -> list[tuple[bytes, Any]]:
        """Names and attributes (of links: their own) of a folder's entries."""
        handle = self._asked(CMD_HANDLE, CMD_OPENDIR, path).get_binary()
        found: list[tuple[bytes, Any]] = []
        try:
            while True:
                try:
                    message = self._asked(CMD_NAME, CMD_READDIR, handle)
                except EOFError:
                    return found
                for _ in range(message.get_int()):
                    name = message.get_string()
                    message.get_string()  # a line as `ls -l` would show it
                    attributes = SFTPAttributes._from_msg(message)
                    if name not in (b".", b".."):
                        found.append((name, attributes))
        finally:
            self._request(CMD_CLOSE, handle)

    def real_path(self, path: bytes) -> bytes:
        """The path without links, as the server resolves it."""
        message = self._asked(CMD_NAME, CMD_REALPATH, path)
        if message.get_int() != 1:
            raise SFTPError("expected one name")
        return bytes(message.get_string())

    def open_to_read(self, path: bytes) -> bytes:
        """A handle; :meth:`close_handle` gives it back."""
        attributes = SFTPAttributes()
        message = self._asked(CMD_HANDLE, CMD_OPEN, path, SFTP_FLAG_READ, attributes)
        return bytes(message.get_binary())

    def attributes(self, handle: bytes) -> Any:
        """What an open file is now."""
        return SFTPAttributes._from_msg(self._asked(CMD_ATTRS, CMD_FSTAT, handle))

    def close_handle(self, handle: bytes) -> None:
        self._request(CMD_CLOSE, handle)

    def read_all(self, handle: bytes, size: int) -> Iterator[bytes]:
        """The first ``size`` bytes of an open file in order; fewer if it ends before.

        Nothing else may be asked of this client until the iterator is used up.
        """
        flow = _Flow(size)
        while flow.is_open:
            for offset, length in flow.to_ask():
                number = self._async_request(
                    type(None), CMD_READ, handle, int64(offset), int(length)
                )
                flow.asked[number] = (offset, length)
            self._take_one(flow)
            yield from flow.in_order()

    def _take_one(self, flow: _Flow) -> None:
        kind, packet = self._read_packet()
        message = Message(packet)
        number = message.get_int()
        with self._lock:
            self._expecting.pop(number, None)
        if number not in flow.asked:
            raise SFTPError("an answer to no question")
        if kind == CMD_STATUS:
            try:
                self._convert_status(message)
            except EOFError:
                flow.ended(number)
                return
        if kind != CMD_DATA:
            raise SFTPError("expected data")
        flow.came(number, message.get_string())

    def _asked(self, expected: int, kind: int, *arguments: Any) -> Any:
        found, message = self._request(kind, *arguments)
        if found != expected:
            raise SFTPError(f"expected answer {expected}, not {found}")
        return message

    def _convert_status(self, msg: Any) -> None:
        """As paramiko's, for servers that tell their errors in GBK."""
        code, text = msg.get_int(), msg.get_string().decode("utf-8", "replace")
        if code == SFTP_OK:
            return
        if code == SFTP_EOF:
            raise EOFError(text)
        raise OSError(_ERRNOS.get(code, errno.EIO), text)


@dataclass
class _Flow:
    """Which parts of a file were asked for, came, and were handed on."""

    size: int
    asked: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Request → offset and length."""
    _next_new: int = 0
    _next_out: int = 0
    _again: deque[tuple[int, int]] = field(default_factory=deque)
    _came: dict[int, bytes] = field(default_factory=dict)
    _end: int | None = None

    @property
    def is_open(self) -> bool:
        if self._end is not None:
            return bool(self.asked)  # let no answer lie about for the next question
        return self._next_out < self.size

    def to_ask(self) -> Iterator[tuple[int, int]]:
        """New requests, as many as may be under way (or lie waiting for one before them)."""
        if self._end is not None:
            return
        while self._again:
            yield self._again.popleft()
        while self._next_new < self.size and len(self.asked) + len(self._came) < _REQUESTS:
            offset = self._next_new
            length = min(_REQUEST_BYTES, self.size - offset)
            self._next_new += length
            yield offset, length

    def came(self, number: int, data: bytes) -> None:
        offset, length = self.asked.pop(number)
        if not data or len(data) > length:
            raise SFTPError("an answer of the wrong length")
        self._came[offset] = data
        if len(data) < length:  # servers may send less than they were asked for
            self._again.append((offset + len(data), length - len(data)))

    def ended(self, number: int) -> None:
        """The file is shorter than it was."""
        offset, _ = self.asked.pop(number)
        self._end = offset if self._end is None else min(self._end, offset)

    def in_order(self) -> Iterator[bytes]:
        while (data := self._came.pop(self._next_out, None)) is not None:
            self._next_out += len(data)
            yield data
