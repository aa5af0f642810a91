-- 安吉 不停车检测点的超限过车 → 违法线索
--
-- 号牌颜色、车型用收费公路的编码；质量以千克计，超限率由百分数换算为比值。
-- 需要车道、轴重等逐项称重数据时，同一文件可另建一个记录类型为检查（inspection）的来源。
-- 识别不出的号牌（“未识别”“无牌”）不是号牌：号牌留空，并注明未识别。
--
-- 不取：车道、车速（与案件无关）
SELECT
    txt("预检编号")                                       AS source_record_id,
    ts_cn("更新时间")                                     AS source_updated_time,
    ts_cn("过车时间")                                     AS occurred_time,

    txt("预检编号")                                       AS lead_no,
    'wim'                                                 AS lead_source,
    'assist'                                              AS lead_type,
    ts_cn("过车时间")                                     AS discovered_time,
    ts_cn("过车时间")                                     AS violation_start_time,
    ts_cn("过车时间")                                     AS violation_end_time,
    txt("站点名称")                                       AS violation_place,
    '330523'                                              AS violation_division_code,
    '车货总质量超过限定标准（总质量' || txt("总重(kg)") || '千克，限值' || txt("限重(kg)") || '千克）'
                                                          AS suspected_violation,
    'overload_road'                                       AS common_cause_code,
    kg("总重(kg)")                                        AS total_weight_kg,
    kg("限重(kg)")                                        AS limit_weight_kg,
    kg("超限量(kg)")                                      AS overlimit_weight_kg,
    coalesce(CAST(TRY_CAST("超限率(%)" AS DECIMAL(9, 2)) / 100 AS VARCHAR), "超限率(%)")
                                                          AS overlimit_rate,

    plate("车牌号码")                                     AS vehicle_plate_no,
    plate_unread("车牌号码")                              AS vehicle_plate_unread,
    code('plate_color', 'toll', "车牌颜色")               AS vehicle_plate_color,
    'toll'                                                AS vehicle_plate_color_scheme,
    "车牌颜色"                                            AS vehicle_plate_color_raw,
    txt("车型")                                           AS vehicle_type,
    code('vehicle_type', 'toll', "车型")                  AS vehicle_class,
    "轴数"                                                AS axle_count
FROM raw
