"""Accumulations as records: who crossed a limit, what a correction made of it, and who is told.

Run it as often as you like: the same result is the same record. What it does by itself is to count,
and to refer what the agreements' routes order; what follows for a vehicle, a driver or an operator
is decided by the office that may revoke.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from cooperation.accumulation.accumulate import Asked, accumulate
from cooperation.accumulation.following import Earlier, News, news_of
from cooperation.accumulation.judging import KEY_COLUMN
from cooperation.accumulation.law import KINDS, Kind, Laws
from cooperation.accumulation.model import Accumulation, Uncounted
from cooperation.accumulation.snapshot import (
    CAUSES,
    About,
    Covered,
    snapshot_no,
    snapshot_values,
    subject_token,
)
from cooperation.procedures.act import Act
from cooperation.procedures.clocks import CHINA
from cooperation.procedures.fold import Matter
from cooperation.referral.leads import lead_number
from cooperation.referral.routes import Candidate, Chosen, choose
from flows.accumulation_cases import CASES, LICENCES, CaseView, case_view, exact_pairs
from flows.accumulation_snapshots import (
    RECORD_TYPE,
    Subject,
    among,
    append_snapshots,
    by_subject,
    newest,
    own_snapshots,
)
from flows.acting import do_all, following
from flows.matters import matters_of
from flows.referral_leads import lead_record_id
from flows.referral_terms import rules_of
from flows.referring import Opened, Stayed, route
from flows.subject_key import subject_key
from hefu.node import Node
from lake.store import Lake

if TYPE_CHECKING:
    import duckdb

#: Decisions and records that came this lately may complete a year that is over.
LATE = timedelta(days=31)
_AGAIN, _LATE_ROWS = "accumulation_again", "accumulation_late"


@dataclass(frozen=True, slots=True)
class Written:
    """A snapshot that this run made."""

    no: str
    news: News


@dataclass(frozen=True, slots=True)
class TooLate:
    """An accumulation fell below its limit, and its referral can't be withdrawn any more: a person
    has to tell the office."""

    no: str
    matter: Matter


@dataclass(frozen=True, slots=True)
class Accumulated:
    """What a run did. ``opened``, ``stayed``: of snapshots alone; ``withdrawn``: referrals taken
    back because the count fell below the limit."""

    written: tuple[Written, ...] = ()
    opened: tuple[Opened, ...] = ()
    stayed: tuple[Stayed, ...] = ()
    withdrawn: tuple[Matter, ...] = ()
    too_late: tuple[TooLate, ...] = ()
    fleet_unknown: int = 0
    uncounted: tuple[Uncounted, ...] = ()
    coverage: tuple[Covered, ...] = ()

    @property
    def needs_a_person(self) -> bool:
        return bool(self.too_late or self.stayed)


@dataclass(frozen=True, slots=True)
class _Found:
    news: tuple[News, ...]
    rows: tuple[Mapping[str, object], ...]
    fleet_unknown: int
    uncounted: tuple[Uncounted, ...]
    coverage: tuple[Covered, ...]


def accumulate_and_refer(node: Node, now: datetime) -> Accumulated:
    """Count, write what is new, refer it as the agreements' routes order, and withdraw referrals of
    what is no longer so.

    Raises ``ConfigError`` if no rule is in force, ``AccountingError`` if a snapshot breaks a rule.
    """
    with case_view(node, now) as view:
        found = _find(node, view, now)
    append_snapshots(node, found.rows, now)
    withdrawn, too_late = _take_back(node, [n for n in found.news if n.change == "below"], now)
    routed = route(node, now, record_type=RECORD_TYPE)
    return Accumulated(
        written=tuple(
            Written(str(row["snapshot_no"]), news)
            for row, news in zip(found.rows, found.news, strict=True)
        ),
        opened=routed.opened,
        stayed=routed.left,
        withdrawn=tuple(withdrawn),
        too_late=tuple(too_late),
        fleet_unknown=found.fleet_unknown,
        uncounted=found.uncounted,
        coverage=found.coverage,
    )


# ---- what is new --------------------------------------------------------------------------------


def _find(node: Node, view: CaseView, now: datetime) -> _Found:
    today = now.astimezone(CHINA).date()
    packs, division = node.rule_packs(), node.agency.division_code
    asked = Asked(licences=LICENCES, same_act=exact_pairs)
    current = accumulate(view.con, CASES, packs, division, today, asked=asked)
    counts: defaultdict[Subject, list[Accumulation]] = defaultdict(list)
    for a in current.all():
        if a.standing == "exceeded":
            counts[a.kind, a.key].append(a)
    for a in _late(node, view.con, now, set(counts)):
        counts[a.kind, a.key].append(a)
    earlier = by_subject(view.con, newest(own_snapshots(view.con, node)))
    again = _again(node, view.con, earlier.values(), earlier, today)
    news = [
        one
        for subject in dict.fromkeys((*counts, *earlier))
        if (one := news_of(counts.get(subject, []), again.get(subject), earlier.get(subject)))
    ]
    rows = _rows(node, view, news, now)
    return _Found(tuple(news), tuple(rows), current.fleet_unknown, current.uncounted, view.coverage)


def _again(
    node: Node,
    con: duckdb.DuckDBPyConnection,
    live: Iterable[Earlier],
    subjects: Mapping[Subject, Earlier],
    today: date,
) -> dict[Subject, Accumulation]:
    """The windows of earlier snapshots that exceeded a limit, counted by what is known today."""
    groups: defaultdict[tuple[object, ...], list[Subject]] = defaultdict(list)
    for subject, e in subjects.items():
        if e.exceeded:
            groups[e.window_end, e.base, e.window_kind].append(subject)
    if not groups:
        return {}
    _rows_of(con, _AGAIN, [s for some in groups.values() for s in some])
    found: dict[Subject, Accumulation] = {}
    for some in groups.values():
        e = subjects[some[0]]
        asked = Asked(
            window=e.window_kind,
            licences=LICENCES,
            same_act=exact_pairs,
            subjects=_listed(some),
            decided_by=today,
        )
        made = accumulate(
            con, _AGAIN, node.rule_packs(), node.agency.division_code, e.window_end, e.base, asked
        )
        found |= {(a.kind, a.key): a for a in made.all()}
    return found


def _late(
    node: Node, con: duckdb.DuckDBPyConnection, now: datetime, known: set[Subject]
) -> list[Accumulation]:
    """Years that are over and were completed only now: a case of last year that was decided, or
    came to us, this month. The year then ends on the day of that case."""
    today = now.astimezone(CHINA).date()
    since = today - LATE
    law = Laws(node.rule_packs(), today).of(node.agency.division_code)
    days: defaultdict[date, set[Subject]] = defaultdict(set)
    given = {"since": since, "received": now - LATE, "today": today, "causes": list(law.causes)}
    for kind in KINDS:
        operator = kind == "transport_enterprise"
        sql = _LATE_SQL.format(
            column=KEY_COLUMN[kind],
            least=1 if operator else int(law.limits[kind]),
            known=f"IN (SELECT operator_key FROM {LICENCES})" if operator else "IS NOT NULL",
        )
        for key, day in con.execute(sql, given).fetchall():
            if (kind, key) not in known:
                days[day].add((kind, key))
    if not days:
        return []
    _rows_of(con, _LATE_ROWS, sorted({s for some in days.values() for s in some}))
    found: list[Accumulation] = []
    for day, some in sorted(days.items()):
        asked = Asked(
            licences=LICENCES, same_act=exact_pairs, subjects=_listed(some), decided_by=today
        )
        made = accumulate(
            con, _LATE_ROWS, node.rule_packs(), node.agency.division_code, day, asked=asked
        )
        found += [a for a in made.all() if a.standing == "exceeded"]
    return found


#: Subjects of cases that came lately, and the days on which a year could end with such a case. Who
#: has too few cases in all, or an unknown fleet, is none of them.
_LATE_SQL = f"""
WITH fresh AS (
  SELECT DISTINCT {{column}} AS key, unnest([
      CAST(act_time AT TIME ZONE 'Asia/Shanghai' AS DATE), decision_date]) AS day
  FROM {CASES}
  WHERE record_type = 'case_result' AND decision_type = 'penalty' AND list_contains($causes, cause)
    AND {{column}} {{known}} AND (decision_date >= $since OR received_time >= $received))
