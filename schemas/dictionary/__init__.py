"""The data dictionary as pages: ``python -m schemas.dictionary`` writes them into ``docs``.

An index, a page per record type with the fields and rules of its own, one page for the blocks
that several records share, one for the code lists; each in both languages. They are made of
contracts, blocks, codes and rule packs; a test fails when they differ from those.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from schemas.contract import Contract, Field, Rule, load_contract, record_types
from schemas.dictionary.entries import (
    block_rules_of,
    blocks_in,
    blocks_of,
    fields_by_block,
    shared_blocks,
)
from schemas.dictionary.lists import list_page
from schemas.dictionary.markdown import (
    FILES,
    FOLDER,
    LISTS,
    SHARED,
    TITLE,
    head,
    joined,
    page_file,
    page_path,
    page_text,
    table,
)
from schemas.dictionary.words import (
    CLASSES,
    MODES,
    TYPES,
    UNKNOWN_CODES,
    block_words,
    consequence_words,
    unit_words,
    yes_no,
)
from schemas.rulepack import load_rule_pack
from schemas.text import Language, Text

__all__ = ["FILES", "FOLDER", "data_dictionary", "pages", "record_page"]

_MADE = Text(
    "Made from `schemas/contracts`, `schemas/blocks`, `schemas/codes` and `schemas/rules` by "
    "`python -m schemas.dictionary`; edit those, not this file. On the command line: "
    "`hefu dictionary RECORD_TYPE FIELD` says all of one field, `hefu dictionary --find WORD` "
    "searches all records.",
    "由 `python -m schemas.dictionary` 根据 `schemas/contracts`、`schemas/blocks`、`schemas/codes` "
    "和 `schemas/rules` 生成；请修改这些文件，不要直接修改本文。命令行查询："
    "`hefu dictionary 记录类型 字段` 给出一个字段的全部说明，`hefu dictionary --find 词` "
    "在所有记录中查找。",
)
_KEY = Text(
    "**Bold**: required. `node`: filled by the node, a mapping may not give it. `derived`: made by "
    "the node from what the source gave, a mapping may not give it. `default`: the node fills it "
    "where the mapping does not. `always`: in every bundle, needs no grant; every other field "
    "leaves the agency only if an agreement grants it by name. Class: personal and sensitive "
    "values are masked wherever people look at rows.",
    "**粗体**为必填。`node`：由节点填写，映射不得给出。`derived`：由节点根据来源的原值生成，"
    "映射不得给出。`default`：映射没有给出时由节点填写。`always`：每个数据包都带，不需授权；"
    "其余字段须经协议逐项授权才能离开本机关。级别：个人信息和敏感个人信息在所有界面上脱敏。",
)
_FIELD_HEADS = (
    Text("Field", "字段"),
    Text("中文", "中文名称"),
    Text("Type", "类型"),
    Text("Class", "级别"),
    Text("Code list", "代码表"),
    Text("Meaning", "说明"),
    Text("From", "依据"),
    Text("Example", "示例"),
)
_RULE_HEADS = (
    Text("Rule", "规则"),
    Text("", "后果"),
    Text("Broken when", "情形"),
    Text("What to do", "处理办法"),
    Text("From", "依据"),
)
_GENERATED = Text(
    "Besides these, every field is checked for its type, presence, code, form and range "
    "(`type:`, `required:`, `code:`, `pattern:`, `range:` and the field's name), all texts "
    "for control characters (`text:control`) and length (`length:text`).",
    "此外，每个字段都按类型、必填、代码、格式和范围校验（`type:`、`required:`、`code:`、"
    "`pattern:`、`range:` 加字段名），所有文本还要检查控制字符（`text:control`）和长度"
    "（`length:text`）。",
)


def data_dictionary(language: Language) -> str:
    """The index page: what there is, how to read it, and the legal parameters."""
    return page_text(_index(language))


def record_page(contract: Contract, language: Language) -> str:
    """The page of one record type."""
    return page_text(_record(contract, language))


def pages(language: Language) -> dict[str, str]:
    """Every page by its path from the project's root."""
    found = {FILES[language]: data_dictionary(language)}
    for record_type in record_types():
        found[page_path(record_type, language)] = record_page(load_contract(record_type), language)
    found[page_path(SHARED, language)] = page_text(_shared_page(language))
    found[page_path(LISTS, language)] = page_text(list_page(language))
    return found


