"""Mutual recognition at a node: proposals by rule, decisions by persons, and what follows.

    propose_recognitions   matches of partners' results with own records -> pending records
    recheck                what an original's new version reopens, or takes the basis from
    decide_recognition     a person's decision: signed, and a record that travels back

Nothing here changes a record: each step is another record of the same recognition
(cooperation/recognition/chain.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from cooperation.procedures.clocks import Clock, clocks
from cooperation.procedures.fold import Matter
from cooperation.procedures.table import procedure
from cooperation.recognition.chain import ACTS, PROPOSE, REOPEN, Chain, Link, chains
from cooperation.recognition.effects import DECISIONS, Decision
from cooperation.recognition.legal import Rules
from cooperation.recognition.matches import Pair, same_act_pairs, subject_pairs
from cooperation.recognition.propose import Proposal, proposals, propose
from cooperation.recognition.sides import CHINA, COLUMNS, GONE, Match, Side, Use
from flows.acting import matter_number
from flows.case_index import Coverage, attach_cases
from flows.decisions import sign_statement
from flows.matters import law_of
from flows.recognition_records import (
    RECORD_TYPE,
    append_recognitions,
    follow,
    look,
    read_links,
    recognition_acts,
    row_of,
    standing,
)
from flows.workspace import workspace
from hefu.node import Node
from lake.store import Lake
from schemas.codes import canonical
from schemas.errors import ConfigError
from schemas.rulepack import rule_set_version
from schemas.sql import ident, literal
from schemas.text import Text

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
]

_OWN, _OTHERS = "recognition_own", "recognition_others"
_GONE_SQL = ", ".join(literal(status) for status in GONE)


@dataclass(frozen=True, slots=True)
class Proposed:
    """What a run proposed anew; ``matched``: how many questions there were, old and new."""

    numbers: tuple[str, ...]
    matched: int
    coverage: tuple[Coverage, ...]


@dataclass(frozen=True, slots=True)
class Recognition:
    """A recognition as it stands. ``is_ours``: this agency decides; else a partner decides on a
    result of ours. ``clock``: the period to decide, while it runs."""

    chain: Chain
    is_ours: bool
    clock: Clock | None

    @property
    def number(self) -> str:
        return self.chain.first.recognition_no

    @property
    def matter(self) -> Matter:
        return self.chain.matter


@dataclass(frozen=True, slots=True)
class Decider:
    """Who decided: a role of list decider_role, and a name that stays on this node."""

    role: str
    name: str


def rules_of(node: Node) -> Rules:
    return Rules(node.agency.division_code, node.rule_packs(), node.calendar())


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
            for one in proposals(pair.own, pair.original, pair.match, _day(now), rules)
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
    on = _day(now)
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
    on = _day(now)
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
    return _told(node, number, proposal, rules) | {
        "recognition_sequence": 1,
        "recognition_step": PROPOSE,
        "recognition_decision": "pending",
        "recognition_reason": proposal.reason,
        "proposed_time": now,
        "occurred_time": now,
        "recorded_time": now,
    }


def _told(node: Node, number: str, proposal: Proposal, rules: Rules) -> dict[str, object]:
    """What proposal and decision both say."""
    own, original = proposal.own, proposal.original
    return {
        "recognition_no": number,
        "recognition_use": proposal.use,
        "recognising_org": node.agency.code,
        "recognising_org_name": node.agency.name,
        "recognised_org": original.source_org_code,
        "own_record_type": own.record_type,
        "own_record_id": own.record_id,
        "own_no": own.no,
        "own_content_hash": own.content_hash,
        "recognised_record_type": original.record_type,
        "recognised_record_id": original.record_id,
        "recognised_no": original.no,
        "recognised_content_hash": original.content_hash,
        "identity_match": proposal.match.level,
        "match_score": proposal.match.score,
        "match_evidence": proposal.match.evidence,
        "legal_findings": tuple(
            dict.fromkeys(f.code for f in proposal.findings if f.weight != "told")
        ),
        "proposed_decision": proposal.proposed,
        "rule_crosswalk_id": proposal.crosswalk_id,
        "applied_articles": tuple(dict.fromkeys(b.article for b in proposal.bases)),
        "applied_rule_pack_version": rule_set_version(rules.division, rules.packs),
        "valid_to": proposal.valid_to,
    }


def recheck(node: Node, now: datetime) -> tuple[Link, ...]:
    """Write what follows from new versions and from the day: reopenings and lapses of own
    recognitions. Running it again adds nothing."""
    lake = Lake(node.place("lake"))
    with workspace(node) as (con, _):
        found = chains(read_links(con, lake))
        looked = look(con, lake, found)
    following = tuple(
        link for one in looked if (link := follow(one, _day(now), recorded=now)) is not None
    )
    if following:
        append_recognitions(node, [row_of(link) for link in following], now)
    return following


def recognitions_of(node: Node, now: datetime) -> list[Recognition]:
    """Own recognitions and partners' of our results; those that have to be decided first, by the
    end of their period."""
    law = law_of(node, now)
    with workspace(node) as (con, _):
        found = standing(con, Lake(node.place("lake")), _day(now))
    told = []
    for chain in found:
        running = [c for c in clocks(chain.matter, law, now) if c.stopped is None]
        ours = chain.first.recognising_org == node.agency.code
        told.append(Recognition(chain, ours, running[0] if running else None))
    return sorted(told, key=_urgency)


def _urgency(one: Recognition) -> tuple[bool, bool, str, str]:
    due = one.clock.due.isoformat() if one.clock else ""
    return not one.is_ours, not one.matter.is_open, due, one.number


def find_recognition(known: Iterable[Recognition], wanted: str) -> Recognition:
    """The one of that number, or the only one whose number ends so. Raises ``ConfigError``."""
    listed = list(known)
    whole = [one for one in listed if one.number == wanted]
    found = whole or [one for one in listed if one.number.endswith(wanted.upper())]
    if len(found) == 1:
        return found[0]
    if not found:
        said = Text(
            en=f"there is no recognition {wanted!r}", zh=f"没有编号为 {wanted!r} 的互认事项"
        )
    else:
        said = Text(
            en=f"{len(found)} recognitions have a number that ends with {wanted!r}",
            zh=f"有 {len(found)} 个互认事项的编号以 {wanted!r} 结尾",
        )
    raise ConfigError(
        said,
        hint=Text(
            en="hefu recognise list --all shows them", zh="可用 hefu recognise list --all 查看"
        ),
    )


def proposal_of(node: Node, chain: Chain, now: datetime) -> Proposal | None:
    """The question as it is today, from the records of today; None if one of them is not here."""
    rules = rules_of(node)
    with workspace(node) as (con, _):
        attach_cases(con, node)
        own = side_of(con, chain.last.recognising_org, chain.last.own_record_id)
        original = side_of(con, chain.last.recognised_org, chain.last.original_id)
    if own is None or original is None:
        return None
    return _again(chain, own, original, _day(now), rules)


def _again(chain: Chain, own: Side, original: Side, on: date, rules: Rules) -> Proposal:
    last = chain.last
    use: Use = last.use  # type: ignore[assignment]  # a closed list of the contract
    match = Match(
        level="exact" if last.identity == "exact" else "probable",
        score=last.score or Decimal(0),
        evidence=last.evidence,
        same_act=use == "duplicate_fine_check",
    )
    return propose(use, own, original, match, on, rules)


def side_of(con: duckdb.DuckDBPyConnection, org: str | None, record_id: str | None) -> Side | None:
    """A record of the view ``cases``."""
    row = con.execute(
        f"SELECT {', '.join(map(ident, COLUMNS))} FROM cases "
        "WHERE source_org_code = $1 AND record_id = $2",
        [org, record_id],
    ).fetchone()
    return None if row is None else Side.of(dict(zip(COLUMNS, row, strict=True)))


def decide_recognition(
    node: Node,
    number: str,
    decision: Decision,
    by: Decider,
    now: datetime,
    *,
    reason: str | None = None,
    reason_text: str | None = None,
) -> Recognition:
    """A person's decision: signed, and a record that follows the proposal.

    Raises ``ConfigError`` if it is not ours to decide, is decided already, lacks a reason, or if
    one of the two records changed since it was looked at: then that is written down first, and
    the person looks again.
    """
    _check_decider(by)
    recheck_one = find_recognition(recognitions_of(node, now), number)
    _check_unchanged(node, recheck_one, now)
    found = recheck_one.chain
    _check_possible(recheck_one)
    proposal = proposal_of(node, found, now)
    if proposal is None:
        raise ConfigError(
            Text(
                en=f"{recheck_one.number}: one of the two records is not in the case index",
                zh=f"{recheck_one.number}：两条记录之一不在案件索引中",
            )
        )
    _check_reason(proposal, decision, reason, reason_text)
    rules = rules_of(node)
    row = _told(node, recheck_one.number, proposal, rules) | {
        "recognition_sequence": (found.last.sequence or 0) + 1,
        "recognition_step": ACTS[decision],
        "recognition_decision": decision,
        "recognition_reason": reason,
        "recognition_reason_text": reason_text,
        "decided_by_role": by.role,
        "decided_by_name": by.name,
        "decided_time": now,
        "valid_from": None if decision == "not_recognised" else _day(now),
        "effect_text": _effect(proposal, decision),
        "occurred_time": now,
        "recorded_time": now,
        "proposed_time": found.first.act_time,
    }
    signed = {name: value for name, value in row.items() if name != "recorded_time"}
    row["decision_sha256"] = sign_statement(node, RECORD_TYPE, signed)
    append_recognitions(node, [row], now)
    return find_recognition(recognitions_of(node, now), recheck_one.number)


def reopen_recognition(
    node: Node, number: str, reason_text: str, by: Decider, now: datetime
) -> Recognition:
    """A person takes up a decision again (a mistake, something new): pending once more."""
    _check_decider(by)
    found = find_recognition(recognitions_of(node, now), number)
    if not found.is_ours or found.matter.is_open:
        raise _not_now(found)
    last = found.chain.last
    link = replace(
        last,
        step=REOPEN,
        sequence=(last.sequence or 0) + 1,
        decision="pending",
        act_time=now,
        recorded_time=now,
        reason=None,
        reason_text=reason_text,
        role=by.role,
        name=by.name,
        effect=None,
        changed=(),
        decision_sha256=None,
    )
    append_recognitions(node, [row_of(link)], now)
    return find_recognition(recognitions_of(node, now), found.number)


def _effect(proposal: Proposal, decision: Decision) -> str:
    told = [proposal.effects[decision]]
    if proposal.tariff is not None:
        told.append(proposal.tariff)
    return "；".join(text.zh for text in told)


def _check_decider(by: Decider) -> None:
    roles = [row.code for row in canonical("decider_role") if row.code != "system"]
    if by.role in roles and by.name.strip():
        return
    raise ConfigError(
        Text(
            en="a person decides: name and role are needed",
            zh="互认由人决定，请写明决定人姓名和角色",
        ),
        hint=Text(en=f"roles: {', '.join(roles)}", zh=f"角色：{'、'.join(roles)}"),
    )


def _check_unchanged(node: Node, found: Recognition, now: datetime) -> None:
    """What changed since it was last looked at is written down first, and seen by the person."""
    if not found.is_ours:
        return
    before = found.number
    if all(link.recognition_no != before for link in recheck(node, now)):
        return
    changed = find_recognition(recognitions_of(node, now), before).chain.last
    fields = ", ".join(changed.changed)
    raise ConfigError(
        Text(
            en=f"{before}: a record behind it changed ({fields}); it was not decided",
            zh=f"{before}：所依据的记录已有变化（{fields}），本次没有作出决定",
        ),
        hint=Text(
            en=f"look again with hefu recognise explain {before}, then decide",
            zh=f"请用 hefu recognise explain {before} 重新查看后再决定",
        ),
    )


def _check_possible(found: Recognition) -> None:
    if not found.is_ours or not found.matter.is_open:
        raise _not_now(found)


def _not_now(found: Recognition) -> ConfigError:
    label = found.matter.state.label
    if not found.is_ours:
        return ConfigError(
            Text(
                en=f"{found.number} is for the other agency to decide",
                zh=f"{found.number} 由对方机关决定",
            )
        )
    return ConfigError(
        Text(
            en=f"{found.number} stands as “{label.en}”",
            zh=f"{found.number} 目前为“{label.zh}”",
        ),
        hint=Text(
            en="what was decided can be taken up again with hefu recognise reopen",
            zh="已作出的决定可用 hefu recognise reopen 重新提起",
        ),
    )


def _check_reason(
    proposal: Proposal, decision: Decision, reason: str | None, reason_text: str | None
) -> None:
    codes = [row.code for row in canonical("recognition_reason")]
    listed = Text(en=f"reasons: {', '.join(codes)}", zh=f"理由代码：{'、'.join(codes)}")
    if decision not in DECISIONS:
        raise ConfigError(
            Text(en=f"{decision!r} is no decision", zh=f"“{decision}”不是互认决定"),
            hint=Text(en=", ".join(DECISIONS), zh="、".join(DECISIONS)),
        )
    if decision != "recognised" and reason is None:
        raise ConfigError(
            Text(
                en="partly or not recognised needs a reason",
                zh="部分互认或者不予互认，须写明理由代码",
            ),
            hint=listed,
        )
    if reason is not None and reason not in codes:
        raise ConfigError(
            Text(en=f"there is no reason {reason!r}", zh=f"没有理由代码“{reason}”"), hint=listed
        )
    blocked = [f for f in proposal.findings if f.weight == "blocks"]
    if decision == "recognised" and blocked and not reason_text:
        raise ConfigError(
            Text(
                en=f"recognised although {blocked[0].text.en}: say why in words",
                zh=f"存在“{blocked[0].text.zh}”而仍予互认的，须用文字写明理由",
            ),
            hint=Text(en="--reason-text TEXT", zh="--reason-text 文字"),
        )


def _day(now: datetime) -> date:
    return now.astimezone(CHINA).date()
