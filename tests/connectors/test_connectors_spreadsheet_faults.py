"""Workbooks that are not what they seem: each is a file that can't be read, and says why."""

from __future__ import annotations

import io
import struct
import zipfile

import duckdb
import pytest
from connectors_world import NOW
from workbooks import SHEET, changed, ods, table, xls, xlsx

from connectors.files.look import look_inside
from connectors.formats.raw_table import RawTable
from connectors.formats.spreadsheet import load_spreadsheet
from connectors.landing import Landed
from connectors.raw import load_raw
from schemas.errors import DataError

HEAD = ["案号", "车牌", "金额"]
ROWS = [HEAD, *([f"A{i}", f"甘Z{i:05}", i] for i in range(1, 200))]
GOOD = xlsx(table(ROWS))


GOOD_VALUE = b'<c r="C8"><v>%s</v></c>'


def read(files, data, more=""):
    """The workbook between two good ones, which always go through."""
    source = files("spreadsheet", more)
    for name, content in (("a.xlsx", GOOD), ("b.xlsx", data), ("c.xlsx", GOOD)):
        source.put(name, content)
    found = source.read(source.pull())
    assert sum(1 for p in found.placed if p[0] != 1) == 2 * (len(ROWS) - 1)
    return found


def refused(files, data, more=""):
    found = read(files, data, more)
    ((index, row, rule, detail, _),) = found.rejects
    assert (index, row, rule) == (1, 0, "read:file")
    assert not [p for p in found.placed if p[0] == 1]
    return detail


def with_text(text: bytes) -> bytes:
    """In the place of the header's first name, and not escaped."""
    name = "<t>案号</t>".encode()
    strings = "xl/sharedStrings.xml"
    return changed(GOOD, {strings: lambda part: part.replace(name, b"<t>%s</t>" % text)})


