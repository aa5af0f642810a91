"""A fact in the words of each system: its field names, units, code lists and date formats.

Money and weights are written in the system's unit; a value that the system has no entry for
is None where it speaks JSON and empty where it writes CSV.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from examples.region.agencies import ANJI, GUANGDE
from examples.region.causes import guangde_item, ningguo_words
from examples.region.facts import Case, Inspection, Notice, Pass, WorkOrder
from examples.region.happenings import CHINA
from examples.region.people import Body, PlateColor, Vehicle

Row = dict[str, Any]

TOLL_COLOR: Final[Mapping[PlateColor, str]] = {
    "blue": "0",
    "yellow": "1",
    "green": "4",
}
JT697_COLOR: Final[Mapping[PlateColor, str]] = {
    "blue": "1",
    "yellow": "2",
    "green": "5",
}
WORD_COLOR: Final[Mapping[PlateColor, str]] = {
    "blue": "蓝色",
    "yellow": "黄色",
    "green": "绿色",
}
# GA/T 24.4, and its words
GA24_BODY: Final[Mapping[Body, str]] = {
    "tractor_unit": "Q11",
    "dump_truck": "H17",
    "stake_truck": "H19",
    "medium_truck": "H21",
    "car": "K33",
}
WORD_BODY: Final[Mapping[Body, str]] = {
    "tractor_unit": "重型半挂牵引车",
    "dump_truck": "重型自卸货车",
    "stake_truck": "重型仓栅式货车",
    "medium_truck": "中型普通货车",
    "car": "小型轿车",
}
PENALTY_ZH: Final = {"fine": "罚款", "warning": "警告"}
PROCEDURE_ZH: Final = {"ordinary": "普通程序", "summary": "简易程序"}
PARTY_ZH: Final = {
    "legal_org": "法人及非法人组织",
    "natural_person": "自然人",
    "individual_business": "个体工商户",
}


def iso(at: datetime) -> str:
    return at.astimezone(CHINA).isoformat()


def iso_utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def plain(at: datetime) -> str:
    return f"{at.astimezone(CHINA):%Y-%m-%d %H:%M:%S}"


def _slashed(at: datetime) -> str:
    return f"{at.astimezone(CHINA):%Y/%m/%d %H:%M:%S}"


def _compact(at: datetime) -> str:
    return f"{at.astimezone(CHINA):%Y%m%d%H%M%S}"


def _words(at: datetime) -> str:
    return f"{at.astimezone(CHINA):%Y年%m月%d日 %H:%M:%S}"


def _epoch_ms(at: datetime) -> int:
    return int(at.timestamp()) * 1000


def _tonnes(kg: int | None) -> str | None:
    return None if kg is None else f"{kg / 1000:.2f}"


def _toll_class(vehicle: Vehicle) -> str:
    """JT/T 489: passenger cars are class 1; of 2 axles and 4.5 t up a truck is class 2, 12 here."""
    return "1" if vehicle.body == "car" else f"{10 + vehicle.axles}"


def zhichao(case: Case) -> Row:
    owner = case.party
    person = owner.category == "natural_person"
    over = None if case.total_kg is None or case.limit_kg is None else case.total_kg - case.limit_kg
    return {
        "record_code": f"ZC{case.filed_at:%Y}{case.serial:07}",
        "case_num": case.decision_no,
        "filing_num": case.case_no,
        "party_type": {"legal_org": "1", "individual_business": "2", "natural_person": "3"}[
            owner.category
        ],
        "org_name": None if person else owner.name,
        "org_code": None if person else owner.number,
        "person_name": owner.name if person else None,
        "person_id_card": owner.number if person else None,
        "legal_person": owner.legal_representative,
        "driver_name": case.driver.name,
        "driver_id_card": case.driver.number,
        "car_no": case.vehicle.plate,
        "car_color": TOLL_COLOR[case.vehicle.color],
        "car_type": _toll_class(case.vehicle),
        "axis": case.vehicle.axles,
        "car_qua_code": case.vehicle.certificate_no,
        "car_area": case.vehicle.registration_division,
        "violation": case.violation,
        "violation_facts": case.facts,
        "basis": case.basis,
        "total_weight": _tonnes(case.total_kg),
        "limit_weight": _tonnes(case.limit_kg),
        "overrun": _tonnes(over),
        "result": "行政处罚" if case.decision_type == "penalty" else "不予处罚",
        "procedure": {"ordinary": "一般程序", "summary": "简易程序"}[case.procedure],
        "penalty": PENALTY_ZH.get(case.penalty_category),
        "penalty_content": case.content,
        "fine": None if case.fine_yuan is None else f"{case.fine_yuan}.00",
        "address": case.place,
        "area_county": ANJI.division_code,
        "dept_county": ANJI.division_code,
        "violation_time": iso(case.violated_at),
        "filing_time": iso(case.filed_at),
        "decision_date": case.decided_on.isoformat(),
        "close_case_time": case.closed_on.isoformat(),
        "phone": "00000000000",
        "update_time": iso(case.updated_at),
    }


def wim(passed: Pass) -> Row:
    over_kg = passed.total_kg - passed.limit_kg
    return {
        "预检编号": f"33052399{passed.passed_at:%Y%m%d%H%M%S}{passed.serial:05}",
        "过车时间": plain(passed.passed_at),
        "站点名称": passed.station,
        "车道": str(passed.lane),
        "车速": str(passed.speed_km_h),
        "车牌号码": passed.vehicle.plate,
        "车牌颜色": TOLL_COLOR[passed.vehicle.color],
        "车型": _toll_class(passed.vehicle),
        "轴数": str(passed.vehicle.axles),
        "总重(kg)": str(passed.total_kg),
        "限重(kg)": str(passed.limit_kg),
        "超限量(kg)": str(over_kg),
        "超限率(%)": f"{over_kg * 100 / passed.limit_kg:.2f}",
        "更新时间": plain(passed.updated_at),
    }


def hotline(write: Callable[[datetime], str]) -> Callable[[WorkOrder], Row]:
    def render(order: WorkOrder) -> Row:
        return {
            "work_order_no": order.order_no,
            "business_type": "投诉举报",
            "accept_time": write(order.accepted_at),
            "domain": order.domain,
            # Who complained is in the feed because real feeds have it. It is never mapped.
            "appellant": {"name": "测试癸十", "phone": "00000000000"},
            "content": order.content,
            "suspected": order.violation,
            "respondent": order.respondent,
            "car_no": order.vehicle.plate,
            "car_color": WORD_COLOR[order.vehicle.color],
            "due_time": write(order.due_at),
            "update_time": write(order.updated_at),
        }

    return render


def yunzheng(case: Case) -> Row:
    owner = case.party
    person = owner.category == "natural_person"
    return {
        "案件编号": f"GDYZ{case.serial:07}",
        "案号": case.case_no,
        "行政处罚决定书文号": case.decision_no,
        "行政相对人名称": owner.name,
        "行政相对人类别": PARTY_ZH[owner.category],
        "证件类型": "身份证" if person else "统一社会信用代码",
        "证件号码": owner.number,
        "法定代表人": owner.legal_representative or "",
        "联系电话": "",
        "号牌号码": case.vehicle.plate,
        "号牌颜色": JT697_COLOR[case.vehicle.color],
        "车辆类型": WORD_BODY[case.vehicle.body],
        "轴数": str(case.vehicle.axles),
        "道路运输证号": case.vehicle.certificate_no,
        "车籍地代码": case.vehicle.registration_division,
        "驾驶人": case.driver.name,
        "驾驶证号": case.driver.number,
        "案由编号": guangde_item(case.cause),
        "违法行为类型": case.violation,
        "违法事实": case.facts,
        "处罚依据": case.basis,
        "裁量档次": case.discretion,
        "适用程序": PROCEDURE_ZH[case.procedure],
        "处罚类别": PENALTY_ZH.get(case.penalty_category, ""),
        "处罚内容": case.content,
        "罚款金额(万元)": "" if case.fine_yuan is None else f"{case.fine_yuan / 10_000:.4f}",
        "车货总质量(kg)": "" if case.total_kg is None else str(case.total_kg),
        "限定质量(kg)": "" if case.limit_kg is None else str(case.limit_kg),
        "违法时间": _slashed(case.violated_at),
        "违法地点": case.place,
        "立案时间": _slashed(case.filed_at),
        "处罚决定日期": f"{case.decided_on:%Y/%m/%d}",
        "结案日期": f"{case.closed_on:%Y/%m/%d}",
        "处罚机关": GUANGDE.name,
        "更新时间": _slashed(case.updated_at),
    }


def chaogao(notice: Notice) -> Row:
    return {
        "CopyFormNo": f"GDCG{notice.serial:06}",
        "CopyNo": notice.notice_no,
        "CopyDepartCode": GUANGDE.code,
        "AcceptDeptCode": notice.to.code,
        "CopyType": "抄告",
        "IllegalItem": notice.violation,
        "ClientName": notice.party.name,
        "CertType": "0",  # 0 is a business licence in this system
        "CertNo": notice.party.number,
        "PlateNo": notice.vehicle.plate,
        "PlateColor": JT697_COLOR[notice.vehicle.color],
        "TransportCertNo": notice.vehicle.certificate_no,
        "IllegalPlace": notice.place,
        "IllegalTime": _compact(notice.violated_at),
        "CopyDate": _compact(notice.issued_at),
        # The trap of this system: 0 means that feedback is wanted, 1 that it is not.
        "FeedbackNeed": "0" if notice.feedback_wanted else "1",
        "ContactTel": "00000000000",
        "UpdateTime": _compact(notice.updated_at),
    }


def anjian(case: Case) -> Row:
    owner = case.party
    return {
        "id": 9_000_000 + case.serial,
        "filing": {"no": case.case_no, "at": _epoch_ms(case.filed_at)},
        "decisionNo": case.decision_no,
        "party": {
            "kind": {"legal_org": "单位", "natural_person": "个人", "individual_business": "个体"}[
                owner.category
            ],
            "name": owner.name,
            "legalPerson": owner.legal_representative,
        },
        "partyNumber": owner.number,
        "plateNo": case.vehicle.plate,
        "plateColour": WORD_COLOR[case.vehicle.color],
        "vehicleType": GA24_BODY[case.vehicle.body],
        "axles": case.vehicle.axles,
        "certificate": case.vehicle.certificate_no,
        "registeredIn": case.vehicle.registration_division,
        "driver": {"name": case.driver.name, "licence": case.driver.number},
        "illegalAct": ningguo_words(case.cause),
        "facts": case.facts,
        "lawBasis": case.basis,
        "decision": "处罚" if case.decision_type == "penalty" else "不予处罚",
        "discretion": case.discretion,
        "procedure": PROCEDURE_ZH[case.procedure],
        "penaltyKind": PENALTY_ZH.get(case.penalty_category),
        "penaltyText": case.content,
        "amountYuan": case.fine_yuan,
        "grossKg": case.total_kg,
        "limitKg": case.limit_kg,
        "place": case.place,
        "actAt": _epoch_ms(case.violated_at),
        "decidedOn": case.decided_on.isoformat(),
        "closedOn": case.closed_on.isoformat(),
        "modified": _epoch_ms(case.updated_at),
    }


def jiancha(item: Inspection) -> Row:
    return {
        "检查编号": item.inspection_no,
        "双随机计划编号": item.plan_no,
        "监管事项目录编码": item.supervision_item,
        "检查对象": item.party.name,
        "统一社会信用代码": item.party.number,
        "车牌": item.vehicle.plate,
        "车牌颜色": WORD_COLOR[item.vehicle.color],
        "轴数": str(item.vehicle.axles),
        "检查人员": "、".join(item.officers),
        "执法证号": "、".join(item.certificates),
        "是否综合查一次": "是" if item.comprehensive else "否",
        "检查结果": {
            "normal": "未发现问题",
            "problem_found": "责令限期改正",
            "not_found": "通过登记住所无法联系",
        }[item.result],
        "检查时间": _words(item.inspected_at),
        "总质量(吨)": _tonnes(item.total_kg) or "",
        "限值(吨)": _tonnes(item.limit_kg) or "",
        "更新时间": _words(item.updated_at),
    }
