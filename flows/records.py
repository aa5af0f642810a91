"""Rows on their way into the lake, whichever way they came: a source, a bundle, an act of ours.

One path for all of them: candidate → rules → Great Expectations → fates. What differs is only
how the table ``raw`` was filled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.mapping import Mapping, Origin, candidate_sql

from flows.progress import Step, tell
from quality.check import create_checked, rule_counts, settle
from quality.counts import Counts
from quality.gx import validate
from schemas.contract import Contract, Rule
from schemas.sql import literal, seal

if TYPE_CHECKING:
    import duckdb

    from lake.store import Lake


@dataclass(frozen=True, slots=True)
class Judged:
    """What the rules said. The views ``accepted`` and ``quarantined`` hold the rows."""

    counts: Counts
    newest: datetime | None


@dataclass(frozen=True, slots=True)
class Batch:
    """``raw`` and ``raw_reject`` are filled; this says what they are."""

    subject: str
    contract: Contract
    mapping: Mapping
    origin: Origin
    received: int


def check_rows(con: duckdb.DuckDBPyConnection, batch: Batch) -> None:
    """Map ``raw`` to candidates and check them; see :func:`check_candidates`."""
    check_candidates(
        con,
        candidate_sql(con, batch.mapping, batch.contract, batch.origin),
        batch.contract,
        batch.contract.rules(),
        batch.subject,
        batch.received,
    )


def check_candidates(
    con: duckdb.DuckDBPyConnection,
    candidates: str,
    contract: Contract,
    rules: Sequence[Rule],
    subject: str,
    rows: int,
) -> None:
    """Make the table ``checked`` and have Great Expectations count what it holds.

    ``candidates`` is SQL for the rows. Raises ``AccountingError`` when its counts and ours
    differ.
    """
    tell(Step(subject, "check", 0, rows))
    create_checked(con, candidates, rules)
    validate(con, "checked", contract, rules).agree_with(rule_counts(con))
    tell(Step(subject, "check", rows, rows))


def judge_rows(
    con: duckdb.DuckDBPyConnection, lake: Lake, record_type: str, received: int, subject: str
) -> Judged:
    """Decide each row's fate against what the lake has; ``received`` as the reader counted."""
    tell(Step(subject, "judge", 0, received))
    lake.attach_known(con, record_type)
    counts = settle(con, received=received)
    newest = con.execute("SELECT max(source_updated_time) FROM checked").fetchone()
    return Judged(counts, newest[0] if newest else None)


def fence(con: duckdb.DuckDBPyConnection, *folders: Path) -> None:
    """From here on SQL reaches only these folders: a mapping is written by somebody else."""
    listed = ", ".join(literal(f"{folder}/") for folder in folders)
    con.execute(f"SET allowed_directories = [{listed}]")
    seal(con)
