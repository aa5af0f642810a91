"""The points, windows and limits of the same-act match: ``settings.toml`` beside this file."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from itertools import permutations
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.toml import parse_toml

Kind = Literal["trip", "moment", "continuous", "unknown"]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Window(_Model):
    """Minutes between two records of one act."""

    near_minutes: int
    exact_minutes: int
    probable_minutes: int
    why_zh: str
    why_en: str


class Family(_Model):
    """Causes that may stand for one act in different catalogues."""

    kind: Kind
    causes: tuple[str, ...]


class Worth(_Model):
    """What a piece of evidence counts, and whether a pair that has it is probable at most."""

    points: int
    at_most_probable: bool = False


class Limits(_Model):
    same_moment_minutes: int
    same_moment_why: str
    about_days: int
    about_why: str
    misread_minutes: int
    misread_why: str
    weight_same_percent: float
    weight_same_why: str
    weight_near_percent: float
    weight_near_why: str
    passed_again_minutes: int
    passed_again_why: str


class Alike(_Model):
    characters: tuple[str, ...]


class Settings(_Model):
    exact_points: Annotated[int, Field(gt=0)]
    exact_why_zh: str
    exact_why_en: str
    probable_points: Annotated[int, Field(gt=0)]
    probable_why_zh: str
    probable_why_en: str
    windows: dict[Kind, Window]
    limits: Limits
    families: dict[str, Family]
    evidence: dict[str, Worth]
    alike: Alike

    def alike_pairs(self) -> tuple[str, ...]:
        """Two characters each, in both orders."""
        return tuple(
            "".join(two) for group in self.alike.characters for two in permutations(group, 2)
        )

    def widest_minutes(self) -> int:
        """No act's records are further apart."""
        windows = max(window.probable_minutes for window in self.windows.values())
        return max(windows, self.limits.about_days * 24 * 60)


@cache
def load_settings() -> Settings:
    """Those of the package. Raises ``ConfigError`` with line and key."""
    text = files("cooperation.matching").joinpath("settings.toml").read_text(encoding="utf-8")
    return parse_toml(text, Settings, Path("cooperation/matching/settings.toml"))
