"""``hefu keys``: what becomes of published bundles and copies when keys change."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cli_world import AGREEMENT, ROOT_PASSPHRASE, Hefu
from keys_world import Keys

from exchange.bundle.container import STATEMENT_ENTRY, read_container
from exchange.limits import DEFAULT_LIMITS
from exchange.repository.folder import FolderCarrier
from exchange.repository.local import publish, published
from exchange.trust.client import open_publisher
from hefu.node import Node, load_node


@pytest.mark.parametrize("how", [("rotate", "online"), ("rotate", "online", "--lost")])
def test_what_no_partner_has_answered_is_signed_again(
    hefu: Hefu, node: Node, bundle: Path, monkeypatch: pytest.MonkeyPatch, how: tuple[str, ...]
) -> None:
    """With the old key at hand by both keys first, so that no reader meets one that is refused."""
    monkeypatch.setenv("HEFU_TEST_ROOT", ROOT_PASSPHRASE)
    repository, stream = node.place("repository"), publish_one(node, bundle)
    before = published(repository, stream, 1)
    old = node.signers().online.public_key.keyid
    sticks = ("--root-folder", f"{node.root}-root-keys", "--root-passphrase", "env:HEFU_TEST_ROOT")
    ran = hefu("--node", node.root, "keys", *how, *sticks)
    assert ran.code == 0, ran.err
    assert "signed 1 bundle(s) again" in ran.err
    after = published(repository, stream, 1)
    assert before is not None
    assert after is not None
    assert (after.statement_sha256, after.path) == (before.statement_sha256, before.path)
    envelope = json.loads(statement_of((repository / after.file).read_bytes()))
    signed = {one["keyid"] for one in envelope["signatures"]}
    assert load_node(node.root).signers().online.public_key.keyid in signed
    assert (old in signed) is ("--lost" not in how)


def test_a_change_is_copied_to_where_partners_read(keys: Keys, tmp_path: Path) -> None:
    place = tmp_path / "webroot"
    place.mkdir()
    config = keys.node.root / "hefu.toml"
    config.write_text(config.read_text() + f'[[publishing.places]]\nat = "{place}"\n')
    assert keys("renew", *keys.sticks("a", "b")).code == 0
    ran = keys("rotate", "online", *keys.sticks("a", "b"))
    assert ran.code == 0, ran.err
    assert f"copied to {place}" in ran.err
    root = (keys.node.place("repository") / "metadata/1.root.json").read_bytes()
    publisher = open_publisher(FolderCarrier(place), tmp_path / "m", root, datetime.now(UTC))
    assert publisher.root_version == 3
    place.rename(tmp_path / "gone")
    ran = keys("renew", *keys.sticks("a", "b"))
    assert ran.code == 1
    assert "the change of keys is in force" in ran.err
    assert str(place) in ran.err


def statement_of(data: bytes) -> bytes:
    return bytes(read_container(data, DEFAULT_LIMITS)[STATEMENT_ENTRY])


def publish_one(node: Node, bundle: Path) -> str:
    (node.root / "agreements" / "county-city.toml").write_text(AGREEMENT, encoding="utf-8")
    (agreement,) = node.agreements()
    stream = agreement.stream_id(agreement.grants[0])
    publish(
        node.place("repository"), node.place("sent"), stream, 1, bundle,
        statement_of(bundle.read_bytes()), node.signers(), node.periods(), datetime.now(UTC),
    )  # fmt: skip
    return stream
