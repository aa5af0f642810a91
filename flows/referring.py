"""Referring: what the routes of agreements order, and what an officer refers by hand.

A finished case is referred as a lead made of it; a lead goes as it is. The number of that lead, and
of the matter, follow from the record and the addressee: running this again opens nothing twice. A
case that was corrected afterwards makes a new version of its lead, which the partner gets with the
next bundle; no second matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cooperation.procedures.clocks import Law
from cooperation.procedures.fold import Matter
from cooperation.referral.leads import why_there
from cooperation.referral.routes import Candidate, Chosen, Left, Reason, RoutingRule, choose
from flows.acting import do_all
from flows.matters import law_of, matters_of
from flows.referral_by_hand import PROCEDURE, notified, opening_act, refer
from flows.referral_leads import (
    Addressed,
    MadeLead,
    append_leads,
    changed_fields,
    goes_as_it_is,
    lead_id_of,
    lead_no_of,
    lead_values,
    made_leads,
)
from flows.referral_records import ADAPTERS, Referable, among
from flows.referral_terms import SendBy, answer_due, reachable, rules_of, send_by
from flows.workspace import reading
from hefu.node import Node
from lake.store import Lake
from schemas.codes import REMOVED
from schemas.sql import literal

if TYPE_CHECKING:
    import duckdb

#: Left for these reasons the duty to notify stands: somebody has to find the addressee.
STILL_DUE: frozenset[Reason] = frozenset(
    {"place_unknown", "place_vague", "no_route", "ambiguous", "no_grant", "refused_by_rules"}
)


@dataclass(frozen=True, slots=True)
class Opened:
    """One referral by a route. ``matter`` None: a dry run, it would be opened."""

    chosen: Chosen
    lead_no: str
    lead_record_id: str
    send_by: SendBy | None
    matter: Matter | None = None


@dataclass(frozen=True, slots=True)
class Stayed:
    """One record that no route could take, and until when it is to be notified all the same."""

    left: Left
    send_by: SendBy | None


@dataclass(frozen=True, slots=True)
class Changed:
    """A referred record that is another now than when it was sent.

    ``status``: of the lead after this run. ``fields``: what was corrected in it; ``gone``: the
    record was revoked, or its source has it no more: an officer looks whether to withdraw.
    """

    lead_no: str
    origin_no: str
    fields: tuple[str, ...]
    gone: bool
    status: str


@dataclass(frozen=True, slots=True)
class Routed:
    """What the routes in force did. ``already``: records that were referred before."""

    opened: tuple[Opened, ...] = ()
    left: tuple[Stayed, ...] = ()
    changed: tuple[Changed, ...] = ()
    already: int = 0


@dataclass(frozen=True, slots=True)
class _Found:
    """What was read in one go."""

    records: Sequence[Referable]
    made: Mapping[str, MadeLead]
    origins: Mapping[str, Referable]


def route(
    node: Node, now: datetime, *, dry_run: bool = False, record_type: str | None = None
) -> Routed:
    """Refer what the routes of the agreements in force order, out of this agency's own records, or
    out of those of one record type.

    Raises ``ConfigError`` where no rule pack in force gives a period.
    """
    rules = [one for one in rules_of(node, now) if record_type in (None, one.record_type)]
    if not rules:
        return Routed()
    found = _read(node, rules)
    known = _subjects(matters_of(node, PROCEDURE))
    law = law_of(node, now)
    opened, left, already = _sort(node, found.records, rules, known, law, now)
    changed, versions = _changes(found, record_type)
    if dry_run:
        return Routed(tuple(opened), tuple(left), tuple(changed), already)
    made, refused = _open(node, opened, found, versions, law, now)
    return Routed(tuple(made), (*left, *refused), tuple(changed), already)


def unsent(node: Node, now: datetime) -> list[tuple[Candidate, Left | None, SendBy]]:
    """Finished cases that are to be notified and have not been, the first due before the others;
    with why a route could not take them (None: the next run of ``route`` does)."""
    routed = route(node, now, dry_run=True)
    waiting = [(o.chosen.candidate, None, o.send_by) for o in routed.opened]
    stuck = [(s.left.candidate, s.left, s.send_by) for s in routed.left]
    found = [(c, why, by) for c, why, by in (*waiting, *stuck) if by is not None]
    return sorted(found, key=lambda one: (one[2].due, one[0].no))


# ---- what a run reads and decides ---------------------------------------------------------------


def _read(node: Node, rules: Iterable[RoutingRule]) -> _Found:
    wanted: dict[str, set[str] | None] = {}
    for rule in rules:
        causes = wanted.setdefault(rule.record_type, set())
        if causes is not None:
            wanted[rule.record_type] = causes | set(rule.causes) if rule.causes else None
    lake = Lake(node.place("lake"))
    with reading(node) as con:
        records = [
            one
            for record_type, causes in sorted(wanted.items())
            for one in ADAPTERS[record_type].read(con, lake, node, _where(record_type, causes))
        ]
        made = made_leads(con, lake, node)
        return _Found(records, made, _origins(con, lake, node, made))


def _where(record_type: str, causes: set[str] | None) -> str:
    finished = ADAPTERS[record_type].finished
    if causes is None or record_type == "accumulation_snapshot":
        return finished
    return f"{finished} AND common_cause_code IN ({', '.join(map(literal, sorted(causes)))})"


def _origins(
    con: duckdb.DuckDBPyConnection, lake: Lake, node: Node, made: Mapping[str, MadeLead]
) -> dict[str, Referable]:
    """The records that made leads come from, as they are now."""
    by_type: dict[str, list[str]] = {}
    for one in made.values():
        kind = one.values.get("origin_record_type")
        if kind in ADAPTERS and one.origin_record_id:
            by_type.setdefault(kind, []).append(one.origin_record_id)
    return {
        found.candidate.record_id: found
        for kind, ids in sorted(by_type.items())
        for found in ADAPTERS[kind].read(con, lake, node, among(ids))
    }


def _subjects(matters: Iterable[Matter]) -> set[tuple[str, str]]:
    """(record, addressee) of the matters that there are."""
    return {
        (record_id, str(a.act.to_org))
        for matter in matters
        for a in matter.applied
        if a.row.addresses
        for record_id in a.act.subject_record_ids
    }


def _sort(
    node: Node,
    records: Iterable[Referable],
    rules: Sequence[RoutingRule],
    known: set[tuple[str, str]],
    law: Law,
    now: datetime,
) -> tuple[list[Opened], list[Stayed], int]:
    opened: list[Opened] = []
    left: list[Stayed] = []
    already, addressees = 0, {to for _, to in known}
    reached = {to for to in {rule.to_org for rule in rules} if reachable(node, to, now)}
    for record in records:
        answer = choose(record.candidate, rules, node.agency.division_code)
        if answer is None:
            continue
        by = send_by(node, record.candidate, law)
        if isinstance(answer, Left):
            if not any((lead_id_of(node, record, to), to) in known for to in addressees):
                left.append(Stayed(answer, by if answer.reason in STILL_DUE else None))
            continue
        lead = lead_id_of(node, record, answer.rule.to_org)
        if (lead, answer.rule.to_org) in known:
            already += 1
        elif answer.rule.to_org not in reached:
            left.append(Stayed(Left(record.candidate, "no_grant", answer.place), by))
        else:
            opened.append(Opened(answer, lead_no_of(node, record, answer.rule.to_org), lead, by))
    return opened, left, already


def _changes(found: _Found, record_type: str | None) -> tuple[list[Changed], list[dict[str, Any]]]:
    """Which referred records are others now, and the new versions of their leads."""
    changed, versions = [], []
    for made in found.made.values():
        kind = made.values.get("origin_record_type")
        if kind not in ADAPTERS or made.data_status == REMOVED:
            continue
        if record_type not in (None, kind):
            continue
        origin = found.origins.get(str(made.origin_record_id))
        gone = origin is None or origin.candidate.unfit == "revoked"
        revoked = origin is not None and origin.data_status == "revoked"
        fields = changed_fields(made, origin.content) if origin and not gone else ()
        status = "revoked" if revoked else "corrected" if fields else made.data_status
        if gone or fields:
            no = str(made.values.get("origin_record_no") or made.origin_record_id)
            changed.append(Changed(made.lead_no, no, fields, gone, status))
        if fields or status != made.data_status:
            content = dict(origin.content) if origin and fields else {}
            versions.append({**made.values, **content, "data_status": status})
    return changed, versions


# ---- what a run writes --------------------------------------------------------------------------


def _open(
    node: Node,
    opened: Sequence[Opened],
    found: _Found,
    versions: Sequence[Mapping[str, Any]],
    law: Law,
    now: datetime,
) -> tuple[list[Opened], list[Stayed]]:
    records = {r.candidate.record_id: r for r in found.records}
    new, acts = [], []
    for o in opened:
        record, addressed = records[o.chosen.candidate.record_id], _addressed(node, o, law, now)
        acts.append(opening_act(node, "send", record, addressed, now, proposed_by_node=True))
        if not goes_as_it_is(record, addressed.to_org) and o.lead_no not in found.made:
            new.append(lead_values(node, record, o.lead_no, addressed))
    there = append_leads(node, [*new, *versions], now)
    missing = {lead["lead_no"] for lead in new} - there
    both = list(zip(opened, acts, strict=True))
    fine = [(o, act) for o, act in both if o.lead_no not in missing]
    refused = [
        Stayed(Left(o.chosen.candidate, "refused_by_rules", o.chosen.place), o.send_by)
        for o in opened
        if o.lead_no in missing
    ]
    done = {d.matter.key: d.matter for d in do_all(node, [act for _, act in fine], now)}
    return [replace(o, matter=done.get(act.matter)) for o, act in fine], refused


def _addressed(node: Node, o: Opened, law: Law, now: datetime) -> Addressed:
    rule, place = o.chosen.rule, o.chosen.place
    basis = o.send_by.basis.article if o.send_by and rule.by == "registration_place" else ""
    why = why_there(
        place.code if place else None,
        by=rule.by,
        derived=place.derived if place else False,
        basis=basis,
    )
    due = answer_due(node, rule.to_org, law, now) if rule.feedback_required else None
    return Addressed(rule.to_org, rule.kind, why.zh, basis, due)


__all__ = ["Changed", "Opened", "Routed", "Stayed", "notified", "refer", "route", "unsent"]
