"""Section 9: age files."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Iterator

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from own_refusal import KIB, RefusedError, need

ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def identity_of(line: str) -> X25519PrivateKey:
    """Bech32 of 32 bytes; its checksum is left to the one who made the file."""
    words = [ALPHABET.index(c) for c in line.strip().lower().rpartition("1")[2]][:-6]
    bits = "".join(f"{word:05b}" for word in words)
    return X25519PrivateKey.from_private_bytes(int(bits[:256], 2).to_bytes(32, "big"))


def hkdf(secret: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt, info).derive(secret)


def unbase64_plain(value: bytes) -> bytes:
    step = "decrypt"
    try:
        raw = base64.b64decode(value + b"=" * (-len(value) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise RefusedError(step, "no base64") from None
    need(step, base64.b64encode(raw).rstrip(b"=") == value, "base64 that is not canonical")
    return raw


def decrypt(data: bytes, identity: X25519PrivateKey) -> bytes:
    step, intro = "decrypt", b"age-encryption.org/v1\n"
    need(step, data.startswith(intro), "no age file")
    end = data.find(b"\n--- ", 0, 64 * KIB)
    need(step, end >= 0, "no end of the header")
    line_end = data.find(b"\n", end + 5)
    need(step, line_end >= 0, "no end of the header")
    mac = unbase64_plain(data[end + 5 : line_end])
    file_key = None
    for arguments, body in stanzas(data[len(intro) : end + 1]):
        need(step, arguments[0] != b"scrypt", "a passphrase")
        if arguments[0] == b"X25519" and file_key is None:
            file_key = unwrap(arguments, body, identity)
    need(step, file_key is not None, "not encrypted to this identity")
    assert file_key is not None
    expected = hmac.digest(hkdf(file_key, b"", b"header"), data[: end + 4], "sha256")
    need(step, hmac.compare_digest(mac, expected), "the header was changed")
    return open_payload(data[line_end + 1 :], file_key)


def stanzas(header: bytes) -> Iterator[tuple[list[bytes], bytes]]:
    step, lines = "decrypt", header.split(b"\n")[:-1]
    while lines:
        head = lines.pop(0)
        arguments = head[3:].split(b" ")
        need(step, head.startswith(b"-> ") and all(arguments), "a stanza")
        need(step, all(33 <= c <= 126 for a in arguments for c in a), "an argument")
        body = b""
        while True:
            if not lines or lines[0].startswith(b"-"):  # as early writers of age made them
                break
            line = lines.pop(0)
            need(step, len(line) <= 64, "a line too long")
            body += line
            if len(line) < 64:
                break
        yield arguments, unbase64_plain(body)


def unwrap(arguments: list[bytes], body: bytes, identity: X25519PrivateKey) -> bytes | None:
    step = "decrypt"
    need(step, len(arguments) == 2, "an X25519 stanza with other arguments")
    share = unbase64_plain(arguments[1])
    need(step, len(share) == 32 and len(body) == 32, "an X25519 stanza of another length")
    try:
        secret = identity.exchange(X25519PublicKey.from_public_bytes(share))
    except ValueError:
        raise RefusedError(step, "a shared secret of zeros") from None
    recipient = identity.public_key().public_bytes_raw()
    key = hkdf(secret, share + recipient, b"age-encryption.org/v1/X25519")
    try:
        return ChaCha20Poly1305(key).decrypt(bytes(12), body, None)
    except InvalidTag:
        return None


def open_payload(data: bytes, file_key: bytes) -> bytes:
    step = "decrypt"
    need(step, len(data) >= 32, "cut short")
    cipher = ChaCha20Poly1305(hkdf(file_key, data[:16], b"payload"))
    body, size, plain = data[16:], 64 * KIB + 16, []
    count = -(-len(body) // size)
    for at in range(count):
        nonce = at.to_bytes(11, "big") + bytes([at == count - 1])
        try:
            plain.append(cipher.decrypt(nonce, body[at * size : (at + 1) * size], None))
        except InvalidTag:
            raise RefusedError(step, "a chunk does not authenticate") from None
    need(step, count == 1 or plain[-1], "an empty last chunk")
    return b"".join(plain)
