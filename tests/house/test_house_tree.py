"""What must not be in the tree.

The forbidden words are put together from halves here, or the test would find itself.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from house_tree import Tree

LONGEST = 450  # lines; beyond it a file has two reasons to exist

FORBIDDEN = {
    # (?<!no-emit-): the lock is made with the options that leave these out
    "a package index or its host": re.compile(
        r"(?<!no-emit-)(?:extra-)?(?:index" + r"-url|find" + r"-links|trusted" + r"-host)"
        r"|(?:INDEX" + r"_URL|FIND" + r"_LINKS|TRUSTED" + r"_HOST)"
        r"|python" + r"hosted|pypi" + r"\.org|registry\." + r"npmjs|mirrors\.[a-z]+\.",
    ),
    "a path of one machine": re.compile(r"(?<![\w.*-])/(?:wo" + r"rk|ro" + r"ot|ho" + r"me)/\w"),
    "a path outside the project": re.compile(r"\.\./sha" + r"red\b|/\.lib" + r"rary\b"),
}
UNFINISHED = re.compile(r"\bNotImplemented" + r"Error|\bTO" + r"DO\b|\bFIX" + r"ME\b")
NOT_RUN = re.compile(
    r"pytest\.(?:mark\.)?(?:sk" + r"ip|skip" + r"if|xf" + r"ail)\b|import" + r"orskip"
)
WAITS = re.compile(r"\bsl" + r"eep\(")


def lines_with(tree: Tree, paths: list[Path], pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path}:{number}: {line.strip()[:100]}"
        for path in paths
        for number, line in enumerate((tree.text(path) or "").splitlines(), start=1)
        if pattern.search(line)
    ]


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_names(what: str, tree: Tree) -> None:
    assert lines_with(tree, list(tree.files), FORBIDDEN[what]) == []


def test_no_code_is_unfinished_by_its_own_word(tree: Tree) -> None:
    assert lines_with(tree, tree.named(".py", ".sql"), UNFINISHED) == []


def test_every_file_of_code_is_short_enough_to_have_one_reason(tree: Tree) -> None:
    lengths = {path: len((tree.text(path) or "").splitlines()) for path in tree.named(".py")}
    assert {path: n for path, n in lengths.items() if n > LONGEST} == {}


def test_no_test_is_left_out_or_waits_on_the_clock(tree: Tree) -> None:
    tests = [path for path in tree.named(".py") if path.parts[0] == "tests"]
    assert lines_with(tree, tests, NOT_RUN) == []
    assert lines_with(tree, tests, WAITS) == []


def test_test_files_have_names_of_their_own(tree: Tree) -> None:
    """pytest imports them by base name, since ``tests/`` is no package."""
    names = [path.name for path in tree.files if path.match("tests/**/test_*.py")]
    assert sorted(names) == sorted(set(names))
