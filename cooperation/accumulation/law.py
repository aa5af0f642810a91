"""The law that an accumulation is reckoned by: that of the place that may revoke, on the day.

Article 66 of 公路安全保护条例 leaves much open (from which date, how the year is laid, whether a
warning counts); each reading is a choice of the rule packs, never of this program.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Literal, cast

from schemas.law.basis import Basis
from schemas.law.jurisdiction import choice, parameter, rows_for
from schemas.rule_entries import Parameter
from schemas.rulepack import RulePack, packs_of, rule_set_version

Kind = Literal["vehicle", "driver", "transport_enterprise"]
Base = Literal["violation", "decision"]
WindowKind = Literal["rolling_year", "licence_year", "calendar_year"]

KINDS: tuple[Kind, ...] = ("vehicle", "driver", "transport_enterprise")

_OVERLOAD = ("overload_road", "overlimit_road")
_OVERSIZE = ("oversize_road",)
_LIMIT = {
    "vehicle": "accumulation_vehicle_times",
    "driver": "accumulation_driver_times",
    "transport_enterprise": "accumulation_operator_ratio",
}
_REVOCATION = "accumulation_operator_revocation_ratio"


@dataclass(frozen=True, slots=True)
class Window:
    """First and last day that count, both included, and how the year was laid."""

    kind: WindowKind
    start: date
    end: date


@dataclass(frozen=True)
class AccumulationLaw:
    """What the rule packs say for one place on one day.

    ``limits``: what must be exceeded, a number of times or a ratio, by kind of subject;
    ``revocation_ratio``: beyond it an operator's licence is revoked; None where no text says so.
    """

    version: str
    as_of: date
    base: Base
    window_kind: WindowKind
    first_day_included: bool
    years: int
    causes: tuple[str, ...]
    warnings_count: bool
    pending_count: bool
    limits: dict[Kind, Decimal]
    bases: dict[Kind, Basis]
    revocation_ratio: Decimal | None
    revocation_basis: Basis | None

    @cached_property
    def rolling(self) -> Window:
        before = years_before(self.as_of, self.years)
        start = before if self.first_day_included else before + timedelta(days=1)
        return Window("rolling_year", start, self.as_of)

    @cached_property
    def calendar(self) -> Window:
        return Window("calendar_year", date(self.as_of.year - self.years + 1, 1, 1), self.as_of)

    def window(self, first_issue: date | None = None) -> Window:
        """The window of a subject whose licence was first issued on that day.

        A licence year needs that day: where it is not known the year is rolling.
        """
        if self.window_kind == "calendar_year":
            return self.calendar
        if self.window_kind == "licence_year" and first_issue and first_issue <= self.as_of:
            gone = self.as_of.year - first_issue.year
            if years_after(first_issue, gone) > self.as_of:
                gone -= 1
            begun = years_after(first_issue, max(gone - self.years + 1, 0))
            return Window("licence_year", begun, self.as_of)
        return self.rolling

    @property
    def earliest(self) -> date:
        """No window of this law begins before it."""
        return min(self.rolling.start, years_before(self.as_of, self.years), self.calendar.start)


def years_before(day: date, years: int) -> date:
    """The corresponding day; the last of its month where there is none (29 February)."""
    return years_after(day, -years)


def years_after(day: date, years: int) -> date:
    year = day.year + years
    if day.month == 2 and day.day == 29 and not _leap(year):
        return date(year, 2, 28)
    return day.replace(year=year)


def _leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


class Laws:
    """The law of each division on one day, worked out once for all divisions of a pack."""

    def __init__(
        self,
        packs: Iterable[RulePack] | None,
        as_of: date,
        base: Base | None = None,
        window: WindowKind | None = None,
    ) -> None:
        self._packs = None if packs is None else tuple(packs)
        self._as_of, self._base, self._window = as_of, base, window
        self._known: dict[tuple[str, ...], AccumulationLaw] = {}

    def of(self, division: str) -> AccumulationLaw:
        """Raises ``ConfigError`` if no rule is in force there on the day."""
        key = tuple(p.name + p.version for p in packs_of(division, self._packs))
        if key not in self._known:
            self._known[key] = self._read(division)
        return self._known[key]

    def _read(self, division: str) -> AccumulationLaw:
        day, packs = self._as_of, self._packs

        def chosen(name: str) -> str:
            return choice(name, division, day, packs).entry.value

        limits = {kind: parameter(_LIMIT[kind], division, day, packs) for kind in KINDS}
        revocation = rows_for(Parameter, division, day, name=_REVOCATION, packs=packs)
        sized = chosen("accumulation_causes") == "mass_and_size"
        return AccumulationLaw(
            version=rule_set_version(division, packs),
            as_of=day,
            base=self._base or cast("Base", chosen("accumulation_base_date")),
            window_kind=self._window or cast("WindowKind", chosen("accumulation_window")),
            first_day_included=chosen("accumulation_window_first_day") == "same_day",
            years=int(parameter("accumulation_years", division, day, packs).entry.value),
            causes=_OVERLOAD + (_OVERSIZE if sized else ()),
            warnings_count=chosen("accumulation_warnings") == "counted",
            pending_count=chosen("accumulation_pending_review") == "counted",
            limits={kind: found.entry.value for kind, found in limits.items()},
            bases={kind: found.basis for kind, found in limits.items()},
            revocation_ratio=revocation[0].entry.value if revocation else None,
            revocation_basis=revocation[0].basis if revocation else None,
        )
