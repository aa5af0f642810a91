"""ODS (OpenDocument 1.2 and 1.3, ISO/IEC 26300), row by row.

Repeated rows and cells are what fills a sheet to its end, so empty ones are stepped over;
repeated values are values, and count against the bound of a row and of the workbook.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from connectors.formats.spreadsheet_cells import (
    MAX_COLUMNS,
    MAX_MERGES,
    MAX_ROWS,
    PLAIN,
    Bad,
    Cell,
    Merge,
    Row,
    Style,
    Value,
    clock_text,
    number,
)
from connectors.formats.spreadsheet_package import Package, damaged, too_large
from connectors.formats.xml_parser import strict_parser
from schemas.text import Text

_NS = "urn:oasis:names:tc:opendocument:xmlns:"
_TABLE, _OFFICE, _TEXT = f"{_NS}table:1.0}}", f"{_NS}office:1.0}}", f"{_NS}text:1.0}}"
_STYLE = f"{_NS}style:1.0}}"
_DRAW = f"{_NS}drawing:1.0}}"
_ASIDE = (f"{_OFFICE}annotation", f"{_TABLE}table", f"{_TEXT}ruby-text")
_CALC = "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0}value-type"
_CELLS = (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell")
_DURATION = re.compile(r"PT?(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9}(?:[.,]\d{1,12})?)S)?")
_ERROR = re.compile(r"#(DIV/0!|N/A|NAME\?|NULL!|NUM!|REF!|VALUE!)|(Err|错误):\d+")


class Ods:
    """An open workbook. ``sheets``: (name, hidden) in their order."""

    def __init__(self, package: Package, *, max_all: int, max_row: int) -> None:
        self._package, self._max_all, self._max_row = package, max_all, max_row
        self.sheets: list[tuple[str, bool]] = []
        self._filled: list[bool] = []
        self._scan()

    def close(self) -> None:
        self._package.close()

    def has_rows(self, sheet: int) -> bool:
        return self._filled[sheet]

    def read(self, sheet: int) -> tuple[list[Merge], Iterator[Row]]:
        """Merged cells and rows. A merge is said by its first cell: the list grows with them."""
        reader = _ContentReader(self, self._max_row, self._max_all)
        # Sheets that come later have their list once they begin.
        reader.merges.extend([] for _ in range(sheet + 1))
        return reader.merges[sheet], self._rows(reader, sheet)

    def _rows(self, reader: _ContentReader, sheet: int) -> Iterator[Row]:
        for index, row in self._read(reader):
            if index == sheet:
                yield row

    def _scan(self) -> None:
        """The sheets, and whether they hold anything."""
        reader = _ContentReader(self, self._max_row, self._max_all)
        filled = {index for index, row in self._read(reader) if row.cells}
        self.sheets = reader.sheets
        self._filled = [i in filled for i in range(len(self.sheets))]

    def _read(self, reader: _ContentReader) -> Iterator[tuple[int, Row]]:
        parser = strict_parser()
        parser.StartElementHandler = reader.start
        parser.EndElementHandler = reader.end
        parser.CharacterDataHandler = reader.data
        for _ in self._package.fed(parser, "content.xml", lambda: reader.nested):
            yield from reader.rows
            reader.rows.clear()

    def broken(self, en: str, zh: str) -> Exception:
        return damaged(self._package.where, Text(en=en, zh=zh))

    def too_large(self) -> Exception:
        return too_large(self._package.where, self._max_all)


class _ContentReader:
    """``rows``: (sheet from 0, row); rows without a value are not among them."""

    def __init__(self, book: Ods, max_row: int, max_all: int) -> None:
        self.rows: list[tuple[int, Row]] = []
        self.sheets: list[tuple[str, bool]] = []
        self.merges: list[list[Merge]] = []
        self._book, self._max_row, self._left = book, max_row, max_all
        self._hidden: set[str] = set()
        self._style = ""
        self.nested = 0
        self._depth = 0
        self._number = self._column = self._repeated = self._size = 0
        self._cells: dict[int, Cell] = {}
        self._cell: dict[str, str] | None = None
        self._paragraphs: list[list[str]] = []
        self._aside = 0
        self._in_paragraph = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.nested += 1
        if self._cell is not None:
            self._start_inside(name, attributes)
        elif name in _CELLS and self._depth == 1:
            self._cell, self._paragraphs = attributes, []
            self._aside = self._in_paragraph = 0
        elif name == f"{_TABLE}table-row" and self._depth == 1:
            self._repeated = self._count(attributes, "number-rows-repeated")
            self._number += 1
            self._column, self._size, self._cells = 0, 0, {}
        elif name == f"{_TABLE}table":
            self._depth += 1
            if self._depth == 1:
                hidden = attributes.get(f"{_TABLE}style-name", "") in self._hidden
                self.sheets.append((attributes.get(f"{_TABLE}name", ""), hidden))
                self._number = 0
                if len(self.merges) < len(self.sheets):
                    self.merges.append([])
        elif name == f"{_STYLE}style":
            self._style = attributes.get(f"{_STYLE}name", "")
        elif name == f"{_STYLE}table-properties" and (
            attributes.get(f"{_TABLE}display") == "false"
        ):
            self._hidden.add(self._style)

    def end(self, name: str) -> None:
        self.nested -= 1
        if self._cell is not None:
            if name in _CELLS and not self._aside:
                self._end_cell(self._cell)
                self._cell = None
            else:
                self._end_inside(name)
        elif name == f"{_TABLE}table-row" and self._depth == 1:
            self._end_row()
        elif name == f"{_TABLE}table":
            self._depth -= 1

    def data(self, text: str) -> None:
        if self._in_paragraph and not self._aside:
            self._add(text)

    def _add(self, text: str) -> None:
        self._size += len(text)
        if self._size <= self._max_row:
            self._paragraphs[-1].append(text)

    def _start_inside(self, name: str, attributes: dict[str, str]) -> None:
        # A note, a drawing or a table inside the cell is not its text.
        if self._aside or name in _ASIDE or name.startswith(_DRAW):
            self._aside += 1
        elif name == f"{_TEXT}p":
            self._paragraphs.append([])
            self._in_paragraph += 1
        elif self._in_paragraph and name == f"{_TEXT}s":
            self._add(" " * min(self._count(attributes, "c", _TEXT), self._max_row + 1))
        elif self._in_paragraph and name == f"{_TEXT}tab":
            self._add("\t")
        elif self._in_paragraph and name == f"{_TEXT}line-break":
            self._add("\n")

    def _end_inside(self, name: str) -> None:
        if self._aside:
            self._aside -= 1
        elif name == f"{_TEXT}p":
            self._in_paragraph -= 1

    def _count(self, attributes: dict[str, str], name: str, space: str = _TABLE) -> int:
        text = attributes.get(space + name, "1")
        if not (text.isascii() and text.isdigit()) or len(text) > 9:
            raise self._book.broken(f"{name} is no number", f"{name} 不是数字")
        return int(text)

    def _end_cell(self, attributes: dict[str, str]) -> None:
        times = self._count(attributes, "number-columns-repeated")
        first = self._column + 1
        self._column += times
        if self._column > 2 * MAX_COLUMNS:
            raise self._book.broken("a row has too many columns", "列数过多")
        wide = self._count(attributes, "number-columns-spanned")
        high = self._count(attributes, "number-rows-spanned")
        if wide > 1 or high > 1:
            found = self.merges[len(self.sheets) - 1]
            found.append(Merge(self._number, first, self._number + high - 1, first + wide - 1))
            if len(found) > MAX_MERGES:
                raise self._book.broken("too many merged cells", "合并单元格过多")
        text = "\n".join("".join(p) for p in self._paragraphs)
        cell = self._value(attributes, text)
        if cell is not None:
            self._size += (times - 1) * len(text)
            self._cells |= dict.fromkeys(range(first, first + times), cell)

    def _end_row(self) -> None:
        if self._cells:
            self._left -= self._repeated * (self._size + len(self._cells))
            if self._left < 0:
                raise self._book.too_large()
            for number_of in range(self._number, self._number + self._repeated):
                self.rows.append((len(self.sheets) - 1, Row(number_of, dict(self._cells))))
        self._number += self._repeated - 1
        if self._number > 2 * MAX_ROWS:
            raise self._book.broken("a sheet has too many rows", "行数过多")

    def _value(self, attributes: dict[str, str], text: str) -> Cell | None:
        kind = attributes.get(f"{_OFFICE}value-type", "")
        if self._size > self._max_row:
            return Bad("read:oversize", f"ends a row of more than {self._max_row} characters")
        is_formula = f"{_TABLE}formula" in attributes
        if attributes.get(_CALC) == "error" or (is_formula and _ERROR.fullmatch(text)):
            # By its name only: what else stands there might be a value.
            return Bad("read:cell", f"holds the error {text if _ERROR.fullmatch(text) else '#?'}")
        if kind in ("float", "percentage", "currency"):
            return _number(attributes.get(f"{_OFFICE}value", ""), text)
        if kind == "date":
            return Value(attributes.get(f"{_OFFICE}date-value", text))
        if kind == "time":
            return _time(attributes.get(f"{_OFFICE}time-value", ""))
        if kind == "boolean":
            return Value(attributes.get(f"{_OFFICE}boolean-value", text))
        if kind == "string":
            return text or attributes.get(f"{_OFFICE}string-value", "")
        if is_formula and not text:
            return Bad("read:cell", "holds a formula without its result: save it once")
        return text or None


def _number(value: str, shown: str) -> Cell:
    """``shown`` keeps the zeros that a format puts before a number."""
    padded = shown.isascii() and shown.isdigit() and len(shown) > 1
    return number(value, Style("number", len(shown)) if padded else PLAIN)


def _time(value: str) -> Cell:
    found = _DURATION.fullmatch(value)
    if found is None or not any(found.groups()):
        return Bad("read:cell", "has the format of a time, but holds none")
    seconds = Decimal((found[3] or "0").replace(",", "."))
    return clock_text(int(found[1] or 0), int(found[2] or 0), seconds)
