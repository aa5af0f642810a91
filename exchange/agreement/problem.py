"""One thing that is wrong in an agreement's file, and where."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.text import Text


@dataclass(frozen=True, slots=True)
class Problem:
    """``place``: keys from the top of the file, with the number of a grant or party from 0."""

    message: Text
    place: tuple[str | int, ...]
    hint: Text | None = None

    @property
    def field(self) -> str:
        return ".".join(str(part) for part in self.place)
