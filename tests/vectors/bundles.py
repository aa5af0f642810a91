"""Bundles, good and bad, from fixed keys: what the vectors and the tests are made of.

The keys are derived from a printed sentence and worth nothing. Agencies, records and the
record type ``note`` are invented.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from age_file import Identity
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from odd_signatures import OddKey
from securesystemslib.signer import CryptoSigner, SSlibKey

from exchange.agreement.model import Agreement
from exchange.bundle.build import BundleContents, build_bundle
from exchange.bundle.container import STATEMENT_ENTRY, read_container, write_container
from exchange.bundle.dsse import pre_authentication_encoding
from exchange.bundle.statement import Head, bundle_id_of
from exchange.jsontext import canonical, sha256_hex
from exchange.keys.signing import PublicKey
from exchange.limits import DEFAULT_LIMITS
from schemas.contract import Contract, parse_contract

HERE = Path(__file__).parent
NOW = datetime(2026, 11, 22, 1, 0, 0, tzinfo=UTC)
SENDER, RECEIVER = "TESTSENDER", "TESTRECEIVER"
GRANTED = ("note_no", "place", "fine_amount_cny", "causes", "noted_time")
RECORDS, CONTRACT = "records/note.parquet", "contracts/note.odcs.yaml"


@dataclass(frozen=True)
class Key:
    """A key made from its name."""

    name: str

    @property
    def seed(self) -> bytes:
        return hashlib.sha256(f"hefu test key {self.name}, worth nothing".encode()).digest()

    @property
    def private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)

    @property
    def public(self) -> PublicKey:
        return PublicKey(self.private.public_key().public_bytes_raw())

    @property
    def signer(self) -> CryptoSigner:
        named = SSlibKey.from_crypto(self.private.public_key(), keyid=self.public.key_id)
        return CryptoSigner(self.private, named)


KEY_A, KEY_B, STRANGER = Key("a"), Key("b"), Key("stranger")


def contract(version: str = "1.0.0", extra: str = "") -> Contract:
    text = (HERE / "note.odcs.yaml").read_text(encoding="utf-8")
    return parse_contract(
        text.replace("version: 1.0.0", f"version: {version}").encode() + extra.encode()
    )


def agreement(**changes: Any) -> Agreement:
    facts: dict[str, Any] = {
        "id": "test-agreement",
        "version": 1,
        "valid_from": "2026-01-01",
        "valid_until": "2027-12-31",
        "parties": [
            {"code": SENDER, "name": "甲测试支队"},
            {"code": RECEIVER, "name": "乙测试支队"},
        ],
        "grants": [
            {
                "from": SENDER,
                "to": RECEIVER,
                "purpose": "format_test",
                "legal_basis": "本格式规定",
                "records": {
                    "note": ["note_no", "place", "fine_amount_cny", "causes", "noted_time"]
                },
            }
        ],
    }
    return Agreement.model_validate(facts | changes)


def rows(count: int = 3) -> pa.Table:
    """Invented notes: what the grant lets through, in the contract's order."""
    numbers = range(1, count + 1)
    schema = contract().arrow_schema(agreement().grants[0].columns(contract()))
    return pa.table(
        {
            "record_id": [hashlib.sha256(b"note %d" % n).hexdigest()[:32] for n in numbers],
            "content_hash": [hashlib.sha256(b"content %d" % n).hexdigest() for n in numbers],
            "note_no": [f"测〔2026〕{n:04d}号" for n in numbers],
            "place": [None if n % 3 == 0 else "某县某路" for n in numbers],
            "fine_amount_cny": [Decimal(n) * 50 for n in numbers],
            "causes": [["超限"] * (n % 3) for n in numbers],
            "noted_time": [datetime(2026, 10, 8, 1, n % 60, tzinfo=UTC) for n in numbers],
        },
        schema=schema,
    )


def contents(**changes: Any) -> BundleContents:
    deal = changes.get("agreement", agreement())
    facts: dict[str, Any] = {
        "agreement": deal,
        "grant": deal.grants[0],
        "sequence": 1,
        "previous_statement_sha256": None,
        "tables": {"note": rows()},
        "contracts": {"note": contract()},
        "lake_versions": {"note": 7},
        "rule_pack_version": "test-2026.11",
        "verdict": b'{"rows":3,"success":true}',
        "period": (datetime(2026, 10, 8, tzinfo=UTC), datetime(2026, 10, 9, tzinfo=UTC)),
    }
    return BundleContents(**facts | changes)