def _index(language: Language) -> Iterator[str]:
    yield f"# {TITLE.in_language(language)}"
    yield ""
    other: Language = "zh" if language == "en" else "en"
    yield f"[{'中文' if other == 'zh' else 'English'}]({PurePosixPath(FILES[other]).name})"
    yield ""
    yield _MADE.in_language(language)
    yield ""
    yield "## " + Text("Record types", "记录类型").in_language(language)
    yield ""
    heads = (
        Text("Record", "记录"),
        Text("Name", "名称"),
        Text("Version", "版本"),
        Text("Fields", "字段数"),
        Text("Shared fields", "共用字段"),
        Text("What it is", "说明"),
    )
    rows = []
    for contract in map(load_contract, record_types()):
        link = f"dictionary/{page_file(contract.record_type, language)}"
        rows.append(
            [
                f"[`{contract.record_type}`]({link})",
                contract.label.in_language(language),
                contract.version,
                str(len(contract.fields)),
                joined([block_words(b) for b in blocks_in(contract)], language),
                _about(contract, language),
            ]
        )
    yield from table(heads, language, rows)
    yield from _how_to_read(language)
    yield from _parameters(language)


def _how_to_read(language: Language) -> Iterator[str]:
    shared, lists = (f"dictionary/{page_file(n, language)}" for n in (SHARED, LISTS))
    yield "## " + Text("How to read it", "阅读说明").in_language(language)
    yield ""
    yield Text(
        f"Fields that several records share are described once, in [shared fields]({shared}); "
        f"the values of a code list stand in [code lists]({lists}).",
        f"多类记录共用的字段只在[共用字段]({shared})中说明一次；代码表的取值见[代码表]({lists})。",
    ).in_language(language)
    yield ""
    yield _KEY.in_language(language)
    yield ""
    yield Text(
        "What becomes of a value that a code list does not have depends on the field's mode:",
        "代码表以外的值如何处理，由字段的代码方式决定：",
    ).in_language(language)
    yield ""
    for mode, words in MODES.items():
        yield (
            f"- `{mode}` {words.zh}：{UNKNOWN_CODES[mode].zh}"
            if language == "zh"
            else (f"- `{mode}`: {UNKNOWN_CODES[mode].en}")
        )
    yield ""


def _record(contract: Contract, language: Language) -> Iterator[str]:
    title = f"{contract.label.in_language(language)} `{contract.record_type}` {contract.version}"
    yield from head(title, contract.record_type, language)
    yield _about(contract, language)
    yield ""
    for block, fields in fields_by_block(contract):
        if block is None:
            yield from table(_FIELD_HEADS, language, [_field(f, language) for f in fields])
        else:
            yield from _reference(block, fields, language)
    yield "## " + Text("Rules of this record", "本类记录的规则").in_language(language)
    yield ""
    yield _GENERATED.in_language(language)
    yield ""
    shared = block_rules_of(contract)
    own = [r for r in contract.declared if _short(r) not in shared]
    yield from table(_RULE_HEADS, language, [_rule(r, language) for r in own])
    law = [r for r in contract.rules() if r.rule_id.startswith("law:")]
    if law:
        yield Text(
            "Rules of the law, each by the law in force on the record's own day and in its own "
            "place; a row that breaks one is kept and flagged.",
            "法律规则：按记录自身的日期和地域所适用的法律判断；不符的只作标记，仍然入湖。",
        ).in_language(language)
        yield ""
        yield from table(_RULE_HEADS, language, [_rule(r, language) for r in law])
    theirs = [r for r in contract.declared if _short(r) in shared]
    if theirs:
        page = page_file(SHARED, language)
        names = ", ".join(f"`{_short(r)}`" for r in theirs)
        yield Text(
            f"And those of the [shared fields]({page}): {names}.",
            f"以及[共用字段]({page})的规则：{names}。",
        ).in_language(language)


