"""``hefu clocks``: every period that runs, who must act, until when; what is over, who to tell."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hefu.commands.options import JSON, NODE, add_command, date_of, open_node, option
from hefu.terminal import CST, say, say_json, say_table, show_count, tr
from schemas.masking import mask_text

if TYPE_CHECKING:
    from cooperation.clocks.cases import CaseClock
    from cooperation.procedures.clocks import Clock
    from cooperation.procedures.fold import Matter
    from cooperation.procedures.rates import Rate
    from cooperation.referral.routes import Candidate, Left
    from flows.own_clocks import OwnClocks
    from flows.referral_terms import SendBy
    from hefu.commands.matter_shown import Shown
    from hefu.node import Node

    Unsent = tuple[Candidate, Left | None, SendBy]

#: How many periods of single cases are listed; --json has them all.
_LISTED = 20


def add_to(app: typer.Typer) -> None:
    add_command(
        app,
        clocks,
        "clocks",
        en="Show every period: who must act, by when, by which article.\n\n"
        "Of matters with other agencies, and of this agency's own cases (decision, delivery) and "
        "received leads (limitation). Exit code 1 when one is over: it then says who is to be "
        "told. Nothing is decided by a period. --rates counts what was done in time, per agency.",
        zh="列出全部期限：由谁办理、何时届满、依据哪一条。\n\n"
        "包括与其他机关共同办理的事项，以及本机关案件（作出决定、送达）和收到的线索（追责期限）。"
        "有期限已过时退出码为 1，并说明应当告知谁。期限只作提示，不产生任何决定。"
        "--rates 按单位统计按期办理率。",
    )


def clocks(  # noqa: PLR0913 (a command's arguments are its words)
    ctx: typer.Context,
    mine: Annotated[
        bool, option("--mine", en="only this agency's duties", zh="只列本机关应办的")
    ] = False,
    everything: Annotated[
        bool,
        option("--all", en="also those that were kept or late", zh="连同已按期和逾期办理的"),
    ] = False,
    on: Annotated[
        str | None,
        option("--on", metavar="DAY", en="as it stands at the end of a day", zh="截至某日终了时"),
    ] = None,
    rates: Annotated[
        bool,
        option(
            "--rates",
            en="count what was done in time, per agency: 30 days unless --since, --until",
            zh="按单位统计按期率，默认最近 30 日，可用 --since、--until 指定",
        ),
    ] = False,
    since: Annotated[
        str | None,
        option("--since", metavar="DAY", en="for --rates: first day", zh="用于 --rates：起始日"),
    ] = None,
    until: Annotated[
        str | None,
        option("--until", metavar="DAY", en="for --rates: last day", zh="用于 --rates：截止日"),
    ] = None,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from hefu.commands.pipeline import node_extra

    here, now = open_node(ctx, node), datetime.now(UTC)
    if on is not None:
        now = _end_of(date_of("--on", on))
    with node_extra():
        if rates:
            last = date_of("--until", until) if until else now.astimezone(CST).date()
            first = date_of("--since", since) if since else last - timedelta(days=29)
            _say_rates(here, first, last, now, as_json=as_json)
            return
        is_over = _say_clocks(here, now, mine=mine, everything=everything, as_json=as_json)
    raise typer.Exit(1 if is_over else 0)


def _end_of(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), CST) - timedelta(seconds=1)


def _matters(node: Node, now: datetime) -> list[Matter]:
    """The matters as they were at ``now``: acts done later are left aside."""
    from cooperation.procedures.clocks import SKEW
    from flows.matters import acts_of, matters_of

    return matters_of(node, acts=[a for a in acts_of(node) if not _is_later(a, now, SKEW)])


def _is_later(act: Any, now: datetime, skew: timedelta) -> bool:
    # One that claims a time after its own record is told as doubtful, not left out.
    recorded = act.recorded_time or act.act_time
    return bool(min(act.act_time, recorded) > now + skew)


@dataclass(frozen=True, slots=True)
class _Found:
    shown: Shown
    clocks: list[Clock]
    own: OwnClocks
    unsent: list[Unsent]


def _find(node: Node, now: datetime, *, mine: bool, everything: bool) -> _Found:
    from cooperation.procedures.clocks import clocks as clocks_of
    from flows.own_clocks import own_clocks
    from flows.referring import unsent
    from hefu.commands.matter_shown import Shown

    shown, matters = Shown(node, now), _matters(node, now)
    for matter in matters:
        shown.note_names(a.act for a in matter.applied)
    found = [
        clock
        for matter in matters
        if matter.is_open or everything
        for clock in clocks_of(matter, shown.law, now)
        if (everything or clock.stopped is None) and not (mine and clock.org != shown.org)
    ]
    settled = {r for m in matters if not m.is_open for r in m.opening.subject_record_ids}
    own = own_clocks(node, shown.law, now, settled)
    waiting = unsent(node, now)
    return _Found(shown, sorted(found, key=lambda c: (c.due, c.matter.key)), own, waiting)


def _say_clocks(node: Node, now: datetime, *, mine: bool, everything: bool, as_json: bool) -> bool:
    """List them; whether one is over."""
    found = _find(node, now, mine=mine, everything=everything)
    over = [c for c in found.clocks if c.standing == "overdue"]
    cases_over = [c for c in found.own.clocks if _is_over(c)]
    unsent_over = [one for one in found.unsent if one[2].due <= now]
    if as_json:
        say_json(_as_json(found, now))
    else:
        _say_matters(found)
        _say_cases(found.own)
        _say_unsent(found.unsent, now)
        _say_over(found, over, len(cases_over) + len(unsent_over))
    return bool(over or cases_over or unsent_over)


def _is_over(clock: CaseClock) -> bool:
    """Limitation only warns: that it has passed is nobody's duty any more."""
    return clock.standing == "overdue" and clock.of.kind != "limitation"


