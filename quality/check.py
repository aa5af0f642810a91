"""From candidate rows to their fates: accepted, unchanged, duplicate or quarantined.

``create_checked`` makes one pass over the candidates and marks each row with the rules it
breaks (``quality/marks.py``). ``settle`` then decides. They leave in the connection:

    checked            candidate columns + _marks_0, _marks_1, … UBIGINT; a view that adds the
                       columns that are one literal to the table checked_rows
    checked_rules      which bit is which rule
    checked_repeated   record_id of every identity that occurs more than once
    checked_conflict   _object, _row of rows in conflict
    settled            _object, _row, fate of every row that is not accepted
    accepted           contract fields + _object, _row, _flags VARCHAR[]
    quarantined        _object, _row, record_id, source_record_id, reasons VARCHAR[], uncast,
                       raw (JSON text), raw_text, detail (the last two for unreadable rows)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from quality import marks
from quality.constants import literal_columns
from quality.counts import Counts
from quality.fates import create_settled
from quality.log_fates import LOG_SEQUENCE, is_log, refuse_ties
from schemas.contract import Rule
from schemas.errors import AccountingError, ConfigError, DataError
from schemas.mapping import mapping_error
from schemas.sql import ident, literal
from schemas.text import Text

if TYPE_CHECKING:
    import duckdb

# Rows of one batch with one identity and one moment, but different content: which of them is
# right only the source can say, so none is taken. Without a clock of the source's, a row's
# moment is that of its fetching, so two pages fetched one after the other are two moments. The
# moment of an event is its place in the log.
CONFLICT = "conflict:record_id"
_MOMENT = "source_updated_time"


def create_checked(
    con: duckdb.DuckDBPyConnection, candidate_sql: str, rules: Sequence[Rule]
) -> None:
    """Creates ``checked`` from the candidates in one pass, and what it knows of repetitions.

    ``candidate_sql`` gives the columns that ``schemas.mapping.candidate_sql`` describes.
    Raises ConfigError if a rule's SQL does not run.
    """
    import duckdb

    marks.create_rules(con, rules)
    columns = [row[0] for row in con.execute(f"DESCRIBE {candidate_sql}").fetchall()]
    literals = literal_columns(con, candidate_sql)
    stored = [ident(name) for name in columns if name not in literals]
    try:
        con.execute(
            f"CREATE OR REPLACE TABLE checked_rows AS SELECT "
            f"{', '.join([*stored, *marks.marks_sql(rules)])} FROM ({candidate_sql}) AS c"
        )
    except duckdb.Error as error:
        # Not "from": DuckDB quotes the value that it stumbled on, and traces end up in logs.
        raise _blame(con, candidate_sql, rules, error) from None
    _create_view(con, columns, literals)
    marks.mark_by_value(con, rules, literals)
    con.execute(
        "CREATE OR REPLACE TABLE checked_repeated AS SELECT record_id FROM checked "
        "WHERE record_id IS NOT NULL GROUP BY record_id HAVING count(*) > 1"
    )
    con.execute(
        "CREATE OR REPLACE TABLE checked_conflict AS SELECT _object, _row FROM ("
        "SELECT _object, _row, min(content_hash) OVER moment <> max(content_hash) OVER moment "
        "AS differs FROM checked SEMI JOIN checked_repeated USING (record_id) "
        f"WINDOW moment AS (PARTITION BY record_id, {moment_column(columns)})) WHERE differs"
    )


def moment_column(columns: Collection[str]) -> str:
    """Of candidates with these columns, the one that says which of a record's rows are of one
    moment.
    """
    return LOG_SEQUENCE if LOG_SEQUENCE in columns else _MOMENT


def rule_counts(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Rows of ``checked`` that break each rule, CONFLICT included; zero where none does."""
    _create_combinations(con, "combinations", "checked")
    counts = marks.counts_of(con, "combinations")
    counts[CONFLICT] = _one(con, "SELECT count(*) FROM checked_conflict")
    return counts


