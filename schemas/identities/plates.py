"""Plates of vehicles (GA 36-2018, NY 345.1-2005): form, kind, province, a vehicle's key.

GA 36 and NY 345 were not at hand in full: the forms are as in use, and whoever tests a form tests
softly (``docs/identities.md`` says which are unverified). A plate says neither what its vehicle is
nor its colour: cars, motorcycles and new plates of old ones have the same seven characters.
"""

from __future__ import annotations

import re

from schemas.identities.characters import (
    PROVINCE_LETTERS,
    PROVINCES,
    SEPARATORS,
    SPACES,
    bare,
    render,
    txt,
)

_PROVINCE = f"[{PROVINCE_LETTERS}]"
_ONE = "[A-HJ-NP-Z0-9]"  # a serial has no I and no O
_HEAD = f"{_PROVINCE}[A-HJ-NP-Z]"

# In order of how often they are met; no two forms share a text.
KINDS: dict[str, str] = {
    "car": f"{_HEAD}{_ONE}{{5}}",
    # D and F first; A B C E (battery) and G H J K (other new energy) since they ran out
    "new_energy_small": f"{_HEAD}[A-HJK]{_ONE}[0-9]{{4}}",
    "new_energy_large": f"{_HEAD}[0-9]{{5}}[A-HJK]",
    "trailer": f"{_HEAD}{_ONE}{{4}}挂",
    "learner": f"{_HEAD}{_ONE}{{4}}学",
    "police": f"{_HEAD}{_ONE}{{4}}警",
    "hk_macao": f"{_HEAD}{_ONE}{{4}}[港澳]",
    "oversize": f"{_HEAD}{_ONE}{{4}}超",
    "test": f"{_HEAD}{_ONE}{{4}}试",
    "consulate": f"{_HEAD}{_ONE}{{4}}领",
    "embassy": "使[0-9]{6}|[0-9]{6}使",
    "emergency": f"{_HEAD}[0-9A-Z]{{3,4}}应急",
    "armed_police": f"WJ{_PROVINCE}?[0-9]{{4}}[0-9TDSHBXJ]",
    "temporary": f"{_HEAD}{_ONE}{{4,5}}临|临{_PROVINCE}?[A-HJ-NP-Z]{_ONE}{{4,5}}",
    "tractor": f"{_PROVINCE}[0-9]{{2}}{_ONE}{{4}}(?:{_ONE}|学)",
}
_ANY = "|".join(KINDS.values())
# What devices write when they could not read a plate, or there was none.
_UNREAD_WORDS = f"牌|未识别|无法识别|识别失败|^[{SPACES}]*默A"
_UNREAD_SIGNS = f"[?？*＊#0－{SEPARATORS}]+"
# Colours that are not one colour: two vehicles may share them and the plate.
_NO_COLOURS = ("other", "unknown", "unmapped")

_PLATE = re.compile(_ANY)
_KIND = {kind: re.compile(form) for kind, form in KINDS.items()}
_WORDS = re.compile(_UNREAD_WORDS)
_SIGNS = re.compile(_UNREAD_SIGNS)


def plate_ok(x: str | None) -> bool | None:
    """Whether ``x`` is a plate, written as :func:`plate` writes it."""
    return None if x is None else bool(_PLATE.fullmatch(x))


def plate_unread(x: str | None) -> bool | None:
    """Whether ``x`` is what a device says that could not read the plate: 未识别, 默A00000, ????."""
    if x is None:
        return None
    return not plate_ok(x) and bool(_WORDS.search(x) or _SIGNS.fullmatch(x))


def plate(x: str | None) -> str | None:
    """``x`` as a plate: width, case, dots and spaces put right; None if it was not read.

    What is no plate comes back, trimmed, so that a rule names it.
    """
    if x is None or plate_ok(x):
        return x
    if plate_unread(x):
        return None
    repaired = bare(x)
    return repaired if plate_ok(repaired) else txt(x)


def plate_kind(x: str | None) -> str | None:
    """The kind of plate, a key of :data:`KINDS`; None for what is no plate."""
    written = plate(x)
    if written is None:
        return None
    return next((kind for kind, form in _KIND.items() if form.fullmatch(written)), None)


