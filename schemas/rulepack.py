"""Numbers that law gives, by jurisdiction and date (``schemas/rules/<pack>.toml``).

Contracts refer to them by name; no legal number stands in Python. Which value holds is
decided per record, by a date of the record itself: a decision of 2020 is judged by the law
of 2020. Before the first ``valid_from`` there is no value and the rule stays silent.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files

from schemas.errors import ConfigError, Where
from schemas.text import Text


@dataclass(frozen=True, slots=True)
class Parameter:
    """One legal number while it holds: from ``valid_from`` until before ``valid_to``."""

    name: str
    value: Decimal
    unit: str
    article: str
    verified: bool
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True, slots=True)
class RulePack:
    """The numbers of one jurisdiction. ``version`` goes into every record checked with them."""

    name: str
    version: str
    jurisdiction: str
    parameters: tuple[Parameter, ...]

    def sql(self, name: str, day: str) -> str:
        """The value of ``name`` on the DATE expression ``day``, as an SQL expression.

        Raises :class:`ConfigError` if the pack has no such parameter.
        """
        rows = [p for p in self.parameters if p.name == name]
        if not rows:
            raise ConfigError(
                Text(
                    en=f"rule pack {self.name} has no parameter {name}",
                    zh=f"规则包 {self.name} 没有参数 {name}",
                )
            )
        branches = "".join(f" WHEN {_in_force(p, day)} THEN {p.value}" for p in rows)
        return f"(CASE{branches} END)"


def _in_force(parameter: Parameter, day: str) -> str:
    start = f"{day} >= DATE '{parameter.valid_from}'"
    return start + (f" AND {day} < DATE '{parameter.valid_to}'" if parameter.valid_to else "")


@cache
def load_rule_pack(name: str = "cn") -> RulePack:
    """The pack of that name. Raises :class:`ConfigError` if there is none."""
    path = files("schemas").joinpath("rules", f"{name}.toml")
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except FileNotFoundError as error:
        raise ConfigError(
            Text(en=f"there is no rule pack {name}", zh=f"没有规则包 {name}"),
            where=Where(f"schemas/rules/{name}.toml"),
        ) from error
    return RulePack(
        name=data["name"],
        version=data["version"],
        jurisdiction=data["jurisdiction"],
        parameters=tuple(
            Parameter(
                name=p["name"],
                value=Decimal(p["value"]),
                unit=p["unit"],
                article=p["article"],
                verified=p["verified"],
                valid_from=p["valid_from"],
                valid_to=p.get("valid_to"),
            )
            for p in data["parameter"]
        ),
    )
