"""ZIP and gzip: members are read as files are; a bad archive is one reject; bombs stay packed."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile

import duckdb
import pytest
from connectors_archives import Member, crafted, encrypted, table, zip_crypto, zipped
from connectors_world import NOW

from connectors.pull import PullRequest, replay
from connectors.raw import load_raw
from schemas.errors import ConfigError, DataError

ODD = "示例-密码 1"


def read(source, delivery, password=ODD):
    with duckdb.connect() as con:
        batch = load_raw(con, source.config, delivery, secrets=lambda _name: password)
        wanted = "SELECT 案号 FROM raw ORDER BY _object, _row"
        rows = con.execute(wanted).fetchall() if batch.columns else []
        rejects = con.execute(
            "SELECT _object, _row, rule_id, detail, raw_text FROM raw_reject ORDER BY _object"
        ).fetchall()
    assert batch.received == len(rows) + len(rejects)
    return [r[0] for r in rows], rejects


def drop(files, data: bytes, more: str = "", name: str = "drop.zip"):
    source = files("csv", more)
    source.put(name, data)
    return source, source.pull()


# ---- what is read ----------------------------------------------------------------------------


def test_members_are_objects_in_order_of_their_names(files):
    data = zipped({"b/2.csv": table(3), "a.csv": table(1, 2), "b/": b"", ".hidden.csv": b"x"})
    source, delivery = drop(files, data)
    assert [o.member for o in delivery.objects] == ["a.csv", "b/2.csv"]
    assert [o.origin for o in delivery.objects] == ["drop.zip!/a.csv", "drop.zip!/b/2.csv"]
    digest = delivery.objects[0].digest
    assert [o.key for o in delivery.objects] == [f"{digest}!/a.csv", f"{digest}!/b/2.csv"]
    assert read(source, delivery) == (["A1", "A2", "A3"], [])
    # It rests as it was received, once.
    assert delivery.objects[0].path.read_bytes() == data
    assert [e.member for e in source.landing.events("cases/decisions")] == [None]


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_every_method_of_the_common_tools(files, method):
    source, delivery = drop(files, zipped({"a.csv": table(1)}, method))
    assert read(source, delivery) == (["A1"], [])


def test_only_the_members_that_are_asked_for(files):
    data = zipped({"readme.txt": b"hello", "a.csv": table(1), "old/a.csv": table(2)})
    source, delivery = drop(files, data, 'member = "*.csv"')
    assert [o.member for o in delivery.objects] == ["a.csv"]
    assert read(source, delivery) == (["A1"], [])


def test_an_archive_without_such_a_member_is_told(files):
    source, delivery = drop(files, zipped({"a.txt": table(1)}), 'member = "*.csv"')
    _, ((_, row, rule, detail, text),) = read(source, delivery)
    assert (row, rule) == (0, "read:file")
    assert "none of the 1 files" in detail
    assert text.startswith("drop.zip (")


@pytest.mark.parametrize("data", [zipped({}), zipped({"only/": b""})], ids=["nothing", "a folder"])
def test_an_empty_archive_is_told(files, data):
    source, delivery = drop(files, data)
    assert "none of the 0 files" in read(source, delivery)[1][0][3]


def test_names_in_gbk_without_a_word_about_it(files):
    name = "处罚/决定书一.csv"
    source, delivery = drop(files, crafted([Member(name.encode("gb18030"), table(1), system=0)]))
    assert delivery.objects[0].member == name
    assert read(source, delivery) == (["A1"], [])


def test_names_in_utf8_without_a_word_about_it(files):
    source, delivery = drop(files, crafted([Member("处罚.csv".encode(), table(1))]))
    assert delivery.objects[0].member == "处罚.csv"
    assert read(source, delivery) == (["A1"], [])


def test_gzip_is_told_by_its_first_bytes(files):
    source = files("csv")
    source.put("a.csv", gzip.compress(table(1)) + gzip.compress(b"A2,x\n"))  # legal: two parts
    source.put("b.csv.gz", gzip.compress(table(3)) + b"\0" * 512)  # padded by a tape or a tool
    delivery = source.pull()
    assert [o.member for o in delivery.objects] == [None, None]
    assert read(source, delivery) == (["A1", "A2", "A3"], [])


def test_a_gzip_inside_a_zip(files):
    source, delivery = drop(files, zipped({"a.csv.gz": gzip.compress(table(1))}))
    assert read(source, delivery) == (["A1"], [])


@pytest.mark.parametrize("kind", ["json", "jsonl"])
def test_other_formats_inside(files, kind):
    source = files(kind)
    source.put("a", zipped({"a": b'[{"x": 1}]' if kind == "json" else b'{"x": 1}\n'}))
    assert source.read(source.pull()).rows == [{"x": "1"}]


def test_parquet_inside(files):
    import pyarrow as pa
    import pyarrow.parquet as pq

    out = io.BytesIO()
    pq.write_table(pa.table({"x": ["1"]}), out)
    source = files("parquet")
    source.put("a.zip", zipped({"a.parquet": out.getvalue()}))
    source.put("b.gz", gzip.compress(out.getvalue()))
    assert [r["x"] for r in source.read(source.pull()).rows] == ["1", "1"]


def _workbook() -> bytes:
    import xlsxwriter

    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet("处罚")
        sheet.write_row(0, 0, ["案号", "party"])
        sheet.write_row(1, 0, ["A1", "p1"])
    return out.getvalue()


def test_a_workbook_is_no_archive_but_one_inside_an_archive_is_read(files):
    source = files("spreadsheet")
    source.put("a.xlsx", _workbook())
    source.put("b.zip", zipped({"c.xlsx": _workbook()}))
    source.put("d.xlsx.gz", gzip.compress(_workbook()))
    delivery = source.pull()
    assert [o.member for o in delivery.objects] == [None, "c.xlsx", None]
    assert read(source, delivery) == (["A1"] * 3, [])


def test_compression_none_takes_bytes_as_they_are(files):
    _, delivery = drop(files, zipped({"a.csv": table(1)}), 'compression = "none"')
    assert [o.member for o in delivery.objects] == [None]


def test_what_is_unpacked_is_gone_afterwards(files, tmp_path):
    source, delivery = drop(files, zipped({"a.csv": table(1)}))
    temp = tmp_path / "temp"
    temp.mkdir()
    with duckdb.connect(config={"temp_directory": str(temp)}) as con:
        load_raw(con, source.config, delivery)
    assert list(temp.iterdir()) == []


# ---- passwords -------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [encrypted, None], ids=["AES", "ZipCrypto"])
@pytest.mark.parametrize("password", ["geheim", ODD], ids=["plain", "odd"])
def test_the_right_password(files, make, password):
    if make:
        data = make({"a.csv": table(1)}, password)
    else:
        data = zip_crypto("a.csv", table(1), password.encode())
    source, delivery = drop(files, data, 'archive_password = "env:HEFU_ZIP"')
    assert read(source, delivery, password) == (["A1"], [])


@pytest.mark.parametrize(
    "data",
    [encrypted({"a.csv": table(1)}, "right"), zip_crypto("a.csv", table(1), b"right")],
    ids=["AES", "ZipCrypto"],
)
def test_the_wrong_password_is_told_and_the_files_beside_go_through(files, data):
    source = files("csv", 'archive_password = "env:HEFU_ZIP"')
    source.put("a.zip", data)
    source.put("b.csv", table(2))
    rows, ((_, row, rule, detail, _),) = read(source, source.pull(), "wrong")
    assert (rows, row, rule) == (["A2"], 0, "read:file")
    assert "password" in detail
    assert "wrong" not in detail


def test_a_password_that_is_needed_but_not_named_stops_the_run(files):
    source, delivery = drop(files, encrypted({"a.csv": table(1)}, "x"))
    with pytest.raises(ConfigError) as caught:
        read(source, delivery)
    assert "archive_password" in str(caught.value.hint)


# ---- archives that can't be trusted ----------------------------------------------------------

A = Member(b"a.csv", table(1))
GOOD = zipped({"a.csv": table(1), "b.csv": table(2)})
LARGE = crafted([Member(b"%d" % n, b"") for n in range(10_001)])


def _overlapping() -> bytes:
    """Two entries of the directory that tell of the same bytes."""
    return crafted([A, Member(b"a.cs2", b"", own=b"", at=0)])


BAD = {
    "up": (crafted([Member(b"../a.csv", b"x")]), "no plain relative path"),
    "inside_up": (crafted([Member(b"x/../../a.csv", b"x")]), "no plain relative path"),
    "absolute": (crafted([Member(b"/etc/a.csv", b"x")]), "no plain relative path"),
    "drive": (crafted([Member(b"C:/a.csv", b"x")]), "no plain relative path"),
    "backslash": (crafted([Member(b"x\\a.csv", b"x")]), "no plain relative path"),
    "nul": (crafted([Member(b"a.csv\0.exe", b"x")]), "no plain relative path"),
    "turned": (crafted([Member("a\u202evsc.exe".encode(), b"x")]), "no plain relative path"),
    "newline": (crafted([Member(b"a\nb.csv", b"x")]), "no plain relative path"),
    "no_name": (crafted([Member(b"", b"x")]), "has 0 bytes"),
    "long_name": (crafted([Member(b"n" * 501, b"x")]), "has 501 bytes"),
    "no_encoding": (crafted([Member(b"\xff\xff.csv", b"x")]), "neither UTF-8 nor GB18030"),
    "not_the_utf8_it_says": (crafted([Member(b"\xff.csv", b"x", flags=0x800)]), "is damaged"),
    "twice": (crafted([A, A]), "one name"),
    "overlap": (_overlapping(), "overlap"),
    "own_name": (crafted([Member(b"a.csv", b"x", own=b"b.csv")]), "not that of the directory"),
    "elsewhere": (crafted([A, Member(b"b.csv", b"x", at=7)]), "overlap"),
    "beyond": (crafted([A, Member(b"b.csv", b"x", at=10_000)]), "not where the directory says"),
    "hidden": (crafted([Member(b"a.csv", b"x", flags=0x2000)]), "encrypted"),
    "before": (b"PK\3\4" + GOOD, "not where it says"),
    "after": (GOOD + b"x", "bytes follow its end"),
    "cut_off": (GOOD[:-5], "cut off"),
    "half": (GOOD[: len(GOOD) // 2], "cut off"),
    "part": (GOOD[:-18] + b"\1\0" + GOOD[-16:], "one part of several"),
    "fewer": (crafted([A, Member(b"b.csv", b"x")], count=1), "directory is damaged"),
    "many": (LARGE, "more than 10000 members"),
    "rar": (b"Rar!\x1a\x07\x01\0", "RAR and 7z"),
    "seven": (b"7z\xbc\xaf\x27\x1c\0\4", "RAR and 7z"),
    "spanned": (b"PK\7\x08PK\3\4" + GOOD, "not where it says"),
}


def hiding() -> bytes:
    """Between two members a third, which the directory passes over: readers of streams see it."""
    data = crafted(
        [Member(b"a.csv", b"x"), Member(b"between.csv", b"y" * 99), Member(b"c.csv", b"z")]
    )
    first = data.index(b"PK\1\2")
    second = data.index(b"PK\1\2", first + 4)
    third = data.index(b"PK\1\2", second + 4)
    directory = data[first:second] + data[third : data.index(b"PK\5\6")]
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 2, 2, len(directory), first, 0)
    return data[:first] + directory + end


def saying(at: int, value: int) -> bytes:
    """One field of a member's own header, and not of the directory, is another."""
    data = bytearray(crafted([A]))
    struct.pack_into("<H", data, at, value)
    return bytes(data)


BAD |= {
    "between": (hiding(), "its directory does not name"),
    "own_method": (saying(8, 0), "what a member says of itself"),
    "own_encryption": (saying(6, 1), "what a member says of itself"),
    "own_size": (saying(22, 7), "what a member says of itself"),
    "line_in_a_name": (zipped({"a\u2028b.csv": b"x"}), "no plain relative path"),
}


@pytest.mark.parametrize("name", list(BAD))
def test_a_bad_archive_is_one_reject_and_the_file_beside_goes_through(files, name):
    data, words = BAD[name]
    source = files("csv")
    source.put("a.zip", data)
    source.put("b.csv", table(2))
    rows, ((place, row, rule, detail, text),) = read(source, source.pull())
    assert (rows, place, row, rule) == (["A2"], 0, 0, "read:file")
    assert words in detail
    assert text.startswith(f"a.zip ({len(data)} bytes")


ZEROS = b"\0" * (65 << 20)
MEMBER = {
    "crc": ([Member(b"a.csv", table(1), crc=7), Member(b"b.csv", table(2))], "damaged"),
    "size": ([Member(b"a.csv", table(1), size=9), Member(b"b.csv", table(2))], "damaged"),
    "method": ([Member(b"a.csv", b"x", method=9), Member(b"b.csv", table(2))], "method 9"),
    "link": (
        [Member(b"a.csv", b"/etc/passwd", attributes=0o120777 << 16), Member(b"b.csv", table(2))],
        "a link",
    ),
    "nested": ([Member(b"a.zip", GOOD), Member(b"b.csv", table(2))], "archive inside"),
    "nested_gzip": (
        [Member(b"a.gz", gzip.compress(gzip.compress(b"x"))), Member(b"b.csv", table(2))],
        "archive inside",
    ),
}


