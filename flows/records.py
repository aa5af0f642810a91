"""Rows on their way into the lake, whichever way they came: a source, a bundle, an act of ours.

One path for all of them: candidate → rules → Great Expectations → fates. What differs is only
how the table ``raw`` was filled.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.contract import Contract
from schemas.mapping import Mapping, Origin, candidate_sql

from flows.progress import Step, tell
from quality.check import create_checked, rule_counts, settle
from quality.counts import Counts
from quality.gx import validate
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
    """Make the table ``checked`` and have Great Expectations count what it holds.

    Raises ``AccountingError`` when its counts and ours differ.
    """
    rules = batch.contract.rules()
    tell(Step(batch.subject, "check", 0, batch.received))
    create_checked(con, candidate_sql(con, batch.mapping, batch.contract, batch.origin), rules)
    verdict = validate(con, "checked", batch.contract, rules)
    verdict.agree_with(rule_counts(con))
    tell(Step(batch.subject, "check", batch.received, batch.received))


def judge_rows(con: duckdb.DuckDBPyConnection, lake: Lake, batch: Batch) -> Judged:
    """Decide each row's fate against what the lake has."""
    tell(Step(batch.subject, "judge", 0, batch.received))
    lake.attach_known(con, batch.contract.record_type)
    counts = settle(con, received=batch.received)
    newest = con.execute("SELECT max(source_updated_time) FROM checked").fetchone()
    return Judged(counts, newest[0] if newest else None)


def fence(con: duckdb.DuckDBPyConnection, *folders: Path) -> None:
    """From here on SQL reaches only these folders: a mapping is written by somebody else."""
    listed = ", ".join(literal(f"{folder}/") for folder in folders)
    con.execute(f"SET allowed_directories = [{listed}]")
    seal(con)
