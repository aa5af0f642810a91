"""Spreadsheets into ``raw``: XLSX, XLSM, XLS and ODS, told by content, not by name.

``_row`` is the row's number as the program shows it. Hidden rows and columns are read like any
other. Rows without any value are none. A cell that can't be had (an error, a formula without its
result, a number past its digits, a merged cell that covers other rows) makes its row a reject;
nothing is guessed. Cells are texts by :mod:`connectors.formats.spreadsheet_cells`, the header is
found by :mod:`connectors.formats.spreadsheet_header`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from connectors.delivery import Secrets
from connectors.formats.raw_table import RawTable, Reject
from connectors.formats.spreadsheet_cells import Merge, Row
from connectors.formats.spreadsheet_file import Workbook, open_workbook
from connectors.formats.spreadsheet_header import LOOKED_AT, Header, find_header, named
from connectors.formats.spreadsheet_rows import Records
from connectors.landing import Landed
from connectors.reader_config import FilesReader
from schemas.errors import DataError, Where
from schemas.sql import ident
from schemas.text import Text

_PART = "raw_part"
_BATCH = 20_000
_BATCH_CELLS = 2_000_000


@dataclass(frozen=True, slots=True)
class SheetShape:
    """What of a workbook is read: for `hefu check` and `hefu draft`. ``header_row`` is None for
    a sheet without a header."""

    sheet: str
    header_row: int | None
    header_rows: int
    columns: tuple[str, ...]


def load_spreadsheet(
    table: RawTable,
    landed: Landed,
    index: int,
    reader: FilesReader,
    temp: Path,
    secrets: Secrets | None = None,
) -> tuple[str, ...]:
    """Add the rows of one sheet and return its columns.

    ``temp`` takes the plain copy of a workbook that has a password; the caller deletes it.

    Raises :class:`DataError` for a workbook, sheet or header that can't be read, also for one
    whose password is not known: the files beside it go through.
    """
    where = Where(landed.origin)
    with closing(open_workbook(landed.path, where, reader, temp, secrets)) as book:
        number = _sheet(book, reader, where)
        header, merges, rows = _opened(book, number, reader, where)
        names = tuple(header.columns.values())
        part = _Part(table, names)
        for record in Records(header, merges, reader, where).of(rows):
            if isinstance(record, Reject):
                table.reject(index, record)
            else:
                part.add(record)
        part.finish()
    kept = part.without_empty(header.unnamed)
    table.adopt(_PART, index, kept, where)
    return kept


def read_shape(
    path: Path, where: Where, reader: FilesReader, temp: Path, secrets: Secrets | None = None
) -> SheetShape:
    """The sheet, header and columns that :func:`load_spreadsheet` would read; same errors."""
    with closing(open_workbook(path, where, reader, temp, secrets)) as book:
        number = _sheet(book, reader, where)
        header, _, _ = _opened(book, number, reader, where)
        name = book.sheets[number][0]
    return SheetShape(name, header.row, header.rows, tuple(header.columns.values()))


def filled_sheets(path: Path, where: Where, reader: FilesReader, temp: Path) -> tuple[str, ...]:
    """Names of the sheets with rows that are not hidden; same errors."""
    with closing(open_workbook(path, where, reader, temp, None)) as book:
        return tuple(book.sheets[i][0] for i in _filled(book))


# ---- which sheet, which header ---------------------------------------------------------------


def _sheet(book: Workbook, reader: FilesReader, where: Where) -> int:
    """The sheet's number from 0."""
    wanted, names = reader.sheet, [name for name, _ in book.sheets]
    if isinstance(wanted, int):
        if 1 <= wanted <= len(names):
            return wanted - 1
    elif wanted is not None:
        for plain in (str, lambda name: name.strip().lower()):
            found = [i for i, name in enumerate(names) if plain(name) == plain(wanted)]
            if len(found) == 1:
                return found[0]
    else:
        return _only_filled(book, where)
    raise DataError(
        Text(en=f"there is no sheet {wanted!r}", zh=f"没有工作表 {wanted!r}"),
        where=where,
        hint=_sheets_there(names),
    )


