"""CSV as it comes: titles above, totals below, backslashes, words for nothing, odd encodings."""

from __future__ import annotations

import io
import string

import duckdb
import pytest
from connectors_world import NOW
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.config import load_source
from connectors.formats.csv_records import Dialect, Good, Splitter, lines
from connectors.landing import Landing
from connectors.pull import PullRequest, pull
from connectors.raw import load_raw

HEADER = "案号,当事人,罚款,备注\n"
ROWS = 'A1,甲公司,100.50,\nA2,"乙,公司",200,"两\n行"\n'


def read(files, data, more=""):
    source = files("csv", more)
    source.put("a.csv", data)
    return source.read(source.pull())


# ---- titles and totals -----------------------------------------------------------------------

REPORT = '二〇二六年四月处罚情况"统计\n单位：示例大队,,,\n\n' + HEADER + ROWS


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_titles_above_the_header_are_no_records(files, encoding, newline):
    data = REPORT.replace("\n", newline).encode(encoding)
    found = read(files, data, f'encoding = "{encoding}"\nheader_row = 4')
    assert [r["案号"] for r in found.rows] == ["A1", "A2"]
    assert [p[1] for p in found.placed] == [1, 2]
    assert not found.rejects


def test_a_file_that_ends_above_its_header(files):
    found = read(files, b"title\nx,y\n", "header_row = 4")
    assert found.rules == ["read:file"]
    assert "ends after 3 lines, above the header" in found.rejects[0][3]


FOOTER = 'footer = ["合计", "制表人"]'


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16"])
@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n\n"])
def test_totals_below_the_records_are_no_records(files, encoding, end):
    data = (HEADER + ROWS + ',"合计",300.50,\n\n制表人：示例,,,' + end).encode(encoding)
    found = read(files, data, f'encoding = "{encoding}"\n{FOOTER}')
    assert [r["案号"] for r in found.rows] == ["A1", "A2"]
    assert not found.rejects


def test_a_missing_footer_costs_no_record(files):
    found = read(files, (HEADER + ROWS).encode(), FOOTER)
    assert [r["案号"] for r in found.rows] == ["A1", "A2"]


def test_only_what_is_below_the_last_record_is_a_footer(files):
    data = (HEADER + "合计一,甲,1,\nA2,乙,2,\n合计,,3,\n").encode()
    assert [r["案号"] for r in read(files, data, FOOTER).rows] == ["合计一", "A2"]


def test_a_file_of_nothing_but_a_footer_is_empty(files):
    found = read(files, "合计,1\n".encode(), FOOTER)
    assert found.rules == ["read:file"]
    assert "empty" in found.rejects[0][3]


def test_a_footer_beyond_the_last_64_kib_is_still_found_only_from_the_end(files):
    body = "".join(f"A{n},{'x' * 90},1,\n" for n in range(2000))
    found = read(files, (HEADER + body + "合计,,2000,\n").encode(), FOOTER)
    assert found.batch.received == 2000


# ---- delimiters ------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", ["\t", "|", ";", "\x01", "，", "||", "|+|", "^^"])
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_delimiters(files, delimiter, encoding):
    text = HEADER.replace(",", delimiter) + delimiter.join(["A1", '"甲"', "1", ""]) + "\n"
    shown = delimiter.replace("\t", "\\t").replace("\x01", "\\u0001")
    found = read(files, text.encode(encoding), f'delimiter = "{shown}"\nencoding = "{encoding}"')
    assert found.rows == [{"案号": "A1", "当事人": "甲", "罚款": "1", "备注": ""}]


def test_a_delimiter_of_two_characters_inside_quotes_and_a_single_one_beside_it(files):
    data = b'a||b\n"1||1"||2|2\n"x""||y"||\n1||2||3\n'
    found = read(files, data, 'delimiter = "||"')
    assert found.rows == [{"a": "1||1", "b": "2|2"}, {"a": 'x"||y', "b": ""}]
    assert found.rules == ["read:columns"]


