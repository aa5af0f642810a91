"""JSON whose numbers keep the text in which the source wrote them.

Money must not pass through binary floating point: 0.10 stays "0.10", 1e308 stays "1e308".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

# What may stand between the place of an error and the end of a text that was cut off: nothing,
# or the beginning of a word, of a number's tail, or of an escape in a string.
_BEGUN = re.compile(
    r"\s*|t(ru?)?|f(a(ls?)?)?|n(ul?)?|-|\.|[eE][+-]?|u[0-9a-fA-F]{0,4}|\\u[0-9a-fA-F]{0,4}"
)


class Number(str):
    """A JSON number as it was written."""

    __slots__ = ()


class Repeated(list[tuple[str, Any]]):
    """An object in which a key comes twice: nobody can tell which value is meant."""

    __slots__ = ()


class NotJsonError(ValueError):
    """``position`` is a character offset; ``cut_off`` says that the text seems to end too early."""

    def __init__(self, reason: str, position: int, *, cut_off: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.position = position
        self.cut_off = cut_off


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any] | Repeated:
    found = dict(pairs)
    return found if len(found) == len(pairs) else Repeated(pairs)


def _refuse_constant(name: str) -> Any:
    raise NotJsonError(f"{name} is not JSON", 0, cut_off=False)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_pairs,
    parse_float=Number,
    parse_int=Number,
    parse_constant=_refuse_constant,
)


def loads(text: str) -> Any:
    """Parse ``text`` (RFC 8259; NaN and Infinity are refused). Raises :class:`NotJsonError`."""
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise NotJsonError(error.msg, error.pos, cut_off=_is_cut_off(text, error)) from error
    except RecursionError as error:
        raise NotJsonError("nested too deeply", 0, cut_off=False) from error


def _is_cut_off(text: str, error: json.JSONDecodeError) -> bool:
    """Whether nothing is wrong with ``text`` but that it ends."""
    return bool(error.msg.startswith("Unterminated") or _BEGUN.fullmatch(text, error.pos))


def dumps(value: Any) -> str:
    """JSON text of a parsed value, numbers as they were written."""
    return "".join(_pieces(value))


def has_repeated(value: Any) -> bool:
    """Whether an object anywhere inside holds a key twice."""
    if isinstance(value, Repeated):
        return True
    if isinstance(value, dict):
        return any(has_repeated(v) for v in value.values())
    return isinstance(value, list) and any(has_repeated(v) for v in value)


def at_path(document: Any, path: str) -> tuple[bool, Any]:
    """(found, value) at a dotted path of keys; the empty path is the document itself."""
    here = document
    for key in path.split(".") if path else ():
        if not isinstance(here, dict) or key not in here:
            return False, None
        here = here[key]
    return True, here


def _pieces(value: Any) -> Iterator[str]:
    if isinstance(value, Number):
        yield value
    elif isinstance(value, dict | Repeated):
        yield "{"
        items = value.items() if isinstance(value, dict) else value
        for i, (key, inner) in enumerate(items):
            yield (", " if i else "") + json.dumps(key, ensure_ascii=False) + ": "
            yield from _pieces(inner)
        yield "}"
    elif isinstance(value, list):
        yield "["
        for i, inner in enumerate(value):
            if i:
                yield ", "
            yield from _pieces(inner)
        yield "]"
    else:
        yield json.dumps(value, ensure_ascii=False)
