"""``hefu check``: the node's configuration, its sources' reach, their mappings on a sample."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hefu.commands.options import JSON, NODE, add_command, argument, open_node, option
from hefu.terminal import busy, say, say_data, say_error, say_json, say_table, say_warning, tr

if TYPE_CHECKING:
    from hefu.node import Node, Source
    from hefu.trial import FieldTrial, Trial
    from schemas.errors import HefuError


def add_to(app: typer.Typer) -> None:
    add_command(
        app,
        check,
        "check",
        en="Check the configuration and try each mapping on a sample.\n\n"
        "Reads hefu.toml, sources, agreements, partners and the signing key; reaches each source, "
        "fetches a little and shows, field by field, what the mapping makes of it and which "
        "source columns it leaves unused. Personal values are masked. Nothing is stored in the "
        "lake. Rows that would be quarantined are a warning (exit code 0).",
        zh="检查配置，并用样本试运行各来源的映射。\n\n"
        "读取 hefu.toml、来源、协议、协作单位与签名密钥；连接每个来源取少量数据，逐字段显示映射结果"
        "及未使用的来源列。个人信息一律脱敏，不写入数据湖。"
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
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from hefu.commands.pipeline import node_extra

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
            _show(here, trial)
    for source, error in failures:
        say(f"{source.stream_id}:")
        say_error(error)
    raise typer.Exit(max((e.exit_code for _, e in failures), default=0))


def _check_configuration(node: Node) -> list[str]:
    """Read everything that a run would read. Raises :class:`ConfigError` at the first fault."""
    from exchange.keys import load_signer

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
            f"已读取：来源 {count} 个，协议 {len(agreements)} 份，协作单位 {len(partners)} 家，"
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


def _show(node: Node, trial: Trial) -> None:
    say_data(
        tr(
            f"{trial.stream_id} → {trial.record_type}: sample of {trial.rows} rows",
            f"{trial.stream_id} → {trial.record_type}：样本 {trial.rows} 行",
        )
    )
    say_table(
        [
            tr("field", "字段"),
            tr("label", "名称"),
            tr("made of", "来源列"),
            tr("source value", "原值"),
            tr("becomes", "规范值"),
            tr("filled", "有值"),
            tr("refused", "不合格"),
        ],
        [_row(field) for field in trial.fields],
        numbers=(5, 6),
    )
    _say_unused(trial)
    _say_problems(node, trial)
    say_data("")
    _warn(trial)


def _say_unused(trial: Trial) -> None:
    """Explained columns with their reasons; :func:`_warn` is loud about the others."""
    names = ", ".join(trial.unused) or tr("none", "无")
    say_data(
        tr(f"source columns that the mapping does not use: {names}", f"映射未使用的来源列：{names}")
    )
    if trial.explained:
        say_data(tr("left out on purpose:", "按说明不使用的列："))
    for name, reason in trial.explained.items():
        say_data(tr(f"  {name}: {reason}", f"  {name}：{reason}"))


def _row(field: FieldTrial) -> tuple[str, ...]:
    return (
        field.name + (" *" if field.required else ""),
        field.label_zh,
        ", ".join(field.columns),
        field.raw if field.raw is not None else "",
        field.value if field.value is not None else "",
        str(field.filled),
        str(field.failed_rows) if field.failed_rows else "",
    )


def _say_problems(node: Node, trial: Trial) -> None:
    """Each broken rule once, with what it says and what to do."""
    from hefu.row_reasons import OF_READING
    from schemas.contract import load_contract

    rules = {rule.rule_id: rule for rule in node.rules(load_contract(trial.record_type))}
    refused, flagged = tr("refused", "不合格"), tr("flagged", "存疑")
    for word, broken in ((refused, trial.reasons), (flagged, trial.soft)):
        for rule_id, count in broken.items():
            rule = rules.get(rule_id) or OF_READING.get(rule_id)
            said = f": {rule.message}" if rule else ""
            say_data(f"{word} {count} × {rule_id}{said}")


def _warn(trial: Trial) -> None:
    total = trial.rows + trial.unreadable
    if not total:
        say_warning(
            tr(
                f"{trial.stream_id}: the source gave no row",
                f"{trial.stream_id}：来源没有返回任何数据行",
            ),
            tr(
                "check path, pattern and window in source.toml",
                "请检查 source.toml 中的路径、文件名模式与时间窗口",
            ),
        )
    if trial.unused:
        say_warning(
            tr(
                f"{trial.stream_id}: nobody says why these columns are not used: "
                + ", ".join(trial.unused),
                f"{trial.stream_id}：下列来源列未使用，也没有说明理由：" + "、".join(trial.unused),
            ),
            tr(
                "use them in mapping.sql, or say why not under [unused_columns] in source.toml",
                "请在 mapping.sql 中使用，或在 source.toml 的 [unused_columns] 中写明理由",
            ),
        )
    if trial.contradicted:
        names = ", ".join(trial.contradicted)
        say_warning(
            tr(
                f"{trial.stream_id}: named under [unused_columns], but the mapping uses: {names}",
                f"{trial.stream_id}：[unused_columns] 中列出、映射却使用了的列：{names}",
            ),
            tr("take them out of [unused_columns]", "请从 [unused_columns] 中删去"),
        )
    if trial.quarantined and total:
        say_warning(
            tr(
                f"{trial.stream_id}: {trial.quarantined} of {total} rows of the sample would be "
                "quarantined",
                f"{trial.stream_id}：样本 {total} 行中有 {trial.quarantined} 行将被隔离",
            ),
            tr(
                "if the rows are right, correct mapping.sql; if they are wrong, the source must",
                "数据无误则修改 mapping.sql；数据有误则请来源单位更正",
            ),
        )
