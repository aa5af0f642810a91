"""ODS and XLS: the same table gives the same rows, whatever the file's name says."""

from __future__ import annotations

import contextlib
import datetime as dt
import tempfile
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from workbooks import ods, table, xls, xlsx

from connectors.formats.raw_table import RawTable
from connectors.formats.spreadsheet import load_spreadsheet
from connectors.landing import Landed
from connectors.reader_config import FilesReader
from schemas.errors import DataError

HEAD = ["案号", "日期", "时间", "金额", "已缴"]
ROWS = [
    ("A1", "2026-05-01", "10:30:00", "1000.1", "true"),
    ("A2", "2026-05-02T08:00:00", "30:00:00", "12", "false"),
    ("00123", None, None, "-0.5", None),
]


def as_xlsx():
    def fill(book, sheet):
        day, moment, clock, elapsed = (
            book.add_format({"num_format": f})
            for f in ("yyyy-mm-dd", "yyyy-mm-dd hh:mm", "hh:mm:ss", "[h]:mm:ss")
        )
        sheet.write_row(0, 0, HEAD)
        sheet.write_row(1, 0, ["A1"])
        sheet.write_datetime(1, 1, dt.date(2026, 5, 1), day)
        sheet.write_number(1, 2, 10.5 / 24, clock)
        sheet.write_row(1, 3, [1000.1, True])
        sheet.write_row(2, 0, ["A2"])
        sheet.write_datetime(2, 1, dt.datetime(2026, 5, 2, 8), moment)  # noqa: DTZ001
        sheet.write_number(2, 2, 1.25, elapsed)
        sheet.write_row(2, 3, [12, False])
        sheet.write_string(3, 0, "00123")
        sheet.write_number(3, 3, -0.5)

    return xlsx(fill)


def as_xls():
    import xlwt

    def fill(_book, sheet):
        day, moment, clock, elapsed = (
            xlwt.easyxf(num_format_str=f)
            for f in ("yyyy-mm-dd", "yyyy-mm-dd hh:mm", "hh:mm:ss", "[h]:mm:ss")
        )
        for c, name in enumerate(HEAD):
            sheet.write(0, c, name)
        for c, value in enumerate(["A1", dt.date(2026, 5, 1), 10.5 / 24, 1000.1, True]):
            sheet.write(1, c, value, *[[], [day], [clock], [], []][c])
        for c, value in enumerate(["A2", dt.datetime(2026, 5, 2, 8), 1.25, 12, False]):  # noqa: DTZ001
            sheet.write(2, c, value, *[[], [moment], [elapsed], [], []][c])
        sheet.write(3, 0, "00123")
        sheet.write(3, 3, -0.5)

    return xls(fill)


def as_ods():
    def typed(kind, key, value, shown):
        return kind, {key: value}, shown

    return ods(
        [
            HEAD,
            [
                "A1",
                typed("date", "datevalue", "2026-05-01", "2026年5月1日"),
                typed("time", "timevalue", "PT10H30M00S", "10:30"),
                1000.1,
                typed("boolean", "booleanvalue", "true", "是"),
            ],
            [
                "A2",
                typed("date", "datevalue", "2026-05-02T08:00:00", "5-2"),
                typed("time", "timevalue", "PT30H00M00S", "30:00"),
                12,
                typed("boolean", "booleanvalue", "false", "否"),
            ],
            ["00123", None, None, typed("percentage", "value", "-0.5", "-50%")],
        ]
    )


KINDS = {"xlsx": as_xlsx, "xls": as_xls, "ods": as_ods}


def read(files, data, more="", name="a.xlsx"):
    source = files("spreadsheet", more)
    source.put(name, data)
    return source.read(source.pull())


@pytest.mark.parametrize("kind", list(KINDS))
def test_every_kind_gives_the_same_rows(files, kind):
    """The name is always that of an XLSX, as where somebody renamed the file."""
    found = read(files, KINDS[kind]())
    assert found.batch.columns == tuple(HEAD)
    assert [tuple(r.values()) for r in found.rows] == ROWS
    assert [p[1] for p in found.placed] == [2, 3, 4]
    assert not found.rejects


def test_xls_errors_numbers_and_merged_cells(files):
    def fill(_book, sheet):
        for c, name in enumerate(HEAD):
            sheet.write(0, c, name)
        sheet.row(1).set_cell_text(0, "A1")
        sheet.row(1).set_cell_error(3, 42)
        sheet.write(2, 0, "A2")
        sheet.write(2, 3, 620102199001010011)
        sheet.write_merge(3, 4, 0, 0, "A3")
        sheet.write(4, 3, 5)

    found = read(files, xls(fill))
    assert [r["案号"] for r in found.rows] == ["A3"]
    assert [r[1:4] for r in found.rejects] == [
        (2, "read:cell", "cell D2 holds the error #N/A"),
        (3, "read:precision", found.rejects[1][3]),
        (5, "read:merged", "cell A5 belongs to the merged cells A4:A5"),
    ]


def changed_ods(old: str, new: str, rows=None) -> bytes:
    from workbooks import changed

    data = ods(rows or [HEAD, ["A1", "x", "y", 12, "z"], ["A2"]])

    def change(part: bytes) -> bytes:
        assert old in part.decode()
        return part.decode().replace(old, new).encode()

    return changed(data, {"content.xml": change})


