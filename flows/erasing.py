"""What must be deleted is deleted: from the lake, quarantine, landing, bundles and indexes.

Of this agency's own records, because their time is over or a person may ask for it (``erase``);
of a partner's, because it asks (``erase_received``), or because the agreement lets them be kept for
so long and no longer (``retention``). What stays are identifiers, digests, times and a status;
the chain goes on over them (ADR 0034). Every step can be made again: an order is written first,
and the nightly run (``go_on``) does what is left of it.
Source: 个人信息保护法 第十九条、第四十七条.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from cooperation.procedures.fold import Matter
from cooperation.withdrawal.effects import RETENTION_DELETED
from exchange.trust.evidence_verify import statement_of
from flows.erasing_bundles import erase_kept, erase_published
from flows.erasing_places import (
    Gone,
    Staying,
    erase_landed,
    erase_quarantined,
    forget_derived,
)
from flows.erasure_orders import Order, is_done, note_done, orders_of, write_order
from flows.holders import holders, ways_of
from flows.letting_go import held
from flows.locks import holding
from flows.matters import matters_of
from flows.own_found import Found, find_own
from flows.withdrawal_sent import PROCEDURE
from flows.withdrawing import Recorded, Told, record_correction
from flows.workspace import reading
from hefu.node import Node
from lake.erase import MARK, Rows, count_rows, erase_rows
from lake.store import Lake
from schemas.codes import REMOVED
from schemas.contract import record_types
from schemas.errors import AccountingError
from schemas.sql import ident, literal
from schemas.text import Text

#: Holds no content, and says what was received: it outlives every retention.
_KEPT = ("receipt", "sealed_lead")
#: The acts of a matter keep their place in it; only what they say goes.
_ACTS = "procedure_act"


@dataclass(frozen=True, slots=True)
class Erased:
    """What became of one order. ``gone``: by place, how many. ``recorded``: of own records, the
    corrections that partners are told by; None in a dry run. ``partners``: who has a copy."""

    order: Order
    gone: tuple[Gone, ...]
    recorded: tuple[Recorded, ...] = ()
    partners: tuple[str, ...] = ()

    @property
    def staying(self) -> tuple[Staying, ...]:
        return tuple(one for gone in self.gone for one in gone.staying)

    @property
    def is_done(self) -> bool:
        """Whether nothing is left that the nightly run waits for."""
        return not any(one.ends for one in self.staying)

    def count(self, place: str) -> int:
        return sum(gone.count for gone in self.gone if gone.place == place)


def erase(
    node: Node,
    records: Sequence[Found],
    now: datetime,
    *,
    basis: str,
    document_no: str | None = None,
    landing: bool = False,
    dry_run: bool = False,
) -> list[Erased]:
    """Erase own records, one order for each record type.

    First the removal is recorded as a correction, so that partners hear and erase theirs; the
    lake's rows go when it is published to all who have the record. ``landing``: landed objects go
    although they hold other records' rows.
    """
    by_type: defaultdict[str, list[Found]] = defaultdict(list)
    for record in records:
        by_type[record.record_type].append(record)
    erased = []
    for name, of_it in sorted(by_type.items()):
        ids = tuple(sorted(r.record_id for r in of_it))
        order = Order("own", node.agency.code, name, ids, (), basis, now, landing, document_no)
        partners = _partners(node, order, now)
        looked = _run(node, order, now, dry_run=True)
        if dry_run:
            erased.append(Erased(order, tuple(_told_first(looked, partners)), (), partners))
            continue
        order = write_order(node, replace(order, found=_counts(looked)))
        erased.append(replace(_execute(node, order, now), partners=partners))
    return erased


def erase_received(node: Node, publisher: str, records: Sequence[str], now: datetime) -> Erased:
    """Erase what this node has of a partner's records, because the partner asks for it."""
    basis = "个人信息保护法 第四十七条：来源机关通知删除"
    order = Order("received", publisher, None, tuple(sorted(records)), (), basis, now)
    looked = _run(node, order, now, dry_run=True)
    return _execute(node, write_order(node, replace(order, found=_counts(looked))), now)


def retention(node: Node, now: datetime, *, dry_run: bool = False) -> list[Erased]:
    """Erase what came in bundles whose retention is over; one order for each partner.

    By the agreement under which each bundle came; a bundle is never reached before.
    """
    settled = {b for order in orders_of(node) if is_done(node, order) for b in order.bundles}
    over: defaultdict[str, list[str]] = defaultdict(list)
    for one in held(node):
        if one.is_over(now):
            bundle_id = statement_of(one.kept.statement.read_bytes())[0].bundle_id
            if bundle_id not in settled:
                over[one.kept.evidence.publisher].append(bundle_id)
    erased = []
    for publisher, bundles in sorted(over.items()):
        basis = "个人信息保护法 第十九条：合作协议约定的保存期限届满"
        order = Order("retention", publisher, None, (), tuple(sorted(bundles)), basis, now)
        looked = _run(node, order, now, dry_run=True)
        if dry_run:
            erased.append(Erased(order, tuple(looked)))
            continue
        order = write_order(node, replace(order, found=_counts(looked)))
        erased.append(_execute(node, order, now))
    return erased


def go_on(node: Node, now: datetime) -> list[Erased]:
    """The nightly run: what is left of earlier orders, what came back since, what is over."""
    again = [
        order for order in orders_of(node) if not is_done(node, order) or _came_back(node, order)
    ]
    done = [_execute(node, write_order(node, order), now) for order in again]
    return [*done, *retention(node, now)]


