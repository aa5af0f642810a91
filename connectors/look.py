"""What a source has: reached how, and which tables, sheets or files with which columns."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.text import Text


@dataclass(frozen=True, slots=True)
class ColumnSeen:
    """A column as the source names it. ``type`` is the source's own word, empty for plain text.

    ``label``: what the source says that it means (a comment, a title), if it says anything.
    ``in_key``: it is one of the columns that tell one row from another.
    """

    name: str
    type: str = ""
    label: str | None = None
    in_key: bool = False


@dataclass(frozen=True, slots=True)
class StreamSeen:
    """A table, view, sheet, file or list. ``rows`` is None if the source doesn't tell cheaply;
    databases give their own estimate."""

    name: str
    label: str | None = None
    rows: int | None = None
    columns: tuple[ColumnSeen, ...] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """``reached``: the steps that worked, each a sentence for a person, in order.

    ``streams``: the one that the source's configuration names comes first, with its columns;
    others that could be read come after it, with columns if they cost nothing.
    """

    reached: tuple[Text, ...]
    streams: tuple[StreamSeen, ...]
