"""Resident identity numbers (GB 11643-1999): 18 characters, or the 15 digits of before 1999.

A wrong check digit or an impossible birthday is an error. An unknown region is a warning:
regions are abolished and renumbered, numbers stay. Whether a birthday lies in the future depends
on the day it is asked, which a check of the number alone must not know: ``id_born_by``.
The number of a mainland driving licence is the holder's identity number.
"""

from __future__ import annotations

import re
from datetime import date
from functools import cache

from schemas.identities.characters import bare, render, txt

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"  # by the weighted sum modulo 11 (ISO 7064, MOD 11-2)

# A day of a year with the leap day only where there is one: dearer to write, but then one
# regular expression says all that can be wrong with the digits.
_DAY = (
    "(?:(?:0[13578]|1[02])(?:0[1-9]|[12][0-9]|3[01])"
    "|(?:0[469]|11)(?:0[1-9]|[12][0-9]|30)|02(?:0[1-9]|1[0-9]|2[0-8]))"
)
_LEAP = "(?:0[48]|[2468][048]|[13579][26])"
_BORN = f"(?:[12][0-9]{{3}}{_DAY}|(?:[12][0-9]{_LEAP}|(?:1[26]|2[048])00)0229)"
_BORN_15 = f"(?:[0-9]{{2}}{_DAY}|{_LEAP}0229)"
_FORM = "[0-9]{17}[0-9X]"
_DATED = f"[0-9]{{6}}{_BORN}[0-9]{{3}}[0-9X]"
_DATED_15 = f"[0-9]{{6}}{_BORN_15}[0-9]{{3}}"

_REGION_SCHEMES = ("canonical", "history")

_ANY_ID = re.compile(f"{_FORM}|[0-9]{{15}}")
_ID = re.compile(_DATED)
_ID_15 = re.compile(_DATED_15)
#: A person's number anywhere in a text: whether or not its check digit is right, in groups or not.
#: or of the old form.
ID_IN_TEXT = f"(?:[0-9]{{6}}[ -]?{_BORN}[ -]?[0-9]{{3}}[0-9Xx]|{_DATED_15})"
#: With or without the country's code, or the 0 that was dialled before it.
MOBILE_IN_TEXT = r"(?:(?:\+|00)?86[ -]?|0)?1[3-9][0-9](?:[ -]?[0-9]{4}){2}"


def id_no(x: str | None) -> str | None:
    """``x`` as an identity number: width, case, dots and spaces put right; else it comes back."""
    if x is None:
        return None
    repaired = bare(x)
    return repaired if _ANY_ID.fullmatch(repaired) else txt(x)


def id_no_ok(x: str | None) -> bool | None:
    """Whether ``x`` is an identity number: check digit (18 characters) and a day that exists."""
    if x is None:
        return None
    if _ID.fullmatch(x):
        return x[17] == id_check(x[:17])
    return bool(_ID_15.fullmatch(x))


def id_check(body: str) -> str:
    """The check character of the 17 digits before it (ISO 7064, MOD 11-2)."""
    return _CHECKS[sum(int(d) * w for d, w in zip(body, _WEIGHTS, strict=True)) % 11]


def id_no_18(x: str | None) -> str | None:
    """An identity number with 18 characters: the old form gets its century, 19, and check digit.

    What is no number of the old form comes back as :func:`id_no` gives it.
    """
    number = id_no(x)
    if number is None or not _ID_15.fullmatch(number):
        return number
    body = f"{number[:6]}19{number[6:]}"
    return body + id_check(body)


def id_birth_date(x: str | None) -> date | None:
    """The birthday in an identity number; None if it is no right number."""
    number = id_no_18(x)
    if number is None or not id_no_ok(number):
        return None
    return date(int(number[6:10]), int(number[10:12]), int(number[12:14]))


def id_born_by(x: str | None, day: date | None) -> bool | None:
    """Whether the holder was born on ``day`` or before; None for no right number or no day."""
    born = id_birth_date(x)
    return None if born is None or day is None else born <= day


