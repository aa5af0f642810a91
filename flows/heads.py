"""Where every stream that this node knows of ends, for the predicate of what it publishes.

Each bundle says which last bundle of each stream its publisher had taken in, and which last ones
of its own it had sent. Two partners who hold what they were told against each other find out who
told them different things (``flows.compare``). A stream that carries nothing but sealed leads is
named to nobody: its number alone would say how many there are.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from exchange.agreement.model import Agreement
from exchange.bundle.statement import Head
from exchange.repository.local import head
from exchange.trust.evidence import STATEMENT
from flows.sealed import RECORD_TYPE as SEALED_LEAD
from lake.ledger import Ledger

if TYPE_CHECKING:
    from hefu.node import Node

#: As many heads as a statement holds (exchange.bundle.statement); the streams that were quiet
#: longest are left out.
MOST_HEADS = 1024


def heads_of(node: Node) -> tuple[Head, ...]:
    """The head of every stream that was taken in or published, by publisher and stream."""
    sealed = _sealed_streams(node)
    all_heads = [*_own_heads(node), *_taken_heads(node)]
    found = [one for one in all_heads if one.stream not in sealed][:MOST_HEADS]
    return tuple(sorted(found, key=lambda h: (h.publisher, h.stream)))


def own_streams(node: Node) -> list[str]:
    """The streams that this node has published on, those of ended agreements too."""
    granted = {
        agreement.stream_id(grant)
        for agreement in node.agreements()
        for grant in agreement.grants_from(node.agency.code)
    }
    sent = {path.parent.name for path in node.place("sent").glob(f"*/00000001{STATEMENT}")}
    return sorted(granted | sent)


def _sealed_streams(node: Node) -> set[str]:
    """By the agreements that are here now, and those that bundles came under."""
    kept = sorted(node.place("inbox").glob("*/agreements/*.json"))
    former = [Agreement.model_validate(json.loads(path.read_bytes())) for path in kept]
    return {
        agreement.stream_id(grant)
        for agreement in [*node.agreements(), *former]
        for grant in agreement.grants
        if set(grant.records) == {SEALED_LEAD}
    }


def _own_heads(node: Node) -> list[Head]:
    repository, sent = node.place("repository"), node.place("sent")
    last = [(stream, head(repository, sent, stream)) for stream in own_streams(node)]
    return [
        Head(
            publisher=node.agency.code,
            stream=stream,
            sequence=one.sequence,
            statement_sha256=one.statement_sha256,
        )
        for stream, one in last
        if one is not None
    ]


def _taken_heads(node: Node) -> list[Head]:
    """Of the streams of others, the one that brought something last first."""
    newest: dict[tuple[str, str], Head] = {}
    for entry in Ledger(str(node.place("lake"))).entries():
        key = (entry.publisher, entry.stream)
        if key not in newest or entry.sequence > newest[key].sequence:
            newest[key] = Head(
                publisher=entry.publisher,
                stream=entry.stream,
                sequence=entry.sequence,
                statement_sha256=entry.statement_digest,
            )
    return list(newest.values())
