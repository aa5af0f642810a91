"""Mutual recognition at a node: proposals by rule, decisions by persons, and what follows.

    propose_recognitions   matches of partners' results with own records -> pending records
    recheck                what an original's new version reopens, or takes the basis from
    decide_recognition     a person's decision: signed, and a record that travels back

Nothing here changes a record: each step is another record of the same recognition
(cooperation/recognition/chain.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from cooperation.procedures.table import procedure
from cooperation.recognition.chain import PROPOSE
from cooperation.recognition.legal import Rules
from cooperation.recognition.matches import Pair, same_act_pairs, subject_pairs
from cooperation.recognition.propose import Proposal, proposals
from cooperation.recognition.sides import GONE
from flows.acting import matter_number
from flows.case_index import Coverage, attach_cases
from flows.recognition_decisions import Decider, decide_recognition, reopen_recognition
from flows.recognition_records import append_recognitions, read_links, recognition_acts
from flows.recognition_state import (
    Recognition,
    day_of,
    find_recognition,
    proposal_of,
    recheck,
    recognitions_of,
    rules_of,
    told_row,
)
from flows.workspace import workspace
from hefu.node import Node
from lake.store import Lake
from schemas.sql import literal

if TYPE_CHECKING:
    import duckdb

__all__ = [
    "Decider",
    "Proposed",
    "Recognition",
    "decide_recognition",
    "find_recognition",
    "proposal_of",
    "propose_recognitions",
    "recheck",
    "recognition_acts",
    "recognitions_of",
    "reopen_recognition",
    "rules_of",
]

_OWN, _OTHERS = "recognition_own", "recognition_others"
_GONE_SQL = ", ".join(literal(status) for status in GONE)


@dataclass(frozen=True, slots=True)
class Proposed:
    """What a run proposed anew; ``matched``: how many questions there were, old and new."""

    numbers: tuple[str, ...]
    matched: int
    coverage: tuple[Coverage, ...]


def propose_recognitions(node: Node, now: datetime) -> Proposed:
    """Write a pending record for each own record x original x use that there is none for yet.

    Running it again adds nothing. Raises ``ConfigError`` if a parameter of law is missing.
    """
    rules = rules_of(node)
    with workspace(node) as (con, _):
        index = attach_cases(con, node)
        found = {
            number_of(node, one): one
            for pair in matched_pairs(con, rules, now)
            for one in proposals(pair.own, pair.original, pair.match, day_of(now), rules)
        }
        known = {
            link.recognition_no for link in read_links(con, Lake(node.place("lake"))) if link.is_own
        }
    new = {number: one for number, one in sorted(found.items()) if number not in known}
    if new:
        rows = [_proposal_row(node, number, one, rules, now) for number, one in new.items()]
        append_recognitions(node, rows, now)
    return Proposed(tuple(new), len(found), index.coverage)


def matched_pairs(con: duckdb.DuckDBPyConnection, rules: Rules, now: datetime) -> Iterator[Pair]:
    """Own records that may still be at issue, and partners' that match them: by act, and else by
    subject. The view ``cases`` must be attached."""
    on = day_of(now)
    _relations(con, rules, now)
    same = list(same_act_pairs(con, _OWN, _OTHERS))
    one_act = {(p.own.record_id, p.original.source_org_code, p.original.record_id) for p in same}
    yield from same
    for pair in subject_pairs(con, _OWN, _OTHERS, _before(rules, on)):
        key = (pair.own.record_id, pair.original.source_org_code, pair.original.record_id)
        if key not in one_act:
            yield pair


def _before(rules: Rules, on: date) -> timedelta:
    """How far back an earlier record may matter: the longest window that a use looks into."""
    years = max(rules.number("first_offence_years", on), rules.number("accumulation_years", on))
    return timedelta(days=366 * years)


def _relations(con: duckdb.DuckDBPyConnection, rules: Rules, now: datetime) -> None:
    """Own records whose act is not out of time (行政处罚法 art. 36), and inspections that have no
    result; of the others those that may be of the same act, or earlier."""
    on = day_of(now)
    limitation = timedelta(days=366 * rules.number("limitation_years", on))
    since = now - limitation
    oldest = since - _before(rules, on)
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {_OWN} AS SELECT * FROM cases "
        f"WHERE is_own AND data_status NOT IN ({_GONE_SQL}) AND (act_time >= $1 OR "
        "(record_type = 'inspection' AND inspection_result IS NULL AND received_time >= $1)) "
        "AND (record_type <> 'inspection' OR inspection_result IS NULL)",
        [since],
    )
    con.execute(
        f"CREATE OR REPLACE TEMP VIEW {_OTHERS} AS SELECT * FROM cases WHERE NOT is_own "
        f"AND data_status NOT IN ({_GONE_SQL}) "
        f"AND act_time >= TIMESTAMPTZ {literal(oldest.isoformat())}"
    )


def number_of(node: Node, proposal: Proposal) -> str:
    """The number of a recognition follows from its own record, the original and the use."""
    return matter_number(
        procedure("recognition"),
        node.agency.code,
        proposal.own.record_id,
        proposal.original.source_org_code,
        proposal.original.record_id,
        proposal.use,
    )


def _proposal_row(
    node: Node, number: str, proposal: Proposal, rules: Rules, now: datetime
) -> dict[str, object]:
    return told_row(node, number, proposal, rules) | {
        "recognition_sequence": 1,
        "recognition_step": PROPOSE,
        "recognition_decision": "pending",
        "recognition_reason": proposal.reason,
        "proposed_time": now,
        "occurred_time": now,
        "recorded_time": now,
    }
