"""The reference is what the commands say, and every command and option says something."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import typer.main
from cli_world import ROOT

from hefu.cli import build_app
from hefu.reference import commands


@pytest.mark.parametrize(("language", "name"), [("en", "cli.md"), ("zh", "cli.zh-CN.md")])
def test_the_reference_is_up_to_date(language: str, name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hefu.reference"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env=os.environ | {"HEFU_LANG": language},
    )
    written = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert done.stdout == written, f"HEFU_LANG={language} python -m hefu.reference > docs/{name}"


def test_every_command_and_option_is_explained() -> None:
    root = typer.main.get_command(build_app())
    silent = [
        f"{path} {param.name}"
        for path, command in commands(root)
        for param in command.params
        if not getattr(param, "help", None)
    ]
    silent += [path for path, command in commands(root) if not command.help]
    assert silent == []


def test_the_walk_through_and_the_reference_are_linked_to_each_other() -> None:
    for suffix in ("", ".zh-CN"):
        text = (ROOT / "docs" / f"first-partner-system{suffix}.md").read_text(encoding="utf-8")
        assert f"](cli{suffix}.md)" in text
