"""A node's own law from the command line: the example of docs/law.md, done."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from cli_world import CITY, Hefu, make_node

from hefu.node import Agency

ROOT = Path(__file__).resolve().parents[2]
PAPERS = [
    ("en", "law.md", "## Your own numbers and lists", "## Working days"),
    ("zh", "law.zh-CN.md", "## 写入本地的数额和清单", "## 工作日"),
]
HOME = Agency(code=CITY.code, name=CITY.name, division_code="990100", business_domain="01")


def section(name: str, head: str) -> str:
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    start = text.index(head + "\n")
    return text[start : text.index("\n## ", start)]


def blocks(text: str, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


@pytest.fixture
def city(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The node of the paper's city, with the paper's pack and calendar; we are in its folder."""
    root = make_node(tmp_path / "city", HOME).root
    (pack,) = blocks(section(*PAPERS[0][1:3]), "toml")
    (days,) = blocks(section(PAPERS[0][1], PAPERS[0][3]), "toml")
    for folder, name, text in (("rules", "example", pack), ("calendar", "notice", days)):
        (root / folder).mkdir()
        (root / folder / f"{name}.toml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(root)
    return root


def test_both_languages_show_the_same_pack_and_the_same_days() -> None:
    for head in (2, 3):
        one, other = (blocks(section(paper[1], paper[head]), "toml") for paper in PAPERS)
        assert [b.replace("示例：", "") for b in one] == [b.replace("示例：", "") for b in other]


@pytest.mark.parametrize(("language", "name", "head"), [p[:3] for p in PAPERS])
def test_what_the_paper_shows_is_what_the_node_says(
    city: Path, hefu: Hefu, monkeypatch: pytest.MonkeyPatch, language: str, name: str, head: str
) -> None:
    monkeypatch.setenv("HEFU_LANG", language)
    shown = blocks(section(name, head), "console")
    assert shown
    for block in shown:
        command, _, printed = block.partition("\n")
        ran = hefu(*shlex.split(command.removeprefix("$ hefu ")))
        assert (ran.code, ran.out) == (0, printed), command


def test_the_lists_are_those_of_the_place(city: Path, hefu: Hefu, tmp_path: Path) -> None:
    asked = ("rules", "list", "--on", "2026-11-22", "--json", "--division")
    here = {row["name"]: row for row in json.loads(hefu(*asked, "990100").out)}
    assert {"first_certificate_not_carried", "modified_slight"} <= set(here)
    assert "modified_slight" not in hefu(*asked, "990200").out
    outside = tmp_path / "elsewhere"
    outside.mkdir()
    told = hefu(*asked, "990100", "--node", str(city))
    assert {row["name"] for row in json.loads(told.out)} == set(here)


def test_outside_of_every_node_only_the_installed_law_is_known(
    city: Path, hefu: Hefu, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert hefu("rules", "show", "modified_slight").code == 2
    monkeypatch.setenv("HEFU_NODE", str(city))
    assert hefu("rules", "show", "modified_slight").code == 0


def test_a_deadline_rests_on_the_nodes_own_days(
    city: Path, hefu: Hefu, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ("rules", "deadline", "--from", "2027-01-03", "--working-days", "1", "--json")
    told = json.loads(hefu(*asked).out)
    assert (told["day"], told["provisional"]) == ("2027-01-05", False)
    assert told["calendar_version"].endswith("+notice-2027")
    monkeypatch.chdir(tmp_path)
    told = json.loads(hefu(*asked).out)
    assert (told["day"], told["provisional"]) == ("2027-01-04", True)


def test_check_reads_and_names_them(city: Path, hefu: Hefu) -> None:
    ran = hefu("check", "--offline")
    assert ran.code == 0
    assert "own rule packs example-2026.11 (divisions 9901)" in ran.err
    assert "+notice-2027" in ran.err
    pack = city / "rules" / "example.toml"
    pack.write_text(
        pack.read_text("utf-8").replace("vehicle_modified", "vehicle_modifyed"), "utf-8"
    )
    ran = hefu("check", "--offline")
    assert ran.code == 2
    assert "example.toml, row 31" in ran.err
    assert "did you mean vehicle_modified?" in ran.err


def test_check_says_nothing_of_what_a_node_does_not_have(hefu: Hefu, tmp_path: Path) -> None:
    ran = hefu("check", "--offline", "--node", str(make_node(tmp_path / "plain").root))
    assert ran.code == 0
    assert "rule packs" not in ran.err
    assert "days:" not in ran.err
