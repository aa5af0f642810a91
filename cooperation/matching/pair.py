"""A pair of records of one act, and what speaks for it in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from schemas.text import Text

if TYPE_CHECKING:
    import duckdb

Match = Literal["exact", "probable"]


@dataclass(frozen=True, slots=True)
class Pair:
    """``a`` and ``b``: record ids, each its agency's (``a_org``, ``b_org``) to give.

    ``evidence``: codes of settings.toml, some with a number behind a colon.
    """

    a: str
    a_org: str
    b: str
    b_org: str
    match: Match
    score: int
    evidence: tuple[str, ...]


def pairs(relation: duckdb.DuckDBPyRelation) -> list[Pair]:
    """The rows of ``same_act``'s relation, the surest first."""
    rows = relation.order("score DESC, a, b").fetchall()
    return [
        Pair(a, a_org, b, b_org, match, score, tuple(evidence))
        for a, a_org, b, b_org, match, score, evidence in rows
    ]


def explain(pair: Pair) -> list[Text]:
    """Each piece of evidence in words, in the order in which it was weighed."""
    return [told(code) for code in pair.evidence]


def told(code: str) -> Text:
    """One code in words. Raises ``KeyError`` for a code that there is not."""
    name, _, value = code.partition(":")
    words = _WORDS[name]
    return Text(en=words.en.format(value), zh=words.zh.format(value))


def words_known() -> Iterable[str]:
    """The codes that have words; settings.toml has the same."""
    return _WORDS.keys()


_WORDS = {
    "same_plate_colour": Text(en="same plate and colour", zh="号牌号码和颜色相同"),
    "same_plate": Text(en="same plate, a colour is missing", zh="号牌号码相同，有一方缺号牌颜色"),
    "plate_other_colour": Text(
        en="same plate, another colour: look whether a colour was mistaken",
        zh="号牌号码相同、颜色不同：请核对颜色是否录错",
    ),
    "plate_one_alike": Text(
        en="plates differ in one character that is easily misread",
        zh="号牌仅一个易混字符不同",
    ),
    "plate_one_character": Text(en="plates differ in one character", zh="号牌有一个字符不同"),
    "plate_unread": Text(en="a plate was not read", zh="有一方号牌未识别"),
    "contradicts_plate": Text(en="against: the plates are different", zh="不一致：两个号牌不同"),
    "same_trailer": Text(en="same trailer plate", zh="挂车号牌相同"),
    "contradicts_trailer": Text(en="against: another trailer", zh="不一致：挂车号牌不同"),
    "same_certificate": Text(en="same transport certificate", zh="道路运输证号相同"),
    "same_driver": Text(en="same driver", zh="驾驶人相同"),
    "same_party": Text(en="same party", zh="当事人相同"),
    "contradicts_driver": Text(en="against: another driver", zh="不一致：驾驶人不同"),
    "names_inspection": Text(en="the case names this inspection", zh="案件写明由该次检查发现"),
    "same_group": Text(
        en="the agency put both into one group of one act", zh="来源机关已标为同一违法行为组"
    ),
    "same_police_decision": Text(
        en="both name the same decision of the traffic police", zh="写明同一份公安交管处罚决定"
    ),
    "same_moment": Text(en="{0} minutes apart", zh="相隔 {0} 分钟"),
    "time_within_minutes": Text(en="{0} minutes apart", zh="相隔 {0} 分钟"),
    "time_within_hours": Text(en="{0} hours apart", zh="相隔 {0} 小时"),
    "while_it_lasts": Text(
        en="{0} hours apart, and the act goes on", zh="相隔 {0} 小时，行为处于持续状态"
    ),
    "time_within_days": Text(en="{0} days apart", zh="相隔 {0} 天"),
    "same_day": Text(
        en="on one day; one record tells no time of day", zh="同一天，有一方没有具体时刻"
    ),
    "time_about": Text(
        en="the time of the act is not known on one side; filed or decided {0} days apart",
        zh="有一方没有违法时间，立案或决定时间相隔 {0} 天",
    ),
    "same_place": Text(en="same place", zh="地点相同"),
    "same_division": Text(en="same county", zh="同一区县"),
    "contradicts_division": Text(
        en="against: another county, and the act does not move",
        zh="不一致：不在同一区县，而该行为不随行程发生",
    ),
    "passed_again": Text(
        en="against: at the same place again after {0} minutes: perhaps another trip",
        zh="不一致：{0} 分钟后又在同一地点，可能是另一趟",
    ),
    "same_cause_by_crosswalk": Text(en="same cause by the crosswalk", zh="案由对照后相同"),
    "cause_of_one_family": Text(
        en="causes that one act may bear: {0}", zh="案由不同，但可能是同一行为：{0}"
    ),
    "cause_unmapped": Text(
        en="a cause has no crosswalk: compare it by hand", zh="有一方案由未对照，请人工比对"
    ),
    "without_cause": Text(en="an inspection, which has no cause", zh="一方是检查记录，没有案由"),
    "contradicts_cause": Text(en="against: another cause", zh="不一致：案由不同"),
    "weight_within_percent": Text(en="masses differ by {0} %", zh="总质量相差 {0}%"),
    "weight_near": Text(en="masses differ by {0} %", zh="总质量相差 {0}%"),
    "contradicts_weight": Text(en="against: masses differ by {0} %", zh="不一致：总质量相差 {0}%"),
    "same_axles": Text(en="same number of axles", zh="轴数相同"),
    "contradicts_axles": Text(en="against: another number of axles", zh="不一致：轴数不同"),
    "one_agency_twice": Text(
        en="against: two cases of one agency, which does not file one act twice",
        zh="不一致：同一机关的两个案件，通常不是同一行为",
    ),
    "after_decision": Text(
        en="against: done after the other was decided: going on after a decision is a new act",
        zh="不一致：发生在另一案作出决定之后，处罚后继续实施的是新的违法行为",
    ),
}
