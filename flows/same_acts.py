"""Own records and partners' that are of one act, as the matching engine finds them."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from cooperation.recognition.matches import Pair, sides_sql, two_sides
from cooperation.recognition.sides import Match
from schemas.sql import ident

if TYPE_CHECKING:
    import duckdb


def same_act_pairs(con: duckdb.DuckDBPyConnection, own: str, others: str) -> Iterator[Pair]:
    rows = con.execute(
        f"SELECT {sides_sql()} FROM {ident(own)} a JOIN {ident(others)} b USING (vehicle_key) "
        "WHERE abs(epoch(a.act_time) - epoch(b.act_time)) < 7200"
    ).fetchall()
    for row in rows:
        a, b = two_sides(row)
        yield Pair(a, b, Match("exact", Decimal(1), ("same_vehicle",), same_act=True))
