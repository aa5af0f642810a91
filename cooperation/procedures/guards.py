"""What is asked before an act is made, beyond the table: numbers of law, who decides, materials.

A guard gets the matter as it is, the act, and the law; it says what is missing, or nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from cooperation.procedures.act import Act
from cooperation.procedures.clocks import CHINA, Law, clocks
from cooperation.procedures.competent import PROPOSALS
from cooperation.procedures.competent import competent_of as competent_of
from cooperation.procedures.fold import Matter
from cooperation.procedures.table import Row
from schemas.codes import canonical
from schemas.law.jurisdiction import parameter
from schemas.text import Text

Guard = Callable[[Matter, Act, Law], Text | None]

#: 310号令 第六条: the materials that go with a transfer, and what each may be missing for.
MATERIALS = (
    "transfer_letter",
    "investigation_report",
    "property_list",
    "inspection_or_appraisal",
    "other",
)
#: A case without goods has no list of them, one that needs no expert no report. The letter and
#: the report on the case always exist.
MAY_NOT_APPLY = frozenset({"property_list", "inspection_or_appraisal", "other"})
HEADS = ("principal_head", "acting_head")
RESULTS_OF_JUSTICE = ("prosecuted", "convicted", "not_prosecuted", "closed_without_charge")


def broken(matter: Matter, row: Row, act: Act, law: Law) -> Iterator[Text]:
    """What stands against the act, by the guards that its row names."""
    for name in row.guards:
        said = GUARDS[name](matter, act, law)
        if said is not None:
            yield said


def _two_officers(matter: Matter, act: Act, law: Law) -> Text | None:
    least = int(_number("min_officers", matter, act.act_time, law))
    if len({no for no in act.officer_certificate_nos if no}) >= least:
        return None
    return Text(
        en=f"a team has at least {least} officers, each with a certificate number",
        zh=f"专案组应有{least}名以上执法人员，请逐一填写执法证号",
    )


def _head_decides(matter: Matter, act: Act, law: Law) -> Text | None:
    del matter, law
    if act.approver_role in HEADS:
        return None
    return Text(
        en="only the principal head or who is in charge of the work may decide (310号令 art. 5)",
        zh="应由正职负责人或者主持工作的负责人作出决定（310号令第五条）",
    )


def _five_materials(matter: Matter, act: Act, law: Law) -> Text | None:
    del matter, law
    missing = missing_materials(act)
    if not missing:
        return None
    labels = {row.code: row for row in canonical("material_kind")}
    return Text(
        en=f"materials are missing: {', '.join(labels[k].label_en for k in missing)} "
        "(310号令 art. 6)",
        zh=f"缺少材料：{'、'.join(labels[k].label_zh for k in missing)}（310号令第六条）",
    )


def missing_materials(act: Act) -> tuple[str, ...]:
    """Kinds of :data:`MATERIALS` that are not there. Of those that a case may be without
    (:data:`MAY_NOT_APPLY`) it is enough to say so; one that is told to be missing is missing."""
    there = {m.kind for m in act.materials if m.state == "present"}
    without = {m.kind for m in act.materials if m.state == "not_applicable"} & MAY_NOT_APPLY
    told_missing = {m.kind for m in act.materials if m.state == "missing"}
    return tuple(k for k in MATERIALS if k in told_missing or k not in there | without)


def _same_level_police(matter: Matter, act: Act, law: Law) -> Text | None:
    """The level is read from the codes' division; who has a reason may send it to another."""
    del law
    if not act.to_org or act.reason_text or _level(act.to_org) == _level(matter.key.org):
        return None
    return Text(
        en="it goes to the police of the same level (310号令 art. 5); if it goes elsewhere for a "
        "reason, give the reason in words",
        zh="应向同级公安机关移送（310号令第五条）；确有依据移送其他公安机关的，请写明理由",
    )


def _level(org: str) -> str:
    """Of a unified social credit code: the level of the division that it was given in."""
    division = org[2:8]
    if division.endswith("0000"):
        return "province"
    return "city" if division.endswith("00") else "county"


def _police_overdue(matter: Matter, act: Act, law: Law) -> Text | None:
    """Without a decision of the police there is nothing to supervise before their time is over."""
    running = [c for c in clocks(matter, law, act.act_time) if c.stopped is None]
    waiting = [c for c in running if c.who == "police" and c.standing != "overdue"]
    if not waiting:
        return None
    last = max(clock.last_day for clock in waiting)
    return Text(
        en=f"the police have until the end of {last} to decide; ask for supervision after that",
        zh=f"公安机关的办理期限到 {last} 为止，期满仍未作出决定的才能建议立案监督",
    )


