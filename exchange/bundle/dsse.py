"""The signed envelope: DSSE 1.0 around an in-toto statement.

What is signed is the pre-authentication encoding (PAE), with lengths in bytes. A threshold
counts keys, never signatures: the same key under two key ids counts once. A key id only
names the key that its signature must then turn out to be of; it is no reason to trust.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from exchange.bundle.container import STATEMENT_ENTRY
from exchange.errors import refusal
from exchange.jsontext import canonical, parse_strict
from exchange.keys.signing import PublicKey
from exchange.limits import Limits, Readable
from schemas.text import Text

if TYPE_CHECKING:
    from securesystemslib.signer import Signer

PAYLOAD_TYPE = "application/vnd.in-toto+json"
_ENVELOPE_KEYS = {"payload", "payloadType", "signatures"}
_SIGNATURE_KEYS = {"keyid", "sig"}


@dataclass(frozen=True, slots=True)
class Envelope:
    """Payload bytes and (key id, signature) pairs, in order of key id."""

    payload: bytes
    signatures: tuple[tuple[str, bytes], ...]


def pre_authentication_encoding(payload: bytes, payload_type: str = PAYLOAD_TYPE) -> bytes:
    """``DSSEv1 SP LEN(type) SP type SP LEN(payload) SP payload``, lengths in bytes."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def sign(payload: bytes, signers: Sequence[Signer]) -> bytes:
    """The envelope as canonical JSON. One signature per key, in order of key id.

    The key id written is ours (``PublicKey.key_id``), whatever name a signer gives its key.
    """
    if not signers:
        raise ValueError("an envelope needs at least one signer")
    message = pre_authentication_encoding(payload)
    by_key: dict[str, bytes] = {}
    for signer in signers:
        public = PublicKey.of(signer)
        if public.key_id in by_key:
            raise ValueError(f"key {public.key_id} signs twice")
        signature = bytes.fromhex(signer.sign(message).signature)
        if not public.verifies(signature, message):
            raise ValueError(f"signer of key {public.key_id} does not sign with that key")
        by_key[public.key_id] = signature
    return canonical(
        {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [
                {"keyid": key_id, "sig": base64.b64encode(by_key[key_id]).decode()}
                for key_id in sorted(by_key)
            ],
        }
    )


def read_envelope(data: Readable, limits: Limits) -> Envelope:
    """Parse, strictly. Raises ``VerificationError`` (step ``envelope``); trusts nothing yet."""
    size = memoryview(data).nbytes
    _require(size <= limits.envelope_size, f"at most {limits.envelope_size} bytes", size)
    # The payload is one long JSON text: only here is that allowed.
    loose = Limits(json_depth=4, json_text_length=limits.envelope_size)
    value = parse_strict(data, "envelope", STATEMENT_ENTRY, loose)
    _require(set(value) == _ENVELOPE_KEYS, sorted(_ENVELOPE_KEYS), sorted(value)[:8])
    kind, signatures = value["payloadType"], value["signatures"]
    _require(kind == PAYLOAD_TYPE, PAYLOAD_TYPE, str(kind)[:100])
    _require(isinstance(signatures, list), "a list of signatures", type(signatures).__name__)
    count = len(signatures)
    _require(1 <= count <= limits.signature_count, f"1 to {limits.signature_count}", count)
    payload = _decode(value["payload"])
    _require(len(payload) <= limits.statement_size, f"at most {limits.statement_size}", size)
    return Envelope(payload, tuple(_read_signature(one) for one in signatures))


def _read_signature(one: Any) -> tuple[str, bytes]:
    _require(isinstance(one, dict), "an object", type(one).__name__)
    _require(set(one) == _SIGNATURE_KEYS, sorted(_SIGNATURE_KEYS), sorted(one)[:8])
    key_id, signature = one["keyid"], _decode(one["sig"])
    is_key_id = isinstance(key_id, str) and len(key_id) == 64
    _require(
        is_key_id and set(key_id) <= set("0123456789abcdef"), "a key id of 64 hex digits", "another"
    )
    _require(len(signature) == 64, "a signature of 64 bytes", len(signature))
    return key_id, signature


def _decode(text: Any) -> bytes:
    """Standard base64 with padding, in the one canonical spelling."""
    try:
        raw = base64.b64decode(text, validate=True) if isinstance(text, str) else None
    except (binascii.Error, ValueError):
        raw = None
    if raw is None or base64.b64encode(raw).decode() != text:
        raise refusal(
            "envelope",
            Text(en="a value is not canonical base64", zh="取值不是规范的 base64 编码"),
            expected="standard base64 with padding",
            found="another text",
            entry=STATEMENT_ENTRY,
        )
    return raw


def _require(condition: bool, expected: object, found: object) -> None:
    if not condition:
        raise refusal(
            "envelope",
            Text(en="the envelope is not as the format says", zh="签名信封不符合格式规定"),
            expected=expected,
            found=found,
            entry=STATEMENT_ENTRY,
        )


def verify_signatures(
    envelope: Envelope, keys: Sequence[PublicKey], threshold: int
) -> tuple[tuple[PublicKey, ...], int]:
    """The distinct trusted keys that signed, and how many signatures are of unknown keys.

    Raises ``VerificationError`` (step ``signature``) below the threshold, or when a good
    signature is given under the name of another key.
    """
    if not 1 <= threshold <= len(set(keys)):
        raise ValueError(f"threshold {threshold} cannot be met by {len(set(keys))} keys")
    message = pre_authentication_encoding(envelope.payload)
    signed: list[PublicKey] = []
    misnamed = unknown = 0
    for key_id, signature in envelope.signatures:
        key = next((k for k in keys if k.verifies(signature, message)), None)
        if key is None:
            unknown += 1
            continue
        misnamed += key.key_id != key_id
        if key not in signed:
            signed.append(key)
    if len(signed) < threshold:
        raise refusal(
            "signature",
            Text(
                en="too few of the partner's keys have signed this bundle",
                zh="合作单位的有效签名密钥数量不足",
            ),
            expected=f"good signatures by at least {threshold} trusted keys",
            found=f"{len(signed)}",
            entry=STATEMENT_ENTRY,
            hint=Text(
                en="compare the fingerprint of the partner's key with the partner by telephone; "
                "do not use this bundle",
                zh="请通过电话与合作单位核对公钥指纹；在核对之前不要使用此数据包",
            ),
        )
    names = [key_id for key_id, _ in envelope.signatures]
    if misnamed or names != sorted(set(names)):
        raise refusal(
            "signature",
            Text(
                en="signatures are doubled, unsorted or under a wrong key id",
                zh="签名重复、未排序或密钥标识不符",
            ),
            expected="one signature per key, in order of its key id",
            found=f"{misnamed} wrong key ids among {len(names)} signatures",
            entry=STATEMENT_ENTRY,
        )
    return tuple(signed), unknown
