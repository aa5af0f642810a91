"""What ``hefu codes`` shows: tables for people, JSON for programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hefu.terminal import say, say_table, show_count, show_time, tr
from schemas.text import Text

if TYPE_CHECKING:
    from hefu.code_work.lists import ListCount
    from hefu.code_work.suggest import Proposal
    from hefu.code_work.unmapped import Unmapped
    from schemas.codes import CodeRow

_NOT_SHARED = Text(en="(not shared)", zh="（未共享）")


def say_lists(counted: list[ListCount]) -> None:
    say_table(
        [
            tr("list", "代码表"),
            tr("codes", "代码"),
            tr("rows", "行"),
            tr("not checked", "未核实"),
            tr("own", "本单位"),
            tr("schemes", "编码体系"),
        ],
        [
            (
                c.name,
                show_count(c.codes),
                show_count(c.rows),
                show_count(c.unverified),
                show_count(c.own),
                ", ".join(c.schemes),
            )
            for c in counted
        ],
        numbers=(1, 2, 3, 4),
    )


def say_rows(rows: list[CodeRow], labels: Mapping[str, CodeRow]) -> None:
    """A list's rows; a row without a label of its own shows its code's."""
    say_table(
        [
            tr("scheme", "编码体系"),
            tr("writes", "写法"),
            tr("code", "代码"),
            tr("label", "名称"),
            tr("from", "起"),
            tr("until", "止"),
            tr("checked", "核实"),
            tr("source", "依据"),
        ],
        [
            (
                row.scheme,
                row.raw,
                row.code,
                tr(labels[row.code].label_en, labels[row.code].label_zh),
                str(row.valid_from or ""),
                str(row.valid_to or ""),
                tr("yes", "是") if row.verified else tr("no", "否"),
                row.source,
            )
            for row in rows
        ],
        empty=tr("no row", "没有符合条件的行"),
    )


def say_unmapped(found: list[Unmapped]) -> None:
    say_table(
        [
            tr("source", "来源"),
            tr("field", "字段"),
            tr("list", "代码表"),
            tr("scheme", "编码体系"),
            tr("text", "原文"),
            tr("records", "记录数"),
            tr("first seen", "最早收到"),
            tr("last seen", "最近收到"),
            tr("example", "示例编号"),
        ],
        [
            (
                entry.stream_id,
                entry.field,
                entry.code_list,
                ", ".join(entry.schemes) or "–",
                _text(entry),
                show_count(entry.records),
                show_time(entry.first_seen),
                show_time(entry.last_seen),
                entry.example or "–",
            )
            for entry in found
        ],
        numbers=(5,),
        empty=tr("every code is mapped", "没有未对照的值"),
    )
    if found:
        say(tr("see what they could mean: hefu codes suggest", "查看建议：hefu codes suggest"))
    _say_received(found)


def _text(entry: Unmapped) -> str:
    """The source's own text; it may hold anything, so numbers of persons in it are masked."""
    from schemas.masking import mask_text

    return str(_NOT_SHARED) if entry.raw is None else mask_text(entry.raw)


def _say_received(found: list[Unmapped]) -> None:
    if any(entry.received for entry in found):
        say(
            tr(
                "what came in a bundle only its sender can map: tell them the text and its meaning",
                "数据包中的值只能由发送方对照：请将原文及含义告知对方",
            )
        )


def say_proposals(proposed: list[tuple[Unmapped, list[Proposal]]]) -> None:
    rows = []
    for entry, proposals in proposed:
        head = (
            entry.code_list,
            ", ".join(entry.schemes) or "–",
            _text(entry),
            show_count(entry.records),
        )
        if not proposals:
            rows.append((*head, "–", tr("nothing alike", "没有相近的代码"), ""))
        for proposal in proposals:
            why = "; ".join(f"{e.kind}: {e.told}" for e in proposal.evidence)
            rows.append((*head, proposal.code, str(proposal.label), why))
    say_table(
        [
            tr("list", "代码表"),
            tr("scheme", "编码体系"),
            tr("text", "原文"),
            tr("records", "记录数"),
            tr("code", "建议代码"),
            tr("label", "名称"),
            tr("why", "理由"),
        ],
        rows,
        numbers=(3,),
        empty=tr("every code is mapped", "没有未对照的值"),
    )
    if proposed:
        say(
            tr(
                "a person decides: hefu codes accept LIST SCHEME TEXT CODE --by ROLE",
                "由人工确认：hefu codes accept 代码表 编码体系 原文 代码 --by 岗位",
            )
        )
    _say_received([entry for entry, _ in proposed])


def row_as_json(row: CodeRow) -> dict[str, Any]:
    return {
        "scheme": row.scheme,
        "raw": row.raw,
        "code": row.code,
        "label": {"en": row.label_en, "zh": row.label_zh},
        "valid_from": row.valid_from.isoformat() if row.valid_from else None,
        "valid_to": row.valid_to.isoformat() if row.valid_to else None,
        "source": row.source,
        "verified": row.verified,
    }


def unmapped_as_json(entry: Unmapped) -> dict[str, Any]:
    return {
        "stream": entry.stream_id,
        "received": entry.received,
        "record_type": entry.record_type,
        "field": entry.field,
        "list": entry.code_list,
        "schemes": list(entry.schemes),
        "raw": None if entry.raw is None else _text(entry),
        "records": entry.records,
        "first_seen": entry.first_seen,
        "last_seen": entry.last_seen,
        "example": entry.example,
    }


def proposal_as_json(proposal: Proposal) -> dict[str, Any]:
    return {
        "code": proposal.code,
        "label": {"en": proposal.label.en, "zh": proposal.label.zh},
        "evidence": [
            {
                "kind": {"en": e.kind.en, "zh": e.kind.zh},
                "told": {"en": e.told.en, "zh": e.told.zh},
            }
            for e in proposal.evidence
        ],
    }
