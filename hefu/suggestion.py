"""A first mapping from a source's columns: which field is which column, by names alone.

Only what can be known is filled in: the fields whose Chinese label, name or known other name a
column has, as its own name or as what the source says of it (a comment in its database). The
rest is listed for a person to decide; a guess that looks right and is wrong would go into the
lake unseen.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from connectors.look import ColumnSeen
from hefu.terminal import tr
from schemas.codes import schemes
from schemas.mappings import column_names
from schemas.sql import ident, literal

if TYPE_CHECKING:
    from schemas.contract import Contract, Field

_NUMBER, _UPDATED = "source_record_id", "source_updated_time"
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


def must_be_given(field: Field) -> bool:
    """Whether only the mapping can give this field, and a record needs it."""
    return field.required and not field.filled_by_node and not field.node_default


def open_fields(contract: Contract, found: Mapping[str, str]) -> tuple[str, ...]:
    """Fields that a record needs and only a mapping can give, for which no column was found."""
    return tuple(f.name for f in contract.fields if must_be_given(f) and f.name not in found)


def draft_mapping(
    contract: Contract,
    columns: Sequence[ColumnSeen],
    title: str,
    *,
    clock: str | None = None,
    ordered: bool = False,
) -> str:
    """``mapping.sql`` as far as the columns' names go; a required field without one is NULL.

    ``clock``: the column by which the source is followed, if it is a time: when the row changed.
    ``ordered``: the source has an order of its own (a full copy, a log) and may give no such time.
    """
    names = [column.name for column in columns]
    found = suggest(contract, columns, besides=(_UPDATED,) if ordered else ())
    own = next((n for n in names if clock is not None and n.lower() == clock.lower()), None)
    if own is not None and own not in found.values():
        found[_UPDATED] = own
    return mapping_text(contract, names, found, title)


def suggest(
    contract: Contract, columns: Sequence[ColumnSeen], *, besides: Collection[str] = ()
) -> dict[str, str]:
    """Field → the column that has its label, its name, or a name that a ready format gives it.

    Labels and names go first, so that another format's word takes no column from them; and a
    column's own name goes before what is said of it; what tells the source's rows apart is the
    record's number there, if nothing else is. ``besides``: fields that have theirs.
    """
    fields = [field for field in contract.givable_fields() if field.name not in besides]
    aliases = column_names()
    found: dict[str, str] = {}
    for names_of in (lambda f: (f.label_zh, f.name), lambda f: aliases.get(f.name, ())):
        for by_name in (_by_name(columns), _by_label(columns)):
            for field in fields:
                own = [by_name[_plain(n)] for n in names_of(field) if _plain(n) in by_name]
                free = [column for column in own if column not in found.values()]
                if field.name not in found and free:
                    found[field.name] = free[0]
    key = [column.name for column in columns if column.in_key]
    if len(key) == 1 and key[0] not in found.values() and _NUMBER not in {*found, *besides}:
        found[_NUMBER] = key[0]
    return found


def _by_name(columns: Sequence[ColumnSeen]) -> dict[str, str]:
    return {_plain(column.name): column.name for column in columns}


def _by_label(columns: Sequence[ColumnSeen]) -> dict[str, str]:
    """Columns by their comments; a comment that two columns share names neither."""
    seen: dict[str, list[str]] = {}
    for column in columns:
        if column.label:
            seen.setdefault(_plain(column.label), []).append(column.name)
    return {label: names[0] for label, names in seen.items() if len(names) == 1}


def _plain(name: str) -> str:
    """A name without blanks, underscores and the unit of money, which :func:`_expression` minds."""
    return _MONEY.sub("", re.sub(r"[\s_]", "", name)).lower()


def mapping_text(
    contract: Contract, names: Sequence[str], columns: Mapping[str, str], title: str
) -> str:
    """``mapping.sql`` for a source with the columns ``names``, of which ``columns`` are found."""
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
    unused = [c for c in names if c not in columns.values()]
    about = tr(
        "one record per source row: no WHERE, no join. Replace each NULL; "
        "* means that a record needs it.",
        "一行来源数据对应一条记录：不要用 WHERE 和连接。请替换每个 NULL；带 * 的为必填。",
    )
    rest = tr("fields that you may add", "可按需补充的字段")
    left = tr("source columns not used yet", "尚未使用的来源列")
    unused_lines = [f"--   {one_line(ident(column))}" for column in unused]
    return "\n".join(
        [
            f"-- {one_line(title)} → {contract.record_type} ({contract.label})",
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


def one_line(text: str) -> str:
    """What comes from outside into a comment: a line break in it would end the comment."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


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
