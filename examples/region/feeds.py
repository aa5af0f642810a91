"""The nine streams of the region's systems.

Every system has its own field names, units, date formats and plate-colour list; that is what
the mappings in ``nodes/`` are for. ``examples/README.md`` has them in one table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Generic, Literal, TypeVar

from examples.region.agencies import ANJI, GUANGDE, NINGGUO, Agency
from examples.region.facts import Case, Inspection, Notice, Pass, WorkOrder
from examples.region.renderings import (
    Row,
    anjian,
    chaogao,
    hotline,
    iso_utc,
    jiancha,
    plain,
    wim,
    yunzheng,
    zhichao,
)


@dataclass(frozen=True, slots=True)
class UnknownCode:
    """A text that no list knows: ``field`` of the contract, the feed's ``column``, the text."""

    field: str
    column: str
    text: str

    @property
    def detail(self) -> str:
        """As ``raw_values`` of the record must have it."""
        return f"{self.field}={self.text}"


F = TypeVar("F", Case, Pass, Notice, WorkOrder, Inspection)


@dataclass(frozen=True, slots=True)
class Feed(Generic[F]):
    """One stream of one system.

    ``render`` gives a row in the system's own words. The attributes after it name columns by
    what they mean, so that ``defects`` can spoil any feed without knowing it; None where the
    system has no such column. ``party_numbers`` hold a credit code or an identity number,
    ``required`` are columns that the record cannot do without. ``unknown_codes`` can stand in
    a row whatever it is about; causes of an agency's own are in ``causes``.
    """

    agency: Agency
    system: str
    stream: str
    record_type: Literal["case_result", "lead", "inspection"]
    carried_as: Literal["rest", "csv", "jsonl", "json"]
    render: Callable[[F], Row]
    identity: str
    updated: str
    plate: str
    required: tuple[str, ...]
    party_numbers: tuple[str, ...] = ()
    decision_no: str | None = None
    day: str | None = None
    impossible_day: str = "2026-02-30"
    fine: str | None = None
    correctable: bool = False
    unknown_codes: tuple[UnknownCode, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.agency.folder}/{self.system}/{self.stream}"


def _hotline_feed(
    agency: Agency, carried_as: Literal["rest", "jsonl", "json"], write: Callable[[datetime], str]
) -> Feed[WorkOrder]:
    return Feed(
        agency=agency,
        system="hotline",
        stream="orders",
        record_type="lead",
        carried_as=carried_as,
        render=hotline(write),
        identity="work_order_no",
        updated="update_time",
        plate="car_no",
        required=("suspected",),
        correctable=True,
    )


ZHICHAO: Final[Feed[Case]] = Feed(
    agency=ANJI,
    system="zhichao",
    stream="cases",
    record_type="case_result",
    carried_as="rest",
    render=zhichao,
    identity="record_code",
    updated="update_time",
    plate="car_no",
    required=("violation", "filing_num"),
    party_numbers=("org_code", "person_id_card"),
    decision_no="case_num",
    day="decision_date",
    fine="fine",
    correctable=True,
    unknown_codes=(UnknownCode("vehicle_plate_color", "car_color", "8"),),
)
WIM: Final[Feed[Pass]] = Feed(
    agency=ANJI,
    system="wim",
    stream="passes",
    record_type="lead",
    carried_as="csv",
    render=wim,
    identity="预检编号",
    updated="更新时间",
    plate="车牌号码",
    required=("过车时间", "预检编号"),
    unknown_codes=(UnknownCode("vehicle_class", "车型", "17"),),
)
ANJI_HOTLINE: Final = _hotline_feed(ANJI, "rest", iso_utc)
YUNZHENG: Final[Feed[Case]] = Feed(
    agency=GUANGDE,
    system="yunzheng",
    stream="cases",
    record_type="case_result",
    carried_as="csv",
    render=yunzheng,
    identity="案件编号",
    updated="更新时间",
    plate="号牌号码",
    required=("违法行为类型", "案号"),
    party_numbers=("证件号码",),
    decision_no="行政处罚决定书文号",
    day="处罚决定日期",
    impossible_day="2026/02/30",
    fine="罚款金额(万元)",
    correctable=True,
    unknown_codes=(UnknownCode("vehicle_class", "车辆类型", "重型平板半挂列车"),),
)
CHAOGAO: Final[Feed[Notice]] = Feed(
    agency=GUANGDE,
    system="chaogao",
    stream="notices",
    record_type="lead",
    carried_as="rest",
    render=chaogao,
    identity="CopyFormNo",
    updated="UpdateTime",
    plate="PlateNo",
    required=("IllegalItem",),
    party_numbers=("CertNo",),
    unknown_codes=(UnknownCode("vehicle_plate_color", "PlateColor", "6"),),
)
GUANGDE_HOTLINE: Final = _hotline_feed(GUANGDE, "jsonl", plain)
ANJIAN: Final[Feed[Case]] = Feed(
    agency=NINGGUO,
    system="anjian",
    stream="cases",
    record_type="case_result",
    carried_as="rest",
    render=anjian,
    identity="id",
    updated="modified",
    plate="plateNo",
    required=("illegalAct",),
    party_numbers=("partyNumber",),
    decision_no="decisionNo",
    day="decidedOn",
    fine="amountYuan",
    correctable=True,
    unknown_codes=(
        UnknownCode("vehicle_plate_color", "plateColour", "黄绿渐变"),
        UnknownCode("vehicle_class", "vehicleType", "H9Z"),
    ),
)
JIANCHA: Final[Feed[Inspection]] = Feed(
    agency=NINGGUO,
    system="jiancha",
    stream="inspections",
    record_type="inspection",
    carried_as="csv",
    render=jiancha,
    identity="检查编号",
    updated="更新时间",
    plate="车牌",
    required=("检查时间",),
    party_numbers=("统一社会信用代码",),
    unknown_codes=(UnknownCode("inspection_result", "检查结果", "现场教育后放行"),),
)
NINGGUO_HOTLINE: Final = _hotline_feed(NINGGUO, "json", plain)
