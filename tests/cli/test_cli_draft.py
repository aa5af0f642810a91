"""``hefu draft``: from a CSV's header to a mapping that parses."""

from __future__ import annotations

import gzip
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from cli_world import COUNTY, Hefu

from connectors.config import load_source
from connectors.landing import Landing
from connectors.look import ColumnSeen, Look, StreamSeen
from connectors.pull import PullRequest, pull
from connectors.raw import load_raw
from hefu.headers import read_columns, read_header
from hefu.node import Node
from hefu.suggestion import draft_mapping, suggest
from hefu.trial import columns_seen
from schemas.contract import load_contract, record_types
from schemas.errors import ConfigError, DataError
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


TITLED = f"行政处罚统计表,,,,\n制表单位：示例,\n\n{HEADER}\n{ROW}\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_titles_above_the_header_are_stepped_over(tmp_path: Path, encoding: str) -> None:
    header = read_header(csv_file(tmp_path, TITLED, encoding))
    assert (header.header_row, header.columns) == (4, tuple(HEADER.split(",")))
    assert header.encoding == encoding.replace("utf-8-sig", "utf-8").replace("utf-8", "utf-8-sig")


def test_a_line_that_says_the_delimiter_is_no_header(tmp_path: Path) -> None:
    header = read_header(csv_file(tmp_path, f"sep=;\n{HEADER.replace(',', ';')}\n"))
    assert (header.delimiter, header.header_row, len(header.columns)) == (";", None, 5)


def test_a_row_is_never_taken_for_a_header_that_lacks_a_name(tmp_path: Path) -> None:
    """Its values would become names of columns, in files that people pass on."""
    with pytest.raises(ConfigError):
        read_header(csv_file(tmp_path, "标题\na,,c\n示例甲,2,3\n示例乙,5,6\n"))


def packed(tmp_path: Path, kind: str) -> Path:
    first, second = f"{HEADER}\n{ROW}\n".encode("gb18030"), b"x,y\n1,2\n"
    if kind == "gz":
        path = tmp_path / "cases.csv.gz"
        path.write_bytes(gzip.compress(first))
    else:
        path = tmp_path / "cases.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("b.csv", second)
            archive.writestr("a/1.csv", first)
    return path


@pytest.mark.parametrize("kind", ["zip", "gz"])
def test_of_an_archive_its_first_file_is_looked_at(tmp_path: Path, kind: str) -> None:
    header = read_columns(packed(tmp_path, kind))
    assert (header.format, header.encoding) == ("csv", "gb18030")
    assert header.columns == tuple(HEADER.split(","))


def test_an_archive_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    path = packed(tmp_path, "zip")
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(DataError, match=r"cases\.zip"):
        read_columns(path)


def test_the_draft_of_a_table_with_titles_reads_it(hefu: Hefu, node: Node, tmp_path: Path) -> None:
    path = csv_file(tmp_path, TITLED, "gb18030").rename(tmp_path / "统计[1].csv")
    assert hefu("draft", "s/t", path, "--records", "case_result", "--node", node.root).code == 0
    folder = node.root / "sources" / "s" / "t"
    source = load_source(folder)
    request = PullRequest("cursor", None, None, None, datetime(2026, 5, 20, tzinfo=UTC))
    landing = Landing(tmp_path / "landing")
    delivery = pull(source, folder, request, landing, secrets=str)
    with duckdb.connect() as con:
        batch = load_raw(con, source, delivery)
    assert (batch.columns, batch.received) == (tuple(HEADER.split(",")), 1)


def test_what_comes_from_outside_stays_inside_its_comment() -> None:
    """A line break in a name would end the comment, and what follows would be run."""
    column = ColumnSeen("a\nUNION SELECT 1\r--\u2028x\x1b[31m")
    text = draft_mapping(load_contract("case_result"), [column], "s/t\nDROP TABLE x")
    begun = [line.split()[0] for line in text.splitlines() if line.strip()]
    assert not {"UNION", "DROP", "x"} & set(begun)
    assert "\x1b" not in text


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


@pytest.mark.parametrize(("mode", "number"), [("cursor", "change_no"), ("events", None)])
def test_the_place_of_a_change_is_not_taken_for_the_records_number(
    tmp_path: Path, mode: str, number: str | None
) -> None:
    (tmp_path / "source.toml").write_text(
        f'system = "s"\nstream = "log"\nrecord_type = "case_result"\nmode = "{mode}"\n'
        '[reader]\nkind = "postgresql"\nhost = "h"\ndatabase = "d"\nuser = "u"\ntable = "log"\n'
        '[cursor]\nfield = "change_no"\nformat = "integer"\n'
        + ('[events]\noperation = "op"\nremoved = ["D"]\n' if mode == "events" else ""),
        encoding="utf-8",
    )
    log = StreamSeen("log", columns=(ColumnSeen("change_no", in_key=True), ColumnSeen("x")))
    seen = columns_seen(load_source(tmp_path), ["change_no", "x"], Look((), (log,)))
    assert suggest(load_contract("case_result"), seen).get("source_record_id") == number
