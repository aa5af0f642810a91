"""Personal values as a terminal may show them: enough to find the fault, not the person."""

from __future__ import annotations

_MASK = "*"
_SHOWN_OF_LONG = 5
_MAX_STARS = 12


def mask(text: str) -> str:
    """``text`` with all but its first character (and the last, from 5 characters on) hidden.

    The length stays visible up to a dozen: a digit too many or a missing one is a common fault.
    """
    if not text:
        return text
    tail = text[-1] if len(text) >= _SHOWN_OF_LONG else ""
    hidden = len(text) - 1 - len(tail)
    return text[0] + _MASK * min(hidden, _MAX_STARS) + tail
