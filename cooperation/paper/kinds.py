"""The kinds of papers, and the placeholders that a template may name.

Placeholders are Chinese words, so that an officer can edit a template in Word or WPS:
``{{当事人}}``. A kind has the fields of the agency and the letter, of the matter, and of the record
that the matter is about.
"""

from __future__ import annotations

from dataclasses import dataclass

from schemas.errors import ConfigError
from schemas.text import Text


@dataclass(frozen=True, slots=True)
class Kind:
    """``procedures``: whose matters it is for; none: any. ``addressee``: roles that it goes to, the
    first that another agency plays. ``acts``: whose document it is, the newest first."""

    name: str
    label: Text
    procedures: tuple[str, ...] = ()
    addressee: tuple[str, ...] = ("receiver", "police", "sender", "superior", "origin")
    acts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PaperField:
    """One placeholder. ``columns``: fields of records that it is read from, the first that has a
    value; none: computed. ``example``: as it would stand in the paper."""

    name: str
    meaning: Text
    example: str
    columns: tuple[str, ...] = ()


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "copy_notice",
            Text(en="notice of a lead or result (抄告函)", zh="抄告函"),
            ("referral",),
            ("receiver", "origin"),
            ("send", "supplement", "check", "draft"),
        ),
        Kind(
            "assist_request",
            Text(en="request for assistance (协查函)", zh="协查函"),
            (),
            acts=("send", "exchange_evidence", "report"),
        ),
        Kind(
            "case_transfer",
            Text(en="letter of transfer between agencies (案件移送函)", zh="案件移送函"),
            ("referral", "jurisdiction"),
            ("receiver", "third", "origin"),
            ("hand_over_file", "send", "supplement"),
        ),
        Kind(
            "transfer_letter",
            Text(
                en="transfer of a suspected crime, with its list of materials",
                zh="涉嫌犯罪案件移送书（附移送材料清单）",
            ),
            ("transfer",),
            ("police",),
            ("dispatch", "approve", "report"),
        ),
        Kind("delivery_receipt", Text(en="receipt of delivery (送达回证)", zh="送达回证")),
        Kind(
            "withdrawal_notice",
            Text(en="notice of withdrawal or correction (撤回通知)", zh="撤回（更正）通知"),
            ("withdrawal",),
            ("receiver",),
            ("send_withdrawal", "revoke", "erase"),
        ),
        Kind(
            "jurisdiction_letter",
            Text(en="letter on jurisdiction to the other agency", zh="管辖争议协商函"),
            ("jurisdiction",),
            ("receiver", "origin"),
            ("propose_competent", "counter_propose", "exchange_evidence", "raise"),
        ),
        Kind(
            "designation_request",
            Text(en="request to designate jurisdiction", zh="关于报请指定管辖的请示"),
            ("jurisdiction",),
            ("superior",),
            ("escalate",),
        ),
    )
}


def kind_of(name: str) -> Kind:
    """The kind of that name, English or Chinese. Raises ``ConfigError`` if there is none."""
    found = KINDS.get(name) or next((k for k in KINDS.values() if k.label.zh == name), None)
    if found is not None:
        return found
    raise ConfigError(
        Text(en=f"there is no paper {name!r}", zh=f"没有名为“{name}”的文书"),
        hint=Text(
            en=f"there are: {', '.join(KINDS)}",
            zh="现有：" + "、".join(f"{k.name}（{k.label.zh}）" for k in KINDS.values()),
        ),
    )


def _f(name: str, en: str, zh: str, example: str, *columns: str) -> PaperField:
    return PaperField(name, Text(en=en, zh=zh), example, columns)


