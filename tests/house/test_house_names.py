"""No other installed distribution may own one of our top-level names.

Our folders have everyday names (``schemas``, ``lake``, ``flows``): a dependency that ships a
folder of the same name would shadow ours, or ours it, and the error would speak of something else.
"""

from __future__ import annotations

import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
ROOMS = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]


@pytest.mark.parametrize("name", [*ROOMS, "examples", "bench"])
def test_a_top_level_name_is_ours_alone(name: str) -> None:
    owners = set(packages_distributions().get(name, ()))
    assert owners <= {"hefu"}
    assert name not in sys.stdlib_module_names


def test_the_wheel_holds_every_room_and_types_are_announced() -> None:
    folders = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert folders - {"examples", "bench", "tests"} == set(ROOMS)
    assert all((ROOT / room / "__init__.py").is_file() for room in ROOMS)


def test_every_room_announces_its_types() -> None:
    assert [room for room in ROOMS if not (ROOT / room / "py.typed").is_file()] == []


def test_lint_covers_every_room() -> None:
    assert set(PROJECT["tool"]["mypy"]["packages"]) == {*ROOMS, "examples"}
    assert set(PROJECT["tool"]["importlinter"]["root_packages"]) == {*ROOMS, "examples"}


def test_every_module_of_hefu_has_its_place_in_the_import_rule() -> None:
    """``hefu/`` is above and below the flows (ADR 0002): a module without a place is unchecked."""
    (layers,) = (c for c in PROJECT["tool"]["importlinter"]["contracts"] if c["type"] == "layers")
    placed = {name.strip() for layer in layers["layers"] for name in layer.split("|")}
    parts = {p.stem for p in (ROOT / "hefu").glob("*.py")} | {"commands"}
    assert {f"hefu.{part}" for part in parts - {"__init__", "__main__"}} <= placed
