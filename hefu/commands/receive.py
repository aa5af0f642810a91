"""``hefu receive``: take in what partners published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
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
from hefu.terminal import say, say_json, say_table, say_warning, show_count, show_time, tr
from schemas.errors import ConfigError
from schemas.text import Text

if TYPE_CHECKING:
    from exchange.trust.partner import Partner
    from flows.incoming import TakenIn
    from flows.outcome import Outcome
    from hefu.node import Node
    from hefu.partner_seen import Seen

#: A refused bundle is for a person to settle; the command itself did what it should.
NEEDS_A_PERSON = 1
VERIFICATION_FAILED = 4


def add_to(app: typer.Typer) -> None:
    add_command(
        app,
        receive,
        "receive",
        en="Fetch, verify, re-check and take in the partners' new bundles.\n\n"
        "A bundle is taken in whole or not at all. Exit code 1 when one was refused: everything "
        "before it is taken in, it and what follows it is not, and the partner gets a negative "
        "receipt.",
        zh="获取、验证、复核并接收合作单位的新数据包。\n\n"
        "每个数据包要么完整接收，要么完全不接收。有数据包被拒收时退出码为 1：其前的已接收，"
        "该包及其后的均未接收，并向对方出具拒收回执。",
    )


def receive(
    ctx: typer.Context,
    partners: Annotated[
        list[str] | None,
        argument("PARTNER", en="partner codes; all if none", zh="合作单位代码；不写则为全部"),
    ] = None,
    place: Annotated[
        Path | None,
        option(
            "--from",
            metavar="FOLDER",
            en="read one partner's repository from this folder, a disk that was carried here",
            zh="从此目录读取某一合作单位的发布库（如人工送达的磁盘）",
        ),
    ] = None,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from hefu.commands.pipeline import errors_as_json, run_flow, tell_failures

    here = open_node(ctx, node)
    wanted = list(partners or []) or None
    if place is not None and len(wanted or ()) != 1:
        raise ConfigError(
            Text(
                en="--from reads one partner's repository: say which partner",
                zh="--from 只读取一个合作单位的发布库，请写明单位代码",
            ),
            hint=Text(en="hefu receive CODE --from FOLDER", zh="hefu receive 单位代码 --from 目录"),
        )

    def call() -> Sequence[Outcome]:
        from flows.receive_bundles import receive_bundles

        return receive_bundles(
            str(here.root), wanted, str(place.resolve()) if place is not None else None
        )

    what = tr("receiving", "正在接收")
    outcomes = run_flow(here, what, call, verbose=is_verbose(ctx))
    taken = [t for o in outcomes for t in (o.result if o.error is None else o.error.done)]
    read = _read_of(here, wanted)
    if as_json:
        say_json(
            {
                "taken_in": [_as_json(t) for t in taken],
                "read": [_seen_as_json(*one) for one in read],
                "errors": errors_as_json(outcomes),
            }
        )
    else:
        _say(taken)
        _say_read(read)
    for bundle in taken:
        for warning in bundle.warnings:
            say_warning(f"{bundle.stream} #{bundle.sequence}: {warning}")
    code = tell_failures(outcomes)
    raise typer.Exit(NEEDS_A_PERSON if code == VERIFICATION_FAILED else code)


def _read_of(node: Node, wanted: Sequence[str] | None) -> list[tuple[Partner, Seen]]:
    """What was read of each partner, and how old it is."""
    from hefu.partner_seen import seen_of

    partners = [p for p in node.partners() if not wanted or p.code in wanted]
    return [(p, seen) for p in partners if (seen := seen_of(node, p.code)) is not None]


def _say_read(read: Sequence[tuple[Partner, Seen]]) -> None:
    now = datetime.now(UTC)
    for partner, seen in read:
        signed = show_time(seen.published_time) if seen.published_time else "–"
        until = show_time(seen.expires)
        told = tr(
            f"{partner.name}: as signed {signed}, good until {until}, read from {seen.where}",
            f"{partner.name}：清单签署于 {signed}，有效至 {until}，读自 {seen.where}",
        )
        if seen.is_stale(now):
            say_warning(
                told,
                tr(
                    "what is newer than this is not known here; ask the partner to publish, or "
                    "for a newer disk",
                    "此后是否另有发布尚不可知；请对方重新发布，或送来更新的磁盘",
                ),
            )
        else:
            say(told)


def _seen_as_json(partner: Partner, seen: Seen) -> dict[str, Any]:
    return {"partner": partner.code, **asdict(seen), "stale": seen.is_stale(datetime.now(UTC))}


def _say(taken: Sequence[TakenIn]) -> None:
    say_table(
        [
            tr("from", "发送方"),
            tr("stream", "数据流"),
            tr("bundle", "序号"),
            tr("made", "生成时间"),
            tr("records", "记录类型"),
            tr("received", "收到"),
            tr("accepted", "入湖"),
            tr("unchanged", "未变"),
            tr("duplicate", "重复"),
            tr("quarantined", "隔离"),
        ],
        [
            (
                t.partner_name,
                t.stream,
                f"#{t.sequence}",
                show_time(t.created_time),
                record_type,
                *(
                    show_count(n)
                    for n in (c.received, c.accepted, c.unchanged, c.duplicate, c.quarantined)
                ),
            )
            for t in taken
            for record_type, c in t.counts.items()
        ],
        numbers=range(5, 10),
        empty=tr("no new bundle was taken in", "没有接收新的数据包"),
    )


def _as_json(taken: TakenIn) -> dict[str, Any]:
    return {
        "partner": taken.partner,
        "partner_name": taken.partner_name,
        "stream": taken.stream,
        "sequence": taken.sequence,
        "bundle_id": taken.bundle_id,
        "created_time": taken.created_time,
        "counts": {kind: asdict(counts) for kind, counts in taken.counts.items()},
        "warnings": [{"en": text.en, "zh": text.zh} for text in taken.warnings],
    }
