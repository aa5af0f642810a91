"""What the landing area holds: by stream, how much, since when, and what may go.

Only counts, sizes, days and digests are told, never content.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from schemas.errors import ConfigError, Where
from schemas.text import Text

if TYPE_CHECKING:
    from connectors.landing import Landed, Landing
    from hefu.node import Node

ORPHAN_AGE = timedelta(days=7)
"""An object that no run names is kept this long: a run may be about to name it."""


@dataclass(frozen=True, slots=True)
class StreamUse:
    """One stream's objects. ``size`` in bytes; an object that two streams received counts in
    both. ``old``: older than the retention rule lets them be; ``orphans``: that no run names,
    though the stream went on without them; ``pruned``: let go before. ``first``, ``last``: when
    the oldest and the newest that is still there was received.
    """

    stream_id: str
    objects: int
    size: int
    first: datetime | None
    last: datetime | None
    old: int
    old_size: int
    orphans: int
    orphan_size: int
    pruned: int


@dataclass(frozen=True, slots=True)
class LandingUse:
    """``objects`` and ``size`` (bytes) are what is on the disk, each content once. ``unknown``:
    objects that no stream's log knows. ``log_size``: of the logs, in bytes."""

    streams: tuple[StreamUse, ...]
    objects: int
    size: int
    unknown: int
    log_size: int
    keep: timedelta | None


@dataclass(frozen=True, slots=True)
class Named:
    """What the runs say: ``objects``: digest → the last run that names it; ``runs``: stream →
    its last run; ``quarantined``: stream → record types of which rows were ever quarantined."""

    objects: Mapping[str, datetime]
    runs: Mapping[str, datetime]
    quarantined: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Plan:
    """Digests of one stream: ``old`` by the rule, ``orphans``, and those in ``waiting``, which
    are old but hold rows that wait for a person. Sizes in bytes by digest in ``sizes``."""

    stream_id: str
    old: frozenset[str]
    orphans: frozenset[str]
    waiting: frozenset[str]
    sizes: Mapping[str, int]

    @property
    def going(self) -> frozenset[str]:
        return self.old | self.orphans


@dataclass(frozen=True, slots=True)
class Received:
    """An object, as the log of a stream last tells of it. ``there``: its bytes are."""

    stream_id: str
    landed: Landed
    there: bool


def received(node: Node, key: str) -> list[Received]:
    """By key, digest or its first digits: where an object came from, in every stream.

    Raises :class:`ConfigError` if no stream's log knows it, or several objects begin so.
    """
    from connectors.landing import Landing

    landing = Landing(node.place("landing"))
    start = key.partition("!/")[0].lower()
    found = [
        Received(stream_id, landed, landed.path.exists())
        for stream_id in landing.streams()
        for digest, landed in landing.latest(stream_id).items()
        if digest.startswith(start)
    ]
    different = {r.landed.digest for r in found}
    if len(different) != 1 or not start:
        raise ConfigError(
            Text(
                en=f"no object begins with {start!r}"
                if not different
                else f"{len(different)} objects begin with {start!r}",
                zh=f"没有以 {start!r} 开头的对象"
                if not different
                else f"有 {len(different)} 个对象以 {start!r} 开头",
            ),
            hint=Text(
                en="give the _object_digest of a record, or more of its digits",
                zh="请写记录的 _object_digest，或多写几位",
            ),
        )
    return found


def keep_of(node: Node) -> timedelta | None:
    """How long the node keeps what was received (``[landing] keep_days``); None: for ever."""
    days = node.config.landing.keep_days
    return None if days is None else timedelta(days=days)


