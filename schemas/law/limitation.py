"""Until when an act may still be punished (行政处罚法 art. 36).

Calendar years from the act, or from the end of an act that went on. The period ends on the
corresponding day; where there is none (29 February) on the last day of the month. Whether the
day of the act counts is a reading of the pack (choice ``limitation_first_day``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from schemas.law.basis import Basis
from schemas.law.jurisdiction import choice, parameter
from schemas.rulepack import RulePack


@dataclass(frozen=True, slots=True)
class Limitation:
    """``last_day``: the last day on which a discovery is in time."""

    ended: date
    last_day: date
    years: int
    grave: bool
    bases: tuple[Basis, ...]

    def passed_on(self, day: date) -> bool:
        """Whether a discovery on ``day`` comes too late."""
        return day > self.last_day


def limitation(
    ended: date,
    division_code: str,
    day: date,
    *,
    grave: bool = False,
    packs: Iterable[RulePack] | None = None,
) -> Limitation:
    """The period of limitation for an act.

    Args:
        ended: the day of the act; of an act that went on or was repeated, the day of its end.
        day: the day on which the law is asked, usually that of the filing.
        grave: concerns life, health or financial safety, and harm was done.

    Raises:
        ConfigError: no period is in force on ``day``.
    """
    name = "limitation_years_grave" if grave else "limitation_years"
    found = parameter(name, division_code, day, packs)
    reading = choice("limitation_first_day", division_code, day, packs)
    years = int(found.entry.value)
    last = _years_later(ended, years)
    if reading.entry.value == "same_day":
        last -= timedelta(days=1)
    return Limitation(ended, last, years, grave, (found.basis, reading.basis))


def _years_later(day: date, years: int) -> date:
    if day.year + years > date.max.year:
        return date.max
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        # 29 February: the last day of the month.
        return date(day.year + years, day.month + 1, 1) - timedelta(days=1)
