-- 安吉 12345 热线工单 → 热线工单
--
-- 反映内容可能写有诉求人的信息：只在本节点内保存，不进入线索，不共享。
SELECT
    txt("工单编号")                                       AS source_record_id,
    ts_cn("更新时间")                                     AS source_updated_time,
    txt("工单编号")                                       AS work_order_no,
    code('hotline', 'zh', "热线")                         AS hotline,
    code('hotline_business_type', 'zh', "业务类型")       AS hotline_business_type,
    ts_cn("受理时间")                                     AS accept_time,
    ts_cn("办理期限")                                     AS due_time,
    txt("反映内容")                                       AS content,
    txt("事发地点")                                       AS incident_place,
    plate("车牌号码")                                     AS vehicle_plate_no,
    code('plate_color', 'zh', "车牌颜色")                 AS vehicle_plate_color,
    'zh'                                                  AS vehicle_plate_color_scheme,
    "车牌颜色"                                            AS vehicle_plate_color_raw,
    'not_shared'                                          AS sharing_attribute
FROM raw
