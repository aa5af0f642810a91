"""``hefu init``: make a node."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hefu.commands.options import add_command, argument, option
from hefu.terminal import say, say_data, tr
from schemas.errors import ConfigError
from schemas.text import Text

if TYPE_CHECKING:
    from hefu.scaffold import Scaffolded


def add_to(app: typer.Typer) -> None:
    add_command(
        app,
        init,
        "init",
        en="Make a node in DIR: its folders and hefu.toml.\n\n"
        "Asks for what is not given when run at a terminal. The node's keys are made by "
        "hefu keys init. Prints the node's folder on stdout.",
        zh="在指定目录新建节点：目录结构与 hefu.toml。\n\n"
        "在终端运行时，未给出的内容会逐项询问。密钥由 hefu keys init 生成。"
        "节点目录输出到标准输出。",
    )


def init(
    folder: Annotated[Path, argument("DIR", en="folder of the new node", zh="新节点的目录")],
    code: Annotated[
        str | None,
        option(
            "--code",
            metavar="CODE",
            en="the agency's unified social credit code",
            zh="本机构的统一社会信用代码",
        ),
    ] = None,
    name: Annotated[
        str | None,
        option("--name", metavar="NAME", en="the agency's full name", zh="本机构全称"),
    ] = None,
    division: Annotated[
        str | None,
        option(
            "--division",
            metavar="CODE",
            en="its administrative division, six digits (GB/T 2260)",
            zh="本机构的行政区划代码，六位数字（GB/T 2260）",
        ),
    ] = None,
    domain: Annotated[
        str | None,
        option(
            "--domain",
            metavar="CODE",
            en="business domain of its records, as 01 highways or 02 road transport",
            zh="业务门类代码，如 01 公路路政、02 道路运政",
        ),
    ] = None,
) -> None:
    from hefu.scaffold import check_agency, create_node

    code, name, division = _ask(code, name, division)
    agency = check_agency(code, name, division, domain)
    made = create_node(folder, agency)
    _tell(made)
    say_data(str(made.root))


def _ask(code: str | None, name: str | None, division: str | None) -> tuple[str, str, str]:
    """Ask at a terminal for what is missing; elsewhere name the missing options at once."""
    wanted = {
        "--code": (code, tr("unified social credit code", "统一社会信用代码")),
        "--name": (name, tr("name of the agency", "机构全称")),
        "--division": (division, tr("division code (six digits)", "行政区划代码（六位数字）")),
    }
    missing = [flag for flag, (value, _) in wanted.items() if value is None]
    if missing and not sys.stdin.isatty():
        raise ConfigError(
            Text(en=f"missing: {', '.join(missing)}", zh=f"缺少：{'、'.join(missing)}"),
            hint=Text(
                en="give them as options, or run hefu init at a terminal to be asked",
                zh="请以选项给出，或在终端运行 hefu init 逐项填写",
            ),
        )
    answers = [
        value if value is not None else str(typer.prompt(question, err=True))
        for value, question in wanted.values()
    ]
    return answers[0], answers[1], answers[2]


def _tell(made: Scaffolded) -> None:
    root = made.root
    say(tr(f"Made a node in {root}.", f"已在 {root} 新建节点。"))
    say(
        tr(
            f"Next, in {root}:\n"
            f"  1. describe a source:   hefu draft SYSTEM/STREAM FILE.csv --records TYPE\n"
            f"  2. try it on a sample:  hefu check\n"
            f"  3. take it in:          hefu sync\n"
            f"  4. make the keys:       hefu keys init --root-folder DIR\n"
            f"  5. hand a card over:    hefu partner card",
            f"下一步（在 {root} 中）：\n"
            f"  1. 描述数据来源：hefu draft 系统/数据流 文件.csv --records 类型\n"
            f"  2. 用样本试运行：hefu check\n"
            f"  3. 正式采集：    hefu sync\n"
            f"  4. 设置密钥：    hefu keys init --root-folder 目录\n"
            f"  5. 向对方交付名片：hefu partner card",
        )
    )
