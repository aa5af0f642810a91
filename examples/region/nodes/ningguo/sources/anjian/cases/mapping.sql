-- 宁国 办案系统 → 案件处理结果
--
-- 立案和当事人是嵌套的 JSON（filing、party），按路径取值；时间为 1970 年以来的毫秒数；
-- 罚款以元计；号牌颜色写作汉字；车辆类型用 GA/T 24.4 的代码；案由是本系统自己的简称。
SELECT
    txt(id)                                               AS source_record_id,
    epoch_ms(modified)                                    AS source_updated_time,
    epoch_ms("actAt")                                     AS occurred_time,

    txt(json_extract_string(filing, '$.no'))              AS case_no,
    epoch_ms(json_extract_string(filing, '$.at'))         AS filing_time,
    code('procedure_type', 'zh', "procedure")             AS procedure_type,
    txt("decisionNo")                                     AS penalty_decision_no,
    CASE txt(decision) WHEN '处罚' THEN 'penalty' WHEN '不予处罚' THEN 'no_penalty_minor'
                       ELSE decision END                  AS decision_type,
    code('case_cause', 'zh', "illegalAct")                AS common_cause_code,
    kg("grossKg")                                         AS total_weight_kg,
    kg("limitKg")                                         AS limit_weight_kg,
    txt("illegalAct")                                     AS violation_type,
    txt(facts)                                            AS violation_facts,
    txt("lawBasis")                                       AS penalty_basis,
    CASE WHEN txt("penaltyKind") IS NOT NULL THEN [code('penalty_category', 'zh', "penaltyKind")] END
                                                          AS penalty_category,
    txt("penaltyText")                                    AS penalty_content,
    yuan("amountYuan")                                    AS fine_amount_cny,
    txt(discretion)                                       AS discretion_grade,
    date_ymd("decidedOn")                                 AS decision_date,
    date_ymd("closedOn")                                  AS closed_date,
    '宁国市交通运输综合行政执法队（示例）'                AS penalty_org_name,
    '11341881HEFUDEM03B'                                  AS penalty_org_uscc,

    code('party_category', 'zh', json_extract_string(party, '$.kind'))
                                                          AS party_category,
    txt(json_extract_string(party, '$.name'))             AS party_name,
    CASE WHEN "partyNumber" IS NULL THEN NULL
         WHEN json_extract_string(party, '$.kind') = '个人' THEN 'resident_id'
         ELSE 'uscc' END                                  AS party_id_type,
    CASE WHEN json_extract_string(party, '$.kind') = '个人' THEN id_no("partyNumber")
         ELSE credit_code("partyNumber") END              AS party_id_no,
    txt(json_extract_string(party, '$.legalPerson'))      AS legal_representative,

    plate("plateNo")                                      AS vehicle_plate_no,
    plate_unread("plateNo")                               AS vehicle_plate_unread,
    code('plate_color', 'zh', "plateColour")            AS vehicle_plate_color,
    'zh'                                                  AS vehicle_plate_color_scheme,
    "plateColour"                                         AS vehicle_plate_color_raw,
    txt("vehicleType")                                    AS vehicle_type,
    code('vehicle_type', 'ga24', "vehicleType")           AS vehicle_class,
    axles                                                 AS axle_count,
    txt(certificate)                                      AS transport_certificate_no,
    txt("registeredIn")                                   AS vehicle_registration_division,
    txt(json_extract_string(driver, '$.name'))            AS driver_name,
    -- 驾驶证号就是身份证号；只在本节点内使用，协议中只授权其标识
    id_no(json_extract_string(driver, '$.licence'))       AS driver_license_no,

    txt(place)                                            AS violation_place,
    '341881'                                              AS violation_division_code,

    -- 超限 1 吨以内只警告，不计入一年内的次数；计入与否由车籍地机关复核。
    CASE WHEN code('case_cause', 'zh', "illegalAct") = 'overload_road' THEN txt("penaltyKind") = '罚款' END
                                                          AS counts_toward_accumulation,
    CASE WHEN code('case_cause', 'zh', "illegalAct") = 'overload_road' AND txt("penaltyKind") IS DISTINCT FROM '罚款'
         THEN '超限不足 1000 千克，仅予警告' END          AS accumulation_reason
FROM raw
