"""The data dictionary, out of the contracts: ``python -m schemas.dictionary`` writes it.

The files in ``docs`` are for people; a test fails when they differ from the contracts.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from schemas.codes import all_codes
from schemas.contract import Contract, Field, Rule, load_contract, record_types
from schemas.rulepack import load_rule_pack
from schemas.text import Language, Text

FILES: dict[Language, str] = {
    "en": "docs/data-dictionary.md",
    "zh": "docs/data-dictionary.zh-CN.md",
}

_TITLE = Text("Data dictionary", "数据字典")
_MADE = Text(
    "Made from `schemas/contracts`, `schemas/codes` and `schemas/rules` by "
    "`python -m schemas.dictionary`; edit those, not this file.",
    "由 `python -m schemas.dictionary` 根据 `schemas/contracts`、`schemas/codes` 和 "
    "`schemas/rules` 生成；请修改这些文件，不要直接修改本文。",
)
_KEY = Text(
    "**Bold**: required. `node`: filled by the node, a mapping may not give it. `default`: the "
    "node fills it where the mapping does not. `always`: in every bundle, needs no grant. "
    "An asterisk behind a code list: open, an unknown code only flags the row.",
    "**粗体**为必填。`node`：由节点填写，映射不得给出。`default`：映射没有给出时由节点填写。"
    "`always`：每个数据包都带，不需授权。代码表后的星号：开放代码表，表外的代码只作标记。",
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
_SEVERITY = {
    "hard": Text("quarantine", "隔离"),
    "soft": Text("flag", "标记"),
}
_CLASSES = {
    "public": Text("public", "公开"),
    "internal": Text("internal", "内部"),
    "personal": Text("personal", "个人信息"),
    "sensitive": Text("sensitive", "敏感个人信息"),
}


def data_dictionary(language: Language) -> str:
    """The whole dictionary in Markdown."""
    lines = [f"# {_TITLE.in_language(language)}", "", _MADE.in_language(language), ""]
    lines += [_KEY.in_language(language), ""]
    for record_type in record_types():
        lines += _record(load_contract(record_type), language)
    lines += _parameters(language)
    lines += _codes(language)
    return "\n".join(lines).rstrip() + "\n"


def _record(contract: Contract, language: Language) -> Iterator[str]:
    yield f"## {contract.label.in_language(language)} `{contract.record_type}` {contract.version}"
    yield ""
    if language == "en":
        yield contract.description
        yield ""
    yield from _table(_FIELD_HEADS, language, [_field(f, language) for f in contract.fields])
    yield "### " + Text("Rules of this record", "本类记录的规则").in_language(language)
    yield ""
    yield Text(
        "Besides these, every field is checked for its type, presence, code, form and range "
        "(`type:`, `required:`, `code:`, `pattern:`, `range:` and the field's name), all texts "
        "for control characters (`text:control`) and length (`length:text`).",
        "此外，每个字段都按类型、必填、代码、格式和范围校验（`type:`、`required:`、`code:`、"
        "`pattern:`、`range:` 加字段名），所有文本还要检查控制字符（`text:control`）和长度"
        "（`length:text`）。",
    ).in_language(language)
    yield ""
    yield from _table(_RULE_HEADS, language, [_rule(r, language) for r in contract.declared])


def _field(field: Field, language: Language) -> list[str]:
    marks = [
        mark
        for mark, on in (
            ("node", field.filled_by_node),
            ("default", field.node_default),
            ("always", field.technical),
        )
        if on
    ]
    name = f"**`{field.name}`**" if field.required else f"`{field.name}`"
    codes = f"{field.code_list}{'*' if field.open_codes else ''}" if field.code_list else ""
    return [
        " ".join([name, *(f"`{m}`" for m in marks)]),
        field.label_zh,
        field.duckdb_type,
        _CLASSES[field.classification].in_language(language),
        codes,
        field.description if language == "en" else field.note_zh,
        field.source,
        "; ".join(field.examples),
    ]


def _rule(rule: Rule, language: Language) -> list[str]:
    return [
        f"`{rule.rule_id}`",
        _SEVERITY[rule.severity].in_language(language),
        rule.message.in_language(language),
        rule.hint.in_language(language),
        rule.source,
    ]


def _parameters(language: Language) -> Iterator[str]:
    pack = load_rule_pack()
    yield "## " + Text("Legal parameters", "法定参数").in_language(language) + f" `{pack.version}`"
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
            _yes(p.verified, language),
        ]
        for p in pack.parameters
    ]
    yield from _table(heads, language, rows)


def _codes(language: Language) -> Iterator[str]:
    yield "## " + Text("Code lists", "代码表").in_language(language)
    yield ""
    heads = (
        Text("Scheme", "体系"),
        Text("Value", "原值"),
        Text("Code", "代码"),
        Text("中文", "中文"),
        Text("English", "英文"),
        Text("From", "起"),
        Text("Until", "止"),
        Text("Source", "来源"),
        Text("Checked", "已核对"),
    )
    for name, rows in all_codes().items():
        yield f"### `{name}`"
        yield ""
        yield from _table(
            heads,
            language,
            [
                [
                    r.scheme,
                    r.raw,
                    f"`{r.code}`",
                    r.label_zh,
                    r.label_en,
                    r.valid_from.isoformat() if r.valid_from else "",
                    r.valid_to.isoformat() if r.valid_to else "",
                    r.source,
                    _yes(r.verified, language),
                ]
                for r in rows
            ],
        )


def _yes(value: bool, language: Language) -> str:
    return (Text("yes", "是") if value else Text("no", "否")).in_language(language)


def _table(heads: tuple[Text, ...], language: Language, rows: list[list[str]]) -> Iterator[str]:
    yield _line([h.in_language(language) for h in heads])
    yield _line(["---"] * len(heads))
    yield from (_line(row) for row in rows)
    yield ""


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(c.replace("|", "\\|").replace("\n", " ") for c in cells) + " |"


def main() -> None:
    """Write the dictionary in both languages, from the project's root."""
    for language, file in FILES.items():
        Path(file).write_text(data_dictionary(language), encoding="utf-8")


if __name__ == "__main__":
    main()
