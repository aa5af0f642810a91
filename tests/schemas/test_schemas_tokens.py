"""Tokens: the digest is the standard's, and the same person gets the same one."""

from __future__ import annotations

import hashlib
import hmac

import duckdb
import pytest

from schemas.contract import load_contract, record_types
from schemas.identities import id_check, vehicle_key
from schemas.identities.tokens import (
    TOKEN_FIELDS,
    field_token_sql,
    hmac_sql,
    party_token,
    set_hmac_key,
    set_token_key,
)

KEY = bytes(range(32))
OLD = "999999000101003"
BODY = "99999919000101003"
NEW = BODY + id_check(BODY)
CREDIT_CODE = "91999900MA00000006"

# RFC 4231, section 4: key, data, HMAC-SHA-256 (case 5 is cut to 128 bits).
RFC_4231 = [
    (
        b"\x0b" * 20,
        b"Hi There",
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
    ),
    (
        b"Jefe",
        b"what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ),
    (
        b"\xaa" * 20,
        b"\xdd" * 50,
        "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
    ),
    (
        bytes(range(1, 26)),
        b"\xcd" * 50,
        "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
    ),
    (b"\x0c" * 20, b"Test With Truncation", "a3b6167473100ee06e0c796c2955552b"),
    (
        b"\xaa" * 131,
        b"Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ),
    (
        b"\xaa" * 131,
        b"This is a test using a larger than block-size key and a larger than block-size data. "
        b"The key needs to be hashed before being used by the HMAC algorithm.",
        "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
    ),
]


@pytest.mark.parametrize(("key", "data", "digest"), RFC_4231)
def test_the_digest_is_that_of_rfc_4231(
    con: duckdb.DuckDBPyConnection, key: bytes, data: bytes, digest: str
) -> None:
    set_hmac_key(con, key)
    found = con.execute(f"SELECT {hmac_sql('$1::BLOB')}", [data]).fetchall()
    assert found[0][0].startswith(digest)


def test_a_token_to_the_byte() -> None:
    message = f"hefu-token-v1\nresident_id\n{NEW}".encode()
    expected = "hs256:" + hmac.new(KEY, message, hashlib.sha256).hexdigest()
    assert party_token(KEY, "resident_id", NEW) == expected


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        ("resident_id", OLD),
        ("resident_id", f" {NEW[:6]} {NEW[6:14]} {NEW[14:]} "),
        ("driver_license", NEW),
        ("driver_license", OLD),
    ],
)
def test_one_person_has_one_token(kind: str, number: str) -> None:
    assert party_token(KEY, kind, number) == party_token(KEY, "resident_id", NEW)


def test_a_credit_code_is_one_under_any_older_name() -> None:
    tokens = {
        party_token(KEY, kind, CREDIT_CODE)
        for kind in ("uscc", "business_licence", "tax_no", "org_code")
    }
    assert tokens == {party_token(KEY, "uscc", CREDIT_CODE.lower())}


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        ("resident_id", NEW[:17] + ("0" if NEW[17] != "0" else "1")),
        ("resident_id", "999999001301003"),
        ("driver_license", NEW[:17]),
        ("driver_license", NEW + "0"),
        ("uscc", "91999900MA00000007"),
        ("business_licence", "91999900MA00000007"),
        ("org_code", "123456789"),
        ("vehicle", "皖P00001"),
        ("vehicle", "未识别/yellow"),
        ("other", "123"),
        ("unmapped", "123"),
        ("passport", " - "),
        ("driver_license", "9999**********0008"),
        ("passport", "E00＊＊＊01"),
        (None, NEW),
        ("resident_id", None),
    ],
)
def test_no_token_for_what_would_match_nobody_or_somebody_else(
    kind: str | None, number: str | None
) -> None:
    assert party_token(KEY, kind, number) is None


def test_kinds_and_keys_keep_tokens_apart() -> None:
    tokens = {
        party_token(KEY, "passport", "E0000001"),
        party_token(KEY, "military_id", "E0000001"),
        party_token(KEY, "driver_license", "E0000001"),
        party_token(KEY[::-1], "passport", "E0000001"),
        party_token(KEY, "vehicle", vehicle_key("皖P00001", "yellow")),
        party_token(KEY, "vehicle", vehicle_key("皖P00001", "blue")),
    }
    assert len(tokens) == 6
    assert None not in tokens


def test_without_a_key_there_is_an_error_and_not_an_empty_token(
    con: duckdb.DuckDBPyConnection,
) -> None:
    sql = f"SELECT {field_token_sql('party_id_token')} FROM (SELECT 'uscc' AS party_id_type, "
    sql += f"'{CREDIT_CODE}' AS party_id_no)"
    with pytest.raises(duckdb.Error, match="no token key"):
        con.execute(sql).fetchall()
    set_token_key(con, KEY)
    assert con.execute(sql).fetchall() == [(party_token(KEY, "uscc", CREDIT_CODE),)]


@pytest.mark.parametrize("size", [0, 16, 31, 33, 64])
def test_a_key_of_another_size_is_refused(con: duckdb.DuckDBPyConnection, size: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        party_token(bytes(size), "uscc", CREDIT_CODE)
    with pytest.raises(ValueError, match="32 bytes"):
        set_token_key(con, bytes(size))


@pytest.mark.parametrize("record_type", record_types())
def test_the_fields_that_tokens_are_made_of_are_in_the_same_contract(record_type: str) -> None:
    names = set(load_contract(record_type).names())
    for field in names & TOKEN_FIELDS.keys():
        sources = {source for source in TOKEN_FIELDS[field] if not source.startswith("'")}
        assert sources <= names
