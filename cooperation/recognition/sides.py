"""The two records that a recognition is between, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal, Self
from zoneinfo import ZoneInfo

from schemas.codes import REMOVED, UNMAPPED

CHINA = ZoneInfo("Asia/Shanghai")

Use = Literal[
    "duplicate_fine_check", "first_offence_check", "accumulation", "discretion", "credit",
    "inspection_exemption",
]  # fmt: skip
Level = Literal["exact", "probable"]

#: Decisions that let somebody off although the act was an offence (行政处罚法 art. 33).
EXEMPTED = ("no_penalty_first", "no_penalty_minor")
#: A record of such a status is gone, or of no effect.
GONE = (REMOVED, "revoked")
#: A reconsideration or a judgment that took the decision away.
OVERTURNED = ("revoked", "confirmed_illegal")


@dataclass(frozen=True, slots=True)
class Side:
    """One row of the view ``cases`` (docs/interfaces.md): a case, a lead or an inspection.

    Times are aware, weights in kg, money in yuan; None is what is not known or was not shared.
    """

    record_id: str
    record_type: str
    content_hash: str
    source_org_code: str
    is_own: bool
    data_status: str
    no: str | None = None
    vehicle_key: str | None = None
    party_key: str | None = None
    driver_key: str | None = None
    operator_key: str | None = None
    act_time: datetime | None = None
    division: str | None = None
    cause: str | None = None
    total_weight_kg: int | None = None
    limit_weight_kg: int | None = None
    filing_time: datetime | None = None
    decision_type: str | None = None
    decision_date: date | None = None
    delivery_date: date | None = None
    review_status: str | None = None
    litigation_status: str | None = None
    penalty_valid_until: date | None = None
    publicity_deadline: date | None = None
    fine_amount_cny: Decimal | None = None
    non_penalty_basis: str | None = None
    counts_toward_accumulation: bool | None = None
    inspection_result: str | None = None
    rule_pack_version: str | None = None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """From a row that has at least these columns."""
        return cls(**{f.name: row[f.name] for f in fields(cls)})

    @property
    def is_gone(self) -> bool:
        return self.data_status in GONE

    @property
    def is_decided(self) -> bool:
        return self.decision_date is not None and known(self.decision_type) is not None

    @property
    def is_fined(self) -> bool:
        return self.decision_type == "penalty" and (self.fine_amount_cny or 0) > 0

    @property
    def is_open(self) -> bool:
        """A lead, or a case that nobody has decided yet."""
        return self.record_type == "lead" or (
            self.record_type == "case_result" and not self.is_decided
        )

    @property
    def act_day(self) -> date | None:
        return None if self.act_time is None else self.act_time.astimezone(CHINA).date()


#: The columns of the view that make a :class:`Side`, in order.
COLUMNS = tuple(f.name for f in fields(Side))


@dataclass(frozen=True, slots=True)
class Match:
    """That two records are of one act, or of one subject; ``evidence`` names on what that rests,
    without the values; ``shared``: which of vehicle, party, driver, operator they share."""

    level: Level
    score: Decimal
    evidence: tuple[str, ...]
    same_act: bool
    shared: frozenset[str] = frozenset()


def known(code: str | None) -> str | None:
    """A code, or None where there is none or no list knows it."""
    return None if code in (None, "", UNMAPPED) else code