SELECT key, day FROM fresh SEMI JOIN (
  SELECT {{column}} AS key FROM {CASES} WHERE record_type = 'case_result'
    AND {{column}} IN (SELECT key FROM fresh) GROUP BY 1 HAVING count(*) > {{least}}) USING (key)
WHERE day < $today
"""


def _rows_of(con: duckdb.DuckDBPyConnection, table: str, subjects: Sequence[Subject]) -> None:
    """A table of the cases of a few subjects, so that counting them often costs little."""
    tests = [
        f"{KEY_COLUMN[kind]} IN {among([k for of, k in subjects if of == kind])}" for kind in KINDS
    ]
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT * FROM {CASES} "
        f"WHERE record_type = 'case_result' AND ({' OR '.join(tests)})"
    )


def _listed(subjects: Iterable[Subject]) -> dict[Kind, list[str]]:
    found: defaultdict[Kind, list[str]] = defaultdict(list)
    for kind, key in subjects:
        found[kind].append(key)
    return dict(found)


# ---- what is written ----------------------------------------------------------------------------


def _rows(
    node: Node, view: CaseView, news: Sequence[News], now: datetime
) -> list[Mapping[str, object]]:
    if not news:
        return []
    key, org = subject_key(node), node.agency.code
    abouts = _abouts(node, view.con, news)
    rules = rules_of(node, now)
    rows: list[Mapping[str, object]] = []
    for one, about in zip(news, abouts, strict=True):
        a = one.accumulation
        token = one.earlier.token if one.earlier else subject_token(key, a.kind, a.key)
        candidate = Candidate(
            record_id="",
            record_type=RECORD_TYPE,
            no=snapshot_no(org, token, one),
            done=now.astimezone(CHINA).date(),
            cause=CAUSES[a.kind],
            registration_division=a.division,
        )
        chosen = choose(candidate, rules, node.agency.division_code)
        to = chosen.rule.to_org if isinstance(chosen, Chosen) else None
        rows.append(snapshot_values(one, token, org, view.coverage, replace(about, to_org=to), now))
    return rows


def _abouts(node: Node, con: duckdb.DuckDBPyConnection, news: Sequence[News]) -> list[About]:
    """What the counted records say of vehicles' certificates and of operators."""
    wanted = sorted({c.record_id for n in news for c in n.accumulation.counted()})
    Lake(node.place("lake")).attach(con, "case_result")
    said = {
        record_id: (certificate, operator)
        for record_id, certificate, operator in con.execute(
            "SELECT record_id, transport_certificate_no, vehicle_operator_uscc "
            f"FROM case_result_current WHERE record_id IN {among(wanted)}"
        ).fetchall()
    }
    return [_about(n.accumulation, said) for n in news]


