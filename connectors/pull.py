"""Pulling a source: what flows and commands call."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from itertools import chain
from pathlib import Path

from connectors.config import SourceConfig
from connectors.database.pull import look_database, pull_database
from connectors.delivery import Delivery, Progress, PullRequest, Secrets, quiet
from connectors.files.look import look_files
from connectors.files.pull import newest_file, pull_files
from connectors.formats.archive import expand
from connectors.landing import Landing
from connectors.look import Look, StreamSeen
from connectors.pace import Pace
from connectors.reader_config import DatabaseReader, FilesReader, RestReader
from connectors.rest.look import look_rest
from connectors.rest.pull import pull_rest
from schemas.errors import DataError, Where
from schemas.text import Text

__all__ = ["Delivery", "Look", "PullRequest", "look", "probe", "pull", "replay"]


def pull(
    source: SourceConfig,
    folder: Path,
    request: PullRequest,
    landing: Landing,
    *,
    secrets: Secrets,
    progress: Progress = quiet,
    pace: Pace | None = None,
) -> Delivery:
    """Land what ``request`` asks for. ``folder`` holds ``source.toml``; ``pace`` is for tests.

    Errors: :class:`RetryableError` when it may work later, :class:`RefusedError` when not,
    :class:`ConfigError` when ``source.toml`` must change.
    """
    if isinstance(source.reader, FilesReader):
        delivery = pull_files(
            source,
            source.reader,
            folder,
            request,
            landing,
            secrets=secrets,
            progress=progress,
            pace=pace,
        )
        return _expanded(delivery, source.reader)
    if isinstance(source.reader, DatabaseReader):
        return pull_database(
            source,
            source.reader,
            folder,
            request,
            landing,
            secrets=secrets,
            progress=progress,
            pace=pace or Pace(),
        )
    return pull_rest(
        source,
        folder,
        request,
        landing,
        secrets=secrets,
        progress=progress,
        pace=pace or Pace(),
    )


def probe(
    source: SourceConfig,
    folder: Path,
    landing: Landing,
    *,
    secrets: Secrets,
    now: datetime,
    pace: Pace | None = None,
) -> Delivery:
    """Reach, authenticate, fetch the first page, the newest file or some rows.

    Moves no cursor.
    """
    if isinstance(source.reader, FilesReader):
        newest = newest_file(
            source, source.reader, folder, landing, secrets=secrets, now=now, pace=pace
        )
        return _expanded(newest, source.reader)
    request = PullRequest("cursor", None, None, None, now)
    if isinstance(source.reader, DatabaseReader):
        return pull_database(
            source,
            source.reader,
            folder,
            request,
            landing,
            secrets=secrets,
            progress=quiet,
            pace=pace or Pace(),
            only_first=True,
        )
    delivery = pull_rest(
        source,
        folder,
        request,
        landing,
        secrets=secrets,
        progress=quiet,
        pace=pace or Pace(),
        only_first=True,
    )
    return replace(delivery, cursor=None)


def look(source: SourceConfig, folder: Path, *, secrets: Secrets, pace: Pace | None = None) -> Look:
    """What there is at the source, without landing anything: ``hefu check``, ``hefu draft``.

    Raises as :func:`pull` does.
    """
    if isinstance(source.reader, DatabaseReader):
        return look_database(source, source.reader, folder, secrets=secrets)
    if isinstance(source.reader, FilesReader):
        return look_files(source, source.reader, folder, secrets=secrets, pace=pace)
    if isinstance(source.reader, RestReader):
        return look_rest(source, source.reader, folder, secrets=secrets, pace=pace)
    return Look((), (StreamSeen(source.stream, source.label or None),))


def replay(
    source: SourceConfig, request: PullRequest, landing: Landing, digests: tuple[str, ...]
) -> Delivery:
    """A delivery of what was landed before, without the source.

    ``digests``: the keys that earlier runs name (``Landed.key``). An archive that could not be
    opened then is tried anew. Raises :class:`DataError` if an object is no longer there, let go
    by the retention rule or lost, or no longer what was received, or the stream's landing log
    does not know it: without it nobody can say when it came.
    """
    events = landing.latest(source.stream_id)
    objects, whole = [], set()
    for key in digests:
        digest, _, member = key.partition("!/")
        event = events.get(digest)
        if event is None:
            raise _unknown_object(source.stream_id, digest)
        if digest not in whole:
            landing.whole(digest, event)
            whole.add(digest)
        objects.append(
            replace(event, member=member, origin=f"{event.origin}!/{member}") if member else event
        )
    delivery = Delivery(tuple(objects), None, request.since, request.until)
    reader = source.reader
    return _expanded(delivery, reader) if isinstance(reader, FilesReader) else delivery


def _expanded(delivery: Delivery, reader: FilesReader) -> Delivery:
    """The same with each ZIP's members in its place."""
    objects = chain.from_iterable(expand(landed, reader) for landed in delivery.objects)
    return replace(delivery, objects=tuple(objects))


def _unknown_object(stream_id: str, digest: str) -> DataError:
    return DataError(
        Text(
            en=f"the landing log does not know object {digest[:12]}, which a run names",
            zh=f"落地日志中没有运行记录所列的对象 {digest[:12]}",
        ),
        where=Where(stream_id),
        hint=Text(
            en="restore landing/streams from a backup",
            zh="请从备份恢复 landing/streams",
        ),
    )
