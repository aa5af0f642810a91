"""Hotline work orders (12328, 12345): taken up, made into leads, answered, returned.

Who called never leaves: a lead made of an order has neither the caller nor the caller's words; an
officer writes what is suspected. Acts of an order name no other agency, so they stay on this node.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cooperation.procedures.act import Act
from cooperation.procedures.fold import Matter
from cooperation.referral.leads import VEHICLE, lead_number
from flows.acting import Done, check, do, do_all, following, opening
from flows.coverage import own_sql
from flows.dispositions import own_dispositions
from flows.matters import acts_of, find_matter, matters_of
from flows.referral_leads import append_leads, check_all_there, lead_record_id, made_leads
from flows.workspace import reading
from hefu.node import Node
from lake.store import Lake
from schemas.codes import REMOVED, canonical
from schemas.errors import ConfigError
from schemas.text import Text

RECORD_TYPE = "work_order"
PROCEDURE = "hotline"
_GONE = (REMOVED, "revoked")
#: What is complained about, never who complains.
_RESPONDENT = ("party_category", "party_name", "party_id_type", "party_id_no")
_SOURCES = ("12328", "12345")
_FIELDS = (
    "record_id", "work_order_no", "hotline", "hotline_business_type", "accept_time", "due_time",
    "finish_time", "handling_org", "data_status", "division_code", "business_domain",
    *_RESPONDENT, *VEHICLE,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Order:
    """One work order of ours; ``values`` by field, never its content or who called."""

    record_id: str
    no: str
    values: Mapping[str, Any]

    @property
    def is_settled(self) -> bool:
        """The hotline's own system has finished it, or has it no more."""
        return self.values["finish_time"] is not None or self.values["data_status"] in _GONE


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of the orders. Every order is one of: opened now, ``already`` a matter,
    ``finished`` in the hotline's system before, ``elsewhere``: for another agency.

    ``settled``: open matters whose order the hotline has settled itself: close them.
    """

    opened: tuple[Done, ...]
    already: int
    finished: int
    elsewhere: int
    settled: tuple[Matter, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """What there is to answer an order with, and where it comes from."""

    matter: Matter
    result_code: str
    result_no: str | None
    source: Text


def take_orders(node: Node, now: datetime) -> Taken:
    """Make a matter of each open order that is for this agency, due when the order says."""
    orders = orders_of(node)
    by_record = {
        record_id: matter
        for matter in matters_of(node, PROCEDURE)
        for record_id in matter.opening.subject_record_ids
    }
    ours = [o for o in orders if o.values["handling_org"] in (None, node.agency.code)]
    known = [o for o in ours if o.record_id in by_record]
    new = [o for o in ours if o.record_id not in by_record and not o.is_settled]
    done = do_all(node, [_accept(node, order, now) for order in new], now) if new else []
    matters = [by_record[o.record_id] for o in known if o.is_settled]
    return Taken(
        opened=tuple(done),
        already=len(known),
        finished=len(ours) - len(known) - len(new),
        elsewhere=len(orders) - len(ours),
        settled=tuple(m for m in matters if m.is_open),
    )


def _accept(node: Node, order: Order, now: datetime) -> Act:
    return opening(
        node,
        PROCEDURE,
        "accept_order",
        now,
        act_time=min(order.values["accept_time"], now),
        subject_record_ids=(order.record_id,),
        subject_record_type=RECORD_TYPE,
        subject_nos=(order.no,),
        due_time=order.values["due_time"],
        proposed_by_node=True,
    )


def orders_of(node: Node) -> list[Order]:
    """The work orders of this agency's own sources, the oldest first."""
    with reading(node) as con:
        Lake(node.place("lake")).attach(con, RECORD_TYPE)
        rows = con.execute(
            f"SELECT {', '.join(_FIELDS)} FROM {RECORD_TYPE}_current WHERE {own_sql(node)} "
            "ORDER BY accept_time, record_id"
        ).fetchall()
    found = (dict(zip(_FIELDS, row, strict=True)) for row in rows)
    return [Order(values["record_id"], values["work_order_no"], values) for values in found]


def order_of(matter: Matter, orders: Iterable[Order]) -> Order | None:
    """The order that a matter is about."""
    return next((o for o in orders if o.record_id in matter.opening.subject_record_ids), None)


def make_lead(
    node: Node,
    number: str,
    now: datetime,
    *,
    suspected: str | None = None,
    cause: str | None = None,
    division: str | None = None,
    to: str | None = None,
) -> Done:
    """Make a lead of an order: who is complained about and the vehicle, nothing of the caller.

    ``suspected``: what an officer writes of it, else only the kind of order. ``division``: where
    the act was done (GB/T 2260); ``to``: the agency that it is for. Without it the lead is this
    agency's own and goes to nobody until it is referred. Raises ``ConfigError`` for an unknown
    number or an order that has its lead.
    """
    matter = find_matter(matters_of(node, PROCEDURE), number)
    order = order_of(matter, orders_of(node))
    if order is None or order.values["data_status"] in _GONE:
        raise ConfigError(
            Text(en="the order is gone at its source", zh="来源系统中已没有该工单"),
            hint=Text(en="close it: hefu hotline close", zh="请办结：hefu hotline close"),
        )
    lead_no = lead_number(node.agency.code, order.record_id, "")
    act = following(
        node,
        matter,
        "make_lead",
        now,
        result_record_id=lead_record_id(node.agency.code, lead_no),
        result_no=lead_no,
    )
    check(node, act, now)
    lead = _lead(node, order, lead_no) | {
        "suspected_violation": suspected or _unsaid(order),
        "common_cause_code": cause,
        "violation_division_code": division,
        "to_org": to or node.agency.code,
    }
    check_all_there([lead_no], append_leads(node, [lead], now))
    return do(node, act, now)


