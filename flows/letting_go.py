"""The end of retention: what an agreement allows to be kept for so long is let go of after it.

Only the bundle goes, which holds the records. The evidence record, the signed statement (no
record is in it) and all digests stay, so that it can still be said and shown what was received
when: the publisher's own copy has the same SHA-256. What the lake holds is not touched here.

A bundle with a sealed lead that nobody has come for stays and is told of: it holds the only copy.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from exchange.agreement.model import LEGAL_TIME, Agreement
from exchange.trust.evidence import Kept, kept_in
from exchange.trust.evidence_verify import statement_of
from flows.sealed import waiting_leads
from schemas.errors import DataError
from schemas.text import Text

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

    A bundle is never removed before. Run twice it removes nothing twice. Raises ``DataError``,
    when all others are gone, for those that stay because of a sealed lead.
    """
    over = [one.kept for one in held(node) if one.is_here and one.is_over(now)]
    waiting = {lead.bundle_id: lead.sealed_no for lead in waiting_leads(node)} if over else {}
    gone, numbers = [], []
    for kept in over:
        number = waiting.get(_bundle_id(kept)) if waiting else None
        if number is not None:
            numbers.append(number)
            continue
        kept.bundle.unlink()
        gone.append(kept)
    if numbers:
        raise _not_handed_over(numbers)
    return gone


def _bundle_id(kept: Kept) -> str:
    return statement_of(kept.statement.read_bytes())[0].bundle_id


def _not_handed_over(numbers: list[str]) -> DataError:
    return DataError(
        Text(
            en=f"the retention of received sealed leads is over and nobody has come for them: "
            f"{', '.join(numbers)}; their bundles stay",
            zh=f"以下密封件保存期已届满而无人领取：{'、'.join(numbers)}；其所在数据包暂不清除",
        ),
        hint=Text(
            en="hefu sealed take NUMBER --out FILE, and hand it to the officer; the next run lets "
            "the bundle go",
            zh="请执行 hefu sealed take 编号 --out 文件，交给专人；下次运行时即清除该数据包",
        ),
    )


def _last_day(kept: Kept, agreement: Agreement) -> date | None:
    for grant in agreement.grants:
        if agreement.stream_id(grant) == kept.evidence.stream and grant.retention_days is not None:
            day = kept.evidence.received_time.astimezone(LEGAL_TIME).date()
            return day + timedelta(days=grant.retention_days)
    return None
