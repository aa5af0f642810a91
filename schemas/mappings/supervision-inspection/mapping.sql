-- “互联网+监管”检查行为 → inspection（行政检查）
SELECT
    txt("检查行为编号") AS source_record_id,
    txt("检查行为编号") AS inspection_no,
    txt("检查行为名称") AS inspection_name,
    txt("双随机一公开计划id") AS plan_id,
    txt("监管事项目录编码") AS supervision_item_code,
    txt("监管事项检查实施清单编码") AS implementation_item_code,
    txt("行政区划代码") AS division_code,
    txt("实施机构") AS inspection_org_name,
    credit_code("实施机构编码") AS inspection_org_uscc,
    txt("受委托部门") AS entrusted_org_name,
    credit_code("受委托部门编码") AS entrusted_org_uscc,
    txt("监管对象类型") AS supervision_object_type,
    txt("监管对象") AS supervision_object_name,
    txt("行政相对人") AS party_name,
    code('party_category', 'zh', "行政相对人性质") AS party_category,
    code('id_type', 'zh', "证件类型") AS party_id_type,
    CASE WHEN credit_code_ok(credit_code("行政相对人编码")) THEN credit_code("行政相对人编码") ELSE id_no("行政相对人编码") END AS party_id_no,
    CASE
        WHEN txt("注册地址") <> txt("经营地址") THEN txt("注册地址") || '；经营地址：' || txt("经营地址")
        ELSE coalesce(txt("注册地址"), txt("经营地址"))
    END AS party_address,
    code('inspection_form', 'zh', "检查形式") AS inspection_form,
    code('inspection_category', 'zh', "检查类别") AS inspection_category,
    code('inspection_method', 'zh', "检查方式") AS inspection_method,
    code('inspection_result', 'zh', "检查结果") AS inspection_result,
    ts_cn("检查时间") AS inspection_time,
    ts_cn("检查时间") AS occurred_time,
    split_list(regexp_replace("检查人员", '[;；,，、]+', '、', 'g'), '、') AS officer_names,
    split_list(regexp_replace("执法证号", '[;；,，、]+', '、', 'g'), '、') AS officer_certificate_nos,
    ts_cn("报送时间") AS reported_time,
    ts_cn("报送时间") AS source_updated_time
FROM raw
