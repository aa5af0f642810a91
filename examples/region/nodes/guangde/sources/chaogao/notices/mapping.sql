-- 广德 抄告系统 → 违法线索
--
-- 时间写作 20261008093000；号牌颜色用 JT/T 697.7；证件类型用抄告平台的编码。
-- 注意 FeedbackNeed：0 是需要反馈，1 是不需要，与通常相反。
--
-- 不取：
--   ContactTel      经办人电话：本用途不需要
--   CopyType        本接口只交出“抄告”
SELECT
    txt("CopyFormNo")                                     AS source_record_id,
    ts_cn("UpdateTime")                                   AS source_updated_time,
    ts_cn("IllegalTime")                                  AS occurred_time,

    txt("CopyNo")                                         AS lead_no,
    'inspection'                                          AS lead_source,
    'copy_notice'                                         AS lead_type,
    ts_cn("IllegalTime")                                  AS discovered_time,
    ts_cn("IllegalTime")                                  AS violation_start_time,
    ts_cn("IllegalTime")                                  AS violation_end_time,
    txt("IllegalPlace")                                   AS violation_place,
    '341882'                                              AS violation_division_code,
    txt("IllegalItem")                                    AS suspected_violation,
    code('case_cause', 'zh', "IllegalItem")               AS common_cause_code,
    credit_code("CopyDepartCode")                         AS from_org,
    credit_code("AcceptDeptCode")                         AS to_org,
    CASE "FeedbackNeed" WHEN '0' THEN 'true' WHEN '1' THEN 'false' ELSE "FeedbackNeed" END
                                                          AS feedback_required,
    -- 期限由协议约定，抄告系统不记；此处按抄告之日起三十日计。
    CASE "FeedbackNeed" WHEN '0'
         THEN CAST(TRY_CAST(ts_cn("CopyDate") AS TIMESTAMPTZ) + INTERVAL 30 DAY AS VARCHAR) END
                                                          AS feedback_due_time,
    '车籍地或者违法行为人所在地在贵辖区'                  AS jurisdiction_reason,

    'legal_org'                                           AS party_category,
    txt("ClientName")                                     AS party_name,
    -- 三证合一后，营业执照上的 18 位号码就是统一社会信用代码，要按其校验码核对
    CASE WHEN "CertType" = '0' AND length(txt("CertNo")) = 18 THEN 'uscc'
         ELSE code('id_type', 'copysend', "CertType") END
                                                          AS party_id_type,
    CASE "CertType" WHEN '10' THEN id_no("CertNo") ELSE credit_code("CertNo") END
                                                          AS party_id_no,

    plate("PlateNo")                                      AS vehicle_plate_no,
    plate_unread("PlateNo")                               AS vehicle_plate_unread,
    code('plate_color', 'jt697', "PlateColor")            AS vehicle_plate_color,
    'jt697'                                               AS vehicle_plate_color_scheme,
    "PlateColor"                                          AS vehicle_plate_color_raw,
    txt("TransportCertNo")                                AS transport_certificate_no
FROM raw
