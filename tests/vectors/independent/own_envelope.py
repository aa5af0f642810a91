"""Section 4: the envelope and its signatures."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from own_json import strict_json
from own_refusal import MIB, RefusedError, need, sha256
from own_shapes import HEX64, list_of, one_of, record

PRIME = 2**255 - 19
_Y8 = 2707385501144840649318225287225658788936804267575313519463743609750303021022
SMALL = {0, 1, PRIME - 1, _Y8, PRIME - _Y8}


def sound(encoded: bytes) -> bool:
    y = int.from_bytes(encoded, "little") % 2**255
    return y < PRIME and y not in SMALL


def good(key: bytes, signature: bytes, message: bytes) -> bool:
    if len(signature) != 64 or not (sound(key) and sound(signature[:32])):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def key_id(key: bytes) -> str:
    return sha256(bytes.fromhex("302a300506032b6570032100") + key)


def unbase64(step: str, value: Any) -> bytes:
    try:
        raw = base64.b64decode(value, validate=True) if isinstance(value, str) else b""
    except (binascii.Error, ValueError):
        raise RefusedError(step, "no base64") from None
    need(step, base64.b64encode(raw).decode() == value, "base64 that is not canonical")
    return raw


def read_envelope(data: bytes) -> tuple[bytes, list[tuple[str, bytes]]]:
    step = "envelope"
    need(step, len(data) <= 2 * MIB, "too large")
    value = strict_json(step, data, canonical=True, longest=2 * MIB)
    one = record({"keyid": HEX64, "sig": lambda v: isinstance(v, str)})
    form = record(
        {
            "payload": lambda v: isinstance(v, str),
            "payloadType": one_of("application/vnd.in-toto+json"),
            "signatures": list_of(one, 1, 16),
        }
    )
    need(step, form(value), "not of its form")
    payload = unbase64(step, value["payload"])
    need(step, len(payload) <= MIB, "payload too large")
    signatures = [(s["keyid"], unbase64(step, s["sig"])) for s in value["signatures"]]
    need(step, all(len(sig) == 64 for _, sig in signatures), "a signature of another length")
    return payload, signatures


def check_signatures(
    payload: bytes, signatures: list[tuple[str, bytes]], keys: Sequence[bytes], threshold: int
) -> None:
    step, kind = "signature", b"application/vnd.in-toto+json"
    message = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
    signed = set()
    for named, signature in signatures:
        for key in keys:
            if good(key, signature, message):
                signed.add(key)
                need(step, named == key_id(key), "a good signature under another key id")
    need(step, len(signed) >= threshold, "below the threshold")
    names = [named for named, _ in signatures]
    need(step, names == sorted(set(names)), "unsorted or doubled")
