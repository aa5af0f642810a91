"""``hefu dictionary``: what exactly a field is, without a node and without reading code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli_world import ROOT, Hefu

from schemas.contract import load_contract, record_types
from schemas.dictionary import data_dictionary, record_page


@pytest.fixture(autouse=True)
def no_node_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_without_arguments_it_lists_the_record_types(hefu: Hefu) -> None:
    ran = hefu("dictionary")
    assert ran.code == 0
    for record_type in record_types():
        contract = load_contract(record_type)
        [line] = [x for x in ran.out.splitlines() if x.split()[:1] == [record_type]]
        assert contract.label.zh in line
        assert contract.label.en in line
        assert line.split()[-2:] == [contract.version, str(len(contract.fields))]
    assert "hefu dictionary RECORD_TYPE" in ran.err


def test_a_record_type_lists_its_fields(hefu: Hefu) -> None:
    ran = hefu("dictionary", "work_order")
    assert ran.code == 0
    lines = {line.split()[0]: line for line in ran.out.splitlines() if line.strip()}
    assert set(load_contract("work_order").names()) <= set(lines)
    assert "工单编号" in lines["work_order_no"]
    assert " no " in lines["work_order_no"]
    assert "satisfaction (translated)" in lines["satisfaction"]
    assert "division (open)" in lines["division_code"]
    assert "data_status (closed)" in lines["data_status"]
    assert "never shared" in ran.out


def test_a_field_is_told_in_full(hefu: Hefu) -> None:
    ran = hefu("dictionary", "licence", "licence_status")
    assert ran.code == 0
    for expected in (
        "licence.licence_status  证照状态",
        "meaning",
        "filled by",
        "leaves the agency only if an agreement grants this field by name",
        "becomes `unmapped`, its text is kept in `raw_values`",
        "rescinded",
        "撤销",
        "[not checked]",
        "zh",
        "正常 → valid",
        "行政许可法",
        "licence.status_time_missing  [flag]",
        "without it nobody can tell whether the licence was in force",
    ):
        assert expected in ran.out
    assert ran.err == ""


def test_unit_class_and_limits_of_a_field(hefu: Hefu) -> None:
    money = hefu("dictionary", "case_result", "fine_amount_cny").out
    assert "decimal128(16, 2)" in money
    assert "  unit       yuan" in money
    assert "not below 0" in money
    person = hefu("dictionary", "case_result", "party_id_no").out
    assert "nothing of it is shown" in person
    assert "at most 64 characters" in person
    assert "91999900MA00000006 → ************" in person
    ours = hefu("dictionary", "lead", "content_hash").out
    assert "the node; a mapping may not give it" in ours
    assert "in every bundle" in ours
    assert "form ^[0-9a-f]{64}$" in ours


def test_chinese_throughout(hefu: Hefu, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEFU_LANG", "zh")
    ran = hefu("dictionary", "案件处理结果", "罚款金额")
    assert ran.code == 0
    assert ran.out.startswith("case_result.fine_amount_cny  罚款金额")
    for expected in (
        "由谁填写  映射给出",
        "单位      元",
        "涉及本字段的规则：",
        "[隔离]",
        "情形：",
    ):
        assert expected in ran.out
    assert "记录类型" in hefu("dictionary").out
    assert "代码表" in hefu("dictionary", "lead").out


def test_a_search_goes_over_all_records(hefu: Hefu, monkeypatch: pytest.MonkeyPatch) -> None:
    found = hefu("dictionary", "--find", "车架号")
    assert found.code == 0
    [line] = [x for x in found.out.splitlines() if x.strip().startswith("vin ")]
    assert "case_result" in line
    assert "licence" in line
    assert "paid_amount_cny" in hefu("dictionary", "case_result", "--find", "amount").out
    nothing = hefu("dictionary", "--find", "xyzzy")
    assert (nothing.code, nothing.out) == (0, "")
    assert "xyzzy" in nothing.err
    monkeypatch.setenv("HEFU_LANG", "zh")
    assert "所属记录" in hefu("dictionary", "--find", "罚款").out


def test_a_long_code_list_is_printed_when_asked_for(hefu: Hefu) -> None:
    short = hefu("dictionary", "lead", "division_code")
    assert "宣城" not in short.out
    assert "--codes" in short.err
    long = hefu("dictionary", "lead", "division_code", "--codes")
    assert "330184" in long.out
    assert "2001-02-02" in long.out
    assert "--codes" not in long.err


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("case_resul",), "did you mean case_result?"),
        (("案件结果",), "did you mean case_result?"),
        (("lead", "plate_colr"), "vehicle_plate_color (号牌颜色)"),
        (("case_result", "号牌"), "vehicle_plate_no (车辆号牌)"),
        (("nothing_like_it",), "hefu dictionary"),
        (("罚款金额",), "hefu dictionary --find 罚款金额"),
        (("lead", "--find", ""), ""),
        (("lead", "lead_no", "--find", "x"), ""),
        (("lead", "lead_no", "--markdown"), ""),
        (("lead", "--markdown", "--json"), ""),
    ],
)
def test_a_near_miss_or_a_contradiction_is_answered(
    hefu: Hefu, arguments: tuple[str, ...], hint: str
) -> None:
    ran = hefu("dictionary", *arguments)
    assert ran.code == 2
    assert ran.err.startswith("error: ")
    assert hint in ran.err


def test_json_for_programs(hefu: Hefu) -> None:
    types = json.loads(hefu("dictionary", "--json").out)
    assert [t["record_type"] for t in types] == list(record_types())
    fields = json.loads(hefu("dictionary", "lead", "--json").out)
    assert [f["name"] for f in fields["fields"]] == list(load_contract("lead").names())
    assert {r["rule_id"] for r in fields["rules"]} == {
        r.rule_id for r in load_contract("lead").declared
    }
    one = json.loads(hefu("dictionary", "lead", "division_code", "--json").out)
    assert one["unknown_code"]["zh"]
    assert len(one["codes"]) > 1000
    found = json.loads(hefu("dictionary", "--find", "号牌颜色", "--json").out)
    assert "lead" in found[0]["record_types"]
    error = json.loads(hefu("dictionary", "lead", "plate_colr", "--json").out)
    assert "vehicle_plate_color" in error["hint"]["zh"]


def test_markdown_is_the_page_in_docs(hefu: Hefu, monkeypatch: pytest.MonkeyPatch) -> None:
    assert hefu("dictionary", "--markdown").out == data_dictionary("en")
    monkeypatch.setenv("HEFU_LANG", "zh")
    page = hefu("dictionary", "work_order", "--markdown").out
    assert page == record_page(load_contract("work_order"), "zh")


def test_every_field_of_every_record_can_be_told(hefu: Hefu) -> None:
    """One field of each block and each record's own last one; none may fail to print."""
    for record_type in record_types():
        names = load_contract(record_type).names()
        for name in (*names[::25], names[-1]):
            ran = hefu("dictionary", record_type, name)
            assert ran.code == 0
            assert ran.out.startswith(f"{record_type}.{name}  ")


def test_it_needs_nothing_of_the_pipeline() -> None:
    """Agencies that only read bundles have the small install; they ask most often."""
    heavy = ("prefect", "great_expectations", "deltalake", "pandas", "duckdb")
    code = (
        "import sys; from hefu.cli import run\n"
        "for words in ([], ['lead'], ['lead', 'vehicle_plate_color'], ['--find', 'plate']):\n"
        "    assert run(['dictionary', *words]) == 0\n"
        f"sys.exit(' '.join(m for m in {heavy} if m in sys.modules) or 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=os.environ | {"HEFU_LANG": "en", "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
