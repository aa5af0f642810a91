"""``hefu status``: sources, counts, partners."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hefu.commands.exchange_shown import exchange_as_json, say_alarms_of, say_exchange
from hefu.commands.options import JSON, NODE, add_command, open_node, option
from hefu.terminal import say, say_data, say_json, say_table, say_warning, show_count, show_time, tr

if TYPE_CHECKING:
    from hefu.matter_counts import MatterCounts
    from hefu.node import Node
    from hefu.summary import NodeStatus, SourceStatus


def add_to(app: typer.Typer) -> None:
    add_command(
        app,
        status,
        "status",
        en="Show each source's last run, and what partners have, answered, lack and sent.\n\n"
        "Exit code 1 when a person is needed: the last sync of a source failed its gate, a source "
        "counts other rows than this node holds, or about a partner something is unanswered, "
        "refused, missing, told twice differently or overdue, or a period of a matter with another "
        "agency is over. Each comes with what to do.",
        zh="显示各来源最近一次运行，以及各合作单位已收、已答复、缺少和发来的内容。\n\n"
        "需要人工处理时退出码为 1：来源最近一次同步未通过质量门槛，来源统计的行数与本节点不一致，"
        "与合作单位之间有逾期未答复、拒收、缺号、同号异文或超期未发布的情况，"
        "或者与合作单位共同办理的事项有期限已过。"
        "每一项都附有处理办法。",
    )


def status(
    ctx: typer.Context,
    looked: Annotated[
        tuple[str, int] | None,
        option(
            "--looked",
            metavar="STREAM NUMBER",
            en="a person has looked at the two statements under this number",
            zh="人工已核实该号的两份不同声明",
        ),
    ] = None,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from hefu.commands.pipeline import node_extra

    here, now = open_node(ctx, node), datetime.now(UTC)
    with node_extra():
        from hefu.summary import summarise

        if looked is not None:
            _note_looked(here, looked, now)
        found = summarise(here, now)
    if as_json:
        say_json(_as_json(found))
    else:
        _say(found)
    raise typer.Exit(1 if found.needs_a_person else 0)


def _note_looked(node: Node, looked: tuple[str, int], now: datetime) -> None:
    from hefu.exchange_summary import settle

    for number in settle(node, *looked, now):
        say(tr(f"noted as looked at: {number}", f"已记为核实：{number}"))


def _say(found: NodeStatus) -> None:
    from hefu.commands.runs_table import say_alarms, say_gate, say_reasons, say_retracted

    say_data(f"{found.name} ({found.code})")
    _say_sources(found)
    for source in found.sources:
        if source.last_run is not None:
            say_reasons(source.last_run)
            say_retracted(source.last_run)
    _say_counts(found)
    say_exchange(found.sent, found.taken)
    _say_matters(found)
    for source in found.sources:
        if source.gate_run is not None:
            say_gate(source.gate_run)
        if source.counted is not None:
            say_alarms(source.counted)
        _say_drift(source)
        _say_standing(source)
    say_alarms_of(found.sent, found.taken, found.history)
    if any(source.unmapped for source in found.sources):
        say(
            tr(
                "see the codes that no list knows: hefu codes unmapped",
                "查看未对照的代码：hefu codes unmapped",
            )
        )
    if any(source.quarantined for source in found.sources):
        say(
            tr(
                "see the quarantined rows: hefu quarantine list",
                "查看被隔离的行：hefu quarantine list",
            )
        )


def _say_sources(found: NodeStatus) -> None:
    say_table(
        [
            tr("source", "来源"),
            tr("records", "记录类型"),
            tr("last run", "最近运行"),
            tr("received", "收到"),
            tr("accepted", "入湖"),
            tr("unchanged", "未变"),
            tr("duplicate", "重复"),
            tr("quarantined", "隔离"),
            tr("unmapped", "未对照"),
            tr("gate", "质量门槛"),
            tr("accepted in all", "累计入湖"),
        ],
        [_source_row(source) for source in found.sources],
        title=tr(
            "Sources (counts of the last run; unmapped: codes in current records)",
            "来源（计数为最近一次运行；未对照为现有记录中的代码）",
        ),
        numbers=(3, 4, 5, 6, 7, 8, 10),
        empty=tr("no source yet", "尚未配置数据来源"),
    )


def _say_matters(found: NodeStatus) -> None:
    """Matters with partners, and how the periods in them stand."""
    counts = found.cooperation
    if counts.second_fines:
        say_warning(
            tr(
                f"{counts.second_fines} of our fines may be the second for one act (行政处罚法 "
                "art. 29)",
                f"本机关有{counts.second_fines}起罚款疑似重复罚款（行政处罚法第二十九条）",
            ),
            tr("see hefu recognise list", "请用 hefu recognise list 查看"),
        )
    _say_duties(counts)
    if not counts.matters:
        return
    say_table(
        [tr("matters", "事项"), tr("open", "未结束"), tr("ours next", "轮到本机关")],
        [(str(m.label), show_count(m.open), show_count(m.ours)) for m in counts.matters],
        title=tr("Matters with other agencies", "与其他机关共同办理的事项"),
        numbers=(1, 2),
    )
    say_table(
        [
            tr("periods", "期限"),
            tr("running", "进行中"),
            tr("due soon", "即将到期"),
            tr("overdue", "已逾期"),
        ],
        [
            (who, *(show_count(n) for n in (c.running, c.due_soon, c.overdue)))
            for who, c in (
                (tr("this agency's", "本机关"), counts.own),
                (tr("others'", "其他机关"), counts.others),
            )
        ],
        numbers=(1, 2, 3),
    )
    if counts.own.overdue or counts.others.overdue:
        say(tr("see what is overdue: hefu clocks", "查看逾期事项：hefu clocks"))


def _say_duties(counts: MatterCounts) -> None:
    """What does not hold in this agency's own papers, and cases that nobody was told of."""
    if counts.faults:
        say_warning(
            tr(
                f"{counts.faults} things do not hold in own transfers or signed decisions",
                f"本机关的移送或者签名决定有 {counts.faults} 处问题",
            ),
            tr("see hefu transfer list", "请用 hefu transfer list 查看"),
        )
    if counts.unsent_overdue:
        say_warning(
            tr(
                f"{counts.unsent_overdue} finished overlimit cases were not notified in time",
                f"{counts.unsent_overdue} 件已办结的超限案件逾期未抄告",
            ),
            tr("see hefu clocks", "请用 hefu clocks 查看"),
        )
    elif counts.unsent:
        say(
            tr(
                f"finished overlimit cases still to be notified: {counts.unsent} (hefu clocks)",
                f"已办结、尚未抄告的超限案件 {counts.unsent} 件（见 hefu clocks）",
            )
        )