def settle(
    con: duckdb.DuckDBPyConnection,
    known: str = "known",
    *,
    received: int | None = None,
    last_made: str | None = None,
) -> Counts:
    """Decides each row's fate, by precedence quarantined > duplicate > unchanged > accepted.

    Args:
        known: relation (record_id, content_hash, source_updated_time, received_time) of the
            versions that the lake has; ``Lake.attach_known`` makes it.
        received: rows as the reader counted them; without it raw and raw_reject are counted.
        last_made: relation (_object, _row, record_id, content_hash) of what the raw rows were
            made into when they were read before, where they were.

    How a fate is decided stands in ``quality/fates.py``. If the rows of ``checked`` are events
    (they have ``_log_sequence``), table ``removals`` holds those that only say that a record is
    gone, and ``known`` needs the columns that ``quality/log_fates.py`` names, where their fates
    are decided. A removal that makes a version is accepted, its version is not in ``accepted``.

    Raises:
        DataError: the mapping dropped or multiplied rows.
        AccountingError: the counts do not balance.
    """
    _check_one_to_one(con)
    log = is_log(con)
    if log:
        refuse_ties(con, CONFLICT)
    create_settled(con, known, last_made)
    _create_views(con, log=log)
    counts = _count(con, received, log=log)
    counts.check()
    return counts


def _create_view(
    con: duckdb.DuckDBPyConnection, columns: Sequence[str], literals: Mapping[str, str]
) -> None:
    shown = [f"{literals[n]} AS {ident(n)}" if n in literals else ident(n) for n in columns]
    con.execute(
        "CREATE OR REPLACE VIEW checked AS SELECT "
        f"{', '.join([*shown, *marks.mark_columns(con)])} FROM checked_rows"
    )


def _blame(
    con: duckdb.DuckDBPyConnection, candidate_sql: str, rules: Sequence[Rule], error: Exception
) -> Exception:
    """Finds the rule that does not run; else it was an expression of the mapping, on some row."""
    import duckdb

    for rule in rules:
        try:
            con.execute(
                f"SELECT count(*) FILTER ({rule.violation_sql}) FROM ({candidate_sql}) AS c LIMIT 0"
            )
        except duckdb.BinderException as reason:
            first = str(reason).splitlines()[0]
            return ConfigError(
                Text(
                    en=f"rule {rule.rule_id} does not run: {first}",
                    zh=f"规则 {rule.rule_id} 无法执行：{first}",
                )
            )
        except duckdb.Error:
            continue
    if isinstance(error, duckdb.OperationalError | duckdb.InternalError):
        return error  # memory, disk, a defect: nothing that a row did
    return mapping_error(error, "mapping.sql")


def _check_one_to_one(con: duckdb.DuckDBPyConnection) -> None:
    # Equal counts and equal sums of 64-bit hashes of (_object, _row): the two multisets are
    # the same but for a chance of 2^-64, at a fraction of what a join of all rows costs.
    print_of = "SELECT count(*), coalesce(sum(hash(_object::BIGINT, _row::BIGINT)::HUGEINT), 0)"
    raw = con.execute(f"{print_of} FROM raw").fetchone()
    candidates = con.execute(f"{print_of} FROM checked").fetchone()
    if raw == candidates:
        return
    lost = _one(con, "SELECT count(*) FROM raw ANTI JOIN checked USING (_object, _row)")
    more = _one(con, "SELECT count(*) - count(DISTINCT (_object, _row)) FROM checked")
    foreign = _one(con, "SELECT count(*) FROM checked ANTI JOIN raw USING (_object, _row)")
    raise DataError(
        Text(
            en=f"the mapping does not give one record per source row: {lost} rows dropped, "
            f"{more} repeated, {foreign} without a source row",
            zh=f"映射结果与源数据行不是一一对应：丢失 {lost} 行，重复 {more} 行，"
            f"无对应源行 {foreign} 行",
        ),
        hint=Text(
            en="remove WHERE, joins that multiply, DISTINCT and unnest from mapping.sql; "
            "rows that are no records are quarantined by rules",
            zh="请从 mapping.sql 中去掉 WHERE、会产生多行的连接、DISTINCT 和 unnest；"
            "不应入库的行由校验规则隔离",
        ),
    )


