"""``docs/first-partner-system.md`` does what it says, in both languages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli_world import ROOT
from walk_document import agrees, blocks, steps

PAGES = {"en": "first-partner-system.md", "zh": "first-partner-system.zh-CN.md"}


@pytest.mark.parametrize("language", PAGES)
def test_every_command_prints_what_the_page_shows(language: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            Path(__file__).with_name("walk_document.py"),
            ROOT / "docs" / PAGES[language],
            tmp_path,
        ],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"HEFU_LANG": language, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []
    assert done.stderr == ""


def test_both_pages_do_the_same() -> None:
    english, chinese = (
        (ROOT / "docs" / page).read_text(encoding="utf-8") for page in PAGES.values()
    )

    def done_by(text: str) -> list[object]:
        return [
            (path, match[2]) if path else [step.command for step in steps(match[2])]
            for path, match in blocks(text)
        ]

    assert done_by(english) == done_by(chinese)


@pytest.mark.parametrize(
    ("expected", "printed", "same"),
    [
        (["a … c"], ["a b c"], True),
        (["a … c"], ["a b d"], False),
        (["…"], ["any", "lines"], True),
        (["made 2026-11-22 15:16"], ["made 2030-01-01 00:00"], True),
        (["rows 5"], ["rows 6"], False),
        (["one"], ["one", "two"], False),
    ],
)
def test_the_page_is_compared_strictly(expected: list[str], printed: list[str], same: bool) -> None:
    assert agrees(expected, printed) is same
