"""Parquet: every type as text in a defined way; damage is found, not read."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

SHANGHAI = ZoneInfo("Asia/Shanghai")

NAIVE = datetime(2026, 5, 1, 10)  # noqa: DTZ001 - a column without a zone

CASES = [
    (pa.string(), "甲", "甲"),
    (pa.large_string(), "", ""),
    (pa.dictionary(pa.int32(), pa.string()), "x", "x"),
    (pa.int64(), -(2**63), "-9223372036854775808"),
    (pa.uint64(), 2**64 - 1, "18446744073709551615"),
    (pa.float64(), 0.1, "0.1"),
    (pa.float64(), 1e308, "1e+308"),
    (pa.decimal128(16, 2), Decimal("100.50"), "100.50"),
    (pa.bool_(), True, "true"),
    (pa.date32(), date(2026, 5, 1), "2026-05-01"),
    (pa.time64("us"), time(8, 30), "08:30:00"),
    (pa.timestamp("us"), NAIVE, "2026-05-01T10:00:00"),
    (pa.timestamp("ns"), NAIVE, "2026-05-01T10:00:00"),
    (
        pa.timestamp("us", "Asia/Shanghai"),
        datetime(2026, 5, 1, 10, tzinfo=SHANGHAI),
        "2026-05-01T02:00:00Z",
    ),
    (
        pa.timestamp("ms", "UTC"),
        datetime(2026, 5, 1, 2, 0, 0, 123000, tzinfo=UTC),
        "2026-05-01T02:00:00.123Z",
    ),
    (pa.binary(), b"\x00\xff", "00ff"),
    (pa.list_(pa.int64()), [1, 2], "[1,2]"),
    (pa.struct([("a", pa.string())]), {"a": "x"}, '{"a":"x"}'),
    (pa.int64(), None, None),
]


def write(source, table, **options):
    source.drop.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, source.drop / "a.parquet", **options)


@pytest.mark.parametrize(("kind", "value", "text"), CASES, ids=range(len(CASES)))
def test_types(files, kind, value, text):
    source = files("parquet")
    write(source, pa.table({"v": pa.array([value], kind)}))
    assert source.read(source.pull()).rows == [{"v": text}]


def test_rows_keep_their_order_over_row_groups(files):
    source = files("parquet")
    write(source, pa.table({"v": range(200_000)}), row_group_size=50_000)
    found = source.read(source.pull())
    assert [r["v"] for r in found.rows] == [str(i) for i in range(200_000)]
    assert [p[1] for p in found.placed] == list(range(1, 200_001))


def test_no_rows(files):
    source = files("parquet")
    write(source, pa.table({"v": pa.array([], pa.string())}))
    assert source.read(source.pull()).batch.columns == ("v",)


def test_nul_and_bad_bytes_are_rejects(files):
    source = files("parquet")
    texts = pa.array([b"a", b"b\0", b"\xff", b"d"], pa.binary()).view(pa.string())
    write(source, pa.table({"v": texts, "n": [1, 2, 3, 4]}))
    found = source.read(source.pull())
    assert [p[1:] for p in found.placed] == [(1, "a", "1"), (4, "d", "4")]
    assert [(r[1], r[2]) for r in found.rejects] == [(2, "read:nul"), (3, "read:encoding")]


@pytest.mark.parametrize("damage", ["flip", "cut", "other"])
def test_damage(files, damage):
    source = files("parquet")
    table = pa.table({"v": [f"value {i}" for i in range(5000)]})
    write(source, table, write_page_checksum=True, compression="none", use_dictionary=False)
    path = source.drop / "a.parquet"
    data = bytearray(path.read_bytes())
    if damage == "flip":
        data[data.index(b"value 2500")] ^= 1
    path.write_bytes({"flip": bytes(data), "cut": bytes(data[:-100]), "other": b"a,b\n"}[damage])
    found = source.read(source.pull())
    ((_, row, rule, detail, _),) = found.rejects
    assert (row, rule) == (0, "read:file")
    assert "damaged" in detail
    assert not found.rows


@pytest.mark.parametrize("names", [["a", "A"], ["_row", "b"]])
def test_names_that_clash(files, names):
    source = files("parquet")
    write(source, pa.table([[1], [2]], names=names))
    found = source.read(source.pull())
    assert found.rules == ["read:file"]
    assert not found.rows
