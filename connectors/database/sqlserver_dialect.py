"""The SQL of SQL Server (2012 and later), with a style for every conversion: nothing depends on
the session's language or date format. Not tried against a real server; the tests parse it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from connectors.database.drivers import local_time, moment
from connectors.database.session import Column, ColumnKind

_INTEGER = re.compile(r"^-?\d{1,20}$")
_NUMBER = re.compile(r"^-?\d{1,38}(\.\d{1,38})?$")

_KINDS: dict[str, ColumnKind] = {
    "tinyint": "integer",
    "smallint": "integer",
    "int": "integer",
    "bigint": "integer",
    "decimal": "numeric",
    "numeric": "numeric",
    "money": "numeric",
    "smallmoney": "numeric",
    "float": "numeric",
    "real": "numeric",
    "bit": "boolean",
    "date": "date",
    "datetime": "timestamp",
    "datetime2": "timestamp",
    "smalldatetime": "timestamp",
    "datetimeoffset": "timestamptz",
    "char": "text",
    "varchar": "text",
    "nchar": "text",
    "nvarchar": "text",
    "binary": "bytes",
    "varbinary": "bytes",
    "image": "bytes",
    "timestamp": "bytes",
    "rowversion": "bytes",
}
_IN_FULL = frozenset({"tinyint", "smallint", "int", "bigint", "decimal", "numeric"})
_BARE = frozenset({"nchar", "nvarchar", "float", "real"})
_OBJECTS = frozenset({"hierarchyid", "geography", "geometry"})


def column_of(name: str, word: str, *, nullable: bool) -> Column:
    """A column by the server's own word for its type: ``decimal(12,2)``, ``datetime2(7)``."""
    return Column(name, _KINDS.get(base_type(word), "other"), word, not_null=not nullable)


def base_type(word: str) -> str:
    return word.partition("(")[0].strip().lower()


def split_table(table: str) -> tuple[str | None, str]:
    """``schema.table`` or ``table`` → (schema or None, table)."""
    schema, dot, name = table.partition(".")
    return (schema, name) if dot else (None, table)


def literal(text: str) -> str:
    return "N'" + text.replace("'", "''") + "'"


@dataclass(frozen=True, slots=True)
class SqlServerDialect:
    """``connectors.database.session.Dialect`` for SQL Server."""

    def ident(self, name: str) -> str:
        return "[" + name.replace("]", "]]") + "]"

    def relation(self, table: str) -> str:
        return ".".join(self.ident(part) for part in split_table(table) if part is not None)

    def as_text(self, column: Column) -> str:
        name, word = self.ident(column.name), base_type(column.type)
        if column.kind == "bytes" or word in _BARE:
            return name  # the session writes bytes and binary floats out
        if word in _IN_FULL:
            return f"CONVERT(varchar(41), {name})"
        if word in ("money", "smallmoney"):
            return f"CONVERT(varchar(41), {name}, 2)"  # all four places
        if word == "bit":
            return f"CASE {name} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END"
        if word == "date":
            return f"CONVERT(varchar(10), {name}, 23)"
        if word in ("datetime", "datetime2", "smalldatetime", "time"):
            return f"CONVERT(varchar(30), {name}, 121)"
        if word == "datetimeoffset":
            # Style 121 sets the offset apart with a blank; the date has no plus, and its minus
            # signs have no blank before them.
            return f"REPLACE(REPLACE(CONVERT(varchar(40), {name}, 121), ' +', '+'), ' -', '-')"
        if word == "uniqueidentifier":
            return f"LOWER(CONVERT(char(36), {name}))"
        if word in _OBJECTS:
            return f"{name}.ToString()"
        # In UTF-16, whatever the code page of the column.
        return f"CONVERT(nvarchar(max), {name})"

    def bound(self, column: Column, value: str) -> str:
        if column.kind == "integer" and _INTEGER.match(value):
            return value
        if column.kind == "numeric" and _NUMBER.match(value):
            return value
        if column.kind == "text":
            return literal(value)
        if column.kind == "date":
            return f"CAST('{local_time(value).date().isoformat()}' AS date)"
        if column.kind == "timestamp":
            return _timestamp(base_type(column.type), local_time(value))
        if column.kind == "timestamptz":
            return f"CAST('{moment(value).isoformat()}' AS datetimeoffset(7))"
        raise ValueError(f"no {column.kind} value")

    def is_absent(self, column: Column) -> str:
        return f"{self.ident(column.name)} IS NULL"

    def first_rows(self, select: str, rows: int) -> str:
        return f"SELECT TOP ({rows}) * FROM ({select}) AS hefu_first"


def _timestamp(word: str, at: datetime) -> str:
    """With a T the text means the same in every language setting. DATETIME takes milliseconds
    at most, and holds every third of them only: cut off, the bound never comes out later than
    the next value that it can hold."""
    if word == "datetime2":
        return f"CAST('{at.isoformat()}' AS datetime2(7))"
    return f"CAST('{at.isoformat(timespec='milliseconds')}' AS datetime)"
