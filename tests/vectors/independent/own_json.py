"""Strict JSON and its canonical form (the words at the top of FORMAT.md)."""

from __future__ import annotations

import json
from typing import Any

from own_refusal import RefusedError, need

MAX_INT = 2**53 - 1


def jcs(value: Any) -> bytes:
    return _jcs(value).encode("utf-8")


def _jcs(value: Any) -> str:
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return "{" + ",".join(f"{_jcs(n)}:{_jcs(value[n])}" for n in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_jcs, value)) + "]"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > MAX_INT:
        raise ValueError("number out of range")
    return json.dumps(value, ensure_ascii=False)


def strict_json(
    step: str, data: bytes, *, canonical: bool, longest: int = 65_536
) -> dict[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        need(step, len({name for name, _ in pairs}) == len(pairs), "a doubled key")
        return dict(pairs)

    def no_fraction(_: str) -> float:
        raise ValueError("a fraction")

    def exact(text: str) -> int:
        if len(text) > 17 or abs(int(text)) > 2**53 - 1:
            raise ValueError("a number beyond 2^53 - 1")
        return int(text)

    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=once,
            parse_int=exact,
            parse_float=no_fraction,
            parse_constant=no_fraction,
        )
    except (ValueError, RecursionError) as error:
        raise RefusedError(step, f"no strict JSON: {error}") from None
    need(step, isinstance(value, dict), "no object")
    _check_depth(step, value, longest)
    if canonical:
        try:
            same = jcs(value) == data
        except ValueError:
            same = False
        need(step, same, "not in canonical form")
    return value


def _check_depth(step: str, value: Any, longest: int) -> None:
    level = [value]
    for _ in range(16):
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below += [*item.keys(), *item.values()]
            elif isinstance(item, list):
                below += item
            elif isinstance(item, str):
                need(step, len(item) <= longest, "a text too long")
                need(step, not any("\ud800" <= c <= "\udfff" for c in item), "half a character")
        if not below:
            return
        level = below
    raise RefusedError(step, "too deep")
