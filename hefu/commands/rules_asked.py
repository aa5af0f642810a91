"""What the commands of ``hefu rules`` are asked by: a day, a place, a reading, and the law here."""

from __future__ import annotations

from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from hefu.commands.options import date_of, node_if_any, option
from hefu.terminal import CST
from schemas.errors import ConfigError
from schemas.text import Text

if TYPE_CHECKING:
    from schemas.law.calendar import Calendar
    from schemas.law.overload import Reading
    from schemas.rulepack import RulePack

ON = option(
    "--on", metavar="DATE", en="the law of this day (default: today)", zh="按此日的法律（默认今天）"
)
DIVISION = option(
    "--division",
    metavar="CODE",
    en="GB/T 2260 code of the place; without it the law of the whole country",
    zh="地点的行政区划代码（GB/T 2260）；不写则按全国的规定",
)


class ReadAs(StrEnum):
    """How a step that is not full counts, and where steps begin."""

    floor_limit = "floor-limit"
    floor_free = "floor-free"
    ceil_limit = "ceil-limit"
    ceil_free = "ceil-free"


def packs_here(ctx: typer.Context, given: Path | None) -> tuple[RulePack, ...]:
    """The installed packs, and the node's own where there is a node."""
    from schemas.rulepack import rule_packs

    here = node_if_any(ctx, given)
    return rule_packs() if here is None else here.rule_packs()


def calendar_here(ctx: typer.Context, given: Path | None) -> Calendar | None:
    """The node's calendar; None for the installed one."""
    here = node_if_any(ctx, given)
    return None if here is None else here.calendar()


def day_of(on: str | None) -> date:
    """The day that ``--on`` says, else today in China. Raises :class:`ConfigError`."""
    return datetime.now(UTC).astimezone(CST).date() if on is None else date_of("--on", on)


def division_of(code: str) -> str:
    """A division's code as given, or nothing. Raises :class:`ConfigError`."""
    if code and not (code.isascii() and code.isdigit() and len(code) == 6):
        raise ConfigError(
            Text(en="--division: not a code of GB/T 2260", zh="--division：不是行政区划代码"),
            hint=Text(en="six digits, for instance 330523", zh="六位数字，例如 330523"),
        )
    return code


def reading_of(read_as: ReadAs | None) -> Reading:
    """What the library calls it; for None the packs' own reading."""
    from schemas.law.overload import Reading

    match read_as:
        case None:
            return Reading()
        case ReadAs.floor_limit:
            return Reading("floor", "limit")
        case ReadAs.floor_free:
            return Reading("floor", "free")
        case ReadAs.ceil_limit:
            return Reading("ceil", "limit")
        case ReadAs.ceil_free:
            return Reading("ceil", "free")
