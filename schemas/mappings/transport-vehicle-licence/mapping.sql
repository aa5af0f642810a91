-- 运政 道路运输证（车辆）→ licence（证照）
SELECT
    txt("道路运输证号") AS source_record_id,
    'road_transport_vehicle' AS licence_type,
    txt("道路运输证号") AS licence_no,
    txt("道路运输证号") AS transport_certificate_no,
    plate("号牌") AS vehicle_plate_no,
    plate_unread("号牌") AS vehicle_plate_unread,
    CASE WHEN regexp_full_match(txt("车牌颜色"), '[0-9]+') THEN code('plate_color', 'jt697', "车牌颜色") ELSE code('plate_color', 'zh', "车牌颜色") END AS vehicle_plate_color,
    CASE WHEN regexp_full_match(txt("车牌颜色"), '[0-9]+') THEN 'jt697' WHEN txt("车牌颜色") IS NOT NULL THEN 'zh' END AS vehicle_plate_color_scheme,
    txt("车牌颜色") AS vehicle_plate_color_raw,
    upper(txt("车架号")) AS vin,
    txt("车辆类型") AS vehicle_type,
    code('vehicle_type', 'zh', "车辆类型") AS vehicle_class,
    -- 长期有效的留空 without an end it is left open
    CASE WHEN NOT coalesce(regexp_full_match(txt("有效期止"), '长期(有效)?'), FALSE) THEN date_ymd("有效期止") END AS valid_to
FROM raw
