"""``hefu landing``: how much was received, how long it is kept, and where a record came from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hefu.commands.options import (
    COMMANDS_PANEL,
    DRY_RUN,
    JSON,
    NODE,
    Group,
    add_command,
    argument,
    open_node,
    option,
)
from hefu.terminal import say, say_json, say_table, say_warning, show_count, show_time, tr
from schemas.errors import ConfigError
from schemas.text import Text

if TYPE_CHECKING:
    from flows.retention import Pruned
    from hefu.landing_report import LandingUse, Plan, StreamUse

_SOURCES = argument(
    "SOURCE",
    en="system or system/stream; all if none",
    zh="系统 或 系统/数据流；不写则为全部",
)


class _Landing(Group):
    """``hefu landing SOURCE`` is ``hefu landing list SOURCE``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or args[0] not in (*self.commands, "--help"):
            args = ["list", *args]
        parsed: list[str] = super().parse_args(ctx, args)
        return parsed


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(
        cls=_Landing,
        help=tr(
            "What was received, as it was received: how much, since when, how long.",
            "原样留存的接收数据：数量、起止时间与保存期限。",
        ),
    )
    app.add_typer(group, name="landing", rich_help_panel=COMMANDS_PANEL)
    add_command(
        group,
        list_,
        "list",
        en="How much was received from each source and what of it may go.\n\n"
        "Sizes and days only, never content. `hefu landing` alone does the same.",
        zh="按来源列出留存数据的数量、大小，以及可清理的部分。\n\n"
        "只显示大小与日期，不显示内容；直接运行 hefu landing 效果相同。",
    )
    add_command(
        group,
        prune_,
        "prune",
        en="Delete for good what is older than the retention rule, and what no run names.\n\n"
        "The rule is [landing] keep_days in hefu.toml; without one only objects that no run "
        "names go. What waits in quarantine stays. The log keeps when each object went.",
        zh="永久删除超过保存期限的接收数据，以及没有任何运行记录引用的数据。\n\n"
        "期限由 hefu.toml 的 [landing] keep_days 设定；未设定时只清理无人引用的数据。"
        "尚有隔离行待处理的数据不会删除。日志会记下每个对象的清理时间。",
    )
    add_command(
        group,
        find,
        "find",
        en="Where an object came from and where its bytes are.\n\n"
        "OBJECT is what a record names in _object_digest, or its first digits.",
        zh="查找对象的来源与存放位置。\n\n对象编号见记录的 _object_digest，可只写前几位。",
    )


