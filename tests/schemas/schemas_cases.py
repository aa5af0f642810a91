"""For each declared rule: a row that does not break it, and one that does.

Rows are SQL by field name; what a record type requires is added by the tests. Names and numbers
are invented.
"""

from __future__ import annotations

from schemas_samples import CREDIT_CODE, ID_NO

Row = dict[str, str]
PENALTY = {
    "decision_type": "'penalty'",
    "decision_date": "'2026-10-08'",
    "penalty_decision_no": "'罚-1'",
    "penalty_basis": "'条例64'",
    "penalty_org_name": "'某局'",
}
FINE = PENALTY | {"fine_amount_cny": "'1500'", "penalty_category": "['fine']"}
SEALED_LEAD = {
    "lead_type": "'discipline'",
    "sharing_attribute": "'not_shared'",
    "suspected_violation": "'问题线索'",
    "party_name": "NULL",
}
WEIGHED = {"total_weight_kg": "'75000'", "limit_weight_kg": "'49000'"}
AFTER = "'2026-11-24 09:30:00+08:00'"
BEFORE = "'2026-10-01 09:30:00+08:00'"
RECORD_ID = "00c5f6f2b2f4a4b0b5d0f8d7f6e5c4b3"
WRONG_CODE, WRONG_ID = f"'{CREDIT_CODE[:-1]}7'", f"'{ID_NO[:-1]}7'"

