-- 抄告平台 抄告函（CopySend）→ lead（违法线索）
SELECT
    txt("CopyFormNo") AS source_record_id,
    txt("CopyFormNo") AS lead_no,
    coalesce(code('lead_source', 'zh', "CopyInfoFrom"), 'other_agency') AS lead_source,
    'copy_notice' AS lead_type,
    ts_cn("CopyDate") AS discovered_time,
    -- 违法情况是对违法事项的补充 the case's story stands behind its heading
    concat_ws('：', txt("IllegalItem"), txt("IllegalCase")) AS suspected_violation,
    CASE WHEN json_array_length("CopySendIllegal") > 1
        THEN array_to_string(list_filter("CopySendIllegal"->>'$[*].ClientName', lambda e: e <> ''), '、')
        ELSE txt("CopySendIllegal"->>'$[0].ClientName') END AS party_name,
    CASE WHEN json_array_length("CopySendIllegal") = 1
        THEN code('id_type', 'copysend', "CopySendIllegal"->>'$[0].CertType') END AS party_id_type,
    CASE WHEN json_array_length("CopySendIllegal") = 1
        THEN id_no("CopySendIllegal"->>'$[0].CertNo') END AS party_id_no,
    CASE WHEN json_array_length("CopySendIllegal") = 1
        THEN txt("CopySendIllegal"->>'$[0].Address') END AS party_address,
    CASE WHEN json_array_length("CopySendIllegal") = 1
        THEN txt("CopySendIllegal"->>'$[0].ClientTel') END AS party_phone,
    -- 平台自编代码不是机关的统一代码 a platform's own codes are nobody else's
    CASE WHEN credit_code_ok(credit_code("CopyDepartCode")) THEN credit_code("CopyDepartCode") END AS from_org,
    CASE WHEN credit_code_ok(credit_code("AcceptDeptCodes")) THEN credit_code("AcceptDeptCodes") END AS to_org,
    -- 0 需要反馈，1 不需要 0 yes, 1 no
    CASE txt("FeedbackNeed") WHEN '0' THEN 'true' WHEN '1' THEN 'false' ELSE txt("FeedbackNeed") END AS feedback_required,
    ts_cn("CopyOptDate") AS source_updated_time
FROM raw
