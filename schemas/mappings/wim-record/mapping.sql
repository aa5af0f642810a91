-- 动态称重 过车检测数据（附录 B）→ inspection（行政检查）
SELECT
    txt("previewCode") AS source_record_id,
    txt("previewCode") AS inspection_no,
    ts_cn("previewDate") AS inspection_time,
    ts_cn("previewDate") AS occurred_time,
    coalesce(ts_cn("snapshotTime"), ts_cn("previewDate")) AS measured_time,
    'off_site' AS inspection_form,
    'device' AS inspection_method,
    txt("previewStationCode") AS weighing_station_code,
    txt("laneNo") AS weighing_lane_no,
    txt("measureType") AS measurement_type,
    coalesce(
        plate("licenseCodeFront"),
        CASE WHEN plate("licenseCodeBack") NOT LIKE '%挂' THEN plate("licenseCodeBack") END
    ) AS vehicle_plate_no,
    plate_unread("licenseCodeFront") AND coalesce(plate_unread("licenseCodeBack") OR plate("licenseCodeBack") LIKE '%挂', TRUE) AS vehicle_plate_unread,
    CASE WHEN plate("licenseCodeBack") LIKE '%挂' THEN plate("licenseCodeBack") END AS trailer_plate_no,
    code('plate_color', 'jt697', "licensePlateColor") AS vehicle_plate_color,
    CASE WHEN txt("licensePlateColor") IS NOT NULL THEN 'jt697' END AS vehicle_plate_color_scheme,
    txt("licensePlateColor") AS vehicle_plate_color_raw,
    txt("vehicleType") AS vehicle_type,
    code('vehicle_type', 'toll', "vehicleType") AS vehicle_class,
    txt("axisNum") AS axle_count,
    coalesce(CAST(TRY_CAST(round(TRY_CAST(txt("speed") AS DECIMAL(9, 3)), 0) AS BIGINT) AS VARCHAR), txt("speed")) AS speed_kmh,
    kg("totalWeight") AS total_weight_kg,
    kg("overLimitWeight") AS overlimit_weight_kg,
    -- 限定标准与超限率由重量得出 the limit and the rate follow from the weights
    CASE WHEN TRY_CAST(kg("overLimitWeight") AS BIGINT) > 0
        THEN CAST(TRY_CAST(kg("totalWeight") AS BIGINT) - TRY_CAST(kg("overLimitWeight") AS BIGINT) AS VARCHAR)
    END AS limit_weight_kg,
    CASE WHEN TRY_CAST(kg("overLimitWeight") AS BIGINT) > 0
            AND TRY_CAST(kg("totalWeight") AS BIGINT) > TRY_CAST(kg("overLimitWeight") AS BIGINT)
        THEN CAST(round(TRY_CAST(kg("overLimitWeight") AS DOUBLE)
            / (TRY_CAST(kg("totalWeight") AS BIGINT) - TRY_CAST(kg("overLimitWeight") AS BIGINT)), 4) AS VARCHAR)
    END AS overlimit_rate,
    -- 没有的轴写 0 或者空 an axle that is not there is 0 or empty
    nullif(list_filter([
        kg("axle1Weight"), kg("axle2Weight"), kg("axle3Weight"), kg("axle4Weight"), kg("axle5Weight"), kg("axle6Weight")
    ], lambda e: e IS NOT NULL AND e <> '0'), []) AS axle_weights_kg,
    yes_no("isEscape") AS is_evasion
FROM raw
