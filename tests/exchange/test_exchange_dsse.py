"""The envelope: lengths in bytes, keys counted once, one spelling."""

from __future__ import annotations

import json

import pytest
from bundles import KEY_A, KEY_B, STRANGER
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.bundle.dsse import (
    pre_authentication_encoding,
    read_envelope,
    sign,
    verify_signatures,
)
from exchange.jsontext import canonical, parse_strict
from exchange.limits import DEFAULT_LIMITS
from schemas.errors import VerificationError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def test_the_encoding_is_that_of_the_dsse_specification() -> None:
    """Example of the DSSE protocol document, and lengths in bytes, not characters."""
    assert (
        pre_authentication_encoding(b"hello world", "http://example.com/HelloWorld")
        == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )
    assert pre_authentication_encoding("合符".encode(), "t") == b"DSSEv1 1 t 6 " + "合符".encode()


def test_signatures_are_found_whatever_their_number() -> None:
    envelope = read_envelope(
        sign(b"{}", [KEY_B.signer, KEY_A.signer, STRANGER.signer]), DEFAULT_LIMITS
    )
    keys, unknown = verify_signatures(envelope, [KEY_A.public, KEY_B.public], 2)
    assert set(keys) == {KEY_A.public, KEY_B.public}
    assert unknown == 1


def test_securesystemslib_reads_our_envelope() -> None:
    from securesystemslib.dsse import Envelope

    envelope = Envelope.from_dict(json.loads(sign(b'{"a":1}', [KEY_A.signer])))
    assert list(envelope.verify([KEY_A.signer.public_key], 1)) == [KEY_A.public.key_id]


def test_a_key_signs_once() -> None:
    with pytest.raises(ValueError, match="signs twice"):
        sign(b"{}", [KEY_A.signer, KEY_A.signer])
    with pytest.raises(ValueError, match="at least one"):
        sign(b"{}", [])


@pytest.mark.parametrize("threshold", [0, 2, -1])
def test_a_threshold_that_cannot_be_met_is_a_defect(threshold: int) -> None:
    envelope = read_envelope(sign(b"{}", [KEY_A.signer]), DEFAULT_LIMITS)
    with pytest.raises(ValueError, match="cannot be met"):
        verify_signatures(envelope, [KEY_A.public, KEY_A.public], threshold)


@settings(deadline=None)
@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_canonical_json_is_read_back(value: dict[str, object]) -> None:
    assert parse_strict(canonical(value), "statement", "x", DEFAULT_LIMITS) == value


def refused(data: bytes) -> bool:
    try:
        parse_strict(data, "statement", "x", DEFAULT_LIMITS)
    except VerificationError as error:
        return error.step == "statement"
    return False


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_json_or_refused(data: bytes) -> None:
    assert refused(data) or canonical(json.loads(data)) == data


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":1}', '{"a":1.0}', '{"a":1e3}', '{"a":NaN}', '{"a": 1}', '{"b":1,"a":1}', "[]",
        '"a"', "{}\n", '{"a":"\\u0041"}', '{"a":"\\ud800"}', '{"a":9007199254740993}',
        '{"a":' + "9" * 5000 + "}", "\ufeff{}", '{"a":' * 50 + "1" + "}" * 50,
        '{"a":"' + "x" * 70_000 + '"}',
    ],
)  # fmt: skip
def test_another_spelling_is_refused(text: str) -> None:
    assert refused(text.encode("utf-8"))
