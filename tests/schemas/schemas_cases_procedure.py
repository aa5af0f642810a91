"""The pairs of rows for transfers, dispositions, recognitions and corrections."""

from __future__ import annotations

from schemas_cases import AFTER, BEFORE, CASES, COMMON, WRONG_CODE, Row
from schemas_samples import CREDIT_CODE

OWN = "'11999900MB0000000G'"
DAY = "'2026-10-09 09:00:00+08:00'"
NEXT = "'2026-10-10 09:00:00+08:00'"
PARTY = {
    rule: CASES["inspection"][rule]
    for rule in (
        "party_id_no_check_digit",
        "party_id_type_missing",
        "party_category_and_id_differ",
        "party_other_ids_differ",
        "legal_representative_id_no_check_digit",
    )
}
FIVE = (
    "['transfer_letter', 'investigation_report', 'property_list', "
    "'inspection_or_appraisal', 'other']"
)
CRIMINAL = {
    "transfer_kind": "'criminal'",
    "suspected_offence": "'刑法第二百二十五条'",
    "material_kinds": FIVE,
}
SEALED = {"transfer_kind": "'discipline'", "sharing_attribute": "'not_shared'", "case_no": "NULL"}
WITHDRAWN = {
    "correction_type": "'decision_revoked'",
    "correction_reason": "'复议撤销'",
    "legal_document_no": "'复-1'",
    "withdraw_due_time": "'2026-11-05 00:00:00+08:00'",
    "notified_orgs": f"[{OWN}]",
}
DECIDED = {
    "recognition_decision": "'recognised'",
    "decided_by_role": "'department_head'",
    "decided_time": DAY,
    "effect_text": "'计入次数'",
}


def changed(row: Row, **fields: str) -> Row:
    """``row`` with other or further fields."""
    return row | fields


def code_pair(field: str) -> tuple[Row, Row]:
    """A unified credit code with its right and with a wrong check digit."""
    return {field: f"'{CREDIT_CODE}'"}, {field: WRONG_CODE}


