"""Ed25519 points on which verifiers disagree, refused by all readers of a bundle alike.

RFC 8032 leaves open whether a verifier multiplies by the cofactor; OpenSSL takes keys and
nonces of small order, libsodium doesn't. Two readers of one bundle must not differ, and under a
key of small order anybody can sign. ``exchange/FORMAT.md`` section "Signatures" has the rule.
"""

from __future__ import annotations

_PRIME = 2**255 - 19
_ORDER_8 = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_SMALL_ORDER = {0, 1, _PRIME - 1, _ORDER_8, _PRIME - _ORDER_8}
"""The y coordinates of the eight points whose order divides the cofactor 8."""


def _y(encoded: bytes) -> int:
    return int.from_bytes(encoded, "little") & (2**255 - 1)


def has_small_order(encoded: bytes) -> bool:
    """Whether 32 bytes encode a point whose order divides 8, in any spelling."""
    return _y(encoded) % _PRIME in _SMALL_ORDER


def is_canonical(encoded: bytes) -> bool:
    """Whether the y coordinate of 32 bytes is spelt below 2^255 - 19."""
    return _y(encoded) < _PRIME


def is_sound(encoded: bytes) -> bool:
    """Whether 32 bytes may be a public key, or the first half of a signature."""
    return is_canonical(encoded) and not has_small_order(encoded)
