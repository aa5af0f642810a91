"""Recognitions on a terminal and as JSON. Numbers of persons and plates are masked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from hefu.commands.matter_shown import Shown
from hefu.terminal import CST, say, say_data, say_json, say_table, say_warning, show_time, tr
from schemas.masking import mask_text

if TYPE_CHECKING:
    from cooperation.recognition.chain import Link
    from cooperation.recognition.sides import Side
    from flows.case_index import Coverage
    from flows.first_offence import Reminder
    from flows.recognising import Proposed, Recognition
    from flows.second_fines import SecondFine
    from hefu.node import Node
    from schemas.law.basis import Basis

DASH = "–"


def say_list(
    node: Node,
    found: Sequence[Recognition],
    doubled: Sequence[SecondFine],
    reminded: Sequence[Reminder],
    now: datetime,
    *,
    as_json: bool,
) -> None:
    shown = Shown(node, now)
    if as_json:
        say_json(
            {
                "recognitions": [as_values(one) for one in found],
                "second_fines": [_fine_json(one) for one in doubled],
                "reminders": [_reminder_json(one) for one in reminded],
            }
        )
        return
    say_table(
        [
            tr("number", "编号"),
            tr("use", "用途"),
            tr("own record", "本机关记录"),
            tr("their agency", "对方机关"),
            tr("their record", "对方记录"),
            tr("proposed", "建议"),
            tr("state", "状态"),
            tr("decide by", "决定期限"),
        ],
        [_row(shown, one) for one in found],
        empty=tr("nothing has to be decided", "没有待决定的互认事项"),
    )
    _say_fines(shown, doubled)
    _say_reminders(shown, reminded)
    if any(one.is_ours and one.matter.is_open for one in found):
        say(
            tr(
                "next: hefu recognise explain NUMBER, then hefu recognise decide NUMBER",
                "下一步：hefu recognise explain 编号，核对后 hefu recognise decide 编号",
            )
        )


def _row(shown: Shown, one: Recognition) -> tuple[str, ...]:
    last = one.chain.last
    other = last.recognised_org if one.is_ours else last.recognising_org
    mine, theirs = last.own_no, last.original_no
    if not one.is_ours:
        mine, theirs = theirs, mine
    return (
        one.number,
        shown.label("recognition_use", last.use),
        mask_text(mine or DASH),
        shown.name(other),
        mask_text(theirs or DASH),
        shown.label("recognition_decision", last.proposed),
        state_of(one),
        _due(one),
    )


def state_of(one: Recognition) -> str:
    label = one.matter.state.label
    return tr(label.en, label.zh)


def _due(one: Recognition) -> str:
    if one.clock is None:
        return DASH
    day = str(one.clock.last_day)
    if one.clock.standing == "overdue":
        return tr(f"{day} overdue", f"{day} 已超期")
    return tr(f"{day} provisional", f"{day}（暂定）") if one.clock.provisional else day


def _say_fines(shown: Shown, doubled: Sequence[SecondFine]) -> None:
    if not doubled:
        return
    say_warning(
        tr(
            f"{len(doubled)} of our fines may be the second for one act: another agency came "
            "first (行政处罚法 art. 29)",
            f"本机关有{len(doubled)}起罚款疑似重复罚款，其他机关处理在先（行政处罚法第二十九条）",
        ),
        tr(
            "hefu recognise explain NUMBER; revoke our fine, or decide that it is not the same act",
            "请用 hefu recognise explain 编号 逐起核对：确属重复的撤销本机关罚款，"
            "不是同一行为的作出不予互认决定",
        ),
    )
    say_table(
        [
            tr("number", "编号"),
            tr("our case", "本机关案件"),
            tr("filed", "立案"),
            tr("their agency", "对方机关"),
            tr("their case", "对方案件"),
            tr("filed", "立案"),
        ],
        [
            (
                one.number,
                mask_text(one.own_no or DASH),
                show_time(one.own_filed),
                shown.name(one.original_org),
                mask_text(one.original_no or DASH),
                show_time(one.original_filed),
            )
            for one in doubled
        ],
        title=tr("fines that may be second ones", "疑似重复罚款"),
    )


def _say_reminders(shown: Shown, reminded: Sequence[Reminder]) -> None:
    if not reminded:
        return
    say_warning(
        tr(
            f"{len(reminded)} times a party that was let off has offended again: no first offence "
            "any more (行政处罚法 art. 33)",
            f"不予处罚后再次违法{len(reminded)}起：不再属于初次违法（行政处罚法第三十三条）",
        )
    )
    say_table(
        [
            tr("let off by", "不予处罚机关"),
            tr("case", "案件"),
            tr("act", "违法日期"),
            tr("again at", "再次违法地机关"),
            tr("case", "案件"),
            tr("act", "违法日期"),
            tr("same cause", "案由相同"),
        ],
        [
            (
                shown.name(one.exemption.source_org_code),
                mask_text(one.exemption.no or DASH),
                str(one.exemption.act_day or DASH),
                shown.name(one.later.source_org_code),
                mask_text(one.later.no or DASH),
                str(one.later.act_day or DASH),
                tr("yes", "是") if one.same_cause else tr("no", "否"),
            )
            for one in reminded
        ],
        title=tr("offended again after an exemption", "不予处罚后再次违法"),
    )


def say_one(node: Node, one: Recognition, now: datetime) -> None:
    """After a decision: what stands, and who learns of it."""
    shown, last = Shown(node, now), one.chain.last
    say_data(one.number)
    say(tr(f"now: {state_of(one)}", f"目前状态：{state_of(one)}"))
    if last.effect:
        say(tr(f"effect: {mask_text(last.effect)}", f"效果：{mask_text(last.effect)}"))
    other = shown.name(last.recognised_org)
    say(
        tr(
            f"the next hefu publish tells {other}; if the original changes, it is reopened by "
            "itself",
            f"下一次 hefu publish 时告知{other}；原结果变化时将自动重新提起",
        )
    )


def changed_of(link: Link) -> str:
    """The fields' labels; never a value."""
    return "、".join(_field_label(link, name) for name in link.changed) or DASH


