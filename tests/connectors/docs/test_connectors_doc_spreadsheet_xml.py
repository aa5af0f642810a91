"""docs/connectors/{csv,json,parquet,archives}*.md: each example, from the page to a lake."""

from __future__ import annotations

import io
import re
import tomllib
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
import pyzipper
from connectors_files_pages import DOCS, NOW, Page, records, sync

PASSWORD = "示例-密码"
FIELDS = "source_record_id, decision_date, fine_amount_cny, vehicle_plate_no"


def page(kind: str, chinese: bool) -> Page:
    """As ``Page.read``; the data of these pages is in the block of its own language."""
    text = (DOCS / f"{kind}{'.zh-CN' if chinese else ''}.md").read_text(encoding="utf-8")

    def only(language: str) -> str:
        (block,) = re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)
        return str(block)

    return Page(only("toml"), only("sql"), only("json" if kind == "json" else "csv"))


def parquet(shown: Page) -> bytes:
    types = {
        "罚款": pa.decimal128(16, 2),
        "决定日期": pa.date32(),
        "更新时间": pa.timestamp("us"),
    }
    convert = pyarrow.csv.ConvertOptions(column_types=types)
    table = pyarrow.csv.read_csv(io.BytesIO(shown.csv.encode()), convert_options=convert)
    out = io.BytesIO()
    pyarrow.parquet.write_table(table, out)
    return out.getvalue()


def archive(shown: Page) -> bytes:
    out = io.BytesIO()
    with pyzipper.AESZipFile(
        out, "w", compression=pyzipper.ZIP_DEFLATED, encryption=pyzipper.WZ_AES
    ) as packed:
        packed.setpassword(PASSWORD.encode())
        packed.writestr("处罚/一.csv", shown.data())
        packed.writestr("说明.txt", b"not read")
    return out.getvalue()


MADE: dict[str, tuple[str, Callable[[Page], bytes]]] = {
    "csv": ("weekly.tsv", Page.data),
    "json": ("20261020.json", Page.data),
    "parquet": ("2026/part-00000.parquet", parquet),
    "archives": ("cases_20261020.zip", archive),
}
FOUND = {
    "csv": [
        ("示罚〔2026〕000001号", date(2026, 10, 15), Decimal("1500.00"), "皖P00001"),
        ("示罚〔2026〕000002号", date(2026, 10, 16), Decimal("200.00"), None),
    ],
    "json": [
        ("示罚〔2026〕000011号", date(2026, 10, 19), Decimal("1500.00"), "皖P00011"),
        ("示罚〔2026〕000012号", date(2026, 10, 20), Decimal("200.00"), None),
    ],
    "parquet": [
        ("示罚〔2026〕000021号", date(2026, 10, 19), Decimal("1500.00"), "皖P00021"),
        ("示罚〔2026〕000022号", date(2026, 10, 20), Decimal("200.00"), "浙E00022"),
    ],
    "archives": [
        ("示罚〔2026〕000031号", date(2026, 10, 19), Decimal("1500.00"), "皖P00031"),
        ("示罚〔2026〕000032号", date(2026, 10, 20), Decimal("200.00"), "浙E00032"),
    ],
}


@pytest.mark.parametrize("kind", list(MADE))
def test_both_languages_show_the_same_example(kind: str) -> None:
    assert page(kind, chinese=False) == page(kind, chinese=True)


@pytest.mark.parametrize("chinese", [False, True], ids=["en", "zh"])
@pytest.mark.parametrize("kind", list(MADE))
def test_the_example_of_the_page(
    kind: str, chinese: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CASES_ZIP_PASSWORD", PASSWORD)
    shown = page(kind, chinese)
    drop = tmp_path / "drop"
    path = tomllib.loads(shown.toml)["reader"]["path"]
    node = shown.node(tmp_path / "node", path=f"{path} => {drop}")
    name, make = MADE[kind]
    (drop / name).parent.mkdir(parents=True)
    (drop / name).write_bytes(make(shown))
    run = sync(node)
    assert (run.received, run.accepted, run.drift.unused) == (2, 2, ())
    assert records(node, FIELDS) == FOUND[kind]
    again = sync(node, NOW + timedelta(days=1))
    assert (again.received, again.accepted) == (0, 0)
