"""First offence, and an inspection that need not be repeated: asked of all partners at once.

An answer is never "there is none" but "none in the sources that answered", each with the moment
until which it is complete. A first-offence check is a record of its own (exemption_check), so that
a decision not to punish can name it (行政处罚法 art. 33).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Literal

from cooperation.matching.pair import pairs
from cooperation.matching.same_act import same_act
from cooperation.matching.settings import load_settings
from cooperation.recognition.legal import Rules
from cooperation.recognition.matches import exemption_pairs
from cooperation.recognition.propose import (
    is_reminder,
    last_day_of_inspection,
    same_cause,
    years_before,
)
from cooperation.recognition.sides import CHINA, COLUMNS, GONE, Side, known
from flows.case_index import Coverage, attach_cases
from flows.own_records import append_own
from flows.recognising import rules_of
from flows.subject_key import subject_key
from flows.workspace import workspace
from hefu.node import Node
from lake.store import Lake
from schemas.errors import AccountingError, ConfigError
from schemas.identities.tokens import party_token
from schemas.law.basis import Basis
from schemas.law.jurisdiction import choice
from schemas.rulepack import rule_set_version
from schemas.sql import ident, literal
from schemas.text import Text

if TYPE_CHECKING:
    import duckdb

RECORD_TYPE = "exemption_check"
Result = Literal[
    "no_record_in_answered_sources", "record_in_answered_sources", "no_source_answered"
]
_GONE_SQL = ", ".join(literal(status) for status in GONE)
#: Kinds of numbers (list id_type) that only a person has.
_PERSONAL = (
    "resident_id", "driver_license", "passport", "military_id", "police_id", "hk_permit",
    "macao_permit", "taiwan_permit",
)  # fmt: skip
#: Decisions that say that there was no offence, and so nothing to be the first of.
_NOTHING_FOUND = ("not_established", "no_penalty_no_fault", "withdrawn")

_PLAIN = (
    "check_no", "check_time", "subject_kind", "subject_token", "about_record_id",
    "about_source_org_code", "non_penalty_basis", "window_start_date", "window_end_date",
    "base_date_kind", "exemption_result", "hit_count", "query_purpose", "operator_role",
    "applied_rule_pack_version", "applied_article",
)  # fmt: skip
_LISTS = (
    "case_cause_scope", "hit_record_ids", "hit_source_org_codes", "answered_org_codes",
    "answered_as_of_times", "unanswered_org_codes",
)  # fmt: skip
_MAPPING = (
    f"SELECT check_no AS source_record_id, {', '.join(_PLAIN)}, "
    + ", ".join(
        f"CASE WHEN {name} IS NOT NULL THEN from_json({name}, '[\"VARCHAR\"]') END AS {name}"
        for name in _LISTS
    )
    + ", check_time AS occurred_time, check_time AS source_updated_time FROM raw"
)


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose record is asked for. ``key``: this node's pseudonym; ``about``: the own case."""

    kind: str
    key: str
    about: Side | None = None


@dataclass(frozen=True, slots=True)
class FirstOffence:
    """The answer. ``hits``: earlier records that speak against a first offence; ``others``: earlier
    ones of other causes, to be known; ``same_act``: another agency's record of the very act, which
    is no earlier one; ``uncompared``: records by agency that name nobody who
    could be compared; ``basis``: 行政处罚法 art. 33."""

    check_no: str
    result: Result
    hits: tuple[Side, ...]
    others: tuple[Side, ...]
    same_act: tuple[Side, ...]
    since: date
    until: date
    scope: tuple[str, ...]
    answered: tuple[tuple[str, datetime], ...]
    unanswered: tuple[str, ...]
    uncompared: dict[str, int]
    basis: Basis | None


