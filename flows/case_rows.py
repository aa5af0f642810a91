"""The row of the case index that each kind of record makes, as SQL.

The columns are those of docs/interfaces.md; the ones that begin with ``_`` are for looking things
up quickly: hashes of long texts, and the time by which the rows are sorted.
"""

from __future__ import annotations

from schemas.identities.tokens import LICENCE
from schemas.sql import literal

#: The kinds of records that are cases; each is one branch of the index.
RECORD_TYPES = ("case_result", "lead", "inspection")

#: Name and DuckDB type of every column that is taken from the record as it is, or computed from it.
COLUMNS: dict[str, str] = {
    "record_id": "VARCHAR",
    "record_type": "VARCHAR",
    "content_hash": "VARCHAR",
    "source_org_code": "VARCHAR",
    "source_org_name": "VARCHAR",
    "is_own": "BOOLEAN",
    "data_status": "VARCHAR",
    "no": "VARCHAR",
    "source_updated_time": "TIMESTAMPTZ",
    "received_time": "TIMESTAMPTZ",
    "vehicle_key": "VARCHAR",
    "vehicle_plate_no": "VARCHAR",
    "vehicle_plate_color": "VARCHAR",
    "trailer_plate_no": "VARCHAR",
    "vehicle_registration_division": "VARCHAR",
    "transport_certificate_no": "VARCHAR",
    "axle_count": "BIGINT",
    "act_time": "TIMESTAMPTZ",
    "act_end_time": "TIMESTAMPTZ",
    "place": "VARCHAR",
    "division": "VARCHAR",
    "cause": "VARCHAR",
    "case_cause_code": "VARCHAR",
    "total_weight_kg": "BIGINT",
    "limit_weight_kg": "BIGINT",
    "overlimit_rate": "DECIMAL(6,4)",
    "filing_time": "TIMESTAMPTZ",
    "decision_type": "VARCHAR",
    "decision_date": "DATE",
    "closed_date": "DATE",
    "delivery_date": "DATE",
    "review_status": "VARCHAR",
    "litigation_status": "VARCHAR",
    "penalty_valid_until": "DATE",
    "publicity_deadline": "DATE",
    "fine_amount_cny": "DECIMAL(16,2)",
    "non_penalty_basis": "VARCHAR",
    "counts_toward_accumulation": "BOOLEAN",
    "accumulation_reason": "VARCHAR",
    "same_act_group_id": "VARCHAR",
    "inspection_no": "VARCHAR",
    "inspection_result": "VARCHAR",
    "police_penalty_decision_no": "VARCHAR",
    "penalty_decision_no": "VARCHAR",
    "rule_pack_version": "VARCHAR",
    # A lead that a referral made of a record that is here: that record's identifier.
    "copy_of": "VARCHAR",
}
#: Who it is: three keys, computed from numbers and tokens (flows/case_index.py).
KEYS = ("party_key", "driver_key", "operator_key")

_TOLD = {
    "case_result": {
        "no": "case_no",
        "act_time": "occurred_time",
        "act_end_time": "NULL",
        "place": "violation_place",
        "division": "violation_division_code",
        "cause": "common_cause_code",
    },
    "lead": {
        "no": "lead_no",
        "act_time": "coalesce(violation_start_time, occurred_time, violation_end_time)",
        "act_end_time": "violation_end_time",
        "place": "violation_place",
        "division": "violation_division_code",
        "cause": "common_cause_code",
        "copy_of": "origin_record_id",
    },
    "inspection": {
        "no": "inspection_no",
        "act_time": "coalesce(measured_time, inspection_time, occurred_time)",
        "act_end_time": "NULL",
        "place": "coalesce(inspection_place, weighing_station_name)",
        "division": "division_code",
        "cause": "NULL",
    },
}
#: Columns that only some of the record types have.
_ONLY_RESULTS = frozenset(
    (
        "filing_time", "decision_type", "decision_date", "closed_date", "delivery_date",
        "review_status", "litigation_status", "penalty_valid_until", "publicity_deadline",
        "fine_amount_cny", "non_penalty_basis", "counts_toward_accumulation", "accumulation_reason",
        "same_act_group_id", "police_penalty_decision_no", "penalty_decision_no",
    )
)  # fmt: skip
_ONLY_LEADS = frozenset({"copy_of"})
_MISSING = {
    "case_result": _ONLY_LEADS | {"inspection_result"},
    "lead": _ONLY_RESULTS | {"inspection_no", "inspection_result"},
    "inspection": _ONLY_RESULTS | _ONLY_LEADS | {"case_cause_code"},
}


#: As flows.own_records.SYSTEM, whose import takes longer than a question of hefu check-case.
_SYSTEM = "hefu"
_MADE_OF = (
    f"CASE WHEN source_system = {literal(_SYSTEM)} "
    "THEN coalesce(origin_record_type, 'untold') END AS made_of"
)
_MADE_OF_NOTHING = "NULL::VARCHAR AS made_of"


def rows_sql(record_type: str, own_org: str) -> str:
    """SELECT over ``<record_type>_current`` that gives :data:`COLUMNS`, then for each key the
    kind, the number and the partner's token (``party_kind``, ``party_number``, ``party_token`` …),
    and ``made_of``: what a lead that a node made is made of, ``untold`` where that was not granted.

    A lead on an official's conduct (监察法 art. 37) is no case and never in the index.
    """
    told = _TOLD[record_type] | {
        "record_type": literal(record_type),
        "is_own": f"_bundle_id IS NULL AND source_org_code = {literal(own_org)}",
        "vehicle_key": "vehicle_key(vehicle_plate_no, vehicle_plate_color)",
        "vehicle_plate_no": "plate(vehicle_plate_no)",
        "trailer_plate_no": "plate(trailer_plate_no)",
    }
    told |= dict.fromkeys(_MISSING[record_type], "NULL")
    columns = ", ".join(
        f"CAST({told.get(name, name)} AS {kind}) AS {name}" for name, kind in COLUMNS.items()
    )
    kept = "WHERE lead_type IS DISTINCT FROM 'discipline'" if record_type == "lead" else ""
    return (
        (
            f"SELECT {columns}, "
            "CASE WHEN party_id_no IS NOT NULL THEN party_id_type END AS party_kind, "
            "party_id_no AS party_number, party_id_token AS party_token, "
            f"CASE WHEN driver_license_no IS NOT NULL THEN {literal(LICENCE)} END AS driver_kind, "
            "driver_license_no AS driver_number, driver_id_token AS driver_token, "
            "CASE WHEN vehicle_operator_uscc IS NOT NULL THEN 'uscc' END AS operator_kind, "
            "vehicle_operator_uscc AS operator_number, NULL::VARCHAR AS operator_token, "
            f"{_MADE_OF if record_type == 'lead' else _MADE_OF_NOTHING} "
            f"FROM {record_type}_current {kept}"
        )
        if record_type != "inspection"
        else _without_driver(columns)
    )


def _without_driver(columns: str) -> str:
    """An inspection names no driver."""
    return (
        f"SELECT {columns}, "
        "CASE WHEN party_id_no IS NOT NULL THEN party_id_type END AS party_kind, "
        "party_id_no AS party_number, party_id_token AS party_token, "
        "NULL::VARCHAR AS driver_kind, NULL::VARCHAR AS driver_number, "
        "NULL::VARCHAR AS driver_token, "
        "CASE WHEN vehicle_operator_uscc IS NOT NULL THEN 'uscc' END AS operator_kind, "
        "vehicle_operator_uscc AS operator_number, NULL::VARCHAR AS operator_token, "
        f"{_MADE_OF_NOTHING} FROM inspection_current"
    )
