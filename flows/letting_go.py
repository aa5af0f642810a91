"""The end of retention: what an agreement allows to be kept for so long is let go of after it.

Only the bundle goes, which holds the records. The evidence record, the signed statement (no
record is in it) and all digests stay, so that it can still be said and shown what was received
when: the publisher's own copy has the same SHA-256. What the lake holds is not touched here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from exchange.agreement.model import LEGAL_TIME, Agreement
from exchange.trust.evidence import Kept, kept_in

if TYPE_CHECKING:
    from hefu.node import Node


@dataclass(frozen=True, slots=True)
class Held:
    """One bundle's evidence and how long the bundle may stay. ``last_day``: the last day (in UTC+8)
    on which it is kept; None: the agreement sets no end."""

    kept: Kept
    last_day: date | None

    @property
    def is_here(self) -> bool:
        return self.kept.bundle.is_file()

    def is_over(self, now: datetime) -> bool:
        return self.last_day is not None and now.astimezone(LEGAL_TIME).date() > self.last_day


def held(node: Node, publisher: str | None = None) -> Iterator[Held]:
    """All evidence of this node, by publisher, stream and sequence."""
    agreements: dict[str, Agreement] = {}
    for kept in kept_in(node.place("inbox"), publisher):
        digest = kept.evidence.agreement_sha256
        if digest not in agreements:
            agreements[digest] = Agreement.model_validate(json.loads(kept.agreement()))
        yield Held(kept, _last_day(kept, agreements[digest]))


def let_go(node: Node, now: datetime) -> list[Kept]:
    """Remove the bundles whose retention is over, by the agreement under which each came.

    A bundle is never removed before. Run twice it removes nothing twice.
    """
    gone = []
    for one in held(node):
        if one.is_here and one.is_over(now):
            one.kept.bundle.unlink()
            gone.append(one.kept)
    return gone


def _last_day(kept: Kept, agreement: Agreement) -> date | None:
    for grant in agreement.grants:
        if agreement.stream_id(grant) == kept.evidence.stream and grant.retention_days is not None:
            day = kept.evidence.received_time.astimezone(LEGAL_TIME).date()
            return day + timedelta(days=grant.retention_days)
    return None
