"""Telling rows apart by a digest of 64 bits: few bytes a row, however long the list.

Two different rows of one digest would make a pull look incomplete and be read again, never the
reverse; among ten million rows it happens once in some hundred thousand pulls.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from connectors.rest.documents import value_at
from schemas.errors import ConfigError, Where
from schemas.text import Text


def digest_of(value: Any) -> int:
    """Of a parsed value, by its content."""
    try:
        shown = repr(value)
    except RecursionError:  # nested deeper than Python goes; the reading into raw tells of it
        shown = _shown(value)
    text = shown.encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")


def _shown(value: Any) -> str:
    found, waiting = [], [value]
    while waiting:
        here = waiting.pop()
        if isinstance(here, dict):
            found.append(f"{{{len(here)}")
            waiting += [part for pair in here.items() for part in pair]
        elif isinstance(here, list | tuple):
            found.append(f"[{len(here)}")
            waiting += here
        else:
            found.append(repr(here))
    return ",".join(found)


def keys_of(records: Sequence[Any], key: tuple[str, ...], contents: Sequence[int]) -> list[int]:
    """Of the values at the paths ``key`` of each record. A record that has none of them, which
    is the quality rules' to judge, is known by its content.

    Raises :class:`ConfigError` if no record has any: then ``key`` is wrong.
    """
    keys = [
        _key_of(record, key, content) for record, content in zip(records, contents, strict=True)
    ]
    if records and keys == list(contents):
        raise ConfigError(
            Text(
                en=f"no record has {', '.join(key)}, by which records are told apart",
                zh=f"所有记录都没有用于区分记录的字段 {'、'.join(key)}",
            ),
            where=Where(field="key"),
            hint=Text(
                en="check key under [reader.pagination], or leave it out",
                zh="请检查 [reader.pagination] 下的 key，或将其删去",
            ),
        )
    return keys


def _key_of(record: Any, key: tuple[str, ...], content: int) -> int:
    found = [value_at(record, path) for path in key]
    if not any(there and value is not None for there, value in found):
        return content
    return digest_of([value for _, value in found])


class Digests:
    """Digests of many rows, in the order in which they came."""

    def __init__(self) -> None:
        self._digests = array("Q")

    def add(self, digest: int) -> None:
        self._digests.append(digest)

    def __len__(self) -> int:
        return len(self._digests)

    def distinct(self) -> int:
        """How many different ones."""
        return int(pc.count_distinct(self._column()).as_py())

    def within(self, other: Digests) -> bool:
        """Whether ``other`` holds every one of these."""
        if not len(self):
            return True
        return bool(pc.all(pc.is_in(self._column(), value_set=other._column())).as_py())

    def _column(self) -> Any:
        # the numbers themselves, not a copy: a list of a million rows need not exist twice
        buffers = [None, pa.py_buffer(self._digests)]
        return pa.Array.from_buffers(pa.uint64(), len(self._digests), buffers)
