"""The terms of a referral: which routes are in force, who can be reached, and by when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from cooperation.procedures.clocks import CHINA, Law, due_time
from cooperation.referral.routes import Candidate, RoutingRule
from exchange.agreement.cooperation import Route
from exchange.agreement.model import Agreement
from exchange.agreement.versions import in_force, versions_of
from hefu.node import Node
from schemas.law.basis import Basis
from schemas.law.jurisdiction import parameter

_SEND_BY = "copy_notice_working_days"
#: 违法超限运输案件: only these are to be notified within art. 44's period; other routes are the
#: agreement's own.
_NOTIFIED = frozenset({"overload_road", "overlimit_road", "oversize_road"})
_ANSWER_BY = ("referral_sign_working_days", "referral_verify_working_days")


@dataclass(frozen=True, slots=True)
class SendBy:
    """Until when a finished case is to be notified; ``due`` is the first moment too late."""

    due: datetime
    provisional: bool
    basis: Basis

    @property
    def last_day(self) -> date:
        return (self.due - timedelta(microseconds=1)).astimezone(CHINA).date()


def rules_of(node: Node, now: datetime) -> list[RoutingRule]:
    """The routes from this agency, of the agreements that run at ``now``."""
    agreements = node.agreements()
    return [
        _rule(agreement, route, versions_of(agreements, agreement))
        for agreement in in_force(agreements, now)
        if agreement.cooperation is not None and agreement.is_running(now)
        for route in agreement.cooperation.routes
        if route.from_org == node.agency.code
    ]


def _rule(agreement: Agreement, route: Route, versions: tuple[Agreement, ...]) -> RoutingRule:
    since = min(
        a.valid_from
        for a in versions
        if a.cooperation is not None and _key(route) in map(_key, a.cooperation.routes)
    )
    return RoutingRule(
        agreement=agreement.id,
        since=since,
        to_org=route.to_org,
        kind=route.kind,
        record_type=route.record_type,
        by=route.by,
        causes=route.causes,
        divisions=route.divisions,
        feedback_required=route.feedback_required,
    )


def _key(route: Route) -> tuple[str, str, str, str]:
    return route.from_org, route.to_org, route.record_type, route.by


def reachable(node: Node, to: str, now: datetime) -> bool:
    """Whether an agreement in force lets leads and acts go to that agency."""
    granted = {
        name
        for agreement in in_force(node.agreements(), now)
        for grant in agreement.grants_from(node.agency.code)
        for name, fields in grant.records.items()
        if grant.to_org == to and fields
    }
    return {"lead", "procedure_act"} <= granted


def send_by(node: Node, candidate: Candidate, law: Law) -> SendBy | None:
    """The period of art. 44 of a finished overlimit case; None for others, which have none."""
    if candidate.record_type != "case_result" or candidate.done == date.max:
        return None
    if candidate.cause not in _NOTIFIED:
        return None
    found = parameter(_SEND_BY, node.agency.division_code, candidate.done, law.packs)
    started = datetime.combine(candidate.done, time(), CHINA)
    due, provisional, _ = due_time(started, int(found.entry.value), "working_days", law)
    return SendBy(due, provisional, found.basis)


def party_name(node: Node, code: str, now: datetime) -> str | None:
    """An agency's name in the agreements in force."""
    names = {p.code: p.name for a in in_force(node.agreements(), now) for p in a.parties}
    return names.get(code)


def answer_due(node: Node, to: str, law: Law, now: datetime) -> datetime:
    """Until when the receiver should have decided on filing: its time to sign and to verify, to the
    last second of the last day. The agreement may fix other lengths."""
    day = now.astimezone(CHINA).date()
    both = {node.agency.code, to}
    length = 0
    for name in _ANSWER_BY:
        agreed = [
            n for (who, what), n in (law.agreed or {}).items() if what == name and both <= who
        ]
        found = parameter(name, node.agency.division_code, day, law.packs)
        length += min(agreed) if agreed else int(found.entry.value)
    return due_time(now, length, "working_days", law)[0] - timedelta(seconds=1)
