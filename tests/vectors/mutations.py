"""Damaged bundles, age files and lists, by seed: damage of structure, honestly signed where a
signature would otherwise be all that is tried."""

from __future__ import annotations

import json
import random
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from age_cases import OURS
from age_file import Identity, encrypted
from bundles import (
    CONTRACT,
    KEY_A,
    MORE_FIELD,
    NOW,
    RECEIVER,
    RECORDS,
    SENDER,
    agreement,
    contract,
    entries_of,
    good,
    payload_of,
    predicate,
    restated,
    rows,
    sha256_hex,
    signed,
    with_envelope,
    with_records,
)
from repositories import ONLINE, ROOT_1, ROOT_2, signed_file
from repository_states import ONE, SEGMENT
from securesystemslib.exceptions import FormatError

from exchange.bundle.container import STATEMENT_ENTRY
from exchange.bundle.policy import ChainHead, Policy, Trust
from exchange.bundle.statement import bundle_id_of
from exchange.bundle.verify import verify_bundle
from exchange.jsontext import canonical
from exchange.keys.encryption import decrypt_file
from exchange.repository.memory import MemoryCarrier
from exchange.trust.client import open_publisher

POLICY = Policy(
    contracts={"note": contract()},
    recipient=RECEIVER,
    agreements=(agreement(),),
    head=ChainHead.start(),
)
TRUST = Trust(SENDER, (KEY_A.public,))
GOOD = good()
NEWER = good(contracts={"note": contract("1.1.0", MORE_FIELD)})
LARGER = good(tables={"note": rows(200)})
REPOSITORY = ONE.write()

_ODD: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2**31, 2**53 - 1, 2**53, 2**70, "", "x", "../x", "\ud800", "\x00",
    "1", "0" * 64, "é", "e\u0301", [], [[]], {}, {"": None}, 1.5, "9" * 5000,
)  # fmt: skip
_UNWRITABLE = (TypeError, ValueError, UnicodeError, FormatError)
"""What has no canonical form, so that nobody can sign it."""
_BYTES = (0x00, 0x01, 0x7F, 0x80, 0xFE, 0xFF)


@dataclass(frozen=True)
class Attempt:
    """What is given to a reader: a bundle, an age file or a repository's files."""

    kind: str
    data: bytes = b""
    files: dict[str, bytes] | None = None


def damaged(data: bytes, rng: random.Random, start: int = 0, end: int | None = None) -> bytes:
    """A few bytes of ``data[start:end]`` changed, moved, doubled or taken out."""
    found, stop = bytearray(data), len(data) if end is None else end
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        if stop <= start:
            break
        at = rng.randrange(start, stop)
        length = min(rng.choice((1, 1, 2, 4, 16)), stop - at)
        what = rng.randrange(6)
        if what == 0:
            found[at] ^= 1 << rng.randrange(8)
        elif what == 1:
            found[at] = rng.choice(_BYTES)
        elif what == 2:
            found[at : at + length] = rng.randbytes(length)
        elif what == 3:
            del found[at : at + length]
            stop -= length
        elif what == 4:
            found[at:at] = found[at : at + length]
            stop += length
        else:
            other = rng.randrange(start, stop)
            found[at : at + length] = found[other : other + length]
            stop = min(stop, len(found))
    return bytes(found)


def _nodes(value: Any) -> list[tuple[Any, Any]]:
    """Every (holder, key) below ``value``."""
    found: list[tuple[Any, Any]] = []
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            found += [(value, key), *_nodes(value[key])]
    return found


def retold(value: Any, rng: random.Random) -> Any:
    """A JSON value with one or two nodes exchanged, taken out, doubled or renamed."""
    value = json.loads(json.dumps(value))
    for _ in range(rng.choice((1, 1, 2))):
        nodes = _nodes(value)
        if not nodes:
            break
        holder, key = rng.choice(nodes)
        what = rng.randrange(5)
        if what == 0:
            holder[key] = rng.choice(_ODD)
        elif what == 1:
            other, name = rng.choice(nodes)
            holder[key] = json.loads(json.dumps(other[name]))
        elif what == 2:
            del holder[key]
        elif isinstance(holder, list):
            holder.insert(rng.randrange(len(holder) + 1), holder[key])
        else:
            holder[str(rng.choice(_ODD))] = holder[key]
    return value


