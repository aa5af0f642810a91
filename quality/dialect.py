"""A SQLAlchemy dialect for DuckDB that Great Expectations can read from.

Great Expectations fetches a result after it has handed its connection back, and DuckDB's
cursor is empty by then: as shipped, each expectation ends in ``list index out of range``.
This dialect reads each result into memory when the statement ran. The results that we let
Great Expectations ask for are counts and column lists, so that is cheap.

Importing this module registers the dialect; only ``quality.gx`` imports it, inside a function.
"""

from __future__ import annotations

import duckdb_sqlalchemy
from sqlalchemy.dialects import registry
from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy

URL = "duckdb+hefu_buffered:///:memory:"


class _BufferedContext(duckdb_sqlalchemy.DuckDBExecutionContext):  # type: ignore[misc] # untyped library
    def post_exec(self) -> None:
        super().post_exec()
        if self.cursor.description:
            self.cursor_fetch_strategy = FullyBufferedCursorFetchStrategy(
                self.cursor, initial_buffer=self.cursor.fetchall()
            )


class BufferedDialect(duckdb_sqlalchemy.Dialect):  # type: ignore[misc] # untyped library
    driver = "hefu_buffered"
    execution_ctx_cls = _BufferedContext
    supports_statement_cache = True


class BorrowedConnection(duckdb_sqlalchemy.ConnectionWrapper):  # type: ignore[misc] # untyped library
    """The caller's connection as a DBAPI connection: read from, never ended.

    The connection itself and not a cursor of it, because a cursor starts with the machine's
    time zone and sees no temporary table, and on a sealed connection neither can be mended.
    A rule that casts a time to a date must see the same day in both counts.
    """

    autocommit = True

    def begin(self) -> None:
        """Reads need none, and the caller may have one open."""

    def commit(self) -> None:
        """See ``begin``."""

    def rollback(self) -> None:
        """See ``begin``."""

    def close(self) -> None:
        """The caller closes it."""


registry.register("duckdb.hefu_buffered", __name__, "BufferedDialect")
