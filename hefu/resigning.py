"""Bundles that a partner has not taken in yet, signed again when the keys that sign them change.

A partner verifies a bundle with the keys that hold when it first sees it. What it has answered it
keeps with its evidence; what it has not answered it may still have to verify.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from schemas.errors import ConfigError, HefuError, Where
from schemas.text import Text

if TYPE_CHECKING:
    from flows.outcome import Outcome
    from hefu.node import Node


def unanswered_bundles(node: Node, now: datetime) -> list[tuple[str, int]]:
    """Stream and number of every published bundle that its partner did not say it took in."""
    from exchange.repository.local import published_streams

    if not published_streams(node.place("repository")):
        return []
    from flows.answers import sent_streams

    return [
        (stream.stream, number)
        for stream in sent_streams(node, now)
        for number in range(stream.taken_up_to + 1, stream.last + 1)
    ]


def without_agreement(node: Node) -> list[Outcome]:
    """Published streams of which no agreement is here any more, with what it means for them: what
    their partner has not taken in can't be signed again."""
    from exchange.agreement.versions import grant_of
    from exchange.repository.local import head, published_streams
    from flows.outcome import Outcome
    from flows.receipts import kept_receipts

    repository, agreements = node.place("repository"), node.agreements()
    gone = [
        stream
        for stream in published_streams(repository)
        if not any(grant_of(agreement, stream) for agreement in agreements)
    ]
    if not gone:
        return []
    taken = {
        (one.stream, one.said.sequence)
        for one in kept_receipts(node)
        if one.said.kind == "taken_in"
    }
    found = []
    for stream in gone:
        last = head(repository, node.place("sent"), stream)
        if last is not None and (stream, last.sequence) not in taken:
            error = _no_agreement(node, stream, last.sequence)
            found.append(Outcome(stream, error=error))
    return found


def _no_agreement(node: Node, stream: str, last: int) -> ConfigError:
    return ConfigError(
        Text(
            en=f"the agreement of {stream} is not here any more, and its partner has not said that "
            f"it took in everything up to number {last}",
            zh=f"{stream} 所依据的协议已不在本节点，且对方尚未回执已接收至第 {last} 号",
        ),
        where=Where(str(node.root / "agreements")),
        hint=Text(
            en="what the partner first reads from now on it refuses; if it is still to have it, "
            "put the agreement's file back and run hefu publish --again STREAM NUMBER for each",
            zh="对方此后才首次读取的数据包将被拒收；如仍需提供，请放回协议文件，"
            "并逐号执行 hefu publish --again 数据流 序号",
        ),
    )


def sign_again(node: Node, bundles: Iterable[tuple[str, int]], now: datetime) -> list[Outcome]:
    """Put each out again under the signers of ``node``; one that fails keeps no other from it."""
    from flows.outcome import Outcome
    from flows.sending_again import send_again

    found = []
    for stream, number in bundles:
        subject = f"{stream} {number}"
        try:
            found.append(Outcome(subject, send_again(node, stream, number, now)))
        except HefuError as error:
            found.append(Outcome(subject, error=error))
    return found
