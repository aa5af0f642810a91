"""Referrals on a terminal: what routes did, what stays and why, the lead, the delivery."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from hefu.commands.matter_shown import Shown
from hefu.terminal import say, say_data, say_table, say_warning, show_time, tr
from schemas.masking import mask_text, masked

if TYPE_CHECKING:
    from cooperation.procedures.fold import Matter
    from cooperation.referral.routes import Place
    from flows.dispositions import TakenOver
    from flows.referral_standing import ResultIn
    from flows.referral_terms import SendBy
    from flows.referring import Opened, Routed, Stayed
    from hefu.node import Node

_DASH = "–"
#: Reasons for which nobody has to do anything: told as a number.
_QUIET = ("not_shared", "discipline", "revoked", "no_violation", "criminal", "own_territory",
          "before_agreement")  # fmt: skip
#: What an officer looks at first, in the order of art. 44 of 超限运输车辆行驶公路管理规定.
_SHOWN = (
    "lead_type", "suspected_violation", "occurred_time", "violation_place",
    "violation_division_code", "common_cause_code", "total_weight_kg", "limit_weight_kg",
    "overlimit_rate", "vehicle_plate_no", "vehicle_plate_color", "vehicle_type",
    "vehicle_operator_name", "transport_certificate_no", "vehicle_registration_division",
    "party_name", "driver_name", "qualification_certificate_no", "driver_employer_name",
    "origin_unit_name", "loading_slip_no", "origin_record_no", "penalty_decision_no",
    "decision_date", "penalty_content", "fine_amount_cny", "closed_date", "jurisdiction_reason",
    "feedback_due_time",
)  # fmt: skip


def say_views(node: Node, matters: Iterable[Matter]) -> None:
    """How many referrals are in which state, received and sent."""
    received: Counter[str] = Counter()
    sent: Counter[str] = Counter()
    for matter in matters:
        side = sent if matter.key.org == node.agency.code else received
        side[str(matter.state.label)] += 1
    for head, counts in ((tr("received", "收到"), received), (tr("sent", "发出"), sent)):
        if counts:
            parts = (f"{state} {count}" for state, count in counts.most_common())
            say(f"{head}{tr(': ', '：')}{tr(', ', '、').join(parts)}")


def say_results(found: Sequence[ResultIn]) -> None:
    """Which results are in and how they are fed back."""
    for one in found:
        no = mask_text(one.case_no)
        command = f"hefu refer feed-back {one.matter.key.no} --result {one.result_code}"
        say(
            tr(
                f"result is in ({no}): {command} --result-no {no}",
                f"已有结果（{no}）：{command} --result-no {no}",
            )
        )


# ---- routes -------------------------------------------------------------------------------------


def say_routed(node: Node, routed: Routed, now: datetime, *, dry_run: bool) -> None:
    """What was (or would be) referred, by which rule; what stays and why."""
    shown = Shown(node, now)
    say_table(
        [
            tr("record", "案件、线索"),
            tr("to", "接收机关"),
            tr("because", "理由"),
            tr("send by", "抄告期限"),
            tr("number", "事项编号"),
        ],
        [_opened_row(shown, one) for one in routed.opened],
        title=tr("To be referred", "将要移送") if dry_run else tr("Referred", "已移送"),
        empty=tr("nothing new to refer", "没有新的需要移送"),
    )
    loud = [s for s in routed.left if s.left.reason not in _QUIET]
    say_table(
        [
            tr("record", "案件、线索"),
            tr("place", "地点"),
            tr("why", "未移送的原因"),
            tr("notify by", "抄告期限"),
        ],
        [_left_row(one, now) for one in loud],
        title=tr("For an officer", "需人工处理"),
        empty="",
    )
    _say_changed(routed)
    quiet = Counter(str(s.left.words) for s in routed.left if s.left.reason in _QUIET)
    parts = [f"{words} {count}" for words, count in quiet.most_common()]
    say(
        tr(
            f"{len(routed.opened)} {'would be ' if dry_run else ''}referred, "
            f"{routed.already} referred before, {len(loud)} for an officer",
            f"{'将移送' if dry_run else '已移送'} {len(routed.opened)} 件，"
            f"此前已移送 {routed.already} 件，需人工处理 {len(loud)} 件",
        )
    )
    if parts:
        say(tr("left: ", "不移送：") + tr("; ", "；").join(parts))
    for article in dict.fromkeys(o.send_by.basis.article for o in routed.opened if o.send_by):
        say(tr(f"law: {article}", f"依据：{article}"))


def _opened_row(shown: Shown, one: Opened) -> tuple[str, ...]:
    candidate, rule = one.chosen.candidate, one.chosen.rule
    return (
        mask_text(candidate.no),
        shown.name(rule.to_org),
        _because(rule.by, one.chosen.place),
        _until(one.send_by, shown.now),
        one.matter.key.no if one.matter else _DASH,
    )


def _because(by: str, place: Place | None) -> str:
    words = {
        "registration_place": tr("registered there", "车籍地"),
        "act_place": tr("done there", "违法行为发生地"),
        "addressee": tr("named in it", "记录写明"),
    }[by]
    if place is None:
        return words
    derived = tr(", by the plate", "，由号牌推定") if place.derived else ""
    return tr(f"{words} ({place.code}{derived})", f"{words}（{place.code}{derived}）")


def _left_row(one: Stayed, now: datetime) -> tuple[str, ...]:
    place = one.left.place
    return (
        mask_text(one.left.candidate.no),
        place.code if place else _DASH,
        str(one.left.words),
        _until(one.send_by, now),
    )


def _until(by: SendBy | None, now: datetime) -> str:
    if by is None:
        return _DASH
    text = by.last_day.isoformat() + (tr(" (provisional)", "（暂定）") if by.provisional else "")
    return text + (tr(" OVERDUE", " 已逾期") if now >= by.due else "")


def _say_changed(routed: Routed) -> None:
    for one in routed.changed:
        no = mask_text(one.origin_no)
        if one.gone:
            say_warning(
                tr(
                    f"{no} was referred ({one.lead_no}) and is revoked or gone at its source",
                    f"{no} 已移送（{one.lead_no}），现已撤销或者来源已删除",
                ),
                tr(
                    "look at the referral: hefu refer list --all, then hefu refer withdraw",
                    "请查看该事项（hefu refer list --all），需要的用 hefu refer withdraw 撤回",
                ),
            )
        else:
            fields = ", ".join(one.fields)
            say(
                tr(
                    f"{no} was corrected after it was referred ({fields}): the lead "
                    f"{one.lead_no} is corrected too; hefu publish tells the receiver",
                    f"{no} 移送后有更正（{fields}），线索 {one.lead_no} 随之更正，"
                    "由下一次 hefu publish 告知接收机关",
                )
            )


def say_taken_over(taken: TakenOver) -> None:
    """What the agency's own system said of referrals, and what was not clear of it."""
    for done in taken.done:
        label = done.matter.table.rows_of(done.act.code)[0].label
        say(
            tr(
                f"{done.matter.key.no}: {label.en}, from this agency's own system",
                f"{done.matter.key.no}：{label.zh}（取自本机关业务系统的处置反馈）",
            )
        )
    for one in taken.left:
        say_warning(
            tr(
                f"disposition {mask_text(one.disposition_no)} of {one.matter.key.no}: "
                f"{one.reason.en}",
                f"{one.matter.key.no} 的处置反馈 {mask_text(one.disposition_no)}：{one.reason.zh}",
            )
        )


