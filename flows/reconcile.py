"""What the source itself counted, held against what this node holds after the run.

The counts of a run always balance among themselves; a row that the source has and never gave is not
among them. Only the source can tell of it: by how many rows it has. Compared are

- a count of the **delivery** with the rows that came;
- a count of the whole **source**, if everything was read, with the rows that came and the records
  that are here and did not come;
- a count of the whole **source**, if only news were read, with the stream's records and the rows
  in quarantine that are of none of them. Where several rows make one record, the last read of
  everything said by how many the rows are more (``RunRecord.surplus_rows``).

A record that was retracted because its row is gone counts no more; one whose row is there and says
itself that it is void does. A log of changes has more rows than records: of mode ``events`` only
deliveries, and logs read whole, are compared. A window says nothing of what lies outside of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from connectors.config import SourceConfig
from connectors.delivery import Delivery
from connectors.raw import RawBatch
from flows.waiting import waiting
from hefu.node import Node
from lake.runs import Mode, RunRecord
from quality.quarantine import row_digest_sql
from schemas.sql import ident, literal
from schemas.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import duckdb

_HELD = "reconcile_held"
_WAITING = "reconcile_waiting"
_TOLD = "record_id, content_hash, source_updated_time, received_time, _log_sequence, by_row"


@dataclass(frozen=True, slots=True)
class Reconciled:
    """Both numbers, None where they can't be compared, and what their difference means."""

    source_count: int | None = None
    node_count: int | None = None
    alarms: tuple[Text, ...] = ()
    surplus_rows: int | None = None
    """Set by a read of everything that agreed: ``RunRecord.surplus_rows`` from now on."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What is compared. ``runs``: the stream's committed runs, newest first, asked if needed."""

    node: Node
    config: SourceConfig
    mode: Mode
    delivery: Delivery
    raw: RawBatch
    runs: Callable[[], Sequence[RunRecord]]


def reconcile(con: duckdb.DuckDBPyConnection, reading: Reading, appended: str) -> Reconciled:
    """Compare ``delivery.counted``. Asked when every row's fate is known, before it is stored.

    ``con`` has ``known`` (the lake as it was), ``checked`` and ``quarantined`` (``quality.check``);
    ``appended``: relation of the versions that the run adds to the lake, as :meth:`Lake.append`
    takes them.
    """
    config, delivery, counted = reading.config, reading.delivery, reading.delivery.counted
    if counted is None or reading.mode == "replay":
        return Reconciled()
    came = reading.raw.received + reading.raw.outside_window
    if counted.scope == "delivery" or (config.mode == "events" and delivery.complete):
        return _compare(config, counted.rows, came, _gave)
    if config.mode == "events" or reading.mode != "cursor":
        return Reconciled()
    runs = reading.runs()
    whole = _is_whole(reading, runs)
    if not whole and config.cursor is not None and config.cursor.initial is not None:
        return Reconciled()  # what lies before it was never asked for
    _create_held(con, config.stream_id, appended)
    here = _one(con, f"SELECT count(*) FROM {_HELD}") + _count_waiting(con, reading, runs)
    if not whole:
        surplus = runs[0].surplus_rows if runs else 0
        return _compare(config, counted.rows, here + surplus, _holds)
    if came < counted.rows:
        return _compare(config, counted.rows, came, _gave)
    beside = _one(con, f"SELECT count(*) FROM {_HELD} ANTI JOIN checked USING (record_id)")
    found = _compare(config, counted.rows, came + beside, _holds)
    return found if found.alarms else replace(found, surplus_rows=came + beside - here)


def _is_whole(reading: Reading, runs: Sequence[RunRecord]) -> bool:
    """Whether the delivery is all that the source has: a full read, or one from the beginning."""
    cursor = reading.config.cursor
    if reading.delivery.complete or cursor is None:
        return True
    return cursor.initial is None and "value" not in (runs[0].cursor or {} if runs else {})


