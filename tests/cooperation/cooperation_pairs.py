"""The labelled pairs as a relation with the columns of the case index."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import duckdb

from cooperation.matching.pair import Pair, pairs
from cooperation.matching.same_act import same_act
from cooperation.matching.settings import load_settings

FILE = Path(__file__).with_name("same_act_pairs.csv")
_SQL = """
CREATE OR REPLACE TABLE {side} AS SELECT
    '{side}' || pair AS record_id, {side}_org AS source_org_code, {side}_type AS record_type,
    CASE WHEN {side}_type = 'inspection' THEN {side}_ref ELSE '{side}' || pair END AS no,
    {side}_plate AS vehicle_plate_no, {side}_colour AS vehicle_plate_color,
    {side}_trailer AS trailer_plate_no, {side}_cert AS transport_certificate_no,
    {side}_party AS party_key, {side}_driver AS driver_key,
    CAST({side}_time || '+08' AS TIMESTAMPTZ) AS act_time,
    coalesce(act_time, CAST({side}_decided || ' 00:00:00+08' AS TIMESTAMPTZ)) AS about_time,
    {side}_place AS place, {side}_division AS division, {side}_cause AS cause,
    CAST({side}_weight AS BIGINT) AS total_weight_kg, CAST({side}_axles AS BIGINT) AS axle_count,
    CAST({side}_decided AS DATE) AS decision_date,
    CASE WHEN {side}_type <> 'inspection' AND {side}_ref LIKE '检%' THEN {side}_ref END
        AS inspection_no,
    NULL::VARCHAR AS same_act_group_id,
    CASE WHEN {side}_ref LIKE '公%' THEN {side}_ref || pair END AS police_penalty_decision_no
FROM labelled
"""


@dataclass(frozen=True, slots=True)
class Judged:
    """A labelled pair and what the match said of it: exact, probable or none."""

    number: str
    family: str
    truth: str
    match: str
    pair: Pair | None


def load(con: duckdb.DuckDBPyConnection) -> None:
    """Tables ``labelled``, ``a`` and ``b``."""
    con.execute(
        "CREATE OR REPLACE TABLE labelled AS SELECT * FROM "
        f"read_csv('{FILE}', all_varchar = true, nullstr = '')"
    )
    for side in ("a", "b"):
        con.execute(_SQL.format(side=side))


def judged() -> list[Judged]:
    """Every labelled pair, each compared with its partner and with all others."""
    con = duckdb.connect()
    load(con)
    found = {(p.a[1:], p.b[1:]): p for p in pairs(same_act(con, "a", "b", load_settings()))}
    with FILE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    result = []
    for row in rows:
        pair = found.get((row["pair"], row["pair"]))
        match = pair.match if pair else "none"
        result.append(Judged(row["pair"], row["family"], row["truth"], match, pair))
    return result


def table(all_pairs: list[Judged]) -> dict[tuple[str, str], int]:
    """Pairs by truth and match."""
    return dict(Counter((one.truth, one.match) for one in all_pairs))
