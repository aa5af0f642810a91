"""One recognition: both records side by side, evidence, law, what each decision would mean."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from hefu.commands.matter_shown import Shown
from hefu.commands.recognise_shown import (
    DASH,
    as_values,
    changed_of,
    coverage_values,
    law_line,
    say_coverage,
    state_of,
)
from hefu.terminal import say, say_data, say_json, say_table, show_time, tr
from schemas.masking import masked

if TYPE_CHECKING:
    from cooperation.recognition.chain import Link
    from cooperation.recognition.propose import Proposal
    from flows.recognising import Recognition
    from flows.recognition_explained import Compared, Explanation
    from hefu.node import Node


def say_explanation(
    node: Node, told: Explanation, now: datetime, *, reveal: bool, as_json: bool
) -> None:
    shown = Shown(node, now)
    if as_json:
        say_json(_explained_json(told, shown, reveal=reveal))
        return
    one, last = told.recognition, told.recognition.chain.last
    say_data(f"{one.number}  {shown.label('recognition_use', last.use)}  {state_of(one)}")
    _say_history(shown, one)
    say_table(
        [
            tr("field", "字段"),
            tr("ours", "本机关") if one.is_ours else shown.name(last.recognising_org),
            shown.name(last.recognised_org),
            tr("", ""),
        ],
        [_compared_row(shown, row, reveal=reveal) for row in told.fields],
        title=tr("both records as they are now", "双方记录（目前）"),
        empty=tr("neither record is here", "本节点没有这两条记录"),
    )
    _say_list(tr("evidence of the match", "比对依据"), _evidence(last))
    if told.proposal is not None:
        _say_proposal(shown, told.proposal)
    say_coverage(shown, told.coverage)
    if one.is_ours and one.matter.is_open:
        say(
            tr(
                f"next: hefu recognise decide {one.number} --decision recognised|partly|not "
                "--role ROLE --name NAME [--reason CODE --reason-text TEXT]",
                f"下一步：hefu recognise decide {one.number} --decision recognised|partly|not "
                "--role 角色 --name 姓名 [--reason 理由代码 --reason-text 说明]",
            )
        )


def _compared_row(shown: Shown, row: Compared, *, reveal: bool) -> tuple[str, ...]:
    label = tr(row.field.label_en, row.field.label_zh)
    mark = tr("differs", "不同") if row.differs else ""
    return (
        label,
        _value(shown, row, row.own, reveal=reveal),
        _value(shown, row, row.original, reveal=reveal),
        mark,
    )


def _value(shown: Shown, row: Compared, value: Any, *, reveal: bool) -> str:
    if value is None:
        return DASH
    if isinstance(value, bool):
        return tr("yes", "是") if value else tr("no", "否")
    if isinstance(value, datetime):
        return show_time(value)
    codes = row.field.code_list
    if codes and codes != "division":
        each = value if isinstance(value, list | tuple) else [value]
        return "、".join(shown.label(codes, str(code)) for code in each)
    return str(value) if reveal else masked(value, row.field.classification) or DASH


def _evidence(link: Link) -> list[str]:
    return [evidence_text(code) for code in link.evidence]


def evidence_text(code: str) -> str:
    """A code of evidence in words."""
    from cooperation.matching.pair import told

    if code in _SUBJECT:
        return tr(*_SUBJECT[code])
    try:
        found = told(code)
    except KeyError:  # of a later version of the partner's program
        return code
    return tr(found.en, found.zh)


_SUBJECT = {
    "same_vehicle": ("the same vehicle", "同一车辆"),
    "same_party": ("the same party", "同一当事人"),
    "same_driver": ("the same driver", "同一驾驶人"),
    "same_operator": ("the same company", "同一运输企业"),
}


def _say_proposal(shown: Shown, proposal: Proposal) -> None:
    _say_list(
        tr("legal check", "法律核查"),
        [
            f"{tr(*_WEIGHTS[f.weight])}  {tr(f.text.en, f.text.zh)}"
            + (f"（{f.basis.article}）" if f.basis else "")
            for f in proposal.findings
        ]
        or [tr("nothing stands against it", "没有发现影响互认的事项")],
    )
    _say_list(tr("law", "法律依据"), [law_line(basis) for basis in proposal.bases])
    say_table(
        [tr("decision", "决定"), tr("what it would mean here", "在本地的后果"), ""],
        [
            (
                shown.label("recognition_decision", decision),
                tr(text.en, text.zh),
                tr("proposed", "建议") if decision == proposal.proposed else "",
            )
            for decision, text in proposal.effects.items()
        ],
    )


_WEIGHTS = {
    "blocks": ("against it:", "不予互认："),
    "limits": ("in part at most:", "至多部分互认："),
    "told": ("to be known:", "提示："),
}


def _say_list(title: str, lines: Iterable[str]) -> None:
    told = list(lines)
    if told:
        say_data(title)
        for line in told:
            say_data(f"  {line}")


def _say_history(shown: Shown, one: Recognition) -> None:
    say_table(
        [
            tr("when", "时间"),
            tr("step", "环节"),
            tr("who", "经办角色"),
            tr("reason", "理由"),
            tr("what changed", "变更字段"),
        ],
        [
            (
                show_time(link.act_time),
                shown.label("act_code", link.step),
                shown.label("decider_role", link.role) if link.role else tr("the node", "系统"),
                shown.label("recognition_reason", link.reason) if link.reason else DASH,
                changed_of(link),
            )
            for link in one.chain.links
        ],
    )


def _explained_json(told: Explanation, shown: Shown, *, reveal: bool) -> dict[str, Any]:
    proposal = told.proposal
    return as_values(told.recognition) | {
        "fields": [
            {
                "field": row.field.name,
                "own": _value(shown, row, row.own, reveal=reveal),
                "original": _value(shown, row, row.original, reveal=reveal),
                "differs": row.differs,
            }
            for row in told.fields
        ],
        "proposed_today": proposal.proposed if proposal else None,
        "legal_check": [
            {"code": f.code, "weight": f.weight, "text": tr(f.text.en, f.text.zh)}
            for f in (proposal.findings if proposal else ())
        ],
        "law": [
            {"article": b.article, "text": b.text, "verified": b.verified}
            for b in (proposal.bases if proposal else ())
        ],
        "effects": {k: tr(t.en, t.zh) for k, t in (proposal.effects if proposal else {}).items()},
        "coverage": [coverage_values(one) for one in told.coverage],
    }
