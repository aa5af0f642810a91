"""XLSX of 100,000 rows and 15 columns to ``raw``, against python-calamine's bare iteration.

    python -m bench.spreadsheet [--rows 100000] [--work bench/work] [--times 3]

The reference reads the same sheet in Rust and makes Python values of its cells; it stores
nothing, drops error cells and rounds no number. Each run is a process of its own, and counts its
processor time: the wall clock of a shared machine says little.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

COLUMNS = 15
_FIRST = date(2026, 1, 1)


def make(path: Path, rows: int) -> None:
    """Numbers, dates, texts that repeat and texts that don't."""
    import xlsxwriter

    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet("台账")
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    sheet.write_row(0, 0, [f"列{c}" for c in range(COLUMNS)])
    for r in range(1, rows + 1):
        sheet.write_string(r, 0, f"示交罚〔2026〕{r:08}号")
        sheet.write_datetime(r, 1, _FIRST + timedelta(r % 300), day)
        for c in range(2, 8):
            sheet.write_string(r, c, f"示例{r * c % 5000}")
        for c in range(8, 12):
            sheet.write_number(r, c, r * c / 100)
        for c in range(12, COLUMNS):
            sheet.write_string(r, c, f"{r * c:018}")
    book.close()


def reference(path: Path) -> int:
    from python_calamine import load_workbook

    sheet = load_workbook(path).get_sheet_by_index(0)
    return sum(len(row) for row in sheet.iter_rows())


def to_raw(path: Path) -> int:
    import tempfile

    import duckdb

    from connectors.formats.raw_table import RawTable
    from connectors.formats.spreadsheet import load_spreadsheet
    from connectors.landing import Landed
    from connectors.reader_config import FilesReader

    reader = FilesReader(kind="files", path=".", format="spreadsheet")
    landed = Landed(
        "0" * 64, path.stat().st_size, path, path.name, datetime(2026, 1, 1, tzinfo=UTC)
    )
    with duckdb.connect() as con, tempfile.TemporaryDirectory() as temp:
        table = RawTable(con, ())
        load_spreadsheet(table, landed, 0, reader, Path(temp))
        table.finish()
        if table.unreadable:
            raise SystemExit(f"{table.unreadable} rows could not be read: not the same work")
        return (table.received + 1) * COLUMNS


PARTS = {"calamine": reference, "raw": to_raw}


def one(name: str, path: Path) -> None:
    wall, cpu = time.perf_counter(), time.process_time()
    cells = PARTS[name](path)
    said = {
        "cells": cells,
        "wall": time.perf_counter() - wall,
        "seconds": time.process_time() - cpu,
    }
    print(json.dumps(said))


def main() -> int:
    from bench.measure import run

    parser = argparse.ArgumentParser(prog="python -m bench.spreadsheet")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--work", type=Path, default=Path("bench/work"))
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--part", nargs=2, metavar=("NAME", "FILE"))
    options = parser.parse_args()
    if options.part:
        one(options.part[0], Path(options.part[1]))
        return 0
    options.work.mkdir(parents=True, exist_ok=True)
    path = options.work / f"ledger-{options.rows}.xlsx"
    if not path.exists():
        make(path, options.rows)
    print(f"{options.rows:,} rows, {COLUMNS} columns, {path.stat().st_size / 2**20:.1f} MiB")
    for name in PARTS:
        command = [sys.executable, "-m", "bench.spreadsheet", "--part", name, str(path)]
        found = min(
            (run(command) for _ in range(options.times)), key=lambda m: float(m.said["seconds"])
        )
        print(
            f"{name:9} {found.said['seconds']:6.2f} s processor, {found.said['wall']:6.2f} s wall, "
            f"peak {found.peak_mib:5.0f} MiB, {found.said['cells']:,} cells"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
