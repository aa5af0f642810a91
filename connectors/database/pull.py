"""One table, view or query into the landing area; written once for all four protocols."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from connectors.config import SourceConfig
from connectors.database.faults import ConnectionLostError, missing_driver
from connectors.database.following import Follower, follower
from connectors.database.rows import parquet_objects
from connectors.database.session import Column, Opener, Session
from connectors.database.settings import DatabaseReader
from connectors.database.statements import (
    ALIAS,
    Asked,
    asked_of,
    find,
    parts,
    window_bounds,
)
from connectors.delivery import Counted, Delivery, Progress, PullRequest, Secrets
from connectors.landing import Landed, Landing
from connectors.look import Look, StreamSeen
from connectors.pace import Pace
from schemas.errors import ConfigError, Where
from schemas.text import Text

PROBE_ROWS = 100
DRIVERS = frozenset(
    {"adbc_driver_postgresql", "adbc_driver_manager", "pymysql", "oracledb", "pymssql"}
)
"""Modules of the extra ``hefu[node]`` that a session may need."""


def pull_database(  # noqa: PLR0913 - the shape that docs/interfaces.md gives it
    source: SourceConfig,
    reader: DatabaseReader,
    folder: Path,
    request: PullRequest,
    landing: Landing,
    *,
    secrets: Secrets,
    progress: Progress,
    pace: Pace,
    only_first: bool = False,
) -> Delivery:
    """Land the rows that ``request`` asks for; ``only_first`` is for trying a source out.

    Begins anew when the connection is lost, up to ``reader.retries`` times: then nothing of
    what was landed before is in the delivery. Raises RefusedError, RetryableError, ConfigError.
    """
    attempt = 0
    while True:
        try:
            with closing(opener(reader)(reader, folder, secrets=secrets)) as session:
                reading = _reading(source, reader, request, session)
                if only_first:
                    return _first_rows(reading, landing)
                return _all_rows(reading, landing, progress)
        except ConnectionLostError:
            if attempt >= reader.retries:
                raise
            pace.sleep(min(reader.backoff_seconds * 2**attempt, reader.backoff_max_seconds))
            attempt += 1


def look_database(
    source: SourceConfig, reader: DatabaseReader, folder: Path, *, secrets: Secrets
) -> Look:
    """Connect, and list what the account may read; what the source names comes first."""
    with closing(opener(reader)(reader, folder, secrets=secrets)) as session:
        columns = session.columns()
        name = reader.table or "query"
        rows = session.scalar(asked_of(session, reader, columns).count()) if reader.count else None
        others = session.tables()
        settled = session.settled
        address = session.address
    same = _same_table(others, name)
    seen = StreamSeen(
        name,
        next((o.label for o in same), None),
        int(rows) if rows is not None else None,
        tuple(c.seen for c in columns),
    )
    reached = [
        Text(en=f"connected to {address}", zh=f"已连接 {address}"),
        Text(
            en=f"the account can read {len(others)} tables and views",
            zh=f"该账号可读 {len(others)} 个表和视图",
        ),
    ]
    if source.cursor is not None and not settled.sees_others:
        reached.append(
            Text(
                en="the account can't see how long others' transactions are open: a row that is "
                "committed later than the overlap is only found by the counts",
                zh="该账号看不到其他事务已打开多久：晚于 overlap 才提交的行只能靠行数核对发现",
            )
        )
    return Look(tuple(reached), (seen, *(o for o in others if o not in same)))


def opener(reader: DatabaseReader) -> Opener:
    """Raises :class:`ConfigError` if the protocol's driver is not installed."""
    try:
        module = import_module(f"connectors.database.{reader.kind}")
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in DRIVERS:
            raise
        raise missing_driver(reader.kind, missing) from error
    found: Opener = getattr(module, f"open_{reader.kind}")
    return found


def _same_table(others: list[StreamSeen], name: str) -> list[StreamSeen]:
    """The one that ``name`` means, if it can be told: without a schema it may be of several."""
    exact = [o for o in others if o.name == name]
    near = [o for o in others if o.name.endswith(f".{name}")]
    return exact or (near if len(near) == 1 else [])


@dataclass(frozen=True, slots=True)
class _Reading:
    """What one pull asks of one session."""

    source: SourceConfig
    reader: DatabaseReader
    request: PullRequest
    session: Session
    all: Asked
    asked: Asked
    parts: tuple[Asked, ...]
    follower: Follower | None
    cut_here: bool
    """The window could not be asked for: rows outside of it are left out when read."""

    @property
    def origin(self) -> str:
        return f"{self.session.address}/{self.reader.table or '(query)'}"

    @property
    def before(self) -> dict[str, Any]:
        return dict(self.request.cursor or {})


