"""Each row has one fate, by the rules it breaks, its twins and what the lake knows."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest
from quality_samples import RULES, candidate_sql, good, rule

from quality.check import CONFLICT, create_checked, rule_counts, settle
from quality.counts import Counts
from schemas.errors import AccountingError, ConfigError, DataError

NONE = {"duplicate": 0, "unchanged": 0, "quarantined": 0}


def run(con: duckdb.DuckDBPyConnection, sql: str) -> Counts:
    create_checked(con, sql, RULES)
    return settle(con)


def learn(con: duckdb.DuckDBPyConnection) -> None:
    """The lake takes the accepted rows in."""
    con.execute(
        "CREATE TABLE IF NOT EXISTS lake (record_id VARCHAR, content_hash VARCHAR, "
        "source_updated_time TIMESTAMPTZ, received_time TIMESTAMPTZ)"
    )
    con.execute(
        "INSERT INTO lake SELECT record_id, content_hash, source_updated_time, received_time "
        "FROM accepted"
    )
    con.execute("DROP TABLE IF EXISTS known")
    con.execute("CREATE TABLE known AS FROM lake")


def test_good_rows_beside_bad_ones_go_through(con: Any, load: Any) -> None:
    bad = ("b", "2026-10-01", None, "green", "-1", "2026-02-30")
    counts = run(con, load([good("a"), bad, good("c")], rejects=2))
    assert (counts.received, counts.accepted, counts.quarantined) == (5, 2, 3)
    assert counts.reasons == {
        "read:columns": 2,
        "code:colour": 1,
        "range:fine_amount_cny": 1,
        "required:party_name": 1,
        "type:decision_date": 1,
    }


def test_a_refused_row_keeps_all_reasons_and_its_raw_text(con: Any, load: Any) -> None:
    bad = ("b", "2026-10-01", None, "green", "-1", "2026-02-30")
    run(con, load([good("a"), bad], rejects=1))
    rows = con.execute(
        "SELECT _row, source_record_id, reasons, uncast, raw, raw_text, detail "
        "FROM quarantined ORDER BY _row"
    ).fetchall()
    assert rows == [
        (
            2,
            "b",
            [
                "required:party_name",
                "code:colour",
                "range:fine_amount_cny",
                "type:decision_date",
            ],
            '{"decision_date":"2026-02-30"}',
            '{"colour":"green","date":"2026-02-30","day":"2026-10-01","fine":"-1","key":"b",'
            '"name":null}',
            None,
            None,
        ),
        (3, None, ["read:columns"], None, None, "a;b", "5 of 6"),
    ]


def test_soft_rules_flag_and_let_through(con: Any, load: Any) -> None:
    counts = run(con, load([good("a"), ("b", "2026-10-01", "50%", "blue", "3", None)]))
    assert (counts.accepted, counts.flagged) == (2, 1)
    assert counts.soft == {"pattern:party_name": 1, "thing.round_fine": 1}
    flags = con.execute("SELECT _flags FROM accepted ORDER BY _row").fetchall()
    assert flags == [([],), (["pattern:party_name", "thing.round_fine"],)]


def test_accepted_has_the_fields_of_the_contract_and_where_the_row_came_from(
    con: Any, load: Any
) -> None:
    run(con, load([good("a")]))
    names = [row[0] for row in con.execute("DESCRIBE accepted").fetchall()]
    assert names[-3:] == ["_object", "_row", "_flags"]
    assert not {"_uncast", "_has_clock", "_marks_0"} & set(names)


def test_one_of_identical_rows_stays(con: Any, load: Any) -> None:
    counts = run(con, load([good("a"), good("b"), good("a"), good("a")]))
    assert (counts.accepted, counts.duplicate) == (2, 2)
    assert con.execute("SELECT _row FROM accepted ORDER BY _row").fetchall() == [(1,), (2,)]


def test_two_contents_of_one_identity_at_one_moment_are_refused_both(con: Any, load: Any) -> None:
    rows = [good("a", name="jia"), good("b"), good("a", name="yi")]
    counts = run(con, load(rows))
    assert (counts.accepted, counts.quarantined) == (1, 2)
    assert counts.reasons == {CONFLICT: 2}
    assert con.execute("SELECT DISTINCT reasons FROM quarantined").fetchall() == [([CONFLICT],)]


def test_two_contents_at_two_moments_are_two_versions(con: Any, load: Any) -> None:
    rows = [good("a", "2026-10-01", "jia"), good("a", "2026-10-02", "yi")]
    assert run(con, load(rows)).accepted == 2


def test_without_a_clock_two_contents_fetched_at_once_are_in_conflict(con: Any, load: Any) -> None:
    rows = [good("a", "2026-10-01", "jia"), good("a", "2026-10-02", "yi")]
    assert run(con, load(rows, clock=False)).reasons == {CONFLICT: 2}


def test_a_row_that_the_lake_has_is_unchanged(con: Any, load: Any) -> None:
    run(con, load([good("a"), good("b")]))
    learn(con)
    counts = run(con, load([good("b"), good("b"), good("c"), good("a")]))
    assert (counts.accepted, counts.unchanged, counts.duplicate) == (1, 2, 1)


def test_an_older_version_that_comes_late_is_accepted(con: Any, load: Any) -> None:
    run(con, load([good("a", "2026-10-02", "yi")]))
    learn(con)
    assert run(con, load([good("a", "2026-10-01", "jia")])).accepted == 1


def without_clock(con: Any, load: Any, *fetched: tuple[str, int]) -> Counts:
    """One batch of a source without clock: contents of record a, each fetched on its day."""
    load([good("a", f"2026-10-{day:02}", name) for name, day in fetched])
    candidates = candidate_sql(clock=False, fetched="day::TIMESTAMPTZ")
    counts = run(con, candidates)
    learn(con)
    return counts


def current(con: Any) -> str:
    found = con.execute(
        "SELECT content_hash FROM known ORDER BY source_updated_time DESC, received_time DESC"
    ).fetchone()
    names = {hash_of(con, name): name for name in ("jia", "yi", "bing")}
    return names[found[0]]


def hash_of(con: Any, name: str) -> str:
    sql = "SELECT sha256(to_json([?, 'blue', '200', '2026-09-30'])::VARCHAR)"
    return str(con.execute(sql, [name]).fetchone()[0])


def test_a_source_without_clock_may_return_to_an_earlier_content(con: Any, load: Any) -> None:
    fates = [
        without_clock(con, load, fetched)
        for fetched in [("jia", 1), ("jia", 2), ("yi", 3), ("jia", 4), ("jia", 5)]
    ]
    assert [counts.accepted for counts in fates] == [1, 0, 1, 1, 0]
    assert [counts.unchanged for counts in fates] == [0, 1, 0, 0, 1]
    assert current(con) == "jia"


def test_days_of_a_source_without_clock_may_come_in_one_batch(con: Any, load: Any) -> None:
    days = [("jia", 1), ("jia", 2), ("yi", 3), ("jia", 4)]
    counts = without_clock(con, load, *days)
    assert (counts.accepted, counts.duplicate, counts.unchanged) == (3, 1, 0)
    assert current(con) == "jia"
    again = without_clock(con, load, *days, ("jia", 5), ("yi", 6), ("jia", 7))
    assert (again.accepted, again.duplicate, again.unchanged) == (2, 2, 3)
    assert current(con) == "jia"


def test_reading_an_old_landing_again_does_not_bring_back_its_content(con: Any, load: Any) -> None:
    for fetched in [("jia", 1), ("yi", 3)]:
        without_clock(con, load, fetched)
    assert without_clock(con, load, ("jia", 1)).unchanged == 1
    # but a landing that was missed is not lost
    assert without_clock(con, load, ("bing", 2)).accepted == 1
    assert current(con) == "yi"


def test_columns_that_are_one_literal_are_not_stored_and_still_checked(con: Any, load: Any) -> None:
    candidates = load([good("a"), good("b")]).replace("name AS party_name", "NULL AS party_name")
    counts = run(con, candidates)
    assert counts.reasons == {"required:party_name": 2}
    stored = [row[0] for row in con.execute("DESCRIBE checked_rows").fetchall()]
    assert "party_name" not in stored
    shown = [row[0] for row in con.execute("DESCRIBE checked").fetchall()]
    given = [row[0] for row in con.execute(f"DESCRIBE {candidates}").fetchall()]
    assert shown[: len(given)] == given


def test_an_empty_batch_balances(con: Any, load: Any) -> None:
    assert run(con, load([])) == Counts(0, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("{} WHERE key <> 'b'", "1 rows dropped"),
        ("SELECT * FROM ({}), range(2)", "2 repeated"),
        ("SELECT * REPLACE (_row + 7 AS _row) FROM ({})", "2 without a source row"),
    ],
)
def test_a_mapping_that_drops_or_multiplies_rows_is_named(
    con: Any, load: Any, sql: str, said: str
) -> None:
    candidates = load([good("a"), good("b")])
    if "range" in sql:
        candidates = f"SELECT c.* FROM ({candidates}) c, range(2)"
    else:
        candidates = sql.format(candidates)
    create_checked(con, candidates, RULES)
    with pytest.raises(DataError, match=said):
        settle(con)


def test_a_reader_that_counted_otherwise_fails_the_run(con: Any, load: Any) -> None:
    create_checked(con, load([good("a")]), RULES)
    with pytest.raises(AccountingError, match="do not balance"):
        settle(con, received=2)


def test_more_rules_than_one_word_of_marks_holds(con: Any, load: Any) -> None:
    many = [rule(f"r{i}", "sql", ["party_name"], f"length(party_name) > {i}") for i in range(150)]
    create_checked(con, load([good("a", name="x" * 130)]), many)
    assert settle(con).quarantined == 1
    counts = rule_counts(con)
    assert [name for name, count in counts.items() if count] == [f"r{i}" for i in range(130)]
    assert con.execute("SELECT len(reasons) FROM quarantined").fetchall() == [(130,)]


def test_a_rule_that_does_not_run_is_named(con: Any, load: Any) -> None:
    broken = rule("thing.broken", "sql", ["party_name"], "no_such_column > 1")
    with pytest.raises(ConfigError, match=r"thing\.broken"):
        create_checked(con, load([good("a")]), [*RULES, broken])


@pytest.mark.parametrize(
    "counts",
    [
        Counts(3, 1, 1, 0, 0),
        Counts(1, 2, -1, 0, 0),
        Counts(1, 1, 0, 0, 0, flagged=2),
        Counts(1, 0, 0, 0, 1),
        Counts(1, 0, 0, 0, 1, reasons={"a": 2}),
    ],
)
def test_counts_that_cannot_be_true_are_refused(counts: Counts) -> None:
    with pytest.raises(AccountingError):
        counts.check()