def _field_label(link: Link, name: str) -> str:
    from schemas.contract import load_contract

    own = name.startswith("own.")
    record_type = link.own_record_type if own else link.original_type
    plain = name.removeprefix("own.")
    contracts = [load_contract(t) for t in (record_type, "recognition") if t]
    field = next((c.field(plain) for c in contracts if plain in c.names()), None)
    label = plain if field is None else tr(field.label_en, field.label_zh)
    return tr(f"ours: {label}", f"本机关：{label}") if own else label


def say_run(
    node: Node,
    proposed: Proposed,
    followed: Sequence[Link],
    doubled: Sequence[SecondFine],
    now: datetime,
    *,
    as_json: bool,
) -> None:
    shown = Shown(node, now)
    if as_json:
        say_json(
            {
                "proposed": list(proposed.numbers),
                "matched": proposed.matched,
                "followed": [
                    {"number": k.recognition_no, "step": k.step, "changed": list(k.changed)}
                    for k in followed
                ],
                "second_fines": [_fine_json(one) for one in doubled],
                "coverage": [coverage_values(one) for one in proposed.coverage],
            }
        )
        return
    say_data(
        tr(
            f"{len(proposed.numbers)} proposed anew, of {proposed.matched} matches; "
            f"{len(followed)} reopened or lapsed",
            f"新提出建议 {len(proposed.numbers)} 项（比对命中 {proposed.matched} 项），"
            f"重新提起或者失去基础 {len(followed)} 项",
        )
    )
    for link in followed:
        say(f"{link.recognition_no}  {shown.label('act_code', link.step)}  {changed_of(link)}")
    _say_fines(shown, doubled)
    say_coverage(shown, proposed.coverage)


def law_line(basis: Basis) -> str:
    mark = "" if basis.verified else tr(" (not verified)", "（未核对）")
    return f"{basis.article}{mark}：{basis.text}"


def say_coverage(shown: Shown, coverage: Iterable[Coverage]) -> None:
    told = [covered(shown, one.org, one.as_of) for one in coverage]
    if told:
        say(tr("sources: " + ", ".join(told), "数据来源：" + "、".join(told)))


def covered(shown: Shown, org: str, as_of: datetime | None) -> str:
    name = shown.name(org)
    if as_of is None:
        return tr(f"{name} (never answered)", f"{name}（从未答复）")
    return tr(f"{name} as of {show_time(as_of)}", f"{name}（截至 {show_time(as_of)}）")


def as_values(one: Recognition) -> dict[str, Any]:
    last = one.chain.last
    return {
        "number": one.number,
        "use": last.use,
        "state": one.matter.state_name,
        "is_ours": one.is_ours,
        "own_no": mask_text(last.own_no or "") or None,
        "own_record_id": last.own_record_id,
        "recognised_org": last.recognised_org,
        "recognising_org": last.recognising_org,
        "recognised_no": mask_text(last.original_no or "") or None,
        "recognised_record_id": last.original_id,
        "identity_match": last.identity,
        "evidence": list(last.evidence),
        "findings": list(last.findings),
        "proposed": last.proposed,
        "decision": last.decision,
        "reason": last.reason,
        "changed": list(last.changed),
        "decide_by": str(one.clock.last_day) if one.clock else None,
        "overdue": bool(one.clock and one.clock.standing == "overdue"),
    }


def _fine_json(one: SecondFine) -> dict[str, Any]:
    return {
        "number": one.number,
        "own_no": mask_text(one.own_no or "") or None,
        "original_no": mask_text(one.original_no or "") or None,
        "original_org": one.original_org,
        "original_filed": moment(one.original_filed),
        "own_filed": moment(one.own_filed),
        "state": one.state,
    }


def _reminder_json(one: Reminder) -> dict[str, Any]:
    return {
        "exemption": side_values(one.exemption),
        "later": side_values(one.later),
        "same_cause": one.same_cause,
    }


def side_values(side: Side) -> dict[str, Any]:
    return {
        "org": side.source_org_code,
        "record_id": side.record_id,
        "record_type": side.record_type,
        "no": mask_text(side.no or "") or None,
        "act_day": _day(side.act_day),
        "cause": side.cause,
        "decision_type": side.decision_type,
        "decision_date": _day(side.decision_date),
    }


def coverage_values(one: Coverage) -> dict[str, Any]:
    return {"org": one.org, "as_of": moment(one.as_of), "records": one.records}


def moment(told: datetime | None) -> str | None:
    return None if told is None else told.astimezone(CST).isoformat(timespec="seconds")


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
