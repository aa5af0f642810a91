"""A cell's value as text: what the workbook holds, never what a column width or colour shows.

Numbers: in full, without exponent, at most 15 significant digits. That is all that Excel and
WPS keep and show; a sixteenth digit is either lost or the noise of a formula. So an integer of
16 digits and more (an identity number that was typed as a number) can't be trusted:
``read:precision``. A format of zeros only (``000000``) is what the number is read with.

Dates: a number with a date's format, in the workbook's system of 1900 or 1904, as ISO 8601.
A day has no time of its own unless the format or the value has one; 1900-02-29, which only
Lotus 1-2-3 knew, and numbers outside 0001..9999 are no dates: ``read:cell``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Literal, NamedTuple, TypeAlias

MAX_ROWS = 1 << 20
MAX_COLUMNS = 1 << 14
MAX_MERGES = 200_000
MAX_DIGITS = 15
_SMALLEST = -400
"""No program keeps a number below 1e-308, and 1e-999999999 written out fills the memory."""
_ERROR = re.compile(r"#[A-Z0-9/_]{2,19}[!?]?")
_DAY_MS = 86_400_000
_LAST_DAY = 2_958_465
"""9999-12-31 in the system of 1900."""


class Value(str):
    """The text of a number, a date or a truth value: not typed as a text."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Bad:
    """A cell whose value can't be had. ``why`` follows the cell's name in a sentence."""

    rule_id: str
    why: str


Cell: TypeAlias = str | Bad


class Row(NamedTuple):
    """``number`` as the program shows it; ``cells`` by column from 1, empty ones left out."""

    number: int
    cells: dict[int, Cell]


class Merge(NamedTuple):
    """Merged cells, from 1, both ends included; the top left one holds the value."""

    top: int
    left: int
    bottom: int
    right: int


def overlap(merges: Iterable[Merge]) -> bool:
    """Whether merged cells that all touch one row can't lie beside each other in it."""
    return sum(m.right - m.left + 1 for m in merges) > MAX_COLUMNS


Kind = Literal["number", "date", "time", "datetime", "elapsed"]


@dataclass(frozen=True, slots=True)
class Style:
    """How a number is meant. ``width``: of a format of zeros."""

    kind: Kind
    width: int = 0


PLAIN = Style("number")
# ECMA-376 part 1, 18.8.30: the formats that a file names by number alone, with those of zh-CN.
_DAYS = (14, 15, 16, 17, *range(27, 32), 36, *range(50, 55), 57, 58)
_TIMES = (18, 19, 20, 21, 32, 33, 34, 35, 45, 47, 55, 56)
_BUILT_IN = (
    dict.fromkeys(_DAYS, Style("date"))
    | dict.fromkeys(_TIMES, Style("time"))
    | {22: Style("datetime"), 46: Style("elapsed")}
)
_LITERAL = re.compile(r'"[^"]*"|\\.|_.|\*.', re.S)
_ELAPSED = re.compile(r"\[(h+|m+|s+)\]", re.I)
_BRACKETS = re.compile(r"\[[^\]]*\]")
_HALF_DAY = re.compile(r"am/pm|a/p|上午/下午", re.I)


def style_of(number: int, code: str | None) -> Style:
    """From a format's number and its code, which built-in formats may lack."""
    if code is None:
        return _BUILT_IN.get(number, PLAIN)
    shown = _LITERAL.sub("", code.split(";")[0])
    if re.fullmatch("0{2,}", shown):
        return Style("number", len(shown))
    if _ELAPSED.search(shown):
        return Style("elapsed")
    shown, halves = _HALF_DAY.subn("h", _BRACKETS.sub("", shown).lower())
    if "general" in shown or "#" in shown or "?" in shown or re.search(r"e[+-]", shown):
        return PLAIN
    has_time = bool(halves) or "h" in shown or "s" in shown
    has_date = any(c in shown for c in "yde") or "aaa" in shown
    has_date = has_date or ("m" in shown and not has_time)
    if has_date:
        return Style("datetime" if has_time else "date")
    return Style("time") if has_time else PLAIN


def number(text: str, style: Style, *, since_1904: bool = False) -> Cell:
    """The text of a number as the file writes it, by its style."""
    if style.kind != "number":
        return _moment(text, style.kind, since_1904=since_1904)
    plain = len(text) <= MAX_DIGITS and text.isascii() and text.isdigit()
    if plain and (text[0] != "0" or text == "0"):
        return Value(text.zfill(style.width))
    try:
        exact = Decimal(text)
    except InvalidOperation:
        return Bad("read:cell", "holds a number that is none")
    if not exact.is_finite() or (exact and exact.adjusted() < _SMALLEST):
        return Bad("read:cell", "holds a number that is none")
    if abs(exact) >= 10**MAX_DIGITS:
        return Bad(
            "read:precision",
            f"holds a number of more than {MAX_DIGITS} digits, of which the program kept only "
            f"{MAX_DIGITS}: it must be a text",
        )
    if len(exact.as_tuple().digits) > MAX_DIGITS:
        exact = Decimal(format(exact, f".{MAX_DIGITS}g"))
    found = format(exact, "f") if exact else "0"
    if "." in found:
        found = found.rstrip("0").rstrip(".")
    if style.width and found.isdigit():
        found = found.zfill(style.width)
    return Value(found)


def _moment(text: str, kind: Kind, *, since_1904: bool) -> Cell:
    try:
        serial = float(text)
    except ValueError:
        serial = math.nan
    if not 0 <= serial <= _LAST_DAY + 1:  # also not a number at all
        return Bad("read:cell", "has the format of a date, but its number is none")
    day, ms = divmod(round(serial * _DAY_MS), _DAY_MS)
    if kind == "elapsed":
        return Value(_clock(day * _DAY_MS + ms))
    if kind == "time" and day == 0:
        return Value(_clock(ms))
    when = _day(day, since_1904=since_1904)
    if when is None:
        return Bad("read:cell", "has the format of a date, but its number is none")
    if ms == 0 and kind == "date":
        return Value(when.isoformat())
    return Value(f"{when.isoformat()}T{_clock(ms)}")


def _day(day: int, *, since_1904: bool) -> date | None:
    try:
        if since_1904:
            return date(1904, 1, 1) + timedelta(days=day)
        if day in (0, 60):
            return None
        return date(1899, 12, 31 if day < 60 else 30) + timedelta(days=day)
    except OverflowError:
        return None


def _clock(ms: int) -> str:
    seconds, part = divmod(ms, 1000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    clock = f"{hour:02}:{minute:02}:{second:02}"
    return f"{clock}.{part:03}" if part else clock


def clock_text(hours: int, minutes: int, seconds: Decimal) -> Value:
    """A time of day, or a duration of 24 hours and more."""
    return Value(_clock(int((Decimal(hours * 60 + minutes) * 60 + seconds) * 1000)))


def index_of(text: str) -> int | None:
    """A number from 0 as a file counts; None for what is none, or has too many digits."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None


def error(text: str) -> Bad:
    """An error in a cell, by its name (``#N/A``): what else stands there might be a value."""
    return Bad("read:cell", f"holds the error {text if _ERROR.fullmatch(text) else '#?'}")


def column_name(column: int) -> str:
    """``A`` for 1, ``AB`` for 28."""
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def column_number(letters: str) -> int:
    """1 for ``A``; 0 for what is no column."""
    column = 0
    for letter in letters:
        if not "A" <= letter <= "Z":
            return 0
        column = column * 26 + ord(letter) - ord("A") + 1
    return column
