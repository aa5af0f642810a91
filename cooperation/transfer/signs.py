"""Which cases show a sign of a crime, by the dated rows ``criminal_sign`` of the rule packs.

A sign asks a person to look; it opens nothing and decides nothing. Of rows of one name that hold
where and when the act was done, that of the most specific pack counts: a province that has a
number puts it in the place of the national row without one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from schemas.rule_entries import CriminalSign
from schemas.rulepack import RulePack, packs_of

if TYPE_CHECKING:
    import duckdb

#: What a relation of cases has, one row each. ``month_date``: the day by which a case is counted;
#: ``act_date``: whose law applies. Figures are in the contract's units.
COLUMNS = (
    "record_id VARCHAR", "case_no VARCHAR", "cause VARCHAR", "act_date DATE", "month_date DATE",
    "transferred BOOLEAN", "overlimit_rate DECIMAL(18,4)", "overlimit_weight_kg BIGINT",
    "total_weight_kg BIGINT", "fine_amount_cny DECIMAL(18,2)",
    "confiscated_amount_cny DECIMAL(18,2)",
)  # fmt: skip
_FIGURES = tuple(
    column.split()[0] for column in COLUMNS if column.endswith(")") or "BIGINT" in column
)


@dataclass(frozen=True, slots=True)
class Sign:
    """A case and one sign of a crime that it shows. ``figure``: what was over ``entry.over``.

    ``transferred``: the case itself says that it ended with a transfer to justice.
    """

    record_id: str
    case_no: str
    month_date: date | None
    cause: str
    entry: CriminalSign
    version: str
    figure: Decimal | None
    transferred: bool


def signs(
    con: duckdb.DuckDBPyConnection,
    cases: str,
    division: str,
    packs: Iterable[RulePack] | None = None,
) -> list[Sign]:
    """The signs of all cases, in order of month and case.

    Args:
        cases: a relation of :data:`COLUMNS`.
        division: of the agency, whose law applies.
    """
    rows = [
        (rank, at, cause, entry, pack.version)
        for rank, pack in enumerate(packs_of(division, packs))
        for at, entry in enumerate(pack.entries(CriminalSign))
        if entry.withdrawn is None
        for cause in entry.causes
    ]
    if not rows:
        return []
    con.execute(
        "CREATE OR REPLACE TEMP TABLE _signs (rank INTEGER, nth INTEGER, cause VARCHAR, "
        "name VARCHAR, valid_from DATE, valid_to DATE, field VARCHAR, over DECIMAL(18,4))"
    )
    con.executemany(
        "INSERT INTO _signs VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (rank, at, cause, e.name, e.valid_from, e.valid_to, e.field, e.over)
            for rank, at, cause, e, _ in rows
        ],
    )
    known = {(rank, at): (entry, version) for rank, at, _, entry, version in rows}
    found = con.execute(_sql(cases)).fetchall()
    return [
        Sign(
            record_id=row[0],
            case_no=row[1],
            month_date=row[2],
            cause=row[3],
            entry=known[row[4], row[5]][0],
            version=known[row[4], row[5]][1],
            figure=row[6],
            transferred=bool(row[7]),
        )
        for row in found
    ]


def _sql(cases: str) -> str:
    figure = " ".join(f"WHEN '{name}' THEN c.{name}" for name in _FIGURES)
    return f"""
        WITH asked AS (
            SELECT c.*, s.rank, s.nth, s.name, s.field, s.over,
                CAST(CASE s.field {figure} END AS DECIMAL(18,4)) AS figure
            FROM {cases} c JOIN _signs s ON s.cause = c.cause
                AND c.act_date >= s.valid_from
                AND (s.valid_to IS NULL OR c.act_date < s.valid_to)
            QUALIFY row_number() OVER (PARTITION BY c.record_id, s.name ORDER BY s.rank, s.nth) = 1
        )
        SELECT record_id, case_no, month_date, cause, rank, nth, figure, transferred FROM asked
        WHERE field IS NULL OR figure > over
        ORDER BY month_date NULLS LAST, case_no, record_id, name
    """
