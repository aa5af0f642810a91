"""``hefu check-case``: has another agency filed, decided or fined the same act?"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hefu.commands.options import JSON, NODE, add_command, argument, open_node, option
from hefu.terminal import say_data, say_json, say_table, show_time, tr
from schemas.errors import ConfigError
from schemas.text import Text

if TYPE_CHECKING:
    from flows.case_question import Facts
    from flows.checking_case import Answered, CaseCheck, Found

#: stop or look: a person is needed.
NEEDS_A_PERSON = 1


def add_to(app: typer.Typer) -> None:
    add_command(
        app,
        check_case,
        "check-case",
        en="Ask before a fine is decided: has another agency filed, decided or fined the same act?"
        "\n\nBy the number of a case, lead or inspection here, or by facts. Says stop, look or "
        "clear, why, and whose records that rests on. Exit code 1 for stop and look.",
        zh="作出处罚决定前查询：其他机关是否已对同一违法行为立案、决定或者罚款。\n\n"
        "可按本节点的案号、线索编号、检查编号查询，也可按要素查询。"
        "答复为停办、核对、未发现三种，并写明依据和所查数据的范围。停办、核对时退出码为 1。",
    )


def check_case(  # noqa: PLR0913 (one parameter per option)
    ctx: typer.Context,
    number: Annotated[
        str | None,
        argument(
            "[NUMBER]", en="number of the case, lead or inspection", zh="案号、线索或检查编号"
        ),
    ] = None,
    plate: Annotated[
        str | None, option("--plate", metavar="PLATE", en="the vehicle's plate", zh="车辆号牌")
    ] = None,
    color: Annotated[
        str | None,
        option(
            "--color",
            metavar="COLOUR",
            en="its colour, as a code or in Chinese: yellow, 黄",
            zh="号牌颜色，如 黄、yellow",
        ),
    ] = None,
    trailer: Annotated[
        str | None, option("--trailer", metavar="PLATE", en="the trailer's plate", zh="挂车号牌")
    ] = None,
    time: Annotated[
        str | None,
        option(
            "--time",
            metavar="TIME",
            en='time of the act, Beijing time: "2026-10-12 09:30"',
            zh="违法行为时间（北京时间），如 “2026-10-12 09:30”",
        ),
    ] = None,
    place: Annotated[
        str | None,
        option("--place", metavar="TEXT", en="place, as the records write it", zh="违法行为发生地"),
    ] = None,
    division: Annotated[
        str | None,
        option(
            "--division", metavar="CODE", en="six digits of the county", zh="区县的六位区划代码"
        ),
    ] = None,
    cause: Annotated[
        str | None,
        option("--cause", metavar="CODE", en="a code of list case_cause", zh="通用案由代码"),
    ] = None,
    party: Annotated[
        str | None,
        option(
            "--party",
            metavar="NUMBER",
            en="identity number or credit code of the party; - reads it from stdin",
            zh="当事人身份证号码或统一社会信用代码；- 为从标准输入读取",
        ),
    ] = None,
    weight: Annotated[
        int | None, option("--weight", metavar="KG", en="total mass in kg", zh="总质量（千克）")
    ] = None,
    axles: Annotated[
        int | None, option("--axles", metavar="N", en="number of axles", zh="轴数")
    ] = None,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from flows.case_question import Facts
    from flows.checking_case import check_case as check

    told = (plate, color, trailer, time, place, division, cause, party, weight, axles)
    if (number is None) == all(one is None for one in told):
        raise ConfigError(
            Text(
                en="give the number of a record, or facts; not both",
                zh="请给出编号，或者给出要素，二者择一",
            )
        )
    here = open_node(ctx, node)
    question: str | Facts
    if number is not None:
        question = number
    else:
        question = Facts(
            act_time=_time_of(time),
            plate=plate,
            colour=_code("plate_color", color),
            trailer=trailer,
            party=sys.stdin.readline().strip() if party == "-" else party,
            division=division,
            place=place,
            cause=_code("case_cause", cause),
            weight_kg=weight,
            axles=axles,
        )
    answer = check(here, question, datetime.now(UTC))
    if as_json:
        say_json(_json(answer))
    else:
        _show(answer)
    if answer.verdict != "clear":
        raise typer.Exit(NEEDS_A_PERSON)


def _time_of(text: str | None) -> datetime:
    from zoneinfo import ZoneInfo

    hint = Text(en='write it as "2026-10-12 09:30"', zh="请写成 “2026-10-12 09:30” 的形式")
    if text is None:
        raise ConfigError(
            Text(en="--time is needed with facts", zh="按要素查询须给出 --time"), hint=hint
        )
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(
            Text(en="--time is not a time", zh="--time 不是时间"), hint=hint
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo("Asia/Shanghai"))


def _code(code_list: str, given: str | None) -> str | None:
    """The canonical code, of a code or of what people write in Chinese."""
    from schemas.codes import all_codes

    if given is None:
        return None
    rows = [r for r in all_codes()[code_list] if r.scheme in ("canonical", "zh")]
    found = next((row.code for row in rows if given in (row.raw, row.label_zh)), None)
    if found is None:
        raise ConfigError(
            Text(
                en=f"{given!r} is not in the list {code_list}",
                zh=f"代码表 {code_list} 中没有 {given!r}",
            ),
            hint=Text(en="see docs/codes.md", zh="见 docs/codes.zh-CN.md"),
        )
    return found


# what is shown


def _show(answer: CaseCheck) -> None:
    head, law, todo = _words(answer)
    names = {one.org: one.name for one in answer.coverage}
    say_data(head)
    if answer.conflicts:
        say_data("")
        _table(answer.conflicts, names)
        for one in answer.conflicts:
            if one.pair.evidence:
                say_data(f"  {one.case.no}: {_evidence(one)}")
    for matter, sure in answer.frozen_by:
        doubt = (
            ""
            if sure
            else tr(" (if it is this act and the paper is there)", "（如系同一行为，且有相应文书）")
        )
        by = names.get(matter.key.org) or matter.opening.acting_org_name or matter.key.org
        say_data(
            f"  {matter.key.no}: {matter.table.label}, {matter.state.label}, "
            f"{tr('opened by', '提出机关')} {by}{doubt}"
        )
    say_data("")
    for line in (*law, *todo):
        say_data(line)
    if answer.related:
        say_data("")
        say_data(tr("Other records that may be of this act:", "可能属于同一行为的其他记录："))
        _table(answer.related, names)
    say_data("")
    for line in _coverage(answer):
        say_data(line)


def _table(found: tuple[Found, ...], names: dict[str, str]) -> None:
    say_table(
        [
            tr("agency", "机关"),
            tr("number", "编号"),
            tr("what stands", "状态"),
            tr("same act", "同一行为"),
            tr("filed", "立案"),
            tr("decided", "决定"),
        ],
        [
            (
                names.get(one.filed_by or "", one.filed_by) or one.case.source_org_name,
                one.case.no,
                _status(one),
                tr("certain", "确定") if one.pair.match == "exact" else tr("probable", "可能"),
                show_time(one.case.filing_time) if one.case.filing_time else "–",
                str(one.case.decision_date or "–"),
            )
            for one in found
        ],
        empty="",
    )


def _status(one: Found) -> str:
    kinds = {
        "fined": tr("fined", "已处罚"),
        "decided": tr("decided", "已作决定"),
        "filed": tr("filed", "已立案"),
        "transferred": tr("transferred to justice", "已移送司法机关"),
        None: {
            "lead": tr("lead", "线索"),
            "inspection": tr("inspection", "检查"),
        }.get(one.case.record_type, tr("no longer stands", "已不再有效")),
    }
    return str(kinds[one.reason])


def _evidence(one: Found) -> str:
    from cooperation.matching.pair import explain

    return tr("; ", "；").join(str(text) for text in explain(one.pair))


def _words(answer: CaseCheck) -> tuple[str, list[str], list[str]]:
    """The answer in one line, the law, and what to do next."""
    from hefu.commands.check_case_words import law_of, next_of

    heads = {
        "stop": tr(
            "STOP: decide no fine for this act now",
            "停办：目前不得对该行为作出罚款决定",
        ),
        "look": tr(
            "LOOK: this may be an act that another record tells of; compare before deciding",
            "核对：可能与其他记录系同一行为，作出决定前请先核对",
        ),
        "clear": tr(
            "CLEAR: no record of the same act in the answered sources",
            "未发现：在已答复的数据来源中没有同一行为的记录",
        ),
    }
    return (
        heads[answer.verdict],
        [tr(f"law: {text.en}", f"依据：{text.zh}") for text in law_of(answer)],
        [tr(f"next: {text.en}", f"下一步：{text.zh}") for text in next_of(answer)],
    )


def _coverage(answer: CaseCheck) -> list[str]:
    """Whose records the answer rests on, and whose it does not."""
    known = [one for one in answer.coverage if one.as_of is not None]
    silent = [one for one in answer.coverage if one.as_of is None]
    lines = []
    if known:
        listed = ", ".join(_as_of(one) for one in known)
        lines.append(tr(f"answered sources: {listed}", f"已答复的来源：{listed}"))
    if silent:
        listed = ", ".join(one.name for one in silent)
        lines.append(
            tr(f"never answered: {listed}; ask them", f"从未答复：{listed}，请直接向其查询")
        )
    if not answer.coverage:
        lines.append(
            tr(
                "no agreement lets a partner tell this node of cases: only own records were asked",
                "没有协议允许合作单位向本节点提供案件：只查询了本单位的记录",
            )
        )
    lines.append(
        tr(
            "What was not shared is not here: that no record was found does not mean that nothing "
            "was done.",
            "未共享的不在此列：没有查到记录，不等于没有违法行为。",
        )
    )
    return lines


def _as_of(one: Answered) -> str:
    stale = tr(", overdue", "，已超期未更新") if one.is_stale else ""
    return tr(
        f"{one.name} as of {show_time(one.as_of)} ({one.records} records{stale})",
        f"{one.name}（截至 {show_time(one.as_of)}，{one.records} 条{stale}）",
    )


def _json(answer: CaseCheck) -> dict[str, Any]:
    from hefu.commands.check_case_words import law_of, next_of

    return {
        "verdict": answer.verdict,
        "asked": [case.no for case in answer.asked],
        "conflicts": [_found_json(one) for one in answer.conflicts],
        "related": [_found_json(one) for one in answer.related],
        "frozen_by": [
            {
                "matter": matter.key.no,
                "opened_by": matter.key.org,
                "procedure": matter.table.name,
                "state": matter.state_name,
                "certain": sure,
            }
            for matter, sure in answer.frozen_by
        ],
        "coverage": [
            {
                "org": one.org,
                "name": one.name,
                "record_types": list(one.record_types),
                "as_of": one.as_of.isoformat() if one.as_of else None,
                "records": one.records,
                "overdue": one.is_stale,
            }
            for one in answer.coverage
        ],
        "law": [_text(text) for text in law_of(answer)],
        "next": [_text(text) for text in next_of(answer)],
    }


def _found_json(one: Found) -> dict[str, Any]:
    from cooperation.matching.pair import explain

    case = one.case
    return {
        "record_id": case.record_id,
        "org": case.source_org_code,
        "org_name": case.source_org_name,
        "record_type": case.record_type,
        "no": case.no,
        "match": one.pair.match,
        "score": one.pair.score,
        "reason": one.reason,
        "filed_by": one.filed_by,
        "we_filed_first": one.we_filed_first,
        "filing_time": case.filing_time.isoformat() if case.filing_time else None,
        "decision_type": case.decision_type,
        "decision_date": str(case.decision_date) if case.decision_date else None,
        "fine_amount_cny": str(case.fine_amount_cny) if case.fine_amount_cny is not None else None,
        "evidence": list(one.pair.evidence),
        "evidence_told": [_text(text) for text in explain(one.pair)],
    }


def _text(text: Text) -> dict[str, str]:
    return {"en": text.en, "zh": text.zh}