@pytest.mark.parametrize("first", ["sep=;", "SEP=;\r", '"sep=;"', "\ufeffsep=;"])
def test_the_first_line_that_excel_reads(files, first):
    data = (first + "\na;b\n1;2,5\n").encode()
    assert read(files, data).rows == [{"a": "1", "b": "2,5"}]


@pytest.mark.parametrize("mark", [b"\r", b"\0", b'"'])
def test_a_first_line_that_names_what_parts_no_columns(files, mark):
    source = files("csv")
    source.put("a.csv", b"sep=%s\nx,y\n1,2\n" % mark)
    source.put("b.csv", b"x,y\n3,4\n")
    found = source.read(source.pull())
    assert [r[3] for r in found.rejects] == ["the first line, sep=, names what can't part columns"]
    assert [row["x"] for row in found.rows] == ["3"]


@pytest.mark.parametrize("more", ["", "stray\n"])
def test_a_quote_of_more_than_one_byte(files, more):
    source = files("csv", "quote = '“'")
    source.put("a.csv", f'x,y\n“1,““2“,"3"\n{more}'.encode())
    found = source.read(source.pull())
    assert [(row["x"], row["y"]) for row in found.rows] == [("1,“2", '"3"')]
    assert found.rules == ["read:columns"] * bool(more)


def test_a_column_named_sep_is_a_column(files):
    assert read(files, b"sep=,b\n1,2\n").rows == [{"sep=": "1", "b": "2"}]


# ---- backslashes and words for nothing -------------------------------------------------------

DUMP = 'delimiter = "\\t"\nquote = ""\nescape = "\\\\"\nheader = false\ncolumns = ["a", "b", "c"]'


def test_what_mysql_writes_into_a_file(files):
    # SELECT ... INTO OUTFILE: the backslash before the character itself, \N for NULL.
    data = b"1\ta\\\tb\\\nc\t\\N\n2\tc:\\\\x\t\\\\N\n3\t\t\n"
    found = read(files, data, DUMP)
    assert found.rows == [
        {"a": "1", "b": "a\tb\nc", "c": None},
        {"a": "2", "b": "c:\\x", "c": "\\N"},
        {"a": "3", "b": "", "c": ""},
    ]
    assert [p[1] for p in found.placed] == [1, 2, 3]


def test_what_postgresql_writes_into_a_file(files):
    # COPY ... TO STDOUT: a letter for the character.
    data = b"1\ta\\tb\\nc\\r\\\\\t\\N\n"
    assert read(files, data, DUMP).rows == [{"a": "1", "b": "a\tb\nc\r\\", "c": None}]


def test_backslashes_inside_quotes(files):
    data = b'a,b\n"x\\"y","\\N"\n\\N,"c\\\\"\n"two\nlines",\\N\n'
    found = read(files, data, 'escape = "\\\\"')
    assert found.rows == [
        {"a": 'x"y', "b": "N"},
        {"a": None, "b": "c\\"},
        {"a": "two\nlines", "b": None},
    ]


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        (b"1\t2", "read:columns"),
        (b"1\t2\t3\t4", "read:columns"),
        (b"1\tx\\0y\t3", "read:nul"),
        (b"1\tx\0y\t3", "read:nul"),
        (b"1\t\xd5\xc5\t3", "read:encoding"),
    ],
)
def test_a_broken_line_of_a_dump_is_one_reject(files, line, rule):
    found = read(files, b"1\t2\t3\n" + line + b"\n4\t5\t6\n", DUMP)
    assert [r["a"] for r in found.rows] == ["1", "4"]
    assert found.rules == [rule]
    assert found.rejects[0][1] == 2


def test_a_backslash_at_the_end_of_a_dump_that_was_cut_off(files):
    found = read(files, b"1\t2\t3\n4\t5\t6\\", DUMP)
    assert [r["a"] for r in found.rows] == ["1"]
    assert found.rules == ["read:quote"]


