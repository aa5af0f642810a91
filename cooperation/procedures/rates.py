"""How many duties were done in time, by agency: with numerator and denominator."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from cooperation.procedures.clocks import Clock
from cooperation.procedures.table import ClockRow


@dataclass(frozen=True, slots=True)
class Rate:
    """Of the periods that ended in a span of days: ``kept`` in time, done ``late``, and still not
    done (``overdue``). ``entered_late``: of those kept, how many were entered after the end."""

    org: str
    procedure: str
    row: ClockRow
    kept: int
    late: int
    overdue: int
    entered_late: int

    @property
    def of(self) -> int:
        """The denominator: every duty whose time was over, or that was done."""
        return self.kept + self.late + self.overdue

    @property
    def share(self) -> float:
        return self.kept / self.of


def rates(clocks: Iterable[Clock], since: date, until: date) -> list[Rate]:
    """By agency and period, of the clocks whose last day lies from ``since`` to ``until``.

    A duty that still runs in time counts for nobody yet. Clocks of nobody (a body that was never
    named) are left out.
    """
    counted: defaultdict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
    rows: dict[tuple[str, str, str], ClockRow] = {}
    for clock in clocks:
        if clock.org is None or not since <= clock.last_day <= until:
            continue
        key = (clock.org, clock.matter.table.name, clock.row.name)
        rows[key] = clock.row
        counted[key].update([clock.standing, *(["entered_late"] if clock.entered_late else [])])
    return [
        Rate(
            org=org,
            procedure=procedure,
            row=rows[org, procedure, name],
            kept=counts["kept"],
            late=counts["late"],
            overdue=counts["overdue"],
            entered_late=counts["entered_late"],
        )
        for (org, procedure, name), counts in sorted(counted.items())
        if counts["kept"] + counts["late"] + counts["overdue"]
    ]
