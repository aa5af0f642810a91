"""The tree of administrative divisions, and the lowest superior that agencies have in common.

The tree is in the codes themselves (GB/T 2260: two digits each for province, city, county), but for
municipalities (their districts are directly below them) and counties that a province administers
itself (90 in the middle). A code of another time is first followed to the one of the day by the
dated history of ``schemas/codes/division.csv``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Literal

from schemas.codes import CANONICAL, CodeRow, all_codes
from schemas.errors import ConfigError
from schemas.text import Text

Level = Literal["nation", "province", "city", "county"]

NATION = "000000"
MUNICIPALITIES = frozenset({"11", "12", "31", "50"})
#: In the middle of a code: a county that no city stands between it and its province.
_DIRECT = "90"
_LIST = "division"
_MOST_CHANGES = 9


@dataclass(frozen=True, slots=True)
class Division:
    """A division of a day. ``told``: the code as it was given; ``known``: the list has it."""

    told: str
    code: str
    level: Level
    label: Text
    known: bool

    @property
    def has_changed(self) -> bool:
        return self.told != self.code


@dataclass(frozen=True, slots=True)
class Superior:
    """Who may designate. ``body``: whose agency it is, in words.

    ``divisions``: those asked about, in their order. ``within``: one of them lies within another,
    or they are of one place, so that the tree alone does not settle who the superior is.
    """

    level: Level
    division: str
    label: Text
    body: Text
    divisions: tuple[Division, ...]
    within: bool


def division_on(told: str, on: date) -> Division:
    """The division that a code means on a day. Raises ``ConfigError`` for what is no code."""
    if len(told) != 6 or not (told.isascii() and told.isdigit()):
        raise ConfigError(
            Text(en="a division code has six digits", zh="行政区划代码应为6位数字"),
            hint=Text(
                en="write it as in GB/T 2260, for example 341822",
                zh="请按 GB/T 2260 填写，如 341822",
            ),
        )
    code = _followed(told, on)
    row = _labels().get(code)
    label = Text(en=row.label_en, zh=row.label_zh) if row else Text(en=code, zh=code)
    if code == NATION:
        label = Text(en="the whole country", zh="全国")
    return Division(told, code, _level(code), label, row is not None)


def chain(code: str) -> tuple[str, ...]:
    """A division and all above it, up to :data:`NATION`."""
    province, city = code[:2] + "0000", code[:4] + "00"
    steps = [code]
    if code[4:] != "00" and code[:2] not in MUNICIPALITIES and code[2:4] != _DIRECT:
        steps.append(city)
    return tuple(dict.fromkeys([*steps, province, NATION]))


def is_within(place: str, territory: str, on: date) -> bool:
    """Whether a place lies in a territory; both as they are called on that day."""
    return _followed(territory, on) in chain(_followed(place, on))


def common_superior(codes: Sequence[str], on: date) -> Superior:
    """The lowest level above all of these divisions: the superior of agencies of that level.

    A county and the city that it belongs to have the province in common: the city's own agency
    can't decide a dispute of its own. Agencies of one and the same place have its people's
    government in common. Raises ``ConfigError`` for what is no code, and for none.
    """
    if not codes:
        raise ConfigError(
            Text(en="no division was given", zh="没有给出行政区划代码"),
            hint=Text(en="give two or more codes", zh="请给出两个以上代码"),
        )
    divisions = tuple(division_on(code, on) for code in codes)
    chains = [chain(d.code) for d in divisions]
    distinct = {d.code for d in divisions}
    if len(distinct) == 1:
        found = chains[0][0]
    else:
        above = set.intersection(*(set(c[1:]) | ({NATION} & set(c)) for c in chains))
        found = next(code for code in chains[0] if code in above)
    within = len(distinct) == 1 or any(
        a.code != b.code and a.code in chain(b.code) for a in divisions for b in divisions
    )
    label = division_on(found, on).label
    body = _body(found, label, is_one_place=len(distinct) == 1)
    return Superior(_level(found), found, label, body, divisions, within)


def _body(code: str, label: Text, *, is_one_place: bool) -> Text:
    if is_one_place and code != NATION:
        return Text(en=f"the people's government: {label.en}", zh=f"{label.zh}人民政府")
    if code == NATION:
        return Text(en="Ministry of Transport", zh="交通运输部")
    return Text(en=f"the transport authority: {label.en}", zh=f"{label.zh}交通运输主管部门")


def _level(code: str) -> Level:
    if code == NATION:
        return "nation"
    if code.endswith("0000"):
        return "province"
    return "city" if code.endswith("00") else "county"


def _followed(told: str, on: date) -> str:
    """The code of that day, through every change that was in force by then."""
    code = told
    for _ in range(_MOST_CHANGES):
        row = _changes().get(code)
        if row is None or (row.valid_from is not None and row.valid_from > on):
            break
        code = row.code
    return code


@cache
def _changes() -> Mapping[str, CodeRow]:
    rows = (r for r in all_codes()[_LIST] if r.scheme == "history" and r.code != r.raw)
    return {row.raw: row for row in rows}


@cache
def _labels() -> Mapping[str, CodeRow]:
    return {row.code: row for row in all_codes()[_LIST] if row.scheme == CANONICAL}


def spoken(divisions: Sequence[Division]) -> list[Text]:
    """What to know about the codes: those that changed, and those that the list does not have."""
    told = [
        Text(
            en=f"{d.told} is {d.code} ({d.label.en}) on that day",
            zh=f"{d.told} 在该日的代码为 {d.code}（{d.label.zh}）",
        )
        for d in divisions
        if d.has_changed
    ]
    unknown = [
        Text(
            en=f"{d.told} is not in the list of divisions; its place in the tree is read from its "
            "digits alone",
            zh=f"行政区划代码表中没有 {d.told}，其上级仅按代码各位推定",
        )
        for d in divisions
        if not d.known and d.code != NATION
    ]
    return told + unknown
