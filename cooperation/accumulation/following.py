"""What a new count says beside the last snapshot of the same subject.

That time goes by takes nothing back: who exceeded the limit within a year has exceeded it. So an
earlier snapshot is held against the same window counted anew, and only records that came, were
corrected or were revoked since make a new one.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Literal

from cooperation.accumulation.law import Base, Kind, WindowKind
from cooperation.accumulation.model import Accumulation

Change = Literal["crossed", "more", "corrected", "below"]


@dataclass(frozen=True, slots=True)
class Earlier:
    """The newest snapshot of a subject. ``chain``: record identifiers of it and of those that it
    follows back to the crossing, the newest first."""

    record_id: str
    no: str
    kind: Kind
    token: str
    base: Base
    window_kind: WindowKind | None
    window_end: date
    exceeded: bool
    hits: frozenset[str]
    chain: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class News:
    """A snapshot to be written."""

    change: Change
    accumulation: Accumulation
    earlier: Earlier | None = None


def hits_of(accumulation: Accumulation) -> frozenset[str]:
    return frozenset(case.record_id for case in accumulation.counted())


def news_of(
    found: Collection[Accumulation], again: Accumulation | None, earlier: Earlier | None
) -> News | None:
    """What is to be written; None if nothing is.

    Args:
        found: counts of the subject now that exceed the limit (of today, of a day gone by).
        again: the window of ``earlier`` counted anew; needed if it exceeded the limit.
        earlier: the newest snapshot, None if there is none.
    """
    best = max(found, key=lambda a: (a.count, a.window.end), default=None)
    if earlier is None or not earlier.exceeded:
        new = [a for a in found if earlier is None or not hits_of(a) <= earlier.hits]
        first = max(new, key=lambda a: (a.count, a.window.end), default=None)
        return None if first is None else News("crossed", first, earlier)
    further = [a for a in found if not hits_of(a) <= earlier.hits]
    if further:
        return News("more", max(further, key=lambda a: (a.count, a.window.end)), earlier)
    if best is not None and (again is None or again.standing != "exceeded"):
        return News("corrected", best, earlier)
    if again is None:
        return None
    if again.standing != "exceeded":
        return News("below", again, earlier)
    if hits_of(again) == earlier.hits:
        return None
    return News("more" if hits_of(again) > earlier.hits else "corrected", again, earlier)
