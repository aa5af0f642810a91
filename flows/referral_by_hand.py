"""Referring by hand: one record, by an officer's choice, to an agency of an agreement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from cooperation.procedures.act import Act
from cooperation.procedures.fold import Matter
from cooperation.referral.leads import why_there
from cooperation.referral.routes import Left
from exchange.agreement.versions import in_force
from flows.acting import Done, check, do, following, opening
from flows.matters import law_of, matters_of
from flows.referral_leads import (
    Addressed,
    MadeLead,
    append_leads,
    check_all_there,
    goes_as_it_is,
    lead_id_of,
    lead_no_of,
    lead_values,
    made_leads,
)
from flows.referral_records import ADAPTERS, Referable
from flows.referral_terms import answer_due, party_name, reachable, send_by
from flows.workspace import reading
from hefu.node import Node
from lake.store import Lake
from schemas.errors import ConfigError
from schemas.sql import literal
from schemas.text import Text

PROCEDURE = "referral"
_OVERLOAD = "overload_road"


def refer(
    node: Node,
    record: str,
    to: str,
    now: datetime,
    *,
    kind: str | None = None,
    reason: str | None = None,
    due: datetime | None = None,
    draft: bool = False,
    **more: Any,
) -> Done:
    """Refer one record of ours: by its identifier, or number (of a case, decision, lead or
    snapshot), to an agency of an agreement.

    ``kind``: code of ``lead_type``, by default ``copy_notice``. ``reason``: why the receiver is
    competent, in words. ``draft``: only draft it, to be checked and sent. ``more``: fields of the
    act (who, papers), and ``again``: a word that tells a second referral of the same record to the
    same agency from the first. Raises ``ConfigError`` if it can't go, or went already.
    """
    if to == node.agency.code:
        raise ConfigError(Text(en="that is this agency itself", zh="接收机关就是本机关"))
    _check_reachable(node, to, now)
    found, made = _find(node, record)
    _check_fit(found)
    addressed = _addressed(node, found, to, now, due=due, kind=kind, reason=reason)
    act = opening_act(
        node, "draft" if draft else "send", found, addressed, now, reason_text=reason, **more
    )
    for matter in matters_of(node, PROCEDURE):
        if matter.key == act.matter:
            raise _referred_already(matter)
    lead_no = lead_no_of(node, found, to)
    if not goes_as_it_is(found, to) and lead_no not in made:
        values = lead_values(node, found, lead_no, addressed)
        if draft:
            values["sharing_attribute"] = "not_shared"
        check_all_there([lead_no], append_leads(node, [values], now))
    return do(node, act, now)


def send_draft(node: Node, matter: Matter, now: datetime, **more: Any) -> Done:
    """Send a checked draft: its lead, kept at home until now, may go from here on."""
    with reading(node) as con:
        made = made_leads(con, Lake(node.place("lake")), node)
    kept = [
        {**lead.values, "sharing_attribute": "conditional"}
        for lead in made.values()
        if lead.record_id in matter.opening.subject_record_ids
        and lead.values["sharing_attribute"] == "not_shared"
    ]
    act = following(node, matter, "send", now, **more)
    check(node, act, now)
    check_all_there([str(lead["lead_no"]) for lead in kept], append_leads(node, kept, now))
    return do(node, act, now)


_ON_PAPER = "已书面抄告，不待反馈办结"


def notified(
    node: Node, record: str, to: str, to_name: str, document_no: str, now: datetime,
    *, sent: datetime | None = None, **more: Any,
) -> Done:  # fmt: skip
    """Note that a finished case was notified on paper to a body that no agreement reaches: a
    referral that is closed at once, and the duty to notify has ended. Nothing leaves the node.

    ``sent``: when the paper went. Noting it twice changes nothing. Raises ``ConfigError`` for a
    record that may not go, or an addressee that can be referred to.
    """
    if to == node.agency.code or reachable(node, to, now):
        raise ConfigError(
            Text(
                en="that agency can be referred to by this node",
                zh="该机关可以由本节点直接抄告，不必登记书面抄告",
            ),
            hint=Text(
                en=f"hefu refer send {record} --to {to}", zh=f"hefu refer send {record} --to {to}"
            ),
        )
    found, _ = _find(node, record)
    _check_fit(found)
    addressed = Addressed(to, "copy_notice", "", "", None)
    act = replace(
        opening_act(
            node, "send", found, addressed, now, act_time=sent, document_no=document_no, **more
        ),
        to_org_name=to_name,
    )
    matter = next((m for m in matters_of(node, PROCEDURE) if m.key == act.matter), None)
    if matter is not None and not matter.is_open:
        raise _referred_already(matter)
    if matter is None:
        matter = do(node, act, now).matter
    closing = following(
        node, matter, "close", now, act_time=sent, reason_text=_ON_PAPER, document_no=document_no
    )
    return do(node, closing, now)


def _addressed(
    node: Node, found: Referable, to: str, now: datetime, *,
    due: datetime | None, kind: str | None, reason: str | None,
) -> Addressed:  # fmt: skip
    law = law_of(node, now)
    by = send_by(node, found.candidate, law)
    basis = by.basis.article if by and found.candidate.cause == _OVERLOAD else ""
    why = reason or why_there(None, by="addressee", derived=False, basis=basis).zh
    until = due or answer_due(node, to, law, now)
    return Addressed(to, kind or "copy_notice", why, basis, until)


def opening_act(
    node: Node,
    code: str,
    record: Referable,
    addressed: Addressed,
    now: datetime,
    **more: Any,
) -> Act:
    """The act that opens the referral of a record, not yet written."""
    to = addressed.to_org
    return opening(
        node,
        PROCEDURE,
        code,
        now,
        to_org=to,
        to_org_name=party_name(node, to, now),
        subject_record_ids=(lead_id_of(node, record, to),),
        subject_record_type="lead",
        subject_nos=(lead_no_of(node, record, to),),
        case_cause_code=record.candidate.cause,
        due_time=addressed.due,
        **more,
    )


def _find(node: Node, wanted: str) -> tuple[Referable, Mapping[str, MadeLead]]:
    lake = Lake(node.place("lake"))
    with reading(node) as con:
        found = [
            one
            for adapter in ADAPTERS.values()
            for one in adapter.read(
                con, lake, node,
                " OR ".join(f"{n} = {literal(wanted)}" for n in ("record_id", *adapter.numbers)),
            )
        ]  # fmt: skip
        made = made_leads(con, lake, node)
    if len(found) == 1:
        return found[0], made
    if found:
        raise ConfigError(
            Text(
                en=f"{len(found)} records have that number", zh=f"有 {len(found)} 条记录使用该编号"
            ),
            hint=Text(en="name it by its record identifier", zh="请改用记录标识指定"),
        )
    raise ConfigError(
        Text(
            en="there is no case, lead or snapshot of this agency with that number or identifier",
            zh="本机关没有使用该编号或者标识的案件、线索或者累计快照",
        ),
        hint=Text(
            en="what a partner sent is not passed on: tell the partner with hefu refer forward or "
            "reject, and let it refer the matter itself",
            zh="对方发来的材料不得自行转交；请用 hefu refer forward 或者 reject 告知对方，"
            "由其另行移送",
        ),
    )


def _check_reachable(node: Node, to: str, now: datetime) -> None:
    if reachable(node, to, now):
        return
    partners = sorted(
        {p.code for a in in_force(node.agreements(), now) for p in a.parties} - {node.agency.code}
    )
    possible = [code for code in partners if reachable(node, code, now)]
    raise ConfigError(
        Text(
            en=f"no agreement in force lets leads and acts go to {to}",
            zh=f"没有生效的协议允许向 {to} 发送线索和办理环节",
        ),
        hint=Text(
            en=f"possible: {', '.join(possible) or 'none'}; else notify that agency on paper",
            zh=f"可以发往：{'、'.join(possible) or '（无）'}；其他机关请书面抄告",
        ),
    )


def _check_fit(found: Referable) -> None:
    if found.candidate.unfit in (None, "foreign_subject"):
        if found.candidate.done == date.max:
            raise ConfigError(
                Text(en="the case is not closed yet", zh="该案件尚未结案"),
                hint=Text(
                    en="a finished case is notified; refer the lead instead, or wait for closing",
                    zh="抄告的是已办结案件；尚未办结的，请移送线索，或者结案后再抄告",
                ),
            )
        return
    words = Left(found.candidate, found.candidate.unfit).words
    raise ConfigError(Text(en=f"it can't be referred: {words.en}", zh=f"不能移送：{words.zh}"))


def _referred_already(matter: Matter) -> ConfigError:
    state = matter.state.label
    return ConfigError(
        Text(
            en=f"it was referred to that agency already: {matter.key.no} ({state.en})",
            zh=f"已向该机关移送：{matter.key.no}（{state.zh}）",
        ),
        hint=Text(
            en=f"see hefu refer show {matter.key.no}; a second one: --again WORD",
            zh=f"请看 hefu refer show {matter.key.no}；确需再次移送的，加 --again 说明",
        ),
    )
