"""The two records of a recognition side by side, and all that a person needs to decide."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cooperation.recognition.propose import Proposal
from flows.case_index import Coverage, attach_cases
from flows.recognising import Recognition, find_recognition, proposal_of, recognitions_of
from flows.workspace import workspace
from hefu.node import Node
from lake.store import Lake
from schemas.contract import Field, load_contract
from schemas.sql import ident

if TYPE_CHECKING:
    import duckdb

#: What is laid side by side, in this order, as far as one of the two records has it.
_FIELDS = (
    "occurred_time", "violation_start_time", "inspection_time", "violation_place",
    "inspection_place", "violation_division_code", "common_cause_code", "violation_type",
    "suspected_violation", "vehicle_plate_no", "vehicle_plate_color", "transport_certificate_no",
    "party_name", "party_id_no", "driver_name", "driver_license_no", "vehicle_operator_name",
    "total_weight_kg", "limit_weight_kg", "overlimit_rate", "filing_time", "penalty_decision_no",
    "decision_type", "non_penalty_basis", "penalty_category", "fine_amount_cny", "decision_date",
    "delivery_date", "penalty_valid_until", "publicity_deadline", "review_status",
    "litigation_status", "counts_toward_accumulation", "inspection_result", "data_status",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Compared:
    """One field of both records, as they are now; ``differs``: both have a value, not the same."""

    field: Field
    own: Any
    original: Any

    @property
    def differs(self) -> bool:
        return None not in (self.own, self.original) and self.own != self.original


@dataclass(frozen=True, slots=True)
class Explanation:
    """``proposal`` is as of today, from the records of today; None where a record is not here."""

    recognition: Recognition
    proposal: Proposal | None
    fields: tuple[Compared, ...]
    coverage: tuple[Coverage, ...]


def explain_recognition(node: Node, number: str, now: datetime) -> Explanation:
    """Everything about one recognition. Raises ``ConfigError`` if there is none of that number."""
    found = find_recognition(recognitions_of(node, now), number)
    last = found.chain.last
    with workspace(node) as (con, _):
        coverage = attach_cases(con, node).coverage
        lake = Lake(node.place("lake"))
        own = _record(con, lake, last.own_record_type, last.recognising_org, last.own_record_id)
        original = _record(con, lake, last.original_type, last.recognised_org, last.original_id)
    compared = _compared(last.own_record_type, own, last.original_type, original)
    proposal = proposal_of(node, found.chain, now) if found.is_ours else None
    return Explanation(found, proposal, compared, coverage)


def _record(
    con: duckdb.DuckDBPyConnection,
    lake: Lake,
    record_type: str | None,
    org: str | None,
    record_id: str | None,
) -> dict[str, Any]:
    """The record as it is now; empty where this node does not have it."""
    if record_type is None or org is None or record_id is None:
        return {}
    lake.attach(con, record_type)
    names = [name for name in _FIELDS if name in load_contract(record_type).names()]
    row = con.execute(
        f"SELECT {', '.join(map(ident, names))} FROM {record_type}_current "
        "WHERE source_org_code = $1 AND record_id = $2",
        [org, record_id],
    ).fetchone()
    return {} if row is None else dict(zip(names, row, strict=True))


def _compared(
    own_type: str | None, own: dict[str, Any], other_type: str | None, original: dict[str, Any]
) -> tuple[Compared, ...]:
    contracts = [load_contract(t) for t in (own_type, other_type) if t is not None]
    rows = []
    for name in _FIELDS:
        field = next((c.field(name) for c in contracts if name in c.names()), None)
        values = own.get(name), original.get(name)
        if field is not None and values != (None, None):
            rows.append(Compared(field, *values))
    return tuple(rows)
