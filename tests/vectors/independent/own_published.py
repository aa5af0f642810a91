"""Sections 9 to 11: a bundle as it comes from a repository."""

from __future__ import annotations

import argparse
from typing import Any

from own_age import decrypt, identity_of
from own_bundle import verify
from own_container import STATEMENT, read_container
from own_envelope import read_envelope
from own_held import Contract, Reader, stream_of
from own_json import strict_json
from own_refusal import GIB, need, sha256
from own_repository import Memory, Repository


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
