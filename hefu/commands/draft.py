"""``hefu draft``: a first source.toml and mapping.sql for a CSV file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hefu.commands.options import NODE, add_command, argument, open_node, option
from hefu.terminal import say, say_data, tr


def add_to(app: typer.Typer) -> None:
    add_command(
        app,
        draft,
        "draft",
        en="Draft a source from a CSV file: source.toml and mapping.sql.\n\n"
        "Finds the encoding and delimiter, fills in the fields whose label or name a column has, "
        "and lists the rest for you to decide. Complete the mapping, then run hefu check.",
        zh="根据一个 CSV 文件起草来源：source.toml 与 mapping.sql。\n\n"
        "自动识别编码与分隔符，列名与字段名称相同的直接填好，其余逐项列出由您决定。"
        "补全映射后运行 hefu check。",
    )


def draft(
    ctx: typer.Context,
    stream: Annotated[
        str,
        argument(
            "SYSTEM/STREAM",
            en="name of the new source, as casework/results",
            zh="新来源的名称，如 casework/results",
        ),
    ],
    file: Annotated[Path, argument("FILE", en="a CSV file of the source", zh="该来源的 CSV 文件")],
    records: Annotated[
        str,
        option(
            "--records",
            metavar="TYPE",
            en="what its rows are: lead, case_result or inspection",
            zh="每行是什么记录：lead（线索）、case_result（处理结果）或 inspection（检查）",
        ),
    ],
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from hefu.draft import write_draft

    made = write_draft(open_node(ctx, node), stream, records, file)
    header = made.header
    say(
        tr(
            f"read {file}: {len(header.columns)} columns, {header.encoding}; "
            f"{len(made.matched)} fields filled in, {len(made.unused)} columns left to you",
            f"已读取 {file}：{len(header.columns)} 列，编码 {header.encoding}；"
            f"已填好 {len(made.matched)} 个字段，另有 {len(made.unused)} 列待定",
        )
    )
    if made.open_fields:
        names = ", ".join(made.open_fields)
        say(tr(f"required, still NULL: {names}", f"必填、仍为 NULL：{names}"))
    say(
        tr(
            f"complete the mapping, then: hefu check {stream}",
            f"补全映射后运行：hefu check {stream}",
        )
    )
    say_data(str(made.folder / "source.toml"))
    say_data(str(made.folder / "mapping.sql"))
