"""``hefu cooperate``: what a node does by itself with what agencies have of each other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hefu.commands.options import JSON, NODE, add_command, is_verbose, open_node
from hefu.terminal import say, say_json, tr

if TYPE_CHECKING:
    from flows.cooperating import Said
    from flows.outcome import Outcome

NEEDS_A_PERSON = 1


def add_to(app: typer.Typer) -> None:
    add_command(
        app,
        cooperate,
        "cooperate",
        en="Propose, recompute and refer what the agreements order; nothing is decided.\n\n"
        "Withdrawals, hotline orders, recognitions, accumulations, referrals: part of every night. "
        "It may be run at any time and does nothing twice. Exit code 1: something waits for a "
        "person.",
        zh="提出建议、重新计算，并按协议自动抄告；不作任何决定。\n\n"
        "依次处理撤回更正、热线工单、互认、累计、抄告，每晚自动运行；可随时运行，不会重复办理。"
        "退出码 1 表示有事项需要人工处理。",
    )


def cooperate(
    ctx: typer.Context,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from hefu.commands.pipeline import run_flow, tell_failures

    here = open_node(ctx, node)

    def call() -> Sequence[Outcome]:
        from flows.cooperate import cooperate as flow

        return flow(str(here.root))

    what = tr("working on what came in", "正在处理收到的记录")
    outcomes = run_flow(here, what, call, verbose=is_verbose(ctx))
    told = [(outcome, _told(outcome)) for outcome in outcomes]
    if as_json:
        say_json([_as_json(outcome, said) for outcome, said in told])
    else:
        for outcome, said in told:
            _say(outcome, said)
    code = tell_failures(outcomes)
    waiting = any(one.for_a_person for _, said in told for one in said)
    if code or waiting:
        raise typer.Exit(code or NEEDS_A_PERSON)


def _told(outcome: Outcome) -> list[Said]:
    from flows.cooperating import part_of

    return [] if outcome.error is not None else list(part_of(outcome.subject).told(outcome.result))


def _say(outcome: Outcome, said: Sequence[Said]) -> None:
    from flows.cooperating import part_of

    if outcome.error is not None:
        return
    label = part_of(outcome.subject).label
    for one in said:
        mark = tr(" (for a person)", "（需人工处理）") if one.for_a_person else ""
        say(f"{label}{tr(': ', '：')}{one.text}{mark}")
    if not said:
        say(f"{label}{tr(': nothing new', '：没有新情况')}")


def _as_json(outcome: Outcome, said: Sequence[Said]) -> dict[str, Any]:
    return {
        "part": outcome.subject,
        "error": outcome.error.as_dict() if outcome.error is not None else None,
        "said": [
            {"en": one.text.en, "zh": one.text.zh, "for_a_person": one.for_a_person} for one in said
        ],
    }
