"""Letting go of what the landing area has kept long enough.

A plain function without Prefect, for the command and the nightly flow. Each stream is noted
first, in its own log, and only then are bytes deleted: killed anywhere, what was noted is deleted
by the next call, and nothing is ever gone that the log does not tell of. What a run is reading
stays: a stream whose lock is held is left for the next time.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.landing import Landing
from flows.locks import trying
from flows.waiting import waiting_objects
from hefu.landing_report import (
    ORPHAN_AGE,
    Named,
    Plan,
    keep_of,
    named_by_runs,
    plan_of,
    streams_of,
)
from hefu.node import Node


@dataclass(frozen=True, slots=True)
class Pruned:
    """``plans``: what of each stream went (or would go). ``busy``: streams that were being read
    and were left alone. ``objects``, ``size`` (bytes): what left the disk; an object that another
    stream still holds stays. ``unknown``: objects among them that no log knew.
    """

    plans: tuple[Plan, ...]
    busy: tuple[str, ...]
    objects: int
    size: int
    unknown: int
    dry_run: bool


def prune(
    node: Node,
    now: datetime,
    *,
    wanted: list[str] | None = None,
    keep: timedelta | None = None,
    quarantined: bool = False,
    dry_run: bool = False,
) -> Pruned:
    """Let go of objects older than ``keep`` (default: the node's rule), and of orphans.

    Without a rule only orphans go. Objects with rows that wait in quarantine stay, unless
    ``quarantined``. Raises :class:`ConfigError` for a stream that nothing was received for.
    """
    landing = Landing(node.place("landing"))
    keep = keep if keep is not None else keep_of(node)
    plans: list[Plan] = []
    busy: list[str] = []
    with ExitStack() as held:
        free: list[str] = []
        for stream_id in streams_of(landing, wanted):
            got = held.enter_context(trying(node, f"stream/{stream_id}"))
            (free if got else busy).append(stream_id)
        # Read under the locks: a run that ended just now has named what it read.
        named = named_by_runs(node)
        for stream_id in free:
            kinds = named.quarantined.get(stream_id, frozenset())
            waiting = frozenset() if quarantined else waiting_objects(node, stream_id, kinds)
            plan = plan_of(stream_id, landing.latest(stream_id), named, now, keep, waiting)
            if plan.going and not dry_run:
                landing.note_pruned(stream_id, plan.going, now)
            plans.append(plan)
    unknown = _unknown(landing, named, now)
    if dry_run:
        sizes = _would_go(landing, plans, unknown)
    else:
        sizes = {resting.digest: resting.size for resting in landing.sweep(unknown)}
    return Pruned(
        tuple(plans),
        tuple(busy),
        objects=len(sizes),
        size=sum(sizes.values()),
        unknown=len(unknown & sizes.keys()),
        dry_run=dry_run,
    )


def _unknown(landing: Landing, named: Named, now: datetime) -> frozenset[str]:
    """Objects that neither a log nor a run knows: a crash came between the two."""
    known = {d for stream_id in landing.streams() for d in landing.latest(stream_id)}
    before = (now - ORPHAN_AGE).timestamp()
    return frozenset(
        resting.digest
        for resting in landing.resting()
        if resting.digest not in known
        and resting.digest not in named.objects
        and resting.changed < before
    )


def _would_go(landing: Landing, plans: list[Plan], unknown: frozenset[str]) -> dict[str, int]:
    going = {plan.stream_id: plan.going for plan in plans}
    claimed: set[str] = set()
    let_go = set(unknown)
    for stream_id in landing.streams():
        for digest, landed in landing.latest(stream_id).items():
            goes = landed.pruned_at is not None or digest in going.get(stream_id, ())
            (let_go if goes else claimed).add(digest)
    resting = {r.digest: r.size for r in landing.resting()}
    return {d: resting[d] for d in let_go - claimed if d in resting}
