"""``hefu draft``: a first source.toml and mapping.sql for a file, or from a ready mapping."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hefu.commands.options import JSON, NODE, add_command, argument, open_node, option
from hefu.terminal import busy, say, say_data, say_json, say_table, say_warning, tr
from schemas.contract import record_types
from schemas.errors import ConfigError, DataError
from schemas.text import Text

if TYPE_CHECKING:
    from hefu.draft import Draft
    from hefu.ready_draft import ReadyDraft


def add_to(app: typer.Typer) -> None:
    add_command(
        app,
        draft,
        "draft",
        en="Draft a source from a file: source.toml and mapping.sql.\n\n"
        "With --as FORMAT the source is made from a ready mapping: the file's columns are laid "
        "beside the format's, by code, Chinese label or another known name, and what is missing "
        "or unknown is named. With --records TYPE a CSV's encoding and delimiter are found, the "
        "fields whose label or name a column has are filled in, and the rest is listed for you "
        "to decide. Without FILE, where source.toml is written already, the source itself is asked "
        "for its columns and what it says of them. Then run hefu check.",
        zh="根据一个文件起草来源：source.toml 与 mapping.sql。\n\n"
        "用 --as 指定格式时，直接套用现成映射：按代码、中文名称或其他已知名称逐列核对文件，"
        "指出缺少的列与多出的列。用 --records 时，自动识别 CSV 的编码与分隔符，"
        "列名与字段名称相同的直接填好，其余逐项列出由您决定。"
        "已写好 source.toml 的可不给文件，直接向来源系统查询各列及其说明。随后运行 hefu check。",
    )
    add_command(
        app,
        mappings,
        "mappings",
        en="List the ready mappings, for hefu draft --as.\n\n"
        "--json also shows each format's columns, where its list comes from, and which of its "
        "code lists are known.",
        zh="列出现成映射，供 hefu draft --as 使用。\n\n"
        "--json 还会给出各格式的列、字段表出处，以及哪些代码表已知。",
    )


def draft(
    ctx: typer.Context,
    stream: Annotated[
        str,
        argument(
            "SYSTEM/STREAM",
            en="name of the new source, as casework/results",
            zh="新来源的名称，如 casework/results",
        ),
    ],
    file: Annotated[
        Path | None,
        argument(
            "FILE",
            en="a file of the source; leave it out where source.toml is written already: the "
            "source itself is asked",
            zh="该来源的一个文件；已写好 source.toml 的可不填，直接向来源系统查询各列",
        ),
    ] = None,
    records: Annotated[
        str | None,
        option(
            "--records",
            metavar="TYPE",
            en="what its rows are: " + ", ".join(record_types()),
            zh="每行是什么记录：" + "、".join(record_types()),
        ),
    ] = None,
    ready: Annotated[
        str | None,
        option("--as", metavar="FORMAT", en="make it from this ready mapping", zh="套用此现成映射"),
    ] = None,
    columns: Annotated[
        list[str] | None,
        option(
            "--column",
            metavar="FORMAT=FILE",
            en="with --as: the file calls this column of the format otherwise; may be repeated",
            zh="与 --as 合用：格式中的某列在文件中另有列名，可重复",
        ),
    ] = None,
    node: Annotated[Path | None, NODE] = None,
) -> None:
    if file is None:
        _draft_from_source(ctx, stream, node)
        return
    if (records is None) == (ready is None):
        raise ConfigError(
            Text(
                en="say what the file is with either --as or --records",
                zh="请用 --as 或 --records 之一说明文件内容",
            ),
            hint=Text(
                en="hefu mappings shows the ready mappings for --as",
                zh="--as 可用的现成映射见 hefu mappings",
            ),
        )
    here = open_node(ctx, node)
    if ready is not None:
        from hefu.ready_draft import write_ready_draft

        made = write_ready_draft(here, stream, ready, file, columns or ())
        _tell_ready(made, file)
        folder = made.folder
    else:
        from hefu.draft import write_draft

        first = write_draft(here, stream, records or "", file)
        _tell(first, file)
        folder = first.folder
    check = tr(f"then: hefu check {stream}", f"下一步运行：hefu check {stream}")
    say(check)
    say_data(str(folder / "source.toml"))
    say_data(str(folder / "mapping.sql"))


def _draft_from_source(ctx: typer.Context, stream: str, node: Path | None) -> None:
    """Ask the source for its columns and write the mapping that their names suggest."""
    from hefu.commands.pipeline import node_extra
    from hefu.suggestion import open_fields
    from hefu.trial import try_source
    from schemas.contract import load_contract

    here = open_node(ctx, node)
    (source, *others) = here.sources([stream])
    if others or source.mapping_path.exists():
        raise _not_one_without_mapping(stream)
    with node_extra(), busy(tr(f"looking at {stream}", f"正在查看 {stream}")):
        trial = try_source(here, source, datetime.now(UTC))
    for step in trial.looked.reached:
        say(tr(f"{trial.stream_id}: {step}", f"{trial.stream_id}：{step}"))
    if trial.drafted is None:
        raise _nothing_to_see(stream)
    source.mapping_path.write_text(trial.drafted, encoding="utf-8")
    found = {f.name: f.columns[0] for f in trial.fields if f.columns}
    _tell_found(len(found), trial.unused, open_fields(load_contract(trial.record_type), found))
    say(tr(f"then: hefu check {stream}", f"下一步运行：hefu check {stream}"))
    say_data(str(source.mapping_path))


def _not_one_without_mapping(stream: str) -> ConfigError:
    return ConfigError(
        Text(
            en=f"{stream} has a mapping.sql already, or names several streams",
            zh=f"{stream} 已有 mapping.sql，或对应多个数据流",
        ),
        hint=Text(
            en="a draft never overwrites; name one system/stream that has only its source.toml",
            zh="起草不会覆盖已有文件；请指定只有 source.toml 的一个 系统/数据流",
        ),
    )


def _nothing_to_see(stream: str) -> DataError:
    return DataError(
        Text(
            en=f"{stream} gave no row, so its columns aren't known",
            zh=f"{stream} 没有返回任何数据行，无法得知有哪些列",
        ),
        hint=Text(
            en="name a file: hefu draft SYSTEM/STREAM FILE --records TYPE",
            zh="请指定一个文件：hefu draft 系统/数据流 文件 --records 类型",
        ),
    )


def mappings(as_json: Annotated[bool, JSON] = False) -> None:
    from schemas.mappings import load_ready, ready_mappings

    formats = [load_ready(name) for name in ready_mappings()]
    if as_json:
        say_json([{"name": f.name, **f.about.model_dump(mode="json")} for f in formats])
        return
    yes, no = tr("yes", "是"), tr("no", "否")
    say_table(
        [
            tr("format", "格式"),
            tr("what it is", "名称"),
            tr("records", "记录类型"),
            tr("in use", "年代"),
            tr("list verified", "字段表已核实"),
        ],
        [
            (
                f.name,
                str(f.about.label.text),
                f.about.record_type,
                f.about.years,
                yes if f.about.verified else no,
            )
            for f in formats
        ],
    )


def _tell_ready(made: ReadyDraft, file: Path) -> None:
    fit, about = made.fit, made.ready.about
    count, known = len(made.header.columns), len(fit.found)
    say(
        tr(
            f"read {file}: {count} columns; {known} of the format's {len(about.columns)} are there",
            f"已读取 {file}：{count} 列；格式共 {len(about.columns)} 列，文件中有 {known} 列",
        )
    )
    labels = {c.name: c.label for c in about.columns}
    if fit.missing:
        names = ", ".join(_missing(name, labels[name], fit.near.get(name)) for name in fit.missing)
        say(tr(f"not in the file, empty then: {names}", f"文件中没有、按空值处理的列：{names}"))
    if fit.extra:
        names = ", ".join(fit.extra)
        say_warning(
            tr(
                f"the format does not know these columns: {names}",
                f"格式中没有、需要您决定的列：{names}",
            ),
            tr(
                "use them in mapping.sql, or say why not under [unused_columns] in source.toml",
                "请在 mapping.sql 中使用，或在 source.toml 的 [unused_columns] 中写明理由",
            ),
        )
    if not about.verified:
        say_warning(
            tr(
                "this format's list of columns is not verified against its text",
                "此格式的字段表尚未与原文核对",
            ),
            str(about.provenance.text),
        )


def _missing(name: str, label: str, near: str | None) -> str:
    shown = name if name == label else f"{name} {label}"
    if near is None:
        return shown
    return tr(f"{shown} (is it {near}?)", f"{shown}（是否即 {near}？）")


def _tell(made: Draft, file: Path) -> None:
    header = made.header
    # A workbook and an XML say themselves how they are written.
    if header.format in ("csv", "json", "jsonl"):
        written = tr(header.encoding, f"编码 {header.encoding}")
    else:
        written = header.format
    say(
        tr(
            f"read {file}: {len(header.columns)} columns, {written}; "
            f"{len(made.matched)} fields filled in, {len(made.unused)} columns left to you",
            f"已读取 {file}：{len(header.columns)} 列，{written}；"
            f"已填好 {len(made.matched)} 个字段，另有 {len(made.unused)} 列待定",
        )
    )
    _tell_open(made.open_fields)


def _tell_found(found: int, unused: Sequence[str], still_open: Sequence[str]) -> None:
    say(
        tr(
            f"{found} fields filled in, {len(unused)} columns left to you",
            f"已填好 {found} 个字段，另有 {len(unused)} 列待定",
        )
    )
    _tell_open(still_open)


def _tell_open(still_open: Sequence[str]) -> None:
    if still_open:
        names = ", ".join(still_open)
        say(tr(f"required, still NULL: {names}", f"必填、仍为 NULL：{names}"))
    say(tr("complete the mapping", "请补全映射"))