def good(*keys: Key, now: datetime = NOW, **changes: Any) -> bytes:
    return build_bundle(contents(**changes), [k.signer for k in keys or (KEY_A,)], now)


def entries_of(bundle: bytes) -> dict[str, bytes]:
    return {k: bytes(v) for k, v in read_container(bundle, DEFAULT_LIMITS).items()}


def payload_of(bundle: bytes) -> bytes:
    envelope = json.loads(entries_of(bundle)[STATEMENT_ENTRY])
    return base64.b64decode(envelope["payload"])


def statement_digest(bundle: bytes) -> str:
    return sha256_hex(payload_of(bundle))


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def envelope(
    payload: bytes,
    signatures: Sequence[tuple[str, bytes]],
    kind: str = "application/vnd.in-toto+json",
) -> bytes:
    return canonical(
        {
            "payload": b64(payload),
            "payloadType": kind,
            "signatures": [{"keyid": k, "sig": b64(s)} for k, s in signatures],
        }
    )


def signed(payload: bytes, *keys: Key) -> bytes:
    """An honest envelope over any payload, however wrong the payload is."""
    message = pre_authentication_encoding(payload)
    pairs = sorted((k.public.key_id, k.private.sign(message)) for k in keys or (KEY_A,))
    return envelope(payload, pairs)


def with_envelope(data: bytes, bundle: bytes | None = None) -> bytes:
    return write_container(entries_of(bundle or good()) | {STATEMENT_ENTRY: data})


def restated(
    change: Callable[[dict[str, Any]], None],
    entries: Mapping[str, bytes] | None = None,
    *,
    bundle: bytes | None = None,
    keep_id: bool = False,
) -> bytes:
    """A bundle whose statement was changed, then honestly named and signed by key a.

    ``entries``, if given, replace those of ``bundle``, and the subjects are made of them.
    """
    bundle = bundle or good()
    statement = json.loads(payload_of(bundle))
    kept = {k: v for k, v in (entries or entries_of(bundle)).items() if k != STATEMENT_ENTRY}
    if entries is not None:
        statement["subject"] = subjects(kept)
    change(statement)
    if not keep_id:
        statement["predicate"]["bundle_id"] = bundle_id_of(statement)
    return write_container({**kept, STATEMENT_ENTRY: signed(canonical(statement))})


def subjects(entries: Mapping[str, bytes]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "digest": {"sha256": sha256_hex(entries[name])},
            "annotations": {"size": len(entries[name])},
        }
        for name in sorted(entries, key=str.encode)
    ]


