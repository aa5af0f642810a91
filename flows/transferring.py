"""Criminal transfers of this node: what they hold up, the steps, and which may be missing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING

from cooperation.procedures.competent import DESIGNATIONS, SIDES, competent_of
from cooperation.procedures.fold import Matter
from cooperation.transfer.missing import Line, Outcome, lines, outcome_of, outcomes
from cooperation.transfer.signs import Sign, signs
from exchange.agreement.versions import in_force
from flows.acting import Done, check, do, do_all, following, opening
from flows.coverage import own_sql
from flows.matters import matters_of
from flows.transfer_records import Goods, transfer_record_id, write_transfer_record
from flows.workspace import reading
from hefu.node import Node
from lake.store import Lake
from schemas.codes import REMOVED
from schemas.errors import ConfigError
from schemas.identities.organisations import credit_code_ok
from schemas.sql import literal
from schemas.text import Text

if TYPE_CHECKING:
    import duckdb

PROCEDURE = "transfer"
REVERSE = "reverse_transfer"
#: How a procuratorate is told from other parties of an agreement: by its name.
PROCURATORATE = "检察院"
#: Cases that ended so show no crime; one that ended as a transfer was transferred.
_NO_OFFENCE = ("not_established", "withdrawn")
_TRANSFERRED = "criminal_transfer"


def frozen(
    node: Node, subjects: Collection[str], matters: Iterable[Matter] | None = None
) -> list[Matter]:
    """The matters that hold up a fine of this agency for these cases or leads.

    Args:
        subjects: record identifiers or case numbers, of this agency or of another.
        matters: those of the node, if they were read already.

    A transfer of a suspected crime holds up the fines of the agency that transfers (310号令
    第三条、第十一条), a dispute of jurisdiction those of its two sides until it is settled, and
    then those of the one that is not competent (行政处罚法 第二十五条、第二十九条). What another
    agency says of its own matters holds nobody else up: see :func:`is_only_told`.
    """
    wanted, known = set(subjects), matters_of(node) if matters is None else matters
    return [
        matter
        for matter in known
        if wanted & subjects_of(matter) and holds_up(matter, node.agency.code)
    ]


def holds_up(matter: Matter, org: str) -> bool:
    """Whether the state of a matter lets this agency fine nobody for its subjects."""
    return _freezes(matter, org) and not is_only_told(matter, org)


def is_only_told(matter: Matter, org: str) -> bool:
    """Whether a matter would hold this agency up, but rests on another agency's word alone.

    That is a transfer of another agency; a dispute between others; and a designation that only the
    other side entered from the superior's paper. A person looks, and asks for the paper.
    """
    if not _freezes(matter, org):
        return False
    if matter.table.name == PROCEDURE:
        return matter.key.org != org
    if org not in {matter.orgs.get(side) for side in SIDES}:
        return True
    designated = [a.act for a in matter.applied if a.act.code in DESIGNATIONS]
    return bool(designated) and designated[-1].source_org not in (org, designated[-1].acting_org)


def _freezes(matter: Matter, org: str) -> bool:
    if not matter.applied:
        return False
    if matter.state.freezes == "not_competent":
        return competent_of(matter) != org
    return matter.state.freezes == "all"


def subjects_of(matter: Matter) -> frozenset[str]:
    """Record identifiers and numbers of all that a matter is about, as who opened it says: an
    answer does not widen it."""
    acts = [a.act for a in matter.applied if a.act.source_org == matter.key.org]
    return frozenset(s for act in acts for s in (*act.subject_record_ids, *act.subject_nos))


# the steps that are more than an act


@dataclass(frozen=True, slots=True)
class Subject:
    """What is suspected: a record of this agency, or a case that is not finished and so only has
    its number (``record_id`` None)."""

    no: str
    record_id: str | None = None
    record_type: str | None = None
    cause: str | None = None


def subject_of(node: Node, wanted: str) -> Subject:
    """The case or lead of this agency of that number or record identifier; else the number itself.

    Raises ``ConfigError`` if more than one record goes by it.
    """
    found: list[Subject] = []
    with reading(node) as con:
        for record_type, number in (("case_result", "case_no"), ("lead", "lead_no")):
            Lake(node.place("lake")).attach(con, record_type)
            rows = con.execute(
                f"SELECT {number}, record_id, common_cause_code FROM {record_type}_current "
                f"WHERE {own_sql(node)} AND data_status <> {literal(REMOVED)} "
                f"AND $1 IN ({number}, record_id) ORDER BY record_id LIMIT 2",
                [wanted],
            ).fetchall()
            found += [Subject(row[0], row[1], record_type, row[2]) for row in rows]
    if len(found) > 1:
        raise ConfigError(
            Text(
                en=f"more than one record of this agency goes by {wanted!r}",
                zh=f"本机关有多条记录对应 {wanted!r}",
            ),
            hint=Text(en="give the record identifier", zh="请填写记录标识"),
        )
    return found[0] if found else Subject(wanted)


def suspect(
    node: Node, case: str, offence: str, now: datetime, *, again: str = "", **fields: object
) -> Done | None:
    """Open the transfer of a case or lead; None if it has one (``again`` tells a second one).

    ``fields``: more of :class:`Act`. A case that is not finished goes by its number alone.
    """
    found = subject_of(node, case)
    names = {found.no, found.record_id} - {None}
    known = [m for m in matters_of(node, PROCEDURE) if m.key.org == node.agency.code]
    if not again and any(names & subjects_of(m) for m in known):
        return None
    given = fields | {
        "subject_record_ids": (found.record_id,) if found.record_id else (),
        "subject_nos": (found.no,),
        "subject_record_type": found.record_type,
        "case_cause_code": found.cause,
        "suspected_offence": offence,
    }
    act = opening(node, PROCEDURE, "suspect", now, again=again, **given)
    return next(iter(do_all(node, [act], now)), None)


def dispatch(
    node: Node,
    matter: Matter,
    now: datetime,
    *,
    goods: Sequence[Goods] = (),
    procuratorate: str | None = None,
    **fields: object,
) -> Done:
    """Send a transfer to the police: its formal record, then the act that names it.

    ``procuratorate``: who gets a copy; without it, who the agreements in force say. From then on
    every act of the matter goes there, too. Raises ``ConfigError`` if it can't be sent now.
    """
    copied_to = procuratorate or next(iter(procuratorates(node, now)), None)
    draft = following(node, matter, "dispatch", now, **fields)
    draft = replace(
        draft,
        result_record_id=transfer_record_id(node, matter.key.no),
        party_orgs=tuple(dict.fromkeys((*draft.party_orgs, *([copied_to] if copied_to else [])))),
    )
    check(node, draft, now)
    for code in (draft.to_org, copied_to):
        _check_code(code)
    write_transfer_record(node, matter, draft, goods, copied_to)
    return do(node, draft, now)


def _check_code(code: str | None) -> None:
    """A mistyped code is the typist's to put right, before anything is written."""
    if code is not None and not credit_code_ok(code):
        raise ConfigError(
            Text(
                en=f"{code!r} is no unified social credit code: its check digit is wrong",
                zh=f"{code!r} 不是有效的统一社会信用代码，校验码不正确",
            ),
            hint=Text(en="compare it with the body's letter", zh="请对照对方机关的文书核对代码"),
        )


