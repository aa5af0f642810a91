"""``hefu init``: what it makes, and what it refuses to make."""

from __future__ import annotations

import json
import os
import pty
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from cli_world import COUNTY, ROOT, Hefu

from hefu.node import load_node

GOOD = {"--code": COUNTY.code, "--name": COUNTY.name, "--division": COUNTY.division_code}


def flags(**changed: str | None) -> list[str]:
    wanted: dict[str, str | None] = {**GOOD, **{f"--{k}": v for k, v in changed.items()}}
    return [word for flag, value in wanted.items() if value is not None for word in (flag, value)]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_node_can_be_loaded_and_has_no_keys_yet(hefu: Hefu, tmp_path: Path) -> None:
    folder = tmp_path / "county"
    ran = hefu("init", folder, *flags(domain="01"))
    assert (ran.code, ran.out.strip()) == (0, str(folder)), ran.err
    node = load_node(folder)
    assert (node.agency.code, node.agency.business_domain) == (COUNTY.code, "01")
    assert list((folder / "keys").iterdir()) == []
    assert "hefu keys init" in ran.err
    shown = hefu("keys", "show", "--node", folder)
    assert shown.code == 2
    assert "hefu keys init" in shown.err


def test_keys_and_records_are_the_owners_alone(hefu: Hefu, tmp_path: Path) -> None:
    folder = tmp_path / "county"
    hefu("init", folder, *flags())
    private = ("keys", "landing", "lake", "quarantine", "sent", "sealed", "reports", "tmp")
    assert {mode(folder / name) for name in private} == {0o700}
    ignored = (folder / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {f"/{name}/" for name in private} <= set(ignored)


def test_the_configuration_says_what_was_said(hefu: Hefu, tmp_path: Path) -> None:
    folder = tmp_path / "county"
    hefu("init", folder, *flags(name='引号"与\\反斜杠'))
    text = (folder / "hefu.toml").read_text(encoding="utf-8")
    assert tomllib.loads(text)["agency"]["name"] == '引号"与\\反斜杠'


def test_a_node_is_never_overwritten(hefu: Hefu, tmp_path: Path) -> None:
    hefu("init", tmp_path, *flags())
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    ran = hefu("init", tmp_path, *flags())
    assert (ran.code, ran.out) == (2, "")
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"code": "113305230000000HFH"}, "not a unified social credit code"),
        ({"code": "1"}, "not a unified social credit code"),
        ({"division": "3305"}, "not a division code"),
        ({"division": "３３０５２３"}, "not a division code"),
        ({"name": "  "}, "needs a name"),
        ({"domain": "77"}, "not a business domain"),
        ({"code": None}, "missing: --code"),
    ],
)
def test_wrong_facts_make_no_node(
    hefu: Hefu, tmp_path: Path, wrong: dict[str, str | None], said: str
) -> None:
    ran = hefu("init", tmp_path / "county", *flags(**wrong))
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert not (tmp_path / "county").exists()


def test_a_folder_that_cannot_be_made_is_named(hefu: Hefu, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ran = hefu("init", tmp_path / "file" / "county", *flags())
    assert ran.code == 2
    assert str(tmp_path / "file") in ran.err


def test_at_a_terminal_it_asks_for_what_is_missing(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    folder = tmp_path / "county"
    child = subprocess.Popen(
        [sys.executable, "-m", "hefu.cli", "init", folder, "--division", "330523"],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT), "HEFU_LANG": "en"},
    )
    os.write(ours, f"{COUNTY.code}\n{COUNTY.name}\n".encode())
    out, err = child.communicate()
    os.close(ours)
    os.close(theirs)
    assert child.returncode == 0, err
    assert load_node(folder).agency.name == COUNTY.name
    assert out.decode().strip() == str(folder)
    assert b"unified social credit code" in err


def test_errors_are_json_too_when_asked(hefu: Hefu, tmp_path: Path) -> None:
    ran = hefu("status", "--json", "--node", tmp_path)
    told = json.loads(ran.out)
    assert ran.code == 2
    assert told["error"] == "ConfigError"
    assert told["message"]["zh"] == "此文件夹不是节点"
    assert "error: " in ran.err
