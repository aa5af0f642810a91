"""What happened in the region, before any system wrote it down in its own way.

A fact holds canonical values (yuan, kilograms, aware times). ``feeds`` turns it into the
row that a particular system would deliver; the tests may compare what comes out of a
mapping with the fact that went in.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from examples.region.agencies import Agency
from examples.region.people import Driver, Party, Vehicle

DecisionType = Literal["penalty", "no_penalty_minor"]
PenaltyCategory = Literal["fine", "warning", "none"]
Procedure = Literal["ordinary", "summary"]


@dataclass(frozen=True, slots=True)
class Case:
    """One finished case. ``fine_yuan`` is None where no fine was imposed.

    ``cause``: a key of ``causes``; ``violation`` is the same in the words of the law.
    """

    serial: int
    case_no: str
    decision_no: str
    procedure: Procedure
    cause: str
    violation: str
    facts: str
    basis: str
    decision_type: DecisionType
    penalty_category: PenaltyCategory
    content: str
    fine_yuan: int | None
    discretion: str
    party: Party
    vehicle: Vehicle
    driver: Driver
    place: str
    violated_at: datetime
    filed_at: datetime
    decided_on: date
    closed_on: date
    updated_at: datetime
    total_kg: int | None
    limit_kg: int | None


@dataclass(frozen=True, slots=True)
class Pass:
    """One vehicle over a weigh-in-motion station."""

    serial: int
    station: str
    lane: int
    speed_km_h: int
    vehicle: Vehicle
    total_kg: int
    limit_kg: int
    passed_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Notice:
    """A copy notice (抄告) from this county to another."""

    serial: int
    notice_no: str
    to: Agency
    violation: str
    party: Party
    vehicle: Vehicle
    place: str
    violated_at: datetime
    issued_at: datetime
    updated_at: datetime
    feedback_wanted: bool


@dataclass(frozen=True, slots=True)
class WorkOrder:
    """A complaint that came by the hotline 12328. Who complained is in the feed, never mapped."""

    serial: int
    order_no: str
    domain: str
    content: str
    violation: str
    respondent: str
    vehicle: Vehicle
    accepted_at: datetime
    due_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Inspection:
    serial: int
    inspection_no: str
    plan_no: str
    supervision_item: str
    party: Party
    vehicle: Vehicle
    officers: tuple[str, str]
    certificates: tuple[str, str]
    comprehensive: bool
    result: Literal["normal", "problem_found", "not_found"]
    inspected_at: datetime
    updated_at: datetime
    total_kg: int | None
    limit_kg: int | None


Fact = Case | Pass | Notice | WorkOrder | Inspection
