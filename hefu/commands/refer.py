"""``hefu refer``: leads and finished cases to the agency that is competent, and its answer."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hefu.commands.matter_options import EVERYTHING, MATTER, MINE
from hefu.commands.options import (
    DRY_RUN,
    JSON,
    NODE,
    REVEAL,
    add_command,
    argument,
    open_node,
    option,
)
from hefu.commands.procedures import act_on, add_procedure, say_done
from schemas.errors import ConfigError
from schemas.text import Text

if TYPE_CHECKING:
    from cooperation.procedures.fold import Matter
    from hefu.node import Node

TIME = option(
    "--time",
    metavar="TIME",
    en="when it was done in law; now if left out",
    zh="实际办理时间，期限由此起算；不写为现在",
)
WHO = option("--name", metavar="NAME", en="who did or decided it", zh="办理人姓名")
PAPER = option("--document-no", metavar="NUMBER", en="number of the document", zh="文书文号")


def add_to(app: typer.Typer) -> None:
    group = add_procedure(
        app,
        "refer",
        "referral",
        en="Refer leads and finished cases to the competent agency, and follow its answer.",
        zh="抄告、移送：把线索和已办结案件送有管辖权的机关，并跟踪处理结果。",
    )
    add_command(
        group,
        list_,
        "list",
        en="List the referrals that are open: state, what is next, until when.\n\n"
        "Then how many there are in each state, received and sent, and whose result is in.",
        zh="列出未结束的抄告、移送：状态、下一步由谁做什么、期限。\n\n"
        "随后按收到和发出分别统计各状态的件数，并提示哪些已有结果可以反馈。",
    )
    add_command(
        group,
        show,
        "show",
        en="Show one referral: its lead, every act, every period, and whether the other side's "
        "node has it.\n\nPersonal values are masked unless --reveal is given.",
        zh="显示一件抄告、移送：线索内容、全部环节和期限、对方节点是否已收到。\n\n"
        "个人信息默认脱敏，加 --reveal 才显示原文。",
    )
    add_command(
        group,
        send,
        "send",
        en="Refer a finished case, a lead or a snapshot to an agency; or send a checked draft.\n\n"
        "RECORD is a number (of the case, the decision, the lead) or a record identifier, with "
        "--to; or the number of a draft that was checked.",
        zh="把已办结案件、线索或者累计快照送有关机关；或者发出已核对的拟稿。\n\n"
        "RECORD 为案号、决定书文号、线索编号或者记录标识，须写 --to；"
        "也可以是已核对拟稿的事项编号。",
    )
    add_command(
        group,
        file_,
        "file",
        en="File a case on a referral.\n\n"
        "With --case-no the node tells when the case's result is in.",
        zh="对收到的抄告、移送立案。\n\n写明 --case-no 的，该案有结果时提示反馈。",
    )
    add_command(
        group,
        notified_,
        "notified",
        en="Note that a finished case was notified on paper, to a body without a node.\n\n"
        "What no agreement has a route for stays due (hefu clocks) until this is noted. "
        "The matter is closed at once; nothing leaves the node.",
        zh="登记已书面抄告的案件（接收机关没有节点、没有协议）。\n\n"
        "没有协议约定接收机关的案件，登记之前 hefu clocks 一直提示抄告期限。"
        "登记后事项随即办结，不向外发送任何数据。",
    )
    add_command(
        group,
        route_,
        "route",
        en="Refer what the agreements' routes order: overload cases to where the vehicle is "
        "registered, leads to their addressee.\n\n"
        "What no route can take is listed with the reason, and until when it is to be notified. "
        "Running it again refers nothing twice. hefu cooperate does it every night.",
        zh="按协议约定的路由移送：超限案件抄告车籍地，线索送其写明的机关。\n\n"
        "不能自动移送的逐件列出原因和抄告期限。重复运行不会重复移送；hefu cooperate 每晚运行。",
    )


def list_(
    ctx: typer.Context,
    mine: Annotated[bool, MINE] = False,
    everything: Annotated[bool, EVERYTHING] = False,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from flows.matters import matters_of
    from flows.referral_standing import results_in
    from hefu.commands.matter_shown import say_list
    from hefu.commands.refer_shown import say_results, say_views

    here = open_node(ctx, node)
    say_list(here, "referral", datetime.now(UTC), mine=mine, everything=everything, as_json=as_json)
    if not as_json:
        matters = matters_of(here, "referral")
        say_views(here, matters)
        say_results(results_in(here, matters))


def show(
    ctx: typer.Context,
    number: Annotated[str, MATTER],
    reveal: Annotated[bool, REVEAL] = False,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from hefu.commands.matter_shown import say_matter
    from hefu.commands.refer_shown import say_standing

    here, now = open_node(ctx, node), datetime.now(UTC)
    say_matter(here, "referral", number, now, reveal=reveal, as_json=as_json)
    if not as_json:
        say_standing(here, number, now, reveal=reveal)


def send(  # noqa: PLR0913 (each is an option of the command)
    ctx: typer.Context,
    record: Annotated[
        str, argument("RECORD", en="what to refer", zh="要移送的案件、线索或者拟稿事项")
    ],
    to: Annotated[
        str | None, option("--to", metavar="CODE", en="the addressee's code", zh="接收机关代码")
    ] = None,
    kind: Annotated[
        str | None,
        option(
            "--kind",
            metavar="CODE",
            en="copy_notice (the default), transfer or assist",
            zh="copy_notice 抄告（默认）、transfer 移送、assist 协助",
        ),
    ] = None,
    reason: Annotated[
        str | None,
        option(
            "--reason-text",
            metavar="TEXT",
            en="why that agency is competent",
            zh="为什么由该机关管辖",
        ),
    ] = None,
    due: Annotated[
        str | None,
        option(
            "--due", metavar="TIME", en="until when an answer is asked for", zh="要求反馈的期限"
        ),
    ] = None,
    draft: Annotated[
        bool,
        option("--draft", en="only draft it; then check, then send", zh="只拟稿，核对后再发出"),
    ] = False,
    again: Annotated[
        str,
        option(
            "--again",
            metavar="WORD",
            en="a second referral of the same record to the same agency",
            zh="同一记录再次送同一机关时，写明区别",
        ),
    ] = "",
    document_no: Annotated[str | None, PAPER] = None,
    name: Annotated[str | None, WHO] = None,
    time: Annotated[str | None, TIME] = None,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from flows.referral_by_hand import send_draft
    from flows.referring import refer
    from hefu.commands.act_options import code_of, time_of

    here, now = open_node(ctx, node), datetime.now(UTC)
    more = {
        "document_no": document_no,
        "actor_name": name,
        "act_time": time_of("--time", time) if time else None,
    }
    if to is None:
        done = send_draft(here, _draft(here, record), now, **more)
    else:
        done = refer(
            here,
            record,
            to,
            now,
            kind=code_of("lead_type", "--kind", kind) if kind else None,
            reason=reason,
            due=time_of("--due", due) if due else None,
            draft=draft,
            again=again,
            **more,
        )
    say_done(here, done, now, as_json=as_json)


def _draft(node: Node, number: str) -> Matter:
    """The draft; an error that says what to do if there is none of that number."""
    from flows.matters import find_matter, matters_of

    try:
        return find_matter(matters_of(node, "referral"), number)
    except ConfigError as error:
        raise ConfigError(
            Text(en="to whom? no draft has that number", zh="没有该编号的拟稿，请写明送往哪个机关"),
            hint=Text(en="say --to CODE", zh="请写 --to 接收机关代码"),
        ) from error


def file_(
    ctx: typer.Context,
    number: Annotated[str, MATTER],
    case_no: Annotated[
        str | None,
        option(
            "--case-no",
            metavar="NUMBER",
            en="the number of the case in this agency's system",
            zh="本机关系统中的案号",
        ),
    ] = None,
    document_no: Annotated[str | None, PAPER] = None,
    name: Annotated[str | None, WHO] = None,
    time: Annotated[str | None, TIME] = None,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from hefu.commands.act_options import time_of

    here, now = open_node(ctx, node), datetime.now(UTC)
    done = act_on(
        here,
        "referral",
        number,
        "file",
        now,
        result_no=case_no,
        document_no=document_no,
        actor_name=name,
        act_time=time_of("--time", time) if time else None,
    )
    say_done(here, done, now, as_json=as_json)


def notified_(  # noqa: PLR0913 (each is an option of the command)
    ctx: typer.Context,
    case: Annotated[
        str,
        argument("CASE", en="number of the case or of its decision", zh="案号或者决定书文号"),
    ],
    to: Annotated[
        str,
        option(
            "--to",
            metavar="CODE",
            en="unified social credit code of the body that was notified",
            zh="被抄告机关的统一社会信用代码",
        ),
    ],
    to_name: Annotated[
        str, option("--to-name", metavar="NAME", en="its name", zh="被抄告机关名称")
    ],
    document_no: Annotated[
        str, option("--document-no", metavar="NUMBER", en="number of the letter", zh="抄告函文号")
    ],
    name: Annotated[str | None, WHO] = None,
    time: Annotated[str | None, TIME] = None,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from flows.referring import notified
    from hefu.commands.act_options import time_of

    here, now = open_node(ctx, node), datetime.now(UTC)
    sent = time_of("--time", time) if time else None
    done = notified(here, case, to, to_name, document_no, now, sent=sent, actor_name=name)
    say_done(here, done, now, as_json=as_json)


def route_(
    ctx: typer.Context,
    dry_run: Annotated[bool, DRY_RUN] = False,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from flows.dispositions import TakenOver, take_dispositions
    from flows.referring import route
    from hefu.commands.refer_shown import routed_as_json, say_routed, say_taken_over
    from hefu.terminal import say_json

    here, now = open_node(ctx, node), datetime.now(UTC)
    routed = route(here, now, dry_run=dry_run)
    taken = TakenOver() if dry_run else take_dispositions(here, now)
    if as_json:
        say_json(routed_as_json(routed, taken))
        return
    say_routed(here, routed, now, dry_run=dry_run)
    say_taken_over(taken)
