"""Every example of docs/sources*.md loads, and every key is explained in both languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from connectors.config import SourceConfig, load_source

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ["sources.md", "sources.zh-CN.md"]


def examples() -> list[tuple[str, str]]:
    return [
        (page, text)
        for page in PAGES
        for text in re.findall(
            r"^```toml\n(.*?)^```", (DOCS / page).read_text(encoding="utf-8"), re.M | re.S
        )
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


@pytest.mark.parametrize("page", PAGES)
def test_every_key_is_explained(page):
    text = (DOCS / page).read_text(encoding="utf-8")
    missing = {k for k in keys(SourceConfig) if not re.search(rf"\b{k}\b", text)}
    assert missing == set()
