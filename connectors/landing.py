"""Where bytes rest as they were received, before anything is parsed.

    landing/objects/ab/abcdef…            content by SHA-256, stored once
    landing/streams/<system>/<stream>.jsonl   what was received when (connectors.landing_log)
    landing/tmp/<system>/<stream>         the object in the making
    landing/lock                          shared while an object is placed, alone while some go

An object is visible only whole: it is written beside, fsynced and renamed. Its event is
appended after it, and the run that it belonged to is simply made again after a crash between
the two. :meth:`Landing.let_go` is the only thing that deletes: it notes in the log first.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from connectors.disk import minding_a_full_disk
from connectors.landing_log import Event, Log, sync_folder
from schemas.errors import DataError, Where
from schemas.text import Text

_STREAM_ID = re.compile(r"^[a-z0-9][a-z0-9_-]*/[a-z0-9][a-z0-9_-]*$")
_DIGEST = re.compile(r"^[0-9a-f]{64}$")


@dataclass(frozen=True, slots=True)
class Landed:
    """One object as received. ``digest`` is SHA-256 in hex, ``size`` in bytes.

    ``origin`` is a file's name or an address without query: it never holds a secret or a
    value that might be personal. ``page`` counts from 1 for sources with pages. ``request``
    says what was asked for, without secrets. ``member``: the file of a ZIP that is meant,
    by its path in there; the object is the archive. ``pruned_at``: the retention rule let the
    object go then.
    """

    digest: str
    size: int
    path: Path
    origin: str
    fetched_at: datetime
    page: int | None = None
    request: str | None = None
    member: str | None = None
    pruned_at: datetime | None = None

    @property
    def key(self) -> str:
        """What a run record names it by: the digest, of a member ``<digest>!/<path>``."""
        return self.digest if self.member is None else f"{self.digest}!/{self.member}"


@dataclass(frozen=True, slots=True)
class Resting:
    """An object that is there: ``changed`` is its file's time, in seconds since 1970 (UTC)."""

    digest: str
    size: int
    changed: float


