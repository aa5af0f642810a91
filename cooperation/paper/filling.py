"""The values of a paper's placeholders, from a matter, its acts and the records that it names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cooperation.paper.kinds import MATERIALS, RECORD_FIELDS, Kind, fields_of_kind
from cooperation.paper.words import CHINA, Blank, clean, day_in_figures, day_in_numerals, in_words
from cooperation.procedures.act import Act, Material
from cooperation.procedures.fold import Matter
from cooperation.procedures.guards import competent_of, proposal_of
from schemas.codes import canonical
from schemas.contract import load_contract
from schemas.errors import ConfigError
from schemas.text import Text

Value = str | list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class Facts:
    """What a paper is filled from.

    ``records``: what the matter is about, as contract field → value, with ``record_type``;
    ``names``: of agencies by code; ``given``: placeholders whose text the officer gave.
    """

    matter: Matter
    org: str
    records: Sequence[Mapping[str, Any]]
    names: Mapping[str, str]
    now: datetime
    given: Mapping[str, str] = field(default_factory=dict)


def fill(kind: Kind, facts: Facts) -> dict[str, Value]:
    """Every placeholder of the kind; :class:`Blank` where nothing is known.

    Raises ``ConfigError`` if the kind is not for such a matter, or the officer gave a placeholder
    that there is not.
    """
    _check(kind, facts)
    told: dict[str, str] = _letter(kind, facts) | _of_matter(facts) | _of_records(facts.records)
    told |= {name: clean(text) for name, text in facts.given.items()}
    values: dict[str, Value] = {f.name: told.get(f.name) or Blank() for f in fields_of_kind(kind)}
    values[MATERIALS] = _materials(facts.matter)
    return values


def _check(kind: Kind, facts: Facts) -> None:
    name = facts.matter.table.name
    if kind.procedures and name not in kind.procedures:
        raise ConfigError(
            Text(
                en=f"{kind.name} is not written in a matter of {name}",
                zh=f"“{facts.matter.table.label_zh}”事项不使用“{kind.label.zh}”",
            ),
            hint=Text(en="see hefu paper kinds", zh="请用 hefu paper kinds 查看各文书适用的事项"),
        )
    known = [f.name for f in fields_of_kind(kind)]
    unknown = sorted(set(facts.given) - set(known))
    if unknown:
        raise ConfigError(
            Text(
                en=f"{kind.name} has no field {', '.join(unknown)}",
                zh=f"“{kind.label.zh}”没有字段：{'、'.join(unknown)}",
            ),
            hint=Text(en=f"there are: {', '.join(known)}", zh=f"可用字段：{'、'.join(known)}"),
        )


def addressee(kind: Kind, matter: Matter, org: str) -> str | None:
    """Whom a paper of this agency in that matter goes to: an organisation's code."""
    others = (matter.orgs.get(role) for role in kind.addressee)
    return next((code for code in others if code and code != org), None)


def _letter(kind: Kind, facts: Facts) -> dict[str, str]:
    matter = facts.matter
    acts = [a.act for a in reversed(matter.applied)]
    own = [a for a in acts if a.acting_org == facts.org]
    document = _first((a for code in kind.acts for a in own if a.code == code), "document_no")
    reason = next((a for a in acts if a.reason_code or a.reason_text), None)
    moment = next((a.act_time for code in kind.acts for a in own if a.code == code), facts.now)
    to = addressee(kind, matter, facts.org)
    copied = [o for o in (acts[0].party_orgs if acts else ()) if o not in matter.party_orgs]
    day = moment.astimezone(CHINA).date()
    nos = dict.fromkeys(no for a in reversed(acts) for no in a.subject_nos if no)
    return {
        "文号": document,
        "本机关": _name(facts, facts.org),
        "本机关代码": facts.org,
        "主送机关": _name(facts, to),
        "抄送机关": "、".join(_name(facts, code) for code in copied),
        "日期": day_in_numerals(day),
        "日期数字": day_in_figures(day),
        "事项编号": matter.key.no,
        "所涉编号": "、".join(clean(no) for no in nos),
        "法律依据": clean(matter.table.source),
        "理由": in_words(reason.reason_code if reason else None, _labels("act_reason")),
        "理由说明": in_words(reason.reason_text if reason else None),
        "要求办结时间": in_words(next((a.due_time for a in acts if a.due_time), None)),
        "办理人": _first(own, "actor_name"),
        "执法证号": in_words(
            next((a.officer_certificate_nos for a in acts if a.officer_certificate_nos), None)
        ),
    }


def _of_matter(facts: Facts) -> dict[str, str]:
    matter = facts.matter
    acts = [a.act for a in reversed(matter.applied)]
    approval, report = matter.last_of("approve"), matter.last_of("report")
    proposal = proposal_of(matter)
    other = next(
        (c for r in ("receiver", "origin") if (c := matter.orgs.get(r)) != facts.org), None
    )
    role = approval.approver_role if approval else None
    correction = matter.last_of("revoke") or matter.last_of("erase")
    return {
        "涉嫌罪名": _first(acts, "suspected_offence"),
        "报告日期": _day(report),
        "批准日期": _day(approval),
        "批准人职务": in_words(role, _labels("approver_role")),
        "抄送检察院": _name(facts, matter.orgs.get("procuratorate")),
        "对方机关": _name(facts, other),
        "拟定管辖机关": _name(facts, proposal.competent_org if proposal else None),
        "管辖机关": _name(facts, competent_of(matter)),
        "提出日期": _day(matter.applied[0].act) if matter.applied else "",
        "撤回依据文书": in_words(correction.document_no if correction else None),
    }


def _of_records(records: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    return {
        f.name: next(
            (text for column in f.columns for record in records if (text := _told(record, column))),
            "",
        )
        for f in RECORD_FIELDS
    }


def _told(record: Mapping[str, Any], column: str) -> str:
    value = record.get(column)
    if value is None or value == "unmapped":
        return ""
    code_list = load_contract(str(record["record_type"])).field(column).code_list
    return in_words(value, _labels(code_list) if code_list else None)


def _materials(matter: Matter) -> list[dict[str, str]]:
    """Of the newest act that names any."""
    named = next((a.act.materials for a in reversed(matter.applied) if a.act.materials), ())
    return [_material(number, item) for number, item in enumerate(named, 1)]


def _material(number: int, item: Material) -> dict[str, str]:
    kind = in_words(item.kind, _labels("material_kind"))
    return {
        "序号": str(number),
        "种类": kind,
        "名称": clean(item.title) or kind,
        "附送情况": in_words(item.state, _labels("material_state")),
        "摘要": item.sha256[:16],
    }


def _name(facts: Facts, code: str | None) -> str:
    return clean(facts.names.get(code, code)) if code else ""


def _first(acts: Iterable[Act], name: str) -> str:
    return next((text for act in acts if (text := in_words(getattr(act, name)))), "")


def _day(act: Act | None) -> str:
    return day_in_figures(act.act_time.astimezone(CHINA).date()) if act else ""


def _labels(code_list: str) -> dict[str, str]:
    return {row.code: row.label_zh for row in canonical(code_list)}
