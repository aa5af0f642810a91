"""Records that are gone at their source get a last version that says so.

A source that can't say what it deleted shows it all the same: by a full copy that no longer holds
a row (mode ``snapshot``), or by a log that says it (mode ``events``). The version is made of the
record's last one, with ``data_status = 'removed'``; nothing in the lake is deleted. It travels to
partners as any newer version. A row that comes back is a new version again (ADR 0020).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from lake.views import STATUS_FIELD
from quality.check import soft_flags
from quality.log_fates import LOG_SEQUENCE
from schemas.codes import REMOVED
from schemas.contract import Contract
from schemas.errors import AccountingError, Where
from schemas.identity import content_hash_sql
from schemas.sql import ident, literal
from schemas.text import Text

if TYPE_CHECKING:
    import duckdb

    from lake.store import Lake

#: The table of versions that :func:`retract_missing` and :func:`retract_by_rows` leave behind.
TABLE = "retractions"
_CLOCK = "source_updated_time"
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Stamp:
    """Whose records these are and what the run writes into a version that it makes.

    ``stream_id`` and ``org_code``: only what this stream of this agency said last is its to take
    back. ``now``: the run's time.
    """

    contract: Contract
    stream_id: str
    org_code: str
    rule_pack_version: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Retraction:
    """``made`` versions are in table ``retractions``; ``by_row`` of them had a row that asked.

    ``complete``: what a full copy did not hold was retracted. ``refused``: why it was not.
    """

    made: int = 0
    by_row: int = 0
    complete: bool = False
    refused: Text | None = None


def read_time(con: duckdb.DuckDBPyConnection, lake: Lake, stamp: Stamp) -> datetime:
    """The moment that what is read at ``stamp.now`` counts as read and received.

    It is later than any of the stream's versions tells, and than anything was received, so that
    the order of the reads is that of their times even if this node's clock was set back. Another
    stream may tell of the same records.
    """
    lake.attach_known(con, stamp.contract.record_type, stamp.org_code)
    found = con.execute(
        f"SELECT max(CASE WHEN {_of_stream(stamp.stream_id)} "
        f"THEN greatest({_CLOCK}, received_time) ELSE received_time END) FROM known"
    ).fetchone()
    last: datetime | None = found[0] if found else None
    return stamp.now if last is None else max(stamp.now, last + _TICK)


def retract_missing(
    con: duckdb.DuckDBPyConnection,
    lake: Lake,
    stamp: Stamp,
    read_at: datetime,
    *,
    max_removed: float | None,
) -> Retraction:
    """Retract the stream's records of which the full copy in ``checked`` holds no row.

    ``max_removed``: the greatest share of them that may be gone; None if a person said that they
    really are. A row that is quarantined still says that its record is there. While there are
    rows that don't tell their record, nothing is retracted: it may be one of the missing.
    """
    _create_missing(con, lake, stamp, read_at)
    alive, missing = _two(con, "SELECT count(*), count(*) FILTER (missing) FROM alive")
    if not missing:
        _create_table(con, stamp, _nothing(stamp.contract))
        return Retraction(complete=True)
    nameless = _nameless(con)
    refused = None
    if nameless:
        refused = _some_are_nameless(missing, nameless)
    elif max_removed is not None and missing / alive > max_removed:
        refused = _too_many(stamp.stream_id, missing, alive, max_removed)
    if refused is not None:
        _create_table(con, stamp, _nothing(stamp.contract))
        return Retraction(refused=refused)
    lake.attach(con, stamp.contract.record_type)
    # The current version once more, whole: only of those that are gone.
    last = (
        f"SELECT v.*, {literal(read_at.isoformat())}::TIMESTAMPTZ AS _at, NULL::VARCHAR AS _place, "
        "NULL::INTEGER AS _asking_object, NULL::BIGINT AS _asking_row "
        f"FROM {ident(stamp.contract.record_type + '_current')} AS v "
        "SEMI JOIN (FROM alive WHERE missing) AS m USING (record_id) "
        f"WHERE v._bundle_id IS NULL AND v.source_org_code = {literal(stamp.org_code)}"
    )
    _create_table(con, stamp, last)
    made, _ = _two(con, f"SELECT count(*), 0 FROM {TABLE}")
    return Retraction(made=made, complete=True)


def retract_by_rows(con: duckdb.DuckDBPyConnection, lake: Lake, stamp: Stamp) -> Retraction:
    """Make the versions that ``log_removals`` asks for (:mod:`quality.log_fates`).

    Each is made of what stands before it in the log: a version in the lake, or an event of this
    run. It has the place of its row, and the row.
    """
    record_type = stamp.contract.record_type
    lake.attach(con, record_type)
    asked = (
        "a.source_updated_time AS _at, a.sequence AS _place, a._object AS _asking_object, "
        "a._row AS _asking_row"
    )
    fields = ", ".join(f"v.{ident(f.name)}" for f in stamp.contract.fields)
    _create_table(
        con,
        stamp,
        f"SELECT {fields}, v._flags, {asked} FROM log_removals AS a "
        f"JOIN {ident(record_type + '_history')} AS v ON (v.record_id = a.record_id "
        "AND v.content_hash = a.before.content_hash "
        f"AND v.{_CLOCK} = a.before.source_updated_time "
        "AND v.received_time = a.before.received_time "
        f"AND v.{LOG_SEQUENCE} IS NOT DISTINCT FROM a.before.sequence) "
        f"WHERE v._bundle_id IS NULL AND v.source_org_code = {literal(stamp.org_code)} "
        "QUALIFY row_number() OVER (PARTITION BY a._object, a._row ORDER BY v._run_id) = 1 "
        f"UNION ALL SELECT {fields}, {soft_flags(con)}, {asked} FROM log_removals AS a "
        "JOIN checked AS v ON (v._object = a.before._object AND v._row = a.before._row)",
    )
    made, asked_for = _two(
        con, f"SELECT (SELECT count(*) FROM {TABLE}), (SELECT count(*) FROM log_removals)"
    )
    if made != asked_for:
        raise AccountingError(
            Text(
                en=f"{asked_for} records were to be retracted, {made} versions were made",
                zh=f"应标记 {asked_for} 条记录为来源已删除，实际生成 {made} 个版本",
            ),
            where=Where(stamp.stream_id),
        )
    return Retraction(made=made, by_row=made)


def _create_missing(
    con: duckdb.DuckDBPyConnection, lake: Lake, stamp: Stamp, read_at: datetime
) -> None:
    """Table ``alive`` (record_id, missing): records that the stream told of last, before this."""
    record_type = stamp.contract.record_type
    lake.attach(con, record_type)
    con.execute(
        "CREATE OR REPLACE TEMP TABLE alive AS SELECT record_id, record_id NOT IN "
        "(SELECT record_id FROM checked WHERE record_id IS NOT NULL) AS missing "
        f"FROM {ident(record_type + '_current')} WHERE _bundle_id IS NULL "
        f"AND source_org_code = {literal(stamp.org_code)} AND {_of_stream(stamp.stream_id)} "
        f"AND {STATUS_FIELD} <> {literal(REMOVED)} "
        f"AND {_CLOCK} < {literal(read_at.isoformat())}::TIMESTAMPTZ"
    )


def _nameless(con: duckdb.DuckDBPyConnection) -> int:
    """Rows of the run that don't tell whose they are."""
    unread, unkeyed = _two(
        con,
        "SELECT (SELECT count(*) FROM raw_reject), "
        "(SELECT count(*) FROM checked WHERE record_id IS NULL)",
    )
    return unread + unkeyed


