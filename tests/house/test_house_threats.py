"""The threat model names a test for each threat, and every test that it names exists."""

from __future__ import annotations

import re
from pathlib import Path

from house_tree import Tree

PAGES = (Path("docs/threat-model.md"), Path("docs/threat-model.zh-CN.md"))
NAMED = re.compile(r"`(test_[a-z0-9_]+)`")
DEFINED = re.compile(r"^\s*def (test_\w+)\(", re.MULTILINE)


def rows(text: str) -> list[list[str]]:
    """The cells of the tables with three columns, without their heads."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if len(row) == 3 and not set(row[0]) <= {"-", " "}]


def test_every_threat_has_a_defence_and_a_test_that_exists(tree: Tree) -> None:
    tests = {
        name
        for path in tree.files
        if path.match("tests/**/test_*.py") or path.match("tests/*/test_*.py")
        for name in DEFINED.findall(tree.text(path) or "")
    }
    for page in PAGES:
        found = [row for row in rows(tree.text(page) or "") if row[0] not in ("Threat", "威胁")]
        assert len(found) > 40, page
        assert [threat for threat, defence, test in found if not (defence and test)] == []
        assert [threat for threat, _, test in found if not NAMED.findall(test)] == []
        named = {name for _, _, test in found for name in NAMED.findall(test)}
        assert sorted(named - tests) == [], page


def test_both_languages_name_the_same_tests_in_the_same_order(tree: Tree) -> None:
    english, chinese = (NAMED.findall(tree.text(page) or "") for page in PAGES)
    assert english == chinese
