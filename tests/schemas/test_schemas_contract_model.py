"""The contracts hold the whole of the record model, and every item of the formats in use.

The tables name, for each field of the model (or item of a format), the field that holds it. A
field that is named otherwise than in the model says why in a comment.
"""

from __future__ import annotations

import pytest

from schemas.codes import canonical
from schemas.contract import CLASSIFICATIONS, Contract, load_contract, record_types

CONTRACTS = [load_contract(t) for t in record_types()]
contracts = pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: c.record_type)

ENVELOPE = {
    "record_id", "record_type", "schema_version", "source_org_code", "source_org_name",
    "source_system", "source_record_id", "division_code", "business_domain", "occurred_time",
    "source_updated_time", "received_time", "record_version", "supersedes_record_id",
    "data_status", "sharing_attribute", "purpose_code", "legal_basis_ref", "sensitivity_class",
    "rule_pack_version",
    "content_hash",  # record_hash: it covers content, not the whole record
    "raw_values",
}  # fmt: skip
PARTY = {
    "party_category", "party_name", "party_id_type", "party_id_no", "party_id_token",
    "legal_representative", "party_address", "party_phone",
}  # fmt: skip
VEHICLE = {
    "vehicle_plate_no", "vehicle_plate_color", "vehicle_plate_color_scheme",
    "vehicle_plate_color_raw", "trailer_plate_no", "vehicle_type", "vehicle_class", "vin",
    "axle_count", "transport_certificate_no", "vehicle_operator_name", "vehicle_operator_uscc",
    "vehicle_registration_division",
}  # fmt: skip
WEIGHING = {"total_weight_kg", "limit_weight_kg", "overlimit_weight_kg", "overlimit_rate"}
MODEL: dict[str, set[str]] = {
    "lead": PARTY | VEHICLE | WEIGHING | {
        "lead_no", "lead_source", "lead_type", "discovered_time", "violation_start_time",
        "violation_end_time", "violation_place", "violation_division_code",
        "suspected_violation", "case_cause_code", "common_cause_code", "driver_name",
        "driver_license_no", "driver_id_token", "qualification_certificate_no",
        "origin_unit_name", "loading_slip_no",
        # evidence[]: lists in parallel, since a column holds no records
        "evidence_type", "evidence_sha256", "evidence_uri", "evidence_device_verification_no",
        "evidence_review_result",
        "from_org", "to_org", "urgency", "feedback_required", "feedback_due_time",
        "jurisdiction_reason",
    },
    "inspection": PARTY | VEHICLE | WEIGHING | {
        "inspection_no", "plan_id", "supervision_item_code", "inspection_form",
        "inspection_category", "inspection_method", "inspection_result", "inspection_time",
        "officer_names", "officer_certificate_nos", "comprehensive_check_flag",
        # station_code, lane_no: with the word that says of what
        "weighing_station_code", "weighing_lane_no",
        "axle_weights_kg", "measured_time", "device_cert_valid_to", "is_evasion", "permit_no",
    },
    "case_result": PARTY | VEHICLE | WEIGHING | {
        "case_no", "case_source", "filing_time", "procedure_type", "penalty_decision_no",
        "decision_type", "non_penalty_basis", "violation_type", "violation_facts",
        "penalty_basis", "legal_basis", "penalty_category", "penalty_content",
        "fine_amount_cny", "confiscated_amount_cny", "suspended_or_revoked_licence",
        "decision_date", "penalty_valid_until", "publicity_deadline", "penalty_org_name",
        "penalty_org_uscc", "legal_review_flag", "legal_review_date",
        "collective_discussion_flag", "collective_discussion_date", "hearing_flag",
        "criminal_flag", "major_case_flag", "delivery_date", "review_status",
        "litigation_status", "execution_result", "paid_amount_cny", "closed_date",
        "correction_done_flag", "discretion_grade", "counts_toward_accumulation",
        "accumulation_reason", "same_act_group_id",
    },
    "transfer": PARTY | {
        "transfer_no", "transfer_kind", "case_record_id", "transfer_document_type",
        "document_form_issuer", "from_org", "to_org", "cc_procuratorate_org", "report_time",
        "approver_role", "approval_time", "approval_result", "refusal_reason", "sent_time",
        # materials[] and property_list[]: lists in parallel; `present` has a third state
        "material_kinds", "material_states", "material_sha256",
        "property_names", "property_quantities", "property_locations",
        "suspected_offence", "contact_name", "contact_phone",
    },
    "receipt": {
        "receipt_no", "refers_to_record_id", "receiver_org",
        "receipt_time",  # received_time is the envelope's: when this node took it in
        "receiver_signatory", "completeness_result", "missing_materials", "jurisdiction_check",
        "forwarded_to_org",
    },
    "disposition": {
        "disposition_no",
        "refers_to_record_id", "refers_to_no",  # refers_to: by identifier or by its own number
        "disposition_action",  # action: with the word that says of what
        "filing_decision",
        "disposition_reason",  # reason
        "decision_document_no", "decision_time", "result_case_record_id", "feedback_time",
        "property_handover_time", "reconsideration_request_time", "reconsideration_decision",
        "supervision_request_time", "supervision_result",
    },
    "recognition": {
        "recognition_no", "recognised_record_id", "recognising_org", "recognition_use",
        "recognition_decision",
        "recognition_reason",  # reason_code: named as its code list
        "rule_crosswalk_id", "decided_by_role", "decided_time", "valid_from", "valid_to",
        "effect_text",
    },
    "licence": {
        "licence_type", "licence_no",
        "party_name", "party_id_no",  # holder{}
        "licence_status",  # status
        "issue_org_name", "issue_org_uscc",  # issue_org
        "first_issue_date", "valid_from", "valid_to",
        "business_scope",  # scope
        "status_time",
    },
    "correction": {
        "correction_no", "refers_to_record_id", "correction_type", "legal_document_no",
        "effective_time", "withdraw_due_time", "notified_orgs",
        "ack_results", "ack_times",  # ack[]
    },
    "exemption_check": {
        "subject_token", "subject_kind",
        "window_start_date", "window_end_date",  # window_start/end: days
        "case_cause_scope",
        "hit_record_ids", "hit_source_org_codes",  # hits[]
        "exemption_result",  # result
        "answered_org_codes", "answered_as_of_times", "unanswered_org_codes",  # data_coverage
        "query_purpose", "operator_role",
    },
    "accumulation_snapshot": {
        "subject_token", "subject_kind", "window_start_date", "window_end_date",
        "case_cause_scope", "hit_record_ids", "hit_source_org_codes", "accumulation_result",
        "answered_org_codes", "answered_as_of_times", "unanswered_org_codes", "query_purpose",
        "operator_role",
    },
    # not of the record model: a step of workflows, from which states are computed
    "procedure_act": {
        "act_no", "procedure", "matter_org", "matter_no", "act_code", "act_sequence", "act_time",
        "acting_org", "acting_org_name", "acting_role", "approver_role", "actor_name",
        "officer_certificate_nos", "party_orgs", "to_org", "to_org_name", "competent_org",
        "subject_record_ids", "subject_record_type", "subject_nos", "case_cause_code",
        "suspected_offence", "reason_code", "reason_text", "document_no", "document_title",
        "document_sha256", "material_kinds", "material_states", "material_titles",
        "material_sha256", "result_record_id", "result_no", "result_code", "result_summary",
        "due_time", "decision_sha256", "proposed_by_node",
    },
    # the separate channel of discipline leads: that there is one, never what is in it
    "sealed_lead": {
        "sealed_no", "to_org", "sealed_time", "sealed_sha256", "sealed_size_bytes",
    },
    "work_order": {
        "work_order_no",
        "hotline_business_type",  # business_type
        "accept_time",
        "business_domain", "division_code",  # domain, division: the envelope's
        # appellant: never shared, so it has no field; that it was withheld has one
        "complainant_withheld_flag",
        "content",
        "party_name",  # respondent
        "handling_org", "handling_org_name",  # handle_agency
        "due_time", "finish_time",
        "handling_result",  # result
        "satisfaction",
    },
}  # fmt: skip

