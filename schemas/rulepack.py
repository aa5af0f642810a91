"""The law of each jurisdiction as dated rows (``schemas/rules/<pack>.toml``).

Contracts refer to numbers by name, ``schemas/law`` computes with them; no legal number stands
in Python. Which row holds is decided per record, by a date of the record itself: a decision of
2020 is judged by the law of 2020. Before the first ``valid_from`` there is no value and a rule
stays silent. What a row may say stands in ``schemas/rule_entries.py``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from schemas.errors import ConfigError, Where
from schemas.rule_entries import (
    ENTRY_KINDS,
    Choice,
    Condition,
    CriminalSign,
    DiscretionTier,
    Entry,
    Exemption,
    ExemptionItem,
    HearingCondition,
    OverloadFine,
    Parameter,
    PenaltyRange,
    Provision,
    SizeFine,
    WeightLimit,
)
from schemas.text import Text
from schemas.toml import parse_toml

E = TypeVar("E", bound=Entry)
NATIONAL = "cn"
SUFFIX = ".toml"


class RulePack(BaseModel):
    """The law of one jurisdiction. ``version`` goes into every record checked with it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    version: str
    jurisdiction: str
    jurisdiction_en: str
    #: Prefixes of GB/T 2260 codes; none for the whole country.
    divisions: tuple[Annotated[str, Field(pattern=r"^[0-9]{2,6}$")], ...] = ()

    parameters: tuple[Parameter, ...] = Field(default=(), alias="parameter")
    choices: tuple[Choice, ...] = Field(default=(), alias="choice")
    weight_limits: tuple[WeightLimit, ...] = Field(default=(), alias="weight_limit")
    overload_fines: tuple[OverloadFine, ...] = Field(default=(), alias="overload_fine")
    size_fines: tuple[SizeFine, ...] = Field(default=(), alias="size_fine")
    penalty_ranges: tuple[PenaltyRange, ...] = Field(default=(), alias="penalty_range")
    hearing_conditions: tuple[HearingCondition, ...] = Field(default=(), alias="hearing_condition")
    conditions: tuple[Condition, ...] = Field(default=(), alias="condition")
    exemptions: tuple[Exemption, ...] = Field(default=(), alias="exemption")
    exemption_items: tuple[ExemptionItem, ...] = Field(default=(), alias="exemption_item")
    discretion_tiers: tuple[DiscretionTier, ...] = Field(default=(), alias="discretion_tier")
    criminal_signs: tuple[CriminalSign, ...] = Field(default=(), alias="criminal_sign")
    provisions: tuple[Provision, ...] = Field(default=(), alias="provision")

    @property
    def label(self) -> Text:
        """The jurisdiction in both languages."""
        return Text(en=self.jurisdiction_en, zh=self.jurisdiction)

    def entries(self, kind: type[E], on: date | None = None) -> tuple[E, ...]:
        """The rows of one kind (``Entry``: of every kind), or those in force on a day."""
        tables: Iterator[Any] = (getattr(self, field) for field in type(self).model_fields)
        rows = (row for table in tables if isinstance(table, tuple) for row in table)
        return tuple(
            row for row in rows if isinstance(row, kind) and (on is None or row.in_force(on))
        )

    def find(self, kind: type[E], name: str, on: date) -> E | None:
        """The row ``name`` in force on a day; there is at most one."""
        return next((row for row in self.entries(kind, on) if row.name == name), None)

    def sql(self, name: str, day: str) -> str:
        """The number ``name`` on the DATE expression ``day``, as an SQL expression.

        Raises :class:`ConfigError` if the pack has no such parameter.
        """
        rows = [p for p in self.parameters if p.name == name and p.withdrawn is None]
        if not rows:
            raise ConfigError(
                Text(
                    en=f"rule pack {self.name} has no parameter {name}",
                    zh=f"规则包 {self.name} 没有参数 {name}",
                )
            )
        branches = "".join(f" WHEN {in_force_sql(p, day)} THEN {p.value}" for p in rows)
        return f"(CASE{branches} END)"


def in_force_sql(entry: Entry, day: str) -> str:
    """Whether ``entry`` holds on the DATE expression ``day``, as an SQL condition."""
    start = f"{day} >= DATE '{entry.valid_from}'"
    return start + (f" AND {day} < DATE '{entry.valid_to}'" if entry.valid_to else "")


