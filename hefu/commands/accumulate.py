"""``hefu accumulate``: who exceeds what article 66 of 公路安全保护条例 says, over all partners."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from hefu.commands.options import (
    COMMANDS_PANEL,
    JSON,
    NODE,
    Group,
    add_command,
    argument,
    date_of,
    open_node,
    option,
)
from hefu.terminal import CST, say, say_data, say_json, say_warning, tr

if TYPE_CHECKING:
    from cooperation.accumulation.law import Base as BaseName
    from cooperation.accumulation.law import Kind, WindowKind
    from flows.accumulating import Accumulated
    from hefu.node import Node

_NEEDS_A_PERSON = 1
AS_OF = option(
    "--as-of",
    metavar="DAY",
    en="the last day of the window (default: today)",
    zh="累计截止日（默认今天）",
)
REVEAL = option("--reveal", en="show plates and names unmasked", zh="显示未脱敏的号牌和姓名")


class Base(StrEnum):
    """Which date of a case decides."""

    violation = "violation"
    decision = "decision"


class Window(StrEnum):
    """How the year is laid."""

    rolling_year = "rolling-year"
    licence_year = "licence-year"
    calendar_year = "calendar-year"


BASE = option(
    "--base",
    metavar="[violation|decision]",
    en="which date decides (default: as the rule packs say); both are shown",
    zh="以违法时间还是决定时间为准（默认按规则包）；两种口径都会列出",
)


class _ListFirst(Group):
    """``hefu accumulate --as-of DAY`` is ``hefu accumulate list --as-of DAY``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] != "--help"):
            args = ["list", *args]
        return super().parse_args(ctx, args)


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(
        cls=_ListFirst,
        help=tr(
            "Count overloads over all partners (公路安全保护条例 art. 66).\n\n"
            "Without a command: list.",
            "统计各合作单位的违法超限次数（公路安全保护条例第六十六条，一超四罚）。\n\n"
            "不写子命令即为 list。",
        ),
    )
    app.add_typer(group, name="accumulate", rich_help_panel=COMMANDS_PANEL)
    add_command(
        group,
        list_,
        "list",
        en="List vehicles, drivers and operators that exceed a limit on a day.\n\n"
        "Over this agency's cases and all that partners sent. Nothing is written. Plates and "
        "names are masked unless --reveal is given.",
        zh="列出截至某日超过限值的车辆、驾驶人和企业。\n\n"
        "统计本单位案件和各合作单位发来的案件，不写入任何记录。号牌、姓名默认脱敏，"
        "加 --reveal 才显示原文。",
    )
    add_command(
        group,
        show,
        "show",
        en="Show one subject, or what became of a snapshot: the law, the counted cases, and "
        "those that were not counted and why.",
        zh="显示某一对象或者某次快照：所依据的规定、计入的案件，以及未计入的案件和原因。",
    )
    add_command(
        group,
        run,
        "run",
        en="Write snapshots of what is new, and refer it as the agreements order.\n\n"
        "The nightly run does this by itself; running it again changes nothing. A referral is "
        "withdrawn when corrections take the count below the limit; where that is no longer "
        "possible the exit code is 1.",
        zh="把新的累计结果写成快照，并按协议约定抄告有权处理的机关。\n\n"
        "每晚自动执行；重复执行不会产生新的结果。案件更正、撤销后不再超过限值的，撤回抄告；"
        "已不能撤回的，退出码为 1，由人员告知对方。",
    )


