"""A first ``source.toml`` and ``mapping.sql`` from a file's columns.

How it is written is found (a CSV's encoding and delimiter, a workbook's sheet and header, where
the records of a document are); which field is which column is suggested by their names
(:mod:`hefu.suggestion`), and the rest is left to a person.
"""

from __future__ import annotations

import glob
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from connectors.look import ColumnSeen
from hefu.headers import Header, read_columns
from hefu.scaffold import toml_text
from hefu.suggestion import mapping_text, one_line, open_fields, suggest
from hefu.terminal import tr
from schemas.errors import ConfigError, Where
from schemas.text import Text

if TYPE_CHECKING:
    from hefu.node import Node


@dataclass(frozen=True, slots=True)
class Draft:
    """``matched``: fields with a column; ``open_fields``: required ones still without."""

    folder: Path
    header: Header
    matched: tuple[str, ...]
    open_fields: tuple[str, ...]
    unused: tuple[str, ...]


def write_draft(node: Node, stream_id: str, record_type: str, path: Path) -> Draft:
    """Make ``sources/<stream_id>/`` for the file ``path``; nothing is overwritten.

    Raises :class:`ConfigError` for a name, record type or file that won't do.
    """
    from connectors.config import SourceConfig
    from schemas.contract import load_contract
    from schemas.toml import parse_toml

    contract = load_contract(record_type)
    header = read_columns(path)
    system, _, stream = stream_id.partition("/")
    folder = node.root / "sources" / system / stream
    text = _source_toml(system, stream, record_type, path, header)
    parse_toml(text, SourceConfig, folder / "source.toml")
    if folder.exists():
        raise ConfigError(
            Text(en="there is such a source already", zh="已有同名来源"),
            where=Where(str(folder)),
            hint=Text(en="a draft never overwrites; choose another name", zh="请换一个名称"),
        )
    columns = suggest(contract, [ColumnSeen(name) for name in header.columns])
    folder.mkdir(parents=True)
    (folder / "source.toml").write_text(text, encoding="utf-8")
    (folder / "mapping.sql").write_text(
        mapping_text(contract, header.columns, columns, path.name), encoding="utf-8"
    )
    return Draft(
        folder=folder,
        header=header,
        matched=tuple(columns),
        open_fields=open_fields(contract, columns),
        unused=tuple(c for c in header.columns if c not in columns.values()),
    )


def _source_toml(system: str, stream: str, record_type: str, path: Path, header: Header) -> str:
    pattern = tr(
        f"further files of the same kind: a wider pattern, as *{one_line(path.suffix)}",
        f"以后同类文件会陆续放入该目录时，请改成通配符，如 *{one_line(path.suffix)}",
    )
    gate = tr(
        "when a run is worth a person's look; every key is in docs/sources.md",
        "何时需要人工查看；所有可用的键见 docs/sources.zh-CN.md",
    )
    return f"""\
system = {toml_text(system)}
stream = {toml_text(stream)}
record_type = {toml_text(record_type)}
label = {toml_text(path.stem)}

[reader]
kind = "files"
path = {toml_text(str(path.resolve().parent))}
# {pattern}
pattern = {toml_text(glob.escape(path.name))}
format = {toml_text(header.format)}
{_how_written(header)}
# {gate}
[expect]
max_quarantine_share = 0.2
"""


def _how_written(header: Header) -> str:
    """The lines of ``[reader]`` that the file itself told."""
    lines = []
    if header.format == "spreadsheet":
        others = ", ".join(one_line(name) for name in header.other_sheets)
        if others:
            lines.append(
                tr(f"# other sheets with rows: {others}", f"# 其他含有数据的工作表：{others}")
            )
            lines.append(f"sheet = {toml_text(header.sheet or '')}")
        row = header.header_row
        lines.append(
            tr(
                f"# the header was found in row {row}; header_row says where, if it may be taken "
                "for another",
                f"# 在第 {row} 行找到表头；如可能认错，请用 header_row 写明",
            )
        )
    elif header.format == "xml":
        lines.append(f"records = {toml_text(header.records)}")
        if header.lists:
            lines.append(f"lists = [{', '.join(toml_text(name) for name in header.lists)}]")
    else:
        lines.append(f"encoding = {toml_text(header.encoding)}")
        if header.delimiter != ",":
            lines.append(f"delimiter = {toml_text(header.delimiter)}")
        if header.header_row is not None:
            lines.append(f"header_row = {header.header_row}")
    return "\n".join(lines) + "\n"
