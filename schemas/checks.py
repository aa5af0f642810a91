"""The check digits of credit codes and identity numbers, in Python.

Twins of the macros ``credit_code_ok`` and ``id_no_ok``, for configuration and for numbers
that are not in a table; a property test holds both to the same answers.
"""

from __future__ import annotations

import re
from datetime import date

_CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_FORM = re.compile(f"[{_CREDIT_ALPHABET}]{{18}}")
_ID_FORM = re.compile(r"[0-9]{17}[0-9X]")
_OLD_ID_FORM = re.compile(r"[0-9]{15}")
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS = "10X98765432"


def credit_code_ok(code: str) -> bool:
    """Whether ``code`` has the form and check character of GB 32100-2015.

    Any first characters of its alphabet are right: N2… are rural collectives.
    """
    return bool(_CREDIT_FORM.fullmatch(code)) and code[17] == credit_check(code[:17])


def credit_check(body: str) -> str:
    """The check character of the 17 characters before it: weights 3^i, modulus 31."""
    total = sum(_CREDIT_ALPHABET.index(c) * pow(3, i, 31) for i, c in enumerate(body))
    return _CREDIT_ALPHABET[-total % 31]


def id_no_ok(number: str) -> bool:
    """Whether ``number`` is an identity number of GB 11643-1999.

    The date of birth must exist; the region is not checked, for regions are abolished and
    numbers stay. The old form of 15 digits has no check character.
    """
    if _ID_FORM.fullmatch(number):
        return _is_date(number[6:14]) and number[17] == id_check(number[:17])
    return bool(_OLD_ID_FORM.fullmatch(number)) and _is_date("19" + number[6:12])


def id_check(body: str) -> str:
    """The check character of the 17 digits before it (ISO 7064, MOD 11-2)."""
    return _ID_CHECKS[sum(int(d) * w for d, w in zip(body, _ID_WEIGHTS, strict=True)) % 11]


def _is_date(digits: str) -> bool:
    try:
        date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return False
    return True