def landing_use(node: Node, now: datetime, wanted: list[str] | None = None) -> LandingUse:
    """What the landing area holds; of ``wanted`` systems or streams only, if given.

    Raises :class:`ConfigError` for a stream that nothing was ever received for.
    """
    from connectors.landing import Landing

    landing = Landing(node.place("landing"))
    keep, named = keep_of(node), named_by_runs(node)
    known: set[str] = set()
    streams = []
    asked = set(streams_of(landing, wanted))
    for stream_id in landing.streams():
        latest = landing.latest(stream_id)
        known |= latest.keys()
        if stream_id in asked:
            plan = plan_of(stream_id, latest, named, now, keep, frozenset())
            streams.append(_use(plan, latest))
    resting = list(landing.resting())
    return LandingUse(
        tuple(streams),
        objects=len(resting),
        size=sum(r.size for r in resting),
        unknown=sum(r.digest not in known for r in resting),
        log_size=landing.log_size(),
        keep=keep,
    )


def streams_of(landing: Landing, wanted: list[str] | None) -> list[str]:
    """Streams by system or system/stream; all without. Raises :class:`ConfigError`."""
    found = landing.streams()
    if not wanted:
        return found
    systems = {s.partition("/")[0] for s in found}
    for name in wanted:
        if name not in found and name not in systems:
            raise ConfigError(
                Text(
                    en=f"nothing was ever received from {name!r}",
                    zh=f"从未收到过 {name!r} 的数据",
                ),
                where=Where(name),
                hint=Text(
                    en=f"known: {', '.join(found) or 'none yet'}",
                    zh=f"现有：{'、'.join(found) or '（无）'}",
                ),
            )
    return [s for s in found if s in wanted or s.partition("/")[0] in wanted]


def named_by_runs(node: Node) -> Named:
    """What the lake's runs name, of all streams and record types."""
    from lake.store import Lake
    from schemas.contract import record_types

    lake = Lake(node.place("lake"))
    objects: dict[str, datetime] = {}
    runs: dict[str, datetime] = {}
    quarantined: dict[str, frozenset[str]] = {}
    for record_type in record_types():
        for run in lake.runs(record_type):
            runs[run.stream_id] = max(run.started_at, runs.get(run.stream_id, run.started_at))
            if run.quarantine_file:
                kinds = quarantined.get(run.stream_id, frozenset())
                quarantined[run.stream_id] = kinds | {record_type}
            for key in run.landed:
                digest = key.partition("!/")[0]
                objects[digest] = max(run.started_at, objects.get(digest, run.started_at))
    return Named(objects, runs, quarantined)


def plan_of(
    stream_id: str,
    latest: Mapping[str, Landed],
    named: Named,
    now: datetime,
    keep: timedelta | None,
    waiting: Collection[str],
) -> Plan:
    """Which objects of a stream may go.

    Old: received, and last named by a run, before ``now - keep``. Orphan: older than
    :data:`ORPHAN_AGE`, named by no run, though the stream had a run after it: as long as every
    run fails, what was received stays. ``waiting``: digests of objects that are kept though old.
    """
    old, orphans = set(), set()
    last_run = named.runs.get(stream_id)
    for digest, landed in latest.items():
        if landed.pruned_at is not None:
            continue
        run = named.objects.get(digest)
        used = max(landed.fetched_at, run or landed.fetched_at)
        if keep is not None and used < now - keep:
            old.add(digest)
        elif run is None and used < now - ORPHAN_AGE and last_run is not None and last_run > used:
            orphans.add(digest)
    return Plan(
        stream_id,
        frozenset(old - set(waiting)),
        frozenset(orphans),
        frozenset(old & set(waiting)),
        {digest: landed.size for digest, landed in latest.items()},
    )


def _use(plan: Plan, latest: Mapping[str, Landed]) -> StreamUse:
    here = [landed for landed in latest.values() if landed.pruned_at is None]
    days = [landed.fetched_at for landed in here]
    return StreamUse(
        plan.stream_id,
        objects=len(here),
        size=sum(landed.size for landed in here),
        first=min(days, default=None),
        last=max(days, default=None),
        old=len(plan.old),
        old_size=sum(plan.sizes[d] for d in plan.old),
        orphans=len(plan.orphans),
        orphan_size=sum(plan.sizes[d] for d in plan.orphans),
        pruned=len(latest) - len(here),
    )
