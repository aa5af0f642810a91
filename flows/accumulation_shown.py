"""One subject or one snapshot looked at closely: every case of it, counted or not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from cooperation.accumulation.accumulate import Asked, accumulate
from cooperation.accumulation.judging import KEY_COLUMN
from cooperation.accumulation.law import KINDS, Base
from cooperation.procedures.clocks import CHINA
from flows.accumulation_cases import CASES, LICENCES, CaseView, Reckoned, case_view, exact_pairs
from flows.accumulation_cases import reckoned as with_names
from flows.accumulation_snapshots import (
    Snapshot,
    Subject,
    by_subject,
    find_snapshot,
    newest,
)
from hefu.node import Node
from schemas.errors import ConfigError
from schemas.identities import plate
from schemas.text import Text

if TYPE_CHECKING:
    import duckdb

#: So many characters of a token tell one subject from another on a screen.
SHORT = 12
_LEAST = 6


@dataclass(frozen=True, slots=True)
class Looked:
    """``snapshot``: what was written down, if a snapshot was asked for; ``reckoned``: the same
    window by what is known now."""

    reckoned: Reckoned
    snapshot: Snapshot | None = None


def look_at(
    node: Node, wanted: str, now: datetime, as_of: date | None = None, base: Base | None = None
) -> Looked:
    """``wanted``: a snapshot's number or its end, a plate (with ``/colour`` if there are several),
    or the beginning of a driver's or operator's token.

    Raises ``ConfigError`` if nobody, or more than one, is meant.
    """
    with case_view(node, now) as view:
        snapshot = find_snapshot(view.con, node, wanted)
        if snapshot is not None:
            (subject,) = by_subject(view.con, newest([snapshot]))
            day = as_of or snapshot.window_end_date
            chosen = base or newest([snapshot])[0].base
            return Looked(_count(node, view, subject, day, chosen, now), snapshot)
        subject = _subject(view.con, wanted)
        day = as_of or now.astimezone(CHINA).date()
        return Looked(_count(node, view, subject, day, base, now))


def _count(
    node: Node, view: CaseView, subject: Subject, day: date, base: Base | None, now: datetime
) -> Reckoned:
    asked = Asked(
        kinds=(subject[0],),
        licences=LICENCES,
        same_act=exact_pairs,
        subjects={subject[0]: [subject[1]]},
        decided_by=now.astimezone(CHINA).date(),
    )
    found = accumulate(
        view.con, CASES, node.rule_packs(), node.agency.division_code, day, base, asked
    )
    return with_names(node, view, found)


def _subject(con: duckdb.DuckDBPyConnection, wanted: str) -> Subject:
    found: list[Subject] = []
    written, _, colour = wanted.partition("/")
    for kind in KINDS:
        column = KEY_COLUMN[kind]
        start = f"{plate(written) or written}/{colour}" if kind == "vehicle" else _token(wanted)
        if start is None:
            continue
        rows = con.execute(
            f"SELECT DISTINCT {column} FROM {CASES} WHERE record_type = 'case_result' "
            f"AND starts_with({column}, ?) LIMIT 2",
            [start],
        ).fetchall()
        found += [(kind, row[0]) for row in rows]
    if len(found) == 1:
        return found[0]
    if found:
        raise ConfigError(
            Text(en="more than one subject is meant", zh="符合条件的对象不止一个"),
            hint=Text(
                en="write a plate with its colour, as PLATE/yellow, or more of the token",
                zh="号牌请连同颜色一起写（如 号牌/yellow），或者多写几位标识",
            ),
        )
    raise ConfigError(
        Text(
            en="no case in the answered sources is of that subject, and no snapshot has that "
            "number",
            zh="已答复的来源中没有该对象的案件，也没有使用该编号的快照",
        ),
        hint=Text(
            en="see hefu accumulate for numbers and tokens; a plate is written in full",
            zh="编号和标识见 hefu accumulate；号牌请写完整",
        ),
    )


def _token(wanted: str) -> str | None:
    digits = wanted.removeprefix("hs256:")
    return f"hs256:{digits}" if len(digits) >= _LEAST and digits.isalnum() else None
