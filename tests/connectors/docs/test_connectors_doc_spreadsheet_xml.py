"""docs/connectors/{spreadsheet,xml}*.md: each example, from the page to records in a lake."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from connectors_files_pages import DOCS, Page, records, sync
from workbooks import xlsx

from hefu.draft import write_draft
from hefu.headers import read_columns

both = pytest.mark.parametrize("chinese", [False, True], ids=["en", "zh"])
FIELDS = "source_record_id, decision_date, fine_amount_cny, vehicle_plate_no, vehicle_plate_color"
WANTED = [
    ("示交罚〔2026〕000001号", date(2026, 10, 8), Decimal("1500.00"), "皖P00001"),
    ("示交罚〔2026〕000002号", date(2026, 10, 19), Decimal("800.50"), "浙E00002"),
]


@dataclass(frozen=True)
class Shown:
    """A page with its example file."""

    page: Page
    data: bytes

    @classmethod
    def read(cls, kind: str, chinese: bool) -> Shown:
        text = (DOCS / f"{kind}{'.zh-CN' if chinese else ''}.md").read_text(encoding="utf-8")

        def only(language: str) -> str:
            (block,) = re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)
            return str(block)

        data = ledger(text) if kind == "spreadsheet" else only("xml").encode("gb18030")
        return cls(Page(only("toml"), only("sql"), ""), data)


def ledger(text: str) -> bytes:
    """The sheet that the page's table shows."""
    lines = re.findall(r"^\| (\d+) \| (.*) \|$", text, re.M)
    cells = [[c.strip() for c in f"{line} ".split("|")] for _, line in lines]

    def fill(book, sheet):
        day = book.add_format({"num_format": 'yyyy"年"m"月"d"日"'})
        for r, row in enumerate(cells):
            for c, value in enumerate(row):
                if not value:
                    continue
                if r >= 4 and c == 4:
                    sheet.write_datetime(r, c, date.fromisoformat(value), day)
                elif r >= 4 and c == 5:
                    sheet.write_number(r, c, float(value))
                else:
                    sheet.write_string(r, c, value)
        for row in (0, 1):
            sheet.merge_range(row, 0, row, 6, cells[row][0])
        sheet.merge_range("C3:D3", cells[2][2])
        for column in (0, 1, 4, 5, 6):
            sheet.merge_range(2, column, 3, column, cells[2][column])

    return xlsx(fill)


@pytest.mark.parametrize("kind", ["spreadsheet", "xml"])
def test_both_languages_show_the_same_example(kind):
    english, chinese = (Shown.read(kind, c) for c in (False, True))
    assert english.page.sql == chinese.page.sql
    assert english.page.toml.split("[unused")[0] == chinese.page.toml.split("[unused")[0]
    if kind == "xml":
        assert english.data == chinese.data


@both
@pytest.mark.parametrize(
    ("kind", "place", "name"),
    [
        ("spreadsheet", "/srv/drop/ledger", "台账.xlsx"),
        ("xml", "/srv/drop/cases", "cases_20261020.xml"),
    ],
)
def test_example(tmp_path, chinese, kind, place, name):
    shown = Shown.read(kind, chinese)
    drop = tmp_path / "drop"
    drop.mkdir()
    (drop / name).write_bytes(shown.data)
    node = shown.page.node(tmp_path / "node", path=f"{place} => {drop}")
    run = sync(node)
    assert (run.received, run.accepted, run.quarantined) == (2, 2, 0)
    found = records(node, FIELDS)
    assert [row[:4] for row in found] == WANTED
    assert all(row[4] for row in found)
    again = sync(node)
    assert (again.received, again.accepted) == (0, 0)


@pytest.mark.parametrize(
    ("kind", "name", "lines"),
    [
        ("spreadsheet", "台账.xlsx", ['format = "spreadsheet"', "in row 3"]),
        (
            "xml",
            "a.xml",
            ['format = "xml"', 'records = "export/cases/case"', 'lists = ["article"]'],
        ),
    ],
)
def test_a_draft_of_it(tmp_path, monkeypatch, kind, name, lines):
    monkeypatch.setenv("HEFU_LANG", "en")
    shown = Shown.read(kind, False)
    path = Path(tmp_path / name)
    path.write_bytes(shown.data)
    node = shown.page.node(tmp_path / "node")
    draft = write_draft(node, "other/stream", "case_result", path)
    toml = (draft.folder / "source.toml").read_text(encoding="utf-8")
    assert all(line in toml for line in lines)
    assert {"case_no", "decision_date"} <= set(draft.matched) or kind == "xml"
    assert draft.header.columns == read_columns(path).columns
