-- 运政 业户经营许可 → licence（证照）
SELECT
    coalesce(txt("经营许可证字"), '') || txt("经营许可证号") AS source_record_id,
    'road_transport_operation' AS licence_type,
    coalesce(txt("经营许可证字"), '') || txt("经营许可证号") AS licence_no,
    txt("行政区划") AS division_code,
    txt("业户名称") AS party_name,
    txt("业户编码") AS operator_code,
    CASE WHEN txt("统一社会信用代码") IS NOT NULL THEN 'uscc' END AS party_id_type,
    credit_code("统一社会信用代码") AS party_id_no,
    txt("经济类型") AS economic_type,
    txt("法人") AS legal_representative
FROM raw
