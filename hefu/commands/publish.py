"""``hefu publish``: build, sign and publish what partners may have and have not had."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hefu.commands.options import (
    JSON,
    NODE,
    add_command,
    argument,
    is_verbose,
    open_node,
    option,
)
from hefu.commands.sample_told import samples_as_json, say_samples
from hefu.terminal import say, say_json, say_table, say_warning, show_count, tr

if TYPE_CHECKING:
    from flows.carriers.bringing_out import BroughtOut
    from flows.outcome import Outcome
    from flows.outgoing import Published


def add_to(app: typer.Typer) -> None:
    add_command(
        app,
        publish,
        "publish",
        en="Publish a signed bundle to every partner that may have something new.\n\n"
        "What may leave is what a running agreement grants. A source whose last run failed its "
        "gate holds its records back until a later run passes or a person overrides it.",
        zh="向各合作单位发布签名数据包，内容为其有权获得且尚未获得的记录。\n\n"
        "仅发布有效协议授权的字段。来源最近一次运行未通过质量门槛时暂不发布，"
        "待其后运行通过，或由人员写明理由后放行。",
    )


def publish(
    ctx: typer.Context,
    partners: Annotated[
        list[str] | None,
        argument("PARTNER", en="partner codes; all if none", zh="合作单位代码；不写则为全部"),
    ] = None,
    dry_run: Annotated[
        bool,
        option(
            "--dry-run",
            en="only count what would leave, and show a masked sample of it",
            zh="试运行：只统计将发布的记录，并显示遮蔽后的样例",
        ),
    ] = False,
    override_gate: Annotated[
        str | None,
        option(
            "--override-gate",
            metavar="REASON",
            en="publish although a gate failed; the reason is written into the bundle's verdict",
            zh="质量门槛未通过仍予发布；所写理由载入数据包的质量结论",
        ),
    ] = None,
    check_places: Annotated[
        bool,
        option(
            "--check-places",
            en="ask every place that hefu.toml names for every file, and bring what is missing",
            zh="逐个核对 hefu.toml 所列发布位置的全部文件，并补齐缺失的文件",
        ),
    ] = False,
    again: Annotated[
        tuple[str, int] | None,
        option(
            "--again",
            metavar="STREAM NUMBER",
            en="put one bundle out once more, for a partner that could not get, open or verify it",
            zh="重新发布某一数据包，供未能取得、解密或验证的合作单位使用",
        ),
    ] = None,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from flows.carriers.bringing_out import BroughtOut
    from flows.outgoing import Published
    from hefu.commands.pipeline import errors_as_json, run_flow, tell_failures

    here = open_node(ctx, node)
    if again is not None:
        from hefu.commands.publish_again import send_once_more

        raise typer.Exit(send_once_more(here, *again, as_json=as_json))
    wanted = list(partners or []) or None

    def call() -> Sequence[Outcome]:
        from flows.publish_bundles import publish_bundles

        return publish_bundles(
            str(here.root),
            wanted,
            dry_run=dry_run,
            override_gate=override_gate,
            check_places=check_places,
        )

    what = tr("publishing", "正在发布")
    outcomes = run_flow(here, what, call, verbose=is_verbose(ctx))
    done = [o.result for o in outcomes if isinstance(o.result, Published)]
    brought = [o.result for o in outcomes if isinstance(o.result, BroughtOut)]
    if as_json:
        say_json(
            {
                "published": [_as_json(p) for p in done],
                "brought_out": [_place_as_json(b) for b in brought],
                "errors": errors_as_json(outcomes),
            }
        )
    elif outcomes:
        _say(done)
    else:
        say(tr("no agreement lets this node send anything", "没有允许本节点发送数据的协议"))
    _say_removed(done)
    _say_again(done)
    if dry_run and not as_json:
        for published in done:
            say_samples(published)
    _say_places(brought)
    _warn(done)
    if dry_run:
        say(tr("dry run: nothing was published", "试运行：未发布任何数据"))
    raise typer.Exit(tell_failures(outcomes))


def _say(done: Sequence[Published]) -> None:
    words = {
        "published": tr("published", "已发布"),
        "nothing_new": tr("nothing new", "无新内容"),
        "dry_run": tr("would be published", "将发布"),
    }
    say_table(
        [
            tr("to", "接收方"),
            tr("stream", "数据流"),
            tr("result", "结果"),
            tr("bundle", "序号"),
            tr("records", "记录"),
            tr("withheld", "暂缓"),
        ],
        [
            (
                p.partner_name,
                p.stream,
                words[p.status],
                f"#{p.sequence}" if p.sequence is not None else "–",
                by_type(p.counts),
                by_type(p.withheld),
            )
            for p in done
        ],
        empty="",
    )
    for published in done:
        if published.path is not None:
            say(tr(f"written: {published.path}", f"已写入：{published.path}"))


def by_type(counts: Mapping[str, int]) -> str:
    """``case_result 120, lead 8``; types without a row are left out."""
    shown = [f"{kind} {show_count(count)}" for kind, count in counts.items() if count]
    return ", ".join(shown) or "–"


def _say_removed(done: Sequence[Published]) -> None:
    for published in done:
        back = published.taken_back
        gone = {k: n - back.get(k, 0) for k, n in published.removed.items()}
        if any(gone.values()):
            say(
                tr(
                    f"{published.stream}: of these, gone at the source: {by_type(gone)}",
                    f"{published.stream}：其中来源已删除：{by_type(gone)}",
                )
            )
        if back:
            say(
                tr(
                    f"{published.stream}: of these, taken back from the partner: {by_type(back)}",
                    f"{published.stream}：其中不得再由对方使用、予以收回：{by_type(back)}",
                )
            )


def _say_again(done: Sequence[Published]) -> None:
    for published in done:
        if published.again:
            say(
                tr(
                    f"{published.stream}: of these, not new here, but covered or with other "
                    f"fields only now: {by_type(published.again)}",
                    f"{published.stream}：其中并非新记录，因协议范围或字段变化而发送："
                    f"{by_type(published.again)}",
                )
            )


def _say_places(brought: Sequence[BroughtOut]) -> None:
    for place in brought:
        say(
            tr(
                f"brought to {place.at}: {show_count(place.files)} files, "
                f"{show_count(place.bytes)} bytes",
                f"已送达 {place.at}：{show_count(place.files)} 个文件，"
                f"{show_count(place.bytes)} 字节",
            )
        )


def _place_as_json(place: BroughtOut) -> dict[str, Any]:
    return {"at": place.at, "time": place.time, "files": place.files, "bytes": place.bytes}


def _warn(done: Sequence[Published]) -> None:
    for published in done:
        if published.withheld:
            say_warning(
                tr(
                    f"{published.stream}: {by_type(published.withheld)} withheld: they break a "
                    "rule that was added after they were accepted",
                    f"{published.stream}：{by_type(published.withheld)} 暂缓发布："
                    "入湖之后新增的规则不再允许",
                ),
                tr("the source must correct them", "请来源单位更正"),
            )


def _as_json(published: Published) -> dict[str, Any]:
    return {
        "partner": published.partner,
        "partner_name": published.partner_name,
        "stream": published.stream,
        "status": published.status,
        "sequence": published.sequence,
        "bundle_id": published.bundle_id,
        "counts": dict(published.counts),
        "withheld": dict(published.withheld),
        "removed": dict(published.removed),
        "taken_back": dict(published.taken_back),
        "again": dict(published.again),
        "samples": samples_as_json(published.samples),
        "path": str(published.path) if published.path else None,
        "size": published.size,
    }
