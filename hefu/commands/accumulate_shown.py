"""How an accumulation is shown: lines of a table, one subject in full, JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hefu.terminal import say, say_data, say_table, say_warning, show_count, show_time, tr
from schemas.masking import mask
from schemas.text import Text

if TYPE_CHECKING:
    from cooperation.accumulation.model import Accumulation, CountedCase
    from cooperation.accumulation.snapshot import Covered
    from flows.accumulation_cases import Reckoned

KINDS = {
    "vehicle": Text("vehicle", "车辆"),
    "driver": Text("driver", "驾驶人"),
    "transport_enterprise": Text("operator", "企业"),
}
STANDINGS = {
    "exceeded": Text("exceeded", "已超过"),
    "near": Text("one more and it crosses", "再有一次即超过"),
    "below": Text("not exceeded in the answered sources", "已答复来源中未超过"),
    "fleet_unknown": Text("fleet unknown", "车辆总数不明"),
}
WINDOWS = {
    "rolling_year": Text("rolling year", "滚动一年"),
    "licence_year": Text("licence year, from the first issue", "证照年度（自初次领证之日起）"),
    "calendar_year": Text("calendar year", "自然年"),
}
BASES = {
    "violation": Text("date of violation", "违法时间"),
    "decision": Text("date of decision", "决定时间"),
}
CONSEQUENCES = {
    "vehicle": Text(
        "the office of that place looks whether to revoke the transport certificate",
        "由登记地机关核实后，依法决定是否吊销车辆营运证",
    ),
    "driver": Text(
        "the office of that place looks whether to stop commercial driving",
        "由登记地机关核实后，依法决定是否责令停止从事营业性运输",
    ),
    "transport_enterprise": Text(
        "the office of that place looks whether to stop the business",
        "由登记地机关核实后，依法决定是否责令停业整顿",
    ),
}
GRAVE = Text(
    "the office of that place looks whether to revoke the operator's licence",
    "已超过吊销比例，由登记地机关核实后，依法决定是否吊销道路运输经营许可证",
)
#: So many characters of a record's identifier or a token are shown.
SHORT = 12


def name_of(a: Accumulation, names: Mapping[Any, str], *, reveal: bool) -> str:
    """A plate with its colour, or a name with the beginning of its token; masked."""
    if a.kind == "vehicle":
        plate, _, colour = a.key.partition("/")
        return f"{plate if reveal else mask(plate)}/{colour}"
    name = names.get((a.kind, a.key))
    token = a.key.removeprefix("hs256:")[:SHORT]
    return token if name is None else f"{name if reveal else mask(name)} {token}"


def limit_of(a: Accumulation) -> str:
    from cooperation.accumulation.accumulate import limit_text

    return limit_text(a.limit, is_ratio=a.kind == "transport_enterprise")


def count_text(a: Accumulation, base: str) -> str:
    """``4``, or of an operator ``11 of 110``."""
    count = a.by_violation if base == "violation" else a.by_decision
    if a.kind != "transport_enterprise":
        return str(count)
    fleet = str(a.fleet.vehicles) if a.fleet else "?"
    return tr(f"{count} of {fleet}", f"{count}/{fleet}")


def say_list(reckoned: Reckoned, *, reveal: bool) -> None:
    found = reckoned.accumulations
    say_table(
        [
            tr("kind", "类别"),
            tr("subject", "对象"),
            tr("place", "登记地"),
            tr("by violation", "按违法时间"),
            tr("by decision", "按决定时间"),
            tr("limit", "限值"),
            tr("standing", "结论"),
            tr("snapshot", "快照"),
        ],
        [
            (
                str(KINDS[a.kind]),
                name_of(a, reckoned.names, reveal=reveal),
                a.division or "?",
                count_text(a, "violation"),
                count_text(a, "decision"),
                limit_of(a),
                str(STANDINGS[a.standing]),
                reckoned.snapshots.get((a.kind, a.key), "–"),
            )
            for a in found.all()
        ],
        numbers=(3, 4, 5),
        empty=tr(
            f"nobody exceeds a limit on {found.as_of} in the answered sources",
            f"截至 {found.as_of}，已答复的来源中没有超过限值的",
        ),
    )
    _say_unknown(found.fleet_unknown)
    for one in found.uncounted:
        say(
            tr(
                f"of {one.org}, cases that say of nobody whose they are: vehicle {one.vehicle}, "
                f"driver {one.driver}, operator {one.transport_enterprise}; not counted",
                f"{one.org} 的案件中，未写明对象、不能计入的：车辆 {one.vehicle} 件，"
                f"驾驶人 {one.driver} 件，企业 {one.transport_enterprise} 件",
            )
        )
    say_coverage(reckoned.coverage)


def _say_unknown(fleets: int) -> None:
    if fleets:
        say(
            tr(
                f"{show_count(fleets)} operators with overloaded vehicles: how many goods vehicles "
                "they have is not known here (no licence records), so no ratio was made",
                f"另有 {show_count(fleets)} 家企业有违法车辆，但本节点没有其道路运输证记录，"
                "不知道货运车辆总数，未计算比例",
            )
        )


def say_coverage(coverage: Sequence[Covered]) -> None:
    """Whose data was counted, as of when; and whose was not."""
    told = [
        tr(
            f"{c.org} as of {show_time(c.as_of)} ({show_count(c.records)})",
            f"{c.org} 截至 {show_time(c.as_of)}（{show_count(c.records)} 条）",
        )
        for c in coverage
        if c.as_of is not None
    ]
    silent = [c.org for c in coverage if c.as_of is None]
    say(tr("counted over: ", "统计范围：") + tr(", ", "；").join(told))
    if silent:
        say_warning(
            tr(
                f"no answer from {', '.join(silent)}: the counts say nothing of what they hold",
                f"{'、'.join(silent)} 未答复：以上次数不包括其掌握的案件",
            )
        )


def say_one(
    reckoned: Reckoned, a: Accumulation, agencies: Mapping[str, str], *, reveal: bool
) -> None:
    """One subject with its law and every case of it."""
    from cooperation.accumulation.model import DOUBTS

    basis = a.law.bases[a.kind]
    verified = "" if basis.verified else tr(" (number not verified)", "（数值未核实）")
    base = (
        tr("date of violation", "违法时间")
        if a.base == "violation"
        else tr("date of decision", "决定时间")
    )
    counts = tr(
        f"by violation {count_text(a, 'violation')}, by decision {count_text(a, 'decision')}; "
        f"limit {limit_of(a)}; the {base} decides",
        f"按违法时间 {count_text(a, 'violation')}，按决定时间 {count_text(a, 'decision')}；"
        f"限值 {limit_of(a)}；以{base}为准",
    )
    say_data(f"{KINDS[a.kind]} {name_of(a, reckoned.names, reveal=reveal)}  {a.division or '?'}")
    say_data(f"{STANDINGS[a.standing]}: {counts}")
    say_data(f"{a.window.start} – {a.window.end}, {WINDOWS[a.window.kind]}")
    say_data(f"{basis.article} [{a.law.version}]{verified}")
    if a.standing == "exceeded":
        say_data(str(GRAVE if a.grave else CONSEQUENCES[a.kind]))
    for doubt in a.doubts:
        say_warning(str(DOUBTS[doubt]))
    say_table(
        [
            tr("case", "案号"),
            tr("agency", "办案单位"),
            tr("violation", "违法时间"),
            tr("decision", "决定日期"),
            tr("record", "记录"),
            tr("counted?", "是否计入"),
        ],
        [
            (
                c.no,
                agencies.get(c.org, c.org),
                show_time(c.act_time),
                str(c.decision_date or "–"),
                c.record_id[:SHORT],
                why(c),
            )
            for c in a.cases
        ],
        empty=tr("no case of it is left", "该对象已没有案件"),
    )
    say_coverage(reckoned.coverage)


def why(case: CountedCase) -> str:
    """Whether a case is counted, by one date or by both, and if not, why."""
    first, second = _why(case, case.violation), _why(case, case.decision)
    if first == second:
        return first
    return tr(
        f"by violation: {first}; by decision: {second}",
        f"按违法时间：{first}；按决定时间：{second}",
    )


def _why(case: CountedCase, reason: str | None) -> str:
    from cooperation.accumulation.model import REASONS

    if reason is None:
        return tr("yes", "计入")
    text = tr(f"no: {REASONS[reason]}", f"不计：{REASONS[reason]}")
    return f"{text} ({case.accumulation_reason})" if _has_word(case, reason) else text


def _has_word(case: CountedCase, reason: str) -> bool:
    return reason == "own_word" and bool(case.accumulation_reason)


def as_json(reckoned: Reckoned, *, reveal: bool) -> dict[str, Any]:
    found = reckoned.accumulations
    return {
        "as_of": found.as_of.isoformat(),
        "subjects": [subject_json(reckoned, a, reveal=reveal) for a in found.all()],
        "operators_with_unknown_fleet": found.fleet_unknown,
        "not_attributable": [
            {
                "org": u.org,
                "vehicle": u.vehicle,
                "driver": u.driver,
                "transport_enterprise": u.transport_enterprise,
            }
            for u in found.uncounted
        ],
        "coverage": [
            {"org": c.org, "as_of": c.as_of, "records": c.records} for c in reckoned.coverage
        ],
    }


def subject_json(reckoned: Reckoned, a: Accumulation, *, reveal: bool) -> dict[str, Any]:
    basis = a.law.bases[a.kind]
    return {
        "kind": a.kind,
        "subject": name_of(a, reckoned.names, reveal=reveal),
        "division": a.division,
        "standing": a.standing,
        "standing_by_other_date": a.other_standing,
        "base_date": a.base,
        "by_violation": a.by_violation,
        "by_decision": a.by_decision,
        "limit": str(a.limit),
        "fleet": None
        if a.fleet is None
        else {"vehicles": a.fleet.vehicles, "unclear": a.fleet.unclear, "day": str(a.fleet.day)},
        "exceeds_revocation_ratio": a.grave,
        "window": {
            "kind": a.window.kind,
            "start": a.window.start.isoformat(),
            "end": a.window.end.isoformat(),
        },
        "article": basis.article,
        "verified": basis.verified,
        "rule_pack_version": a.law.version,
        "doubts": list(a.doubts),
        "snapshot": reckoned.snapshots.get((a.kind, a.key)),
        "cases": [
            {
                "record_id": c.record_id,
                "org": c.org,
                "no": c.no,
                "act_time": c.act_time,
                "decision_date": None if c.decision_date is None else str(c.decision_date),
                "counted_by_violation": c.violation is None,
                "why_not_by_violation": c.violation,
                "counted_by_decision": c.decision is None,
                "why_not_by_decision": c.decision,
            }
            for c in a.cases
        ],
    }