def _reading(
    source: SourceConfig, reader: DatabaseReader, request: PullRequest, session: Session
) -> _Reading:
    columns = session.columns()
    everything = asked_of(session, reader, columns)
    asked, cut_here, following = everything, False, _follower(source, session, columns)
    if request.mode == "window":
        condition = _window(source, session, columns, request)
        cut_here = condition is None
        asked = asked.where(condition) if condition else asked
    elif following is not None and not request.full:
        start = (request.cursor or {}).get("value", source.cursor and source.cursor.initial)
        condition = following.condition(start)
        asked = asked.where(condition) if condition else asked
    if source.mode == "events" and following is not None:
        asked = _in_order(asked, following.column, reader, session, columns)
        cut = [asked]
    else:
        partition = reader.partition_column
        column = partition and find(session, columns, partition, "reader.partition_column")
        cut = parts(session, asked, column or None, reader.partitions)
    return _Reading(
        source, reader, request, session, everything, asked, tuple(cut), following, cut_here
    )


def _follower(source: SourceConfig, session: Session, columns: list[Column]) -> Follower | None:
    if source.cursor is None:
        return None
    column = find(session, columns, source.cursor.field, "cursor.field")
    return follower(session, column, source.cursor, source.zone)


def _window(
    source: SourceConfig, session: Session, columns: list[Column], request: PullRequest
) -> str | None:
    window = source.window
    if window is None or window.field is None:
        raise ConfigError(
            Text(
                en="this source can't be asked for a window of days",
                zh="此来源未配置按日期范围拉取",
            ),
            where=Where(source.stream_id, field="window"),
            hint=Text(
                en="add [window] with field, the column of the business date",
                zh="请添加 [window]，用 field 写明业务日期列",
            ),
        )
    column = find(session, columns, window.field, "window.field")
    days = (request.since, request.until)
    return window_bounds(session.dialect, column, window, days, source.zone)


def _in_order(
    asked: Asked, column: Column, reader: DatabaseReader, session: Session, columns: list[Column]
) -> Asked:
    """Events come as the log has them; what tells one row from another settles ties."""
    keys = [find(session, columns, k, "reader.key").name for k in reader.key]
    keys = keys or [c.name for c in columns if c.in_key]
    names = dict.fromkeys((column.name, *keys))
    order = tuple(f"{ALIAS}.{session.dialect.ident(n)}" for n in names)
    return Asked(asked.dialect, asked.relation, asked.columns, asked.conditions, order)


def _first_rows(reading: _Reading, landing: Landing) -> Delivery:
    plain = Asked(reading.all.dialect, reading.all.relation, reading.all.columns)
    sql = reading.session.dialect.first_rows(plain.rows(), PROBE_ROWS)
    objects = _land(reading, landing, sql, 0)
    return Delivery(tuple(objects), None)


def _all_rows(reading: _Reading, landing: Landing, progress: Progress) -> Delivery:
    request, source = reading.request, reading.source
    cursor: dict[str, Any] | None = None
    if reading.follower is not None and request.mode == "cursor":
        cursor = reading.follower.advance(
            reading.session, reading.asked, reading.before, reading.session.settled
        )
    counted = _counted(reading)
    objects: list[Landed] = []
    for part in reading.parts:
        for landed in _land(reading, landing, part.rows(), len(objects)):
            objects.append(landed)
            progress(len(objects), None)
    return Delivery(
        tuple(objects),
        cursor,
        request.since if reading.cut_here else None,
        request.until if reading.cut_here else None,
        complete=request.mode == "cursor" and (request.full or source.mode == "snapshot"),
        counted=counted,
    )


def _counted(reading: _Reading) -> Counted | None:
    """Counted in the same snapshot as the rows, before them."""
    if not reading.reader.count or reading.cut_here:
        return None
    of_source = reading.source.mode == "cursor" and reading.request.mode == "cursor"
    asked = reading.all if of_source else reading.asked
    found = reading.session.scalar(asked.count())
    return Counted(int(found or 0), "source" if of_source else "delivery")


def _land(reading: _Reading, landing: Landing, sql: str, before: int) -> Iterator[Landed]:
    batches = reading.session.read(sql)
    objects = parquet_objects(batches, reading.reader.rows_per_object)
    for page, chunks in enumerate(objects, before + 1):
        yield landing.store(
            reading.source.stream_id,
            chunks,
            reading.origin,
            reading.request.now,
            page,
            request=sql,
        )
