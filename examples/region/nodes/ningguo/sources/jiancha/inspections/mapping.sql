-- 宁国 检查平台 → 行政检查
--
-- 时间写作 2026年10月08日 09:30:00；质量以吨计；检查人员和执法证号各在一格，以顿号分开，次序相同。
SELECT
    txt("检查编号")                                       AS source_record_id,
    ts_cn("更新时间")                                     AS source_updated_time,
    ts_cn("检查时间")                                     AS occurred_time,

    txt("检查编号")                                       AS inspection_no,
    txt("双随机计划编号")                                 AS plan_id,
    txt("监管事项目录编码")                               AS supervision_item_code,
    code('inspection_result', 'zh', "检查结果")         AS inspection_result,
    ts_cn("检查时间")                                     AS inspection_time,
    split_list("检查人员", '、')                          AS officer_names,
    split_list("执法证号", '、')                          AS officer_certificate_nos,
    yes_no("是否综合查一次")                              AS comprehensive_check_flag,

    'legal_org'                                           AS party_category,
    txt("检查对象")                                       AS party_name,
    CASE WHEN txt("统一社会信用代码") IS NOT NULL THEN 'uscc' END
                                                          AS party_id_type,
    credit_code("统一社会信用代码")                       AS party_id_no,

    plate("车牌")                                         AS vehicle_plate_no,
    plate_unread("车牌")                                  AS vehicle_plate_unread,
    code('plate_color', 'zh', "车牌颜色")               AS vehicle_plate_color,
    'zh'                                                  AS vehicle_plate_color_scheme,
    "车牌颜色"                                            AS vehicle_plate_color_raw,
    "轴数"                                                AS axle_count,

    kg_from_t("总质量(吨)")                               AS total_weight_kg,
    kg_from_t("限值(吨)")                                 AS limit_weight_kg
FROM raw