@pytest.mark.parametrize("name", list(MEMBER))
def test_a_bad_member_is_one_reject_and_the_members_beside_go_through(files, name):
    members, words = MEMBER[name]
    source, delivery = drop(files, crafted(members))
    rows, ((place, row, rule, detail, text),) = read(source, delivery)
    assert (rows, place, row, rule) == (["A2"], 0, 0, "read:file")
    assert words in detail
    assert text.startswith(f"drop.zip!/{members[0].name.decode()} (")


def _tar_gz() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        info = tarfile.TarInfo("a.csv")
        info.size = 3
        tar.addfile(info, io.BytesIO(b"a,b"))
    return out.getvalue()


PACKED = gzip.compress(table(*range(500)))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (PACKED[:-9], "damaged or cut off"),
        (PACKED[: len(PACKED) // 2], "damaged or cut off"),
        (PACKED[:-8] + struct.pack("<2L", 1, 1), "damaged or cut off"),
        (PACKED + b"garbage", "damaged or cut off"),
        (b"\x1f\x8b", "damaged or cut off"),
        (_tar_gz(), "archive inside"),
        (gzip.compress(GOOD), "archive inside"),
    ],
    ids=["no end", "half", "checksum", "garbage", "two bytes", "tar", "zip"],
)
def test_a_bad_gzip_is_one_reject_and_nothing_of_it_is_taken(files, data, words):
    source = files("csv")
    source.put("a.gz", data)
    source.put("b.csv", table(2))
    rows, ((_, row, rule, detail, _),) = read(source, source.pull())
    assert (rows, row, rule) == (["A2"], 0, "read:file")
    assert words in detail


