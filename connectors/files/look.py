"""What there is in a place of files, without landing anything."""

from __future__ import annotations

import tempfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from connectors.config import SourceConfig
from connectors.delivery import Secrets
from connectors.files.choose import Found
from connectors.files.drop import opened
from connectors.files.place import Seen
from connectors.formats.archive import unpacker
from connectors.formats.spreadsheet import read_shape
from connectors.landing import Landed
from connectors.look import Look, StreamSeen
from connectors.pace import Pace
from connectors.reader_config import FilesReader
from schemas.errors import DataError, Where
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


def look_inside(
    reader: FilesReader, landed: Landed, secrets: Secrets | None = None
) -> tuple[Text, ...]:
    """Which sheet and which row as its header are read of a workbook that was landed.

    Nothing of another format, nor of a workbook that can't be read: reading it says why.
    """
    if reader.format != "spreadsheet":
        return ()
    with (
        tempfile.TemporaryDirectory(prefix="hefu-look-") as temp,
        closing(unpacker(reader, secrets)) as unpack,
    ):
        try:
            plain = unpack.plain(landed, Path(temp))
            shape = read_shape(plain.path, Where(landed.origin), reader, Path(temp), secrets)
        except DataError:
            return ()
    if shape.header_row is None:
        en, zh = "without a header", "没有表头"
    elif shape.header_rows > 1:
        last = shape.header_row + shape.header_rows - 1
        en, zh = (
            f"header in rows {shape.header_row} to {last}",
            f"表头为第 {shape.header_row} 至 {last} 行",
        )
    else:
        en, zh = f"header in row {shape.header_row}", f"表头为第 {shape.header_row} 行"
    columns = len(shape.columns)
    return (
        Text(
            en=f'{landed.origin}: sheet "{shape.sheet}", {en}, {columns} columns',
            zh=f"{landed.origin}：工作表“{shape.sheet}”，{zh}，共 {columns} 列",
        ),
    )


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
