"""``hefu paper``: letters and forms of a matter as DOCX, from templates that an agency edits."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from hefu.commands.matter_options import MATTER
from hefu.commands.options import (
    JSON,
    NODE,
    add_command,
    add_group,
    argument,
    open_node,
    option,
)
from hefu.terminal import say, say_data, say_json, say_table, say_warning, tr
from schemas.errors import ConfigError
from schemas.text import Text

KIND = argument(
    "KIND", en="which paper: a name of hefu paper kinds", zh="文书，名称见 hefu paper kinds"
)
OUT = option("--out", metavar="FILE", en="file to make, or a folder", zh="要写入的文件或者文件夹")


def add_to(app: typer.Typer) -> None:
    group = add_group(
        app,
        "paper",
        en="Letters and forms as Word files: notices, transfer letters, receipts.",
        zh="文书：抄告函、案件移送书、送达回证、协查函等，生成 Word 文件。",
    )
    add_command(
        group,
        write,
        "write",
        en="Write a paper of a matter, filled from its records.\n\n"
        "What is not known becomes a line to fill by hand and is listed. The file holds personal "
        "data and is readable for its owner alone. Give it to the next act with --document.",
        zh="按事项及其所涉记录生成一份文书。\n\n"
        "查不到的内容留空线手工填写，并逐项列出。文件含有个人信息，仅本人可读。"
        "盖章发出后，可在登记环节时用 --document 指定该文件。",
    )
    add_command(group, kinds, "kinds", en="List the papers there are.", zh="列出可生成的文书。")
    add_command(
        group,
        fields,
        "fields",
        en="List the placeholders that a template of a paper may name.",
        zh="列出某种文书的模板可用的字段。",
    )
    add_command(
        group,
        template,
        "template",
        en="Copy our template of a paper, to edit it in Word or WPS.\n\n"
        "Put the edited file into the node's folder templates/ under the same name: it goes before "
        "ours from then on.",
        zh="导出文书模板，用 Word 或 WPS 修改。\n\n"
        "改好后以原文件名放入节点的 templates/ 目录，此后即以本机关的模板为准。",
    )


def write(
    ctx: typer.Context,
    kind: Annotated[str, KIND],
    number: Annotated[str, MATTER],
    out: Annotated[Path, OUT],
    given: Annotated[
        list[str] | None,
        option(
            "--set",
            metavar="FIELD=TEXT",
            en="the text of a placeholder; may be repeated",
            zh="指定某字段的内容，写作 字段=内容，可重复",
        ),
    ] = None,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from cooperation.paper.kinds import kind_of
    from flows.matters import find_matter, matters_of
    from flows.papers import write_paper

    here, wanted = open_node(ctx, node), kind_of(kind)
    matter = find_matter(matters_of(here), number)
    written = write_paper(here, wanted, matter, out, datetime.now(UTC), _given(given or []))
    if as_json:
        say_json(
            {
                "file": str(written.path),
                "sha256": written.sha256,
                "template": None if written.template is None else str(written.template),
                "filled": written.filled,
                "blank": written.blank,
                "missing_records": written.missing,
            }
        )
        return
    say(
        tr(
            f"wrote {wanted.label.en} of {matter.key.no}, {len(written.filled)} fields filled",
            f"已生成{matter.key.no}的{wanted.label.zh}，填写 {len(written.filled)} 项",
        )
    )
    if written.template is not None:
        say(tr(f"template: {written.template}", f"模板：{written.template}"))
    if written.missing:
        say_warning(
            tr(
                f"{written.missing} records that the matter names are not on this node",
                f"事项所涉记录中有 {written.missing} 条不在本节点",
            )
        )
    if written.blank:
        say(tr("to fill by hand: ", "需手工填写：") + "、".join(written.blank))
    say(
        tr("next: give it to the act with --document", "下一步：登记环节时用 --document 指定该文件")
    )
    say_data(str(written.path))


def _given(told: list[str]) -> dict[str, str]:
    values = dict(one.partition("=")[::2] for one in told)
    if all("=" in one for one in told):
        return values
    raise ConfigError(
        Text(en="--set is FIELD=TEXT", zh="--set 应写作 字段=内容"),
        hint=Text(en="for example --set 文号=…", zh="例如 --set 文号=…"),
    )


def kinds(ctx: typer.Context, as_json: Annotated[bool, JSON] = False) -> None:
    del ctx
    from cooperation.paper.kinds import KINDS
    from cooperation.procedures.table import procedure

    if as_json:
        say_json(
            [
                {"kind": k.name, "label": str(k.label), "procedures": k.procedures}
                for k in KINDS.values()
            ]
        )
        return
    every = tr("any", "各类事项")
    say_table(
        [tr("kind", "名称"), tr("paper", "文书"), tr("for matters of", "适用事项")],
        [
            (
                k.name,
                str(k.label),
                tr(", ", "、").join(str(procedure(p).label) for p in k.procedures) or every,
            )
            for k in KINDS.values()
        ],
    )


def fields(
    ctx: typer.Context,
    kind: Annotated[str, KIND],
    as_json: Annotated[bool, JSON] = False,
) -> None:
    del ctx
    from cooperation.paper.kinds import MATERIAL_FIELDS, MATERIALS, fields_of_kind, kind_of

    plain = [(f"{{{{{f.name}}}}}", f) for f in fields_of_kind(kind_of(kind))]
    rows = [(f"{{{{材料.{f.name}}}}}", f) for f in MATERIAL_FIELDS]
    if as_json:
        say_json(
            [
                {"placeholder": text, "meaning": str(f.meaning), "example": f.example}
                for text, f in (*plain, *rows)
            ]
        )
        return
    say_table(
        [tr("placeholder", "占位符"), tr("meaning", "含义"), tr("example", "示例")],
        [(text, str(f.meaning), f.example) for text, f in (*plain, *rows)],
    )
    say(
        tr(
            f"a row for each item of material: {{%tr for 材料 in {MATERIALS} %}} in a row of its "
            "own, then a row with {{材料.…}}, then {%tr endfor %} in a row of its own",
            f"材料清单每项一行：先单独一行写 {{%tr for 材料 in {MATERIALS} %}}，"
            "再一行写 {{材料.…}}，最后单独一行写 {%tr endfor %}",
        )
    )


def template(
    ctx: typer.Context,
    kind: Annotated[str, KIND],
    out: Annotated[Path, OUT],
) -> None:
    del ctx
    from cooperation.paper.kinds import kind_of
    from flows.papers import installed_template, write_private

    wanted = kind_of(kind)
    path = out / f"{wanted.name}.docx" if out.is_dir() else out
    write_private(path, installed_template(wanted))
    say(
        tr(
            f"edit it and put it into the node's folder as templates/{wanted.name}.docx",
            f"修改后放入节点目录，文件名为 templates/{wanted.name}.docx",
        )
    )
    say_data(str(path))
