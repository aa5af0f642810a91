"""How a referral stands beyond its state: has the partner's node taken it in, what is the lead,
how long may the act be prosecuted, is a result of ours in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cooperation.procedures.act import Act
from cooperation.procedures.clocks import CHINA, Law
from cooperation.procedures.fold import Matter
from cooperation.referral.answers import RESULTS
from flows.answers import SentStream, sent_streams
from flows.bundle_states import STATE_WORDS
from flows.coverage import own_sql
from flows.own_chain import OwnChain, own_tree
from flows.referral_terms import reachable
from flows.workspace import reading
from hefu.node import Node
from lake.store import Lake
from schemas.codes import REMOVED
from schemas.contract import load_contract
from schemas.errors import ConfigError
from schemas.law.limitation import Limitation, limitation
from schemas.sql import ident, literal
from schemas.text import Text

if TYPE_CHECKING:
    import duckdb

_ACTS = "procedure_act"
_LEAD = "lead"
_WAITING = ("filed", "decided")


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where the newest act of ours is. ``sequence`` None: not published yet. ``taken_in``: the
    partner's node has it; ``words``: the same for a person."""

    act: Act
    partner: str
    sequence: int | None
    taken_in: bool
    words: Text


@dataclass(frozen=True, slots=True)
class LeadSeen:
    """The lead of a referral as this node has it: ``values`` by field, granted ones of a partner's.

    ``status``: ``corrected`` or ``revoked``: it changed after it was sent.
    """

    record_id: str
    status: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ResultIn:
    """A decided case of ours under the number that a referral was filed under."""

    matter: Matter
    case_no: str
    record_id: str
    result_code: str


def delivery_of(node: Node, matter: Matter, now: datetime) -> Delivery | None:
    """Whether the partner's node has the newest act of ours; None if none of ours goes anywhere,
    as in a matter of which the other side was told on paper."""
    ours = [a.act for a in matter.applied if a.act.source_org == node.agency.code]
    partners = [code for code in matter.party_orgs if code != node.agency.code]
    if not ours or not partners:
        return None
    act, partner = ours[-1], partners[0]
    if not reachable(node, partner, now):
        return None
    for stream in sent_streams(node, now):
        if stream.partner == partner:
            found = _sequence(node, stream, act)
            if found is not None:
                return _delivered(act, stream, found)
    return Delivery(
        act,
        partner,
        None,
        False,
        Text(en="not sent yet: hefu publish sends it", zh="尚未发出，由下一次 hefu publish 发出"),
    )


def _delivered(act: Act, stream: SentStream, sequence: int) -> Delivery:
    taken = sequence <= stream.taken_up_to
    state = next((b.state for b in stream.open if b.sequence == sequence), None)
    words = state.words if state is not None and not taken else STATE_WORDS["taken_in"]
    return Delivery(
        act,
        stream.partner,
        sequence,
        taken,
        Text(
            en=f"bundle {sequence} to the partner: {words.en}",
            zh=f"第 {sequence} 号数据包：{words.zh}",
        ),
    )


def _sequence(node: Node, stream: SentStream, act: Act) -> int | None:
    """The first bundle of a stream whose snapshot of the acts has this one."""
    chain = OwnChain(own_tree(node), node.place("sent"), stream.stream)
    lake = Lake(node.place("lake"))
    with reading(node) as con:
        low, high = 1, stream.last
        while low <= high:  # snapshots only grow
            middle = (low + high) // 2
            version = chain.statement(middle).lake_versions.get(_ACTS)
            if version is not None and _has(con, lake, version, act.record_id):
                high = middle - 1
            else:
                low = middle + 1
    return low if low <= stream.last else None


def _has(con: duckdb.DuckDBPyConnection, lake: Lake, version: int, record_id: str) -> bool:
    lake.attach(con, _ACTS, at_version=version)
    found = con.execute(
        f"SELECT 1 FROM {_ACTS}_current WHERE record_id = {literal(record_id)}"
    ).fetchone()
    return found is not None


def lead_of(node: Node, matter: Matter) -> LeadSeen | None:
    """The lead that a referral is about; None if this node has not got it (yet)."""
    wanted = matter.opening.subject_record_ids
    if not wanted:
        return None
    names = [f.name for f in load_contract(_LEAD).fields if not f.technical]
    with reading(node) as con:
        Lake(node.place("lake")).attach(con, _LEAD)
        row = con.execute(
            f"SELECT record_id, data_status, {', '.join(map(ident, names))} FROM {_LEAD}_current "
            f"WHERE record_id IN ({', '.join(map(literal, wanted))}) "
            f"AND source_org_code = {literal(matter.key.org)}"
        ).fetchone()
    if row is None:
        return None
    return LeadSeen(row[0], row[1], dict(zip(names, row[2:], strict=True)))


def limitation_of(node: Node, lead: LeadSeen, law: Law, now: datetime) -> Limitation | None:
    """Until when the act could be discovered in time (行政处罚法 art. 36); None if it is not known
    when it ended, or no rule pack says."""
    ended = lead.values.get("violation_end_time") or lead.values.get("occurred_time")
    if ended is None:
        return None
    try:
        return limitation(
            ended.astimezone(CHINA).date(),
            node.agency.division_code,
            now.astimezone(CHINA).date(),
            packs=law.packs,
        )
    except ConfigError:
        return None


def results_in(node: Node, matters: Iterable[Matter]) -> list[ResultIn]:
    """Referrals to this agency whose case is decided in its own system, by the case number that
    the filing named, and whose result has not been fed back."""
    waiting = {
        str(filed.result_no): matter
        for matter in matters
        if matter.state_name in _WAITING and matter.orgs.get("receiver") == node.agency.code
        for filed in [matter.last_of("file")]
        if filed is not None and filed.result_no
    }
    if not waiting:
        return []
    with reading(node) as con:
        Lake(node.place("lake")).attach(con, "case_result")
        rows = con.execute(
            "SELECT case_no, record_id, decision_type FROM case_result_current "
            f"WHERE {own_sql(node)} AND decision_date IS NOT NULL "
            f"AND data_status NOT IN ({literal(REMOVED)}, 'revoked') "
            f"AND case_no IN ({', '.join(map(literal, waiting))}) ORDER BY case_no"
        ).fetchall()
    return [
        ResultIn(waiting[no], no, record_id, RESULTS.get(decision, "handled"))
        for no, record_id, decision in rows
    ]
