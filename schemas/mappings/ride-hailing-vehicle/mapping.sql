-- 网约车 车辆 → licence（证照）
SELECT
    txt("certificate") AS source_record_id,
    'ride_hailing_vehicle' AS licence_type,
    txt("certificate") AS licence_no,
    txt("address") AS division_code,
    plate("vehicleNo") AS vehicle_plate_no,
    plate_unread("vehicleNo") AS vehicle_plate_unread,
    -- 代码与中文写法都有 both codes and words occur
    CASE WHEN regexp_full_match(txt("plateColor"), '[0-9]+') THEN code('plate_color', 'jt697', "plateColor") ELSE code('plate_color', 'zh', "plateColor") END AS vehicle_plate_color,
    CASE WHEN regexp_full_match(txt("plateColor"), '[0-9]+') THEN 'jt697' WHEN txt("plateColor") IS NOT NULL THEN 'zh' END AS vehicle_plate_color_scheme,
    txt("plateColor") AS vehicle_plate_color_raw,
    txt("seats") AS seat_count,
    txt("brand") AS vehicle_brand,
    txt("model") AS vehicle_model,
    txt("vehicleType") AS vehicle_type,
    code('vehicle_type', 'zh', "vehicleType") AS vehicle_class,
    txt("ownerName") AS party_name,
    upper(txt("vin")) AS vin,
    txt("transAgency") AS issue_org_name,
    txt("transArea") AS operating_area,
    date_ymd("transDateStart") AS valid_from,
    -- 长期有效的留空 without an end it is left open
    CASE WHEN NOT coalesce(regexp_full_match(txt("transDateStop"), '长期(有效)?'), FALSE) THEN date_ymd("transDateStop") END AS valid_to,
    code('annual_inspection_status', 'ride_hailing', "checkState") AS annual_inspection_status,
    txt("commercialType") AS commercial_type
FROM raw
