"""Which law applies to a division on a day."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Generic, TypeVar

from schemas.errors import ConfigError
from schemas.law.basis import Basis, basis_of
from schemas.rule_entries import Choice, Entry, Parameter
from schemas.rulepack import RulePack, packs_of
from schemas.text import Text

E = TypeVar("E", bound=Entry)


@dataclass(frozen=True, slots=True)
class Found(Generic[E]):
    """A row and the pack that it stands in."""

    pack: RulePack
    entry: E

    @property
    def basis(self) -> Basis:
        return basis_of(self.pack, self.entry)


def packs_for(
    division_code: str, day: date, packs: Iterable[RulePack] | None = None
) -> tuple[RulePack, ...]:
    """The packs with any row in force for a division on a day.

    Args:
        division_code: GB/T 2260; a pack applies if one of its prefixes begins it.
        packs: the packs to choose from; without it those installed.

    Returns:
        The most specific first, the national one last.
    """
    return tuple(p for p in packs_of(division_code, packs) if p.entries(Entry, on=day))


def rows_for(
    kind: type[E],
    division_code: str,
    day: date,
    *,
    name: str | None = None,
    packs: Iterable[RulePack] | None = None,
) -> tuple[Found[E], ...]:
    """Rows of a kind in force, of all packs that apply, the most specific pack first."""
    return tuple(
        Found(pack, entry)
        for pack in packs_of(division_code, packs)
        for entry in pack.entries(kind, on=day)
        if name is None or entry.name == name
    )


def prevailing(rows: Iterable[Found[E]]) -> tuple[Found[E], ...]:
    """Of rows that the most specific pack comes first in, those of that pack."""
    kept: list[Found[E]] = []
    for row in rows:
        if kept and row.pack is not kept[0].pack:
            break
        kept.append(row)
    return tuple(kept)


def parameter(
    name: str, division_code: str, day: date, packs: Iterable[RulePack] | None = None
) -> Found[Parameter]:
    """The number that prevails. Raises :class:`ConfigError` if none is in force."""
    return _one(rows_for(Parameter, division_code, day, name=name, packs=packs), name, day)


def choice(
    name: str, division_code: str, day: date, packs: Iterable[RulePack] | None = None
) -> Found[Choice]:
    """The reading that prevails. Raises :class:`ConfigError` if none is in force."""
    return _one(rows_for(Choice, division_code, day, name=name, packs=packs), name, day)


def _one(rows: tuple[Found[E], ...], name: str, day: date) -> Found[E]:
    if not rows:
        raise not_in_force(name, day)
    return rows[0]


def not_in_force(what: str, day: date) -> ConfigError:
    """The error of a question that no installed row answers for that day."""
    return ConfigError(
        Text(
            en=f"no rule {what} is in force here on {day}",
            zh=f"{day} 在该地没有生效的规则 {what}",
        ),
        hint=Text(
            en="see hefu rules list; rows of law begin with their valid_from",
            zh="请用 hefu rules list 查看；各行规则自 valid_from 起生效",
        ),
    )
