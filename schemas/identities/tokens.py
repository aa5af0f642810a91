"""Tokens: two agencies match people and firms without sending their numbers.

A token is HMAC-SHA-256 (RFC 2104, FIPS 198-1) of kind and number under a key that one pair of
agencies shares: ``hs256:`` and 64 hex digits. To the byte, the message is UTF-8 of ::

    hefu-token-v1 LF kind LF number

with kind and number brought to one form, so that the same person gets the same token whatever
field or spelling the number stood in: a resident identity number of 15 digits as its 18, a
driving licence that is one as ``resident_id``, a registration or tax number that is a credit code
as ``uscc``. There is no token for a number that fails its check: that of a typing error would
match nobody, or somebody else. Nor for a masked number, whose stars stand for many people's, or
for a kind that does not say what the number is.

It hides numbers from everybody who lacks the key. Who has it can try all numbers there are: to the
two agencies the token is a pseudonym, not anonymous (``docs/identities.md``).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import TYPE_CHECKING

from schemas.identities.characters import bare, render
from schemas.identities.organisations import (
    CREDIT_ALPHABET,
    credit_code,
    credit_code_ok,
    org_code,
    org_code_ok,
)
from schemas.identities.persons import id_no_18, id_no_ok
from schemas.identities.plates import plate_ok

if TYPE_CHECKING:
    import duckdb

PREFIX = "hs256:"
DOMAIN = "hefu-token-v1"
KEY_BYTES = 32
LICENCE = "driver_license"
VEHICLE = "vehicle"
# Kinds of list id_type. Those of the first group may hold a credit code under an older name.
_OF_FIRMS = ("business_licence", "tax_no", "institution_no", "social_org_no")
_WITHOUT_CHECK = (
    "military_id",
    "police_id",
    "passport",
    "hk_permit",
    "macao_permit",
    "taiwan_permit",
)
#: The fields that hold a token, and SQL of kind and number of the same record.
TOKEN_FIELDS = {
    "party_id_token": ("party_id_type", "party_id_no"),
    "driver_id_token": (f"'{LICENCE}'", "driver_license_no"),
}

_BLOCK_BYTES = 64
_MASK = "*"
_INNER, _OUTER = "hefu_token_inner", "hefu_token_outer"
# So many digits are an identity number with a typing error, not somebody else's licence.
_LIKE_ID = "[0-9]{14,19}X?"
_LIKE_CREDIT = f"[{CREDIT_ALPHABET}]{{18}}"
_LIKE_ID_RE = re.compile(_LIKE_ID)
_LIKE_CREDIT_RE = re.compile(_LIKE_CREDIT)


def party_token(key: bytes, kind: str | None, number: str | None) -> str | None:
    """The token of a number under a pair's ``key`` of 32 bytes, or None if it can have none.

    ``kind``: a code of list ``id_type``, ``driver_license``, or ``vehicle`` with a
    ``vehicle_key`` as number.
    """
    _check(key)
    text = token_text(kind, number)
    if text is None:
        return None
    return PREFIX + hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def token_text(kind: str | None, number: str | None) -> str | None:
    """What is digested, as text; None if the number can have no token."""
    if kind is None or number is None:
        return None
    found = _normal(kind, number)
    return "\n".join((DOMAIN, *found)) if found else None


def _normal(kind: str, number: str) -> tuple[str, str] | None:
    if _MASK in bare(number):
        return None
    if kind in ("resident_id", LICENCE):
        person = id_no_18(number)
        if person is not None and id_no_ok(person):
            return "resident_id", person
        if kind == LICENCE and not _LIKE_ID_RE.fullmatch(bare(number)) and bare(number):
            return LICENCE, bare(number)
        return None
    if kind in ("uscc", "org_code", *_OF_FIRMS):
        return _firm(kind, number)
    if kind == VEHICLE:
        return (VEHICLE, number) if plate_ok(number.partition("/")[0]) and "/" in number else None
    if kind in _WITHOUT_CHECK and bare(number):
        return kind, bare(number)
    return None


def _firm(kind: str, number: str) -> tuple[str, str] | None:
    code = credit_code(number)
    if code is not None and credit_code_ok(code):
        return "uscc", code
    old = org_code(number)
    if kind == "org_code" and old is not None and org_code_ok(old):
        return "org_code", old
    if kind in _OF_FIRMS and bare(number) and not _LIKE_CREDIT_RE.fullmatch(bare(number)):
        return kind, bare(number)
    return None


def set_token_key(con: duckdb.DuckDBPyConnection, key: bytes) -> None:
    """Let :func:`token_sql` on this connection use a pair's ``key`` of 32 bytes."""
    _check(key)
    set_hmac_key(con, key)


