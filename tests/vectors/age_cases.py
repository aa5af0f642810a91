"""Vectors of the step ``decrypt``: age files, good ones and ones that must not be opened."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator

from age_file import CHUNK, TAG, Identity, b64, chunks, encrypted, stanza
from bundles import Case, flipped, good
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

OURS, THEIRS, THIRD = Identity("receiver"), Identity("sender"), Identity("third")
BOTH = (OURS, THEIRS)
_FILE_KEY = hashlib.sha256(b"hefu test identity file key file, worth nothing").digest()[:16]


def large() -> bytes:
    """A bundle of more than two of age's chunks."""
    noise = b"".join(hashlib.sha256(b"noise %d" % n).digest() for n in range(4200))
    return good(attachments=[("bin", noise)])


def good_age_cases() -> Iterator[Case]:
    yield Case(
        "encrypted",
        "The bundle is encrypted to its receiver and its sender.",
        encrypted(good(), BOTH),
        identity=OURS,
    )
    yield Case(
        "encrypted_in_chunks",
        "The encrypted bundle has more than one chunk.",
        encrypted(large(), BOTH),
        identity=OURS,
    )
    yield Case(
        "encrypted_with_unknown_stanza",
        "The header has a stanza of a kind that nobody knows; age says to pass over it.",
        encrypted(
            good(), BOTH, stanzas=lambda found: [stanza((b"grease-x", b"y"), b"z" * 70), *found]
        ),
        identity=OURS,
    )


def age_cases() -> Iterator[Case]:
    def case(name: str, about: str, data: bytes) -> Case:
        return Case(f"decrypt_{name}_fail", about, data, "decrypt", identity=OURS)

    bundle = good()
    right = encrypted(bundle, BOTH)
    payload = right.index(b"\n--- ") + len(b"\n--- ") + 44
    several = encrypted(large(), BOTH)
    yield case(
        "other_recipient", "The file is encrypted to others.", encrypted(bundle, (THIRD, THEIRS))
    )
    yield case("no_recipient", "The header has no stanza.", encrypted(bundle, ()))
    yield case(
        "header_mac",
        "The last byte of the header's MAC was changed.",
        flipped(right, payload - 3),
    )
    yield case(
        "stanza_removed",
        "The sender's stanza was taken out of the header.",
        _without_last_stanza(right),
    )
    yield case(
        "byte_changed", "A byte of the payload was changed.", flipped(right, len(right) // 2)
    )
    yield case(
        "nonce_changed", "A byte of the payload's nonce was changed.", flipped(right, payload)
    )
    yield case("truncated", "The file was cut short.", right[:-9])
    yield case(
        "truncated_at_chunk",
        "The last chunk was cut off.",
        several[: -(len(large()) % CHUNK + TAG)],
    )
    yield case("bytes_after", "Bytes lie after the last chunk.", right + b"\x00")
    yield case(
        "chunks_swapped",
        "The first two chunks changed places.",
        encrypted(large(), BOTH, payload=lambda parts, _: [parts[1], parts[0], *parts[2:]]),
    )
    yield case(
        "no_last_chunk",
        "The only chunk is not marked as the last.",
        encrypted(bundle, BOTH, payload=lambda _, key: chunks(key, bundle, last=False)),
    )
    yield case(
        "last_chunk_empty",
        "An empty chunk follows a full one; age allows one only in an empty file.",
        encrypted(b"", BOTH, payload=_empty_last),
    )
    yield case("armored", "The file is in age's text form.", _armored(right))
    yield case(
        "version",
        "The file says that it is of age's version 2.",
        encrypted(bundle, BOTH, intro=b"age-encryption.org/v2\n"),
    )
    yield case("plain", "The bundle is not encrypted, and named as if it were.", bundle)
    yield case("empty", "The file holds nothing.", b"")
    yield case(
        "share_of_small_order",
        "The ephemeral share is zero, so that everybody knows the shared secret.",
        encrypted(bundle, BOTH, stanzas=lambda _: [_zero_share()]),
    )
    yield case(
        "base64_not_canonical",
        "The ephemeral share's base64 has stray bits at its end.",
        encrypted(bundle, BOTH, stanzas=lambda found: [_stray_bits(found[0]), *found[1:]]),
    )
    yield case(
        "argument_too_many",
        "An X25519 stanza has one argument more than age gives it.",
        encrypted(
            bundle, BOTH, stanzas=lambda found: [found[0].replace(b"\n", b" x\n", 1), *found[1:]]
        ),
    )
    yield case(
        "passphrase",
        "A stanza for a passphrase stands beside the others.",
        encrypted(
            bundle,
            BOTH,
            stanzas=lambda found: [*found, stanza((b"scrypt", b64(bytes(16)), b"10"), bytes(32))],
        ),
    )
    yield case(
        "header_too_long",
        "The header is longer than a reader looks at.",
        encrypted(
            bundle,
            BOTH,
            stanzas=lambda found: [*([stanza((b"grease-x",), b"z" * 70)] * 700), *found],
        ),
    )
    yield Case(
        "parties_encrypted_onward_fail",
        "A receiver encrypted a good bundle to a third agency, as if it had been meant for it.",
        encrypted(bundle, (THIRD,)),
        "parties",
        recipient="TESTOTHER",
        identity=THIRD,
    )
    yield Case(
        "container_encrypted_nothing_fail",
        "The encrypted file holds nothing.",
        encrypted(b"", BOTH),
        "container",
        identity=OURS,
    )


def _without_last_stanza(data: bytes) -> bytes:
    start = data.rindex(b"-> X25519")
    return data[:start] + data[data.index(b"---", start) :]


def _empty_last(_: list[bytes], key: bytes) -> list[bytes]:
    seal = ChaCha20Poly1305(key).encrypt
    return [seal(bytes(12), bytes(CHUNK), None), seal(bytes(10) + b"\x01\x01", b"", None)]


def _armored(data: bytes) -> bytes:
    text = base64.b64encode(data)
    lines = [text[i : i + 64] for i in range(0, len(text), 64)]
    name = b"AGE ENCRYPTED FILE-----"
    return b"\n".join([b"-----BEGIN " + name, *lines, b"-----END " + name, b""])


def _zero_share() -> bytes:
    key = HKDF(SHA256(), 32, bytes(32) + OURS.public, b"age-encryption.org/v1/X25519")
    body = ChaCha20Poly1305(key.derive(bytes(32))).encrypt(bytes(12), _FILE_KEY, None)
    return stanza((b"X25519", b64(bytes(32))), body)


def _stray_bits(found: bytes) -> bytes:
    end = found.index(b"\n")
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return found[: end - 1] + alphabet[alphabet.index(found[end - 1]) + 1 :][:1] + found[end:]
