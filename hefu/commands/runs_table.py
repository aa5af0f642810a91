"""Runs as people see them: one line per source, its counts, its gate, its top reasons."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hefu.terminal import say, say_data, say_table, show_count, tr

if TYPE_CHECKING:
    from lake.runs import RunRecord

_TOP = 3


def run_as_json(run: RunRecord) -> dict[str, Any]:
    """The run record as it lies in the lake: counts, digests, rule ids; no row's values."""
    plain: dict[str, Any] = json.loads(run.to_json())
    return plain


def say_runs(runs: Sequence[RunRecord], *, title: str | None = None) -> None:
    """The runs' counts as a table on stdout, and what a person must look at on stderr."""
    say_table(
        [
            tr("source", "来源"),
            tr("received", "收到"),
            tr("accepted", "入湖"),
            tr("unchanged", "未变"),
            tr("duplicate", "重复"),
            tr("quarantined", "隔离"),
            tr("flagged", "存疑"),
            tr("gate", "质量门槛"),
        ],
        [
            (
                run.stream_id,
                *(show_count(count) for count in counts(run)),
                gate_word(run.gate_passed),
            )
            for run in runs
        ],
        title=title,
        numbers=range(1, 7),
    )
    for run in runs:
        say_reasons(run)
        say_retracted(run)
    for run in runs:
        say_gate(run)
        say_alarms(run)
        say_drift(run)


def counts(run: RunRecord) -> tuple[int, int, int, int, int, int]:
    return (
        run.received,
        run.accepted,
        run.unchanged,
        run.duplicate,
        run.quarantined,
        run.flagged,
    )


def gate_word(passed: bool) -> str:
    return tr("passed", "通过") if passed else tr("FAILED", "未通过")


def top_reasons(reasons: Mapping[str, int]) -> str:
    """The most frequent rules, ``rule_id × count``."""
    most = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    shown = ", ".join(f"{rule} × {count:,}" for rule, count in most[:_TOP])
    more = len(most) - _TOP
    return shown + (tr(f", {more} more", f" 等 {len(most)} 项") if more > 0 else "")


def say_reasons(run: RunRecord) -> None:
    """Why rows of the run are in quarantine, on stdout."""
    if run.reasons:
        why = top_reasons(run.reasons)
        say_data(tr(f"{run.stream_id}: quarantined: {why}", f"{run.stream_id}：隔离原因：{why}"))


def say_gate(run: RunRecord) -> None:
    for reason in run.gate_reasons:
        say(tr(f"{run.stream_id}: gate: {reason}", f"{run.stream_id}：质量门槛：{reason}"))
    if run.gate_reasons:
        # A run without news, a backfill and a replay leave the gate as it is.
        again = f"hefu sync --full {run.stream_id}"
        say(
            tr(
                f"{run.stream_id}: a later sync that is better opens the gate; if nothing new "
                f"comes once it is put right: {again}",
                f"{run.stream_id}：以后的同步符合要求时自动恢复；问题已处理而没有新数据的，"
                f"请运行 {again}",
            )
        )


def say_retracted(run: RunRecord) -> None:
    """Records that the source no longer has, on stdout."""
    if run.retracted:
        count = show_count(run.retracted)
        say_data(
            tr(
                f"{run.stream_id}: retracted: {count} records are gone at the source",
                f"{run.stream_id}：来源已删除 {count} 条，已标注",
            )
        )


def say_alarms(run: RunRecord) -> None:
    """What a person must look into although the run is good: counts that differ."""
    for alarm in run.alarms:
        say(tr(f"{run.stream_id}: alarm: {alarm}", f"{run.stream_id}：告警：{alarm}"))


def say_drift(run: RunRecord) -> None:
    """Columns that the source added or lost since the mapping was written."""
    from flows.drift_words import told

    for text in told(run.drift):
        say(tr(f"{run.stream_id}: {text}", f"{run.stream_id}：{text}"))


def is_good(run: RunRecord) -> bool:
    """Whether nobody need look at the run: exit code 0."""
    return run.gate_passed and not run.alarms