COMMON = {
    "occurred_in_future": ({"occurred_time": BEFORE}, {"occurred_time": AFTER}),
    "updated_in_future": ({"source_updated_time": BEFORE}, {"source_updated_time": AFTER}),
    "occurred_implausibly_early": (
        {"occurred_time": "'1990-01-01 00:00:00+08:00'"},
        {"occurred_time": "'1989-12-31 23:59:59+08:00'"},
    ),
}
PARTY_VEHICLE_WEIGHING = {
    "party_id_no_check_digit": (
        {"party_id_type": "'uscc'", "party_id_no": f"'{CREDIT_CODE}'"},
        {"party_id_type": "'resident_id'", "party_id_no": WRONG_ID},
    ),
    "party_id_type_missing": (
        {"party_id_type": "'passport'", "party_id_no": "'E0'"},
        {"party_id_no": "'E0'"},
    ),
    "party_category_and_id_differ": (
        {"party_id_type": "'uscc'", "party_category": "'individual_business'"},
        {"party_id_type": "'uscc'", "party_category": "'natural_person'"},
    ),
    "plate_unread": (
        {"vehicle_plate_unread": "plate_unread('皖P00000')"},
        {"vehicle_plate_unread": "plate_unread('未识别')"},
    ),
    "plate_form": ({"vehicle_plate_no": "'皖P00000'"}, {"vehicle_plate_no": "'VAD7274'"}),
    "trailer_plate_form": ({"trailer_plate_no": "'皖P0000挂'"}, {"trailer_plate_no": "'挂1'"}),
    "plate_color_missing": (
        {"vehicle_plate_no": "'皖P00000'", "vehicle_plate_color": "'yellow'"},
        {"vehicle_plate_no": "'皖P00000'"},
    ),
    "vin_form": ({"vin": "'LZZZZZZZ000000000'"}, {"vin": "'LZZZZZZZ00000000O'"}),
    "vehicle_operator_uscc_check_digit": (
        {"vehicle_operator_uscc": f"'{CREDIT_CODE}'"},
        {"vehicle_operator_uscc": WRONG_CODE},
    ),
    "party_other_ids_differ": (
        {"party_other_id_types": "['tax_no']", "party_other_id_nos": "['0']"},
        {"party_other_id_types": "['tax_no']", "party_other_id_nos": "['0', '1']"},
    ),
    "legal_representative_id_no_check_digit": (
        {
            "legal_representative_id_type": "'resident_id'",
            "legal_representative_id_no": f"'{ID_NO}'",
        },
        {
            "legal_representative_id_type": "'resident_id'",
            "legal_representative_id_no": WRONG_ID,
        },
    ),
    "overlimit_not_difference": (
        WEIGHED | {"overlimit_weight_kg": "'26000'"},
        WEIGHED | {"overlimit_weight_kg": "'26'"},
    ),
    "overlimit_rate_differs": (
        WEIGHED | {"overlimit_rate": "'0.5306'"},
        WEIGHED | {"overlimit_rate": "'53.06'"},
    ),
    "total_weight_implausible": (WEIGHED, WEIGHED | {"total_weight_kg": "'75'"}),
}
SUPERVISION = {
    "entrusted_org_uscc_check_digit": (
        {"entrusted_org_uscc": f"'{CREDIT_CODE}'"},
        {"entrusted_org_uscc": WRONG_CODE},
    ),
    "reporting_org_uscc_check_digit": (
        {"reporting_org_uscc": f"'{CREDIT_CODE}'"},
        {"reporting_org_uscc": WRONG_CODE},
    ),
    "reported_in_future": ({"reported_time": BEFORE}, {"reported_time": AFTER}),
}
DRIVER = {
    "driver_license_no_check_digit": (
        {"driver_license_no": "'境外000'"},
        {"driver_license_no": WRONG_ID},
    ),
}
CASES: dict[str, dict[str, tuple[Row, Row]]] = {
    "case_result": {
        **COMMON,
        **PARTY_VEHICLE_WEIGHING,
        **DRIVER,
        **SUPERVISION,
        "prior_notice_after_decision": (
            PENALTY | {"prior_notice_date": "'2026-10-08'"},
            PENALTY | {"prior_notice_date": "'2026-10-09'"},
        ),
        "hearing_after_decision": (
            PENALTY | {"hearing_date": "'2026-10-08'"},
            PENALTY | {"hearing_date": "'2026-10-09'"},
        ),
        "hearing_date_without_hearing": (
            {"hearing_date": "'2026-10-06'", "hearing_flag": "TRUE"},
            {"hearing_date": "'2026-10-06'", "hearing_flag": "FALSE"},
        ),
        "review_date_without_review": (
            {"legal_review_date": "'2026-10-06'"},
            {"legal_review_date": "'2026-10-06'", "legal_review_flag": "FALSE"},
        ),
        "discussion_date_without_discussion": (
            {"collective_discussion_date": "'2026-10-06'"},
            {"collective_discussion_date": "'2026-10-06'", "collective_discussion_flag": "FALSE"},
        ),
        "education_missing": (
            {"decision_type": "'no_penalty_first'", "education_flag": "TRUE"},
            {"decision_type": "'no_penalty_first'", "education_flag": "FALSE"},
        ),
        "transfer_date_missing": (
            {"decision_type": "'criminal_transfer'", "transfer_date": "'2026-10-09'"},
            {"decision_type": "'criminal_transfer'"},
        ),
        "subject_missing": (
            {"party_name": "NULL", "vehicle_plate_unread": "TRUE"},
            {"party_name": "NULL"},
        ),
        "decision_date_missing": (
            PENALTY | {"decision_date": "NULL", "closed_date": "DATE '2026-10-20'"},
            PENALTY | {"decision_date": "NULL"},
        ),
        "decision_date_only_closing": (
            PENALTY | {"closed_date": "DATE '2026-10-20'"},
            PENALTY | {"decision_date": "NULL", "closed_date": "DATE '2026-10-20'"},
        ),
        "decision_no_missing": (PENALTY, PENALTY | {"penalty_decision_no": "NULL"}),
        "penalty_basis_missing": (PENALTY, PENALTY | {"penalty_basis": "NULL"}),
        "penalty_org_missing": (PENALTY, PENALTY | {"penalty_org_name": "NULL"}),
        "non_penalty_basis_missing": (
            {"decision_type": "'no_penalty_first'", "non_penalty_basis": "'33-1b'"},
            {"decision_type": "'no_penalty'"},
        ),
        "fine_without_penalty": (
            {"decision_type": "'withdrawn'", "fine_amount_cny": "'200'"},
            {"decision_type": "'no_penalty_minor'", "fine_amount_cny": "'200'"},
        ),
        "fine_not_in_category": (FINE, FINE | {"penalty_category": "['warning']"}),
        "fine_implausible": (FINE, FINE | {"fine_amount_cny": "'100000000.01'"}),
        "summary_fine_over_limit_person": (
            FINE
            | {
                "procedure_type": "'summary'",
                "party_category": "'natural_person'",
                "fine_amount_cny": "'200'",
            },
            FINE
            | {
                "procedure_type": "'summary'",
                "party_category": "'natural_person'",
                "fine_amount_cny": "'200.01'",
            },
        ),
        "summary_fine_over_limit_org": (
            FINE
            | {
                "procedure_type": "'summary'",
                "party_category": "'legal_org'",
                "fine_amount_cny": "'3000'",
            },
            FINE
            | {
                "procedure_type": "'summary'",
                "party_category": "'legal_org'",
                "fine_amount_cny": "'3000.01'",
            },
        ),
        "paid_not_above_fine": (
            FINE | {"paid_amount_cny": "'1500'"},
            FINE | {"paid_amount_cny": "'1500.01'"},
        ),
        "paid_above_late_payment_cap": (
            FINE | {"paid_amount_cny": "'3000'"},
            FINE | {"paid_amount_cny": "'3000.01'"},
        ),
        "decision_before_filing": (
            PENALTY | {"filing_time": "'2026-10-08 23:59:59+08:00'"},
            PENALTY | {"filing_time": "'2026-10-09 00:00:00+08:00'"},
        ),
        "decision_later_than_limit": (
            PENALTY | {"filing_time": "'2026-07-10 23:00:00+08:00'"},
            PENALTY | {"filing_time": "'2026-07-09 23:00:00+08:00'"},
        ),
        "decision_in_future": (
            PENALTY | {"decision_date": "'2026-11-23'"},
            PENALTY | {"decision_date": "'2026-11-24'"},
        ),
        "decision_before_violation": (
            PENALTY | {"occurred_time": "'2026-10-08 23:59:59+08:00'"},
            PENALTY | {"occurred_time": "'2026-10-09 00:00:00+08:00'"},
        ),
        "filing_before_violation": (
            {"occurred_time": BEFORE, "filing_time": BEFORE},
            {"occurred_time": "'2026-10-02 00:00:00+08:00'", "filing_time": BEFORE},
        ),
        "legal_review_after_decision": (
            PENALTY | {"legal_review_date": "'2026-10-08'"},
            PENALTY | {"legal_review_date": "'2026-10-09'"},
        ),
        "discussion_after_decision": (
            PENALTY | {"collective_discussion_date": "'2026-10-08'"},
            PENALTY | {"collective_discussion_date": "'2026-10-09'"},
        ),
        "delivery_before_decision": (
            PENALTY | {"delivery_date": "'2026-10-08'"},
            PENALTY | {"delivery_date": "'2026-10-07'"},
        ),
        "closed_before_decision": (
            PENALTY | {"closed_date": "'2026-10-08'"},
            PENALTY | {"closed_date": "'2026-10-07'"},
        ),
        "publicity_ends_before_decision": (
            PENALTY | {"publicity_deadline": "'2026-10-08'"},
            PENALTY | {"penalty_valid_until": "'2026-10-07'"},
        ),
        "officers_too_few": (
            PENALTY | {"procedure_type": "'ordinary'", "officer_certificate_nos": "['1', '2']"},
            PENALTY | {"procedure_type": "'ordinary'", "officer_certificate_nos": "['1', '1']"},
        ),
        "penalty_org_uscc_check_digit": (
            PENALTY | {"penalty_org_uscc": f"'{CREDIT_CODE}'"},
            PENALTY | {"penalty_org_uscc": WRONG_CODE},
        ),
        "criminal_transfer_without_flag": (
            {"decision_type": "'criminal_transfer'", "criminal_flag": "TRUE"},
            {"decision_type": "'criminal_transfer'", "criminal_flag": "FALSE"},
        ),
        "accumulation_reason_missing": (
            {"counts_toward_accumulation": "FALSE", "accumulation_reason": "'未超 20%'"},
            {"counts_toward_accumulation": "FALSE"},
        ),
    },
    "lead": {
        **COMMON,
        **PARTY_VEHICLE_WEIGHING,
        **DRIVER,
        "discovered_in_future": ({}, {"discovered_time": AFTER}),
        "violation_in_future": ({"violation_start_time": BEFORE}, {"violation_start_time": AFTER}),
        "violation_ends_before_start": (
            {"violation_start_time": BEFORE, "violation_end_time": BEFORE},
            {"violation_start_time": BEFORE, "violation_end_time": "'2026-09-30 09:30:00+08:00'"},
        ),
        "discovered_before_violation": (
            {"violation_start_time": BEFORE},
            {"violation_start_time": "'2026-10-08 09:32:00+08:00'"},
        ),
        "limitation_passed": (
            # days are counted: the last one is in time until it ends
            {"violation_end_time": "'2024-10-08 00:00:00+08:00'"},
            {"violation_end_time": "'2024-10-07 23:59:59+08:00'"},
        ),
        "discipline_with_content": (
            SEALED_LEAD,
            SEALED_LEAD | {"driver_name": "'示例甲'"},
        ),
        "discipline_shared": (
            SEALED_LEAD,
            SEALED_LEAD | {"sharing_attribute": "'conditional'"},
        ),
        "subject_missing": ({}, {"party_name": "NULL"}),
        "evidence_lists_differ": (
            {"evidence_type": "['physical', '']", "evidence_uri": "['a', '']"},
            {"evidence_type": "['physical', '']", "evidence_uri": "['a']"},
        ),
        "evidence_digest_form": (
            {"evidence_sha256": f"['{'a' * 64}', '']"},
            {"evidence_sha256": f"['{'A' * 64}']"},
        ),
        "electronic_evidence_not_reviewed": (
            {"evidence_review_result": "['reviewed']"},
            {"evidence_review_result": "['reviewed', 'not_reviewed']"},
        ),
        "from_org_check_digit": ({"from_org": f"'{CREDIT_CODE}'"}, {"from_org": WRONG_CODE}),
        "to_org_check_digit": ({"to_org": f"'{CREDIT_CODE}'"}, {"to_org": WRONG_CODE}),
        "feedback_due_missing": ({"feedback_required": "FALSE"}, {"feedback_required": "TRUE"}),
    },
    "inspection": {
        **COMMON,
        **PARTY_VEHICLE_WEIGHING,
        **SUPERVISION,
        "inspection_org_uscc_check_digit": (
            {"inspection_org_uscc": f"'{CREDIT_CODE}'"},
            {"inspection_org_uscc": WRONG_CODE},
        ),
        "inspection_in_future": ({}, {"inspection_time": AFTER}),
        "officers_too_few": (
            {"inspection_form": "'off_site'", "officer_certificate_nos": "['1']"},
            {"inspection_form": "'on_site'", "officer_certificate_nos": "['1']"},
        ),
        "officer_lists_differ": (
            {"officer_names": "['示例丙']", "officer_certificate_nos": "['1']"},
            {"officer_names": "['示例丙']", "officer_certificate_nos": "['1', '2']"},
        ),
        "limit_above_national": (
            WEIGHED | {"limit_weight_kg": "'55000'", "permit_no": "'证1'"},
            WEIGHED | {"limit_weight_kg": "'55000'"},
        ),
        "axle_weights_not_total": (
            WEIGHED | {"axle_weights_kg": "[30000, 45000]"},
            WEIGHED | {"axle_weights_kg": "[30000, 4500]"},
        ),
        "axle_count_differs": (
            {"axle_weights_kg": "[1, 2]", "axle_count": "'2'"},
            {"axle_weights_kg": "[1, 2]", "axle_count": "'6'"},
        ),
        "axle_weight_negative": ({"axle_weights_kg": "[0]"}, {"axle_weights_kg": "[-1, 5]"}),
        "device_verification_expired": (
            {"measured_time": BEFORE, "device_cert_valid_to": "'2026-10-01'"},
            {"measured_time": BEFORE, "device_cert_valid_to": "'2026-09-30'"},
        ),
    },
    "sealed_lead": {
        **COMMON,
        "to_org_check_digit": ({}, {"to_org": WRONG_CODE}),
        "sealed_in_future": ({}, {"sealed_time": AFTER}),
    },
    "procedure_act": {
        **COMMON,
        "acting_org_is_party": ({}, {"acting_org": f"'{CREDIT_CODE}'"}),
        "materials_uneven": (
            {"material_kinds": "['other']", "material_states": "['present']"},
            {"material_kinds": "['other']", "material_states": "['present', 'missing']"},
        ),
        "subjects_uneven": (
            {"subject_record_ids": f"['{RECORD_ID}']", "subject_nos": "['A-1']"},
            {"subject_record_ids": f"['{RECORD_ID}']", "subject_nos": "['A-1', 'A-2']"},
        ),
        "act_time_in_future": ({}, {"act_time": AFTER}),
    },
    "receipt": {
        **COMMON,
        "receiver_org_check_digit": ({}, {"receiver_org": WRONG_CODE}),
        "forwarded_to_org_check_digit": (
            {"forwarded_to_org": f"'{CREDIT_CODE}'"},
            {"forwarded_to_org": WRONG_CODE},
        ),
        "receipt_in_future": ({}, {"receipt_time": AFTER}),
        "missing_materials_not_listed": (
            {"completeness_result": "'missing'", "missing_materials": "['调查报告']"},
            {"completeness_result": "'missing'"},
        ),
        "refusal_reason_missing": (
            {"receipt_grade": "'refused'", "refusal_reason": "'签名不符'"},
            {"receipt_grade": "'refused'"},
        ),
        "forwarding_org_missing": (
            {"jurisdiction_check": "'forwarded'", "forwarded_to_org": f"'{CREDIT_CODE}'"},
            {"jurisdiction_check": "'forwarded'"},
        ),
    },
}
