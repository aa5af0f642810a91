"""Makes everything that the region's systems know, with the defects that real feeds have.

The same seed, number and time give the same rows. There are two nights: what the systems
hold at ``now``, and what has come in a day later: new rows, corrections of old ones, and late
rows whose update time lies before rows of the first night.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import combinations
from random import Random
from typing import Any, Final

from examples.region import defects, feeds, happenings, oddities
from examples.region.agencies import AGENCIES, Agency
from examples.region.facts import Case, Fact
from examples.region.feeds import Feed
from examples.region.happenings import Sighting
from examples.region.ledger import Defect, Kind, Ledger, ledger
from examples.region.people import BORN_KNOWN, driver, party, truck
from examples.region.renderings import Row

DEFAULT_RECORDS: Final = 20_000
SECOND_NIGHT_SHARE: Final = 0.01
SAME_ACT_SHARE: Final = 0.002
SAME_PARTY_SHARE: Final = 0.0005


@dataclass(frozen=True, slots=True)
class Entry:
    """One row as its system will deliver it, the night when it is there, its update time."""

    row: Row
    night: int
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Generated:
    """All rows by feed, in the order in which they were written down, and the ground truth."""

    feeds: dict[str, tuple[Entry, ...]]
    ledger: Ledger

    @property
    def first_night(self) -> int:
        return sum(number for (_, night), number in self.ledger.rows.items() if night == 1)


Make = Callable[[Random, Agency, int, datetime], Fact]


def _cases(overload_share: float) -> Make:
    def make(rng: Random, agency: Agency, serial: int, now: datetime) -> Case:
        overload = rng.random() < overload_share
        kind = happenings.overload_case if overload else happenings.licence_case
        return kind(rng, agency, serial, now)

    return make


# feed, its share of all records, what it is made of
PLAN: Final[tuple[tuple[Feed[Any], float, Make], ...]] = (
    (feeds.ZHICHAO, 0.21, _cases(0.75)),
    (feeds.WIM, 0.15, happenings.weigh_pass),
    (feeds.ANJI_HOTLINE, 0.015, happenings.work_order),
    (feeds.YUNZHENG, 0.275, _cases(0.5)),
    (feeds.CHAOGAO, 0.06, happenings.copy_notice),
    (feeds.GUANGDE_HOTLINE, 0.015, happenings.work_order),
    (feeds.ANJIAN, 0.175, _cases(0.5)),
    (feeds.JIANCHA, 0.085, happenings.inspection),
    (feeds.NINGGUO_HOTLINE, 0.015, happenings.work_order),
)
# Anji and Guangde share the border on which the same vehicle is stopped twice.
SEEN_TWICE: Final = (feeds.ZHICHAO.name, feeds.YUNZHENG.name)
CASES: Final = (feeds.ZHICHAO.name, feeds.YUNZHENG.name, feeds.ANJIAN.name)


def generate(seed: int, records: int, now: datetime) -> Generated:
    """About ``records`` rows for the first night, and one per cent of that for the second."""
    now = now.replace(microsecond=0)
    shared = _same_acts(seed, records, now)
    for name, known in _same_parties(seed, records).items():
        shared[name] += known
    made: dict[str, tuple[Entry, ...]] = {}
    found: list[Defect] = []
    for feed, share, make in PLAN:
        writer = _Writer(feed, make, Random(f"{seed}/{feed.name}"), found)  # noqa: S311
        count = max(round(records * share), 1)
        writer.first_night(count, now, shared.get(feed.name, []))
        writer.second_night(max(round(count * SECOND_NIGHT_SHARE), 1), now)
        made[feed.name] = tuple(sorted(writer.entries, key=lambda entry: entry.updated_at))
    rows = ((name, entry.night) for name, entries in made.items() for entry in entries)
    return Generated(feeds=made, ledger=ledger(rows, found))


def _same_acts(seed: int, records: int, now: datetime) -> dict[str, list[Sighting]]:
    """Feed → the acts in it that a neighbour's feed has as well."""
    rng = Random(f"{seed}/sightings")  # noqa: S311  invented data, not secrets
    acts = []
    for number in range(1, round(records * SAME_ACT_SHARE) + 1):
        who = party(rng, number % 3, BORN_KNOWN)
        acts.append(
            Sighting(
                known_as=f"act {number}",
                party=who,
                driver=driver(rng, who, number % 3),
                vehicle=truck(rng, "皖"),
                at=happenings.moment(rng, now),
            )
        )
    return {name: list(acts) if name in SEEN_TWICE else [] for name in CASES}


