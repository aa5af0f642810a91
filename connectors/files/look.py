"""What there is in a place of files, without landing anything."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from connectors.config import SourceConfig
from connectors.delivery import Secrets
from connectors.files.choose import Found
from connectors.files.drop import opened
from connectors.files.place import Seen
from connectors.look import Look, StreamSeen
from connectors.pace import Pace
from connectors.reader_config import FilesReader
from schemas.text import Text

SHOWN_FILES = 50


def look_files(
    source: SourceConfig,
    reader: FilesReader,
    folder: Path,
    *,
    secrets: Secrets,
    pace: Pace | None = None,
) -> Look:
    """Reach the place and list the files that match, the newest first, at most
    :data:`SHOWN_FILES`. Their columns are not told: that would mean fetching them.

    Raises as :func:`connectors.files.pull.pull_files` does.
    """
    with opened(reader, folder, secrets, pace or Pace()) as drop:
        steps = drop.reached()
        found = drop.find()
    newest = sorted(found.ready, key=lambda seen: (seen.mtime_ns, seen.name), reverse=True)
    streams = tuple(
        StreamSeen(seen.name, _size_and_time(seen, source.zone)) for seen in newest[:SHOWN_FILES]
    )
    return Look((*steps, *_told(reader, found, newest)), streams)


def _told(reader: FilesReader, found: Found, newest: list[Seen]) -> list[Text]:
    total = sum(seen.size for seen in found.ready)
    told = [
        Text(
            en=f"{len(found.ready)} files match {reader.pattern}, {total:,} bytes",
            zh=f"有 {len(found.ready)} 个文件符合 {reader.pattern}，共 {total:,} 字节",
        )
    ]
    if newest:
        told.append(Text(en=f"the newest is {newest[0].name}", zh=f"最新的是 {newest[0].name}"))
    if found.waiting:
        told.append(
            Text(
                en=f"{len(found.waiting)} more wait for their mark ({reader.done_suffix})",
                zh=f"另有 {len(found.waiting)} 个文件在等待完成标志（{reader.done_suffix}）",
            )
        )
    return told


def _size_and_time(seen: Seen, zone: ZoneInfo) -> str:
    changed = datetime.fromtimestamp(seen.mtime_ns // 10**9, UTC).astimezone(zone)
    return f"{seen.size:,} B, {changed:%Y-%m-%d %H:%M}"
