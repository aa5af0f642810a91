"""Values as a screen may show them.

Personal and sensitive values are masked wherever people look at rows: samples, quarantine,
reports. What is left is enough to find a fault (a digit too many, a wrong province), not
the person.
"""

from __future__ import annotations

from typing import Any

from schemas.contract import Classification

_MASK = "*"
_LONG = 5
_MAX_STARS = 12


def masked(value: Any, classification: Classification) -> str | None:
    """``value`` as text, masked if its class is personal or sensitive. None stays None.

    Of a personal value the first character is kept (and the last, from 5 characters on), of
    a sensitive one nothing. The length stays visible up to a dozen. Lists go item by item.
    """
    if value is None:
        return None
    if isinstance(value, list | tuple):
        return "、".join(masked(item, classification) or "" for item in value)
    text = str(value)
    if classification == "sensitive":
        return _MASK * min(len(text), _MAX_STARS)
    return mask(text) if classification == "personal" else text


def mask(text: str) -> str:
    """``text`` with all but its first and, if it is long, its last character hidden."""
    if not text:
        return text
    tail = text[-1] if len(text) >= _LONG else ""
    return text[0] + _MASK * min(len(text) - 1 - len(tail), _MAX_STARS) + tail
