"""PostgreSQL's protocol by ADBC: also what Kingbase, openGauss and GaussDB speak.

One READ ONLY, REPEATABLE READ transaction for a whole pull: rows, their count and the cursor
are of one snapshot. Settings are made by ``set_config(…, true)`` inside of it, so that they
hold through a connection pooler too, and those that a relative of PostgreSQL doesn't know are
left out. Rows come through ``COPY … TO STDOUT (FORMAT binary)``, which the driver streams.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from connectors.database import faults
from connectors.database.postgresql_catalog import CLOCK, COLUMNS, OLDEST, TABLES
from connectors.database.postgresql_dialect import PostgresqlDialect, kind_of
from connectors.database.postgresql_errors import not_connected, translated
from connectors.database.session import Column, Settled
from connectors.database.settings import DatabaseReader
from connectors.database.statements import subquery
from connectors.delivery import Secrets
from connectors.look import ColumnSeen, StreamSeen
from schemas.errors import ConfigError, HefuError, Where
from schemas.sql import literal
from schemas.text import Text

if TYPE_CHECKING:
    import pyarrow as pa

T = TypeVar("T")
Told = Callable[[Exception, str, DatabaseReader], HefuError]

APPLICATION = "hefu"
_KEEPALIVE = {"keepalives_idle": "30", "keepalives_interval": "10", "keepalives_count": "3"}
_FIXED = {
    # Else a database that is kept in GBK, EUC_CN or Latin-1 would send its own bytes.
    "client_encoding": "UTF8",
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "iso_8601",
    "extra_float_digits": "3",
    "bytea_output": "hex",
    "standard_conforming_strings": "on",
    "idle_in_transaction_session_timeout": "0",
}
"""What decides how a value looks as text, whatever the server, database or account prefers."""


def open_postgresql(reader: DatabaseReader, folder: Path, *, secrets: Secrets) -> PostgresqlSession:
    """Connect, ask the time, begin the transaction. Raises as ``Opener`` says."""
    host = secrets(reader.host) if reader.host.startswith("env:") else reader.host
    port = reader.port or 5432
    address = f"postgresql://{_in_address(host)}:{port}/{reader.database}"
    parameters = {
        "host": host,
        "port": str(port),
        "dbname": reader.database,
        "user": reader.user,
        "application_name": APPLICATION,
        "connect_timeout": str(max(2, round(reader.connect_seconds))),
        "sslmode": reader.tls,
        "tcp_user_timeout": str(round(reader.connect_seconds * 4000)),
        **_KEEPALIVE,
        **_authority(reader, folder),
    }
    if reader.password is not None:
        parameters["password"] = secrets(reader.password)
    # A password file or a service file of the machine must not take part.
    parameters["passfile"] = "/dev/null"
    return PostgresqlSession(reader, address, parameters)


def _in_address(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _authority(reader: DatabaseReader, folder: Path) -> dict[str, str]:
    if reader.ca_file is None:
        return {"sslrootcert": "system"} if reader.tls == "verify-full" else {}
    path = folder / reader.ca_file
    if not path.is_file():
        raise ConfigError(
            Text(en=f"{reader.ca_file} is missing", zh=f"缺少 {reader.ca_file}"),
            where=Where(str(folder / "source.toml"), field="reader.ca_file"),
            hint=Text(
                en="its path is relative to the source's folder",
                zh="路径相对于该来源的文件夹",
            ),
        )
    return {"sslrootcert": str(path.resolve())}


def connection_string(parameters: Mapping[str, str]) -> str:
    """Key and value pairs as libpq reads them, every value quoted."""
    escaped = {
        key: value.replace("\\", "\\\\").replace("'", "\\'") for key, value in parameters.items()
    }
    return " ".join(f"{key}='{value}'" for key, value in escaped.items())


class PostgresqlSession:
    """See :class:`connectors.database.session.Session`."""

    def __init__(self, reader: DatabaseReader, address: str, parameters: Mapping[str, str]) -> None:
        import adbc_driver_postgresql.dbapi as driver

        self.dialect = PostgresqlDialect()
        self.address = address
        self._reader = reader
        self._error: type[Exception] = driver.Error
        self._connection = self._tried(
            lambda: driver.connect(connection_string(parameters), autocommit=True),
            not_connected,
        )
        try:
            self.settled = self._ask_time()
            self._begin()
        except BaseException:
            self.close()
            raise

    def tables(self) -> list[StreamSeen]:
        """Tables and views that the account may read, without those of the system."""
        found: dict[str, StreamSeen] = {}
        for row in self._rows(TABLES):
            name = f"{row[0]}.{row[1]}"
            seen = found.get(name)
            column = ColumnSeen(str(row[4]), str(row[5]), row[6], row[7] == "true")
            rows = int(row[3]) if row[3] is not None else None
            columns = (*(seen.columns if seen else ()), column)
            found[name] = StreamSeen(name, row[2], rows, columns)
        return list(found.values())

    def columns(self) -> list[Column]:
        if self._reader.query is not None:
            return self._columns_of_query(self._reader.query)
        table = self._reader.table or ""
        schema, _, name = table.rpartition(".")
        where = (
            f"n.nspname = {literal(schema)}" if schema else "pg_catalog.pg_table_is_visible(c.oid)"
        )
        rows = self._rows(COLUMNS.format(table=literal(name), where=where))
        if not rows:
            names = [seen.name for seen in self.tables()]
            bare = [n if schema else n.rpartition(".")[2] for n in names]
            raise faults.unknown_table(self.address, table, bare)
        return [
            Column(
                name=str(row[0]),
                kind=kind_of(str(row[2])),
                type=str(row[1]),
                label=row[3],
                in_key=row[4] == "true",
                not_null=row[5] == "true",
            )
            for row in rows
        ]

    def read(self, sql: str) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        with self._connection.cursor() as cursor:
            self._tried(lambda: cursor.execute(sql))
            # Not fetch_record_batch(): that reader's failures lack the SQLSTATE.
            batches = iter(cursor._results.reader)
            while (batch := self._tried(lambda: next(batches, None))) is not None:
                # without the driver's notes on types: the columns are text
                yield pa.RecordBatch.from_arrays(batch.columns, names=batch.schema.names)

    def scalar(self, sql: str) -> str | None:
        rows = self._rows(sql)
        return None if not rows or rows[0][0] is None else str(rows[0][0])

    def close(self) -> None:
        with suppress(self._error):
            self._connection.close()

    def _ask_time(self) -> Settled:
        """Before the transaction begins: what is seen to be open now may commit before it."""
        now, standby, sees = self._rows(CLOCK)[0]
        moment = datetime.fromisoformat(str(now)).replace(tzinfo=UTC)
        if standby == "true":
            return Settled(moment)
        oldest = self._rows(OLDEST)[0][0]
        began = datetime.fromisoformat(str(oldest)).replace(tzinfo=UTC) if oldest else None
        return Settled(moment, began, sees == "true")

    def _begin(self) -> None:
        self._tried(lambda: self._connection.adbc_connection.set_autocommit(False))
        with self._connection.cursor() as cursor:
            self._tried(
                lambda: cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            )
        settings = _FIXED | {
            "statement_timeout": str(round(self._reader.statement_seconds * 1000)),
            "lock_timeout": str(round(self._reader.lock_seconds * 1000)),
        }
        pairs = ", ".join(f"({literal(k)}, {literal(v)})" for k, v in settings.items())
        self._rows(
            "SELECT set_config(known.name, wanted.setting, true) "
            f"FROM (VALUES {pairs}) wanted (name, setting) "
            "JOIN pg_catalog.pg_settings known ON lower(known.name) = lower(wanted.name) "
            # One that knows no encoding has nothing to convert, and would stop at the first bad
            # text; as it is, only the rows that are no UTF-8 are refused.
            "WHERE known.name <> 'client_encoding' OR current_setting('server_encoding') "
            "<> 'SQL_ASCII'"
        )

    def _columns_of_query(self, query: str) -> list[Column]:
        with self._connection.cursor() as cursor:
            schema = self._tried(
                lambda: cursor.adbc_execute_schema(f"SELECT * FROM {subquery(query)} hefu LIMIT 0")
            )
        return [_described(field) for field in schema]

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        with self._connection.cursor() as cursor:
            self._tried(lambda: cursor.execute(sql))
            return [tuple(row) for row in self._tried(cursor.fetchall)]

    def _tried(self, action: Callable[[], T], told: Told = translated) -> T:
        """What the driver raises becomes our error, chained to nothing: it may quote a row."""
        try:
            return action()
        except (self._error, OSError) as error:
            failure = told(error, self.address, self._reader)
        raise failure


def _described(field: Any) -> Column:
    """A column of a prepared query; the driver tells PostgreSQL's own name of its type."""
    told = (field.metadata or {}).get(b"POSTGRESQL:type", b"").decode("utf-8", "replace")
    if told.startswith("_"):
        return Column(field.name, "other", f"{told[1:]}[]")
    return Column(field.name, kind_of(told), told)