@pytest.mark.parametrize("defect", ["", "x\n"])
def test_words_for_nothing(files, defect):
    data = ('a,b,c\nNULL,1,null\n"NULL",,\\N\n' + defect).encode()
    found = read(files, data, 'null_text = ["NULL", "\\\\N"]')
    assert found.rows == [{"a": None, "b": "1", "c": "null"}, {"a": None, "b": "", "c": None}]


# ---- encodings -------------------------------------------------------------------------------


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("mark", ["\ufeff", ""])
def test_utf16_with_and_without_its_mark(files, codec, mark):
    found = read(files, (mark + HEADER + ROWS).encode(codec), 'encoding = "utf-16"')
    assert [r["当事人"] for r in found.rows] == ["甲公司", "乙,公司"]
    assert not found.rejects


def test_a_stray_byte_in_gbk_costs_one_row(files):
    rows = [f"A{n},甲公司,1,".encode("gbk") for n in range(5)]
    rows[2] = b"A2,\xff\x80,1,"
    found = read(files, HEADER.encode("gbk") + b"\n".join(rows), 'encoding = "gbk"')
    assert [r["案号"] for r in found.rows] == ["A0", "A1", "A3", "A4"]
    assert found.rules == ["read:encoding"]


def test_half_a_character_at_the_end_in_gb18030(files):
    data = (HEADER + "A1,甲,1,\nA2,乙,2,䶮").encode("gb18030")
    found = read(files, data[:-1], 'encoding = "gb18030"')
    assert [r["案号"] for r in found.rows] == ["A1"]
    assert found.rules == ["read:encoding"]


TOLD = [
    ("gb18030", "utf-8", "GB18030"),
    ("gb18030", "utf-8-sig", "GB18030"),
    ("utf-16", "utf-8", "UTF-16"),
    ("utf-16-le", "utf-8-sig", "UTF-16"),
    ("utf-16-be", "gb18030", "UTF-16"),
    ("utf-8", "gb18030", "UTF-8"),
    ("utf-8-sig", "gbk", "UTF-8"),
    ("utf-8", "utf-16", "UTF-8"),
    ("gb18030", "utf-16", "GB18030"),
]


@pytest.mark.parametrize(("real", "declared", "name"), TOLD)
def test_a_file_in_another_encoding_than_was_said_is_told_as_a_whole(files, real, declared, name):
    source = files("csv", f'encoding = "{declared}"')
    source.put("a.csv", (HEADER + ROWS).encode(real))
    found = source.read(source.pull())
    ((_, row, rule, detail, _),) = found.rejects
    assert (row, rule) == (0, "read:file")
    assert detail == f"the file looks like {name}, source.toml says {declared}"


def test_an_ascii_header_above_rows_in_another_encoding(files):
    data = b"a,b\n" + "甲,乙\n丙,丁\n戊,1\n".encode("gb18030")
    found = read(files, data)
    assert found.rules == ["read:file"]
    assert "looks like GB18030" in found.rejects[0][3]


def test_a_few_rows_in_another_encoding_are_rows(files):
    data = b"a,b\n1,2\n3,4\n" + "甲,乙\n".encode("gb18030")
    found = read(files, data)
    assert (len(found.rows), found.rules) == (2, ["read:encoding"])


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "gbk", "utf-16"])
def test_plain_ascii_is_any_of_them(files, encoding):
    text = "a,b\n1,2\n"
    data = text.encode("utf-16" if encoding == "utf-16" else "ascii")
    assert read(files, data, f'encoding = "{encoding}"').rows == [{"a": "1", "b": "2"}]


