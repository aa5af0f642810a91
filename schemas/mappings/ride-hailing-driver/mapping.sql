-- 网约车 驾驶员 → licence（证照）
SELECT
    txt("certificateA") AS source_record_id,
    'ride_hailing_driver' AS licence_type,
    txt("certificateA") AS licence_no,
    'natural_person' AS party_category,
    txt("driverName") AS party_name,
    CASE WHEN txt("driverIDCard") IS NOT NULL THEN 'resident_id' END AS party_id_type,
    id_no("driverIDCard") AS party_id_no,
    txt("driverPhone") AS party_phone,
    id_no("licenseId") AS driver_license_no,
    ['ride_hailing_driver'] AS qualification_categories,
    txt("networkCarIssueOrganization") AS issue_org_name,
    date_ymd("networkCarIssueDate") AS issue_date,
    date_ymd("networkCarProofOn") AS valid_from,
    -- 长期有效的留空 without an end it is left open
    CASE WHEN NOT coalesce(regexp_full_match(txt("networkCarProofOff"), '长期(有效)?'), FALSE) THEN date_ymd("networkCarProofOff") END AS valid_to,
    yes_no("inDriverBlacklist") AS blacklist_flag
FROM raw
