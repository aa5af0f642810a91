"""``docs/cooperation.md`` tells one story in both languages; ``make story`` walks it."""

from __future__ import annotations

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