def _say_matters(found: _Found) -> None:
    from hefu.commands.clock_words import article_of, end_of, standing_words

    say_table(
        [
            tr("until", "届满"),
            tr("standing", "情况"),
            tr("who", "由谁"),
            tr("what", "办理内容"),
            tr("matter", "事项"),
            tr("article", "依据"),
        ],
        [
            (
                end_of(clock),
                standing_words(clock),
                tr("this agency", "本机关")
                if clock.org == found.shown.org
                else found.shown.player(clock.matter, clock.who, clock.org),
                str(clock.row.duty),
                clock.matter.key.no,
                article_of(clock),
            )
            for clock in found.clocks
        ],
        title=tr("Matters with other agencies", "与其他机关共同办理的事项"),
        empty=tr("no period runs in a matter with another agency", "与其他机关的事项中没有期限"),
    )
    versions = sorted({c.calendar_version for c in found.clocks if c.calendar_version})
    if versions:
        listed = ", ".join(versions)
        say(tr(f"working days by the calendar {listed}", f"工作日日历：{listed}"))


def _say_cases(own: OwnClocks) -> None:
    from cooperation.clocks.cases import DUTY
    from hefu.commands.clock_words import length_words, short_article

    words = {
        "running": tr("running", "进行中"),
        "due_soon": tr("due soon", "即将到期"),
        "overdue": tr("overdue", "已逾期"),
    }
    say_table(
        [
            tr("until", "届满"),
            tr("standing", "情况"),
            tr("what", "办理内容"),
            tr("case or lead", "案件、线索"),
            tr("length", "长度"),
            tr("article", "依据"),
        ],
        [
            (
                clock.last_day.isoformat()
                + (tr(" (provisional)", "（暂定）") if clock.provisional else ""),
                words[clock.standing],
                str(DUTY[clock.of.kind]),
                mask_text(clock.of.no),
                length_words(clock.length, clock.unit),
                short_article(clock.basis.article),
            )
            for clock in own.clocks[:_LISTED]
        ],
        title=tr("This agency's cases, and leads it received", "本机关案件和收到的线索"),
        empty="",
    )
    if len(own.clocks) > _LISTED:
        more = show_count(len(own.clocks) - _LISTED)
        say(tr(f"and {more} more: --json lists all", f"另有 {more} 项，--json 列出全部"))
    if own.not_told:
        many = show_count(own.not_told)
        say(
            tr(
                f"{many} decisions are of sources that never tell a delivery: not counted",
                f"有 {many} 件决定的来源系统从不提供送达日期，未计算送达期限",
            )
        )


def _say_unsent(waiting: list[Unsent], now: datetime) -> None:
    """Finished overlimit cases that the place of registration has not been told of."""
    from hefu.commands.clock_words import short_article

    say_table(
        [
            tr("until", "届满"),
            tr("standing", "情况"),
            tr("case", "案件"),
            tr("article", "依据"),
            tr("why it has not gone", "尚未抄告的原因"),
        ],
        [
            (
                by.last_day.isoformat()
                + (tr(" (provisional)", "（暂定）") if by.provisional else ""),
                tr("overdue", "已逾期") if by.due <= now else tr("running", "进行中"),
                mask_text(candidate.no),
                short_article(by.basis.article),
                str(left.words)
                if left
                else tr("hefu cooperate sends it", "由 hefu cooperate 发出"),
            )
            for candidate, left, by in waiting[:_LISTED]
        ],
        title=tr(
            "Finished overlimit cases still to be notified", "已办结、尚未抄告车籍地的超限案件"
        ),
        empty="",
    )
    if len(waiting) > _LISTED:
        more = show_count(len(waiting) - _LISTED)
        say(tr(f"and {more} more: --json lists all", f"另有 {more} 项，--json 列出全部"))
    if any(left for _, left, _ in waiting):
        say(
            tr(
                "refer it by hand: hefu refer send CASE --to CODE; notified on paper: "
                "hefu refer notified CASE",
                "可手工抄告：hefu refer send 案号 --to 机关代码；"
                "已书面抄告的，登记：hefu refer notified 案号",
            )
        )