# ---- bombs -----------------------------------------------------------------------------------


def test_a_bomb_is_told_by_its_directory_before_a_byte_is_unpacked(files):
    source, delivery = drop(files, zipped({"a.csv": ZEROS}))
    assert delivery.objects[0].member is None
    assert "times its size" in read(source, delivery)[1][0][3]


def test_a_bomb_that_lies_about_its_size_is_stopped_when_it_says_so(files):
    source, delivery = drop(files, crafted([Member(b"a.csv", ZEROS, size=100)]))
    assert "damaged" in read(source, delivery)[1][0][3]


def test_a_gzip_bomb_is_stopped(files):
    source, delivery = drop(files, gzip.compress(ZEROS), name="a.gz")
    assert "times its size" in read(source, delivery)[1][0][3]


@pytest.mark.parametrize(
    "data",
    [
        zipped({"a.csv": table(*range(200)), "b.csv": table(*range(200))}),
        gzip.compress(table(*range(400))),
    ],
    ids=["zip", "gzip"],
)
def test_an_archive_keeps_to_the_bound_of_the_source(files, data):
    source, delivery = drop(files, data, "max_unpacked_bytes = 2048")
    assert "more than 2048 bytes" in read(source, delivery)[1][0][3]


def test_the_bound_holds_for_all_members_together_also_those_packed_twice(files):
    inner = gzip.compress(table(*range(150)))
    data = zipped({"a.csv.gz": inner, "b.csv.gz": inner})
    source, delivery = drop(files, data, "max_unpacked_bytes = 3000")
    rows, rejects = read(source, delivery)
    assert len(rows) == 150
    assert [r[3] for r in rejects] == ["the archive unpacks to more than 3000 bytes"]


# ---- replay ----------------------------------------------------------------------------------


def again(source, delivery):
    keys = tuple(o.key for o in delivery.objects)
    request = PullRequest("window", None, None, None, NOW)
    return replay(source.config, request, source.landing, keys)


def test_members_are_replayed_by_their_keys(files):
    source, delivery = drop(files, zipped({"a.csv": table(1), "b.csv": table(2)}))
    assert again(source, delivery).objects == delivery.objects


def test_a_member_that_the_pattern_leaves_out_today_is_still_replayed(files):
    _, delivery = drop(files, zipped({"a.csv": table(1), "b.csv": table(2)}))
    narrowed = files("csv", 'member = "b.csv"')
    assert read(narrowed, again(narrowed, delivery)) == (["A1", "A2"], [])


def test_an_archive_that_was_too_large_is_opened_by_a_replay_once_it_may_be(files):
    data = zipped({"a.csv": table(*range(200))})
    _, delivery = drop(files, data, "max_unpacked_bytes = 1024")
    assert [o.member for o in delivery.objects] == [None]
    larger = files("csv")
    replayed = again(larger, delivery)
    assert [o.member for o in replayed.objects] == ["a.csv"]
    assert len(read(larger, replayed)[0]) == 200


def test_the_log_without_the_object_is_told(files):
    source, delivery = drop(files, zipped({"a.csv": table(1)}))
    delivery.objects[0].path.unlink()
    with pytest.raises(DataError, match="not in the landing area"):
        again(source, delivery)
