"""How ``hefu status`` shows the exchange: a table each way, then what needs a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hefu.terminal import say, say_table, show_count, show_time, tr
from schemas.errors import plain

if TYPE_CHECKING:
    from hefu.exchange_alarms import Alarm
    from hefu.exchange_summary import SentStatus, TakenStatus


def say_exchange(sent: Sequence[SentStatus], taken: Sequence[TakenStatus]) -> None:
    """One table of what went out and one of what came in; none where there is no agreement."""
    if sent:
        _say_sent(sent)
    if taken:
        _say_taken(taken)


def _say_sent(sent: Sequence[SentStatus]) -> None:
    say_table(
        [
            tr("to", "接收方"),
            tr("stream", "数据流"),
            tr("bundles", "数据包"),
            tr("last", "最近"),
            tr("taken in up to", "已入库至"),
            tr("awaited", "待答复"),
            tr("for a person", "需处理"),
        ],
        [
            (
                s.name or s.partner,
                s.stream,
                show_count(s.sequence),
                show_time(s.time),
                f"#{s.answered_up_to}" if s.answered_up_to else "–",
                _awaited(s),
                _kinds(s.alarms),
            )
            for s in sent
        ],
        title=tr("Published", "已发布"),
        numbers=(2,),
    )
    for s in sent:
        _say_notes(s)


def _awaited(sent: SentStatus) -> str:
    if sent.awaited_until is None:
        return "–"
    # The deadline is the first moment that is too late; people speak of the last day.
    until = show_time(sent.awaited_until - timedelta(minutes=1))[:10]
    if sent.provisional:
        until = tr(f"{until}, provisional", f"{until}，暂定")
    return tr(f"{sent.awaited} (until {until})", f"{sent.awaited}（截止 {until}）")


def _say_notes(sent: SentStatus) -> None:
    """What is worth knowing and needs nobody."""
    if sent.waiting:
        say(
            tr(
                f"{sent.stream}: bundles at the partner that wait for one that it lacks: "
                f"{sent.waiting}",
                f"{sent.stream}：有 {sent.waiting} 个数据包已到对方，正等待所缺的前号",
            )
        )
    if sent.late:
        shown = show_time(sent.late_time)
        say(
            tr(
                f"{sent.stream}: answered late: {sent.late}, the last on {shown}",
                f"{sent.stream}：{sent.late} 个数据包迟复，最近一次为 {shown}",
            )
        )
    if sent.provisional:
        say(
            tr(
                f"{sent.stream}: the deadline is provisional: the calendar of working days does "
                "not reach that far yet",
                f"{sent.stream}：截止时间为暂定，工作日历尚未公布到该日",
            )
        )


def _say_taken(taken: Sequence[TakenStatus]) -> None:
    say_table(
        [
            tr("from", "发送方"),
            tr("stream", "数据流"),
            tr("bundles", "数据包"),
            tr("records", "记录数"),
            tr("last", "最近"),
            tr("as of", "对方签发于"),
            tr("for a person", "需处理"),
        ],
        [
            (
                t.name or t.partner,
                t.stream,
                show_count(t.sequence),
                show_count(t.rows),
                show_time(t.time),
                show_time(t.published_time),
                _kinds(t.alarms),
            )
            for t in taken
        ],
        title=tr("Taken in", "已接收"),
        numbers=(2, 3),
    )


def _kinds(alarms: Sequence[Alarm]) -> str:
    """``refused #3, missing #4``: what stands below the tables in full."""
    if not alarms:
        return "–"
    return ", ".join(
        " ".join([str(word_of(a.kind)), *(f"#{n}" for n in a.numbers[:4])]) for a in alarms
    )


def word_of(kind: str) -> str:
    from flows.bundle_states import STATE_WORDS

    others = {
        "beyond": tr("beyond our list", "超出本方清单"),
        "overdue": tr("overdue", "超期未发布"),
        "stale": tr("expired", "清单过期"),
    }
    states = {name: str(words) for name, words in STATE_WORDS.items()}
    return (states | others)[kind]


def say_alarms_of(
    sent: Sequence[SentStatus], taken: Sequence[TakenStatus], history: Sequence[Alarm] = ()
) -> None:
    """Each with since when and what to do. A partner's words are shown without control signs."""
    told = [*(a for s in sent for a in s.alarms), *(a for t in taken for a in t.alarms), *history]
    for alarm in dict.fromkeys(told):  # an expired list is told of once, not for each stream
        since = show_time(alarm.since) if alarm.since else None
        text, hint = plain(str(alarm.message)), plain(str(alarm.hint))
        said = tr(f"{text} (since {since})", f"{text}（自 {since}）") if since else text
        say(f"{said}\n    → {hint}")


def exchange_as_json(one: SentStatus | TakenStatus) -> dict[str, Any]:
    return asdict(one)
