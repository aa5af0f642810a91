"""Files for a partner's eyes: they open with the partner's key, whole, or not at all."""

from __future__ import annotations

import base64
import os
import subprocess
from pathlib import Path

import pyrage
import pytest

from exchange.keys.encryption import MAGIC, decrypt_file, encrypt_file, is_encrypted_file
from exchange.limits import Limits
from schemas.errors import ConfigError, VerificationError

ALICE, BOB, EVE = (pyrage.x25519.Identity.generate() for _ in range(3))
PLAIN = os.urandom(200_000)


def recipients(*identities: pyrage.x25519.Identity) -> list[str]:
    return [str(identity.to_public()) for identity in identities]


@pytest.fixture
def encrypted(tmp_path: Path) -> Path:
    plain = tmp_path / "plain"
    plain.write_bytes(PLAIN)
    encrypt_file(plain, tmp_path / "file.age", recipients(ALICE, BOB, ALICE))
    return tmp_path / "file.age"


def refused(path: Path, *identities: pyrage.x25519.Identity) -> VerificationError:
    """Decrypting fails in words, and leaves nothing behind."""
    before = set(path.parent.iterdir())
    with pytest.raises(VerificationError) as caught:
        decrypt_file(path, path.parent / "opened", identities)
    assert caught.value.step == "decrypt"
    assert set(path.parent.iterdir()) == before
    return caught.value


@pytest.mark.parametrize("identity", [ALICE, BOB])
def test_each_recipient_opens_it(encrypted: Path, identity: pyrage.x25519.Identity) -> None:
    opened = encrypted.parent / "opened"
    decrypt_file(encrypted, opened, [EVE, identity])
    assert opened.read_bytes() == PLAIN
    assert opened.stat().st_mode & 0o777 == encrypted.stat().st_mode & 0o777 == 0o600
    assert sorted(p.name for p in encrypted.parent.iterdir()) == ["file.age", "opened", "plain"]


def test_the_age_command_opens_it_and_makes_what_we_open(encrypted: Path) -> None:
    identity = encrypted.parent / "identity"
    identity.write_text(str(ALICE))
    opened = subprocess.run(
        ["age", "-d", "-i", identity, encrypted], capture_output=True, check=True
    )
    assert opened.stdout == PLAIN
    theirs = encrypted.parent / "theirs.age"
    command = ["age", "-r", recipients(BOB)[0], "-o", theirs]
    subprocess.run(command, input=PLAIN, check=True)
    decrypt_file(theirs, encrypted.parent / "opened", [BOB])
    assert (encrypted.parent / "opened").read_bytes() == PLAIN


def test_a_stranger_opens_nothing(encrypted: Path) -> None:
    assert "not encrypted to the key" in refused(encrypted, EVE).message.en
    assert "not encrypted to the key" in refused(encrypted).message.en


def test_a_changed_or_cut_file_is_refused_wherever_it_was_hurt(encrypted: Path) -> None:
    data = encrypted.read_bytes()
    body = data.index(b"\n", data.index(b"\n--- ") + 1) + 1
    chunk = body + 16 + 65536 + 16
    hurt = encrypted.with_name("hurt")
    for cut in (0, 5, len(MAGIC), body - 30, body, body + 16, chunk - 1, chunk, len(data) - 1):
        hurt.write_bytes(data[:cut])
        refused(hurt, ALICE)
    for place in (3, body - 10, body + 3, body + 16, chunk, len(data) - 1):
        hurt.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        refused(hurt, ALICE)
    first, second = data[body + 16 : chunk], data[chunk : 2 * chunk - body - 16]
    for moved in (second + first, first + first, first):
        hurt.write_bytes(data[: body + 16] + moved + data[2 * chunk - body - 16 :])
        refused(hurt, ALICE)
    hurt.write_bytes(data + b"\0")
    refused(hurt, ALICE)


def test_a_header_without_end_costs_nothing(tmp_path: Path) -> None:
    """The library's time grows with the square of the header: 4 MB would take minutes."""
    stanza = b"-> X25519 %b\n%b\n" % ((base64.b64encode(bytes(32)).rstrip(b"="),) * 2)
    path = tmp_path / "long.age"
    path.write_bytes(MAGIC + stanza * 40_000 + b"--- " + b"A" * 43 + b"\n" + bytes(100))
    error = refused(path, ALICE)
    assert str(Limits().encrypted_header_size) in (error.found or "")


def test_a_plain_file_is_no_age_file(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(PLAIN)
    assert not is_encrypted_file(tmp_path / "plain")
    assert "not an age file" in refused(tmp_path / "plain", ALICE).message.en


def test_a_passphrase_file_is_not_for_us(tmp_path: Path) -> None:
    """Nobody's work factor is tried: only our keys are."""
    path = tmp_path / "file.age"
    path.write_bytes(pyrage.passphrase.encrypt(b"x", "worth nothing"))
    assert is_encrypted_file(path)
    refused(path, ALICE)


@pytest.mark.parametrize("wrong", [[], ["age1nobody"], ["ssh-ed25519 AAAA"], [""]])
def test_nothing_is_encrypted_to_nobody(tmp_path: Path, wrong: list[str]) -> None:
    (tmp_path / "plain").write_bytes(b"x")
    with pytest.raises(ConfigError):
        encrypt_file(tmp_path / "plain", tmp_path / "file.age", wrong)
    assert [p.name for p in tmp_path.iterdir()] == ["plain"]


def test_a_full_disk_is_not_told_as_a_damaged_file(encrypted: Path) -> None:
    class Full:
        def write(self, _: bytes) -> int:
            raise OSError(28, "No space left on device")

    from exchange.keys.encryption import decrypt_into

    with pytest.raises(OSError, match="No space"):
        decrypt_into(encrypted, Full(), [ALICE])  # type: ignore[arg-type]
