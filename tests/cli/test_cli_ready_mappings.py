"""``hefu mappings``, ``hefu draft --as`` and ``hefu check``; the ways that the docs describe."""

from __future__ import annotations

import csv
import json
import re
import shlex
from pathlib import Path

import pytest
from cli_world import ROOT, Hefu

from connectors.config import load_source
from hefu.node import Node
from schemas.mappings import load_ready, ready_mappings

FORMAT = "double-publicity-penalty"


def sample_of(name: str) -> Path:
    return Path(str(load_ready(name).sample))


def with_header(path: Path, *changes: tuple[str, str], extra: str = "") -> Path:
    head, _, rest = sample_of(FORMAT).read_text(encoding="utf-8").partition("\n")
    for old, new in changes:
        assert old in head
        head = head.replace(old, new, 1)
    more = "".join(f"{line}{',x' if extra else ''}\n" for line in rest.splitlines())
    path.write_text(head + (f",{extra}" if extra else "") + "\n" + more, encoding="utf-8")
    return path


def test_the_formats_are_listed(hefu: Hefu) -> None:
    ran = hefu("mappings")
    assert ran.code == 0
    for name in ready_mappings():
        assert name in ran.out
    told = json.loads(hefu("mappings", "--json").out)
    assert [entry["name"] for entry in told] == list(ready_mappings())
    assert all(entry["columns"] and entry["provenance"]["zh"] for entry in told)


@pytest.mark.parametrize("name", ["transport-operator-licence", "overload-pass", "wim-record"])
def test_a_draft_from_a_format_checks_without_a_warning_about_columns(
    hefu: Hefu, node: Node, name: str
) -> None:
    ran = hefu("draft", "ready/rows", sample_of(name), "--as", name, "--node", node.root)
    assert ran.code == 0, ran.err
    checked = hefu("check", "ready/rows", "--node", node.root)
    assert checked.code == 0, checked.err
    assert "source columns that the mapping does not use: none" in checked.out
    assert "nobody says why" not in checked.err
    for reason in load_source(node.root / "sources/ready/rows").unused_columns.values():
        assert str(getattr(reason, "en", reason)) in checked.out


def test_missing_extra_and_near_columns_are_named(hefu: Hefu, node: Node, tmp_path: Path) -> None:
    path = with_header(
        tmp_path / "own.csv", ("CF_NR_FK", "罚款金额（元）"), ("BZ", "备 注"), extra="经办人"
    )
    ran = hefu("draft", "credit/rows", path, "--as", FORMAT, "--node", node.root)
    assert ran.code == 0, ran.err
    assert "CF_NR_FK 罚款金额（万元） (is it 罚款金额（元）?)" in ran.err
    assert "does not know these columns: 罚款金额（元）, 经办人" in ran.err
    checked = hefu("check", "credit/rows", "--node", node.root)
    assert "nobody says why these columns are not used: 罚款金额（元）, 经办人" in checked.err
    told = json.loads(hefu("check", "credit/rows", "--json", "--node", node.root).out)
    assert told["sources"][0]["unused"] == ["罚款金额（元）", "经办人"]


def test_a_reason_given_is_quiet_and_one_that_is_not_true_is_told(
    hefu: Hefu, node: Node, tmp_path: Path
) -> None:
    path = with_header(tmp_path / "own.csv", extra="经办人")
    hefu("draft", "credit/rows", path, "--as", FORMAT, "--node", node.root)
    toml = node.root / "sources/credit/rows/source.toml"
    text = toml.read_text(encoding="utf-8") + '\n[unused_columns]\n"经办人" = "who typed it"\n'
    toml.write_text(text, encoding="utf-8")
    checked = hefu("check", "credit/rows", "--node", node.root)
    assert "nobody says why" not in checked.err
    assert "经办人: who typed it" in checked.out
    toml.write_text(text + '"CF_SY" = "not used"\n', encoding="utf-8")
    assert "but the mapping uses: CF_SY" in hefu("check", "credit/rows", "--node", node.root).err


def test_a_column_of_another_name_can_be_told(hefu: Hefu, node: Node, tmp_path: Path) -> None:
    path = with_header(tmp_path / "own.csv", ("CF_WSH", "文书编号"))
    at = ("--node", node.root)
    refused = hefu("draft", "credit/rows", path, "--as", FORMAT, *at)
    assert refused.code == 2
    assert "行政处罚决定书文号" in refused.err
    assert not (node.root / "sources/credit").exists()
    wrong = ("--column", "CF_WHS=文书编号")
    assert "CF_WSH" in hefu("draft", "credit/rows", path, "--as", FORMAT, *wrong, *at).err
    told = ("--column", "行政处罚决定书文号=文书编号")
    assert hefu("draft", "credit/rows", path, "--as", FORMAT, *told, *at).code == 0
    sql = (node.root / "sources/credit/rows/mapping.sql").read_text(encoding="utf-8")
    assert 'txt("文书编号") AS case_no' in sql
    assert "CF_WSH" not in sql


def test_a_file_of_another_format_is_refused_with_the_one_it_is(hefu: Hefu, node: Node) -> None:
    sample = sample_of("overload-result")
    ran = hefu("draft", "credit/rows", sample, "--as", FORMAT, "--node", node.root)
    assert ran.code == 2
    assert "overload-result" in ran.err