class Landing:
    """The landing area of a node, below ``root``."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._logs: dict[str, Log] = {}

    @property
    def root(self) -> Path:
        return self._root

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
        nothing. Raises :class:`RetryableError` when the disk is full; nothing is left of it.
        """
        log = self._log(stream_id)
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        with log.writing() as handle:
            temporary = self._root / "tmp" / stream_id
            try:
                digest, size = self._receive(chunks, temporary)
                with self._lock(fcntl.LOCK_SH):
                    self._place(temporary, digest, size)
                    # Only the newest of this origin: a file that goes back to an earlier content
                    # was delivered anew, and its rows are newer than those in between.
                    known = log.newest_from(handle, origin) if once else None
                    if known and known["digest"] == digest and "pruned_at" not in known:
                        return self._landed(known)
                    event: Event = {
                        "digest": digest,
                        "size": size,
                        "origin": origin,
                        "fetched_at": fetched_at.isoformat(),
                        "page": page,
                    }
                    if request is not None:
                        event["request"] = request
                    log.append(handle, event)
            finally:
                temporary.unlink(missing_ok=True)
        return self._landed(event)

    def streams(self) -> list[str]:
        """The streams that something was ever received for."""
        found = (self._root / "streams").glob("*/*.jsonl")
        return sorted(f"{p.parent.name}/{p.stem}" for p in found)

    def log_size(self) -> int:
        """Bytes of all logs together."""
        return sum(p.stat().st_size for p in (self._root / "streams").glob("*/*.jsonl"))

    def events(self, stream_id: str) -> list[Landed]:
        """All that was received for a stream, oldest first."""
        return [self._landed(event) for event in self._log(stream_id).events()]

    def latest(self, stream_id: str) -> dict[str, Landed]:
        """By digest, the last time that each object was received for a stream."""
        return {event.digest: event for event in self.events(stream_id)}

    def find(self, digest: str, event: Landed | None = None) -> Path:
        """The path of an object. ``event``: what the log last said of it, for the words.

        Raises :class:`DataError` if it isn't there: let go by the retention rule, or lost.
        """
        if _DIGEST.match(digest) and self._object(digest).exists():
            return self._object(digest)
        where = Where(f"sha256:{digest[:64]}")
        if event is not None and event.pruned_at is not None:
            raise _pruned(where, event.pruned_at)
        raise DataError(
            Text(en="this object is not in the landing area", zh="落地区没有该对象"),
            where=where,
            hint=Text(
                en="pull the source again, or restore landing/ from the back-up",
                zh="请重新拉取该来源，或从备份恢复 landing/",
            ),
        )

    def whole(self, digest: str, event: Landed | None = None) -> Path:
        """As :meth:`find`, and its bytes are still those that were received.

        Raises :class:`DataError`, too, if they are not. Reads the object once.
        """
        path = self.find(digest, event)
        if _digest(path) == digest:
            return path
        raise DataError(
            Text(
                en="this object is no longer what was received: its bytes changed on the disk",
                zh="该对象已不是当初收到的内容：磁盘上的字节发生了变化",
            ),
            where=Where(f"sha256:{digest[:64]}"),
            hint=Text(
                en="restore it from the back-up of landing/, and have the disk looked at; nothing "
                "of it was taken",
                zh="请从 landing/ 的备份中恢复该对象并检查磁盘；未采用其中任何内容",
            ),
        )

    def resting(self) -> Iterator[Resting]:
        """Every object that is there, whoever knows it."""
        for path in (self._root / "objects").glob("??/*"):
            try:
                found = path.stat()
            except FileNotFoundError:
                continue  # let go while we looked
            yield Resting(path.name, found.st_size, found.st_mtime)

    def note_pruned(self, stream_id: str, digests: Collection[str], now: datetime) -> int:
        """Note that objects are let go, and shorten the log; returns how many were noted.

        Of an object that was let go the log keeps its last event. The objects are still there:
        :meth:`sweep` deletes what no stream has a claim on any more.
        """
        log = self._log(stream_id)
        with log.writing():
            events = list(log.events())
            last = {event["digest"]: event for event in events}
            fresh = {d for d in digests if d in last and "pruned_at" not in last[d]}
            if not fresh:
                return 0
            kept = []
            for event in events:
                digest = event["digest"]
                if digest in fresh or "pruned_at" in last[digest]:
                    if event is not last[digest]:
                        continue
                    event.setdefault("pruned_at", now.isoformat())
                kept.append(event)
            log.rewrite(kept)
        return len(fresh)

    def sweep(self, unknown: Collection[str]) -> list[Resting]:
        """Delete objects that every stream let go, and those of ``unknown`` that none knows.

        Safe beside pulls and after a crash at any point: an object that is stored meanwhile is
        either seen in its log, or placed after this is done.
        """
        gone = []
        with self._lock(fcntl.LOCK_EX):
            claimed, let_go = self._claims()
            for resting in self.resting():
                digest = resting.digest
                if digest in claimed or not (digest in let_go or digest in unknown):
                    continue
                self._object(digest).unlink()
                gone.append(resting)
        return gone

    def _claims(self) -> tuple[set[str], set[str]]:
        """Digests that a stream still holds to, and those that only were let go."""
        claimed: set[str] = set()
        let_go: set[str] = set()
        for stream_id in self.streams():
            for digest, event in self.latest(stream_id).items():
                (claimed if event.pruned_at is None else let_go).add(digest)
        return claimed, let_go - claimed

    def _object(self, digest: str) -> Path:
        return self._root / "objects" / digest[:2] / digest

    def _log(self, stream_id: str) -> Log:
        if not _STREAM_ID.match(stream_id):
            raise ValueError(f"not a stream id: {stream_id!r}")
        if stream_id not in self._logs:
            self._logs[stream_id] = Log(self._root / "streams" / f"{stream_id}.jsonl")
        return self._logs[stream_id]

    def _landed(self, event: Event) -> Landed:
        pruned_at = event.get("pruned_at")
        return Landed(
            digest=event["digest"],
            size=event["size"],
            path=self._object(event["digest"]),
            origin=event["origin"],
            fetched_at=datetime.fromisoformat(event["fetched_at"]),
            page=event["page"],
            request=event.get("request"),
            pruned_at=datetime.fromisoformat(pruned_at) if pruned_at else None,
        )

    def _receive(self, chunks: Iterable[bytes], temporary: Path) -> tuple[str, int]:
        """Under the stream's lock, so ``temporary`` can only be what a killed process left."""
        temporary.parent.mkdir(parents=True, exist_ok=True)
        temporary.unlink(missing_ok=True)
        sha256, size = hashlib.sha256(), 0
        with temporary.open("xb", buffering=0) as handle:
            for chunk in chunks:
                sha256.update(chunk)
                with minding_a_full_disk(self._root):
                    _write_all(handle.fileno(), chunk)
                size += len(chunk)
        return sha256.hexdigest(), size

    def _place(self, temporary: Path, digest: str, size: int) -> None:
        target = self._object(digest)
        # Only a whole object gets its name; but a disk, or somebody, may have changed it since.
        if target.exists() and target.stat().st_size == size and _digest(target) == digest:
            return
        with minding_a_full_disk(self._root):
            target.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("rb") as handle:
                os.fchmod(handle.fileno(), 0o440)
                os.fsync(handle.fileno())
            temporary.replace(target)
            sync_folder(target.parent)

    @contextmanager
    def _lock(self, kind: int) -> Iterator[None]:
        """Between those who place objects (``LOCK_SH``) and who deletes them (``LOCK_EX``)."""
        self._root.mkdir(parents=True, exist_ok=True)
        with (self._root / "lock").open("ab") as handle:
            fcntl.flock(handle.fileno(), kind)
            yield


def _digest(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _write_all(descriptor: int, chunk: bytes) -> None:
    view = memoryview(chunk)
    while view:
        view = view[os.write(descriptor, view) :]


def _pruned(where: Where, when: datetime) -> DataError:
    day = when.date().isoformat()
    return DataError(
        Text(
            en=f"this object was pruned on {day} by the retention rule",
            zh=f"该对象已于 {day} 按保存期限规定清理",
        ),
        where=where,
        hint=Text(
            en="what was made of it is in the lake; only the source can give it again "
            "(docs/landing.md)",
            zh="由其生成的记录仍在数据湖中；如需原件只能由来源重新提供（见 docs/landing.zh-CN.md）",
        ),
    )