def routed_as_json(routed: Routed, taken: TakenOver) -> dict[str, Any]:
    """The same for another program."""
    return {
        "opened": [
            {
                "record_id": o.chosen.candidate.record_id,
                "record_type": o.chosen.candidate.record_type,
                "no": mask_text(o.chosen.candidate.no),
                "to": o.chosen.rule.to_org,
                "by": o.chosen.rule.by,
                "place": o.chosen.place.code if o.chosen.place else None,
                "derived": bool(o.chosen.place and o.chosen.place.derived),
                "agreement": o.chosen.rule.agreement,
                "lead_no": o.lead_no,
                "send_by": _due(o.send_by),
                "article": o.send_by.basis.article if o.send_by else None,
                "matter": o.matter.key.no if o.matter else None,
            }
            for o in routed.opened
        ],
        "left": [
            {
                "record_id": s.left.candidate.record_id,
                "record_type": s.left.candidate.record_type,
                "no": mask_text(s.left.candidate.no),
                "reason": s.left.reason,
                "words": {"en": s.left.words.en, "zh": s.left.words.zh},
                "place": s.left.place.code if s.left.place else None,
                "send_by": _due(s.send_by),
            }
            for s in routed.left
        ],
        "changed": [
            {"lead_no": c.lead_no, "fields": list(c.fields), "gone": c.gone, "status": c.status}
            for c in routed.changed
        ],
        "already": routed.already,
        "from_dispositions": [
            {"matter": d.matter.key.no, "act": d.act.code} for d in taken.done
        ],
        "dispositions_left": [
            {"disposition_no": mask_text(w.disposition_no), "matter": w.matter.key.no,
             "reason": {"en": w.reason.en, "zh": w.reason.zh}}
            for w in taken.left
        ],
    }  # fmt: skip


