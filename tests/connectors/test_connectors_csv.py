"""CSV: every row comes out, as a row or as a reject; good rows beside bad ones are untouched."""

from __future__ import annotations

import csv
import hashlib
import io
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.config import load_source
from connectors.formats.csv_records import Dialect, Good, Splitter, lines
from connectors.landing import Landing
from connectors.raw import load_raw

HEADER = "案号,party,fine,note\n"
GOOD = ["A1,甲公司,100.50,", 'A2,"乙,公司",200,"two\nlines"', "A3,丙,,''"]


def _read(files, data, more=""):
    source = files("csv", more)
    source.put("a.csv", data)
    return source.read(source.pull())


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["", "\n", "\n\n"])
def test_clean_file(files, newline, bom, end):
    text = (HEADER + "\n".join(GOOD)).replace("\n", newline) + end.replace("\n", newline)
    found = _read(files, bom + text.encode())
    assert found.batch.columns == ("案号", "party", "fine", "note")
    assert [r["案号"] for r in found.rows] == ["A1", "A2", "A3"]
    assert found.rows[0]["note"] == ""
    assert found.rows[1]["note"] == f"two{newline}lines"
    assert [p[1] for p in found.placed] == [1, 2, 3]
    assert not found.rejects


@pytest.mark.parametrize("encoding", ["gb18030", "gbk", "utf-16"])
@pytest.mark.parametrize("defect", ["", "A9,one column too many,1,2,3\n"])
def test_other_encodings(files, encoding, defect):
    text = HEADER + "\n".join(GOOD) + "\n" + defect
    found = _read(files, text.encode(encoding), f'encoding = "{encoding}"')
    assert [r["party"] for r in found.rows] == ["甲公司", "乙,公司", "丙"]
    assert found.rules == (["read:columns"] if defect else [])


def test_gb18030_rare_characters_survive(files):
    rare = "A1,㐀𠀀䶮,1,€\n"
    found = _read(files, (HEADER + rare).encode("gb18030"), 'encoding = "gb18030"')
    assert found.rows[0]["party"] == "㐀𠀀䶮"


def test_carriage_returns_alone_end_lines(files):
    found = _read(files, b"a,b\r1,2\r3,4\r")
    assert [tuple(r.values()) for r in found.rows] == [("1", "2"), ("3", "4")]


BROKEN = {
    "too_few": (b"B1,x", "read:columns"),
    "too_many": (b"B1,x,1,2,3,4", "read:columns"),
    "bad_utf8": (b"B1,\xd5\xc5\xc8\xfd,1,2", "read:encoding"),
    "lone_surrogate": (b"B1,\xed\xa0\x80,1,2", "read:encoding"),
    "overlong": (b"B1,\xc0\xaf,1,2", "read:encoding"),
    "nul": (b"B1,x\0y,1,2", "read:nul"),
    "quote_never_closes": (b'B1,"x,1,2', "read:quote"),
    "quote_closes_in_the_middle": (b'B1,"x"y,1,2', "read:quote"),
    "ten_mb_field": (b"B1," + b"x" * 10_000_000 + b",1,2", "read:oversize"),
    "ten_mb_field_of_lines": (b'B1,"' + (b"x" * 99 + b"\n") * 100_000 + b'",1,2', "read:oversize"),
}


@pytest.mark.parametrize("place", ["first", "middle", "last", "last_without_newline"])
@pytest.mark.parametrize("name", list(BROKEN))
def test_one_broken_row_among_good_ones(files, name, place):
    data, rule = BROKEN[name]
    rows = [g.encode() for g in GOOD]
    at = {"first": 0, "middle": 2}.get(place, 3)
    rows.insert(at, data)
    end = b"" if place == "last_without_newline" else b"\n"
    found = _read(files, HEADER.encode() + b"\n".join(rows) + end)
    assert [r["案号"] for r in found.rows] == ["A1", "A2", "A3"]
    assert found.rows[1]["note"] == "two\nlines"
    assert found.rules == [rule]
    assert found.rejects[0][1] == at + 1
    assert found.rejects[0][4].startswith("B1")


