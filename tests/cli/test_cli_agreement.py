"""``hefu agreement``: what is said of an agreement, to people and to programs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from hefu.cli import run

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The page's example, in a folder that is no node."""
    (text,) = re.findall(
        r"```toml\n(.*?)```", (DOCS / "agreements.md").read_text(encoding="utf-8"), re.DOTALL
    )
    path = tmp_path / "agreed.toml"
    path.write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEFU_LANG", "en")
    return path


def test_explain_says_what_leaves_and_what_does_not(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(["agreement", "explain", str(file)]) == 0
    said = capsys.readouterr().out
    leaves, stays = said.split("What does not leave", 1)
    for words in (
        "Purpose: overload_accumulation",
        "公路安全保护条例第六十六条",
        "(vehicle_plate_no)",
        "its vehicle is registered in 999901…",
        "yes, only the receiver can open a bundle",
        "at most 1095 days",
        "within 2 working days",
        "older than 7 days",
    ):
        assert words in leaves
    assert "(party_id_no)" in stays
    assert "Violation lead (lead)" in stays
    monkeypatch.setenv("HEFU_LANG", "zh")
    assert run(["agreement", "explain", str(file)]) == 0
    said = capsys.readouterr().out
    assert re.search(r"个人信息 \(!\)：.*（vehicle_plate_no）", said)
    assert "车辆登记地为 999901 开头者" in said


def test_programs_get_the_same(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["agreement", "explain", str(file), "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    first = found["directions"][0]
    assert first["encrypted"]
    assert {f["name"] for f in first["records"][0]["fields"] if f["personal"]} == {
        "vehicle_plate_no"
    }
    assert run(["agreement", "digest", str(file)]) == 0
    assert capsys.readouterr().out.strip() == found["digest"]
    assert run(["agreement", "check", str(file), "--json"]) == 0
    checked = json.loads(capsys.readouterr().out)
    assert (checked["digest"], checked["id"]) == (found["digest"], "jia-yi-overload")


def test_a_contradiction_is_told_with_file_line_and_key(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace('"01", "02"', '"1"'), encoding="utf-8")
    assert run(["agreement", "check", str(file)]) == 2
    line = next(n for n, s in enumerate(text.splitlines(), 1) if s.startswith("domains"))
    said = capsys.readouterr().err
    assert f"agreed.toml, row {line}, field grants.0.rows.domains" in said
    assert "there is no business domain '1'" in said


def test_what_is_not_there_is_said(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["agreement", "explain"]) == 2
    assert "no file was named" in capsys.readouterr().err
    assert run(["agreement", "explain", "another"]) == 2
    assert "neither a file nor an agreement 'another'" in capsys.readouterr().err
