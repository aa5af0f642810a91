-- 网约车 驾驶员处罚（JSYCF）→ case_result（案件处理结果）
SELECT
    -- 表中没有编号 the table has no number of its own
    substr(sha256(id_no("licenseId") || '|' || ts_cn("punishTime") || '|' || txt("punishReason")), 1, 32) AS source_record_id,
    'JSYCF-' || substr(sha256(id_no("licenseId") || '|' || ts_cn("punishTime") || '|' || txt("punishReason")), 1, 32) AS case_no,
    'penalty' AS decision_type,
    'natural_person' AS party_category,
    CASE WHEN id_no_ok(id_no("licenseId")) THEN 'resident_id' WHEN txt("licenseId") IS NOT NULL THEN 'driving_licence' END AS party_id_type,
    id_no("licenseId") AS party_id_no,
    id_no("licenseId") AS driver_license_no,
    txt("punishReason") AS violation_type,
    txt("punishResult") AS penalty_content,
    -- YYYYMMDDHHMMSS
    substr(ts_cn("punishTime"), 1, 10) AS decision_date
FROM raw
