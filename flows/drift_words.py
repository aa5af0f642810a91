"""Drift as people read it. ``hefu sync``, ``hefu status`` and the errors say it alike."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from lake.runs import Drift, NewColumn
from schemas.text import Text

_DAY = ZoneInfo("Asia/Shanghai")
_NAMED = 10


def told(drift: Drift, *, dated: bool = False) -> list[Text]:
    """One sentence for each column that is new, and one for those that are missing.

    ``dated``: also of a column of mode ``evolve`` since when it is there.
    """
    said = [new_column(column, drift.mode, dated=dated) for column in drift.columns]
    detailed = {column.name for column in drift.columns}
    # A record of an earlier version has the names alone.
    said += [
        Text(en=f"column {name} is new", zh=f"新增列“{name}”")
        for name in drift.new
        if name not in detailed
    ]
    if drift.missing:
        names = named(drift.missing)
        said.append(
            Text(
                en=f"part of what came lacks {names.en}, which the mapping reads",
                zh=f"部分数据缺少映射所用的列：{names.zh}",
            )
        )
    return said


def new_column(column: NewColumn, mode: str, *, dated: bool = False) -> Text:
    """``column 车牌颜色 is new: 3,120 of 3,120 rows have it, sample 蓝``."""
    first = column.first_seen
    if mode == "evolve":
        since = Text(en=f" since {first}", zh=f"（{first} 起）") if dated else Text(en="", zh="")
        head = Text(
            en=f"column {column.name} is new{since.en}", zh=f"新增列“{column.name}”{since.zh}"
        )
    else:
        head = Text(
            en=f"nobody told of column {column.name} (first seen on {first})",
            zh=f"列“{column.name}”未作说明（{first} 首次出现）",
        )
    if column.samples:
        like = Text(
            en=f"sample {', '.join(column.samples)}", zh=f"示例：{'、'.join(column.samples)}"
        )
    else:
        like = column.shape
    renamed = Text(en="", zh="")
    if column.instead_of is not None:
        renamed = Text(
            en=f"; it may be the new name of {column.instead_of}",
            zh=f"；可能是“{column.instead_of}”的新名称",
        )
    fate = _FATES.get(mode, Text(en="", zh=""))
    return Text(
        en=f"{head.en}: {column.filled:,} of {column.rows:,} rows have it, "
        f"{like.en}{renamed.en}{fate.en}",
        zh=f"{head.zh}：{column.rows:,} 行中 {column.filled:,} 行有值，"
        f"{like.zh}{renamed.zh}{fate.zh}",
    )


def named(names: Sequence[str]) -> Text:
    """The first names of a list, in a sentence."""
    shown, more = names[:_NAMED], len(names) - _NAMED
    word = "column" if len(names) == 1 else "columns"
    return Text(
        en=f"{word} {', '.join(shown)}" + (f" and {more} more" if more > 0 else ""),
        zh="、".join(f"“{name}”" for name in shown) + (f" 等 {len(names)} 列" if more > 0 else ""),
    )


def day_of(moment: datetime) -> str:
    """The day in China, ISO 8601."""
    return moment.astimezone(_DAY).date().isoformat()


_FATES = {
    "discard_row": Text(en="; the rows that have it are in quarantine", zh="；有值的行已隔离"),
    "discard_value": Text(en="; its values were left out", zh="；该列的值未采用"),
}