def _say_over(found: _Found, over: list[Clock], cases_over: int) -> None:
    """What is over, counted, and who is to be told."""
    from cooperation.procedures.escalation import OWN, told_to

    number = len(over) + cases_over
    if not number:
        return
    say(tr(f"over: {show_count(number)}", f"已逾期 {show_count(number)} 项："))
    for clock in over:
        who = found.shown.player(clock.matter, clock.who, clock.org)
        told = told_to(clock, found.shown.org)
        say(
            tr(
                f"  {clock.matter.key.no}: {who}: {clock.row.duty.en} → {told.en}",
                f"  {clock.matter.key.no}：{who}应{clock.row.duty.zh} → {told.zh}",
            )
        )
    if cases_over:
        many = show_count(cases_over)
        say(tr(f"  {many} own cases → {OWN.en}", f"  本机关案件 {many} 项 → {OWN.zh}"))


def _as_json(found: _Found, now: datetime) -> dict[str, Any]:
    from cooperation.clocks.cases import DUTY
    from cooperation.procedures.escalation import told_to
    from hefu.commands.matter_json import clock_as_json

    return {
        "clocks": [
            clock_as_json(found.shown, clock)
            | {"matter": clock.matter.key.no, "procedure": clock.matter.table.name}
            | ({"tell": _both(told_to(clock, found.shown.org))} if _over(clock) else {})
            for clock in found.clocks
        ],
        "cases": [
            {
                "kind": clock.of.kind,
                "record_id": clock.of.record_id,
                "no": mask_text(clock.of.no),
                "duty": _both(DUTY[clock.of.kind]),
                "started": clock.of.started,
                "length": clock.length,
                "unit": clock.unit,
                "due": clock.due,
                "last_day": clock.last_day.isoformat(),
                "provisional": clock.provisional,
                "calendar_version": clock.calendar_version or None,
                "article": clock.basis.article,
                "standing": clock.standing,
            }
            for clock in found.own.clocks
        ],
        "deliveries_not_told": found.own.not_told,
        "to_be_notified": [
            {
                "record_id": candidate.record_id,
                "no": mask_text(candidate.no),
                "due": by.due,
                "last_day": by.last_day.isoformat(),
                "provisional": by.provisional,
                "article": by.basis.article,
                "standing": "overdue" if by.due <= now else "running",
                "why": _both(left.words) if left else None,
            }
            for candidate, left, by in found.unsent
        ],
        "overdue": sum(map(_over, found.clocks))
        + sum(map(_is_over, found.own.clocks))
        + sum(by.due <= now for _, _, by in found.unsent),
    }


def _over(clock: Clock) -> bool:
    return clock.standing == "overdue"


def _both(text: Any) -> dict[str, str]:
    return {"en": text.en, "zh": text.zh}


def _say_rates(node: Node, since: date, until: date, now: datetime, *, as_json: bool) -> None:
    from cooperation.procedures.clocks import clocks as clocks_of
    from cooperation.procedures.rates import rates
    from cooperation.procedures.table import procedure
    from hefu.commands.matter_shown import Shown

    shown, matters = Shown(node, now), _matters(node, now)
    for matter in matters:
        shown.note_names(a.act for a in matter.applied)
    found = rates((c for m in matters for c in clocks_of(m, shown.law, now)), since, until)
    if as_json:
        say_json(
            {
                "since": since.isoformat(),
                "until": until.isoformat(),
                "rates": [_rate_as_json(shown, rate) for rate in found],
            }
        )
        return
    say_table(
        [
            tr("agency", "单位"),
            tr("procedure", "程序"),
            tr("period", "期限"),
            tr("in time", "按期"),
            tr("of", "应办"),
            tr("rate", "按期率"),
            tr("late", "逾期办理"),
            tr("not done", "逾期未办"),
            tr("entered late", "届满后补登"),
        ],
        [
            (
                shown.name(rate.org),
                str(procedure(rate.procedure).label),
                str(rate.row.label),
                show_count(rate.kept),
                show_count(rate.of),
                f"{rate.share:.1%}",
                show_count(rate.late),
                show_count(rate.overdue),
                show_count(rate.entered_late),
            )
            for rate in found
        ],
        title=tr(
            f"Periods whose last day was from {since} to {until}",
            f"届满日在 {since} 至 {until} 之间的期限",
        ),
        numbers=(3, 4, 5, 6, 7, 8),
        empty=tr("no period ended in these days", "这段时间没有届满的期限"),
    )


def _rate_as_json(shown: Shown, rate: Rate) -> dict[str, Any]:
    return {
        "org": rate.org,
        "name": shown.name(rate.org),
        "procedure": rate.procedure,
        "clock": rate.row.name,
        "label": _both(rate.row.label),
        "kept": rate.kept,
        "of": rate.of,
        "late": rate.late,
        "overdue": rate.overdue,
        "entered_late": rate.entered_late,
    }