def _result_of_justice(matter: Matter, act: Act, law: Law) -> Text | None:
    del matter, law
    if act.result_code in RESULTS_OF_JUSTICE:
        return None
    labels = {row.code: row for row in canonical("act_result")}
    return Text(
        en="the outcome is one of " + ", ".join(RESULTS_OF_JUSTICE),
        zh="司法结果应为：" + "、".join(labels[code].label_zh for code in RESULTS_OF_JUSTICE),
    )


def _no_judgment(matter: Matter, act: Act, law: Law) -> Text | None:
    del act, law
    outcome = matter.last_of("conclude")
    if outcome is None or outcome.result_code not in ("prosecuted", "convicted"):
        return None
    return Text(
        en="a court decides or has decided: no fine beside its own (行政处罚法 art. 35)",
        zh="案件已提起公诉或者判决，不能转为行政处罚（行政处罚法第三十五条）",
    )


def _competent_is_party(matter: Matter, act: Act, law: Law) -> Text | None:
    del law
    if act.competent_org in matter.party_orgs:
        return None
    return Text(
        en="only one of the two agencies can be proposed; another one is for the superior",
        zh="只能提议双方之一；认为应由其他机关管辖的，请报请共同上级指定",
    )


def _competent_is_addressed(matter: Matter, act: Act, law: Law) -> Text | None:
    del law
    if act.competent_org in matter.party_orgs:
        return Text(
            en="one of the two agencies was designated: enter it as designate",
            zh="被指定的是双方之一，请按“指定管辖”登记",
        )
    if act.competent_org == act.to_org:
        return None
    return Text(
        en="the agency designated is the one addressed: give its code for both",
        zh="被指定的机关应与对方机关一致，请填写同一机关代码",
    )


def _other_agency(matter: Matter, act: Act, law: Law) -> Text | None:
    del matter, law
    if act.to_org != act.acting_org:
        return None
    return Text(en="a dispute is with another agency", zh="管辖争议的对方应为其他机关")


def proposal_of(matter: Matter) -> Act | None:
    """The newest proposal of who is competent, of either side."""
    proposals = [a.act for a in matter.applied if a.act.code in PROPOSALS]
    return proposals[-1] if proposals else None


def _agrees_to_the_other(matter: Matter, act: Act, law: Law) -> Text | None:
    del law
    proposal = proposal_of(matter)
    if proposal is None or proposal.acting_org == act.acting_org:
        return Text(
            en="a proposal is agreed to by the other agency", zh="应由对方机关同意该管辖意见"
        )
    if proposal.competent_org != act.competent_org:
        return Text(
            en="the other agency proposed another one; propose yours, or agree to theirs",
            zh="与对方提议的机关不一致；请另行提议，或者同意对方的意见",
        )
    return None


_CROSSED = Text(
    en="the letters crossed: one side agreed to what the other no longer proposed; go to the "
    "common superior",
    zh="双方往来文书交错：同意的并非对方最后提出的意见，请报请共同上级指定",
)


def _letters_crossed(matter: Matter, act: Act, law: Law) -> Text | None:
    del act, law
    if competent_of(matter) is None:
        return None
    return Text(
        en="the two agencies have agreed; there is nothing to designate",
        zh="双方已经协商一致，无须报请指定",
    )


def _not_competent_hands_over(matter: Matter, act: Act, law: Law) -> Text | None:
    del law
    if competent_of(matter) is None:
        return _CROSSED
    if act.acting_org != competent_of(matter):
        return None
    return Text(
        en="the agency that is not competent hands the file over", zh="应由无管辖权的一方移交案卷"
    )


def _competent_confirms(matter: Matter, act: Act, law: Law) -> Text | None:
    del law
    if competent_of(matter) is None:
        return _CROSSED
    if act.acting_org == competent_of(matter):
        return None
    return Text(en="this is for the competent agency", zh="应由有管辖权的一方办理")


def _number(name: str, matter: Matter, when: datetime, law: Law) -> float:
    day = when.astimezone(CHINA).date()
    return float(parameter(name, matter.key.org[2:8], day, law.packs).entry.value)


GUARDS: dict[str, Guard] = {
    "two_officers": _two_officers,
    "head_decides": _head_decides,
    "five_materials": _five_materials,
    "same_level_police": _same_level_police,
    "police_overdue": _police_overdue,
    "result_of_justice": _result_of_justice,
    "no_judgment": _no_judgment,
    "other_agency": _other_agency,
    "competent_is_party": _competent_is_party,
    "competent_is_addressed": _competent_is_addressed,
    "letters_crossed": _letters_crossed,
    "agrees_to_the_other": _agrees_to_the_other,
    "not_competent_hands_over": _not_competent_hands_over,
    "competent_confirms": _competent_confirms,
}
