"""Cards: what is handed over, and what is taken in only after the fingerprints agree."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_world import CITY, COUNTY, Hefu, make_node

from exchange.trust.partner import load_partner
from hefu.node import Node


@pytest.fixture
def city(tmp_path: Path) -> Node:
    return make_node(tmp_path / "city", CITY)


def test_a_card_holds_the_public_key_and_no_secret(hefu: Hefu, node: Node, tmp_path: Path) -> None:
    ran = hefu("partner", "card", "--out", tmp_path / "card", "--node", node.root)
    assert ran.code == 0, ran.err
    partner = load_partner(tmp_path / "card")
    assert (partner.code, partner.name) == (COUNTY.code, COUNTY.name)
    assert partner.location == str(node.place("repository"))
    assert ran.out.strip() == partner.keys[0].fingerprint
    everything = b"".join(path.read_bytes() for path in (tmp_path / "card").iterdir())
    assert b"PRIVATE" not in everything


def test_a_card_is_not_written_over_something(hefu: Hefu, node: Node, tmp_path: Path) -> None:
    (tmp_path / "card").mkdir()
    (tmp_path / "card" / "letter.txt").write_text("keep me")
    ran = hefu("partner", "card", "--out", tmp_path / "card", "--node", node.root)
    assert (ran.code, ran.out) == (2, "")
    assert [p.name for p in (tmp_path / "card").iterdir()] == ["letter.txt"]


def test_a_partner_is_added_once_and_listed(
    hefu: Hefu, node: Node, city: Node, tmp_path: Path
) -> None:
    card = tmp_path / "card"
    place = "https://example.invalid/city"
    spoken = hefu("partner", "card", "--out", card, "--repository", place, "--node", city.root).out
    added = hefu("partner", "add", card, "--fingerprint", spoken, "--node", node.root)
    assert (added.code, added.out) == (0, spoken)
    assert hefu("partner", "add", card, "--node", node.root).code == 2
    (listed,) = json.loads(hefu("partner", "list", "--json", "--node", node.root).out)
    assert (listed["code"], listed["repository"]) == (CITY.code, place)
    assert listed["keys"] == ["".join(spoken.split())]
    assert CITY.name in hefu("partner", "list", "--node", node.root).out


def test_another_fingerprint_than_the_one_read_aloud_adds_nothing(
    hefu: Hefu, node: Node, city: Node, tmp_path: Path
) -> None:
    hefu("partner", "card", "--out", tmp_path / "card", "--node", city.root)
    ran = hefu("partner", "add", tmp_path / "card", "--fingerprint", "00" * 32, "--node", node.root)
    assert (ran.code, ran.out) == (4, "")
    assert "step:     fingerprint" in ran.err
    assert list((node.root / "partners").iterdir()) == []


def test_our_own_card_and_a_card_without_a_key_are_refused(
    hefu: Hefu, node: Node, city: Node, tmp_path: Path
) -> None:
    hefu("partner", "card", "--out", tmp_path / "own", "--node", node.root)
    assert hefu("partner", "add", tmp_path / "own", "--node", node.root).code == 2
    hefu("partner", "card", "--out", tmp_path / "card", "--node", city.root)
    for key in (tmp_path / "card").glob("*.pem"):
        key.unlink()
    assert hefu("partner", "add", tmp_path / "card", "--node", node.root).code == 2
    assert list((node.root / "partners").iterdir()) == []


def test_a_relative_repository_survives_the_copy(
    hefu: Hefu, node: Node, city: Node, tmp_path: Path
) -> None:
    card = tmp_path / "disk" / "card"
    place = ("--repository", "../repository")
    assert hefu("partner", "card", "--out", card, *place, "--node", city.root).code == 0
    assert hefu("partner", "add", card, "--node", node.root).code == 0
    (partner,) = node.partners()
    assert partner.location == str(tmp_path / "disk" / "repository")


def test_no_partner_yet_is_said_on_stderr(hefu: Hefu, node: Node) -> None:
    ran = hefu("partner", "list", "--node", node.root)
    assert (ran.code, ran.out) == (0, "")
    assert "no partner yet" in ran.err
