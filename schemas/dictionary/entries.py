"""What there is to know of a field, put together from its contract, blocks, codes and rules.

Free of any form: the pages in ``docs`` and ``hefu dictionary`` set it out.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from schemas.blocks import load_block
from schemas.codes import CANONICAL, CodeRow, all_codes
from schemas.contract import Contract, Field, Rule, load_contract, record_types
from schemas.dictionary.words import (
    BLOCKS,
    UNKNOWN_CODES,
    consequence_words,
    filler_words,
    limit_words,
    masking_words,
    sharing_words,
    unit_words,
)
from schemas.errors import ConfigError
from schemas.mappings import column_names
from schemas.text import Text

_MARK = re.compile(r"^ *# block: ([a-z_]+)$", re.MULTILINE)
_NAME = re.compile(r"- (?:name|id): ([a-z][a-z0-9_]*)\Z")
_UNIT = re.compile(r"\s*[（(][^（(]*[）)]\Z")
_NEAR = 0.55


@dataclass(frozen=True, slots=True)
class Entry:
    """A field in its record, with its codes and all rules that concern it.

    ``codes`` are the canonical ones of its list, ``schemes`` the values of each other scheme.
    """

    contract: Contract
    field: Field
    block: str | None
    rules: tuple[Rule, ...]
    codes: tuple[CodeRow, ...]
    schemes: Mapping[str, tuple[CodeRow, ...]]


def entry(contract: Contract, field: Field) -> Entry:
    """All there is to know of ``field``."""
    rows = all_codes()[field.code_list] if field.code_list else ()
    return Entry(
        contract=contract,
        field=field,
        block=blocks_of(contract).get(field.name),
        rules=rules_of(contract, field),
        codes=tuple(row for row in rows if row.scheme == CANONICAL),
        schemes=by_scheme(rows),
    )


def by_scheme(rows: Iterable[CodeRow]) -> Mapping[str, tuple[CodeRow, ...]]:
    """The rows of each scheme but the canonical one, by its name."""
    found: dict[str, list[CodeRow]] = {}
    for row in rows:
        if row.scheme != CANONICAL:
            found.setdefault(row.scheme, []).append(row)
    return {name: tuple(found[name]) for name in sorted(found)}


def rules_of(contract: Contract, field: Field) -> tuple[Rule, ...]:
    """Every rule that looks at ``field``: those of a source's rows, then of received ones."""
    found: dict[str, Rule] = {}
    for rule in (*contract.rules(), *contract.rules(contract.names())):
        if field.name in rule.fields:
            found.setdefault(rule.rule_id, rule)
    return tuple(found.values())


def blocks_of(contract: Contract) -> Mapping[str, str]:
    """The shared block of each field that comes from one."""
    return _in_blocks(contract, "properties")


def block_rules_of(contract: Contract) -> Mapping[str, str]:
    """The shared block of each declared rule that comes from one, by the rule's short name."""
    return _in_blocks(contract, "quality")


def blocks_in(contract: Contract) -> tuple[str, ...]:
    """The shared blocks that a contract has, in its order."""
    return tuple(dict.fromkeys(_MARK.findall(contract.yaml_bytes.decode())))


def _in_blocks(contract: Contract, section: str) -> Mapping[str, str]:
    return {name: block for block in blocks_in(contract) for name in _names(block, section)}


@cache
def _names(block: str, section: str) -> tuple[str, ...]:
    found = (_NAME.match(line) for line in load_block(block).get(section, ()))
    return tuple(match[1] for match in found if match)


def record_type_of(word: str) -> str:
    """The record type that ``word`` names, by name or by Chinese or English label.

    Raises :class:`ConfigError` that names the nearest.
    """
    names: dict[str, str] = {}
    for record_type in record_types():
        label = load_contract(record_type).label
        names |= {label.zh: record_type, label.en.lower(): record_type, record_type: record_type}
    try:
        return names[word.strip() if not word.isascii() else word.strip().lower()]
    except KeyError:
        raise ConfigError(
            Text(en=f"there is no record type {word}", zh=f"没有记录类型 {word}"),
            hint=_nearest_type(word, names),
        ) from None


def _nearest_type(word: str, names: Mapping[str, str]) -> Text:
    """The record type that ``word`` may have meant, or that it is a field's name."""
    if near := difflib.get_close_matches(word.strip().lower(), names, n=1, cutoff=_NEAR):
        meant = names[near[0]]
        return Text(en=f"did you mean {meant}?", zh=f"是否要找 {meant}？")
    if find(word):
        return Text(
            en=f"fields are called so: hefu dictionary --find {word}",
            zh=f"有字段叫这个名称：hefu dictionary --find {word}",
        )
    return Text(en="all record types: hefu dictionary", zh="全部记录类型：hefu dictionary")


def field_of(contract: Contract, word: str) -> Field:
    """The field that ``word`` names: by name, by label, or by a part that only one field has.

    Raises :class:`ConfigError` that names the nearest, or those that share the part.
    """
    wanted = word.strip().lower()
    exact = [f for f in contract.fields if wanted in _called(f)]
    if len(exact) == 1:
        return exact[0]
    parts = exact or [f for f in contract.fields if any(wanted in c for c in _called(f))]
    if len(parts) == 1:
        return parts[0]
    raise ConfigError(
        Text(
            en=f"{contract.record_type} has "
            + (f"several fields of which one could be {word}" if parts else f"no field {word}"),
            zh=f"{contract.label.zh}"
            + (f"有多个字段与 {word} 相符" if parts else f"没有字段 {word}"),
        ),
        hint=_nearest(contract, parts, wanted),
    )


