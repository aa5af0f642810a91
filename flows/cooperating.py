"""What a node does by itself, every night, with what agencies have of each other.

Only proposals, and the referrals that the agreements' routes order: nothing here decides. The parts
run in this order because each rests on the one before: what was withdrawn must not be counted, and
what is counted anew may have to be referred.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flows.accumulating import Accumulated, accumulate_and_refer
from flows.erasing import Erased, go_on
from flows.hotlines import Taken, take_orders
from flows.outcome import Outcome, settle
from flows.recognising import Proposed, propose_recognitions, recheck
from flows.referring import STILL_DUE, Routed, route
from flows.withdrawal_proofs import prove
from flows.withdrawing import Followed, follow
from hefu.node import Node
from schemas.errors import HefuError
from schemas.text import Text


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence about what a part did. ``for_a_person``: somebody has to do something now."""

    text: Text
    for_a_person: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """``run`` may be repeated at any time: it adds nothing twice."""

    name: str
    label: Text
    run: Callable[[Node, datetime], Any]
    told: Callable[[Any], Iterator[Said]]


def cooperate(node: Node, now: datetime, parts: Sequence[Part] | None = None) -> list[Outcome]:
    """Every part once; one that fails does not stop the others. Without Prefect.

    Raises ``PartsFailedError`` with all outcomes if a part failed.
    """
    return settle([work(node, part, now) for part in parts or PARTS])


def work(node: Node, part: Part, now: datetime) -> Outcome:
    """One part, its failure as an outcome. What is not an error of ours is raised."""
    try:
        return Outcome(part.name, result=part.run(node, now))
    except HefuError as error:
        return Outcome(part.name, error=error)


def part_of(name: str) -> Part:
    return next(part for part in PARTS if part.name == name)


def _followed(done: Followed) -> Iterator[Said]:
    if done.opened:
        yield _count(len(done.opened), "withdrawals opened for partners", "件撤回、更正待通知对方")
    if done.sent:
        yield _count(len(done.sent), "withdrawals have gone out", "件撤回、更正已发出")
    if done.proposals:
        yield _count(
            len(done.proposals),
            "records were revoked by their source, no document is known: hefu withdraw proposals",
            "条记录已由来源撤销，尚未登记文书：请查看 hefu withdraw proposals",
            person=True,
        )
    if done.contradicted:
        yield _count(
            len(done.contradicted),
            "records are told otherwise by their source after the correction",
            "条记录更正之后，来源仍报送原内容，请核对来源系统",
            person=True,
        )


def _proved(done: Sequence[Any]) -> Iterator[Said]:
    if done:
        yield _count(len(done), "partners' withdrawals answered", "件对方的撤回、更正已答复")


def _erased(done: Sequence[Erased]) -> Iterator[Said]:
    finished = [one for one in done if one.is_done]
    if finished:
        yield _count(len(finished), "erasures are done", "项依法删除已完成")
    if len(done) > len(finished):
        yield _count(
            len(done) - len(finished),
            "erasures wait for a publication or a partner: hefu erase --list",
            "项依法删除尚待发布或者合作单位接收：请查看 hefu erase --list",
        )


def _taken(done: Taken) -> Iterator[Said]:
    if done.opened:
        yield _count(
            len(done.opened),
            "hotline orders accepted: hefu hotline list",
            "件热线工单已接收：请查看 hefu hotline list",
            person=True,
        )
    if done.settled:
        yield _count(
            len(done.settled),
            "orders were settled by the hotline itself: close them",
            "件工单已由热线自行办结，请作办结处理",
            person=True,
        )


def _rechecked(done: Sequence[Any]) -> Iterator[Said]:
    if done:
        yield _count(
            len(done),
            "recognitions are open again or have lapsed: hefu recognise list",
            "件互认因原结果变化需重新决定或者已失去基础：请查看 hefu recognise list",
            person=True,
        )


def _proposed(done: Proposed) -> Iterator[Said]:
    if done.numbers:
        yield _count(
            len(done.numbers),
            "recognitions proposed: hefu recognise list",
            "件互认建议待决定：请查看 hefu recognise list",
            person=True,
        )


def _accumulated(done: Accumulated) -> Iterator[Said]:
    if done.written:
        yield _count(
            len(done.written),
            "accumulations are new or changed: hefu accumulate",
            "条累计情况有新增或者变化：请查看 hefu accumulate",
        )
    if done.opened:
        yield _count(
            len(done.opened),
            "accumulations referred to the office of the registration place",
            "条累计情况已抄告车籍地机关",
        )
    due = [one for one in done.stayed if one.left.reason in STILL_DUE]
    if due:
        yield _count(
            len(due),
            "accumulations could not be referred by rule: hefu refer route --dry-run",
            "条累计情况无法按规则抄告：请查看 hefu refer route --dry-run",
            person=True,
        )
    if done.withdrawn:
        yield _count(
            len(done.withdrawn),
            "referrals withdrawn, because the count fell below the limit",
            "件抄告因累计次数回落已撤回",
        )
    if done.too_late:
        yield _count(
            len(done.too_late),
            "accumulations fell below the limit after the office had acted: tell it",
            "条累计回落时对方已经立案，请联系对方机关",
            person=True,
        )


def _routed(done: Routed) -> Iterator[Said]:
    if done.opened:
        yield _count(len(done.opened), "referrals sent by rule", "件按协议规则自动抄告")
    due = [one for one in done.left if one.left.reason in STILL_DUE]
    if due:
        yield _count(
            len(due),
            "records could not be referred by rule: hefu refer route --dry-run",
            "条记录无法按规则抄告：请查看 hefu refer route --dry-run",
            person=True,
        )
    gone = [one for one in done.changed if one.gone]
    if gone:
        yield _count(
            len(gone),
            "referred records were revoked or are gone: look whether to withdraw the referral",
            "条已抄告的记录已被撤销或者删除，请决定是否撤回抄告",
            person=True,
        )


def _count(number: int, en: str, zh: str, *, person: bool = False) -> Said:
    return Said(Text(en=f"{number} {en}", zh=f"{number} {zh}"), person)


PARTS: tuple[Part, ...] = (
    Part("withdraw", Text(en="withdrawals", zh="撤回与更正"), follow, _followed),
    Part("prove", Text(en="partners' withdrawals", zh="对方的撤回与更正"), prove, _proved),
    Part("hotline", Text(en="hotline orders", zh="热线工单"), take_orders, _taken),
    Part("recheck", Text(en="recognitions made", zh="已有互认复核"), recheck, _rechecked),
    Part("recognise", Text(en="recognition", zh="处理结果互认"), propose_recognitions, _proposed),
    Part("refer", Text(en="referrals", zh="线索抄告"), route, _routed),
    Part("accumulate", Text(en="accumulation", zh="累计"), accumulate_and_refer, _accumulated),
    Part("erase", Text(en="erasures", zh="依法删除"), go_on, _erased),
)
