"""One field of the dictionary, set out for a screen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from hefu.terminal import say, say_data, say_table, tr

if TYPE_CHECKING:
    from schemas.codes import CodeRow
    from schemas.dictionary.entries import Entry

#: A longer code list is printed only when asked for.
MOST_CODES = 80
_MOST_RAW = 12


def say_entry(found: Entry, every_code: bool) -> None:
    """All there is to know of a field, on stdout: facts, codes, rules."""
    field, contract = found.field, found.contract
    say_data(f"{contract.record_type}.{field.name}  {field.label_zh}  {field.label_en}")
    _say_facts(list(_facts(found)))
    if found.codes:
        _say_codes(found, every_code)
    _say_rules(found)


def _facts(found: Entry) -> Iterator[tuple[str, str]]:
    from schemas.dictionary.words import (
        CLASSES,
        TYPES,
        block_words,
        filler_words,
        limit_words,
        masking_words,
        presence_words,
        sharing_words,
        unit_words,
    )
    from schemas.masking import masked

    field, contract = found.field, found.contract
    yield tr("record", "记录类型"), f"{contract.label} {contract.version}"
    yield tr("meaning", "含义"), tr(field.description, field.note_zh or field.label_zh)
    kind = str(TYPES[field.duckdb_type])
    stored = tr("; ", "；") + f"DuckDB {field.duckdb_type}, Arrow {field.arrow_type}"
    yield tr("type", "类型"), kind + stored
    if unit := unit_words(field):
        yield tr("unit", "单位"), str(unit)
    yield tr("null", "可空"), str(presence_words(field))
    yield tr("filled by", "由谁填写"), str(filler_words(field))
    yield tr("class", "敏感级别"), _colon(str(CLASSES[field.classification]), masking_words(field))
    if (hidden := masked(field.examples[0], field.classification)) != field.examples[0]:
        yield tr("shown as", "界面显示"), f"{field.examples[0]} → {hidden}"
    yield tr("sharing", "共享条件"), str(sharing_words(field))
    if found.block:
        shared = tr("shared fields", "共用字段")
        yield shared, f"{block_words(found.block)} (schemas/blocks/{found.block}.yaml)"
    limits = tr("; ", "；").join(str(words) for words in limit_words(field))
    if limits:
        yield tr("limits", "取值限制"), limits
    yield tr("examples", "示例"), tr("; ", "；").join(field.examples)
    yield tr("source", "依据"), field.source


def _colon(name: str, what: object) -> str:
    return tr(f"{name}: {what}", f"{name}：{what}")


def _say_facts(facts: Sequence[tuple[str, str]]) -> None:
    from rich.cells import cell_len

    width = max(cell_len(name) for name, _ in facts)
    for name, what in facts:
        say_data(f"  {name}{' ' * (width - cell_len(name))}  {what}")


def _say_codes(found: Entry, every_code: bool) -> None:
    from schemas.dictionary.words import MODES, UNKNOWN_CODES

    field = found.field
    count = len(found.codes)
    say_data("")
    say_data(
        tr(
            f"Code list {field.code_list}, {count} codes, {MODES[field.code_mode].en}: "
            f"{UNKNOWN_CODES[field.code_mode].en}",
            f"代码表 {field.code_list}，共 {count} 个代码，{MODES[field.code_mode].zh}："
            f"{UNKNOWN_CODES[field.code_mode].zh}",
        )
    )
    if every_code or count <= MOST_CODES:
        say_table(
            [tr("code", "代码"), "中文", "English", tr("valid", "有效期"), tr("source", "来源")],
            [(r.code, r.label_zh, r.label_en, _valid(r), _source(r)) for r in found.codes],
        )
    else:
        say(
            tr(
                f"{count} codes are many: add --codes to print them all",
                f"代码较多，共 {count} 个：加 --codes 全部输出",
            )
        )
    if found.schemes:
        say_data(
            tr(
                f"Schemes that code('{field.code_list}', SCHEME, value) reads:",
                f"code('{field.code_list}', 体系, 值) 能读取的体系：",
            )
        )
        _say_facts([(name, _written(rows)) for name, rows in found.schemes.items()])


def _valid(row: CodeRow) -> str:
    if row.valid_from is None and row.valid_to is None:
        return ""
    start, end = (d.isoformat() if d else "" for d in (row.valid_from, row.valid_to))
    return f"{start} … {end}".strip()


def _source(row: CodeRow) -> str:
    return row.source if row.verified else f"{row.source} {tr('[not checked]', '〔未核对〕')}"


def _written(rows: Sequence[CodeRow]) -> str:
    shown = ", ".join(f"{row.raw} → {row.code}" for row in rows[:_MOST_RAW])
    left = len(rows) - _MOST_RAW
    return shown if left <= 0 else shown + tr(f", and {left} more", f"，等共 {len(rows)} 个")


def _say_rules(found: Entry) -> None:
    from schemas.dictionary.words import consequence_words

    say_data("")
    say_data(tr("Rules that concern it:", "涉及本字段的规则："))
    for rule in found.rules:
        say_data(f"  {rule.rule_id}  [{consequence_words(rule)}]")
        say_data("    " + _colon(tr("broken when", "情形"), rule.message))
        say_data("    " + _colon(tr("what to do", "处理"), rule.hint))
        if rule.source:
            say_data("    " + _colon(tr("source", "依据"), rule.source))
