"""What is the case with a node: its sources' last runs, its partners' last bundles.

Read from the lake's own commits, the ledger and the published chain; nothing is kept apart,
so nothing can disagree. ``hefu status`` and the demo's last screen show it. What is the case with
partners is in ``hefu/exchange_summary.py``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from hefu.exchange_summary import (
    SentStatus,
    TakenStatus,
    history_alarms,
    sent_status,
    taken_status,
)
from hefu.matter_counts import MatterCounts, count_matters

if TYPE_CHECKING:
    from hefu.exchange_alarms import Alarm
    from hefu.node import Node
    from hefu.standing import Standing
    from lake.drift import Drift
    from lake.runs import RunRecord


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """One source: its last run (None: never ran) and what all its runs did together.

    Runs that found nothing new are only counted as the last one: the lake keeps one of them a day.

    ``gate_run``: the last run that continued from the cursor. Its gate is the one that publishing
    asks; a backfill is a person's own doing and opens or closes none.

    ``accepted`` counts record versions stored; ``quarantined`` and ``reasons`` count rows of
    all runs, so a row that came again with the same fault counts again. ``unmapped`` counts
    the values of its current records that no code list knows (``hefu codes unmapped``).
    ``counted``: the last run in which the source counted itself; its alarms stand until a later one
    agrees. ``drift``: columns that somebody still has to tell of.
    """

    stream_id: str
    label: str
    record_type: str
    last_run: RunRecord | None
    gate_run: RunRecord | None
    runs: int
    received: int
    accepted: int
    unchanged: int
    duplicate: int
    quarantined: int
    reasons: Mapping[str, int]
    unmapped: int
    counted: RunRecord | None
    drift: Drift
    standing: Standing | None
    """What is held against it, while it fails."""
    left_alone: bool
    """It failed so often that it is not asked for a while."""


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """The agency, its sources, what it sent to partners and took in from them; ``history``: what
    it was told of chains that can't all be so; ``cooperation``: matters with partners."""

    code: str
    name: str
    sources: tuple[SourceStatus, ...]
    sent: tuple[SentStatus, ...]
    taken: tuple[TakenStatus, ...]
    history: tuple[Alarm, ...] = ()
    cooperation: MatterCounts = field(default_factory=MatterCounts)

    @property
    def needs_a_person(self) -> bool:
        return (
            any(
                (s.gate_run is not None and not s.gate_run.gate_passed)
                or (s.counted is not None and bool(s.counted.alarms))
                or s.left_alone
                for s in self.sources
            )
            or any(s.needs_a_person for s in self.sent)
            or any(t.needs_a_person for t in self.taken)
            or bool(self.history)
            or self.cooperation.needs_a_person
        )


def summarise(node: Node, now: datetime) -> NodeStatus:
    """The node's state at ``now``. Raises :class:`ConfigError` for wrong configuration."""
    from flows.receipts import kept_receipts

    receipts = kept_receipts(node)
    sent, taken = sent_status(node, receipts, now), taken_status(node, receipts, now)
    return NodeStatus(
        code=node.agency.code,
        name=node.agency.name,
        sources=tuple(_sources(node)),
        sent=tuple(sent),
        taken=tuple(taken),
        history=history_alarms(node, [*sent, *taken]),
        cooperation=count_matters(node, now),
    )


def _sources(node: Node) -> list[SourceStatus]:
    from flows.idle import last_idle
    from flows.standing_news import standing_count, standing_drift
    from hefu.code_work.unmapped import unmapped_values
    from hefu.standing import standing_of
    from lake.store import Lake

    lake = Lake(node.place("lake"))
    found = []
    runs_of: dict[str, list[RunRecord]] = {}
    sources = node.sources()
    for record_type in {source.config.record_type for source in sources}:
        runs_of[record_type] = lake.runs(record_type)
    own = {source.stream_id for source in sources}
    unmapped = unmapped_values(
        node, (run for runs in runs_of.values() for run in runs if run.stream_id in own)
    )
    for source in sources:
        record_type = source.config.record_type
        runs = [r for r in runs_of[record_type] if r.stream_id == source.stream_id]
        standing = standing_of(node, source.stream_id)
        reasons: Counter[str] = Counter()
        for run in runs:
            reasons.update(run.reasons)
        found.append(
            SourceStatus(
                stream_id=source.stream_id,
                label=source.config.label,
                record_type=record_type,
                last_run=last_idle(node, source.stream_id) or (runs[0] if runs else None),
                gate_run=next((run for run in runs if run.mode == "cursor"), None),
                runs=len(runs),
                received=sum(r.received for r in runs),
                accepted=sum(r.accepted for r in runs),
                unchanged=sum(r.unchanged for r in runs),
                duplicate=sum(r.duplicate for r in runs),
                quarantined=sum(r.quarantined for r in runs),
                reasons=dict(reasons),
                unmapped=unmapped.get(source.stream_id, 0),
                counted=standing_count(source.config, runs),
                drift=standing_drift(source.config, runs),
                standing=standing,
                left_alone=standing is not None
                and standing.left_alone_until(source.config.limits) is not None,
            )
        )
    return found