def plate_division(x: str | None) -> str | None:
    """The province that a plate's first character names, by its two digits of GB/T 2260.

    None for what is no plate, and for plates that begin otherwise (embassies, armed police).
    """
    written = plate(x)
    return PROVINCES.get(written[0]) if written and plate_ok(written) else None


def vehicle_key(x: str | None, colour: str | None) -> str | None:
    """``plate/colour``: what tells a vehicle, for the same characters exist in several colours.

    ``colour``: a code of list ``plate_color``. None if either is missing, or the colour is none
    of its own: it is never guessed, neither from the length nor from the last character.
    """
    written, known = plate(x), txt(colour)
    if written is None or known is None or known.partition(":")[0] in _NO_COLOURS:
        return None
    return f"{written}/{known}"


def _places() -> list[str | None]:
    """The provinces' digits, at their letters' code points modulo the length of the list.

    The shortest list without collision, also with the other first characters of plates: to take
    an element is several times as quick as to look for a letter in a text.
    """
    others = "0123456789W使临"
    size = len(PROVINCES)
    while True:
        taken = {ord(letter) % size for letter in PROVINCES}
        if len(taken) == len(PROVINCES) and taken.isdisjoint(ord(c) % size for c in others):
            break
        size += 1
    places: list[str | None] = [None] * size
    for letter, digits in PROVINCES.items():
        places[ord(letter) % size] = digits
    return places


_PLACES = _places()
_OTHER_KINDS = "\n".join(
    f"    WHEN regexp_full_match(x, '{form}') THEN '{kind}'" for kind, form in KINDS.items()
)
MACROS = render(
    r"""
-- BOOLEAN: one of the forms of plates (GA 36, NY 345).
CREATE OR REPLACE MACRO plate_ok(x) AS
  regexp_full_match(x, '$any');

-- BOOLEAN: the device says that it could not read the plate (未识别, 无牌, 车牌…, 默A00000, ????).
CREATE OR REPLACE MACRO plate_unread(x) AS
  CASE WHEN plate_ok(x) THEN FALSE
    ELSE regexp_matches(x, '$words') OR regexp_full_match(x, '$signs')
  END;

-- A plate; NULL when plate_unread() says so: a text such as 未识别 is no vehicle's key.
CREATE OR REPLACE MACRO plate(x) AS
  CASE
    WHEN plate_ok(x) THEN x
    WHEN plate_unread(x) THEN NULL
    WHEN plate_ok(bare(x)) THEN bare(x)
    ELSE txt(x)
  END;

-- The kind of a plate that is written as plate() writes it.
CREATE OR REPLACE MACRO plate_kind_of(x) AS
  CASE
$kinds
  END;

-- The kind of a plate: car, new_energy_small, trailer …; NULL for what is no plate.
CREATE OR REPLACE MACRO plate_kind(x) AS
  CASE
    WHEN regexp_full_match(x, '$car') THEN 'car'
    WHEN plate_ok(x) THEN plate_kind_of(x)
    WHEN plate_unread(x) THEN NULL
    ELSE plate_kind_of(bare(x))
  END;

-- Of a plate that begins with a province's letter; NULL for the other first characters of plates.
CREATE OR REPLACE MACRO plate_province(x) AS
  [$provinces][unicode(x) % $places + 1];

-- The province that the first character of a plate names: two digits of GB/T 2260.
CREATE OR REPLACE MACRO plate_division(x) AS
  CASE
    WHEN plate_ok(x) THEN plate_province(x)
    WHEN plate_unread(x) THEN NULL
    WHEN plate_ok(bare(x)) THEN plate_province(bare(x))
  END;

-- plate/colour; NULL when one of them is missing or the colour is none of its own.
CREATE OR REPLACE MACRO vehicle_key(x, colour) AS
  CASE WHEN split_part(txt(colour), ':', 1) NOT IN ($no_colours)
    THEN plate(x) || '/' || txt(colour)
  END;
""",
    any=_ANY,
    words=_UNREAD_WORDS,
    signs=_UNREAD_SIGNS,
    kinds=_OTHER_KINDS,
    car=KINDS["car"],
    provinces=", ".join(f"'{p}'" if p else "NULL" for p in _PLACES),
    places=str(len(_PLACES)),
    no_colours=", ".join(f"'{c}'" for c in _NO_COLOURS),
)