#: Of the letter, the agency and the matter.
LETTER_FIELDS: tuple[PaperField, ...] = (
    _f("文号", "number of the document", "本文书的文号", "广交执抄〔2026〕12号"),
    _f("本机关", "name of this agency", "本机关名称", "示例县交通运输综合行政执法大队"),
    _f("本机关代码", "code of this agency", "本机关统一社会信用代码", "11999900MB0000000G"),
    _f("主送机关", "who it is for", "主送机关名称", "示范县公安局"),
    _f("抄送机关", "who gets a copy", "抄送机关名称", "示范县人民检察院"),
    _f("日期", "the day, in Chinese numerals", "成文日期（汉字）", "二〇二六年十一月二十二日"),
    _f("日期数字", "the day, in figures", "成文日期（阿拉伯数字）", "2026年11月22日"),
    _f("事项编号", "number of the matter", "事项编号", "CG-341822-1A2B3C4D5E"),
    _f("所涉编号", "numbers of the cases or leads", "所涉案件、线索的编号", "示交案〔2026〕15号"),
    _f("法律依据", "law of the procedure", "办理程序的法律依据", "行政处罚法 第二十五条"),
    _f("理由", "the ground given", "最近一次写明的理由", "无管辖权"),
    _f("理由说明", "the ground in words", "理由的文字说明", "违法行为发生在贵方辖区"),
    _f("要求办结时间", "by when an answer is asked for", "要求反馈（办结）的时间", "2026年12月6日"),
    _f("办理人", "who did or decided the act", "办理人姓名", "某某"),
    _f("执法证号", "officers' certificate numbers", "执法人员证号", "皖P000001、皖P000002"),
)
_MATTER_FIELDS: dict[str, tuple[PaperField, ...]] = {
    "transfer": (
        _f("涉嫌罪名", "suspected offence", "涉嫌罪名", "危险驾驶罪"),
        _f("报告日期", "day of the team's report", "专案组提出报告的日期", "2026年11月20日"),
        _f("批准日期", "day of the approval", "批准移送的日期", "2026年11月21日"),
        _f("批准人职务", "office of who approved", "批准人职务", "正职负责人"),
        _f("抄送检察院", "procuratorate that gets a copy", "抄送的人民检察院", "示范县人民检察院"),
    ),
    "jurisdiction": (
        _f("对方机关", "the other agency", "争议的对方机关", "乙县交通运输综合行政执法大队"),
        _f("拟定管辖机关", "who is proposed as competent", "最近一次提议的管辖机关", "甲县大队"),
        _f("管辖机关", "who was agreed on or designated", "商定或者指定的管辖机关", "甲县大队"),
        _f("提出日期", "day on which it was raised", "提出管辖争议的日期", "2026年11月10日"),
    ),
    "withdrawal": (
        _f(
            "撤回依据文书",
            "document that it rests on",
            "撤销、变更所依据的文书文号",
            "示复决〔2026〕3号",
        ),
    ),
}
MATERIALS = "材料清单"
#: Columns of the list of materials: ``{%tr for 材料 in 材料清单 %}`` … ``{{材料.名称}}``.
MATERIAL_FIELDS: tuple[PaperField, ...] = (
    _f("序号", "number in the list", "序号", "1"),
    _f("种类", "kind of material", "材料种类", "涉嫌犯罪案件移送书"),
    _f("名称", "title", "材料名称", "现场检查笔录"),
    _f("附送情况", "whether it is there", "附送情况", "已附"),
    _f(
        "摘要",
        "SHA-256 of its file, first 16 digits",
        "文件摘要（SHA-256 前16位）",
        "9f86d081884c7d65",
    ),
)
#: Of the record that a matter is about.
RECORD_FIELDS: tuple[PaperField, ...] = (
    _f("案号", "case number", "案号", "示交案〔2026〕15号", "case_no"),
    _f("案件名称", "name of the case", "案件名称", "某公司超限运输案", "case_name"),
    _f("线索编号", "number of the lead", "线索编号", "示交抄〔2026〕12号", "lead_no"),
    _f("当事人", "the party", "当事人姓名或者名称", "某某物流有限公司", "party_name"),
    _f("证件号码", "the party's number", "当事人证件号码", "91999900MA0000000X", "party_id_no"),
    _f("法定代表人", "legal representative", "法定代表人", "某某", "legal_representative"),
    _f("当事人地址", "address", "当事人地址", "示例县某镇", "party_address"),
    _f("当事人电话", "telephone", "当事人电话", "－", "party_phone"),
    _f("车辆号牌", "plate", "车辆号牌", "皖P00000", "vehicle_plate_no"),
    _f("号牌颜色", "plate colour", "号牌颜色", "黄色", "vehicle_plate_color"),
    _f("挂车号牌", "trailer plate", "挂车号牌", "皖P0000挂", "trailer_plate_no"),
    _f("车辆类型", "vehicle type", "车辆类型", "重型半挂牵引车", "vehicle_type", "vehicle_class"),
    _f("轴数", "axles", "轴数", "6", "axle_count"),
    _f("道路运输证号", "transport certificate", "道路运输证号", "－", "transport_certificate_no"),
    _f(
        "车辆所属企业",
        "operator of the vehicle",
        "车辆所属企业",
        "某某物流有限公司",
        "vehicle_operator_name",
    ),
    _f("驾驶人", "driver", "驾驶人姓名", "某某", "driver_name"),
    _f(
        "从业资格证号",
        "driver's qualification",
        "从业资格证号",
        "－",
        "qualification_certificate_no",
    ),
    _f(
        "驾驶人所属企业",
        "driver's employer",
        "驾驶人所属企业",
        "某某物流有限公司",
        "driver_employer_name",
    ),
    _f("货运源头单位", "where it was loaded", "货运源头单位", "某某石料厂", "origin_unit_name"),
    _f("装载单号", "loading slip", "装载单号", "－", "loading_slip_no"),
    _f(
        "违法时间",
        "when the act was",
        "违法行为发生时间",
        "2026年10月8日9时30分",
        "violation_start_time",
        "occurred_time",
        "inspection_time",
    ),
    _f(
        "违法地点",
        "where the act was",
        "违法行为发生地",
        "某省道K12+300",
        "violation_place",
        "inspection_place",
    ),
    _f(
        "违法行为",
        "what is charged",
        "（涉嫌）违法行为",
        "超限运输",
        "suspected_violation",
        "violation_type",
        "common_cause_code",
        "case_cause_code",
    ),
    _f(
        "违法事实",
        "the facts",
        "违法事实",
        "车货总质量75吨",
        "violation_facts",
        "suspected_violation",
    ),
    _f("车货总质量", "total weight, kg", "车货总质量（千克）", "75000", "total_weight_kg"),
    _f("限定标准", "limit, kg", "限定标准（千克）", "49000", "limit_weight_kg"),
    _f("超限质量", "over the limit, kg", "超限质量（千克）", "26000", "overlimit_weight_kg"),
    _f("立案时间", "when it was filed", "立案时间", "2026年10月9日", "filing_time"),
    _f(
        "处罚决定书文号",
        "number of the decision",
        "行政处罚决定书文号",
        "示交罚〔2026〕15号",
        "penalty_decision_no",
    ),
    _f("处罚依据", "law of the penalty", "处罚依据", "公路安全保护条例第六十四条", "penalty_basis"),
    _f("处罚内容", "the penalty", "处罚内容", "罚款13000元", "penalty_content"),
    _f("罚款金额", "the fine, yuan", "罚款金额（元）", "13000.00", "fine_amount_cny"),
    _f("决定日期", "day of the decision", "处罚决定日期", "2026年10月15日", "decision_date"),
    _f("结案日期", "day on which it was closed", "结案日期", "2026年10月20日", "closed_date"),
    _f("送达日期", "day of delivery", "送达日期", "2026年10月16日", "delivery_date"),
    _f("管辖理由", "why the addressee is competent", "管辖理由", "车籍地", "jurisdiction_reason"),
)


def fields_of_kind(kind: Kind) -> tuple[PaperField, ...]:
    """Every placeholder that a template of the kind may name, but for those of the materials."""
    of_matter = [
        f for p in kind.procedures or tuple(_MATTER_FIELDS) for f in _MATTER_FIELDS.get(p, ())
    ]
    return (*LETTER_FIELDS, *dict.fromkeys(of_matter), *RECORD_FIELDS)