def list_(
    ctx: typer.Context,
    sources: Annotated[list[str] | None, _SOURCES] = None,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from hefu.commands.pipeline import node_extra

    with node_extra():
        from hefu.landing_report import landing_use

        use = landing_use(open_node(ctx, node), datetime.now(UTC), list(sources or []) or None)
    if as_json:
        say_json(_use_as_json(use))
        return
    _say_use(use)


def prune_(
    ctx: typer.Context,
    sources: Annotated[list[str] | None, _SOURCES] = None,
    older_than: Annotated[
        str | None,
        option(
            "--older-than",
            metavar="P400D",
            en="in place of keep_days: days as P400D",
            zh="代替 keep_days 的期限，如 P400D 表示 400 天",
        ),
    ] = None,
    also_quarantined: Annotated[
        bool,
        option(
            "--also-quarantined",
            en="also what holds rows that wait in quarantine",
            zh="连同尚有隔离行待处理的数据一并清理",
        ),
    ] = False,
    dry_run: Annotated[bool, DRY_RUN] = False,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from hefu.commands.pipeline import node_extra

    keep = None if older_than is None else _days(older_than)
    with node_extra():
        from flows.retention import prune

        done = prune(
            open_node(ctx, node),
            datetime.now(UTC),
            wanted=list(sources or []) or None,
            keep=keep,
            quarantined=also_quarantined,
            dry_run=dry_run,
        )
    if as_json:
        say_json(_pruned_as_json(done))
        return
    _say_pruned(done)


def find(
    ctx: typer.Context,
    key: Annotated[
        str,
        argument(
            "OBJECT",
            en="_object_digest of a record, or its first digits",
            zh="记录的 _object_digest，或其前几位",
        ),
    ],
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from hefu.landing_report import received

    found = received(open_node(ctx, node), key)
    member = key.partition("!/")[2] or None
    if as_json:
        say_json(
            [
                {
                    "object": r.landed.digest,
                    "member": member,
                    "source": r.stream_id,
                    "origin": r.landed.origin,
                    "page": r.landed.page,
                    "fetched_at": r.landed.fetched_at,
                    "size": r.landed.size,
                    "path": str(r.landed.path) if r.there else None,
                    "pruned_at": r.landed.pruned_at,
                }
                for r in found
            ]
        )
        return
    say_table(
        [
            tr("source", "来源"),
            tr("origin", "原文件或地址"),
            tr("received", "接收时间"),
            tr("bytes", "字节"),
            tr("where", "位置"),
        ],
        [
            (
                r.stream_id,
                r.landed.origin + (f" #{r.landed.page}" if r.landed.page else ""),
                show_time(r.landed.fetched_at),
                show_count(r.landed.size),
                str(r.landed.path) if r.there else _gone(r.landed.pruned_at),
            )
            for r in found
        ],
        numbers=(3,),
    )
    if member:
        say(tr(f"in this archive: {member}", f"压缩包内的文件：{member}"))


def _gone(pruned_at: datetime | None) -> str:
    if pruned_at is None:
        return tr("missing: restore landing/ from the back-up", "缺失，请从备份恢复 landing/")
    return tr(
        f"pruned {show_time(pruned_at)} by the retention rule",
        f"已于 {show_time(pruned_at)} 按保存期限清理",
    )


def _days(text: str) -> timedelta:
    from connectors.config import parse_duration

    try:
        found = parse_duration(text)
    except ValueError:
        found = None
    if not isinstance(found, timedelta) or found < timedelta(days=1):
        raise ConfigError(
            Text(
                en=f"--older-than: {text!r} is not a number of days",
                zh=f"--older-than：“{text}”不是天数",
            ),
            hint=Text(en="write it as P400D, at least P1D", zh="请写成 P400D 的形式，最少 P1D"),
        )
    return found


# ---- words -----------------------------------------------------------------------------------


def _say_use(use: LandingUse) -> None:
    say_table(
        [
            tr("source", "来源"),
            tr("objects", "对象数"),
            tr("size", "大小"),
            tr("first", "最早"),
            tr("last", "最近"),
            tr("too old", "超期"),
            tr("no run names", "无引用"),
            tr("pruned", "已清理"),
        ],
        [_row(stream) for stream in use.streams],
        numbers=(1, 2, 5, 6, 7),
        empty=tr("nothing was received yet", "尚未接收任何数据"),
    )
    say(
        tr(
            f"on the disk: {show_count(use.objects)} objects, {show_size(use.size)}, and "
            f"{show_size(use.log_size)} of log; equal content is stored once",
            f"磁盘占用：{show_count(use.objects)} 个对象，{show_size(use.size)}，"
            f"日志 {show_size(use.log_size)}；相同内容只存一份",
        )
    )
    if use.unknown:
        say(
            tr(
                f"{show_count(use.unknown)} objects are in no log: left by a run that was killed",
                f"{show_count(use.unknown)} 个对象没有日志记录，是被中断的运行留下的",
            )
        )
    if use.keep is None:
        say(
            tr(
                "no retention rule: everything is kept ([landing] keep_days in hefu.toml)",
                "未设保存期限，全部保留（hefu.toml 的 [landing] keep_days）",
            )
        )
    else:
        say(
            tr(
                f"kept for {use.keep.days} days; hefu landing prune lets go of the rest",
                f"保留 {use.keep.days} 天；用 hefu landing prune 清理超期数据",
            )
        )


def _row(stream: StreamUse) -> tuple[str, ...]:
    return (
        stream.stream_id,
        show_count(stream.objects),
        show_size(stream.size),
        show_time(stream.first)[:10],
        show_time(stream.last)[:10],
        _part(stream.old, stream.old_size),
        _part(stream.orphans, stream.orphan_size),
        show_count(stream.pruned) if stream.pruned else "–",
    )


def _part(objects: int, size: int) -> str:
    return f"{show_count(objects)} ({show_size(size)})" if objects else "–"


def show_size(size: int) -> str:
    """Bytes as a person reads them: 512 B, 3.4 MB (decimal)."""
    number, units = float(size), ("B", "kB", "MB", "GB", "TB")
    for unit in units:
        if number < 1000 or unit == units[-1]:
            break
        number /= 1000
    return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"


def _say_pruned(done: Pruned) -> None:
    say_table(
        [
            tr("source", "来源"),
            tr("too old", "超期"),
            tr("no run names", "无引用"),
            tr("kept for quarantine", "因隔离行保留"),
        ],
        [
            (
                plan.stream_id,
                _part(len(plan.old), _size(plan, plan.old)),
                _part(len(plan.orphans), _size(plan, plan.orphans)),
                _part(len(plan.waiting), _size(plan, plan.waiting)),
            )
            for plan in done.plans
        ],
        numbers=(1, 2, 3),
        empty=tr("nothing was received yet", "尚未接收任何数据"),
    )
    for stream_id in done.busy:
        say_warning(
            tr(
                f"{stream_id} is being read right now and was left alone",
                f"{stream_id} 正在读取，本次未清理",
            )
        )
    if done.dry_run:
        say(
            tr(
                f"would free {show_size(done.size)} in {show_count(done.objects)} objects; "
                "nothing was deleted",
                f"试运行：可释放 {show_size(done.size)}，共 {show_count(done.objects)} 个对象；"
                "未删除任何数据",
            )
        )
    else:
        say(
            tr(
                f"freed {show_size(done.size)}: {show_count(done.objects)} objects deleted for "
                "good",
                f"已释放 {show_size(done.size)}，永久删除 {show_count(done.objects)} 个对象",
            )
        )


def _size(plan: Plan, digests: frozenset[str]) -> int:
    return sum(plan.sizes[digest] for digest in digests)


def _use_as_json(use: LandingUse) -> dict[str, Any]:
    return {
        "objects": use.objects,
        "bytes": use.size,
        "log_bytes": use.log_size,
        "in_no_log": use.unknown,
        "keep_days": use.keep.days if use.keep else None,
        "streams": [
            {
                "stream": s.stream_id,
                "objects": s.objects,
                "bytes": s.size,
                "first": s.first,
                "last": s.last,
                "too_old": {"objects": s.old, "bytes": s.old_size},
                "no_run_names": {"objects": s.orphans, "bytes": s.orphan_size},
                "pruned": s.pruned,
            }
            for s in use.streams
        ],
    }


def _pruned_as_json(done: Pruned) -> dict[str, Any]:
    def part(plan: Plan, digests: frozenset[str]) -> dict[str, int]:
        return {"objects": len(digests), "bytes": _size(plan, digests)}

    def streams(plans: Sequence[Plan]) -> list[dict[str, Any]]:
        return [
            {
                "stream": plan.stream_id,
                "too_old": part(plan, plan.old),
                "no_run_names": part(plan, plan.orphans),
                "kept_for_quarantine": part(plan, plan.waiting),
            }
            for plan in plans
        ]

    return {
        "dry_run": done.dry_run,
        "objects": done.objects,
        "bytes": done.size,
        "streams": streams(done.plans),
        "busy": list(done.busy),
    }
