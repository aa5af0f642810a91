"""Answers to a first-offence check and to a question for earlier inspections."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from hefu.commands.matter_shown import Shown
from hefu.commands.recognise_shown import (
    DASH,
    coverage_values,
    covered,
    law_line,
    moment,
    say_coverage,
    side_values,
)
from hefu.terminal import say, say_data, say_json, say_table, say_warning, show_time, tr
from schemas.masking import mask_text

if TYPE_CHECKING:
    from cooperation.recognition.sides import Side
    from flows.first_offence import FirstOffence, Inspected
    from hefu.node import Node


def say_first_offence(node: Node, found: FirstOffence, now: datetime, *, as_json: bool) -> None:
    shown = Shown(node, now)
    if as_json:
        say_json(_first_json(found))
        return
    answered = "、".join(covered(shown, org, as_of) for org, as_of in found.answered)
    if found.result == "record_in_answered_sources":
        said = tr(
            f"{len(found.hits)} earlier in the answered sources ({answered})",
            f"已答复的数据来源中有{len(found.hits)}条在先记录（{answered}）",
        )
    else:
        said = tr(
            f"no record in the answered sources ({answered})",
            f"已答复的数据来源中无记录（{answered}）",
        )
    say_data(f"{found.check_no}  {said}")
    window = f"{found.since} – {found.until}"
    scope = "、".join(shown.label("case_cause", cause) for cause in found.scope)
    say_data(tr(f"acts of {window}, causes: {scope}", f"违法行为发生于 {window}，案由：{scope}"))
    _say_sides(shown, found.hits)
    if found.same_act:
        say(
            tr(
                "the act itself, as another agency recorded it; not an earlier one:",
                "同一违法行为在其他机关的记录，不属于在先记录：",
            )
        )
        _say_sides(shown, found.same_act)
    if found.others:
        say(tr("of other causes, to be known:", "其他案由的在先记录，供参考："))
        _say_sides(shown, found.others)
    for org in found.unanswered:
        say_warning(
            tr(
                f"{shown.name(org)} has not answered: the result says nothing of its records",
                f"{shown.name(org)}没有答复，结论不涉及其数据",
            )
        )
    for org, number in found.uncompared.items():
        say_warning(
            tr(
                f"{number} records of {shown.name(org)} name nobody who could be compared",
                f"{shown.name(org)}有{number}条记录没有可供比对的当事人证件号码",
            )
        )
    if found.basis is not None:
        say(law_line(found.basis))
    say(
        tr(
            "whether it goes unpunished is for a person to decide; name this number in the case",
            "是否不予处罚由人决定；请将本查询编号记入案卷",
        )
    )


def _say_sides(shown: Shown, sides: Sequence[Side]) -> None:
    say_table(
        [
            tr("agency", "机关"),
            tr("number", "编号"),
            tr("act", "违法日期"),
            tr("cause", "案由"),
            tr("decided", "处理"),
            tr("decision", "决定日期"),
        ],
        [
            (
                shown.name(side.source_org_code),
                mask_text(side.no or DASH),
                str(side.act_day or DASH),
                shown.label("case_cause", side.cause),
                shown.label("decision_type", side.decision_type),
                str(side.decision_date or DASH),
            )
            for side in sides
        ],
        empty="",
    )


def say_inspected(node: Node, found: Inspected, now: datetime, *, as_json: bool) -> None:
    shown = Shown(node, now)
    if as_json:
        say_json(
            {
                "inspections": [
                    side_values(side) | {"result": side.inspection_result, "until": str(last)}
                    for side, last in found.hits
                ],
                "days": found.days,
                "coverage": [coverage_values(one) for one in found.coverage],
            }
        )
        return
    say_table(
        [
            tr("agency", "机关"),
            tr("number", "编号"),
            tr("inspected", "检查时间"),
            tr("result", "结果"),
            tr("need not be repeated until", "可不重复检查至"),
        ],
        [
            (
                shown.name(side.source_org_code),
                mask_text(side.no or DASH),
                show_time(side.act_time),
                shown.label("inspection_result", side.inspection_result),
                str(last) if side.inspection_result in _CLEAN else DASH,
            )
            for side, last in found.hits
        ],
        empty=tr(
            f"no inspection of the last {found.days} days in the answered sources",
            f"已答复的数据来源中，最近{found.days}日内没有检查记录",
        ),
    )
    say_coverage(shown, found.coverage)
    if found.basis is not None:
        say(law_line(found.basis))


_CLEAN = ("no_problem", "corrected_on_site")


def _first_json(found: FirstOffence) -> dict[str, Any]:
    return {
        "check_no": found.check_no,
        "result": found.result,
        "hits": [side_values(side) for side in found.hits],
        "same_act": [side_values(side) for side in found.same_act],
        "others": [side_values(side) for side in found.others],
        "since": str(found.since),
        "until": str(found.until),
        "scope": list(found.scope),
        "answered": [{"org": org, "as_of": moment(t)} for org, t in found.answered],
        "unanswered": list(found.unanswered),
        "uncompared": found.uncompared,
        "article": found.basis.article if found.basis else None,
    }
