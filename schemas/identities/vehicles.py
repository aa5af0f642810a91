"""Numbers of vehicles beside the plate: VIN (GB 16735-2019) and road transport certificate."""

from __future__ import annotations

import re

from schemas.identities.characters import bare, render, txt

_VIN_FORM = "[A-HJ-NPR-Z0-9]{17}"
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
# A character's value is its place here, from 0, modulo 10 (annex A of GB 16735).
_VIN_VALUES = "0123456789.ABCDEFGH..JKLMN.P.R..STUVWXYZ"
_VIN_CHECKS = "0123456789X"
# Twelve digits, or a certificate's words around them: 皖交运管宣字341800000000号.
_CERTIFICATE = r"[0-9]{12}"
_CERTIFICATE_WORDS = r"[一-鿿()\[\]〔〕]*([0-9]{12})号?"

_VIN = re.compile(_VIN_FORM)
_CERTIFICATE_IN_WORDS = re.compile(_CERTIFICATE_WORDS)


def vin(x: str | None) -> str | None:
    """``x`` as a VIN: width, case, dots and spaces put right; else it comes back.

    An O or I is not changed to 0 or 1: that would be guessing.
    """
    if x is None:
        return None
    repaired = bare(x)
    return repaired if _VIN.fullmatch(repaired) else txt(x)


def vin_ok(x: str | None) -> bool | None:
    """Whether ``x`` has the form of a VIN: 17 characters without I, O and Q."""
    return None if x is None else bool(_VIN.fullmatch(x))


def vin_check_ok(x: str | None) -> bool | None:
    """Whether the ninth character is the check digit of the others; None without their form.

    A warning, never an error: GB 16735 requires it of vehicles made for China, imported ones
    need not have it.
    """
    if x is None or not _VIN.fullmatch(x):
        return None
    values = (_VIN_VALUES.index(c) % 10 for c in x)
    total = sum(v * w for v, w in zip(values, _VIN_WEIGHTS, strict=True))
    return x[8] == _VIN_CHECKS[total % 11]


def transport_certificate_no(x: str | None) -> str | None:
    """The 12 digits of a road transport certificate, without the words written around them.

    Anything else comes back, trimmed: how many digits there are differs by province and year.
    """
    if x is None:
        return None
    found = _CERTIFICATE_IN_WORDS.fullmatch(bare(x))
    return found[1] if found else txt(x)


MACROS = render(
    r"""
-- Vehicle identification number (GB 16735-2019).
CREATE OR REPLACE MACRO vin(x) AS
  CASE
    WHEN regexp_full_match(x, '$vin_form') THEN x
    WHEN regexp_full_match(bare(x), '$vin_form') THEN bare(x)
    ELSE txt(x)
  END;

-- BOOLEAN: 17 characters without I, O and Q.
CREATE OR REPLACE MACRO vin_ok(x) AS
  regexp_full_match(x, '$vin_form');

CREATE OR REPLACE MACRO gb16735_value(x, i) AS
  (strpos('$vin_values', substr(x, i, 1)) - 1) % 10;

-- BOOLEAN: the ninth character is the check digit; NULL for what is no VIN. A warning: imported
-- vehicles need not have it.
CREATE OR REPLACE MACRO vin_check_ok(x) AS
  CASE WHEN regexp_full_match(x, '$vin_form')
    THEN substr('$vin_checks', CAST(($vin_sum) % 11 AS INTEGER) + 1, 1) = substr(x, 9, 1)
  END;

-- The 12 digits of a road transport certificate (道路运输证), without the words around them.
CREATE OR REPLACE MACRO transport_certificate_no(x) AS
  CASE
    WHEN regexp_full_match(x, '$certificate') THEN x
    WHEN regexp_full_match(bare(x), '$certificate_words')
      THEN regexp_extract(bare(x), '$certificate_words', 1)
    ELSE txt(x)
  END;
""",
    vin_form=_VIN_FORM,
    vin_values=_VIN_VALUES,
    vin_checks=_VIN_CHECKS,
    vin_sum=" + ".join(
        f"gb16735_value(x, {i}) * {w}" for i, w in enumerate(_VIN_WEIGHTS, start=1) if w
    ),
    certificate=_CERTIFICATE,
    certificate_words=_CERTIFICATE_WORDS,
)
