"""The pages about keys are followed command by command, in both languages."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cli_world import CITY, COUNTY, ROOT, ROOT_PASSPHRASE, make_node
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)

from exchange.keys.signing import PublicKey, load_signer
from exchange.trust.agency import AgencyFacts
from exchange.trust.ceremony import Terms, found
from hefu.node import load_node
from hefu.scaffold import create_node

PAGES = ["set-up", "rotate", "revoke", "second-signer", "recover"]
PASSPHRASE = "of the online key"


def prepare(page: str, folder: Path) -> None:
    """What a page takes for granted: ``county`` with keys on three sticks, a partner ``city``."""
    make_node(folder / "city", CITY)
    if page == "set-up":
        return
    create_node(folder / "county", COUNTY, PASSPHRASE)
    online = write_key(folder / "county/keys/signing.pem", "online", PASSPHRASE)
    roots = [
        write_key(folder / f"stick-{n}/root-{{}}.pem", f"root {n}", ROOT_PASSPHRASE)
        for n in (1, 2, 3)
    ]
    (folder / "stick-4").mkdir()
    node = load_node(folder / "county")
    from exchange.keys.identity import create_identity

    recipient = create_identity(node.root / "keys/identity.pem", PASSPHRASE)
    facts = AgencyFacts(
        code=COUNTY.code,
        name=COUNTY.name,
        division_code=COUNTY.division_code,
        repository="https://county.invalid/hefu",
        recipients=(recipient,),
    )
    signers = [
        load_signer(f"file:{next(iter(sorted(stick.glob('root-????????.pem'))))}", ROOT_PASSPHRASE)
        for stick in sorted(folder.glob("stick-[12]"))
    ]
    terms = Terms(facts, tuple(roots), 2, online)
    now = datetime.now(UTC)
    found(node.place("repository"), terms, signers, node.signers(), node.periods(), now)


def write_key(path: Path, name: str, passphrase: str) -> PublicKey:
    """A key made from its name, worth nothing: a page can say its digits."""
    private = Ed25519PrivateKey.from_private_bytes(
        hashlib.sha256(f"hefu page key {name}, worth nothing".encode()).digest()
    )
    key = PublicKey(private.public_key().public_bytes_raw())
    file = Path(str(path).format(key.key_id[:8]))
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = BestAvailableEncryption(passphrase.encode())
    file.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock))
    file.chmod(0o600)
    file.with_suffix(".pub.pem").write_bytes(key.pem)
    return key


@pytest.mark.parametrize("suffix", ["", ".zh-CN"])
@pytest.mark.parametrize("page", PAGES)
def test_a_page_does_what_it_says(page: str, suffix: str, tmp_path: Path) -> None:
    document = ROOT / "docs" / "keys" / f"{page}{suffix}.md"
    prepare(page, tmp_path)
    walker = Path(__file__).with_name("walk_document.py")
    done = subprocess.run(
        [sys.executable, walker, document, tmp_path],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ
        | {
            "HEFU_LANG": "zh" if suffix else "en",
            "PYTHONPATH": str(ROOT),
            "ROOT_PASSPHRASE": ROOT_PASSPHRASE,
            "OFFICE_PASSPHRASE": ROOT_PASSPHRASE,
        },
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []


@pytest.mark.parametrize("page", PAGES)
def test_the_overview_names_every_page_in_both_languages(page: str) -> None:
    for suffix in ("", ".zh-CN"):
        text = (ROOT / "docs" / f"keys{suffix}.md").read_text(encoding="utf-8")
        assert f"(keys/{page}{suffix}.md)" in text
