"""From candidate rows to their fates: accepted, unchanged, duplicate or quarantined.

``create_checked`` makes one pass over the candidates and marks each row with the rules it
breaks, as bits in a few integers: a list of reasons per row would cost more than the rules.
``settle`` then decides. Both leave plain tables and views in the connection:

    checked            candidate columns + _marks_0, _marks_1, … UBIGINT
    checked_rules      rule_id, severity, word, bit, position
    checked_repeated   record_id of every identity that occurs more than once
    checked_conflict   _object, _row of rows in conflict
    settled            _object, _row, fate of every row that is not accepted
    accepted           contract fields + _object, _row, _flags VARCHAR[]
    quarantined        _object, _row, record_id, source_record_id, reasons VARCHAR[], uncast,
                       raw (JSON text), raw_text, detail (the last two for unreadable rows)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from quality.counts import Counts
from schemas.contract import Rule
from schemas.errors import AccountingError, ConfigError, DataError
from schemas.sql import ident, literal
from schemas.text import Text

if TYPE_CHECKING:
    import duckdb

# Rows of one batch with one identity and one moment, but different content: which of them is
# right only the source can say, so none is taken.
CONFLICT = "conflict:record_id"

BITS_PER_WORD = 60

# Two rows without a source's clock are of one moment: the moment they were fetched.
CONFLICT_KEY = "record_id, CASE WHEN _has_clock THEN source_updated_time END"


def create_checked(
    con: duckdb.DuckDBPyConnection, candidate_sql: str, rules: Sequence[Rule]
) -> None:
    """Creates ``checked`` from the candidates in one pass, and what it knows of repetitions.

    ``candidate_sql`` gives the columns that ``schemas.mapping.candidate_sql`` describes.
    Raises ConfigError if a rule's SQL does not run.
    """
    import duckdb

    _create_rules(con, rules)
    words = [rules[i : i + BITS_PER_WORD] for i in range(0, len(rules), BITS_PER_WORD)]
    marks = "".join(f", {_word(word)} AS _marks_{i}" for i, word in enumerate(words))
    try:
        con.execute(
            f"CREATE OR REPLACE TABLE checked AS SELECT *{marks} FROM ({candidate_sql}) AS c"
        )
    except duckdb.Error as error:
        raise _blame(con, candidate_sql, rules, error) from error
    con.execute(
        "CREATE OR REPLACE TABLE checked_repeated AS SELECT record_id FROM checked "
        "WHERE record_id IS NOT NULL GROUP BY record_id HAVING count(*) > 1"
    )
    con.execute(
        "CREATE OR REPLACE TABLE checked_conflict AS SELECT _object, _row FROM ("
        "SELECT _object, _row, min(content_hash) OVER moment <> max(content_hash) OVER moment "
        "AS differs FROM checked SEMI JOIN checked_repeated USING (record_id) "
        f"WINDOW moment AS (PARTITION BY {CONFLICT_KEY})) WHERE differs"
    )


def rule_counts(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Rows of ``checked`` that break each rule, CONFLICT included; zero where none does."""
    counts = _marked(con, "SELECT * FROM checked", None)
    counts[CONFLICT] = _one(con, "SELECT count(*) FROM checked_conflict")
    return counts


def settle(
    con: duckdb.DuckDBPyConnection, known: str = "known", *, received: int | None = None
) -> Counts:
    """Decides each row's fate, by precedence quarantined > duplicate > unchanged > accepted.

    Args:
        known: relation (record_id, content_hash, source_updated_time, received_time) of the
            versions that the lake has; ``Lake.attach_known`` makes it.
        received: rows as the reader counted them; without it raw and raw_reject are counted.

    A row is unchanged if the lake has its (record_id, content_hash). A source without a clock
    may go back to an earlier content, so there it must also be the current version's content,
    or not be newer than the current version (a landing read again).

    Raises:
        DataError: the mapping dropped or multiplied rows.
        AccountingError: the counts do not balance.
    """
    _check_one_to_one(con)
    _create_settled(con, known)
    _create_views(con)
    counts = _count(con, received)
    counts.check()
    return counts


def _create_rules(con: duckdb.DuckDBPyConnection, rules: Sequence[Rule]) -> None:
    con.execute(
        "CREATE OR REPLACE TABLE checked_rules "
        "(rule_id VARCHAR PRIMARY KEY, severity VARCHAR, word INTEGER, bit INTEGER, "
        "position INTEGER)"
    )
    rows = ", ".join(
        f"({literal(rule.rule_id)}, {literal(rule.severity)}, "
        f"{i // BITS_PER_WORD}, {i % BITS_PER_WORD}, {i})"
        for i, rule in enumerate(rules)
    )
    if rows:
        con.execute(f"INSERT INTO checked_rules VALUES {rows}")