def _about(a: Accumulation, said: Mapping[str, tuple[str | None, str | None]]) -> About:
    if a.kind == "driver":
        return About()
    at = 0 if a.kind == "vehicle" else 1
    values = [v for c in a.counted() if (v := said.get(c.record_id, (None, None))[at])]
    most = Counter(values).most_common(1)
    value = most[0][0] if most else None
    return About(value, None) if a.kind == "vehicle" else About(None, value)


# ---- what is taken back -------------------------------------------------------------------------


def _take_back(
    node: Node, below: Sequence[News], now: datetime
) -> tuple[list[Matter], list[TooLate]]:
    """Withdraw the referrals of accumulations that fell below their limit, while it is possible."""
    if not below:
        return [], []
    org = node.agency.code
    matters = [m for m in matters_of(node, "referral") if m.key.org == org]
    acts: list[Act] = []
    late: list[TooLate] = []
    for news in below:
        chain = news.earlier.chain if news.earlier else ()
        for matter in (m for m in matters if _is_about(m, chain, org)):
            if any(row.act == "withdraw" for row in matter.possible()):
                acts.append(following(node, matter, "withdraw", now, **_why(news)))
            elif matter.state_name != "withdrawn":
                late.append(TooLate(news.earlier.no if news.earlier else "", matter))
    done = do_all(node, acts, now) if acts else []
    return [d.matter for d in done], late


def _is_about(matter: Matter, chain: Iterable[str], org: str) -> bool:
    """Is the lead of the matter made of one of these snapshots?"""
    to = matter.opening.to_org or ""
    leads = {lead_record_id(org, lead_number(org, snapshot, to)) for snapshot in chain}
    return not leads.isdisjoint(matter.opening.subject_record_ids)


def _why(news: News) -> dict[str, object]:
    a = news.accumulation
    gone = news.earlier.hits if news.earlier else frozenset()
    revoked = any(c.record_id in gone and c.why_not(a.base) == "revoked" for c in a.cases)
    return {
        "reason_code": "decision_revoked" if revoked else "other",
        "reason_text": f"计入的案件更正后为 {a.count}，不再超过限值",
        "proposed_by_node": True,
    }


__all__ = ["Accumulated", "TooLate", "Written", "accumulate_and_refer"]
