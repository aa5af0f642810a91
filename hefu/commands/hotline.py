"""``hefu hotline``: work orders of 12328 and 12345, their leads, and the results returned."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hefu.commands.matter_options import EVERYTHING, MATTER, MINE
from hefu.commands.options import JSON, NODE, add_command, open_node, option
from hefu.commands.procedures import add_procedure, say_done
from hefu.terminal import say, say_data, say_json, say_warning, tr
from schemas.masking import mask_text

if TYPE_CHECKING:
    from cooperation.procedures.fold import Matter
    from flows.hotlines import Result, Taken


class Encoding(StrEnum):
    utf_8_sig = "utf-8-sig"
    utf_8 = "utf-8"
    gb18030 = "gb18030"


def add_to(app: typer.Typer) -> None:
    group = add_procedure(
        app,
        "hotline",
        en="Work orders of 12328 and 12345: take up, make leads of, answer, return.",
        zh="12328、12345 热线工单：接单、转线索、答复、返回热线系统。",
    )
    add_command(
        group,
        list_,
        "list",
        en="List the orders that are open, and for which a result is in.",
        zh="列出未办结的工单，并提示哪些已有办理结果。",
    )
    add_command(
        group,
        take,
        "take",
        en="Take up the open orders that came from the hotline's system.",
        zh="接收热线系统送来的未办结工单。",
    )
    add_command(
        group,
        make_lead,
        "make-lead",
        en="Make a lead of an order, without who called and without their words.\n\n"
        "Write yourself what is suspected (--suspected): the order's text may tell who called, so "
        "it is never copied. Then refer the lead: hefu refer send LEAD --to CODE.",
        zh="把工单转为线索，不含来电人信息，也不照抄来电内容。\n\n"
        "涉嫌的违法行为请自行填写（--suspected）：来电内容可能暴露来电人，不会自动带入。"
        "随后可移送：hefu refer send 线索编号 --to 机关代码。",
    )
    add_command(
        group,
        answer,
        "answer",
        en="Answer an order with the result that is in, or with one that you give.",
        zh="形成答复：采用已有的办理结果，或者自行填写。",
    )
    add_command(
        group,
        results,
        "results",
        en="Write the answers that were not returned yet to a file for the hotline's system.\n\n"
        "Each order is in one file only. A file that can't be written leaves every order as it is.",
        zh="把尚未返回的答复写成文件，供导入热线系统。\n\n"
        "每件工单只返回一次；文件没有写成的，工单一律不记为已返回。",
    )


def list_(
    ctx: typer.Context,
    mine: Annotated[bool, MINE] = False,
    everything: Annotated[bool, EVERYTHING] = False,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from flows.hotlines import results_in
    from hefu.commands.matter_shown import say_list

    here = open_node(ctx, node)
    say_list(here, "hotline", datetime.now(UTC), mine=mine, everything=everything, as_json=as_json)
    if not as_json:
        _say_results(results_in(here))


def take(
    ctx: typer.Context,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from flows.hotlines import take_orders

    taken = take_orders(open_node(ctx, node), datetime.now(UTC))
    if as_json:
        say_json(
            {
                "opened": [d.matter.key.no for d in taken.opened],
                "already": taken.already,
                "finished": taken.finished,
                "elsewhere": taken.elsewhere,
                "settled": [m.key.no for m in taken.settled],
            }
        )
        return
    _say_taken(taken)


def _say_taken(taken: Taken) -> None:
    for done in taken.opened:
        say_data(f"{done.matter.key.no}  {_order_no(done.matter)}")
    say(
        tr(
            f"{len(taken.opened)} orders taken up, {taken.already} before, {taken.finished} "
            f"finished in the hotline's system, {taken.elsewhere} for other agencies",
            f"新接工单 {len(taken.opened)} 件，此前已接 {taken.already} 件，"
            f"热线系统已办结 {taken.finished} 件，由其他单位办理 {taken.elsewhere} 件",
        )
    )
    for matter in taken.settled:
        no = matter.key.no
        say_warning(
            tr(
                f"{no}: the hotline has settled this order itself",
                f"{no}：热线系统已自行办结该工单",
            ),
            tr(
                f"hefu hotline close {no} --reason-text …",
                f"hefu hotline close {no} --reason-text …",
            ),
        )


def _order_no(matter: Matter) -> str:
    return mask_text("、".join(matter.opening.subject_nos))


def make_lead(
    ctx: typer.Context,
    number: Annotated[str, MATTER],
    suspected: Annotated[
        str | None,
        option(
            "--suspected",
            metavar="TEXT",
            en="what is suspected, in your words; nothing of who called",
            zh="涉嫌的违法行为（自行填写，不得含来电人信息）",
        ),
    ] = None,
    cause: Annotated[
        str | None,
        option(
            "--cause",
            metavar="CODE",
            en="a code of case_cause",
            zh="案由代码（hefu dictionary case_cause）",
        ),
    ] = None,
    division: Annotated[
        str | None,
        option(
            "--division",
            metavar="CODE",
            en="where the act was done, GB/T 2260",
            zh="违法行为发生地行政区划代码",
        ),
    ] = None,
    to: Annotated[
        str | None, option("--to", metavar="CODE", en="for which agency", zh="送哪个机关")
    ] = None,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from flows.hotlines import make_lead as make
    from hefu.commands.act_options import code_of

    here, now = open_node(ctx, node), datetime.now(UTC)
    code = code_of("case_cause", "--cause", cause) if cause else None
    done = make(here, number, now, suspected=suspected, cause=code, division=division, to=to)
    say_done(here, done, now, as_json=as_json)
    if not as_json:
        lead = done.act.result_no
        say(
            tr(
                f"the lead: {lead}; to refer it: hefu refer send {lead} --to CODE",
                f"线索编号 {lead}；需要移送的：hefu refer send {lead} --to 机关代码",
            )
        )


def answer(
    ctx: typer.Context,
    number: Annotated[str, MATTER],
    result: Annotated[
        str | None,
        option(
            "--result",
            metavar="CODE",
            en="a code of act_result; the result that is in if left out",
            zh="结果代码（hefu dictionary act_result）；不写则用已有的办理结果",
        ),
    ] = None,
    summary: Annotated[
        str | None,
        option("--summary", metavar="TEXT", en="the result in words", zh="结果说明"),
    ] = None,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from flows.hotlines import answer as answer_order
    from hefu.commands.act_options import code_of

    here, now = open_node(ctx, node), datetime.now(UTC)
    code = code_of("act_result", "--result", result) if result else None
    done = answer_order(here, number, now, result_code=code, summary=summary)
    say_done(here, done, now, as_json=as_json)


def results(
    ctx: typer.Context,
    out: Annotated[Path, option("--out", metavar="FILE", en="a new .csv", zh="新的 .csv 文件")],
    encoding: Annotated[
        Encoding,
        option(
            "--encoding",
            metavar="NAME",
            en="utf-8-sig (the default, for Excel), utf-8, gb18030",
            zh="编码：utf-8-sig（默认，便于 Excel 打开）、utf-8、gb18030",
        ),
    ] = Encoding.utf_8_sig,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from flows.hotline_results import WORDS, return_results

    made = return_results(open_node(ctx, node), out, datetime.now(UTC), encoding=encoding.value)
    left = [(m.key.no, why) for m, why in made.left]
    if as_json:
        say_json(
            {
                "out": str(made.out) if made.out else None,
                "answered": made.answered,
                "written": made.written,
                "left": [{"matter": no, "why": why} for no, why in left],
            }
        )
        return
    say(
        tr(
            f"answered {made.answered} = returned {made.written} + left {len(left)}",
            f"已答复 {made.answered} 件 = 已返回 {made.written} 件 + 未返回 {len(left)} 件",
        )
    )
    for no, why in left:
        say_warning(f"{no}{tr(': ', '：')}{WORDS[why]}")
    if made.out is not None:
        say_data(str(made.out))


def _say_results(found: list[Result]) -> None:
    for one in found:
        no = one.matter.key.no
        say(
            tr(
                f"result is in for {no} ({one.source.en}): hefu hotline answer {no}",
                f"{no} 已有结果（{one.source.zh}）：hefu hotline answer {no}",
            )
        )
