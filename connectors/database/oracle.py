"""Oracle, by python-oracledb in thin mode: no Oracle client has to be installed.

One ``SET TRANSACTION READ ONLY``: the count, the greatest cursor value and the rows are of one
moment, and nobody waits for anybody. **Not tried against a real server**: none can be had where
Hefu is made. What the tests show is that the SQL is Oracle's, and what becomes of a server that
is not there or hangs up. Why not connectorx: ADR 0015.
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
    tls_context,
)
from connectors.database.faults import unknown_table
from connectors.database.oracle_catalog import CLOCK, OLDEST, TABLES, table_query
from connectors.database.oracle_dialect import OracleDialect, column_of, split_table
from connectors.database.oracle_errors import NO_TABLE, code_of, oracle_fault
from connectors.database.session import Column, Settled
from connectors.database.settings import DatabaseReader
from connectors.database.statements import subquery
from connectors.delivery import Secrets
from connectors.look import ColumnSeen, StreamSeen
from schemas.errors import ConfigError, HefuError, Where
from schemas.text import Text

if TYPE_CHECKING:
    import pyarrow as pa

T = TypeVar("T")

DEFAULT_PORT = 1521
_LARGE = frozenset({"CLOB", "NCLOB", "BLOB", "LONG", "LONG RAW", "XMLTYPE", "JSON"})
_SID = "sid:"


def open_oracle(reader: DatabaseReader, folder: Path, *, secrets: Secrets) -> OracleSession:
    """A session as ``connectors.database.session`` describes it.

    ``reader.database`` is a service's name, or ``sid:NAME`` for a server that has only that.
    """
    driver = driver_of(reader.kind, "oracledb")
    host, password = host_and_password(reader, secrets)
    port = reader.port or DEFAULT_PORT
    address = f"oracle://{host}:{port}/{reader.database}"
    if reader.tls == "prefer":
        raise _no_choice(address)
    context = tls_context(reader, folder, address)
    service = reader.database
    named = {"sid": service[len(_SID) :]} if service.startswith(_SID) else {"service_name": service}
    connection = guarded(
        lambda: driver.connect(
            user=reader.user,
            password=password,
            host=host,
            port=port,
            protocol="tcp" if context is None else "tcps",
            ssl_context=context,
            ssl_server_dn_match=reader.tls == "verify-full",
            tcp_connect_timeout=reader.connect_seconds,
            retry_count=0,  # a wrong password that is tried again locks the account
            program="hefu",
            **named,
        ),
        lambda error: oracle_fault(error, reader, address),
    )
    session = OracleSession(connection, reader, address)
    try:
        session.begin()
    except HefuError:
        session.close()
        raise
    return session


class OracleSession:
    """One connection, in one read-only transaction."""

    def __init__(self, connection: Any, reader: DatabaseReader, address: str) -> None:
        self._connection = connection
        self._reader = reader
        self._large = False
        self._floats: frozenset[str] = frozenset()
        self._settled = Settled(datetime.fromtimestamp(0, UTC))
        self.address = address
        self.dialect = OracleDialect()

    @property
    def settled(self) -> Settled:
        return self._settled

    def begin(self) -> None:
        """Set the time-out, ask the server's clock, then take the snapshot."""
        milliseconds = max(1, round(self._reader.statement_seconds * 1000))
        self._asked(lambda: setattr(self._connection, "call_timeout", milliseconds))
        self._settled = self._ask_time()
        self._run("ALTER SESSION SET TIME_ZONE = '+00:00'")
        self._run("SET TRANSACTION READ ONLY")

    def tables(self) -> list[StreamSeen]:
        found: dict[tuple[str, str], list[ColumnSeen]] = {}
        told: dict[tuple[str, str], tuple[str | None, str | None]] = {}
        own = self._reader.user.upper()
        for owner, table, label, rows, name, word, comment, key in self._texts(TABLES):
            place = (owner or "", table or "")
            told[place] = (label, rows)
            seen = ColumnSeen(name or "", word or "", comment, key == "1")
            found.setdefault(place, []).append(seen)
        return [
            StreamSeen(
                table if owner == own else f"{owner}.{table}",
                told[owner, table][0],
                int(told[owner, table][1] or 0) if told[owner, table][1] is not None else None,
                tuple(columns),
            )
            for (owner, table), columns in sorted(
                found.items(), key=lambda item: (item[0][0] != own, item[0])
            )
        ]

    def columns(self) -> list[Column]:
        table = self._reader.table
        relation = (
            self.dialect.relation(table)
            if table is not None
            else subquery(self._reader.query or "")
        )
        found = self._described(f"SELECT * FROM {relation} hefu WHERE 1 = 0")
        if found is None:
            raise unknown_table(self.address, table or "", [t.name for t in self.tables()])
        self._large = any(c.type in _LARGE for c in found)
        self._floats = frozenset(c.name for c in found if c.type == "BINARY_FLOAT")
        if table is None:
            return found
        told = {
            name: (comment, key == "1")
            for name, comment, key in self._texts(table_query(*split_table(table)))
        }
        return [
            replace(c, label=told[c.name][0], in_key=told[c.name][1]) if c.name in told else c
            for c in found
        ]

    def read(self, sql: str) -> Iterator[pa.RecordBatch]:
        with closing(self._connection.cursor()) as cursor:
            # Large objects are whole in memory for every row of a round trip.
            cursor.arraysize = 20 if self._large else 1000
            self._asked(lambda: cursor.execute(sql, fetch_lobs=False))
            names = [info.name for info in cursor.description]
            batches = text_batches(
                lambda n: self._asked(lambda: cursor.fetchmany(n)), names, range(len(names))
            )
            for batch in batches:
                yield shortest_floats(batch, self._floats)

    def scalar(self, sql: str) -> str | None:
        rows = list(self._texts(sql))
        return rows[0][0] if rows else None

    def close(self) -> None:
        with suppress(Exception):
            self._connection.close()

    def _ask_time(self) -> Settled:
        now = datetime.fromisoformat(self.scalar(CLOCK) or "").replace(tzinfo=UTC)

        def oldest() -> tuple[str | None] | None:
            try:
                with closing(self._connection.cursor()) as cursor:
                    row = cursor.execute(OLDEST).fetchone()
            except Exception as error:
                if code_of(error) == NO_TABLE:  # the account may not see others' transactions
                    return None
                raise
            return (row[0],)

        found = self._asked(oldest)
        if found is None:
            return Settled(now)
        began = None if found[0] is None else datetime.fromisoformat(found[0]).replace(tzinfo=UTC)
        return Settled(now, began, True)

    def _described(self, sql: str) -> list[Column] | None:
        """The columns of a statement's result; None if the reader's table is not there."""

        def described() -> list[Column] | None:
            try:
                with closing(self._connection.cursor()) as cursor:
                    cursor.execute(sql)
                    return [column_of(info) for info in cursor.description]
            except Exception as error:
                if self._reader.table is not None and code_of(error) == NO_TABLE:
                    return None
                raise

        return self._asked(described)

    def _run(self, sql: str) -> None:
        with closing(self._connection.cursor()) as cursor:
            self._asked(lambda: cursor.execute(sql))

    def _texts(self, sql: str) -> Iterator[tuple[str | None, ...]]:
        with closing(self._connection.cursor()) as cursor:
            self._asked(lambda: cursor.execute(sql, fetch_lobs=False))
            while rows := self._asked(lambda: cursor.fetchmany(1000)):
                for row in rows:
                    yield tuple(text_of(value) for value in row)

    def _asked(self, action: Callable[[], T]) -> T:
        return guarded(action, lambda error: oracle_fault(error, self._reader, self.address))


def _no_choice(address: str) -> ConfigError:
    return ConfigError(
        Text(
            en='Oracle has a port of its own for TLS: tls = "prefer" has no meaning',
            zh='Oracle 的 TLS 使用单独端口：tls = "prefer" 无意义',
        ),
        where=Where(address, field="reader.tls"),
        hint=Text(
            en='"require" or "verify-full" with the TCPS port (often 2484), or "disable"',
            zh="TCPS 端口（通常为 2484）请写 “require” 或 “verify-full”，否则写 “disable”",
        ),
    )