# 双公示 行政处罚: every item and the fields of a case result that hold it.
PUBLICITY = {
    "CF_XDR_MC": ("party_name",),
    "CF_XDR_LB": ("party_category",),
    "CF_XDR_SHXYM": ("party_id_type", "party_id_no"),
    "CF_XDR_GSZC": ("party_other_id_types", "party_other_id_nos"),
    "CF_XDR_ZZJG": ("party_other_id_types", "party_other_id_nos"),
    "CF_XDR_SWDJ": ("party_other_id_types", "party_other_id_nos"),
    "CF_XDR_SYDW": ("party_other_id_types", "party_other_id_nos"),
    "CF_XDR_SHZZ": ("party_other_id_types", "party_other_id_nos"),
    "CF_FRDB": ("legal_representative",),
    "CF_FR_ZJLX": ("legal_representative_id_type",),
    "CF_FR_ZJHM": ("legal_representative_id_no",),
    "CF_XDR_ZJLX": ("party_id_type",),
    "CF_XDR_ZJHM": ("party_id_no",),
    "CF_WSH": ("penalty_decision_no",),
    "CF_WFXW": ("violation_type",),
    "CF_SY": ("violation_facts",),
    "CF_YJ": ("penalty_basis",),
    "CF_CFLB": ("penalty_category",),
    "CF_NR": ("penalty_content",),
    "CF_NR_FK": ("fine_amount_cny",),
    "CF_NR_WFFF": ("confiscated_amount_cny",),
    "CF_NR_ZKDX": ("suspended_or_revoked_licence",),
    "CF_JDRQ": ("decision_date",),
    "CF_YXQ": ("penalty_valid_until",),
    "CF_GSJZQ": ("publicity_deadline",),
    "CF_CFJG": ("penalty_org_name",),
    "CF_CFJGDM": ("penalty_org_uscc",),
    "CF_SJLY": ("reporting_org_name",),
    "CF_SJLYDM": ("reporting_org_uscc",),
    "BZ": ("remark",),
}
SUPERVISED_PARTY = {
    "监管对象类型": ("supervision_object_type",),
    "监管对象": ("supervision_object_name",),
    "行政相对人": ("party_name",),
    "行政相对人性质": ("party_category",),
    "证件类型": ("party_id_type",),
    "行政相对人编码": ("party_id_no",),
    "注册地址/经营地址": ("party_address",),
    "行政区划代码": ("division_code",),
    "受委托部门": ("entrusted_org_name", "entrusted_org_uscc"),
    "监管事项目录编码": ("supervision_item_code",),
    "报送时间": ("reported_time",),
    "报送人员": ("reporter_name",),
}
# 互联网+监管: 处罚行为 and 检查行为.
SUPERVISED_PENALTY = SUPERVISED_PARTY | {
    "处罚行为名称": ("case_name",),
    "处罚行为编号": ("penalty_act_no",),
    "实施机构": ("penalty_org_name", "penalty_org_uscc"),
    "案件来源": ("case_source",),
    "检查行为编号": ("inspection_no",),
    "违法事实": ("violation_facts",),
    "处罚依据": ("penalty_basis",),
    "处罚程序": ("procedure_type",),
    "是否听证": ("hearing_flag",),
    "处罚立案时间": ("filing_time",),
    "是否涉刑案件": ("criminal_flag",),
    "是否重大案件": ("major_case_flag",),
    "法制审核": ("legal_review_flag", "legal_review_date", "legal_review_opinion"),
    "集体讨论": (
        "collective_discussion_flag",
        "collective_discussion_date",
        "collective_discussion_conclusion",
    ),
    "处罚文书号": ("penalty_decision_no",),
    "作出行政处罚决定日期": ("decision_date",),
    "处罚种类": ("penalty_category",),
    "罚款金额": ("fine_amount_cny",),
    "处罚结果": ("penalty_content",),
    "行政复议": ("review_status",),
    "行政诉讼": ("litigation_status",),
    "执行方式": ("execution_method",),
    "执行结果": ("execution_result",),
    "实缴罚款金额": ("paid_amount_cny",),
    "不予行政处罚": ("decision_type", "non_penalty_basis"),
    "结案日期": ("closed_date",),
    "其他处理情况": ("other_handling",),
    "移送时间": ("transfer_date",),
}
SUPERVISED_INSPECTION = SUPERVISED_PARTY | {
    "双随机一公开计划id": ("plan_id",),
    "监管事项检查实施清单编码": ("implementation_item_code",),
    "检查行为名称": ("inspection_name",),
    "检查行为编号": ("inspection_no",),
    "实施机构": ("inspection_org_name", "inspection_org_uscc"),
    "检查形式": ("inspection_form",),
    "检查类别": ("inspection_category",),
    "检查方式": ("inspection_method",),
    "检查结果": ("inspection_result",),
    "检查时间": ("inspection_time",),
    "检查人员": ("officer_names",),
    "执法证号": ("officer_certificate_nos",),
}
# What a node itself decides by, so that a value it does not know may not pass.
CLOSED = {
    "record_type", "refers_to_record_type", "recognised_record_type", "data_status",
    "resulting_data_status", "sharing_attribute", "sensitivity_class", "receipt_grade",
    "lead_type", "transfer_kind", "recognition_use", "proposed_decision",
    "recognition_decision", "correction_type", "recognition_step", "own_record_type",
}  # fmt: skip


