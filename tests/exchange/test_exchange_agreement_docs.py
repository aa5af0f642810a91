"""The page on agreements names every key, and its example says what the page says it does."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import BaseModel

from exchange.agreement.cooperation import Cooperation, Route
from exchange.agreement.encryption import is_encrypted
from exchange.agreement.explain import explain
from exchange.agreement.model import Agreement, Delivery, Grant, RowFilter, load_agreement
from exchange.agreement.notes import notes
from exchange.bundle.contracts import INSTALLED

DOCS = Path(__file__).parents[2] / "docs"
MODELS = (Agreement, Grant, RowFilter, Delivery, Cooperation, Route)
PAGES = ("agreements.md", "agreements.zh-CN.md")


def example(page: str) -> str:
    (found,) = re.findall(r"```toml\n(.*?)```", (DOCS / page).read_text("utf-8"), re.DOTALL)
    return str(found)


def keys(model: type[BaseModel]) -> set[str]:
    return {info.alias or name for name, info in model.model_fields.items()}


@pytest.mark.parametrize("page", PAGES)
def test_every_key_is_explained(page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    rows = "\n".join(line.split("|")[1] for line in text.splitlines() if line.startswith("| `"))
    wanted = set().union(*map(keys, MODELS))
    assert {key for key in wanted if not re.search(rf"[`.\[]{key}[`\]]", rows)} == set()


@pytest.mark.parametrize("page", PAGES)
def test_the_example_has_every_key_and_is_explained(page: str, tmp_path: Path) -> None:
    path = tmp_path / "example.toml"
    path.write_text(example(page), encoding="utf-8")
    found = load_agreement(path)
    for model in MODELS:
        for key in keys(model):
            assert re.search(
                rf"^{key} = |\[+(grants\.|cooperation\.)?{key}\]", example(page), re.M
            ), key
    assert list(notes(found, [], INSTALLED, datetime(2026, 12, 1, tzinfo=UTC))) == []
    out, back = explain(found, found.parties[0].code, INSTALLED).directions
    assert (out.is_ours, back.is_ours) == (True, False)
    assert out.encrypted == is_encrypted(found.grants[0], INSTALLED)
    assert not back.encrypted
    (cases,) = out.records
    personal = {f.name for f in cases.going if f.is_personal}
    assert personal == {"vehicle_plate_no"}
    assert "party_name" in {f.name for f in cases.staying if f.is_personal}
    assert cases.unchecked == ()
    assert len(out.rows) == 4
    assert "lead" in dict(out.not_granted)
    assert example(PAGES[0]) == example(PAGES[1])
