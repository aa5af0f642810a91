"""From a sheet's rows to records, or to rejects that say which cell can't be had and why."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import TypeAlias

from connectors.formats.jsontext import dumps
from connectors.formats.raw_table import Reject, printable
from connectors.formats.spreadsheet_cells import Bad, Cell, Merge, Row, column_name, overlap
from connectors.formats.spreadsheet_header import Header, overlapping
from connectors.reader_config import FilesReader
from schemas.errors import Where

Record: TypeAlias = tuple[int, list[str | None]]
"""Row number, and texts in the order of the header's columns."""

_SHOWN = 1000
_MAX_HELD = 1000


class Records:
    """Reads one sheet's rows. ``merges`` come from top to bottom and may grow while it reads."""

    def __init__(
        self, header: Header, merges: list[Merge], reader: FilesReader, where: Where
    ) -> None:
        self._where = where
        self._header, self._merges, self._reader = header, merges, reader
        self._columns = tuple(header.columns)
        self._last = max(self._columns, default=0)
        self._next_merge = 0
        self._open: list[tuple[Merge, Cell]] = []

    def of(self, rows: Iterable[Row]) -> Iterator[Record | Reject]:
        """Records and rejects in the order of the sheet, without header, titles and footer.

        Raises :class:`DataError` for merged cells that overlap.
        """
        held: deque[Row] = deque()
        for row in rows:
            if row.number <= self._header.last or not any(map(_says, row.cells.values())):
                continue
            # A footer is at the end: what looks like one waits for a row that does not.
            if self._reader.footer and self._is_footer(row) and len(held) < _MAX_HELD:
                held.append(row)
                continue
            while held:
                yield self._record(held.popleft())
            yield self._record(row)

    def _is_footer(self, row: Row) -> bool:
        first = row.cells[min(c for c, v in row.cells.items() if _says(v))]
        return isinstance(first, str) and first.strip().startswith(self._reader.footer)

    def _record(self, row: Row) -> Record | Reject:
        cells, covered = row.cells, None
        if self._merges:  # also for a row that is refused: it may hold what covers the next
            cells = dict(cells)
            covered = self._cover(row.number, cells)
        if max(row.cells) > self._last:
            wider = [c for c, v in row.cells.items() if c > self._last and _says(v)]
            if wider:
                why = f"cell {_cell(row, min(wider))} is right of the header's last column"
                return self._reject(row, "read:columns", why)
        if covered is not None:
            merge, column = covered
            place = f"{column_name(merge.left)}{merge.top}:{column_name(merge.right)}{merge.bottom}"
            why = f"cell {_cell(row, column)} belongs to the merged cells {place}"
            return self._reject(row, "read:merged", why)
        return self._texts(row, cells)

    def _texts(self, row: Row, cells: dict[int, Cell]) -> Record | Reject:
        values: list[str | None] = []
        size = 0
        for column in self._columns:
            value = cells.get(column)
            if isinstance(value, Bad):
                if value.rule_id != "read:cell" or self._reader.cell_errors == "reject":
                    return self._reject(
                        row, value.rule_id, f"cell {_cell(row, column)} {value.why}"
                    )
                value = None
            elif value is not None:
                size += len(value)
                problem = None if value.isascii() and "\0" not in value else _unreadable(value)
                if problem:
                    return self._reject(
                        row, problem[0], f"cell {_cell(row, column)} holds {problem[1]}"
                    )
            values.append(value)
        limit = self._reader.max_record_bytes
        if size * 4 > limit and sum(len((v or "").encode()) for v in values) > limit:
            return self._reject(row, "read:oversize", f"more than {limit} bytes")
        return row.number, values

    def _cover(self, number: int, cells: dict[int, Cell]) -> tuple[Merge, int] | None:
        """Fill the cells that merged cells of other places cover, or say the first of them."""
        self._open = [(m, v) for m, v in self._open if m.bottom >= number]
        while self._next_merge < len(self._merges) and (
            self._merges[self._next_merge].top <= number
        ):
            merge = self._merges[self._next_merge]
            self._next_merge += 1
            value = cells.get(merge.left)
            if merge.top == number and merge.bottom >= number and value is not None:
                self._open.append((merge, value))
        if overlap(merge for merge, _ in self._open):
            raise overlapping(number, self._where)
        if self._reader.merged_cells == "empty":
            return None
        for merge, value in self._open:
            for column in range(merge.left, merge.right + 1):
                if (merge.top, merge.left) == (number, column) or column in cells:
                    continue
                if column not in self._header.columns:
                    continue
                if self._reader.merged_cells == "reject":
                    return merge, column
                cells[column] = value
        return None

    def _reject(self, row: Row, rule_id: str, detail: str) -> Reject:
        named = {
            self._header.columns.get(c, column_name(c)): v if isinstance(v, str) else None
            for c, v in sorted(row.cells.items())
        }
        return Reject(row.number, rule_id, detail, printable(dumps(named)[:_SHOWN]))


def _says(cell: Cell) -> bool:
    return isinstance(cell, Bad) or bool(cell.strip())


def _cell(row: Row, column: int) -> str:
    return f"{column_name(column)}{row.number}"


def _unreadable(text: str) -> tuple[str, str] | None:
    if "\0" in text:
        return "read:nul", "a NUL inside a text"
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return "read:encoding", "what is no character"
    return None
