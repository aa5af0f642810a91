"""MySQL's protocol: MySQL, MariaDB, and OceanBase, TiDB, GoldenDB in their MySQL mode.

One connection, one transaction ``WITH CONSISTENT SNAPSHOT``: the count, the greatest cursor value
and the rows are of one moment, whatever is written meanwhile (tables of InnoDB; a table without
transactions, MyISAM, is one moment per statement only). The text protocol gives values as the
server writes them, so nothing passes through a Python type. Tried against MariaDB 10.11.
Why PyMySQL: ADR 0015.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from connectors.database.drivers import (
    SOCKET_MARGIN_SECONDS,
    driver_of,
    guarded,
    host_and_password,
    shortest_floats,
    text_batches,
    tls_context,
)
from connectors.database.faults import unknown_table
from connectors.database.mysql_dialect import (
    MySqlDialect,
    column_of,
    is_binary,
    is_plain_float,
    split_table,
    text_literal,
)
from connectors.database.mysql_errors import (
    NO_TABLE,
    code_of,
    connect_fault,
    is_unknown_setting,
    statement_fault,
)
from connectors.database.session import Column, Settled
from connectors.database.settings import DatabaseReader
from connectors.database.statements import subquery
from connectors.delivery import Secrets
from connectors.look import ColumnSeen, StreamSeen
from schemas.errors import HefuError

if TYPE_CHECKING:
    import pyarrow as pa

T = TypeVar("T")

DEFAULT_PORT = 3306
_SYSTEM = "('information_schema', 'mysql', 'performance_schema', 'sys', 'oceanbase')"


def open_mysql(reader: DatabaseReader, folder: Path, *, secrets: Secrets) -> MySqlSession:
    """A session as ``connectors.database.session`` describes it."""
    driver = driver_of(reader.kind, "pymysql")
    host, password = host_and_password(reader, secrets)
    port = reader.port or DEFAULT_PORT
    address = f"mysql://{host}:{port}/{reader.database}"
    context = tls_context(reader, folder, address)
    tls: dict[str, Any] = {"ssl": context}
    if reader.tls == "disable":
        tls = {"ssl_disabled": True}
    elif reader.tls == "prefer" and reader.ca_file is None:
        tls = {}  # the driver's own: TLS if the server has it
    connection = guarded(
        lambda: driver.connect(
            host=host,
            port=port,
            user=reader.user,
            password=password.encode("utf-8"),
            database=reader.database,
            charset="utf8mb4",
            use_unicode=False,
            conv=driver.converters.encoders,
            autocommit=False,
            connect_timeout=reader.connect_seconds,
            # A server that accepts and then says nothing is no better than none.
            read_timeout=reader.connect_seconds,
            write_timeout=reader.connect_seconds,
            **tls,
        ),
        lambda error: connect_fault(error, reader, address),
    )
    session = MySqlSession(connection, reader, address)
    try:
        session.begin()
    except HefuError:
        session.close()
        raise
    return session


class MySqlSession:
    """One connection, in one read-only transaction."""

    def __init__(self, connection: Any, reader: DatabaseReader, address: str) -> None:
        self._connection = connection
        self._reader = reader
        self._floats: frozenset[str] = frozenset()
        self._settled = Settled(datetime.fromtimestamp(0, UTC))
        self.address = address
        self.dialect = MySqlDialect()

    @property
    def settled(self) -> Settled:
        return self._settled

    def begin(self) -> None:
        """Set the time-outs, ask the server's clock, then take the snapshot."""
        version = (self.scalar("SELECT CONCAT(VERSION(), ' ', @@version_comment)") or "").lower()
        self._limit(version)
        longest = self._reader.statement_seconds + SOCKET_MARGIN_SECONDS
        self._connection._read_timeout = longest  # looked at before each packet
        self._settled = self._ask_time("tidb" not in version and "oceanbase" not in version)
        self._run("SET time_zone = '+00:00'")
        self._run("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        self._set("SET SESSION TRANSACTION READ ONLY")
        self._run("START TRANSACTION WITH CONSISTENT SNAPSHOT")

    def tables(self) -> list[StreamSeen]:
        where = f"table_schema NOT IN {_SYSTEM}"
        columns: dict[tuple[str | None, str | None], list[ColumnSeen]] = {}
        for schema, table, name, kind, comment, key in self._texts(
            "SELECT table_schema, table_name, column_name, column_type, column_comment, column_key "
            f"FROM information_schema.columns WHERE {where} "
            "ORDER BY table_schema, table_name, ordinal_position"
        ):
            seen = ColumnSeen(name or "", kind or "", comment or None, key == "PRI")
            columns.setdefault((schema, table), []).append(seen)
        return [
            StreamSeen(
                table or "" if own == "1" else f"{schema}.{table}",
                None if comment in ("", "VIEW") else comment,
                int(rows) if rows is not None else None,
                tuple(columns.get((schema, table), ())),
            )
            for own, schema, table, comment, rows in self._texts(
                "SELECT table_schema = DATABASE(), table_schema, table_name, table_comment, "
                f"table_rows FROM information_schema.tables WHERE {where} "
                "ORDER BY table_schema <> DATABASE(), table_schema, table_name"
            )
        ]

    def columns(self) -> list[Column]:
        table = self._reader.table
        found = self._described(f"SELECT * FROM {self._relation()} hefu LIMIT 0")
        if found is None:
            raise unknown_table(self.address, table or "", [t.name for t in self.tables()])
        if table is not None:
            told = self._told_of(table)
            found = [replace(c, **told.get(c.name.lower(), {})) for c in found]
        self._floats = frozenset(c.name for c in found if is_plain_float(c))
        return found

    def read(self, sql: str) -> Iterator[pa.RecordBatch]:
        with self._result(sql) as result:
            names = [field.name for field in result.fields]
            binary = [i for i, field in enumerate(result.fields) if is_binary(field)]
            for batch in text_batches(lambda n: self._fetch(result, n), names, binary):
                yield shortest_floats(batch, self._floats)

    def scalar(self, sql: str) -> str | None:
        rows = list(self._texts(sql))
        return rows[0][0] if rows else None

    def close(self) -> None:
        with suppress(Exception):
            self._connection.close()

    def _described(self, sql: str) -> list[Column] | None:
        """The columns of a statement's result; None if the reader's table is not there."""

        def described() -> list[Column] | None:
            try:
                self._connection.query(sql)
            except Exception as error:
                if self._reader.table is not None and code_of(error) == NO_TABLE:
                    return None
                raise
            return [column_of(field) for field in self._connection._result.fields]

        return self._asked(described)

    def _relation(self) -> str:
        if self._reader.table is not None:
            return self.dialect.relation(self._reader.table)
        return subquery(self._reader.query or "")

    def _told_of(self, table: str) -> dict[str, dict[str, Any]]:
        """Lower-case column → type and comment, as the catalogue has them."""
        schema, name = split_table(table)
        rows = list(
            self._texts(
                "SELECT table_name, column_name, column_type, column_comment "
                "FROM information_schema.columns WHERE table_schema = "
                f"{text_literal(schema) if schema else 'DATABASE()'} "
                f"AND LOWER(table_name) = LOWER({text_literal(name)})"
            )
        )
        exact = [row for row in rows if row[0] == name]
        return {
            (column or "").lower(): {"type": kind or "", "label": comment or None}
            for _, column, kind, comment in exact or rows
        }

    def _ask_time(self, tells: bool) -> Settled:
        """The clock, and since when the oldest other transaction that may write is open.

        InnoDB tells that in the time zone of the server's machine, whole seconds. The account
        sees others' only with the right PROCESS; without it the server says so or shows none.
        """
        self._run("SET time_zone = 'SYSTEM'")
        clock, ahead = next(
            iter(
                self._texts(
                    "SELECT UTC_TIMESTAMP(6), TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW())"
                )
            )
        )
        now = datetime.fromisoformat(clock or "").replace(tzinfo=UTC)
        may = "SELECT count(*) FROM information_schema.user_privileges "
        if not tells or self.scalar(f"{may} WHERE privilege_type = 'PROCESS'") in (None, "0"):
            return Settled(now)
        oldest = self.scalar(
            "SELECT MIN(trx_started) FROM information_schema.innodb_trx "
            "WHERE trx_mysql_thread_id <> CONNECTION_ID() AND trx_is_read_only = 0"
        )
        if oldest is None:
            return Settled(now, None, True)
        began = datetime.fromisoformat(oldest).replace(tzinfo=UTC)
        return Settled(now, began - timedelta(seconds=int(ahead or 0)), True)

    def _limit(self, version: str) -> None:
        reader = self._reader
        seconds = reader.statement_seconds
        if "mariadb" in version:
            self._set(f"SET SESSION max_statement_time = {seconds:.3f}")
        elif "oceanbase" in version:
            self._set(f"SET SESSION ob_query_timeout = {round(seconds * 1_000_000)}")
            self._set(f"SET SESSION ob_trx_timeout = {round(seconds * 64_000_000)}")
        else:
            self._set(f"SET SESSION max_execution_time = {max(1, round(seconds * 1000))}")
        self._set(f"SET SESSION lock_wait_timeout = {max(1, round(reader.lock_seconds))}")
        # While what was read is being written down, the server waits for us to read on.
        self._set(f"SET SESSION net_write_timeout = {max(60, round(seconds))}")

    def _set(self, sql: str) -> None:
        """A setting that not every relative of MySQL has."""
        guarded(lambda: self._try_setting(sql), self._fault)

    def _try_setting(self, sql: str) -> None:
        try:
            self._connection.query(sql)
        except Exception as error:
            if not is_unknown_setting(error):
                raise

    def _run(self, sql: str) -> None:
        with self._result(sql):
            pass

    def _texts(self, sql: str) -> Iterator[tuple[str | None, ...]]:
        with self._result(sql) as result:
            while rows := self._fetch(result, 1000):
                for row in rows:
                    yield tuple(None if v is None else _decoded(v) for v in row)

    @contextmanager
    def _result(self, sql: str) -> Iterator[Any]:
        """Run a statement; its result is streamed. One that is left before its end ends the
        connection: there is no other way to stop a server that sends."""
        result = self._asked(lambda: self._start(sql))
        try:
            yield result
        finally:
            if result.unbuffered_active:
                result.unbuffered_active = False
                with suppress(Exception):
                    self._connection._force_close()

    def _start(self, sql: str) -> Any:
        self._connection.query(sql, unbuffered=True)
        return self._connection._result

    def _fetch(self, result: Any, rows: int) -> list[tuple[bytes | None, ...]]:
        def some() -> list[tuple[bytes | None, ...]]:
            found: list[tuple[bytes | None, ...]] = []
            while len(found) < rows:
                row = result._read_rowdata_packet_unbuffered()
                if row is None:
                    break
                found.append(row)
            return found

        return self._asked(some)

    def _asked(self, action: Callable[[], T]) -> T:
        return guarded(action, self._fault)

    def _fault(self, error: Exception) -> HefuError:
        return statement_fault(error, self._reader, self.address)


def _decoded(value: bytes) -> str:
    return value.decode("utf-8")