def _about(contract: Contract, language: Language) -> str:
    return contract.description if language == "en" else contract.note_zh or contract.label.zh


def _reference(block: str, fields: Sequence[Field], language: Language) -> Iterator[str]:
    link = f"{page_file(SHARED, language)}#{block}"
    names = ", ".join(f"**`{f.name}`**" if f.required else f"`{f.name}`" for f in fields)
    title = block_words(block).in_language(language)
    yield f"[**{title}** `{block}`]({link}): {names}"
    yield ""


def _shared_page(language: Language) -> Iterator[str]:
    yield from head(Text("Shared fields", "共用字段").in_language(language), SHARED, language)
    yield Text(
        "Blocks of fields that are the same in every record that has them, and their rules "
        "(`schemas/blocks`).",
        "各类记录共用、内容完全一致的字段组及其规则（`schemas/blocks`）。",
    ).in_language(language)
    yield ""
    for block, contracts in shared_blocks().items():
        yield f'## <a id="{block}"></a>{block_words(block).in_language(language)} `{block}`'
        yield ""
        links = ", ".join(
            f"[{c.label.in_language(language)}]({page_file(c.record_type, language)})"
            for c in contracts
        )
        yield Text(f"In: {links}.", f"用于：{links}。").in_language(language)
        yield ""
        first = contracts[0]
        names = blocks_of(first)
        fields = [f for f in first.fields if names.get(f.name) == block]
        yield from table(_FIELD_HEADS, language, [_field(f, language) for f in fields])
        shared = block_rules_of(first)
        rules = [r for r in first.declared if shared.get(_short(r)) == block]
        if rules:
            rows = [[f"`{_short(r)}`", *_rule(r, language)[1:]] for r in rules]
            yield from table(_RULE_HEADS, language, rows)


def _short(rule: Rule) -> str:
    return rule.rule_id.partition(".")[2]


def _field(field: Field, language: Language) -> list[str]:
    marks = [
        mark
        for mark, on in (
            ("node", field.filled_by_node),
            ("derived", field.derived),
            ("default", field.node_default),
            ("always", field.technical),
        )
        if on
    ]
    name = f"**`{field.name}`**" if field.required else f"`{field.name}`"
    unit = unit_words(field) if field.duckdb_type not in {"DATE", "TIMESTAMPTZ"} else None
    kind = TYPES[field.duckdb_type].in_language(language)
    return [
        " ".join([name, *(f"`{m}`" for m in marks)]),
        field.label_zh,
        f"{kind} ({unit.in_language(language)})" if unit else kind,
        CLASSES[field.classification].in_language(language),
        _code_cell(field, language),
        field.description if language == "en" else field.note_zh,
        field.source,
        "; ".join(field.examples),
    ]


def _code_cell(field: Field, language: Language) -> str:
    if not field.code_list:
        return ""
    link = f"[`{field.code_list}`]({page_file(LISTS, language)}#{field.code_list})"
    return f"{link} {MODES[field.code_mode].in_language(language)}"


def _rule(rule: Rule, language: Language) -> list[str]:
    return [
        f"`{rule.rule_id}`",
        consequence_words(rule).in_language(language),
        rule.message.in_language(language),
        rule.hint.in_language(language),
        rule.source,
    ]


def _parameters(language: Language) -> Iterator[str]:
    pack = load_rule_pack()
    yield "## " + Text("Legal parameters", "法定参数").in_language(language) + f" `{pack.version}`"
    yield ""
    yield Text(
        "The national numbers that rules of the contracts refer to by name.",
        "数据标准的规则按名称引用的全国性数值。",
    ).in_language(language)
    yield ""
    heads = (
        Text("Parameter", "参数"),
        Text("Value", "数值"),
        Text("Unit", "单位"),
        Text("From", "起始日期"),
        Text("Article", "依据"),
        Text("Read in the text", "已核对原文"),
    )
    rows = [
        [
            f"`{p.name}`",
            str(p.value),
            p.unit,
            p.valid_from.isoformat(),
            p.article,
            yes_no(p.verified).in_language(language),
        ]
        for p in pack.parameters
    ]
    yield from table(heads, language, rows)
