"""The generated dictionary, and what a screen may show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from schemas.contract import Classification, load_contract, record_types
from schemas.dictionary import FILES, data_dictionary
from schemas.masking import masked
from schemas.text import Language


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_dictionary_in_docs_is_current(language: Language) -> None:
    written = Path(FILES[language]).read_text(encoding="utf-8")
    assert written == data_dictionary(language), "run: python -m schemas.dictionary"


def test_the_dictionary_names_every_field_and_rule() -> None:
    dictionary = data_dictionary("zh")
    for record_type in record_types():
        contract = load_contract(record_type)
        for rule in contract.declared:
            assert rule.rule_id in dictionary
        for field in contract.fields:
            assert f"`{field.name}`" in dictionary


@pytest.mark.parametrize(
    ("value", "classification", "shown"),
    [
        (None, "sensitive", None),
        ("999999180001010008", "sensitive", "*" * 12),
        ("皖P00000", "personal", "皖*****0"),
        ("示例甲", "personal", "示**"),
        ("甲", "personal", "甲"),
        ("", "personal", ""),
        (["示例丙", "示例丁"], "personal", "示**、示**"),
        ("A-1", "internal", "A-1"),
        (1500, "public", "1500"),
    ],
)
def test_personal_values_are_masked(
    value: Any, classification: Classification, shown: str | None
) -> None:
    assert masked(value, classification) == shown
