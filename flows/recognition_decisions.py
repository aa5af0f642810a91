"""A person decides on a recognition: signed, and a record that travels back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from cooperation.recognition.chain import ACTS, REOPEN
from cooperation.recognition.effects import DECISIONS, Decision
from cooperation.recognition.propose import Proposal
from flows.decisions import sign_statement
from flows.recognition_records import RECORD_TYPE, append_recognitions, row_of
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
from hefu.node import Node
from schemas.codes import canonical
from schemas.errors import ConfigError
from schemas.text import Text


@dataclass(frozen=True, slots=True)
class Decider:
    """Who decided: a role of list decider_role, and a name that stays on this node."""

    role: str
    name: str


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
    row = told_row(node, recheck_one.number, proposal, rules) | {
        "recognition_sequence": (found.last.sequence or 0) + 1,
        "recognition_step": ACTS[decision],
        "recognition_decision": decision,
        "recognition_reason": reason,
        "recognition_reason_text": reason_text,
        "decided_by_role": by.role,
        "decided_by_name": by.name,
        "decided_time": now,
        "valid_from": None if decision == "not_recognised" else day_of(now),
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
