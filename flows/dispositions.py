"""Dispositions of this agency's own system, written as acts of the referral that they answer.

An officer who works in the agency's case system does not type everything twice: what that system
says of a lead that came by referral (``disposition`` records, by a mapping) becomes acts of the
matter, each once. They are written, not only read along: whether a partner is granted dispositions
or not, acts always go to the parties of a matter, so both sides see the same. What a disposition
does not say clearly is left to a person, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cooperation.procedures.fold import Matter
from cooperation.referral.answers import Step, Unclear, steps
from flows.acting import Done, do_all, following
from flows.coverage import own_sql
from flows.matters import acts_of, matters_of
from flows.workspace import reading
from hefu.node import Node
from lake.store import Lake
from schemas.codes import REMOVED
from schemas.sql import literal
from schemas.text import Text

RECORD_TYPE = "disposition"
PROCEDURE = "referral"
_FIELDS = (
    "record_id", "disposition_no", "refers_to_record_id", "refers_to_no", "disposition_action",
    "filing_decision", "disposition_reason", "supplement_materials", "forwarded_to_org",
    "decision_document_no", "decision_time", "feedback_time", "source_updated_time",
    "result_case_record_id", "result_case_no", "result_summary",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Waiting:
    """A disposition that was not taken over, and why."""

    disposition_no: str
    matter: Matter
    reason: Text


@dataclass(frozen=True, slots=True)
class TakenOver:
    """What became of the dispositions that answer a referral to this agency."""

    done: tuple[Done, ...] = ()
    left: tuple[Waiting, ...] = ()


def take_dispositions(node: Node, now: datetime) -> TakenOver:
    """Write the acts that own dispositions say and the matters do not have yet.

    In rounds: acts of one matter build on each other, those of different matters go together.
    """
    rows = own_dispositions(node)
    if not rows:
        return TakenOver()
    done: list[Done] = []
    while True:
        acts = acts_of(node)
        taken = {
            record_id
            for act in acts
            if act.subject_record_type == RECORD_TYPE and act.source_org == node.agency.code
            for record_id in act.subject_record_ids
        }
        matters = matters_of(node, PROCEDURE, acts)
        planned, left = _plan(node, rows, matters, taken, now)
        if not planned:
            return TakenOver(tuple(done), tuple(left))
        done += do_all(node, planned, now)


def _plan(
    node: Node,
    rows: Sequence[Mapping[str, Any]],
    matters: Iterable[Matter],
    taken: set[str],
    now: datetime,
) -> tuple[list[Any], list[Waiting]]:
    """The next act of each matter; what can't be taken over."""
    planned, left, busy = [], [], set()
    found = {m.key: m for m in matters if m.orgs.get("receiver") == node.agency.code}
    for row in rows:
        matter = _matter_of(row, found.values())
        if matter is None or row["record_id"] in taken or matter.key in busy:
            continue
        if _is_of_an_earlier_round(row, matter):
            continue
        answer = steps(row, matter.state_name)
        if isinstance(answer, Unclear):
            left.append(Waiting(row["disposition_no"], matter, answer.reason))
        elif answer:
            busy.add(matter.key)
            planned.append(_act(node, matter, answer[0], row, now, is_last=len(answer) == 1))
    return planned, left


def _is_of_an_earlier_round(row: Mapping[str, Any], matter: Matter) -> bool:
    """What was said before the material was supplemented is answered by that."""
    again = matter.last_of("supplement")
    said = row["feedback_time"] or row["decision_time"] or row["source_updated_time"]
    return again is not None and said < again.act_time


def _act(
    node: Node, matter: Matter, step: Step, row: Mapping[str, Any], now: datetime, *, is_last: bool
) -> Any:
    given = dict(step.fields)
    if is_last:
        given |= {
            "subject_record_ids": (row["record_id"],),
            "subject_record_type": RECORD_TYPE,
            "subject_nos": (row["disposition_no"],),
        }
    when = min(step.when or row["source_updated_time"], now)
    return following(node, matter, step.act, now, act_time=when, **given)


def _matter_of(row: Mapping[str, Any], matters: Iterable[Matter]) -> Matter | None:
    """The referral that a disposition answers, by the lead or by the matter's number."""
    named = {row["refers_to_record_id"], row["refers_to_no"]} - {None}
    for matter in matters:
        opening = matter.opening
        if named & {matter.key.no, *opening.subject_record_ids, *opening.subject_nos}:
            return matter
    return None


def own_dispositions(node: Node) -> list[dict[str, Any]]:
    """What the systems of this agency say of what was handed to it, the oldest first."""
    with reading(node) as con:
        Lake(node.place("lake")).attach(con, RECORD_TYPE)
        rows = con.execute(
            f"SELECT {', '.join(_FIELDS)} FROM {RECORD_TYPE}_current WHERE {own_sql(node)} "
            f"AND data_status NOT IN ({literal(REMOVED)}, 'revoked') "
            "ORDER BY coalesce(feedback_time, decision_time, source_updated_time), record_id"
        ).fetchall()
    return [dict(zip(_FIELDS, row, strict=True)) for row in rows]
