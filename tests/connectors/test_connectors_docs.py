"""Every example of docs/sources*.md and docs/connectors/ loads; every key is explained."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from connectors.config import SourceConfig, load_source

DOCS = Path(__file__).parents[2] / "docs"
CHINESE = ".zh-CN.md"


def pages() -> list[Path]:
    beside = [*DOCS.glob("sources*.md"), *DOCS.glob("reading-modes*.md")]
    return [*beside, *(DOCS / "connectors").glob("*.md")]


def examples() -> list[tuple[str, str]]:
    """Whole sources only: a block without ``record_type`` is a piece of one."""
    return [
        (page.relative_to(DOCS).as_posix(), text)
        for page in sorted(pages())
        for text in re.findall(
            r"^```toml\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S
        )
        if "record_type" in text
    ]


@pytest.mark.parametrize(("page", "text"), examples())
def test_example_loads(tmp_path, page, text):
    (tmp_path / "source.toml").write_text(text, encoding="utf-8")
    assert load_source(tmp_path).record_type


def keys(model: type[BaseModel]) -> Iterator[str]:
    for name, info in model.model_fields.items():
        yield name
        for inner in models(info.annotation):
            yield from keys(inner)


def models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from models(part)


@pytest.mark.parametrize("chinese", [False, True])
def test_every_key_is_explained(chinese):
    text = "\n".join(
        page.read_text(encoding="utf-8")
        for page in pages()
        if page.name.endswith(CHINESE) is chinese
    )
    missing = {k for k in keys(SourceConfig) if not re.search(rf"\b{k}\b", text)}
    assert missing == set()
