"""``hefu rules``: the law that records are judged by, and computing with it.

Needs no node. Inside one, its own rule packs and working days count, too.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from hefu.commands.options import (
    JSON,
    NODE,
    add_command,
    add_group,
    argument,
    date_of,
    option,
)
from hefu.commands.rules_asked import (
    DIVISION,
    ON,
    ReadAs,
    calendar_here,
    day_of,
    division_of,
    packs_here,
    reading_of,
)
from hefu.commands.rules_text import (
    assessment_json,
    basis_json,
    content,
    entry_json,
    say_assessment,
    say_basis,
    say_entry,
    say_limit,
    verified,
)
from hefu.terminal import say, say_data, say_json, say_table, tr
from schemas.errors import ConfigError
from schemas.text import Text

if TYPE_CHECKING:
    from schemas.law.calendar import RollOver
    from schemas.law.overload import Limit
    from schemas.rulepack import RulePack


class Configuration(StrEnum):
    """What 62号令 art. 3 tells apart."""

    truck = "truck"
    train = "train"
    train_single_drive = "train-single-drive"


def add_to(app: typer.Typer) -> None:
    group = add_group(
        app,
        "rules",
        en="The law that records are judged by, and computing with it.\n\n"
        "Needs no node; inside one, its own rule packs and working days count, too.",
        zh="核对记录所依据的法律规定，并据以计算。\n\n"
        "不需要节点；在节点目录中运行时，一并适用本单位的规则包和日历。",
    )
    add_command(
        group,
        list_,
        "list",
        en="List the rows of law in force: numbers, tables, conditions, each with its article.\n\n"
        "A row marked unverified has not been compared with the promulgated text.",
        zh="列出生效的规则：数值、表格、条件，逐条注明依据。\n\n标为“待核实”的尚未与公布的文本核对。",
    )
    add_command(
        group,
        show,
        "show",
        en="Show every version of one row of law, with its words.",
        zh="显示某条规则的全部版本及条文。",
    )
    add_command(
        group,
        overload,
        "overload",
        en="Compute the limit, the excess and the fine for a weight, by each jurisdiction's "
        "tariff.",
        zh="按各地标准计算限值、超限量和罚款。",
    )
    add_command(
        group,
        deadline,
        "deadline",
        en="The last day of a period. Provisional where no holiday notice covers a day yet.",
        zh="计算期限届满日。涉及尚未公布节假日安排的日期时，结果为暂定。",
    )
    add_command(
        group,
        limitation,
        "limitation",
        en="Until when an act may still be punished.",
        zh="计算行政处罚的追究时效。",
    )


def list_(
    ctx: typer.Context,
    on: Annotated[str | None, ON] = None,
    division: Annotated[str, DIVISION] = "",
    find: Annotated[
        str | None,
        option(
            "--find",
            metavar="WORD",
            en="only rows with WORD in their name, article or words, or in the cause that they "
            "are about",
            zh="只列出名称、依据、条文或者所涉案由中含有该词的规则",
        ),
    ] = None,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from hefu.commands.rules_text import speaks_of
    from schemas.rule_entries import Entry
    from schemas.rulepack import packs_of

    day, packs = day_of(on), packs_of(division_of(division), packs_here(ctx, node))
    found = [
        (p, e)
        for p in packs
        for e in p.entries(Entry, on=day)
        if find is None or speaks_of(e, find)
    ]
    if as_json:
        say_json([entry_json(pack, entry) for pack, entry in found])
        return
    say_table(
        [
            tr("name", "名称"),
            tr("pack", "规则包"),
            tr("what it says", "内容"),
            tr("from", "起"),
            tr("article", "依据"),
            tr("verified", "核实"),
        ],
        [
            (e.name, p.version, content(e), str(e.valid_from), e.article, verified(e))
            for p, e in found
        ],
        empty=tr(f"no rule is in force on {day}", f"{day} 没有生效的规则")
        if find is None
        else tr(
            f"no rule in force on {day} speaks of {find}; the packs hold no whole law",
            f"{day} 生效的规则中没有涉及“{find}”的；规则包并未收录全部法律",
        ),
    )


def _cause(name: str) -> Text | None:
    """Where to look for the law of a cause of action, if ``name`` is one."""
    from schemas.codes import canonical

    if name not in {row.code for row in canonical("case_cause")}:
        return None
    return Text(
        en=f"it is a cause; what is said of it: hefu rules list --find {name}",
        zh=f"这是案由；涉及它的规则：hefu rules list --find {name}",
    )


def show(
    ctx: typer.Context,
    name: Annotated[str, argument("NAME", en="name of the row", zh="规则名称")],
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from schemas.rule_entries import Entry

    every = [(pack, entry) for pack in packs_here(ctx, node) for entry in pack.entries(Entry)]
    found = [(pack, entry) for pack, entry in every if entry.name == name]
    if not found:
        from schemas.contract import did_you_mean

        raise ConfigError(
            Text(en=f"there is no rule {name}", zh=f"没有名为 {name} 的规则"),
            hint=_cause(name)
            or did_you_mean(name, {entry.name for _, entry in every})
            or Text(
                en=f"see hefu rules list, or hefu rules list --find {name}",
                zh=f"请用 hefu rules list 或者 hefu rules list --find {name} 查看",
            ),
        )
    if as_json:
        say_json([entry_json(pack, entry) for pack, entry in found])
        return
    for pack, entry in found:
        say_entry(pack, entry)


def overload(  # noqa: PLR0913 (a command's arguments are its words)
    ctx: typer.Context,
    weight_kg: Annotated[
        int,
        option(
            "--weight-kg",
            metavar="KG",
            en="mass of vehicle and load in kg",
            zh="车货总质量（千克）",
            min=0,
            max=1_000_000,
        ),
    ],
    axles: Annotated[
        int, option("--axles", metavar="N", en="number of axles", zh="轴数", min=2, max=100)
    ],
    division: Annotated[str, DIVISION] = "",
    on: Annotated[
        str | None,
        option(
            "--on",
            metavar="DATE",
            en="the day of the act (default: today)",
            zh="违法行为发生之日（默认今天）",
        ),
    ] = None,
    configuration: Annotated[
        Configuration | None,
        option(
            "--configuration",
            metavar="[truck|train|train-single-drive]",
            en="needed for three and four axles; train-single-drive: the tractor has one "
            "driving axle",
            zh="货车 truck、汽车列车 train，三轴、四轴时必填；牵引车驱动轴为单轴的写 "
            "train-single-drive",
        ),
    ] = None,
    limit_kg: Annotated[
        int | None,
        option(
            "--limit-kg",
            metavar="KG",
            en="another limit than that of the axles, for instance a permit's",
            zh="不按轴数而另有限值（如通行证载明）",
            min=1,
            max=1_000_000,
        ),
    ] = None,
    read_as: Annotated[
        ReadAs | None,
        option(
            "--read-as",
            metavar="[floor-limit|floor-free|ceil-limit|ceil-free]",
            en="another reading of 'per 1000 kg': a step that is not full counts nothing (floor) "
            "or as one (ceil); steps begin at the limit or where the warning ends (free)",
            zh="对“每超1000千克”的另一种理解：不足一档的不计（floor）或按一档计（ceil）；"
            "从限值起算（limit）或从予以警告的上限起算（free）",
        ),
    ] = None,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from schemas.law.overload import fine

    day, place, packs = day_of(on), division_of(division), packs_here(ctx, node)
    found = None if limit_kg is not None else _limit_of(axles, place, day, configuration, packs)
    limit = limit_kg if found is None else found.limit_kg
    assessments = fine(weight_kg, limit or 0, place, day, reading=reading_of(read_as), packs=packs)
    if as_json:
        say_json(
            {
                "on": day.isoformat(),
                "division": place or None,
                "limit_kg": limit,
                "limit_basis": basis_json(found.basis) if found else None,
                "assessments": [assessment_json(a) for a in assessments],
            }
        )
        return
    say_limit(assessments[0], found)
    for assessment in assessments:
        say_assessment(assessment)


def deadline(
    ctx: typer.Context,
    from_: Annotated[
        str,
        option("--from", metavar="DATE", en="the day of the event", zh="起算事件发生之日"),
    ],
    working_days: Annotated[
        int | None,
        option("--working-days", metavar="N", en="working days after it", zh="工作日数", min=0),
    ] = None,
    days: Annotated[
        int | None,
        option("--days", metavar="N", en="natural days after it", zh="自然日数", min=0),
    ] = None,
    roll_over: Annotated[
        bool,
        option(
            "--roll-over",
            en="with --days: move a last day of rest to the next working day",
            zh="与 --days 同用：届满日为休息日的，顺延至下一工作日",
        ),
    ] = False,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from schemas.law.calendar import add_natural_days, add_working_days

    start, calendar = date_of("--from", from_), calendar_here(ctx, node)
    if (working_days is None) == (days is None):
        raise ConfigError(
            Text(
                en="say either --working-days or --days",
                zh="请在 --working-days 与 --days 中选用一个",
            )
        )
    if working_days is not None:
        found = add_working_days(start, working_days, calendar)
    else:
        moved: RollOver = "next_working_day" if roll_over else "none"
        found = add_natural_days(start, days or 0, moved, calendar)
    if as_json:
        say_json(
            {
                "from": start.isoformat(),
                "day": found.day.isoformat(),
                "provisional": found.provisional,
                "calendar_version": found.calendar_version,
            }
        )
        return
    say_data(found.day.isoformat())
    say(tr(f"calendar: {found.calendar_version}", f"日历版本：{found.calendar_version}"))
    if found.provisional:
        say(
            tr(
                "provisional: no holiday notice covers all of these days yet; compute it again "
                "when there is one",
                "暂定：其中有的日期尚无节假日安排通知，公布后请重新计算",
            )
        )


def limitation(
    ctx: typer.Context,
    ended: Annotated[
        str,
        option(
            "--ended",
            metavar="DATE",
            en="the day of the act; of one that went on, the day of its end",
            zh="违法行为发生之日；有连续或者继续状态的，为行为终了之日",
        ),
    ],
    on: Annotated[
        str | None,
        option(
            "--on",
            metavar="DATE",
            en="the day of discovery (default: today)",
            zh="发现之日（默认今天）",
        ),
    ] = None,
    grave: Annotated[
        bool,
        option(
            "--grave",
            en="it concerns life, health or financial safety, and harm was done",
            zh="涉及公民生命健康安全、金融安全且有危害后果",
        ),
    ] = False,
    division: Annotated[str, DIVISION] = "",
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from schemas.law.limitation import limitation as limitation_of

    day, packs = day_of(on), packs_here(ctx, node)
    last = date_of("--ended", ended)
    found = limitation_of(last, division_of(division), day, grave=grave, packs=packs)
    passed = found.passed_on(day)
    if as_json:
        say_json(
            {
                "ended": found.ended.isoformat(),
                "last_day": found.last_day.isoformat(),
                "years": found.years,
                "on": day.isoformat(),
                "passed": passed,
                "bases": [basis_json(basis) for basis in found.bases],
            }
        )
        return
    say_data(
        tr(
            f"last day: {found.last_day} ({found.years} years); on {day}: "
            + ("passed" if passed else "not passed"),
            f"届满日：{found.last_day}（{found.years} 年）；{day} 发现："
            + ("已过时效" if passed else "未过时效"),
        )
    )
    for basis in found.bases:
        say_basis(basis)


def _limit_of(
    axles: int,
    place: str,
    day: date,
    configuration: Configuration | None,
    packs: tuple[RulePack, ...],
) -> Limit:
    from schemas.law.overload import limit

    if configuration is Configuration.train_single_drive:
        return limit(axles, place, day, configuration="train", drive="single_axle", packs=packs)
    if configuration is None:
        return limit(axles, place, day, packs=packs)
    kind: Literal["truck", "train"] = "truck" if configuration is Configuration.truck else "train"
    return limit(axles, place, day, configuration=kind, packs=packs)