def _only_filled(book: Workbook, where: Where) -> int:
    filled = _filled(book)
    if len(filled) == 1:
        return filled[0]
    names = [book.sheets[i][0] for i in filled]
    if filled:
        raise DataError(
            Text(
                en=f"{len(filled)} sheets hold rows, and source.toml names none",
                zh=f"有 {len(filled)} 个工作表含有数据，而 source.toml 未指明读取哪一个",
            ),
            where=where,
            hint=_sheets_there(names),
        )
    raise DataError(
        Text(en="the workbook holds no row", zh="表格文件中没有任何数据"),
        where=where,
        hint=Text(
            en="an export probably failed; hidden sheets are read only if `sheet` names them",
            zh="可能是导出失败；隐藏的工作表只有用 sheet 指明时才读取",
        ),
    )


def _filled(book: Workbook) -> list[int]:
    return [i for i, (_, hidden) in enumerate(book.sheets) if not hidden and book.has_rows(i)]


def _sheets_there(names: list[str]) -> Text:
    quoted = [f'"{name}"' for name in names]
    return Text(
        en=f"set sheet in source.toml to one of: {', '.join(quoted)}",
        zh=f"请在 source.toml 中将 sheet 设为其中之一：{'、'.join(quoted)}",
    )


def _opened(
    book: Workbook, number: int, reader: FilesReader, where: Where
) -> tuple[Header, list[Merge], Iterator[Row]]:
    """The header, the merged cells, and all rows again from the first."""
    merges, rows = book.read(number)
    if not reader.header:
        return named(reader.columns, where), merges, rows
    first: list[Row] = []
    for row in rows:
        if row.cells:
            first.append(row)
        if len(first) >= LOOKED_AT and row.number >= (reader.header_row or 0) + LOOKED_AT:
            break
    if not first:
        raise DataError(
            Text(
                en=f'the sheet "{book.sheets[number][0]}" is empty, without even a header',
                zh=f"工作表“{book.sheets[number][0]}”是空的，连表头也没有",
            ),
            where=where,
            hint=_sheets_there([name for name, _ in book.sheets]),
        )
    header = find_header(first, merges, reader.header_row, reader.header_rows, where)
    return header, merges, chain(first, rows)


# ---- rows into the table ---------------------------------------------------------------------


class _Part:
    """Fills the table ``raw_part`` with rows of texts."""

    def __init__(self, table: RawTable, names: tuple[str, ...]) -> None:
        self._con, self._names = table.con, names
        self._rows: list[tuple[int, list[str | None]]] = []
        self._batch = max(1, min(_BATCH, _BATCH_CELLS // max(1, len(names))))
        columns = "".join(f"{ident(n)} VARCHAR, " for n in names)
        self._con.execute(f"CREATE OR REPLACE TABLE {_PART} ({columns}_row BIGINT)")

    def add(self, row: tuple[int, list[str | None]]) -> None:
        self._rows.append(row)
        if len(self._rows) >= self._batch:
            self.finish()

    def finish(self) -> None:
        if not self._rows:
            return
        import pyarrow as pa

        columns = zip(*(values for _, values in self._rows), strict=True)
        arrays = [pa.array(column, pa.string()) for column in columns]
        arrays.append(pa.array([number for number, _ in self._rows], pa.int64()))
        self._con.register("raw_sheet", pa.table(arrays, names=[*self._names, "_row"]))
        try:
            self._con.execute(f"INSERT INTO {_PART} SELECT * FROM raw_sheet")
        finally:
            self._con.unregister("raw_sheet")
        self._rows.clear()

    def without_empty(self, unnamed: frozenset[str]) -> tuple[str, ...]:
        """The columns; one without a name and without a value was a gap of the sheet."""
        gaps: list[str] = []
        for name in unnamed:
            query = f"SELECT count({ident(name)}) FROM {_PART}"
            found = self._con.execute(query).fetchone()
            if found and found[0] == 0 and len(self._names) - len(gaps) > 1:
                self._con.execute(f"ALTER TABLE {_PART} DROP COLUMN {ident(name)}")
                gaps.append(name)
        return tuple(name for name in self._names if name not in gaps)
