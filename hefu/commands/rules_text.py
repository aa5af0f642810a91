"""How ``hefu rules`` says rows of law and answers from them, in words and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hefu.terminal import say_data, tr
from schemas.text import Text

if TYPE_CHECKING:
    from schemas.law.basis import Basis
    from schemas.law.overload import Assessment, Limit
    from schemas.rule_entries import Band, Entry
    from schemas.rulepack import RulePack


def say_limit(one: Assessment, found: Limit | None) -> None:
    """Limit, weight and excess."""
    say_data(
        tr(
            f"limit {one.limit_kg} kg, weight {one.total_weight_kg} kg, excess {one.excess_kg} kg "
            f"({one.excess_ratio:.2%})",
            f"限值 {one.limit_kg} 千克，总质量 {one.total_weight_kg} 千克，"
            f"超限 {one.excess_kg} 千克（{one.excess_ratio:.2%}）",
        )
    )
    if found is not None:
        say_basis(found.basis)


def say_assessment(assessment: Assessment) -> None:
    """What one jurisdiction's tariff gives, step by step."""
    words = {
        "no_excess": tr("no excess", "未超限"),
        "warning": tr("warning", "警告"),
        "may_be_exempt": tr("may go unpunished", "可以不予处罚"),
        "fine": tr(f"fine {assessment.fine_cny} yuan", f"罚款 {assessment.fine_cny} 元"),
    }
    where = assessment.basis.jurisdiction
    first = tr(", prevails here", "，优先适用") if assessment.prevails else ""
    say_data("")
    say_data(tr(f"{where}{first}: ", f"{where}{first}：") + words[assessment.outcome])
    for step in assessment.steps:
        say_data(f"  {step}")
    say_basis(assessment.basis)
    if assessment.basis.note:
        say_data(tr(f"  note: {assessment.basis.note}", f"  说明：{assessment.basis.note}"))


def say_basis(basis: Basis) -> None:
    """Article and version, and what of it is not verified."""
    doubts = []
    if not basis.verified:
        doubts.append(tr("number not verified", "数值待核实"))
    if not basis.date_verified:
        doubts.append(tr("date not verified", "施行日期待核实"))
    told = tr(f" ({', '.join(doubts)})", f"（{'，'.join(doubts)}）") if doubts else ""
    say_data(f"  {basis.article} [{basis.version}]{told}")


def assessment_json(assessment: Assessment) -> dict[str, Any]:
    """An assessment for another program."""
    return {
        "jurisdiction": {
            "en": assessment.basis.jurisdiction.en,
            "zh": assessment.basis.jurisdiction.zh,
        },
        "prevails": assessment.prevails,
        "outcome": assessment.outcome,
        "fine_cny": f"{assessment.fine_cny:.2f}",
        "excess_kg": assessment.excess_kg,
        "excess_ratio": str(assessment.excess_ratio),
        "capped": assessment.capped,
        "rounding": assessment.reading.rounding,
        "counted_from": assessment.reading.counted_from,
        "steps": [{"en": step.en, "zh": step.zh} for step in assessment.steps],
        "basis": basis_json(assessment.basis),
    }


def basis_json(basis: Basis) -> dict[str, Any]:
    """A basis for another program."""
    return {
        "pack": basis.pack,
        "version": basis.version,
        "name": basis.entry,
        "article": basis.article,
        "text": basis.text,
        "source": basis.source,
        "verified": basis.verified,
        "date_verified": basis.date_verified,
        "valid_from": basis.valid_from.isoformat(),
        "valid_to": basis.valid_to.isoformat() if basis.valid_to else None,
    }


def entry_json(pack: RulePack, entry: Entry) -> dict[str, Any]:
    """A row of law for another program."""
    from schemas.law.basis import basis_of

    told = basis_json(basis_of(pack, entry))
    return {
        "table": entry.TABLE,
        **told,
        "content": entry.model_dump(mode="json", include=set(entry.content())),
        "withdrawn": entry.withdrawn.isoformat() if entry.withdrawn else None,
        "note": entry.note,
    }


def speaks_of(entry: Entry, word: str) -> bool:
    """Whether ``word`` stands in the row's name, article or words, or in a cause that it names.

    A cause is met by its code, its labels and whatever scheme ``zh`` reads as it.
    """
    from schemas.codes import all_codes

    named = {*getattr(entry, "causes", ()), getattr(entry, "cause", None)} - {None}
    said = [entry.name, entry.article, entry.text, *map(str, named)]
    for row in all_codes()["case_cause"]:
        if row.code in named:
            said += [row.raw, row.label_zh, row.label_en]
    wanted = word.strip().lower()
    return any(wanted in text.lower() for text in said)


