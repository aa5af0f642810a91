"""Doing an act in a matter: asked of the table and its guards, then a record like any other.

What is refused here would be overtaken in the fold of every node that gets it; so nothing is
written that does not count.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from hashlib import sha256

from cooperation.procedures.act import Act, MatterKey
from cooperation.procedures.clocks import Law
from cooperation.procedures.fold import Matter, fold, lacking, not_possible, refused
from cooperation.procedures.guards import broken
from cooperation.procedures.table import START, Procedure, Row, procedure
from flows.decisions import sign_decision
from flows.matters import acts_of, law_of, matters_of
from flows.own_records import append_own
from hefu.node import Node
from schemas.errors import AccountingError, ConfigError
from schemas.text import Text

RECORD_TYPE = "procedure_act"
_NUMBER_LENGTH = 10
_LISTED = (
    "officer_certificate_nos", "party_orgs", "subject_record_ids", "subject_nos",
    "material_kinds", "material_states", "material_titles", "material_sha256",
)  # fmt: skip
_PLAIN = (
    "procedure", "acting_org", "acting_org_name", "acting_role", "approver_role", "actor_name",
    "to_org", "to_org_name", "competent_org", "subject_record_type", "case_cause_code",
    "suspected_offence", "reason_code", "reason_text", "document_no", "document_title",
    "document_sha256", "result_record_id", "result_no", "result_code", "result_summary",
    "decision_sha256",
)  # fmt: skip
_MOVED_ON = Text(en="the matter has moved on meanwhile", zh="该事项在此期间已有新的进展")
_ABOUT = (
    "subject_record_ids", "subject_nos", "subject_record_type", "case_cause_code",
    "suspected_offence",
)  # fmt: skip
_TIMES = ("act_time", "due_time", "recorded_time")
_KEYS = ("act_no", "matter_org", "matter_no", "act_code", "act_sequence", "proposed_by_node")


def _mapping() -> str:
    lists = ", ".join(
        f"CASE WHEN {name} IS NOT NULL THEN from_json({name}, '[\"VARCHAR\"]') END AS {name}"
        for name in _LISTED
    )
    plain = ", ".join((*_PLAIN, *_KEYS, "act_time", "due_time"))
    return (
        f"SELECT act_no AS source_record_id, {plain}, {lists}, act_time AS occurred_time, "
        "recorded_time AS source_updated_time FROM raw"
    )


@dataclass(frozen=True, slots=True)
class Done:
    """The act as it was written, and the matter after it."""

    act: Act
    matter: Matter


def matter_number(table: Procedure, org: str, *parts: str) -> str:
    """A number that the same subject sent to the same addressee always gets: a second opening of
    the same matter is the same record."""
    digest = sha256("\x1f".join((table.name, org, *parts)).encode()).hexdigest()
    return f"{table.prefix}-{org[2:8]}-{digest[:_NUMBER_LENGTH].upper()}"


def opening(
    node: Node,
    name: str,
    code: str,
    now: datetime,
    *,
    again: str = "",
    **given: object,
) -> Act:
    """The act that opens a matter of this agency, not yet written.

    ``given``: fields of :class:`Act`. ``again`` tells a second matter on the same subject from the
    first.
    """
    table, org = procedure(name), node.agency.code
    subjects = tuple(sorted(str(s) for s in _tuple(given.get("subject_record_ids"))))
    nos = tuple(sorted(str(s) for s in _tuple(given.get("subject_nos")))) if not subjects else ()
    number = matter_number(table, org, str(given.get("to_org") or ""), *subjects, *nos, again)
    return _draft(node, name, MatterKey(org, number), code, 1, now, given)


def following(node: Node, matter: Matter, code: str, now: datetime, **given: object) -> Act:
    """The next act of a matter, by this agency or (``acting_org``) entered for another body.

    One that brings another body in says what the matter is about: earlier acts do not go there.
    """
    row = matter.table.row(matter.state_name, code)
    if row is not None and row.enters:
        about = {name: getattr(matter.opening, name) for name in _ABOUT}
        # A draft says for whom it is.
        given = about | {"to_org": matter.opening.to_org} | given
    return _draft(node, matter.table.name, matter.key, code, matter.last + 1, now, given)


def _tuple(value: object) -> tuple[object, ...]:
    return tuple(value) if isinstance(value, (list, tuple)) else ()


def _draft(
    node: Node,
    name: str,
    key: MatterKey,
    code: str,
    sequence: int,
    now: datetime,
    given: dict[str, object],
) -> Act:
    values: dict[str, object] = {
        "act_time": now,
        "acting_org": node.agency.code,
        "acting_org_name": node.agency.name if "acting_org" not in given else None,
        "party_orgs": (),
    } | {k: v for k, v in given.items() if v is not None}
    return Act(
        record_id="",
        source_org=node.agency.code,
        procedure=name,
        matter=key,
        code=code,
        sequence=sequence,
        recorded_time=now,
        **values,  # type: ignore[arg-type]
    )


def do(node: Node, act: Act, now: datetime) -> Done:
    """Write one act; see :func:`do_all`. Raises ``ConfigError`` if it can't be done now, saying
    what can."""
    (done,) = do_all(node, [act], now)
    return done


def do_all(node: Node, acts: Sequence[Act], now: datetime) -> list[Done]:
    """Write acts of different matters in one run, each checked against its matter as it is.

    An opening act whose matter is open already is left out of the result. Nothing is written if
    one of the others can't be done.
    """
    if not acts:
        return []
    known = acts_of(node)
    matters = {(m.table.name, m.key): m for m in matters_of(node, acts=known)}
    law = law_of(node, now)
    done: list[Done] = []
    for act in acts:
        matter = matters.get((act.procedure, act.matter))
        if matter is not None and act.sequence == 1:
            continue
        before = matter or fold(act.matter, act.procedure, ())
        done.append(_checked(node, before, act, law))
    if done:
        _append(node, [d.act for d in done], now)
    return done


def check(node: Node, act: Act, now: datetime) -> Matter:
    """The matter in which the act can be done now; nothing is signed or written.

    For who writes something else first that the act names. Raises ``ConfigError`` as :func:`do`.
    """
    matters = {(m.table.name, m.key): m for m in matters_of(node)}
    before = matters.get((act.procedure, act.matter)) or fold(act.matter, act.procedure, ())
    _asked(before, act, law_of(node, now))
    return before


def _checked(node: Node, before: Matter, act: Act, law: Law) -> Done:
    row = _asked(before, act, law)
    act = replace(act, party_orgs=_parties(before, act, row.addresses))
    if row.decision:
        act = replace(act, decision_sha256=sign_decision(node, act))
    written = replace(act, record_id=f"new:{act_number(act)}")
    earlier = [a.act for a in before.applied] + [o.act for o in before.overtaken]
    after = fold(act.matter, act.procedure, [*earlier, written])
    for overtaken in after.overtaken:
        if overtaken.act is written:
            raise _refusal(before, overtaken.reason)
    return Done(act, after)


def _asked(before: Matter, act: Act, law: Law) -> Row:
    """The row of an act that nothing stands against."""
    row = before.table.row(before.state_name, act.code)
    if before.applied and act.sequence <= before.last:
        raise _refusal(before, _MOVED_ON)
    if row is None:
        raise _refusal(before, not_possible(before.table, before.state_name))
    for said in _against(before, row, act, law):
        raise _refusal(before, said)
    return row


def _against(before: Matter, row: Row, act: Act, law: Law) -> Iterator[Text]:
    """What stands against an act: who may do it, what it lacks, what the law asks besides."""
    structure = refused(before.table, before.state_name, before.orgs, act)
    lacks = lacking(row, replace(act, decision_sha256=act.decision_sha256 or "to be signed"))
    yield from (said for said in (structure, lacks) if said is not None)
    yield from broken(before, row, act, law)


def _parties(before: Matter, act: Act, addresses: str | None) -> tuple[str, ...]:
    """Who gets the act. An addressee that the row gives no part, as of a draft, is not told."""
    orgs = dict(before.orgs) | ({addresses: act.to_org} if addresses and act.to_org else {})
    everybody = [*orgs.values(), act.acting_org, *act.party_orgs, *_copied_to(before)]
    return tuple(dict.fromkeys(code for code in everybody if code))


def _copied_to(before: Matter) -> list[str]:
    """Who gets copies without a role that this node knows of: it stays so until the end."""
    if not before.applied:
        return []
    acts = [applied.act for applied in before.applied]
    named = {before.key.org, *(org for act in acts for org in (act.acting_org, act.to_org))}
    return [org for org in before.latest.party_orgs if org not in named]


def act_number(act: Act) -> str:
    return f"{act.matter.no}/{act.sequence}/{act.code}"


def _refusal(matter: Matter, reason: Text) -> ConfigError:
    possible = matter.possible()
    en = ", ".join(row.act.replace("_", "-") for row in possible) or "nothing"
    zh = "、".join(f"{row.label_zh}（{row.act.replace('_', '-')}）" for row in possible) or "（无）"
    named = "" if matter.state_name == START else f"{matter.key.no}: "
    return ConfigError(
        Text(en=f"{named}{reason.en}", zh=f"{named}{reason.zh}"),
        hint=Text(en=f"possible now: {en}", zh=f"目前可以：{zh}"),
    )


def _append(node: Node, acts: Sequence[Act], now: datetime) -> None:
    run = append_own(node, RECORD_TYPE, _mapping(), [_row(act) for act in acts], now)
    if run is not None and run.quarantined:
        raise AccountingError(
            Text(
                en="an act breaks our own rules: " + ", ".join(sorted(run.reasons)),
                zh="办理环节未通过本节点自身的规则：" + "、".join(sorted(run.reasons)),
            )
        )


def _row(act: Act) -> dict[str, str | None]:
    values: dict[str, object] = {f.name: getattr(act, f.name) for f in fields(act)}
    values |= {
        "act_no": act_number(act),
        "matter_org": act.matter.org,
        "matter_no": act.matter.no,
        "act_code": act.code,
        "act_sequence": act.sequence,
        "material_kinds": tuple(m.kind for m in act.materials),
        "material_states": tuple(m.state for m in act.materials),
        "material_titles": tuple(m.title for m in act.materials),
        "material_sha256": tuple(m.sha256 for m in act.materials),
    }
    return {name: _text(values[name]) for name in (*_PLAIN, *_KEYS, *_TIMES, *_LISTED)}


def _text(value: object) -> str | None:
    if value is None or value == ():
        return None
    if isinstance(value, tuple):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, datetime) else str(value)
