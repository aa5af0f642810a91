-- 广德 运政系统 → 案件处理结果
--
-- 表头为“双公示”的中文名称；号牌颜色用 JT/T 697.7（1 蓝、2 黄）；罚款以万元计；日期写作 2026/10/08。
-- 同一个“1”，治超系统指黄牌，本系统指蓝牌：编码方案与原值一并保留。
--
-- 案由写作本单位目录的编号：编号对应的通用案由在本节点的 codes/case_cause.csv 中，未列入的记为
-- unmapped，原编号保留并计数。罚款换算为元，原值留在 raw_values。
--
-- 不取：
--   联系电话              本用途不需要（个人信息保护法第六条）
SELECT
    txt("案件编号")                                       AS source_record_id,
    ts_cn("更新时间")                                     AS source_updated_time,
    ts_cn("违法时间")                                     AS occurred_time,

    txt("案号")                                           AS case_no,
    ts_cn("立案时间")                                     AS filing_time,
    code('procedure_type', 'zh', "适用程序")              AS procedure_type,
    txt("行政处罚决定书文号")                             AS penalty_decision_no,
    CASE WHEN txt("处罚类别") IS NULL THEN 'no_penalty_minor' ELSE 'penalty' END
                                                          AS decision_type,
    txt("案由编号")                                       AS case_cause_code,
    code('case_cause', 'guangde_catalogue', "案由编号")   AS common_cause_code,
    kg("车货总质量(kg)")                                  AS total_weight_kg,
    kg("限定质量(kg)")                                    AS limit_weight_kg,
    txt("违法行为类型")                                   AS violation_type,
    txt("违法事实")                                       AS violation_facts,
    txt("处罚依据")                                       AS penalty_basis,
    CASE WHEN txt("处罚类别") IS NOT NULL THEN [code('penalty_category', 'zh', "处罚类别")] END
                                                          AS penalty_category,
    txt("处罚内容")                                       AS penalty_content,
    yuan_from_wan("罚款金额(万元)")                       AS fine_amount_cny,
    txt("裁量档次")                                       AS discretion_grade,
    date_ymd("处罚决定日期")                              AS decision_date,
    date_ymd("结案日期")                                  AS closed_date,
    txt("处罚机关")                                       AS penalty_org_name,
    '11341882HEFUDEM02N'                                  AS penalty_org_uscc,

    code('party_category', 'zh', "行政相对人类别")      AS party_category,
    txt("行政相对人名称")                                 AS party_name,
    code('id_type', 'zh', "证件类型")                     AS party_id_type,
    CASE txt("证件类型") WHEN '身份证' THEN id_no("证件号码") ELSE credit_code("证件号码") END
                                                          AS party_id_no,
    txt("法定代表人")                                     AS legal_representative,

    plate("号牌号码")                                     AS vehicle_plate_no,
    plate_unread("号牌号码")                              AS vehicle_plate_unread,
    code('plate_color', 'jt697', "号牌颜色")              AS vehicle_plate_color,
    'jt697'                                               AS vehicle_plate_color_scheme,
    "号牌颜色"                                            AS vehicle_plate_color_raw,
    txt("车辆类型")                                       AS vehicle_type,
    code('vehicle_type', 'zh', "车辆类型")                AS vehicle_class,
    "轴数"                                                AS axle_count,
    txt("道路运输证号")                                   AS transport_certificate_no,
    txt("车籍地代码")                                     AS vehicle_registration_division,
    txt("驾驶人")                                         AS driver_name,
    -- 驾驶证号就是身份证号；只在本节点内使用，协议中只授权其标识
    id_no("驾驶证号")                                     AS driver_license_no,

    txt("违法地点")                                       AS violation_place,
    '341882'                                              AS violation_division_code,

    -- 超限 1 吨以内只警告，不计入一年内的次数；计入与否由车籍地机关复核。
    CASE WHEN "违法行为类型" LIKE '%超过限定标准%' THEN txt("处罚类别") = '罚款' END
                                                          AS counts_toward_accumulation,
    CASE WHEN "违法行为类型" LIKE '%超过限定标准%' AND txt("处罚类别") IS DISTINCT FROM '罚款'
         THEN '超限不足 1000 千克，仅予警告' END          AS accumulation_reason
FROM raw