def test_a_format_and_a_type_are_not_both_said(hefu: Hefu, node: Node) -> None:
    at = ("--node", node.root)
    sample = sample_of(FORMAT)
    both = ("--as", FORMAT, "--records", "case_result")
    assert hefu("draft", "credit/rows", sample, *both, *at).code == 2
    assert hefu("draft", "credit/rows", sample, *at).code == 2
    assert hefu("draft", "credit/rows", sample, "--as", "双公示", *at).code == 2


def test_what_ready_formats_call_a_field_helps_a_first_draft(
    hefu: Hefu, node: Node, tmp_path: Path
) -> None:
    path = tmp_path / "own.csv"
    path.write_text("决定书文号,处罚种类,罚款金额（元）,法人\n1,罚款,100,例\n", encoding="utf-8")
    hefu("draft", "own/rows", path, "--records", "case_result", "--node", node.root)
    sql = (node.root / "sources/own/rows/mapping.sql").read_text(encoding="utf-8")
    assert 'txt("决定书文号") AS penalty_decision_no' in sql
    assert "codes('penalty_category', 'zh', \"处罚种类\", '、') AS penalty_category" in sql
    assert 'yuan("罚款金额（元）") AS fine_amount_cny' in sql
    assert 'txt("法人") AS legal_representative' in sql


def commands(page: str) -> list[list[str]]:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S)
    return [shlex.split(line)[1:] for block in blocks for line in block.splitlines()]


@pytest.mark.parametrize("page", ["ready-mappings.md", "ready-mappings.zh-CN.md"])
def test_the_page_of_ready_mappings_can_be_followed(
    hefu: Hefu, node: Node, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    drop = node.root / "drop"
    drop.mkdir()
    (drop / "penalties.csv").write_bytes(sample_of(FORMAT).read_bytes())
    monkeypatch.chdir(node.root)
    for words in commands(page):
        ran = hefu(*words)
        assert ran.code == 0, (words, ran.err)
    assert (node.root / "open.xlsx").exists()
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([a-z0-9-]+)` \|", text, re.M)) == set(ready_mappings())


@pytest.mark.parametrize(
    ("page", "heading"),
    [
        ("mapping.md", "## From a raw file to a checked source\n"),
        ("mapping.zh-CN.md", "## 从原始文件到通过检查的来源\n"),
    ],
)
def test_a_format_that_is_not_there_can_be_mapped_from_the_page_alone(
    hefu: Hefu, node: Node, monkeypatch: pytest.MonkeyPatch, page: str, heading: str
) -> None:
    """docs/mapping*.md: the file, the draft, the mapping, the reason, the check."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    section = text.split(heading)[1].split("\n## ")[0]
    (rows,) = re.findall(r"^```csv\n(.*?)^```", section, re.M | re.S)
    (sql,) = re.findall(r"^```sql\n(.*?)^```", section, re.M | re.S)
    (toml,) = re.findall(r"^```toml\n(.*?)^```", section, re.M | re.S)
    (draft, check) = (
        shlex.split(block)[1:] for block in re.findall(r"^```sh\n(.*?)^```", section, re.M | re.S)
    )
    monkeypatch.chdir(node.root)
    (node.root / "drop").mkdir()
    (node.root / "drop/market.csv").write_text(rows, encoding="utf-8")
    assert hefu(*draft).code == 0
    folder = node.root / "sources/market/penalties"
    (folder / "mapping.sql").write_text(sql, encoding="utf-8")
    source = folder / "source.toml"
    source.write_text(source.read_text(encoding="utf-8") + "\n" + toml, encoding="utf-8")
    told = json.loads(hefu(*check, "--json").out)
    (trial,) = told["sources"]
    assert (trial["rows"], trial["quarantined"], trial["unused"]) == (2, 0, [])
    assert [f["name"] for f in trial["fields"] if f["failed"]] == []
    assert len(next(csv.reader(rows.splitlines()))) == 12


@pytest.mark.parametrize(
    ("page", "heading"),
    [
        ("mapping.md", "## Nested JSON, and codes of its own\n"),
        ("mapping.zh-CN.md", "## 嵌套的 JSON 与来源自己的代码\n"),
    ],
)
def test_nested_json_with_codes_of_its_own_can_be_mapped_from_the_page_alone(
    hefu: Hefu, node: Node, monkeypatch: pytest.MonkeyPatch, page: str, heading: str
) -> None:
    section = (ROOT / "docs" / page).read_text(encoding="utf-8").split(heading)[1]
    section = section.split("\n## ")[0]
    folder = node.root / "sources/weixiu/checks"
    places = {
        "json": node.root / "drop/checks-1.json",
        "toml": folder / "source.toml",
        "sql": folder / "mapping.sql",
    }
    for kind, place in places.items():
        (block,) = re.findall(rf"^```{kind}\n(.*?)^```", section, re.M | re.S)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(block, encoding="utf-8")
    (lines,) = re.findall(r"^```sh\n(.*?)^```", section, re.M | re.S)
    *accepts, check = (shlex.split(line)[1:] for line in lines.splitlines())
    monkeypatch.chdir(node.root)
    # before its first row the scheme is not there, and the message says how it begins
    assert "hefu codes accept inspection_result weixiu" in hefu(*check).err
    for accept in accepts:
        assert hefu(*accept).code == 0
    (trial,) = json.loads(hefu(*check, "--json").out)["sources"]
    assert (trial["rows"], trial["quarantined"], trial["unused"]) == (2, 0, [])
    fields = {field["name"]: field for field in trial["fields"]}
    assert fields["inspection_result"]["flagged"] == {"code:inspection_result": 1}
    assert fields["officer_certificate_nos"]["filled"] == 2
    assert fields["vehicle_plate_no"]["filled"] == 1