def of_container(rng: random.Random) -> Attempt:
    return Attempt("bundle", damaged(rng.choice((GOOD, NEWER)), rng))


def of_container_headers(rng: random.Random) -> Attempt:
    spots = [GOOD.index(name.encode()) for name in entries_of(GOOD)]
    spots.append(GOOD.index(b"PK\x01\x02"))
    at = rng.choice(spots)
    return Attempt("bundle", damaged(GOOD, rng, max(0, at - 30), min(at + 400, len(GOOD))))


def of_envelope(rng: random.Random) -> Attempt:
    right = entries_of(GOOD)[STATEMENT_ENTRY]
    if rng.random() < 0.5:
        return Attempt("bundle", with_envelope(damaged(right, rng)))
    told = retold(json.loads(right), rng)
    return Attempt("bundle", with_envelope(json.dumps(told, separators=(",", ":")).encode()))


def of_statement(rng: random.Random) -> Attempt:
    base = rng.choice((GOOD, NEWER, LARGER))
    if rng.random() < 0.3:
        return Attempt("bundle", with_envelope(signed(damaged(payload_of(base), rng)), base))
    told = retold(json.loads(payload_of(base)), rng)
    try:
        if isinstance(told.get("predicate"), dict) and "bundle_id" in told["predicate"]:
            told["predicate"]["bundle_id"] = bundle_id_of(told)
        payload = canonical(told)
    except (ValueError, UnicodeError):
        payload = json.dumps(told, separators=(",", ":"), sort_keys=True).encode()
    return Attempt("bundle", with_envelope(signed(payload), base))


def of_contract(rng: random.Random) -> Attempt:
    entries = entries_of(NEWER)
    data = damaged(entries[CONTRACT], rng)
    reference = {"note": {"version": "1.1.0", "sha256": sha256_hex(data)}}
    changed = restated(predicate(contracts=reference), entries | {CONTRACT: data}, bundle=NEWER)
    return Attempt("bundle", changed)


def of_verdict(rng: random.Random) -> Attempt:
    entries = entries_of(GOOD)
    data = damaged(entries["quality/verdict.json"], rng)
    told = predicate(verdict_sha256=sha256_hex(data))
    return Attempt("bundle", restated(told, entries | {"quality/verdict.json": data}))


def of_footer(rng: random.Random) -> Attempt:
    count = rng.choice((3, 200))
    data = entries_of(GOOD if count == 3 else LARGER)[RECORDS]
    length = int.from_bytes(data[-8:-4], "little")
    footer = damaged(data[-8 - length : -8], rng)
    whole = data[: -8 - length] + footer + len(footer).to_bytes(4, "little") + b"PAR1"
    return Attempt("bundle", with_records(whole, counts={"note": count}))


def of_page_header(rng: random.Random) -> Attempt:
    data = entries_of(LARGER)[RECORDS]
    at, header, _ = rng.choice(_pages(data))
    return Attempt("bundle", with_records(damaged(data, rng, at, header), counts={"note": 200}))


def of_page(rng: random.Random) -> Attempt:
    """A page whose bytes are other ones and whose checksum is right of them."""
    data = entries_of(LARGER)[RECORDS]
    at, header, end = rng.choice(_pages(data))
    body = damaged(data[header:end], rng)[: end - header].ljust(end - header, b"\0")
    crc = zlib.crc32(body)
    number = crc - (1 << 32) if crc >= 1 << 31 else crc
    spot = data.index(_varint(_zigzag_of(data, at)), at)
    old, new = _varint(_zigzag_of(data, at)), _varint((number << 1) ^ (number >> 63))
    if len(old) != len(new):
        return Attempt("bundle", LARGER)
    whole = data[:spot] + new + data[spot + len(old) : header] + body + data[end:]
    return Attempt("bundle", with_records(whole, counts={"note": 200}))


def _pages(data: bytes) -> list[tuple[int, int, int]]:
    """(header, body, end) of each page, as the file's own headers say."""
    end = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    found, at = [], 4
    while at < end:
        values = _fields(data, at)
        body = values[-1]
        found.append((at, body, body + values[2]))
        at = body + values[2]
    return found


