"""age v1 files from fixed keys, as https://age-encryption.org/v1 has them, good and bad.

``age`` and pyrage draw a file key and an ephemeral key for each file, so that no file can be
made twice. Here all three come from a name. Every part can be asked to lie.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import bech32
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

INTRO = b"age-encryption.org/v1\n"
CHUNK = 64 * 1024
TAG = 16


def _seed(name: str) -> bytes:
    return hashlib.sha256(f"hefu test identity {name}, worth nothing".encode()).digest()


def _hkdf(secret: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt, info).derive(secret)


def b64(data: bytes) -> bytes:
    return base64.b64encode(data).rstrip(b"=")


def _bech32(prefix: str, data: bytes) -> str:
    words = bech32.convertbits(data, 8, 5)
    assert words is not None
    return bech32.bech32_encode(prefix, words)


@dataclass(frozen=True)
class Identity:
    """An X25519 identity made from its name."""

    name: str

    @property
    def private(self) -> X25519PrivateKey:
        return X25519PrivateKey.from_private_bytes(_seed(self.name))

    @property
    def public(self) -> bytes:
        return self.private.public_key().public_bytes_raw()

    @property
    def recipient(self) -> str:
        """``age1…``"""
        return _bech32("age", self.public)

    @property
    def text(self) -> str:
        """``AGE-SECRET-KEY-1…``"""
        return _bech32("age-secret-key-", _seed(self.name)).upper()


def stanza(arguments: Sequence[bytes], body: bytes) -> bytes:
    text = b64(body)
    lines = [text[i : i + 64] for i in range(0, len(text), 64)]
    if not lines or len(lines[-1]) == 64:
        lines.append(b"")
    return b"-> " + b" ".join(arguments) + b"\n" + b"\n".join(lines) + b"\n"


def x25519_stanza(file_key: bytes, recipient: bytes, name: str) -> bytes:
    ephemeral = X25519PrivateKey.from_private_bytes(_seed(f"ephemeral {name}"))
    share = ephemeral.public_key().public_bytes_raw()
    shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(recipient))
    key = _hkdf(shared, share + recipient, b"age-encryption.org/v1/X25519")
    body = ChaCha20Poly1305(key).encrypt(bytes(12), file_key, None)
    return stanza((b"X25519", b64(share)), body)


def header(file_key: bytes, stanzas: Sequence[bytes], intro: bytes = INTRO) -> bytes:
    before = intro + b"".join(stanzas) + b"---"
    mac = hmac.digest(_hkdf(file_key, b"", b"header"), before, "sha256")
    return before + b" " + b64(mac) + b"\n"


def chunks(key: bytes, plain: bytes, *, last: bool = True) -> list[bytes]:
    """The payload's chunks. Without ``last`` the final one is sealed as if more came."""
    parts = [plain[i : i + CHUNK] for i in range(0, len(plain), CHUNK)] or [b""]
    return [
        ChaCha20Poly1305(key).encrypt(
            at.to_bytes(11, "big") + bytes([last and at == len(parts) - 1]), part, None
        )
        for at, part in enumerate(parts)
    ]


def encrypted(
    plain: bytes,
    recipients: Sequence[Identity],
    *,
    name: str = "file",
    intro: bytes = INTRO,
    stanzas: Callable[[list[bytes]], list[bytes]] = list,
    payload: Callable[[list[bytes], bytes], list[bytes]] = lambda parts, key: parts,
) -> bytes:
    """An age file for ``recipients``; ``stanzas`` and ``payload`` may change what is written.

    ``stanzas`` works before the header's MAC is made, so that the MAC is right of what it
    returns.
    """
    file_key, nonce = _seed(f"file key {name}")[:16], _seed(f"nonce {name}")[:16]
    wrapped = [x25519_stanza(file_key, r.public, f"{name} {r.name}") for r in recipients]
    key = _hkdf(file_key, nonce, b"payload")
    body = payload(chunks(key, plain), key)
    return header(file_key, stanzas(wrapped), intro) + nonce + b"".join(body)
