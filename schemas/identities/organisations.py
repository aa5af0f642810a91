"""Organisations: unified credit codes (GB 32100), organisation codes (GB 11714), names.

A name's key brings spellings of one name together so that a person can look at them. It is no
identity: two companies may have one name, and one company two. Nothing is merged by it.
"""

from __future__ import annotations

import re

from schemas.identities.characters import (
    DOTS,
    SPACES,
    ascii_upper,
    bare,
    half_width,
    render,
    txt,
)

CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_WEIGHTS = tuple(pow(3, i, 31) for i in range(17))
_CREDIT_FORM = f"[{CREDIT_ALPHABET}]{{18}}"
ORG_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ORG_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_ORG_FORM = "[0-9A-Z]{8}[0-9X]"
_ORG_CHECKS = "0X987654321"  # by the weighted sum modulo 11

_CREDIT = re.compile(_CREDIT_FORM)
_ORG = re.compile(_ORG_FORM)

# Marks that spellings of a name differ in; what they enclose stays.
_NAME_MARKS = SPACES + DOTS + "()[]{}<>〔〕【】《》〈〉「」『』“”‘’\"'`,:;!、，：；" + "-"
_LIMITED = "有限责任(?:公司)?"
_LIMITED_SHORT = "有限公司"
_CLASS = "".join(f"\\{c}" if c in "[]\\" else c for c in _NAME_MARKS)
_MARKS = re.compile(f"[{_CLASS}]+")
_LIMITED_RE = re.compile(_LIMITED)
# Most names are Chinese characters only and say 有限公司: they are their own key.
_PLAIN_NAME = "[一-鿿]+"


def credit_code(x: str | None) -> str | None:
    """``x`` as a unified social credit code, put right like a plate; anything else comes back."""
    return _read(x, _CREDIT)


def credit_code_ok(x: str | None) -> bool | None:
    """Whether ``x`` has the form and check character of GB 32100-2015.

    Any first characters of its alphabet are right: N2… are rural collectives.
    """
    if x is None:
        return None
    return bool(_CREDIT.fullmatch(x)) and x[17] == credit_check(x[:17])


def credit_check(body: str) -> str:
    """The check character of the 17 characters before it: weights 3^i, modulus 31."""
    total = sum(CREDIT_ALPHABET.index(c) * w for c, w in zip(body, _CREDIT_WEIGHTS, strict=True))
    return CREDIT_ALPHABET[-total % 31]


def org_code(x: str | None) -> str | None:
    """``x`` as an organisation code of nine characters; the dash before the last is left out."""
    return _read(x, _ORG)


def org_code_ok(x: str | None) -> bool | None:
    """Whether ``x`` has the form and check character of GB 11714-1997."""
    if x is None:
        return None
    return bool(_ORG.fullmatch(x)) and x[8] == org_check(x[:8])


def org_check(body: str) -> str:
    """The check character of the 8 characters before it: 11 less the weighted sum modulo 11."""
    total = sum(ORG_ALPHABET.index(c) * w for c, w in zip(body, _ORG_WEIGHTS, strict=True))
    return _ORG_CHECKS[total % 11]


def org_match_key(x: str | None) -> str | None:
    """A key that spellings of one name share; None for no name.

    Half width, upper case, without brackets, spaces and dots (what they enclose stays);
    有限责任公司 and 有限责任 become 有限公司. Kept apart: 股份有限公司, the region before the name,
    the branch after it.
    """
    text = txt(half_width(x)) if x is not None else None
    if text is None:
        return None
    return txt(_LIMITED_RE.sub(_LIMITED_SHORT, ascii_upper(_MARKS.sub("", text))))


def _read(x: str | None, form: re.Pattern[str]) -> str | None:
    if x is None or form.fullmatch(x):
        return x
    repaired = bare(x)
    return repaired if form.fullmatch(repaired) else txt(x)


def _weighted(value: str, weights: tuple[int, ...]) -> str:
    return " + ".join(f"{value}(x, {i}) * {w}" for i, w in enumerate(weights, start=1))


MACROS = render(
    r"""
-- Unified social credit code (GB 32100-2015).
CREATE OR REPLACE MACRO credit_code(x) AS
  CASE
    WHEN regexp_full_match(x, '$credit_form') THEN x
    WHEN regexp_full_match(bare(x), '$credit_form') THEN bare(x)
    ELSE txt(x)
  END;

CREATE OR REPLACE MACRO gb32100_value(x, i) AS
  strpos('$credit_alphabet', substr(x, i, 1)) - 1;

-- BOOLEAN: form and check character. Weights are 3^i mod 31; the sum with the check character's own
-- value is a multiple of 31. Any first characters of the alphabet: N2… are rural collectives.
CREATE OR REPLACE MACRO credit_code_ok(x) AS
  regexp_full_match(x, '$credit_form') AND ($credit_sum + gb32100_value(x, 18)) % 31 = 0;

-- Organisation code (GB 11714-1997), nine characters.
CREATE OR REPLACE MACRO org_code(x) AS
  CASE
    WHEN regexp_full_match(x, '$org_form') THEN x
    WHEN regexp_full_match(bare(x), '$org_form') THEN bare(x)
    ELSE txt(x)
  END;

CREATE OR REPLACE MACRO gb11714_value(x, i) AS
  strpos('$org_alphabet', substr(x, i, 1)) - 1;

-- BOOLEAN: form and check character.
CREATE OR REPLACE MACRO org_code_ok(x) AS
  regexp_full_match(x, '$org_form')
  AND substr('$org_checks', CAST(($org_sum) % 11 AS INTEGER) + 1, 1) = substr(x, 9, 1);

-- A key that spellings of an organisation's name share, to be looked at by a person: no identity.
CREATE OR REPLACE MACRO org_match_key(x) AS
  CASE WHEN regexp_full_match(x, '$plain_name') AND NOT contains(x, '有限责任') THEN x
    ELSE list_transform(list_transform(list_transform([half_width(x)],
      lambda a: regexp_replace(txt(a), '[$name_marks]+', '', 'g')),
      lambda b: regexp_replace(ascii_upper(b), '$limited', '$limited_short', 'g')),
      lambda c: txt(c))[1]
  END;
""",
    credit_form=_CREDIT_FORM,
    credit_alphabet=CREDIT_ALPHABET,
    credit_sum=_weighted("gb32100_value", _CREDIT_WEIGHTS),
    org_form=_ORG_FORM,
    org_alphabet=ORG_ALPHABET,
    org_sum=_weighted("gb11714_value", _ORG_WEIGHTS),
    org_checks=_ORG_CHECKS,
    plain_name=_PLAIN_NAME,
    name_marks=_CLASS.replace("'", "''"),
    limited=_LIMITED,
    limited_short=_LIMITED_SHORT,
)
