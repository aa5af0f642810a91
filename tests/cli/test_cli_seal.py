"""``hefu seal``, ``sealed`` and ``unseal``: a lead for the supervisory organ alone."""

from __future__ import annotations

import json
import stat
from pathlib import Path

from cli_world import CITY, COUNTY, Hefu, make_node

from exchange.trust.agency import parse_agency
from hefu.cards import take_card, write_card
from hefu.node import Node

CONTENT = "虚构的问题线索"
AGREEMENT = f"""\
id = "sealed"
version = 1
valid_from = 2026-01-01
valid_until = 2099-12-31
[[parties]]
code = "{COUNTY.code}"
name = "{COUNTY.name}"
[[parties]]
code = "{CITY.code}"
name = "{CITY.name}"
[[grants]]
from = "{COUNTY.code}"
to = "{CITY.code}"
purpose = "discipline_leads"
legal_basis = "310号令 第十八条、第十九条"
[grants.records]
sealed_lead = ["sealed_no", "to_org", "sealed_time", "sealed_sha256", "sealed_size_bytes"]
"""


def test_sealed_here_opened_there(hefu: Hefu, node: Node, tmp_path: Path) -> None:
    secret, key = tmp_path / "secret", tmp_path / "officer.pem"
    secret.write_text("of the officer\n", encoding="utf-8")
    passphrase = ("--passphrase", f"file:{secret}")
    made = hefu("unseal", "--new-identity", key, *passphrase)
    assert made.code == 0, made.err
    recipient = made.out.strip()
    assert recipient.startswith("age1")
    city = make_node(tmp_path / "city", CITY)
    card = tmp_path / "city.card.json"
    write_card(city, card)
    known = take_card(node, card).folder / "agency.json"
    facts = parse_agency(known.read_bytes())
    known.write_bytes(facts.model_copy(update={"sealed_recipients": (recipient,)}).to_bytes())
    (node.root / "agreements/sealed.toml").write_text(AGREEMENT, encoding="utf-8")

    lead = tmp_path / "某某的线索.txt"
    lead.write_text(CONTENT, encoding="utf-8")
    sealed = hefu("seal", lead, "--to", CITY.code, "--node", node.root)
    assert sealed.code == 0, sealed.err
    assert CONTENT not in sealed.err + sealed.out
    assert lead.stem not in sealed.err + sealed.out
    listed = json.loads(hefu("sealed", "list", "--json", "--node", node.root).out)
    assert [one["sealed_no"] for one in listed["sent"]] == [sealed.out.strip()]
    assert listed["received"] == []

    (file,) = (node.root / "sealed").glob("*.age")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    out = tmp_path / "opened.txt"
    opened = hefu("unseal", file, "--identity", key, *passphrase, "--out", out)
    assert opened.code == 0, opened.err
    assert out.read_text(encoding="utf-8") == CONTENT
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    again = hefu("unseal", file, "--identity", key, *passphrase, "--out", out)
    assert again.code == 2
    assert "--out" in again.err

    keys = city.root / "keys"
    other = ("--identity", keys / "identity.pem", "--passphrase", f"file:{keys / 'passphrase'}")
    refused = hefu("unseal", file, *other, "--out", tmp_path / "no.txt")
    assert refused.code == 4
    assert not (tmp_path / "no.txt").exists()


def test_unseal_says_what_it_needs(hefu: Hefu, tmp_path: Path) -> None:
    ran = hefu("unseal", tmp_path / "some.age")
    assert (ran.code, ran.out) == (2, "")
    assert "--identity" in ran.err


def test_taking_what_nobody_sent_names_the_list(hefu: Hefu, node: Node, tmp_path: Path) -> None:
    ran = hefu("sealed", "take", "MF-1", "--out", tmp_path / "x.age", "--node", node.root)
    assert ran.code == 2
    assert "hefu sealed list" in ran.err
