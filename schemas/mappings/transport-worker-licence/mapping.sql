-- 运政 从业资格证（人员）→ licence（证照）
SELECT
    -- 证号多数就是身份证号，编号取摘要 the number mostly is the identity number
    substr(sha256(txt("从业资格证号")), 1, 32) AS source_record_id,
    'driver_qualification' AS licence_type,
    txt("从业资格证号") AS licence_no,
    'natural_person' AS party_category,
    CASE WHEN txt("身份证号") IS NOT NULL THEN 'resident_id' END AS party_id_type,
    id_no("身份证号") AS party_id_no,
    codes('qualification_category', 'zh', regexp_replace("从业资格类别", '[;；,，、]+', '、', 'g'), '、') AS qualification_categories,
    date_ymd("初领时间") AS first_issue_date,
    date_ymd("发放时间") AS issue_date,
    -- 长期有效的留空 without an end it is left open
    CASE WHEN NOT coalesce(regexp_full_match(txt("有效期至"), '长期(有效)?'), FALSE) THEN date_ymd("有效期至") END AS valid_to,
    txt("发证机关") AS issue_org_name,
    code('licence_status', 'zh', "证照状态") AS licence_status,
    txt("从业状态") AS employment_status,
    txt("补换证次数") AS reissue_count,
    txt("稽查处理状态") AS enforcement_handling_status
FROM raw
