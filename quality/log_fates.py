"""Fates of rows that are events of a log: each stands at a place of its own in it.

A version that came from an event keeps the event's place (``_log_sequence``), and that alone
decides what it means: an event that the lake has at its place is unchanged, however often it is
read and whatever came after it; one that was committed late takes its place between those that
were read before. ``source_updated_time``, by which versions are ordered everywhere, is the time of
reading, bent so that it never contradicts the log (ADR 0020):

    at(e) = min(high(e), max(low(e), read(e)))

``low``: the greatest time of the record's versions at or before e's place, ``high``: the least
of those after it, ``read``: the latest fetch of the batch's events at or before it. All three
grow with the place and low <= high, so the times of a record's versions never fall along the log;
equal times are told apart by the place.

An event is new if it says another thing than what stands before it. Input, beside ``checked`` with
``_log_sequence`` and ``known``: table ``removals`` (_object, _row, record_id, sequence, fetched_at,
raw_text) of the events that say that a record is gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.codes import REMOVED
from schemas.sql import ident, literal

if TYPE_CHECKING:
    import duckdb

LOG_SEQUENCE = "_log_sequence"
#: What a log says of a record at one place, if rows of one batch say different things.
TIED = "more than one thing is said of the record at this place of the log"


def is_log(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether the rows of ``checked`` are events of a log."""
    return LOG_SEQUENCE in {str(row[0]) for row in con.execute("DESCRIBE checked").fetchall()}


def refuse_ties(con: duckdb.DuckDBPyConnection, conflict: str) -> None:
    """Rows that say of one record, at one place, both that it is so and that it is gone.

    The row with a content joins ``checked_conflict``, the removal becomes a row of ``raw_reject``
    with the rule ``conflict``.
    """
    con.execute(
        "CREATE OR REPLACE TEMP TABLE tied AS SELECT DISTINCT r.record_id, r.sequence "
        f"FROM removals AS r JOIN checked AS c ON (c.record_id = r.record_id "
        f"AND c.{LOG_SEQUENCE} = r.sequence)"
    )
    con.execute(
        "INSERT INTO checked_conflict SELECT _object, _row FROM checked AS c SEMI JOIN tied AS t "
        f"ON (c.record_id = t.record_id AND c.{LOG_SEQUENCE} = t.sequence) "
        "ANTI JOIN checked_conflict USING (_object, _row)"
    )
    con.execute(
        f"INSERT INTO raw_reject SELECT _object, _row, {literal(conflict)}, {literal(TIED)}, "
        "raw_text FROM removals SEMI JOIN tied USING (record_id, sequence)"
    )
    con.execute(
        "DELETE FROM removals WHERE (record_id, sequence) IN "
        "(SELECT (record_id, sequence) FROM tied)"
    )


def settle_log(con: duckdb.DuckDBPyConnection, known: str, last_made: str | None) -> None:
    """Adds to ``settled`` all events that are not new; ``settled`` has the quarantined ones.

    Creates ``log_placed`` (_object, _row, source_updated_time of each event that was looked at)
    and ``log_removals``: the removals that make a version, with what stands before them:
    (_object, _row, record_id, sequence, source_updated_time, before STRUCT).
    """
    _settle_repeated(con)
    _settle_known(con, known, last_made)
    _place(con, known)
    con.execute(
        "INSERT INTO settled SELECT _object, _row, CASE WHEN NOT removal AND before._object "
        "IS NOT NULL THEN 'duplicate' ELSE 'unchanged' END FROM log_line WHERE NOT stored AND "
        "CASE WHEN removal THEN before IS NULL OR before.removed "
        "ELSE before.content_hash IS NOT DISTINCT FROM content_hash END"
    )
    con.execute(
        "CREATE OR REPLACE TEMP TABLE log_removals AS SELECT _object, _row, record_id, sequence, "
        "source_updated_time, before FROM log_line "
        "WHERE removal AND before IS NOT NULL AND NOT before.removed"
    )
    con.execute(
        "CREATE OR REPLACE TEMP TABLE log_placed AS "
        "SELECT _object, _row, source_updated_time FROM log_line WHERE NOT stored"
    )
    con.execute("DROP TABLE log_line")


def _settle_repeated(con: duckdb.DuckDBPyConnection) -> None:
    """One event that came several times in the batch."""
    con.execute(
        "INSERT INTO settled SELECT _object, _row, 'duplicate' FROM ("
        "SELECT _object, _row, row_number() OVER (PARTITION BY record_id, "
        f"{LOG_SEQUENCE}, content_hash ORDER BY _object, _row) AS nth "
        "FROM checked ANTI JOIN settled USING (_object, _row)) WHERE nth > 1"
    )
    con.execute(
        "INSERT INTO settled SELECT _object, _row, 'duplicate' FROM ("
        "SELECT _object, _row, row_number() OVER (PARTITION BY record_id, sequence "
        "ORDER BY _object, _row) AS nth FROM removals) WHERE nth > 1"
    )