def test_the_table_names_every_record_type() -> None:
    assert set(MODEL) == set(record_types())


@contracts
def test_a_contract_has_every_field_of_the_model(contract: Contract) -> None:
    assert (ENVELOPE | MODEL[contract.record_type]) - set(contract.names()) == set()


@pytest.mark.parametrize(
    ("record_type", "items"),
    [
        ("case_result", PUBLICITY),
        ("case_result", SUPERVISED_PENALTY),
        ("inspection", SUPERVISED_INSPECTION),
    ],
)
def test_every_item_of_a_format_has_a_field(
    record_type: str, items: dict[str, tuple[str, ...]]
) -> None:
    names = load_contract(record_type).names()
    assert [item for item, fields in items.items() if not set(fields) <= set(names)] == []


@contracts
def test_a_field_says_all_that_a_reader_asks(contract: Contract) -> None:
    for field in contract.fields:
        assert field.classification in CLASSIFICATIONS
        assert field.label_en[0].isupper() or field.label_en[0].isdigit(), field.name
        assert field.description.endswith("."), field.name


@contracts
def test_a_chinese_reader_is_told_what_a_field_is_and_not_its_label_again(
    contract: Contract,
) -> None:
    """The label stands beside the note, so the note must say more, and each its own."""
    notes = {field.name: field.note_zh for field in contract.fields}
    labels = {field.name: field.label_zh for field in contract.fields}
    assert [name for name, note in notes.items() if not note or note.isascii()] == []
    assert [name for name, note in notes.items() if len(note) < 5 or note in labels[name]] == []
    assert len(set(notes.values())) == len(notes)


