"""A place and the patience with it: what a pull, a trial and a look go through."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from connectors.delivery import Secrets
from connectors.files.choose import Found, finished
from connectors.files.local import LocalFolder
from connectors.files.patience import Patience
from connectors.files.patterns import Pattern
from connectors.files.place import GoneError, Place, Seen
from connectors.files.settings import FilesReader, LocalPlace, SftpPlace
from connectors.landing import Landed, Landing
from connectors.pace import Pace
from schemas.text import Text


@dataclass(frozen=True, slots=True)
class Drop:
    """Where a source's files are. Use :func:`opened`."""

    reader: FilesReader
    place: Place
    patience: Patience

    def reached(self) -> tuple[Text, ...]:
        return self.patience.run(self.place.reached)

    def find(self) -> Found:
        """The files that the pattern means, finished and waiting, by name."""
        wanted, suffix = self.reader.pattern, self.reader.done_suffix
        pattern = Pattern.of([wanted, wanted + suffix] if suffix else [wanted])
        listed = finished(self.patience.run(lambda: self.place.list_files(pattern)), suffix)
        return Found(tuple(s for s in listed.ready if self._is_file(s)), listed.waiting)

    def _is_file(self, seen: Seen) -> bool:
        if seen.size > 0 or not self.place.lists_folders:
            return True
        try:
            self.patience.run(lambda: self.place.look_at(seen.name))
        except GoneError:
            return False
        return True

    def land(
        self, stream_id: str, seen: Seen, landing: Landing, now: datetime
    ) -> tuple[Landed, Seen]:
        """Land one file; returns what it looked like when it was read.

        Raises :class:`connectors.files.place.GoneError` if it is no longer there.
        """
        asked = [seen]

        def attempt() -> tuple[Landed, Seen]:
            # Again: whatever it was before, what is there now is what is wanted.
            current = asked.pop() if asked else self.place.look_at(seen.name)
            with self.place.open(current) as reading:
                landed = landing.store(stream_id, reading.chunks, seen.name, now, once=True)
            return landed, reading.seen

        return self.patience.run(attempt)


@contextmanager
def opened(reader: FilesReader, folder: Path, secrets: Secrets, pace: Pace) -> Iterator[Drop]:
    """The drop of a source whose ``source.toml`` lies in ``folder``; nothing is reached yet."""
    settings = reader.place
    if isinstance(settings, LocalPlace):
        place, patience = _local(reader, folder, secrets), Patience(pace)
    else:
        place = _remote(reader, folder, secrets, pace)
        patience = Patience(
            pace, settings.retries, settings.backoff_seconds, settings.backoff_max_seconds
        )
    try:
        yield Drop(reader, place, patience)
    finally:
        place.close()


def _local(reader: FilesReader, folder: Path, secrets: Secrets) -> Place:
    return LocalFolder(folder / plain(reader.path, secrets))


def _remote(reader: FilesReader, folder: Path, secrets: Secrets, pace: Pace) -> Place:
    path = plain(reader.path, secrets)
    if isinstance(reader.place, SftpPlace):
        from connectors.files.sftp import SftpFolder

        return SftpFolder(reader.place, path, secrets)
    from connectors.files.s3 import Bucket

    assert not isinstance(reader.place, LocalPlace)  # noqa: S101 - told apart by the caller
    return Bucket(reader.place, path, folder, secrets, pace)


def plain(value: str, secrets: Secrets) -> str:
    """A value of ``source.toml`` that may be named as ``env:NAME``."""
    return secrets(value) if value.startswith("env:") else value