X = "<text:p>x</text:p>"


@pytest.mark.parametrize(
    ("new", "text"),
    [
        ("<text:p>a<text:s text:c='2'/>b<text:tab/>c<text:line-break/>d</text:p>", "a  b\tc\nd"),
        ("<text:p>a</text:p><text:p>b</text:p>", "a\nb"),
        ("<text:p><text:span>粗</text:span>细</text:p>", "粗细"),
        ("<office:annotation><text:p>note</text:p></office:annotation><text:p>x</text:p>", "x"),
    ],
)
def test_ods_texts(files, new, text):
    assert read(files, changed_ods(X, new)).rows[0]["日期"] == text


@pytest.mark.parametrize("hours", ["PT", "", "10:30"])
def test_ods_a_time_that_is_none(files, hours):
    bad = ("time", {"timevalue": hours}, "x")
    assert read(files, ods([HEAD, ["A1", None, bad], ["A2"]])).rules == ["read:cell"]


def test_ods_errors_of_formulas(files):
    """As LibreOffice writes ``=1/0``: a text by its type, and an error by its own extension."""
    cell = '<table:table-cell office:value-type="string">' + X
    new = '<table:table-cell table:formula="of:=1/0" office:value-type="string">'
    found = read(files, changed_ods(cell, f"{new}<text:p>#DIV/0!</text:p>"))
    assert [r[1:4] for r in found.rejects] == [(2, "read:cell", "cell B2 holds the error #DIV/0!")]


def test_ods_zeros_before_a_number_are_shown_and_kept(files):
    found = read(files, ods([HEAD, ["A1", None, None, ("float", {"value": "12"}, "000012")]]))
    assert found.rows[0]["金额"] == "000012"


def test_ods_repeated_cells_and_rows(files):
    cell = '<table:table-cell office:value-type="string">' + X
    new = cell.replace("<table:table-cell", "<table:table-cell table:number-columns-repeated='2'")
    found = read(files, changed_ods(cell, new, [HEAD, ["A1", "x"], ["A2"]]))
    assert list(found.rows[0].values()) == ["A1", "x", "x", None, None]
    row = "<table:table-row>"
    data = changed_ods(row, row.replace(">", " table:number-rows-repeated='3'>"), [["A1", "x"]])
    assert [p[1:] for p in read(files, data, 'header = false\ncolumns = ["a", "b"]').placed] == [
        (1, "A1", "x"), (2, "A1", "x"), (3, "A1", "x"),
    ]  # fmt: skip


@pytest.mark.parametrize("times", ["999999999", "9999999999", "x"])
def test_ods_repeated_without_end(files, times):
    row = "<table:table-row>"
    data = changed_ods(row, row.replace(">", f" table:number-rows-repeated='{times}'>"))
    found = read(files, data, "max_unpacked_bytes = 1048576")
    assert found.rules == ["read:file"]


def test_ods_with_a_password(files):
    from workbooks import changed

    def lock(part):
        return part.replace(b"/>", b"><manifest:encryption-data/></manifest:file-entry>", 1)

    data = changed(as_ods(), {"META-INF/manifest.xml": lock})
    assert "LibreOffice" in read(files, data).rejects[0][3]


# ---- law -------------------------------------------------------------------------------------

# LibreOffice writes blanks and line breaks as elements; odfpy only plain characters.
plain = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Z"), exclude_characters="\ufffe\uffff"),
    min_size=1,
    max_size=20,
)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(plain, min_size=3, max_size=3), min_size=1, max_size=5))
def test_any_texts_come_back(grid):
    """From each kind of workbook the same."""

    def fill(_book, sheet):
        for r, row in enumerate(grid):
            for c, value in enumerate(row):
                sheet.write(r, c, value)

    for data in (xlsx(table(grid)), ods(grid), xls(fill)):
        assert load(data, header=False, columns=("a", "b", "c")) == [tuple(row) for row in grid]


def load(data, **settings_):
    with tempfile.TemporaryDirectory() as temp, duckdb.connect() as con:
        path = Path(temp) / "a"
        path.write_bytes(data)
        reader = FilesReader(kind="files", path=".", format="spreadsheet", **settings_)
        raw = RawTable(con, ())
        landed = Landed("0" * 64, len(data), path, "a", dt.datetime(2026, 5, 20, tzinfo=dt.UTC))
        columns = load_spreadsheet(raw, landed, 0, reader, Path(temp))
        raw.finish()
        shown = ", ".join(f'"{c}"' for c in columns)
        return con.execute(f"SELECT {shown} FROM raw ORDER BY _row").fetchall()


WHOLE = {kind: make() for kind, make in KINDS.items()}


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(list(KINDS)), st.lists(st.tuples(st.integers(0), st.integers(0, 255))))
def test_damage_is_a_refusal_and_nothing_else(kind, changes):
    """Whatever the library below raises."""
    data = bytearray(WHOLE[kind])
    for place, byte in changes:
        data[place % len(data)] = byte
    with contextlib.suppress(DataError):
        load(bytes(data))
