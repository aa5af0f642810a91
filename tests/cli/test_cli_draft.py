"""``hefu draft``: from a CSV's header to a mapping that parses."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from cli_world import COUNTY, Hefu

from connectors.config import load_source
from connectors.look import ColumnSeen
from hefu.headers import read_header
from hefu.node import Node
from hefu.suggestion import draft_mapping, suggest
from schemas.contract import load_contract, record_types
from schemas.errors import ConfigError
from schemas.mapping import Origin, candidate_sql, parse_mapping
from schemas.sql import connect, ident

ORIGIN = Origin(
    COUNTY.code,
    COUNTY.name,
    "s",
    COUNTY.division_code,
    "01",
    datetime(2026, 10, 20, tzinfo=UTC),
    "cn",
)
HEADER = "案号,决定类型,罚款金额（万元）,车辆号牌,经办"
ROW = "示交立〔2026〕000001号,行政处罚,0.15,皖P00001,示例甲"


def csv_file(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "cases.csv"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    ("encoding", "found"),
    [("utf-8", "utf-8-sig"), ("utf-8-sig", "utf-8-sig"), ("gb18030", "gb18030")],
)
def test_the_encoding_is_found(tmp_path: Path, encoding: str, found: str) -> None:
    header = read_header(csv_file(tmp_path, f"{HEADER}\n{ROW}\n", encoding))
    assert (header.encoding, header.columns) == (found, tuple(HEADER.split(",")))


def test_a_header_in_ascii_is_judged_by_the_rows_after_it(tmp_path: Path) -> None:
    assert read_header(csv_file(tmp_path, "no,name\n1,示例\n", "gb18030")).encoding == "gb18030"


def test_a_long_file_cut_within_a_character_is_still_utf8(tmp_path: Path) -> None:
    for shift in range(3):
        text = "no,name\n" + "x" * shift + "示例" * 20_000
        assert read_header(csv_file(tmp_path, text)).encoding == "utf-8-sig"


@pytest.mark.parametrize("delimiter", ["\t", ";", "|"])
def test_the_delimiter_is_found(tmp_path: Path, delimiter: str) -> None:
    header = read_header(csv_file(tmp_path, HEADER.replace(",", delimiter) + "\n"))
    assert (header.delimiter, len(header.columns)) == (delimiter, 5)


@pytest.mark.parametrize(
    "text", ["", "one column\n", "a,,c\n", "\xff\xfe".encode("latin-1").decode("latin-1")]
)
def test_what_is_no_header_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError):
        read_header(csv_file(tmp_path, text, "latin-1"))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="can't be read") as raised:
        read_header(tmp_path / "nowhere.csv")
    assert "nowhere.csv" in str(raised.value)


def test_a_draft_fills_in_what_is_certain_and_lists_the_rest(
    hefu: Hefu, node: Node, tmp_path: Path
) -> None:
    path = csv_file(tmp_path, f"{HEADER}\n{ROW}\n", "gb18030")
    ran = hefu("draft", "casework/results", path, "--records", "case_result", "--node", node.root)
    assert ran.code == 0, ran.err
    toml, mapping = (Path(line) for line in ran.out.splitlines())
    config = load_source(toml.parent)
    assert (config.reader.encoding, config.reader.kind) == ("gb18030", "files")
    sql = mapping.read_text(encoding="utf-8")
    active, _, rest = sql.partition("FROM raw")
    assert 'txt("案号") AS case_no' in active
    assert "code('decision_type', 'zh', \"决定类型\") AS decision_type" in active
    assert 'yuan_from_wan("罚款金额（万元）") AS fine_amount_cny' in active
    assert 'plate("车辆号牌") AS vehicle_plate_no' in active
    assert "NULL AS source_record_id" in active
    assert '"经办"' in rest
    assert "source_record_id" in ran.err


@pytest.mark.parametrize("record_type", record_types())
def test_a_draft_of_every_field_is_a_mapping_of_its_contract(
    hefu: Hefu, node: Node, tmp_path: Path, record_type: str
) -> None:
    contract = load_contract(record_type)
    labels = [f.label_zh for f in contract.givable_fields()]
    path = csv_file(tmp_path, ",".join(labels) + "\n")
    ran = hefu("draft", "s/all", path, "--records", record_type, "--node", node.root)
    assert ran.code == 0, ran.err
    sql = Path(ran.out.splitlines()[1])
    con = connect()
    try:
        mapping = parse_mapping(con, sql.read_text(encoding="utf-8"), str(sql), contract)
        columns = ", ".join(f"{ident(label)} VARCHAR" for label in labels)
        con.execute(f"CREATE TABLE raw (_object INTEGER, _row BIGINT, {columns})")
        con.execute(f"DESCRIBE {candidate_sql(con, mapping, contract, ORIGIN)}")
    finally:
        con.close()
    assert "NULL AS" not in mapping.sql
    assert len(mapping.outputs) == len(labels)


def test_each_field_is_offered_with_the_macro_that_reads_it(
    hefu: Hefu, node: Node, tmp_path: Path
) -> None:
    path = csv_file(tmp_path, "案号,车架号,车货总质量（千克）\nA1,L1,1\n")
    hefu("draft", "s/t", path, "--records", "case_result", "--node", node.root)
    sql = (node.root / "sources" / "s" / "t" / "mapping.sql").read_text(encoding="utf-8")
    assert 'vin("车架号") AS vin' in sql
    assert 'kg("车货总质量（千克）") AS total_weight_kg' in sql
    assert 'credit_code("…") AS vehicle_operator_uscc' in sql
    assert 'id_no("…") AS driver_license_no' in sql


def test_an_unknown_record_type_a_bad_name_and_a_known_source_are_refused(
    hefu: Hefu, node: Node, tmp_path: Path
) -> None:
    path = csv_file(tmp_path, f"{HEADER}\n{ROW}\n")
    at = ("--node", node.root)
    assert hefu("draft", "casework/results", path, "--records", "fine", *at).code == 2
    assert hefu("draft", "Case Work", path, "--records", "case_result", *at).code == 2
    assert hefu("draft", "casework/../x", path, "--records", "case_result", *at).code == 2
    assert list(node.root.joinpath("sources").iterdir()) == []
    assert hefu("draft", "casework/results", path, "--records", "case_result", *at).code == 0
    before = (node.root / "sources/casework/results/mapping.sql").read_bytes()
    assert hefu("draft", "casework/results", path, "--records", "case_result", *at).code == 2
    assert (node.root / "sources/casework/results/mapping.sql").read_bytes() == before


def test_a_databases_comments_key_and_clock_say_what_its_columns_are() -> None:
    columns = (
        ColumnSeen("id", "bigint", in_key=True),
        ColumnSeen("ajbh", "varchar", "案号"),
        ColumnSeen("bz1", "varchar", "备注"),
        ColumnSeen("bz2", "varchar", "备注"),
        ColumnSeen("gxsj", "timestamp", "更新时间"),
    )
    contract = load_contract("case_result")
    assert suggest(contract, columns) == {"case_no": "ajbh", "source_record_id": "id"}
    taken = suggest(contract, columns, besides=("source_record_id", "case_no"))
    assert taken == {}
    text = draft_mapping(contract, columns, "qzk/xzcf", clock="GXSJ")
    assert 'ts_cn("gxsj") AS source_updated_time' in text
    named = (ColumnSeen("source_updated_time"), *columns[:2])
    text = draft_mapping(contract, named, "qzk/xzcf", ordered=True)
    assert "AS source_updated_time" not in text.partition("FROM raw")[0]
    two = (*columns[1:], ColumnSeen("a", in_key=True), ColumnSeen("b", in_key=True))
    assert "source_record_id" not in suggest(contract, two)
