"""How PostgreSQL and its relatives write SQL."""

from __future__ import annotations

import re
from dataclasses import dataclass

from connectors.database.session import Column, ColumnKind
from schemas.sql import ident, literal

_KINDS: dict[str, ColumnKind] = {
    **dict.fromkeys(("int2", "int4", "int8", "int1", "int16", "oid"), "integer"),
    **dict.fromkeys(("numeric", "float4", "float8"), "numeric"),
    **dict.fromkeys(("text", "varchar", "bpchar", "char", "name", "citext", "nvarchar2"), "text"),
    "date": "date",
    "timestamp": "timestamp",
    "timestamptz": "timestamptz",
    "bool": "boolean",
    "bytea": "bytes",
}
_TYPED = {"timestamp": "TIMESTAMP", "timestamptz": "TIMESTAMPTZ", "date": "DATE"}
_NUMBER = re.compile(r"^-?\d+(\.\d+)?$")
_WHOLE = re.compile(r"^-?\d+$")


def kind_of(type_name: str) -> ColumnKind:
    """``type_name``: ``pg_type.typname``, of a domain that of its base type."""
    return _KINDS.get(type_name, "other")


@dataclass(frozen=True, slots=True)
class PostgresqlDialect:
    """See :class:`connectors.database.session.Dialect`."""

    def ident(self, name: str) -> str:
        return ident(name)

    def relation(self, table: str) -> str:
        return ".".join(ident(part) for part in table.split(".", 1))

    def as_text(self, column: Column) -> str:
        name = ident(column.name)
        if column.kind == "bytes":
            return f"encode({name}, 'hex')"
        if column.type.endswith("[]"):
            return f"array_to_json({name})::text"
        if column.type == "money":
            return f"{name}::numeric::text"
        return f"{name}::text"

    def bound(self, column: Column, value: str) -> str:
        if column.kind == "integer":
            # Bare, so that the server may choose a wider type than the column's.
            return _checked(_WHOLE, value)
        if column.kind == "numeric":
            # Quoted, so that it becomes the column's own type, also of a float's few digits.
            return literal(_checked(_NUMBER, value))
        quoted = literal(value)
        return f"{_TYPED[column.kind]} {quoted}" if column.kind in _TYPED else quoted

    def is_absent(self, column: Column) -> str:
        return f"{self.ident(column.name)} IS NULL"

    def first_rows(self, select: str, rows: int) -> str:
        return f"{select} LIMIT {rows}"


def _checked(pattern: re.Pattern[str], value: str) -> str:
    if not pattern.match(value):
        raise ValueError("this is no number")
    return value
