"""Bundles that a partner has not taken in yet, signed again when the keys that sign them change.

A partner verifies a bundle with the keys that hold when it first sees it. What it has answered it
keeps with its evidence; what it has not answered it may still have to verify.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from schemas.errors import HefuError

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
