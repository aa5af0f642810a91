"""Files as the region's older systems drop them: one large first export, then one a day.

CSV comes in GB18030 with Chinese headers and CRLF; JSON in UTF-8, as lines or as one document
``{"exported": …, "list": […]}``. A file is written under its final name only when it is complete.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Literal

from examples.region.generator import Entry
from examples.region.happenings import CHINA
from examples.region.renderings import Row

DAILY_FILES: Final = 14

Format = Literal["csv", "jsonl", "json"]


def first_drop(
    folder: Path, name: str, written_as: Format, entries: Sequence[Entry], now: datetime
) -> list[Path]:
    """The files that lie in ``folder`` at ``now``: rows by the day of their update time."""
    oldest = (now - timedelta(days=DAILY_FILES)).astimezone(CHINA).date()
    by_day: dict[str, list[Row]] = {}
    for entry in entries:
        day = max(entry.updated_at.astimezone(CHINA).date(), oldest)
        by_day.setdefault(f"{day:%Y%m%d}", []).append(entry.row)
    return [_write(folder, f"{name}_{day}", written_as, rows) for day, rows in by_day.items()]


def next_drop(
    folder: Path, name: str, written_as: Format, entries: Sequence[Entry], now: datetime
) -> Path:
    """The one file of the day that follows ``now``, late rows and all."""
    day = (now + timedelta(days=1)).astimezone(CHINA)
    return _write(folder, f"{name}_{day:%Y%m%d}", written_as, [entry.row for entry in entries])


def _write(folder: Path, stem: str, written_as: Format, rows: Sequence[Row]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{stem}.{written_as}"
    partial = path.with_name(f".{path.name}.part")
    partial.write_bytes(_encoded(written_as, rows))
    partial.rename(path)
    return path


def _encoded(written_as: Format, rows: Sequence[Row]) -> bytes:
    if written_as == "csv":
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
        return text.getvalue().encode("gb18030")
    if written_as == "jsonl":
        return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    return json.dumps({"exported": len(rows), "list": list(rows)}, ensure_ascii=False).encode()


def write_api_data(path: Path, entries: Sequence[Entry]) -> None:
    """What a web interface has in store, replaced in one step while it is running."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (
        json.dumps(
            {"updated_at": entry.updated_at.isoformat(), "row": entry.row}, ensure_ascii=False
        )
        for entry in entries
    )
    partial = path.with_name(f".{path.name}.part")
    partial.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    partial.replace(path)
