"""States of one published stream, and how a vector is told from them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from bundles import Key, statement_digest
from repositories import (
    PUBLISHED,
    Alter,
    File,
    Repository,
    RepositoryCase,
    RootOf,
    open_agreement,
    open_bundle,
    stream_of,
)

from exchange.jsontext import sha256_hex

FIRST = open_bundle()
STREAM = stream_of(open_agreement())
SEGMENT = f"{STREAM}.000000"
EARLIER = PUBLISHED - timedelta(days=3)
"""When the earlier of two publications was."""


def following(
    before: bytes, sequence: int = 2, keys: tuple[Key, ...] = (), **changes: Any
) -> bytes:
    link = statement_digest(before)
    return open_bundle(*keys, sequence=sequence, previous_statement_sha256=link, **changes)


SECOND = following(FIRST)
ONE = Repository({1: File.plain(FIRST)})
TWO = Repository({1: File.plain(FIRST), 2: File.plain(SECOND)})
BEFORE = replace(ONE, published=EARLIER)
NEXT = {"timestamp": 2, "snapshot": 2, SEGMENT: 2}
AFTER = replace(TWO, versions=NEXT)
SAME_ROLES = RootOf()


def with_field(name: str, value: Any) -> Alter:
    return lambda signed: signed.update({name: value})


def trust_case(name: str, about: str, repository: Repository, **changes: Any) -> RepositoryCase:
    return RepositoryCase(f"trust_{name}_fail", about, repository, "trust", **changes)


def target_of(bundle: bytes) -> dict[str, Any]:
    return {
        "length": len(bundle),
        "hashes": {"sha256": sha256_hex(bundle)},
        "custom": {"statement_sha256": statement_digest(bundle)},
    }
