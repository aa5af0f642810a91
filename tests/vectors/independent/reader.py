"""A second reader, written from exchange/FORMAT.md alone, without a line of Hefu's code.

It imports the standard library, ``cryptography`` (Ed25519, X25519, ChaCha20-Poly1305), PyYAML for
contracts and, to decode rows at the very end, pyarrow. It is called as docs/client-protocol.md
says. Its worth is that it disagrees when the specification and the program drift apart; it is no
reader for daily work: it reads whole files into memory. Section numbers are FORMAT.md's.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import hmac
import json
import re
import struct
import sys
import tomllib
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import yaml
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import load_pem_public_key

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
MAX_INT = 2**53 - 1


class RefusedError(Exception):
    """A refusal at a step."""

    def __init__(self, step: str, why: str) -> None:
        super().__init__(f"{step}: {why}")
        self.step = step


def need(step: str, condition: object, why: str) -> None:
    if not condition:
        raise RefusedError(step, why)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# ---- strict JSON and its canonical form (the words at the top) ----


def jcs(value: Any) -> bytes:
    return _jcs(value).encode("utf-8")


def _jcs(value: Any) -> str:
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return "{" + ",".join(f"{_jcs(n)}:{_jcs(value[n])}" for n in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_jcs, value)) + "]"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > MAX_INT:
        raise ValueError("number out of range")
    return json.dumps(value, ensure_ascii=False)


def strict_json(
    step: str, data: bytes, *, canonical: bool, longest: int = 65_536
) -> dict[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        need(step, len({name for name, _ in pairs}) == len(pairs), "a doubled key")
        return dict(pairs)

    def no_fraction(_: str) -> float:
        raise ValueError("a fraction")

    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=once,
            parse_float=no_fraction,
            parse_constant=no_fraction,
        )
    except (ValueError, RecursionError) as error:
        raise RefusedError(step, f"no strict JSON: {error}") from None
    need(step, isinstance(value, dict), "no object")
    _check_depth(step, value, longest)
    if canonical:
        try:
            same = jcs(value) == data
        except ValueError:
            same = False
        need(step, same, "not in canonical form")
    return value


def _check_depth(step: str, value: Any, longest: int) -> None:
    level = [value]
    for _ in range(16):
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below += [*item.keys(), *item.values()]
            elif isinstance(item, list):
                below += item
            elif isinstance(item, str):
                need(step, len(item) <= longest, "a text too long")
        if not below:
            return
        level = below
    raise RefusedError(step, "too deep")


# ---- shapes of parsed JSON ----

Shape = Callable[[Any], bool]


def text(pattern: str) -> Shape:
    compiled = re.compile(pattern, re.ASCII)
    return lambda v: isinstance(v, str) and compiled.fullmatch(v) is not None


def whole(least: int, most: int = MAX_INT) -> Shape:
    return lambda v: type(v) is int and least <= v <= most


def one_of(*values: Any) -> Shape:
    return lambda v: any(type(v) is type(x) and v == x for x in values)


def name_text(v: Any) -> bool:
    return isinstance(v, str) and 1 <= len(v) <= 200


def list_of(shape: Shape, least: int = 0, most: int = 1 << 30) -> Shape:
    return lambda v: isinstance(v, list) and least <= len(v) <= most and all(map(shape, v))


def map_of(key: Shape, shape: Shape) -> Shape:
    return lambda v: isinstance(v, dict) and all(key(k) and shape(x) for k, x in v.items())


def record(fields: dict[str, Shape], maybe: Sequence[str] = (), *, x: bool = False) -> Shape:
    def check(v: Any) -> bool:
        if not isinstance(v, dict):
            return False
        for name, value in v.items():
            if name not in fields:
                if not (x and name.startswith("x-")):
                    return False
            elif not fields[name](value):
                return False
        return all(name in v or name in maybe for name in fields)

    return check


def optional(shape: Shape) -> Shape:
    return lambda v: v is None or shape(v)


def micro_time(v: Any) -> bool:
    if not text(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")(v):
        return False
    try:
        moment(v)
    except ValueError:
        return False
    return True


def second_time(v: Any) -> bool:
    if not text(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")(v):
        return False
    try:
        moment(v)
    except ValueError:
        return False
    return True


def moment(v: str) -> datetime:
    return datetime.fromisoformat(v.replace("Z", "+00:00"))


HEX64 = text("[0-9a-f]{64}")
CODE = text("[A-Za-z0-9][A-Za-z0-9-]{0,63}")
RECORD_TYPE = text("[a-z][a-z0-9_]{0,63}")
STREAM = text("[a-z0-9][a-z0-9._-]{0,199}")
SEQUENCE = whole(1, 99_999_999)
PARTY = record({"code": CODE, "name": name_text})


# ---- section 2: container ----

LOCAL, CENTRAL, END = (
    struct.Struct("<4s5H3L2H"),
    struct.Struct("<4s6H3L5H2L"),
    struct.Struct("<4s4H2LH"),
)
ENTRY_NAME = text(r"[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)*")
STATEMENT = "statement.dsse.json"


def container_of(names: Sequence[str], contents: Sequence[tuple[int, int]]) -> Iterator[bytes]:
    """The headers of the one possible file: all local ones, the directory, the end."""
    offset, directory = 0, b""
    for name, (crc, size) in zip(names, contents, strict=True):
        raw = name.encode()
        yield LOCAL.pack(b"PK\x03\x04", 10, 0, 0, 0, 0x21, crc, size, size, len(raw), 0) + raw
        directory += CENTRAL.pack(
            b"PK\x01\x02", 0x030A, 10, 0, 0, 0, 0x21, crc, size, size, len(raw), 0, 0, 0, 0,
            0x81A40000, offset,
        ) + raw  # fmt: skip
        offset += LOCAL.size + len(raw) + size
    count = len(names)
    yield directory
    yield END.pack(b"PK\x05\x06", 0, 0, count, count, len(directory), offset, 0)


def read_container(data: bytes) -> dict[str, bytes]:
    step = "container"
    need("size", len(data) <= 4 * GIB - 1, "too large")
    need(step, len(data) >= END.size, "no ZIP file")
    magic, _, _, count, _, directory_size, directory_at, _ = END.unpack(data[-END.size :])
    need(step, magic == b"PK\x05\x06" and 1 <= count <= 1024, "no end record")
    need(
        step, directory_at + directory_size + END.size == len(data), "bytes that belong to nothing"
    )
    names, contents, position = [], [], directory_at
    for _ in range(count):
        need(step, position + CENTRAL.size <= len(data) - END.size, "the directory is short")
        fields = CENTRAL.unpack(data[position : position + CENTRAL.size])
        need(step, fields[10] <= 200, "a name too long")
        raw = data[position + CENTRAL.size : position + CENTRAL.size + fields[10]]
        name = raw.decode("ascii", "replace")
        need(step, ENTRY_NAME(name), "a name that is not allowed")
        names.append(name)
        contents.append((fields[7], fields[9]))
        position += CENTRAL.size + fields[10]
    need(step, len(set(names)) == len(names), "a name twice")
    ordered = sorted(names, key=lambda n: (n != STATEMENT, n.encode()))
    need(step, names[0] == STATEMENT and names == ordered, "another order")
    *locals_, directory, end = container_of(names, contents)
    entries, offset = {}, 0
    for name, (crc, size), header in zip(names, contents, locals_, strict=True):
        need(step, data[offset : offset + len(header)] == header, f"local header of {name}")
        offset += len(header)
        entries[name] = data[offset : offset + size]
        need(step, offset + size <= directory_at, "an entry over the directory")
        need(step, zlib.crc32(entries[name]) == crc, f"CRC of {name}")
        offset += size
    need(step, data[offset:] == directory + end, "another directory")
    return entries


# ---- section 4: envelope and signatures ----

PRIME = 2**255 - 19
_Y8 = 2707385501144840649318225287225658788936804267575313519463743609750303021022
SMALL = {0, 1, PRIME - 1, _Y8, PRIME - _Y8}


def sound(encoded: bytes) -> bool:
    y = int.from_bytes(encoded, "little") % 2**255
    return y < PRIME and y not in SMALL


def good(key: bytes, signature: bytes, message: bytes) -> bool:
    if len(signature) != 64 or not (sound(key) and sound(signature[:32])):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def key_id(key: bytes) -> str:
    return sha256(bytes.fromhex("302a300506032b6570032100") + key)


def unbase64(step: str, value: Any) -> bytes:
    try:
        raw = base64.b64decode(value, validate=True) if isinstance(value, str) else b""
    except (binascii.Error, ValueError):
        raise RefusedError(step, "no base64") from None
    need(step, base64.b64encode(raw).decode() == value, "base64 that is not canonical")
    return raw


def read_envelope(data: bytes) -> tuple[bytes, list[tuple[str, bytes]]]:
    step = "envelope"
    need(step, len(data) <= 2 * MIB, "too large")
    value = strict_json(step, data, canonical=True, longest=2 * MIB)
    one = record({"keyid": HEX64, "sig": lambda v: isinstance(v, str)})
    form = record(
        {
            "payload": lambda v: isinstance(v, str),
            "payloadType": one_of("application/vnd.in-toto+json"),
            "signatures": list_of(one, 1, 16),
        }
    )
    need(step, form(value), "not of its form")
    payload = unbase64(step, value["payload"])
    need(step, len(payload) <= MIB, "payload too large")
    signatures = [(s["keyid"], unbase64(step, s["sig"])) for s in value["signatures"]]
    need(step, all(len(sig) == 64 for _, sig in signatures), "a signature of another length")
    return payload, signatures


def check_signatures(
    payload: bytes, signatures: list[tuple[str, bytes]], keys: Sequence[bytes], threshold: int
) -> None:
    step, kind = "signature", b"application/vnd.in-toto+json"
    message = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
    signed = set()
    for named, signature in signatures:
        for key in keys:
            if good(key, signature, message):
                signed.add(key)
                need(step, named == key_id(key), "a good signature under another key id")
    need(step, len(signed) >= threshold, "below the threshold")
    names = [named for named, _ in signatures]
    need(step, names == sorted(set(names)), "unsorted or doubled")


# ---- section 5: statement ----

PREDICATE = record(
    {
        "bundle_id": text("[0-9a-f]{32}"),
        "publisher": PARTY,
        "recipients": list_of(PARTY, 1, 16),
        "agreement": record({"id": name_text, "version": whole(1), "digest": HEX64}),
        "purpose": name_text,
        "legal_basis": name_text,
        "stream": STREAM,
        "sequence": SEQUENCE,
        "previous_statement_sha256": optional(HEX64),
        "period": optional(record({"start": micro_time, "end": micro_time})),
        "lake_versions": map_of(RECORD_TYPE, whole(0)),
        "counts": map_of(RECORD_TYPE, whole(0)),
        "contracts": map_of(RECORD_TYPE, record({"version": name_text, "sha256": HEX64})),
        "heads": list_of(
            record(
                {
                    "publisher": CODE,
                    "stream": STREAM,
                    "sequence": SEQUENCE,
                    "statement_sha256": HEX64,
                }
            ),
            0,
            1024,
        ),
        "rule_pack_version": name_text,
        "verdict_sha256": HEX64,
        "created_time": micro_time,
        "sensitivity_class": one_of("public", "internal", "personal", "sensitive"),
    }
)
STATEMENT_FORM = record(
    {
        "_type": one_of("https://in-toto.io/Statement/v1"),
        "subject": list_of(
            record(
                {
                    "name": name_text,
                    "digest": record({"sha256": HEX64}),
                    "annotations": record({"size": whole(0)}),
                }
            )
        ),
        "predicateType": one_of("urn:hefu:bundle:1"),
        "predicate": PREDICATE,
    }
)


def read_statement(payload: bytes) -> dict[str, Any]:
    step = "statement"
    value = strict_json(step, payload, canonical=True)
    need(step, STATEMENT_FORM(value), "not of its form")
    told = value["predicate"]
    rest = {k: v for k, v in told.items() if k != "bundle_id"}
    need(step, sha256(jcs({**value, "predicate": rest}))[:32] == told["bundle_id"], "bundle_id")
    types = set(told["contracts"])
    need(step, types == set(told["counts"]) == set(told["lake_versions"]), "record types differ")
    first = told["sequence"] == 1
    need(step, first == (told["previous_statement_sha256"] is None), "previous")
    if told["period"]:
        need(step, told["period"]["start"] <= told["period"]["end"], "period")
    heads = [(h["publisher"], h["stream"]) for h in told["heads"]]
    need(step, heads == sorted(set(heads)), "heads unsorted or doubled")
    for head in told["heads"]:
        if (head["publisher"], head["stream"]) == (told["publisher"]["code"], told["stream"]):
            need(step, head["sequence"] < told["sequence"], "a head after the bundle")
            if head["sequence"] == told["sequence"] - 1:
                same = head["statement_sha256"] == told["previous_statement_sha256"]
                need(step, same, "head and previous differ")
    return value


# ---- sections 6 and 7: what the reader holds ----


TYPES = {
    "VARCHAR", "BIGINT", "DECIMAL(16,2)", "DECIMAL(6,4)", "DATE", "TIMESTAMPTZ", "BOOLEAN",
    "VARCHAR[]", "BIGINT[]",
}  # fmt: skip
CLASSES = ("public", "internal", "personal", "sensitive")


@dataclass(frozen=True)
class Column:
    name: str
    type: str
    classification: str
    technical: bool


@dataclass(frozen=True)
class Contract:
    record_type: str
    version: str
    columns: tuple[Column, ...]
    data: bytes

    @classmethod
    def parse(cls, data: bytes) -> Contract:
        document = yaml.safe_load(data)
        columns = tuple(
            Column(
                p["name"],
                p["physicalType"],
                p["classification"],
                "technical" in (p.get("tags") or ()),
            )
            for p in document["schema"][0]["properties"]
        )
        for column in columns:
            if column.type not in TYPES or column.classification not in CLASSES:
                raise KeyError(column.name)
        return cls(document["schema"][0]["name"], str(document["version"]), columns, data)


def load_agreement(path: Path) -> dict[str, Any]:
    """The object of section 6, with defaults written out."""
    found = tomllib.loads(path.read_text("utf-8"))
    day: Callable[[date | None], str | None] = lambda d: d.isoformat() if d else None  # noqa: E731
    grants = []
    for grant in found["grants"]:
        rows, delivery = grant.get("rows", {}), grant.get("delivery", {})
        grants.append(
            {
                **{k: grant[k] for k in ("from", "to", "purpose", "legal_basis", "records")},
                "rows": {
                    "divisions": rows.get("divisions", []),
                    "domains": rows.get("domains", []),
                    "registration_divisions": rows.get("registration_divisions", []),
                    "since": day(rows.get("since")),
                    "until": day(rows.get("until")),
                },
                "encryption": grant.get("encryption", "when_personal"),
                "retention_days": grant.get("retention_days"),
                "delivery": {
                    "receipt_within_working_days": delivery.get("receipt_within_working_days", 2),
                    "at_least_every_days": delivery.get("at_least_every_days"),
                },
            }
        )
    return {
        "id": found["id"],
        "version": found["version"],
        "valid_from": day(found["valid_from"]),
        "valid_until": day(found["valid_until"]),
        "parties": [{"code": p["code"], "name": p["name"]} for p in found["parties"]],
        "grants": grants,
    }


def stream_of(agreement: dict[str, Any], grant: dict[str, Any]) -> str:
    return ".".join((agreement["id"], grant["from"], grant["to"], grant["purpose"])).lower()


@dataclass(frozen=True)
class Reader:
    """What a reader holds before a bundle comes."""

    code: str
    publisher: str
    agreement: dict[str, Any]
    contracts: dict[str, Contract]
    now: datetime
    head: tuple[int, str | None] = (0, None)


# ---- section 11, from parties on ----


def verify(data: bytes, keys: Sequence[bytes], threshold: int, reader: Reader) -> dict[str, Any]:
    entries = read_container(data)
    payload, signatures = read_envelope(entries[STATEMENT])
    check_signatures(payload, signatures, keys, threshold)
    statement = read_statement(payload)
    told = statement["predicate"]
    check_parties(told, reader)
    grant = check_agreement(told, reader)
    check_subjects(statement, entries)
    sequence, digest = reader.head
    need("stream", told["sequence"] == sequence + 1, "not the next number")
    need("stream", told["previous_statement_sha256"] == digest, "another history")
    contracts = check_contracts(told, entries, reader)
    check_tables(told, entries, contracts, grant)
    return statement


def check_parties(told: dict[str, Any], reader: Reader) -> None:
    step = "parties"
    need(step, told["publisher"]["code"] == reader.publisher, "another publisher")
    need(step, reader.code in [r["code"] for r in told["recipients"]], "not for us")
    late = moment(told["created_time"]) > reader.now + timedelta(hours=1)
    need(step, not late, "from the future")


def check_agreement(told: dict[str, Any], reader: Reader) -> dict[str, Any]:
    step, held = "agreement", reader.agreement
    mine = {"id": held["id"], "version": held["version"], "digest": sha256(jcs(held))}
    need(step, told["agreement"] == mine, "another agreement")
    for when in (moment(told["created_time"]), reader.now):
        day = when.astimezone(timezone(timedelta(hours=8))).date().isoformat()
        need(step, held["valid_from"] <= day <= held["valid_until"], "it does not run")
    for grant in held["grants"]:
        if stream_of(held, grant) == told["stream"]:
            found = (
                told["publisher"]["code"],
                [r["code"] for r in told["recipients"]],
                told["purpose"],
                told["legal_basis"],
            )
            expected = (grant["from"], [grant["to"]], grant["purpose"], grant["legal_basis"])
            need(step, found == expected, "not as granted")
            return dict(grant)
    raise RefusedError(step, "no such stream")


def check_subjects(statement: dict[str, Any], entries: dict[str, bytes]) -> None:
    step, told = "subjects", statement["predicate"]
    names = [s["name"] for s in statement["subject"]]
    need(step, names == [n for n in entries if n != STATEMENT], "other entries")
    for subject in statement["subject"]:
        data = entries[subject["name"]]
        need(step, len(data) == subject["annotations"]["size"], f"size of {subject['name']}")
        need(step, sha256(data) == subject["digest"]["sha256"], f"digest of {subject['name']}")
    wanted = {"readme.txt", "quality/verdict.json"}
    for one in told["contracts"]:
        wanted |= {f"contracts/{one}.odcs.yaml", f"records/{one}.parquet"}
    for name in names:
        attached = re.fullmatch(r"attachments/([0-9a-f]{64})\.[a-z0-9]{1,8}", name, re.ASCII)
        if attached:
            need(step, attached[1] == sha256(entries[name]), "an attachment's name")
            need(step, len(entries[name]) <= 64 * MIB, "an attachment too large")
        else:
            need(step, name in wanted, f"{name} is not expected")
            is_table = name.startswith("records/")
            need(step, is_table or len(entries[name]) <= 4 * MIB, f"{name} is too large")
    need(step, wanted <= set(names), "an entry is missing")
    verdict = entries["quality/verdict.json"]
    need(step, sha256(verdict) == told["verdict_sha256"], "another verdict")
    strict_json(step, verdict, canonical=False)


def check_contracts(
    told: dict[str, Any], entries: dict[str, bytes], reader: Reader
) -> dict[str, Contract]:
    step, found = "contract", {}
    for name, named in told["contracts"].items():
        data = entries[f"contracts/{name}.odcs.yaml"]
        need(step, sha256(data) == named["sha256"], "another digest")
        need(step, name in reader.contracts, "an unknown record type")
        mine = reader.contracts[name]
        if named["version"] == mine.version:
            need(step, data == mine.data, "other bytes of the same version")
            found[name] = mine
            continue
        same_major = named["version"].split(".")[0] == mine.version.split(".")[0]
        need(step, same_major, "another major version")
        try:
            theirs = Contract.parse(data)
        except (yaml.YAMLError, KeyError, TypeError, IndexError, AttributeError):
            raise RefusedError(step, "no contract") from None
        need(step, (theirs.record_type, theirs.version) == (name, named["version"]), "another one")
        types = {c.name: c.type for c in mine.columns}
        for column in theirs.columns:
            need(step, types.get(column.name, column.type) == column.type, "another type")
        found[name] = theirs
    return found


def check_tables(
    told: dict[str, Any],
    entries: dict[str, bytes],
    contracts: dict[str, Contract],
    grant: dict[str, Any],
) -> None:
    footers, classes = {}, ["public"]
    for name, contract in contracts.items():
        footer = read_footer(entries[f"records/{name}.parquet"])
        footers[name] = footer
        need("grant", name in grant["records"], "a record type that is not granted")
        allowed = [c for c in contract.columns if c.technical or c.name in grant["records"][name]]
        got = [leaf.name for leaf in footer.leaves]
        need("grant", got == [c.name for c in allowed], "other columns than granted")
        for leaf, column in zip(footer.leaves, allowed, strict=True):
            need("table", leaf.type == column.type, f"type of {leaf.name}")
        classes += [c.classification for c in allowed]
    highest = max(classes, key=CLASSES.index)
    need("grant", highest == told["sensitivity_class"], "another sensitivity")
    for name, footer in footers.items():
        need("table", footer.rows == told["counts"][name], "another number of rows")
        decode(entries[f"records/{name}.parquet"], footer.rows)


# ---- section 8: Parquet ----


class Thrift:
    """The compact protocol. A spec maps field numbers to kinds; nothing else may stand there."""

    CODES = {"i8": 3, "i16": 4, "i32": 5, "i64": 6, "bytes": 8}  # noqa: RUF012
    BITS = {"i8": 8, "i16": 16, "i32": 32, "i64": 64}  # noqa: RUF012

    def __init__(self, data: bytes, at: int, end: int) -> None:
        self.data, self.at, self.end = data, at, end

    def byte(self) -> int:
        need("table", self.at < self.end, "beyond the end")
        self.at += 1
        return self.data[self.at - 1]

    def varint(self, bits: int = 64) -> int:
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
            need("table", shift < 70, "a number too long")
        need("table", value >> bits == 0, "a number too large")
        return value

    def struct(self, spec: dict[int, Any]) -> dict[int, Any]:
        found: dict[int, Any] = {}
        last = 0
        while head := self.byte():
            if head >> 4:
                last += head >> 4
            else:
                raw = self.varint(16)
                last = (raw >> 1) ^ -(raw & 1)
            need("table", last in spec and last not in found, f"field {last}")
            found[last] = self.value(spec[last], head & 15)
        return found

    def value(self, kind: Any, code: int) -> Any:
        if kind == "bool":
            need("table", code in (1, 2), "no boolean")
            return code == 1
        if isinstance(kind, dict):
            need("table", code == 12, "no structure")
            return self.struct(kind)
        if isinstance(kind, list):
            need("table", code == 9, "no list")
            head = self.byte()
            size = self.varint() if head >> 4 == 15 else head >> 4
            need("table", size <= self.end - self.at, "a list too long")
            of = 12 if isinstance(kind[0], dict) else self.CODES[kind[0]]
            need("table", head & 15 == of, "a list of another type")
            return [self.value(kind[0], head & 15) for _ in range(size)]
        need("table", code == self.CODES[kind], "another type")
        if kind == "bytes":
            size = self.varint()
            need("table", size <= self.end - self.at, "a text too long")
            self.at += size
            return self.data[self.at - size : self.at]
        raw = self.varint(self.BITS[kind])
        return (raw >> 1) ^ -(raw & 1)


LOGICAL = {1: {}, 3: {}, 5: {1: "i32", 2: "i32"}, 6: {}, 8: {1: "bool", 2: {2: {}}}}
ELEMENT = {
    1: "i32",
    2: "i32",
    3: "i32",
    4: "bytes",
    5: "i32",
    6: "i32",
    7: "i32",
    8: "i32",
    10: LOGICAL,
}
COLUMN_META = {
    1: "i32", 2: ["i32"], 3: ["bytes"], 4: "i32", 5: "i64", 6: "i64", 7: "i64", 9: "i64",
    11: "i64", 13: [{1: "i32", 2: "i32", 3: "i32"}], 16: {1: "i64", 2: ["i64"], 3: ["i64"]},
}  # fmt: skip
GROUP = {1: [{2: "i64", 3: COLUMN_META}], 2: "i64", 3: "i64", 5: "i64", 6: "i64", 7: "i16"}
FILE = {1: "i32", 2: [ELEMENT], 3: "i64", 4: [GROUP], 6: "bytes", 7: [{1: {}}]}
PAGE = {
    1: "i32", 2: "i32", 3: "i32", 4: "i32",
    5: {1: "i32", 2: "i32", 3: "i32", 4: "i32", 5: {}}, 7: {1: "i32", 2: "i32", 3: "bool"},
}  # fmt: skip
PLAIN_TYPES: list[tuple[dict[int, Any], str]] = [
    ({1: 0}, "BOOLEAN"),
    ({1: 2}, "BIGINT"),
    ({1: 1, 6: 6, 10: {6: {}}}, "DATE"),
    ({1: 2, 6: 10, 10: {8: {1: True, 2: {2: {}}}}}, "TIMESTAMPTZ"),
    ({1: 6, 6: 0, 10: {1: {}}}, "VARCHAR"),
]


@dataclass(frozen=True)
class Leaf:
    name: str
    type: str
    physical: int
    path: tuple[bytes, ...]
    is_list: bool = False


@dataclass(frozen=True)
class Footer:
    leaves: tuple[Leaf, ...]
    rows: int
    groups: list[Any] = field(default_factory=list)


def read_footer(data: bytes) -> Footer:
    step = "table"
    need(step, len(data) >= 12 and data[:4] == data[-4:] == b"PAR1", "no Parquet file")
    end = len(data) - 8
    start = end - int.from_bytes(data[-8:-4], "little")
    need(step, start >= 4, "a footer longer than the file")
    thrift = Thrift(data, start, end)
    meta = thrift.struct(FILE)
    need(step, thrift.at == end, "bytes after the footer")
    try:
        leaves = read_schema(meta[2])
        need(step, meta[1] in (1, 2), "another version")
        orders = meta.get(7, [{1: {}}] * len(leaves))
        need(step, orders == [{1: {}}] * len(leaves), "another order of columns")
        need(step, 0 <= meta[3] <= 50_000_000 and len(leaves) <= 400, "too many")
        need(step, len(meta[4]) <= 4096, "too many row groups")
        walk_chunks(data, start, leaves, meta)
    except (KeyError, IndexError):
        raise RefusedError(step, "something is missing in the footer") from None
    return Footer(tuple(leaves), meta[3])


def read_schema(elements: list[dict[int, Any]]) -> list[Leaf]:
    step = "table"
    root = elements[0]
    need(step, set(root) <= {3, 4, 5} and root.get(3, 0) == 0, "another root")
    leaves, at = [], 1
    for _ in range(root[5]):
        element = elements[at]
        at += 1
        need(step, element.get(3) == 1, "a column that is not nullable")
        if 5 in element:
            outer = {k: v for k, v in element.items() if k != 4}
            need(step, outer == {3: 1, 5: 1, 6: 3, 10: {3: {}}}, "another nesting")
            need(step, elements[at] == {3: 2, 4: b"list", 5: 1}, "another nesting")
            inner = elements[at + 1]
            at += 2
            need(step, inner[4] == b"element" and inner.get(3) == 1 and 5 not in inner, "element")
            kind = f"{type_of(inner)}[]"
            path = (element[4], b"list", b"element")
            leaves.append(Leaf(element[4].decode("utf-8", "replace"), kind, inner[1], path, True))
        else:
            name = element[4].decode("utf-8", "replace")
            leaves.append(Leaf(name, type_of(element), element[1], (element[4],)))
    need(step, at == len(elements) and root[5] >= 0, "another number of columns")
    return leaves


def type_of(element: dict[int, Any]) -> str:
    told = {k: v for k, v in element.items() if k not in (3, 4)}
    for shape, kind in PLAIN_TYPES:
        if told == shape:
            return kind
    if told[1] == 7:
        size, scale, precision = told[2], told[7], told[8]
        expected = {1: 7, 2: size, 6: 5, 7: scale, 8: precision, 10: {5: {1: scale, 2: precision}}}
        if told == expected and 1 <= size <= 16 and 0 <= scale <= precision <= 38:
            return f"DECIMAL({precision},{scale})"
    raise RefusedError("table", "a type that the format does not have")


def walk_chunks(data: bytes, footer: int, leaves: list[Leaf], meta: dict[int, Any]) -> None:
    step, position, rows, unpacked = "table", 4, 0, 0
    for at, group in enumerate(meta[4]):
        need(step, len(group[1]) == len(leaves) and group.get(7, at) == at, "another row group")
        need(step, group[3] >= 0, "a negative number of rows")
        rows += group[3]
        for column, leaf in zip(group[1], leaves, strict=True):
            chunk = column[3]
            need(step, chunk[1] == leaf.physical and tuple(chunk[3]) == leaf.path, "another column")
            need(step, chunk[4] == 6 and set(chunk[2]) <= {0, 2, 3, 8}, "compression, encoding")
            histograms = chunk.get(16, {})
            for number, greatest in ((2, leaf.is_list), (3, 3 if leaf.is_list else 1)):
                need(step, len(histograms.get(number, [])) in (0, greatest + 1), "levels")
            walk_pages(data, position, footer, chunk, leaf, group[3])
            position += chunk[7]
            unpacked += chunk[6]
    need(step, position == footer, "bytes that belong to no page")
    need(step, rows == meta[3] and unpacked <= 16 * GIB, "numbers of rows")


def walk_pages(
    data: bytes, position: int, footer: int, chunk: dict[int, Any], leaf: Leaf, rows: int
) -> None:
    step, end = "table", position + chunk[7]
    need(step, position <= end <= footer, "a chunk beyond the footer")
    dictionary = chunk.get(11)
    need(step, dictionary is None or not leaf.is_list, "a list with a dictionary")
    if dictionary is not None:
        need(step, dictionary == position, "the dictionary is elsewhere")
    else:
        need(step, chunk[9] == position, "the data is elsewhere")
    values = unpacked = pages = 0
    while position < end:
        thrift = Thrift(data, position, min(end, position + 256))
        page = thrift.struct(PAGE)
        need(step, {1, 2, 3, 4} <= set(page) and page[1] in (0, 2), "a page header")
        need(step, 0 <= page[2] <= 16 * MIB, "a page's size")
        need(step, 0 <= page[3] <= end - thrift.at, "a page's compressed size")
        packed = data[thrift.at : thrift.at + page[3]]
        need(step, zlib.crc32(packed) == page[4] & 0xFFFFFFFF, "a page's checksum")
        is_dictionary = dictionary is not None and pages == 0
        need(step, (page[1] == 2) == is_dictionary, "a dictionary, or none")
        details = page.get(7 if is_dictionary else 5, {})
        count = details.get(1, -1)
        need(step, count >= 0, "a number of values")
        if is_dictionary:
            need(step, page[2] <= MIB and count <= page[2], "a dictionary too large")
        else:
            first = pages == (dictionary is not None)
            need(step, not first or chunk[9] == position, "the data is elsewhere")
            values += count
        unpacked += thrift.at - position + page[2]
        position = thrift.at + page[3]
        pages += 1
    need(step, values == chunk[5], "a number of values")
    need(step, rows <= values <= rows * (64 if leaf.is_list else 1), "values per row")
    need(step, unpacked == chunk[6] <= 512 * MIB, "uncompressed size")


def decode(data: bytes, rows: int) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    seen = 0
    try:
        file = pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True)
        for batch in file.iter_batches():
            batch.validate(full=True)
            seen += batch.num_rows
    except (pa.ArrowException, OSError, ValueError) as error:
        raise RefusedError("table", f"unreadable: {error}") from None
    need("table", seen == rows, "another number of rows")


# ---- section 9: age ----

ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def identity_of(line: str) -> X25519PrivateKey:
    """Bech32 of 32 bytes; its checksum is left to the one who made the file."""
    words = [ALPHABET.index(c) for c in line.strip().lower().rpartition("1")[2]][:-6]
    bits = "".join(f"{word:05b}" for word in words)
    return X25519PrivateKey.from_private_bytes(int(bits[:256], 2).to_bytes(32, "big"))


def hkdf(secret: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt, info).derive(secret)


def unbase64_plain(value: bytes) -> bytes:
    step = "decrypt"
    try:
        raw = base64.b64decode(value + b"=" * (-len(value) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise RefusedError(step, "no base64") from None
    need(step, base64.b64encode(raw).rstrip(b"=") == value, "base64 that is not canonical")
    return raw


def decrypt(data: bytes, identity: X25519PrivateKey) -> bytes:
    step, intro = "decrypt", b"age-encryption.org/v1\n"
    need(step, data.startswith(intro), "no age file")
    end = data.find(b"\n--- ", 0, 64 * KIB)
    need(step, end >= 0, "no end of the header")
    line_end = data.find(b"\n", end + 5)
    need(step, line_end >= 0, "no end of the header")
    mac = unbase64_plain(data[end + 5 : line_end])
    file_key = None
    for arguments, body in stanzas(data[len(intro) : end + 1]):
        need(step, arguments[0] != b"scrypt", "a passphrase")
        if arguments[0] == b"X25519" and file_key is None:
            file_key = unwrap(arguments, body, identity)
    need(step, file_key is not None, "not encrypted to this identity")
    assert file_key is not None
    expected = hmac.digest(hkdf(file_key, b"", b"header"), data[: end + 4], "sha256")
    need(step, hmac.compare_digest(mac, expected), "the header was changed")
    return open_payload(data[line_end + 1 :], file_key)


def stanzas(header: bytes) -> Iterator[tuple[list[bytes], bytes]]:
    step, lines = "decrypt", header.split(b"\n")[:-1]
    while lines:
        head = lines.pop(0)
        arguments = head[3:].split(b" ")
        need(step, head.startswith(b"-> ") and all(arguments), "a stanza")
        need(step, all(33 <= c <= 126 for a in arguments for c in a), "an argument")
        body = b""
        while True:
            if not lines or lines[0].startswith(b"-"):  # as early writers of age made them
                break
            line = lines.pop(0)
            need(step, len(line) <= 64, "a line too long")
            body += line
            if len(line) < 64:
                break
        yield arguments, unbase64_plain(body)


def unwrap(arguments: list[bytes], body: bytes, identity: X25519PrivateKey) -> bytes | None:
    step = "decrypt"
    need(step, len(arguments) == 2, "an X25519 stanza with other arguments")
    share = unbase64_plain(arguments[1])
    need(step, len(share) == 32 and len(body) == 32, "an X25519 stanza of another length")
    try:
        secret = identity.exchange(X25519PublicKey.from_public_bytes(share))
    except ValueError:
        raise RefusedError(step, "a shared secret of zeros") from None
    recipient = identity.public_key().public_bytes_raw()
    key = hkdf(secret, share + recipient, b"age-encryption.org/v1/X25519")
    try:
        return ChaCha20Poly1305(key).decrypt(bytes(12), body, None)
    except InvalidTag:
        return None


def open_payload(data: bytes, file_key: bytes) -> bytes:
    step = "decrypt"
    need(step, len(data) >= 32, "cut short")
    cipher = ChaCha20Poly1305(hkdf(file_key, data[:16], b"payload"))
    body, size, plain = data[16:], 64 * KIB + 16, []
    count = -(-len(body) // size)
    for at in range(count):
        nonce = at.to_bytes(11, "big") + bytes([at == count - 1])
        try:
            plain.append(cipher.decrypt(nonce, body[at * size : (at + 1) * size], None))
        except InvalidTag:
            raise RefusedError(step, "a chunk does not authenticate") from None
    need(step, count == 1 or plain[-1], "an empty last chunk")
    return b"".join(plain)


# ---- section 10: repository ----

KEY = record(
    {
        "keytype": one_of("ed25519"),
        "scheme": one_of("ed25519"),
        "keyval": record({"public": HEX64}),
    }
)
ROLE_FIELDS = {"keyids": list_of(HEX64, 1, 16), "threshold": whole(1, 16)}
ROLE = record(ROLE_FIELDS)
DELEGATED = record(
    {
        **ROLE_FIELDS,
        "name": lambda v: isinstance(v, str),
        "paths": list_of(lambda v: isinstance(v, str), 1),
        "terminating": one_of(True, False),
    }
)
HASHES = record({"sha256": HEX64})
META = record({"version": whole(1), "length": whole(1), "hashes": HASHES}, ("length", "hashes"))
TARGET = record(
    {"length": whole(1), "hashes": HASHES, "custom": record({"statement_sha256": HEX64})},
    ("custom",),
)
COMMON = {
    "spec_version": text(r"1\.0\.\d+"),
    "version": whole(1),
    "expires": second_time,
}
ANY_TEXT: Shape = lambda v: isinstance(v, str)  # noqa: E731
DELEGATIONS = record({"keys": map_of(HEX64, KEY), "roles": list_of(DELEGATED)})
FORMS = {
    "root": record(
        {
            **COMMON,
            "_type": one_of("root"),
            "consistent_snapshot": one_of(True),
            "keys": map_of(HEX64, KEY),
            "roles": record(dict.fromkeys(("root", "targets", "snapshot", "timestamp"), ROLE)),
        },
        x=True,
    ),
    "targets": record(
        {
            **COMMON,
            "_type": one_of("targets"),
            "targets": map_of(ANY_TEXT, TARGET),
            "delegations": DELEGATIONS,
        },
        ("delegations",),
        x=True,
    ),
    "snapshot": record(
        {**COMMON, "_type": one_of("snapshot"), "meta": map_of(ANY_TEXT, META)}, x=True
    ),
    "timestamp": record(
        {
            **COMMON,
            "_type": one_of("timestamp"),
            "meta": record({"snapshot.json": META}),
            "x-hefu-published": second_time,
        },
        x=True,
    ),
}
ENVELOPE = record(
    {
        "signatures": list_of(record({"keyid": HEX64, "sig": text("[0-9a-f]{128}")}), 1, 16),
        "signed": lambda v: isinstance(v, dict),
    }
)
SEGMENT_NAME = re.compile(r"([a-z0-9][a-z0-9._-]{0,199})\.([0-9]{6})", re.ASCII)
AGENCY = record(
    {
        "_type": one_of("urn:hefu:agency:1"),
        "code": CODE,
        "name": name_text,
        "division_code": text(r"\d{6}"),
        "repository": lambda v: isinstance(v, str) and len(v) <= 2000,
        "recipients": list_of(text("age1[02-9ac-hj-np-z]{58}"), 0, 16),
        "sealed_recipients": list_of(text("age1[02-9ac-hj-np-z]{58}"), 0, 16),
    },
    ("repository", "recipients", "sealed_recipients"),
)


@dataclass(frozen=True)
class Holder:
    """Keys and threshold of a role."""

    keys: tuple[bytes, ...]
    threshold: int


@dataclass
class Memory:
    """What is kept of a publisher (10.5). Lists by role, with their files."""

    roots: dict[int, bytes]
    lists: dict[str, bytes] = field(default_factory=dict)


class AbsentError(Exception):
    """A file that is not there."""


def open_list(data: bytes, form: str, holders: Sequence[Holder]) -> dict[str, Any]:
    step = "trust"
    whole_list = strict_json(step, data, canonical=False)
    need(step, ENVELOPE(whole_list), "not a signed list")
    signatures = {s["keyid"]: s["sig"] for s in whole_list["signatures"]}
    need(step, len(signatures) == len(whole_list["signatures"]), "a key id twice")
    signed: dict[str, Any] = whole_list["signed"]
    try:
        message = jcs(signed)
    except ValueError:
        raise RefusedError(step, "a number out of range") from None
    need(step, FORMS[form](signed), f"not of the form of {form}")
    for holder in holders:
        have = {
            key
            for key in holder.keys
            if good(key, bytes.fromhex(signatures.get(key_id(key), "")), message)
        }
        need(step, len(have) >= holder.threshold, f"{form}: below the threshold")
    return signed


def holder_of(keys: dict[str, Any], role: dict[str, Any]) -> Holder:
    step = "trust"
    for name, key in keys.items():
        raw = bytes.fromhex(key["keyval"]["public"])
        need(step, key_id(raw) == name, "a key under another id")
        need(step, sound(raw), "a key of small order")
    ids = role["keyids"]
    need(step, len(set(ids)) == len(ids) and set(ids) <= set(keys), "key ids")
    need(step, role["threshold"] <= len(ids), "a threshold that cannot be met")
    return Holder(tuple(bytes.fromhex(keys[i]["keyval"]["public"]) for i in ids), role["threshold"])


class Repository:
    """One reading of a repository, section 10.5."""

    def __init__(self, at: Path, memory: Memory, now: datetime, grace: int) -> None:
        self.at, self.memory, self.now = at, memory, now
        self.then = now - timedelta(days=grace)

    def fetch(self, path: str, most: int) -> bytes:
        try:
            with (self.at / path).open("rb") as file:
                data = b""
                while len(data) <= most and (piece := file.read(MIB)):
                    data += piece
        except FileNotFoundError:
            raise AbsentError(path) from None
        need("fetch", len(data) <= most, f"{path} is too large")
        return data

    def fresh(self, signed: dict[str, Any]) -> dict[str, Any]:
        need("trust", moment(signed["expires"]) > self.then, "expired")
        return signed

    def refresh(self, code: str) -> None:
        self.read_root()
        timestamp, new = self.read_timestamp()
        snapshot = self.read_snapshot(timestamp["meta"]["snapshot.json"], new)
        self.meta = snapshot["meta"]
        need("trust", "targets.json" in self.meta and "bundles.json" in self.meta, "snapshot")
        root = self.root
        targets = self.named("targets", holder_of(root["keys"], root["roles"]["targets"]), new)
        self.check_targets(targets)
        bundles = self.named("bundles", self.bundles, new)
        self.check_bundles(bundles)
        listed = targets["targets"]["agency.json"]
        agency = self.target("agency.json", listed, 4 * MIB)
        facts = strict_json("trust", agency, canonical=True)
        need("trust", AGENCY(facts), "agency.json")
        need("trust", facts["code"] == code, "another agency")
        self.memory.lists |= new

    def read_root(self) -> None:
        version = max(self.memory.roots)
        signed = strict_json("trust", self.memory.roots[version], canonical=False)["signed"]
        self.root = self.check_root(self.memory.roots[version], [self.root_holder(signed)])
        while True:
            try:
                data = self.fetch(f"metadata/{version + 1}.root.json", 256 * KIB)
            except AbsentError:
                break
            told = strict_json("trust", data, canonical=False).get("signed")
            need("trust", isinstance(told, dict) and FORMS["root"](told), "not a root")
            holders = [self.root_holder(self.root), self.root_holder(told)]
            new = self.check_root(data, holders)
            need("trust", new["version"] == version + 1, "another version of root")
            version, self.root = version + 1, new
            self.memory.roots[version] = data
        self.fresh(self.root)

    def root_holder(self, root: dict[str, Any]) -> Holder:
        return holder_of(root["keys"], root["roles"]["root"])

    def check_root(self, data: bytes, holders: Sequence[Holder]) -> dict[str, Any]:
        root = open_list(data, "root", holders)
        for role in root["roles"].values():
            holder_of(root["keys"], role)
        return root

    def kept(self, role: str) -> dict[str, Any] | None:
        """What was kept, if the newest root's keys have signed it."""
        if role not in self.memory.lists:
            return None
        holder = holder_of(self.root["keys"], self.root["roles"][role])
        try:
            return open_list(self.memory.lists[role], role, [holder])
        except RefusedError:
            return None

    def read_timestamp(self) -> tuple[dict[str, Any], dict[str, bytes]]:
        data = self.fetch("metadata/timestamp.json", 16 * KIB)
        holder = holder_of(self.root["keys"], self.root["roles"]["timestamp"])
        timestamp = open_list(data, "timestamp", [holder])
        if before := self.kept("timestamp"):
            need("trust", timestamp["version"] >= before["version"], "an older timestamp")
            if timestamp["version"] == before["version"]:
                need("trust", timestamp == before, "two timestamps of one version")
            old, new = (t["meta"]["snapshot.json"]["version"] for t in (before, timestamp))
            need("trust", new >= old, "an older snapshot")
        self.fresh(timestamp)
        published = moment(timestamp["x-hefu-published"])
        need("trust", published <= self.now + timedelta(hours=1), "published in the future")
        return timestamp, {"timestamp": data}

    def file_of(self, role: str, told: dict[str, Any], most: int = 8 * MIB) -> bytes:
        data = self.fetch(f"metadata/{told['version']}.{role}.json", most)
        need("trust", told.get("length", len(data)) == len(data), f"{role}: another length")
        if "hashes" in told:
            need("trust", sha256(data) == told["hashes"]["sha256"], f"{role}: another file")
        return data

    def read_snapshot(self, told: dict[str, Any], new: dict[str, bytes]) -> dict[str, Any]:
        data = self.file_of("snapshot", told)
        holder = holder_of(self.root["keys"], self.root["roles"]["snapshot"])
        snapshot = open_list(data, "snapshot", [holder])
        need("trust", snapshot["version"] == told["version"], "another snapshot")
        for name in snapshot["meta"]:
            role = name.removesuffix(".json")
            known = role in ("targets", "bundles") or SEGMENT_NAME.fullmatch(role)
            need("trust", role != name and known, f"the snapshot names {name}")
        for name, old in ((self.kept("snapshot") or {}).get("meta", {})).items():
            need("trust", name in snapshot["meta"], f"{name} was dropped")
            need("trust", snapshot["meta"][name]["version"] >= old["version"], f"{name} is older")
        new["snapshot"] = data
        return self.fresh(snapshot)

    def named(self, role: str, holder: Holder, new: dict[str, bytes]) -> dict[str, Any]:
        """A list that the snapshot names."""
        told = self.meta[f"{role}.json"]
        data = self.file_of(role, told)
        found = open_list(data, "targets", [holder])
        need("trust", found["version"] == told["version"], f"another version of {role}")
        new[role] = data
        return self.fresh(found)

    def check_targets(self, targets: dict[str, Any]) -> None:
        need("trust", set(targets["targets"]) == {"agency.json"}, "targets lists other files")
        given = targets.get("delegations", {"roles": [], "keys": {}})
        names = [(r["name"], r["paths"]) for r in given["roles"]]
        need("trust", names == [("bundles", ["streams/*/*"])], "another delegation")
        self.bundles = holder_of(given["keys"], given["roles"][0])

    def check_bundles(self, bundles: dict[str, Any]) -> None:
        need("trust", not bundles["targets"], "bundles lists files")
        self.segments = set()
        given = bundles.get("delegations", {"roles": [], "keys": {}})
        names = [role["name"] for role in given["roles"]]
        need("trust", len(set(names)) == len(names), "a role twice")
        for role in given["roles"]:
            name = SEGMENT_NAME.fullmatch(role["name"])
            need("trust", name, "a delegation that is no segment")
            assert name
            need("trust", role["paths"] == segment_paths(name[1], int(name[2])), "its paths")
            holder = holder_of(given["keys"], role)
            same = set(holder.keys) == set(self.bundles.keys)
            need("trust", same and holder.threshold == self.bundles.threshold, "other keys")
            need("trust", f"{role['name']}.json" in self.meta, "not in the snapshot")
            self.segments.add(role["name"])

    def find(self, stream: str, sequence: int) -> tuple[str, dict[str, Any]] | None:
        number = (sequence - 1) // 256
        role = f"{stream}.{number:06d}"
        if role not in self.segments:
            return None
        segment = self.named(role, self.bundles, self.memory.lists)
        need("trust", not segment.get("delegations", {}).get("roles"), "a segment that delegates")
        found = {}
        for path, target in segment["targets"].items():
            match = re.fullmatch(
                rf"streams/{re.escape(stream)}/([0-9]{{8}})\.hefu(\.age)?", path, re.ASCII
            )
            at = int(match[1]) if match else 0
            need("trust", at >= 1 and (at - 1) // 256 == number, f"{path} in this segment")
            need("trust", at not in found, "a number twice")
            need("trust", "custom" in target, "no digest of the statement")
            found[at] = (path, target)
        return found.get(sequence)

    def target(self, path: str, told: dict[str, Any], most: int) -> bytes:
        need("fetch", told["length"] <= most, f"{path} is too large")
        folder, slash, name = path.rpartition("/")
        place = f"targets/{folder}{slash}{told['hashes']['sha256']}.{name}"
        data = self.fetch(place, 4 * GIB)
        same = len(data) == told["length"] and sha256(data) == told["hashes"]["sha256"]
        need("trust", same, f"{path} is another file")
        return data


def segment_paths(stream: str, number: int) -> list[str]:
    first, last, found = number * 256 + 1, min(number * 256 + 256, 99_999_999), []
    while first <= last:
        d = 0
        while first % 10 ** (d + 1) == 0 and first + 10 ** (d + 1) - 1 <= last:
            d += 1
        found.append(f"streams/{stream}/{f'{first:08d}'[: 8 - d]}{'?' * d}.*")
        first += 10**d
    return found


def may_be(encrypted: bool, grant: dict[str, Any], contracts: dict[str, Contract]) -> bool:
    """Whether a file of this kind is as agreed (section 9)."""
    if grant["encryption"] == "always":
        return encrypted
    unknown = personal = False
    for record_type, names in grant["records"].items():
        contract = contracts[record_type]
        unknown |= not set(names) <= {c.name for c in contract.columns}
        personal |= any(
            c.classification in ("personal", "sensitive")
            for c in contract.columns
            if c.technical or c.name in names
        )
    return encrypted if personal else (unknown or not encrypted)


def verify_from_repository(asked: argparse.Namespace, reader: Reader, grace: int) -> None:
    root = (asked.trust / "root.json").read_bytes()
    version = strict_json("trust", root, canonical=False)["signed"]["version"]
    memory = Memory({version: root})
    if asked.earlier:
        earlier = Repository(asked.earlier, memory, asked.earlier_now, grace)
        earlier.refresh(reader.publisher)
    repository = Repository(asked.repository, memory, asked.now, grace)
    repository.refresh(reader.publisher)
    taken, digest = reader.head
    if taken:
        before = repository.find(asked.stream, taken)
        same = before and before[1]["custom"]["statement_sha256"] == digest
        need("trust", same, "what was taken in is no longer listed")
    found = repository.find(asked.stream, asked.sequence)
    need("fetch", found, "not published")
    assert found
    path, listed = found
    encrypted = path.endswith(".age")
    held = reader.agreement
    grants = [g for g in held["grants"] if stream_of(held, g) == asked.stream]
    need("agreement", grants, "no such stream")
    agreed = may_be(encrypted, grants[0], reader.contracts)
    need("decrypt", agreed, "not encrypted as agreed")
    data = repository.target(path, listed, 4 * GIB - 1)
    if encrypted:
        data = decrypt(data, identity_of(asked.identity.read_text()))
    payload, _ = read_envelope(read_container(data)[STATEMENT])
    named = listed["custom"]["statement_sha256"]
    need("trust", sha256(payload) == named, "another statement than listed")
    statement = verify(data, repository.bundles.keys, repository.bundles.threshold, reader)
    told = statement["predicate"]
    same = (told["stream"], told["sequence"]) == (asked.stream, asked.sequence)
    need("stream", same, "not what was asked for")


# ---- the command ----


def head_of(previous: Path | None) -> tuple[int, str | None]:
    if previous is None:
        return 0, None
    payload, _ = read_envelope(read_container(previous.read_bytes())[STATEMENT])
    return read_statement(payload)["predicate"]["sequence"], sha256(payload)


def pem_keys(folder: Path) -> list[bytes]:
    found = [load_pem_public_key(p.read_bytes()) for p in sorted(folder.glob("*.pem"))]
    return [key.public_bytes_raw() for key in found if isinstance(key, Ed25519PublicKey)]


def run(asked: argparse.Namespace) -> None:
    partner = tomllib.loads((asked.trust / "partner.toml").read_text("utf-8"))
    known = [Contract.parse(p.read_bytes()) for p in asked.trust.glob("contracts/*.odcs.yaml")]
    reader = Reader(
        partner["recipient"],
        partner["code"],
        load_agreement(asked.trust / "agreement.toml"),
        {c.record_type: c for c in known},
        asked.now.astimezone(UTC),
        head_of(asked.previous),
    )
    if asked.repository:
        verify_from_repository(asked, reader, partner.get("max_stale_days", 0))
        return
    data = asked.bundle.read_bytes()
    if asked.identity:
        data = decrypt(data, identity_of(asked.identity.read_text()))
    verify(data, pem_keys(asked.trust), partner["threshold"], reader)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("bundle", type=Path, nargs="?")
    for name in ("trust", "previous", "identity", "repository", "earlier"):
        parser.add_argument(f"--{name}", type=Path)
    for name in ("now", "earlier-now"):
        parser.add_argument(f"--{name}", type=datetime.fromisoformat)
    parser.add_argument("--stream")
    parser.add_argument("--sequence", type=int)
    try:
        run(parser.parse_args(arguments))
    except RefusedError as refused:
        sys.stdout.write(f"{refused.step}\n")
        sys.stderr.write(f"{refused}\n")
        return 4
    except AbsentError as absent:
        sys.stdout.write("fetch\n")
        sys.stderr.write(f"not there: {absent}\n")
        return 4
    sys.stdout.write("ok\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
