"""Rows that are events of a log of changes: each gets its place, and removals are told apart.

The places of a log are compared as ``[cursor] format`` says, so they are read here, where that is
known, and handed on as texts that sort like them. A removal has a key and no content, so the rules
of the contract are not for it: it leaves ``raw`` before anything is checked.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa

from connectors.config import EventsConfig, SourceConfig
from connectors.cursor import Clock, Comparable
from quality.log_fates import LOG_SEQUENCE
from schemas.errors import DataError, Where
from schemas.mapping import mapping_error
from schemas.sql import ident, literal
from schemas.text import Text

if TYPE_CHECKING:
    import duckdb

READ_SEQUENCE = "read:sequence"
_UNREAD = "the row has no place in the log that can be read"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
#: Digits of a second beyond the sixth, which Python's times can't hold.
_FINER = re.compile(r"\.\d{6}(\d*[1-9])")


def sort_key(value: Comparable, text: str = "") -> str:
    """A text that sorts, byte by byte, among those of its kind as ``value`` does.

    A whole number is led by the count of its digits; of a negative one everything is turned over.
    A time is the number of its microseconds since 1970; ``text``, as the source wrote it, has the
    rest.
    """
    if isinstance(value, datetime):
        finer = _FINER.search(text)
        return sort_key((value - _EPOCH) // _MICROSECOND) + (finer[1] if finer else "")
    if isinstance(value, int):
        digits = str(abs(value))
        if value >= 0:
            return f"1{len(digits):04d}{digits}"
        turned = "".join(str(9 - int(d)) for d in digits)
        return f"0{9999 - len(digits):04d}{turned}"
    return value


def log_candidates(
    con: duckdb.DuckDBPyConnection, config: SourceConfig, candidates: str, path: str
) -> str:
    """Part table ``raw`` into events with a content and others; returns SQL of the candidates.

    ``candidates`` is SQL over ``raw``, ``path`` that of the mapping. Afterwards ``raw`` holds the
    events that say how a record is, ``removals`` (_object, _row, record_id, sequence, fetched_at,
    raw_text) those that say that it is gone, and ``raw_reject`` besides those without a place that
    can be read. The SQL that is returned has the column ``_log_sequence``. A removal without a
    key stays in ``raw``: the rules refuse it. Raises :class:`DataError` if the log has no such
    columns.
    """
    events = config.events
    if events is None or config.cursor is None:
        return candidates
    columns = [str(row[0]) for row in con.execute("DESCRIBE raw").fetchall()]
    place = _column(config, columns, config.cursor.field, "cursor.field")
    _create_places(con, Clock(config.cursor, config.zone), place)
    _refuse_unread(con, columns, place)
    is_removal = _is_removal(config, events, columns)
    _take_removals(con, is_removal, columns, place, candidates, path)
    return (
        f"SELECT c.*, p.sequence AS {LOG_SEQUENCE} FROM ({candidates}) AS c "
        "JOIN raw AS r ON (r._object = c._object AND r._row = c._row) "
        f"JOIN log_places AS p ON p.text = r.{ident(place)}"
    )


def _column(config: SourceConfig, columns: list[str], name: str, field: str) -> str:
    found = next((c for c in columns if c.lower() == name.lower()), None)
    if found is None:
        raise DataError(
            Text(en=f"the log has no column {name!r}", zh=f"变更日志中没有列 {name!r}"),
            where=Where(config.stream_id, field=field),
            hint=Text(
                en="compare source.toml with the source's own columns: hefu check",
                zh="请用 hefu check 将 source.toml 与来源的列名核对",
            ),
        )
    return found


def _create_places(con: duckdb.DuckDBPyConnection, clock: Clock, place: str) -> None:
    """Table ``log_places`` (text, sequence): what each text of the column sorts by."""
    texts = con.execute(f"SELECT DISTINCT {ident(place)} FROM raw").fetchall()
    read = [(str(t), clock.parse(str(t))) for (t,) in texts if t is not None]
    pairs = [(text, sort_key(value, text)) for text, value in read if value is not None]
    table = pa.table(
        {
            "text": pa.array([text for text, _ in pairs], pa.string()),
            "sequence": pa.array([key for _, key in pairs], pa.string()),
        }
    )
    con.register("_log_places", table)
    con.execute("CREATE OR REPLACE TEMP TABLE log_places AS FROM _log_places")
    con.unregister("_log_places")


def _refuse_unread(con: duckdb.DuckDBPyConnection, columns: list[str], place: str) -> None:
    unread = f"{ident(place)} IS NULL OR {ident(place)} NOT IN (SELECT text FROM log_places)"
    con.execute(
        f"INSERT INTO raw_reject SELECT _object, _row, {literal(READ_SEQUENCE)}, "
        f"{literal(_UNREAD)}, {_json(columns)} FROM raw WHERE {unread}"
    )
    con.execute(f"DELETE FROM raw WHERE {unread}")


def _take_removals(
    con: duckdb.DuckDBPyConnection,
    is_removal: str,
    columns: list[str],
    place: str,
    candidates: str,
    path: str,
) -> None:
    import duckdb

    con.execute("ALTER TABLE raw RENAME TO raw_events")
    # The mapping is asked for the keys of removals alone: it names its table raw.
    con.execute(f"CREATE TABLE raw AS FROM raw_events WHERE {is_removal}")
    try:
        con.execute(
            "CREATE OR REPLACE TABLE removals AS SELECT r._object, r._row, c.record_id, "
            f"p.sequence, o.fetched_at, {_json(columns, 'r')} AS raw_text FROM "
            f"(SELECT _object, _row, record_id FROM ({candidates})) AS c "
            "JOIN raw AS r ON (r._object = c._object AND r._row = c._row) "
            f"JOIN log_places AS p ON p.text = r.{ident(place)} "
            "JOIN objects AS o ON o._object = r._object WHERE c.record_id IS NOT NULL"
        )
    except duckdb.Error as error:
        raise mapping_error(error, path) from None
    con.execute("DROP TABLE raw")
    con.execute("ALTER TABLE raw_events RENAME TO raw")
    con.execute("DELETE FROM raw WHERE (_object, _row) IN (SELECT (_object, _row) FROM removals)")


def _is_removal(config: SourceConfig, events: EventsConfig, columns: list[str]) -> str:
    if events.operation is None:
        return "false"
    operation = _column(config, columns, events.operation, "events.operation")
    values = ", ".join(literal(value) for value in events.removed)
    return f"coalesce(trim({ident(operation)}) IN ({values}), false)" if values else "false"


def _json(columns: list[str], table: str = "raw") -> str:
    """SQL: the row as a JSON object with sorted names, as quarantine keeps it."""
    names = sorted(name for name in columns if name not in ("_object", "_row"))
    pairs = ", ".join(f"{literal(name)}, {table}.{ident(name)}" for name in names)
    return f"json_object({pairs})::VARCHAR"
