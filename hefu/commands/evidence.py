"""``hefu evidence list|verify|export``: prove what was said, as of its receipt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hefu.commands.options import JSON, NODE, add_command, add_group, argument, open_node, option
from hefu.terminal import (
    say,
    say_data,
    say_error,
    say_json,
    say_table,
    say_warning,
    show_time,
    tr,
)
from schemas.errors import ConfigError, DataError, HefuError, VerificationError, Where
from schemas.text import Text

if TYPE_CHECKING:
    from exchange.bundle.statement import Predicate
    from exchange.trust.evidence import Evidence, Kept
    from exchange.trust.evidence_verify import Proven
    from flows.letting_go import Held
    from flows.time_basis import Said
    from hefu.node import Node

VERIFICATION_FAILED = 4
WHICH = argument(
    "[BUNDLE_ID | STREAM NUMBER | FOLDER]",
    en="one bundle, or an exported folder; none: all that was taken in",
    zh="某个数据包，或导出的证据目录；不写则为全部已接收的数据包",
)


def add_to(app: typer.Typer) -> None:
    group = add_group(
        app,
        "evidence",
        en="Prove what a partner said, as of the day it was received.",
        zh="证明合作单位当时向本单位作出的陈述（以接收之时为准）。",
    )
    add_command(
        group,
        list_,
        "list",
        en="List what is kept of the bundles that were taken in, and until when.",
        zh="列出已接收数据包的证据及其保存期限。",
    )
    add_command(
        group,
        verify,
        "verify",
        en="Verify kept bundles as of their receipt, whatever was rotated, revoked or agreed since."
        "\n\nAn exported folder is verified without a node and offline. Exit code 4 when one does "
        "not verify.",
        zh="以接收之时为准核验留存的数据包，不受其后密钥轮换、吊销或协议变更影响。\n\n"
        "导出的证据目录无需节点、无需联网即可核验。有核验不通过者，退出码为 4。",
    )
    add_command(
        group,
        export,
        "export",
        en="Write a folder for a court or a procuratorate: bundle, proofs and a cover sheet.\n\n"
        "Of a bundle that was taken in, or of one that this node published. "
        "With --record: all bundles that brought a version of that record. The folder holds "
        "personal data and is for its owner alone; nothing of it is shown here.",
        zh="导出供法院、检察院查阅的证据目录：数据包、证明材料与封面。\n\n"
        "可以是已接收的数据包，也可以是本节点发布的数据包。"
        "用 --record 时导出含有该记录各版本的全部数据包。目录含个人信息，仅本人可读，"
        "终端不显示其内容。",
    )


def list_(
    ctx: typer.Context,
    partner: Annotated[
        str | None,
        option("--partner", metavar="CODE", en="of one partner only", zh="只列某一合作单位"),
    ] = None,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from flows.letting_go import held

    here = open_node(ctx, node)
    rows = [(one, _bundle_id(one.kept)) for one in held(here, partner)]
    if as_json:
        say_json([_held_json(one, bundle_id) for one, bundle_id in rows])
        return
    names = {p.code: p.name for p in here.partners()}
    say_table(
        [
            tr("from", "发送方"),
            tr("stream", "数据流"),
            tr("bundle", "序号"),
            tr("received", "接收时间"),
            tr("bundle id", "数据包编号"),
            tr("bundle file", "数据包文件"),
            tr("statement SHA-256", "声明 SHA-256"),
        ],
        [
            (
                names.get(one.kept.evidence.publisher, one.kept.evidence.publisher),
                one.kept.evidence.stream,
                f"#{one.kept.evidence.sequence}",
                show_time(one.kept.evidence.received_time),
                bundle_id,
                _retention(one),
                one.kept.evidence.statement_sha256,
            )
            for one, bundle_id in rows
        ],
        empty=tr("nothing was taken in yet", "尚未接收任何数据包"),
    )


def _retention(one: Held) -> str:
    if not one.is_here:
        return tr("let go of at the end of its retention", "保存期届满，已清除")
    if one.last_day is None:
        return tr("kept", "留存")
    return tr(f"kept until {one.last_day}", f"留存至 {one.last_day}")


@dataclass(frozen=True, slots=True)
class _Result:
    """``failed`` None: it verified. ``basis``: what the time rests on."""

    evidence: Evidence
    place: str
    proven: Proven | None
    basis: Text | None
    warnings: Sequence[Text]
    failed: HefuError | None


def verify(
    ctx: typer.Context,
    which: Annotated[list[str] | None, WHICH] = None,
    as_json: Annotated[bool, JSON] = False,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    words = list(which or [])
    if len(words) == 1 and Path(words[0]).is_dir():
        results = list(_verify_folder(Path(words[0])))
    else:
        here = open_node(ctx, node)
        results = [_verify_kept(here, kept) for kept in _wanted(here, words)]
    if as_json:
        say_json([_result_json(one) for one in results])
    else:
        _say_results(results)
    if any(isinstance(one.failed, VerificationError) for one in results):
        raise typer.Exit(VERIFICATION_FAILED)
    if any(one.failed is not None for one in results):
        raise typer.Exit(DataError.exit_code)


def _wanted(here: Node, words: Sequence[str]) -> list[Kept]:
    from exchange.trust.evidence import kept_in
    from hefu.evidence_export import find_bundle, find_number

    match words:
        case []:
            return list(kept_in(here.place("inbox")))
        case [bundle_id]:
            return [find_bundle(here, bundle_id)]
        case [stream, number] if number.isascii() and number.isdecimal():
            return [find_number(here, stream, int(number))]
    raise ConfigError(
        Text(
            en="say a bundle id, or a stream and a number, or a folder",
            zh="请写数据包编号，或数据流与序号，或证据目录",
        ),
        hint=Text(en="hefu evidence list shows them", zh="可用 hefu evidence list 查看"),
    )


def _own(here: Node, words: Sequence[str]) -> Said | None:
    """The bundle of our own that the words name, if they do."""
    from hefu.evidence_own import own_statements

    def is_meant(told: Predicate) -> bool:
        return words in ([told.bundle_id], [told.stream, str(told.sequence)])

    return next((one for one in own_statements(here) if is_meant(one.statement)), None)


def _verify_kept(here: Node, kept: Kept) -> _Result:
    from exchange.trust.evidence_verify import proof_of, verify_evidence
    from flows.time_basis import time_basis
    from hefu.evidence_export import head_before

    place = f"{kept.evidence.stream} #{kept.evidence.sequence}"
    try:
        basis = time_basis(here, kept.evidence)
        proven = verify_evidence(proof_of(kept), head_before(kept))
    except HefuError as error:
        return _Result(kept.evidence, place, None, None, (), error)
    warnings = (*proven.warnings, *basis.warnings)
    return _Result(kept.evidence, place, proven, basis.text, warnings, None)


def _verify_folder(folder: Path) -> Iterator[_Result]:
    from exchange.trust.evidence import read_evidence
    from exchange.trust.evidence_verify import verify_evidence
    from hefu.evidence_folder import RECORD, SUMS, bundle_folders, changed_files, read_folder

    if (folder / SUMS).is_file() and (changed := changed_files(folder)):
        raise DataError(
            Text(
                en=f"{len(changed)} file(s) of this folder are not as {SUMS} says",
                zh=f"目录中有 {len(changed)} 个文件与 {SUMS} 不符",
            ),
            where=Where(str(folder / changed[0])),
            hint=Text(en="use an unchanged copy of the folder", zh="请使用未被改动的目录副本"),
        )
    for one in bundle_folders(folder):
        path = one / RECORD
        evidence = read_evidence(path.read_bytes(), path)
        try:
            proven = verify_evidence(read_folder(one))
        except HefuError as error:
            yield _Result(evidence, str(one), None, None, (), error)
            continue
        basis = Text(
            en="the time of receipt is the receiver's word; receipt/ holds what it rests on",
            zh="接收时间为接收方所述；依据见 receipt/ 目录",
        )
        yield _Result(evidence, str(one), proven, basis, proven.warnings, None)


def _say_results(results: Sequence[_Result]) -> None:
    for one in results:
        if one.proven is None:
            say(tr(f"does not verify: {one.place}", f"核验未通过：{one.place}"))
            if one.failed is not None:
                say_error(one.failed)
            continue
        time = show_time(one.evidence.received_time)
        say_data(tr(f"verified as of {time}: {one.place}", f"以 {time} 为准核验通过：{one.place}"))
        if len(results) == 1:
            for check in one.proven.checks:
                say_data(f"  {check.name}")
                say_data(f"      {check.found}")
        if one.basis is not None:
            say_data(f"  {one.basis}")
        for warning in one.warnings:
            say_warning(f"{one.place}: {warning}")
    if not results:
        say(tr("nothing was taken in yet", "尚未接收任何数据包"))


def export(
    ctx: typer.Context,
    out: Annotated[Path, option("--out", metavar="DIR", en="new folder", zh="新的输出目录")],
    which: Annotated[
        list[str] | None,
        argument("[BUNDLE_ID | STREAM NUMBER]", en="the bundle", zh="数据包编号，或数据流与序号"),
    ] = None,
    record: Annotated[
        str | None,
        option(
            "--record",
            metavar="RECORD_ID",
            en="all bundles that brought a version of this record",
            zh="含有该记录各版本的全部数据包",
        ),
    ] = None,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    from hefu.evidence_export import bundles_of_record
    from hefu.evidence_export import export as write

    here = open_node(ctx, node)
    words = list(which or [])
    if bool(words) == bool(record):
        raise ConfigError(
            Text(
                en="say either a bundle or --record RECORD_ID",
                zh="请指定数据包，或用 --record 指定记录，二者选一",
            ),
            hint=Text(en="hefu evidence list shows the bundles", zh="可用 hefu evidence list 查看"),
        )
    now = datetime.now(UTC)
    if (own := _own(here, words)) is not None:
        from hefu.evidence_own import own_evidence

        with own_evidence(here, own, now) as (kept, basis):
            done = write(here, [kept], out, now, basis=basis)
    else:
        bundles = bundles_of_record(here, record) if record else _wanted(here, words)
        done = write(here, bundles, out, now, record)
    for kept, why in done.unverified:
        say_warning(f"{kept.evidence.stream} #{kept.evidence.sequence}: {why}")
    say(
        tr(
            f"wrote {done.bundles} bundle(s) with their proofs; this folder holds personal data, "
            "keep it as a case file; begin with 封面.html",
            f"已导出 {done.bundles} 个数据包及证明材料；目录含个人信息，"
            "请按案卷管理；请先阅封面.html",
        )
    )
    say_data(str(done.folder))


def _bundle_id(kept: Kept) -> str:
    from exchange.trust.evidence_verify import statement_of

    return statement_of(kept.statement.read_bytes())[0].bundle_id


def _held_json(one: Held, bundle_id: str) -> dict[str, Any]:
    plain = one.kept.evidence.model_dump(mode="json", by_alias=True, exclude={"metadata"})
    return {
        **plain,
        "bundle_id": bundle_id,
        "bundle_file": str(one.kept.bundle) if one.is_here else None,
        "kept_until": one.last_day.isoformat() if one.last_day else None,
    }


def _result_json(one: _Result) -> dict[str, Any]:
    return {
        "publisher": one.evidence.publisher,
        "stream": one.evidence.stream,
        "sequence": one.evidence.sequence,
        "received_time": one.evidence.received_time,
        "statement_sha256": one.evidence.statement_sha256,
        "verified": one.failed is None,
        "time_rests_on": _text_json(one.basis),
        "checks": [
            {"name": _text_json(c.name), "found": _text_json(c.found)}
            for c in (one.proven.checks if one.proven else ())
        ],
        "warnings": [_text_json(text) for text in one.warnings],
        "error": one.failed.as_dict() if one.failed else None,
    }


def _text_json(text: Text | None) -> dict[str, str] | None:
    return {"en": text.en, "zh": text.zh} if text else None
