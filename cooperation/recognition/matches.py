"""Which records of other agencies have a subject in common with own ones, as SQL on DuckDB.

By equal keys only (hash joins), so the cost follows the candidates and not the product of the two
sides. Who is who was settled before, in the keys of the view ``cases`` (docs/interfaces.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from cooperation.matching.same_act import same_act
from cooperation.matching.settings import load_settings
from cooperation.recognition.propose import SUBJECT_SCORE
from cooperation.recognition.sides import COLUMNS, EXEMPTED, GONE, Match, Side
from schemas.sql import ident, literal

if TYPE_CHECKING:
    import duckdb

#: Column of ``cases`` -> what two records share if it is equal.
SHARED = {
    "vehicle_key": "vehicle",
    "party_key": "party",
    "driver_key": "driver",
    "operator_key": "operator",
}


@dataclass(frozen=True, slots=True)
class Pair:
    """An own record and one of another agency that matched."""

    own: Side
    original: Side
    match: Match


def same_act_pairs(con: duckdb.DuckDBPyConnection, own: str, others: str) -> Iterator[Pair]:
    """Own records and results of others that are, or may be, of one act (cooperation/matching)."""
    results = f"{others}_results"
    con.execute(
        f"CREATE OR REPLACE TEMP VIEW {ident(results)} AS "
        f"SELECT * FROM {ident(others)} WHERE record_type = 'case_result'"
    )
    found = same_act(con, own, results, load_settings())
    con.register("recognition_same_act", found.to_arrow_table())
    rows = con.execute(
        f"SELECT {sides_sql()}, f.match, f.score, f.evidence FROM recognition_same_act f "
        f"JOIN {ident(own)} a ON a.record_id = f.a AND a.source_org_code = f.a_org "
        f"JOIN {ident(results)} b ON b.record_id = f.b AND b.source_org_code = f.b_org "
        "ORDER BY f.score DESC, f.a, f.b"
    ).fetchall()
    con.unregister("recognition_same_act")
    for row in rows:
        a, b = two_sides(row)
        level, points, evidence = row[-3:]
        score = min(Decimal(int(points)) / _WHOLE, Decimal(1))
        yield Pair(a, b, Match(level, score, tuple(evidence), same_act=True))


#: So many points of cooperation/matching are a match without any doubt.
_WHOLE = 100


def subject_pairs(
    con: duckdb.DuckDBPyConnection, own: str, others: str, before: timedelta
) -> Iterator[Pair]:
    """Own records and others of the same vehicle, party, driver or company, the other's at most
    ``before`` earlier (or later: an inspection that is planned has no time yet).

    ``own`` and ``others`` are relations with the columns of ``cases``. Records that are gone are
    in neither.
    """
    joins = " UNION ALL ".join(
        f"SELECT a.record_id AS a_id, b.source_org_code AS b_org, b.record_id AS b_id, "
        f"{literal(shared)} AS shared FROM {ident(own)} a JOIN {ident(others)} b "
        f"ON a.{column} = b.{column} WHERE {_in_time('a', 'b', before)}"
        for column, shared in SHARED.items()
    )
    yield from _pairs(
        con,
        f"WITH hits AS ({joins}), found AS (SELECT a_id, b_org, b_id, "
        "list(DISTINCT shared ORDER BY shared) AS shared FROM hits GROUP BY ALL) "
        f"SELECT {sides_sql()}, f.shared FROM found f "
        f"JOIN {ident(own)} a ON a.record_id = f.a_id "
        f"JOIN {ident(others)} b ON b.source_org_code = f.b_org AND b.record_id = f.b_id "
        "ORDER BY f.a_id, f.b_org, f.b_id",
    )


def _in_time(a: str, b: str, before: timedelta) -> str:
    span = f"INTERVAL {int(before.total_seconds())} SECOND"
    gone = ", ".join(literal(status) for status in GONE)
    return (
        f"({a}.act_time IS NULL OR {b}.act_time BETWEEN {a}.act_time - {span} AND {a}.act_time) "
        f"AND {a}.data_status NOT IN ({gone}) AND {b}.data_status NOT IN ({gone})"
    )


def sides_sql() -> str:
    """The columns of a :class:`Side` of relation ``a``, then those of ``b``; see
    :func:`two_sides`."""
    a = ", ".join(f"a.{ident(name)}" for name in COLUMNS)
    b = ", ".join(f"b.{ident(name)}" for name in COLUMNS)
    return f"{a}, {b}"


def _pairs(con: duckdb.DuckDBPyConnection, sql: str) -> Iterator[Pair]:
    for row in con.execute(sql).fetchall():
        own, original = two_sides(row)
        shared = tuple(row[-1])
        evidence = tuple(f"same_{name}" for name in shared)
        match = Match("exact", SUBJECT_SCORE, evidence, same_act=False, shared=frozenset(shared))
        yield Pair(own, original, match)


def two_sides(row: tuple[Any, ...]) -> tuple[Side, Side]:
    """The two records that a row of :func:`sides_sql` holds."""
    width = len(COLUMNS)
    own = Side.of(dict(zip(COLUMNS, row[:width], strict=True)))
    return own, Side.of(dict(zip(COLUMNS, row[width : 2 * width], strict=True)))


def exemption_pairs(
    con: duckdb.DuckDBPyConnection, cases: str, before: timedelta
) -> list[tuple[Side, Side]]:
    """A party's exemption and its later record, one of the two being our own; the newest first."""
    let_off = ", ".join(literal(kind) for kind in EXEMPTED)
    rows = con.execute(
        f"SELECT {sides_sql()} FROM {ident(cases)} a JOIN {ident(cases)} b USING (party_key) "
        f"WHERE a.decision_type IN ({let_off}) AND (a.is_own OR b.is_own) "
        "AND b.record_type IN ('case_result', 'lead') AND b.act_time > a.act_time "
        f"AND b.act_time <= a.act_time + INTERVAL {int(before.total_seconds())} SECOND "
        "ORDER BY b.act_time DESC, a.record_id, b.record_id"
    ).fetchall()
    return [two_sides(row) for row in rows]
