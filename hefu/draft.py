"""A first ``source.toml`` and ``mapping.sql`` from a CSV file's header.

Only what can be known is filled in: the encoding, the delimiter, and the fields whose Chinese
label or name a column has. Everything else is listed for a person to decide; a guess that looks
right and is wrong would go into the lake unseen.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hefu.headers import Header, read_header
from hefu.scaffold import toml_text
from hefu.terminal import tr
from schemas.codes import schemes
from schemas.errors import ConfigError, Where
from schemas.mappings import column_names
from schemas.sql import ident, literal
from schemas.text import Text

if TYPE_CHECKING:
    from hefu.node import Node
    from schemas.contract import Contract, Field

_MONEY = re.compile(r"[（(](万?元)[)）]$")
_BY_TYPE = {
    "DATE": "date_ymd({})",
    "TIMESTAMPTZ": "ts_cn({})",
    "DECIMAL(16,2)": "yuan({})",
    "BOOLEAN": "yes_no({})",
    "VARCHAR[]": "split_list({}, '、')",
    "BIGINT[]": "split_list({}, '、')",
}
_BY_NAME = {
    "vin": "vin({})",
    "driver_license_no": "id_no({})",
    "transport_certificate_no": "transport_certificate_no({})",
}
_BY_ENDING = {
    "_plate_no": "plate({})",
    "_uscc": "credit_code({})",
    "_kg": "kg({})",
}


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
    columns = _match(contract, header.columns)
    folder.mkdir(parents=True)
    (folder / "source.toml").write_text(text, encoding="utf-8")
    (folder / "mapping.sql").write_text(
        _mapping(contract, header, columns, path.name), encoding="utf-8"
    )
    return Draft(
        folder=folder,
        header=header,
        matched=tuple(columns),
        open_fields=tuple(
            f.name for f in contract.fields if must_be_given(f) and f.name not in columns
        ),
        unused=tuple(c for c in header.columns if c not in columns.values()),
    )


def must_be_given(field: Field) -> bool:
    """Whether only the mapping can give this field, and a record needs it."""
    return field.required and not field.filled_by_node and not field.node_default


def _match(contract: Contract, columns: Sequence[str]) -> dict[str, str]:
    """Field → the column that has its label, its name, or a name that a ready format gives it.

    Labels and names go first, so that another format's word takes no column from them.
    """
    by_name = {_plain(column): column for column in columns}
    fields = contract.givable_fields()
    aliases = column_names()
    found: dict[str, str] = {}
    for names_of in (lambda f: (f.label_zh, f.name), lambda f: aliases.get(f.name, ())):
        for field in fields:
            own = [by_name[_plain(n)] for n in names_of(field) if _plain(n) in by_name]
            free = [column for column in own if column not in found.values()]
            if field.name not in found and free:
                found[field.name] = free[0]
    return found


def _plain(name: str) -> str:
    """A name without blanks, underscores and the unit of money, which :func:`_expression` minds."""
    return _MONEY.sub("", re.sub(r"[\s_]", "", name)).lower()


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


def _mapping(contract: Contract, header: Header, columns: dict[str, str], name: str) -> str:
    active, waiting = [], []
    for field in contract.givable_fields():
        if field.name in columns:
            active.append((_expression(field, columns[field.name]), field))
        elif must_be_given(field):
            active.append(("NULL", field))
        else:
            waiting.append(f"--   {_expression(field, None)} AS {field.name}  -- {_label(field)}")
    lines = [
        f"    {expression} AS {field.name}{',' if i < len(active) - 1 else ''}  -- {_label(field)}"
        for i, (expression, field) in enumerate(active)
    ]
    unused = [c for c in header.columns if c not in columns.values()]
    about = tr(
        "one record per source row: no WHERE, no join. Replace each NULL; "
        "* means that a record needs it.",
        "一行来源数据对应一条记录：不要用 WHERE 和连接。请替换每个 NULL；带 * 的为必填。",
    )
    rest = tr("fields that you may add", "可按需补充的字段")
    left = tr("source columns not used yet", "尚未使用的来源列")
    unused_lines = [f"--   {ident(column)}" for column in unused]
    return "\n".join(
        [
            f"-- {name} → {contract.record_type} ({contract.label})",
            f"-- {about}",
            "SELECT",
            *lines,
            "FROM raw",
            "",
            f"-- {left}:",
            *unused_lines,
            f"-- {rest}:",
            *waiting,
            "",
        ]
    )


def _label(field: Field) -> str:
    star = " *" if must_be_given(field) else ""
    return tr(f"{field.label_zh} {field.label_en}{star}", f"{field.label_zh}{star}")


def _expression(field: Field, column: str | None) -> str:
    source = ident(column) if column is not None else '"…"'
    if column is not None and _in_wan(column):
        return f"yuan_from_wan({source})"
    if field.code_list:
        # Chinese words are what a source most likely writes; check shows what is not among them.
        known = schemes(field.code_list)
        scheme = "zh" if "zh" in known else "canonical"
        of = f"{literal(field.code_list)}, {literal(scheme)}, {source}"
        return f"codes({of}, '、')" if field.logical_type == "array" else f"code({of})"
    return _macro(field).format(source)


def _macro(field: Field) -> str:
    """The macro that reads such a field, by its name before its type."""
    if field.name in _BY_NAME:
        return _BY_NAME[field.name]
    if field.logical_type != "array":
        for ending, macro in _BY_ENDING.items():
            if field.name.endswith(ending):
                return macro
    return _BY_TYPE.get(field.duckdb_type, "txt({})")


def _in_wan(column: str) -> bool:
    unit = _MONEY.search(re.sub(r"\s", "", column))
    return unit is not None and unit[1] == "万元"
