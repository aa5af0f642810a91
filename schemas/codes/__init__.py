"""Dated code lists: one CSV per list beside this file.

Columns: ``scheme`` (whose codes), ``raw`` (what that scheme writes), ``code`` (ours), labels,
``valid_from`` and ``valid_to`` (ISO dates, empty: open), ``source``, ``verified`` (false: taken
second-hand or from memory, to be checked before anyone relies on it).

The rows of scheme ``canonical`` are the list itself. Their Chinese labels are readable by
scheme ``zh`` without being repeated there. A code that has ended stays in its list: records
of its time keep it.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path

CANONICAL = "canonical"
# Of list data_status: the source no longer holds the record. It is no revocation in law.
REMOVED = "removed"
# What a translated code field holds where the list has no code for the source's text.
UNMAPPED = "unmapped"
# What the macros code() and code_on() put before a text that they can't translate; the cast
# layer takes it off. Without it a text that looks like one of our codes would pass for it.
MARK = "unmapped:"
COLUMNS = (
    *("scheme", "raw", "code", "label_zh", "label_en"),
    *("valid_from", "valid_to", "source", "verified"),
)


@dataclass(frozen=True, slots=True)
class CodeRow:
    """One line of a code list."""

    scheme: str
    raw: str
    code: str
    label_zh: str
    label_en: str
    valid_from: date | None
    valid_to: date | None
    source: str
    verified: bool


@cache
def all_codes() -> dict[str, tuple[CodeRow, ...]]:
    """Every list by name, with the Chinese labels also as rows of scheme ``zh``."""
    lists: dict[str, tuple[CodeRow, ...]] = {}
    for entry in sorted(files(__name__).iterdir(), key=lambda e: e.name):
        if entry.name.endswith(".csv"):
            text = entry.read_text(encoding="utf-8")
            lists[entry.name.removesuffix(".csv")] = _with_labels(
                [read_row(line) for line in csv.DictReader(text.splitlines())]
            )
    return lists


def canonical(name: str) -> tuple[CodeRow, ...]:
    """The codes of list ``name`` that a record may hold. KeyError if there is no such list."""
    return tuple(row for row in all_codes()[name] if row.scheme == CANONICAL)


def schemes(name: str) -> frozenset[str]:
    """The schemes that list ``name`` can be read by."""
    return frozenset(row.scheme for row in all_codes()[name])


def load_codes(folder: Path | str) -> Mapping[str, tuple[CodeRow, ...]]:
    """Every list by name, with a node's own rows: see :mod:`schemas.codes.node_rows`."""
    from schemas.codes.node_rows import load_codes as load

    return load(folder)


def read_row(line: Mapping[str, str]) -> CodeRow:
    """A row from its cells by column. ValueError for a date that is none."""
    return CodeRow(
        scheme=line["scheme"],
        raw=line["raw"],
        code=line["code"],
        label_zh=line["label_zh"],
        label_en=line["label_en"],
        valid_from=_date(line["valid_from"]),
        valid_to=_date(line["valid_to"]),
        source=line["source"],
        verified=line["verified"] == "true",
    )


def _date(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _with_labels(rows: list[CodeRow]) -> tuple[CodeRow, ...]:
    written = {row.raw for row in rows if row.scheme == "zh"}
    labels = [
        replace(r, scheme="zh", raw=r.label_zh)
        for r in rows
        if r.scheme == CANONICAL and r.label_zh and r.label_zh not in written
    ]
    return (*rows, *labels)
