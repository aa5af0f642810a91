-- 安吉 不停车检测点的超限过车 → 违法线索
--
-- 号牌颜色用收费公路的编码；质量以千克计。线索没有称重字段：总质量和限值写进涉嫌违法行为，
-- 供受理机关判断；需要逐项称重数据时，同一文件可另建一个记录类型为检查（inspection）的来源。
-- 识别不出的号牌（“未识别”“无牌”）不是号牌：号牌留空，并注明未识别。
--
-- 不取：车道、车速、超限量、超限率（可由总质量和限值算出，或与案件无关）
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

    plate("车牌号码")                                     AS vehicle_plate_no,
    plate_unread("车牌号码")                              AS vehicle_plate_unread,
    code('plate_color', 'toll', "车牌颜色")               AS vehicle_plate_color,
    'toll'                                                AS vehicle_plate_color_scheme,
    "车牌颜色"                                            AS vehicle_plate_color_raw,
    "轴数"                                                AS axle_count
FROM raw
