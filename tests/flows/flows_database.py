"""A system that says how leads were dealt with, in a real PostgreSQL, as a source of node A."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flows_world import NOW, A, World, query
from servers.postgresql import DATABASE, PASSWORD, USER, Postgresql, run

from connectors.pull import PullRequest
from flows.again import normalise_again
from flows.ingest import ingest
from hefu.node import Source
from lake.runs import RunRecord

STREAM = "front/cases"
#: One of few rules: what a run costs in these tests is mostly the checking of rules.
RECORD_TYPE = "disposition"

_TOML = """\
system = "front"
stream = "cases"
record_type = "disposition"
mode = "{mode}"

[reader]
kind = "postgresql"
host = "127.0.0.1"
port = {port}
database = "{database}"
user = "{user}"
password = "file:keys/front.password"
tls = "disable"
table = "{schema}.{table}"
key = [{key}]

[unused_columns]
op = "what happened"
seq = "the place in the log"
moved = "the time of the change"
day = "the business date of the window"

[window]
field = "day"

[expect]
max_quarantine_share = 1.0
max_drop = 1.0

{rest}
"""

_SQL = """\
SELECT
    txt("no") AS source_record_id,
{clock}    txt("no") AS disposition_no,
    txt("no") AS refers_to_no,
    '{handling_org}' AS handling_org,
    'accepted' AS disposition_action,
    txt(reason) AS disposition_reason,
    txt(fine) AS result_summary
FROM raw
"""


@dataclass(frozen=True)
class Front:
    """Table ``{schema}.{table}`` of the server and the source that reads it."""

    world: World
    server: Postgresql
    schema: str

    @property
    def source(self) -> Source:
        (source,) = self.world.a.sources([STREAM])
        return source

    def sql(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run by the administrator in the system's own schema, in one transaction."""
        with closing(self.server.connect(autocommit=False)) as connection:
            found = run(connection, f"SET search_path TO {self.schema}", *statements)
            connection.commit()
            return found

    def sync(self, now: datetime = NOW, **more: Any) -> RunRecord:
        request = PullRequest("cursor", None, None, None, now, full=more.pop("full", False))
        return self._balanced(ingest(self.world.a, self.source, request, now, **more))

    def backfill(self, since: date, until: date, now: datetime = NOW) -> RunRecord:
        request = PullRequest("window", None, since, until, now)
        return self._balanced(ingest(self.world.a, self.source, request, now))

    def replay(self, now: datetime = NOW, **more: Any) -> RunRecord:
        return self._balanced(normalise_again(self.world.a, self.source, now, **more))

    def _balanced(self, ran: RunRecord) -> RunRecord:
        fates = (ran.accepted, ran.unchanged, ran.duplicate, ran.quarantined)
        assert ran.received == sum(fates)
        return ran

    def current(self) -> dict[str, int]:
        """The fines of the records that are not removed, by number."""
        return dict(
            query(
                self.world.a,
                RECORD_TYPE,
                "SELECT disposition_no, result_summary::INT FROM disposition_current "
                "WHERE data_status <> 'removed'",
            )
        )

    def versions(self, number: str) -> list[int | str]:
        """What was said of one record, the oldest first: its fine, or that it is gone."""
        found = query(
            self.world.a,
            RECORD_TYPE,
            "SELECT result_summary::INT, data_status FROM disposition_history "
            f"WHERE disposition_no = '{number}' ORDER BY record_version",
        )
        return [status if status == "removed" else fine for fine, status in found]

    def doubled(self) -> int:
        """Versions that are there twice: one record, one content, one place in its order."""
        ((found,),) = query(
            self.world.a,
            RECORD_TYPE,
            "SELECT count(*) - count(DISTINCT (record_id, content_hash, source_updated_time, "
            "_log_sequence)) FROM disposition_history",
        )
        return int(found)


def front(
    world: World,
    server: Postgresql,
    mode: str,
    table: str,
    create: str,
    rest: str,
    *,
    clock: bool = False,
    key: Sequence[str] = (),
) -> Front:
    """Create the table by ``create`` in a schema of its own, and the source that reads it."""
    schema = server.create_schema("front")
    folder = world.a.root / "sources" / STREAM
    folder.mkdir(parents=True)
    (world.a.root / "keys" / "front.password").write_text(PASSWORD, encoding="utf-8")
    given = {"host": "127.0.0.1", "port": server.port, "database": DATABASE, "user": USER}
    keys = ", ".join(f'"{name}"' for name in key)
    text = _TOML.format(mode=mode, schema=schema, table=table, rest=rest, key=keys, **given)
    (folder / "source.toml").write_text(text, encoding="utf-8")
    line = "    ts_cn(moved) AS source_updated_time,\n" if clock else ""
    (folder / "mapping.sql").write_text(
        _SQL.format(clock=line, handling_org=A.code), encoding="utf-8"
    )
    made = Front(world, server, schema)
    made.sql(create)
    return made
