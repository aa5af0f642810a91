"""``docs/cooperation.md`` plays its story on the region as it says, command by command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from cli_world import ROOT
from walk_document import blocks, steps

PAGES = ("cooperation.md", "cooperation.zh-CN.md")


def test_both_pages_do_the_same() -> None:
    english, chinese = (
        [
            step.command
            for _, match in blocks((ROOT / "docs" / page).read_text(encoding="utf-8"))
            for step in steps(match[2])
        ]
        for page in PAGES
    )
    assert english == chinese


def test_every_command_prints_what_the_page_shows(tmp_path: Path) -> None:
    """The page of the officers; the other one shows the same commands."""
    (tmp_path / ".venv").symlink_to(Path(sys.executable).parents[1])
    done = subprocess.run(
        [
            sys.executable,
            Path(__file__).with_name("walk_document.py"),
            ROOT / "docs" / PAGES[1],
            tmp_path,
            "--undated",
        ],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"HEFU_LANG": "zh", "PYTHONPATH": str(ROOT), "COLUMNS": "120"},
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []
