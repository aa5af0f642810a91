"""Cases for the signs of a crime, and what is found in them."""

from __future__ import annotations

from datetime import date
from typing import Any

import duckdb

from cooperation.transfer.signs import COLUMNS, Sign, signs
from schemas.rulepack import RulePack


def cases(con: duckdb.DuckDBPyConnection, *rows: dict[str, Any]) -> None:
    con.execute(f"CREATE OR REPLACE TABLE cases ({', '.join(COLUMNS)})")
    names = [column.split()[0] for column in COLUMNS]
    empty: dict[str, Any] = dict.fromkeys(names) | {"transferred": False}
    for number, row in enumerate(rows):
        first = {"record_id": f"{number:032x}", "case_no": f"案{number}",
                 "act_date": date(2026, 3, 1), "month_date": date(2026, 3, 31)}  # fmt: skip
        told = empty | first | row
        con.execute(
            f"INSERT INTO cases VALUES ({', '.join('?' * len(names))})", [told[n] for n in names]
        )


def find(*rows: dict[str, Any], packs: tuple[RulePack, ...] | None = None) -> list[Sign]:
    with duckdb.connect() as con:
        cases(con, *rows)
        return signs(con, "cases", "999900", packs)