def _word(rules: Sequence[Rule]) -> str:
    return "(" + " | ".join(_mark(rule, bit) for bit, rule in enumerate(rules)) + ")"


def _mark(rule: Rule, bit: int) -> str:
    return f"CASE WHEN ({rule.violation_sql}) THEN {1 << bit}::UBIGINT ELSE 0::UBIGINT END"


def _blame(
    con: duckdb.DuckDBPyConnection, candidate_sql: str, rules: Sequence[Rule], error: Exception
) -> Exception:
    """Finds the rule that does not run; the error itself if it is not a rule."""
    import duckdb

    for rule in rules:
        try:
            con.execute(f"SELECT count(*) FILTER ({rule.violation_sql}) FROM ({candidate_sql}) c")
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
    return error


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


def _mask_test(con: duckdb.DuckDBPyConnection, severity: str) -> str:
    """SQL: does the row break any rule of this severity?"""
    words = con.execute(
        "SELECT word, sum(1::HUGEINT << bit)::UBIGINT FROM checked_rules WHERE severity = ? "
        "GROUP BY word ORDER BY word",
        [severity],
    ).fetchall()
    tests = [f"(_marks_{word} & {mask}::UBIGINT) <> 0" for word, mask in words]
    return "(" + " OR ".join(tests) + ")" if tests else "false"


def _create_settled(con: duckdb.DuckDBPyConnection, known: str) -> None:
    hard = _mask_test(con, "hard")
    con.execute(
        "CREATE OR REPLACE TABLE settled AS "
        f"SELECT _object, _row, 'quarantined' AS fate FROM checked WHERE {hard} "
        "UNION SELECT _object, _row, 'quarantined' FROM checked_conflict"
    )
    con.execute(
        "INSERT INTO settled SELECT _object, _row, 'duplicate' FROM ("
        "SELECT _object, _row, row_number() OVER "
        "(PARTITION BY record_id, content_hash ORDER BY _object, _row) AS nth FROM checked "
        "SEMI JOIN checked_repeated USING (record_id) ANTI JOIN settled USING (_object, _row)"
        ") WHERE nth > 1"
    )
    key = "_object, _row, record_id, content_hash, source_updated_time, _has_clock"
    # `known` may be a scan of the whole lake: keep of it what this batch touches.
    con.execute(
        "CREATE OR REPLACE TEMP TABLE matched AS "
        f"SELECT {key} FROM checked ANTI JOIN settled USING (_object, _row) "
        f"SEMI JOIN {ident(known)} USING (record_id, content_hash)"
    )
    con.execute(
        "INSERT INTO settled SELECT _object, _row, 'unchanged' FROM matched WHERE _has_clock"
    )
    if _one(con, "SELECT count(*) FROM matched WHERE NOT _has_clock"):
        con.execute(
            "INSERT INTO settled SELECT _object, _row, 'unchanged' FROM matched AS m "
            f"JOIN (SELECT * FROM {ident(known)} SEMI JOIN matched USING (record_id) "
            "QUALIFY row_number() OVER (PARTITION BY record_id ORDER BY source_updated_time DESC, "
            "received_time DESC, content_hash DESC) = 1) AS k USING (record_id) "
            "WHERE NOT m._has_clock AND (m.content_hash = k.content_hash "
            "OR m.source_updated_time <= k.source_updated_time)"
        )
    con.execute("DROP TABLE matched")