@settings(max_examples=200, deadline=None)
@given(text=st.text(alphabet="车牌号码张三李四，。示例大队abc12,\n", min_size=1, max_size=200))
def test_gbk_is_never_taken_for_utf8(text):
    from connectors.formats.encodings import certainly_other

    assert certainly_other(text.encode("gb18030"), "gb18030") is None
    assert certainly_other(text.encode("utf-8"), "utf-8") is None
    assert certainly_other(text.encode("utf-16"), "utf-16") is None


# ---- laws ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def con():
    with duckdb.connect() as one:
        yield one


def _load(tmp_path_factory, con, data, more):
    folder = tmp_path_factory.mktemp("source")
    (folder / "drop").mkdir()
    (folder / "drop" / "a.csv").write_bytes(data)
    (folder / "source.toml").write_text(
        'system = "s"\nstream = "t"\nrecord_type = "lead"\n'
        f'[reader]\nkind = "files"\npath = "drop"\nformat = "csv"\n{more}\n',
        encoding="utf-8",
    )
    config = load_source(folder)
    request = PullRequest("cursor", None, None, None, NOW)
    delivery = pull(config, folder, request, Landing(folder / "landing"), secrets=str)
    return load_raw(con, config, delivery)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    text=st.text(alphabet=st.sampled_from('aab|,,"\\N\n\n \r中'), max_size=40),
    delimiter=st.sampled_from([",", "|", "||"]),
    quote=st.sampled_from(['"', ""]),
    escape=st.sampled_from(["", "\\"]),
    encoding=st.sampled_from(["utf-8", "gb18030"]),
)
def test_the_quick_and_the_careful_way_agree_in_every_dialect(
    tmp_path_factory, con, text, delimiter, quote, escape, encoding
):
    header = delimiter.join("xyz")
    data = f"{header}\n{text}".encode(encoding)
    dialect = Dialect(delimiter, quote, b"\n", encoding, 1 << 20, escape)
    records = list(Splitter(lines(io.BytesIO(data), dialect), dialect, 3))[1:]
    expected = [
        (r.row - 1, *(None if v == "N" else v for v in r.fields))
        for r in records
        if isinstance(r, Good)
    ]
    more = (
        f"delimiter = '{delimiter}'\nquote = '{quote}'\nescape = '{escape}'\n"
        f"encoding = '{encoding}'\nnull_text = ['N']\nfooter = ['never']"
    )
    batch = _load(tmp_path_factory, con, data, more)
    found = con.execute("SELECT _row, x, y, z FROM raw ORDER BY _row").fetchall()
    assert found == expected
    assert batch.unreadable == len(records) - len(expected)


_VALUE = st.none() | st.text(alphabet='ab\t\n\\N,"中\r' + string.digits, max_size=6)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    rows=st.lists(st.tuples(_VALUE, _VALUE, _VALUE), max_size=6),
    letters=st.booleans(),
    above=st.integers(0, 3),
    below=st.booleans(),
)
def test_whatever_is_dumped_with_backslashes_comes_back(
    tmp_path_factory, con, rows, letters, above, below
):
    def written(value):
        if value is None:
            return "\\N"
        for char, letter in (("\\", "\\"), ("\t", "t"), ("\n", "n"), ("\r", "r")):
            # A carriage return before the end of a line would be taken for that of CRLF.
            value = value.replace(char, "\\" + (letter if letters or char == "\r" else char))
        return value

    body = "".join("\t".join(["k", *map(written, row)]) + "\n" for row in rows)
    titles = "".join(f'title "{n}\n' for n in range(above))
    data = titles + "k\tx\ty\tz\n" + body + ("合计\t1\n" if below else "")
    more = (
        'delimiter = "\\t"\nquote = ""\nescape = "\\\\"\nfooter = ["合计"]\n'
        f"header_row = {above + 1}"
    )
    batch = _load(tmp_path_factory, con, data.encode(), more)
    found = con.execute("SELECT x, y, z FROM raw ORDER BY _row").fetchall()
    assert found == rows
    assert batch.unreadable == 0
