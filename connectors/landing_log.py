"""What was received for one stream, when and from where: JSON lines, an event each.

``digest``, ``size``, ``origin``, ``fetched_at``, ``page``, sometimes ``request``; ``pruned_at``
once the retention rule let the object go. Lines are appended under a lock on the file; only the
retention rule rewrites it, whole, beside it, and by renaming, so that a reader sees the one or
the other. A line torn by a crash was never confirmed to anyone and is dropped by the next writer.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

from connectors.disk import minding_a_full_disk
from schemas.errors import DataError, Where
from schemas.text import Text

Event = dict[str, Any]
_KEYS = {"digest", "size", "origin", "fetched_at", "page"}


class Log:
    """The log at ``path``."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._newest: dict[str, Event] = {}
        self._read = (0, 0)  # inode, offset

    def events(self) -> Iterator[Event]:
        """All events, oldest first."""
        if not self._path.exists():
            return
        with self._path.open("rb") as handle:
            for number, line in enumerate(handle, start=1):
                if line.endswith(b"\n"):
                    yield self._event(line, number)

    @contextmanager
    def writing(self) -> Iterator[IO[bytes]]:
        """Hold the log's lock; what is given is handed to the other functions."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        while True:
            with self._path.open("a+b") as handle:
                fcntl.flock(handle.fileno(), fcntl.LOCK_EX)
                if not self._is_current(handle):
                    continue  # rewritten while we waited: that lock is of a file nobody reads
                yield handle
                return

    def _is_current(self, handle: IO[bytes]) -> bool:
        try:
            return os.fstat(handle.fileno()).st_ino == self._path.stat().st_ino
        except FileNotFoundError:
            return False

    def newest_from(self, handle: IO[bytes], origin: str) -> Event | None:
        """The last event from ``origin``. Reads only what was appended since it last looked."""
        found = os.fstat(handle.fileno())
        inode, offset = self._read
        if inode != found.st_ino or offset > found.st_size:
            self._newest.clear()
            offset = 0
        handle.seek(offset)
        for line in handle:
            if line.endswith(b"\n"):
                event = self._event(line, None)
                self._newest[event["origin"]] = event
                offset += len(line)
        self._read = (found.st_ino, offset)
        return self._newest.get(origin)

    def _event(self, line: bytes, number: int | None) -> Event:
        """Raises :class:`DataError` for a line that is no event."""
        try:
            event = json.loads(line)
            if _KEYS - event.keys():
                raise ValueError
        except (ValueError, AttributeError) as error:
            # Its words would quote the line.
            raise DataError(
                Text(
                    en="a line of this landing log is damaged: nobody can say what came when",
                    zh="落地日志中有一行已损坏，无法确定何时收到了什么",
                ),
                where=Where(str(self._path), row=number),
                hint=Text(
                    en="restore landing/streams/ from the back-up; nothing was changed",
                    zh="请从备份恢复 landing/streams/；未作任何改动",
                ),
            ) from error
        return cast("Event", event)

    def append(self, handle: IO[bytes], event: Event) -> None:
        """Add one line, after cutting off a line that a crash tore."""
        end = handle.seek(0, os.SEEK_END)
        if end:
            handle.seek(end - 1)
            if handle.read(1) != b"\n":
                end = _last_line_end(handle, end)
                handle.truncate(end)
        with minding_a_full_disk(self._path.parents[2]):
            try:
                _write_all(handle.fileno(), _line(event))
            except OSError:
                os.ftruncate(handle.fileno(), end)
                raise
            os.fsync(handle.fileno())

    def rewrite(self, events: Iterable[Event]) -> None:
        """Replace the log, whole or not at all. Call it while holding :meth:`writing`."""
        beside = self._path.with_suffix(".rewriting")
        with minding_a_full_disk(self._path.parents[2]):
            with beside.open("wb") as handle:
                handle.writelines(_line(event) for event in events)
                handle.flush()
                os.fsync(handle.fileno())
            beside.replace(self._path)
            sync_folder(self._path.parent)


def sync_folder(folder: Path) -> None:
    """Make what was renamed in ``folder`` survive a power failure."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, chunk: bytes) -> None:
    view = memoryview(chunk)
    while view:
        view = view[os.write(descriptor, view) :]


def _line(event: Event) -> bytes:
    return (json.dumps(event, ensure_ascii=False, separators=(",", ":")) + "\n").encode("utf-8")


def _last_line_end(handle: IO[bytes], end: int) -> int:
    """Offset just after the last line break before ``end``; 0 if there is none."""
    block = 65536
    position = end
    while position > 0:
        start = max(0, position - block)
        handle.seek(start)
        found = handle.read(position - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        position = start
    return 0
