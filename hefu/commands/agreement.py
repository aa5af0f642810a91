"""``hefu agreement list|explain|check|digest``: what was agreed, in words and as one number."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hefu.commands.options import (
    JSON,
    NODE,
    add_command,
    add_group,
    argument,
    node_if_any,
    open_node,
)
from hefu.terminal import say, say_data, say_json, say_table, say_warning, tr
from schemas.errors import ConfigError, Where
from schemas.text import Text

if TYPE_CHECKING:
    from exchange.agreement.model import Agreement
    from hefu.node import Node


def add_to(app: typer.Typer) -> None:
    group = add_group(
        app,
        "agreement",
        en="Agreements: what leaves for whom and why, and what does not.",
        zh="数据共享协议：什么数据因何提供给谁，什么数据不提供。",
    )
    add_command(
        group,
        list_,
        "list",
        en="List the agreements of this node, their versions and which of them hold today.",
        zh="列出本节点的协议、各版本以及当前有效的版本。",
    )
    add_command(
        group,
        explain,
        "explain",
        en="Say in plain words what leaves for whom, why, and what does not leave.\n\n"
        "At a node also how many records that is. Without an argument: every agreement that "
        "holds today.",
        zh="以通俗文字说明：什么数据因何提供给谁，什么数据不提供。\n\n"
        "在节点中运行时还会给出记录数量。不写参数则说明当前有效的全部协议。",
    )
    add_command(
        group,
        check,
        "check",
        en="Check an agreement's file before it is signed: contradictions with line and key, and "
        "what is worth a second look.",
        zh="签署前检查协议文件：指出自相矛盾之处（行号和键），并提示值得留意之处。",
    )
    add_command(
        group,
        digest,
        "digest",
        en="Print the digest of an agreement's file; both parties must get the same one.\n\n"
        "Layout and comments do not count.",
        zh="输出协议文件的摘要；双方得出的摘要必须一致。\n\n排版和注释不影响摘要。",
    )


FILE_OR_ID = Annotated[
    str | None,
    argument(
        "FILE|ID",
        en="a file, or the id of an agreement of this node; all that hold today if left out",
        zh="协议文件，或本节点某协议的 id；不写则为当前有效的全部协议",
    ),
]
FILE = Annotated[Path, argument("FILE", en="the agreement's TOML file", zh="协议的 TOML 文件")]


def list_(
    ctx: typer.Context,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    here = open_node(ctx, node)
    now = datetime.now(UTC)
    from exchange.agreement.versions import in_force

    agreements = sorted(here.agreements(), key=lambda a: (a.id, -a.version))
    holding = {(a.id, a.version) for a in in_force(agreements, now) if a.is_running(now)}
    if as_json:
        say_json([_as_json(a, (a.id, a.version) in holding, now) for a in agreements])
        return
    say_table(
        [
            tr("agreement", "协议"),
            tr("version", "版本"),
            tr("from", "起"),
            tr("until", "止"),
            tr("state", "状态"),
            tr("parties", "参与单位"),
            tr("digest", "摘要"),
        ],
        [
            (
                a.id,
                str(a.version),
                a.valid_from.isoformat(),
                a.valid_until.isoformat(),
                _state(a, (a.id, a.version) in holding, now),
                tr(", ", "、").join(p.name for p in a.parties),
                a.digest()[:16],
            )
            for a in agreements
        ],
        empty=tr("this node has no agreement yet", "本节点还没有协议"),
    )


def _state(agreement: Agreement, holds: bool, now: datetime) -> str:
    from exchange.agreement.model import LEGAL_TIME

    if holds:
        return tr("holds", "有效")
    if agreement.is_running(now):
        return tr("replaced by a later version", "已被后续版本取代")
    today = now.astimezone(LEGAL_TIME).date()
    return tr("not yet", "未生效") if agreement.valid_from > today else tr("ended", "已到期")


def _as_json(agreement: Agreement, holds: bool, now: datetime) -> dict[str, Any]:
    return {
        "id": agreement.id,
        "version": agreement.version,
        "digest": agreement.digest(),
        "valid_from": agreement.valid_from.isoformat(),
        "valid_until": agreement.valid_until.isoformat(),
        "runs": agreement.is_running(now),
        "holds": holds,
        "parties": [{"code": p.code, "name": p.name} for p in agreement.parties],
    }


def explain(
    ctx: typer.Context,
    which: FILE_OR_ID = None,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from exchange.agreement import explain as explaining
    from exchange.bundle.contracts import INSTALLED
    from hefu.commands.agreement_told import as_json as told_as_json
    from hefu.commands.agreement_told import told

    here = node_if_any(ctx, node)
    code = here.agency.code if here is not None else None
    found = _which(here, which)
    shown = [explaining.explain(agreement, code, INSTALLED) for agreement in found]
    counts = [_counts(here, agreement) for agreement in found]
    if as_json:
        say_json([told_as_json(one, count) for one, count in zip(shown, counts, strict=True)])
        return
    for number, (one, count) in enumerate(zip(shown, counts, strict=True)):
        if number:
            say_data("")
        for line in told(one, count):
            say_data(line)
    if not found:
        say(tr("this node has no agreement yet", "本节点还没有协议"))


def _which(here: Node | None, which: str | None) -> list[Agreement]:
    """The agreements that are meant: a file's, else by id the version that holds, else all."""
    from exchange.agreement.model import load_agreement
    from exchange.agreement.versions import in_force

    if which is not None and (Path(which).is_file() or which.endswith(".toml")):
        return [load_agreement(Path(which))]
    agreements = here.agreements() if here is not None else []
    holding = in_force(agreements, datetime.now(UTC))
    if which is None:
        if here is None:
            raise ConfigError(
                Text(
                    en="there is no node here, and no file was named",
                    zh="当前不在节点中，也未指定文件",
                ),
                hint=Text(
                    en="hefu agreement explain FILE", zh="请运行 hefu agreement explain 文件"
                ),
            )
        return list(holding)
    found = [agreement for agreement in holding if agreement.id == which]
    if not found:
        known = [agreement.id for agreement in holding]
        raise ConfigError(
            Text(
                en=f"there is neither a file nor an agreement {which!r}",
                zh=f"没有名为 {which!r} 的文件或协议",
            ),
            where=Where(str(here.root / "agreements")) if here is not None else None,
            hint=Text(
                en=f"agreements here: {', '.join(known) or 'none'}",
                zh=f"本节点的协议：{'、'.join(known) or '（无）'}",
            ),
        )
    return found