def subject_of_case(node: Node, case_no: str) -> Subject:
    """The party of an own case or lead. Raises ``ConfigError`` if there is none of that number,
    or it names nobody by a number."""
    with workspace(node) as (con, _):
        attach_cases(con, node)
        found = _sides(
            con,
            "is_own AND no = $1 AND record_type IN ('case_result', 'lead') "
            "ORDER BY record_type, act_time DESC",
            [case_no],
        )
        kind = _kind(con, node, found[0]) if found else ""
    if not found:
        raise ConfigError(
            Text(
                en="this node has no case or lead of that number",
                zh="本节点没有这一编号的案件或者线索",
            ),
            hint=Text(
                en="give the number as it stands in the case, or the party's number on stdin",
                zh="请写案件的完整编号，或者用 --id-type 从标准输入给出当事人证件号码",
            ),
        )
    about = found[0]
    if about.party_key is None:
        raise ConfigError(
            Text(
                en="the case names its party by no number that can be compared",
                zh="该案件没有可供比对的当事人证件号码",
            ),
            hint=Text(
                en="give the number on stdin with --id-type",
                zh="请用 --id-type 从标准输入给出证件号码",
            ),
        )
    return Subject(kind, about.party_key, about)


def _kind(con: duckdb.DuckDBPyConnection, node: Node, about: Side) -> str:
    """Of list subject_kind: a person has a personal number, everybody else one of a firm."""
    Lake(node.place("lake")).attach(con, about.record_type)
    row = con.execute(
        f"SELECT party_id_type FROM {about.record_type}_current "
        "WHERE source_org_code = $1 AND record_id = $2",
        [about.source_org_code, about.record_id],
    ).fetchone()
    return "natural_person" if row is not None and row[0] in _PERSONAL else "legal_org"


def subject_of_number(node: Node, id_type: str, number: str) -> Subject:
    """A party by kind and number, as on its certificate. The number is kept nowhere.

    Raises ``ConfigError`` if the number fails its check.
    """
    token = party_token(subject_key(node), id_type, number)
    if token is None:
        raise ConfigError(
            Text(
                en=f"this is no valid number of kind {id_type}",
                zh=f"该号码不是有效的 {id_type} 号码",
            ),
            hint=Text(
                en="kinds: resident_id, uscc, …: see hefu codes list id_type",
                zh="证件类型代码（resident_id、uscc 等）见 hefu codes list id_type",
            ),
        )
    return Subject("natural_person" if id_type in _PERSONAL else "legal_org", token)


def check_first_offence(
    node: Node,
    subject: Subject,
    now: datetime,
    *,
    purpose: str,
    role: str,
    cause: str | None = None,
) -> FirstOffence:
    """Look for earlier offences of a party at all partners and here, and write the check down.

    ``cause``: of list case_cause; without it that of the case, and without that every cause.
    """
    rules = rules_of(node)
    until = (subject.about.act_day if subject.about else None) or now.astimezone(CHINA).date()
    since = years_before(until, rules.number("first_offence_years", until))
    wanted = cause or (known(subject.about.cause) if subject.about else None)
    same = choice("first_offence_scope", rules.division, until, rules.packs).entry.value
    with workspace(node) as (con, _):
        index = attach_cases(con, node)
        found_earlier = _earlier(con, subject, since, until)
        of_the_act = _of_the_act(con, subject, found_earlier)
        uncompared = _uncompared(con, since, until)
    earlier = [s for s in found_earlier if s not in of_the_act]
    limited = wanted is not None and same == "same_cause"
    hits = tuple(s for s in earlier if not limited or known(s.cause) in (wanted, None))
    answered = ((node.agency.code, now), *_answered(index.coverage))
    found = FirstOffence(
        check_no=_number(node, subject, now),
        result="record_in_answered_sources" if hits else "no_record_in_answered_sources",
        hits=hits,
        others=tuple(s for s in earlier if s not in hits),
        same_act=of_the_act,
        since=since,
        until=until,
        scope=(wanted,) if limited and wanted else ("全部案由",),
        answered=answered,
        unanswered=_unanswered(node, index.coverage),
        uncompared=uncompared,
        basis=rules.basis("exempt_first", until),
    )
    _write(node, subject, found, rules, now, purpose, role)
    return found


