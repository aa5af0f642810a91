"""Opening: files for people, complete or not at all."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from bundles import RECORDS, contract, entries_of, good, rows

from exchange.bundle.open import XLSX_MAX_TEXT, write_out
from exchange.bundle.verify import VerifiedBundle
from schemas.errors import ConfigError, DataError

Check = Callable[..., VerifiedBundle]


def with_texts(*texts: str | None) -> pa.Table:
    table = rows(len(texts))
    at = table.schema.get_field_index("note_no")
    return table.set_column(at, "note_no", pa.array(texts, pa.string()))


def csv_lines(path: Path) -> list[str]:
    return path.read_bytes().decode("utf-8-sig").splitlines()


def cells(path: Path, sheet: int = 1) -> list[list[str]]:
    """Rows of an XLSX's sheet as written, without a library that could hide something."""
    with zipfile.ZipFile(path) as book:
        text = book.read(f"xl/worksheets/sheet{sheet}.xml").decode()
    return [
        re.findall(r"<(?:t|v)[^>]*>([^<]*)</(?:t|v)>", row)
        for row in re.findall(r"<row [^>]*>(.*?)</row>", text)
    ]


def test_parquet_files_are_the_verified_bytes(check: Check, tmp_path: Path) -> None:
    bundle = good(attachments=[("txt", b"text")])
    paths = write_out(check(bundle), tmp_path / "out", "parquet")
    assert (tmp_path / "out" / "note.parquet").read_bytes() == entries_of(bundle)[RECORDS]
    assert [p.suffix for p in paths] == [".txt", ".parquet", ".json"]
    told = json.loads((tmp_path / "out" / "statement.json").read_text(encoding="utf-8"))
    assert told["sequence"] == 1
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]


def test_csv_is_what_excel_reads(check: Check, tmp_path: Path) -> None:
    write_out(check(good()), tmp_path / "out", "csv")
    path = tmp_path / "out" / "note.csv"
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    header, first, second, third = csv_lines(path)
    assert header.replace('"', "").split(",")[2:4] == ["note_no", "place"]
    assert '"测〔2026〕0001号","某县某路",50.00,"超限","2026-10-08T09:01:00+08:00"' in first
    assert '"超限；超限"' in second
    assert '"测〔2026〕0003号",,150.00' in third


def test_columns_that_only_the_senders_newer_contract_has_are_shown(
    check: Check, tmp_path: Path
) -> None:
    newer = contract(
        "1.1.0",
        "      - {name: remark, businessName: 备注, logicalType: string, physicalType: VARCHAR,"
        " classification: internal, tags: [technical]}\n",
    )
    table = rows().append_column("remark", pa.array(["=x", "雨", None]))
    verified = check(good(contracts={"note": newer}, tables={"note": table}))
    for kind in ("csv", "xlsx"):
        write_out(verified, tmp_path / kind, kind)
    header, first, second, _ = csv_lines(tmp_path / "csv/note.csv")
    assert header.endswith('"remark"')
    assert first.endswith('"\'=x"')
    assert second.endswith('"雨"')
    with zipfile.ZipFile(tmp_path / "xlsx/note.xlsx") as book:
        told = "".join(book.read(n).decode() for n in book.namelist() if n.endswith(".xml"))
    assert "备注" in told
    assert "雨" in told


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_of_a_csv_is_a_formula(check: Check, tmp_path: Path, start: str) -> None:
    bundle = good(tables={"note": with_texts(f"{start}cmd|'/c calc'!A0", "a=b", None)})
    write_out(check(bundle), tmp_path / "out", "csv")
    text = (tmp_path / "out" / "note.csv").read_bytes().decode("utf-8-sig")
    assert f"\"'{start}cmd" in text
    assert f'"{start}cmd' not in text
    assert '"a=b"' in text


def test_xlsx_has_chinese_labels_and_text_cells(check: Check, tmp_path: Path) -> None:
    bundle = good(tables={"note": with_texts("=1+1", "<b>&", None)})
    write_out(check(bundle), tmp_path / "out", "xlsx")
    header, first, second, _ = cells(tmp_path / "out" / "note.xlsx")
    assert header[:4] == ["记录标识", "内容摘要", "编号", "地点"]
    assert first[2:] == ["=1+1", "某县某路", "50.00", "超限", "2026-10-08T09:01:00+08:00"]
    assert second[2] == "&lt;b&gt;&amp;"
    with zipfile.ZipFile(tmp_path / "out" / "note.xlsx") as book:
        assert "<f>" not in book.read("xl/worksheets/sheet1.xml").decode()
        assert "测试记录" in book.read("xl/workbook.xml").decode()


def test_rows_beyond_a_sheet_go_to_the_next(check: Check, tmp_path: Path) -> None:
    verified = check(good(tables={"note": rows(5)}))
    write_out(verified, tmp_path / "out", "xlsx", xlsx_max_rows=3)
    path = tmp_path / "out" / "note.xlsx"
    counts = [len(cells(path, number)) - 1 for number in (1, 2, 3)]
    assert counts == [2, 2, 1]


def test_a_table_without_rows_has_its_header(check: Check, tmp_path: Path) -> None:
    verified = check(good(tables={"note": rows(0)}))
    write_out(verified, tmp_path / "x", "xlsx")
    write_out(verified, tmp_path / "c", "csv")
    assert len(cells(tmp_path / "x" / "note.xlsx")) == 1
    assert len(csv_lines(tmp_path / "c" / "note.csv")) == 1


def test_an_amount_that_a_double_would_round_stays_text(check: Check, tmp_path: Path) -> None:
    table = rows(1)
    at = table.schema.get_field_index("fine_amount_cny")
    exact = pa.array([Decimal("99999999999999.99")], pa.decimal128(16, 2))
    table = table.set_column(at, "fine_amount_cny", exact)
    write_out(check(good(tables={"note": table})), tmp_path / "out", "xlsx")
    assert "99999999999999.99" in cells(tmp_path / "out" / "note.xlsx")[1]


def test_a_text_that_does_not_fit_leaves_nothing_behind(check: Check, tmp_path: Path) -> None:
    bundle = good(tables={"note": with_texts("x" * (XLSX_MAX_TEXT + 1))})
    with pytest.raises(DataError) as caught:
        write_out(check(bundle), tmp_path / "out", "xlsx")
    assert "xxx" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(check: Check, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(ConfigError, match="exists already"):
        write_out(check(good()), tmp_path / "out", "csv")
    assert list((tmp_path / "out").iterdir()) == []