def receive_back(
    node: Node, sender: str, cases: Sequence[str], now: datetime, **fields: object
) -> Done | None:
    """Note what a body of justice handed over for administrative handling; None if it is noted
    already. ``cases``: their numbers, there or here."""
    given = fields | {"to_org": sender, "subject_nos": tuple(cases)}
    act = opening(node, REVERSE, "receive_back", now, again="", **given)
    return next(iter(do_all(node, [act], now)), None)


def procuratorates(node: Node, now: datetime) -> list[str]:
    """Parties of agreements in force that ask for a copy of each transfer to the procuratorate."""
    return [
        party.code
        for agreement in in_force(node.agreements(), now)
        if agreement.cooperation is not None
        and agreement.cooperation.copy_transfers_to_procuratorate
        for party in agreement.parties
        if PROCURATORATE in party.name and party.code != node.agency.code
    ]


def owes_paper_copy(node: Node, now: datetime) -> bool:
    """An agreement asks for copies, and no procuratorate is a party: they go on paper."""
    asked = any(
        agreement.cooperation is not None and agreement.cooperation.copy_transfers_to_procuratorate
        for agreement in in_force(node.agreements(), now)
    )
    return asked and not procuratorates(node, now)


# what a person must look at


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A case that shows a sign of a crime, and what became of it."""

    sign: Sign
    outcome: Outcome


def suspicions(
    node: Node, now: datetime, matters: Iterable[Matter] | None = None
) -> list[Suspicion]:
    """The agency's cases with a sign of a crime. Opens nothing: a person looks at each.

    Those whose ``outcome`` is ``none`` have no transfer yet.
    """
    del now
    known = outcomes(matters_of(node, PROCEDURE) if matters is None else matters)
    return [Suspicion(sign, outcome_of(sign, known)) for sign in _signs(node)]


def transfer_numbers(
    node: Node, now: datetime, since: date | None = None, until: date | None = None
) -> list[Line]:
    """Cases with a sign against cases transferred, by month of the decision and sign."""
    del now
    return lines(_signs(node), outcomes(matters_of(node, PROCEDURE)), since, until)


def _signs(node: Node) -> list[Sign]:
    with reading(node) as con:
        _own_cases(con, node)
        return signs(con, "own_cases", node.agency.division_code, node.rule_packs())


def _own_cases(con: duckdb.DuckDBPyConnection, node: Node) -> None:
    Lake(node.place("lake")).attach(con, "case_result")
    day = "CAST({} AT TIME ZONE 'Asia/Shanghai' AS DATE)"
    acted = day.format("coalesce(occurred_time, filing_time, source_updated_time)")
    counted = f"coalesce(decision_date, {day.format('coalesce(filing_time, occurred_time)')})"
    con.execute(
        "CREATE TEMP VIEW own_cases AS SELECT record_id, case_no, common_cause_code AS cause, "
        f"{acted} AS act_date, {counted} AS month_date, "
        f"decision_type = {literal(_TRANSFERRED)} AS transferred, overlimit_rate, "
        "overlimit_weight_kg, total_weight_kg, fine_amount_cny, confiscated_amount_cny "
        f"FROM case_result_current WHERE {own_sql(node)} AND {standing_sql()} "
        f"AND decision_type NOT IN ({', '.join(map(literal, _NO_OFFENCE))})"
    )


def standing_sql() -> str:
    """SQL: is the decision neither removed nor revoked?"""
    return f"data_status NOT IN ({literal(REMOVED)}, 'revoked')"