@contracts
def test_the_examples_of_a_coded_field_are_codes(contract: Contract) -> None:
    for field in contract.fields:
        if field.code_list:
            known = {row.code for row in canonical(field.code_list)}
            assert set(field.examples[0].split()) <= known, field.name


@contracts
def test_only_what_the_node_decides_by_is_closed_and_it_says_why(contract: Contract) -> None:
    for field in contract.fields:
        if field.name in CLOSED:
            assert field.code_mode == "closed", field.name
            assert "closed" in field.description
            assert "封闭代码表" in field.note_zh
        elif field.code_list == "division":
            assert field.code_mode == "open"


@contracts
def test_raw_values_are_content_that_no_mapping_gives(contract: Contract) -> None:
    raw_values = contract.field("raw_values")
    assert raw_values in contract.content_fields()
    assert raw_values not in contract.givable_fields()
    assert not raw_values.technical
    assert raw_values.classification == "personal"


@contracts
def test_every_declared_rule_names_its_source(contract: Contract) -> None:
    assert [r.rule_id for r in contract.declared if not r.source] == []


def test_the_rules_of_law_stand_beside_the_contracts_own() -> None:
    contract = load_contract("case_result")
    law = [r for r in contract.rules() if r.rule_id.startswith("law:")]
    assert law
    assert {r.severity for r in law} == {"soft"}
    names = set(law[0].fields)
    assert law[0] in contract.rules(names)
    assert law[0] not in contract.rules(names - {law[0].fields[0]})


#: Texts that an agency writes freely, and lists of papers and things: names and plates stand there.
FREE_TEXTS = {
    "case_result": {
        "case_name", "violation_facts", "legal_review_opinion", "collective_discussion_conclusion",
        "other_handling", "remark", "supervision_object_name", "reporter_name",
        "vehicle_operator_name", "suspended_or_revoked_licence",
    },
    "inspection": {"inspection_name", "inspection_remark", "remark", "officer_names"},
    "lead": {"suspected_violation", "evidence_uri"},
    "disposition": {"disposition_reason", "result_summary", "contact_name", "contact_phone"},
    "transfer": {
        "transfer_reason", "refusal_reason", "material_titles", "property_names",
        "property_locations", "contact_name", "contact_phone",
    },
    "correction": {"correction_reason"},
    "recognition": {"recognition_reason_text", "effect_text"},
    "receipt": {"receiver_signatory"},
    "work_order": {"content", "handling_result", "incident_place"},
    "procedure_act": {"reason_text", "result_summary", "material_titles", "actor_name"},
}  # fmt: skip


@pytest.mark.parametrize("record_type", FREE_TEXTS)
def test_where_a_name_or_number_can_stand_the_class_says_so(record_type: str) -> None:
    contract = load_contract(record_type)
    known = {name: contract.field(name).classification for name in FREE_TEXTS[record_type]}
    assert not {name for name, level in known.items() if level in {"public", "internal"}}


def test_the_number_of_a_revoked_certificate_is_that_of_its_holder() -> None:
    # a driver's qualification certificate is mostly numbered by the identity number
    case = load_contract("case_result")
    assert case.field("suspended_or_revoked_licence").classification == (
        case.field("qualification_certificate_no").classification
    )


def test_nothing_personal_leaves_without_a_grant() -> None:
    for record_type in record_types():
        for field in load_contract(record_type).fields:
            assert not field.technical or field.classification in {"public", "internal"}, field.name
