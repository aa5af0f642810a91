"""Causes of action, and how each agency writes them.

Anji writes the words of the law, Ningguo words of its own, Guangde the number of an item of its
own catalogue, which ``nodes/guangde/codes/case_cause.csv`` explains. A few causes stand in an
agency's own catalogue alone: no list knows them, and a node must say so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from examples.region.agencies import ANJI, GUANGDE, NINGGUO


@dataclass(frozen=True, slots=True)
class LocalCause:
    """A cause of one agency's own. ``written``: what its system writes in the column of causes."""

    key: str
    written: str
    violation: str
    basis: str


OVERLOAD: Final = "overload_road"
OVERLOAD_WORDS: Final = "车货总质量超过限定标准的车辆擅自行驶公路"

# How Ningguo's system words them.
NINGGUO_WORDS: Final = {
    OVERLOAD: "车货总质量超限",
    "no_road_freight_licence": "无证从事道路货物运输经营",
    "no_road_passenger_licence": "无证从事道路客运经营",
    "no_driver_qualification": "无从业资格证驾驶道路运输车辆",
    "ride_hailing_no_vehicle_certificate": "未取得网络预约出租汽车运输证",
    "ride_hailing_no_driver_certificate": "未取得网络预约出租汽车驾驶员证",
}
# The items of Guangde's catalogue, invented.
GUANGDE_ITEMS: Final = {
    OVERLOAD: "GD-0101",
    "no_road_freight_licence": "GD-0201",
    "no_road_passenger_licence": "GD-0202",
    "no_driver_qualification": "GD-0205",
    "ride_hailing_no_vehicle_certificate": "GD-0301",
    "ride_hailing_no_driver_certificate": "GD-0302",
}

_MUD: Final = LocalCause(
    "anji-mud",
    "货运车辆带泥上路",
    "货运车辆带泥上路",
    "《安吉县货运车辆管理办法（示例）》第九条",
)
_WARNING_DEVICE: Final = LocalCause(
    "anji-warning-device",
    "重型货车未安装右转弯预警装置",
    "重型货车未安装右转弯预警装置",
    "《安吉县货运车辆管理办法（示例）》第十二条",
)
_LOADING_DATA: Final = LocalCause(
    "guangde-loading-data",
    "GD-0907",
    "货运源头单位未按时报送装载信息",
    "《广德市货运源头管理办法（示例）》第七条",
)
_QUARRY_GATE: Final = LocalCause(
    "guangde-quarry-gate",
    "GD-0911",
    "矿山企业出口未设置称重设备",
    "《广德市货运源头管理办法（示例）》第十一条",
)
_UNCOVERED: Final = LocalCause(
    "ningguo-uncovered",
    "渣土运输车辆未密闭",
    "渣土运输车辆未密闭",
    "《宁国市渣土运输管理办法（示例）》第六条",
)
LOCAL: Final = {
    ANJI.folder: (_MUD, _WARNING_DEVICE),
    GUANGDE.folder: (_LOADING_DATA, _QUARRY_GATE),
    NINGGUO.folder: (_UNCOVERED,),
}
_WRITTEN: Final = {cause.key: cause.written for causes in LOCAL.values() for cause in causes}


def guangde_item(cause: str) -> str:
    return GUANGDE_ITEMS.get(cause) or _WRITTEN[cause]


def ningguo_words(cause: str) -> str:
    return NINGGUO_WORDS.get(cause) or _WRITTEN[cause]
