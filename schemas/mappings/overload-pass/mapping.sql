-- 省级治超平台 过车检测 → inspection（行政检查）
SELECT
    txt("record_code") AS source_record_id,
    txt("record_code") AS inspection_no,
    ts_cn("out_station_time") AS inspection_time,
    ts_cn("out_station_time") AS occurred_time,
    ts_cn("out_station_time") AS measured_time,
    txt("area_county") AS division_code,
    'off_site' AS inspection_form,
    'device' AS inspection_method,
    txt("site_name") AS weighing_station_name,
    txt("direction") AS travel_direction,
    plate("car_no") AS vehicle_plate_no,
    plate_unread("car_no") AS vehicle_plate_unread,
    txt("axis") AS axle_count,
    kg("total_weight") AS total_weight_kg,
    kg("limit_weight") AS limit_weight_kg,
    kg("overrun") AS overlimit_weight_kg,
    -- 百分数换算为比值，读不出的保留原文 per cent as a ratio; what can't be read is left to the checks
    coalesce(
        CAST(TRY_CAST(regexp_replace(txt("overrun_rate"), '[%％]$', '') AS DECIMAL(12, 4)) * 0.01 AS VARCHAR),
        txt("overrun_rate")
    ) AS overlimit_rate,
    txt("allow") AS permit_no,
    CASE yes_no("is_unusual") WHEN 'true' THEN '来源标记为异常' WHEN 'false' THEN NULL ELSE '来源异常标记：' || txt("is_unusual") END AS remark
FROM raw
