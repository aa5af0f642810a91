"""``hefu rules``: law from the command line, on an installation without a node."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from cli_world import Hefu

from schemas.rule_entries import Entry
from schemas.rulepack import parse_rule_pack

TRUCK = ("rules", "overload", "--weight-kg", "75000", "--axles", "6", "--on", "2026-10-08")


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No node is here or above."""
    monkeypatch.chdir(tmp_path)


def test_the_truck_of_75_tonnes_on_the_zhejiang_side(hefu: Hefu) -> None:
    ran = hefu(*TRUCK, "--division", "330523")
    assert ran.code == 0
    assert "limit 49000 kg, weight 75000 kg, excess 26000 kg (53.06%)" in ran.out
    assert "Zhejiang, prevails here: fine 5160 yuan" in ran.out
    assert "over 20% up to 50%: 14.7 t × 300 yuan = 4410 yuan" in ran.out
    assert "national: fine 13000 yuan" in ran.out
    assert "26 × 500 yuan = 13000 yuan" in ran.out
    assert "浙江省公路条例第五十三条 [zj-2026.11]" in ran.out
    assert "第四十三条 [cn-2026.11] (number not verified)" in ran.out


def test_the_same_as_json_and_on_the_anhui_side(hefu: Hefu) -> None:
    both = json.loads(hefu(*TRUCK, "--division", "330523", "--json").out)
    fines = {a["basis"]["pack"]: a["fine_cny"] for a in both["assessments"]}
    assert fines == {"zj": "5160.00", "cn": "13000.00"}
    assert [a["prevails"] for a in both["assessments"]] == [True, False]
    assert both["assessments"][1]["basis"]["verified"] is False
    anhui = json.loads(hefu(*TRUCK, "--division", "341882", "--json").out)
    assert [a["fine_cny"] for a in anhui["assessments"]] == ["13000.00"]
    assert anhui["limit_basis"]["article"].endswith("第三条")


def test_readings_limits_and_configurations(hefu: Hefu) -> None:
    def fine(*more: str) -> str:
        told = json.loads(hefu("rules", "overload", *more, "--on", "2026-10-08", "--json").out)
        return str(told["assessments"][0]["fine_cny"])

    six = ("--axles", "6")
    assert fine("--weight-kg", "50001", *six, "--read-as", "ceil-limit") == "1000.00"
    assert fine("--weight-kg", "50001", *six, "--read-as", "floor-free") == "0.00"
    assert fine("--weight-kg", "50001", *six, "--read-as", "ceil-free") == "500.00"
    assert fine("--weight-kg", "50001", *six, "--read-as", "floor-limit") == "500.00"
    assert fine("--weight-kg", "50000", *six, "--configuration", "train-single-drive") == "2000.00"
    assert fine("--weight-kg", "30000", "--axles", "3", "--configuration", "truck") == "2500.00"
    assert fine("--weight-kg", "75000", *six, "--limit-kg", "70000") == "2500.00"