PROCEDURE_CASES: dict[str, dict[str, tuple[Row, Row]]] = {
    "transfer": {
        **COMMON,
        **PARTY,
        "discipline_with_content": (SEALED, changed(SEALED, party_name="'示例甲'")),
        "discipline_shared": (SEALED, changed(SEALED, sharing_attribute="'conditional'")),
        "from_org_check_digit": code_pair("from_org"),
        "to_org_check_digit": code_pair("to_org"),
        "cc_procuratorate_org_check_digit": code_pair("cc_procuratorate_org"),
        "sent_to_itself": ({"to_org": f"'{CREDIT_CODE}'"}, {"to_org": OWN}),
        "receiver_missing": (
            {"sent_time": DAY, "to_org_name": "'示例县公安局'"},
            {"sent_time": DAY},
        ),
        "subject_of_transfer_missing": (SEALED, {"case_no": "NULL"}),
        "report_before_team": (
            {"team_set_time": DAY, "report_time": DAY},
            {"team_set_time": NEXT, "report_time": DAY},
        ),
        "approval_before_report": (
            {"report_time": DAY, "approval_time": DAY},
            {"report_time": NEXT, "approval_time": DAY},
        ),
        "sent_before_approval": (
            {"approval_time": DAY, "sent_time": DAY},
            {"approval_time": NEXT, "sent_time": DAY},
        ),
        "sent_without_approval": (
            changed(CRIMINAL, sent_time=DAY, approval_result="'approved'"),
            changed(CRIMINAL, sent_time=DAY),
        ),
        "approver_not_entitled": (
            changed(CRIMINAL, approver_role="'acting_head'"),
            changed(CRIMINAL, approver_role="'deputy_head'"),
        ),
        "refusal_reason_missing": (
            {"approval_result": "'refused'", "refusal_reason": "'不符合标准'"},
            {"approval_result": "'refused'"},
        ),
        "criminal_materials_missing": (
            CRIMINAL,
            changed(CRIMINAL, material_kinds="['transfer_letter', 'other']"),
        ),
        "suspected_offence_missing": (CRIMINAL, changed(CRIMINAL, suspected_offence="NULL")),
        "document_type_differs": (
            changed(CRIMINAL, transfer_document_type="'suspected_crime_transfer'"),
            {"transfer_document_type": "'suspected_crime_transfer'"},
        ),
        "material_lists_differ": (
            {"material_kinds": "['other', '']", "material_states": "['present', '']"},
            {"material_kinds": "['other', '']", "material_states": "['present']"},
        ),
        "material_digest_form": (
            {"material_sha256": f"['{'a' * 64}', '']"},
            {"material_sha256": f"['{'A' * 64}']"},
        ),
        "property_lists_differ": (
            {"property_names": "['车辆']", "property_quantities": "['1辆']"},
            {"property_names": "['车辆']", "property_locations": "[]"},
        ),
        "sent_time_in_future": ({"sent_time": BEFORE}, {"sent_time": AFTER}),
    },
    "disposition": {
        **COMMON,
        "reference_missing": (
            {"refers_to_no": "NULL", "refers_to_record_id": f"'{'0' * 32}'"},
            {"refers_to_no": "NULL"},
        ),
        "refers_to_org_check_digit": code_pair("refers_to_org"),
        "handling_org_check_digit": code_pair("handling_org"),
        "forwarded_to_org_check_digit": code_pair("forwarded_to_org"),
        "reason_missing": (
            {"disposition_action": "'returned'", "disposition_reason": "'材料不全'"},
            {"disposition_action": "'returned'"},
        ),
        "action_and_decision_differ": (
            {"disposition_action": "'filed'", "filing_decision": "'filed'"},
            {"disposition_action": "'filed'", "filing_decision": "'not_filed'"},
        ),
        "decision_time_missing": (
            {"disposition_action": "'filed'", "decision_time": DAY},
            {"disposition_action": "'filed'"},
        ),
        "forwarding_org_missing": (
            {"disposition_action": "'forwarded'", "forwarded_to_org": OWN},
            {"disposition_action": "'forwarded'"},
        ),
        "supplement_not_listed": (
            {"disposition_action": "'supplement'", "supplement_materials": "['检验报告']"},
            {"disposition_action": "'supplement'", "supplement_materials": "[]"},
        ),
        "result_missing": (
            {"disposition_action": "'closed'", "result_case_no": "'A-2'"},
            {"disposition_action": "'closed'"},
        ),
        "feedback_before_decision": (
            {"decision_time": DAY, "feedback_time": DAY},
            {"decision_time": NEXT, "feedback_time": DAY},
        ),
        "handover_before_decision": (
            {"decision_time": DAY, "property_handover_time": DAY},
            {"decision_time": NEXT, "property_handover_time": DAY},
        ),
        "handover_without_filing": (
            {
                "property_handover_time": DAY,
                "filing_decision": "'not_filed'",
                "reconsideration_decision": "'filed'",
            },
            {"property_handover_time": DAY, "filing_decision": "'not_filed'"},
        ),
        "reconsideration_before_decision": (
            {"decision_time": DAY, "reconsideration_request_time": DAY},
            {"decision_time": NEXT, "reconsideration_request_time": DAY},
        ),
        "reconsideration_decided_before_request": (
            {"reconsideration_request_time": DAY, "reconsideration_decision_time": NEXT},
            {"reconsideration_request_time": NEXT, "reconsideration_decision_time": DAY},
        ),
        "supervision_before_decision": (
            {"decision_time": DAY, "supervision_request_time": NEXT},
            {"decision_time": NEXT, "supervision_request_time": DAY},
        ),
        "supervision_result_before_request": (
            {"supervision_request_time": DAY, "supervision_result_time": NEXT},
            {"supervision_request_time": NEXT, "supervision_result_time": DAY},
        ),
        "decision_time_in_future": ({"decision_time": BEFORE}, {"decision_time": AFTER}),
        "feedback_time_in_future": ({"feedback_time": BEFORE}, {"feedback_time": AFTER}),
    },
    "recognition": {
        **COMMON,
        "reference_missing": (
            {"recognised_no": "NULL", "recognised_record_id": f"'{'0' * 32}'"},
            {"recognised_no": "NULL"},
        ),
        "recognised_org_check_digit": code_pair("recognised_org"),
        "recognising_org_check_digit": code_pair("recognising_org"),
        "own_result_recognised": (
            {"recognised_org": f"'{CREDIT_CODE}'"},
            {"recognised_org": OWN},
        ),
        "reason_missing": (
            changed(
                DECIDED, recognition_decision="'partly'", recognition_reason="'rule_difference'"
            ),
            changed(DECIDED, recognition_decision="'partly'"),
        ),
        "decided_without_person": (DECIDED, changed(DECIDED, decided_by_role="'system'")),
        "decided_time_missing": (DECIDED, changed(DECIDED, decided_time="NULL")),
        "pending_but_decided": (DECIDED, changed(DECIDED, recognition_decision="'pending'")),
        "decided_before_proposed": (
            changed(DECIDED, proposed_time=DAY),
            changed(DECIDED, proposed_time=NEXT),
        ),
        "recheck_before_decision": (
            changed(DECIDED, rechecked_time=NEXT),
            changed(DECIDED, rechecked_time=BEFORE),
        ),
        "valid_to_before_valid_from": (
            changed(DECIDED, valid_from="'2026-10-13'", valid_to="'2026-10-13'"),
            changed(DECIDED, valid_from="'2026-10-13'", valid_to="'2026-10-12'"),
        ),
        "effect_missing": (DECIDED, changed(DECIDED, effect_text="NULL")),
        "recognised_without_identity": (
            changed(DECIDED, identity_match="'exact'"),
            changed(DECIDED, identity_match="'probable'"),
        ),
        "crosswalk_missing": (
            changed(
                DECIDED,
                recognition_decision="'partly'",
                recognition_reason="'rule_difference'",
                rule_crosswalk_id="'x'",
            ),
            changed(
                DECIDED, recognition_decision="'partly'", recognition_reason="'rule_difference'"
            ),
        ),
        "decided_time_in_future": (DECIDED, changed(DECIDED, decided_time=AFTER)),
    },
    "correction": {
        **COMMON,
        "reference_missing": (
            {"refers_to_no": "NULL", "refers_to_record_id": f"'{'0' * 32}'"},
            {"refers_to_no": "NULL"},
        ),
        "refers_to_org_check_digit": code_pair("refers_to_org"),
        "deciding_org_check_digit": code_pair("deciding_org"),
        "reason_missing": (WITHDRAWN, changed(WITHDRAWN, correction_reason="NULL")),
        "legal_document_missing": (WITHDRAWN, changed(WITHDRAWN, legal_document_no="NULL")),
        "withdraw_due_missing": (WITHDRAWN, changed(WITHDRAWN, withdraw_due_time="NULL")),
        "withdraw_due_before_effect": (
            WITHDRAWN,
            changed(WITHDRAWN, withdraw_due_time="'2026-11-01 23:59:59+08:00'"),
        ),
        "withdrawn_after_due": (
            changed(WITHDRAWN, withdrawn_time="'2026-11-05 00:00:00+08:00'"),
            changed(WITHDRAWN, withdrawn_time="'2026-11-05 00:00:01+08:00'"),
        ),
        "nobody_notified": (WITHDRAWN, changed(WITHDRAWN, notified_orgs="[]")),
        "corrected_fields_missing": (
            {"correction_type": "'data_error'", "corrected_fields": "['party_name']"},
            {"correction_type": "'data_error'"},
        ),
        "status_differs": (
            changed(WITHDRAWN, resulting_data_status="'revoked'"),
            changed(WITHDRAWN, resulting_data_status="'corrected'"),
        ),
        "notified_lists_differ": (
            {"notified_orgs": f"[{OWN}]", "ack_results": "['']", "ack_times": "['']"},
            {"notified_orgs": f"[{OWN}]", "ack_results": "['', '']"},
        ),
        "notified_org_check_digit": (
            {"notified_orgs": f"[{OWN}, '', '{CREDIT_CODE}']"},
            {"notified_orgs": f"[{OWN}, {WRONG_CODE}]"},
        ),
        "ack_time_form": (
            {"ack_times": "['', '2026-11-03T11:00:00+08:00', '2026-11-03T03:00Z']"},
            {"ack_times": "['2026-11-03T11:00:00']"},
        ),
        "withdrawn_time_in_future": ({"withdrawn_time": BEFORE}, {"withdrawn_time": AFTER}),
    },
}
