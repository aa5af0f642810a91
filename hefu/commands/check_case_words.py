"""What ``hefu check-case`` says of the law, and of what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from schemas.text import Text

if TYPE_CHECKING:
    from cooperation.procedures.fold import Matter
    from flows.checking_case import CaseCheck

_ONE_FINE = Text(
    en="行政处罚法 29: no two fines for one act; one that breaks several norms is fined by the "
    "highest",
    zh="行政处罚法第二十九条：对同一个违法行为，不得给予两次以上罚款；"
    "同一行为违反多个规范应当罚款的，按照罚款数额高的规定处罚",
)
_FIRST_FILED = Text(
    en="行政处罚法 25: of several competent agencies the one that filed first; a dispute is "
    "negotiated, else the common superior designates",
    zh="行政处罚法第二十五条：两个以上机关都有管辖权的，由最先立案的机关管辖；"
    "发生争议的协商解决，协商不成的报请共同的上一级机关指定",
)
_CRIME = Text(
    en="行政处罚法 27, 国务院令310号 3 and 11: what may be a crime is transferred; no penalty "
    "instead of it",
    zh="行政处罚法第二十七条、国务院令第310号第三条、第十一条："
    "涉嫌犯罪的应当移送，不得以行政处罚代替移送",
)


def law_of(answer: CaseCheck) -> Iterator[Text]:
    """The articles that the answer rests on."""
    reasons = {one.reason for one in answer.conflicts}
    if reasons & {"fined", "decided"}:
        yield _ONE_FINE
    if reasons & {"filed", "decided", "fined"}:
        yield _FIRST_FILED
    procedures = {matter.table.name for matter, _ in answer.frozen_by}
    if "transferred" in reasons or "transfer" in procedures:
        yield _CRIME
    if "jurisdiction" in procedures and not reasons & {"filed", "decided", "fined"}:
        yield _FIRST_FILED
    if answer.verdict == "clear":
        yield _ONE_FINE


def _ask_for_the_paper(matter: Matter) -> Text:
    no = matter.key.no
    return Text(
        en=f"matter {no}: it holds nothing up by another agency's word alone; ask that agency for "
        "the letter or decision that it names. If it is of this act, decide no fine; if there is "
        "no such paper, note that on the file and go on",
        zh=f"事项 {no}：仅凭对方登记不停办本案，请向其索取所称文书："
        "确系本案行为的，不作罚款决定；没有文书的，在案卷中注明后继续办理",
    )


def next_of(answer: CaseCheck) -> Iterator[Text]:
    """What the officer does now."""
    for matter, sure in answer.frozen_by:
        if not sure:
            yield _ask_for_the_paper(matter)
            continue
        yield Text(
            en=f"wait for matter {matter.key.no}: {matter.state.next.en or matter.state.label.en}",
            zh=f"等待事项 {matter.key.no}：{matter.state.next.zh or matter.state.label.zh}",
        )
    certain = [one for one in answer.conflicts if one.pair.match == "exact"]
    if any(one.we_filed_first for one in certain):
        yield Text(
            en="this agency filed first: raise the dispute (hefu jurisdiction raise) and decide no "
            "fine until it is settled",
            zh="本机关立案在先：请提出管辖争议（hefu jurisdiction raise），处理完毕前不作罚款决定",
        )
    elif certain:
        yield Text(
            en="ask the other agency for its papers, then withdraw or close this case and "
            "recognise the result (hefu recognise list)",
            zh="请向对方机关核实文书，本案撤销或者结案，"
            "并对其结果作互认决定（hefu recognise list）",
        )
    elif any(one.case.is_own for one in answer.conflicts):
        yield Text(
            en="this agency may have a case of this act already: if so join them, don't fine twice",
            zh="本机关对该行为可能已有案件：确系同一行为的并案处理，不得重复罚款",
        )
    elif answer.conflicts:
        yield Text(
            en="compare pictures, weighing slips and driver with the other agency; if it is one "
            "act, treat it as a stop; if not, note why on the file",
            zh="与对方机关比对照片、称重单和驾驶人：系同一行为的按停办处理，不是的在案卷中注明理由",
        )
    elif not answer.frozen_by:
        silent = [one for one in answer.coverage if one.as_of is None or one.is_stale]
        if silent:
            yield Text(
                en="ask by telephone those that have not answered or are overdue, then go on",
                zh="对从未答复或者超期未更新的单位请电话核实，然后继续办理",
            )
        else:
            yield Text(
                en="go on, and ask again on the day of the decision",
                zh="可以继续办理；作出决定当日请再查一次",
            )