def zipped(**parts: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", 8) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return out.getvalue()


def bomb(part: bytes) -> bytes:
    """A gibibyte of blanks that unpacks from a mebibyte."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(GOOD)) as old,
        zipfile.ZipFile(out, "w", 8, compresslevel=9) as new,
    ):
        for name in old.namelist():
            with new.open(name, "w") as handle:
                handle.write(old.read(name) if name != SHEET else part)
    return out.getvalue()


def lying_about_its_size(data: bytes) -> bytes:
    """The ZIP's directory says that the sheet is small."""
    at = data.rindex(SHEET.encode()) - 46
    return data[: at + 24] + struct.pack("<L", 100) + data[at + 28 :]


FAULTS = {
    "empty": (b"", "is empty"),
    "text": ("案号,车牌\nA1,x\n".encode("gb18030"), 'format = "csv"'),
    "html": (b"<html><table><tr><td>A1</td></tr></table></html>", "HTML or XML"),
    "xml_of_2003": (
        b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>',
        "XML of Excel 2003",
    ),
    "other": (bytes(range(256)) * 8, "no XLSX, XLS or ODS"),
    "zip_of_other_things": (zipped(**{"a.txt": b"x", "mimetype": b"y"}), "ZIP without a workbook"),
    "xlsb": (
        zipped(**{"[Content_Types].xml": b"<a/>", "_rels/.rels": b"<a/>", "xl/workbook.bin": b"x"}),
        "XLSB",
    ),
    "cut_off": (GOOD[: len(GOOD) // 2], "cut off"),
    "cut_off_at_the_end": (GOOD[:-30], "cut off"),
    "flipped_bit": (GOOD[:3000] + bytes([GOOD[3000] ^ 0xFF]) + GOOD[3001:], ""),
    "no_relations": (changed(GOOD, {"xl/_rels/workbook.xml.rels": None}), ""),
    "no_sheet": (changed(GOOD, {SHEET: None}), "a part is missing"),
    "broken_sheet": (changed(GOOD, {SHEET: lambda part: part[:-40]}), "cut off"),
    "sheet_in_wrong_encoding": (
        changed(GOOD, {SHEET: lambda part: part.replace(b"UTF-8", b"X-8")}),
        "encoding",
    ),
    "text_without_its_place": (
        changed(GOOD, {"xl/sharedStrings.xml": lambda part: b"<sst/>"}),
        "a cell of row 1 has no value",
    ),
    "row_twice": (
        changed(GOOD, {SHEET: lambda part: part.replace(b'<row r="5"', b'<row r="4"')}),
        "out of order",
    ),
    "cell_twice": (
        changed(GOOD, {SHEET: lambda part: part.replace(b'<c r="B5"', b'<c r="A5"')}),
        "out of order",
    ),
    "row_beyond_the_last": (
        changed(GOOD, {SHEET: lambda part: part.replace(b'<row r="200"', b'<row r="9999999"')}),
        "out of order",
    ),
    "column_that_is_none": (
        changed(GOOD, {SHEET: lambda part: part.replace(b'<c r="B5"', b'<c r="ZZZZ5"')}),
        "out of order",
    ),
    "shared_text_with_a_dtd": (
        changed(
            GOOD,
            {
                "xl/sharedStrings.xml": lambda part: part.replace(
                    b"<sst ", b'<!DOCTYPE sst [<!ENTITY a "x">]><sst '
                )
            },
        ),
        "document type declaration",
    ),
    "billion_laughs": (
        changed(
            GOOD,
            {
                SHEET: lambda part: part.replace(
                    b"<worksheet ",
                    b'<!DOCTYPE l [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><worksheet ',
                )
            },
        ),
        "document type declaration",
    ),
    "cut_off_xls": (xls(lambda _b, s: [s.write(i, 0, "x" * 99) for i in range(99)])[:3000], ""),
    "ole_that_is_no_workbook": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 4000, "damaged"),
    "cut_off_ods": (ods(ROWS)[:-200], "cut off"),
}


HUGE = b"9" * 5000  # more digits than Python makes a number of
FAULTS |= {
    "row_number_that_only_unicode_knows": (
        changed(GOOD, {SHEET: lambda part: part.replace(b'<row r="9"', '<row r="²"'.encode())}),
        "out of order",
    ),
    "row_number_of_5000_digits": (
        changed(GOOD, {SHEET: lambda part: part.replace(b'<row r="9"', b'<row r="%s"' % HUGE)}),
        "out of order",
    ),
    "shared_text_of_5000_digits": (
        changed(GOOD, {SHEET: lambda part: part.replace(b"<v>9</v>", b"<v>%s</v>" % HUGE, 1)}),
        "has no value",
    ),
    "style_of_5000_digits": (
        changed(GOOD, {SHEET: lambda part: part.replace(b'"C9"', b'"C9" s="%s"' % HUGE)}),
        "has no value",
    ),
    "merged_cells_over_each_other": (
        changed(
            GOOD,
            {
                SHEET: lambda part: part.replace(
                    b"</sheetData>",
                    b"</sheetData><mergeCells>%s</mergeCells>"
                    % (b'<mergeCell ref="A1:XFD1048576"/>' * 3000),
                )
            },
        ),
        "merged cells overlap each other in row 1",
    ),
    "merged_cells_of_records_over_each_other": (
        changed(
            GOOD,
            {
                SHEET: lambda part: part.replace(
                    b"</sheetData>",
                    b"</sheetData><mergeCells>%s</mergeCells>"
                    % b"".join(b'<mergeCell ref="A%d:XFD1048576"/>' % i for i in range(60, 160)),
                )
            },
        ),
        "merged cells overlap each other in row 61",
    ),
    "name_with_a_nul": (with_text(b"_x0000_"), "a NUL"),
    "name_of_half_a_character": (with_text(b"_xD800_"), "a NUL"),
    "far_too_wide": (xlsx(table([[f"c{i}" for i in range(2001)]])), "more than 2000 columns"),
}


FAULTS |= {
    "formats_without_end": (
        changed(GOOD, {"xl/styles.xml": lambda part: part + b" " * (33 << 20)}),
        "unpacks to more than",
    ),
    "one_sheet_by_many_names": (
        changed(
            xlsx(table(ROWS), table(ROWS)),
            {
                "xl/_rels/workbook.xml.rels": lambda part: part.replace(
                    b"worksheets/sheet2.xml", b"worksheets/sheet1.xml"
                )
            },
        ),
        "two sheets are one part",
    ),
}


@pytest.mark.parametrize("name", list(FAULTS))
def test_a_file_that_is_no_workbook(files, name):
    data, told = FAULTS[name]
    assert told in refused(files, data)


@pytest.mark.parametrize(
    "name",
    ["xl/styles.xml", "xl/workbook.xml", "xl/sharedStrings.xml", SHEET, "[Content_Types].xml"],
)
def test_nesting_without_end(files, name):
    """Nothing here recurses or piles up: it is refused, and the process goes on."""
    deep = b"<a>" * 200_000 + b"</a>" * 200_000
    data = changed(GOOD, {name: lambda _part: deep})
    found = read(files, data)
    assert found.rules in ([], ["read:file"])


@pytest.mark.parametrize("value", ["1e-999999999", "-1e-99999999999999999999", "nan", "1e-401"])
def test_a_number_that_would_fill_the_memory_when_written_out(files, value):
    part = GOOD_VALUE % value.encode()
    found = read(files, changed(GOOD, {SHEET: lambda p: p.replace(GOOD_VALUE % b"7", part)}))
    assert [r[1:4] for r in found.rejects] == [
        (8, "read:cell", "cell C8 holds a number that is none")
    ]


def test_an_error_is_told_by_its_name_and_never_by_what_else_stands_there(files):
    fault = b'<c r="C8" t="e"><v>999999199001011234</v></c>'
    found = read(files, changed(GOOD, {SHEET: lambda p: p.replace(GOOD_VALUE % b"7", fault)}))
    assert [r[3] for r in found.rejects] == ["cell C8 holds the error #?"]


def test_a_bomb_is_refused_before_it_is_unpacked(files):
    data = bomb(b" " * (1 << 26))
    assert "unpacks to more than" in refused(files, data, "max_unpacked_bytes = 1048576")


def test_shared_texts_have_a_bound_of_their_own(files):
    """They are what a workbook keeps in memory."""
    data = xlsx(table([HEAD, *([str(i) * 100, "x"] for i in range(1000))]))
    assert "unpacks to more than" in refused(files, data, "max_document_bytes = 65536")


def test_a_part_that_unpacks_to_more_than_it_says(files):
    assert "ZIP is damaged" in refused(files, lying_about_its_size(GOOD))


def test_a_cell_at_the_far_corner_costs_nothing(files):
    """A reader that keeps a sheet as one block would ask for 2 to the 34 cells here."""

    def fill(book, sheet):
        table(ROWS)(book, sheet)
        sheet.write_string(1048575, 16383, "far")

    found = read(files, xlsx(fill))
    assert [r[1:4] for r in found.rejects] == [
        (1048576, "read:columns", "cell XFD1048576 is right of the header's last column")
    ]


# ---- sheets and headers ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("", 'b.xlsx: sheet "Sheet1", header in row 3, 3 columns'),
        (
            "header_row = 3\nheader_rows = 2",
            'b.xlsx: sheet "Sheet1", header in rows 3 to 4, 3 columns',
        ),
        (
            "header = false\ncolumns = ['x', 'y', 'z']",
            'b.xlsx: sheet "Sheet1", without a header, 3 columns',
        ),
        ("sheet = 2", None),
    ],
)
def test_what_is_read_of_a_workbook_is_told(files, more, told):
    source = files("spreadsheet", more)
    source.put("b.xlsx", xlsx(table(ROWS, top=2)))
    (landed,) = source.pull().objects
    found = look_inside(source.config.reader, landed)
    assert [text.en for text in found] == [told] * (told is not None)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("", "2 sheets hold rows"),
        ('sheet = "别的"', "there is no sheet '别的'"),
        ("sheet = 9", "there is no sheet 9"),
        ('sheet = "空"', "is empty, without even a header"),
        ('sheet = "甲"\nheader_row = 900', "row 900 is empty"),
    ],
)
def test_which_sheet(files, more, told):
    data = xlsx(table(ROWS), table(ROWS), table([]), names=("甲", "乙", "空"))
    source = files("spreadsheet", more)
    source.put("a.xlsx", data)
    found = source.read(source.pull())
    assert found.rules == ["read:file"]
    assert told in found.rejects[0][3]


