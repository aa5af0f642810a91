"""A first ``source.toml`` and ``mapping.sql`` from a CSV file's header.

The encoding and the delimiter are found; which field is which column is suggested by their names
(:mod:`hefu.suggestion`), and the rest is left to a person.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from connectors.look import ColumnSeen
from hefu.headers import Header, read_header
from hefu.scaffold import toml_text
from hefu.suggestion import mapping_text, open_fields, suggest
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
    """Make ``sources/<stream_id>/`` for the CSV file ``path``; nothing is overwritten.

    Raises :class:`ConfigError` for a name, record type or file that won't do.
    """
    from connectors.config import SourceConfig
    from schemas.contract import load_contract
    from schemas.toml import parse_toml

    contract = load_contract(record_type)
    header = read_header(path)
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
        "further files of the same kind: a wider pattern, as *.csv",
        "以后同类文件会陆续放入该目录时，请改成通配符，如 *.csv",
    )
    gate = tr(
        "when a run is worth a person's look; every key is in docs/sources.md",
        "何时需要人工查看；所有可用的键见 docs/sources.zh-CN.md",
    )
    delimiter = f"delimiter = {toml_text(header.delimiter)}\n" if header.delimiter != "," else ""
    return f"""\
system = {toml_text(system)}
stream = {toml_text(stream)}
record_type = {toml_text(record_type)}
label = {toml_text(path.stem)}

[reader]
kind = "files"
path = {toml_text(str(path.resolve().parent))}
# {pattern}
pattern = {toml_text(path.name)}
format = "csv"
encoding = {toml_text(header.encoding)}
{delimiter}
# {gate}
[expect]
max_quarantine_share = 0.2
"""
