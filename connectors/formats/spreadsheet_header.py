"""Where the header of a sheet is, and what its columns are called.

Unset, the header is the first row in which more than two thirds of the columns are filled,
counted by the widest of the first :data:`LOOKED_AT` rows; a merged cell fills all that it covers,
but a row of merged cells alone is a title. It must hold texts only, all different. It takes as
many rows as its merged cells reach down. A cell that spans columns is a group: ``车辆`` over
``号牌`` and ``颜色`` gives ``车辆/号牌`` and ``车辆/颜色``. Where it can't be told which row is
meant, nothing is guessed: a person says it in ``source.toml``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from connectors.formats.raw_table import check_names
from connectors.formats.spreadsheet_cells import (
    Bad,
    Cell,
    Merge,
    Row,
    Value,
    column_name,
    overlap,
)
from schemas.errors import DataError, Where
from schemas.text import Text

LOOKED_AT = 50
_GAP = re.compile(r"(?<=([^\s]))\s+(?=([^\s]))")


@dataclass(frozen=True, slots=True)
class Header:
    """``row`` and ``rows``: where it is, from 1 (None: the sheet has none). ``columns``: column of
    the sheet → name. ``unnamed``: those that the sheet gives no name."""

    row: int | None
    rows: int
    columns: dict[int, str]
    unnamed: frozenset[str] = frozenset()

    @property
    def last(self) -> int:
        """The row after which records begin."""
        return 0 if self.row is None else self.row + self.rows - 1


def find_header(
    first: Sequence[Row],
    merges: Sequence[Merge],
    row: int | None,
    rows: int | None,
    where: Where,
) -> Header:
    """``first``: the first rows of the sheet that hold anything; ``row``, ``rows``: as set.

    Raises :class:`DataError` if no row looks like a header, or names can't be used.
    """
    seen = {r.number: _with_merged(r, first, merges, where) for r in first}
    if row is None:
        row = _first_that_looks_like_one(first, seen, merges, rows, where)
    elif row not in seen:
        raise DataError(
            Text(en=f"row {row} is empty: no header", zh=f"第 {row} 行为空，没有表头"),
            where=where,
            hint=_SAY_IT,
        )
    reach = max((m.bottom for m in merges if m.top == row and _filled(seen, m)), default=row)
    height = rows or min(reach - row + 1, 10)
    cells = [seen.get(r, {}) for r in range(row, row + height)]
    width = max((c for line in cells for c in line), default=0)
    names = {c: _joined([line.get(c) for line in cells]) for c in range(1, width + 1)}
    columns = {c: name or f"column_{c}" for c, name in names.items()}
    _check(columns, where)
    unnamed = frozenset(columns[c] for c, name in names.items() if not name)
    return Header(row, height, columns, unnamed)


def named(columns: Sequence[str], where: Where) -> Header:
    """For a sheet without a header. Raises :class:`DataError` for names that can't be used."""
    found = dict(enumerate(columns, start=1))
    _check(found, where)
    return Header(None, 0, found)


def plain_name(text: str) -> str:
    """A name without blanks around it; inside, line breaks and blanks become one blank, and
    none between two characters that are not ASCII: ``姓　　名`` is ``姓名``."""
    return _GAP.sub(lambda gap: " " if gap[1].isascii() or gap[2].isascii() else "", text.strip())


def overlapping(row: int, where: Where) -> DataError:
    """No program makes such cells, and going through them would take for ever."""
    return DataError(
        Text(
            en=f"merged cells overlap each other in row {row}",
            zh=f"第 {row} 行的合并单元格相互重叠",
        ),
        where=where,
        hint=Text(
            en="open it in Excel or WPS, save it as .xlsx and have it sent again",
            zh="请用 Excel 或 WPS 打开，另存为 .xlsx 后重新报送",
        ),
    )


def _with_merged(
    row: Row, first: Sequence[Row], merges: Sequence[Merge], where: Where
) -> dict[int, Cell]:
    """The row's cells, and those that a merged cell gives it."""
    found = {c: v for c, v in row.cells.items() if isinstance(v, Bad) or v.strip()}
    by_number = {r.number: r.cells for r in first}
    here = [m for m in merges if m.top <= row.number <= m.bottom]
    if overlap(here):
        raise overlapping(row.number, where)
    for merge in here:
        value = by_number.get(merge.top, {}).get(merge.left)
        if value is not None:
            for column in range(merge.left, merge.right + 1):
                found.setdefault(column, value)
    return found


def _first_that_looks_like_one(
    first: Sequence[Row],
    seen: dict[int, dict[int, Cell]],
    merges: Sequence[Merge],
    rows: int | None,
    where: Where,
) -> int:
    widest = max((len(cells) for cells in seen.values()), default=0)
    for row in first:
        cells = seen[row.number]
        wide = [m for m in merges if m.top <= row.number <= m.bottom and m.right > m.left]
        grouped = {c for m in wide for c in range(m.left, m.right + 1)}
        if 3 * len(cells) <= 2 * widest or all(c in grouped for c in cells):
            continue
        if widest < 2 or any(isinstance(v, Bad | Value) for v in cells.values()):
            break
        reaches_down = any(m.top == row.number < m.bottom for m in merges)
        if wide and not reaches_down and rows is None:
            raise DataError(
                Text(
                    en=f"row {row.number} looks like a header that groups columns, and nothing "
                    "says how many rows it takes",
                    zh=f"第 {row.number} 行像是分组的多行表头，但无法判断共占几行",
                ),
                where=where,
                hint=_SAY_IT,
            )
        return row.number
    raise DataError(
        Text(
            en=f"none of the first {len(first)} rows looks like a header",
            zh=f"前 {len(first)} 行中没有像表头的行",
        ),
        where=where,
        hint=_SAY_IT,
    )


_SAY_IT = Text(
    en="set header_row (and header_rows) in source.toml to the row's number as the program shows "
    "it; for a sheet without a header, header = false and columns",
    zh="请在 source.toml 中按表格软件显示的行号设置 header_row（及 header_rows）；没有表头时设置 "
    "header = false 和 columns",
)


def _filled(seen: dict[int, dict[int, Cell]], merge: Merge) -> bool:
    return merge.left in seen.get(merge.top, {})


def _joined(cells: Sequence[Cell | None]) -> str:
    parts: list[str] = []
    for cell in cells:
        part = plain_name(cell) if isinstance(cell, str) else ""
        if part and part not in parts[-1:]:
            parts.append(part)
    return "/".join(parts)


def _check(columns: dict[int, str], where: Where) -> None:
    count = Counter(name.lower() for name in columns.values())
    repeated = [column_name(c) for c, name in columns.items() if count[name.lower()] > 1]
    if repeated:
        # By place: a row that was taken for a header may hold anything.
        raise DataError(
            Text(
                en=f"the header names a column more than once: columns {', '.join(repeated)}",
                zh=f"表头中有重复的列名：第 {'、'.join(repeated)} 列",
            ),
            where=where,
            hint=Text(
                en="compare header_row and header_rows with the sheet; else have the source name "
                "the columns apart",
                zh="请将 header_row、header_rows 与表格核对；确属重名时请来源单位使用不同列名",
            ),
        )
    check_names(columns.values(), where)
