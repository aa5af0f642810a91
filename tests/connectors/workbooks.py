"""Workbooks for the tests, written by the libraries that others write them with."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import xlsxwriter

Sheet = Any


def xlsx(*fill: Callable[[Any, Sheet], None], names: tuple[str, ...] = (), **options: Any) -> bytes:
    """A workbook with one sheet for each function, which gets the workbook and the sheet."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, **options})
    for i, one in enumerate(fill):
        one(book, book.add_worksheet(names[i] if names else None))
    book.close()
    return out.getvalue()


def table(rows: Iterable[Iterable[Any]], top: int = 0, left: int = 0) -> Any:
    """Writes rows: texts as texts, numbers as numbers, None as nothing."""

    def fill(_book: Any, sheet: Sheet) -> None:
        for r, row in enumerate(rows, start=top):
            for c, value in enumerate(row, start=left):
                write(sheet, r, c, value)

    return fill


def write(sheet: Sheet, row: int, column: int, value: Any, form: Any = None) -> None:
    if isinstance(value, str):
        sheet.write_string(row, column, value, form)
    elif isinstance(value, bool):
        sheet.write_boolean(row, column, value, form)
    elif value is not None:
        sheet.write_number(row, column, value, form)


def changed(data: bytes, parts: Mapping[str, Callable[[bytes], bytes] | None]) -> bytes:
    """The workbook with some parts rewritten, or left out."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", 8) as new:
        for name in old.namelist():
            change = parts.get(name, lambda part: part)
            if change is not None:
                new.writestr(name, change(old.read(name)))
    return out.getvalue()


SHEET = "xl/worksheets/sheet1.xml"


def ods(rows: list[list[Any]], name: str = "数据") -> bytes:
    """``rows`` of texts, numbers, None, or (value type, attributes, shown text)."""
    from odf.opendocument import OpenDocumentSpreadsheet
    from odf.table import Table, TableCell, TableRow
    from odf.text import P

    book = OpenDocumentSpreadsheet()
    sheet = Table(name=name)
    for row in rows:
        line = TableRow()
        for value in row:
            kind, more, shown = _ods_value(value)
            cell = TableCell(**({"valuetype": kind} if kind else {}), **more)
            for paragraph in shown.split("\n") if shown is not None else ():
                cell.addElement(P(text=paragraph))
            line.addElement(cell)
        sheet.addElement(line)
    book.spreadsheet.addElement(sheet)
    out = io.BytesIO()
    book.write(out)
    return out.getvalue()


def _ods_value(value: Any) -> tuple[str | None, dict[str, Any], str | None]:
    if isinstance(value, tuple):
        return value
    if value is None:
        return None, {}, None
    if isinstance(value, str):
        return "string", {}, value
    return "float", {"value": str(value)}, str(value)


def xls(fill: Callable[[Any, Sheet], None], name: str = "数据") -> bytes:
    import xlwt

    book = xlwt.Workbook(encoding="utf-8")
    fill(book, book.add_sheet(name))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
