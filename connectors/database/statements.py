"""The SELECT statements of one pull, for any dialect."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

from connectors.config import WindowConfig
from connectors.database.faults import unknown_column
from connectors.database.session import Column, Dialect, Session
from connectors.database.settings import DatabaseReader
from schemas.errors import ConfigError, Where
from schemas.text import Text

ALIAS = "hefu"
"""Columns in ORDER BY are qualified: a bare name would mean the text of the select list."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A SELECT of ``columns`` as text from ``relation`` under ``conditions``, all of them."""

    dialect: Dialect
    relation: str
    columns: tuple[Column, ...]
    conditions: tuple[str, ...] = ()
    order: tuple[str, ...] = ()

    def where(self, *conditions: str) -> Asked:
        return replace(self, conditions=(*self.conditions, *conditions))

    def everything(self) -> Asked:
        return replace(self, conditions=(), order=())

    def rows(self) -> str:
        listed = ", ".join(
            f"{self.dialect.as_text(c)} AS {self.dialect.ident(c.name)}" for c in self.columns
        )
        ordered = f" ORDER BY {', '.join(self.order)}" if self.order else ""
        return f"SELECT {listed} FROM {self._from()}{ordered}"

    def count(self) -> str:
        return f"SELECT count(*) FROM {self._from()}"

    def extreme(self, function: str, column: Column) -> str:
        """``max`` or ``min`` of a column, as text; its comparison is the column's own."""
        name = self.dialect.ident(column.name)
        inner = f"SELECT {function}({name}) AS {name} FROM {self._from()}"
        return f"SELECT {self.dialect.as_text(column)} FROM ({inner}) {ALIAS}"

    def _from(self) -> str:
        where = " AND ".join(f"({c})" for c in self.conditions)
        return f"{self.relation} {ALIAS}" + (f" WHERE {where}" if where else "")


def subquery(query: str) -> str:
    """``query`` to select from; it may end in a semicolon or a comment."""
    plain = query.strip().rstrip(";").rstrip()
    return f"({plain}\n)"


def asked_of(session: Session, reader: DatabaseReader, columns: list[Column]) -> Asked:
    """All rows of the reader's table or query, with the columns that it chooses."""
    if reader.table is not None:
        relation = session.dialect.relation(reader.table)
    else:
        relation = subquery(reader.query or "")
    chosen = columns
    if reader.columns:
        chosen = [find(session, columns, name, "reader.columns") for name in reader.columns]
    return Asked(session.dialect, relation, tuple(chosen))


def find(session: Session, columns: list[Column], name: str, field: str) -> Column:
    """The column called ``name``, else the only one that differs in case. Raises ConfigError."""
    exact = [c for c in columns if c.name == name]
    near = exact or [c for c in columns if c.name.lower() == name.lower()]
    if len(near) != 1:
        raise unknown_column(session.address, name, field, [c.name for c in columns])
    return near[0]


def or_null(dialect: Dialect, column: Column, condition: str) -> str:
    """``condition``, and the rows that have nothing there: left out, nobody would ever see them."""
    if column.not_null:
        return condition
    return f"{condition} OR {dialect.is_absent(column)}"


def parts(session: Session, asked: Asked, column: Column | None, count: int) -> list[Asked]:
    """``asked`` cut into ``count`` ranges of a whole-number column; rows with NULL in the first.

    The outer ranges are open, so that no row lies outside of all of them.
    """
    if column is None or count == 1:
        return [asked]
    if column.kind not in ("integer", "numeric"):
        raise ConfigError(
            Text(
                en=f"a read can't be cut into parts by {column.name} ({column.type})",
                zh=f"不能按列 {column.name}（{column.type}）分区读取",
            ),
            where=Where(session.address, field="reader.partition_column"),
            hint=Text(en="name a column of whole numbers", zh="请改用整数列"),
        )
    ends = [session.scalar(asked.extreme(f, column)) for f in ("min", "max")]
    if ends[0] is None or ends[1] is None:
        return [asked]
    found = [Decimal(e) for e in ends if e is not None]
    if not all(end.is_finite() for end in found):
        return [asked]  # infinity, or NaN: no ranges to be cut
    low, high = (int(end) for end in found)
    cuts = sorted({low + (high - low + 1) * i // count for i in range(1, count)} - {low})
    name = asked.dialect.ident(column.name)
    bounds = [asked.dialect.bound(column, str(cut)) for cut in cuts]
    if not bounds:
        return [asked]
    first = or_null(asked.dialect, column, f"{name} < {bounds[0]}")
    middle = [f"{name} >= {a} AND {name} < {b}" for a, b in pairwise(bounds)]
    return [asked.where(c) for c in (first, *middle, f"{name} >= {bounds[-1]}")]


def window_bounds(
    dialect: Dialect,
    column: Column,
    window: WindowConfig,
    days: tuple[date | None, date | None],
    zone: ZoneInfo,
) -> str | None:
    """The condition for business dates since..until, both of them in; None: it can't be asked.

    Then rows outside are left out when they are read, as for a folder. Rows without a date are
    of every window: which day they belong to, nobody knows.
    """
    since, until = days
    name = dialect.ident(column.name)
    found = []
    for day, operator in (
        (since, ">="),
        (until + timedelta(days=1) if until else None, "<"),
    ):
        if day is None:
            continue
        value = _day(column, day, window.field_format, zone)
        if value is None:
            return None
        found.append(f"{name} {operator} {dialect.bound(column, value)}")
    return or_null(dialect, column, " AND ".join(found)) if found else None


def _day(column: Column, day: date, pattern: str | None, zone: ZoneInfo) -> str | None:
    if column.kind == "date":
        return day.isoformat()
    if column.kind == "timestamp":
        return datetime.combine(day, time()).isoformat(sep=" ")
    if column.kind == "timestamptz":
        return datetime.combine(day, time(), zone).isoformat(sep=" ")
    if column.kind in ("integer", "numeric") and pattern == "%Y%m%d":
        return day.strftime(pattern)
    return None