def _compare(
    config: SourceConfig, source: int, node: int, words: Callable[[SourceConfig, int, int], Text]
) -> Reconciled:
    alarms = () if source == node else (words(config, source, node),)
    return Reconciled(source, node, alarms)


def _create_held(con: duckdb.DuckDBPyConnection, stream_id: str, appended: str) -> None:
    """The stream's records as the run leaves them, but for those whose row is gone."""
    own = f"starts_with(_run_id, {literal(stream_id + '/')})"
    clock = "source_updated_time, coalesce(_log_sequence, ''), received_time, content_hash"
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {_HELD} AS SELECT record_id FROM ("
        f"SELECT {_TOLD}, {own} AS own FROM known UNION ALL "
        f"SELECT {_TOLD}, true FROM ({_as_known(con, appended)})) "
        f"GROUP BY record_id HAVING bool_or(own) AND arg_max(by_row, ({clock}))"
    )


def _as_known(con: duckdb.DuckDBPyConnection, appended: str) -> str:
    """SQL: versions on their way into the lake, in the columns of ``known`` that are asked for."""
    given = {str(row[0]) for row in con.execute(f"DESCRIBE {ident(appended)}").fetchall()}
    sequence = "_log_sequence" if "_log_sequence" in given else "NULL::VARCHAR AS _log_sequence"
    return (
        f"SELECT record_id, content_hash, source_updated_time, received_time, {sequence}, "
        f"_row IS NOT NULL AS by_row FROM {ident(appended)}"
    )


def _count_waiting(
    con: duckdb.DuckDBPyConnection, reading: Reading, runs: Sequence[RunRecord]
) -> int:
    """Rows in quarantine, of this run and still open from earlier ones, that are of no record here.

    Several rows of one record, or one row that came several times, are one.
    """
    config = reading.config
    before = waiting(reading.node, config.record_type, config.stream_id, runs)
    here = row_digest_sql([landed.key for landed in reading.delivery.objects])
    con.register(_WAITING, before)
    try:
        return _one(
            con,
            "SELECT count(DISTINCT coalesce(record_id, row_digest)) FROM ("
            f"SELECT record_id, row_digest FROM {_WAITING} UNION ALL "
            f"SELECT record_id, {here} FROM quarantined) "
            f"ANTI JOIN {_HELD} USING (record_id)",
        )
    finally:
        con.unregister(_WAITING)


def _gave(config: SourceConfig, source: int, node: int) -> Text:
    return Text(
        en=f"the source counts {source:,} rows and gave {node:,}; hefu sync --full "
        f"{config.stream_id} reads everything again",
        zh=f"来源统计为 {source:,} 行，实际收到 {node:,} 行；"
        f"可用 hefu sync --full {config.stream_id} 全部重新读取",
    )


def _holds(config: SourceConfig, source: int, node: int) -> Text:
    if node < source:
        missing = source - node
        return Text(
            en=f"the source counts {source:,} rows, this node holds {node:,} of them: "
            f"{missing:,} {'is' if missing == 1 else 'are'} missing; hefu sync --full "
            f"{config.stream_id} reads everything again",
            zh=f"来源统计为 {source:,} 行，本节点有其中 {node:,} 行，缺 {missing:,} 行；"
            f"可用 hefu sync --full {config.stream_id} 全部重新读取",
        )
    more = node - source
    head = Text(
        en=f"the source counts {source:,} rows, this node holds {node:,}: {more:,} more",
        zh=f"来源统计为 {source:,} 行，本节点有 {node:,} 行，多 {more:,} 行",
    )
    if config.mode == "snapshot":
        return Text(
            en=f"{head.en}; what is gone there was not retracted here, see the gate's reason",
            zh=f"{head.zh}；来源已删除的记录尚未在本节点标注，原因见质量门槛",
        )
    return Text(
        en=f'{head.en}; rows were deleted there: mode = "snapshot" follows deletions',
        zh=f'{head.zh}；来源删除过数据：设置 mode = "snapshot" 可跟随删除',
    )


def _one(con: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = con.execute(sql).fetchone()
    return int(row[0]) if row else 0