def _same_parties(seed: int, records: int) -> dict[str, list[Sighting]]:
    """Feed → the parties in it that have another case at a neighbour's."""
    rng = Random(f"{seed}/parties")  # noqa: S311  invented data, not secrets
    known: dict[str, list[Sighting]] = {name: [] for name in CASES}
    for one, other in combinations(zip(CASES, AGENCIES, strict=True), 2):
        for number in range(1, max(round(records * SAME_PARTY_SHARE), 1) + 1):
            who = party(rng, number % 3, BORN_KNOWN)
            # The firm's driver is another one on each side.
            for name, agency in (one, other):
                known[name].append(
                    Sighting(
                        known_as=f"{one[1].folder}-{other[1].folder} {number}",
                        party=who,
                        driver=driver(rng, who, agency.index),
                    )
                )
    return known


class _Writer:
    """Writes one feed down, row by row, and notes every defect."""

    def __init__(self, feed: Feed[Any], make: Make, rng: Random, found: list[Defect]) -> None:
        self.feed = feed
        self.make = make
        self.rng = rng
        self.found = found
        self.entries: list[Entry] = []
        self.serial = 0
        self._sound: Row | None = None
        self._correctable: Any = None
        # What no fact could be made into yet: the next that can, will.
        self._owed: Kind | None = None

    def first_night(self, count: int, now: datetime, sightings: list[Sighting]) -> None:
        for sighting in sightings[:count]:
            self.serial += 1
            case = happenings.overload_case(
                self.rng, self.feed.agency, self.serial, now, seen=sighting
            )
            kind: Kind = "same_act" if sighting.vehicle else "same_party"
            self._note(kind, self._write(case, night=1), night=1, detail=sighting.known_as)
        for _ in range(count - len(sightings[:count])):
            self._one(now)

    def second_night(self, count: int, now: datetime) -> None:
        """Rows of the day after ``now``, a quarter of them with an update time before it."""
        tomorrow = now + timedelta(days=1)
        for number in range(count):
            self.serial += 1
            fact = self.make(self.rng, self.feed.agency, self.serial, now)
            late = number % 4 == 0
            hours = -self.rng.randint(1, 6) if late else self.rng.randint(1, 20)
            updated_at = (now + timedelta(hours=hours)).replace(microsecond=0)
            row = self._write(replace(fact, updated_at=updated_at), night=2)
            if late:
                self._note("late", row, night=2)
        if self._correctable is not None:
            version = happenings.corrected(self.rng, self._correctable, tomorrow)
            version = replace(version, updated_at=now + timedelta(hours=2))
            self._note("corrected", self._write(version, night=2), night=2)

    def _one(self, now: datetime) -> None:
        """The next fact, written down well or badly."""
        self.serial += 1
        fact: Any = self.make(self.rng, self.feed.agency, self.serial, now)
        kind = defects.choose(self.rng, self.feed) or self._owed
        odd = oddities.make_odd(self.rng, self.feed, kind, fact)
        if odd is not None:
            if kind == self._owed:
                self._owed = None
            row = self._write(odd.fact, night=1)
            row.update(odd.columns)
            self._note(odd.kind, row, night=1, detail=odd.detail)
            return
        row = self._write(fact, night=1)
        if kind in oddities.KINDS:
            self._owed = kind
        elif kind is None:
            self._sound = row
            self._correctable = fact if self.feed.correctable else None
        elif kind == "exact_duplicate":
            self.entries.append(self.entries[-1])
            self._note(kind, row, night=1)
        elif kind == "corrected":
            version = happenings.corrected(self.rng, fact, now)
            self._note(kind, self._write(version, night=1), night=1)
        elif defects.spoil(self.rng, self.feed, kind, row, self._sound):
            self._note(kind, row, night=1)

    def _write(self, fact: Any, *, night: int) -> Row:
        row = self.feed.render(fact)
        self.entries.append(Entry(row, night, fact.updated_at))
        return row

    def _note(self, kind: Kind, row: Row, *, night: int, detail: str = "") -> None:
        identity = str(row[self.feed.identity])
        self.found.append(Defect(self.feed.name, night, kind, identity, detail))
