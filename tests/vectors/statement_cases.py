"""Vectors of the steps from ``envelope`` to ``agreement``, and of ``stream``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

from bundles import (
    HEADS,
    KEY_A,
    KEY_B,
    STRANGER,
    Case,
    Key,
    agreement,
    envelope,
    flipped,
    full_agreement,
    good,
    own_head,
    payload_of,
    predicate,
    restated,
    rows,
    second,
    signed,
    with_envelope,
)
from odd_signatures import (
    FOR_EVERYTHING,
    MIXED,
    SMALL,
    SMALL_RESPELT,
    OddKey,
    only_with_cofactor,
    plain_sign,
    unreduced,
    with_neutral_nonce,
)

from exchange.bundle.dsse import pre_authentication_encoding
from exchange.jsontext import canonical


def envelope_cases() -> Iterator[Case]:
    def case(name: str, about: str, data: bytes) -> Case:
        return Case(f"envelope_{name}_fail", about, with_envelope(data), "envelope")

    payload = payload_of(good())
    right = signed(payload)
    text = right.decode()
    yield case(
        "doubled_key",
        "The envelope has the key payloadType twice.",
        text.replace('"payloadType"', '"payloadType":"text/plain","payloadType"', 1).encode(),
    )
    yield case(
        "spaces", "The envelope is spelt with spaces.", json.dumps(json.loads(text)).encode()
    )
    yield case(
        "unknown_field",
        "The envelope has a field that the format does not know.",
        canonical(json.loads(text) | {"note": "x"}),
    )
    yield case("no_signatures", "Nobody signed.", envelope(payload, []))
    yield case(
        "payload_type",
        "The payload is said to be of another type, and signed so.",
        envelope(
            payload,
            [
                (
                    KEY_A.public.key_id,
                    KEY_A.private.sign(pre_authentication_encoding(payload, "text/plain")),
                )
            ],
            "text/plain",
        ),
    )
    yield case(
        "base64_not_canonical",
        "A signature's base64 has stray bits before its padding.",
        _stray_bits(text).encode(),
    )
    yield case("not_json", "The envelope is no JSON.", b"PAYLOAD")
    yield case("not_utf8", "The envelope is not UTF-8.", b'{"payload":"\xff"}')
    yield case("deep", "The envelope is nested ten thousand deep.", b"[" * 10_000 + b"]" * 10_000)


def _stray_bits(text: str) -> str:
    """The last character before ``==`` carries four bits that must be zero."""
    end = text.index('=="', text.index('"sig"'))
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return text[: end - 1] + alphabet[alphabet.index(text[end - 1]) + 1] + text[end:]


def signature_cases() -> Iterator[Case]:
    payload = payload_of(good())
    message = pre_authentication_encoding(payload)
    key_id, signature = KEY_A.public.key_id, KEY_A.private.sign(message)

    def case(name: str, about: str, bundle: bytes, **changes: object) -> Case:
        return Case(f"signature_{name}_fail", about, bundle, "signature", **changes)

    yield case("wrong_signer", "A key that we don't trust signed.", good(STRANGER))
    yield case(
        "stranger_under_our_key_id",
        "A stranger signed under the key id of the key that we trust.",
        with_envelope(envelope(payload, [(key_id, STRANGER.private.sign(message))])),
    )
    yield case(
        "good_signature_under_wrong_key_id",
        "The trusted key signed, but its signature is given under another key id.",
        with_envelope(envelope(payload, [("0" * 64, signature)])),
    )
    yield case(
        "statement_byte_changed",
        "One byte of the statement was changed after it was signed.",
        with_envelope(
            envelope(payload.replace(b'"sequence":1', b'"sequence":2'), [(key_id, signature)])
        ),
    )
    yield case(
        "signature_byte_changed",
        "One byte of the signature was changed.",
        with_envelope(envelope(payload, [(key_id, flipped(signature, 40))])),
    )
    yield case(
        "without_pre_authentication_encoding",
        "The bare payload was signed, not its pre-authentication encoding.",
        with_envelope(envelope(payload, [(key_id, KEY_A.private.sign(payload))])),
    )
    yield case(
        "below_threshold",
        "One of two keys signed, the threshold is two.",
        good(),
        keys=(KEY_A, KEY_B),
        threshold=2,
    )
    yield case(
        "one_key_twice",
        "One key signed twice under two key ids, the threshold is two.",
        with_envelope(
            envelope(payload, sorted([(key_id, signature), (KEY_B.public.key_id, signature)]))
        ),
        keys=(KEY_A, KEY_B),
        threshold=2,
    )
    yield case(
        "doubled",
        "The same signature stands there twice.",
        with_envelope(envelope(payload, [(key_id, signature)] * 2)),
    )
    yield from odd_signature_cases(payload, message)


def odd_signature_cases(payload: bytes, message: bytes) -> Iterator[Case]:
    """Some libraries take these and others do not (FORMAT.md, section 4)."""

    def case(name: str, about: str, key: Key | OddKey, signature: bytes) -> Case:
        bundle = with_envelope(envelope(payload, [(key.public.key_id, signature)]))
        return Case(f"signature_{name}_fail", about, bundle, "signature", keys=(key,))

    signature, secret = plain_sign(KEY_A.seed, message)
    yield case(
        "not_reduced",
        "The signature's number S is larger than the order of the group by that order.",
        KEY_A,
        unreduced(signature),
    )
    yield case(
        "nonce_of_small_order",
        "The signature's point R is the neutral element; OpenSSL would take it.",
        KEY_A,
        with_neutral_nonce(secret, KEY_A.public.raw, message),
    )
    yield case(
        "key_of_small_order",
        "The trusted key is the neutral element, for which anybody can sign anything.",
        SMALL,
        FOR_EVERYTHING,
    )
    yield case(
        "key_not_canonical",
        "The trusted key is a point whose coordinate is spelt beyond the prime.",
        SMALL_RESPELT,
        FOR_EVERYTHING,
    )
    yield case(
        "holds_with_cofactor_only",
        "The equation holds when both sides are multiplied by 8, and not without.",
        MIXED,
        only_with_cofactor(message),
    )


def statement_cases() -> Iterator[Case]:
    def case(name: str, about: str, bundle: bytes) -> Case:
        return Case(f"statement_{name}_fail", about, bundle, "statement")

    payload = payload_of(good())
    yield case(
        "doubled_key",
        "The statement has the key sequence twice, and is honestly signed.",
        with_envelope(signed(payload.replace(b'"sequence":1', b'"sequence":1,"sequence":1'))),
    )
    yield case(
        "not_canonical",
        "The statement is spelt with spaces.",
        with_envelope(signed(json.dumps(json.loads(payload)).encode())),
    )
    yield case(
        "unknown_field",
        "The predicate has a field that the format does not know.",
        restated(predicate(remark="x")),
    )
    yield case(
        "missing_field",
        "The predicate lacks its purpose.",
        restated(lambda s: s["predicate"].pop("purpose")),
    )
    yield case(
        "predicate_type",
        "The predicate is of a later format.",
        restated(lambda s: s.update(predicateType="urn:hefu:bundle:2")),
    )
    yield case("fraction", "A count is a fraction.", with_envelope(signed(
        payload.replace(b'"note":3}', b'"note":3.5}'))))  # fmt: skip
    yield case("number_as_text", "A sequence is given as text.", restated(predicate(sequence="1")))
    yield case(
        "time_without_zone",
        "The created time has no zone.",
        restated(predicate(created_time="2026-11-22T01:00:00.000000")),
    )
    yield case(
        "bundle_id",
        "The bundle id does not follow from the statement.",
        restated(predicate(bundle_id="0" * 32), keep_id=True),
    )
    yield case(
        "first_with_previous",
        "The first bundle of a stream names a previous one.",
        restated(predicate(previous_statement_sha256="0" * 64)),
    )
    yield case(
        "counts_of_other_types",
        "The counts name a record type that has no contract.",
        restated(predicate(counts={"note": 3, "ghost": 1})),
    )
    yield case(
        "stream_climbs_out", "The stream's name is a path.", restated(predicate(stream="../x"))
    )
    heads = [head.model_dump() for head in HEADS]
    yield case(
        "heads_unsorted",
        "The heads are not in the order of publisher and stream.",
        restated(predicate(heads=heads[::-1])),
    )
    yield case(
        "heads_doubled",
        "Two heads are of the same stream and say different things.",
        restated(predicate(heads=[heads[0], heads[0] | {"sequence": 10}])),
    )
    own = own_head(good()).model_dump()
    yield heads_against_link()
    yield case(
        "heads_later_than_itself",
        "The sender says of the bundle's own stream that it is further than this bundle.",
        restated(predicate(heads=[own])),
    )


def heads_against_link() -> Case:
    first = good()
    lie = own_head(first).model_dump() | {"statement_sha256": "0" * 64}
    return Case(
        "statement_heads_contradict_link_fail",
        "The bundle before is named with one digest as head and with another as previous.",
        restated(predicate(heads=[lie]), bundle=second(first)),
        "statement",
        first,
    )


def party_cases() -> Iterator[Case]:
    def case(name: str, about: str, step: str, bundle: bytes, **changes: object) -> Case:
        return Case(f"{step}_{name}_fail", about, bundle, step, **changes)

    yield case(
        "wrong_recipient",
        "The bundle is meant for another agency.",
        "parties",
        good(),
        recipient="TESTOTHER",
    )
    yield case(
        "wrong_publisher",
        "The trusted key signed in the name of another agency.",
        "parties",
        restated(predicate(publisher={"code": "TESTOTHER", "name": "丙测试支队"})),
    )
    yield case(
        "from_the_future",
        "The bundle was made two hours from now.",
        "parties",
        good(now=datetime(2026, 11, 22, 3, 0, tzinfo=UTC)),
    )
    yield case(
        "expired",
        "The agreement had run out when the bundle was made.",
        "agreement",
        restated(
            predicate(agreement=_reference(_EXPIRED)),
        ),
        agreement=_EXPIRED,
    )
    yield case(
        "other_digest",
        "The sender's agreement of the same id and version says something else.",
        "agreement",
        good(),
        agreement=agreement(valid_until="2028-12-31"),
    )
    yield case(
        "other_terms",
        "The sender's agreement differs in what is said about rows, encryption and delivery only.",
        "agreement",
        good(),
        agreement=full_agreement(),
    )
    yield case(
        "other_version",
        "The sender uses another version of the agreement.",
        "agreement",
        good(),
        agreement=agreement(version=2),
    )
    yield case(
        "other_purpose",
        "The bundle states another purpose than its grant.",
        "agreement",
        restated(predicate(purpose="something_else")),
    )
    yield case(
        "unknown_stream",
        "The agreement has no grant for the bundle's stream.",
        "agreement",
        restated(predicate(stream="test-agreement.testsender.testreceiver.other")),
    )


_EXPIRED = agreement(valid_until="2026-11-21")


def _reference(deal: object) -> dict[str, object]:
    return deal.reference().model_dump(mode="json")  # type: ignore[attr-defined]


def stream_cases() -> Iterator[Case]:
    def case(name: str, about: str, bundle: bytes, previous: bytes) -> Case:
        return Case(f"stream_{name}_fail", about, bundle, "stream", previous)

    first = good()
    yield case("repeated", "The bundle was taken in before.", first, first)
    yield case(
        "same_sequence_other_content",
        "Another bundle with the number of the one that was taken in.",
        good(tables={"note": rows(2)}),
        first,
    )
    yield case("gap", "The bundle after the next came.", second(first, sequence=3), first)
    yield case(
        "previous_digest",
        "The bundle continues another first bundle than the one we have.",
        second(good(tables={"note": rows(2)})),
        first,
    )
