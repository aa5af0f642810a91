"""Where bytes rest as they were received, before anything is parsed.

    landing/objects/ab/abcdef…            content by SHA-256, stored once
    landing/streams/<system>/<stream>.jsonl   what was received when, one event a line
    landing/tmp/<system>/<stream>         the object in the making

An object is visible only whole: it is written beside, fsynced and renamed. An event is one
line appended after its object; a line torn by a crash is dropped by the next writer, and the
run that it belonged to is simply made again.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from schemas.errors import DataError, Where
from schemas.text import Text

_STREAM_ID = re.compile(r"^[a-z0-9][a-z0-9_-]*/[a-z0-9][a-z0-9_-]*$")
_DIGEST = re.compile(r"^[0-9a-f]{64}$")


@dataclass(frozen=True, slots=True)
class Landed:
    """One object as received. ``digest`` is SHA-256 in hex, ``size`` in bytes.

    ``origin`` is a file's name or an address without query: it never holds a secret or a
    value that might be personal. ``page`` counts from 1 for sources with pages. ``request``
    says what was asked for, without secrets. ``member``: the file of an archive that is meant,
    by its path in there; the object is the archive.
    """

    digest: str
    size: int
    path: Path
    origin: str
    fetched_at: datetime
    page: int | None = None
    request: str | None = None
    member: str | None = None

    @property
    def key(self) -> str:
        """What a run record names it by: the digest, of a member ``<digest>!/<path>``."""
        return self.digest if self.member is None else f"{self.digest}!/{self.member}"


class Landing:
    """The landing area of a node, below ``root``."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def store(
        self,
        stream_id: str,
        chunks: Iterable[bytes],
        origin: str,
        fetched_at: datetime,
        page: int | None = None,
        *,
        once: bool = False,
        request: str | None = None,
    ) -> Landed:
        """Store ``chunks`` and note the event; returns when both are on disk.

        ``once``: bytes equal to the last ones from the same origin are the same delivery (a
        file read again) and keep their ``fetched_at``. An error raised by ``chunks`` leaves
        nothing.
        """
        with _locked(self._index(stream_id)) as handle:
            digest, size = self._put(chunks, self._root / "tmp" / stream_id)
            if once:
                # Only the newest of this origin: a file that goes back to an earlier content
                # was delivered anew, and its rows are newer than those in between.
                of_origin = [e for e in _events(handle) if e["origin"] == origin]
                if of_origin and of_origin[-1]["digest"] == digest:
                    return self._landed(of_origin[-1])
            event: dict[str, Any] = {
                "digest": digest,
                "size": size,
                "origin": origin,
                "fetched_at": fetched_at.isoformat(),
                "page": page,
            }
            if request is not None:
                event["request"] = request
            _append(handle, event)
        return self._landed(event)

    def events(self, stream_id: str) -> list[Landed]:
        """All that was received for a stream, oldest first."""
        index = self._index(stream_id)
        if not index.exists():
            return []
        with index.open("rb") as handle:
            return [self._landed(event) for event in _events(handle)]

    def find(self, digest: str) -> Path:
        """The path of an object. Raises :class:`DataError` if it isn't there."""
        if not _DIGEST.match(digest) or not self._object(digest).exists():
            raise DataError(
                Text(en="this object is not in the landing area", zh="落地区没有该对象"),
                where=Where(f"sha256:{digest[:64]}"),
                hint=Text(
                    en="pull the source again, or restore landing/ from the back-up",
                    zh="请重新拉取该来源，或从备份恢复 landing/",
                ),
            )
        return self._object(digest)

    def _object(self, digest: str) -> Path:
        return self._root / "objects" / digest[:2] / digest

    def _index(self, stream_id: str) -> Path:
        if not _STREAM_ID.match(stream_id):
            raise ValueError(f"not a stream id: {stream_id!r}")
        return self._root / "streams" / f"{stream_id}.jsonl"

    def _landed(self, event: dict[str, Any]) -> Landed:
        return Landed(
            digest=event["digest"],
            size=event["size"],
            path=self._object(event["digest"]),
            origin=event["origin"],
            fetched_at=datetime.fromisoformat(event["fetched_at"]),
            page=event["page"],
            request=event.get("request"),
        )

    def _put(self, chunks: Iterable[bytes], temporary: Path) -> tuple[str, int]:
        """Under the stream's lock, so ``temporary`` can only be what a killed process left."""
        temporary.parent.mkdir(parents=True, exist_ok=True)
        temporary.unlink(missing_ok=True)
        try:
            sha256, size = hashlib.sha256(), 0
            with temporary.open("xb", buffering=0) as handle:
                for chunk in chunks:
                    sha256.update(chunk)
                    _write_all(handle.fileno(), chunk)
                    size += len(chunk)
                digest = sha256.hexdigest()
                target = self._object(digest)
                # Only a whole object gets its name, so one of the right size is the right one.
                if target.exists() and target.stat().st_size == size:
                    return digest, size
                os.fchmod(handle.fileno(), 0o440)
                os.fsync(handle.fileno())
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary.replace(target)
            _sync_folder(target.parent)
            return digest, size
        finally:
            temporary.unlink(missing_ok=True)


def _write_all(descriptor: int, chunk: bytes) -> None:
    view = memoryview(chunk)
    while view:
        view = view[os.write(descriptor, view) :]


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _locked(index: Path) -> Iterator[Any]:
    index.parent.mkdir(parents=True, exist_ok=True)
    with index.open("a+b") as handle:
        fcntl.flock(handle.fileno(), fcntl.LOCK_EX)
        yield handle


def _events(handle: Any) -> Iterator[dict[str, Any]]:
    handle.seek(0)
    for line in handle:
        if line.endswith(b"\n"):  # a torn last line was never confirmed to anyone
            yield json.loads(line)


def _append(handle: Any, event: dict[str, Any]) -> None:
    """Add one line, after cutting off a line that a crash tore."""
    end = handle.seek(0, os.SEEK_END)
    if end:
        handle.seek(end - 1)
        if handle.read(1) != b"\n":
            handle.truncate(_last_line_end(handle, end))
            handle.seek(0, os.SEEK_END)
    line = json.dumps(event, ensure_ascii=False, separators=(",", ":")) + "\n"
    handle.write(line.encode("utf-8"))
    handle.flush()
    os.fsync(handle.fileno())


def _last_line_end(handle: Any, end: int) -> int:
    """Offset just after the last line break before ``end``; 0 if there is none."""
    block = 65536
    position: int = end
    while position > 0:
        start = max(0, position - block)
        handle.seek(start)
        found: int = handle.read(position - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        position = start
    return 0
