"""``hefu export``: current records in a format that others want."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hefu.commands.options import JSON, NODE, add_command, argument, open_node, option
from hefu.terminal import say, say_data, say_json, say_warning, show_count, tr
from schemas.export_names import export_formats

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hefu.exporting import Exported


class Header(StrEnum):
    code = "code"
    label = "label"


class Encoding(StrEnum):
    utf_8_sig = "utf-8-sig"
    utf_8 = "utf-8"
    gb18030 = "gb18030"


def add_to(app: typer.Typer) -> None:
    add_command(
        app,
        export,
        "export",
        en="Write current records in a format that others want: CSV or XLSX.\n\n"
        "double-publicity-penalty: the 30 items of 双公示 行政处罚, amounts in 10,000 yuan. "
        "Lengths and required items are checked: nothing is cut or rounded. A record that ought "
        "to go and can't is listed with what it lacks beside FILE, in .left-out.csv, and current "
        "records = exported + left out. The files hold personal data and are readable by you "
        "alone; with --public names, numbers and plates of natural persons are masked.",
        zh="按其他系统要求的格式导出现行记录：CSV 或 XLSX。\n\n"
        "double-publicity-penalty：双公示 行政处罚 30 项，金额单位为万元。逐项检查长度与必填，"
        "不截断、不舍入。应当导出而不能导出的记录，连同原因列在同目录的 .left-out.csv 中，"
        "现行记录 = 已导出 + 未导出。文件含个人信息，只有本人可读；"
        "加 --public 时遮盖自然人的姓名、证件号码与号牌。",
    )


def export(  # noqa: PLR0913 (each is an option of the command)
    ctx: typer.Context,
    form: Annotated[
        str,
        argument("FORMAT", en=", ".join(export_formats()), zh="、".join(export_formats())),
    ],
    out: Annotated[
        Path,
        option("--out", metavar="FILE", en="a new .csv or .xlsx", zh="新的 .csv 或 .xlsx 文件"),
    ],
    since: Annotated[
        datetime | None,
        option(
            "--since",
            metavar="DATE",
            formats=["%Y-%m-%d"],
            en="decisions of this day and later",
            zh="处罚决定日期不早于此日",
        ),
    ] = None,
    until: Annotated[
        datetime | None,
        option(
            "--until",
            metavar="DATE",
            formats=["%Y-%m-%d"],
            en="decisions of this day and earlier",
            zh="处罚决定日期不晚于此日",
        ),
    ] = None,
    own_only: Annotated[
        bool,
        option(
            "--own-only/--all",
            en="only this agency's own records (the default), or also those received",
            zh="只导出本机关自己的记录（默认），或连同收到的记录一起导出",
        ),
    ] = True,
    status: Annotated[
        list[str] | None,
        option(
            "--status",
            metavar="STATUS",
            en="data status: valid (the default), corrected, revoked, repaired; may be repeated",
            zh="数据状态：valid（默认）、corrected、revoked、repaired，可重复",
        ),
    ] = None,
    public: Annotated[
        bool,
        option(
            "--public",
            en="mask natural persons' names and numbers, for publication",
            zh="遮盖自然人的姓名与号码，供公示使用",
        ),
    ] = False,
    header: Annotated[
        Header,
        option(
            "--header",
            metavar="code|label",
            en="column names: code or label",
            zh="列名：code 代码，label 中文名称",
        ),
    ] = Header.code,
    encoding: Annotated[
        Encoding,
        option(
            "--encoding",
            metavar="NAME",
            en="of a CSV: utf-8-sig (the default, for Excel), utf-8, gb18030",
            zh="CSV 编码：utf-8-sig（默认，便于 Excel 打开）、utf-8、gb18030",
        ),
    ] = Encoding.utf_8_sig,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from hefu.commands.pipeline import node_extra
    from hefu.exporting import Wanted, export_records
    from schemas.exports import load_export

    wanted = Wanted(
        since=_day(since),
        until=_day(until),
        own_only=own_only,
        statuses=tuple(status or ("valid",)),
        public=public,
        header=header.value,
        encoding=encoding.value,
    )
    with node_extra():
        made = export_records(open_node(ctx, node), form, out, wanted)
    about = load_export(form).about
    if not about.verified:
        say_warning(
            tr("this format is not verified against its text", "此格式尚未与原文核对"),
            str(about.provenance.text),
        )
    if public:
        say(tr(f"masked: {about.publication_basis.en}", f"已遮盖：{about.publication_basis.zh}"))
    _tell(made, {column.code: column.label for column in about.columns})
    if as_json:
        say_json(
            {
                "out": str(made.out),
                "current": made.current,
                "exported": made.exported,
                "left_out": made.left_out,
                "problems": made.problems,
                "list": str(made.list_path) if made.list_path else None,
            }
        )
    else:
        say_data(str(made.out))


def _day(moment: datetime | None) -> date | None:
    return moment.date() if moment else None


_WHY = {
    "not_a_penalty": ("no penalty", "不是行政处罚"),
    "removed": ("gone at the source", "来源已删除"),
    "status": ("another data status", "数据状态不符"),
    "outside_dates": ("outside the dates", "不在所选日期内"),
    "listed": ("can't be exported", "不能导出"),
}


_PROBLEMS = {
    "missing": ("without", "缺少"),
    "length": ("too long for", "超长："),
    "formula": ("would run as a formula:", "会被当作公式："),
    "unmapped": ("a code that no list knows:", "代码未对照："),
}


def _named(problem: str, labels: Mapping[str, str]) -> str:
    """``missing:CF_YXQ`` in words, with the item's label and its code."""
    kind, _, item = problem.partition(":")
    en, zh = _PROBLEMS[kind]
    shown = f"{labels[item]} {item}" if item in labels else item
    return tr(f"{en} {shown}", f"{zh}{shown}")


def _tell(made: Exported, labels: Mapping[str, str]) -> None:
    out = made.current - made.exported
    say(
        tr(
            f"current records {show_count(made.current)} = exported {show_count(made.exported)} "
            f"+ left out {show_count(out)}",
            f"现行记录 {show_count(made.current)} = 已导出 {show_count(made.exported)} "
            f"+ 未导出 {show_count(out)}",
        )
    )
    for reason, count in made.left_out.items():
        say(tr(f"  {count} {_WHY[reason][0]}", f"  {_WHY[reason][1]} {count} 条"))
    if made.list_path is not None:
        reasons = ", ".join(f"{_named(n, labels)} × {count}" for n, count in made.problems.items())
        say_warning(
            tr(
                f"{made.listed} records can't be exported: {reasons}",
                f"{made.listed} 条记录不能导出：{reasons}",
            ),
            tr(f"they are listed in {made.list_path}", f"清单见 {made.list_path}"),
        )