def _called(field: Field) -> tuple[str, ...]:
    """What a reader may call the field; of 罚款金额（元） also 罚款金额."""
    labels = (field.label_zh.lower(), field.label_en.lower())
    return (field.name, *labels, *(_UNIT.sub("", label) for label in labels))


def _nearest(contract: Contract, parts: list[Field], wanted: str) -> Text:
    """The fields that ``wanted`` may have meant, else where to look."""
    if not parts:
        names = {called: f for f in reversed(contract.fields) for called in _called(f)}
        near = difflib.get_close_matches(wanted, names, n=3, cutoff=_NEAR)
        parts = list({names[n].name: names[n] for n in near}.values())
    if not parts:
        return Text(
            en=f"all its fields: hefu dictionary {contract.record_type}; "
            "in all records: hefu dictionary --find WORD",
            zh=f"全部字段：hefu dictionary {contract.record_type}；"
            "在所有记录中查找：hefu dictionary --find 词",
        )
    shown = [f"{f.name} ({f.label_zh})" for f in parts[:6]]
    return Text(
        en=f"did you mean {' or '.join(shown)}?",
        zh=f"是否要找 {'、'.join(f'{f.name}（{f.label_zh}）' for f in parts[:6])}？",
    )


@dataclass(frozen=True, slots=True)
class Found:
    """A field that a search came upon, and the records that have it."""

    field: Field
    record_types: tuple[str, ...]


_Hits = dict[tuple[str, str], tuple[Field, list[str]]]


def find(word: str, among: Iterable[str] | None = None) -> tuple[Found, ...]:
    """Fields of all records (or of ``among``) that go by ``word``.

    First those with it in their name or a label, then those that a ready format calls so
    (车牌 for 号牌) or whose meaning names it.
    """
    wanted = word.strip().lower()
    named: _Hits = {}
    meant: _Hits = {}
    elsewhere = column_names()
    for record_type in among or record_types():
        for field in load_contract(record_type).fields:
            key = (field.name, field.label_zh)
            words = (*elsewhere.get(field.name, ()), field.description, field.note_zh)
            if any(wanted in called for called in _called(field)):
                named.setdefault(key, (field, []))[1].append(record_type)
            elif any(wanted in text.lower() for text in words):
                meant.setdefault(key, (field, []))[1].append(record_type)
    late = {key: hit for key, hit in meant.items() if key not in named}
    return tuple(Found(field, tuple(types)) for field, types in (named | late).values())


def field_as_dict(found: Entry) -> dict[str, Any]:
    """One field for a program, in both languages."""
    field = found.field
    return {
        "record_type": found.contract.record_type,
        "version": found.contract.version,
        **field_summary(field),
        "description": {"en": field.description, "zh": field.note_zh or field.label_zh},
        "arrow_type": str(field.arrow_type),
        "unit": _both(unit_words(field)),
        "block": found.block,
        "filled_by": _both(filler_words(field)),
        "masking": _both(masking_words(field)),
        "sharing": _both(sharing_words(field)),
        "always_shared": field.technical,
        "limits": [_both(words) for words in limit_words(field)],
        "examples": list(field.examples),
        "source": field.source,
        "unknown_code": _both(UNKNOWN_CODES[field.code_mode]) if field.code_list else None,
        "codes": [_code_as_dict(row) for row in found.codes],
        "schemes": {
            name: [{"raw": r.raw, "code": r.code, **_code_dates(r)} for r in rows]
            for name, rows in found.schemes.items()
        },
        "rules": [rule_as_dict(rule) for rule in found.rules],
    }


def field_summary(field: Field) -> dict[str, Any]:
    """What a list of fields says of each, for a program."""
    return {
        "name": field.name,
        "label": {"en": field.label_en, "zh": field.label_zh},
        "type": field.duckdb_type,
        "required": field.required,
        "classification": field.classification,
        "code_list": field.code_list,
        "code_mode": field.code_mode if field.code_list else None,
    }


def rule_as_dict(rule: Rule) -> dict[str, Any]:
    """One rule for a program."""
    return {
        "rule_id": rule.rule_id,
        "severity": rule.severity,
        "consequence": _both(consequence_words(rule)),
        "fields": list(rule.fields),
        "message": _both(rule.message),
        "hint": _both(rule.hint),
        "source": rule.source,
    }


def _code_as_dict(row: CodeRow) -> dict[str, Any]:
    return {"code": row.code, "label": {"en": row.label_en, "zh": row.label_zh}, **_code_dates(row)}


def _code_dates(row: CodeRow) -> dict[str, Any]:
    return {
        "valid_from": row.valid_from.isoformat() if row.valid_from else None,
        "valid_to": row.valid_to.isoformat() if row.valid_to else None,
        "source": row.source,
        "verified": row.verified,
    }


def _both(text: Text | None) -> dict[str, str] | None:
    return None if text is None else {"en": text.en, "zh": text.zh}


def fields_by_block(contract: Contract) -> Iterator[tuple[str | None, tuple[Field, ...]]]:
    """The fields in runs of one block, in the contract's order; None: the record's own."""
    blocks = blocks_of(contract)
    run: list[Field] = []
    for field in contract.fields:
        if run and blocks.get(field.name) != blocks.get(run[0].name):
            yield blocks.get(run[0].name), tuple(run)
            run = []
        run.append(field)
    if run:
        yield blocks.get(run[0].name), tuple(run)


def shared_blocks() -> Mapping[str, tuple[Contract, ...]]:
    """Every block with the contracts that have it: those with words first, in their order."""
    used: dict[str, list[Contract]] = {}
    for record_type in record_types():
        contract = load_contract(record_type)
        for block in blocks_in(contract):
            used.setdefault(block, []).append(contract)
    order = [*BLOCKS, *sorted(set(used) - set(BLOCKS))]
    return {name: tuple(used[name]) for name in order if name in used}
