"""The locked requirements are what ``pyproject.toml`` asks for, hashed, and the same everywhere."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("base", "node", "dev")
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;]+)")


def lock_text(name: str) -> str:
    return (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")


def pins(name: str) -> dict[str, str]:
    """Package → version of one lock file."""
    matches = (PIN.match(line) for line in lock_text(name).splitlines())
    return {canonicalize_name(m[1]): m[2] for m in matches if m}


def asked_for(name: str) -> list[Requirement]:
    """What the project asks for: ``base`` is what a partner gets, each next one adds its extra."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = {"base": (), "node": ("node",), "dev": ("node", "dev")}[name]
    texts = [*project["dependencies"]]
    for extra in extras:
        texts += project["optional-dependencies"][extra]
    return [Requirement(text) for text in texts]


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_meets_what_the_project_asks_for(name: str) -> None:
    """Fails after a change of dependencies until ``make lock`` has run."""
    locked = pins(name)
    unmet = [
        str(wish)
        for wish in asked_for(name)
        if not wish.specifier.contains(locked.get(canonicalize_name(wish.name), "0"))
    ]
    assert unmet == []


@pytest.mark.parametrize("name", LOCKS)
def test_every_pinned_package_has_hashes_and_the_header_no_machine(name: str) -> None:
    blocks = re.split(r"\n(?=[A-Za-z0-9])", lock_text(name))
    pinned = [block for block in blocks if PIN.match(block)]
    assert len(pinned) == len(pins(name)) > 0
    assert [block for block in pinned if "--hash=sha256:" not in block] == []
    assert "#    make lock\n" in lock_text(name)


@pytest.mark.parametrize("name", ["base", "node"])
def test_the_smaller_locks_are_parts_of_the_largest(name: str) -> None:
    assert pins(name).items() <= pins("dev").items()


def test_a_partner_needs_no_pipeline() -> None:
    """The base install verifies and opens bundles; of the pipeline it brings nothing."""
    assert pins("base").keys() & {"prefect", "great-expectations", "pandas", "deltalake"} == set()