def test_chinese_reads_as_chinese(hefu: Hefu, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEFU_LANG", "zh")
    ran = hefu(*TRUCK, "--division", "330523")
    assert "浙江省，优先适用：罚款 5160 元" in ran.out
    assert "超过 20%、未超过 50% 的部分：14.7 吨 × 300 元 = 4410 元" in ran.out
    assert "（数值待核实）" in ran.out
    assert "2 年" in hefu("rules", "show", "limitation_years").out


def test_the_list_is_that_of_a_day_and_a_place(hefu: Hefu) -> None:
    zhejiang = hefu("rules", "list", "--on", "2026-10-08", "--division", "330523").out
    assert "overload_fine" in zhejiang
    assert "zj-2026.11" in zhejiang
    assert "passenger_without_licence_until_2023" not in zhejiang
    national = hefu("rules", "list", "--on", "2023-07-19").out
    assert "zj-2026.11" not in national
    assert "passenger_without_licence_until_2023" in national
    told = json.loads(hefu("rules", "list", "--on", "2026-10-08", "--json").out)
    assert all(t["article"] and t["source"] and t["verified"] in (True, False) for t in told)
    empty = hefu("rules", "list", "--on", "1980-01-01")
    assert (empty.code, empty.out) == (0, "")
    assert "no rule is in force" in empty.err


def test_the_law_of_a_cause_is_found_by_code_label_and_article(hefu: Hefu) -> None:
    on = ("--division", "341882", "--on", "2026-10-08")
    for word in ("no_road_passenger_licence", "擅自从事道路客运", "条例（2023年修订）第六十三条"):
        told = json.loads(hefu("rules", "list", *on, "--find", word, "--json").out)
        assert "passenger_without_licence" in {row["name"] for row in told}
        assert len(told) < 5
    nothing = hefu("rules", "list", *on, "--find", "xyzzy")
    assert (nothing.code, nothing.out) == (0, "")
    assert "speaks of xyzzy" in nothing.err
    wrong = hefu("rules", "show", "no_road_passenger_licence")
    assert wrong.code == 2
    assert "hefu rules list --find no_road_passenger_licence" in wrong.err


def test_a_row_is_shown_in_all_its_packs_with_its_words(hefu: Hefu) -> None:
    ran = hefu("rules", "show", "overload_fine")
    assert ran.out.count("overload_fine  ") == 2
    assert "每超1000千克罚款500元" in ran.out
    assert "seen as an excerpt or second-hand" in ran.out
    assert "[over 20%: 300 yuan/t]" in ran.out
    assert len(json.loads(hefu("rules", "show", "overload_fine", "--json").out)) == 2
    wrong = hefu("rules", "show", "overload_fines")
    assert wrong.code == 2
    assert "did you mean overload_fine?" in wrong.err


def test_deadlines_say_when_they_are_provisional(hefu: Hefu) -> None:
    firm = hefu("rules", "deadline", "--from", "2026-09-30", "--working-days", "7")
    assert (firm.code, firm.out) == (0, "2026-10-15\n")
    assert "provisional" not in firm.err
    late = hefu("rules", "deadline", "--from", "2026-12-24", "--working-days", "7")
    assert late.code == 0
    assert "provisional" in late.err
    days = ("rules", "deadline", "--from", "2026-09-30", "--days", "3")
    told = json.loads(hefu(*days, "--json").out)
    assert (told["day"], told["provisional"]) == ("2026-10-03", False)
    rolled = hefu(*days, "--roll-over")
    assert rolled.out == "2026-10-08\n"


def test_limitation_over_a_leap_day(hefu: Hefu) -> None:
    ran = hefu("rules", "limitation", "--ended", "2024-02-29", "--on", "2026-03-01")
    assert "last day: 2026-02-28 (2 years); on 2026-03-01: passed" in ran.out
    asked = ("rules", "limitation", "--ended", "2024-02-29", "--on", "2026-02-28", "--grave")
    told = json.loads(hefu(*asked, "--json").out)
    assert (told["last_day"], told["passed"]) == ("2029-02-28", False)


@pytest.mark.parametrize(
    "arguments",
    [
        ("overload", "--weight-kg", "30000", "--axles", "4"),
        ("overload", "--weight-kg", "30000", "--axles", "1"),
        ("overload", "--weight-kg", "30000", "--axles", "6", "--division", "浙江"),
        ("overload", "--weight-kg", "30000", "--axles", "6", "--on", "2010-01-01"),
        ("deadline", "--from", "2026-9-30", "--working-days", "7"),
        ("deadline", "--from", "2026-09-30"),
        ("deadline", "--from", "2026-09-30", "--days", "1", "--working-days", "1"),
        ("limitation", "--ended", "gestern"),
    ],
)
def test_wrong_use_is_told_and_exits_with_2(hefu: Hefu, arguments: tuple[str, ...]) -> None:
    ran = hefu("rules", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: ")


ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(("language", "name"), [("en", "law.md"), ("zh", "law.zh-CN.md")])
def test_what_the_paper_shows_is_what_the_commands_say(
    hefu: Hefu, monkeypatch: pytest.MonkeyPatch, language: str, name: str
) -> None:
    monkeypatch.setenv("HEFU_LANG", language)
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    # What a node says of its own law: test_cli_own_law.py.
    text = re.sub(r"^## (Your own|写入本地).*?(?=^## )", "", text, flags=re.DOTALL | re.MULTILINE)
    shown = re.findall(r"^```console\n\$ hefu (.*?)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    assert len(shown) >= 4
    for command, printed in shown:
        ran = hefu(*shlex.split(command))
        assert (ran.code, ran.out) == (0, printed), command


@pytest.mark.parametrize("name", ["law.md", "law.zh-CN.md"])
def test_the_packs_in_the_paper_are_read(name: str) -> None:
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    packs = re.findall(r"^```toml\n(name = .*?)^```", text, re.DOTALL | re.MULTILINE)
    assert len(packs) >= 2
    for pack in packs:
        stem = re.search(r'^name = "(\w+)"', pack, re.MULTILINE)
        assert stem is not None
        assert parse_rule_pack(pack, Path(f"{stem[1]}.toml")).entries(Entry)