def test_oversize_row_is_cut_and_its_digest_told(files):
    row = b"B1," + b"x" * 10_000_000 + b",1,2"
    found = _read(files, HEADER.encode() + row + b"\nA1,x,1,2\n")
    _, _, _, detail, text = found.rejects[0]
    assert hashlib.sha256(row).hexdigest() in detail
    assert str(len(row)) in detail
    assert len(text) == 1000


def test_two_forgotten_quotes_do_not_swallow_the_good_row_between(files):
    found = _read(files, b'a,b,c,d\n1,"x,3,4\n2,ok,3,4\n3,",3,4\n4,ok,3,4\n')
    assert [r["a"] for r in found.rows] == ["2", "4"]
    assert found.rules == ["read:quote", "read:quote"]


def test_many_forgotten_quotes(files):
    rows = [f'{i},"x,3,4' if i % 2 else f"{i},ok,3,4" for i in range(2000)]
    found = _read(files, ("a,b,c,d\n" + "\n".join(rows)).encode())
    assert len(found.rows) == 1000
    assert found.rules == ["read:quote"] * 1000


def test_reject_shows_bad_bytes_and_nul(files):
    found = _read(files, b"a,b\n\xff\0,x\n")
    assert found.rejects[0][4] == "\\xff\\x00,x"


def test_all_rows_broken(files):
    found = _read(files, b"a,b\n1\n2\n3\n")
    assert not found.rows
    assert found.rules == ["read:columns"] * 3
    assert found.batch.columns == ("a", "b")


def test_header_only(files):
    found = _read(files, b"a,b\n")
    assert found.batch.received == 0
    assert found.batch.columns == ("a", "b")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b"a,b,A\n1,2,3\n", "more than once: columns 1, 3"),
        (b"\xff,b\n1,2\n", "header can't be read"),
        (b"_row,b\n1,2\n", "_row"),
    ],
)
def test_unusable_file_is_one_reject_and_the_next_file_goes_through(files, data, words):
    source = files("csv")
    source.put("a.csv", data)
    source.put("b.csv", b"a,b\n1,2\n")
    found = source.read(source.pull())
    ((_, row, rule, detail, text),) = found.rejects
    assert (row, rule) == (0, "read:file")
    assert words in detail
    assert text.startswith(f"a.csv ({len(data)} bytes")
    assert [(r["a"], r["b"]) for r in found.rows] == [("1", "2")]
    assert found.batch.received == 2


def test_unnamed_columns_and_spaces_in_the_header(files):
    found = _read(files, b" a ,,b\n1,2,3\n")
    assert found.batch.columns == ("a", "column_2", "b")


def test_without_header(files):
    found = _read(files, b"1,2\n3,4\n", 'header = false\ncolumns = ["x", "y"]')
    assert found.rows == [{"x": "1", "y": "2"}, {"x": "3", "y": "4"}]


def test_other_delimiter_and_no_quotes(files):
    found = _read(files, b'a;b\n5" pipe;"x\n1;2;3\n', 'delimiter = ";"\nquote = ""')
    assert found.rows == [{"a": '5" pipe', "b": '"x'}]
    assert found.rules == ["read:columns"]


def test_one_column(files):
    found = _read(files, b'a\n1\n\n"2\n3"\n')
    assert [r["a"] for r in found.rows] == ["1", "2\n3"]


def test_several_files_with_different_columns(files):
    source = files("csv")
    source.put("1.csv", b"a,b\n1,2\n")
    source.put("2.csv", b"b,c\n3,4\n5\n")
    found = source.read(source.pull())
    assert found.rows == [{"a": "1", "b": "2", "c": None}, {"a": None, "b": "3", "c": "4"}]
    assert [p[:2] for p in found.placed] == [(0, 1), (1, 1)]
    assert found.rejects[0][:3] == (1, 2, "read:columns")
    assert found.batch.absent == {"a": (1,), "c": (0,)}


def test_optional_column_is_null_and_not_unknown(files):
    found = _read(files, b"a,b\n1,2\n", 'optional_columns = ["paid_on"]')
    assert found.rows == [{"a": "1", "b": "2", "paid_on": None}]
    assert found.batch.absent == {}