def _create_views(con: duckdb.DuckDBPyConnection) -> None:
    words = _one(con, "SELECT coalesce(max(word) + 1, 0) FROM checked_rules")
    hidden = ["_object", "_row", "_uncast", "_has_clock", *(f"_marks_{i}" for i in range(words))]
    con.execute(
        "CREATE OR REPLACE VIEW accepted AS "
        f"SELECT * EXCLUDE ({', '.join(hidden)}), _object, _row, "
        f"CASE WHEN {_mask_test(con, 'soft')} THEN {_broken(con, 'soft')} ELSE [] END"
        "::VARCHAR[] AS _flags FROM checked ANTI JOIN settled USING (_object, _row)"
    )
    conflict = f"CASE WHEN conflict._row IS NOT NULL THEN [{literal(CONFLICT)}] ELSE [] END"
    con.execute(
        "CREATE OR REPLACE VIEW quarantined AS "
        "SELECT c._object, c._row, c.record_id, c.source_record_id, "
        f"list_concat({_broken(con, 'hard')}, {conflict})::VARCHAR[] AS reasons, "
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


def _broken(con: duckdb.DuckDBPyConnection, severity: str) -> str:
    """SQL: list of the rule ids that the row breaks, in the order of the rules."""
    rules = con.execute(
        "SELECT rule_id, word, bit FROM checked_rules WHERE severity = ? ORDER BY position",
        [severity],
    ).fetchall()
    if not rules:
        return "[]::VARCHAR[]"
    names = ", ".join(
        f"CASE WHEN (_marks_{word} & {1 << bit}::UBIGINT) <> 0 THEN {literal(rule_id)} END"
        for rule_id, word, bit in rules
    )
    return f"list_filter([{names}], lambda name: name IS NOT NULL)"


def _raw_json(con: duckdb.DuckDBPyConnection) -> str:
    """SQL: the raw row as a JSON object with sorted names, so that its digest is its own."""
    columns = sorted(row[0] for row in con.execute("DESCRIBE raw").fetchall())
    pairs = ", ".join(
        f"{literal(name)}, raw.{ident(name)}" for name in columns if name not in ("_object", "_row")
    )
    return f"json_object({pairs})::VARCHAR"


def _count(con: duckdb.DuckDBPyConnection, received: int | None) -> Counts:
    fates = dict(con.execute("SELECT fate, count(*) FROM settled GROUP BY fate").fetchall())
    rejected = dict(
        con.execute("SELECT rule_id, count(*) FROM raw_reject GROUP BY rule_id").fetchall()
    )
    open_rows = "SELECT * FROM checked ANTI JOIN settled USING (_object, _row)"
    hard = _marked(con, "SELECT * FROM checked", "hard")
    hard[CONFLICT] = _one(con, "SELECT count(*) FROM checked_conflict")
    reasons = {**hard, **rejected}
    unkeyed = "record_id IS NULL OR content_hash IS NULL"
    if _one(con, f"SELECT count(*) FROM ({open_rows}) WHERE {unkeyed}"):
        raise AccountingError(
            Text(
                en="a row without record_id or content_hash was about to be accepted",
                zh="存在缺少记录标识或内容摘要的行即将入湖",
            )
        )
    return Counts(
        received=_one(con, "SELECT (SELECT count(*) FROM raw) + (SELECT count(*) FROM raw_reject)")
        if received is None
        else received,
        accepted=_one(con, f"SELECT count(*) FROM ({open_rows})"),
        unchanged=fates.get("unchanged", 0),
        duplicate=fates.get("duplicate", 0),
        quarantined=fates.get("quarantined", 0) + sum(rejected.values()),
        flagged=_one(con, f"SELECT count(*) FROM ({open_rows}) WHERE {_mask_test(con, 'soft')}"),
        reasons=_sorted(reasons),
        soft=_sorted(_marked(con, open_rows, "soft")),
    )


def _marked(con: duckdb.DuckDBPyConnection, rows: str, severity: str | None) -> dict[str, int]:
    """Rows per rule. Few combinations of marks occur, so they are counted first."""
    rules = con.execute(
        "SELECT rule_id, word, bit FROM checked_rules WHERE coalesce(severity = ?, true) "
        "ORDER BY position",
        [severity],
    ).fetchall()
    counts = {rule_id: 0 for rule_id, _, _ in rules}
    words = sorted({word for _, word, _ in rules})
    if not words:
        return counts
    columns = ", ".join(f"_marks_{word}" for word in words)
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE combinations AS SELECT {columns}, count(*) AS n "
        f"FROM ({rows}) WHERE {' OR '.join(f'_marks_{word} <> 0' for word in words)} "
        f"GROUP BY {columns}"
    )
    sums = ", ".join(
        f"coalesce(sum(n) FILTER ((_marks_{word} & {1 << bit}::UBIGINT) <> 0), 0)::BIGINT"
        for _, word, bit in rules
    )
    found = con.execute(f"SELECT {sums} FROM combinations").fetchone() or ()
    con.execute("DROP TABLE combinations")
    return dict(zip(counts, found, strict=True))


def _sorted(counts: dict[str, int]) -> dict[str, int]:
    """Most frequent first, without zeros."""
    present = [(name, count) for name, count in counts.items() if count]
    return dict(sorted(present, key=lambda item: (-item[1], item[0])))


def _one(con: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = con.execute(sql).fetchone()
    return 0 if row is None else int(row[0])