def _counts(here: Node | None, agreement: Agreement) -> dict[str, Any]:
    """What this node has of it, by stream; nothing of grants that are another's."""
    if here is None:
        return {}
    from flows.counting import count_coverage

    return {
        agreement.stream_id(grant): count_coverage(here, grant)
        for grant in agreement.grants_from(here.agency.code)
    }


def check(
    ctx: typer.Context,
    file: FILE,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from exchange.agreement.model import load_agreement
    from exchange.agreement.notes import notes
    from exchange.agreement.versions import check_side_by_side
    from exchange.bundle.contracts import INSTALLED

    here = node_if_any(ctx, node)
    agreement = load_agreement(file)
    others = [a for a in here.agreements() if a != agreement] if here is not None else []
    check_side_by_side([agreement, *others])
    found = list(notes(agreement, others, INSTALLED, datetime.now(UTC)))
    if as_json:
        said = [{"en": note.en, "zh": note.zh} for note in found]
        say_json({**agreement.reference().model_dump(), "notes": said})
        return
    say_data(
        tr(
            f"{agreement.id}, version {agreement.version}: nothing contradicts itself",
            f"{agreement.id} 第 {agreement.version} 版：没有自相矛盾之处",
        )
    )
    say_data(tr(f"digest {agreement.digest()}", f"摘要 {agreement.digest()}"))
    for note in found:
        say_warning(str(note))


def digest(file: FILE) -> None:
    from exchange.agreement.model import load_agreement

    say_data(load_agreement(file).digest())
