"""``hefu export``: the 双公示 list from the lake, and back through the ready mapping."""

from __future__ import annotations

import csv
import io
import json
import re
import stat
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cli_world import Hefu, Ran, make_node

from connectors.pull import PullRequest
from flows.ingest import ingest
from flows.workspace import workspace
from hefu.cli import run
from hefu.node import Node
from lake.store import Lake
from schemas.codes import canonical
from schemas.contract import load_contract
from schemas.export_names import export_formats
from schemas.exports import load_export
from schemas.mappings import load_ready

NOW = datetime(2026, 11, 1, 1, 30, tzinfo=UTC)
FORMAT = "double-publicity-penalty"
ENVELOPE_CLOCKS = {"record_id", "content_hash", "received_time", "source_updated_time"}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Node:
    """A node that has taken in the sample of the ready mapping."""
    node = make_node(tmp_path_factory.mktemp("export") / "county")
    take_in(node, Path(str(load_ready(FORMAT).sample)), "credit/penalties")
    return node


def take_in(node: Node, file: Path, stream: str) -> None:
    """As ``hefu draft --as`` and a run of the source."""
    assert run(["draft", stream, str(file), "--as", FORMAT, "--node", str(node.root)]) == 0
    (source,) = node.sources([stream])
    ingest(node, source, PullRequest("cursor", None, None, None, NOW), NOW)


def rows_of(path: Path, encoding: str = "utf-8-sig") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode(encoding), newline="")))


def current(node: Node) -> list[dict[str, Any]]:
    with workspace(node) as (con, _):
        Lake(node.place("lake")).attach(con, "case_result")
        names = [f.name for f in load_contract("case_result").fields]
        kept = ", ".join(n for n in names if n not in ENVELOPE_CLOCKS)
        found = con.execute(
            f"SELECT to_json({{{', '.join(f'{n}: {n}::VARCHAR' for n in kept.split(', '))}}}) "
            "FROM case_result_current ORDER BY source_record_id"
        )
        return [json.loads(row[0]) for row in found.fetchall()]


def export(hefu: Hefu, node: Node, out: Path, *more: str) -> Ran:
    return hefu("export", FORMAT, "--out", out, *more, "--node", node.root)


def test_the_list_has_its_thirty_items_in_order(hefu: Hefu, filled: Node, tmp_path: Path) -> None:
    out = tmp_path / "list.csv"
    ran = export(hefu, filled, out)
    assert ran.code == 0, ran.err
    columns = load_export(FORMAT).about.columns
    assert len(columns) == 30
    assert list(rows_of(out)[0]) == [c.code for c in columns]
    assert [c.code for c in columns] == [c.name for c in load_ready(FORMAT).about.columns]
    assert [c.label for c in columns] == [c.label for c in load_ready(FORMAT).about.columns]


def test_amounts_are_exact_and_dates_as_the_list_has_them(
    hefu: Hefu, filled: Node, tmp_path: Path
) -> None:
    export(hefu, filled, tmp_path / "list.csv")
    by_no = {row["CF_WSH"][-7:-1]: row for row in rows_of(tmp_path / "list.csv")}
    assert by_no["000001"]["CF_NR_FK"] == "0.15"
    assert by_no["000002"]["CF_NR_FK"] == "0.02"
    assert by_no["000005"]["CF_NR_FK"] == "1"
    assert by_no["000005"]["CF_NR_WFFF"] == "0.305"
    assert by_no["000002"]["CF_JDRQ"] == "2026/10/09"
    assert by_no["000005"]["CF_CFLB"] == "罚款；没收违法所得、没收非法财物"


def test_current_records_are_exported_or_left_out(hefu: Hefu, filled: Node, tmp_path: Path) -> None:
    out = tmp_path / "list.csv"
    ran = export(hefu, filled, out, "--json")
    said = json.loads(ran.out)
    records = current(filled)
    assert said["current"] == len(records)
    assert said["current"] == said["exported"] + sum(said["left_out"].values())
    assert said["exported"] == len(rows_of(out))
    listed = rows_of(Path(said["list"]))
    assert len(listed) == said["left_out"]["listed"]
    reasons = {row["source_record_id"][-7:-1]: row["problems"] for row in listed}
    assert reasons["000003"] == "missing:CF_SY"
    assert reasons["000006"] == "missing:CF_XDR_SHXYM"
    assert reasons["000008"] == "missing:CF_YXQ"
    assert "unmapped:party_category" in reasons["000014"].split()
    assert reasons["000016"] == "missing:CF_XDR_ZJLX"
    assert "without 处罚有效期 CF_YXQ × " in ran.err


