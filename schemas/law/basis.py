"""Where an answer stands in the law."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from schemas.rule_entries import Entry
from schemas.rulepack import RulePack
from schemas.text import Text


@dataclass(frozen=True, slots=True)
class Basis:
    """The row of a pack that an answer rests on. ``verified`` speaks of its numbers and words,
    ``date_verified`` of the day from which it holds.
    """

    pack: str
    version: str
    jurisdiction: Text
    entry: str
    article: str
    text: str
    source: str
    verified: bool
    date_verified: bool
    valid_from: date
    valid_to: date | None
    note: str


def basis_of(pack: RulePack, entry: Entry) -> Basis:
    """The basis of an answer that comes from ``entry`` of ``pack``."""
    return Basis(
        pack=pack.name,
        version=pack.version,
        jurisdiction=pack.label,
        entry=entry.name,
        article=entry.article,
        text=entry.text,
        source=entry.source,
        verified=entry.verified,
        date_verified=entry.date_verified,
        valid_from=entry.valid_from,
        valid_to=entry.valid_to,
        note=entry.note,
    )
