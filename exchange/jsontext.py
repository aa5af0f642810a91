"""JSON that has one spelling: RFC 8785 out, and nothing else in.

Two parsers that disagree about a doubled key or a large number are two meanings of one
signed text. So a document is read strictly and must equal its own canonical form.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import rfc8785

from exchange.errors import ASK_SENDER, Step, refusal
from exchange.limits import Limits, Readable
from schemas.text import Text


def canonical(value: Any) -> bytes:
    """The RFC 8785 form in UTF-8."""
    return rfc8785.dumps(value)


def sha256_hex(data: Readable) -> str:
    return hashlib.sha256(data).hexdigest()


#: The greatest whole number, on either side of zero, that a double holds without a neighbour.
MAX_INTEGER = 2**53 - 1


class _DoubledKeyError(ValueError):
    pass


class _NumberError(ValueError):
    pass


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _DoubledKeyError
        found[key] = value
    return found


def _no_float(_: str) -> float:
    raise _NumberError


def _whole(text: str) -> int:
    """What every JSON reader tells exactly (RFC 8259 section 6, RFC 8785 section 3.2.2.3)."""
    if len(text) > len(str(-MAX_INTEGER)) or abs(int(text)) > MAX_INTEGER:
        raise _NumberError
    return int(text)


def parse_strict(
    data: Readable, step: Step, entry: str, limits: Limits, *, is_canonical: bool = True
) -> dict[str, Any]:
    """A JSON object without doubled keys, fractions, whole numbers that not every reader tells
    exactly, or halves of surrogate pairs; of limited depth and text length.

    With ``is_canonical`` the bytes must also be the RFC 8785 form of what they say.
    Raises ``VerificationError`` with the given step.
    """
    raw = bytes(data)
    try:
        value = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_object,
            parse_int=_whole,
            parse_float=_no_float,
            parse_constant=_no_float,
        )
    except _DoubledKeyError:
        raise refusal(
            step,
            Text(en="a JSON object has the same key twice", zh="JSON 对象中键重复"),
            expected="each key once",
            found="a doubled key",
            entry=entry,
        ) from None
    except (ValueError, RecursionError) as error:
        raise refusal(
            step,
            Text(en="this is not the JSON that was expected", zh="内容不是预期的 JSON"),
            expected="UTF-8 JSON with whole numbers only",
            found=type(error).__name__,
            entry=entry,
        ) from None
    if not isinstance(value, dict):
        raise refusal(
            step,
            Text(en="the JSON text is not an object", zh="JSON 内容不是对象"),
            expected="an object",
            found=type(value).__name__,
            entry=entry,
            hint=ASK_SENDER,
        )
    _check_depth(value, step, entry, limits)
    if is_canonical:
        _check_canonical(value, raw, step, entry)
    return value


def _check_depth(value: Any, step: Step, entry: str, limits: Limits) -> None:
    """Walk level by level, so that depth costs no stack."""
    level: list[Any] = [value]
    for _ in range(limits.json_depth):
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below += item.keys()
                below += item.values()
            elif isinstance(item, list):
                below += item
            elif isinstance(item, str) and not _is_text(item):
                raise refusal(
                    step,
                    Text(
                        en="a JSON text is no Unicode text", zh="JSON 文本不是有效的 Unicode 文本"
                    ),
                    expected="no half of a surrogate pair",
                    found="one",
                    entry=entry,
                )
            elif isinstance(item, str) and len(item) > limits.json_text_length:
                raise refusal(
                    step,
                    Text(en="a JSON text is too long", zh="JSON 文本过长"),
                    expected=f"at most {limits.json_text_length} characters",
                    found=len(item),
                    entry=entry,
                )
        level = below
        if not level:
            return
    raise refusal(
        step,
        Text(en="the JSON is nested too deeply", zh="JSON 嵌套过深"),
        expected=f"at most {limits.json_depth} levels",
        found="more",
        entry=entry,
    )


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_canonical(value: Any, raw: bytes, step: Step, entry: str) -> None:
    try:
        matches = canonical(value) == raw
    except (rfc8785.CanonicalizationError, UnicodeError):
        matches = False
    if not matches:
        raise refusal(
            step,
            Text(en="the JSON is not in its canonical form", zh="JSON 不是规范形式（RFC 8785）"),
            expected="the RFC 8785 form",
            found="another spelling of the same",
            entry=entry,
        )
