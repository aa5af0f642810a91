"""Matters on a terminal and as JSON: what is next, who has to do it, until when, what was done."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from hefu.commands.clock_words import article_of, end_of, length_of, standing_words
from hefu.terminal import say, say_data, say_json, say_table, say_warning, show_time, tr
from schemas.masking import mask, mask_text

if TYPE_CHECKING:
    from cooperation.procedures.act import Act
    from cooperation.procedures.clocks import Clock
    from cooperation.procedures.fold import Matter, Overtaken
    from hefu.node import Node

_DASH = "–"


class Shown:
    """What showing matters needs of a node, read once: names of agencies, the law, the moment."""

    def __init__(self, node: Node, now: datetime):
        from flows.matters import law_of

        self.org, self.now = node.agency.code, now
        self.law = law_of(node, now)
        self._names = {party.code: party.name for a in node.agreements() for party in a.parties}
        self._names |= {partner.code: partner.config.name for partner in node.partners()}
        self._names[node.agency.code] = node.agency.name
        self._told: dict[str, str] = {}
        self._codes: dict[str, dict[str, str]] = {}

    def name(self, code: str | None) -> str:
        """The agency's name as far as it is known, else its code."""
        known = code or ""
        return self._names.get(known) or self._told.get(known) or known or _DASH

    def has_node(self, code: str) -> bool:
        """Whether an agreement or a partner's card names it."""
        return code in self._names

    def note_names(self, acts: Iterable[Act]) -> None:
        """What acts call bodies that no agreement names."""
        for act in acts:
            for code, name in (
                (act.acting_org, act.acting_org_name),
                (act.to_org, act.to_org_name),
            ):
                if code and name:
                    self._told.setdefault(code, name)

    def label(self, code_list: str, code: str | None) -> str:
        """The label of a code in the reader's language."""
        from schemas.codes import canonical

        if code is None:
            return _DASH
        if code_list not in self._codes:
            rows = canonical(code_list)
            self._codes[code_list] = {row.code: tr(row.label_en, row.label_zh) for row in rows}
        return self._codes[code_list].get(code, code)

    def clocks(self, matter: Matter) -> list[Clock]:
        from cooperation.procedures.clocks import clocks

        return clocks(matter, self.law, self.now)

    def running(self, matter: Matter) -> list[Clock]:
        """The clocks that run, the one that ends first before the others."""
        found = [clock for clock in self.clocks(matter) if clock.stopped is None]
        return sorted(found, key=lambda clock: clock.due)

    def is_ours(self, matter: Matter) -> bool:
        """Whether this agency has to do what comes next."""
        return matter.awaits(self.org)

    def who(self, matter: Matter) -> str:
        """Who has to do what comes next."""
        roles = matter.table.next_roles(matter.state_name) if matter.is_open else ()
        return tr(", ", "、").join(self.player(matter, role) for role in roles) or _DASH

    def player(self, matter: Matter, role: str, org: str | None = None) -> str:
        """The name of who plays the role (``org``: who played it then), else the role."""
        code = org or matter.orgs.get(role)
        return self.name(code) if code else str(matter.table.role(role).label)


def say_list(
    node: Node,
    procedure: str,
    now: datetime,
    *,
    mine: bool,
    everything: bool,
    as_json: bool,
) -> None:
    """The matters of one procedure, those that are due first before the others."""
    from flows.matters import matters_of

    shown = Shown(node, now)
    found = [m for m in matters_of(node, procedure) if m.applied and (m.is_open or everything)]
    found = [m for m in found if not mine or shown.is_ours(m)]
    for matter in found:
        shown.note_names(a.act for a in matter.applied)
    due = {m.key: _due(shown, m) for m in found}
    found.sort(key=lambda m: (due[m.key] is None, due[m.key] or now, m.key))
    if as_json:
        from hefu.commands.matter_json import matter_as_json

        say_json([matter_as_json(shown, m, reveal=False, whole=False) for m in found])
        return
    say_table(
        [
            tr("number", "编号"),
            tr("state", "状态"),
            tr("since", "自"),
            tr("about", "所涉案件、线索"),
            tr("next", "下一步"),
            tr("by", "由谁"),
            tr("until", "期限"),
        ],
        [_list_row(shown, m) for m in found],
        empty=tr("none", "（无）"),
    )
    ours = sum(shown.is_ours(m) for m in found)
    if ours and not mine:
        say(tr(f"{ours} wait for this agency (--mine)", f"其中 {ours} 件轮到本机关办理（--mine）"))


