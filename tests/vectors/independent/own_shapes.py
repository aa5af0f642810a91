"""Shapes of parsed JSON, and the fields that statements and lists have in common."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from own_json import MAX_INT

Shape = Callable[[Any], bool]


def text(pattern: str) -> Shape:
    compiled = re.compile(pattern, re.ASCII)
    return lambda v: isinstance(v, str) and compiled.fullmatch(v) is not None


def whole(least: int, most: int = MAX_INT) -> Shape:
    return lambda v: type(v) is int and least <= v <= most


def one_of(*values: Any) -> Shape:
    return lambda v: any(type(v) is type(x) and v == x for x in values)


def name_text(v: Any) -> bool:
    return isinstance(v, str) and 1 <= len(v) <= 200


def list_of(shape: Shape, least: int = 0, most: int = 1 << 30) -> Shape:
    return lambda v: isinstance(v, list) and least <= len(v) <= most and all(map(shape, v))


def map_of(key: Shape, shape: Shape) -> Shape:
    return lambda v: isinstance(v, dict) and all(key(k) and shape(x) for k, x in v.items())


def record(fields: dict[str, Shape], maybe: Sequence[str] = (), *, x: bool = False) -> Shape:
    def check(v: Any) -> bool:
        if not isinstance(v, dict):
            return False
        for name, value in v.items():
            if name not in fields:
                if not (x and name.startswith("x-")):
                    return False
            elif not fields[name](value):
                return False
        return all(name in v or name in maybe for name in fields)

    return check


def optional(shape: Shape) -> Shape:
    return lambda v: v is None or shape(v)


def micro_time(v: Any) -> bool:
    if not text(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")(v):
        return False
    try:
        moment(v)
    except ValueError:
        return False
    return True


def second_time(v: Any) -> bool:
    if not text(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")(v):
        return False
    try:
        moment(v)
    except ValueError:
        return False
    return True


def moment(v: str) -> datetime:
    return datetime.fromisoformat(v.replace("Z", "+00:00"))


HEX64 = text("[0-9a-f]{64}")
CODE = text("[A-Za-z0-9][A-Za-z0-9-]{0,63}")
RECORD_TYPE = text("[a-z][a-z0-9_]{0,63}")
STREAM = text("[a-z0-9][a-z0-9._-]{0,199}")
SEQUENCE = whole(1, 99_999_999)
PARTY = record({"code": CODE, "name": name_text})