def predicate(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda statement: statement["predicate"].update(changes)


def unchanged(_: dict[str, Any]) -> None:
    return None


def with_records(data: bytes, **changes: Any) -> bytes:
    """A bundle whose table is ``data``, signed as if it were right."""
    return restated(predicate(**changes), entries_of(good()) | {RECORDS: data})


def parquet(table: pa.Table, **changes: Any) -> bytes:
    """Parquet as the format wants it, but for ``changes``."""
    sink = pa.BufferOutputStream()
    flat = [f.name for f in table.schema if not pa.types.is_nested(f.type)]
    options: dict[str, Any] = {
        "version": "2.6", "compression": "zstd", "use_dictionary": flat, "store_schema": False,
        "write_statistics": False, "write_page_checksum": True, "data_page_version": "1.0",
    }  # fmt: skip
    with pq.ParquetWriter(sink, table.schema, **options | changes) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def flipped(data: bytes, position: int, mask: int = 1) -> bytes:
    return data[:position] + bytes([data[position] ^ mask]) + data[position + 1 :]


@dataclass(frozen=True)
class Case:
    """One vector. ``step`` None: the bundle must be accepted.

    With ``identity`` the bundle is an age file, and that is what it is to be opened with.
    """

    name: str
    about: str
    bundle: bytes
    step: str | None = None
    previous: bytes | None = None
    keys: tuple[Key | OddKey, ...] = (KEY_A,)
    threshold: int = 1
    agreement: Agreement = field(default_factory=agreement)
    recipient: str = RECEIVER
    now: datetime = NOW
    identity: Identity | None = None

    @property
    def bundle_name(self) -> str:
        return "bundle.hefu.age" if self.identity else "bundle.hefu"

    def files(self) -> dict[str, bytes]:
        found = {
            "README": (self.about + "\n").encode(),
            self.bundle_name: self.bundle,
            "expected.json": _pretty(
                {
                    "accepted": self.step is None,
                    "step": self.step,
                    "now": self.now.strftime("%Y-%m-%dT%H:%M:%SZ"),
                    "bundle": self.bundle_name,
                    "previous": "previous.hefu" if self.previous else None,
                    "identity": "identity.txt" if self.identity else None,
                }
            ),
            "trust/partner.toml": _partner_toml(self).encode(),
            "trust/agreement.toml": _agreement_toml(self.agreement).encode(),
            "trust/contracts/note.odcs.yaml": contract().yaml_bytes,
        }
        for key in self.keys:
            found[f"trust/{key.name}.pem"] = key.public.pem
        if self.previous:
            found["previous.hefu"] = self.previous
        if self.identity:
            found["identity.txt"] = f"{self.identity.text}\n".encode()
        return found


def _pretty(value: Any) -> bytes:
    return (json.dumps(value, indent=2, sort_keys=True) + "\n").encode()


def _partner_toml(case: Case) -> str:
    return (
        f'code = "{SENDER}"\nname = "甲测试支队"\nkeys = ["*.pem"]\n'
        f'threshold = {case.threshold}\nrecipient = "{case.recipient}"\n'
    )


def _agreement_toml(deal: Agreement) -> str:
    lines = [
        f'id = "{deal.id}"',
        f"version = {deal.version}",
        f"valid_from = {deal.valid_from}",
        f"valid_until = {deal.valid_until}",
    ]
    for party in deal.parties:
        lines += ["", "[[parties]]", f'code = "{party.code}"', f'name = "{party.name}"']
    for grant in deal.grants:
        lines += ["", "[[grants]]", f'from = "{grant.from_org}"', f'to = "{grant.to_org}"']
        lines += [f'purpose = "{grant.purpose}"', f'legal_basis = "{grant.legal_basis}"']
        written = grant.model_dump(mode="json", exclude_defaults=True)
        lines += [
            f"{name} = {json.dumps(written[name])}"
            for name in ("encryption", "retention_days")
            if name in written
        ]
        lines += ["[grants.records]"]
        lines += [f"{t} = {json.dumps(list(names))}" for t, names in grant.records.items()]
        for name in ("rows", "delivery"):
            if name in written:
                lines += [f"[grants.{name}]"]
                lines += [f"{key} = {_toml(value)}" for key, value in written[name].items()]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    """A day is a date of TOML, everything else is written as in JSON."""
    is_day = isinstance(value, str) and value[:1].isdigit()
    return value if is_day else json.dumps(value, ensure_ascii=False)


def full_agreement() -> Agreement:
    """Every field of a grant that may be left out, written with another value than its own."""
    plain = agreement().model_dump(mode="json", by_alias=True, exclude={"contracts"})
    plain["grants"][0] |= {
        "encryption": "always",
        "retention_days": 365,
        "rows": {
            "divisions": ["330523", "34"],
            "domains": ["01"],
            "registration_divisions": ["3305"],
            "since": "2026-01-01",
            "until": "2026-12-31",
        },
        "delivery": {"receipt_within_working_days": 5, "at_least_every_days": 7},
    }
    return Agreement.model_validate(plain)


HEADS = (
    Head(publisher="TESTOTHER", stream="a.b.c", sequence=9, statement_sha256="9" * 64),
    Head(publisher=RECEIVER, stream="x.y.z", sequence=1, statement_sha256="1" * 64),
)


def own_head(first: bytes) -> Head:
    """What the sender of the second bundle says of the first."""
    return Head(
        publisher=SENDER,
        stream=agreement().stream_id(agreement().grants[0]),
        sequence=1,
        statement_sha256=statement_digest(first),
    )


def second(first: bytes, **changes: object) -> bytes:
    facts = {"sequence": 2, "previous_statement_sha256": statement_digest(first)}
    return good(**facts | changes)


MORE_FIELD = (
    "      - {name: remark, businessName: remark, logicalType: string, physicalType: VARCHAR,"
    " classification: internal}\n"
)