@pytest.mark.parametrize("more", ['sheet = "乙"', 'sheet = " 乙 "', "sheet = 2"])
def test_a_sheet_by_name_or_number(files, more):
    data = xlsx(table(ROWS), table([HEAD, ["B1"]]), names=("甲", "乙"))
    source = files("spreadsheet", more)
    source.put("a.xlsx", data)
    assert [r["案号"] for r in source.read(source.pull()).rows] == ["B1"]


def test_the_only_sheet_with_rows_is_meant_and_a_hidden_one_is_not(files):
    def hidden(book, sheet):
        table(ROWS)(book, sheet)
        sheet.hide()

    data = xlsx(table([]), table([HEAD, ["B1"]]), hidden, names=("甲", "乙", "丙"))
    source = files("spreadsheet")
    source.put("a.xlsx", data)
    assert [r["案号"] for r in source.read(source.pull()).rows] == ["B1"]


def groups(_book, sheet):
    sheet.merge_range("B1:C1", "车辆")
    table([["案号"], [None, "号牌", "颜色"], ["A1", "x", "y"]])(None, sheet)


def numbers_only(_book, sheet):
    table([[1, 2], [3, 4]])(None, sheet)


HEADERS = [
    (groups, "groups columns"),
    (numbers_only, "looks like a header"),
    (table([["案号", "案 号"], ["A1", "x"]]), "more than once: columns A, B"),
    (table([["案号", 2026], ["A1", "x"]]), "looks like a header"),
    (table([["只有一列"], ["A1"]]), "looks like a header"),
]


