"""A verified bundle as files that an office can use: Parquet, CSV or XLSX.

Parquet files are the verified bytes themselves. CSV and XLSX are for reading: times are
shown in +08:00, lists joined with ``；``. CSV is UTF-8 with a byte order mark, as Excel wants
it, with field names as header; XLSX has the Chinese labels. In CSV a text that begins with
``= + - @``, a tab or a carriage return gets an apostrophe before it, because a spreadsheet
would run it as a formula (OWASP, "CSV Injection"); XLSX text cells are never formulas.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from exchange.bundle.layout import records_entry
from exchange.bundle.passing import pieces
from exchange.bundle.verify import VerifiedBundle
from schemas.errors import ConfigError, DataError, Where
from schemas.text import Text

if TYPE_CHECKING:
    from schemas.contract import Contract

Format = Literal["parquet", "csv", "xlsx"]
SHOWN_ZONE = "Asia/Shanghai"
LIST_SEPARATOR = "；"
FORMULA_START = r"^([=+\-@\t\r])"
XLSX_MAX_ROWS = 1_048_576
XLSX_MAX_TEXT = 32_767
_EXACT_IN_DOUBLE = 10**13


def write_out(
    verified: VerifiedBundle,
    out_dir: Path,
    format: Format,  # noqa: A002 (the word of the command line's option)
    *,
    xlsx_max_rows: int = XLSX_MAX_ROWS,
) -> list[Path]:
    """Write the bundle into the new folder ``out_dir``; it appears complete or not at all.

    One file per record type, ``statement.json`` and the attachments. Returns their paths.
    Raises ``ConfigError`` if the folder exists, ``DataError`` if a text does not fit XLSX.
    """
    if out_dir.exists():
        raise ConfigError(
            Text(en="the folder exists already", zh="输出目录已存在"),
            where=Where(str(out_dir)),
            hint=Text(en="name a new folder with --out", zh="请用 --out 指定一个新的目录"),
        )
    out_dir.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{out_dir.name}-", dir=out_dir.parent))
    try:
        _write_all(verified, partial, format, xlsx_max_rows)
        # What nobody else may read in the bundle nobody else reads here.
        is_open = verified.statement.sensitivity_class in ("public", "internal")
        partial.chmod(0o755 if is_open else 0o700)
        partial.rename(out_dir)
    except BaseException:
        shutil.rmtree(partial)
        raise
    return sorted(p for p in out_dir.rglob("*") if p.is_file())


def _write_all(verified: VerifiedBundle, folder: Path, suffix: Format, max_rows: int) -> None:
    statement = verified.statement.model_dump(mode="json")
    text = json.dumps(statement, ensure_ascii=False, indent=2, sort_keys=True)
    (folder / "statement.json").write_text(text + "\n", encoding="utf-8")
    for record_type, contract in verified.contracts.items():
        path = folder / f"{record_type}.{suffix}"
        if suffix == "parquet":
            _write_pieces(verified.entries[records_entry(record_type)], path)
        elif suffix == "csv":
            _write_csv(verified.batches(record_type, whole=True), path)
        else:
            _write_xlsx(verified.batches(record_type, whole=True), contract, path, max_rows)
    for name, data in verified.entries.items():
        if name.startswith("attachments/"):
            (folder / "attachments").mkdir(exist_ok=True)
            _write_pieces(data, folder / name)


def _write_pieces(data: memoryview, path: Path) -> None:
    with path.open("wb") as file:
        for piece in pieces(data):
            file.write(piece)


def _write_csv(batches: pa.RecordBatchReader, path: Path) -> None:
    schema = pa.schema([pa.field(f.name, _csv_type(f.type)) for f in batches.schema])
    with path.open("wb") as file:
        file.write(b"\xef\xbb\xbf")
        with pa_csv.CSVWriter(file, schema) as writer:
            for batch in batches:
                columns = [_csv_column(c) for c in batch.columns]
                writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))


def _csv_type(kind: pa.DataType) -> pa.DataType:
    is_shown_as_is = pa.types.is_integer(kind) or pa.types.is_decimal(kind)
    return kind if is_shown_as_is else pa.string()


def _csv_column(column: pa.Array) -> pa.Array:
    kind = column.type
    if pa.types.is_timestamp(kind):
        shown = pc.strftime(column.cast(pa.timestamp("us", tz=SHOWN_ZONE)), "%Y-%m-%dT%H:%M:%S")
        whole = pc.replace_substring_regex(shown, r"\.0+$", "")
        return pc.binary_join_element_wise(whole, "+08:00", "")
    if pa.types.is_list(kind):
        texts = [None if v is None else _shown(v) for v in column.to_pylist()]
        return _without_formula(pa.array(texts, pa.string()))
    if pa.types.is_string(kind):
        return _without_formula(column)
    return column if _csv_type(kind) == kind else column.cast(pa.string())


def _without_formula(column: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(column, FORMULA_START, r"'\1")


def _write_xlsx(
    batches: pa.RecordBatchReader, contract: Contract, path: Path, max_rows: int
) -> None:
    import xlsxwriter

    # A name for the temporary files that xlsxwriter keeps rows in: beside the result.
    options = {"constant_memory": True, "tmpdir": str(path.parent)}
    headers = [contract.field(name).label_zh for name in batches.schema.names]
    with xlsxwriter.Workbook(str(path), options) as book:
        # The same contents give the same bytes.
        book.set_properties({"created": datetime(2000, 1, 1)})  # noqa: DTZ001 (xlsx has no zones)
        row, sheet = max_rows, None
        numbers = 0
        for cells in _rows(batches):
            if row >= max_rows:
                numbers += 1
                sheet, row = _new_sheet(book, contract, numbers, headers), 1
            for column, value in enumerate(cells):
                _write_cell(sheet, row, column, value, path)
            row += 1
        if sheet is None:
            _new_sheet(book, contract, 1, headers)


def _new_sheet(book: Any, contract: Contract, number: int, headers: list[str]) -> Any:
    name = (contract.label.zh or contract.record_type)[:24]
    sheet = book.add_worksheet(name if number == 1 else f"{name} ({number})")
    sheet.freeze_panes(1, 0)
    for column, header in enumerate(headers):
        sheet.write_string(0, column, header)
    return sheet


def _rows(batches: pa.RecordBatchReader) -> Iterator[tuple[Any, ...]]:
    for batch in batches:
        shown = [
            c.cast(pa.timestamp("us", tz=SHOWN_ZONE)) if pa.types.is_timestamp(c.type) else c
            for c in batch.columns
        ]
        yield from zip(*(c.to_pylist() for c in shown), strict=True)


def _write_cell(sheet: Any, row: int, column: int, value: Any, path: Path) -> None:
    if value is None:
        return
    is_number = isinstance(value, (int, Decimal)) and not isinstance(value, bool)
    # A spreadsheet's number is a double: what it would round stays text.
    if is_number and -_EXACT_IN_DOUBLE < value < _EXACT_IN_DOUBLE:
        sheet.write_number(row, column, value)
        return
    text = _shown(value)
    if len(text) > XLSX_MAX_TEXT:
        raise DataError(
            Text(
                en=f"a text of {len(text)} characters does not fit a spreadsheet cell",
                zh=f"文本长度为 {len(text)} 个字符，超出电子表格单元格上限",
            ),
            where=Where(path.name, row + 1),
            hint=Text(en="use --format csv or parquet", zh="请使用 --format csv 或 parquet"),
        )
    sheet.write_string(row, column, text)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, datetime):
        return value.astimezone(ZoneInfo(SHOWN_ZONE)).isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return LIST_SEPARATOR.join("" if v is None else _shown(v) for v in value)
    return str(value)
