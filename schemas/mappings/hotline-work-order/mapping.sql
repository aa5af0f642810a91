-- 12328 工单 → work_order（热线工单）
SELECT
    txt("work_order_no") AS source_record_id,
    txt("work_order_no") AS work_order_no,
    '12328' AS hotline,
    code('hotline_business_type', 'zh', "business_type") AS hotline_business_type,
    ts_cn("accept_time") AS accept_time,
    code('business_domain', 'zh', "domain") AS business_domain,
    txt("division") AS division_code,
    -- 只记录来源留有诉求人信息，信息本身不入库 that there is a complainant, never who
    txt("appellant") IS NOT NULL AS complainant_withheld_flag,
    txt("content") AS content,
    -- 被诉对象可能是企业、个人或号牌 a firm, a person or a plate
    CASE WHEN NOT coalesce(plate_ok(plate("respondent")), FALSE) THEN txt("respondent") END AS party_name,
    CASE WHEN plate_ok(plate("respondent")) THEN plate("respondent") END AS vehicle_plate_no,
    txt("handle_agency") AS handling_org_name,
    ts_cn("due_time") AS due_time,
    ts_cn("finish_time") AS finish_time,
    txt("result") AS handling_result,
    code('satisfaction', 'zh', "satisfaction") AS satisfaction
FROM raw
