"""Characters: how a number written by hand becomes the number, and what all identities share.

Regexes here and in the neighbouring modules mean the same in RE2 (DuckDB) and in ``re``: explicit
ranges, no ``\\s``, ``\\d`` or ``$``, matched in full.
"""

from __future__ import annotations

import unicodedata
from string import Template

# The first character of a plate, and the first two digits of GB/T 2260 that it stands for.
PROVINCE_LETTERS = "京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川贵云藏陕甘青宁新"
PROVINCE_DIGITS = "11121314152122233132333435363741424344454650515253546162636465"
PROVINCES = {
    letter: PROVINCE_DIGITS[2 * i : 2 * i + 2] for i, letter in enumerate(PROVINCE_LETTERS)
}
SPACES = "\t\n\v\f\r \u00a0\u3000\ufeff"
DOTS = "·•・‧∙.。"
# What stands between the characters of a number and is no part of it. The dash is last: there
# it means itself within the brackets of a regex.
SEPARATORS = SPACES + DOTS + "—–_-"

_HALF_WIDTH = {0xFF01 + i: 0x21 + i for i in range(0x5E)}
_TRIMMED = "\t\n\f\r \u00a0\u3000\ufeff"
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_UPPER = str.maketrans(_LETTERS, _LETTERS.upper())
_DROPPED = dict.fromkeys(map(ord, SEPARATORS))


def txt(x: str | None) -> str | None:
    """Text in normal form C without spaces around it; None if nothing is left. Macro ``txt``."""
    if x is None:
        return None
    return unicodedata.normalize("NFC", x).strip(_TRIMMED) or None


def half_width(x: str) -> str:
    """Full-width letters, digits and punctuation as half-width ones. Macro ``half_width``."""
    return x.translate(_HALF_WIDTH)


def ascii_upper(x: str) -> str:
    """The letters a to z in upper case; no number has others. Macro ``ascii_upper``."""
    return x.translate(_UPPER)


def bare(x: str) -> str:
    """A number as it is compared: half width, upper case, without separators. Macro ``bare``."""
    return ascii_upper(half_width(x).translate(_DROPPED))


def render(template: str, **constants: str) -> str:
    """Macro text from a template: ``$name`` stands for a constant of the module."""
    return Template(template).substitute(constants)


MACROS = render(
    r"""
-- a to z in upper case and no other letters; upper() would change some that are in no number.
CREATE OR REPLACE MACRO ascii_upper(x) AS
  CASE WHEN regexp_matches(x, '[a-z]') THEN translate(x, '$lower', '$upper') ELSE x END;

-- Letters, digits and Chinese characters only, upper case, half width: how numbers on plates and
-- certificates are compared. A macro's argument is written out wherever the macro uses it, and
-- within a CASE worked out each time; a list of one makes it a value.
CREATE OR REPLACE MACRO bare(x) AS
  list_transform([regexp_replace(half_width(x), '[$separators]+', '', 'g')],
    lambda b: ascii_upper(b))[1];
""",
    separators=SEPARATORS,
    lower=_LETTERS,
    upper=_LETTERS.upper(),
)
