"""Makes the facts of the region from a seeded ``random.Random`` and a reference time.

Nothing here reads a clock: ``now`` is the moment at which the systems are looked at, and
everything happened in the 120 days before it. Fines of overload cases follow
``overload``; other fines are drawn from the ranges of the provision that they name.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from random import Random
from typing import Final, TypeVar

from examples.region.agencies import AGENCIES, Agency
from examples.region.causes import OVERLOAD, OVERLOAD_WORDS
from examples.region.facts import (
    Case,
    DecisionType,
    Inspection,
    Notice,
    Pass,
    PenaltyCategory,
    Procedure,
    WorkOrder,
)
from examples.region.overload import AXLES_ZH, LIMIT_KG, ministry, zhejiang
from examples.region.people import (
    Driver,
    Party,
    Vehicle,
    car,
    company,
    driver,
    party,
    person_name,
    truck,
)

CHINA: Final = timezone(timedelta(hours=8))
HISTORY_DAYS: Final = 120
# A fine up to which a sound decision may have been made on the spot, whoever was fined.
SPOT_FINE_YUAN: Final = 200

Correctable = TypeVar("Correctable", Case, WorkOrder)

_LICENCE_CAUSES: Final = (
    # cause, violation, basis, least and most fine in yuan, step, is it a car
    (
        "no_road_freight_licence",
        "未取得道路货物运输经营许可，擅自从事道路货物运输经营",
        "《中华人民共和国道路运输条例》第六十三条",
        (3_000, 10_000, 500),
        False,
    ),
    (
        "no_road_passenger_licence",
        "未取得道路旅客运输经营许可，擅自从事道路旅客运输经营",
        "《中华人民共和国道路运输条例》第六十三条",
        (10_000, 30_000, 1_000),
        True,
    ),
    (
        "no_driver_qualification",
        "不具备从业资格条件的人员驾驶道路运输经营车辆",
        "《中华人民共和国道路运输条例》第六十四条",
        (200, 2_000, 100),
        False,
    ),
    (
        "ride_hailing_no_vehicle_certificate",
        "未取得《网络预约出租汽车运输证》擅自从事网约车经营活动",
        "《网络预约出租汽车经营服务管理暂行办法》",
        (3_000, 10_000, 500),
        True,
    ),
    (
        "ride_hailing_no_driver_certificate",
        "未取得《网络预约出租汽车驾驶员证》擅自从事网约车经营活动",
        "《网络预约出租汽车经营服务管理暂行办法》",
        (200, 2_000, 100),
        True,
    ),
)


@dataclass(frozen=True, slots=True)
class Sighting:
    """Who did what when, where more than one agency has it: an act, or a party known to both.

    ``vehicle`` and ``at`` are None where it is not one act. ``known_as`` names it in the ledger.
    """

    known_as: str
    party: Party
    driver: Driver
    vehicle: Vehicle | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Charge:
    cause: str
    violation: str
    facts: str
    basis: str
    fine_yuan: int
    may_warn: bool
    total_kg: int | None = None
    limit_kg: int | None = None


def moment(rng: Random, now: datetime) -> datetime:
    """A whole second between 120 days and 1 day before ``now``."""
    seconds = rng.randrange(86_400, HISTORY_DAYS * 86_400)
    return (now - timedelta(seconds=seconds)).astimezone(CHINA).replace(microsecond=0)


def _later(rng: Random, start: datetime, end: datetime, at_most: timedelta) -> datetime:
    """A whole second after ``start``: at most ``at_most`` later, and before ``end``."""
    room = min((end - start).total_seconds() - 1, at_most.total_seconds())
    return start + timedelta(seconds=rng.randint(1, max(int(room), 1)))


def _place(rng: Random) -> str:
    return f"S999示例线K{rng.randint(1, 90)}+{rng.randint(0, 9)}00"


def _document_no(agency: Agency, kind: str, at: datetime, serial: int) -> str:
    return f"{agency.document_mark}{kind}〔{at.year}〕{serial:06}号"


def _overload_charge(rng: Random, agency: Agency, vehicle: Vehicle) -> _Charge:
    limit_kg = LIMIT_KG[vehicle.axles]
    total_kg = limit_kg + max(rng.randint(5, 600) * limit_kg // 10_000 * 10, 10)
    in_zhejiang = agency.province == "浙"
    tariff = (zhejiang if in_zhejiang else ministry)(total_kg, limit_kg)
    over_kg = total_kg - limit_kg
    return _Charge(
        cause=OVERLOAD,
        violation=OVERLOAD_WORDS,
        facts=(
            f"{AXLES_ZH[vehicle.axles]}货车车货总质量{total_kg / 1000:.2f}吨，"
            f"限定标准{limit_kg / 1000:.2f}吨，超限{over_kg / 1000:.2f}吨"
        ),
        basis=tariff.basis,
        fine_yuan=tariff.fine_yuan,
        may_warn=not in_zhejiang,
        total_kg=total_kg,
        limit_kg=limit_kg,
    )


def overload_case(
    rng: Random,
    agency: Agency,
    serial: int,
    now: datetime,
    seen: Sighting | None = None,
) -> Case:
    """An overload case by the tariff of the agency's own side of the border.

    ``seen`` gives what a neighbour has as well: the same act, or the same party.
    """
    vehicle = (seen and seen.vehicle) or truck(rng, agency.province)
    at = (seen and seen.at) or moment(rng, now)
    charge = _overload_charge(rng, agency, vehicle)
    return _case(rng, agency, serial, now, vehicle, at, charge, seen)


def licence_case(rng: Random, agency: Agency, serial: int, now: datetime) -> Case:
    """A case of transport without a licence or certificate, goods, passengers or e-hailing."""
    cause, violation, basis, (least, most, step), is_car = rng.choice(_LICENCE_CAUSES)
    vehicle = (car if is_car else truck)(rng, agency.province)
    charge = _Charge(
        cause=cause,
        violation=violation,
        facts=f"当事人{violation}，有现场笔录、询问笔录为证",
        basis=basis,
        fine_yuan=rng.randrange(least, most + step, step),
        may_warn=False,
    )
    return _case(rng, agency, serial, now, vehicle, moment(rng, now), charge)


def _case(
    rng: Random,
    agency: Agency,
    serial: int,
    now: datetime,
    vehicle: Vehicle,
    violated_at: datetime,
    charge: _Charge,
    seen: Sighting | None = None,
) -> Case:
    filed_at = _later(rng, violated_at, now, timedelta(days=2))
    decided_at = _later(rng, filed_at, now, timedelta(days=20))
    closed_at = _later(rng, decided_at, now, timedelta(days=10))
    decision: DecisionType = "penalty"
    category: PenaltyCategory = "fine"
    if charge.fine_yuan:
        content = fine_words(charge.fine_yuan)
    elif charge.may_warn:
        category, content = "warning", "警告"
    else:
        decision, category, content = "no_penalty_minor", "none", "不予行政处罚，已教育"
    procedure: Procedure = "ordinary"
    if decision == "penalty" and charge.fine_yuan <= SPOT_FINE_YUAN and rng.random() < 0.5:
        procedure = "summary"
    who = seen.party if seen else party(rng, agency.index)
    return Case(
        serial=serial,
        case_no=_document_no(agency, "案", filed_at, serial),
        decision_no=_document_no(
            agency, "罚" if decision == "penalty" else "不罚", decided_at, serial
        ),
        procedure=procedure,
        cause=charge.cause,
        violation=charge.violation,
        facts=charge.facts,
        basis=charge.basis,
        decision_type=decision,
        penalty_category=category,
        content=content,
        fine_yuan=charge.fine_yuan or None,
        discretion=_discretion(charge),
        party=who,
        vehicle=vehicle,
        driver=seen.driver if seen else driver(rng, who, agency.index),
        place=_place(rng),
        violated_at=violated_at,
        filed_at=filed_at,
        decided_on=decided_at.date(),
        closed_on=closed_at.date(),
        updated_at=_later(rng, closed_at, now, timedelta(hours=8)),
        total_kg=charge.total_kg,
        limit_kg=charge.limit_kg,
    )


def fine_words(yuan: int) -> str:
    """What a decision says of its fine."""
    return f"罚款人民币{yuan}元整"


def _discretion(charge: _Charge) -> str:
    """The step of the discretion standard, by the fine."""
    if charge.fine_yuan <= 1_000:
        return "轻微" if not charge.fine_yuan else "较轻"
    return "一般" if charge.fine_yuan <= 10_000 else "较重"


def corrected(rng: Random, fact: Correctable, now: datetime) -> Correctable:
    """The same case or work order after its agency corrected what was written in it."""
    updated_at = _later(rng, fact.updated_at, now, timedelta(hours=6))
    if isinstance(fact, Case):
        return replace(fact, facts=f"{fact.facts}（更正）", updated_at=updated_at)
    return replace(fact, content=f"{fact.content}（补充）", updated_at=updated_at)


def weigh_pass(rng: Random, agency: Agency, serial: int, now: datetime) -> Pass:
    """An overweight pass at one of the county's four invented stations."""
    vehicle = truck(rng, agency.province)
    limit_kg = LIMIT_KG[vehicle.axles]
    passed_at = moment(rng, now)
    return Pass(
        serial=serial,
        station=f"示例检测点{rng.choice('甲乙丙丁')}",
        lane=rng.randint(1, 4),
        speed_km_h=rng.randint(25, 88),
        vehicle=vehicle,
        total_kg=limit_kg + max(rng.randint(20, 700) * limit_kg // 10_000 * 10, 10),
        limit_kg=limit_kg,
        passed_at=passed_at,
        updated_at=_later(rng, passed_at, now, timedelta(hours=2)),
    )


def copy_notice(rng: Random, agency: Agency, serial: int, now: datetime) -> Notice:
    """A notice of an overload to one of the two other counties."""
    violated_at = moment(rng, now)
    issued_at = _later(rng, violated_at, now, timedelta(days=9))
    return Notice(
        serial=serial,
        notice_no=_document_no(agency, "抄", issued_at, serial),
        to=rng.choice([other for other in AGENCIES if other is not agency]),
        violation=OVERLOAD_WORDS,
        party=company(rng, "legal_org"),
        vehicle=truck(rng, agency.province),
        place=_place(rng),
        violated_at=violated_at,
        issued_at=issued_at,
        updated_at=_later(rng, issued_at, now, timedelta(hours=3)),
        feedback_wanted=rng.random() < 0.7,
    )


_COMPLAINTS: Final = (
    (
        "08",
        "乘客反映网约车与平台显示车辆不一致，疑似无证营运",
        "疑似未取得网络预约出租汽车运输证从事网约车经营",
    ),
    ("02", "群众反映货车夜间超载行驶，沿途抛洒", "疑似货运车辆超限运输"),
    ("02", "群众反映私家车在车站外揽客收费", "疑似未取得许可从事道路旅客运输经营"),
)


def work_order(rng: Random, agency: Agency, serial: int, now: datetime) -> WorkOrder:
    """A complaint about one vehicle."""
    domain, content, violation = rng.choice(_COMPLAINTS)
    accepted_at = moment(rng, now)
    return WorkOrder(
        serial=serial,
        order_no=f"12328{accepted_at:%Y%m%d}{agency.division_code[-2:]}{serial:05}",
        domain=domain,
        content=content,
        violation=violation,
        respondent=f"测试{rng.choice('甲乙丙丁')}出行服务有限公司",
        vehicle=(truck if "货" in content else car)(rng, agency.province),
        accepted_at=accepted_at,
        due_at=accepted_at + timedelta(days=10),
        updated_at=_later(rng, accepted_at, now, timedelta(days=5)),
    )


def inspection(rng: Random, agency: Agency, serial: int, now: datetime) -> Inspection:
    """An inspection by two officers; about half weigh the vehicle."""
    vehicle = truck(rng, agency.province)
    inspected_at = moment(rng, now)
    first = rng.randint(1, 40)
    weighs = rng.random() < 0.5
    limit_kg = LIMIT_KG[vehicle.axles]
    return Inspection(
        serial=serial,
        inspection_no=f"NGJC{inspected_at:%Y%m%d}{serial:05}",
        plan_no=f"SSJ{inspected_at:%Y%m}-{rng.randint(1, 9):02}",
        supervision_item=f"99999900{rng.randint(1, 40):06}",
        party=company(rng, "legal_org"),
        vehicle=vehicle,
        officers=(person_name(rng), person_name(rng)),
        certificates=(
            f"{agency.division_code}99{first:03}",
            f"{agency.division_code}99{first + 50:03}",
        ),
        comprehensive=rng.random() < 0.4,
        result=rng.choices(("normal", "problem_found", "not_found"), weights=(70, 25, 5))[0],
        inspected_at=inspected_at,
        updated_at=_later(rng, inspected_at, now, timedelta(days=1)),
        total_kg=limit_kg * rng.randint(500, 1_400) // 10_000 * 10 if weighs else None,
        limit_kg=limit_kg if weighs else None,
    )
