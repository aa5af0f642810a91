"""Which rows of a batch are not new.

Of a source with a clock, content and clock are hashed together: a version that was seen is
known by its (record_id, content_hash), whatever came in between, so order and repetition of
batches change nothing.

A source without a clock may go back to an earlier content (A, then B, then A again), and that
is a third version. Its rows are ordered by when they were fetched, and a row is new if its
content is not that of the version before it: the previous one in the batch, or the lake's
current one. A row that is not newer than the lake's current version is a landing read again:
it is unchanged if the lake has its content at all, else a version that was missed. One of the
very time of the current version is unchanged only if it is that version: whoever made it of the
same raw row (another mapping, other code rows) may have gone back since.

Of a source that is a log of changes, each row has a place of its own: ``quality/log_fates.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from quality import marks
from quality.log_fates import is_log, settle_log
from schemas.sql import ident

if TYPE_CHECKING:
    import duckdb

IN_TIME = "PARTITION BY record_id ORDER BY source_updated_time, _object, _row"


def create_settled(con: duckdb.DuckDBPyConnection, known: str, last_made: str | None) -> None:
    """Creates ``settled`` (_object, _row, fate) of all rows of ``checked`` that are not new.

    ``last_made``: relation (_object, _row, record_id, content_hash) of what these very raw rows
    were made into the last time. A row that is made into something else now is new, although the
    lake may have had that content before: a mapping or a code row was put back.
    """
    con.execute(
        "CREATE OR REPLACE TABLE settled AS SELECT _object, _row, 'quarantined' AS fate "
        f"FROM checked WHERE {marks.breaks_any(con, 'hard')} "
        "UNION SELECT _object, _row, 'quarantined' FROM checked_conflict"
    )
    if is_log(con):
        settle_log(con, known, last_made)
        return
    clocked = con.execute("SELECT DISTINCT _has_clock FROM checked").fetchall()
    if (True,) in clocked:
        _settle_clocked(con, known)
    if (False,) in clocked:
        _settle_unclocked(con, known)
    if last_made is not None:
        con.execute(
            "DELETE FROM settled WHERE fate = 'unchanged' AND (_object, _row) IN ("
            f"SELECT (c._object, c._row) FROM checked AS c JOIN {ident(last_made)} AS l "
            "ON (l._object = c._object AND l._row = c._row AND l.record_id = c.record_id) "
            "WHERE l.content_hash <> c.content_hash)"
        )


def _settle_clocked(con: duckdb.DuckDBPyConnection, known: str) -> None:
    con.execute(
        "INSERT INTO settled SELECT _object, _row, 'duplicate' FROM ("
        "SELECT _object, _row, row_number() OVER "
        "(PARTITION BY record_id, content_hash ORDER BY _object, _row) AS nth FROM checked "
        "SEMI JOIN checked_repeated USING (record_id) ANTI JOIN settled USING (_object, _row) "
        "WHERE _has_clock) WHERE nth > 1"
    )
    con.execute(
        "INSERT INTO settled SELECT _object, _row, 'unchanged' FROM checked "
        "ANTI JOIN settled USING (_object, _row) "
        f"SEMI JOIN {ident(known)} USING (record_id, content_hash) WHERE _has_clock"
    )


def _settle_unclocked(con: duckdb.DuckDBPyConnection, known: str) -> None:
    con.execute(
        "CREATE OR REPLACE TEMP TABLE in_time AS SELECT _object, _row, record_id, content_hash, "
        f"source_updated_time, lag(content_hash) OVER ({IN_TIME}) IS NOT DISTINCT FROM "
        "content_hash AS repeats FROM checked ANTI JOIN settled USING (_object, _row) "
        "WHERE NOT _has_clock"
    )
    con.execute(
        "CREATE OR REPLACE TEMP TABLE versions AS SELECT record_id, content_hash, "
        f"source_updated_time, received_time FROM {ident(known)} "
        "SEMI JOIN in_time USING (record_id)"
    )
    con.execute("INSERT INTO settled SELECT _object, _row, 'duplicate' FROM in_time WHERE repeats")
    # Two or more of a batch may be newer than the current version; only the first of them
    # follows on it.
    con.execute(
        "INSERT INTO settled WITH current AS (SELECT * FROM versions QUALIFY row_number() OVER "
        "(PARTITION BY record_id ORDER BY source_updated_time DESC, received_time DESC, "
        "content_hash DESC) = 1), placed AS (SELECT t.*, t.source_updated_time > "
        "c.source_updated_time AS newer, t.source_updated_time = c.source_updated_time "
        "AS same_time, c.content_hash AS current_hash FROM in_time AS t "
        "JOIN current AS c USING (record_id)), followed AS (SELECT *, row_number() OVER "
        "(PARTITION BY record_id, newer ORDER BY source_updated_time, _object, _row) = 1 "
        "AS follows FROM placed) "
        "SELECT _object, _row, 'unchanged' FROM followed WHERE NOT repeats AND CASE "
        "WHEN newer THEN follows AND content_hash = current_hash "
        "WHEN same_time THEN content_hash = current_hash "
        "ELSE (record_id, content_hash) IN (SELECT (record_id, content_hash) FROM versions) END"
    )
    con.execute("DROP TABLE in_time")
    con.execute("DROP TABLE versions")