def _lead(node: Node, order: Order, lead_no: str) -> dict[str, Any]:
    """Neither the order's number nor its identifier goes along: they lead to who called."""
    names = ("division_code", "business_domain", *_RESPONDENT, *VEHICLE)
    hotline = order.values["hotline"]
    return {name: order.values[name] for name in names} | {
        "lead_no": lead_no,
        "lead_source": hotline if hotline in _SOURCES else "other_agency",
        "lead_type": "transfer",
        "discovered_time": order.values["accept_time"],
        "from_org": node.agency.code,
        "origin_record_type": RECORD_TYPE,
    }


def _unsaid(order: Order) -> str:
    kind = order.values["hotline_business_type"]
    label = next((r.label_zh for r in canonical("hotline_business_type") if r.code == kind), "")
    return f"热线{label}反映的涉嫌违法行为（详情由承办机关掌握）"


# ---- answers ------------------------------------------------------------------------------------


def results_in(node: Node) -> list[Result]:
    """Orders that wait for an answer and can have one: the referral of their lead was answered, or
    this agency's own system has disposed of the lead."""
    acts = acts_of(node)
    waiting = [m for m in matters_of(node, PROCEDURE, acts) if m.state_name == "lead_made"]
    if not waiting:
        return []
    referrals = matters_of(node, "referral", acts)
    with reading(node) as con:
        leads = made_leads(con, Lake(node.place("lake")), node).values()
    copies = {lead.record_id: lead.origin_record_id for lead in leads}
    by_lead = [
        (referral, {*subjects, *(copies.get(one) for one in subjects)})
        for referral in referrals
        for subjects in [referral.opening.subject_record_ids]
    ]
    dispositions = own_dispositions(node)
    found = (_result(matter, by_lead, dispositions) for matter in waiting)
    return [one for one in found if one is not None]


def _result(
    matter: Matter,
    by_lead: Sequence[tuple[Matter, set[str | None]]],
    dispositions: Sequence[Mapping[str, Any]],
) -> Result | None:
    made = matter.last_of("make_lead")
    if made is None:
        return None
    for referral, leads in by_lead:
        if made.result_record_id in leads:
            found = _of_referral(matter, referral)
            if found is not None:
                return found
    for row in reversed(dispositions):
        if made.result_record_id == row["refers_to_record_id"] or (
            made.result_no == row["refers_to_no"]
        ):
            found = _of_disposition(matter, row)
            if found is not None:
                return found
    return None


def _of_referral(matter: Matter, referral: Matter) -> Result | None:
    fed_back = referral.last_of("feed_back")
    number = referral.key.no
    if fed_back is not None and fed_back.result_code:
        source = Text(en=f"fed back in {number}", zh=f"{number} 已反馈结果")
        return Result(matter, fed_back.result_code, fed_back.result_no, source)
    if referral.last_of("decline") is not None:
        source = Text(en=f"not filed in {number}", zh=f"{number} 不予立案")
        return Result(matter, "unfounded", None, source)
    return None


def _of_disposition(matter: Matter, row: Mapping[str, Any]) -> Result | None:
    number = row["disposition_no"]
    source = Text(en=f"disposition {number}", zh=f"处置反馈 {number}")
    if row["disposition_action"] == "not_filed" or row["filing_decision"] == "not_filed":
        return Result(matter, "unfounded", None, source)
    if row["disposition_action"] == "closed":
        return Result(matter, "handled", row["result_case_no"], source)
    return None


def answer(
    node: Node,
    number: str,
    now: datetime,
    *,
    result_code: str | None = None,
    summary: str | None = None,
    **more: Any,
) -> Done:
    """Answer an order: an officer's words, with the result that is in unless one is given.

    Raises ``ConfigError`` if there is neither.
    """
    matter = find_matter(matters_of(node, PROCEDURE), number)
    if result_code is None:
        found = next((r for r in results_in(node) if r.matter.key == matter.key), None)
        if found is None:
            raise ConfigError(
                Text(en="there is no result yet for this order", zh="该工单尚无可用的办理结果"),
                hint=Text(
                    en="say it: --result CODE (hefu dictionary act_result)",
                    zh="请写明：--result 代码（hefu dictionary act_result）",
                ),
            )
        result_code = found.result_code
        if found.result_no:
            more.setdefault("result_no", found.result_no)
    given = {"result_code": result_code, "result_summary": summary} | more
    return do(node, following(node, matter, "answer", now, **given), now)
