"""Signatures on which verifiers disagree, under lists as under statements."""

from __future__ import annotations

import pytest
from bundles import KEY_A
from odd_signatures import (
    FOR_EVERYTHING,
    MIXED,
    SMALL,
    only_with_cofactor,
    plain_sign,
    unreduced,
    with_neutral_nonce,
)
from securesystemslib.exceptions import UnverifiedSignatureError
from securesystemslib.signer import Signature

from exchange.trust.role_keys import tuf_key
from exchange.trust.rules import read_signed
from schemas.errors import VerificationError


def test_lists_and_statements_are_held_to_one_rule_of_signatures() -> None:
    message = b"message"
    honest, secret = plain_sign(KEY_A.seed, message)
    for key, signature, is_good in [
        (KEY_A.public, honest, True),
        (KEY_A.public, unreduced(honest), False),
        (KEY_A.public, with_neutral_nonce(secret, KEY_A.public.raw, message), False),
        (SMALL.public, FOR_EVERYTHING, False),
        (MIXED.public, only_with_cofactor(message), False),
    ]:
        assert key.verifies(signature, message) is is_good
        named = Signature(key.key_id, signature.hex())
        try:
            tuf_key(key).verify_signature(named, message)
            read_signed(_envelope(key.key_id, signature.hex()), "x.json")
            listed = True
        except (UnverifiedSignatureError, VerificationError):
            listed = False
        # A key of small order is refused where the lists name it (rules.check_keys).
        assert listed is is_good


@pytest.mark.parametrize("sig", ["", "00", "A" * 128, "0" * 127, " " + "0" * 127, "g" * 128])
def test_a_signature_has_one_spelling(sig: str) -> None:
    with pytest.raises(VerificationError):
        read_signed(_envelope("0" * 64, sig), "x.json")


def _envelope(key_id: str, sig: str) -> bytes:
    return f'{{"signatures":[{{"keyid":"{key_id}","sig":"{sig}"}}],"signed":{{}}}}'.encode()
