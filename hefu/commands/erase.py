"""``hefu erase``: what must be deleted is deleted for good; digests and the chain stay."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hefu.commands.options import DRY_RUN, JSON, NODE, add_command, open_node, option
from hefu.terminal import say, say_json, say_table, say_warning, show_count, show_time, tr
from schemas.errors import ConfigError
from schemas.text import Text

if TYPE_CHECKING:
    from flows.erasing import Erased
    from hefu.node import Node

_PLACES = {
    "lake": ("lake: versions of records", "数据湖：记录版本"),
    "quarantine": ("quarantine: rows", "隔离区：行"),
    "landing": ("landing: objects", "落地区：对象"),
    "published": ("published bundles", "已发布的数据包"),
    "inbox": ("kept bundles of partners", "收存的合作单位数据包"),
    "places": ("copies at publishing places", "发布位置上的副本"),
}
_WORD = "erase"


def add_to(app: typer.Typer) -> None:
    add_command(
        app,
        erase_,
        "erase",
        en="Erase records for good, and have partners erase their copies.\n\n"
        "Content goes from the lake, quarantine, landing, bundles and indexes; identifiers, "
        "digests and times stay. It can't be undone: look with --dry-run first. What has to wait "
        "(for a partner, for a publication) goes by itself in a later night. Copies outside of the "
        "node, as back-ups and exports, are yours to delete.",
        zh="永久删除记录，并通知合作单位删除其副本。\n\n"
        "数据湖、隔离区、落地区、数据包和索引中的内容一并清除，只留标识、摘要和时间。"
        "删除不可恢复，请先用 --dry-run 查看。"
        "须等待合作单位接收或者发布的部分，由以后的夜间任务自动完成。"
        "节点之外的备份、导出文件须自行删除。依据：个人信息保护法第十九条、第四十七条。",
    )


def erase_(  # noqa: PLR0913 (one parameter for each option)
    ctx: typer.Context,
    records: Annotated[
        list[str] | None,
        option(
            "--record",
            metavar="RECORD",
            en="an own record, by id or case number; may be repeated",
            zh="本机关的记录：标识或者案号，可多次给出",
        ),
    ] = None,
    retention_: Annotated[
        bool,
        option(
            "--retention",
            en="what came from partners and may not be kept any longer",
            zh="合作单位提供、保存期限已届满的内容",
        ),
    ] = False,
    pending: Annotated[
        bool, option("--list", en="list what was erased, and what still waits", zh="列出删除登记")
    ] = False,
    basis: Annotated[
        str | None,
        option(
            "--basis",
            metavar="TEXT",
            en="on what ground, as 个人信息保护法 第四十七条; no names",
            zh="删除依据，如“个人信息保护法 第四十七条”；请勿写姓名",
        ),
    ] = None,
    document_no: Annotated[
        str | None,
        option(
            "--document-no", metavar="NUMBER", en="number of the decision, if any", zh="审批文号"
        ),
    ] = None,
    landing: Annotated[
        bool,
        option(
            "--landing",
            en="also landed objects that hold other records' rows, of the same streams",
            zh="连同含有其他记录的接收对象一并清除（同一数据流）",
        ),
    ] = False,
    yes: Annotated[bool, option("--yes", en="don't ask", zh="不再询问")] = False,
    dry_run: Annotated[bool, DRY_RUN] = False,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    here, now = open_node(ctx, node), datetime.now(UTC)
    if pending:
        _list(here, as_json=as_json)
        return
    if bool(records) == retention_:
        raise ConfigError(
            Text(
                en="say what: --record or --retention", zh="请指明删除内容：--record 或 --retention"
            ),
            hint=Text(en="look first with --dry-run", zh="请先用 --dry-run 查看"),
        )
    if records and not basis and not dry_run:
        raise ConfigError(
            Text(en="a deletion needs a ground", zh="删除须有依据"),
            hint=Text(
                en="--basis '个人信息保护法 第四十七条：…'",
                zh="--basis '个人信息保护法 第四十七条：…'",
            ),
        )
    looked = _run(here, records or [], now, basis or "", document_no, landing, dry_run=True)
    if dry_run or not looked:
        _tell(looked, as_json=as_json, dry_run=True)
        return
    if not yes:
        _tell(looked, as_json=False, dry_run=True)
        _ask()
    done = _run(here, records or [], now, basis or "", document_no, landing, dry_run=False)
    _tell(done, as_json=as_json, dry_run=False)


def _run(
    node: Node,
    records: Sequence[str],
    now: datetime,
    basis: str,
    document_no: str | None,
    landing: bool,
    *,
    dry_run: bool,
) -> list[Erased]:
    from flows.erasing import erase, retention
    from flows.own_found import find_own

    if not records:
        return retention(node, now, dry_run=dry_run)
    found = [find_own(node, one, steps=True) for one in dict.fromkeys(records)]
    return erase(
        node, found, now, basis=basis, document_no=document_no, landing=landing, dry_run=dry_run
    )


def _ask() -> None:
    typed = typer.prompt(
        tr(f"this can't be undone; type {_WORD} to go on", f"删除不可恢复；确认请输入 {_WORD}"),
        default="",
        show_default=False,
        err=True,
    )
    if str(typed).strip() != _WORD:
        raise ConfigError(
            Text(en="nothing was erased", zh="未删除任何内容"),
            hint=Text(en=f"type {_WORD}, or say --yes", zh=f"请输入 {_WORD}，或者使用 --yes"),
        )


def _tell(found: Sequence[Erased], *, as_json: bool, dry_run: bool) -> None:
    if as_json:
        say_json([_as_json(one, dry_run=dry_run) for one in found])
        return
    if not found:
        say(tr("nothing is to be erased", "没有需要删除的内容"))
    for one in found:
        _say(one, dry_run=dry_run)


def _say(one: Erased, *, dry_run: bool) -> None:
    what = one.order.record_type or one.order.kind
    count = len(one.order.records) or len(one.order.bundles)
    en = "records" if one.order.records else "bundles"
    zh = "条记录" if one.order.records else "个数据包"
    say(tr(f"{what}: {show_count(count)} {en}", f"{what}：{show_count(count)} {zh}"))
    going = tr("would go", "将删除") if dry_run else tr("gone", "已删除")
    say_table(
        [tr("where", "位置"), going, tr("stays", "保留")],
        [
            (_place(g.place), show_count(g.count), show_count(sum(s.count for s in g.staying)))
            for g in one.gone
        ],
        numbers=(1, 2),
    )
    for staying in one.staying:
        say(f"{_place(staying.place)}: {tr(staying.why.en, staying.why.zh)}")
    if dry_run and one.partners:
        partners = "、".join(one.partners)
        say(tr(f"partners that will be told: {partners}", f"将通知的合作单位：{partners}"))
    if dry_run:
        say(tr("nothing was erased", "试运行：未删除任何内容"))
    elif one.is_done:
        say(tr("done; the log is in erasures/", "已完成；登记见 erasures/"))
    else:
        say_warning(
            tr(
                "the rest goes in a later night; hefu erase --list shows what waits",
                "其余部分由以后的夜间任务完成；用 hefu erase --list 查看",
            )
        )


def _place(name: str) -> str:
    return tr(*_PLACES[name])


def _as_json(one: Erased, *, dry_run: bool) -> dict[str, Any]:
    return {
        "id": one.order.id,
        "kind": one.order.kind,
        "record_type": one.order.record_type,
        "records": list(one.order.records),
        "bundles": list(one.order.bundles),
        "partners": list(one.partners),
        "dry_run": dry_run,
        "done": one.is_done and not dry_run,
        "places": [
            {
                "place": g.place,
                "gone": g.count,
                "staying": [
                    {"count": s.count, "why": tr(s.why.en, s.why.zh), "waits": s.ends}
                    for s in g.staying
                ],
            }
            for g in one.gone
        ],
    }


def _list(node: Node, *, as_json: bool) -> None:
    from flows.erasure_orders import finished, orders_of

    found = [(order, finished(node, order)) for order in orders_of(node)]
    found.sort(key=lambda pair: (pair[0].ordered, pair[0].id))
    if as_json:
        say_json(
            [
                {
                    "id": order.id,
                    "kind": order.kind,
                    "record_type": order.record_type,
                    "records": len(order.records),
                    "bundles": len(order.bundles),
                    "basis": order.basis,
                    "ordered": order.ordered,
                    "finished": done,
                    "found": dict(order.found),
                }
                for order, done in found
            ]
        )
        return
    say_table(
        [
            tr("order", "登记号"),
            tr("kind", "种类"),
            tr("records", "记录"),
            tr("bundles", "数据包"),
            tr("ground", "依据"),
            tr("ordered", "登记时间"),
            tr("finished", "完成时间"),
        ],
        [
            (
                order.id,
                order.record_type or order.kind,
                show_count(len(order.records)),
                show_count(len(order.bundles)),
                order.basis,
                show_time(order.ordered),
                show_time(done) if done else tr("waits", "待完成"),
            )
            for order, done in found
        ],
        numbers=(2, 3),
        empty=tr("nothing was erased yet", "尚无删除登记"),
    )
