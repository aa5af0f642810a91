"""What ``hefu transfer`` shows beside its matters: suspicions, numbers, what does not hold."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exchange.files import private_file
from hefu.terminal import say, say_table, say_warning, tr
from schemas.masking import mask_text

if TYPE_CHECKING:
    from cooperation.transfer.meanwhile import Standing
    from cooperation.transfer.missing import Line
    from flows.transfer_checks import Fault
    from flows.transferring import Suspicion

_DASH = "–"


def say_suspicions(found: Sequence[Suspicion]) -> None:
    say_table(
        [
            tr("case", "案号"),
            tr("decided", "决定日期"),
            tr("cause", "案由"),
            tr("looks like", "可能涉嫌"),
            tr("over", "数量标准"),
            tr("article", "依据"),
            tr("transfer", "移送情况"),
        ],
        [
            (
                mask_text(one.sign.case_no),
                one.sign.month_date.isoformat() if one.sign.month_date else _DASH,
                _cause(one.sign.cause),
                tr(one.sign.entry.offence_en, one.sign.entry.offence),
                _over(one),
                one.sign.entry.article,
                outcome_words(one.outcome),
            )
            for one in found
        ],
        empty=tr("no case shows a sign of a crime", "没有案件显示涉嫌犯罪迹象"),
    )
    if found:
        cases = len({one.sign.record_id for one in found})
        say(
            tr(
                f"{cases} case(s) to look at. A sign is no finding: whoever finds a crime likely "
                "notes it with hefu transfer suspect CASE --offence …",
                f"共 {cases} 件需要人工核对。迹象不等于结论：认为涉嫌犯罪的，"
                "用 hefu transfer suspect 案号 --offence … 登记",
            )
        )
    if any(not one.sign.entry.verified for one in found):
        say_warning(
            tr(
                "signs without a number of law, or not compared with the text, are marked so in "
                "hefu rules list --find 刑法",
                "部分迹象没有法定数量标准或者未与原文核对，见 hefu rules list --find 刑法",
            )
        )


def suspicion_json(one: Suspicion) -> dict[str, Any]:
    entry = one.sign.entry
    return {
        "record_id": one.sign.record_id,
        "case_no": mask_text(one.sign.case_no),
        "decided": one.sign.month_date.isoformat() if one.sign.month_date else None,
        "cause": one.sign.cause,
        "sign": entry.name,
        "offence": {"en": entry.offence_en, "zh": entry.offence},
        "article": entry.article,
        "verified": entry.verified,
        "rule_version": one.sign.version,
        "field": entry.field,
        "over": str(entry.over) if entry.over is not None else None,
        "figure": str(one.sign.figure) if one.sign.figure is not None else None,
        "outcome": one.outcome,
    }


def outcome_words(outcome: str) -> str:
    words = {
        "none": tr("none", "没有"),
        "suspected": tr("under way", "办理中"),
        "refused": tr("head refused", "负责人不批准"),
        "transferred": tr("transferred", "已移送"),
    }
    return words[outcome]


def _over(one: Suspicion) -> str:
    entry = one.sign.entry
    if entry.over is None:
        return tr("none: look", "无，须人工核对")
    return f"{one.sign.figure} > {entry.over}"


def _cause(code: str) -> str:
    from schemas.codes import canonical

    return next(
        (tr(r.label_en, r.label_zh) for r in canonical("case_cause") if r.code == code), code
    )


def say_lines(found: Sequence[Line]) -> None:
    say_table(
        [
            tr("month", "月份"),
            tr("sign", "迹象"),
            tr("cases", "案件数"),
            tr("transferred", "已移送"),
            tr("under way", "办理中"),
            tr("refused", "不批准"),
            tr("no transfer", "没有移送"),
            tr("rules", "规则版本"),
        ],
        [
            (
                line.month.strftime("%Y-%m") if line.month else tr("no date", "无日期"),
                tr(line.offence_en, line.offence) or tr("all signs", "合计"),
                str(line.cases),
                f"{line.transferred}/{line.cases}",
                str(line.suspected),
                str(line.refused),
                str(line.none),
                ", ".join(line.versions) + ("" if line.verified else tr(" *", " *")),
            )
            for line in found
        ],
        empty=tr("no case shows a sign of a crime", "没有案件显示涉嫌犯罪迹象"),
    )
    if found:
        say(
            tr(
                "by month of the decision; a case with two signs is in both lines and once in all "
                "signs; * a sign that no number of law defines, or that nobody has compared",
                "按决定日期所在月份统计；一案有两种迹象的分别计入，合计只计一次；"
                "* 没有法定数量标准或者未核对的迹象",
            )
        )


def line_values(line: Line, org: str) -> dict[str, Any]:
    """A line of the numbers, as published: numerator, denominator, rule version."""
    return {
        "org": org,
        "month": line.month.strftime("%Y-%m") if line.month else "",
        "sign": line.sign,
        "offence": line.offence,
        "cases_with_sign": line.cases,
        "transferred": line.transferred,
        "under_way": line.suspected,
        "refused_by_head": line.refused,
        "no_transfer": line.none,
        "rule_versions": "+".join(line.versions),
        "rules_verified": line.verified,
    }


def write_csv(to: Path, found: Sequence[Line], org: str) -> None:
    """UTF-8 with a mark at the front, so that a spreadsheet shows Chinese."""
    text = io.StringIO()
    names = list(_EMPTY)
    writer = csv.DictWriter(text, names, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(line_values(line, org) for line in found)
    with private_file(to) as file:
        file.write(text.getvalue().encode("utf-8-sig"))


_EMPTY = (
    "org", "month", "sign", "offence", "cases_with_sign", "transferred", "under_way",
    "refused_by_head", "no_transfer", "rule_versions", "rules_verified",
)  # fmt: skip


def say_faults(found: Sequence[Fault]) -> None:
    for fault in found:
        label = ""
        if fault.act is not None:
            rows = fault.matter.table.rows_of(fault.act.code)
            label = tr(f" ({rows[0].label_en})", f"（{rows[0].label_zh}）")
        say_warning(f"{fault.matter.key.no}{label}: {mask_text(str(fault.message))}")
    if found:
        say(
            tr(
                "these go to the head of the agency and to whoever reviews its files; nothing is "
                "put right by itself",
                "以上问题请报机关负责人并交案卷评查；系统不会自动更正",
            )
        )


def say_penalties(meant: Sequence[Standing]) -> None:
    say_table(
        [
            tr("transfer", "移送事项"),
            tr("case", "案号"),
            tr("decided", "决定日期"),
            tr("penalty", "处罚种类"),
            tr("means", "依第十一条"),
        ],
        [
            (
                one.matter.key.no,
                mask_text(one.penalty.case_no),
                one.penalty.decision_date.isoformat() if one.penalty.decision_date else _DASH,
                _category(one.category),
                effect_words(one.effect),
            )
            for one in meant
        ],
        title=tr("Penalties on these cases (310号令 art. 11)", "涉案处罚（310号令第十一条）"),
        empty="",
    )


def effect_words(effect: str) -> str:
    words = {
        "stays": tr("stays in force", "不停止执行"),
        "offset": tr("offset against a court's fine", "判处罚金时依法折抵"),
        "look": tr("article 11 does not name it: look", "第十一条未列明，须人工核对"),
        "instead": tr("FINED WHILE THE TRANSFER RAN", "移送期间罚款（以罚代移）"),
        "after": tr("after the transfer had ended", "移送结束后作出"),
    }
    return words[effect]


def _category(code: str) -> str:
    from schemas.codes import canonical

    rows = canonical("penalty_category")
    return next((tr(r.label_en, r.label_zh) for r in rows if r.code == code), code)


def check_json(found: Sequence[Fault], meant: Sequence[Standing]) -> dict[str, Any]:
    return {
        "faults": [
            {
                "matter": fault.matter.key.no,
                "act": fault.act.code if fault.act else None,
                "message": {"en": mask_text(fault.message.en), "zh": mask_text(fault.message.zh)},
            }
            for fault in found
        ],
        "penalties": [
            {
                "matter": one.matter.key.no,
                "case_no": mask_text(one.penalty.case_no),
                "decision_date": one.penalty.decision_date.isoformat()
                if one.penalty.decision_date
                else None,
                "category": one.category,
                "effect": one.effect,
            }
            for one in meant
        ],
    }
