"""Spreadsheets as counties send them: what is in a cell comes out exactly, or its row says why."""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path
from string import printable

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from python_calamine import load_workbook
from workbooks import SHEET, changed, table, xlsx

from connectors.formats.raw_table import RawTable
from connectors.formats.spreadsheet import load_spreadsheet
from connectors.landing import Landed
from connectors.reader_config import FilesReader

HEAD = ["案号", "车牌", "金额"]
NOW = dt.datetime(2026, 5, 20, tzinfo=dt.UTC)


def read(files, data, more=""):
    source = files("spreadsheet", more)
    source.put("a.xlsx", data)
    return source.read(source.pull())


def county(book, sheet):
    """A title, a line of who reports, a header of two rows, texts, dates and money."""
    title = book.add_format({"bold": True, "align": "center"})
    day = book.add_format({"num_format": "yyyy/m/d"})
    sheet.merge_range("A1:G1", "某县交通运输行政处罚案件台账", title)
    sheet.merge_range("A2:D2", "填报单位：某县交通运输局", title)
    sheet.merge_range("E2:G2", "填报日期：2026年5月", title)
    sheet.merge_range("A3:A4", "序号", title)
    sheet.merge_range("B3:B4", "案　号", title)
    sheet.merge_range("C3:D3", "车辆", title)
    for cell, name in (("C4", "号\n牌"), ("D4", "颜色")):
        sheet.write_string(cell, name)
    for cells, name in (("E3:E4", "处罚日期"), ("F3:F4", "罚款（元）"), ("G3:G4", "身份证号")):
        sheet.merge_range(cells, name, title)
    for i in range(3):
        row = 4 + i
        sheet.write_number(row, 0, i + 1)
        sheet.write_string(row, 1, f"运罚〔2026〕{i:03}号")
        sheet.write_string(row, 2, f"甘Z0000{i}")
        sheet.write_string(row, 3, "黄色")
        sheet.write_datetime(row, 4, dt.date(2026, 5, i + 1), day)
        sheet.write_number(row, 5, 1000.1 * (i + 1))
        sheet.write_string(row, 6, "99999918000101003X")


def test_a_ledger_as_a_county_sends_it(files):
    found = read(files, xlsx(county))
    assert found.batch.columns == (
        "序号", "案号", "车辆/号牌", "车辆/颜色", "处罚日期", "罚款（元）", "身份证号",
    )  # fmt: skip
    assert list(found.rows[2].values()) == [
        "3", "运罚〔2026〕002号", "甘Z00002", "黄色", "2026-05-03", "3000.3", "99999918000101003X",
    ]  # fmt: skip
    assert [p[1] for p in found.placed] == [5, 6, 7]
    assert not found.rejects


CASES = [
    (1, "General", "1"),
    (1.5, "0.00", "1.5"),
    (0.1 + 0.2, "General", "0.3"),
    (1234.56, "#,##0.00", "1234.56"),
    (-0.0, "General", "0"),
    (1e-7, "General", "0.0000001"),
    (1e14, "General", "100000000000000"),
    (999999999999999, "0", "999999999999999"),
    (12, "000000", "000012"),
    (0.5, "0%", "0.5"),
    (46143, "G/通用格式", "46143"),
    (46143, '"¥"#,##0.00;[Red]-0.00', "46143"),
    (46143, "0.00E+00", "46143"),
    (46143, "yyyy-mm-dd", "2026-05-01"),
    (46143, '[$-804]yyyy"年"m"月"d"日";@', "2026-05-01"),
    (46143, 'm"月"d"日"', "2026-05-01"),
    (46143, "yyyy-mm-dd hh:mm:ss", "2026-05-01T00:00:00"),
    (46143.416666666664, "yyyy-mm-dd", "2026-05-01T10:00:00"),
    (46143.41666667, "yyyy/m/d h:mm", "2026-05-01T10:00:00"),
    (46143.5, "h:mm AM/PM", "2026-05-01T12:00:00"),
    (0.4375, "h:mm", "10:30:00"),
    (0.4375, '上午/下午h"时"mm"分"', "10:30:00"),
    (0.4375 + 0.123 / 86400, "mm:ss.0", "10:30:00.123"),
    (1.25, "[h]:mm:ss", "30:00:00"),
    (1, "yyyy-mm-dd", "1900-01-01"),
    (59, "yyyy-mm-dd", "1900-02-28"),
    (61, "yyyy-mm-dd", "1900-03-01"),
    (2958465, "yyyy-mm-dd", "9999-12-31"),
]


