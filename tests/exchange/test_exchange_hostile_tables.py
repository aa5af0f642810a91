"""What a signed table may cost its reader, whoever signed it: memory and work have bounds."""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pytest

from exchange.bundle.footer import FooterError, read_footer
from exchange.bundle.parquet import check_rows, open_parquet, write_parquet
from exchange.limits import DEFAULT_LIMITS, KIB, MIB, Limits
from schemas.errors import VerificationError

ROOT = Path(__file__).parents[2]


def written(table: pa.Table) -> memoryview:
    sink = BytesIO()
    write_parquet(table, table.schema, sink)
    return sink.getbuffer()


def refused(data: memoryview, limits: Limits) -> str:
    with pytest.raises(VerificationError) as caught:
        open_parquet(data, "records/x.parquet", limits)
    assert caught.value.step == "table"
    return f"{caught.value.expected} {caught.value.found}"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"footer_size": 100}, "footer of more than 100 bytes"),
        ({"page_count": 3}, "at most 3 pages"),
        ({"row_group_rows": 49}, "at most 49 rows"),
        ({"row_group_size": 400}, "at most 400 bytes in a row group"),
    ],
)
def test_a_table_stays_within_each_limit(change: dict[str, int], said: str) -> None:
    table = pa.table({"n": pa.array(range(50)), "t": pa.array([f"text {n}" for n in range(50)])})
    data = written(table)
    open_parquet(data, "records/x.parquet", DEFAULT_LIMITS)
    assert said in refused(data, replace(DEFAULT_LIMITS, **change))


def framed(footer: bytes) -> memoryview:
    return memoryview(b"PAR1" + footer + len(footer).to_bytes(4, "little") + b"PAR1")


def varint(number: int) -> bytes:
    found = b""
    while number > 0x7F:
        found += bytes([number & 0x7F | 0x80])
        number >>= 7
    return found + bytes([number])


# Field 4, a list of structs; and each struct is empty, or holds one number.
@pytest.mark.parametrize("element", [b"\x00", b"\x26\x02\x00"], ids=["empty", "small"])
def test_a_footer_costs_no_more_than_a_hundred_times_its_size(element: bytes) -> None:
    count = 256 * KIB // len(element)
    data = framed(b"\x49\xfc" + varint(count) + element * count + b"\x00")
    tracemalloc.start()
    try:
        with pytest.raises(FooterError):
            read_footer(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 100 * len(data)


def test_a_footer_that_is_too_large_is_not_read() -> None:
    data = framed(bytes(DEFAULT_LIMITS.footer_size + 1))
    tracemalloc.start()
    try:
        with pytest.raises(FooterError, match="footer of more than"):
            read_footer(data)
        assert tracemalloc.get_traced_memory()[1] < 100 * KIB
    finally:
        tracemalloc.stop()


SMALL = replace(DEFAULT_LIMITS, batch_size=16 * MIB, row_group_size=32 * MIB, table_size=256 * MIB)


def wide_and_heavy() -> pa.Table:
    """40 lists of one text of 8 MiB: 320 MiB in one row, and some kilobytes in the file."""
    return pa.table({f"c{n}": pa.array([["a" * (8 * MIB)]]) for n in range(40)})


def heavy_within_bounds() -> pa.Table:
    """One group of 30 MiB."""
    return pa.table({f"c{n}": pa.array(["a" * (900 * KIB)]) for n in range(34)})


def unfolding() -> pa.Table:
    """A text of 15 KiB, 20,000 times by two bits each: 300 MiB of cells."""
    return pa.table({"c": pa.array(["a" * (15 * KIB)] * 20_000)})


BOMBS: dict[str, Callable[[], pa.Table]] = {
    f.__name__: f for f in (wide_and_heavy, heavy_within_bounds, unfolding)
}


def _peak_mib() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def spend(path: Path) -> None:
    """In a process of its own: read the file under ``SMALL``, and say what became of it."""
    data = memoryview(path.read_bytes())
    check_rows(open_parquet(framed_nothing(), "records/y.parquet", SMALL), 1, SMALL)
    before, ended = _peak_mib(), "read"
    try:
        file = open_parquet(data, "records/x.parquet", SMALL)
        check_rows(file, file.num_rows, SMALL)
    except VerificationError as error:
        ended = f"refused: at most {error.expected}"
    sys.stdout.write(json.dumps({"mib": _peak_mib() - before, "ended": ended}))


def framed_nothing() -> memoryview:
    """A table so small that it only loads what reading needs."""
    return written(pa.table({"c": ["x"]}))


@pytest.mark.parametrize(
    ("bomb", "ended"),
    [
        ("wide_and_heavy", f"at most {32 * MIB} bytes in a row group"),
        ("heavy_within_bounds", "read"),
        ("unfolding", f"at most {256 * MIB} bytes"),
    ],
)
def test_a_bomb_takes_no_more_memory_than_a_few_times_the_limits(
    tmp_path: Path, bomb: str, ended: str
) -> None:
    path = tmp_path / "bomb"
    path.write_bytes(written(BOMBS[bomb]()))
    assert path.stat().st_size < MIB
    program = (
        "import sys, pathlib, test_exchange_hostile_tables as t; t.spend(pathlib.Path(sys.argv[1]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, path],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": f"{ROOT}:{Path(__file__).parent}"},
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert ended in told["ended"]
    assert told["mib"] < 6 * SMALL.row_group_size / MIB
