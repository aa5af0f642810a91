"""An act, and the matter that it is part of, as plain values.

They are made of ``procedure_act`` records (and of records that say the same in other words, such
as a recognition or a disposition of another system), on every node alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple


class MatterKey(NamedTuple):
    """Which matter: the agency that opened it, and the number that it gave."""

    org: str
    no: str


@dataclass(frozen=True, slots=True)
class Material:
    """One item of material; ``kind`` and ``state`` as in the code lists, ``sha256`` of its file."""

    kind: str
    state: str
    title: str = ""
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Act:
    """One step. Times are aware; organisations are unified social credit codes.

    ``source_org`` recorded it; ``sequence`` is its place in the matter: one more than the greatest
    that the recorder knew. ``act_time`` is when it was done in law: periods run from it.
    ``taken_back``: who recorded it has withdrawn the record since.
    """

    record_id: str
    source_org: str
    procedure: str
    matter: MatterKey
    code: str
    sequence: int
    act_time: datetime
    acting_org: str
    party_orgs: tuple[str, ...]
    recorded_time: datetime | None = None
    acting_org_name: str | None = None
    acting_role: str | None = None
    approver_role: str | None = None
    actor_name: str | None = None
    officer_certificate_nos: tuple[str, ...] = ()
    to_org: str | None = None
    to_org_name: str | None = None
    competent_org: str | None = None
    subject_record_ids: tuple[str, ...] = ()
    subject_record_type: str | None = None
    subject_nos: tuple[str, ...] = ()
    case_cause_code: str | None = None
    suspected_offence: str | None = None
    reason_code: str | None = None
    reason_text: str | None = None
    document_no: str | None = None
    document_title: str | None = None
    document_sha256: str | None = None
    materials: tuple[Material, ...] = ()
    result_record_id: str | None = None
    result_no: str | None = None
    result_code: str | None = None
    result_summary: str | None = None
    due_time: datetime | None = None
    decision_sha256: str | None = None
    proposed_by_node: bool = False
    taken_back: bool = False
