"""The lead that is made of a finished case (or of a snapshot) and referred in its place.

What goes into it is the list of 超限运输车辆行驶公路管理规定 第四十四条 and what tells the act:
no telephone number, address, licence number or representative is copied, whatever the record has.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from schemas.text import Text

CHINA = ZoneInfo("Asia/Shanghai")
_NUMBER_LENGTH = 10

_WHO = ("party_category", "party_name", "party_id_type", "party_id_no")
#: (1) plate, vehicle type, the enterprise that owns it, 道路运输证号
VEHICLE = (
    "vehicle_plate_no", "vehicle_plate_color", "vehicle_plate_color_scheme",
    "vehicle_plate_color_raw", "trailer_plate_no", "vehicle_type", "vehicle_class", "axle_count",
    "transport_certificate_no", "vehicle_operator_name", "vehicle_operator_uscc",
    "vehicle_registration_division",
)  # fmt: skip
#: (2) the driver, 从业资格证号, the driver's enterprise
DRIVER = ("driver_name", "qualification_certificate_no", "driver_employer_name")
OPERATOR = ("vehicle_operator_name", "vehicle_operator_uscc")
#: (3) where the goods came from, the loading slip
_FREIGHT = ("origin_unit_name", "loading_slip_no", "goods_name")
#: (4) the penalty decision
_DECISION = (
    "penalty_decision_no", "decision_type", "decision_date", "penalty_content", "fine_amount_cny",
    "closed_date",
)  # fmt: skip
#: (5) what else tells the act
_ACT = (
    "occurred_time", "violation_place", "violation_division_code", "case_cause_code",
    "common_cause_code", "total_weight_kg", "limit_weight_kg", "overlimit_weight_kg",
    "overlimit_rate",
)  # fmt: skip
_WHERE = ("division_code", "business_domain")
COPIED_OF_CASE = (*_WHERE, *_ACT, *_WHO, *VEHICLE, *DRIVER, *_FREIGHT, *_DECISION)
COPIED_OF_LEAD = (
    *_WHERE, *_ACT, *_WHO, *VEHICLE, *DRIVER, *_FREIGHT,
    "violation_start_time", "violation_end_time", "suspected_violation", "discovered_time",
    "lead_source",
)  # fmt: skip
#: What a snapshot says of whom, by ``subject_kind``.
COPIED_OF_SUBJECT = {
    "vehicle": VEHICLE,
    "driver": DRIVER,
    "transport_enterprise": OPERATOR,
}

_SOURCES = {
    "superior_assigned": "superior",
    "agency_transferred": "other_agency",
}
_OFF_SITE = "off_site"


def lead_number(org: str, origin_record_id: str, to_org: str) -> str:
    """The number of the lead that a record makes for an addressee: always the same."""
    digest = sha256("\x1f".join((org, origin_record_id, to_org)).encode()).hexdigest()
    return f"XS-{org[2:8]}-{digest[:_NUMBER_LENGTH].upper()}"


def lead_number_sql(org: str, origin_record_id: str, to_org: str) -> str:
    """:func:`lead_number` in DuckDB's SQL; the arguments are expressions."""
    text = f"{org} || chr(31) || {origin_record_id} || chr(31) || {to_org}"
    return (
        f"'XS-' || substr({org}, 3, 6) || '-' || upper(substr(sha256({text}), 1, {_NUMBER_LENGTH}))"
    )


def case_lead(case: Mapping[str, Any]) -> dict[str, Any]:
    """What a finished case says, as fields of a lead. ``case``: a row of ``case_result``."""
    found = {name: case.get(name) for name in COPIED_OF_CASE}
    return found | {
        "lead_source": _source(case),
        "discovered_time": case.get("filing_time") or case.get("occurred_time") or _of_day(case),
        "suspected_violation": case["violation_type"],
        "violation_start_time": case.get("occurred_time"),
    }


def _source(case: Mapping[str, Any]) -> str:
    if case.get("inspection_form") == _OFF_SITE:
        return "wim"
    return _SOURCES.get(str(case.get("case_source")), "inspection")


def _of_day(case: Mapping[str, Any]) -> datetime | None:
    day = case.get("decision_date") or case.get("closed_date")
    return datetime.combine(day, time(), CHINA) if isinstance(day, date) else None


def snapshot_lead(
    snapshot: Mapping[str, Any], about: Mapping[str, Any], label: str
) -> dict[str, Any]:
    """What a crossing says, as fields of a lead: whom it is about, out of ``about``, one of the
    counted cases; how often, out of the snapshot. ``label``: the cause in words."""
    copied = COPIED_OF_SUBJECT.get(str(snapshot["subject_kind"]), ())
    return {name: about.get(name) for name in (*_WHERE, *copied)} | {
        "vehicle_registration_division": about.get("vehicle_registration_division"),
        "lead_source": "other_agency" if not about.get("is_own", True) else "inspection",
        "discovered_time": snapshot["snapshot_time"],
        "suspected_violation": label,
    }


def lead_of_lead(lead: Mapping[str, Any]) -> dict[str, Any]:
    """A lead of our own, for another addressee than it names."""
    return {name: lead.get(name) for name in COPIED_OF_LEAD}


def why_there(place_code: str | None, *, by: str, derived: bool, basis: str) -> Text:
    """``jurisdiction_reason``: why the receiver is taken to be competent, with the article."""
    rest = Text(en=f" ({basis})" if basis else "", zh=f"（{basis}）" if basis else "")
    if by == "addressee" or place_code is None:
        head = Text(en="named by the referring agency", zh="移送机关指定")
    elif by == "act_place":
        head = Text(
            en=f"the act was done in your territory ({place_code})",
            zh=f"违法行为发生在贵机关辖区（{place_code}）",
        )
    else:
        head = Text(
            en=f"the vehicle is registered in your territory ({place_code})",
            zh=f"车籍地在贵机关辖区（{place_code}）",
        )
    told = (
        Text(en=", taken from the plate: please check", zh="，车籍地系由号牌推定，请核对")
        if derived
        else Text(en="", zh="")
    )
    return Text(en=head.en + told.en + rest.en, zh=head.zh + told.zh + rest.zh)