def test_order_and_numbers_of_a_large_file(files):
    count = 300_000
    data = "a,b\n" + "".join(f'{i},"文字 {i}"\n' for i in range(1, count + 1))
    source = files("csv")
    source.put("a.csv", data.encode())
    delivery = source.pull()
    with duckdb.connect() as con:
        batch = load_raw(con, source.config, delivery)
        wrong = con.execute("SELECT count(*) FROM raw WHERE a <> _row::VARCHAR").fetchone()
    assert batch.received == count
    assert wrong == (0,)


# ---- laws ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def con():
    with duckdb.connect() as one:
        yield one


# A line inside a field that has all the commas of a record is taken for one (see above).
_FIELD = st.text(alphabet=st.sampled_from('ab,"\n é中𠀀\r;0'), max_size=6).filter(
    lambda field: "\n,,,,\n" not in field
)
_ROWS = st.lists(st.lists(_FIELD, min_size=5, max_size=5), max_size=8)
_DEFECTS = st.sampled_from(["few", "many", "quote", "nul", "bytes", "middle"])


def _csv_text(rows: list[list[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(rows)
    return out.getvalue()


def _defective(kind: str) -> bytes:
    return {
        "few": b"z,z,z",
        "many": b"z,z,z,z,z,z",
        "quote": b'z,"z,z,z,z',
        "nul": b"z,\0,z,z,z",
        "bytes": b"z,\xff\xfe,z,z,z",
        "middle": b'z,"z"z,z,z,z',
    }[kind]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows=_ROWS, defects=st.lists(st.tuples(st.integers(0, 8), _DEFECTS), max_size=4))
def test_received_is_good_plus_rejected_and_good_rows_are_identical(
    tmp_path_factory, con, rows, defects
):
    folder = tmp_path_factory.mktemp("source")
    # A row that is nothing but one empty line can't be told from a blank line.
    records = [_csv_text([["c1", "c2", "c3", "c4", "c5"]]).encode()]
    good: list[bytes] = [_csv_text([["k" + r[0], *r[1:]]]).encode() for r in rows]
    body = list(good)
    for place, kind in defects:
        body.insert(min(place, len(body)), _defective(kind) + b"\n")
    _write_source(folder, b"".join(records + body))
    config = load_source(folder)
    batch = load_raw(con, config, _deliver(folder, config))
    found = con.execute("SELECT c1, c2, c3, c4, c5 FROM raw ORDER BY _row").fetchall()
    places = con.execute(
        "SELECT _row FROM raw UNION ALL SELECT _row FROM raw_reject ORDER BY 1"
    ).fetchall()
    assert found == [("k" + r[0], *r[1:]) for r in rows]
    assert batch.unreadable == len(defects)
    assert batch.received == len(rows) + len(defects)
    assert [p[0] for p in places] == list(range(1, batch.received + 1))


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=st.text(alphabet=st.sampled_from('aab,,"\n\n \r中'), max_size=40))
def test_the_fast_way_and_the_careful_way_agree(tmp_path_factory, con, text):
    folder = tmp_path_factory.mktemp("source")
    data = ("x,y,z\n" + text).encode()
    _write_source(folder, data)
    config = load_source(folder)
    dialect = Dialect(",", '"', b"\n", "utf-8", 1 << 20)
    careful = list(Splitter(lines(io.BytesIO(data), dialect), dialect, 3))[1:]
    batch = load_raw(con, config, _deliver(folder, config))
    found = con.execute("SELECT _row, x, y, z FROM raw ORDER BY _row").fetchall()
    expected = [(r.row - 1, *r.fields) for r in careful if isinstance(r, Good)]
    assert found == expected
    assert batch.unreadable == len(careful) - len(expected)


def _write_source(folder: Path, data: bytes) -> None:
    (folder / "drop").mkdir()
    (folder / "drop" / "a.csv").write_bytes(data)
    (folder / "source.toml").write_text(
        'system = "s"\nstream = "t"\nrecord_type = "lead"\n'
        '[reader]\nkind = "files"\npath = "drop"\nformat = "csv"\n'
    )


def _deliver(folder, config):
    from connectors_world import NOW

    from connectors.pull import PullRequest, pull

    request = PullRequest("cursor", None, None, None, NOW)
    return pull(config, folder, request, Landing(folder / "landing"), secrets=str)
