"""How far a table was read, by one column, and where the next read begins.

Told by the server in the column's own type and order, before the rows are read: a row that
comes in between is read twice rather than never.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from connectors.config import CursorConfig
from connectors.cursor import TIME_UNITS, Clock, Comparable
from connectors.database.session import Column, Dialect, Session, Settled
from connectors.database.statements import Asked, or_null
from schemas.errors import ConfigError, Where
from schemas.text import Text

DEFAULT_COUNT_OVERLAP = 1000
"""Whole numbers are handed out before their rows are committed: so many are read again."""
SETTLING = timedelta(minutes=1)
"""More than passes between asking a server for its clock and taking the snapshot."""

_NUMBER = re.compile(r"^-?\d{1,400}(\.\d{1,400})?$")


@dataclass(frozen=True, slots=True)
class Follower:
    """``form``: how a value is understood, by the column's type first, then by the settings."""

    column: Column
    dialect: Dialect
    clock: Clock
    form: str

    def condition(self, value: str | None) -> str | None:
        """Rows at or after ``value`` less the overlap, and those without a value; None: all.

        All, too, if ``value`` can't be one of this column, which has had another type.
        """
        if value is None or self.parse(value) is None:
            return None
        name = self.dialect.ident(self.column.name)
        bound = self.dialect.bound(self.column, self.asked(value))
        return or_null(self.dialect, self.column, f"{name} >= {bound}")

    def advance(
        self, session: Session, asked: Asked, before: Mapping[str, Any], settled: Settled
    ) -> dict[str, Any]:
        """The cursor after this read: the greatest value, but none that is still to come.

        ``asked``: what is read now. No time after the server's own clock counts, nor one after
        the beginning of a transaction that is still open: what it wrote will carry such a time.
        Which numbers an open transaction holds, nobody can say; so they are only seen for now,
        and count once all that was open then has ended.
        """
        top = session.scalar(asked.extreme("max", self.column))
        if self.is_time:
            if top is not None:
                top = self._settled_top(session, asked, top, settled.at)
        elif settled.oldest is not None:
            return self._seen(top, before, settled.now, settled.oldest)
        return {"value": top} if self._moves(top, before) else dict(before)

    def _seen(
        self, top: str | None, before: Mapping[str, Any], now: datetime, oldest: datetime
    ) -> dict[str, Any]:
        """``value`` moves to what was seen before the oldest open transaction began."""
        kept = dict(before)
        if "seen" in kept and datetime.fromisoformat(kept["seen_at"]) + SETTLING < oldest:
            kept = {"value": kept["seen"]}
        if "seen" not in kept and self._moves(top, kept):
            kept |= {"seen": top, "seen_at": now.isoformat()}
        return kept

    def _moves(self, top: str | None, before: Mapping[str, Any]) -> bool:
        if top is None or self.form == "text":
            return top is not None
        return self._is_after(top, before.get("value"))

    @property
    def is_time(self) -> bool:
        return self.form not in ("integer", "text")

    def parse(self, text: str) -> Comparable | Decimal | None:
        if self.form == "integer":
            return Decimal(text) if _NUMBER.match(text) else None
        return self.clock.parse(text)

    def asked(self, value: str) -> str:
        if self.form == "integer":
            number = self.parse(value)
            return f"{number - self.clock.count:f}" if isinstance(number, Decimal) else value
        earlier = self.clock.asked(value)
        return earlier[:10] if self.column.kind == "date" else earlier

    def written(self, moment: datetime, like: str) -> str:
        """``moment`` as this column writes times; ``like`` shows a text column's manner."""
        local = moment.astimezone(self.clock.zone)
        if self.column.kind == "date":
            return local.date().isoformat()
        if self.column.kind == "timestamptz":
            return moment.astimezone(UTC).isoformat(sep=" ")
        if self.column.kind == "timestamp":
            return local.replace(tzinfo=None).isoformat(sep=" ")
        if self.form in TIME_UNITS:
            return str((moment - datetime(1970, 1, 1, tzinfo=UTC)) // TIME_UNITS[self.form])
        if self.form != "iso":
            return local.strftime(self.form)
        return _in_manner(moment, local, like)

    def _settled_top(
        self, session: Session, asked: Asked, top: str, ceiling: datetime
    ) -> str | None:
        found = self.parse(top)
        if isinstance(found, datetime) and found <= ceiling:
            return top
        name = self.dialect.ident(self.column.name)
        bound = self.dialect.bound(self.column, self.written(ceiling, top))
        return session.scalar(asked.where(f"{name} <= {bound}").extreme("max", self.column))

    def _is_after(self, text: str, before: str | None) -> bool:
        value = self.parse(text)
        if value is None:
            return False
        best = self.parse(before) if before is not None else None
        return best is None or value > best  # type: ignore[operator]  # one form, one type


def follower(session: Session, column: Column, config: CursorConfig, zone: ZoneInfo) -> Follower:
    """Raises :class:`ConfigError` for a column that has no order to follow."""
    if column.kind in ("boolean", "bytes", "other"):
        raise ConfigError(
            Text(
                en=f"a read can't follow column {column.name} ({column.type})",
                zh=f"列 {column.name}（{column.type}）不能作为游标",
            ),
            where=Where(session.address, field="cursor.field"),
            hint=Text(
                en="name a column with the time of the last change, or a number that only grows",
                zh="请改用最后修改时间列，或只增不减的编号列",
            ),
        )
    form = _form(column, config.format)
    if form == "integer" and isinstance(config.overlap, timedelta) and config.overlap:
        raise ConfigError(
            Text(
                en=f"{column.name} is a number; its overlap is a number, too",
                zh=f"列 {column.name} 是数字，其 overlap 也应是数字",
            ),
            where=Where(session.address, field="cursor.overlap"),
            hint=Text(
                en='write format = "integer" and overlap = 1000',
                zh='请写 format = "integer" 和 overlap = 1000',
            ),
        )
    clock = Clock(config.model_copy(update={"format": form}), zone, DEFAULT_COUNT_OVERLAP)
    return Follower(column, session.dialect, clock, form)


def _form(column: Column, configured: str) -> str:
    if column.kind in ("date", "timestamp", "timestamptz"):
        return "iso"
    if column.kind in ("integer", "numeric") and configured in ("iso", "text"):
        return "integer"
    return configured


def _in_manner(moment: datetime, local: datetime, like: str) -> str:
    try:
        example = datetime.fromisoformat(like)
    except ValueError:
        return local.replace(tzinfo=None).isoformat(sep=" ")
    if len(like) <= len("2026-05-01"):
        return local.strftime("%Y%m%d" if "-" not in like else "%Y-%m-%d")
    separator = "T" if "T" in like else " "
    if example.tzinfo is None:
        return local.replace(tzinfo=None).isoformat(sep=separator)
    shown = moment.astimezone(example.tzinfo).isoformat(sep=separator)
    return shown.replace("+00:00", "Z") if like.endswith("Z") else shown
