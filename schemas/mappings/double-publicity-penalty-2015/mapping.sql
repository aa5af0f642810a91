-- 双公示 行政处罚（2015 年版）→ case_result（案件处理结果）
SELECT
    coalesce(txt("CF_XZJG") || '/', '') || txt("CF_WSH") AS source_record_id,
    txt("CF_WSH") AS case_no,
    txt("CF_WSH") AS penalty_decision_no,
    txt("CF_CFMC") AS case_name,
    'penalty' AS decision_type,
    txt("DFBM") AS division_code,
    txt("CF_XDR_MC") AS party_name,
    CASE WHEN txt("CF_XDR_SFZ") IS NOT NULL
        AND coalesce(txt("CF_XDR_SHXYM"), txt("CF_XDR_ZDM"), txt("CF_XDR_GSDJ"), txt("CF_XDR_SWDJ")) IS NULL
        THEN 'natural_person' END AS party_category,
    list_filter([
        CASE WHEN txt("CF_XDR_SHXYM") IS NOT NULL THEN 'uscc' END,
        CASE WHEN txt("CF_XDR_SFZ") IS NOT NULL THEN 'resident_id' END,
        CASE WHEN txt("CF_XDR_GSDJ") IS NOT NULL THEN 'business_licence' END,
        CASE WHEN txt("CF_XDR_ZDM") IS NOT NULL THEN 'org_code' END,
        CASE WHEN txt("CF_XDR_SWDJ") IS NOT NULL THEN 'tax_no' END
    ], lambda e: e IS NOT NULL)[1] AS party_id_type,
    coalesce(
        credit_code("CF_XDR_SHXYM"), id_no("CF_XDR_SFZ"), txt("CF_XDR_GSDJ"), txt("CF_XDR_ZDM"), txt("CF_XDR_SWDJ")
    ) AS party_id_no,
    nullif(list_filter([
        CASE WHEN txt("CF_XDR_SHXYM") IS NOT NULL THEN 'uscc' END,
        CASE WHEN txt("CF_XDR_SFZ") IS NOT NULL THEN 'resident_id' END,
        CASE WHEN txt("CF_XDR_GSDJ") IS NOT NULL THEN 'business_licence' END,
        CASE WHEN txt("CF_XDR_ZDM") IS NOT NULL THEN 'org_code' END,
        CASE WHEN txt("CF_XDR_SWDJ") IS NOT NULL THEN 'tax_no' END
    ], lambda e: e IS NOT NULL)[2:], []) AS party_other_id_types,
    nullif(list_filter([
        credit_code("CF_XDR_SHXYM"), id_no("CF_XDR_SFZ"), txt("CF_XDR_GSDJ"), txt("CF_XDR_ZDM"), txt("CF_XDR_SWDJ")
    ], lambda e: e IS NOT NULL)[2:], []) AS party_other_id_nos,
    txt("CF_FR") AS legal_representative,
    -- 处罚名称常含当事人姓名，违法行为取处罚事由 the title often names the party; the cause does not
    txt("CF_SY") AS violation_type,
    txt("CF_YJ") AS penalty_basis,
    nullif(list_filter([
        code('penalty_category', 'zh', "CF_CFLB1"), code('penalty_category', 'zh', "CF_CFLB2")
    ], lambda e: e IS NOT NULL), []) AS penalty_category,
    txt("CF_JG") AS penalty_content,
    date_ymd("CF_JDRQ") AS decision_date,
    txt("CF_XZJG") AS penalty_org_name,
    -- 2 异议：处理期间决定仍有效；其余取值不猜测 under 2 (objection) the decision stands; others are not guessed
    CASE coalesce(txt("CF_ZT"), '0') WHEN '0' THEN 'valid' WHEN '1' THEN 'revoked' WHEN '2' THEN 'valid' ELSE txt("CF_ZT") END AS data_status,
    ts_cn("SJC") AS source_updated_time,
    txt("BZ") AS remark
FROM raw