def _sides(con: duckdb.DuckDBPyConnection, where: str, given: Sequence[object]) -> list[Side]:
    rows = con.execute(
        f"SELECT {', '.join(map(ident, COLUMNS))} FROM cases WHERE {where}", list(given)
    ).fetchall()
    return [Side.of(dict(zip(COLUMNS, row, strict=True))) for row in rows]


def _earlier(
    con: duckdb.DuckDBPyConnection, subject: Subject, since: date, until: date
) -> list[Side]:
    nothing = ", ".join(literal(kind) for kind in _NOTHING_FOUND)
    found = _sides(
        con,
        "record_type = 'case_result' AND party_key = $1 "
        f"AND data_status NOT IN ({_GONE_SQL}) AND coalesce(decision_type, '') NOT IN ({nothing}) "
        "AND (act_time IS NULL OR day_cn(act_time) BETWEEN $2 AND $3) "
        "ORDER BY act_time DESC, source_org_code, record_id",
        [subject.key, since, until],
    )
    about = subject.about
    return [s for s in found if about is None or not _is_it_or_later(s, about)]


def _of_the_act(
    con: duckdb.DuckDBPyConnection, subject: Subject, earlier: Sequence[Side]
) -> tuple[Side, ...]:
    """Those that surely tell of the act of the case itself: found by two agencies, done once."""
    if subject.about is None or not earlier:
        return ()
    con.execute(
        "CREATE OR REPLACE TEMP TABLE first_offence_about AS SELECT * FROM cases "
        "WHERE source_org_code = $1 AND record_id = $2",
        [subject.about.source_org_code, subject.about.record_id],
    )
    con.execute(
        "CREATE OR REPLACE TEMP TABLE first_offence_earlier AS SELECT * FROM cases "
        "WHERE record_id IN (SELECT unnest($1))",
        [[side.record_id for side in earlier]],
    )
    found = same_act(con, "first_offence_about", "first_offence_earlier", load_settings())
    sure = {(p.b_org, p.b) for p in pairs(found) if p.match == "exact"}
    return tuple(s for s in earlier if (s.source_org_code, s.record_id) in sure)


def _is_it_or_later(side: Side, about: Side) -> bool:
    """The case itself, or one of an act that was not earlier."""
    if side.is_own and (side.record_id == about.record_id or side.no == about.no):
        return True
    return bool(side.act_time and about.act_time and side.act_time >= about.act_time)


def _uncompared(con: duckdb.DuckDBPyConnection, since: date, until: date) -> dict[str, int]:
    rows = con.execute(
        "SELECT source_org_code, count(*) FROM cases WHERE record_type = 'case_result' "
        f"AND party_key IS NULL AND data_status NOT IN ({_GONE_SQL}) "
        "AND (act_time IS NULL OR day_cn(act_time) BETWEEN $1 AND $2) GROUP BY 1 ORDER BY 1",
        [since, until],
    ).fetchall()
    return dict(rows)


def _answered(coverage: Sequence[Coverage]) -> list[tuple[str, datetime]]:
    return [(one.org, one.as_of) for one in coverage if one.as_of is not None]


def _unanswered(node: Node, coverage: Sequence[Coverage]) -> tuple[str, ...]:
    """Partners of whom nothing was read yet, also those that only an agreement names."""
    answered = {org for org, _ in _answered(coverage)} | {node.agency.code}
    named = {one.org for one in coverage}
    for agreement in node.agreements():
        for grant in agreement.grants:
            if grant.to_org == node.agency.code and "case_result" in grant.records:
                named.add(grant.from_org)
    return tuple(sorted(named - answered))


def _number(node: Node, subject: Subject, now: datetime) -> str:
    digest = sha256(f"{subject.key}\x1f{now.isoformat()}".encode()).hexdigest()
    return f"SW-{node.agency.division_code}-{now.astimezone(CHINA):%Y%m%d}-{digest[:6].upper()}"


