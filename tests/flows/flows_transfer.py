"""A transfer in the making: own cases without a source, and the way of one case to a state."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flows_world import NOW

from cooperation.procedures.act import Material
from cooperation.procedures.fold import Matter
from examples.region.check_digits import credit_code
from flows.acting import do, following
from flows.matters import matters_of
from flows.own_records import append_own
from flows.transferring import dispatch, suspect
from hefu.node import Node

#: Of the same level as agency A (a city by its code), invented as all of them.
POLICE = credit_code("11999900HEFUPL0C1")
COUNTY_POLICE = credit_code("11999903HEFUPL0C2")
PROCURATORATE = credit_code("11999900HEFUPR0C3")
KINDS = (
    "transfer_letter", "investigation_report", "property_list", "inspection_or_appraisal", "other",
)  # fmt: skip
MATERIALS = tuple(Material(kind, "present", sha256="0" * 64) for kind in KINDS)
_MAPPING = """
SELECT case_no AS source_record_id, case_no, cause AS common_cause_code, decision_type,
    '违法行为（虚构）' AS violation_type, decided AS decision_date, fine AS fine_amount_cny,
    CASE WHEN kinds IS NOT NULL THEN from_json(kinds, '["VARCHAR"]') END AS penalty_category,
    '甲公司（虚构）' AS party_name, 'legal_org' AS party_category, rate AS overlimit_rate,
    TIMESTAMPTZ '2026-08-20 10:00:00+08' AS occurred_time,
    updated AS source_updated_time
FROM raw
"""


def case(no: str, cause: str, **more: str | None) -> dict[str, str | None]:
    """A row of an own case; ``more``: decided, fine, kinds (JSON), rate, decision_type, updated."""
    empty: dict[str, str | None] = {"fine": None, "kinds": None, "rate": None}
    first: dict[str, str | None] = {"case_no": no, "cause": cause, "decision_type": "penalty"}
    days = {"decided": "2026-09-01", "updated": "2026-09-01T10:00:00+08:00"}
    return first | empty | days | more


def add_cases(node: Node, rows: Sequence[dict[str, str | None]], now: datetime = NOW) -> None:
    run = append_own(node, "case_result", _MAPPING, rows, now)
    assert run is not None
    assert run.quarantined == 0, run.reasons


def matter(node: Node, case_no: str) -> Matter:
    """The transfer of that case, as the node has it."""
    (found,) = [m for m in matters_of(node, "transfer") if case_no in m.opening.subject_nos]
    return found


def reported(node: Node, case_no: str, now: datetime = NOW) -> Matter:
    """A case that waits for the head."""
    opened = suspect(node, case_no, "危险驾驶罪", now)
    assert opened is not None
    team = following(
        node, opened.matter, "set_team", now, officer_certificate_nos=("虚构001", "虚构002")
    )
    set_up = do(node, team, now).matter
    return do(node, following(node, set_up, "report", now, document_no="报1"), now).matter


def sent(node: Node, case_no: str, now: datetime = NOW, **fields: Any) -> Matter:
    """A case that the police have been sent."""
    approval = following(
        node, reported(node, case_no, now), "approve", now,
        approver_role="principal_head", actor_name="测试负责人",
    )  # fmt: skip
    told = {"to_org": POLICE, "document_no": "甲移〔2026〕1号", "materials": MATERIALS} | fields
    return dispatch(node, do(node, approval, now).matter, now, **told).matter
