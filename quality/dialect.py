"""A SQLAlchemy dialect for DuckDB that Great Expectations can read from.

Great Expectations fetches a result after it has handed its connection back, and DuckDB's
cursor is empty by then: as shipped, each expectation ends in ``list index out of range``.
This dialect reads each result into memory when the statement ran. The results that we let
Great Expectations ask for are counts and column lists, so that is cheap.

Importing this module registers the dialect; only ``quality.gx`` imports it, inside a function.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import duckdb_sqlalchemy
from sqlalchemy.dialects import registry
from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy

if TYPE_CHECKING:
    import duckdb

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


def shared_connection(con: duckdb.DuckDBPyConnection) -> Any:
    """A DBAPI connection to the same database, in the same time zone, apart in transactions."""
    cursor = con.cursor()
    zone = con.execute("SELECT current_setting('TimeZone')").fetchone()
    if zone is not None:
        # A cursor starts with the machine's zone; a rule that casts a time to a date must
        # see the same day in both.
        with contextlib.suppress(duckdb_sqlalchemy.DBAPI.Error):
            cursor.execute(f"SET TimeZone = '{zone[0]}'")
    return duckdb_sqlalchemy.ConnectionWrapper(cursor)


registry.register("duckdb.hefu_buffered", __name__, "BufferedDialect")
