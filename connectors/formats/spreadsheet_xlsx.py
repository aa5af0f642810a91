"""XLSX and XLSM (ECMA-376 SpreadsheetML, transitional and strict), row by row.

Only the values that the workbook holds are read: of a formula the result that was stored with
it. Memory follows the shared texts, not the rows.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping

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
    column_number,
    error,
    index_of,
    number,
    style_of,
)
from connectors.formats.spreadsheet_package import Package, damaged, too_large
from connectors.formats.xml_parser import local, strict_parser
from schemas.text import Text

_MAX_KEPT = 50_000
_DIGITS = "0123456789"
_ESCAPE = re.compile("_x([0-9A-Fa-f]{4})_")
_REFERENCE = re.compile(r"([A-Z]{1,3})([1-9]\d{0,6})")
_NO_RESULT = Bad("read:cell", "holds a formula without its result: save it once in Excel or WPS")


class Xlsx:
    """An open workbook. ``sheets``: (name, hidden) of its worksheets in their order."""

    def __init__(self, package: Package, *, max_texts: int, max_row: int) -> None:
        self._package = package
        self._max_texts, self._max_row = max_texts, max_row
        self._parts: list[str] = []
        self.sheets: list[tuple[str, bool]] = []
        self._since_1904 = False
        main = self._part_of_type("", "officeDocument")
        self._read_workbook(main)
        self._styles = self._read_styles(main)
        self._texts = self._read_texts(main)

    def close(self) -> None:
        self._package.close()

    def has_rows(self, sheet: int) -> bool:
        return any(row.cells for row in self._rows(sheet))

    def read(self, sheet: int) -> tuple[list[Merge], Iterator[Row]]:
        """Merged cells, from top to bottom, and the rows that the file has, empty ones too."""
        return sorted(self._merges(sheet)), self._rows(sheet)

    def _merges(self, sheet: int) -> list[Merge]:
        """The file says them after its rows, so the part is gone through once for them."""
        found: list[Merge] = []
        parser, nested = strict_parser(), 0

        def start(name: str, attributes: dict[str, str]) -> None:
            nonlocal nested
            nested += 1
            if local(name) == "mergeCell":
                found.append(self._merge(attributes.get("ref", "")))
                if len(found) > MAX_MERGES:
                    raise self._broken("too many merged cells", "合并单元格过多")

        chunks = self._package.chunks(self._parts[sheet])
        if not _mentions(chunks, b"mergeCell "):
            return found

        def end(_name: str) -> None:
            nonlocal nested
            nested -= 1

        parser.StartElementHandler, parser.EndElementHandler = start, end
        for _ in self._package.fed(parser, self._parts[sheet], lambda: nested):
            pass
        return found

    def _rows(self, sheet: int) -> Iterator[Row]:
        parser = strict_parser()
        reader = _SheetReader(self, self._texts, self._styles, self._since_1904, self._max_row)
        parser.StartElementHandler = reader.start
        parser.EndElementHandler = reader.end
        parser.CharacterDataHandler = reader.data
        for _ in self._package.fed(parser, self._parts[sheet], lambda: reader.nested):
            yield from reader.rows
            reader.rows.clear()

    # ---- the workbook around its sheets ------------------------------------------------------

    def _read_workbook(self, main: str) -> None:
        targets = self._relations(main)
        for parent, (name, attributes) in self._package.elements(main):
            if name == "workbookPr":
                self._since_1904 = attributes.get("date1904") in ("1", "true")
            elif name == "sheet" and parent == "sheets":
                kind, part = targets.get(attributes.get("id", ""), ("", ""))
                if kind == "worksheet":
                    if part in self._parts:  # each is looked through for rows
                        raise self._broken("two sheets are one part", "两个工作表指向同一部件")
                    hidden = attributes.get("state", "visible") != "visible"
                    self.sheets.append((attributes.get("name", ""), hidden))
                    self._parts.append(part)

    def _relations(self, part: str) -> dict[str, tuple[str, str]]:
        """Id → (type without its namespace, part)."""
        folder, base = posixpath.split(part)
        name = posixpath.join(folder, "_rels", f"{base}.rels")
        if name not in self._package.names:
            return {}
        found = {}
        for _, (tag, attributes) in self._package.elements(name):
            if tag == "Relationship" and attributes.get("TargetMode") != "External":
                target = posixpath.normpath(
                    posixpath.join("/", folder, attributes.get("Target", ""))
                )
                kind = attributes.get("Type", "").rpartition("/")[2]
                found[attributes.get("Id", "")] = (kind, target.removeprefix("/"))
        return found

    def _part_of_type(self, part: str, kind: str) -> str:
        for found, target in self._relations(part).values():
            if found == kind:
                return target
        raise self._broken("it holds no workbook", "其中没有工作簿")

    def _optional(self, main: str, kind: str) -> str | None:
        return next((t for k, t in self._relations(main).values() if k == kind), None)

    def _read_styles(self, main: str) -> list[Style]:
        part = self._optional(main, "styles")
        codes: dict[int, str] = {}
        numbers: list[int] = []
        for parent, (name, attributes) in self._package.elements(part) if part else ():
            if name == "numFmt" and parent == "numFmts":
                codes[self._number(attributes.get("numFmtId"))] = attributes.get("formatCode", "")
            elif name == "xf" and parent == "cellXfs":
                numbers.append(self._number(attributes.get("numFmtId")))
        known = {n: style_of(n, codes.get(n)) for n in set(numbers)}
        return [known[n] for n in numbers]

    def _read_texts(self, main: str) -> list[str]:
        part = self._optional(main, "sharedStrings")
        if part is None or part not in self._package.names:
            return []
        if self._package.size(part) > self._max_texts:
            raise too_large(self._package.where, self._max_texts)
        parser, reader = strict_parser(), _TextReader()
        parser.StartElementHandler = reader.start
        parser.EndElementHandler = reader.end
        parser.CharacterDataHandler = reader.data
        for _ in self._package.fed(parser, part, lambda: reader.nested):
            pass
        return reader.texts

    def _number(self, text: str | None) -> int:
        found = index_of(text or "")
        if found is not None:
            return found
        raise self._broken("a format has no number", "有格式缺少编号")

    def _merge(self, reference: str) -> Merge:
        first, _, last = reference.partition(":")
        ends = [_REFERENCE.fullmatch(end) for end in (first, last or first)]
        if ends[0] is None or ends[1] is None:
            raise self._broken("merged cells without a place", "合并单元格的位置无效")
        (top, left), (bottom, right) = (
            (int(end[2]), column_number(end[1])) for end in ends if end is not None
        )
        return Merge(top, left, bottom, right)

    def _broken(self, en: str, zh: str) -> Exception:
        return damaged(self._package.where, Text(en=en, zh=zh))

    def broken_rows(self, row: int) -> Exception:
        return self._broken(
            f"rows or cells are out of order near row {row}", f"第 {row} 行附近行列顺序错乱"
        )

    def broken_value(self, row: int) -> Exception:
        return self._broken(f"a cell of row {row} has no value", f"第 {row} 行有单元格取值无效")


def _mentions(chunks: Iterator[bytes], word: bytes) -> bool:
    before, found = b"", False
    for chunk in chunks:  # to the end: the checksum of the part is looked at there
        found = found or word in before + chunk
        before = chunk[-len(word) :]
    return found


def unescaped(text: str) -> str:
    """``_x000D_`` and the like are characters that XML can't hold (ECMA-376, ST_Xstring)."""
    if "_x" not in text:
        return text
    plain = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)
    return plain.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