def test_what_is_exported_comes_back_the_same(hefu: Hefu, filled: Node, tmp_path: Path) -> None:
    out = tmp_path / "list.csv"
    export(hefu, filled, out)
    again = make_node(tmp_path / "again")
    take_in(again, out, "credit/penalties")
    back = {row["source_record_id"]: row for row in current(again)}
    sent = {row["source_record_id"]: row for row in current(filled)}
    assert len(back) == len(rows_of(out)) > 5
    for record, row in back.items():
        # What the source wrote of an amount: 0.15万元 there, 0.15 here.
        assert without_raw(row) == without_raw(sent[record])


def without_raw(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "raw_values"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_labels_and_encodings(hefu: Hefu, filled: Node, tmp_path: Path, encoding: str) -> None:
    out = tmp_path / "list.csv"
    assert export(hefu, filled, out, "--header", "label", "--encoding", encoding).code == 0
    assert out.read_bytes().startswith(b"\xef\xbb\xbf") == (encoding == "utf-8-sig")
    assert rows_of(out, encoding)[0]["行政处罚决定书文号"].startswith("示交罚")


def test_a_workbook_holds_the_same_texts(hefu: Hefu, filled: Node, tmp_path: Path) -> None:
    export(hefu, filled, tmp_path / "list.csv")
    assert export(hefu, filled, tmp_path / "book.xlsx").code == 0
    with zipfile.ZipFile(tmp_path / "book.xlsx") as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    cells = re.findall(r"<is><t[^>]*>([^<]*)</t></is>", sheet)
    wanted = [v for row in rows_of(tmp_path / "list.csv") for v in row.values() if v]
    assert cells[30:] == wanted


def test_files_are_the_owners_alone(hefu: Hefu, filled: Node, tmp_path: Path) -> None:
    export(hefu, filled, tmp_path / "list.csv")
    for path in tmp_path.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert {p.name for p in tmp_path.iterdir()} == {"list.csv", "list.left-out.csv"}


def test_nothing_personal_is_said(hefu: Hefu, filled: Node, tmp_path: Path) -> None:
    ran = export(hefu, filled, tmp_path / "list.csv", "--json")
    listed = (tmp_path / "list.left-out.csv").read_text(encoding="utf-8-sig")
    for text in (ran.out, ran.err, listed):
        assert "例" not in text.replace("示例", "")
        assert "9999991800" not in text


def test_for_publication_persons_are_masked(hefu: Hefu, filled: Node, tmp_path: Path) -> None:
    assert export(hefu, filled, tmp_path / "open.csv", "--public").code == 0
    export(hefu, filled, tmp_path / "full.csv")
    published = {row["CF_WSH"]: row for row in rows_of(tmp_path / "open.csv")}
    full = {row["CF_WSH"]: row for row in rows_of(tmp_path / "full.csv")}
    assert published.keys() == full.keys()
    assert "9999991800" not in (tmp_path / "open.csv").read_text(encoding="utf-8-sig")
    for number, row in published.items():
        if row["CF_XDR_LB"] == "自然人":
            assert row["CF_XDR_MC"] != full[number]["CF_XDR_MC"]
            assert "*" in row["CF_XDR_MC"]
        else:
            assert row["CF_XDR_MC"] == full[number]["CF_XDR_MC"]
            assert row["CF_XDR_SHXYM"] == full[number]["CF_XDR_SHXYM"]
    assert any(row["CF_XDR_LB"] == "自然人" for row in published.values())


def test_texts_that_name_a_person_are_masked_too(hefu: Hefu, tmp_path: Path) -> None:
    node = make_node(tmp_path / "county")
    sample = Path(str(load_ready(FORMAT).sample)).read_text(encoding="utf-8").splitlines()
    head, *rows = list(csv.reader(sample))
    person = dict(zip(head, next(r for r in rows if r[0] == "例丁"), strict=True))
    person |= {
        "CF_SY": f"例丁（{person['CF_XDR_ZJHM']}，13999999999）驾驶车辆违法",
        "BZ": "+内部编号",
    }
    bad = person | {"CF_WSH": "示交罚〔2026〕000099号", "CF_SY": "=1+1", "CF_NR": "长" * 4001}
    with (tmp_path / "cases.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, head)
        writer.writeheader()
        writer.writerows([person | {"BZ": ""}, bad])
    take_in(node, tmp_path / "cases.csv", "credit/penalties")
    ran = export(hefu, node, tmp_path / "open.csv", "--public")
    assert ran.code == 0, ran.err
    (row,) = rows_of(tmp_path / "open.csv")
    assert not re.search(r"例丁|\d{11}", row["CF_SY"])
    assert row["CF_SY"].endswith("驾驶车辆违法")
    (left,) = rows_of(tmp_path / "open.left-out.csv")
    assert set(left["problems"].split()) == {"formula:CF_SY", "formula:BZ", "length:CF_NR"}
    export(hefu, node, tmp_path / "book.xlsx")
    (left,) = rows_of(tmp_path / "book.left-out.csv")
    assert left["problems"] == "length:CF_NR", "a sheet's text is never a formula"


def test_a_decision_that_nobody_could_translate_is_listed(hefu: Hefu, tmp_path: Path) -> None:
    """It may be a penalty; and the list is safe to open, whatever the source's numbers are."""
    node = make_node(tmp_path / "county")
    file = str(load_ready(FORMAT).sample)
    drafted = run(["draft", "credit/penalties", file, "--as", FORMAT, "--node", str(node.root)])
    assert drafted == 0
    (source,) = node.sources(["credit/penalties"])
    sql = source.mapping_path.read_text(encoding="utf-8")
    changed = sql.replace("'penalty' AS decision_type", "'处理甲' AS decision_type")
    record = 'coalesce(credit_code("CF_CFJGDM")'
    changed = changed.replace(record, f"'=' || {record}", 1)
    assert changed.count("'=' ||") == 1
    assert "处理甲" in changed
    source.mapping_path.write_text(changed, encoding="utf-8")
    ingest(node, source, PullRequest("cursor", None, None, None, NOW), NOW)
    told = json.loads(export(hefu, node, tmp_path / "a.csv", "--json").out)
    assert told["exported"] == 0
    assert told["left_out"] == {"listed": told["current"]}
    left = rows_of(tmp_path / "a.left-out.csv")
    assert all("unmapped:decision_type" in row["problems"].split() for row in left)
    assert all(row["source_record_id"].startswith("'=") for row in left)


def test_dates_statuses_and_others_records(hefu: Hefu, filled: Node, tmp_path: Path) -> None:
    whole = json.loads(export(hefu, filled, tmp_path / "a.csv", "--json").out)
    span = ("--since", "2026-10-09", "--until", "2026-10-09", "--json")
    day = json.loads(export(hefu, filled, tmp_path / "b.csv", *span).out)
    assert (day["exported"], day["current"]) == (1, whole["current"])
    assert day["left_out"] == {"outside_dates": whole["current"] - 1}
    none = json.loads(export(hefu, filled, tmp_path / "c.csv", "--status", "revoked", "--json").out)
    assert (none["exported"], none["left_out"]) == (0, {"status": whole["current"]})
    everyone = json.loads(export(hefu, filled, tmp_path / "d.csv", "--all", "--json").out)
    assert everyone["exported"] == whole["exported"]


def test_what_can_not_be_is_refused(hefu: Hefu, filled: Node, tmp_path: Path) -> None:
    out = tmp_path / "list.csv"
    assert export(hefu, filled, tmp_path / "list.txt").code == 2
    assert export(hefu, filled, tmp_path / "nowhere" / "list.csv").code == 2
    assert export(hefu, filled, out, "--status", "valide").code == 2
    assert hefu("export", "double-publicity", "--out", out, "--node", filled.root).code == 2
    assert list(tmp_path.iterdir()) == []
    assert export(hefu, filled, out).code == 0
    before = out.read_bytes()
    assert export(hefu, filled, out).code == 2
    assert out.read_bytes() == before


def test_an_empty_lake_gives_an_empty_list(hefu: Hefu, node: Node, tmp_path: Path) -> None:
    said = json.loads(export(hefu, node, tmp_path / "list.csv", "--json").out)
    assert (said["current"], said["exported"], said["left_out"]) == (0, 0, {})
    assert rows_of(tmp_path / "list.csv") == []


def test_every_format_says_what_it_rests_on() -> None:
    for name in export_formats():
        about = load_export(name).about
        contract = load_contract(about.record_type)
        assert all(contract.field(f).code_list for f in about.code_fields)
        assert about.publication_basis.zh


def test_every_category_of_penalty_comes_back(tmp_path: Path) -> None:
    """Its label may hold the very signs that part one category from the next."""
    head, *rows = csv.reader(
        Path(str(load_ready(FORMAT).sample)).read_text(encoding="utf-8").splitlines()
    )
    wanted = [row for row in canonical("penalty_category") if row.code != "unmapped"]
    with (tmp_path / "all.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, head)
        writer.writeheader()
        for number, row in enumerate(wanted):
            base = dict(zip(head, rows[0], strict=True))
            both = {"CF_CFLB": f"警告；{row.label_zh}", "CF_WSH": f"示交罚〔2026〕{number:06}号"}
            writer.writerow(base | both)
    node = make_node(tmp_path / "county")
    take_in(node, tmp_path / "all.csv", "credit/penalties")
    found = [row["penalty_category"] for row in current(node)]
    assert found == [f"[warning, {row.code}]" for row in wanted]
