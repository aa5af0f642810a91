"""``hefu check``: the node's configuration, its sources' reach, their mappings on a sample."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hefu.commands.options import JSON, NODE, add_command, argument, open_node, option
from hefu.terminal import (
    busy,
    say,
    say_error,
    say_json,
    tr,
)
from schemas.errors import ConfigError

if TYPE_CHECKING:
    from hefu.node import Node, Source
    from hefu.trial import Trial
    from schemas.errors import HefuError


def add_to(app: typer.Typer) -> None:
    add_command(
        app,
        check,
        "check",
        en="Check the configuration and try each mapping on a sample.\n\n"
        "Reads hefu.toml, sources, agreements, partners and the signing key; reaches each source, "
        "fetches a little and shows, field by field, what the mapping makes of it and which "
        "source columns it leaves unused. Where there is no mapping.sql yet, the columns are "
        "listed with the fields that they seem to be, and that suggestion is tried. Personal "
        "values are masked. Nothing is stored in the lake. Rows that would be quarantined are a "
        "warning (exit code 0).",
        zh="检查配置，并用样本试运行各来源的映射。\n\n"
        "读取 hefu.toml、来源、协议、合作单位与签名密钥；连接每个来源取少量数据，逐字段显示映射结果"
        "及未使用的来源列；尚无 mapping.sql 时，列出各列似乎对应的字段，并试运行这一建议。"
        "个人信息一律脱敏，不写入数据湖。"
        "样本中有行会被隔离时只作提醒（退出码 0）。",
    )


def check(
    ctx: typer.Context,
    sources: Annotated[
        list[str] | None,
        argument(
            "SOURCE",
            en="system or system/stream; all if none",
            zh="系统 或 系统/数据流；不写则为全部",
        ),
    ] = None,
    offline: Annotated[
        bool,
        option(
            "--offline", en="only the configuration: reach no source", zh="只检查配置，不连接来源"
        ),
    ] = False,
    streams: Annotated[
        bool,
        option(
            "--streams",
            en="also list the tables, sheets or files that the source has",
            zh="同时列出来源中的表、工作表或文件",
        ),
    ] = False,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from hefu.commands.pipeline import node_extra
    from hefu.commands.trial_shown import show_trial

    here = open_node(ctx, node)
    wanted = here.sources(list(sources or []) or None)
    about = _check_configuration(here)
    for line in about:
        say(line)
    trials: list[Trial] = []
    failures: list[tuple[Source, HefuError]] = []
    if not offline:
        with node_extra():
            trials, failures = _try_all(here, wanted)
    if as_json:
        say_json(
            {
                "sources": [asdict(trial) for trial in trials],
                "errors": [{"subject": s.stream_id, **e.as_dict()} for s, e in failures],
            }
        )
    else:
        for trial in trials:
            show_trial(here, trial, streams=streams)
    for source, error in failures:
        say(f"{source.stream_id}:")
        say_error(error)
    codes = [e.exit_code for _, e in failures]
    codes += [ConfigError.exit_code for trial in trials if trial.drafted is not None]
    raise typer.Exit(max(codes, default=0))


def _check_configuration(node: Node) -> list[str]:
    """Read everything that a run would read. Raises :class:`ConfigError` at the first fault."""
    from exchange.keys.signing import load_signer

    agreements, partners = node.agreements(), node.partners()
    keys = node.config.keys
    passphrase = node.secrets(keys.passphrase) if keys.passphrase else None
    load_signer(keys.signer, passphrase, root=node.root)
    count = len(node.sources())
    node.codes()
    own_law = _own_law(node)
    return [
        tr(
            f"node:    {node.agency.name} ({node.agency.code})",
            f"节点：{node.agency.name}（{node.agency.code}）",
        ),
        tr(
            f"read:    sources {count}, agreements {len(agreements)}, partners {len(partners)}, "
            "signing key usable",
            f"已读取：来源 {count} 个，协议 {len(agreements)} 份，合作单位 {len(partners)} 家，"
            "签名密钥可用",
        ),
        *own_law,
    ]


def _own_law(node: Node) -> list[str]:
    """What the node's folders ``rules`` and ``calendar`` hold; nothing if they are not used."""
    from schemas.law.calendar import load_calendar
    from schemas.node_packs import own_packs

    own, calendar = own_packs(node.rule_packs()), node.calendar()
    lines = []
    if own:
        versions = ", ".join(pack.version for pack in own)
        places = ", ".join(prefix for pack in own for prefix in pack.divisions)
        lines.append(
            tr(
                f"law:     own rule packs {versions} (divisions {places})",
                f"规则：本单位规则包 {versions}（行政区划 {places}）",
            )
        )
    if calendar is not load_calendar():
        lines.append(tr(f"days:    {calendar.version}", f"日历：{calendar.version}"))
    return lines


def _try_all(
    node: Node, sources: list[Source]
) -> tuple[list[Trial], list[tuple[Source, HefuError]]]:
    """Every source is tried; one that is away does not hide what is wrong with the next."""
    from hefu.trial import try_source
    from schemas.errors import HefuError

    trials, failures = [], []
    for source in sources:
        with busy(tr(f"trying {source.stream_id}", f"正在试运行 {source.stream_id}")):
            try:
                trials.append(try_source(node, source, datetime.now(UTC)))
            except HefuError as error:
                failures.append((source, error))
    return trials, failures
