-- 省级治超平台 处理结果 → case_result（案件处理结果）
SELECT
    txt("case_num") AS source_record_id,
    txt("case_num") AS case_no,
    txt("case_num") AS penalty_decision_no,
    'penalty' AS decision_type,
    '违法超限运输' AS violation_type,
    CASE txt("record_type") WHEN '31' THEN 'off_site' WHEN '99' THEN 'on_site' ELSE code('inspection_form', 'zh', "record_type") END AS inspection_form,
    txt("dept_county") AS division_code,
    txt("area_county") AS violation_division_code,
    plate("car_no") AS vehicle_plate_no,
    plate_unread("car_no") AS vehicle_plate_unread,
    txt("car_qua_code") AS transport_certificate_no,
    txt("driver_name") AS driver_name,
    id_no("driver_id_card") AS driver_license_no,
    txt("org_name") AS vehicle_operator_name,
    -- 平台没有决定日期，结案日期不能代替 the system has no decision date, and the closing date is none
    date_ymd("close_case_time") AS closed_date,
    txt("police_punish_no") AS police_penalty_decision_no,
    date_ymd("police_punish_time") AS police_penalty_date
FROM raw