def list_(  # noqa: PLR0913 (a command's arguments are its words)
    ctx: typer.Context,
    as_of: Annotated[str | None, AS_OF] = None,
    base: Annotated[Base | None, BASE] = None,
    window: Annotated[
        Window | None,
        option(
            "--window",
            metavar="[rolling-year|licence-year|calendar-year]",
            en="how the year is laid (default: as the rule packs say)",
            zh="“1年内”怎样起算：滚动一年、证照年度或者自然年（默认按规则包）",
        ),
    ] = None,
    vehicles: Annotated[bool, option("--vehicles", en="vehicles alone", zh="只列车辆")] = False,
    drivers: Annotated[bool, option("--drivers", en="drivers alone", zh="只列驾驶人")] = False,
    operators: Annotated[bool, option("--operators", en="operators alone", zh="只列企业")] = False,
    near: Annotated[
        bool,
        option(
            "--near",
            en="also those at the limit, where one more crosses it",
            zh="连同已达限值、再有一次即超过的",
        ),
    ] = False,
    reveal: Annotated[bool, REVEAL] = False,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from hefu.commands.accumulate_shown import as_json as shown
    from hefu.commands.accumulate_shown import say_list
    from hefu.commands.pipeline import node_extra

    with node_extra():
        from cooperation.accumulation.accumulate import Asked
        from flows.accumulation_cases import reckon

        here, now = open_node(ctx, node), datetime.now(UTC)
        day = date_of("--as-of", as_of) if as_of else now.astimezone(CST).date()
        asked = Asked(
            kinds=_kinds(vehicles=vehicles, drivers=drivers, operators=operators),
            near=near,
            window=cast("WindowKind | None", window.name if window else None),
        )
        found = reckon(here, day, now, _base(base), asked)
    _warn(reveal=reveal)
    if as_json:
        say_json(shown(found, reveal=reveal))
        return
    say_list(found, reveal=reveal)


def _base(base: Base | None) -> BaseName | None:
    return cast("BaseName | None", base.name if base else None)


def _kinds(*, vehicles: bool, drivers: bool, operators: bool) -> tuple[Kind, ...]:
    asked: tuple[tuple[bool, Kind], ...] = (
        (vehicles, "vehicle"),
        (drivers, "driver"),
        (operators, "transport_enterprise"),
    )
    some = tuple(kind for wanted, kind in asked if wanted)
    return some or tuple(kind for _, kind in asked)


def _warn(*, reveal: bool) -> None:
    if reveal:
        say_warning(
            tr(
                "personal data follows: don't copy it into messages or tickets",
                "以下为个人信息原文，请勿复制到消息或工单中",
            )
        )


def show(
    ctx: typer.Context,
    wanted: Annotated[
        str,
        argument(
            "SUBJECT",
            en="a snapshot's number (its end will do), a plate, or the beginning of a driver's or "
            "operator's token",
            zh="快照编号（写末几位即可）、号牌，或者驾驶人、企业标识的前几位",
        ),
    ],
    as_of: Annotated[str | None, AS_OF] = None,
    base: Annotated[Base | None, BASE] = None,
    reveal: Annotated[bool, REVEAL] = False,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from hefu.commands.accumulate_shown import say_one, subject_json
    from hefu.commands.pipeline import node_extra

    with node_extra():
        from flows.accumulation_shown import look_at

        here, now = open_node(ctx, node), datetime.now(UTC)
        day = date_of("--as-of", as_of) if as_of else None
        looked = look_at(here, wanted, now, day, _base(base))
    _warn(reveal=reveal)
    (a,) = looked.reckoned.accumulations.all()
    snapshot = looked.snapshot
    if as_json:
        written = None if snapshot is None else {
            "no": snapshot.snapshot_no,
            "time": snapshot.snapshot_time,
            "result": snapshot.accumulation_result,
            "change": snapshot.snapshot_change,
            "record_ids": list(snapshot.hit_record_ids),
        }  # fmt: skip
        say_json(subject_json(looked.reckoned, a, reveal=reveal) | {"written": written})
        return
    if snapshot is not None:
        _say_snapshot(snapshot.snapshot_no, len(snapshot.hit_record_ids), snapshot.snapshot_change)
    say_one(looked.reckoned, a, _agencies(here, now), reveal=reveal)


_CHANGES = {
    "crossed": ("the limit was exceeded", "首次超过限值"),
    "more": ("further cases came", "又有新的案件"),
    "corrected": ("cases were corrected; still exceeded", "案件更正后仍超过"),
    "below": ("cases were corrected; no longer exceeded", "案件更正后不再超过"),
}


def _say_snapshot(no: str, cases: int, change: str | None) -> None:
    en, zh = _CHANGES.get(change or "", ("", ""))
    say_data(
        tr(
            f"snapshot {no}: {en}, {cases} cases listed. As known now:",
            f"快照 {no}：{zh}，列入 {cases} 件。按目前掌握的数据：",
        )
    )


def _agencies(here: Node, now: datetime) -> dict[str, str]:
    from exchange.agreement.versions import in_force

    names = {p.code: p.name for a in in_force(here.agreements(), now) for p in a.parties}
    return names | {here.agency.code: here.agency.name}


def run(
    ctx: typer.Context,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from hefu.commands.pipeline import node_extra

    with node_extra():
        from flows.accumulating import accumulate_and_refer

        here = open_node(ctx, node)
        made = accumulate_and_refer(here, datetime.now(UTC))
    if as_json:
        say_json(_made_json(made))
    else:
        _say_made(made)
    if made.needs_a_person:
        raise typer.Exit(_NEEDS_A_PERSON)


def _made_json(made: Accumulated) -> dict[str, Any]:
    return {
        "written": [
            {
                "no": w.no,
                "change": w.news.change,
                "kind": w.news.accumulation.kind,
                "count": w.news.accumulation.count,
            }
            for w in made.written
        ],
        "referred": [
            {
                "snapshot": o.chosen.candidate.no,
                "to_org": o.chosen.rule.to_org,
                "matter": o.matter.key.no if o.matter else None,
            }
            for o in made.opened
        ],
        "not_referred": [
            {"snapshot": s.left.candidate.no, "reason": s.left.reason} for s in made.stayed
        ],
        "withdrawn": [m.key.no for m in made.withdrawn],
        "too_late_to_withdraw": [
            {"snapshot": t.no, "matter": t.matter.key.no, "state": t.matter.state_name}
            for t in made.too_late
        ],
    }


def _say_made(made: Accumulated) -> None:
    from hefu.commands.accumulate_shown import KINDS, limit_of, say_coverage

    for w in made.written:
        en, zh = _CHANGES[w.news.change]
        a = w.news.accumulation
        say_data(
            tr(
                f"{w.no}  {KINDS[a.kind]}: {en}; {a.count}, limit {limit_of(a)}",
                f"{w.no}  {KINDS[a.kind]}：{zh}；计 {a.count}，限值 {limit_of(a)}",
            )
        )
    if not made.written:
        say(tr("nothing is new", "没有新的累计结果"))
    for o in made.opened:
        no = o.matter.key.no if o.matter else "–"
        say_data(
            tr(
                f"{o.chosen.candidate.no} referred to {o.chosen.rule.to_org}: {no}",
                f"{o.chosen.candidate.no} 已抄告 {o.chosen.rule.to_org}：{no}",
            )
        )
    for m in made.withdrawn:
        say_data(tr(f"{m.key.no} withdrawn", f"{m.key.no} 已撤回"))
    for s in made.stayed:
        say_warning(
            tr(
                f"{s.left.candidate.no} could not be referred: {s.left.words.en}",
                f"{s.left.candidate.no} 未能抄告：{s.left.words.zh}",
            ),
            hint=tr(
                f"refer it by hand: hefu refer send {s.left.candidate.no} --to CODE",
                f"手工抄告：hefu refer send {s.left.candidate.no} --to 机关代码",
            ),
        )
    for t in made.too_late:
        say_warning(
            tr(
                f"{t.no} no longer exceeds the limit, but {t.matter.key.no} can't be withdrawn any "
                f"more ({t.matter.state.label.en}): tell that office today",
                f"{t.no} 已不再超过限值，但 {t.matter.key.no}（{t.matter.state.label.zh}）"
                "已不能撤回：请今天就告知对方机关",
            )
        )
    say_coverage(made.coverage)
