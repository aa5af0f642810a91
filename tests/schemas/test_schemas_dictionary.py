"""The generated dictionary, and what a screen may show."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from schemas.blocks import block_names
from schemas.codes import all_codes
from schemas.contract import Classification, Field, load_contract, record_types
from schemas.dictionary import FILES, FOLDER, data_dictionary, pages
from schemas.dictionary.entries import (
    block_rules_of,
    blocks_in,
    blocks_of,
    entry,
    field_as_dict,
    field_of,
    find,
    record_type_of,
)
from schemas.dictionary.words import BLOCKS, CLASSES, MODES, TYPES, filler_words, unit_words
from schemas.errors import ConfigError
from schemas.masking import masked
from schemas.text import Language
from schemas.types import DUCKDB_TYPES

ROOT = Path(__file__).resolve().parents[2]
languages = pytest.mark.parametrize("language", ["en", "zh"])


@languages
def test_the_dictionary_in_docs_is_current(language: Language) -> None:
    for path, text in pages(language).items():
        written = (ROOT / path).read_text(encoding="utf-8")
        assert written == text, f"{path}: run python -m schemas.dictionary"


def test_no_page_of_old_is_left() -> None:
    made = {path for language in FILES for path in pages(language)}
    found = {p.relative_to(ROOT).as_posix() for p in (ROOT / FOLDER).glob("*")}
    assert found == {path for path in made if path.startswith(FOLDER)}


@languages
def test_every_field_rule_and_list_stands_on_one_page(language: Language) -> None:
    """Once, not once per record: what records share is described in one place."""
    written = pages(language)
    for record_type in record_types():
        contract = load_contract(record_type)
        suffix = ".md" if language == "en" else ".zh-CN.md"
        own = written[f"{FOLDER}/{record_type}{suffix}"]
        shared = written[f"{FOLDER}/shared-fields{suffix}"]
        blocks, block_rules = blocks_of(contract), block_rules_of(contract)
        for field in contract.fields:
            page = shared if field.name in blocks else own
            bold = "**" if field.required else ""
            assert page.count(f"| {bold}`{field.name}`{bold}") == 1, field.name
            assert f"`{field.name}`" in own
        for rule in contract.declared:
            name = rule.rule_id.partition(".")[2]
            assert name not in block_rules or f"| `{name}` |" in shared
            assert (f"| `{rule.rule_id}` |" in own) == (name not in block_rules)
        for rule in contract.rules():
            assert not rule.rule_id.startswith("law:") or f"| `{rule.rule_id}` |" in own
        assert f"dictionary/{record_type}{suffix}" in data_dictionary(language)
        for name in {f.code_list for f in contract.fields if f.code_list}:
            assert f'<a id="{name}"></a>' in written[f"{FOLDER}/code-lists{suffix}"]


@languages
def test_every_link_of_a_page_leads_to_a_page_and_its_mark(language: Language) -> None:
    written = {path: text for lang in FILES for path, text in pages(lang).items()}
    for path in pages(language):
        for target, mark in re.findall(r"\]\(([^)#]+)(?:#([^)]+))?\)", written[path]):
            file = (ROOT / path).parent.joinpath(target).resolve().relative_to(ROOT).as_posix()
            assert file in written or (ROOT / file).is_file(), target
            assert not mark or f'<a id="{mark}"></a>' in written[file], f"{target}#{mark}"


def test_a_block_has_the_same_fields_in_the_dictionary_as_in_its_file() -> None:
    for record_type in record_types():
        contract = load_contract(record_type)
        for field in contract.fields:
            block = blocks_of(contract).get(field.name)
            assert (block == "envelope") is field.envelope
            assert block is None or block in blocks_in(contract)


def test_there_are_words_for_every_block_type_class_and_mode() -> None:
    assert set(BLOCKS) == set(block_names())
    assert set(TYPES) == set(DUCKDB_TYPES)
    words = [*BLOCKS.values(), *TYPES.values(), *CLASSES.values(), *MODES.values()]
    assert all(w.en and not w.zh.isascii() for w in words)


def test_a_number_has_its_unit_or_is_a_count() -> None:
    """docs/naming.md: the unit is in the name where a number has one."""
    counts = ("_count", "_version", "_axles", "_no", "_number", "_sequence")
    for record_type in record_types():
        for field in load_contract(record_type).fields:
            if field.duckdb_type in {"BIGINT", "DECIMAL(16,2)", "BIGINT[]"}:
                has_unit = unit_words(field) is not None or field.name.startswith("count_by_")
                assert has_unit or field.name.endswith((*counts, "seat_count")), field.name


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("record_id", "may not give it"),
        ("raw_values", "derived"),
        ("division_code", "default"),
        ("case_no", "the mapping"),
    ],
)
def test_who_fills_a_field(name: str, says: str) -> None:
    assert says in filler_words(load_contract("case_result").field(name)).en


def test_an_entry_holds_every_rule_that_looks_at_the_field() -> None:
    for record_type in record_types():
        contract = load_contract(record_type)
        every = (*contract.rules(contract.names()), *contract.rules())
        for field in contract.fields[::8]:
            found = [r.rule_id for r in entry(contract, field).rules]
            assert len(set(found)) == len(found)
            assert set(found) == {r.rule_id for r in every if field.name in r.fields}


def test_an_entry_for_a_program_holds_both_languages_and_all_codes() -> None:
    contract = load_contract("case_result")
    found = field_as_dict(entry(contract, contract.field("vehicle_plate_color")))
    canonical = {r.code for r in all_codes()["plate_color"] if r.scheme == "canonical"}
    assert {c["code"] for c in found["codes"]} == canonical
    assert {"toll", "jt697"} <= set(found["schemes"])
    assert found["code_mode"] == "translated"
    assert found["block"] == "vehicle"
    assert found["label"] == {"en": "Plate colour", "zh": "号牌颜色"}
    assert all(r["message"]["zh"] and r["hint"]["en"] for r in found["rules"])


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("case_result", "case_result"),
        ("案件处理结果", "case_result"),
        ("Case result", "case_result"),
        ("WORK_ORDER", "work_order"),
    ],
)
def test_a_record_is_found_by_name_and_label(word: str, name: str) -> None:
    assert record_type_of(word) == name


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("decision_date", "decision_date"),
        ("处罚决定日期", "decision_date"),
        ("Plate colour", "vehicle_plate_color"),
        ("号牌颜色", "vehicle_plate_color"),
        (" 罚款金额（元） ", "fine_amount_cny"),
    ],
)
def test_a_field_is_found_by_name_and_label(word: str, name: str) -> None:
    assert field_of(load_contract("case_result"), word).name == name


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("vehicle_plate_colr", "vehicle_plate_color"),
        ("处罚决定日其", "decision_date"),
        ("号牌", "vehicle_plate_no"),
        ("xyzzy", "--find"),
    ],
)
def test_a_near_miss_is_answered_with_what_it_may_have_meant(word: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        field_of(load_contract("case_result"), word)
    assert caught.value.hint
    assert hint in caught.value.hint.en
    assert hint in caught.value.hint.zh


@pytest.mark.parametrize("word", ["case_resul", "案件处理结", "xyzzy"])
def test_an_unknown_record_is_answered_with_the_nearest(word: str) -> None:
    with pytest.raises(ConfigError) as caught:
        record_type_of(word)
    assert caught.value.hint
    wanted = "hefu dictionary" if word == "xyzzy" else "case_result"
    assert wanted in caught.value.hint.en


def test_a_search_names_each_field_once_with_all_its_records() -> None:
    found = find("号牌")
    fields = [f.field.name for f in found]
    assert len(set(fields)) == len(fields)
    by_name = {f.field.name: f.record_types for f in found}
    assert {"case_result", "lead", "licence"} <= set(by_name["vehicle_plate_no"])
    assert [f.field for f in find("斩首", ["receipt"])] == []
    assert all(isinstance(f.field, Field) for f in found)


def test_a_search_knows_what_others_call_a_field_and_what_it_means() -> None:
    assert "vehicle_plate_no" in {f.field.name for f in find("车牌")}
    assert "paid_amount_cny" in {f.field.name for f in find("late payment")}
    # what is called so comes before what only speaks of it
    assert find("处罚机关")[0].field.name == "penalty_org_name"


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
