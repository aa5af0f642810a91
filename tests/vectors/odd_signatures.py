"""Ed25519 signatures on which verifiers disagree, made by slow arithmetic of our own.

The group law and the numbers are those of RFC 8032, section 5.1. Only for test vectors: it is
neither fast nor does it keep a secret.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TypeAlias

from exchange.keys.signing import PublicKey

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
Point: TypeAlias = tuple[int, int]
NEUTRAL: Point = (0, 1)


def _x_of(y: int) -> int:
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    assert x * x % P == square
    return x


BASE: Point = (
    min(_x_of(4 * pow(5, -1, P) % P), P - _x_of(4 * pow(5, -1, P) % P), key=lambda x: x & 1),
    4 * pow(5, -1, P) % P,
)
_ORDER_8_Y = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
ORDER_8: Point = (_x_of(_ORDER_8_Y), _ORDER_8_Y)


def add(a: Point, b: Point) -> Point:
    k = D * a[0] * b[0] * a[1] * b[1] % P
    x = (a[0] * b[1] + b[0] * a[1]) * pow(1 + k, -1, P) % P
    return x, (a[1] * b[1] + a[0] * b[0]) * pow(1 - k, -1, P) % P


def times(number: int, point: Point) -> Point:
    found = NEUTRAL
    while number:
        if number & 1:
            found = add(found, point)
        point, number = add(point, point), number >> 1
    return found


def encode(point: Point) -> bytes:
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def number(*parts: bytes) -> int:
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little") % L


def scalar(value: int) -> bytes:
    return value.to_bytes(32, "little")


@dataclass(frozen=True)
class OddKey:
    """A public key given by its 32 bytes, for which there need be no private key."""

    name: str
    raw: bytes

    @property
    def public(self) -> PublicKey:
        return PublicKey(self.raw)


SECRET = number(b"hefu test scalar, worth nothing")
MIXED = OddKey("mixed", encode(add(times(SECRET, BASE), ORDER_8)))
"""A key with a part of small order: verifiers with and without the cofactor disagree on some of
its signatures."""
SMALL = OddKey("small", encode(NEUTRAL))
"""The neutral element: R = neutral, S = 0 is a signature of every message."""
SMALL_RESPELT = OddKey("small", (P + 1).to_bytes(32, "little"))
FOR_EVERYTHING = encode(NEUTRAL) + scalar(0)


def plain_sign(seed: bytes, message: bytes) -> tuple[bytes, int]:
    """An honest signature, and its secret scalar."""
    digest = hashlib.sha512(seed).digest()
    secret = int.from_bytes(digest[:32], "little") & ~7 & (2**254 - 1) | 2**254
    nonce = number(digest[32:], message)
    key, first = encode(times(secret, BASE)), encode(times(nonce, BASE))
    return first + scalar((nonce + number(first, key, message) * secret) % L), secret


def unreduced(signature: bytes) -> bytes:
    """The same signature with S + L in the place of S."""
    return signature[:32] + scalar(int.from_bytes(signature[32:], "little") + L)


def with_neutral_nonce(secret: int, key: bytes, message: bytes) -> bytes:
    """R is the neutral element: the equation holds, and R has small order."""
    first = encode(NEUTRAL)
    return first + scalar(number(first, key, message) * secret % L)


def only_with_cofactor(message: bytes) -> bytes:
    """A signature by ``MIXED`` that holds if both sides are multiplied by 8, and only then."""
    nonce = 1
    while True:
        first = encode(times(nonce, BASE))
        challenge = number(first, MIXED.raw, message)
        if challenge % 8:
            return first + scalar((nonce + challenge * SECRET) % L)
        nonce += 1
