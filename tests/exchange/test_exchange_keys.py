"""Keys: made once, kept private, opened with their passphrase only."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from exchange.bundle.dsse import read_envelope, sign, verify_signatures
from exchange.keys.identity import (
    create_identity,
    identity_text,
    load_identity,
    load_recipient,
)
from exchange.keys.signing import create_key, load_public_key, load_signer
from exchange.limits import DEFAULT_LIMITS
from schemas.errors import ConfigError


def keep(path: Path, private: bytes) -> None:
    path.write_bytes(private)
    path.chmod(0o600)


def test_a_key_signs_what_its_public_key_verifies(tmp_path: Path) -> None:
    public = create_key(tmp_path / "keys" / "signing.pem", "a passphrase")
    assert load_public_key(tmp_path / "keys" / "signing.pub.pem") == public
    signer = load_signer("file:keys/signing.pem", "a passphrase", root=tmp_path)
    envelope = read_envelope(sign(b"{}", [signer]), DEFAULT_LIMITS)
    assert verify_signatures(envelope, [public], 1) == ((public,), 0)


def test_the_private_key_is_encrypted_and_private(tmp_path: Path) -> None:
    create_key(tmp_path / "k.pem", "a passphrase")
    assert stat.S_IMODE((tmp_path / "k.pem").stat().st_mode) == 0o600
    assert b"BEGIN ENCRYPTED PRIVATE KEY" in (tmp_path / "k.pem").read_bytes()
    done = subprocess.run(
        ["openssl", "pkey", "-in", "k.pem", "-passin", "pass:a passphrase", "-noout", "-text"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "ED25519 Private-Key" in done.stdout


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    create_key(tmp_path / "k.pem", "one")
    before = (tmp_path / "k.pem").read_bytes()
    with pytest.raises(ConfigError, match="a key here already"):
        create_key(tmp_path / "k.pem", "two")
    assert (tmp_path / "k.pem").read_bytes() == before


def test_a_key_without_passphrase_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="needs a passphrase"):
        create_key(tmp_path / "k.pem", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("passphrase", ["wrong", None, ""])
def test_a_wrong_passphrase_is_named(tmp_path: Path, passphrase: str | None) -> None:
    create_key(tmp_path / "k.pem", "right")
    with pytest.raises(ConfigError) as caught:
        load_signer("file:k.pem", passphrase, root=tmp_path)
    assert "passphrase" in caught.value.message.en
    assert "right" not in str(caught.value)


def test_an_unencrypted_key_is_used_only_when_said_so(tmp_path: Path) -> None:
    from bundles import KEY_A

    pem = KEY_A.private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    keep(tmp_path / "k.pem", pem)
    with pytest.raises(ConfigError, match="cannot be opened"):
        load_signer("file:k.pem", "x", root=tmp_path)
    signer = load_signer("file:k.pem?encrypted=false", root=tmp_path)
    assert signer.public_key.keyid == KEY_A.public.key_id


def test_another_kind_of_key_is_refused(tmp_path: Path) -> None:
    key = generate_private_key(SECP256R1())
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"x"),
    )
    (tmp_path / "pub.pem").write_bytes(public)
    keep(tmp_path / "k.pem", private)
    with pytest.raises(ConfigError, match="not an Ed25519 key"):
        load_public_key(tmp_path / "pub.pem")
    with pytest.raises(ConfigError, match="not an Ed25519 key"):
        load_signer("file:k.pem", "x", root=tmp_path)


@pytest.mark.parametrize("content", [b"", b"hello", b"-----BEGIN PUBLIC KEY-----\nAAAA\n"])
def test_what_is_no_key_is_named(tmp_path: Path, content: bytes) -> None:
    keep(tmp_path / "k.pem", content)
    with pytest.raises(ConfigError, match="not a public key"):
        load_public_key(tmp_path / "k.pem")
    with pytest.raises(ConfigError, match="cannot be opened"):
        load_signer("file:k.pem", "x", root=tmp_path)


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_public_key(tmp_path / "k.pem")
    with pytest.raises(ConfigError, match="is missing"):
        load_signer("file:k.pem", "x", root=tmp_path)


def test_a_signer_of_another_kind_needs_its_public_key(tmp_path: Path) -> None:
    from bundles import KEY_A

    with pytest.raises(ConfigError, match="'smoke' cannot be used"):
        load_signer("smoke:signal", "x", public_key=KEY_A.public)
    with pytest.raises(ConfigError, match="'file2' cannot be used"):
        load_signer("file2:/k.pem")
    with pytest.raises(ConfigError, match="'file2' cannot be opened"):
        load_signer(f"file2:{tmp_path}/none.pem", public_key=KEY_A.public)


def test_a_securesystemslib_signer_signs_a_bundle(tmp_path: Path) -> None:
    from bundles import KEY_A

    path = tmp_path / "plain.pem"
    path.write_bytes(KEY_A.signer.private_bytes)
    signer = load_signer(f"file2:{path}", public_key=KEY_A.public)
    envelope = read_envelope(sign(b"{}", [signer]), DEFAULT_LIMITS)
    assert verify_signatures(envelope, [KEY_A.public], 1) == ((KEY_A.public,), 0)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o602])
def test_a_private_key_that_others_may_touch_is_not_used(tmp_path: Path, mode: int) -> None:
    create_key(tmp_path / "k.pem", "right")
    create_identity(tmp_path / "identity.pem", "right")
    (tmp_path / "k.pem").chmod(mode)
    (tmp_path / "identity.pem").chmod(mode)
    with pytest.raises(ConfigError, match="others than its owner") as caught:
        load_signer("file:k.pem", "right", root=tmp_path)
    assert caught.value.hint is not None
    assert "chmod 600" in caught.value.hint.en
    with pytest.raises(ConfigError, match="others than its owner"):
        load_identity(tmp_path / "identity.pem", "right")


def test_an_identity_opens_what_age_encrypts_to_its_recipient(tmp_path: Path) -> None:
    """Debian's age encrypts, we open; we write the form in which age opens."""
    import pyrage

    path = tmp_path / "keys" / "identity.pem"
    recipient = create_identity(path, "a passphrase")
    assert (tmp_path / "keys" / "identity.recipient.txt").read_text() == f"{recipient}\n"
    assert load_recipient(path, "a passphrase") == recipient
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert b"BEGIN ENCRYPTED PRIVATE KEY" in path.read_bytes()
    done = subprocess.run(["age", "-r", recipient], input=b"hello", capture_output=True, check=True)
    identity = load_identity(path, "a passphrase")
    assert pyrage.decrypt(done.stdout, [identity]) == b"hello"
    keep(tmp_path / "age.txt", identity_text(path, "a passphrase").encode())
    opened = subprocess.run(
        ["age", "-d", "-i", tmp_path / "age.txt"],
        input=done.stdout,
        capture_output=True,
        check=True,
    )
    assert opened.stdout == b"hello"


def test_an_identity_is_never_overwritten_and_needs_its_passphrase(tmp_path: Path) -> None:
    create_identity(tmp_path / "i.pem", "right")
    before = (tmp_path / "i.pem").read_bytes()
    with pytest.raises(ConfigError, match="a key here already"):
        create_identity(tmp_path / "i.pem", "again")
    assert (tmp_path / "i.pem").read_bytes() == before
    with pytest.raises(ConfigError, match="wrong passphrase") as caught:
        load_identity(tmp_path / "i.pem", "a-wrong-one")
    assert "a-wrong-one" not in str(caught.value)
    with pytest.raises(ConfigError, match="is missing"):
        load_identity(tmp_path / "none.pem", "right")
    with pytest.raises(ConfigError, match="needs a passphrase"):
        create_identity(tmp_path / "j.pem", "")
    create_key(tmp_path / "signing.pem", "right")
    with pytest.raises(ConfigError, match="not an X25519 key"):
        load_identity(tmp_path / "signing.pem", "right")
