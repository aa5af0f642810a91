"""What docs/cooperation.md tells: a few facts with known numbers, put into the systems beside the
thousands of others.

- A truck of Guangde was fined for overloads in Guangde twice and in Ningguo once within a year. It
  passes Ningguo, where it is weighed at an inspection, and Anji, which fines it: its fourth, in
  another province. Ningguo would fine it, too.
- A second truck is fined for one overload by Guangde and by Anji, which both filed a case.
- A tip about dangerous goods comes to Guangde by the hotline.
- A third truck was inspected by Ningguo and found in order.
- A complaint comes to Anji by the hotline 12345, whose system hands over orders and takes answers.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from examples.region import drops, feeds
from examples.region.agencies import ANJI, GUANGDE, NINGGUO, Agency
from examples.region.causes import OVERLOAD, OVERLOAD_WORDS
from examples.region.check_digits import credit_code, identity_number
from examples.region.facts import Case, Inspection, WorkOrder
from examples.region.feeds import Feed
from examples.region.generator import Entry
from examples.region.happenings import CHINA, fine_words
from examples.region.overload import LIMIT_KG, ministry, zhejiang
from examples.region.people import Driver, Party, Vehicle, registered_in
from examples.region.region import DROPS, Region, drop_folder
from examples.region.systems.running import APIS, data_path

_HERE: Final = Path(__file__).parent / "story_node"
#: The serials of the story begin here, above all that the generator makes.
SERIAL: Final = 900_001
AXLES: Final = 6


def _truck(plate: str) -> Vehicle:
    return Vehicle(plate, "yellow", "tractor_unit", AXLES, "999999900001", registered_in(plate))


#: Registered in Guangde, as the last character of the plate has it.
FOUR_TIMES: Final = _truck("皖XHF01A")
BOTH_FILED: Final = _truck("皖XHF07C")
IN_ORDER: Final = _truck("皖XHF05E")
HAULIER: Final = Party(
    "legal_org", "测试合符物流有限公司", credit_code("91999999HEFUTRUC1"), "测试甲一"
)
DRIVER: Final = Driver("测试乙二", identity_number("99999919490101" + "008"))


def _entered(now: datetime) -> datetime:
    """When the systems got to know: now, so that the next night brings it."""
    return (now - timedelta(minutes=10)).astimezone(CHINA).replace(microsecond=0)


@dataclass(frozen=True, slots=True)
class _Overload:
    """A finished overload case: days before the story's ``now``, kg over the limit."""

    agency: Agency
    number: int
    vehicle: Vehicle
    days_ago: float
    over_kg: int

    def case(self, now: datetime) -> Case:
        at = (now - timedelta(days=self.days_ago)).astimezone(CHINA).replace(microsecond=0)
        limit_kg = LIMIT_KG[AXLES]
        total_kg = limit_kg + self.over_kg
        tariff = (zhejiang if self.agency is ANJI else ministry)(total_kg, limit_kg)
        mark = self.agency.document_mark
        filed = at + timedelta(hours=2)
        decided = min(at + timedelta(days=1), now.astimezone(CHINA) - timedelta(hours=4))
        return Case(
            serial=SERIAL + self.number,
            case_no=f"{mark}案〔2026〕{SERIAL + self.number}号",
            decision_no=f"{mark}罚〔2026〕{SERIAL + self.number}号",
            procedure="ordinary",
            cause=OVERLOAD,
            violation=OVERLOAD_WORDS,
            facts=f"六轴货车车货总质量{total_kg / 1000:.2f}吨，超限{self.over_kg / 1000:.2f}吨",
            basis=tariff.basis,
            decision_type="penalty",
            penalty_category="fine",
            content=fine_words(tariff.fine_yuan),
            fine_yuan=tariff.fine_yuan,
            discretion="一般",
            party=HAULIER,
            vehicle=self.vehicle,
            driver=DRIVER,
            place="S999示例线K18+300",
            violated_at=at,
            filed_at=filed,
            decided_on=decided.date(),
            closed_on=decided.date(),
            updated_at=_entered(now),
            total_kg=total_kg,
            limit_kg=limit_kg,
        )


CASES: Final = (
    _Overload(GUANGDE, 0, FOUR_TIMES, 200, 14_000),
    _Overload(GUANGDE, 1, FOUR_TIMES, 90, 16_500),
    _Overload(NINGGUO, 0, FOUR_TIMES, 45, 12_300),
    _Overload(ANJI, 0, FOUR_TIMES, 3, 15_200),
    _Overload(GUANGDE, 2, BOTH_FILED, 5.1, 17_000),
    _Overload(ANJI, 1, BOTH_FILED, 5, 17_000),
)
_FEED_OF: Final[dict[str, Feed[Any]]] = {
    ANJI.folder: feeds.ZHICHAO,
    GUANGDE.folder: feeds.YUNZHENG,
    NINGGUO.folder: feeds.ANJIAN,
}


