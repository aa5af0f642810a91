"""``hefu quarantine list|show``: the rows that were not taken in, and why."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hefu.commands.options import (
    JSON,
    NODE,
    REVEAL,
    add_command,
    add_group,
    argument,
    open_node,
    option,
)
from hefu.terminal import (
    say,
    say_data,
    say_json,
    say_table,
    say_warning,
    show_count,
    show_time,
    tr,
)

if TYPE_CHECKING:
    from hefu.node import Node
    from hefu.quarantined import OpenRow, Shown
    from schemas.contract import Rule


def add_to(app: typer.Typer) -> None:
    group = add_group(
        app,
        "quarantine",
        en="Rows that were not taken in, and why.",
        zh="未入湖的行及其原因。",
    )
    add_command(
        group,
        list_,
        "list",
        en="List the quarantined rows that are still open.\n\n"
        "A row is open until its source sends it again without the fault. Shows ids, places and "
        "reasons, never values.",
        zh="列出尚未解决的隔离行。\n\n"
        "来源重新报送正确数据后即视为解决。只显示编号、位置与原因，不显示内容。",
    )
    add_command(
        group,
        show,
        "show",
        en="Show one quarantined row: what the source sent, which rules it broke, what to do.\n\n"
        "Personal values are masked unless --reveal is given.",
        zh="显示一条隔离行：来源报送的内容、违反的规则与处理办法。\n\n"
        "个人信息默认脱敏，加 --reveal 才显示原文。",
    )


def list_(
    ctx: typer.Context,
    sources: Annotated[
        list[str] | None,
        argument(
            "SOURCE",
            en="system or system/stream; all if none",
            zh="系统 或 系统/数据流；不写则为全部",
        ),
    ] = None,
    reason: Annotated[
        str | None,
        option(
            "--reason",
            metavar="RULE",
            en="only rows that broke this rule, as required:party_name",
            zh="只列出违反该规则的行，如 required:party_name",
        ),
    ] = None,
    limit: Annotated[
        int,
        option(
            "--limit",
            metavar="N",
            en="rows to list (default: 50)",
            zh="最多列出的行数（默认 50）",
            min=1,
        ),
    ] = 50,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from hefu.commands.pipeline import node_extra

    with node_extra():
        from hefu.quarantined import open_rows

        rows = open_rows(open_node(ctx, node), list(sources or []) or None, reason)
    if as_json:
        say_json([_as_json(row) for row in rows])
        return
    _say_reasons(rows)
    say_table(
        [
            tr("id", "编号"),
            tr("source", "来源"),
            tr("source's number", "原始编号"),
            tr("object", "文件摘要"),
            tr("row", "行"),
            tr("time", "隔离时间"),
            tr("reasons", "原因"),
        ],
        [
            (
                row.row_id,
                row.stream_id,
                _numbers_masked(row.source_record_id) or "–",
                row.object_digest[:12],
                str(row.row),
                show_time(row.time),
                ", ".join(row.reasons),
            )
            for row in rows[:limit]
        ],
        numbers=(4,),
        empty=tr("nothing is in quarantine", "没有被隔离的行"),
    )
    if len(rows) > limit:
        say(
            tr(
                f"{limit} of {show_count(len(rows))} rows listed; --limit shows more",
                f"共 {show_count(len(rows))} 行，已列出 {limit} 行；用 --limit 可列出更多",
            )
        )
    if rows:
        say(tr("see one of them: hefu quarantine show ID", "查看单行：hefu quarantine show 编号"))


def show(
    ctx: typer.Context,
    row_id: Annotated[
        str,
        argument("ID", en="the row's id, or its first digits", zh="行的编号，或编号的前几位"),
    ],
    reveal: Annotated[
        bool,
        REVEAL,
    ] = False,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from hefu.commands.pipeline import node_extra

    with node_extra():
        from hefu.quarantined import find_row, shown

        here = open_node(ctx, node)
        row = find_row(here, row_id)
        content = shown(here, row, reveal=reveal)
    rules = _rules(here, row)
    if reveal:
        say_warning(
            tr(
                "personal data follows: don't copy it into messages or tickets",
                "以下为个人信息原文，请勿复制到消息或工单中",
            )
        )
    if as_json:
        say_json(_as_json(row) | _content_as_json(content) | {"rules": rules_as_json(rules)})
        return
    _say_row(row, content)
    _say_rules(row, rules)


def _say_reasons(rows: list[OpenRow]) -> None:
    """How many rows broke each rule, on stderr."""
    counted = Counter(reason for row in rows for reason in row.reasons)
    if rows:
        say(tr(f"open rows: {show_count(len(rows))}", f"待处理：{show_count(len(rows))} 行"))
    for reason, count in counted.most_common():
        say(f"  {show_count(count):>8}  {reason}")


def _say_row(row: OpenRow, content: Shown) -> None:
    place = tr(
        f"row {row.row} of landed object {row.object_digest}",
        f"落地文件 {row.object_digest} 第 {row.row} 行",
    )
    say_data(f"{row.row_id}  {row.stream_id}  {show_time(row.time)}")
    say_data(place)
    if row.detail:
        say_data(row.detail)
    if content.values:
        say_table(
            [tr("source column", "来源列"), tr("value", "内容")],
            [(name, "–" if v is None else v) for name, v in content.values.items()],
        )
    if content.raw_text is not None:
        say_data(content.raw_text)
    if content.masked:
        say(tr("values are masked; --reveal shows them", "内容已脱敏，加 --reveal 显示原文"))


def _say_rules(row: OpenRow, rules: dict[str, Rule]) -> None:
    from hefu.row_reasons import OF_READING

    for reason in row.reasons:
        rule = rules.get(reason)
        said = rule or OF_READING.get(reason)
        say_data(f"{reason}: {said.message}" if said else reason)
        if said:
            say_data(tr(f"  hint: {said.hint}", f"  提示：{said.hint}"))
        if rule and rule.source:
            say_data(tr(f"  source: {rule.source}", f"  依据：{rule.source}"))


def _rules(node: Node, row: OpenRow) -> dict[str, Rule]:
    from schemas.contract import load_contract

    return {rule.rule_id: rule for rule in node.rules(load_contract(row.record_type))}


def rules_as_json(rules: dict[str, Rule]) -> dict[str, Any]:
    """Rule id → what it says, in both languages."""
    return {
        name: {
            "message": {"en": rule.message.en, "zh": rule.message.zh},
            "hint": {"en": rule.hint.en, "zh": rule.hint.zh},
        }
        for name, rule in rules.items()
    }


def _numbers_masked(text: str | None) -> str | None:
    from schemas.masking import mask_text

    return text if text is None else mask_text(text)


def _as_json(row: OpenRow) -> dict[str, Any]:
    return {
        "id": row.row_id,
        "stream": row.stream_id,
        "record_type": row.record_type,
        "time": row.time,
        "object": row.object_digest,
        "row": row.row,
        "record_id": row.record_id,
        "source_record_id": _numbers_masked(row.source_record_id),
        "reasons": list(row.reasons),
    }


def _content_as_json(content: Shown) -> dict[str, Any]:
    return {
        "masked": content.masked,
        "values": dict(content.values),
        "uncast": dict(content.uncast),
        "raw_text": content.raw_text,
    }
