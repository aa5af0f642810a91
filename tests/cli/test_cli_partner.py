"""Cards: what is handed over, and what is taken in only after the fingerprints agree."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cli_world import CITY, COUNTY, ROOT_PASSPHRASE, Hefu, make_node

from exchange.trust.card import load_card
from exchange.trust.partner import load_partner
from hefu.node import Node
from hefu.trust_setup import init_trust_anew


@pytest.fixture
def city(tmp_path: Path) -> Node:
    return make_node(tmp_path / "city", CITY)


@pytest.fixture
def card(hefu: Hefu, city: Node, tmp_path: Path) -> Path:
    path = tmp_path / "disk" / "city.card.json"
    hefu("partner", "card", "--out", path, "--node", city.root)
    return path


def partners(node: Node) -> list[str]:
    return sorted(path.name for path in (node.root / "partners").iterdir())


def test_a_card_is_one_file_without_a_secret(
    hefu: Hefu, node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = hefu("partner", "card", "--node", node.root)
    assert ran.code == 0, ran.err
    found = load_card(tmp_path / f"{COUNTY.code}.card.json")
    assert (found.facts.code, found.facts.name) == (COUNTY.code, COUNTY.name)
    assert found.facts.repository == str(node.place("repository"))
    assert ran.out.strip() == found.fingerprint
    assert b"PRIVATE" not in (tmp_path / f"{COUNTY.code}.card.json").read_bytes()


def test_a_card_is_not_written_over_something(hefu: Hefu, node: Node, tmp_path: Path) -> None:
    (tmp_path / "letter").write_text("keep me")
    ran = hefu("partner", "card", "--out", tmp_path / "letter", "--node", node.root)
    assert (ran.code, ran.out) == (2, "")
    assert (tmp_path / "letter").read_text() == "keep me"


def test_a_partner_is_added_once_and_listed(
    hefu: Hefu, node: Node, city: Node, tmp_path: Path
) -> None:
    path, place = tmp_path / "c.json", "https://example.invalid/city"
    spoken = hefu("partner", "card", "--out", path, "--repository", place, "--node", city.root).out
    added = hefu("partner", "add", path, "--fingerprint", spoken[:39], "--node", node.root)
    assert (added.code, added.out) == (0, "")
    (key,) = load_card(path).root_keys
    for told in (CITY.name, CITY.code, place, key.fingerprint, "1 of 1 root key"):
        assert told in added.err
    assert hefu("partner", "add", path, "--node", node.root).code == 2
    (listed,) = json.loads(hefu("partner", "list", "--json", "--node", node.root).out)
    assert (listed["code"], listed["repository"]) == (CITY.code, place)
    assert (listed["keys"], listed["threshold"], listed["root_version"]) == ([key.key_id], 1, 1)
    assert CITY.name in hefu("partner", "list", "--node", node.root).out


def test_without_a_fingerprint_it_says_what_to_read_aloud(
    hefu: Hefu, node: Node, card: Path
) -> None:
    ran = hefu("partner", "add", card, "--node", node.root)
    assert (ran.code, ran.out.strip()) == (0, load_card(card).fingerprint)
    assert "compare" in ran.err


def test_another_fingerprint_than_the_one_read_aloud_adds_nothing(
    hefu: Hefu, node: Node, card: Path
) -> None:
    ran = hefu("partner", "add", card, "--fingerprint", "00" * 32, "--node", node.root)
    assert (ran.code, ran.out) == (4, "")
    assert "step:     fingerprint" in ran.err
    assert partners(node) == []
    short = load_card(card).sha256[:31]
    ran = hefu("partner", "add", card, "--fingerprint", short, "--node", node.root)
    assert (ran.code, partners(node)) == (2, [])


def test_our_own_card_and_a_damaged_one_are_refused(
    hefu: Hefu, node: Node, card: Path, tmp_path: Path
) -> None:
    hefu("partner", "card", "--out", tmp_path / "own", "--node", node.root)
    assert hefu("partner", "add", tmp_path / "own", "--node", node.root).code == 2
    card.write_bytes(card.read_bytes().replace(b'"threshold":1', b'"threshold":2'))
    assert hefu("partner", "add", card, "--node", node.root).code == 4
    assert hefu("partner", "add", tmp_path / "none", "--node", node.root).code == 2
    assert partners(node) == []


def test_what_is_kept_is_the_cards_root_and_facts(hefu: Hefu, node: Node, card: Path) -> None:
    assert hefu("partner", "add", card, "--node", node.root).code == 0
    found, partner = load_card(card), load_partner(node.root / "partners" / CITY.code)
    assert (partner.root, partner.facts) == (found.root, found.facts)
    assert partner.facts is not None
    assert len(partner.facts.recipients) == 1


def test_a_relative_repository_is_beside_the_card(
    hefu: Hefu, node: Node, city: Node, tmp_path: Path
) -> None:
    path = tmp_path / "disk" / "cards" / "city.json"
    place = ("--repository", "../repository")
    assert hefu("partner", "card", "--out", path, *place, "--node", city.root).code == 0
    assert hefu("partner", "add", path, "--node", node.root).code == 0
    (partner,) = node.partners()
    assert partner.location == str(tmp_path / "disk" / "repository")


def test_a_new_root_is_believed_by_hand_only_and_the_old_one_is_kept(
    hefu: Hefu, node: Node, city: Node, card: Path, tmp_path: Path
) -> None:
    hefu("partner", "add", card, "--node", node.root)
    folder = node.root / "partners" / CITY.code
    old = (folder / "root.json").read_bytes()
    (folder / "trusted").mkdir()
    now = datetime(2026, 11, 1, tzinfo=UTC)
    init_trust_anew(city, [tmp_path / "new-stick"], 1, [ROOT_PASSPHRASE], now=now)
    hefu("partner", "card", "--out", tmp_path / "new.json", "--node", city.root)
    new = load_card(tmp_path / "new.json")
    update = ("partner", "update", CITY.code, tmp_path / "new.json", "--node", node.root)
    assert hefu(*update).code == 2
    assert hefu(*update, "--fingerprint", "00" * 16).code == 4
    assert (folder / "root.json").read_bytes() == old
    ran = hefu(*update, "--fingerprint", new.sha256[:32])
    assert ran.code == 0, ran.err
    assert "NEW root" in ran.err
    assert (folder / "root.json").read_bytes() == new.root
    assert not (folder / "trusted").exists()
    (kept,) = (folder / "replaced").iterdir()
    assert (kept / "root.json").read_bytes() == old
    assert (kept / "trusted").is_dir()
    assert hefu(*update, "--fingerprint", new.sha256).code == 2


def test_another_agencys_card_updates_nobody(
    hefu: Hefu, node: Node, card: Path, tmp_path: Path
) -> None:
    hefu("partner", "add", card, "--node", node.root)
    hefu("partner", "card", "--out", tmp_path / "own.json", "--node", node.root)
    sha256 = load_card(tmp_path / "own.json").sha256
    update = ("--fingerprint", sha256, "--node", node.root)
    assert hefu("partner", "update", CITY.code, tmp_path / "own.json", *update).code == 2
    assert hefu("partner", "update", COUNTY.code, tmp_path / "own.json", *update).code == 2


def test_no_partner_yet_is_said_on_stderr(hefu: Hefu, node: Node) -> None:
    ran = hefu("partner", "list", "--node", node.root)
    assert (ran.code, ran.out) == (0, "")
    assert "no partner yet" in ran.err
