"""The partner's side of a withdrawal: apply it, prove it, or say why not.

The record's new version came with a bundle and is in force by itself. What is left to do is to
look, to erase where erasing was asked for, and to say so. The node says it, not a person: it is a
fact about its lake.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from cooperation.procedures.act import Act
from cooperation.procedures.fold import Matter
from cooperation.withdrawal.effects import is_applied
from flows.acting import do_all, following
from flows.matters import matters_of
from flows.own_found import subject_types
from flows.withdrawal_sent import PROCEDURE
from flows.workspace import reading
from hefu.node import Node
from lake.runs import bundle_stream_id
from lake.store import Lake
from schemas.sql import ident, literal

if TYPE_CHECKING:
    import duckdb

#: Erases received copies (node, publisher's code, record ids, now): whether none is left.
Eraser = Callable[[Node, str, Sequence[str], datetime], bool]


@dataclass(frozen=True, slots=True)
class _Copy:
    record_type: str
    data_status: str
    content_hash: str


def prove(node: Node, now: datetime, erase: Eraser | None = None) -> list[Act]:
    """Answer every withdrawal that is open and was told here; returns the acts.

    Call it after bundles were taken in. An erasure is confirmed when ``erase`` (by default
    ``flows.erasing``) has left nothing of the copies; what it has to leave runs into the period.
    """
    waiting = [
        m
        for m in matters_of(node, PROCEDURE)
        if m.orgs.get("receiver") == node.agency.code and m.state_name in ("recorded", "sent")
    ]
    if not waiting:
        return []
    lake = Lake(node.place("lake"))
    with reading(node) as con:
        judged = [(m, _copies(con, lake, m)) for m in waiting]
    acts: list[Act] = []
    for matter, copies in judged:
        if all(_shows(matter, copy) for copy in copies):
            if (copies or _was_taken_in(lake, matter)) and _erased(node, matter, erase, now):
                acts.append(_confirm(node, matter, copies, now))
        elif _was_taken_in(lake, matter):
            acts.append(_report(node, lake, matter, now))
    return [done.act for done in do_all(node, acts, now)] if acts else []


def _copies(con: duckdb.DuckDBPyConnection, lake: Lake, matter: Matter) -> list[_Copy]:
    """What this node has of the matter's records, as it holds now."""
    opened = matter.opening
    ids = ", ".join(literal(i) for i in opened.subject_record_ids) or "NULL"
    found: list[_Copy] = []
    for name in subject_types(lake, steps=True):
        if opened.subject_record_type not in (None, name):
            continue
        lake.attach(con, name)
        rows = con.execute(
            f"SELECT data_status, content_hash FROM {ident(name + '_current')} "
            f"WHERE record_id IN ({ids}) AND source_org_code = {literal(matter.key.org)}"
        ).fetchall()
        found += [_Copy(name, *row) for row in rows]
    return found


def _shows(matter: Matter, copy: _Copy) -> bool:
    return is_applied(matter.opening.code, matter.opening.reason_code, copy.data_status)


def _was_taken_in(lake: Lake, matter: Matter) -> bool:
    """Whether the bundle that the other side says it was sent with is in our ledger."""
    sent = matter.last_of("send_withdrawal")
    if sent is None or not sent.result_no or matter.state_name != "sent":
        return False
    stream, _, number = sent.result_no.rpartition("/")
    head = lake.ledger.head(matter.key.org, stream)
    return head is not None and number.isdecimal() and head[0] >= int(number)


def _erased(node: Node, matter: Matter, erase: Eraser | None, now: datetime) -> bool:
    """True if nothing was to be erased, or nothing of it is left."""
    opened = matter.opening
    if opened.code != "erase":
        return True
    return (erase or _erase)(node, matter.key.org, opened.subject_record_ids, now)


def _erase(node: Node, publisher: str, records: Sequence[str], now: datetime) -> bool:
    from flows.erasing import erase_received

    return erase_received(node, publisher, records, now).is_done


def _confirm(node: Node, matter: Matter, copies: Sequence[_Copy], now: datetime) -> Act:
    opened = matter.opening
    summary = "; ".join(
        f"data_status={c.data_status} content_hash={c.content_hash}" for c in copies
    )
    return following(
        node,
        matter,
        "confirm_applied",
        now,
        result_record_id=opened.result_record_id,
        result_no=copies[0].content_hash if copies else None,
        result_summary=summary or "no copy is held",
        proposed_by_node=True,
    )


def _report(node: Node, lake: Lake, matter: Matter, now: datetime) -> Act:
    sent = matter.last_of("send_withdrawal")
    stream, _, number = (sent.result_no or "" if sent else "").rpartition("/")
    reasons = sorted(set(_quarantine_reasons(lake, matter, stream, number)))
    zh = "收到的数据包中该记录的新版本未通过本节点校验，已隔离：" + "、".join(reasons)
    text = zh if reasons else "数据包已入库，但本节点的该记录仍为原状态"
    return following(
        node,
        matter,
        "report_not_applied",
        now,
        reason_text=text,
        result_record_id=matter.opening.result_record_id,
        proposed_by_node=True,
    )


def _quarantine_reasons(lake: Lake, matter: Matter, stream: str, number: str) -> Iterator[str]:
    """Rules that rows of that bundle broke here."""
    if not stream or matter.opening.subject_record_type is None:
        return
    stream_id = bundle_stream_id(matter.key.org, stream)
    for run in lake.run_log(matter.opening.subject_record_type, stream_id):
        if run.sequence == int(number):
            yield from run.reasons
            return
