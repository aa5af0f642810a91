"""The command line's reference, generated from the commands themselves.

    HEFU_LANG=en python -m hefu.reference > docs/cli.md
    HEFU_LANG=zh python -m hefu.reference > docs/cli.zh-CN.md

A test fails when a file differs from what this gives, or a command or option says nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import typer.main

from hefu.cli import EXIT_CODES, build_app
from hefu.commands.options import NODE_VARIABLE
from hefu.terminal import tr


def reference() -> str:
    """The whole document as Markdown, in the reader's language."""
    root = typer.main.get_command(build_app())
    parts = [*_head(root)]
    for path, command in commands(root):
        parts += _section(path, command)
    return "\n".join(parts).rstrip() + "\n"


def commands(group: Any, path: str = "hefu") -> Iterator[tuple[str, Any]]:
    """Every command below ``group`` with its path, groups before their commands."""
    for name, command in group.commands.items():
        here = f"{path} {name}"
        yield here, command
        if hasattr(command, "commands"):
            yield from commands(command, here)


def _head(root: Any) -> Iterator[str]:
    yield tr("# The command line", "# 命令行参考")
    yield ""
    yield tr(
        "<!-- generated: HEFU_LANG=en python -m hefu.reference > docs/cli.md -->",
        "<!-- 自动生成：HEFU_LANG=zh python -m hefu.reference > docs/cli.zh-CN.md -->",
    )
    yield ""
    yield tr("[中文](cli.zh-CN.md)", "[English](cli.md)")
    yield ""
    yield from _prose()
    yield tr("## Exit codes", "## 退出码")
    yield ""
    yield tr("| Code | Meaning |", "| 退出码 | 含义 |")
    yield "|---|---|"
    for code, meaning in EXIT_CODES.items():
        yield f"| {code} | {meaning} |"
    yield ""
    yield tr("## Options before the command", "## 写在命令之前的选项")
    yield ""
    yield "```\nhefu [OPTIONS] COMMAND [ARGS]...\n```"
    yield ""
    yield from _options(root)
    yield tr("## Commands", "## 命令")
    yield ""
    for path, command in commands(root):
        anchor = path.replace(" ", "-")
        yield f"- [`{path}`](#{anchor}): {_first_line(command)}"
    yield ""


def _prose() -> Iterator[str]:
    yield tr(
        "Data goes to standard output; progress, warnings and errors go to standard error, so "
        "`hefu … > file` and `hefu … | program` hold data alone. With `--json` a command prints "
        "one JSON document on standard output, also for an error "
        '(`{"error": …, "message": {"en": …, "zh": …}, …}`).',
        "数据输出到标准输出；进度、提醒与错误输出到标准错误，因此 `hefu … > 文件` 与 "
        "`hefu … | 程序` 得到的只有数据。"
        "加 `--json` 时，命令在标准输出打印一份 JSON 文档，出错时亦然"
        '（`{"error": …, "message": {"en": …, "zh": …}, …}`）。',
    )
    yield ""
    yield tr(
        f"A command works on the node that `--node` names, else on the one in `{NODE_VARIABLE}`, "
        "else on the nearest folder upwards that holds `hefu.toml`. `hefu verify` and `hefu open` "
        "need no node.",
        f"命令所针对的节点依次取自：`--node`、环境变量 `{NODE_VARIABLE}`、"
        "当前目录或最近的上级目录中含 "
        "`hefu.toml` 者。`hefu verify` 与 `hefu open` 不需要节点。",
    )
    yield ""
    yield tr(
        "Language: `HEFU_LANG=zh` or `HEFU_LANG=en`, else the locale, else English. "
        "Times are shown in Beijing time.",
        "语言：`HEFU_LANG=zh` 或 `HEFU_LANG=en`，否则按系统区域设置，再否则为英文。"
        "时间均按北京时间显示。",
    )
    yield ""
    yield tr(
        "An unexpected failure leaves its trace in a file that only you can read, in the node's "
        "`reports/` folder (in the temporary folder when there is no node); the message names it.",
        "发生意外错误时，详细记录写入节点的 `reports/` 目录（没有节点时写入临时目录），仅本人可读，"
        "提示信息中会给出文件名。",
    )
    yield ""


def _section(path: str, command: Any) -> Iterator[str]:
    yield f"### {path}"
    yield ""
    yield command.help.strip()
    yield ""
    if hasattr(command, "commands"):
        return
    yield f"```\n{_usage(path, command)}\n```"
    yield ""
    yield from _arguments(command)
    yield from _options(command)


def _usage(path: str, command: Any) -> str:
    pieces = [path]
    for param in command.params:
        if param.param_type_name == "argument":
            pieces.append(_metavar(param))
        elif param.required:
            pieces.append(f"{param.opts[0]} {_metavar(param)}")
    return " ".join([*pieces, "[OPTIONS]"])


def _arguments(command: Any) -> Iterator[str]:
    found = [p for p in command.params if p.param_type_name == "argument"]
    if found:
        yield tr("| Argument | Meaning |", "| 参数 | 含义 |")
        yield "|---|---|"
        for param in found:
            yield f"| `{_metavar(param)}` | {_cell(param.help)} |"
        yield ""


def _options(command: Any) -> Iterator[str]:
    found = [p for p in command.params if p.param_type_name == "option"]
    if found:
        yield tr("| Option | Meaning |", "| 选项 | 含义 |")
        yield "|---|---|"
        for param in found:
            name = f"{', '.join(param.opts)} {_metavar(param)}".strip()
            needed = tr(" (required)", "（必填）") if param.required else ""
            yield f"| `{_cell(name)}` | {_cell(param.help)}{needed} |"
        yield ""


def _metavar(param: Any) -> str:
    name = str(param.metavar or "")
    return f"[{name}]..." if param.nargs == -1 else name


def _cell(text: str | None) -> str:
    return (text or "").replace("|", "\\|")


def _first_line(command: Any) -> str:
    return str(command.help).strip().partition("\n")[0]


if __name__ == "__main__":
    sys.stdout.write(reference())
