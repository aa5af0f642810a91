"""Options and arguments in the reader's language, and the ones that commands share."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand, TyperGroup

from hefu.terminal import tr
from schemas.errors import ConfigError
from schemas.text import Text

if TYPE_CHECKING:
    from hefu.node import Node

CONFIG_NAME = "hefu.toml"
NODE_VARIABLE = "HEFU_NODE"

OPTIONS_PANEL = tr("Options", "选项")
COMMANDS_PANEL = tr("Commands", "命令")
ARGUMENTS_PANEL = tr("Arguments", "参数")


def option(*names: str, en: str, zh: str, **more: Any) -> Any:
    """A ``typer.Option`` whose help speaks the reader's language."""
    more.setdefault("show_default", False)
    more.setdefault("metavar", "")  # a flag shows no type
    return typer.Option(*names, help=tr(en, zh), rich_help_panel=OPTIONS_PANEL, **more)


def argument(metavar: str, *, en: str, zh: str, **more: Any) -> Any:
    """A ``typer.Argument`` whose help speaks the reader's language."""
    more.setdefault("show_default", False)
    return typer.Argument(metavar=metavar, help=tr(en, zh), rich_help_panel=ARGUMENTS_PANEL, **more)


def _speak(help_option: Any) -> Any:
    if help_option is not None:
        help_option.help = tr("show this help and stop", "显示本帮助")
        help_option.rich_help_panel = OPTIONS_PANEL
        help_option.metavar = ""
    return help_option


def add_command(app: typer.Typer, run: Callable[..., None], name: str, *, en: str, zh: str) -> None:
    """Add ``run`` to ``app`` as ``name``, with help in the reader's language."""
    app.command(name=name, cls=Command, help=tr(en, zh), rich_help_panel=COMMANDS_PANEL)(run)


def add_group(app: typer.Typer, name: str, *, en: str, zh: str) -> typer.Typer:
    """A new group of commands below ``app``."""
    group = typer.Typer(cls=Group, no_args_is_help=True, help=tr(en, zh))
    app.add_typer(group, name=name, rich_help_panel=COMMANDS_PANEL)
    return group


class Command(TyperCommand):
    """A command whose ``--help`` line is ours."""

    def get_help_option(self, ctx: Any) -> Any:
        return _speak(super().get_help_option(ctx))


class Group(TyperGroup):
    """A group of commands; lists them in the order in which they were added."""

    def get_help_option(self, ctx: Any) -> Any:
        return _speak(super().get_help_option(ctx))

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self.commands)


NODE = option(
    "--node",
    metavar="DIR",
    en=f"the node's folder; else ${NODE_VARIABLE}, else this folder or the nearest above it "
    f"with a {CONFIG_NAME}",
    zh=f"节点目录；不写则用环境变量 {NODE_VARIABLE}，再不然取当前目录或最近的上级目录中"
    f"含 {CONFIG_NAME} 者",
)
REVEAL = option("--reveal", en="show personal values unmasked", zh="显示未脱敏的原文")
JSON = option("--json", en="print JSON for another program", zh="输出 JSON，供其他程序读取")
DRY_RUN = option(
    "--dry-run", en="do everything but the last step: write nothing", zh="试运行：不写入任何结果"
)


@dataclass(frozen=True, slots=True)
class Session:
    """What the options before the command said."""

    node: Path | None = None
    verbose: bool = False


def open_node(ctx: typer.Context, given: Path | None) -> Node:
    """The node that a command works on.

    Raises :class:`ConfigError` when there is none, or its ``hefu.toml`` is wrong.
    """
    from hefu.node import load_node

    session = ctx.obj if isinstance(ctx.obj, Session) else Session()
    return load_node(find_node(given or session.node, Path.cwd(), os.environ.get(NODE_VARIABLE)))


def node_if_any(ctx: typer.Context, given: Path | None) -> Node | None:
    """As :func:`open_node` for a command that needs no node: None if there is none here."""
    session = ctx.obj if isinstance(ctx.obj, Session) else Session()
    asked = given or session.node
    if asked is None:
        try:
            find_node(None, Path.cwd(), os.environ.get(NODE_VARIABLE))
        except ConfigError:
            return None
    return open_node(ctx, given)


def find_node(given: Path | None, here: Path, variable: str | None) -> Path:
    """The node's folder: as given, else the variable's, else the nearest one around ``here``."""
    if given is not None:
        return given
    if variable:
        return Path(variable)
    for folder in (here, *here.parents):
        if (folder / CONFIG_NAME).is_file():
            return folder
    raise ConfigError(
        Text(en="there is no node here", zh="当前目录不在任何节点中"),
        hint=Text(
            en="change into a node's folder, say --node DIR, or make one with hefu init DIR",
            zh="请进入节点目录，或用 --node 指定，或用 hefu init 目录 新建",
        ),
    )


def is_verbose(ctx: typer.Context) -> bool:
    """Whether ``--verbose`` stood before the command."""
    return isinstance(ctx.obj, Session) and ctx.obj.verbose


def date_of(name: str, text: str) -> date:
    """The date that the option ``name`` says. Raises :class:`ConfigError` that names it."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(
            Text(en=f"{name}: {text!r} is not a date", zh=f"{name}：“{text}”不是日期"),
            hint=Text(en="write it as 2026-10-01", zh="请写成 2026-10-01 的形式"),
        ) from error


_UNITS = {"s": "seconds", "m": "minutes", "h": "hours"}


def interval_of(name: str, text: str) -> timedelta:
    """The interval that the option ``name`` says: ``30s``, ``5m``, ``1h``.

    Raises :class:`ConfigError` that names the option.
    """
    found = re.fullmatch(r"([1-9]\d{0,5})([smh])", text)
    if not found:
        raise ConfigError(
            Text(en=f"{name}: {text!r} is not an interval", zh=f"{name}：“{text}”不是时间间隔"),
            hint=Text(en="write it as 30s, 5m or 1h", zh="请写成 30s、5m 或 1h 的形式"),
        )
    return timedelta(**{_UNITS[found[2]]: int(found[1])})
