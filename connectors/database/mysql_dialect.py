"""The SQL of MySQL's protocol, and what its result sets say of their columns.

Values are asked for bare: the text protocol writes them out in full by itself. Three kinds are
not: BIT comes as raw bytes, FLOAT with six digits only, and TIMESTAMP without its offset.
Texts in conditions are written in hexadecimal, so that no quoting mode of a server matters.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from connectors.database.drivers import local_time, moment
from connectors.database.session import Column, ColumnKind

_INTEGER = re.compile(r"^-?\d{1,20}$")
_NUMBER = re.compile(r"^-?\d{1,65}(\.\d{1,38})?$")
_REAL = re.compile(r"^-?\d{1,400}(\.\d{1,400})?(e[+-]?\d{1,3})?$")
_PLAIN_FLOAT = re.compile(r"^float(?!\s*\()")
_GEOMETRY = re.compile(r"^(geom|point|linestring|polygon|multi(point|linestring|polygon))")

# https://dev.mysql.com/doc/dev/mysql-server/latest/field__types_8h.html
_TYPES: dict[int, tuple[ColumnKind, str]] = {
    0: ("numeric", "decimal"),
    1: ("integer", "tinyint"),
    2: ("integer", "smallint"),
    3: ("integer", "int"),
    4: ("numeric", "float"),
    5: ("numeric", "double"),
    7: ("timestamptz", "timestamp"),
    8: ("integer", "bigint"),
    9: ("integer", "mediumint"),
    10: ("date", "date"),
    11: ("other", "time"),
    12: ("timestamp", "datetime"),
    13: ("integer", "year"),
    16: ("integer", "bit"),
    245: ("other", "json"),
    246: ("numeric", "decimal"),
    255: ("other", "geometry"),
}
_STRINGS = frozenset({15, 249, 250, 251, 252, 253, 254})
_BINARY_CHARSET = 63
_NOT_NULL, _PRIMARY_KEY = 1, 2
_NO_FIXED_SCALE = 31


def is_binary(field: Any) -> bool:
    """Whether a result's column holds bytes that are no text."""
    return field.type_code in _STRINGS and field.charsetnr == _BINARY_CHARSET


def column_of(field: Any) -> Column:
    """A column as a result set describes it."""
    kind, word = _TYPES.get(field.type_code, ("other", ""))
    if field.type_code in _STRINGS:
        kind, word = ("bytes", "binary") if is_binary(field) else ("text", "text")
    if word == "float" and field.scale < _NO_FIXED_SCALE:
        word = f"float({field.length},{field.scale})"  # written out with all its digits
    # A column that is NOT NULL may hold the zero date 0000-00-00, which tells no time either.
    not_null = bool(field.flags & _NOT_NULL) and kind not in ("date", "timestamp", "timestamptz")
    return Column(
        field.name, kind, word, in_key=bool(field.flags & _PRIMARY_KEY), not_null=not_null
    )


def is_plain_float(column: Column) -> bool:
    """FLOAT without a fixed scale, which a server writes with six digits."""
    return _PLAIN_FLOAT.match(column.type) is not None


def split_table(table: str) -> tuple[str | None, str]:
    """``database.table`` or ``table`` → (database or None, table)."""
    schema, dot, name = table.partition(".")
    return (schema, name) if dot else (None, table)


def text_literal(text: str) -> str:
    """A text as SQL, whatever the server's modes."""
    return f"_utf8mb4 X'{text.encode('utf-8').hex()}'"


@dataclass(frozen=True, slots=True)
class MySqlDialect:
    """``connectors.database.session.Dialect`` for MySQL, MariaDB and their relatives."""

    def ident(self, name: str) -> str:
        return "`" + name.replace("`", "``") + "`"

    def relation(self, table: str) -> str:
        return ".".join(self.ident(part) for part in split_table(table) if part is not None)

    def as_text(self, column: Column) -> str:
        name = self.ident(column.name)
        if column.kind == "timestamptz":
            return f"CONCAT({name}, '+00:00')"  # the session's time zone is UTC
        if column.type.startswith("bit"):
            return f"({name} + 0)"
        if is_plain_float(column):
            return f"({name} + 0e0)"  # as DOUBLE, with all its digits
        if _GEOMETRY.match(column.type):
            return f"ST_AsText({name})"
        return name

    def bound(self, column: Column, value: str) -> str:
        if column.kind == "integer" and _INTEGER.match(value):
            return value
        if column.kind == "numeric" and (_NUMBER.match(value) or _REAL.match(value)):
            return value
        if column.kind == "text":
            return text_literal(value)
        if column.kind == "date":
            return f"DATE'{local_time(value).date().isoformat()}'"
        if column.kind == "timestamp":
            return _timestamp(local_time(value).isoformat(sep=" "))
        if column.kind == "timestamptz":
            return _timestamp(moment(value).replace(tzinfo=None).isoformat(sep=" "))
        raise ValueError(f"no {column.kind} value")

    def is_absent(self, column: Column) -> str:
        name = self.ident(column.name)
        if column.kind not in ("date", "timestamp", "timestamptz"):
            return f"{name} IS NULL"
        # The zero date 0000-00-00, which strict modes don't let us write.
        return f"{name} IS NULL OR {name} < DATE'0001-01-01'"

    def first_rows(self, select: str, rows: int) -> str:
        return f"{select} LIMIT {rows}"


def _timestamp(text: str) -> str:
    return f"TIMESTAMP'{text}'"
