"""``hefu codes``: the code lists, what no list knows, and what a person decides about it."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hefu.commands.codes_shown import (
    proposal_as_json,
    row_as_json,
    say_lists,
    say_proposals,
    say_rows,
    say_unmapped,
    unmapped_as_json,
)
from hefu.commands.options import (
    JSON,
    NODE,
    add_command,
    add_group,
    argument,
    date_of,
    node_if_any,
    open_node,
    option,
)
from hefu.terminal import (
    CST,
    say,
    say_data,
    say_json,
    say_warning,
    tr,
)

if TYPE_CHECKING:
    from hefu.code_work.lists import Codes
    from hefu.code_work.unmapped import Unmapped
    from hefu.node import Node


def add_to(app: typer.Typer) -> None:
    group = add_group(
        app,
        "codes",
        en="Code lists: what they hold, what no list knows, and what it means.",
        zh="代码表：查看、列出未对照的值并确认对照。",
    )
    add_command(
        group,
        list_,
        "list",
        en="List the code lists with their numbers of codes and of rows nobody has checked.\n\n"
        "Needs no node; inside one, its own rows are counted too.",
        zh="列出各代码表的代码数，以及尚未核实的行数。\n\n"
        "不需要节点；在节点目录中运行时，一并统计本单位的对照行。",
    )
    add_command(
        group,
        show,
        "show",
        en="Show the rows of one list: what each scheme writes, our code, labels, period, source.",
        zh="显示一张代码表：各编码体系的写法、本系统代码、名称、有效期与依据。",
    )
    add_command(
        group,
        unmapped,
        "unmapped",
        en="List what the records hold that no code list knows, most frequent first.\n\n"
        "The texts are the source's own. Nothing was dropped or guessed: the records hold "
        "“unmapped” and keep the text. With --check the exit code is 1 if there are any.",
        zh="列出记录中代码表未能对照的值，按记录数从多到少。\n\n"
        "所列为来源原文；记录并未丢弃，也不作猜测，字段记为 unmapped 并保留原文。"
        "使用 --check 时，如有未对照的值，退出码为 1。",
    )
    add_command(
        group,
        suggest,
        "suggest",
        en="Propose codes for what is unmapped, with the evidence.\n\n"
        "The same text in another scheme, a label written nearly the same, or the articles that "
        "the records rest on. Nothing is applied: a person decides with hefu codes accept.",
        zh="对未对照的值提出建议代码，并列明理由。\n\n"
        "理由包括：其他编码体系写法相同、名称写法相近、记录依据同一法律条款。"
        "建议不会自动生效，由人工用 hefu codes accept 确认。",
    )
    add_command(
        group,
        accept,
        "accept",
        en="Write down what a text of a scheme means, in this node's own list.\n\n"
        "Appends one row to codes/LIST.csv. Refuses a code that the list does not have, and a "
        "row that contradicts or repeats another.",
        zh="确认某一原文对应的代码，记入本节点的代码表。\n\n"
        "在 codes/代码表.csv 追加一行；代码不存在，或者与已有的行矛盾、重复的，不予写入。",
    )


_LIST = argument("LIST", en="a code list, as plate_color", zh="代码表，如 plate_color")
_SOURCES = argument(
    "SOURCE",
    en="system, system/stream, or bundle:… of a partner; all if none",
    zh="系统、系统/数据流，或对方单位的 bundle:…；不写则为全部",
)


def list_(
    ctx: typer.Context,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from hefu.code_work.lists import count_lists
    from schemas.codes import all_codes

    counted = count_lists(_codes(ctx, node), all_codes())
    if as_json:
        say_json(
            [
                {
                    "list": c.name,
                    "codes": c.codes,
                    "schemes": list(c.schemes),
                    "rows": c.rows,
                    "unverified": c.unverified,
                    "own": c.own,
                }
                for c in counted
            ]
        )
        return
    say_lists(counted)
    say(tr("see one of them: hefu codes show LIST", "查看一张表：hefu codes show 代码表"))


def show(
    ctx: typer.Context,
    name: Annotated[str, _LIST],
    scheme: Annotated[
        str | None,
        option(
            "--scheme",
            metavar="SCHEME",
            en="only rows of this scheme; canonical for the codes themselves",
            zh="只看某一编码体系；canonical 为代码本身",
        ),
    ] = None,
    on: Annotated[
        str | None,
        option(
            "--on",
            metavar="DATE",
            en="only rows in force on this day",
            zh="只看该日有效的行",
        ),
    ] = None,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from hefu.code_work.lists import labels, list_rows, rows_of

    codes = _codes(ctx, node)
    rows = list_rows(codes, name, scheme=scheme, on=_day("--on", on))
    if as_json:
        say_json([row_as_json(row) for row in rows])
        return
    say_rows(rows, labels(rows_of(codes, name)))


def unmapped(
    ctx: typer.Context,
    sources: Annotated[list[str] | None, _SOURCES] = None,
    check: Annotated[
        bool,
        option("--check", en="exit code 1 if there are any", zh="如有未对照的值，退出码为 1"),
    ] = False,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    found = _unmapped(open_node(ctx, node), list(sources or []) or None)
    if as_json:
        say_json([unmapped_as_json(entry) for entry in found])
    else:
        say_unmapped(found)
    raise typer.Exit(1 if check and found else 0)


def suggest(
    ctx: typer.Context,
    name: Annotated[
        str | None,
        argument("LIST", en="only what belongs to this list", zh="只看属于该代码表的值"),
    ] = None,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from hefu.code_work.lists import rows_of
    from hefu.code_work.suggest import suggest as propose

    here = open_node(ctx, node)
    codes = here.codes()
    if name is not None:
        rows_of(codes, name)
    found = [e for e in _unmapped(here, None) if name is None or e.code_list == name]
    proposed = [(entry, propose(entry, codes[entry.code_list])) for entry in found]
    if as_json:
        say_json(
            [
                unmapped_as_json(entry) | {"proposals": [proposal_as_json(p) for p in proposals]}
                for entry, proposals in proposed
            ]
        )
    else:
        say_proposals(proposed)


def accept(  # noqa: PLR0913 (a command's arguments are its words)
    ctx: typer.Context,
    name: Annotated[str, _LIST],
    scheme: Annotated[
        str,
        argument(
            "SCHEME",
            en="the scheme that the mapping names in code()",
            zh="映射中 code() 所写的编码体系",
        ),
    ],
    raw: Annotated[str, argument("RAW", en="the source's text", zh="来源原文")],
    code: Annotated[str, argument("CODE", en="what it means", zh="对应的代码")],
    by: Annotated[
        str,
        option(
            "--by",
            metavar="ROLE",
            en="the function of who decides; no person's name",
            zh="确认人的岗位，不写姓名",
        ),
    ],
    valid_from: Annotated[
        str | None,
        option("--from", metavar="DATE", en="first day on which it holds", zh="生效之日"),
    ] = None,
    valid_to: Annotated[
        str | None,
        option(
            "--until",
            metavar="DATE",
            en="first day on which it holds no longer",
            zh="失效之日（当日起不再适用）",
        ),
    ] = None,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from hefu.code_work.accept import Decision
    from hefu.code_work.accept import accept as write_down

    here = open_node(ctx, node)
    decision = Decision(
        code_list=name,
        scheme=scheme,
        raw=raw,
        code=code,
        role=by,
        valid_from=_day("--from", valid_from),
        valid_to=_day("--until", valid_to),
    )
    path = write_down(here, decision, datetime.now(CST))
    say_data(str(path))
    _say_next(here, name, scheme)


def _codes(ctx: typer.Context, given: Path | None) -> Codes:
    """The lists with the node's own rows where there is a node, else the package's."""
    from schemas.codes import all_codes

    here = node_if_any(ctx, given)
    return all_codes() if here is None else here.codes()


def _unmapped(node: Node, wanted: list[str] | None) -> list[Unmapped]:
    from hefu.commands.pipeline import node_extra

    with node_extra():
        from hefu.code_work.unmapped import unmapped as look

        return look(node, wanted)


def _say_next(node: Node, name: str, scheme: str) -> None:
    from hefu.code_work.readers import readers

    sources = readers(node, name, scheme)
    if not sources:
        say_warning(
            tr(
                f"no mapping of this node reads list {name} by scheme {scheme}",
                f"本节点没有映射按编码体系 {scheme} 读取代码表 {name}",
            ),
            tr(
                f"write code('{name}', '{scheme}', …) in the mapping",
                f"请在映射中写 code('{name}', '{scheme}', …)",
            ),
        )
        return
    say(
        tr(
            "from the next run on it is mapped; for the records that are here already:",
            "下次运行起按此对照；对已入湖的记录，请运行：",
        )
    )
    for stream_id in sources:
        say(f"  hefu backfill {stream_id} --from-landing")


def _day(name: str, written: str | None) -> date | None:
    return None if written is None else date_of(name, written)
