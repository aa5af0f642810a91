"""Damage by chance: the reader refuses in its own words, and as the second reader does.

``tests/vectors/fuzz.py`` does the same for as long as one likes.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "vectors"))

import fuzz
from hypothesis import given, settings
from hypothesis import strategies as st
from mutations import KINDS


@settings(database=None, derandomize=True, max_examples=350, deadline=None)
@given(kind=st.integers(0, len(KINDS) - 1), seed=st.integers(0, 2**24))
def test_damage_is_refused_or_harmless(kind: int, seed: int) -> None:
    assert fuzz.try_one(seed * len(KINDS) + kind, Counter()) == []


def test_the_program_tells_what_it_did(capfd: pytest.CaptureFixture[str]) -> None:
    assert fuzz.main(["--seed", "3"]) == 0
    assert "of_statement" in capfd.readouterr().err
