"""Values as a screen may show them.

Personal and sensitive values are masked wherever people look at rows: samples, quarantine,
reports. What is left is enough to find a fault (a digit too many, a wrong province), not
the person. Identity and mobile numbers are masked wherever they stand, also within a text of
another class: officers write them into facts and remarks.
"""

from __future__ import annotations

import re
from typing import Any

from schemas.contract import Classification
from schemas.identities.characters import half_width
from schemas.identities.persons import ID_IN_TEXT, MOBILE_IN_TEXT

_MASK = "*"
_LONG = 5
_MAX_STARS = 12
# A digest is passed over as a whole: it may hold eleven digits in a row, and no person.
_NUMBERS = re.compile(
    "(?<![0-9A-Za-z])[0-9a-f]{32,}(?![0-9A-Za-z])"
    f"|(?<![0-9])(?P<person>{ID_IN_TEXT}|{MOBILE_IN_TEXT})(?![0-9])"
)


def masked(value: Any, classification: Classification) -> str | None:
    """``value`` as text, masked if its class is personal or sensitive. None stays None.

    Of a personal value the first character is kept (and the last, from 5 characters on), of a
    sensitive one nothing; of another only the numbers of persons in it are masked
    (:func:`mask_text`). The length stays visible up to a dozen. Lists go item by item.
    """
    if value is None:
        return None
    if isinstance(value, list | tuple):
        return "、".join(masked(item, classification) or "" for item in value)
    text = str(value)
    if classification == "sensitive":
        return _MASK * min(len(text), _MAX_STARS)
    return mask(text) if classification == "personal" else mask_text(text)


def mask(text: str) -> str:
    """``text`` with all but its first and, if it is long, its last character hidden."""
    if not text:
        return text
    tail = text[-1] if len(text) >= _LONG else ""
    return text[0] + _MASK * min(len(text) - 1 - len(tail), _MAX_STARS) + tail


def mask_text(text: str) -> str:
    """``text`` with the resident identity and mobile numbers in it masked, as :func:`mask` does.

    By form alone: the number of a person with a wrong check digit is a person's all the same.
    """
    spans = (m.span() for m in _NUMBERS.finditer(half_width(text)) if m["person"])
    done, shown = 0, []
    for start, end in spans:
        shown += [text[done:start], mask(text[start:end])]
        done = end
    return "".join((*shown, text[done:]))
