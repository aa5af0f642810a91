"""XLS (BIFF 5 to 8: Excel 95 to 2003, and WPS's ET), by xlrd. The file is read into memory."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from connectors.formats.spreadsheet_cells import (
    Bad,
    Cell,
    Merge,
    Row,
    Style,
    Value,
    number,
    style_of,
)
from connectors.formats.spreadsheet_package import FOREIGN_FAULTS, damaged
from schemas.errors import DataError, Where
from schemas.text import Text


class Xls:
    """An open workbook. ``sheets``: (name, hidden) of its worksheets in their order."""

    def __init__(self, path: Path, where: Where) -> None:
        import xlrd

        self._where = where
        try:
            self._book: Any = xlrd.open_workbook(
                file_contents=path.read_bytes(),
                formatting_info=True,  # merged cells and formats come with it
                ragged_rows=True,
                logfile=io.StringIO(),
            )
            self._sheets: list[Any] = self._book.sheets()
        except _damage() as error:
            raise self._damaged() from error
        self.sheets = [(str(sheet.name), sheet.visibility != 0) for sheet in self._sheets]
        self._styles: dict[int, Style] = {}

    def close(self) -> None:
        self._book.release_resources()

    def has_rows(self, sheet: int) -> bool:
        return any(row.cells for row in self._rows(sheet))

    def read(self, sheet: int) -> tuple[list[Merge], Iterator[Row]]:
        """Merged cells, from top to bottom, and rows."""
        merges = sorted(
            Merge(top + 1, left + 1, bottom, right)
            for top, bottom, left, right in self._sheets[sheet].merged_cells
        )
        return merges, self._rows(sheet)

    def _rows(self, sheet: int) -> Iterator[Row]:
        found = self._sheets[sheet]
        for at in range(found.nrows):
            cells = {}
            for column, cell in enumerate(found.row(at), start=1):
                value = self._cell(cell)
                if value is not None:
                    cells[column] = value
            yield Row(at + 1, cells)

    def _cell(self, cell: Any) -> Cell | None:
        import xlrd

        if cell.ctype in (xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK):
            return None
        if cell.ctype == xlrd.XL_CELL_TEXT:
            return str(cell.value)
        if cell.ctype == xlrd.XL_CELL_BOOLEAN:
            return Value("true" if cell.value else "false")
        if cell.ctype == xlrd.XL_CELL_ERROR:
            name = xlrd.error_text_from_code.get(cell.value, "#?")
            return Bad("read:cell", f"holds the error {name}")
        return number(repr(cell.value), self._style(cell.xf_index), since_1904=self._since_1904)

    @property
    def _since_1904(self) -> bool:
        return bool(self._book.datemode)

    def _style(self, index: int) -> Style:
        if index not in self._styles:
            key = self._book.xf_list[index].format_key
            given = self._book.format_map.get(key)
            code = given.format_str if given is not None and key >= 164 else None
            self._styles[index] = style_of(key, code)
        return self._styles[index]

    def _damaged(self) -> DataError:
        return damaged(
            self._where,
            Text(en="it is cut off or its structure is damaged", zh="文件被截断或结构损坏"),
        )


def _damage() -> tuple[type[Exception], ...]:
    """What xlrd raises on the way through a file that isn't what it says."""
    from xlrd.biffh import XLRDError
    from xlrd.compdoc import CompDocError

    return (XLRDError, CompDocError, *FOREIGN_FAULTS)
