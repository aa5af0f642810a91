-- “互联网+监管”处罚行为 → case_result（案件处理结果）
SELECT
    txt("处罚行为编号") AS source_record_id,
    txt("处罚行为编号") AS case_no,
    txt("处罚行为编号") AS penalty_act_no,
    txt("处罚文书号") AS penalty_decision_no,
    -- 有文书号或决定日期的是行政处罚；不予处罚与其他情形按来源的写法对照
    -- with a document number or a decision's date it is a penalty; else as the source words it
    CASE
        WHEN txt("不予行政处罚") IS NOT NULL AND yes_no("不予行政处罚") <> 'false' THEN code('decision_type', 'zh', "不予行政处罚")
        WHEN coalesce(txt("处罚文书号"), txt("作出行政处罚决定日期")) IS NOT NULL THEN 'penalty'
        WHEN yes_no("是否涉刑案件") = 'true' AND txt("移送时间") IS NOT NULL THEN 'criminal_transfer'
        ELSE code('decision_type', 'zh', "其他处理情况")
    END AS decision_type,
    txt("监管事项目录编码") AS supervision_item_code,
    txt("检查行为编号") AS inspection_no,
    txt("监管对象类型") AS supervision_object_type,
    txt("监管对象") AS supervision_object_name,
    code('case_source', 'zh', "案件来源") AS case_source,
    txt("行政区划代码") AS division_code,
    txt("行政相对人") AS party_name,
    code('party_category', 'zh', "行政相对人性质") AS party_category,
    code('id_type', 'zh', "证件类型") AS party_id_type,
    -- 编码是信用代码或者证件号码 a credit code, or the number of a document
    CASE WHEN credit_code_ok(credit_code("行政相对人编码")) THEN credit_code("行政相对人编码") ELSE id_no("行政相对人编码") END AS party_id_no,
    CASE
        WHEN txt("注册地址") <> txt("经营地址") THEN txt("注册地址") || '；经营地址：' || txt("经营地址")
        ELSE coalesce(txt("注册地址"), txt("经营地址"))
    END AS party_address,
    txt("处罚行为名称") AS violation_type,
    txt("违法事实") AS violation_facts,
    txt("处罚依据") AS penalty_basis,
    code('procedure_type', 'zh', "处罚程序") AS procedure_type,
    yes_no("是否听证") AS hearing_flag,
    ts_cn("处罚立案时间") AS filing_time,
    yes_no("是否涉刑案件") AS criminal_flag,
    yes_no("是否重大案件") AS major_case_flag,
    yes_no("是否法制审核") AS legal_review_flag,
    date_ymd("法制审核日期") AS legal_review_date,
    txt("法制审核意见") AS legal_review_opinion,
    yes_no("是否集体讨论") AS collective_discussion_flag,
    date_ymd("集体讨论日期") AS collective_discussion_date,
    txt("集体讨论结论") AS collective_discussion_conclusion,
    date_ymd("作出行政处罚决定日期") AS decision_date,
    -- 法律条文里带顿号的类别不拆开 categories that the law itself writes with a comma stay whole
    codes(
        'penalty_category', 'zh',
        replace(regexp_replace(
            regexp_replace("处罚种类", '、(没收非法财物|暂扣或者吊销执照|行政法规规定)', '‖\1', 'g'),
            '[;；,，、]+', '；', 'g'), '‖', '、'), '；'
    ) AS penalty_category,
    yuan("罚款金额") AS fine_amount_cny,
    txt("处罚结果") AS penalty_content,
    code('review_status', 'zh', "行政复议") AS review_status,
    code('litigation_status', 'zh', "行政诉讼") AS litigation_status,
    code('execution_method', 'zh', "执行方式") AS execution_method,
    code('execution_result', 'zh', "执行结果") AS execution_result,
    yuan("实缴罚款金额") AS paid_amount_cny,
    date_ymd("结案日期") AS closed_date,
    txt("其他处理情况") AS other_handling,
    date_ymd("移送时间") AS transfer_date,
    txt("实施机构") AS penalty_org_name,
    credit_code("实施机构编码") AS penalty_org_uscc,
    txt("受委托部门") AS entrusted_org_name,
    credit_code("受委托部门编码") AS entrusted_org_uscc,
    ts_cn("报送时间") AS reported_time,
    ts_cn("报送时间") AS source_updated_time
FROM raw