def _say_drift(source: SourceStatus) -> None:
    from flows.drift_words import told

    for text in told(source.drift, dated=True):
        say(tr(f"{source.stream_id}: {text}", f"{source.stream_id}：{text}"))


def _say_standing(source: SourceStatus) -> None:
    """A source that fails: since when, how often, at last why."""
    failing = source.standing
    if failing is not None:
        since = show_time(failing.since)
        say(
            tr(
                f"{source.stream_id}: has failed {failing.failures} times since {since}, "
                f"at last because {failing.error}",
                f"{source.stream_id}：自 {since} 起连续失败 {failing.failures} 次，"
                f"最近一次原因：{failing.error}",
            )
        )


def _say_counts(found: NodeStatus) -> None:
    """What the sources count themselves, where they do."""
    runs = [source.counted for source in found.sources if source.counted is not None]
    if not runs:
        return
    say_table(
        [
            tr("source", "来源"),
            tr("counted", "统计时间"),
            tr("the source", "来源统计"),
            tr("this node", "本节点"),
            tr("difference", "相差"),
        ],
        [
            (
                run.stream_id,
                show_time(run.started_at),
                show_count(run.source_count or 0),
                show_count(run.node_count or 0),
                show_count((run.node_count or 0) - (run.source_count or 0)),
            )
            for run in runs
        ],
        title=tr("Rows as the source counts them", "与来源核对行数"),
        numbers=(2, 3, 4),
    )


def _source_row(source: SourceStatus) -> tuple[str, ...]:
    from hefu.commands.runs_table import counts, gate_word

    run = source.last_run
    if run is None:
        never = tr("never", "尚未运行")
        return (source.stream_id, source.record_type, never, *["–"] * 8)
    return (
        source.stream_id,
        source.record_type,
        show_time(run.started_at),
        *(show_count(n) for n in counts(run)[:5]),
        show_count(source.unmapped),
        gate_word(source.gate_run.gate_passed) if source.gate_run else "–",
        show_count(source.accepted),
    )


def _as_json(found: NodeStatus) -> dict[str, Any]:
    from hefu.commands.runs_table import run_as_json

    sources = []
    for source in found.sources:
        plain = {
            "stream": source.stream_id,
            "label": source.label,
            "record_type": source.record_type,
            "runs": source.runs,
            "unmapped": source.unmapped,
            "failing": _failing_as_json(source),
            "last_run": run_as_json(source.last_run) if source.last_run else None,
            "gate_passed": source.gate_run.gate_passed if source.gate_run else None,
            "counts": _counts_as_json(source),
            "alarms": _alarms_as_json(source),
            "drift": source.drift.as_dict(),
            "in_all": {
                "received": source.received,
                "accepted": source.accepted,
                "unchanged": source.unchanged,
                "duplicate": source.duplicate,
                "quarantined": source.quarantined,
                "reasons": dict(source.reasons),
            },
        }
        sources.append(plain)
    return {
        "agency": {"code": found.code, "name": found.name},
        "sources": sources,
        "published": [exchange_as_json(sent) for sent in found.sent],
        "taken_in": [exchange_as_json(taken) for taken in found.taken],
        "history": [asdict(alarm) for alarm in found.history],
        "matters": _matters_as_json(found),
        "needs_a_person": found.needs_a_person,
    }


def _matters_as_json(found: NodeStatus) -> dict[str, Any]:
    counts = found.cooperation
    return {
        "open": {m.procedure: {"open": m.open, "ours": m.ours} for m in counts.matters},
        "clocks": {"own": asdict(counts.own), "others": asdict(counts.others)},
        "second_fines": counts.second_fines,
        "faults": counts.faults,
        "to_be_notified": {"open": counts.unsent, "overdue": counts.unsent_overdue},
    }


def _counts_as_json(source: SourceStatus) -> dict[str, Any] | None:
    run = source.counted
    if run is None:
        return None
    return {
        "at": run.started_at.isoformat(),
        "source": run.source_count,
        "node": run.node_count,
    }


def _alarms_as_json(source: SourceStatus) -> list[dict[str, str]]:
    return [] if source.counted is None else [asdict(alarm) for alarm in source.counted.alarms]


def _failing_as_json(source: SourceStatus) -> dict[str, Any] | None:
    failing = source.standing
    if failing is None:
        return None
    return {
        "failures": failing.failures,
        "since": failing.since.isoformat(),
        "last": failing.last.isoformat(),
        "error": {"en": failing.error.en, "zh": failing.error.zh},
    }
