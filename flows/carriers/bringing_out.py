"""Bringing our repository to every place of ``[publishing]`` in hefu.toml."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from exchange.repository.mirror import Mirrored, mirror
from exchange.repository.settings import shown
from flows.carriers import open_writing_carrier
from flows.outcome import Outcome
from hefu.node import Node, PublishingPlace
from schemas.errors import HefuError


@dataclass(frozen=True, slots=True)
class BroughtOut:
    """What one place got. ``at``: its address; ``time``: when; ``bytes``: with the timestamp."""

    at: str
    time: datetime
    files: int
    bytes: int


def bring_out(node: Node, now: datetime, *, thorough: bool = False) -> list[Outcome]:
    """Bring every place to what is published. One that can't be reached keeps no other from it;
    it gets what it missed with the next call.

    ``thorough``: ask for every file, also for those that the place should have. The outcomes'
    subjects are the places' addresses, their results :class:`BroughtOut`.
    """
    return [_bring_to(node, place, now, thorough) for place in node.config.publishing.places]


def _bring_to(node: Node, place: PublishingPlace, now: datetime, thorough: bool) -> Outcome:
    at = shown(place.at)
    try:
        carrier = open_writing_carrier(node, place.at, place.access)
        try:
            sent: Mirrored = mirror(node.place("repository"), carrier, thorough=thorough)
        finally:
            carrier.close()
    except HefuError as error:
        return Outcome(at, error=error)
    return Outcome(at, BroughtOut(at, now, sent.files, sent.bytes))