def _execute(node: Node, order: Order, now: datetime) -> Erased:
    recorded = tuple(_recorded(node, order, now))
    gone = _run(node, order, now)
    if any(g.count for g in gone):
        forget_derived(node)
    erased = Erased(order, tuple(gone), recorded)
    if erased.is_done:
        left = sum(
            count_rows(node.place("lake"), name, _rows(order, name)) for name in _types(node, order)
        )
        if left:
            raise AccountingError(
                Text(
                    en=f"{left} rows that were to be erased still hold content",
                    zh=f"应删除的 {left} 行仍有内容",
                )
            )
        note_done(node, order, _counts(gone), now)
    return erased


def _run(node: Node, order: Order, now: datetime, *, dry_run: bool = False) -> list[Gone]:
    """Every place once. The lake first: what is in no version any more can't come out again."""
    gone = [_erase_lake(node, order, dry_run=dry_run)]
    files = _quarantine_files(node, order)
    sender = None if order.kind == "own" else order.org
    gone.append(erase_quarantined(node, order.records, files, publisher=sender, dry_run=dry_run))
    if order.kind == "own" and order.record_type is not None:
        settled = [
            m.orgs["receiver"]
            for m in _matters(node, order)
            if m.state_name in ("applied", "closed")
        ]
        gone.append(
            erase_landed(
                node, order.record_type, order.records, now, whole=order.landing, dry_run=dry_run
            )
        )
        gone.append(
            erase_published(node, order.record_type, order.records, settled, now, dry_run=dry_run)
        )
    else:
        gone.append(erase_kept(node, order.org, order.records, order.bundles, dry_run=dry_run))
    return gone


def _erase_lake(node: Node, order: Order, *, dry_run: bool) -> Gone:
    root = node.place("lake")
    counts = {name: count_rows(root, name, _rows(order, name)) for name in _types(node, order)}
    rows = sum(counts.values())
    untold = [m for m in _matters(node, order) if m.state_name == "recorded"]
    if untold and rows:
        return Gone("lake", 0, (Staying("lake", rows, _untold(len(untold)), ends=True),))
    if not dry_run:
        for name in (name for name, found in counts.items() if found):
            with holding(node, f"table/{name}"):
                erase_rows(root, name, _rows(order, name))
    return Gone("lake", rows)


def _rows(order: Order, record_type: str) -> Rows:
    status = REMOVED if order.kind == "retention" and record_type != _ACTS else None
    return Rows(order.org, frozenset(order.records), frozenset(order.bundles), status)


def _types(node: Node, order: Order) -> list[str]:
    if order.record_type is not None:
        return [order.record_type]
    root = node.place("lake")
    return [t for t in record_types() if t not in _KEPT and (root / t).is_dir()]


def _matters(node: Node, order: Order) -> list[Matter]:
    """The matters by which partners are told of an own record's erasure."""
    if order.kind != "own":
        return []
    wanted = set(order.records)
    return [
        m
        for m in matters_of(node, PROCEDURE)
        if m.applied
        and m.opening.code == "erase"
        and wanted & {*m.opening.subject_record_ids}
        and m.key.org == node.agency.code
    ]


def _quarantine_files(node: Node, order: Order) -> set[str]:
    """Files that hold what these bundles brought and this node refused."""
    lake = Lake(node.place("lake"))
    wanted = set(order.bundles)
    if not wanted:
        return set()
    return {
        run.quarantine_file
        for name in record_types()
        for run in lake.run_log(name)
        if run.bundle_id in wanted and run.quarantine_file
    }


def _partners(node: Node, order: Order, now: datetime) -> tuple[str, ...]:
    """Who has a copy of one of the records and was not told that it is gone."""
    lake = Lake(node.place("lake"))
    wanted: dict[str, str | None] = dict.fromkeys(order.records, REMOVED)
    with reading(node) as con:
        found = holders(con, lake, node, ways_of(node, now), order.record_type or "", wanted)
    return tuple(sorted({code for codes in found.values() for code in codes}))


def _recorded(node: Node, order: Order, now: datetime) -> Iterator[Recorded]:
    """The corrections of an own order, with what has to follow from them: each time the same."""
    if order.kind == "own":
        told = Told(RETENTION_DELETED, order.document_no, order.ordered, order.basis)
        for record_id in order.records:
            yield record_correction(node, find_own(node, record_id, steps=True), told, now)


def _came_back(node: Node, order: Order) -> bool:
    """Whether a source or a partner gave a record of the order again after it was erased."""
    if not order.records:
        return False
    lake = Lake(node.place("lake"))
    listed = ", ".join(literal(r) for r in order.records)
    with reading(node) as con:
        for name in _types(node, order):
            lake.attach(con, name)
            row = con.execute(
                f"SELECT 1 FROM {ident(name + '_history')} WHERE record_id IN ({listed}) "
                f"AND source_org_code = {literal(order.org)} "
                f"AND _extra IS DISTINCT FROM {literal(MARK)} LIMIT 1"
            ).fetchone()
            if row is not None:
                return True
    return False


def _counts(gone: Collection[Gone]) -> dict[str, int]:
    return {one.place: one.count + sum(s.count for s in one.staying) for one in gone}


def _told_first(gone: Sequence[Gone], partners: Sequence[str]) -> Iterator[Gone]:
    """How a dry run tells of the lake's rows if partners have to be told before."""
    for one in gone:
        if one.place == "lake" and partners and one.count:
            staying = Staying("lake", one.count, _untold(len(partners)), ends=True)
            yield Gone("lake", 0, (staying,))
        else:
            yield one


def _untold(partners: int) -> Text:
    return Text(
        en=f"the removal has to be published to {partners} partners first (hefu publish)",
        zh=f"须先向 {partners} 个合作单位发布删除通知（hefu publish）",
    )