def id_region_known(x: str | None) -> bool | None:
    """Whether the first six digits are, or once were, a code of list ``division``.

    A warning at most: the list's history is not complete, and residence permits of foreigners
    and of Hong Kong, Macao and Taiwan have codes of their own. None for no number.
    """
    number = id_no(x)
    if number is None or not _ANY_ID.fullmatch(number):
        return None
    return number[:6] in _regions()


@cache
def _regions() -> frozenset[str]:
    from schemas.codes import all_codes

    return frozenset(row.raw for row in all_codes()["division"] if row.scheme in _REGION_SCHEMES)


def _digit_sum(weights: tuple[int, ...]) -> str:
    """SQL of the weighted sum of 17 digits, which are one number n: no text is cut up."""
    parts = [f"n // {10 ** (16 - i)} % 10 * {w}" for i, w in enumerate(weights)]
    return " + ".join(parts)


MACROS = render(
    r"""
-- Resident identity number (GB 11643-1999).
CREATE OR REPLACE MACRO id_no(x) AS
  CASE
    WHEN regexp_full_match(x, '$form') THEN x
    WHEN regexp_full_match(bare(x), '$form|[0-9]{15}') THEN bare(x)
    ELSE txt(x)
  END;

CREATE OR REPLACE MACRO gb11643_sum(n) AS $sum;

-- The check character of 17 digits, which are made a number once (see bare).
CREATE OR REPLACE MACRO gb11643_check(body) AS
  list_transform([CAST(body AS BIGINT)],
    lambda n: substr('$checks', CAST(gb11643_sum(n) % 11 AS INTEGER) + 1, 1))[1];

-- BOOLEAN: 18 characters with check character and a possible date of birth, or the form of the old
-- 15 digits, which have no check character. The region is not checked.
CREATE OR REPLACE MACRO id_no_ok(x) AS
  CASE
    WHEN regexp_full_match(x, '$dated')
      THEN gb11643_check(substr(x, 1, 17)) = substr(x, 18, 1)
    ELSE regexp_full_match(x, '$dated_15')
  END;

CREATE OR REPLACE MACRO gb11643_of_15(x) AS
  left(x, 6) || '19' || substr(x, 7) || gb11643_check(left(x, 6) || '19' || substr(x, 7));

-- An identity number with 18 characters: the old form gets its century, 19, and its check digit.
CREATE OR REPLACE MACRO id_no_18(x) AS
  CASE
    WHEN regexp_full_match(x, '$form') THEN x
    WHEN regexp_full_match(bare(x), '$dated_15') THEN gb11643_of_15(bare(x))
    ELSE id_no(x)
  END;

-- DATE: the birthday in an identity number; NULL if it is no right number.
CREATE OR REPLACE MACRO id_birth_date(x) AS
  list_transform([id_no_18(x)], lambda p: CASE WHEN id_no_ok(p)
    THEN CAST(substr(p, 7, 4) || '-' || substr(p, 11, 2) || '-' || substr(p, 13, 2) AS DATE)
  END)[1];

-- BOOLEAN: the first six digits are, or once were, a code of list division; NULL for no number.
CREATE OR REPLACE MACRO id_region_known(x) AS
  CASE WHEN regexp_full_match(id_no(x), '$form|[0-9]{15}')
    THEN left(id_no(x), 6) IN (
      SELECT raw FROM hefu_code WHERE list = 'division' AND scheme IN ($region_schemes))
  END;

-- BOOLEAN: the holder was born on that DATE or before.
CREATE OR REPLACE MACRO id_born_by(x, day) AS
  id_birth_date(x) <= day;
""",
    form=_FORM,
    dated=_DATED,
    dated_15=_DATED_15,
    checks=_CHECKS,
    sum=_digit_sum(_WEIGHTS),
    region_schemes=", ".join(f"'{s}'" for s in _REGION_SCHEMES),
)