class _TextReader:
    """Shared texts: the runs of a rich text are one, its phonetic reading is none of it."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.nested = 0
        self._parts: list[str] = []
        self._si = self._t = self._ph = ""
        self._inside = self._phonetic = False

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        self.nested += 1
        if name == self._t:
            self._inside = not self._phonetic
        elif name == self._si:
            self._parts = []
        elif name == self._ph:
            self._phonetic = True
        elif not self._si:
            space = name.removesuffix("sst")
            self._si, self._t, self._ph = (space + tag for tag in ("si", "t", "rPh"))

    def end(self, name: str) -> None:
        self.nested -= 1
        if name == self._t:
            self._inside = False
        elif name == self._si:
            self.texts.append(unescaped("".join(self._parts)))
        elif name == self._ph:
            self._phonetic = False

    def data(self, text: str) -> None:
        if self._inside:
            self._parts.append(text)


class _SheetReader:
    """Cells of one worksheet. Names are compared with their namespace: extensions differ."""

    def __init__(
        self,
        book: Xlsx,
        texts: list[str],
        styles: list[Style],
        since_1904: bool,
        max_row: int,
    ) -> None:
        self.rows: list[Row] = []
        self.nested = 0
        self._book, self._texts, self._styles = book, texts, styles
        self._since_1904, self._max_row = since_1904, max_row
        self._c = self._v = self._row = self._t = self._f = self._is = self._ph = ""
        self._known: dict[tuple[str, str | None], Cell] = {}
        self._letters: dict[str, int] = {}
        self._number = self._column = self._size = 0
        self._cells: dict[int, Cell] = {}
        self._attributes: Mapping[str, str] = {}
        self._parts: list[str] = []
        self._wants = self._has_value = self._has_formula = self._phonetic = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.nested += 1
        if name == self._c:
            self._start_cell(attributes)
        elif name == self._v:
            self._wants = self._has_value = True
        elif name == self._row:
            self._start_row(attributes)
        elif name == self._f:
            self._has_formula = True
        elif name == self._is:
            self._has_value = True
        elif name == self._t:
            self._wants = not self._phonetic
        elif name == self._ph:
            self._phonetic = True
        elif not self._c:
            space = name.removesuffix("worksheet")
            self._c, self._v, self._row, self._t, self._f, self._is, self._ph = (
                space + tag for tag in ("c", "v", "row", "t", "f", "is", "rPh")
            )

    def end(self, name: str) -> None:
        self.nested -= 1
        if name == self._c:
            self._end_cell()
        elif name in (self._v, self._t):
            self._wants = False
        elif name == self._row:
            self.rows.append(Row(self._number, self._cells))
        elif name == self._ph:
            self._phonetic = False

    def data(self, text: str) -> None:
        if self._wants:
            self._size += len(text)
            if self._size <= self._max_row:
                self._parts.append(text)

    def _start_row(self, attributes: Mapping[str, str]) -> None:
        given = attributes.get("r")
        at = index_of(given) if given is not None else self._number + 1
        if at is None or not self._number < at <= MAX_ROWS:
            raise self._book.broken_rows(self._number)
        self._number, self._column, self._size, self._cells = at, 0, 0, {}

    def _start_cell(self, attributes: Mapping[str, str]) -> None:
        self._attributes = attributes
        self._parts = []
        self._has_value = self._has_formula = False
        given = attributes.get("r")
        if given is None:
            column = self._column + 1
        else:
            letters = given.rstrip(_DIGITS)
            column = self._letters.get(letters) or self._column_of(letters)
        if not 0 < column <= MAX_COLUMNS or column in self._cells:
            raise self._book.broken_rows(self._number)
        self._column = column

    def _column_of(self, letters: str) -> int:
        column = column_number(letters)
        if 0 < column <= MAX_COLUMNS:
            self._letters[letters] = column
        return column

    def _end_cell(self) -> None:
        cell = self._cell(self._attributes.get("t", "n"), "".join(self._parts))
        if cell is not None:
            self._cells[self._column] = cell

    def _cell(self, kind: str, text: str) -> Cell | None:
        if self._size > self._max_row:
            return Bad("read:oversize", f"ends a row of more than {self._max_row} characters")
        if not self._has_value or (kind == "n" and not text):
            return _NO_RESULT if self._has_formula else None
        if kind == "s":
            at = index_of(text)
            if at is None or at >= len(self._texts):
                raise self._book.broken_value(self._number)
            shared = self._texts[at]
            self._size += len(shared)
            return shared
        if kind == "n":
            return self._number_of(text)
        if kind in ("inlineStr", "str"):
            return unescaped(text)
        if kind == "b":
            return Value("false" if text in ("0", "false") else "true")
        if kind == "e":
            return error(text)
        if kind == "d":
            return Value(text)
        raise self._book.broken_value(self._number)

    def _style(self, index: str) -> Style:
        at = index_of(index)
        if at is None:
            raise self._book.broken_value(self._number)
        return self._styles[at] if at < len(self._styles) else PLAIN

    def _number_of(self, text: str) -> Cell:
        key = (text, self._attributes.get("s"))
        found = self._known.get(key)
        if found is None:
            style = self._style(key[1] or "0")
            found = number(text, style, since_1904=self._since_1904)
            if len(self._known) < _MAX_KEPT:
                self._known[key] = found
        return found