def _inspection(
    number: int, vehicle: Vehicle, now: datetime, ago: timedelta, total_kg: int
) -> Inspection:
    limit_kg = LIMIT_KG[AXLES]
    at = (now - ago).astimezone(CHINA).replace(microsecond=0)
    return Inspection(
        serial=SERIAL + number,
        inspection_no=f"NGJC2026{SERIAL + number}",
        plan_no="SSJ202611-01",
        supervision_item="99999900000001",
        party=HAULIER,
        vehicle=vehicle,
        officers=("测试丙三", "测试丁四"),
        certificates=("34188199001", "34188199051"),
        comprehensive=True,
        result="problem_found" if total_kg > limit_kg else "normal",
        inspected_at=at,
        updated_at=_entered(now),
        total_kg=total_kg,
        limit_kg=limit_kg,
    )


def _tip(now: datetime) -> WorkOrder:
    at = (now - timedelta(days=2)).astimezone(CHINA).replace(microsecond=0)
    return WorkOrder(
        serial=SERIAL,
        order_no=f"1232820269{SERIAL}",
        domain="02",
        content="群众反映一货车装载危险化学品夜间在居民区卸货",
        violation="疑似未取得许可从事危险货物道路运输，可能危及公共安全",
        respondent="测试戊己化工贸易有限公司",
        vehicle=replace(_truck("皖XHF09G"), axles=2),
        accepted_at=at,
        due_at=at + timedelta(days=10),
        updated_at=_entered(now),
    )


def entries(now: datetime) -> Iterator[tuple[Feed[Any], Entry]]:
    """The rows of the story, each with the feed that it stands in."""
    facts: list[tuple[Feed[Any], Any]] = [
        *((_FEED_OF[one.agency.folder], one.case(now)) for one in CASES),
        # The same journey as Anji's case: an hour and a half before, on the other side of the pass.
        (
            feeds.JIANCHA,
            _inspection(0, FOUR_TIMES, now, timedelta(days=3, hours=1.5), LIMIT_KG[AXLES] + 15_150),
        ),
        (
            feeds.JIANCHA,
            _inspection(1, IN_ORDER, now, timedelta(days=1), LIMIT_KG[AXLES] - 4_000),
        ),
        (feeds.GUANGDE_HOTLINE, _tip(now)),
    ]
    for feed, fact in facts:
        yield feed, Entry(feed.render(fact), 3, fact.updated_at)


def tell(region: Region, now: datetime) -> None:
    """Put the story into the systems, and the source of 12345 into Anji's node."""
    told = list(entries(now))
    for feed, stem in DROPS:
        mine = [entry for at, entry in told if at is feed]
        if mine and feed.carried_as != "rest":
            # One file of the third day: next_drop writes that of the day after its ``now``.
            day = region.now + timedelta(days=1)
            drops.next_drop(drop_folder(region, feed), stem, feed.carried_as, mine, day)
    for api in APIS:
        mine = [entry for at, entry in told if at is api.feed]
        if mine:
            drops.write_api_data(
                data_path(region.root, api), [*_served(data_path(region.root, api)), *mine]
            )
    shutil.copytree(_HERE / "anji", region.node(ANJI), dirs_exist_ok=True)
    _write_orders(region, now)


def _served(path: Path) -> Iterator[Entry]:
    """What the interface has in store, in the order in which it has it."""
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        yield Entry(row["row"], 1, datetime.fromisoformat(row["updated_at"]))


def _write_orders(region: Region, now: datetime) -> None:
    at = (now - timedelta(days=1)).astimezone(CHINA)
    header = "工单编号,热线,业务类型,受理时间,办理期限,反映内容,事发地点,车牌号码,车牌颜色,更新时间"
    row = (
        f"12345{SERIAL},12345,投诉举报,{at:%Y-%m-%d %H:%M:%S},"
        f"{at + timedelta(days=5):%Y-%m-%d %H:%M:%S},"
        "反映货车沿途抛洒,安吉县示例路1号,浙XHF03B,黄色,"
        f"{at:%Y-%m-%d %H:%M:%S}"
    )
    folder = region.root / "systems" / ANJI.folder / "12345"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "gongdan.csv").write_bytes(f"{header}\r\n{row}\r\n".encode("gb18030"))
