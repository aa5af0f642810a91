"""A change, its level, and version numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from schemas.errors import ConfigError
from schemas.text import Text

Level = Literal["major", "minor", "patch"]
#: The lowest first.
LEVELS: tuple[Level, ...] = ("patch", "minor", "major")

Version = tuple[int, int, int]
_VERSION = re.compile(r"(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two versions.

    ``kind`` is a stable word for programs (``field-added``), ``subject`` the field, rule or
    code list that it is about (empty: the contract as a whole), ``message`` says it to people.
    """

    kind: str
    subject: str
    level: Level
    message: Text


def required_bump(changes: Iterable[Change]) -> Level | None:
    """The highest level among the changes; None if there are none."""
    levels = [LEVELS.index(change.level) for change in changes]
    return LEVELS[max(levels)] if levels else None


def parse_version(text: str) -> Version:
    """``1.2.3`` as numbers. Raises ``ConfigError`` for anything else, pre-releases too."""
    found = _VERSION.fullmatch(text)
    if not found:
        raise ConfigError(
            Text(
                en=f"{text!r} is not a version of the form 1.2.3",
                zh=f"{text!r} 不是形如 1.2.3 的版本号",
            )
        )
    return int(found[1]), int(found[2]), int(found[3])


def at_least(old: str, level: Level) -> str:
    """The lowest version that a change of this level may have after ``old``."""
    major, minor, patch = parse_version(old)
    match level:
        case "major":
            return f"{major + 1}.0.0"
        case "minor":
            return f"{major}.{minor + 1}.0"
        case _:
            return f"{major}.{minor}.{patch + 1}"