@cache
def load_rule_pack(name: str = NATIONAL) -> RulePack:
    """The pack of that name. Raises :class:`ConfigError` if there is none or it is wrong."""
    path = files("schemas").joinpath("rules", name + SUFFIX)
    shown = Path("schemas", "rules", name + SUFFIX)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigError(
            Text(en=f"there is no rule pack {name}", zh=f"没有规则包 {name}"),
            where=Where(str(shown)),
        ) from error
    return parse_rule_pack(text, shown)


def parse_rule_pack(text: str, path: Path) -> RulePack:
    """A pack from the text of its file.

    Raises :class:`ConfigError` with file, line and key: unknown or missing keys, values of the
    wrong kind, a file that is not named like its pack, two rows in force on one day for one key.
    """
    pack = parse_toml(text, RulePack, path)
    if path.name != pack.name + SUFFIX:
        raise ConfigError(
            Text(
                en=f"the file of rule pack {pack.name} must be named {pack.name}{SUFFIX}",
                zh=f"规则包 {pack.name} 的文件名应为 {pack.name}{SUFFIX}",
            ),
            where=Where(str(path)),
        )
    for kind in ENTRY_KINDS:
        _check_overlap(kind, pack.entries(kind), text, path)
    return pack


@cache
def rule_packs() -> tuple[RulePack, ...]:
    """Every installed pack, the national one first."""
    names = (entry.name for entry in files("schemas").joinpath("rules").iterdir())
    found = sorted(n.removesuffix(SUFFIX) for n in names if n.endswith(SUFFIX))
    return tuple(load_rule_pack(n) for n in sorted(found, key=lambda n: (n != NATIONAL, n)))


def packs_of(division_code: str, packs: Iterable[RulePack] | None = None) -> tuple[RulePack, ...]:
    """The packs that a division is under: the most specific first, the national one last.

    Of two for one prefix the later one in ``packs`` comes first: a node's own.
    """
    found = [
        (max(map(len, matching), default=0), at, pack)
        for at, pack in enumerate(rule_packs() if packs is None else packs)
        for matching in [[p for p in pack.divisions if division_code.startswith(p)]]
        if matching or not pack.divisions
    ]
    return tuple(pack for _, _, pack in sorted(found, key=lambda f: (-f[0], -f[1])))


def rule_set_version(division_code: str, packs: Iterable[RulePack] | None = None) -> str:
    """Versions of all packs that a division is under: ``cn-2026.11+zj-2026.11``."""
    return "+".join(pack.version for pack in reversed(packs_of(division_code, packs)))


def _check_overlap(kind: type[Entry], rows: tuple[Entry, ...], text: str, path: Path) -> None:
    seen: dict[tuple[Any, ...], list[Entry]] = {}
    for index, row in enumerate(rows):
        if row.withdrawn is not None:
            continue
        for key in row.keys():  # noqa: SIM118 (rows are no mappings)
            for other in seen.setdefault(key, []):
                if _overlap(row, other):
                    what = " ".join(map(str, key))
                    raise ConfigError(
                        Text(
                            en=f"two rows of {kind.TABLE} for {what} are in force on "
                            f"{max(row.valid_from, other.valid_from)}",
                            zh=f"{kind.TABLE} 有两行（{what}）在 "
                            f"{max(row.valid_from, other.valid_from)} 同时有效",
                        ),
                        where=Where(str(path), line_of_row(kind, index, text), kind.TABLE),
                        hint=Text(
                            en="give the older row a valid_to: the day from which the newer holds",
                            zh="请给旧行补上 valid_to，即新行开始生效的日期",
                        ),
                    )
            seen[key].append(row)


def _overlap(one: Entry, other: Entry) -> bool:
    return (one.valid_to is None or other.valid_from < one.valid_to) and (
        other.valid_to is None or one.valid_from < other.valid_to
    )


def line_of_row(kind: type[Entry], index: int, text: str) -> int | None:
    """The line of the header of the ``index``-th row of a kind in the text of a pack."""
    header = re.compile(rf"\s*\[\[\s*{kind.TABLE}\s*\]\]")
    lines: Iterator[int] = (n for n, t in enumerate(text.splitlines(), 1) if header.match(t))
    return next((n for i, n in enumerate(lines) if i == index), None)