@pytest.mark.parametrize(("value", "form", "text"), CASES, ids=range(len(CASES)))
def test_numbers_and_dates(files, value, form, text):
    def fill(book, sheet):
        sheet.write_row(0, 0, HEAD)
        sheet.write_number(1, 1, value, book.add_format({"num_format": form}))

    found = read(files, xlsx(fill))
    assert [r["车牌"] for r in found.rows] == [text]


@pytest.mark.parametrize(
    ("number", "text"),
    [(14, "2026-05-01"), (22, "2026-05-01T00:00:00"), (31, "2026-05-01"), (57, "2026-05-01"),
     (58, "2026-05-01"), (49, "46143")],
)  # fmt: skip
def test_formats_that_the_file_only_numbers(files, number, text):
    """Those of a Chinese Excel stand in no list of the file."""

    def fill(book, sheet):
        sheet.write_row(0, 0, HEAD)
        sheet.write_number(1, 1, 46143, book.add_format({"num_format": number}))

    assert read(files, xlsx(fill)).rows[0]["车牌"] == text


def test_the_system_of_1904(files):
    def fill(book, sheet):
        form = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_row(0, 0, HEAD)
        sheet.write_datetime(1, 0, dt.date(2026, 5, 1), form)
        sheet.write_number(1, 1, 0, form)

    found = read(files, xlsx(fill, date_1904=True))
    assert list(found.rows[0].values())[:2] == ["2026-05-01", "1904-01-01"]


@pytest.mark.parametrize(
    ("value", "form", "rule"),
    [
        (1e15, "0", "read:precision"),
        (620102199001010011, "0", "read:precision"),
        (-1e300, "General", "read:precision"),
        (0, "yyyy-mm-dd", "read:cell"),
        (60, "yyyy-mm-dd", "read:cell"),
        (-1, "yyyy-mm-dd", "read:cell"),
        (20260501, "yyyy-mm-dd", "read:cell"),
    ],
)
def test_a_number_that_cannot_be_trusted_takes_its_row_out(files, value, form, rule):
    def fill(book, sheet):
        sheet.write_row(0, 0, HEAD)
        sheet.write_row(1, 0, ["A1", "x"])
        sheet.write_string(2, 0, "A2")
        sheet.write_number(2, 2, value, book.add_format({"num_format": form}))
        sheet.write_row(3, 0, ["A3", "y"])

    found = read(files, xlsx(fill))
    assert [r["案号"] for r in found.rows] == ["A1", "A3"]
    ((_, row, told, detail, text),) = found.rejects
    assert (row, told) == (3, rule)
    assert detail.startswith("cell C3 ")
    assert "A2" in text
    assert str(value) not in detail


def errors(_book, sheet):
    sheet.write_row(0, 0, HEAD)
    sheet.write_row(1, 0, ["A1", "x"])
    sheet.write_string(2, 0, "A2")
    sheet.write_formula(2, 1, "=VLOOKUP(1,A1:A1,1)", None, "#N/A")
    sheet.write_string(3, 0, "A3")
    sheet.write_string(3, 1, "#N/A")
    sheet.write_formula(4, 0, '="A"&4', None, "A4")
    sheet.write_formula(4, 1, '=""', None, "EMPTY")
    sheet.write_formula(4, 2, "=1+1", None, 2)


def stored(part):
    """The result of ``=""`` as Excel writes it."""
    return part.replace(b"<v>EMPTY</v>", b"<v></v>")


ERRORS = changed(xlsx(errors), {SHEET: stored})


def test_errors_are_told_and_results_of_formulas_are_values(files):
    found = read(files, ERRORS)
    assert [tuple(r.values()) for r in found.rows] == [
        ("A1", "x", None), ("A3", "#N/A", None), ("A4", "", "2"),
    ]  # fmt: skip
    ((_, row, rule, detail, _),) = found.rejects
    assert (row, rule, detail) == (3, "read:cell", "cell B3 holds the error #N/A")


def test_errors_are_no_value_if_a_person_says_so(files):
    found = read(files, ERRORS, 'cell_errors = "null"')
    assert [r["车牌"] for r in found.rows] == ["x", None, "#N/A", ""]


