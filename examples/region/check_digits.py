"""Check digits of the identifiers that the generator invents.

The generator must not use the macros that it is there to test, so it computes
its own: GB 32100-2015 (unified social credit code) and GB 11643-1999 (identity
number). Sources: the two standards' check character rules.
"""

from __future__ import annotations

from typing import Final

# GB 32100: digits and capital letters without I, O, S, V, Z; weights 3^i mod 31
CREDIT_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_VALUE: Final = {char: value for value, char in enumerate(CREDIT_ALPHABET)}
_CREDIT_WEIGHTS: Final = tuple(pow(3, i, 31) for i in range(17))

# GB 11643: weights 2^(17-i) mod 11, remainder 10 is written X
_ID_WEIGHTS: Final = tuple(pow(2, 17 - i, 11) for i in range(17))
_ID_CHECK: Final = "10X98765432"


def credit_code(first_17: str) -> str:
    """The 18-character unified social credit code that begins with ``first_17``."""
    total = sum(_CREDIT_VALUE[c] * w for c, w in zip(first_17, _CREDIT_WEIGHTS, strict=True))
    return first_17 + CREDIT_ALPHABET[(31 - total % 31) % 31]


def identity_number(first_17: str) -> str:
    """The 18-character identity number that begins with ``first_17`` (17 digits)."""
    total = sum(int(c) * w for c, w in zip(first_17, _ID_WEIGHTS, strict=True))
    return first_17 + _ID_CHECK[total % 11]


def with_wrong_check(identifier: str) -> str:
    """The same identifier with a check character that cannot be right."""
    return identifier[:-1] + ("2" if identifier[-1] == "1" else "1")
