"""The SQL of Oracle (12.1 and later), with every format spelled out: nothing depends on the
session's NLS settings. Not tried against a real server; the tests parse it.

A name in lower case is one in upper case, as Oracle takes it, unless it is written in double
quotes (``"Case_Result"``). An empty text is NULL: Oracle does not know the difference.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from connectors.database.drivers import local_time, moment
from connectors.database.session import Column, ColumnKind

_INTEGER = re.compile(r"^-?\d{1,40}$")
_NUMBER = re.compile(r"^-?\d{0,126}(\.\d{1,130})?$")
_SCALED = re.compile(r"^NUMBER\((\d+),(-?\d+)\)$")
_FRACTION = re.compile(r"^TIMESTAMP\((\d)\)")
_POINT = "'NLS_NUMERIC_CHARACTERS=''.,'''"
_CALENDAR = "'NLS_CALENDAR=GREGORIAN'"
_LARGEST_PRECISION = 38

_KINDS: dict[str, ColumnKind] = {
    "DB_TYPE_CHAR": "text",
    "DB_TYPE_VARCHAR": "text",
    "DB_TYPE_NCHAR": "text",
    "DB_TYPE_NVARCHAR": "text",
    "DB_TYPE_DATE": "timestamp",
    "DB_TYPE_TIMESTAMP": "timestamp",
    "DB_TYPE_TIMESTAMP_TZ": "timestamptz",
    "DB_TYPE_TIMESTAMP_LTZ": "timestamptz",
    "DB_TYPE_BINARY_FLOAT": "numeric",
    "DB_TYPE_BINARY_DOUBLE": "numeric",
    "DB_TYPE_BINARY_INTEGER": "integer",
    "DB_TYPE_BOOLEAN": "boolean",
    "DB_TYPE_RAW": "bytes",
    "DB_TYPE_BLOB": "bytes",
    "DB_TYPE_LONG_RAW": "bytes",
}
_WORDS = {
    "DB_TYPE_VARCHAR": "VARCHAR2",
    "DB_TYPE_NVARCHAR": "NVARCHAR2",
    "DB_TYPE_LONG_NVARCHAR": "LONG",
    "DB_TYPE_LONG_RAW": "LONG RAW",
    "DB_TYPE_INTERVAL_DS": "INTERVAL DAY TO SECOND",
    "DB_TYPE_INTERVAL_YM": "INTERVAL YEAR TO MONTH",
}
_ZONES = {
    "DB_TYPE_TIMESTAMP": "",
    "DB_TYPE_TIMESTAMP_TZ": " WITH TIME ZONE",
    "DB_TYPE_TIMESTAMP_LTZ": " WITH LOCAL TIME ZONE",
}


def column_of(info: Any) -> Column:
    """A column as the driver's ``FetchInfo`` describes it: ``name``, ``type_code.name``,
    ``precision``, ``scale``, ``null_ok``."""
    code = info.type_code.name
    kind = _KINDS.get(code, "other")
    if code == "DB_TYPE_NUMBER":
        whole = bool(info.precision) and info.scale == 0
        kind = "integer" if whole else "numeric"
        word = f"NUMBER({info.precision},{info.scale})" if info.precision else "NUMBER"
        if info.precision and not -84 <= (info.scale or 0) <= 127:  # FLOAT says -127
            word = "NUMBER"
    elif code in _ZONES:
        word = f"TIMESTAMP({info.scale or 0}){_ZONES[code]}"
    else:
        word = _WORDS.get(code, code.removeprefix("DB_TYPE_"))
    return Column(info.name, kind, word, not_null=not info.null_ok)


def split_table(table: str) -> tuple[str | None, str]:
    """``schema.table`` as the catalogue has it: (schema or None, table)."""
    schema, dot, name = table.partition(".")
    return (_stored(schema), _stored(name)) if dot else (None, _stored(table))


def _stored(name: str) -> str:
    quoted = len(name) > 2 and name.startswith('"') and name.endswith('"')
    return name[1:-1] if quoted else name.upper()


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@dataclass(frozen=True, slots=True)
class OracleDialect:
    """``connectors.database.session.Dialect`` for Oracle."""

    def ident(self, name: str) -> str:
        if '"' in name or "\0" in name:
            raise ValueError("Oracle has no name with a double quote")
        return f'"{name}"'

    def relation(self, table: str) -> str:
        return ".".join(self.ident(part) for part in split_table(table) if part is not None)

    def as_text(self, column: Column) -> str:
        name, word = self.ident(column.name), column.type
        if word.startswith("NUMBER"):
            return _number(name, word)
        if word == "DATE":
            return f"TO_CHAR({name}, 'YYYY-MM-DD HH24:MI:SS', {_CALENDAR})"
        if word.startswith("TIMESTAMP"):
            return f"TO_CHAR({name}, '{_time_format(column)}', {_CALENDAR})"
        if word == "BOOLEAN":
            return f"CASE WHEN {name} THEN 'true' WHEN NOT {name} THEN 'false' END"
        if word.startswith("INTERVAL"):
            return f"TO_CHAR({name})"
        if word in ("ROWID", "UROWID"):
            return f"ROWIDTOCHAR({name})"
        if word == "XMLTYPE":
            return f"XMLSERIALIZE(CONTENT {name} AS CLOB)"
        if word == "JSON":
            return f"JSON_SERIALIZE({name} RETURNING CLOB)"
        # Texts come as they are, bytes and binary floats are written out by the session.
        return name

    def bound(self, column: Column, value: str) -> str:
        if column.kind == "integer" and _INTEGER.match(value):
            return value
        if column.kind == "numeric" and value not in ("", "-") and _NUMBER.match(value):
            return value
        if column.kind == "text":
            return literal(value)
        if column.kind == "timestamp":
            return _timestamp(column, value)
        if column.kind == "timestamptz":
            at = moment(value).replace(tzinfo=None).isoformat(sep=" ")
            return f"TIMESTAMP '{at} +00:00'"
        raise ValueError(f"no {column.kind} value")

    def is_absent(self, column: Column) -> str:
        return f"{self.ident(column.name)} IS NULL"

    def first_rows(self, select: str, rows: int) -> str:
        return f"SELECT * FROM ({select}) WHERE ROWNUM <= {rows}"


def _number(name: str, word: str) -> str:
    """All digits: with the whole scale where the type has one, else as many as there are."""
    scaled = _SCALED.match(word)
    if scaled is None:
        # TM9 writes 0.5 as .5
        minimal = f"TO_CHAR({name}, 'TM9', {_POINT})"
        return rf"REGEXP_REPLACE({minimal}, '^(-?)\.', '\10.')"
    precision, scale = int(scaled[1]), int(scaled[2])
    if scale <= 0:
        # A negative scale has zeros behind its digits.
        digits = min(precision - scale, 62)
        return f"TO_CHAR({name}, 'FM{'9' * (digits - 1)}0')"
    whole = max(precision - scale, 1)
    return f"TO_CHAR({name}, 'FM{'9' * (whole - 1)}0.{'0' * scale}')"


def _time_format(column: Column) -> str:
    found = _FRACTION.match(column.type)
    digits = int(found[1]) if found else 0
    fraction = f".FF{digits}" if digits else ""
    zone = "TZH:TZM" if column.kind == "timestamptz" else ""
    return f"YYYY-MM-DD HH24:MI:SS{fraction}{zone}"


def _timestamp(column: Column, value: str) -> str:
    """Of the column's own type, so that its index serves: a DATE holds whole seconds."""
    at = local_time(value)
    if column.type == "DATE":
        second = at.replace(microsecond=0).isoformat(sep=" ")
        return f"TO_DATE('{second}', 'YYYY-MM-DD HH24:MI:SS')"
    return f"TIMESTAMP '{at.isoformat(sep=' ')}'"