def _create_table(con: duckdb.DuckDBPyConnection, stamp: Stamp, last: str) -> None:
    """Table ``retractions``: the versions ``last`` (all stored columns, ``_at``, ``_place``,
    ``_asking_object``, ``_asking_row``) once more, as removed, in the shape that goes to the lake.
    """
    contract = stamp.contract
    made = {
        STATUS_FIELD: literal(REMOVED),
        _CLOCK: "_at",
        "received_time": f"{literal(stamp.now.isoformat())}::TIMESTAMPTZ",
        "schema_version": literal(contract.version),
        "rule_pack_version": literal(stamp.rule_pack_version),
    }
    names = [f.name for f in contract.fields]
    fields = ", ".join(f"{made.get(name, ident(name))} AS {ident(name)}" for name in names)
    content = [f.name for f in contract.content_fields() if f.name != _CLOCK]
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {TABLE} AS "
        f"SELECT * REPLACE ({content_hash_sql(contract, content)} AS content_hash) "
        f"FROM (SELECT {fields}, _asking_object AS _object, _asking_row AS _row, _flags, "
        f"_place AS _log_sequence FROM ({last}))"
    )


def _nothing(contract: Contract) -> str:
    fields = ", ".join(f"NULL::{f.duckdb_type} AS {ident(f.name)}" for f in contract.fields)
    return (
        f"SELECT {fields}, NULL::TIMESTAMPTZ AS _at, NULL::VARCHAR AS _place, "
        "NULL::INTEGER AS _asking_object, NULL::BIGINT AS _asking_row, NULL::VARCHAR[] AS _flags "
        "WHERE false"
    )


def _of_stream(stream_id: str) -> str:
    # A run's id begins with its stream's, and neither part of that can hold a slash.
    return f"starts_with(_run_id, {literal(stream_id + '/')})"


def _too_many(stream_id: str, missing: int, alive: int, max_removed: float) -> Text:
    share = missing / alive
    return Text(
        en=f"{missing} of {alive} records are missing from this full copy ({share:.1%}); "
        f"[snapshot] max_removed allows {max_removed:.1%}, so none was taken for removed. If they "
        f"really are gone: hefu sync {stream_id} --accept-removals",
        zh=f"本次全量数据缺少 {alive} 条记录中的 {missing} 条（{share:.1%}），"
        f"超过 [snapshot] max_removed 允许的 {max_removed:.1%}，因此均未标注为来源已删除。"
        f"如确已删除，请运行 hefu sync {stream_id} --accept-removals",
    )


def _some_are_nameless(missing: int, nameless: int) -> Text:
    return Text(
        en=f"{missing} records are missing from this full copy, and {nameless} of its rows don't "
        "tell whose they are, so none was taken for removed; see hefu quarantine list",
        zh=f"本次全量数据缺少 {missing} 条记录，另有 {nameless} 行无法判断属于哪条记录，"
        "因此均未标注为来源已删除；请查看 hefu quarantine list",
    )


def _two(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[int, int]:
    found: Sequence[int] = con.execute(sql).fetchone() or (0, 0)
    return int(found[0]), int(found[1])
