-- 宁国 12328 热线投诉举报工单 → 违法线索
--
-- 时间为北京时间，不带时区；号牌颜色写作汉字。
--
-- 不取：
--   appellant       投诉人的姓名、电话：任何情况下都不共享
--   content         投诉内容原文：可能写有投诉人的信息；线索用经办人归纳的涉嫌违法行为
--   due_time        热线办理期限，不是线索的反馈期限
--   business_type   本接口只交出“投诉举报”
SELECT
    txt(work_order_no)                                    AS source_record_id,
    ts_cn(update_time)                                    AS source_updated_time,
    txt(domain)                                           AS business_domain,

    txt(work_order_no)                                    AS lead_no,
    '12328'                                               AS lead_source,
    'assist'                                              AS lead_type,
    ts_cn(accept_time)                                    AS discovered_time,
    '341881'                                              AS violation_division_code,
    txt(suspected)                                        AS suspected_violation,
    txt(respondent)                                       AS vehicle_operator_name,

    plate(car_no)                                         AS vehicle_plate_no,
    plate_unread(car_no)                                  AS vehicle_plate_unread,
    code('plate_color', 'zh', car_color)                AS vehicle_plate_color,
    'zh'                                                  AS vehicle_plate_color_scheme,
    car_color                                             AS vehicle_plate_color_raw
FROM raw