def _write(
    node: Node,
    subject: Subject,
    found: FirstOffence,
    rules: Rules,
    now: datetime,
    purpose: str,
    role: str,
) -> None:
    about = subject.about
    row: dict[str, object] = {
        "check_no": found.check_no,
        "check_time": now,
        "subject_kind": subject.kind,
        "subject_token": subject.key,
        "about_record_id": about.record_id if about else None,
        "about_source_org_code": about.source_org_code if about else None,
        "non_penalty_basis": "33-1b",
        "case_cause_scope": found.scope,
        "window_start_date": found.since,
        "window_end_date": found.until,
        "base_date_kind": "violation_date",
        "exemption_result": found.result,
        "hit_count": len(found.hits),
        "hit_record_ids": tuple(s.record_id for s in found.hits),
        "hit_source_org_codes": tuple(s.source_org_code for s in found.hits),
        "answered_org_codes": tuple(org for org, _ in found.answered),
        "answered_as_of_times": tuple(
            t.astimezone(CHINA).isoformat(timespec="seconds") for _, t in found.answered
        ),
        "unanswered_org_codes": found.unanswered,
        "query_purpose": purpose,
        "operator_role": role,
        "applied_rule_pack_version": rule_set_version(rules.division, rules.packs),
        "applied_article": found.basis.article if found.basis else None,
    }
    texts = {name: _text(row[name]) for name in (*_PLAIN, *_LISTS)}
    run = append_own(node, RECORD_TYPE, _MAPPING, [texts], now)
    if run is not None and run.quarantined:
        raise AccountingError(
            Text(
                en="a first-offence check breaks our own rules: " + ", ".join(sorted(run.reasons)),
                zh="首违核查记录未通过本节点自身的规则：" + "、".join(sorted(run.reasons)),
            )
        )


def _text(value: object) -> str | None:
    if value is None or value == ():
        return None
    if isinstance(value, tuple):
        return json.dumps(value, ensure_ascii=False)
    return value.isoformat() if isinstance(value, date) else str(value)


@dataclass(frozen=True, slots=True)
class Inspected:
    """Inspections of a vehicle that are recent enough, each with the last day on which it frees
    from another; ``coverage`` as of when."""

    hits: tuple[tuple[Side, date], ...]
    days: int
    coverage: tuple[Coverage, ...]
    basis: Basis | None


def check_inspected(node: Node, vehicle_key: str, now: datetime) -> Inspected:
    """Whether a vehicle was inspected lately, here or at a partner (综合查一次).

    ``vehicle_key``: ``schemas.identities`` of plate and colour. Nothing is written.
    """
    rules = rules_of(node)
    today = now.astimezone(CHINA).date()
    days = rules.number("inspection_not_repeated_days", today)
    with workspace(node) as (con, _):
        index = attach_cases(con, node)
        found = _sides(
            con,
            "record_type = 'inspection' AND vehicle_key = $1 "
            f"AND data_status NOT IN ({_GONE_SQL}) AND act_time BETWEEN $2 AND $3 "
            "ORDER BY act_time DESC, source_org_code, record_id",
            [vehicle_key, now - timedelta(days=days + 1), now],
        )
    timed = [(side, last_day_of_inspection(side, rules)) for side in found]
    hits = tuple((side, last) for side, last in timed if last is not None and last >= today)
    return Inspected(hits, days, index.coverage, rules.basis("inspection_not_repeated_days", today))


@dataclass(frozen=True, slots=True)
class Reminder:
    """A party that was let off has offended again: the exemption, and what came later."""

    exemption: Side
    later: Side
    same_cause: bool


def reminders(node: Node, now: datetime) -> list[Reminder]:
    """Exemptions of ours or a partner's whose party has offended again, the newest first."""
    rules = rules_of(node)
    today = now.astimezone(CHINA).date()
    window = timedelta(days=366 * rules.number("first_offence_years", today))
    with workspace(node) as (con, _):
        attach_cases(con, node)
        pairs = exemption_pairs(con, "cases", window)
    return [
        Reminder(one, later, same_cause(one, later))
        for one, later in pairs
        if is_reminder(one, later, rules)
    ]
