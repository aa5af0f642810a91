"""What of the withdrawals has gone out: seen in the published chain, noted as acts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from cooperation.procedures.act import Act
from cooperation.procedures.fold import Matter
from cooperation.withdrawal.effects import Correction
from flows.acting import do_all, following
from flows.holders import Way, carried, ways_of
from flows.matters import matters_of
from flows.withdrawn_versions import read_corrections
from flows.workspace import reading
from hefu.node import Node
from lake.store import Lake

if TYPE_CHECKING:
    import duckdb

PROCEDURE = "withdrawal"


def note_went_out(node: Node, now: datetime) -> tuple[Act, ...]:
    """After a publication: the withdrawals that it sent are noted at once, so that nobody is told
    of a period that was kept. Cheap where none waits."""
    if not _waiting(node):
        return ()
    return tuple(note_sent(node, ways_of(node, now), now))


def _waiting(node: Node) -> list[Matter]:
    return [
        m
        for m in matters_of(node, PROCEDURE)
        if m.key.org == node.agency.code and m.state_name in ("recorded", "not_applied")
    ]


def note_sent(node: Node, ways: Sequence[Way], now: datetime) -> Iterator[Act]:
    """Acts for the matters whose record's new status is in a published bundle."""
    waiting = _waiting(node)
    if not waiting:
        return
    lake = Lake(node.place("lake"))
    with reading(node) as con:
        corrections = {c.record_id: c for c in read_corrections(con, lake, node)}
        acts = [
            act
            for matter in waiting
            if (act := _sent(con, lake, node, ways, matter, corrections, now)) is not None
        ]
    yield from (done.act for done in (do_all(node, acts, now) if acts else []))


def _sent(
    con: duckdb.DuckDBPyConnection,
    lake: Lake,
    node: Node,
    ways: Sequence[Way],
    matter: Matter,
    corrections: dict[str, Correction],
    now: datetime,
) -> Act | None:
    first = matter.opening
    correction = corrections.get(first.result_record_id or "")
    if correction is None or first.subject_record_type is None:
        return None
    partner = matter.orgs["receiver"]
    for way in (w for w in ways if w.partner == partner):
        subject = (first.subject_record_type, correction.refers_to, correction.status)
        if correction.status is None:
            subject = ("correction", correction.record_id, None)
        told = carried(con, lake, node, way, *subject)
        if told is None or (matter.state_name == "not_applied" and told.created <= _since(matter)):
            continue
        return following(
            node,
            matter,
            "send_withdrawal",
            now,
            act_time=max(told.created, first.act_time),
            result_record_id=correction.record_id,
            result_no=told.number,
            proposed_by_node=True,
        )
    return None


def _since(matter: Matter) -> datetime:
    return matter.since or matter.opening.act_time