def _due(by: SendBy | None) -> str | None:
    return by.last_day.isoformat() if by else None


# ---- one referral -------------------------------------------------------------------------------


def say_standing(node: Node, number: str, now: datetime, *, reveal: bool) -> None:
    """The lead, whether the other side has our newest act, the limitation, a result of ours."""
    from flows.matters import find_matter, matters_of
    from flows.referral_standing import delivery_of, lead_of, results_in

    matter = find_matter(matters_of(node, "referral"), number)
    lead = lead_of(node, matter)
    if lead is None:
        say_warning(
            tr("the lead itself has not come (yet)", "线索本身尚未收到"),
            tr(
                "hefu receive; the agreement must grant the fields of lead",
                "请运行 hefu receive；协议须授权线索（lead）的字段",
            ),
        )
    else:
        _say_lead(node, matter, lead, now, reveal=reveal)
    delivery = delivery_of(node, matter, now)
    if delivery is not None:
        label = str(matter.applied[-1].row.label)
        for applied in matter.applied:
            if applied.act is delivery.act:
                label = str(applied.row.label)
        say(
            tr(
                f"delivery of “{label}”: {delivery.words.en}",
                f"“{label}”的送达：{delivery.words.zh}",
            )
        )
    say_results(results_in(node, [matter]))


def _say_lead(node: Node, matter: Matter, lead: Any, now: datetime, *, reveal: bool) -> None:
    from flows.matters import law_of
    from flows.referral_standing import limitation_of
    from schemas.contract import load_contract

    contract, shown = load_contract("lead"), Shown(node, now)
    rows = []
    for name in _SHOWN:
        value = lead.values.get(name)
        if value is None:
            continue
        field = contract.field(name)
        text = str(value) if reveal else masked(value, field.classification) or ""
        if field.code_list and field.code_list != "division":
            text = shown.label(field.code_list, str(value))
        if isinstance(value, datetime):
            text = show_time(value)
        rows.append((tr(field.label_en, field.label_zh), text))
    say_table(
        [tr("field", "项目"), tr("value", "内容")], rows, title=tr("Lead", "线索内容"), empty=""
    )
    if lead.status != "valid":
        status = shown.label("data_status", lead.status)
        say_warning(
            tr(f"the lead changed after it was sent: {status}", f"线索发出后有变动：{status}"),
            tr("hefu refer show again before you decide", "作出决定前请再次核对线索内容"),
        )
    ended = limitation_of(node, lead, law_of(node, now), now)
    if ended is not None and matter.orgs.get("receiver") == node.agency.code:
        say_data(
            tr(
                f"limitation: an act of {ended.ended} may be discovered until {ended.last_day} "
                f"({ended.bases[0].article})",
                f"追责时效：{ended.ended} 的违法行为，最迟于 {ended.last_day} 前发现"
                f"（{ended.bases[0].article}）",
            )
        )