def _due(shown: Shown, matter: Matter) -> datetime | None:
    running = shown.running(matter)
    return running[0].due if running else None


def _list_row(shown: Shown, matter: Matter) -> tuple[str, ...]:
    running = shown.running(matter)
    return (
        matter.key.no,
        str(matter.state.label),
        show_time(matter.since),
        mask_text("、".join(no for no in matter.opening.subject_nos if no)) or _DASH,
        _next_words(matter),
        shown.who(matter),
        until(running[0]) if running else _DASH,
    )


def _next_words(matter: Matter) -> str:
    """What is next, without who, which stands beside it."""
    text = str(matter.state.next)
    return text.partition("：")[2] or text or _DASH


def until(clock: Clock) -> str:
    """As :func:`end_of`, and whether it is near or has passed."""
    text = end_of(clock)
    if clock.standing == "overdue":
        text += tr(" OVERDUE", " 已逾期")
    elif clock.standing == "due_soon":
        text += tr(" soon", " 即将到期")
    return text


def say_state(shown: Shown, matter: Matter) -> None:
    """The state, what comes next and until when, in three lines on stderr."""
    say(tr(f"state: {matter.state.label.en}", f"状态：{matter.state.label.zh}"))
    if not matter.is_open:
        say(tr("nothing more is to be done", "已结束，无需办理"))
        return
    say(tr(f"next: {matter.state.next.en}", f"下一步：{matter.state.next.zh}"))
    for clock in shown.running(matter):
        who = shown.player(matter, clock.who)
        article = article_of(clock)
        say(
            tr(
                f"until {until(clock)}: {clock.row.duty.en}, by {who} ({article})",
                f"期限 {until(clock)}：{clock.row.duty.zh}，由{who}办理（{article}）",
            )
        )
    say(tr(f"commands: {commands_now(shown, matter)}", f"可用命令：{commands_now(shown, matter)}"))


def commands_now(shown: Shown, matter: Matter) -> str:
    """The acts that this agency can do or enter now."""
    mine = set(matter.roles_of(shown.org))
    found = [
        f"{row.act.replace('_', '-')}{tr(f' ({row.label_en})', f'（{row.label_zh}）')}"
        for row in matter.possible()
        if mine & set(row.by) or any(matter.table.role(r).outside for r in row.by)
    ]
    return tr(", ", "、").join(found) or tr("none; the other side acts", "无，等待对方办理")


def say_matter(
    node: Node, procedure: str, number: str, now: datetime, *, reveal: bool, as_json: bool
) -> None:
    """Everything about one matter."""
    from flows.matters import find_matter, matters_of

    matter = find_matter(matters_of(node, procedure), number)
    shown = Shown(node, now)
    shown.note_names(a.act for a in matter.applied)
    if reveal:
        say_warning(
            tr(
                "personal data follows: don't copy it into messages or tickets",
                "以下为个人信息原文，请勿复制到消息或工单中",
            )
        )
    if as_json:
        from hefu.commands.matter_json import matter_as_json

        say_json(matter_as_json(shown, matter, reveal=reveal))
        return
    say_data(f"{matter.key.no}  {matter.table.label}  {matter.state.label}")
    for role, code in matter.orgs.items():
        label = matter.table.role(role).label
        say_data(tr(f"{label.en}: ", f"{label.zh}：") + f"{shown.name(code)} {code}")
    _say_subjects(shown, matter)
    _say_acts(shown, matter, reveal=reveal)
    _say_overtaken(shown, matter.overtaken)
    _say_clocks(shown, matter)
    say_state(shown, matter)


