"""``hefu recognise``: what partners' results count for here; a person decides."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
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
from hefu.terminal import say, tr
from schemas.errors import ConfigError
from schemas.text import Text

if TYPE_CHECKING:
    from cooperation.recognition.effects import Decision

NEEDS_A_PERSON = 1
_DECISIONS: dict[str, Decision] = {
    "recognised": "recognised",
    "partly": "partly",
    "not": "not_recognised",
    "not_recognised": "not_recognised",
}
NUMBER = argument("NUMBER", en="the recognition's number or its end", zh="互认编号或者其末尾几位")
ROLE = option(
    "--role", metavar="ROLE", en="in which role: a code of decider_role", zh="决定人角色代码"
)
NAME = option(
    "--name", metavar="NAME", en="who decides; stays on this node", zh="决定人姓名，只留存本节点"
)
REASON_TEXT = option("--reason-text", metavar="TEXT", en="the reason in words", zh="理由的文字说明")


def add_to(app: typer.Typer) -> None:
    group = add_group(
        app,
        "recognise",
        en="What partners' results count for here: proposals, and decisions by a person.",
        zh="处理结果互认：系统提出建议，由人决定。",
    )
    add_command(
        group,
        list_,
        "list",
        en="List what has to be decided, second fines and parties that offended again.\n\n"
        "Exit code 1 when a fine of ours may be the second for one act.",
        zh="列出待决定的互认事项、疑似重复罚款，以及不予处罚后再次违法的当事人。\n\n"
        "本机关的罚款疑似重复罚款时，退出码为 1。",
    )
    add_command(
        group,
        explain,
        "explain",
        en="Show both records side by side, the evidence, the law, and what each decision means.",
        zh="并列显示双方记录，说明比对依据、法律依据和每种决定的后果。",
    )
    add_command(
        group,
        decide,
        "decide",
        en="Decide: signed in your name, and told to the agency whose result it is.",
        zh="作出互认决定：以决定人名义签名，并告知作出原结果的机关。",
    )
    add_command(
        group,
        reopen,
        "reopen",
        en="Take up a decision again by hand; a change of the original does so by itself.",
        zh="人工重新提起已作出的决定；原结果变化时系统会自动重新提起。",
    )
    add_command(
        group,
        check_first_offence,
        "check-first-offence",
        en="Ask all sources for earlier offences of a party, and keep the answer as a record.\n\n"
        "By the number of an own case or lead; or with --id-type by a number on stdin.",
        zh="向全部数据来源查询当事人以往的违法记录，并留存查询记录。\n\n"
        "可以按本机关的案号或者线索编号查询；也可以加 --id-type，从标准输入给出证件号码。",
    )
    add_command(
        group,
        check_inspection,
        "check-inspection",
        en="Ask whether a vehicle was inspected lately, here or at a partner. Plate on stdin.",
        zh="查询车辆近期是否已由本机关或者对方检查过。号牌从标准输入给出。",
    )
    add_command(
        group,
        run,
        "run",
        en="Look for matches now and write proposals; the nightly run does the same.",
        zh="立即比对并提出建议；每晚的流程也会做同样的事。",
    )


def list_(
    ctx: typer.Context,
    everything: Annotated[
        bool,
        option(
            "--all", en="also what is decided, and partners' decisions", zh="连同已决定的和对方的"
        ),
    ] = False,
    use: Annotated[
        str | None,
        option(
            "--use", metavar="USE", en="of one use: a code of recognition_use", zh="只列某一用途"
        ),
    ] = None,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from flows.first_offence import reminders
    from flows.recognising import recognitions_of
    from flows.second_fines import second_fines
    from hefu.commands.recognise_shown import say_list

    here, now = open_node(ctx, node), datetime.now(UTC)
    found = [
        one
        for one in recognitions_of(here, now)
        if use in (None, one.chain.first.use)
        and (everything or (one.is_ours and one.matter.is_open))
    ]
    doubled = second_fines(here)
    say_list(here, found, doubled, reminders(here, now), now, as_json=as_json)
    if doubled:
        raise typer.Exit(NEEDS_A_PERSON)


def explain(
    ctx: typer.Context,
    number: Annotated[str, NUMBER],
    reveal: Annotated[bool, REVEAL] = False,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from flows.recognition_explained import explain_recognition
    from hefu.commands.recognise_explained import say_explanation

    here, now = open_node(ctx, node), datetime.now(UTC)
    told = explain_recognition(here, number, now)
    say_explanation(here, told, now, reveal=reveal, as_json=as_json)


def decide(
    ctx: typer.Context,
    number: Annotated[str, NUMBER],
    decision: Annotated[
        str,
        option(
            "--decision",
            metavar="WORD",
            en="recognised, partly or not",
            zh="互认、部分互认、不予互认分别写 recognised、partly、not",
        ),
    ],
    role: Annotated[str, ROLE],
    name: Annotated[str, NAME],
    reason: Annotated[
        str | None,
        option(
            "--reason",
            metavar="CODE",
            en="a code of recognition_reason; needed for partly and not",
            zh="理由代码（recognition_reason）；部分互认、不予互认时必填",
        ),
    ] = None,
    reason_text: Annotated[str | None, REASON_TEXT] = None,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from flows.recognising import Decider, decide_recognition
    from hefu.commands.recognise_shown import say_one

    if decision not in _DECISIONS:
        raise ConfigError(
            Text(en=f"{decision!r} is no decision", zh=f"“{decision}”不是互认决定"),
            hint=Text(en="recognised, partly or not", zh="请写 recognised、partly 或者 not"),
        )
    here, now = open_node(ctx, node), datetime.now(UTC)
    done = decide_recognition(
        here,
        number,
        _DECISIONS[decision],
        Decider(role, name),
        now,
        reason=reason,
        reason_text=reason_text,
    )
    say_one(here, done, now)


def reopen(
    ctx: typer.Context,
    number: Annotated[str, NUMBER],
    reason_text: Annotated[str, REASON_TEXT],
    role: Annotated[str, ROLE],
    name: Annotated[str, NAME],
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from flows.recognising import Decider, reopen_recognition
    from hefu.commands.recognise_shown import say_one

    here, now = open_node(ctx, node), datetime.now(UTC)
    done = reopen_recognition(here, number, reason_text, Decider(role, name), now)
    say_one(here, done, now)


def check_first_offence(
    ctx: typer.Context,
    case_no: Annotated[
        str | None,
        argument("[NUMBER]", en="an own case or lead", zh="本机关的案号或者线索编号"),
    ] = None,
    id_type: Annotated[
        str | None,
        option(
            "--id-type",
            metavar="CODE",
            en="kind of the number on stdin: resident_id, uscc …",
            zh="从标准输入给出的号码的证件类型：resident_id、uscc 等",
        ),
    ] = None,
    cause: Annotated[
        str | None,
        option(
            "--cause", metavar="CODE", en="cause to ask for: a code of case_cause", zh="案由代码"
        ),
    ] = None,
    purpose: Annotated[
        str | None,
        option(
            "--purpose", metavar="TEXT", en="what for; kept for audits", zh="查询事由，留存备查"
        ),
    ] = None,
    role: Annotated[str, ROLE] = "case_officer",
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from flows import first_offence as asked
    from hefu.commands.first_offence_shown import say_first_offence

    here, now = open_node(ctx, node), datetime.now(UTC)
    if (case_no is None) == (id_type is None):
        raise ConfigError(
            Text(
                en="say the number of an own case or lead, or --id-type and a number on stdin",
                zh="请写本机关的案号或者线索编号，或者用 --id-type 并从标准输入给出证件号码",
            )
        )
    if id_type is not None and not purpose:
        raise ConfigError(
            Text(en="a query by number needs --purpose", zh="按证件号码查询须用 --purpose 写明事由")
        )
    if case_no is not None:
        subject = asked.subject_of_case(here, case_no)
    else:
        subject = asked.subject_of_number(here, id_type or "", sys.stdin.readline().strip())
    found = asked.check_first_offence(
        here,
        subject,
        now,
        purpose=purpose or f"办理{case_no}，核查是否初次违法",
        role=role,
        cause=cause,
    )
    say_first_offence(here, found, now, as_json=as_json)


def check_inspection(
    ctx: typer.Context,
    colour: Annotated[
        str,
        option(
            "--colour",
            metavar="CODE",
            en="a code of plate_color: yellow, blue …",
            zh="号牌颜色代码：yellow、blue 等",
        ),
    ],
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from flows.first_offence import check_inspected
    from hefu.commands.first_offence_shown import say_inspected
    from schemas.identities.plates import vehicle_key

    here, now = open_node(ctx, node), datetime.now(UTC)
    key = vehicle_key(sys.stdin.readline().strip(), colour)
    if key is None:
        raise ConfigError(
            Text(en="this is no plate with its colour", zh="号牌或者号牌颜色无法识别"),
            hint=Text(
                en="one plate on stdin, and --colour yellow",
                zh="从标准输入给出一个号牌，并写 --colour yellow 之类的颜色代码",
            ),
        )
    say_inspected(here, check_inspected(here, key, now), now, as_json=as_json)


def run(
    ctx: typer.Context,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from flows.recognising import propose_recognitions, recheck
    from flows.second_fines import second_fines
    from hefu.commands.recognise_shown import say_run

    here, now = open_node(ctx, node), datetime.now(UTC)
    followed: Any = recheck(here, now)
    proposed = propose_recognitions(here, now)
    doubled = second_fines(here)
    say_run(here, proposed, followed, doubled, now, as_json=as_json)
    if not as_json:
        say(tr("see them with hefu recognise list", "请用 hefu recognise list 查看"))
    if doubled:
        raise typer.Exit(NEEDS_A_PERSON)