def set_hmac_key(con: duckdb.DuckDBPyConnection, key: bytes) -> None:
    """The key of :func:`hmac_sql`, of any length.

    It goes in as a parameter and stays in variables of the session, never in the text of a
    statement: DuckDB quotes statements in its messages.
    """
    short = hashlib.sha256(key).digest() if len(key) > _BLOCK_BYTES else key
    padded = short.ljust(_BLOCK_BYTES, b"\0")
    con.execute(f"SET VARIABLE {_INNER} = $1", [bytes(b ^ 0x36 for b in padded)])
    con.execute(f"SET VARIABLE {_OUTER} = $1", [bytes(b ^ 0x5C for b in padded)])


def hmac_sql(message_sql: str) -> str:
    """SQL of HMAC-SHA-256 of a BLOB: 64 hex digits. It fails if the connection has no key."""
    inner, outer = (
        f"coalesce(getvariable('{name}'), CAST(error('no token key was set') AS BLOB))"
        for name in (_INNER, _OUTER)
    )
    return f"sha256({outer} || unhex(sha256({inner} || {message_sql})))"


def token_sql(kind_sql: str, number_sql: str) -> str:
    """SQL of :func:`party_token` over texts; fails if the connection was given no key."""
    return f"'{PREFIX}' || {hmac_sql(f'encode(token_text({kind_sql}, {number_sql}))')}"


def field_token_sql(field: str) -> str:
    """SQL of the token that ``party_id_token`` or ``driver_id_token`` of a record should hold.

    For the sender's projection, and for a receiver that matches its own records with the
    tokens it was sent. KeyError for any other field.
    """
    return token_sql(*TOKEN_FIELDS[field])


def _check(key: bytes) -> None:
    if len(key) != KEY_BYTES:
        raise ValueError(f"a token key has {KEY_BYTES} bytes")


def _list(kinds: tuple[str, ...]) -> str:
    return ", ".join(f"'{kind}'" for kind in kinds)


MACROS = render(
    r"""
CREATE OR REPLACE MACRO token_line(kind, number) AS
  '$domain' || chr(10) || kind || chr(10) || nullif(number, '');

CREATE OR REPLACE MACRO token_text_of_firm(kind, code, old, number) AS
  CASE
    WHEN credit_code_ok(code) THEN token_line('uscc', code)
    WHEN kind = 'org_code' THEN CASE WHEN org_code_ok(old) THEN token_line(kind, old) END
    WHEN kind IN ($of_firms) AND NOT regexp_full_match(number, '$like_credit')
      THEN token_line(kind, number)
  END;

CREATE OR REPLACE MACRO token_text_of_person(kind, person, number) AS
  CASE
    WHEN id_no_ok(person) THEN token_line('resident_id', person)
    WHEN kind = '$licence' AND NOT regexp_full_match(number, '$like_id')
      THEN token_line(kind, number)
  END;

-- What a token is a digest of; NULL for a number that fails its check. Not for mappings. Lists of
-- one make values of what is used more than once.
CREATE OR REPLACE MACRO token_text(kind, number) AS
  CASE
    WHEN contains(bare(number), '$mask') THEN NULL
    WHEN kind IN ('resident_id', '$licence')
      THEN list_transform([id_no_18(number)],
        lambda p: token_text_of_person(kind, p, bare(number)))[1]
    WHEN kind IN ('uscc', 'org_code', $of_firms)
      THEN list_transform([credit_code(number)],
        lambda c: token_text_of_firm(kind, c, org_code(number), bare(number)))[1]
    WHEN kind = '$vehicle'
      THEN CASE WHEN plate_ok(split_part(number, '/', 1)) AND contains(number, '/')
        THEN token_line(kind, number) END
    WHEN kind IN ($without_check) THEN token_line(kind, bare(number))
  END;
""",
    domain=DOMAIN,
    of_firms=_list(_OF_FIRMS),
    without_check=_list(_WITHOUT_CHECK),
    like_credit=_LIKE_CREDIT,
    like_id=_LIKE_ID,
    licence=LICENCE,
    vehicle=VEHICLE,
    mask=_MASK,
)
