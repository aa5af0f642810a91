"""What is asked before an act is made, beyond the table: numbers of law, who decides, materials.

A guard gets the matter as it is, the act, and the law; it says what is missing, or nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from cooperation.procedures.act import Act
from cooperation.procedures.clocks import CHINA, Law
from cooperation.procedures.fold import Matter
from cooperation.procedures.table import Row
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
HEADS = ("principal_head", "acting_head")
_PROPOSALS = ("propose_competent", "counter_propose")
_DESIGNATIONS = ("designate", "designate_other")


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
    return Text(
        en=f"materials are missing: {', '.join(missing)} (310号令 art. 6)",
        zh=f"缺少材料：{'、'.join(missing)}（310号令第六条）",
    )


def missing_materials(act: Act) -> tuple[str, ...]:
    """Kinds of :data:`MATERIALS` that are neither there nor told to be not applicable."""
    settled = {m.kind for m in act.materials if m.state in ("present", "not_applicable")}
    return tuple(kind for kind in MATERIALS if kind not in settled)


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
    proposals = [a.act for a in matter.applied if a.act.code in _PROPOSALS]
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


def competent_of(matter: Matter) -> str | None:
    """Who was agreed on or designated; None while that is open, or where letters crossed so that
    the one side agreed to what the other no longer proposed."""
    proposed: str | None = None
    settled: str | None = None
    for act in (a.act for a in matter.applied):
        if act.code in _PROPOSALS:
            proposed = act.competent_org
        elif act.code == "agree":
            settled = act.competent_org if act.competent_org == proposed else None
        elif act.code in _DESIGNATIONS:
            settled = act.competent_org
        elif act.code == "escalate":
            settled = None
    return settled


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
    "other_agency": _other_agency,
    "competent_is_party": _competent_is_party,
    "competent_is_addressed": _competent_is_addressed,
    "letters_crossed": _letters_crossed,
    "agrees_to_the_other": _agrees_to_the_other,
    "not_competent_hands_over": _not_competent_hands_over,
    "competent_confirms": _competent_confirms,
}