def _zigzag_of(data: bytes, at: int) -> int:
    """The CRC of a page header as it is written."""
    number = _fields(data, at)[3]
    return (number << 1) ^ (number >> 63)


def _fields(data: bytes, at: int) -> list[int]:
    """The first four numbers of a page header, and where the page begins."""
    from exchange.bundle.pages import _PAGE_HEADER
    from exchange.bundle.thrift import Reader

    reader = Reader(memoryview(data), at, len(data))
    header = reader.struct(_PAGE_HEADER)
    return [header[1], header[2], header[3], header[4], reader.position]


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])


def of_age(rng: random.Random) -> Attempt:
    right = encrypted(b"a small bundle", (OURS, Identity("other")))
    end = right.index(b"\n--- ") + 48 if rng.random() < 0.8 else len(right)
    return Attempt("age", damaged(right, rng, 0, end))


def of_age_stanza(rng: random.Random) -> Attempt:
    """A stanza of which the header's MAC is right."""

    def change(found: list[bytes]) -> list[bytes]:
        at = rng.randrange(len(found))
        return [*found[:at], damaged(found[at], rng), *found[at + 1 :]]

    return Attempt("age", encrypted(b"a small bundle", (OURS, Identity("other")), stanzas=change))


_SIGNERS = {
    "1.root": (ROOT_1, ROOT_2),
    "1.targets": (ROOT_1, ROOT_2),
    "1.bundles": (KEY_A,),
    f"1.{SEGMENT}": (KEY_A,),
    "1.snapshot": (ONLINE,),
    "timestamp": (ONLINE,),
}


def of_list(rng: random.Random) -> Attempt:
    """A list that says something else, rightly signed, and named by those above it."""
    name = rng.choice([n for n in _SIGNERS if n != "1.root"])
    role = name.removeprefix("1.")

    def change(told: dict[str, Any]) -> None:
        new = retold(told, rng)
        told.clear()
        told.update(new)

    try:
        return Attempt("repository", files=replace(ONE, alter={role: change}).write())
    except (KeyError, *_UNWRITABLE):
        return Attempt("repository", files=dict(REPOSITORY))


def of_list_bytes(rng: random.Random) -> Attempt:
    path = f"metadata/{rng.choice(list(_SIGNERS))}.json"
    return Attempt("repository", files=REPOSITORY | {path: damaged(REPOSITORY[path], rng)})


def of_second_root(rng: random.Random) -> Attempt:
    told = json.loads(REPOSITORY["metadata/1.root.json"])["signed"] | {"version": 2}
    new = retold(told, rng)
    try:
        data = signed_file(new, (ROOT_1, ROOT_2))
    except _UNWRITABLE:
        data = json.dumps({"signatures": [], "signed": new}).encode()
    return Attempt("repository", files=REPOSITORY | {"metadata/2.root.json": data})


KINDS: tuple[Callable[[random.Random], Attempt], ...] = (
    of_container, of_container_headers, of_envelope, of_statement, of_contract, of_verdict,
    of_footer, of_page_header, of_page, of_age, of_age_stanza, of_list, of_list_bytes,
    of_second_root,
)  # fmt: skip


def attempt(seed: int) -> tuple[str, Attempt]:
    """The same seed makes the same attempt."""
    rng = random.Random(seed)  # noqa: S311 (it must be the same every time)
    kind = KINDS[seed % len(KINDS)]
    return kind.__name__, kind(rng)


def read(what: Attempt, folder: Path) -> None:
    """Give it to Hefu's reader. Raises what that raises; ``folder`` is empty and stays so."""
    if what.kind == "bundle":
        found = verify_bundle(what.data, TRUST, POLICY, NOW)
        for table in found.tables:
            found.tables[table].num_rows  # noqa: B018
    elif what.kind == "age":
        import pyrage

        source, plain = folder / "file.age", folder / "plain"
        source.write_bytes(what.data)
        try:
            decrypt_file(source, plain, [pyrage.x25519.Identity.from_str(OURS.text)])
        finally:
            source.unlink()
            plain.unlink(missing_ok=True)
    else:
        files = dict(what.files or {})
        root = REPOSITORY["metadata/1.root.json"]
        publisher = open_publisher(MemoryCarrier(files), folder / "trusted", root, NOW)
        publisher.trust(SENDER)
        publisher.find(ONE.stream, 1)
