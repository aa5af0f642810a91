"""The secret of a pair: made by one, taken in by the other, never said."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cli_world import CITY, COUNTY, Hefu, make_node

from hefu.node import Node


@pytest.fixture
def pair(hefu: Hefu, node: Node, tmp_path: Path) -> tuple[Node, Node]:
    """Two nodes that hold each other's card."""
    city = make_node(tmp_path / "city", CITY)
    for here, other, name in ((node, city, "c1"), (city, node, "c2")):
        assert hefu("partner", "card", "--out", tmp_path / name, "--node", other.root).code == 0
        assert hefu("partner", "add", tmp_path / name, "--node", here.root).code == 0
    return node, city


def test_both_have_the_same_key_and_the_same_fingerprint(
    hefu: Hefu, pair: tuple[Node, Node], tmp_path: Path
) -> None:
    county, city = pair
    stick = tmp_path / "stick"
    key = ("partner", "token-key")
    made = hefu(*key, CITY.code, "--new", "--out", stick, "--node", county.root)
    taken = hefu(*key, COUNTY.code, "--take", stick, "--node", city.root)
    asked = hefu(*key, CITY.code, "--node", county.root)
    assert (made.code, taken.code, asked.code) == (0, 0, 0), made.err + taken.err
    assert made.out == taken.out == asked.out
    assert len("".join(made.out.split())) == 16
    files = [county.pair_key_path(CITY.code), city.pair_key_path(COUNTY.code), stick]
    (secret,) = {path.read_text("ascii") for path in files}
    assert len(secret) == 65
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    said = "".join(ran.out + ran.err for ran in (made, taken, asked))
    assert secret.strip() not in said


def test_a_key_is_not_overwritten(hefu: Hefu, pair: tuple[Node, Node], tmp_path: Path) -> None:
    county, _ = pair
    new = ("partner", "token-key", CITY.code, "--new", "--node", county.root)
    assert hefu(*new).code == 0
    before = county.pair_key_path(CITY.code).read_bytes()
    assert hefu(*new).code == 2
    take = (*new[:3], "--take", county.pair_key_path(CITY.code), "--node", county.root)
    assert hefu(*take).code == 2
    assert county.pair_key_path(CITY.code).read_bytes() == before


def test_no_key_no_partner_and_what_is_no_key_are_said(
    hefu: Hefu, pair: tuple[Node, Node], tmp_path: Path
) -> None:
    county, _ = pair
    none = hefu("partner", "token-key", CITY.code, "--node", county.root)
    assert (none.code, none.out) == (2, "")
    assert "there is no token key" in none.err
    assert hefu("partner", "token-key", COUNTY.code, "--new", "--node", county.root).code == 2
    wrong = tmp_path / "wrong"
    wrong.write_text("deadbeef not a key\n", "utf-8")
    taken = hefu("partner", "token-key", CITY.code, "--take", wrong, "--node", county.root)
    assert (taken.code, taken.out) == (2, "")
    assert "deadbeef" not in taken.err
    assert not county.pair_key_path(CITY.code).exists()
    both = ("--new", "--take", wrong, "--node", county.root)
    assert hefu("partner", "token-key", CITY.code, *both).code == 2
