"""``hefu withdraw``: a record is corrected or revoked; who has it hears, applies and proves it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hefu.commands.options import JSON, NODE, add_command, argument, open_node, option
from hefu.commands.procedures import add_procedure
from hefu.terminal import say, say_data, say_json, say_table, say_warning, show_time, tr
from schemas.errors import ConfigError
from schemas.masking import mask_text
from schemas.text import Text

if TYPE_CHECKING:
    from flows.withdrawing import Proposal, Recorded
    from hefu.commands.matter_shown import Shown


def add_to(app: typer.Typer) -> None:
    group = add_procedure(
        app,
        "withdraw",
        "withdrawal",
        en="Withdraw and correct: revoked, changed, void, repaired (行政处罚法 art. 48).",
        zh="撤回与更正：决定被撤销、变更、确认违法或者无效，信用修复等（行政处罚法第四十八条）。",
    )
    add_command(
        group,
        record,
        "record",
        en="Record a correction of an own record, with its legal document.\n\n"
        "The record gets its new status at once, and one matter is opened for each partner that "
        "has it. The next hefu publish sends it; the period runs from the day on which the "
        "document took effect. The same correction recorded again changes nothing.",
        zh="登记对本机关一条记录的更正或者撤回，附法律文书文号。\n\n"
        "该记录随即为新状态，并为每个持有该记录的合作单位开立一件事项；下一次 hefu publish 时发出。"
        "期限自文书生效之日起算。同一更正重复登记不产生新的结果。",
    )
    add_command(
        group,
        proposals_,
        "proposals",
        en="List records that their source says are revoked, and that partners have.\n\n"
        "Somebody has to add the number of the legal document: hefu withdraw record.",
        zh="列出来源系统已标为撤销、修复，而合作单位持有原内容的记录。\n\n"
        "须由人工补登法律文书：hefu withdraw record。",
    )


def record(  # noqa: PLR0913 (one parameter for each option)
    ctx: typer.Context,
    wanted: Annotated[
        str, argument("RECORD", en="record id, or case number", zh="记录标识，或者案号、决定书文号")
    ],
    kind: Annotated[
        str,
        option(
            "--type",
            metavar="CODE",
            en="data_error, decision_changed, decision_revoked, confirmed_illegal, void, "
            "credit_repaired or publicity_expired",
            zh="data_error 数据错误、decision_changed 变更、decision_revoked 撤销、"
            "confirmed_illegal 确认违法、void 确认无效、credit_repaired 信用修复、"
            "publicity_expired 公示期满",
        ),
    ],
    effective: Annotated[
        str,
        option(
            "--effective",
            metavar="TIME",
            en="when the document took effect, as 2026-10-08 or 2026-10-08T15:30",
            zh="文书生效时间，如 2026-10-08 或者 2026-10-08T15:30",
        ),
    ],
    document_no: Annotated[
        str | None,
        option(
            "--document-no", metavar="NUMBER", en="number of the legal document", zh="法律文书文号"
        ),
    ] = None,
    reason: Annotated[
        str | None, option("--reason", metavar="TEXT", en="why, in words", zh="理由")
    ] = None,
    deciding_org: Annotated[
        str | None,
        option(
            "--deciding-org",
            metavar="CODE",
            en="who decided it; this agency if left out",
            zh="作出决定的机关代码，不写为本机关",
        ),
    ] = None,
    deciding_org_name: Annotated[
        str | None,
        option("--deciding-org-name", metavar="NAME", en="its name", zh="作出决定的机关名称"),
    ] = None,
    published: Annotated[
        bool,
        option("--reason-published", en="the reason was published", zh="已向社会公开说明理由"),
    ] = False,
    fields: Annotated[
        list[str] | None,
        option(
            "--field",
            metavar="NAME",
            en="of a data error: which field was wrong; may be repeated",
            zh="数据错误所涉字段，可多次给出",
        ),
    ] = None,
    status: Annotated[
        str | None,
        option(
            "--status",
            metavar="CODE",
            en="status of the record if not the type's own; valid takes a correction back",
            zh="更正后的状态，不写按类型确定；valid 表示撤销此前登记的更正",
        ),
    ] = None,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from hefu.commands.act_options import code_of, time_of

    kind = code_of("correction_type", "--type", kind)
    if kind == "retention_deleted":
        raise ConfigError(
            Text(en="what is to be deleted is erased", zh="依法删除请使用 hefu erase"),
            hint=Text(en="hefu erase --record RECORD", zh="hefu erase --record 记录"),
        )
    if status is not None:
        status = code_of("data_status", "--status", status)
    from flows.own_found import find_own
    from flows.withdrawing import Told, record_correction
    from hefu.commands.matter_shown import Shown

    here, now = open_node(ctx, node), datetime.now(UTC)
    told = Told(
        kind=kind,
        document_no=document_no,
        effective=time_of("--effective", effective),
        reason=reason,
        deciding_org=deciding_org,
        deciding_org_name=deciding_org_name,
        reason_published=published,
        status=status,
        fields=tuple(fields or ()),
    )
    done = record_correction(here, find_own(here, wanted), told, now)
    if as_json:
        say_json(_as_json(done))
        return
    _say(done, Shown(here, now))


def proposals_(
    ctx: typer.Context,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from flows.withdrawing import proposals
    from hefu.commands.matter_shown import Shown

    here, now = open_node(ctx, node), datetime.now(UTC)
    found, shown = proposals(here, now), Shown(here, now)
    if as_json:
        say_json([_proposal_as_json(one) for one in found])
        return
    say_table(
        [
            tr("number", "编号"),
            tr("record", "记录标识"),
            tr("status", "状态"),
            tr("since", "自"),
            tr("partners", "持有单位"),
            tr("until", "期限"),
        ],
        [
            (
                mask_text(one.number),
                one.record_id,
                one.data_status,
                show_time(one.since),
                tr(", ", "、").join(map(shown.name, one.partners)),
                show_time(one.due),
            )
            for one in found
        ],
        empty=tr("none", "（无）"),
    )
    if found:
        say(
            tr(
                "add the document: hefu withdraw record RECORD --type … --document-no …",
                "请补登文书：hefu withdraw record 记录 --type … --document-no …",
            )
        )


def _say(done: Recorded, shown: Shown) -> None:
    say_data(done.correction.number)
    if done.restated:
        status = done.restated[0].status
        say(tr(f"the record is {status} from now on", f"该记录自此状态为 {status}"))
    last = show_time(done.due)
    provisional = tr(" (provisional)", "（暂定）") if done.provisional else ""
    if not done.matters:
        say(
            tr(
                "no partner has had this record; nobody has to be told",
                "没有合作单位持有该记录，无须通知",
            )
        )
        return
    names = sorted({shown.name(m.orgs["receiver"]) for m in done.matters})
    partners = tr(", ", "、").join(names)
    say(
        tr(
            f"partners that have it, {len(names)}: {partners}",
            f"{len(names)} 个合作单位持有该记录：{partners}",
        )
    )
    say(
        tr(
            f"to be sent before {last}{provisional}: hefu publish (行政处罚法 art. 48)",
            f"应于 {last} 前{provisional}发出：hefu publish（行政处罚法第四十八条）",
        )
    )
    if done.due <= datetime.now(UTC):
        say_warning(tr("the period is over already", "期限已过，请立即发布"))


def _as_json(done: Recorded) -> dict[str, object]:
    return {
        "correction": done.correction.number,
        "correction_record_id": done.correction.record_id,
        "record_id": done.record.record_id,
        "record_type": done.record.record_type,
        "data_status": done.correction.status or done.record.data_status,
        "due": done.due,
        "provisional": done.provisional,
        "matters": [
            {"number": m.key.no, "partner": m.orgs["receiver"], "state": m.state_name}
            for m in done.matters
        ],
    }


def _proposal_as_json(one: Proposal) -> dict[str, object]:
    return {
        "record_id": one.record_id,
        "record_type": one.record_type,
        "number": mask_text(one.number),
        "data_status": one.data_status,
        "since": one.since,
        "due": one.due,
        "partners": list(one.partners),
    }
