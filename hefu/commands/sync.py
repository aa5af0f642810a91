"""``hefu sync``: take in what is new."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hefu.commands.options import (
    JSON,
    NODE,
    add_command,
    argument,
    interval_of,
    is_verbose,
    open_node,
    option,
)
from hefu.terminal import tr
from schemas.errors import ConfigError, Where
from schemas.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flows.outcome import Outcome


def add_to(app: typer.Typer) -> None:
    add_command(
        app,
        sync,
        "sync",
        en="Pull what is new, normalise, check and store it.\n\n"
        "Each source continues from where its last run ended. Running again changes nothing. "
        "Exit code 1 when a source failed its gate, or counts other rows than this node holds. "
        "--every keeps at it, each source in a rhythm of its own, and writes a line a round.",
        zh="拉取各来源的新数据，规范化、校验并入湖。\n\n"
        "每个来源从上次结束处继续；重复运行不会产生变化。有来源未通过质量门槛，"
        "或者来源统计的行数与本节点不一致时，退出码为 1。"
        "--every 则按间隔持续同步，各来源互不等待，每轮输出一行。",
    )


def sync(
    ctx: typer.Context,
    sources: Annotated[
        list[str] | None,
        argument(
            "SOURCE",
            en="system or system/stream; all if none",
            zh="系统 或 系统/数据流；不写则为全部",
        ),
    ] = None,
    every: Annotated[
        str | None,
        option(
            "--every",
            metavar="INTERVAL",
            en="again and again at this interval (30s, 5m, 1h) until stopped by Ctrl-C or SIGTERM",
            zh="按此间隔反复同步（如 30s、5m、1h），直到按 Ctrl-C 或收到 SIGTERM",
        ),
    ] = None,
    full: Annotated[
        bool,
        option(
            "--full",
            en="read everything again, whatever was read before; known rows change nothing",
            zh="不论以前读到哪里，全部重新读取；已有的行不会变动",
        ),
    ] = False,
    anyway: Annotated[
        bool,
        option(
            "--anyway",
            en="ask also in a source's quiet hours, and one that is being left alone",
            zh="在免打扰时段也访问；因连续失败而暂停访问的来源也访问",
        ),
    ] = False,
    accept_removals: Annotated[
        bool,
        option(
            "--accept-removals",
            en="what the full copy of the sources named lacks is really gone, however much it is",
            zh="确认所列来源的全量数据中缺少的记录确已删除，不论多少",
        ),
    ] = False,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from hefu.commands.pipeline import run_flow
    from hefu.commands.runs_told import finish_runs

    interval = interval_of("--every", every) if every else None
    here = open_node(ctx, node)
    wanted = list(sources or []) or None
    streams = here.sources(wanted)
    if not streams:
        raise _no_sources(here.root)
    if accept_removals and (interval is not None or wanted is None):
        raise _not_for_all()

    if interval is not None:
        from hefu.commands.every import keep_syncing

        keep_syncing(here, streams, interval, full=full, anyway=anyway, as_json=as_json)
        return

    def call() -> Sequence[Outcome]:
        from flows.sync_sources import sync_sources

        return sync_sources(str(here.root), wanted, full, anyway, accept_removals)

    names = ", ".join(source.stream_id for source in streams)
    what = tr(f"syncing {names}", f"正在同步 {names}")
    finish_runs(run_flow(here, what, call, verbose=is_verbose(ctx)), as_json=as_json)


def _not_for_all() -> ConfigError:
    return ConfigError(
        Text(
            en="--accept-removals is said of sources that you name, once",
            zh="--accept-removals 须写明来源，且只对本次运行有效",
        ),
        hint=Text(
            en="look at hefu status first, then: hefu sync SYSTEM/STREAM --accept-removals",
            zh="请先查看 hefu status，再运行 hefu sync 系统/数据流 --accept-removals",
        ),
    )


def _no_sources(root: Path) -> ConfigError:
    return ConfigError(
        Text(en="this node has no source yet", zh="本节点尚未配置数据来源"),
        where=Where(str(root / "sources")),
        hint=Text(
            en="write sources/<system>/<stream>/source.toml and mapping.sql; "
            "docs/first-partner-system.md shows how",
            zh="请编写 sources/<系统>/<数据流>/source.toml 与 mapping.sql，"
            "步骤见 docs/first-partner-system.zh-CN.md",
        ),
    )