def test_a_formula_without_its_result_is_no_empty_cell(files):
    data = changed(xlsx(errors), {SHEET: lambda part: part.replace(b"</f><v>2</v>", b"</f>")})
    found = read(files, data)
    assert [r[:4] for r in found.rejects][1][1:3] == (5, "read:cell")
    assert "formula without its result" in found.rejects[1][3]


def test_texts_stay_as_they_are(files):
    texts = [
        " 前后 ",
        "two\nlines",
        "two\r\nlines",
        "_x000D_",
        "00123",
        "\t",
        "㐀𠀀",
        "\x01",
        "<&>",
    ]

    def fill(book, sheet):
        sheet.write_row(0, 0, ["a", "b"])
        for i, text in enumerate(texts, start=1):
            sheet.write_string(i, 0, "x")
            sheet.write_string(i, 1, text)
        sheet.write_string(10, 0, "x")
        sheet.write_rich_string(10, 1, book.add_format({"bold": True}), "粗", "细")

    assert [r["b"] for r in read(files, xlsx(fill)).rows] == [*texts, "粗细"]


def test_a_phonetic_reading_is_not_part_of_a_text(files):
    def add_reading(part):
        return part.replace(
            b"<si><t>name</t></si>",
            b'<si><t>name</t><rPh sb="0" eb="1"><t>reading</t></rPh><phoneticPr fontId="1"/></si>',
        )

    data = changed(xlsx(table([HEAD, ["name", "x"]])), {"xl/sharedStrings.xml": add_reading})
    assert read(files, data).rows[0]["案号"] == "name"


@pytest.mark.parametrize(("text", "rule"), [("_x0000_", "read:nul"), ("_xD800_", "read:encoding")])
def test_what_is_no_character(files, text, rule):
    data = changed(
        xlsx(table([HEAD, ["bad", "x"], ["A2", "y"]])),
        {"xl/sharedStrings.xml": lambda part: part.replace(b"bad", text.encode())},
    )
    found = read(files, data)
    assert found.rules == [rule]
    assert [r["案号"] for r in found.rows] == ["A2"]


def test_empty_rows_and_gaps_are_nothing_and_numbers_stay_those_of_the_sheet(files):
    rows = [["案号", None, "金额"], ["A1", None, 1], [], ["  "], ["A5", None, 5]]
    found = read(files, xlsx(table(rows, top=2, left=1)), "header_row = 3")
    assert found.batch.columns == ("案号", "金额")
    assert [p[1:] for p in found.placed] == [(4, "A1", "1"), (7, "A5", "5")]


def test_a_column_with_values_but_without_a_name_is_kept(files):
    found = read(files, xlsx(table([["案号", None, "金额"], ["A1", "x", 1]])), "header_row = 1")
    assert found.rows == [{"案号": "A1", "column_2": "x", "金额": "1"}]


def test_values_right_of_the_header_take_their_row_out(files):
    found = read(files, xlsx(table([HEAD, ["A1", "x", 1, "lost?"], ["A2", "y", 2]])))
    assert [r["案号"] for r in found.rows] == ["A2"]
    assert found.rejects[0][1:4] == (
        2, "read:columns", "cell D2 is right of the header's last column",
    )  # fmt: skip


def test_hidden_rows_and_columns_are_read(files):
    def fill(book, sheet):
        table([HEAD, ["A1", "x", 1], ["A2", "y", 2]])(book, sheet)
        sheet.set_row(1, None, None, {"hidden": True})
        sheet.set_column(1, 1, None, None, {"hidden": True})

    assert [tuple(r.values()) for r in read(files, xlsx(fill)).rows] == [
        ("A1", "x", "1"), ("A2", "y", "2"),
    ]  # fmt: skip


def test_no_header(files):
    data = xlsx(table([["A1", 1], ["A2", 2]]))
    found = read(files, data, 'header = false\ncolumns = ["no", "n"]')
    assert [p[1:] for p in found.placed] == [(1, "A1", "1"), (2, "A2", "2")]


def test_a_row_larger_than_a_row_may_be(files):
    data = xlsx(table([HEAD, ["x" * 600] * 3, ["A2", "y", "z"]]))
    found = read(files, data, "max_record_bytes = 1024")
    assert found.rules == ["read:oversize"]
    assert [r["案号"] for r in found.rows] == ["A2"]