def _say_subjects(shown: Shown, matter: Matter) -> None:
    act = matter.opening
    numbers = mask_text("、".join(no for no in act.subject_nos if no))
    if numbers or act.subject_record_ids:
        about = numbers or tr("records", "记录") + " " + ", ".join(act.subject_record_ids)
        cause = shown.label("case_cause", act.case_cause_code) if act.case_cause_code else ""
        say_data(tr("about: ", "所涉案件、线索：") + "  ".join(filter(None, (about, cause))))


def _say_acts(shown: Shown, matter: Matter, *, reveal: bool) -> None:
    say_table(
        [
            tr("time", "时间"),
            tr("act", "环节"),
            tr("by", "办理机关"),
            tr("person", "办理人"),
            tr("document", "文书"),
            tr("told", "说明"),
        ],
        [
            (
                show_time(applied.act.act_time),
                str(applied.row.label),
                shown.name(applied.act.acting_org),
                _person(shown, applied.act, reveal=reveal),
                applied.act.document_no or _DASH,
                _told(shown, applied.act, reveal=reveal),
            )
            for applied in matter.applied
        ],
        title=tr("Acts", "办理过程"),
    )


def _person(shown: Shown, act: Act, *, reveal: bool) -> str:
    if act.proposed_by_node:
        return tr("by a rule of the agreement", "按协议规则自动形成")
    name = act.actor_name or ""
    role = shown.label("approver_role", act.approver_role) if act.approver_role else ""
    role = role or (shown.label("decider_role", act.acting_role) if act.acting_role else "")
    return " ".join(filter(None, (name if reveal else mask(name), role))) or _DASH


def _told(shown: Shown, act: Act, *, reveal: bool) -> str:
    """The other things that an act says, in words."""
    parts = [
        shown.label("act_reason", act.reason_code) if act.reason_code else "",
        _text(act.reason_text, reveal=reveal),
        shown.label("act_result", act.result_code) if act.result_code else "",
        act.result_no or "",
        _text(act.result_summary, reveal=reveal),
        tr("competent: ", "管辖机关：") + shown.name(act.competent_org)
        if act.competent_org
        else "",
        tr("to: ", "对方：") + shown.name(act.to_org) if act.to_org else "",
        _materials(shown, act),
        tr("signed decision", "有签名决定") if act.decision_sha256 else "",
        _entered(shown, act),
    ]
    return tr("; ", "；").join(filter(None, parts)) or _DASH


def _named(shown: Shown, before: str, code: str | None) -> str:
    return before + shown.name(code) if code else ""


def _text(value: str | None, *, reveal: bool) -> str:
    return (value or "") if reveal else mask_text(value or "")


def _materials(shown: Shown, act: Act) -> str:
    return tr(", ", "、").join(
        f"{shown.label('material_kind', m.kind)} {shown.label('material_state', m.state)}"
        for m in act.materials
    )


def _entered(shown: Shown, act: Act) -> str:
    """Who entered what another body did."""
    if act.source_org == act.acting_org:
        return ""
    name = shown.name(act.source_org)
    return tr(f"entered by {name}", f"由{name}登记")


def _say_overtaken(shown: Shown, overtaken: tuple[Overtaken, ...]) -> None:
    say_table(
        [tr("time", "时间"), tr("act", "环节"), tr("by", "办理机关"), tr("why", "未生效的原因")],
        [
            (
                show_time(o.act.act_time),
                shown.label("act_code", o.act.code),
                shown.name(o.act.acting_org),
                str(o.reason),
            )
            for o in overtaken
        ],
        title=tr("Acts that did not count", "未生效的环节"),
        empty="",
    )


def _say_clocks(shown: Shown, matter: Matter) -> None:
    say_table(
        [
            tr("period", "期限"),
            tr("who", "由谁"),
            tr("began", "起算"),
            tr("length", "长度"),
            tr("until", "届满"),
            tr("standing", "情况"),
            tr("article", "依据"),
        ],
        [
            (
                str(clock.row.label),
                shown.player(matter, clock.who, clock.org),
                show_time(clock.started),
                length_of(clock),
                end_of(clock),
                standing_words(clock),
                article_of(clock),
            )
            for clock in shown.clocks(matter)
        ],
        title=tr("Periods", "期限"),
        empty="",
    )
