"""How many matters are open and how their periods stand: for ``hefu status``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from schemas.text import Text

if TYPE_CHECKING:
    from cooperation.procedures.clocks import Clock
    from hefu.node import Node

OPEN_STANDINGS = ("running", "due_soon", "overdue")


@dataclass(frozen=True, slots=True)
class OpenMatters:
    """The open matters of one procedure; ``ours``: those where this agency acts next."""

    procedure: str
    label: Text
    open: int
    ours: int


@dataclass(frozen=True, slots=True)
class ClockCounts:
    """Periods that run, by how they stand."""

    running: int = 0
    due_soon: int = 0
    overdue: int = 0


@dataclass(frozen=True, slots=True)
class MatterCounts:
    """``own``: periods of this agency's duties; ``others``: of its partners' and other bodies'."""

    matters: tuple[OpenMatters, ...] = ()
    own: ClockCounts = ClockCounts()
    others: ClockCounts = ClockCounts()
    #: Own fines that may be the second for one act (``hefu recognise list``).
    second_fines: int = 0
    #: What does not hold in own transfers and signed decisions (``hefu transfer faults``).
    faults: int = 0
    #: Finished cases still to be notified, and how many of them are too late (``hefu clocks``).
    unsent: int = 0
    unsent_overdue: int = 0

    @property
    def needs_a_person(self) -> bool:
        return bool(
            self.own.overdue
            or self.others.overdue
            or self.second_fines
            or self.faults
            or self.unsent_overdue
        )


def count_matters(node: Node, now: datetime) -> MatterCounts:
    """From the node's acts, at ``now``. A node that has none costs next to nothing."""
    from flows.referring import unsent
    from lake.store import Lake

    lake = Lake(node.place("lake"))
    waiting = [by.due for _, _, by in unsent(node, now)]
    late = sum(due <= now for due in waiting)
    if lake.version("procedure_act") is None and lake.version("recognition") is None:
        return MatterCounts(unsent=len(waiting), unsent_overdue=late)
    from cooperation.procedures.clocks import open_clocks
    from cooperation.procedures.table import procedures
    from flows.matters import law_of, matters_of
    from flows.second_fines import second_fines
    from flows.transfer_checks import faults

    everything = matters_of(node)
    matters = [m for m in everything if m.is_open]
    org = node.agency.code
    counted = []
    for table in procedures().values():
        of_it = [m for m in matters if m.table is table]
        if of_it:
            ours = sum(m.awaits(org) for m in of_it)
            counted.append(OpenMatters(table.name, table.label, len(of_it), ours))
    found = open_clocks(matters, law_of(node, now), now)
    return MatterCounts(
        tuple(counted),
        own=_counted(clock for clock in found if clock.org == org),
        others=_counted(clock for clock in found if clock.org != org),
        second_fines=len(second_fines(node)),
        faults=len(faults(node, everything)),
        unsent=len(waiting),
        unsent_overdue=late,
    )


def _counted(clocks: Iterable[Clock]) -> ClockCounts:
    counts = Counter(clock.standing for clock in clocks)
    return ClockCounts(counts["running"], counts["due_soon"], counts["overdue"])