def _settle_known(con: duckdb.DuckDBPyConnection, known: str, last_made: str | None) -> None:
    """Events that the lake has at their place.

    One whose raw row was made into something else since (another mapping, other codes) and now
    comes out as before is judged like a new one: it goes back.
    """
    changed = "false"
    if last_made is not None:
        changed = (
            f"EXISTS (FROM {ident(last_made)} AS l WHERE l._object = c._object "
            "AND l._row = c._row AND l.record_id = c.record_id "
            "AND l.content_hash <> c.content_hash)"
        )
    con.execute(
        "INSERT INTO settled SELECT _object, _row, 'unchanged' FROM checked AS c "
        f"ANTI JOIN settled USING (_object, _row) SEMI JOIN {ident(known)} AS k "
        "ON (k.record_id = c.record_id AND k.content_hash = c.content_hash "
        f"AND k.{LOG_SEQUENCE} = c.{LOG_SEQUENCE}) WHERE NOT {changed}"
    )
    con.execute(
        "INSERT INTO settled SELECT _object, _row, 'unchanged' FROM removals AS r "
        f"ANTI JOIN settled USING (_object, _row) SEMI JOIN {ident(known)} AS k "
        f"ON (k.record_id = r.record_id AND k.{LOG_SEQUENCE} = r.sequence AND k.removed)"
    )


def _place(con: duckdb.DuckDBPyConnection, known: str) -> None:
    """Table ``log_line``: the batch's events and the versions of their records, in order.

    ``before``: what stands before each, NULL for a record's first.
    """
    con.execute(
        "CREATE OR REPLACE TEMP TABLE log_events AS "
        f"SELECT _object, _row, record_id, {LOG_SEQUENCE} AS sequence, content_hash, "
        "source_updated_time AS fetched_at, false AS removal, "
        f"data_status = {literal(REMOVED)} AS removed "
        "FROM checked ANTI JOIN settled USING (_object, _row) "
        "UNION ALL SELECT _object, _row, record_id, sequence, NULL, fetched_at, true, true "
        "FROM removals ANTI JOIN settled USING (_object, _row)"
    )
    con.execute(
        "CREATE OR REPLACE TEMP TABLE log_all AS "
        "SELECT *, NULL::TIMESTAMPTZ AS source_updated_time, NULL::TIMESTAMPTZ AS received_time, "
        "false AS stored FROM log_events UNION ALL BY NAME "
        f"SELECT record_id, {LOG_SEQUENCE} AS sequence, content_hash, source_updated_time, "
        "received_time, removed, false AS removal, true AS stored "
        f"FROM {ident(known)} SEMI JOIN log_events USING (record_id)"
    )
    up_to = "RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
    after = "RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING EXCLUDE GROUP"
    in_log = "PARTITION BY record_id ORDER BY sequence"
    con.execute(
        "CREATE OR REPLACE TEMP TABLE log_bounded AS SELECT *, "
        f"max(source_updated_time) OVER ({in_log} {up_to}) AS low, "
        f"min(source_updated_time) OVER ({in_log} {after}) AS high, "
        f"max(fetched_at) OVER ({in_log} {up_to}) AS read FROM log_all WHERE sequence IS NOT NULL"
    )
    # Without a place: versions from before this stream was read as a log, or of another stream.
    con.execute(
        "CREATE OR REPLACE TEMP TABLE log_line AS WITH placed AS ("
        "SELECT * EXCLUDE (low, high, read) REPLACE (CASE WHEN stored THEN source_updated_time "
        "ELSE least(high, greatest(low, read)) END AS source_updated_time) FROM log_bounded "
        "UNION ALL BY NAME FROM log_all WHERE sequence IS NULL) "
        "SELECT *, lag({removed: removed, content_hash: content_hash, sequence: sequence, "
        "source_updated_time: source_updated_time, received_time: received_time, "
        "_object: _object, _row: _row}) OVER (PARTITION BY record_id "
        "ORDER BY source_updated_time, sequence NULLS FIRST, received_time NULLS LAST, "
        "content_hash) AS before FROM placed"
    )
    for table in ("log_all", "log_bounded"):
        con.execute(f"DROP TABLE {table}")
    con.execute("DROP TABLE log_events")
