"""``hefu``: assembles the commands and turns every failure into words and an exit code.

Exit codes (:data:`EXIT_CODES`) are promised: scripts and schedulers act on them.
Commands import what they need when they run, so that ``hefu --help`` and ``hefu verify`` start
without the pipeline's libraries.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from hefu import __version__
from hefu.commands import (
    accumulate,
    agreement,
    backfill,
    bundle,
    check,
    check_case,
    clocks,
    codes,
    compare,
    cooperate,
    dictionary,
    draft,
    erase,
    evidence,
    export,
    hotline,
    init,
    jurisdiction,
    keys,
    landing,
    paper,
    partner,
    publish,
    quarantine,
    receive,
    recognise,
    refer,
    rules,
    seal,
    status,
    sync,
    transfer,
    withdraw,
)
from hefu.commands.options import NODE, NODE_VARIABLE, Group, Session, find_node, option
from hefu.terminal import say_error, say_json, tr
from schemas.errors import ConfigError, HefuError
from schemas.text import Text

#: In the order in which ``hefu --help`` lists them.
_GROUPS = (
    init,
    dictionary,
    draft,
    check,
    sync,
    backfill,
    publish,
    receive,
    bundle,
    evidence,
    compare,
    seal,
    cooperate,
    check_case,
    refer,
    recognise,
    accumulate,
    transfer,
    withdraw,
    jurisdiction,
    hotline,
    paper,
    export,
    status,
    clocks,
    quarantine,
    landing,
    erase,
    codes,
    rules,
    keys,
    partner,
    agreement,
)

DEFECT = 70
INTERRUPTED = 130

#: Exit code → what it means.
EXIT_CODES: dict[int, Text] = {
    0: Text(en="done", zh="完成"),
    1: Text(
        en="done, but a person is needed: a source failed its gate, a partner's bundle was refused "
        "or a period is over",
        zh="已完成，但需要人工处理：某来源未通过质量门槛，对方数据包被拒收，或有期限已过",
    ),
    2: Text(en="wrong use or configuration", zh="用法或配置有误"),
    3: Text(
        en="failure outside: a source or a partner out of reach, or it refused",
        zh="外部故障：来源系统或合作单位无法访问，或拒绝了请求",
    ),
    4: Text(en="a bundle failed verification", zh="数据包验证未通过"),
    70: Text(
        en="a defect of Hefu: counts that do not balance, or an unexpected failure",
        zh="程序缺陷：计数不平，或意外错误",
    ),
}


def _exit_codes() -> str:
    return "\n".join(f"- {code}: {meaning}" for code, meaning in EXIT_CODES.items())


def _show_version(asked: bool) -> None:
    if asked:
        sys.stdout.write(f"hefu {__version__}\n")
        raise typer.Exit


def build_app() -> typer.Typer:
    """The whole command tree, with help in the reader's language."""
    app = typer.Typer(
        cls=Group,
        add_completion=False,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        help=tr(
            "Hefu 合符: signed exchange of enforcement leads and case results between "
            "transport agencies that share a border.\n\n"
            "Data goes to stdout, everything else to stderr. Exit codes:\n\n",
            "合符：毗邻地区交通运输执法机构之间，违法线索与案件处理结果的签名交换。\n\n"
            "数据输出到标准输出，其余信息输出到标准错误。退出码：\n\n",
        )
        + _exit_codes(),
    )

    @app.callback()
    def root(
        ctx: typer.Context,
        node: Annotated[Path | None, NODE] = None,
        verbose: Annotated[
            bool,
            option("--verbose", en="also tell what happens inside", zh="同时输出内部运行信息"),
        ] = False,
        version: Annotated[
            bool,
            option(
                "--version",
                en="print the version and stop",
                zh="显示版本号",
                callback=_show_version,
                is_eager=True,
            ),
        ] = False,
    ) -> None:
        del version
        ctx.obj = Session(node=node, verbose=verbose)
        if verbose:
            logging.basicConfig(level=logging.INFO, stream=sys.stderr)
            # Every poll of Prefect's own server would drown what a person wants to see.
            logging.getLogger("httpx").setLevel(logging.WARNING)

    for module in _GROUPS:
        module.add_to(app)
    return app


