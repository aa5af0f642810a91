"""How a row of law becomes a soft rule: its id, its place and day in SQL, its words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from schemas.contract import Rule
from schemas.rule_entries import Entry
from schemas.rulepack import RulePack, in_force_sql
from schemas.sql import literal
from schemas.text import Text

E = TypeVar("E", bound=Entry)

#: The place whose law says how an agency proceeds: its own. Always there.
PLACE = "division_code"
#: Fields of the place of the act, whose law says what is punished and how much (art. 22).
ACT_PLACE_FIELDS = ("violation_division_code", PLACE)
#: The agency's own place where the record names none; NULL for what is no code of GB/T 2260, so
#: that the law of a place which could not be read is not taken to be the country's.
ACT_PLACE = (
    f"CASE WHEN regexp_full_match(coalesce(violation_division_code, {PLACE}), '[0-9]{{6}}') "
    f"THEN coalesce(violation_division_code, {PLACE}) END"
)

_UNVERIFIED = Text(en=" (number not verified)", zh="（数值待核实）")


@dataclass(frozen=True, slots=True)
class Draft:
    """A rule, and the rows of law that it is made of."""

    rule: Rule
    rows: tuple[Entry, ...]


def rule_id(pack: RulePack, name: str, starts: Iterable[date], start: date) -> str:
    """``law:<pack>:<name>``, with the date for every version but the oldest."""
    plain = f"law:{pack.name}:{name}"
    return plain if start == min(starts) else f"{plain}:{start}"


def territory_sql(
    pack: RulePack,
    packs: Sequence[RulePack],
    rows_of: Callable[[RulePack], Sequence[Entry]],
    day: str,
    place: str = PLACE,
) -> str:
    """Whether a record's place is under ``pack``, and no more specific pack has a row of its own.

    ``day``: DATE expression; the more specific rows must be in force on it. ``place``: VARCHAR
    expression, a code of GB/T 2260.
    """
    here = _starts_with(pack.divisions, place)
    tests = [here] if here else []
    mine = next((at for at, other in enumerate(packs) if other is pack), len(packs))
    for at, other in enumerate(packs):
        if other is pack or not _within(other, pack, later=at > mine):
            continue
        rows = [row for row in rows_of(other) if row.withdrawn is None]
        if rows:
            times = " OR ".join(f"({in_force_sql(row, day)})" for row in rows)
            tests.append(f"NOT ({_starts_with(other.divisions, place)} AND ({times}))")
    return " AND ".join(tests) or "TRUE"


def law_rule(
    *,
    rule_id: str,
    fields: Sequence[str],
    violation_sql: str,
    message: Text,
    hint: Text,
    rows: Sequence[Entry],
    doubt: bool = True,
) -> Draft:
    """A soft rule over those of ``fields`` that its SQL names.

    Its message names the articles, and says if a number is unverified unless it does so itself
    (``doubt`` False). The hint does not repeat them.
    """
    articles = list(dict.fromkeys(row.article for row in rows))
    shown = [article.removeprefix("中华人民共和国") for article in articles]
    said = _UNVERIFIED if doubt and not all(row.verified for row in rows) else Text("", "")
    return Draft(
        rule=Rule(
            rule_id=rule_id,
            kind="sql",
            severity="soft",
            # A rule of the whole country does not look at the place.
            fields=tuple(f for f in fields if re.search(rf"\b{f}\b", violation_sql)),
            violation_sql=violation_sql,
            params={},
            message=Text(
                en=f"{message.en}{said.en}: {'; '.join(shown)}",
                zh=f"{message.zh}{said.zh}：{'；'.join(shown)}",
            ),
            hint=hint,
            source="；".join(articles),
        ),
        rows=tuple(rows),
    )


def days_in_force_sql(start: date, end: date | None, day: str) -> str:
    """Whether a DATE expression lies from ``start`` until before ``end``."""
    return f"{day} >= DATE '{start}'" + (f" AND {day} < DATE '{end}'" if end else "")


def values_sql(values: Iterable[str]) -> str:
    """Literals for IN or a list."""
    return ", ".join(literal(v) for v in values)


def live(rows: Iterable[E]) -> tuple[E, ...]:
    """Rows that were not withdrawn."""
    return tuple(row for row in rows if row.withdrawn is None)


def _starts_with(prefixes: Sequence[str], place: str) -> str:
    tests = " OR ".join(f"starts_with({place}, {literal(p)})" for p in prefixes)
    return f"({tests})" if tests else ""


def _within(inner: RulePack, outer: RulePack, *, later: bool) -> bool:
    """Whether ``inner`` goes before ``outer``, as :func:`schemas.rulepack.packs_of` orders them."""
    if not inner.divisions:
        return False
    return not outer.divisions or any(
        i.startswith(o) and (later or i != o) for i in inner.divisions for o in outer.divisions
    )
