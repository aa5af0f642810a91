-- case_result（案件处理结果）→ 双公示 行政处罚（现行，30 项）
WITH numbered AS (
    SELECT
        *,
        -- 主证件与其他证件合在一起，再按类型分到各列 all the party's numbers, then each to its column
        [coalesce(party_id_type, '')] || coalesce(party_other_id_types, []) AS id_types,
        [party_id_no] || coalesce(party_other_id_nos, []) AS id_nos
    FROM records
),
placed AS (
    SELECT
        *,
        list_position(list_transform(id_types, lambda t: t NOT IN (
            'uscc', 'business_licence', 'org_code', 'tax_no', 'institution_no', 'social_org_no'
        )), TRUE) AS person_no
    FROM numbered
)
SELECT
    _key,
    party_category = 'natural_person' AS _person,
    [
        CASE WHEN party_category = 'natural_person' THEN party_name END,
        CASE WHEN party_category = 'natural_person' THEN party_id_no END,
        CASE WHEN party_category = 'natural_person' THEN party_address END,
        -- 法人的法定代表人是登记公示的事项，个体工商户的经营者是自然人
        -- who stands for a company is in the public register; an individual business is a person
        CASE WHEN party_category <> 'legal_org' THEN legal_representative END,
        party_phone, id_nos[person_no], legal_representative_id_no,
        driver_name, driver_license_no, qualification_certificate_no,
        vehicle_plate_no, trailer_plate_no
    ] AS _private,
    party_name AS CF_XDR_MC,
    label_party_category(party_category) AS CF_XDR_LB,
    id_nos[list_position(id_types, 'uscc')] AS CF_XDR_SHXYM,
    id_nos[list_position(id_types, 'business_licence')] AS CF_XDR_GSZC,
    id_nos[list_position(id_types, 'org_code')] AS CF_XDR_ZZJG,
    id_nos[list_position(id_types, 'tax_no')] AS CF_XDR_SWDJ,
    id_nos[list_position(id_types, 'institution_no')] AS CF_XDR_SYDW,
    id_nos[list_position(id_types, 'social_org_no')] AS CF_XDR_SHZZ,
    legal_representative AS CF_FRDB,
    CASE legal_representative_id_type WHEN 'resident_id' THEN '身份证' ELSE label_id_type(legal_representative_id_type) END AS CF_FR_ZJLX,
    legal_representative_id_no AS CF_FR_ZJHM,
    CASE id_types[person_no] WHEN 'resident_id' THEN '身份证' ELSE label_id_type(id_types[person_no]) END AS CF_XDR_ZJLX,
    id_nos[person_no] AS CF_XDR_ZJHM,
    penalty_decision_no AS CF_WSH,
    violation_type AS CF_WFXW,
    violation_facts AS CF_SY,
    coalesce(penalty_basis, array_to_string(legal_basis, '；')) AS CF_YJ,
    array_to_string(list_transform(penalty_category, lambda c: label_penalty_category(c)), '；') AS CF_CFLB,
    penalty_content AS CF_NR,
    -- 元换算为万元，不舍入 yuan in 10,000 yuan, exactly
    rtrim(rtrim(CAST(fine_amount_cny * 0.0001::DECIMAL(5, 4) AS VARCHAR), '0'), '.') AS CF_NR_FK,
    rtrim(rtrim(CAST(confiscated_amount_cny * 0.0001::DECIMAL(5, 4) AS VARCHAR), '0'), '.') AS CF_NR_WFFF,
    suspended_or_revoked_licence AS CF_NR_ZKDX,
    strftime(decision_date, '%Y/%m/%d') AS CF_JDRQ,
    strftime(penalty_valid_until, '%Y/%m/%d') AS CF_YXQ,
    strftime(publicity_deadline, '%Y/%m/%d') AS CF_GSJZQ,
    penalty_org_name AS CF_CFJG,
    penalty_org_uscc AS CF_CFJGDM,
    coalesce(reporting_org_name, source_org_name) AS CF_SJLY,
    coalesce(reporting_org_uscc, source_org_code) AS CF_SJLYDM,
    remark AS BZ
FROM placed
