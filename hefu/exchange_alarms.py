"""What about the exchange needs a person: which number of which stream, since when, what to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from exchange.agreement.model import LEGAL_TIME
from schemas.text import Text

if TYPE_CHECKING:
    from exchange.agreement.model import Agreement, Grant
    from exchange.trust.partner import Partner
    from flows.answers import SentStream
    from flows.bundle_states import Said
    from flows.receipts import Kept
    from hefu.partner_seen import Seen


@dataclass(frozen=True, slots=True)
class Alarm:
    """One thing about one stream that a person has to do something about.

    ``kind``: a state of ``flows.bundle_states`` (``refused``, ``missing``, ``unanswered``,
    ``forked``), ``beyond``, ``overdue``, ``stale`` or ``history``. ``numbers``: of the bundles, if
    it is about some. ``hint``: what to do.
    """

    kind: str
    message: Text
    hint: Text
    numbers: tuple[int, ...] = ()
    since: datetime | None = None


def sent_alarms(stream: SentStream, looked: set[str]) -> Iterable[Alarm]:
    name, chain = stream.partner_name or stream.partner, stream.stream
    for bundle in stream.of("unanswered"):
        n, since = bundle.sequence, bundle.due.deadline if bundle.due else None
        yield Alarm(
            "unanswered",
            Text(
                en=f"{name} has not answered number {n} of {chain} in time",
                zh=f"{name}未按期答复 {chain} 第 {n} 号",
            ),
            Text(
                en="ask them whether they receive; their receipts come with hefu receive",
                zh="请联系对方确认是否正常接收；对方回执由 hefu receive 取回",
            ),
            (n,),
            since,
        )
    for bundle in stream.of("missing"):
        n = bundle.sequence
        yield Alarm(
            "missing",
            Text(
                en=f"{name} can't get number {n} of {chain}: {bundle.state.reason}",
                zh=f"{name}取不到 {chain} 第 {n} 号：{bundle.state.reason}",
            ),
            Text(
                en=f"hefu publish --again {chain} {n}",
                zh=f"请执行 hefu publish --again {chain} {n}",
            ),
            (n,),
            bundle.state.since,
        )
    for bundle in stream.of("refused"):
        n = bundle.sequence
        yield Alarm(
            "refused",
            Text(
                en=f"{name} refused number {n} of {chain}: {bundle.state.reason}",
                zh=f"{name}拒收 {chain} 第 {n} 号：{bundle.state.reason}",
            ),
            Text(
                en="if the file was damaged on its way or can't be opened with their new key: "
                f"hefu publish --again {chain} {n}; else settle with them what the reason names",
                zh="若文件在途中损坏，或对方换了密钥无法解密："
                f"hefu publish --again {chain} {n}；其他原因请与对方商定处理",
            ),
            (n,),
            bundle.state.since,
        )
    for bundle in stream.of("forked"):
        if not set(bundle.state.decided_by) <= looked:
            yield _forked(chain, bundle.sequence, bundle.state.since, bundle.state.reason, name)
    if stream.beyond:
        yield Alarm(
            "beyond",
            Text(
                en=f"{name} has answered number {stream.beyond[-1]} of {chain}, and this node's "
                f"own list ends at {stream.last}",
                zh=f"{name}已答复 {chain} 第 {stream.beyond[-1]} 号，"
                f"而本节点的清单止于第 {stream.last} 号",
            ),
            Text(
                en="either this node was put back from an old backup, or the receipt is wrong: "
                "ask them for that bundle's digest and publish nothing until it is clear; a lost "
                "repository/ and sent/ come back from a place that they were copied to",
                zh="本节点可能从旧备份恢复，也可能是对方回执有误：请先向对方索取该包摘要核实，"
                "查清前请勿发布；缺失的 repository/ 与 sent/ 可从发布位置恢复",
            ),
            stream.beyond,
        )


def _forked(
    stream: str, number: int, since: datetime | None, reason: str | None, partner: str
) -> Alarm:
    told = f": {reason}" if reason else ""
    return Alarm(
        "forked",
        Text(
            en=f"{partner} and this node hold two statements under number {number} of "
            f"{stream}{told}",
            zh=f"{stream} 第 {number} 号：{partner}与本节点所持声明不同{told}",
        ),
        Text(
            en="compare the digests by telephone and keep the evidence; when it is settled: "
            f"hefu status --looked {stream} {number}",
            zh=f"请电话核对摘要并保留证据；核实处理后执行 hefu status --looked {stream} {number}",
        ),
        (number,),
        since,
    )


def gaps(
    stream: str, head: int, ours: Sequence[Kept], looked: set[str], name: str
) -> Iterable[Alarm]:
    """What we have said of numbers whose turn has not come, and of second statements."""
    from flows.answering import ask_again

    said = [kept.said for kept in ours]
    lacking = sorted((s for s in said if s.kind == "missing" and s.sequence > head), key=_number)
    refused = {s.sequence for s in said if s.kind == "refused"}
    lacking = [s for s in lacking if s.sequence not in refused]
    if lacking:
        numbers = tuple(s.sequence for s in lacking)
        listed = ", ".join(str(n) for n in numbers)
        listed_zh = "、".join(str(n) for n in numbers)
        yield Alarm(
            "missing",
            Text(
                en=f"number {listed} of {stream} can't be had from {name}",
                zh=f"取不到{name}发布的 {stream} 第 {listed_zh} 号",
            ),
            ask_again(stream, numbers, name),
            numbers,
            min(s.said_time for s in lacking),
        )
    newest = {s.sequence: s for s in sorted(said, key=_time) if s.kind == "refused"}
    for one in sorted((s for n, s in newest.items() if n > head), key=_number):
        yield Alarm(
            "refused",
            Text(
                en=f"number {one.sequence} of {stream} from {name} was refused: {one.reason}",
                zh=f"已拒收{name}发布的 {stream} 第 {one.sequence} 号：{one.reason}",
            ),
            Text(
                en="settle it with them; hefu receive tries again each time",
                zh="请与对方商定处理；每次执行 hefu receive 时会重试",
            ),
            (one.sequence,),
            one.said_time,
        )
    for one in sorted((s for s in said if s.kind == "fork"), key=_number):
        if one.receipt_no not in looked:
            yield _forked(stream, one.sequence, one.said_time, one.reason, name)


def _number(said: Said) -> int:
    return said.sequence


def _time(said: Said) -> datetime:
    return said.said_time


def overdue(
    stream: str,
    under: tuple[Agreement, Grant],
    read: datetime | None,
    now: datetime,
    name: str,
) -> Iterable[Alarm]:
    """The newest that was read of the partner is older than was agreed. ``read``: when the
    partner signed it; None: nothing was ever read, so the agreement's first day counts."""
    agreement, grant = under
    days = grant.delivery.at_least_every_days
    if days is None or not agreement.is_running(now):
        return
    last = read or datetime.combine(agreement.valid_from, time(), LEGAL_TIME)
    if now - last <= timedelta(days=days):
        return
    told = (
        Text(
            en=f"nothing of {name} for {stream} has been read yet",
            zh=f"{stream}：尚未读到{name}发布的任何内容",
        )
        if read is None
        else Text(
            en=f"the newest that was read of {name} for {stream} is {(now - last).days} days old",
            zh=f"{stream}：读到的{name}最新内容已有 {(now - last).days} 天",
        )
    )
    yield Alarm(
        "overdue",
        Text(
            en=f"{told.en}; at least every {days} days was agreed",
            zh=f"{told.zh}，约定至少每 {days} 天发布一次",
        ),
        Text(
            en="run hefu receive; if there is still nothing, ask the partner whether it publishes",
            zh="请执行 hefu receive；若仍无新内容，请联系对方确认是否正常发布",
        ),
        since=last + timedelta(days=days),
    )


def stale(seen: Seen, partner: Partner, now: datetime, name: str) -> Iterable[Alarm]:
    """What was last read of the partner is older than our policy takes."""
    if now < seen.expires + timedelta(days=partner.config.max_stale_days):
        return
    yield Alarm(
        "stale",
        Text(
            en=f"what was last read of {name} has expired",
            zh=f"最近一次读取的{name}发布清单已过有效期",
        ),
        Text(
            en="run hefu receive; if the partner's list is still that old, ask whether it "
            "publishes every night",
            zh="请执行 hefu receive；若对方清单仍未更新，请确认对方是否每晚发布",
        ),
        since=seen.expires,
    )
