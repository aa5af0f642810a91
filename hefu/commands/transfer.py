"""``hefu transfer`` and ``hefu reverse``: suspected crimes to the police, and back from justice."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hefu.commands.matter_options import EVERYTHING, MATTER, MINE
from hefu.commands.options import (
    JSON,
    NODE,
    REVEAL,
    add_command,
    argument,
    date_of,
    open_node,
    option,
)
from hefu.commands.procedures import add_procedure, say_done
from hefu.commands.transfer_given import act_time_of, goods_of
from hefu.terminal import say, say_json, say_warning, tr

if TYPE_CHECKING:
    pass

TIME = option(
    "--time",
    metavar="TIME",
    en="when it was done in law; now if left out",
    zh="实际办理时间，期限由此起算；不写为现在",
)


def add_to(app: typer.Typer) -> None:
    group = add_procedure(
        app,
        "transfer",
        en="Suspected crimes: from suspicion to the police and their answer (310号令).",
        zh="涉嫌犯罪案件移送（行刑衔接）：从发现、批准、移送到司法结果。",
    )
    add_command(
        group,
        list_,
        "list",
        en="List the transfers that are open: state, what is next, until when.\n\n"
        "Exits with 1 if one does not hold: a fine in place of a transfer, a decision that is "
        "missing or was changed.",
        zh="列出未结束的移送：状态、下一步由谁做什么、期限。\n\n"
        "有以罚代移、签名决定缺失或者被改动等问题时，退出码为 1。",
    )
    add_command(
        group,
        show,
        "show",
        en="Show one transfer: parties, state, what is next, every act, every period, what "
        "article 11 makes of penalties on the case.\n\n"
        "Exits with 1 if something in it does not hold. Personal values are masked unless "
        "--reveal is given.",
        zh="显示一件移送：各方、状态、下一步、全部环节和期限，以及该案已有处罚依第十一条如何处理。\n\n"
        "有问题时退出码为 1。个人信息默认脱敏，加 --reveal 才显示原文。",
    )
    add_command(
        group,
        suspect,
        "suspect",
        en="Note that a case of this agency is suspected to be a crime.\n\n"
        "From now on no fine may be decided in it. Only the head's decision, or the outcome at the "
        "police, ends that.",
        zh="登记本机关案件涉嫌犯罪。\n\n"
        "自此该案不得作出罚款决定，直到负责人决定不移送，或者司法机关有了结果。依据：310号令第三条。",
    )
    add_command(
        group,
        dispatch,
        "dispatch",
        en="Send it to the police with the five materials.\n\n"
        "Missing materials stop it and are named. Property list, inspection report and other "
        "material may be not_applicable; the letter and the report may not.",
        zh="向同级公安机关移送，须附五类材料。\n\n"
        "缺少材料的不能移送，并逐一列明。没有涉案物品、检验报告或者其他材料的，注明 "
        "not_applicable；移送书和调查报告必须有。依据：310号令第五条、第六条。",
    )
    add_command(
        group,
        suspicions,
        "suspicions",
        en="List own cases that show a sign of a crime and have no transfer.\n\n"
        "The signs are rows of the rule packs (hefu rules list --find 刑法). Nothing is opened "
        "by itself: a person looks at each.",
        zh="列出有涉嫌犯罪迹象而没有移送的本机关案件。\n\n"
        "迹象来自规则包（hefu rules list --find 刑法），只供人工核对，不会自动启动移送。",
    )
    add_command(
        group,
        numbers,
        "numbers",
        en="Cases with a sign of a crime against cases transferred, by month; no personal data.",
        zh="按月统计：有涉嫌犯罪迹象的案件数和其中已移送的案件数，不含个人信息。",
    )
    add_command(
        group,
        check,
        "check",
        en="Check every transfer: signed decisions, formal records, fines in their place.\n\n"
        "Exits with 1 if something does not hold.",
        zh="核查全部移送：签名决定、正式记录、以罚代移。\n\n有问题时退出码为 1。",
    )
    reverse = add_procedure(
        app,
        "reverse",
        "reverse_transfer",
        en="Cases that justice hands back for an administrative penalty, and the reply.",
        zh="反向衔接：司法机关移送行政机关处理的案件及其回复。",
    )
    add_command(
        reverse,
        receive_back,
        "receive-back",
        en="Note a case that police or procuratorate handed over for administrative handling.",
        zh="登记公安机关、检察机关移送行政处理的案件。",
    )


def list_(
    ctx: typer.Context,
    mine: Annotated[bool, MINE] = False,
    everything: Annotated[bool, EVERYTHING] = False,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from flows.transfer_checks import faults
    from hefu.commands.matter_shown import say_list
    from hefu.commands.transfer_shown import say_faults

    here, now = open_node(ctx, node), datetime.now(UTC)
    say_list(here, "transfer", now, mine=mine, everything=everything, as_json=as_json)
    found = faults(here)
    if found:
        say_faults(found)
        raise typer.Exit(1)


def show(
    ctx: typer.Context,
    number: Annotated[str, MATTER],
    reveal: Annotated[bool, REVEAL] = False,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from flows.matters import find_matter, matters_of
    from flows.transfer_checks import faults, penalties
    from hefu.commands.matter_shown import say_matter
    from hefu.commands.transfer_shown import say_faults, say_penalties

    here, now = open_node(ctx, node), datetime.now(UTC)
    matter = find_matter(matters_of(here, "transfer"), number)
    say_matter(here, "transfer", matter.key.no, now, reveal=reveal, as_json=as_json)
    found = faults(here, [matter])
    if not as_json:
        say_penalties(penalties(here, [matter]))
    if found:
        say_faults(found)
        raise typer.Exit(1)


def suspect(  # noqa: PLR0913 (a command's arguments are its words)
    ctx: typer.Context,
    case: Annotated[
        str, argument("CASE", en="case number or record identifier", zh="案号或者记录标识")
    ],
    offence: Annotated[
        str, option("--offence", metavar="TEXT", en="which crime, with its article", zh="涉嫌罪名")
    ],
    name: Annotated[
        str | None, option("--name", metavar="NAME", en="who found it", zh="发现人员姓名")
    ] = None,
    reason_text: Annotated[
        str | None, option("--reason-text", metavar="TEXT", en="why", zh="理由说明")
    ] = None,
    again: Annotated[
        str,
        option(
            "--again",
            metavar="WORD",
            en="open a second transfer of a case whose first has ended, under this word",
            zh="前一次移送已结束、又有新情况的，写一个区别用的词再次发起",
        ),
    ] = "",
    time: Annotated[str | None, TIME] = None,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from flows.transferring import suspect as suspect_case

    here, now = open_node(ctx, node), datetime.now(UTC)
    done = suspect_case(
        here, case, offence, now, again=again, actor_name=name, reason_text=reason_text,
        **act_time_of(time),
    )  # fmt: skip
    if done is None:
        say(
            tr(
                "this case has a transfer already: hefu transfer list --all; give --again for a "
                "second one",
                "该案已有移送事项，见 hefu transfer list --all；确需再次发起的请加 --again",
            )
        )
        return
    say_done(here, done, now, as_json=as_json)


def dispatch(  # noqa: PLR0913 (a command's arguments are its words)
    ctx: typer.Context,
    number: Annotated[str, MATTER],
    to: Annotated[
        str,
        option("--to", metavar="CODE", en="code of the police", zh="公安机关的统一社会信用代码"),
    ],
    document_no: Annotated[
        str,
        option("--document-no", metavar="NUMBER", en="number of the letter", zh="移送书文号"),
    ],
    to_name: Annotated[
        str | None, option("--to-name", metavar="NAME", en="its name", zh="公安机关名称")
    ] = None,
    material: Annotated[
        list[str] | None,
        option(
            "--material",
            metavar="KIND=FILE",
            en="an item of material: KIND=FILE (its SHA-256 is kept), KIND:present (on paper), "
            "KIND:not_applicable; repeat it",
            zh="材料，可重复：种类=文件（记录其 SHA-256）、种类:present（纸质）、"
            "种类:not_applicable（不适用）",
        ),
    ] = None,
    goods: Annotated[
        list[str] | None,
        option(
            "--goods",
            metavar="NAME;QUANTITY;PLACE",
            en="an item of the property list; repeat it",
            zh="涉案物品：名称;数量;存放地点，可重复",
        ),
    ] = None,
    procuratorate: Annotated[
        str | None,
        option(
            "--procuratorate",
            metavar="CODE",
            en="who gets a copy; left out, who the agreement says",
            zh="抄送的检察院代码；不写则按协议",
        ),
    ] = None,
    document: Annotated[
        Path | None,
        option(
            "--document", metavar="FILE", en="the letter's file", zh="移送书文件，只记录其 SHA-256"
        ),
    ] = None,
    name: Annotated[
        str | None, option("--name", metavar="NAME", en="who sends it", zh="经办人姓名")
    ] = None,
    reason_text: Annotated[
        str | None,
        option(
            "--reason-text",
            metavar="TEXT",
            en="why, and why to police of another level if so",
            zh="移送理由；移送非同级公安机关的，写明依据",
        ),
    ] = None,
    time: Annotated[str | None, TIME] = None,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from flows.matters import find_matter, matters_of
    from flows.transferring import dispatch as send
    from flows.transferring import owes_paper_copy
    from hefu.commands.act_options import material_of, sha256_of

    here, now = open_node(ctx, node), datetime.now(UTC)
    matter = find_matter(matters_of(here, "transfer"), number)
    done = send(
        here, matter, now,
        goods=[goods_of(text) for text in goods or ()],
        procuratorate=procuratorate,
        to_org=to, to_org_name=to_name, document_no=document_no,
        document_title="涉嫌犯罪案件移送书",
        document_sha256=sha256_of(document) if document else None,
        materials=tuple(material_of(text) for text in material or ()),
        actor_name=name, reason_text=reason_text, **act_time_of(time),
    )  # fmt: skip
    say_done(here, done, now, as_json=as_json)
    if procuratorate is None and owes_paper_copy(here, now):
        say_warning(
            tr(
                "an agreement asks for a copy to the procuratorate, which has no node here: hand "
                "it over on paper",
                "协议要求抄送人民检察院，但检察院没有节点：请以纸质文书抄送",
            )
        )


def receive_back(  # noqa: PLR0913 (a command's arguments are its words)
    ctx: typer.Context,
    sender: Annotated[
        str, option("--from", metavar="CODE", en="code of who handed it over", zh="移送机关代码")
    ],
    case: Annotated[
        list[str],
        option("--case", metavar="NUMBER", en="the case's number; repeat it", zh="案号，可重复"),
    ],
    document_no: Annotated[
        str,
        option("--document-no", metavar="NUMBER", en="number of the letter", zh="移送文书文号"),
    ],
    sender_name: Annotated[
        str | None, option("--from-name", metavar="NAME", en="its name", zh="移送机关名称")
    ] = None,
    document_title: Annotated[
        str | None,
        option("--document-title", metavar="TEXT", en="as 检察意见书", zh="文书名称，如检察意见书"),
    ] = None,
    document: Annotated[
        Path | None,
        option(
            "--document", metavar="FILE", en="the letter's file", zh="文书文件，只记录其 SHA-256"
        ),
    ] = None,
    time: Annotated[
        str | None,
        option("--time", metavar="TIME", en="when it was received", zh="收到时间，期限由此起算"),
    ] = None,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from flows.transferring import receive_back as receive
    from hefu.commands.act_options import sha256_of

    here, now = open_node(ctx, node), datetime.now(UTC)
    done = receive(
        here, sender, case, now,
        to_org_name=sender_name, document_no=document_no, document_title=document_title,
        document_sha256=sha256_of(document) if document else None, **act_time_of(time),
    )  # fmt: skip
    if done is None:
        say(
            tr(
                "it was noted already: hefu reverse list --all",
                "已登记，见 hefu reverse list --all",
            )
        )
        return
    say_done(here, done, now, as_json=as_json)


def suspicions(
    ctx: typer.Context,
    everything: Annotated[
        bool,
        option("--all", en="also cases that have a transfer", zh="连同已启动移送的案件"),
    ] = False,
    since: Annotated[
        str | None,
        option("--since", metavar="DATE", en="decided on that day or later", zh="决定日期不早于"),
    ] = None,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from flows.transferring import suspicions as find
    from hefu.commands.transfer_shown import say_suspicions, suspicion_json

    here, now = open_node(ctx, node), datetime.now(UTC)
    first = date_of("--since", since) if since else None
    found = [
        one
        for one in find(here, now)
        if (everything or one.outcome == "none")
        and (first is None or (one.sign.month_date is not None and one.sign.month_date >= first))
    ]
    if as_json:
        say_json([suspicion_json(one) for one in found])
    else:
        say_suspicions(found)


def numbers(
    ctx: typer.Context,
    since: Annotated[
        str | None, option("--since", metavar="DATE", en="first day", zh="起始日期")
    ] = None,
    until: Annotated[
        str | None, option("--until", metavar="DATE", en="last day", zh="截止日期（含当日）")
    ] = None,
    out: Annotated[
        Path | None, option("--out", metavar="FILE", en="write a CSV file", zh="写入 CSV 文件")
    ] = None,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from flows.transferring import transfer_numbers
    from hefu.commands.transfer_shown import line_values, say_lines, write_csv

    here, now = open_node(ctx, node), datetime.now(UTC)
    first = date_of("--since", since) if since else None
    last = date_of("--until", until) if until else None
    found = transfer_numbers(here, now, first, last)
    if out is not None:
        write_csv(out, found, here.agency.code)
        say(tr(f"{len(found)} lines written to {out}", f"已写入 {len(found)} 行：{out}"))
    if as_json:
        say_json([line_values(line, here.agency.code) for line in found])
    elif out is None:
        say_lines(found)


def check(
    ctx: typer.Context,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from flows.matters import matters_of
    from flows.transfer_checks import faults, penalties
    from hefu.commands.transfer_shown import check_json, say_faults, say_penalties

    here = open_node(ctx, node)
    known = matters_of(here)
    found, meant = faults(here, known), penalties(here, known)
    if as_json:
        say_json(check_json(found, meant))
    else:
        say_penalties(meant)
        say_faults(found)
        if not found:
            count = sum(m.table.name == "transfer" for m in known)
            say(tr(f"{count} transfers, all hold", f"共 {count} 件移送，核查无异常"))
    if found:
        raise typer.Exit(1)
