"""Mass limits of goods vehicles and what exceeding them costs on each side of the border.

Sources: limits by number of axles, 超限运输车辆行驶公路管理规定 art. 3, and its fines, art. 43
(both as quoted in excerpts; the current article numbers are not verified); 浙江省公路条例
art. 53. The two rules differ: six axles at 75 t cost 13 000 yuan under the ministry's rule
and 5 160 yuan in Zhejiang; at 55 t 3 000 yuan and nothing. This is data for a
demonstration, not a tariff to fine anybody by.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

LIMIT_KG: Final = {2: 18_000, 3: 25_000, 4: 31_000, 5: 43_000, 6: 49_000}
AXLES_ZH: Final = {2: "二轴", 3: "三轴", 4: "四轴", 5: "五轴", 6: "六轴"}
MAXIMUM_FINE_YUAN: Final = 30_000


@dataclass(frozen=True, slots=True)
class Tariff:
    """What one overload costs: ``fine_yuan`` 0 means no fine, for the reason in ``basis``."""

    fine_yuan: int
    basis: str


def ministry(total_kg: int, limit_kg: int) -> Tariff:
    """Up to 1 000 kg over: a warning; then 500 yuan for each full 1 000 kg, at most 30 000."""
    basis = "《公路安全保护条例》第六十四条、《超限运输车辆行驶公路管理规定》第四十三条"
    over_kg = total_kg - limit_kg
    if over_kg <= 1_000:
        return Tariff(0, basis)
    return Tariff(min(over_kg // 1_000 * 500, MAXIMUM_FINE_YUAN), basis)


def zhejiang(total_kg: int, limit_kg: int) -> Tariff:
    """Up to 20 % over may go free; 300 yuan/t from 20 to 50 %; 500 yuan/t above; at most 30 000."""
    basis = "《浙江省公路条例》第五十三条"
    over_kg = total_kg - limit_kg
    first, second = limit_kg * 20 // 100, limit_kg * 50 // 100
    if over_kg <= first:
        return Tariff(0, basis)
    yuan = (min(over_kg, second) - first) * 300 // 1_000
    yuan += max(over_kg - second, 0) * 500 // 1_000
    return Tariff(min(yuan, MAXIMUM_FINE_YUAN), basis)
