"""Files that appear in a place: what is new, what a window means, the newest full copy.

The cursor is the state of the place: ``{name: {"sha256", "size", "mtime_ns", …}}`` of the files
that are there. All but the digest are only hints to skip unread files; the digest decides. Files
come by name, so that of two versions of a record the one in the later file wins.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from connectors.config import SourceConfig, in_window
from connectors.delivery import Delivery, Progress, PullRequest, Secrets
from connectors.files.choose import entry_of, file_day, is_known, newest_copy
from connectors.files.drop import Drop, opened
from connectors.files.place import GoneError, Seen
from connectors.landing import Landed, Landing
from connectors.pace import Pace
from connectors.reader_config import FilesReader


def pull_files(
    source: SourceConfig,
    reader: FilesReader,
    folder: Path,
    request: PullRequest,
    landing: Landing,
    *,
    secrets: Secrets,
    progress: Progress,
    pace: Pace | None = None,
) -> Delivery:
    """Land the files that ``request`` asks for.

    Mode ``cursor``: files that are new or whose content changed; of a source that is a
    ``snapshot``, the newest copy if it is another than the last. Mode ``window``: all files
    whose date in the name is in the window; without ``window.file_date``, all files.
    ``request.full``: whatever was read before.

    Raises :class:`schemas.errors.RefusedError` for a missing folder, a path that leads out of it,
    a wrong key or account, :class:`schemas.errors.RetryableError` for a file that changed while
    it was copied and a connection that broke off.
    """
    with opened(reader, folder, secrets, pace or Pace()) as drop:
        pulling = _Pulling(source, drop, request, landing, progress)
        if request.mode == "window":
            return pulling.window()
        return pulling.snapshot() if source.mode == "snapshot" else pulling.new_files()


def newest_file(
    source: SourceConfig,
    reader: FilesReader,
    folder: Path,
    landing: Landing,
    *,
    secrets: Secrets,
    now: datetime,
    pace: Pace | None = None,
) -> Delivery:
    """Land the file that changed last, to try a source out; nothing if there is none."""
    with opened(reader, folder, secrets, pace or Pace()) as drop:
        ready = drop.find().ready
        newest = max(ready, key=lambda seen: (seen.mtime_ns, seen.name), default=None)
        if newest is None:
            return Delivery((), None)
        landed, _ = drop.land(source.stream_id, newest, landing, now)
        return Delivery((landed,), None)


class _Pulling:
    """One pull of one source."""

    def __init__(
        self,
        source: SourceConfig,
        drop: Drop,
        request: PullRequest,
        landing: Landing,
        progress: Progress,
    ) -> None:
        self._source = source
        self._drop = drop
        self._request = request
        self._landing = landing
        self._progress = progress
        self._before: dict[str, Any] = request.cursor or {}

    def new_files(self) -> Delivery:
        found = self._drop.find().quiet(self._request.now, self._drop.reader.quiet_seconds)
        # A file that waits is still seen as changed when it is finished.
        after = {s.name: self._before[s.name] for s in found.waiting if s.name in self._before}
        objects: list[Landed] = []
        for seen in self._counted(found.ready):
            known = self._before.get(seen.name)
            if known and is_known(known, seen) and not self._request.full:
                after[seen.name] = known | seen.marks
                continue
            try:
                landed, read = self._land(seen)
            except GoneError:
                continue  # moved away by its source: as if it had left before we looked
            after[seen.name] = self._entry(read, landed)
            if self._request.full or not known or known["sha256"] != landed.digest:
                objects.append(landed)
        return Delivery(tuple(objects), dict(sorted(after.items())))

    def window(self) -> Delivery:
        request = self._request
        pattern = self._source.window.file_date if self._source.window else None
        wanted = [s for s in self._drop.find().ready if _in_window(s.name, pattern, request)]
        objects = []
        for seen in self._counted(wanted):
            objects.append(self._land(seen)[0])
        return Delivery(tuple(objects), None, request.since, request.until)

    def snapshot(self) -> Delivery:
        """The newest copy, complete; no objects and nothing said if it is the one read last."""
        found = self._drop.find().quiet(self._request.now, self._drop.reader.quiet_seconds)
        since = {} if self._request.full else self._before
        file_date = self._source.window.file_date if self._source.window else None
        copy = newest_copy(found, since, file_date)
        if all(s.name in since and is_known(since[s.name], s) for s in copy):
            # Also when parts of it have been moved away since: what is left says nothing new.
            return Delivery((), self._before)
        after: dict[str, Any] = {}
        objects = []
        for seen in self._counted(copy):
            landed, read = self._land(seen)
            after[seen.name] = self._entry(read, landed)
            objects.append(landed)
        if after.keys() <= since.keys() and not _digests(after) - _digests(since):
            return Delivery((), {**since, **after})
        if _digests(after) == _digests(since):
            return Delivery((), after)
        return Delivery(tuple(objects), after, complete=True)

    def _counted(self, files: Iterable[Seen]) -> Iterable[Seen]:
        files = list(files)
        for done, seen in enumerate(files):
            self._progress(done, len(files))
            yield seen
        self._progress(len(files), len(files))

    def _land(self, seen: Seen) -> tuple[Landed, Seen]:
        return self._drop.land(self._source.stream_id, seen, self._landing, self._request.now)

    def _entry(self, seen: Seen, landed: Landed) -> dict[str, Any]:
        unsettled = self._drop.place.unsettled_seconds
        return entry_of(seen, landed.digest, self._request.now, unsettled)


def _in_window(name: str, pattern: str | None, request: PullRequest) -> bool:
    """A file whose name shows no date is taken: its rows say where they belong."""
    day = file_day(name, pattern) if pattern is not None else None
    return day is None or in_window(day, request.since, request.until)


def _digests(entries: dict[str, Any]) -> Counter[str]:
    return Counter(entry["sha256"] for entry in entries.values())
