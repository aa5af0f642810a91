"""Same act as SQL: find pairs that could be one act, weigh what speaks for and against each.

Blocking first, so that cost follows candidates and not all pairs: only rows near in time that share
a plate, a trailer, a certificate, a person, an inspection's number or (for misread plates) county
and hour are compared at all.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from cooperation.matching.evidence import characters_off_sql, evidence_sql
from cooperation.matching.settings import Settings
from schemas.sql import ident, literal

if TYPE_CHECKING:
    import duckdb

#: Columns of ``cases`` that are looked at.
_COLUMNS = (
    "record_id", "source_org_code", "record_type", "no", "vehicle_plate_no", "vehicle_plate_color",
    "trailer_plate_no", "transport_certificate_no", "party_key", "driver_key", "act_time",
    "about_time", "place", "division", "cause", "total_weight_kg", "axle_count", "decision_date",
    "inspection_no", "same_act_group_id", "police_penalty_decision_no",
)  # fmt: skip
#: Two rows with an equal one of these may be one act; the time is asked afterwards.
#: True: many vehicles may share it.
_SHARED = {
    "vehicle_plate_no": False,
    "trailer_plate_no": False,
    "transport_certificate_no": False,
    "party_key": True,
    "driver_key": False,
}


def same_act(
    con: duckdb.DuckDBPyConnection, a: str, b: str, settings: Settings
) -> duckdb.DuckDBPyRelation:
    """Pairs (a, a_org, b, b_org, match, score, evidence) of records that tell of one act.

    ``a`` and ``b`` name relations on ``con`` with the columns of the view ``cases``; they may be
    the same one, then each pair comes in both orders. A record is never a pair with itself. What
    ``a`` holds is read once, ``b`` only in the days around it. The pairs stay in a
    temporary table of their own as long as the connection.
    """
    _take(con, a, settings)
    span = con.execute("SELECT min(about_time), max(about_time) FROM _same_act_a").fetchone()
    if span is None or span[0] is None:
        con.execute(f"CREATE OR REPLACE TEMP TABLE _same_act_b AS {_side(b, settings)} WHERE false")
    else:
        _take_near(con, b, settings)
    result = f"_same_act_{secrets.token_hex(8)}"
    con.execute(f"CREATE TEMP TABLE {result} AS {_weighed_sql(settings)}")
    con.execute("DROP TABLE _same_act_a")
    con.execute("DROP TABLE _same_act_b")
    return con.table(result)


def _take(con: duckdb.DuckDBPyConnection, relation: str, settings: Settings) -> None:
    con.execute(f"CREATE OR REPLACE TEMP TABLE _same_act_a AS {_side(relation, settings)}")


def _take_near(con: duckdb.DuckDBPyConnection, relation: str, settings: Settings) -> None:
    """The rows of ``relation`` that share something with a row of ``a`` and lie near in time.

    The bounds go in as constants: only they let whole row groups of a file be passed over.
    """
    widest = settings.widest_minutes()
    bounds = con.execute(
        f"SELECT CAST(min(about_time) - to_minutes({widest}) AS VARCHAR), "
        f"CAST(max(about_time) + to_minutes({widest}) AS VARCHAR) FROM _same_act_a"
    ).fetchone()
    assert bounds is not None  # noqa: S101 (an aggregate always gives a row)
    alike = " OR ".join(
        f"{name} IN (SELECT {name} FROM _same_act_a WHERE {name} IS NOT NULL)" for name in _SHARED
    )
    hours = (
        "SELECT unnest([_block - 1, _block, _block + 1]) AS _block, division FROM _same_act_a "
        "WHERE division IS NOT NULL AND _block IS NOT NULL"
    )
    numbers = (
        "SELECT inspection_no FROM _same_act_a UNION SELECT no FROM _same_act_a "
        "WHERE record_type = 'inspection'"
    )
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE _same_act_b AS SELECT * FROM ({_side(relation, settings)}) "
        f"WHERE about_time BETWEEN {literal(bounds[0])}::TIMESTAMPTZ "
        f"AND {literal(bounds[1])}::TIMESTAMPTZ AND ({alike} "
        f"OR (division, _block) IN (SELECT (division, _block) FROM ({hours})) "
        f"OR no IN ({numbers}) OR inspection_no IN ({numbers}))"
    )


def _side(relation: str, settings: Settings) -> str:
    """The columns that are weighed, with what is computed from one row alone."""
    minutes = settings.limits.misread_minutes
    return (
        f"SELECT {', '.join(_COLUMNS)}, "
        "epoch(about_time) / 60 AS _minute, "
        # 00:00:00 in Beijing is what a source gives that keeps a date and no time of day.
        "act_time IS NOT NULL AND (epoch(act_time) + 28800) % 86400 = 0 AS _is_date, "
        "CAST(floor((epoch(about_time) + 28800) / 86400) AS BIGINT) AS _day, "
        f"CAST(CASE WHEN act_time IS NOT NULL THEN floor(epoch(act_time) / 60 / {minutes}) END "
        "AS BIGINT) AS _block, "
        "nullif(cause, 'unmapped') AS _cause, "
        r"regexp_replace(place, '[\s()（）,，、。.\-—]', '', 'g') AS _place "
        f"FROM {ident(relation)}"
    )


def _weighed_sql(settings: Settings) -> str:
    at_most = [n for n, worth in settings.evidence.items() if worth.at_most_probable]
    points = ", ".join(
        f"{literal(name)}: {worth.points}" for name, worth in settings.evidence.items()
    )
    listed = ", ".join(map(literal, at_most))
    return (
        f"WITH candidate AS ({_candidates_sql(settings)}), "
        f"told AS ({evidence_sql(settings)}), "
        "counted AS (SELECT *, list_transform(evidence, lambda e: split_part(e, ':', 1)) AS codes "
        "FROM told), "
        f"scored AS (SELECT *, CAST(list_sum(list_transform(codes, lambda c: MAP {{{points}}}[c])) "
        f"AS INTEGER) AS score, list_has_any(codes, [{listed}]) AS capped FROM counted) "
        "SELECT a, a_org, b, b_org, "
        f"CASE WHEN score >= {settings.exact_points} AND NOT capped THEN 'exact' "
        "ELSE 'probable' END AS match, score, evidence "
        f"FROM scored WHERE score >= {settings.probable_points} ORDER BY score DESC, a, b"
    )


def _candidates_sql(settings: Settings) -> str:
    """Pairs that share a block, each once; columns of ``a`` and ``b`` as structs."""
    widest = settings.widest_minutes()
    near = settings.limits.misread_minutes
    joined = "SELECT a, b FROM _same_act_a AS a JOIN _same_act_b AS b ON"
    blocks = [
        f"{joined} a.{name} = b.{name} AND abs(a._minute - b._minute) <= {widest}"
        # A large firm has many trucks out: its name is a clue only where a plate is missing.
        + (" AND coalesce(a.vehicle_plate_no = b.vehicle_plate_no, true)" if is_firm else "")
        for name, is_firm in _SHARED.items()
    ]
    blocks.append(
        f"SELECT a, b FROM (SELECT a, unnest([_block - 1, _block, _block + 1]) AS _near "
        "FROM _same_act_a AS a) JOIN _same_act_b AS b ON a.division = b.division "
        f"AND _near = b._block WHERE abs(a._minute - b._minute) <= {near} "
        f"AND coalesce({characters_off_sql()} <= 1, true)"
    )
    for one, other in (("a", "b"), ("b", "a")):
        blocks.append(
            "SELECT a, b FROM _same_act_a AS a JOIN _same_act_b AS b "
            f"ON {one}.inspection_no = {other}.no AND {other}.record_type = 'inspection' "
            f"AND {one}.record_type <> 'inspection' AND a.source_org_code = b.source_org_code"
        )
    union = " UNION ALL ".join(blocks)
    return (
        f"SELECT any_value(a) AS a, any_value(b) AS b FROM ({union}) "
        "WHERE NOT (a.record_id = b.record_id AND a.source_org_code = b.source_org_code) "
        "GROUP BY a.record_id, a.source_org_code, b.record_id, b.source_org_code"
    )
