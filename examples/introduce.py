"""Two agencies of the examples get to know each other, as two offices do over a table.

``hefu keys init`` on both sides, then each hands the other its card. The root keys lie beside the
node, where a real office would have a safe; their passphrase is no secret, since the agencies are
invented.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime
from itertools import permutations
from pathlib import Path

from hefu.cards import take_card, write_card
from hefu.node import Agency, Node, load_node
from hefu.scaffold import create_node
from hefu.trust_setup import init_trust

ROOT_PASSPHRASE = "of a root key in an example"  # noqa: S105 (invented, and said so)


def make_node(root: Path, agency: Agency, now: datetime, passphrase: str | None = None) -> Node:
    """A node with its keys and an empty repository; the root key in ``<root>-root-keys/``."""
    create_node(root, agency, passphrase or secrets.token_urlsafe(24))
    node = load_node(root)
    init_trust(node, [root.with_name(f"{root.name}-root-keys")], 1, [ROOT_PASSPHRASE], now=now)
    return node


def introduce_all(nodes: Iterable[Path]) -> None:
    """Every node takes every other's card."""
    for node, partner in permutations(nodes, 2):
        introduce(node, partner)


def introduce(node: Path, partner: Path) -> None:
    """``node`` takes the card of ``partner``, which lies in the same folder.

    The repository is named relative to where the partner is kept, so that the whole folder can be
    moved.
    """
    card = partner.with_name(f"{partner.name}-for-{node.name}.card.json")
    write_card(load_node(partner), card)
    known = take_card(load_node(node), card)
    card.unlink()
    path = known.folder / "partner.toml"
    lines = path.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith("repository =")]
    place = f'repository = "../../../{partner.name}/repository"'
    path.write_text("\n".join([place, *kept]) + "\n", encoding="utf-8")