def _create_views(con: duckdb.DuckDBPyConnection, *, log: bool) -> None:
    hidden = ["_object", "_row", "_uncast", "_has_clock", *marks.mark_columns(con)]
    rows = "checked"
    if log:
        rows = (
            "(SELECT c.* REPLACE (p.source_updated_time AS source_updated_time) FROM checked AS c "
            "JOIN log_placed AS p ON (p._object = c._object AND p._row = c._row))"
        )
    con.execute(
        "CREATE OR REPLACE VIEW accepted AS "
        f"SELECT * EXCLUDE ({', '.join(hidden)}), _object, _row, {soft_flags(con)} AS _flags "
        f"FROM {rows} ANTI JOIN settled USING (_object, _row)"
    )
    conflict = f"CASE WHEN conflict._row IS NOT NULL THEN [{literal(CONFLICT)}] ELSE [] END"
    con.execute(
        "CREATE OR REPLACE VIEW quarantined AS "
        "SELECT c._object, c._row, c.record_id, c.source_record_id, "
        f"list_concat({marks.broken(con, 'hard')}, {conflict})::VARCHAR[] AS reasons, "
        f"c._uncast AS uncast, {_raw_json(con)} AS raw, NULL::VARCHAR AS raw_text, "
        "NULL::VARCHAR AS detail "
        "FROM checked AS c "
        "JOIN (SELECT _object, _row FROM settled WHERE fate = 'quarantined') AS q "
        "ON (c._object = q._object AND c._row = q._row) "
        "JOIN raw ON (raw._object = c._object AND raw._row = c._row) "
        "LEFT JOIN checked_conflict AS conflict "
        "ON (conflict._object = c._object AND conflict._row = c._row) "
        "UNION ALL SELECT _object, _row, NULL, NULL, [rule_id], NULL, NULL, raw_text, detail "
        "FROM raw_reject"
    )


def soft_flags(con: duckdb.DuckDBPyConnection) -> str:
    """SQL over ``checked``: the soft rules that a row breaks, as VARCHAR[]."""
    flags = f"CASE WHEN {marks.breaks_any(con, 'soft')} THEN {marks.broken(con, 'soft')}"
    return f"({flags} ELSE [] END)::VARCHAR[]"


def _raw_json(con: duckdb.DuckDBPyConnection) -> str:
    """SQL: the raw row as a JSON object with sorted names, so that its digest is its own."""
    columns = sorted(row[0] for row in con.execute("DESCRIBE raw").fetchall())
    pairs = ", ".join(
        f"{literal(name)}, raw.{ident(name)}" for name in columns if name not in ("_object", "_row")
    )
    return f"json_object({pairs})::VARCHAR"


def _count(con: duckdb.DuckDBPyConnection, received: int | None, *, log: bool) -> Counts:
    fates = dict(con.execute("SELECT fate, count(*) FROM settled GROUP BY fate").fetchall())
    rejected = dict(
        con.execute("SELECT rule_id, count(*) FROM raw_reject GROUP BY rule_id").fetchall()
    )
    _create_combinations(con, "taken", "checked ANTI JOIN settled USING (_object, _row)")
    _create_combinations(con, "all_rows", "checked")
    reasons = marks.counts_of(con, "all_rows", "hard")
    reasons[CONFLICT] = _one(con, "SELECT count(*) FROM checked_conflict")
    if _one(con, "SELECT coalesce(sum(unkeyed), 0) FROM taken"):
        raise AccountingError(
            Text(
                en="a row without record_id or content_hash was about to be accepted",
                zh="存在缺少记录标识或记录摘要的行即将入湖",
            )
        )
    flagged = marks.breaks_any(con, "soft")
    tables = ("raw", "raw_reject", *(("removals",) if log else ()))
    counted = sum(_one(con, f"SELECT count(*) FROM {table}") for table in tables)
    removals = _one(con, "SELECT count(*) FROM log_removals") if log else 0
    return Counts(
        received=counted if received is None else received,
        accepted=_one(con, "SELECT coalesce(sum(n), 0) FROM taken") + removals,
        unchanged=fates.get("unchanged", 0),
        duplicate=fates.get("duplicate", 0),
        quarantined=fates.get("quarantined", 0) + sum(rejected.values()),
        flagged=_one(con, f"SELECT coalesce(sum(n), 0) FROM taken WHERE {flagged}"),
        reasons=_sorted(dict(Counter(reasons) + Counter(rejected))),
        soft=_sorted(marks.counts_of(con, "taken", "soft")),
    )


def _create_combinations(con: duckdb.DuckDBPyConnection, name: str, rows: str) -> None:
    """Which combinations of marks occur, how often (``n``), how many without identity."""
    columns = "".join(f"{column}, " for column in marks.mark_columns(con))
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT {columns}count(*) AS n, "
        "count(*) FILTER (record_id IS NULL OR content_hash IS NULL) AS unkeyed "
        f"FROM {rows} GROUP BY ALL"
    )


def _sorted(counts: dict[str, int]) -> dict[str, int]:
    """Most frequent first, without zeros."""
    present = [(name, count) for name, count in counts.items() if count]
    return dict(sorted(present, key=lambda item: (-item[1], item[0])))


def _one(con: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = con.execute(sql).fetchone()
    return 0 if row is None else int(row[0])