@pytest.mark.parametrize(("fill", "told"), HEADERS, ids=range(len(HEADERS)))
def test_a_header_that_cannot_be_told(files, fill, told):
    assert told in refused(files, xlsx(fill))


def test_a_header_whose_rows_a_person_counted(files):
    source = files("spreadsheet", "header_row = 1\nheader_rows = 2")
    source.put("a.xlsx", xlsx(groups))
    found = source.read(source.pull())
    assert found.rows == [{"案号": "A1", "车辆/号牌": "x", "车辆/颜色": "y"}]


@pytest.mark.parametrize("names", [["a", "A"], ["姓 名", "姓名"], ["_row", "b"]])
def test_names_that_clash(files, names):
    source = files("spreadsheet", "header_row = 1")
    source.put("a.xlsx", xlsx(table([names, ["1", "2"]])))
    assert source.read(source.pull()).rules == ["read:file"]


# ---- passwords -------------------------------------------------------------------------------


def encrypted(password: str) -> bytes:
    from msoffcrypto.format.ooxml import OOXMLFile

    out = io.BytesIO()
    OOXMLFile(io.BytesIO(GOOD)).encrypt(password, out)
    return out.getvalue()


LOCKED = encrypted("right-pass")


@pytest.mark.parametrize(
    ("password", "told"), [(None, "names no password"), ("wrong", "does not open this workbook")]
)
def test_a_workbook_with_another_password(files, password, told):
    found = _read_locked(files, password)
    assert found[1] == [("read:file", True)] if told in found[2] else pytest.fail(found[2])
    assert found[0] == len(ROWS) - 1


def test_a_workbook_with_a_password(files):
    assert _read_locked(files, "right-pass")[0] == 2 * (len(ROWS) - 1)


def _read_locked(files, password):
    source = files("spreadsheet", 'archive_password = "env:BOOK"' if password else "")
    source.put("a.xlsx", LOCKED)
    source.put("b.xlsx", GOOD)
    with duckdb.connect() as con:
        batch = load_raw(con, source.config, source.pull(), secrets=lambda _name: password)
        rejects = con.execute("SELECT rule_id, _row = 0, detail FROM raw_reject").fetchall()
    told = "".join(r[2] for r in rejects)
    return batch.received - batch.unreadable, [r[:2] for r in rejects], told


@pytest.mark.parametrize("name", list(FAULTS))
def test_every_refusal_is_in_both_languages(files, tmp_path, name):
    path = tmp_path / "a"
    path.write_bytes(FAULTS[name][0])
    landed = Landed("0" * 64, path.stat().st_size, path, "a.xlsx", NOW)
    reader = files("spreadsheet").config.reader
    with duckdb.connect() as con, pytest.raises(DataError) as caught:
        load_spreadsheet(RawTable(con, ()), landed, 0, reader, tmp_path)
    told = caught.value
    assert any("一" <= c <= "鿿" for c in told.message.zh)
    assert told.hint
