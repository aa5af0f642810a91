-- 安吉 治超系统 → 案件处理结果
--
-- 号牌颜色用收费公路的编码（0 蓝、1 黄）；车型用收费公路的分类（12 至 16 为货车）；
-- 质量以吨计，换算为千克，原值留在 raw_values；罚款以元计；时间为 ISO 8601，带时区。
-- 案由只有文字：代码表认得的译为通用案由，认不得的记为 unmapped，原文保留并计数。
-- 行政相对人按类别分在两组列里：单位和个体工商户在 org_*，自然人在 person_*。
--
-- 不取：
--   phone           联系电话：本用途不需要（个人信息保护法第六条）
--   dept_county     处罚地：本系统中总是本县，即 division_code 的默认值
SELECT
    txt(record_code)                                      AS source_record_id,
    ts_cn(update_time)                                    AS source_updated_time,
    ts_cn(violation_time)                                 AS occurred_time,

    txt(filing_num)                                       AS case_no,
    ts_cn(filing_time)                                    AS filing_time,
    code('procedure_type', 'zh', "procedure")             AS procedure_type,
    txt(case_num)                                         AS penalty_decision_no,
    CASE txt(result) WHEN '行政处罚' THEN 'penalty' WHEN '不予处罚' THEN 'no_penalty_minor'
                     ELSE txt(result) END                 AS decision_type,
    -- 浙江省公路条例第五十三条的“可以不予处罚”，不是行政处罚法第三十三条的三种情形
    CASE txt(result) WHEN '不予处罚' THEN 'other' END     AS non_penalty_basis,
    code('case_cause', 'zh', violation)                   AS common_cause_code,
    kg_from_t(total_weight)                               AS total_weight_kg,
    kg_from_t(limit_weight)                               AS limit_weight_kg,
    kg_from_t(overrun)                                    AS overlimit_weight_kg,
    txt(violation)                                        AS violation_type,
    txt(violation_facts)                                  AS violation_facts,
    txt(basis)                                            AS penalty_basis,
    CASE WHEN txt(penalty) IS NOT NULL THEN [code('penalty_category', 'zh', penalty)] END
                                                          AS penalty_category,
    txt(penalty_content)                                  AS penalty_content,
    yuan(fine)                                            AS fine_amount_cny,
    date_ymd(decision_date)                               AS decision_date,
    date_ymd(close_case_time)                             AS closed_date,
    '安吉县交通运输综合行政执法队（示例）'                AS penalty_org_name,
    '11330523HEFUDEM015'                                  AS penalty_org_uscc,

    CASE party_type WHEN '1' THEN 'legal_org' WHEN '2' THEN 'individual_business'
                    WHEN '3' THEN 'natural_person' ELSE party_type END
                                                          AS party_category,
    txt(coalesce(org_name, person_name))                  AS party_name,
    CASE WHEN org_code IS NOT NULL THEN 'uscc'
         WHEN person_id_card IS NOT NULL THEN 'resident_id' END
                                                          AS party_id_type,
    coalesce(credit_code(org_code), id_no(person_id_card)) AS party_id_no,
    txt(legal_person)                                     AS legal_representative,
    txt(driver_name)                                      AS driver_name,
    -- 驾驶证号就是身份证号；只在本节点内使用，协议中只授权其标识
    id_no(driver_id_card)                                 AS driver_license_no,

    plate(car_no)                                         AS vehicle_plate_no,
    plate_unread(car_no)                                  AS vehicle_plate_unread,
    code('plate_color', 'toll', car_color)                AS vehicle_plate_color,
    'toll'                                                AS vehicle_plate_color_scheme,
    car_color                                             AS vehicle_plate_color_raw,
    txt(car_type)                                         AS vehicle_type,
    code('vehicle_type', 'toll', car_type)                AS vehicle_class,
    axis                                                  AS axle_count,
    txt(car_qua_code)                                     AS transport_certificate_no,
    txt(car_area)                                         AS vehicle_registration_division,

    txt(address)                                          AS violation_place,
    area_county                                           AS violation_division_code,

    -- 浙江对超限 20% 以下可以不予处罚，邻省同样的车会被罚款：只有罚了款的超限才计入一年内的次数。
    CASE WHEN violation NOT LIKE '%超过限定标准%' THEN NULL
         ELSE fine IS NOT NULL END                        AS counts_toward_accumulation,
    CASE WHEN violation LIKE '%超过限定标准%' AND fine IS NULL
         THEN '超限未达浙江省公路条例第五十三条的罚款幅度' END
                                                          AS accumulation_reason
FROM raw