def run(argv: Sequence[str]) -> int:
    """Run one command and return its exit code. Never raises for a failure of the command."""
    arguments = list(argv)
    try:
        result = build_app()(args=arguments, prog_name="hefu", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except HefuError as error:
        return _told(error, arguments)
    except typer.Abort:
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the one place where nothing may escape
        if _is_usage(error):
            return _told(_usage_error(error), arguments)
        return _defect(error, arguments)


def _told(error: HefuError, arguments: Sequence[str]) -> int:
    say_error(error)
    if "--json" in arguments:
        say_json(error.as_dict())
    return error.exit_code


def _is_usage(error: Exception) -> bool:
    # Typer keeps its usage errors private but for this one child of theirs.
    return isinstance(error, typer.BadParameter.__mro__[1])


def _usage_error(error: Any) -> ConfigError:
    """Typer's complaint about the command line as one of ours."""
    complaint = str(error.format_message()).rstrip(".")
    command = error.ctx.command_path if error.ctx is not None else "hefu"
    return ConfigError(
        Text(en=complaint[:1].lower() + complaint[1:], zh=_usage_zh(complaint)),
        hint=Text(en=f"see {command} --help", zh=f"用法见 {command} --help"),
    )


_USAGE_ZH = (
    (r"Missing argument '(.+?)'", "缺少参数 {}"),
    (r"Missing option '(.+?)'", "缺少选项 {}"),
    (r"No such option: (\S+).*", "没有选项 {}"),
    (r"No such command '(.+?)'", "没有命令 {}"),
    (r"Option '(.+?)' requires an argument", "选项 {} 后面缺少值"),
    (r"Got unexpected extra arguments?(?:\(s\))? \((.+)\)", "多余的参数：{}"),
)


def _usage_zh(complaint: str) -> str:
    for pattern, said in _USAGE_ZH:
        if found := re.fullmatch(pattern, complaint):
            return said.format(found[1])
    return f"命令用法有误：{complaint}"


def _defect(error: Exception, arguments: Sequence[str]) -> int:
    """An unexpected failure: the trace goes into a private file, a short message to the reader.

    A trace may quote rows, so it is neither printed nor readable by others.
    """
    path = _write_trace(error, _report_folder(arguments))
    message = Text(
        en=f"unexpected failure inside Hefu ({type(error).__name__})",
        zh=f"程序内部意外错误（{type(error).__name__}）",
    )
    hint = Text(
        en=f"this is a defect: please report it with {path}; look it through first, "
        "it may quote rows",
        zh=f"这是程序缺陷，请附上 {path} 上报；该文件可能含有数据内容，发出前请先检查",
    )
    wrapped = HefuError(message, hint=hint)
    say_error(wrapped)
    if "--json" in arguments:
        say_json(wrapped.as_dict())
    return DEFECT


def _report_folder(arguments: Sequence[str]) -> Path:
    """The node's ``reports/`` if the command names or stands in a node, else a temporary one."""
    given = None
    for index, word in enumerate(arguments):
        if word == "--node" and index + 1 < len(arguments):
            given = Path(arguments[index + 1])
        elif word.startswith("--node="):
            given = Path(word.partition("=")[2])
    try:
        from hefu.node import load_node

        node = load_node(find_node(given, Path.cwd(), os.environ.get(NODE_VARIABLE)))
        folder = node.place("reports")
        folder.mkdir(parents=True, exist_ok=True)
    except (HefuError, OSError):
        return Path(tempfile.mkdtemp(prefix="hefu-"))
    return folder


def _write_trace(error: Exception, folder: Path) -> Path:
    # mkstemp makes the file with mode 0600.
    handle, name = tempfile.mkstemp(prefix="failure-", suffix=".txt", dir=folder)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.writelines(traceback.format_exception(error))
    return Path(name)


def main() -> None:
    """The console script."""
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader (head, less) has seen enough; Python's own flush at exit must not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


__all__ = ["EXIT_CODES", "build_app", "main", "run"]

if __name__ == "__main__":
    main()
