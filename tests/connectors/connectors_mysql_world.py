"""One source that is a table of a real MariaDB server, pulled and read as a run does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path
from typing import Any

import duckdb
from servers.mariadb import PASSWORD, USER, MariaDb

from connectors.config import SourceConfig, load_source
from connectors.delivery import Delivery, PullRequest
from connectors.landing import Landing
from connectors.look import Look
from connectors.pace import Pace
from connectors.pull import look, probe, pull
from connectors.raw import load_raw

NOW = datetime(2026, 5, 20, 1, 30, tzinfo=UTC)
HEAD = 'system = "front"\nstream = "cases"\nrecord_type = "case_result"\n'
FOLLOW = '[cursor]\nfield = "updated_at"\n'
CASES = "CREATE TABLE {s}.cases (id bigint PRIMARY KEY, updated_at {type}, word text)"
_numbers = count(1)


@dataclass
class Table:
    """``database`` is the test's own; ``waits`` are the pauses that a pull asked for."""

    server: MariaDb
    database: str
    folder: Path
    config: SourceConfig
    landing: Landing
    waits: list[float] = field(default_factory=list)

    def execute(self, *statements: str) -> list[tuple[Any, ...]]:
        """As the operator; ``{s}`` stands for the database."""
        return self.server.execute(*(self.named(s) for s in statements))

    def named(self, sql: str) -> str:
        return sql.replace("{s}", self.database)

    def put(self, *rows: str) -> None:
        self.execute(*(f"INSERT INTO {{s}}.cases VALUES ({row})" for row in rows))

    def pull(
        self,
        cursor: dict[str, Any] | None = None,
        *,
        window: tuple[date | None, date | None] | None = None,
        full: bool = False,
        sleep: Callable[[float], None] | None = None,
        landed: Callable[[int, int | None], None] = lambda _done, _total: None,
    ) -> Delivery:
        since, until = window or (None, None)
        mode: Any = "window" if window else "cursor"
        return pull(
            self.config,
            self.folder,
            PullRequest(mode, cursor, since, until, NOW, full),
            self.landing,
            secrets=secret,
            progress=landed,
            pace=Pace(sleep or self.waits.append),
        )

    def probe(self) -> Delivery:
        return probe(self.config, self.folder, self.landing, secrets=secret, now=NOW)

    def look(self) -> Look:
        return look(self.config, self.folder, secrets=secret)

    def rows(self, delivery: Delivery) -> list[dict[str, str | None]]:
        """The rows of ``raw``; none may be unreadable."""
        with duckdb.connect() as con:
            batch = load_raw(con, self.config, delivery)
            if not batch.columns:
                return []
            rows = con.execute("SELECT * EXCLUDE (_object, _row) FROM raw ORDER BY _object, _row")
            found = rows.fetchall()
            assert batch.unreadable == 0
            assert batch.received == len(found)
            return [dict(zip(batch.columns, row, strict=True)) for row in found]

    def ids(self, delivery: Delivery) -> list[int]:
        """Column ``id`` of all rows, in order of size."""
        return sorted(int(row["id"] or 0) for row in self.rows(delivery))


def secret(reference: str) -> str:
    assert reference == "env:FRONT_PASSWORD"
    return PASSWORD


def table(
    server: MariaDb,
    folder: Path,
    reader: str = 'table = "cases"\n',
    rest: str = FOLLOW,
    *,
    head: str = "",
    **changed: str,
) -> Table:
    """A source for a database of its own. ``reader``, ``rest``: lines of ``source.toml``;
    ``head``: those before the tables; ``changed``: other values of [reader]."""
    database = server.create_database(f"front_{next(_numbers)}")
    values = {
        "host": f'"{server.host}"',
        "port": str(server.port),
        "database": f'"{database}"',
        "user": f'"{USER}"',
        "password": '"env:FRONT_PASSWORD"',
        "tls": '"disable"',
        "backoff_seconds": "0.5",
    } | changed
    lines = "".join(f"{key} = {value}\n" for key, value in values.items())
    text = f'{HEAD}{head}[reader]\nkind = "mysql"\n{lines}{reader}{rest}'
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "source.toml").write_text(text.replace("{s}", database), encoding="utf-8")
    return Table(server, database, folder, load_source(folder), Landing(folder / "landing"))
