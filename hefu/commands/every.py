"""``hefu sync --every``: keep syncing until somebody stops it, a line a round."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Event, Lock
from typing import TYPE_CHECKING, Any

from hefu.terminal import CST, say, say_data, show_count, tr

if TYPE_CHECKING:
    from flows.outcome import Outcome
    from hefu.node import Node, Source


def keep_syncing(
    node: Node,
    sources: Sequence[Source],
    interval: timedelta,
    *,
    full: bool,
    anyway: bool,
    as_json: bool,
) -> None:
    """Sync ``sources`` every ``interval`` until Ctrl-C or SIGTERM; a round in progress ends."""
    from hefu.commands.pipeline import node_extra

    with node_extra():
        from flows.every import sync_every

    names = ", ".join(source.stream_id for source in sources)
    say(
        tr(
            f"syncing {names} every {_shown(interval)}; Ctrl-C ends it",
            f"每 {_shown(interval)} 同步一次 {names}；按 Ctrl-C 结束",
        )
    )
    stop = Event()
    with _stopped_by_signals(stop):
        sync_every(
            str(node.root),
            [source.stream_id for source in sources],
            interval,
            stop,
            _teller(as_json=as_json),
            full=full,
            anyway=anyway,
        )
    say(tr("stopped; every round that had begun is done", "已停止，已开始的各轮均已完成"))


@contextmanager
def _stopped_by_signals(stop: Event) -> Iterator[None]:
    """Ctrl-C and SIGTERM ask for the end; a second one breaks off, which loses nothing either."""

    def end(number: int, _frame: Any) -> None:
        if stop.is_set():
            signal.default_int_handler(number, _frame)
        say(
            tr(
                "ending; the rounds that have begun are finished first",
                "正在结束，先完成已开始的各轮",
            )
        )
        stop.set()

    before = {s: signal.signal(s, end) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _teller(*, as_json: bool) -> Callable[[Outcome], None]:
    """Says one round in one line; rounds end in several threads."""
    lock = Lock()

    def tell(outcome: Outcome) -> None:
        from hefu.commands.pipeline import tell_failures
        from hefu.commands.runs_table import say_alarms, say_drift

        now = datetime.now(CST)  # as every other time on the screen
        with lock:
            if as_json:
                say_data(json.dumps(_as_dict(outcome, now), ensure_ascii=False))
                return
            if outcome.result is not None:
                say_data(f"{now:%Y-%m-%d %H:%M:%S} {outcome.subject} {_counts(outcome.result)}")
                say_alarms(outcome.result)
                say_drift(outcome.result)
            elif outcome.postponed is not None:
                reason = outcome.postponed.message
                say(f"{now:%Y-%m-%d %H:%M:%S} {outcome.subject} {reason}")
            else:
                say(f"{now:%Y-%m-%d %H:%M:%S}")
                tell_failures([outcome])

    return tell


def _as_dict(outcome: Outcome, now: datetime) -> dict[str, Any]:
    from hefu.commands.runs_table import run_as_json

    told: dict[str, Any] = {"at": now.isoformat(), "subject": outcome.subject}
    if outcome.result is not None:
        told["run"] = run_as_json(outcome.result)
    if outcome.postponed is not None:
        told["postponed"] = outcome.postponed.as_dict()
    if outcome.error is not None:
        told["error"] = outcome.error.as_dict()
    return told


def _counts(run: Any) -> str:
    parts = [
        (tr("received", "收到"), run.received),
        (tr("accepted", "入湖"), run.accepted),
        (tr("quarantined", "隔离"), run.quarantined),
    ]
    return " ".join(f"{word} {show_count(number)}" for word, number in parts)


def _shown(interval: timedelta) -> str:
    seconds = int(interval.total_seconds())
    for size, en, zh in ((3600, "h", "小时"), (60, "min", "分钟")):
        if seconds % size == 0:
            return tr(f"{seconds // size} {en}", f"{seconds // size} {zh}")
    return tr(f"{seconds} s", f"{seconds} 秒")
