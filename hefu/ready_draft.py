"""A source made from a ready mapping: ``hefu draft SYSTEM/STREAM FILE --as FORMAT``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hefu.headers import Header, read_columns
from schemas.contract import did_you_mean
from schemas.errors import ConfigError, Where
from schemas.mappings import Ready, load_ready, ready_mappings
from schemas.mappings.fitting import Fit, fit, sql_in_names, toml_in_names
from schemas.text import Text
from schemas.toml import parse_toml

if TYPE_CHECKING:
    from hefu.node import Node

#: A file that has less of a format's columns is of another format.
_LEAST_SHARE = 0.3


@dataclass(frozen=True, slots=True)
class ReadyDraft:
    """``fit``: what of the format the file has, and what beyond it."""

    folder: Path
    header: Header
    ready: Ready
    fit: Fit


def write_ready_draft(
    node: Node, stream_id: str, name: str, path: Path, told: Sequence[str] = ()
) -> ReadyDraft:
    """Make ``sources/<stream_id>/`` from format ``name`` for ``path``; nothing is overwritten.

    ``told``: ``format's column=file's column``, where the names differ.
    Columns that the format may lack and the file lacks are NULL. Raises :class:`ConfigError`
    for an unknown format, a name or file that won't do, and a file of another format.
    """
    ready = load_ready(name)
    system, _, stream = stream_id.partition("/")
    folder = node.root / "sources" / system / stream
    header = read_columns(path, _records_path(ready))
    found = fit(ready, header.columns, _told(ready, header, told))
    _check_format(ready, found, header, path)
    toml, sql = written(ready, found, header, system, stream, path)
    _check_source(toml, folder)
    if folder.exists():
        raise ConfigError(
            Text(en="there is such a source already", zh="已有同名来源"),
            where=Where(str(folder)),
            hint=Text(en="a draft never overwrites; choose another name", zh="请换一个名称"),
        )
    folder.mkdir(parents=True)
    (folder / "source.toml").write_text(toml, encoding="utf-8")
    (folder / "mapping.sql").write_text(sql, encoding="utf-8")
    return ReadyDraft(folder, header, ready, found)


def written(
    ready: Ready, found: Fit, header: Header, system: str, stream: str, path: Path
) -> tuple[str, str]:
    """The format's ``source.toml`` and ``mapping.sql`` for a file like ``path``."""
    may_lack = [found.columns[c.name] for c in ready.about.columns if not c.required]
    values = {
        "system": system,
        "stream": stream,
        "label": str(ready.about.label.text),
        "path": str(path.resolve().parent),
        "pattern": path.name,
        "format": header.format,
        "encoding": header.encoding,
        "delimiter": header.delimiter,
        "optional_columns": may_lack,
    }
    renamed = {name: own for name, own in found.columns.items() if name != own}
    return (
        toml_in_names(ready.source_toml, renamed, values),
        sql_in_names(ready.mapping_sql, renamed),
    )


def _told(ready: Ready, header: Header, pairs: Sequence[str]) -> dict[str, str]:
    """What ``--column`` said, checked against the format and the file."""
    by_name = {name: c.name for c in ready.about.columns for name in c.names}
    told = {}
    for pair in pairs:
        theirs, _, own = pair.partition("=")
        for name, known, en, zh in (
            (theirs, by_name, f"format {ready.name}", f"格式 {ready.name} "),
            (own, header.columns, "the file", "文件"),
        ):
            if name not in known:
                raise ConfigError(
                    Text(en=f"{en} has no column {name!r}", zh=f"{zh}中没有列 {name!r}"),
                    where=Where("--column"),
                    hint=did_you_mean(name, tuple(known))
                    or Text(en="write --column FORMAT=FILE", zh="写法：--column 格式列名=文件列名"),
                )
        told[by_name[theirs]] = own
    return told


def _records_path(ready: Ready) -> str:
    """``reader.records`` of the format's source."""
    import tomllib

    return str(tomllib.loads(ready.source_toml)["reader"].get("records", ""))


def _check_source(toml: str, folder: Path) -> None:
    from connectors.config import SourceConfig

    parse_toml(toml, SourceConfig, folder / "source.toml")


def _check_format(ready: Ready, found: Fit, header: Header, path: Path) -> None:
    if found.share >= _LEAST_SHARE and not found.missing_required:
        return
    missing = list(found.missing_required or found.missing)
    names = [_with_label(ready, name, found) for name in missing]
    raise ConfigError(
        Text(
            en=f"this is no file of format {ready.name}: it lacks "
            + ", ".join(text.en for text in names),
            zh=f"文件不是 {ready.name} 格式，缺少：" + "、".join(text.zh for text in names),
        ),
        where=Where(str(path)),
        hint=_better(ready, header),
    )


def _with_label(ready: Ready, name: str, found: Fit) -> Text:
    label = next(c.label for c in ready.about.columns if c.name == name)
    shown = name if name == label else f"{name} {label}"
    if name not in found.near:
        return Text(en=shown, zh=shown)
    near = found.near[name]
    return Text(
        en=f"{shown} (did you mean its column {near}?)",
        zh=f"{shown}（文件中的 {near} 是否即此列？）",
    )


def _better(ready: Ready, header: Header) -> Text:
    """The format that the file has most of, if that is another one."""
    fits = {name: fit(load_ready(name), header.columns) for name in ready_mappings()}
    whole = {name: f.share for name, f in fits.items() if not f.missing_required}
    best = max(whole, key=lambda name: whole[name], default=ready.name)
    if best != ready.name and whole[best] >= _LEAST_SHARE:
        return Text(en=f"it looks like format {best}", zh=f"看起来是 {best} 格式")
    return Text(
        en="say --column FORMAT=FILE for a column of another name; hefu mappings shows the formats",
        zh="列名不同时用 --column 格式列名=文件列名 指明；可用格式见 hefu mappings",
    )
