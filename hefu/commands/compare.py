"""``hefu compare``: does everybody hold the same history?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hefu.commands.options import (
    JSON,
    NODE,
    add_command,
    argument,
    date_of,
    open_node,
    option,
)
from hefu.terminal import CST, say, say_data, say_json, say_warning, show_count, show_time, tr
from schemas.errors import ConfigError, Where
from schemas.text import Text

if TYPE_CHECKING:
    from flows.compare import Difference
    from flows.notes import Read
    from hefu.node import Node

NEEDS_A_PERSON = 1


def add_to(app: typer.Typer) -> None:
    add_command(
        app,
        compare,
        "compare",
        en="Hold everything that this node was told of streams against each other.\n\n"
        "Each bundle says where its publisher's streams and those it took in stand. With a "
        "partner's notes (hefu compare --export, handed over by any way), a publisher that told "
        "you two different things is found, and its own two signatures prove it. Being behind is "
        "no difference. Exit code 1 if anything does not fit together.",
        zh="核对各方所知的数据流历史是否一致。\n\n"
        "每个数据包都载明发送方自身及其所接收各数据流的最新序号与摘要。读入合作单位用 "
        "hefu compare --export 导出的比对记录后，可查出对不同单位说法不一的发布方，并以其自身的两份"
        "签名为证。仅仅落后不算差异。发现不一致时退出码为 1。",
    )


def compare(
    ctx: typer.Context,
    notes: Annotated[
        list[Path] | None,
        argument(
            "NOTES",
            en="partners' notes to compare with; none: what this node knows",
            zh="合作单位的比对记录；不写则只核对本节点所知",
        ),
    ] = None,
    export: Annotated[
        Path | None,
        option(
            "--export",
            metavar="FILE",
            en="write this node's notes for a partner; they hold no records",
            zh="导出本节点的比对记录，交给合作单位；其中不含任何业务记录",
        ),
    ] = None,
    since: Annotated[
        str | None,
        option(
            "--since",
            metavar="DAY",
            en="with --export: leave out signed statements made before",
            zh="与 --export 同用：不含此日之前的签名声明",
        ),
    ] = None,
    proofs: Annotated[
        Path | None,
        option(
            "--proofs",
            metavar="DIR",
            en="write the signed statements that contradict each other into a new folder",
            zh="将相互矛盾的签名声明写入新目录，作为证据",
        ),
    ] = None,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    here = open_node(ctx, node)
    if export is not None:
        _export(here, export, since, bool(notes))
        return
    from flows.notes import compare_notes, read_notes

    read_in = [(path, read_notes(path)) for path in notes or ()]
    found, read = compare_notes(here, read_in)
    if proofs is not None and found:
        from flows.proofs import write_proofs

        for path in write_proofs(here, found, proofs):
            say(tr(f"wrote {path}", f"已写入 {path}"))
    if as_json:
        say_json(
            {"differences": [_as_json(d) for d in found], "notes": [_read_json(r) for r in read]}
        )
    else:
        _say(found, read)
    if found:
        raise typer.Exit(NEEDS_A_PERSON)


def _export(here: Node, to: Path, since: str | None, has_notes: bool) -> None:
    from flows.notes import make_notes
    from hefu.standing import write_whole

    if has_notes:
        raise ConfigError(
            Text(en="--export takes no notes", zh="--export 不能与比对记录同时使用"),
            hint=Text(en="run the two one after the other", zh="请分两次执行"),
        )
    if to.exists():
        raise ConfigError(
            Text(en="the file exists already", zh="文件已存在"),
            where=Where(str(to)),
            hint=Text(en="name a new file with --export", zh="请用 --export 指定新的文件名"),
        )
    start = None
    if since is not None:
        start = datetime.combine(date_of("--since", since), time.min, CST)
    notes = make_notes(here, datetime.now(UTC), start)
    write_whole(to, notes.to_bytes().decode("utf-8"))
    say(
        tr(
            f"wrote {show_count(len(notes.statements))} signed statements of "
            f"{show_count(len(notes.chains))} chains; no records are in it, but who exchanges how "
            "much with whom for what is: give it to agencies that may know that",
            f"已写入 {show_count(len(notes.chains))} 条数据流的 "
            f"{show_count(len(notes.statements))} 份签名声明；其中不含业务记录，但可看出各单位之间"
            "的交换用途与数量，请只交给有权知悉的单位",
        )
    )
    say_data(str(to))


def _say(found: Sequence[Difference], read: Sequence[Read]) -> None:
    for one in read:
        say(
            tr(
                f"notes of {one.agency.name} ({one.agency.code}) made {show_time(one.made_time)}: "
                f"{show_count(one.statements)} signed statements",
                f"{one.agency.name}（{one.agency.code}）{show_time(one.made_time)} 的比对记录："
                f"{show_count(one.statements)} 份签名声明",
            )
        )
        if one.unchecked:
            say_warning(
                tr(
                    f"{show_count(one.unchecked)} of them are signed with keys that this node does "
                    "not know: they count as the word of whoever made the notes",
                    f"其中 {show_count(one.unchecked)} 份的签名密钥本节点未知，"
                    "仅视为记录制作方的说法",
                )
            )
    if not found:
        say_data(tr("one history: nothing differs", "历史一致：未发现差异"))
        return
    for difference in found:
        say_data(str(difference.message))
        for told in difference.told:
            signed = tr("signed by", "签名方") if told.proof else tr("word of", "所述方")
            say_data(f"  #{told.sequence} sha256:{told.digest}  {signed} {told.by}  {told.where}")
        for seen in difference.seen:
            say_data(f"  {seen.role} {seen.version} sha256:{seen.digest}  {seen.where}")
        if difference.later:
            say_data(
                tr(
                    f"  and {show_count(difference.later)} later number(s), as must be",
                    f"  其后还有 {show_count(difference.later)} 个序号不同（必然如此）",
                )
            )
    if any(d.is_proven for d in found):
        say_warning(
            tr(
                "a publisher has signed two histories",
                "有发布方签署了两份不同的历史",
            ),
            tr(
                "keep both files (--proofs DIR), take in nothing more of this publisher, and call "
                "it: its key may be in other hands",
                "请保留两份文件（--proofs 目录），暂停接收该发布方的数据并与其联系："
                "其密钥可能已泄露",
            ),
        )


def _as_json(found: Difference) -> dict[str, Any]:
    message = found.message
    return {
        "kind": found.kind,
        "proven": found.is_proven,
        "publisher": found.publisher,
        "stream": found.stream,
        "sequence": found.sequence,
        "later": found.later,
        "message": {"en": message.en, "zh": message.zh},
        "told": [one._asdict() for one in found.told],
        "seen": [one._asdict() for one in found.seen],
    }


def _read_json(read: Read) -> dict[str, Any]:
    return asdict(read) | {"agency": read.agency.model_dump()}
