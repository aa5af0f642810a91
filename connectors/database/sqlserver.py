"""SQL Server, by pymssql (FreeTDS).

One transaction of isolation SNAPSHOT where the database allows it: the count, the greatest
cursor value and the rows are of one moment, and nobody waits for anybody. Where it only keeps
row versions per statement (READ_COMMITTED_SNAPSHOT) each statement is of one moment. Where it
keeps none it is not read: a row that moves during the read would come twice or never.
**Not tried against a real server**: none can be had where Hefu is made. What the tests show is
that the SQL is SQL Server's, and what becomes of a server that is not there or hangs up. Why not
connectorx: ADR 0015.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from connectors.database.drivers import (
    driver_of,
    guarded,
    host_and_password,
    shortest_floats,
    text_batches,
    text_of,
)
from connectors.database.faults import bad_query, unknown_table
from connectors.database.session import Column, Settled
from connectors.database.settings import DatabaseReader
from connectors.database.sqlserver_catalog import (
    CLOCK,
    OLDEST,
    SNAPSHOTS,
    TABLES,
    query_columns,
    table_query,
)
from connectors.database.sqlserver_dialect import SqlServerDialect, base_type, column_of
from connectors.database.sqlserver_errors import (
    FORBIDDEN,
    cannot_verify,
    code_of,
    connect_fault,
    no_snapshots,
    statement_fault,
)
from connectors.delivery import Secrets
from connectors.look import ColumnSeen, StreamSeen
from schemas.errors import HefuError

if TYPE_CHECKING:
    import pyarrow as pa

T = TypeVar("T")

DEFAULT_PORT = 1433
_ENCRYPTION = {"disable": "off", "prefer": "request", "require": "require"}
_SNAPSHOT_ON = "1"


def open_sqlserver(reader: DatabaseReader, folder: Path, *, secrets: Secrets) -> SqlServerSession:
    """A session as ``connectors.database.session`` describes it.

    Raises ConfigError for ``tls = "verify-full"`` and ``ca_file``: the driver can't do that.
    """
    driver = driver_of(reader.kind, "pymssql")
    host, password = host_and_password(reader, secrets)
    port = reader.port or DEFAULT_PORT
    address = f"sqlserver://{host}:{port}/{reader.database}"
    if reader.tls not in _ENCRYPTION or reader.ca_file is not None:
        raise cannot_verify(address, "reader.ca_file" if reader.ca_file else "reader.tls")
    connection = guarded(
        lambda: driver.connect(
            server=host,
            port=str(port),
            user=reader.user,
            password=password,
            database=reader.database,
            timeout=max(1, round(reader.statement_seconds)),
            login_timeout=max(1, round(reader.connect_seconds)),
            charset="UTF-8",
            encryption=_ENCRYPTION[reader.tls],
            read_only=True,
            autocommit=True,  # the one transaction is begun by us, once its isolation is set
            appname="hefu",
        ),
        lambda error: connect_fault(error, reader, address),
    )
    session = SqlServerSession(connection, reader, address)
    try:
        session.begin()
    except HefuError:
        session.close()
        raise
    return session


class SqlServerSession:
    """One connection, in one transaction that only reads."""

    def __init__(self, connection: Any, reader: DatabaseReader, address: str) -> None:
        self._connection = connection
        self._reader = reader
        self._reals: frozenset[str] = frozenset()
        self._settled = Settled(datetime.fromtimestamp(0, UTC))
        self.address = address
        self.dialect = SqlServerDialect()

    @property
    def settled(self) -> Settled:
        return self._settled

    def begin(self) -> None:
        """Set the time-outs, ask the server's clock, then begin the transaction."""
        self._run(f"SET LOCK_TIMEOUT {max(1, round(self._reader.lock_seconds * 1000))}")
        self._run("SET TEXTSIZE 2147483647")
        by_transaction, by_statement = next(iter(self._texts(SNAPSHOTS)), (None, None))
        self._settled = self._ask_time()
        if by_transaction == _SNAPSHOT_ON:
            self._run("SET TRANSACTION ISOLATION LEVEL SNAPSHOT")
        elif by_statement == _SNAPSHOT_ON:
            self._run("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        else:
            raise no_snapshots(self.address, self._reader.database)
        self._run("BEGIN TRANSACTION")

    def tables(self) -> list[StreamSeen]:
        columns: dict[str, list[ColumnSeen]] = {}
        told: dict[str, tuple[str | None, str | None]] = {}
        for schema, table, own, label, rows, name, word, _, comment, key in self._texts(TABLES):
            place = table or "" if own == "1" else f"{schema}.{table}"
            told[place] = (label, rows)
            seen = ColumnSeen(name or "", word or "", comment, key == "1")
            columns.setdefault(place, []).append(seen)
        return [
            StreamSeen(place, label, None if rows is None else int(rows), tuple(columns[place]))
            for place, (label, rows) in told.items()
        ]

    def columns(self) -> list[Column]:
        found = self._table_columns() if self._reader.table else self._query_columns()
        self._reals = frozenset(c.name for c in found if base_type(c.type) == "real")
        return found

    def read(self, sql: str) -> Iterator[pa.RecordBatch]:
        with closing(self._connection.cursor()) as cursor:
            self._asked(lambda: cursor.execute(sql))
            names = [told[0] for told in cursor.description]
            batches = text_batches(
                lambda n: self._asked(lambda: cursor.fetchmany(n)), names, range(len(names))
            )
            for batch in batches:
                yield shortest_floats(batch, self._reals)

    def scalar(self, sql: str) -> str | None:
        rows = list(self._texts(sql))
        return rows[0][0] if rows else None

    def close(self) -> None:
        with suppress(Exception):
            self._connection.close()

    def _table_columns(self) -> list[Column]:
        relation = self.dialect.relation(self._reader.table or "")
        found = [
            replace(
                column_of(name or "", word or "", nullable=nullable == "1"),
                label=comment,
                in_key=key == "1",
            )
            for name, word, nullable, comment, key in self._texts(table_query(relation))
        ]
        if not found:
            known = [t.name for t in self.tables()]
            raise unknown_table(self.address, self._reader.table or "", known)
        return found

    def _query_columns(self) -> list[Column]:
        query = (self._reader.query or "").strip().rstrip(";").rstrip()
        found = [
            column_of(name or "", word or "", nullable=nullable == "1")
            for name, word, nullable in self._texts(query_columns(query))
        ]
        if not found or not all(c.name for c in found):
            raise bad_query(self.address)
        return found

    def _ask_time(self) -> Settled:
        now = _utc(self.scalar(CLOCK) or "")

        def oldest() -> tuple[str | None] | None:
            try:
                with closing(self._connection.cursor()) as cursor:
                    cursor.execute(OLDEST)
                    row = cursor.fetchone()
            except Exception as error:
                if code_of(error) in FORBIDDEN:  # the account may not see others' transactions
                    return None
                raise
            return (row[0],) if row else None

        found = self._asked(oldest)
        if found is None:
            return Settled(now)
        return Settled(now, None if found[0] is None else _utc(found[0]), True)

    def _run(self, sql: str) -> None:
        with closing(self._connection.cursor()) as cursor:
            self._asked(lambda: cursor.execute(sql))

    def _texts(self, sql: str) -> Iterator[tuple[str | None, ...]]:
        with closing(self._connection.cursor()) as cursor:
            self._asked(lambda: cursor.execute(sql))
            while rows := self._asked(lambda: cursor.fetchmany(1000)):
                for row in rows:
                    yield tuple(text_of(value) for value in row)

    def _asked(self, action: Callable[[], T]) -> T:
        return guarded(action, lambda error: statement_fault(error, self._reader, self.address))


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
