"""One face of four database protocols, so that reading is written once (``pull.py``).

A protocol gives an ``open_<kind>(reader, folder, *, secrets) -> Session`` and a
:class:`Dialect`. Its methods raise only errors of ``schemas.errors``, made by
``connectors.database.faults``: a driver's own text may quote a row's values or a password.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from connectors.database.settings import DatabaseReader
from connectors.delivery import Secrets
from connectors.look import ColumnSeen, StreamSeen

if TYPE_CHECKING:
    import pyarrow as pa

ColumnKind = Literal[
    "integer", "numeric", "text", "date", "timestamp", "timestamptz", "boolean", "bytes", "other"
]
"""What a column can be compared as.

``timestamp``: date and time of day without an offset, in the source's ``time_zone``;
``timestamptz``: a moment, whatever the offset it is stored or shown with. ``numeric``: any
number that is not whole by its type. ``other``: it can be read, not followed or cut by.
"""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table or query that is read. ``type`` is the database's own word."""

    name: str
    kind: ColumnKind
    type: str = ""
    label: str | None = None
    in_key: bool = False
    not_null: bool = False

    @property
    def seen(self) -> ColumnSeen:
        return ColumnSeen(self.name, self.type, self.label, self.in_key)


@dataclass(frozen=True, slots=True)
class Settled:
    """What the server itself says of time. It is asked *before* the snapshot is taken: what
    commits in between is in neither, but began later than ``now``.

    ``now`` (aware): the server's clock. ``oldest`` (aware): when the oldest of the other
    transactions began that are still open, None if there is none or the account can't see any.
    ``sees_others``: whether it can.
    """

    now: datetime
    oldest: datetime | None = None
    sees_others: bool = False

    @property
    def at(self) -> datetime:
        """A row that is not in the snapshot is written by a transaction that began since."""
        return self.now if self.oldest is None else min(self.now, self.oldest)


class Dialect(Protocol):
    """How this database writes SQL."""

    def ident(self, name: str) -> str:
        """A quoted name, in the very case that :meth:`Session.columns` gave it."""

    def relation(self, table: str) -> str:
        """``schema.table`` or ``table`` of the settings, each part quoted."""

    def as_text(self, column: Column) -> str:
        """An expression (without alias) that gives the value's exact text, NULL for NULL.

        Whole numbers and decimals with all their digits, never in exponents (binary floating
        point: the shortest text that gives it back exactly); booleans ``true``/``false``;
        times ``YYYY-MM-DD HH:MM:SS[.ffffff]`` with every digit there is, ``timestamptz`` with
        an offset; bytes in lower-case hexadecimal; JSON and arrays as JSON text.
        """

    def bound(self, column: Column, value: str) -> str:
        """A literal of the column's own type, so that an index serves and nothing is rounded.

        ``value`` is as :meth:`as_text` writes it, or ISO 8601 (``timestamptz`` with offset,
        ``timestamp`` without). It comes from the source or its state: quote or check it.
        Raises :class:`ValueError` for a value that this kind of column can't have.
        """

    def is_absent(self, column: Column) -> str:
        """A condition for the rows that have nothing in a column: NULL, and what else a
        database writes for it (MySQL: the date 0000-00-00)."""

    def first_rows(self, select: str, rows: int) -> str:
        """``select`` (no ORDER BY in it) cut to at most ``rows`` rows."""


class Session(Protocol):
    """One connection that can only read, for one pull: all it reads is one snapshot, where the
    protocol has one. Statement and lock time-outs are set. Opened for one ``DatabaseReader``,
    whose table or query is what :meth:`columns` speaks of."""

    @property
    def dialect(self) -> Dialect: ...

    @property
    def address(self) -> str:
        """``postgresql://host:port/database``: without user and password."""

    @property
    def settled(self) -> Settled: ...

    def tables(self) -> list[StreamSeen]:
        """Tables and views that the account may read, with columns; system tables left out."""

    def columns(self) -> list[Column]:
        """Columns of the reader's table or query, in its order.

        Raises :class:`schemas.errors.ConfigError` for a table that isn't there.
        """

    def read(self, sql: str) -> Iterator[pa.RecordBatch]:
        """Rows of a SELECT, streamed: what is held at once doesn't grow with the result.

        Every column of the result is text (``pa.string()``).
        """

    def scalar(self, sql: str) -> str | None:
        """The only value of the only row, as text; None for NULL and for no row."""

    def close(self) -> None:
        """End the transaction and the connection; no error if they have ended already."""


class Opener(Protocol):
    """``open_postgresql`` and the like.

    Raises :class:`connectors.database.faults.ConnectionLostError` if the server can't be
    reached, RefusedError if it sends the account away, ConfigError for missing secrets, files
    or drivers. ``folder`` is what ``ca_file`` is relative to.
    """

    def __call__(self, reader: DatabaseReader, folder: Path, *, secrets: Secrets) -> Session: ...
