"""``hefu jurisdiction``: disputes of jurisdiction, from the first doubt to the file handed over."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hefu.commands.matter_options import MATTER
from hefu.commands.options import (
    JSON,
    NODE,
    add_command,
    argument,
    date_of,
    open_node,
    option,
)
from hefu.commands.procedures import add_procedure, say_done
from hefu.terminal import CST, say, say_data, say_json, say_table, show_time, tr

if TYPE_CHECKING:
    from cooperation.jurisdiction.competence import Reason
    from cooperation.jurisdiction.divisions import Superior
    from flows.disputing import Advice, CaseSeen, DisputeProposal
    from hefu.commands.matter_shown import Shown

_DASH = "–"


def add_to(app: typer.Typer) -> None:
    group = add_procedure(
        app,
        "jurisdiction",
        en="Disputes of jurisdiction: two agencies took up one act, or neither wants to.",
        zh="管辖争议：两个机关就同一行为都已立案，或者都认为无管辖权。",
    )
    add_command(
        group,
        proposals,
        "proposals",
        en="List where a dispute should perhaps be raised. Nothing is opened by itself.",
        zh="列出可能需要提出管辖争议的案件；系统不会自动提出。",
    )
    add_command(
        group,
        raise_,
        "raise",
        en="Raise a dispute of one of our cases with the agency that has the other record.\n\n"
        "From then on neither side may fine for the act until it is settled.",
        zh="就本机关的一起案件与对方机关提出管辖争议。\n\n"
        "提出后，在管辖确定之前，双方均不得就该行为罚款。",
    )
    add_command(
        group,
        advise,
        "advise",
        en="Say who filed first, where the act was, who may designate, by which article.\n\n"
        "A proposal with what speaks against it; a person decides.",
        zh="依据记录说明谁最先立案、违法行为发生地、共同上级及其条款依据。\n\n"
        "只是建议，并列出相反情形；由人决定。",
    )
    add_command(
        group,
        superior,
        "superior",
        en="Say which level two or more divisions have in common.",
        zh="查询两个以上行政区划的共同上级。",
    )


def proposals(
    ctx: typer.Context,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from flows.disputing import dispute_proposals
    from hefu.commands.matter_shown import Shown

    here, now = open_node(ctx, node), datetime.now(UTC)
    found = dispute_proposals(here)
    if as_json:
        say_json([_proposal_as_json(one) for one in found])
        return
    shown = Shown(here, now)
    say_table(
        [
            tr("our case", "本机关案件"),
            tr("filed", "立案"),
            tr("why", "情形"),
            tr("other agency", "对方机关"),
            tr("their case", "对方案件"),
            tr("filed", "立案"),
            tr("decided", "已决定"),
        ],
        [_proposal_row(shown, one) for one in found],
        empty=tr("none", "（无）"),
    )
    for one in found:
        other = one.other.record_id if one.other else one.org
        say(f"hefu jurisdiction raise {one.own.record_id} --with {other}")


def _proposal_row(shown: Shown, one: DisputeProposal) -> tuple[str, ...]:
    from schemas.masking import mask_text

    why = {
        "exact": tr("both filed the same act", "双方就同一行为均已立案"),
        "probable": tr(
            "both filed what is probably one act", "双方均已立案，可能为同一行为，待核实"
        ),
        None: tr("neither is competent", "双方均认为无管辖权"),
    }[one.match]
    return (
        mask_text(one.own.no),
        _filed(one.own),
        why,
        shown.name(one.org),
        mask_text(one.other.no) if one.other else _DASH,
        _filed(one.other),
        "、".join(
            f"{shown.name(case.org)} {case.decided}"
            for case in (one.own, one.other)
            if case and case.decided
        )
        or _DASH,
    )


def _filed(case: CaseSeen | None) -> str:
    return show_time(case.filed) if case else _DASH


def _proposal_as_json(one: DisputeProposal) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "match": one.match,
        "own": _case_as_json(one.own),
        "other": _case_as_json(one.other) if one.other else None,
        "other_org": one.org,
        "evidence": one.evidence,
    }


def _case_as_json(case: CaseSeen) -> dict[str, Any]:
    from schemas.masking import mask_text

    return {
        "record_id": case.record_id,
        "record_type": case.record_type,
        "org": case.org,
        "no": mask_text(case.no),
        "filing_time": case.filed,
        "violation_division_code": case.division,
        "decision_date": case.decided,
        "fined": case.fined,
    }


def raise_(
    ctx: typer.Context,
    case: Annotated[
        str, argument("CASE", en="our case: number or record", zh="本机关案件的案号或者记录标识")
    ],
    other: Annotated[
        str,
        option(
            "--with",
            metavar="RECORD",
            en="the other agency's record or case number; its code if it has none",
            zh="对方机关的记录标识或者案号；对方没有记录的写对方机关代码",
        ),
    ],
    reason: Annotated[
        str | None,
        option(
            "--reason",
            metavar="CODE",
            en="not_competent: neither side wants it; else left out",
            zh="双方都认为无管辖权的写 not_competent，否则不写",
        ),
    ] = None,
    reason_text: Annotated[
        str | None, option("--reason-text", metavar="TEXT", en="in words", zh="理由说明")
    ] = None,
    document_no: Annotated[
        str | None,
        option("--document-no", metavar="NUMBER", en="number of the letter", zh="函的文号"),
    ] = None,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from flows.disputing import raise_dispute

    here, now = open_node(ctx, node), datetime.now(UTC)
    given = {
        "reason_code": reason,
        "reason_text": reason_text,
        "document_no": document_no,
    }
    say_done(here, raise_dispute(here, case, other, now, **given), now, as_json=as_json)


def advise(
    ctx: typer.Context,
    number: Annotated[str, MATTER],
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from flows.disputing import PROCEDURE
    from flows.disputing import advise as asked
    from flows.matters import find_matter, matters_of
    from hefu.commands.matter_shown import Shown

    here, now = open_node(ctx, node), datetime.now(UTC)
    advice = asked(here, find_matter(matters_of(here, PROCEDURE), number), now)
    if as_json:
        say_json(_advice_as_json(advice))
        return
    shown = Shown(here, now)
    shown.note_names(a.act for a in advice.matter.applied)
    _say_advice(shown, advice)


def _say_advice(shown: Shown, advice: Advice) -> None:
    from schemas.masking import mask_text

    say_table(
        [
            tr("agency", "机关"),
            tr("case", "案件"),
            tr("filed", "立案时间"),
            tr("place of the act", "违法行为发生地"),
            tr("decided", "决定日期"),
        ],
        [
            (
                shown.name(c.org),
                mask_text(c.no),
                show_time(c.filed),
                shown.label("division", c.division),
                str(c.decided or _DASH),
            )
            for c in advice.cases
        ],
    )
    proposal = advice.proposal
    if proposal.competent is None:
        say_data(tr("the records speak for neither agency", "现有记录不足以确定由哪一方管辖"))
    else:
        name = shown.name(proposal.competent)
        say_data(tr(f"the records speak for: {name}", f"按现有记录，宜由 {name} 管辖"))
    for reason in proposal.reasons:
        say_data(_reason(shown, reason))
    if proposal.against:
        say_data(tr("to be considered against that:", "需要注意："))
    for reason in proposal.against:
        say_data(_reason(shown, reason))
    body = proposal.superior.body
    say_data(
        tr(
            f"who designates if no agreement is reached: {body.en}",
            f"协商不成的，报请指定管辖的共同上级：{body.zh}",
        )
    )
    _say_gaps(shown, advice)


def _reason(shown: Shown, reason: Reason) -> str:
    text = str(reason.text)
    for code in {c for c in _codes_in(text) if c != shown.name(c)}:
        text = text.replace(code, shown.name(code))
    basis = reason.basis
    doubt = "" if basis.verified else tr(" (unverified)", "（未核对原文）")
    return f"  - {text} [{basis.article}{doubt}]"


def _codes_in(text: str) -> list[str]:
    """The organisation codes within a text."""

    return re.findall(r"[0-9A-Z]{18}", text)


def _say_gaps(shown: Shown, advice: Advice) -> None:
    for one in advice.coverage:
        name, as_of = shown.name(one.org), show_time(one.as_of)
        say(tr(f"records of {name} as of {as_of}", f"{name} 的记录截至 {as_of}"))
    if advice.missing:
        count = len(advice.missing)
        say(
            tr(
                f"{count} records that the dispute names are not on this node, or were taken back",
                f"争议所涉记录中有 {count} 条不在本节点，或者已经撤回",
            )
        )
    for other in advice.others:
        label = other.state.label
        say(
            tr(
                f"the same records are in dispute in {other.key.no}, too ({label.en})",
                f"同一记录另有管辖争议 {other.key.no}（{label.zh}）",
            )
        )
        if other.is_open:
            say(
                tr(
                    "  keep one: who raised the other withdraws it (hefu jurisdiction withdraw "
                    "NUMBER --reason duplicate); fines stay held up by the one that is left",
                    "  保留一件即可：另一件由其提出机关撤回（hefu jurisdiction withdraw 编号 "
                    "--reason duplicate）；保留的一件仍暂停处罚",
                )
            )


def _advice_as_json(advice: Advice) -> dict[str, Any]:
    proposal = advice.proposal
    first = proposal.first.first
    return {
        "matter_no": advice.matter.key.no,
        "state": advice.matter.state_name,
        "competent": proposal.competent,
        "first_filed": None if first is None else first.org,
        "filed_together": [f.org for f in proposal.first.tied],
        "filing_unknown": [f.org for f in proposal.first.undated],
        "reasons": [_reason_as_json(r) for r in proposal.reasons],
        "against": [_reason_as_json(r) for r in proposal.against],
        "superior": _superior_as_json(proposal.superior),
        "cases": [_case_as_json(c) for c in advice.cases],
        "missing_records": advice.missing,
        "coverage": [
            {"org": c.org, "as_of": c.as_of, "records": c.records} for c in advice.coverage
        ],
        "other_disputes": [m.key.no for m in advice.others],
    }


def _reason_as_json(reason: Reason) -> dict[str, Any]:
    return {
        "text": str(reason.text),
        "article": reason.basis.article,
        "pack": reason.basis.version,
        "verified": reason.basis.verified,
    }


def superior(
    codes: Annotated[
        list[str], argument("CODE…", en="two or more division codes", zh="两个以上行政区划代码")
    ],
    on: Annotated[
        str | None,
        option("--on", metavar="DATE", en="as of a day, else today", zh="按哪一天；默认今天"),
    ] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    from cooperation.jurisdiction.divisions import common_superior, spoken

    day = date_of("--on", on) if on else datetime.now(CST).date()
    found = common_superior(codes, day)
    if as_json:
        say_json(_superior_as_json(found))
        return
    say_data(tr(found.body.en, found.body.zh))
    for text in spoken(found.divisions):
        say(str(text))
    if found.within:
        say(
            tr(
                "one lies within the other, or they are one place: ask how the agencies are "
                "organised",
                "其中一方属于另一方辖区或者两者为同一地方，请按机构隶属关系确定",
            )
        )


def _superior_as_json(found: Superior) -> dict[str, Any]:
    return {
        "level": found.level,
        "division_code": found.division,
        "label": str(found.label),
        "body": str(found.body),
        "within": found.within,
        "divisions": [
            {"told": d.told, "code": d.code, "label": str(d.label), "known": d.known}
            for d in found.divisions
        ],
    }
