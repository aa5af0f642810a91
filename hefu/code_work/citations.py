"""Which articles of which laws a text names: ``《公路法》第七十六条、第七十七条`` → two of them.

Only to bring texts together that name the same article; what a text means is for a person.
"""

from __future__ import annotations

import re

Article = tuple[str, int]

_LAW = re.compile(
    r"《(?P<quoted>[^《》]{2,60})》|(?P<plain>[一-鿿]{2,40}?(?:条例|规定|办法|规则|法))(?=[（(《第\s]|$)"
)
_ARTICLE = re.compile(r"第([0-9０-９]+|[〇零一二三四五六七八九十百]+)条")
_BRACKETS = re.compile(r"[（(][^（）()]*[）)]")
_STATE = "中华人民共和国"
_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0}


def citations(text: str) -> frozenset[Article]:
    """(law without 中华人民共和国 and year, number of the article) for each that is named.

    An article belongs to the last law named before it; one before any law is left out.
    """
    plain = _BRACKETS.sub("", text.replace(" ", "").replace("　", ""))
    found: set[Article] = set()
    marks = sorted(
        [(m.start(), m.group("quoted") or m.group("plain"), None) for m in _LAW.finditer(plain)]
        + [(m.start(), None, m.group(1)) for m in _ARTICLE.finditer(plain)],
        key=lambda mark: mark[0],
    )
    law = None
    for _, name, number in marks:
        if name is not None:
            law = _short(name)
        elif law is not None and number is not None:
            found.add((law, _number(number)))
    return frozenset(found)


def _short(name: str) -> str:
    return name.lstrip("、，；;和及与").removeprefix(_STATE)


def _number(written: str) -> int:
    if written.isdecimal():
        return int(written)
    total, digit = 0, 0
    for sign in written:
        if sign in _DIGITS:
            digit = _DIGITS[sign]
        else:
            total += (digit or 1) * (100 if sign == "百" else 10)
            digit = 0
    return total + digit
