"""The papers say what is there: links lead somewhere, decisions are listed, the version is told."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from urllib.parse import unquote

from house_tree import Tree

import hefu

# [text](target "title"), ![alt](target); not `code`
LINK = re.compile(r"\[[^\]]*\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`\n]*`")
HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)


def anchors(markdown: str) -> set[str]:
    """Heading ids as the usual viewers make them: lower case, no punctuation, dashes for blanks."""
    found = set(re.findall(r"<a (?:id|name)=\"([^\"]+)\"", markdown))
    for heading in HEADING.findall(FENCE.sub("", markdown)):
        plain = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower())
        found.add(plain.replace(" ", "-"))
    return found


def broken_links(tree: Tree, path: Path) -> list[str]:
    text = CODE.sub("", FENCE.sub("", tree.text(path) or ""))
    broken = []
    for target in LINK.findall(text):
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue  # an address outside; the tests use no network
        file, _, anchor = unquote(target).partition("#")
        there = (tree.root / path.parent / file).resolve() if file else tree.root / path
        if not there.exists():
            broken.append(f"{path}: {target}")
        elif anchor and there.suffix == ".md":
            headings = anchors(there.read_text(encoding="utf-8"))
            broken += [] if anchor.lower() in headings else [f"{path}: {target} (no such heading)"]
    return broken


def test_every_relative_link_leads_somewhere(tree: Tree) -> None:
    assert [link for path in tree.named(".md") for link in broken_links(tree, path)] == []


def test_every_decision_is_listed_once_and_numbered_without_gaps(tree: Tree) -> None:
    records = sorted(path.name for path in tree.files if path.match("docs/adr/[0-9]*.md"))
    index = tree.text(Path("docs/adr/README.md")) or ""
    assert [name for name in records if index.count(f"]({name})") != 1] == []
    assert [name[:4] for name in records] == [f"{n:04}" for n in range(1, len(records) + 1)]


def test_the_changelog_tells_of_the_current_version(tree: Tree) -> None:
    version = tomllib.loads(tree.text(Path("pyproject.toml")) or "")["project"]["version"]
    assert hefu.__version__ == version
    assert re.search(rf"^## \[?{re.escape(version)}\b", tree.text(Path("CHANGELOG.md")) or "", re.M)


def test_the_licence_is_the_one_that_the_metadata_names(tree: Tree) -> None:
    project = tomllib.loads(tree.text(Path("pyproject.toml")) or "")["project"]
    licence = tree.text(Path("LICENSE")) or ""
    assert project["license"] == "Apache-2.0"
    assert "Apache License" in licence
    assert "END OF TERMS AND CONDITIONS" in licence


def test_the_readme_exists_in_both_languages_and_they_lead_to_each_other(tree: Tree) -> None:
    english, chinese = (tree.text(Path(name)) for name in ("README.md", "README.zh-CN.md"))
    assert english is not None
    assert "README.zh-CN.md" in english
    assert chinese is not None
    assert "README.md" in chinese


def test_every_make_target_that_the_papers_name_exists(tree: Tree) -> None:
    targets = set(re.findall(r"^([a-z-]+):", tree.text(Path("Makefile")) or "", re.MULTILINE))
    named = {
        (str(path), word)
        for path in tree.named(".md")
        for word in re.findall(r"(?:`|^    |^\$ )make ([a-z-]+)", tree.text(path) or "", re.M)
    }
    assert {(path, word) for path, word in named if word not in targets} == set()
    assert {"setup", "demo", "test", "lint", "bench"} <= targets
