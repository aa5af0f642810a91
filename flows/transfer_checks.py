"""What does not hold in the transfers of this node: decisions, records, fines in their place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cooperation.procedures.act import Act
from cooperation.procedures.fold import Matter
from cooperation.transfer.meanwhile import Penalty, Standing, penalties_meanwhile
from flows.coverage import own_sql
from flows.decisions import DecisionError, verify_act
from flows.matters import matters_of
from flows.transfer_records import recorded
from flows.transferring import PROCEDURE, standing_sql, subjects_of
from flows.workspace import reading
from hefu.node import Node
from lake.store import Lake
from schemas.text import Text


def penalties(node: Node, matters: Iterable[Matter] | None = None) -> list[Standing]:
    """What each penalty of this agency on a case with a criminal transfer means (art. 11).

    Those whose ``effect`` is ``instead`` are fines that a running transfer held up.
    """
    known = [
        m
        for m in (matters_of(node, PROCEDURE) if matters is None else matters)
        if m.table.name == PROCEDURE
    ]
    subjects = sorted({s for matter in known for s in subjects_of(matter)})
    if not subjects:
        return []
    with reading(node) as con:
        Lake(node.place("lake")).attach(con, "case_result")
        rows = con.execute(
            "SELECT record_id, case_no, penalty_decision_no, decision_date, penalty_category, "
            "fine_amount_cny FROM case_result_current "
            f"WHERE {own_sql(node)} AND {standing_sql()} AND decision_type = 'penalty' "
            "AND (list_contains($1, record_id) OR list_contains($1, case_no)) "
            "ORDER BY case_no, record_id",
            [subjects],
        ).fetchall()
    found = [Penalty(r[0], r[1], r[2], r[3], tuple(r[4] or ()), r[5]) for r in rows]
    return [standing for matter in known for standing in penalties_meanwhile(matter, found)]


@dataclass(frozen=True, slots=True)
class Fault:
    """What does not hold in a matter of this node. ``act``: the act concerned, if it is one."""

    matter: Matter
    act: Act | None
    message: Text


def faults(node: Node, matters: Iterable[Matter] | None = None) -> list[Fault]:
    """Transfers whose papers do not hold together: a decision that is missing or changed, a sent
    matter without its formal record, a fine in place of a transfer."""
    known = list(matters_of(node) if matters is None else matters)
    mine = [m for m in known if m.key.org == node.agency.code and m.table.name == PROCEDURE]
    sent = [(m, act) for m in mine if (act := m.last_of("dispatch")) is not None]
    records = recorded(node) if sent else frozenset()
    return [
        *decision_faults(node, known),
        *(
            Fault(m, act, Text(en="its formal record is missing", zh="缺少移送的正式记录"))
            for m, act in sent
            if act.result_record_id not in records
        ),
        *(_fined(standing) for standing in penalties(node, mine) if standing.effect == "instead"),
    ]


def decision_faults(node: Node, matters: Iterable[Matter]) -> list[Fault]:
    """Acts of this agency, of any procedure, whose signed decision is missing or does not hold."""
    found: list[Fault] = []
    for matter in matters:
        for applied in matter.applied:
            act = applied.act
            if not applied.row.decision or act.source_org != node.agency.code:
                continue
            try:
                verify_act(node, act)
            except DecisionError as error:
                found.append(Fault(matter, act, error.message))
    return found


def _fined(standing: Standing) -> Fault:
    no = standing.penalty.case_no
    return Fault(
        standing.matter,
        None,
        Text(
            en=f"case {no} was fined on {standing.penalty.decision_date} while the transfer ran: "
            "no penalty in place of a transfer (310号令 art. 11)",
            zh=f"案件 {no} 在移送期间（{standing.penalty.decision_date}）作出罚款决定，"
            "不得以行政处罚代替移送（310号令第十一条）",
        ),
    )
