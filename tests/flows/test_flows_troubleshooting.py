"""The page for operators quotes messages, reasons and steps as the program has them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import get_args

import pytest

from exchange.errors import Step

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("schemas", "connectors", "quality", "lake", "exchange", "flows", "hefu")
PAGES = {"en": ROOT / "docs/troubleshooting.md", "zh": ROOT / "docs/troubleshooting.zh-CN.md"}
#: Tables whose first column holds messages; the others list codes, reasons and steps.
OF_MESSAGES = {"en": "Message", "zh": "提示"}


@cache
def messages(language: str) -> frozenset[str]:
    """Every ``Text`` in the code, with ``…`` for each part that is filled in."""
    found = set()
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Text":
                    values = [k.value for k in node.keywords if k.arg == language]
                    found |= {text for value in values for text in readings(value)}
    return frozenset(found)


def readings(node: ast.expr) -> Iterator[str]:
    """The texts that an expression can give."""
    if isinstance(node, ast.Constant):
        yield str(node.value)
    elif isinstance(node, ast.IfExp):
        yield from readings(node.body)
        yield from readings(node.orelse)
    elif isinstance(node, ast.JoinedStr):
        yield "".join(next(readings(part)) for part in node.values)
    elif isinstance(node, ast.BinOp):
        yield next(readings(node.left)) + next(readings(node.right))
    else:
        yield "…"


def tables(language: str) -> Iterator[tuple[str, list[str]]]:
    """Heading and quoted entries of each table's first column."""
    text = PAGES[language].read_text(encoding="utf-8")
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        rows = [line.split("|")[1].strip() for line in block.splitlines()]
        yield rows[0], [entry for row in rows[2:] for entry in re.findall(r"`([^`]+)`", row)]


def same(quoted: str, message: str) -> bool:
    """Whether ``quoted`` is ``message``; with ``…`` at its end it may be the beginning."""
    if quoted.endswith("…"):
        return message.startswith(quoted.removesuffix("…"))
    return quoted == message.removesuffix("…")


@pytest.mark.parametrize("language", PAGES)
def test_every_quoted_message_is_one_that_hefu_says(language: str) -> None:
    quoted = [
        entry
        for heading, entries in tables(language)
        if heading == OF_MESSAGES[language]
        for entry in entries
    ]
    assert len(quoted) >= 40
    known = messages(language)
    assert [q for q in quoted if not any(same(q, message) for message in known)] == []


def test_both_pages_have_the_same_tables() -> None:
    sizes = {language: [len(entries) for _, entries in tables(language)] for language in PAGES}
    assert sizes["en"] == sizes["zh"]


@pytest.mark.parametrize("language", PAGES)
def test_every_step_of_a_verification_is_explained(language: str) -> None:
    *_, (_, steps) = tables(language)
    assert sorted(steps) == sorted(get_args(Step))


@pytest.mark.parametrize("language", PAGES)
def test_every_reason_for_an_unreadable_row_is_explained(language: str) -> None:
    told = {entry for _, entries in tables(language) for entry in entries}
    code = "".join(p.read_text(encoding="utf-8") for p in (ROOT / "connectors").rglob("*.py"))
    reasons = set(re.findall(r'"(read:[a-z]+)"', code))
    assert len(reasons) >= 6
    assert reasons <= told
