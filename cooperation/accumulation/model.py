"""What an accumulation says: the counted cases, those that did not count and why, and the law."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from cooperation.accumulation.law import AccumulationLaw, Base, Kind, Window
from schemas.text import Text

#: exceeded: the law's number is exceeded. near: one more and it is. below: neither.
#: fleet_unknown: an operator whose number of vehicles nobody told us.
Standing = Literal["exceeded", "near", "below", "fleet_unknown"]

#: Why a case is not counted.
REASONS: Mapping[str, Text] = {
    "removed": Text("deleted at its source", "来源已删除"),
    "other_cause": Text("another cause", "案由不属于违法超限运输"),
    "cause_unknown": Text("its cause is not known here", "案由未知，不能认定为违法超限运输"),
    "revoked": Text(
        "revoked, or found illegal on review or by a court",
        "决定已被撤销，或者经复议、诉讼撤销、确认违法",
    ),
    "no_decision": Text("no decision yet", "尚未作出决定"),
    "no_penalty": Text("decided without a penalty", "未予处罚"),
    "warning": Text("a warning without a fine", "仅警告，未处罚款"),
    "own_word": Text("the deciding agency says that it does not count", "办案单位注明不计入累计"),
    "under_review": Text("under review or in court", "正在复议或者诉讼"),
    "no_date": Text("the date that decides is missing", "缺少基准日期"),
    "after_window": Text("after the day of the count", "晚于累计截止日"),
    "not_yet_decided": Text("decided after the day of the count", "累计截止日尚未作出决定"),
    "same_act": Text(
        "the same act as a counted one: one act counts once",
        "与另一案件为同一违法行为，一次行为只计一次",
    ),
    "before_window": Text("before the window", "早于累计期间"),
}

#: What a person should look at before acting on a count.
DOUBTS: Mapping[str, Text] = {
    "several_operators": Text(
        "its cases name more than one operator; it may have been sold",
        "各案记载的所属企业不一致，车辆可能已过户",
    ),
    "several_colours": Text(
        "the same plate has cases in another colour, which are not counted here",
        "同一号牌另有其他颜色的案件，未计入",
    ),
    "registration_unknown": Text(
        "where it is registered is not known; the law of this agency was applied",
        "不知道登记地，按本单位所在地的规定计算",
    ),
    "registration_differs": Text(
        "its cases name more than one place of registration; the latest was taken",
        "各案记载的登记地不一致，取最近一次",
    ),
    "office_by_vehicle": Text(
        "no licence record is here; the place was taken from the vehicle",
        "没有证照记录，登记地取自所驾车辆",
    ),
    "fleet_class_unknown": Text(
        "some vehicles of the fleet may be no goods vehicles; they were counted as such",
        "部分车辆是否为货运车辆不明，已计入车辆总数",
    ),
    "more_than_fleet": Text(
        "more overloaded vehicles than the fleet has; some may have left it",
        "违法车辆多于现有车辆总数，部分车辆可能已转出",
    ),
}


@dataclass(frozen=True, slots=True)
class CountedCase:
    """One case of a subject. ``violation`` and ``decision``: None if it is counted by that date,
    else a key of :data:`REASONS`."""

    record_id: str
    org: str
    no: str
    act_time: datetime | None
    decision_date: date | None
    cause: str | None
    vehicle_key: str | None
    same_act: str | None
    accumulation_reason: str | None
    violation: str | None
    decision: str | None

    def why_not(self, base: Base) -> str | None:
        return self.violation if base == "violation" else self.decision


@dataclass(frozen=True, slots=True)
class Fleet:
    """Goods vehicles of an operator with a certificate valid on ``day``; ``unclear`` of them may
    be none."""

    vehicles: int
    unclear: int
    day: date


@dataclass(frozen=True, slots=True)
class Accumulation:
    """One subject. ``by_violation`` and ``by_decision``: acts, of an operator: vehicles.

    ``key``: as in the relation (``vehicle_key``, a token). ``division``: of the office that may
    revoke, None if it is not known. ``grave``: an operator beyond the ratio of revocation.
    """

    kind: Kind
    key: str
    division: str | None
    law: AccumulationLaw
    window: Window
    by_violation: int
    by_decision: int
    standing: Standing
    other_standing: Standing
    fleet: Fleet | None = None
    grave: bool = False
    doubts: tuple[str, ...] = ()
    cases: tuple[CountedCase, ...] = ()

    @property
    def base(self) -> Base:
        return self.law.base

    @property
    def count(self) -> int:
        """By the date that decides."""
        return self.by_violation if self.base == "violation" else self.by_decision

    @property
    def limit(self) -> Decimal:
        return self.law.limits[self.kind]

    def counted(self, base: Base | None = None) -> tuple[CountedCase, ...]:
        return tuple(c for c in self.cases if c.why_not(base or self.base) is None)


@dataclass(frozen=True, slots=True)
class Uncounted:
    """Cases of an agency that would count but for not saying of whom they are."""

    org: str
    vehicle: int
    driver: int
    transport_enterprise: int


@dataclass(frozen=True, slots=True)
class Accumulations:
    """All subjects that exceed the law's number on ``as_of`` (or are asked for), the highest
    count first. ``fleet_unknown``: operators with overloaded vehicles and no known fleet."""

    as_of: date
    vehicles: tuple[Accumulation, ...] = ()
    drivers: tuple[Accumulation, ...] = ()
    operators: tuple[Accumulation, ...] = ()
    fleet_unknown: int = 0
    uncounted: tuple[Uncounted, ...] = ()

    def all(self) -> tuple[Accumulation, ...]:
        return (*self.vehicles, *self.drivers, *self.operators)
