"""``hefu backfill``: take records in again, by hand."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hefu.commands.options import (
    DRY_RUN,
    JSON,
    NODE,
    add_command,
    argument,
    is_verbose,
    open_node,
    option,
)
from hefu.terminal import say, tr
from schemas.errors import ConfigError
from schemas.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flows.outcome import Outcome


def add_to(app: typer.Typer) -> None:
    add_command(
        app,
        backfill,
        "backfill",
        en="Pull a window of one source again, by business date.\n\n"
        "What the lake already has is left alone. With --from-landing the source is not asked: "
        "what it gave before is normalised again by today's mapping and codes, and records that "
        "come out otherwise get a new version.",
        zh="按业务日期重新拉取某一来源的一段数据。\n\n湖中已有的记录不会变动。"
        "使用 --from-landing 时不访问来源系统，而是按现行映射和代码表重新处理以前收到的原始数据，"
        "结果有变化的记录生成新版本。",
    )


def backfill(
    ctx: typer.Context,
    source: Annotated[
        str, argument("SOURCE", en="system/stream, or a system", zh="系统/数据流，或系统")
    ],
    since: Annotated[
        str | None,
        option(
            "--since",
            metavar="DATE",
            en="first business date, 2026-10-01 (with --from-landing: first day of receipt)",
            zh="起始业务日期，如 2026-10-01（与 --from-landing 同用时为接收日期）",
        ),
    ] = None,
    until: Annotated[
        str | None,
        option(
            "--until",
            metavar="DATE",
            en="last business date, included (with --from-landing: last day of receipt)",
            zh="截止业务日期，含当日（与 --from-landing 同用时为接收日期）",
        ),
    ] = None,
    from_landing: Annotated[
        bool,
        option(
            "--from-landing",
            en="normalise again what was received before, without asking the source",
            zh="不访问来源系统，重新处理以前收到的原始数据",
        ),
    ] = False,
    dry_run: Annotated[bool, DRY_RUN] = False,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from hefu.commands.pipeline import run_flow
    from hefu.commands.runs_told import finish_runs

    first = _day("--since", since) if since else None
    last = _day("--until", until) if until else None
    if not from_landing and (first is None or last is None):
        raise _no_dates()
    here = open_node(ctx, node)
    here.sources([source])

    def call() -> Sequence[Outcome]:
        if first is None or last is None or from_landing:
            from flows.renormalise_source import renormalise_source

            return renormalise_source(str(here.root), source, first, last, dry_run)
        from flows.backfill_source import backfill_source

        return backfill_source(str(here.root), source, first, last, dry_run)

    what = (
        tr(f"normalising {source} again", f"正在重新规范化 {source}")
        if from_landing
        else tr(
            f"pulling {source} again, {first} to {last}",
            f"正在重新拉取 {source}，{first} 至 {last}",
        )
    )
    outcomes = run_flow(here, what, call, verbose=is_verbose(ctx))
    if dry_run:
        say(tr("dry run: nothing was stored", "试运行：未写入任何数据"))
        if from_landing:
            # Each of its runs is judged by the lake as it is, not as the run before would leave it.
            say(
                tr(
                    "accepted is the most there could be: what two nights gave alike counts twice",
                    "“入库”为上限：两夜内容相同的记录各计一次",
                )
            )
    finish_runs(outcomes, as_json=as_json)


def _day(flag: str, text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a date has no zone
    except ValueError as error:
        raise ConfigError(
            Text(en=f"{flag}: {text!r} is not a date", zh=f"{flag}：{text!r} 不是日期"),
            hint=Text(en="write it as 2026-10-01", zh="请写成 2026-10-01 的形式"),
        ) from error


def _no_dates() -> ConfigError:
    return ConfigError(
        Text(en="a backfill needs both its dates", zh="补采需要起止两个日期"),
        hint=Text(
            en="give --since and --until; only --from-landing can do without",
            zh="请给出 --since 与 --until；只有 --from-landing 可以省略",
        ),
    )