def content(entry: Entry) -> str:
    """The row's own fields in one line, those that say nothing left out."""
    from schemas.rule_entries import OverloadFine, Parameter, Provision

    if isinstance(entry, Parameter):
        return tr(f"{entry.value} {entry.unit}", f"{entry.value} {entry.unit_zh}")
    if isinstance(entry, Provision):
        return tr(entry.label_en, entry.text.removeprefix("摘要："))
    hidden = {"rounding", "counted_from"} if _is_marginal(entry) else set()
    parts = []
    for key in entry.content():
        value = getattr(entry, key)
        if key in hidden or value is None or value is False or value == () or value == "":
            continue
        if isinstance(entry, OverloadFine) and key == "bands":
            parts += [_band(band) for band in entry.bands]
            continue
        told = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
        if value is True:
            told = tr("yes", "是")
        parts.append(f"{_LABELS.get(key, Text(key, key))}={told}")
    return " ".join(parts)


#: What a field of a table is called; a field of the file that has no label shows its key.
_LABELS = {
    "value": Text("reading", "采用"),
    "options": Text("readings", "可选"),
    "axles": Text("axles", "轴数"),
    "or_more": Text("or more", "及以上"),
    "configuration": Text("configuration", "车型"),
    "drive": Text("drive", "驱动轴"),
    "limit_kg": Text("limit kg", "限值（千克）"),
    "method": Text("method", "算法"),
    "cap_cny": Text("cap yuan", "最高（元）"),
    "free_kg": Text("warning up to kg", "警告上限（千克）"),
    "step_kg": Text("step kg", "每档（千克）"),
    "yuan_per_step": Text("yuan per step", "每档罚款（元）"),
    "rounding": Text("rounding", "不足一档"),
    "counted_from": Text("counted from", "起算"),
    "max_height_m": Text("height up to m", "高度不超过（米）"),
    "max_width_m": Text("width up to m", "宽度不超过（米）"),
    "max_length_m": Text("length up to m", "长度不超过（米）"),
    "min_cny": Text("least yuan", "下限（元）"),
    "max_cny": Text("greatest yuan", "上限（元）"),
    "may": Text("may", "可以处罚"),
    "causes": Text("causes", "案由"),
    "cause": Text("cause", "案由"),
    "gains_over_cny": Text("gains over yuan", "违法所得超过（元）"),
    "gains_times_min": Text("times gains from", "违法所得倍数下限"),
    "gains_times_max": Text("times gains to", "违法所得倍数上限"),
    "item": Text("item", "项"),
    "kinds": Text("kinds", "处罚种类"),
    "larger_amount": Text("large amount", "较大数额"),
    "fact": Text("fact", "情形"),
    "duty": Text("duty", "程序"),
    "ground": Text("ground", "不予处罚依据"),
    "consequence": Text("consequence", "结果"),
    "needs": Text("needs", "条件"),
    "decision_type": Text("decision", "决定类型"),
    "label_en": Text("label", "英文名"),
    "list": Text("list", "清单"),
    "conditions": Text("conditions", "条件"),
    "follow_up_days": Text("follow up days", "跟踪提醒（日）"),
    "grade": Text("grade", "档次"),
    "circumstances": Text("circumstances", "情节"),
    "offence": Text("offence", "涉嫌罪名"),
    "offence_en": Text("offence", "罪名英文名"),
    "field": Text("figure", "数据项"),
    "over": Text("over", "超过"),
}


def _is_marginal(entry: Entry) -> bool:
    from schemas.rule_entries import OverloadFine

    return isinstance(entry, OverloadFine) and entry.method == "marginal"


def _band(band: Band) -> str:
    exempt = tr(", may go unpunished", "，可以不予处罚") if band.may_be_exempt else ""
    return tr(
        f"[over {band.over_ratio:.0%}: {band.yuan_per_tonne} yuan/t{exempt}]",
        f"【超过 {band.over_ratio:.0%}：每吨 {band.yuan_per_tonne} 元{exempt}】",
    )


def verified(entry: Entry) -> str:
    """Whether a row was compared with the promulgated text."""
    if not entry.verified:
        return tr("unverified", "待核实")
    return tr("yes", "是") if entry.date_verified else tr("yes, date unverified", "是，日期待核实")


def say_entry(pack: RulePack, entry: Entry) -> None:
    """One row in full, with its words."""
    from schemas.rule_entries import SOURCES

    until = entry.valid_to or tr("open", "至今")
    say_data(f"{entry.name}  {pack.version} ({pack.label})  {entry.valid_from} – {until}")
    say_data("  " + content(entry))
    say_data(tr(f"  article: {entry.article}", f"  依据：{entry.article}"))
    say_data(tr(f"  text: {entry.text}", f"  条文：{entry.text}"))
    say_data(tr(f"  how known: {SOURCES[entry.source]}", f"  来源：{SOURCES[entry.source]}"))
    say_data(tr(f"  verified: {verified(entry)}", f"  核实：{verified(entry)}"))
    if entry.withdrawn:
        say_data(tr(f"  found wrong on {entry.withdrawn}", f"  {entry.withdrawn} 发现有误，已停用"))
    if entry.note:
        say_data(tr(f"  note: {entry.note}", f"  说明：{entry.note}"))
