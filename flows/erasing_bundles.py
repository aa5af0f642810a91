"""Bundles that hold a record: our own published ones, and those of partners that we keep.

Only the file goes. Lists, statements, evidence and digests stay, so that it can still be said what
was sent and received when. A published bundle goes only when its partner has taken it in, or a
later one of its stream: for a partner that is behind the chain would end there for ever (ADR 0034).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from exchange.bundle.container import read_container
from exchange.bundle.source import private_bytes
from exchange.files import sync_folder
from exchange.limits import DEFAULT_LIMITS
from exchange.repository.erased import mark_erased
from exchange.trust.evidence import Kept, kept_in
from exchange.trust.evidence_verify import statement_of
from flows.answers import own_streams, sent_streams
from flows.erasing_places import Gone, Staying
from flows.own_chain import OwnChain, own_tree
from flows.sealed import waiting_leads
from hefu.node import Node
from schemas.text import Text

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class _Published:
    partner: str
    stream: str
    sequence: int
    path: Path


def erase_published(
    node: Node,
    record_type: str,
    records: Collection[str],
    settled: Collection[str],
    now: datetime,
    *,
    dry_run: bool = False,
) -> Gone:
    """Remove our published bundles that hold one of the records, if their partner is past them.

    ``settled``: partners who proved that they erased their copies, or whose matter a person closed.
    """
    taken = {one.stream: one.taken_up_to for one in sent_streams(node, now)}
    count, waiting = 0, 0
    for bundle in _published(node, record_type, records, now):
        if bundle.partner not in settled and bundle.sequence > taken.get(bundle.stream, 0):
            waiting += 1
            continue
        count += 1
        if not dry_run:
            mark_erased(bundle.path)
            bundle.path.unlink(missing_ok=True)
            sync_folder(bundle.path.parent)
    staying = [Staying("published", waiting, _BEHIND, ends=True)] if waiting else []
    places = len(node.config.publishing.places)
    if places and count:
        staying.append(Staying("places", count * places, _ELSEWHERE, ends=False))
    return Gone("published", count, tuple(staying))


def _published(
    node: Node, record_type: str, records: Collection[str], now: datetime
) -> Iterator[_Published]:
    tree = own_tree(node)
    for stream, (_, grant) in own_streams(node.agency.code, node.agreements(), now).items():
        chain = OwnChain(tree, node.place("sent"), stream)
        for sequence in range(1, chain.length + 1):
            listed = chain.listed(sequence)
            if listed is None or not chain.statement(sequence).counts.get(record_type):
                continue
            path = node.place("repository") / listed.file
            if path.is_file() and _holds(node, path, record_type, records):
                yield _Published(grant.to_org, stream, sequence, path)


def erase_kept(
    node: Node,
    publisher: str,
    records: Collection[str],
    bundles: Collection[str],
    *,
    dry_run: bool = False,
) -> Gone:
    """Remove kept bundles of a partner that hold one of its ``records``, or are of ``bundles``."""
    count, waiting = 0, 0
    sealed: set[str | None] | None = None
    for kept in kept_in(node.place("inbox"), publisher):
        if not kept.bundle.is_file() or not _is_meant(node, kept, records, bundles):
            continue
        if sealed is None:
            sealed = {lead.bundle_id for lead in waiting_leads(node)}
        if statement_of(kept.statement.read_bytes())[0].bundle_id in sealed:
            waiting += 1
            continue
        count += 1
        if not dry_run:
            kept.bundle.unlink()
            sync_folder(kept.bundle.parent)
    staying = (Staying("inbox", waiting, _SEALED, ends=True),) if waiting else ()
    return Gone("inbox", count, staying)


def _is_meant(node: Node, kept: Kept, records: Collection[str], bundles: Collection[str]) -> bool:
    told = statement_of(kept.statement.read_bytes())[0]
    if told.bundle_id in bundles:
        return True
    return any(
        rows and _holds(node, kept.bundle, name, records) for name, rows in told.counts.items()
    )


def _holds(node: Node, path: Path, record_type: str, records: Collection[str]) -> bool:
    """Whether a bundle's table names one of the records."""
    if not records:
        return False
    entries = read_container(private_bytes(path, node.identities), DEFAULT_LIMITS)
    table = entries.get(f"records/{record_type}.parquet")
    if table is None:
        return False
    ids = pq.read_table(pa.BufferReader(pa.py_buffer(table)), columns=["record_id"])["record_id"]
    return bool(pc.any(pc.is_in(ids, value_set=pa.array(sorted(records)))).as_py())


_BEHIND = Text(
    en="published bundles whose partner has not taken them in yet: without them its chain would "
    "end there; they go when it has, or when the matter with it is closed",
    zh="合作单位尚未接收的已发布数据包：删除后其数据流将无法继续；待其接收，或相应事项办结后清除",
)
_SEALED = Text(
    en="a kept bundle also holds a sealed lead that nobody has come for (hefu sealed take)",
    zh="收存的数据包中另有尚未领取的密封件（请执行 hefu sealed take）",
)
_ELSEWHERE = Text(
    en="copies at the places of [publishing]: hefu publish --check-places can't remove them; "
    "have them deleted there by the name that the erased file's marker has",
    zh="发布位置上的副本：请按仓库中“.erased”标记的同名文件在该处删除",
)
