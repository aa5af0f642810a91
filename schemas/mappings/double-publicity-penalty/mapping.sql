-- 双公示 行政处罚（现行，30 项）→ case_result（案件处理结果）
SELECT
    -- 文号在一个机关内不重复 a decision number is unique within its agency
    coalesce(credit_code("CF_CFJGDM") || '/', '') || txt("CF_WSH") AS source_record_id,
    txt("CF_WSH") AS case_no,
    txt("CF_WSH") AS penalty_decision_no,
    -- 这张表只报送行政处罚 the list holds penalties only
    'penalty' AS decision_type,
    txt("CF_XDR_MC") AS party_name,
    code('party_category', 'zh', "CF_XDR_LB") AS party_category,
    -- 第一个有值的证件为主，其余依次列入其他证件 the first number that is there, the others beside it
    nullif(list_filter([
        CASE WHEN txt("CF_XDR_SHXYM") IS NOT NULL THEN 'uscc' END,
        CASE WHEN txt("CF_XDR_ZJHM") IS NOT NULL THEN coalesce(code('id_type', 'zh', "CF_XDR_ZJLX"), '') END,
        CASE WHEN txt("CF_XDR_GSZC") IS NOT NULL THEN 'business_licence' END,
        CASE WHEN txt("CF_XDR_ZZJG") IS NOT NULL THEN 'org_code' END,
        CASE WHEN txt("CF_XDR_SWDJ") IS NOT NULL THEN 'tax_no' END,
        CASE WHEN txt("CF_XDR_SYDW") IS NOT NULL THEN 'institution_no' END,
        CASE WHEN txt("CF_XDR_SHZZ") IS NOT NULL THEN 'social_org_no' END
    ], lambda e: e IS NOT NULL)[1], '') AS party_id_type,
    coalesce(
        credit_code("CF_XDR_SHXYM"), id_no("CF_XDR_ZJHM"), txt("CF_XDR_GSZC"), txt("CF_XDR_ZZJG"),
        txt("CF_XDR_SWDJ"), txt("CF_XDR_SYDW"), txt("CF_XDR_SHZZ")
    ) AS party_id_no,
    nullif(list_filter([
        CASE WHEN txt("CF_XDR_SHXYM") IS NOT NULL THEN 'uscc' END,
        CASE WHEN txt("CF_XDR_ZJHM") IS NOT NULL THEN coalesce(code('id_type', 'zh', "CF_XDR_ZJLX"), '') END,
        CASE WHEN txt("CF_XDR_GSZC") IS NOT NULL THEN 'business_licence' END,
        CASE WHEN txt("CF_XDR_ZZJG") IS NOT NULL THEN 'org_code' END,
        CASE WHEN txt("CF_XDR_SWDJ") IS NOT NULL THEN 'tax_no' END,
        CASE WHEN txt("CF_XDR_SYDW") IS NOT NULL THEN 'institution_no' END,
        CASE WHEN txt("CF_XDR_SHZZ") IS NOT NULL THEN 'social_org_no' END
    ], lambda e: e IS NOT NULL)[2:], []) AS party_other_id_types,
    nullif(list_filter([
        credit_code("CF_XDR_SHXYM"), id_no("CF_XDR_ZJHM"), txt("CF_XDR_GSZC"), txt("CF_XDR_ZZJG"),
        txt("CF_XDR_SWDJ"), txt("CF_XDR_SYDW"), txt("CF_XDR_SHZZ")
    ], lambda e: e IS NOT NULL)[2:], []) AS party_other_id_nos,
    txt("CF_FRDB") AS legal_representative,
    code('id_type', 'zh', "CF_FR_ZJLX") AS legal_representative_id_type,
    id_no("CF_FR_ZJHM") AS legal_representative_id_no,
    txt("CF_WFXW") AS violation_type,
    txt("CF_SY") AS violation_facts,
    txt("CF_YJ") AS penalty_basis,
    -- 法律条文里带顿号的类别不拆开；“其他-…”按其他处理
    -- categories that the law itself writes with a comma stay whole; 其他-… is other
    codes(
        'penalty_category', 'zh',
        regexp_replace(replace(regexp_replace(
            regexp_replace("CF_CFLB", '、(没收非法财物|暂扣或者吊销执照|行政法规规定)', '‖\1', 'g'),
            '[;；,，、]+', '；', 'g'), '‖', '、'), '(^|；)其他[-—－:：][^；]*', '\1其他', 'g'), '；'
    ) AS penalty_category,
    txt("CF_NR") AS penalty_content,
    yuan_from_wan("CF_NR_FK") AS fine_amount_cny,
    yuan_from_wan("CF_NR_WFFF") AS confiscated_amount_cny,
    txt("CF_NR_ZKDX") AS suspended_or_revoked_licence,
    date_ymd("CF_JDRQ") AS decision_date,
    date_ymd("CF_YXQ") AS penalty_valid_until,
    date_ymd("CF_GSJZQ") AS publicity_deadline,
    txt("CF_CFJG") AS penalty_org_name,
    credit_code("CF_CFJGDM") AS penalty_org_uscc,
    txt("CF_SJLY") AS reporting_org_name,
    credit_code("CF_SJLYDM") AS reporting_org_uscc,
    txt("BZ") AS remark
FROM raw