FOOT = [HEAD, ["A1", "x", 1], ["合计：", "y", 1], ["A2", "y", 2], ["合计", None, 3], ["制表：某人"]]


def test_a_footer_is_at_the_end(files):
    found = read(files, xlsx(table(FOOT)), 'footer = ["合计", "制表"]')
    assert [r["案号"] for r in found.rows] == ["A1", "合计：", "A2"]
    assert [r["案号"] for r in read(files, xlsx(table(FOOT))).rows][-1] == "制表：某人"


def merged(book, sheet):
    table([HEAD, ["A1"], ["A2", None, 2], ["A3", None, 3], ["A4", "z", 4]])(book, sheet)
    sheet.merge_range("B2:B4", "甘Z00001")
    sheet.merge_range("A7:C7", "备注：以上数据已核对")


def test_rows_that_a_merged_cell_covers_are_not_guessed(files):
    found = read(files, xlsx(merged))
    assert [tuple(r.values()) for r in found.rows] == [
        ("A1", "甘Z00001", None), ("A4", "z", "4"),
    ]  # fmt: skip
    assert [r[1:3] for r in found.rejects] == [(3, "read:merged"), (4, "read:merged"),
                                               (7, "read:merged")]  # fmt: skip
    assert found.rejects[0][3] == "cell B3 belongs to the merged cells B2:B4"


@pytest.mark.parametrize(("way", "plates"), [("fill", "甘Z00001"), ("empty", None)])
def test_what_a_merged_cell_says_of_the_rows_below_is_for_a_person_to_say(files, way, plates):
    found = read(files, xlsx(merged), f'merged_cells = "{way}"')
    assert [r["车牌"] for r in found.rows][:4] == ["甘Z00001", plates, plates, "z"]
    assert not found.rejects


def test_a_refused_row_covers_the_next_as_any_other(files):
    def fill(book, sheet):
        table([HEAD, ["A1", None, 1, "lost?"], ["A2", None, 2]])(book, sheet)
        sheet.merge_range("B2:B3", "甘Z00001")

    assert read(files, xlsx(fill)).rules == ["read:columns", "read:merged"]


# ---- laws ------------------------------------------------------------------------------------

# What a cell can hold: no surrogate, and no text that looks like an escape that is none.
cell_text = st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters="\0￾￿"), max_size=20
) | st.text(printable, max_size=20)
grids = st.integers(1, 4).flatmap(
    lambda width: st.lists(
        st.lists(cell_text, min_size=width, max_size=width), min_size=1, max_size=8
    )
)


def _load(data):
    with tempfile.TemporaryDirectory() as temp, duckdb.connect() as con:
        path = Path(temp) / "a"
        path.write_bytes(data)
        width = 4
        columns = tuple(f"c{i}" for i in range(width))
        reader = FilesReader(
            kind="files", path=".", format="spreadsheet", header=False, columns=columns, sheet=1
        )
        raw = RawTable(con, ())
        landed = Landed("0" * 64, len(data), path, "a.xlsx", NOW)
        load_spreadsheet(raw, landed, 0, reader, Path(temp))
        raw.finish()
        rows = con.execute("SELECT _row, c0, c1, c2, c3 FROM raw ORDER BY _row").fetchall()
        assert raw.unreadable == 0
        assert raw.received == len(rows)
        return rows


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(grids)
def test_any_texts_come_back(grid):
    """But rows of blanks, which are none."""
    found = _load(xlsx(table(grid)))
    wanted = [
        (i, *row, *[None] * (4 - len(row)))
        for i, row in enumerate(grid, start=1)
        if any(t.strip() for t in row)
    ]
    assert found == wanted


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1e14, 1e14) | st.integers(-(10**14), 10**14), min_size=1, max_size=5))
def test_numbers_agree_with_another_reader(numbers):
    data = xlsx(table([[n, "x"] for n in numbers]))
    found = [row[1] for row in _load(data)]
    with tempfile.NamedTemporaryFile(suffix=".xlsx") as file:
        file.write(data)
        file.flush()
        other = [row[0] for row in load_workbook(file.name).get_sheet_by_index(0).to_python()]
    assert [float(n or "nan") for n in found] == pytest.approx(other, rel=1e-14, abs=0)
