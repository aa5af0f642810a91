"""``hefu dictionary``: what exactly a record type or a field is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from hefu.commands.dictionary_entry import MOST_CODES, say_entry
from hefu.commands.options import JSON, add_command, argument, option
from hefu.terminal import say, say_data, say_json, say_table, tr
from schemas.errors import ConfigError
from schemas.text import Text, language

if TYPE_CHECKING:
    from schemas.contract import Contract, Field
    from schemas.dictionary.entries import Entry

RECORD_TYPE = argument(
    "[RECORD_TYPE]",
    en="a record type, by name or label, such as case_result; none: all of them",
    zh="记录类型，英文名或中文名均可，例如 case_result、案件处理结果；不写则列出全部",
)
FIELD = argument(
    "[FIELD]",
    en="a field of it, by name or label, such as fine_amount_cny; none: all of them",
    zh="其字段，英文名或中文名均可，例如 fine_amount_cny、罚款金额；不写则列出全部",
)
FIND = option(
    "--find",
    metavar="WORD",
    en="list the fields of all records (or of RECORD_TYPE) with WORD in their name or label",
    zh="列出所有记录（或所写记录类型）中名称或标签含有该词的字段",
)
CODES = option(
    "--codes",
    en=f"print every code also of a list with more than {MOST_CODES}",
    zh=f"代码超过 {MOST_CODES} 个的代码表也全部输出",
)
MARKDOWN = option(
    "--markdown",
    en="print the page of docs/ (the index, or that of RECORD_TYPE)",
    zh="输出 docs/ 中的页面（目录，或者所写记录类型的页面）",
)


def add_to(app: typer.Typer) -> None:
    add_command(
        app,
        dictionary,
        "dictionary",
        en="Say what exactly a record type or a field is.\n\n"
        "Meaning, type, unit, who fills it, class and sharing, code list, limits, examples, "
        "source, and every rule that concerns it. Needs no node.",
        zh="查询记录类型或字段的准确含义。\n\n"
        "包括含义、类型、单位、由谁填写、敏感级别与共享条件、代码表、取值限制、示例、依据，"
        "以及涉及它的每一条规则。不需要节点。",
    )


def dictionary(
    record_type: Annotated[str | None, RECORD_TYPE] = None,
    field: Annotated[str | None, FIELD] = None,
    find: Annotated[str | None, FIND] = None,
    codes: Annotated[bool, CODES] = False,
    markdown: Annotated[bool, MARKDOWN] = False,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    from schemas.contract import load_contract
    from schemas.dictionary.entries import entry, field_of, record_type_of

    _check(field, find, markdown, as_json)
    contract = load_contract(record_type_of(record_type)) if record_type else None
    if find is not None:
        _find(find, contract, as_json)
    elif markdown:
        _markdown(contract)
    elif contract is None:
        _record_types(as_json)
    elif field is None:
        _fields(contract, as_json)
    else:
        _field(entry(contract, field_of(contract, field)), codes, as_json)


def _check(field: str | None, find: str | None, markdown: bool, as_json: bool) -> None:
    """Refuses what could mean two things."""
    if (find is not None and (field or markdown)) or (markdown and (field or as_json)):
        raise ConfigError(
            Text(
                en="--find goes without FIELD and --markdown, --markdown without FIELD and --json",
                zh="--find 不能与字段或 --markdown 同用，--markdown 不能与字段或 --json 同用",
            )
        )
    if find is not None and not find.strip():
        raise ConfigError(Text(en="--find needs a word", zh="--find 后需要写要找的词"))


def _record_types(as_json: bool) -> None:
    from schemas.contract import load_contract, record_types

    contracts = [load_contract(name) for name in record_types()]
    if as_json:
        say_json(
            [
                {
                    "record_type": c.record_type,
                    "version": c.version,
                    "label": {"en": c.label.en, "zh": c.label.zh},
                    "description": {"en": c.description, "zh": c.note_zh},
                    "fields": len(c.fields),
                }
                for c in contracts
            ]
        )
        return
    say_table(
        [
            tr("record type", "记录类型"),
            "中文",
            tr("label", "英文"),
            tr("version", "版本"),
            tr("fields", "字段数"),
        ],
        [(c.record_type, c.label.zh, c.label.en, c.version, str(len(c.fields))) for c in contracts],
        numbers=(4,),
    )
    say(tr("its fields: hefu dictionary RECORD_TYPE", "查看字段：hefu dictionary 记录类型"))


def _fields(contract: Contract, as_json: bool) -> None:
    from schemas.dictionary.entries import field_summary, rule_as_dict

    if as_json:
        say_json(
            {
                "record_type": contract.record_type,
                "version": contract.version,
                "label": {"en": contract.label.en, "zh": contract.label.zh},
                "description": {"en": contract.description, "zh": contract.note_zh},
                "fields": [field_summary(f) for f in contract.fields],
                "rules": [rule_as_dict(r) for r in contract.declared],
            }
        )
        return
    say_data(f"{contract.record_type} {contract.version}  {contract.label}")
    say_data(tr(contract.description, contract.note_zh or contract.label.zh))
    say_table(_heads(), [_row(f) for f in contract.fields])
    say(
        tr(
            f"all of one field: hefu dictionary {contract.record_type} FIELD",
            f"查看某一字段的全部说明：hefu dictionary {contract.record_type} 字段",
        )
    )


def _heads() -> list[str]:
    return [
        tr("field", "字段"),
        "中文",
        tr("type", "类型"),
        tr("null", "可空"),
        tr("class", "级别"),
        tr("code list", "代码表"),
    ]


def _row(field: Field) -> tuple[str, ...]:
    from schemas.dictionary.words import CLASSES, MODES, TYPES

    mode = f" ({MODES[field.code_mode]})" if field.code_list else ""
    return (
        field.name,
        field.label_zh,
        str(TYPES[field.duckdb_type]),
        tr("no", "否") if field.required else tr("yes", "是"),
        str(CLASSES[field.classification]),
        f"{field.code_list or ''}{mode}",
    )


def _find(word: str, contract: Contract | None, as_json: bool) -> None:
    from schemas.dictionary.entries import field_summary, find

    found = find(word, None if contract is None else [contract.record_type])
    if as_json:
        say_json([{**field_summary(f.field), "record_types": list(f.record_types)} for f in found])
        return
    say_table(
        [*_heads(), tr("in", "所属记录")],
        [(*_row(f.field), ", ".join(f.record_types)) for f in found],
        empty=tr(
            f"no field has {word} in its name or label",
            f"没有名称或标签含有“{word}”的字段",
        ),
    )


def _markdown(contract: Contract | None) -> None:
    from schemas.dictionary import data_dictionary, record_page

    page = record_page(contract, language()) if contract else data_dictionary(language())
    say_data(page.removesuffix("\n"))


def _field(found: Entry, every_code: bool, as_json: bool) -> None:
    from schemas.dictionary.entries import field_as_dict

    if as_json:
        say_json(field_as_dict(found))
    else:
        say_entry(found, every_code)
