"""Values as a Chinese official document writes them."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

CHINA = ZoneInfo("Asia/Shanghai")
_DIGITS = "〇一二三四五六七八九"
#: To be filled by hand.
LINE = "＿＿＿＿＿＿＿＿"
#: Longer texts are cut nowhere; what XML cannot hold is taken out.
_KEPT_CONTROLS = "\n\t"


class Blank(str):
    """A line to fill by hand; false, so that a template can ask whether there is a value."""

    __slots__ = ()

    def __new__(cls) -> Blank:
        return super().__new__(cls, LINE)

    def __bool__(self) -> bool:
        return False


def day_in_numerals(day: date) -> str:
    """``二〇二六年十一月二十二日``."""
    year = "".join(_DIGITS[int(digit)] for digit in f"{day.year:04d}")
    return f"{year}年{_below_hundred(day.month)}月{_below_hundred(day.day)}日"


def _below_hundred(number: int) -> str:
    tens, ones = divmod(number, 10)
    if not tens:
        return _DIGITS[ones]
    return ("" if tens == 1 else _DIGITS[tens]) + "十" + (_DIGITS[ones] if ones else "")


def day_in_figures(day: date) -> str:
    """``2026年11月22日``, as GB/T 9704-2012 asks of the date of a document."""
    return f"{day.year}年{day.month}月{day.day}日"


def in_words(value: object, labels: Mapping[str, str] | None = None) -> str:
    """A value of a record as text; empty if there is none.

    ``labels``: of the codes of its list. Times are given in China's time; of midnight only the day.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, (list, tuple)):
        return "、".join(part for part in (in_words(v, labels) for v in value) if part)
    if isinstance(value, datetime):
        return _moment(value)
    if isinstance(value, date):
        return day_in_figures(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    text = clean(str(value))
    return (labels or {}).get(text, text)


def _moment(value: datetime) -> str:
    here = value.astimezone(CHINA)
    if (here.hour, here.minute) == (0, 0):
        return day_in_figures(here.date())
    return f"{day_in_figures(here.date())}{here.hour}时{here.minute:02d}分"


def clean(text: str) -> str:
    """NFC, without what an XML document can't hold and without marks that turn a line round."""
    whole = unicodedata.normalize("NFC", text).strip()
    return "".join(c for c in whole if c in _KEPT_CONTROLS or _holds(c))


def _holds(char: str) -> bool:
    steers = char in "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    lone = 0xD800 <= ord(char) <= 0xDFFF or ord(char) & 0xFFFE == 0xFFFE
    return unicodedata.category(char) != "Cc" and not steers and not lone
