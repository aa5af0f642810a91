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

from flows.progress import Step, tell
from quality.check import create_checked, rule_counts, settle
from quality.counts import Counts
from quality.gx import validate
from schemas.contract import Contract, Rule
from schemas.sql import ident, literal, seal

if TYPE_CHECKING:
    import duckdb

    from lake.store import Lake


@dataclass(frozen=True, slots=True)
class Judged:
    """What the rules said. The views ``accepted`` and ``quarantined`` hold the rows."""

    counts: Counts
    newest: datetime | None


def empty_candidates(contract: Contract) -> str:
    """SQL for no candidate at all, in the shape of some."""
    fields = ", ".join(f"NULL::{f.duckdb_type} AS {ident(f.name)}" for f in contract.fields)
    return (
        f"SELECT {fields}, NULL::INTEGER AS _object, NULL::BIGINT AS _row, "
        "NULL::VARCHAR AS _uncast, NULL::BOOLEAN AS _has_clock WHERE false"
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
    mark_candidates(con, candidates, rules, subject, rows)
    confirm(con, contract, rules, subject, rows)


def mark_candidates(
    con: duckdb.DuckDBPyConnection,
    candidates: str,
    rules: Sequence[Rule],
    subject: str,
    rows: int,
) -> None:
    """The first half of :func:`check_candidates`: which row breaks which rule."""
    tell(Step(subject, "check", 0, rows))
    create_checked(con, candidates, rules)


def confirm(
    con: duckdb.DuckDBPyConnection,
    contract: Contract,
    rules: Sequence[Rule],
    subject: str,
    rows: int,
) -> None:
    """The second half: Great Expectations counts as well, and agrees, or nothing is stored.

    A batch of which nothing is stored, because every row of it is known, need not be confirmed.
    """
    validate(con, "checked", contract, rules).agree_with(rule_counts(con))
    tell(Step(subject, "check", rows, rows))


def judge_rows(
    con: duckdb.DuckDBPyConnection,
    lake: Lake,
    record_type: str,
    received: int,
    subject: str,
    org_code: str,
    read_before: Sequence[str] = (),
) -> Judged:
    """Decide each row's fate against what the lake has from the agency ``org_code``.

    ``received`` as the reader counted. ``read_before``: the digests of the objects, if rows of
    them may have been taken in by an earlier run.
    """
    tell(Step(subject, "judge", 0, received))
    lake.attach_known(con, record_type, org_code)
    last_made = "last_made" if read_before else None
    if last_made:
        lake.attach_made_of(con, record_type, read_before, last_made)
    counts = settle(con, received=received, last_made=last_made)
    newest = con.execute("SELECT max(source_updated_time) FROM checked").fetchone()
    return Judged(counts, newest[0] if newest else None)


def fence(con: duckdb.DuckDBPyConnection, *folders: Path) -> None:
    """From here on SQL reaches only these folders: a mapping is written by somebody else."""
    listed = ", ".join(literal(f"{folder}/") for folder in folders)
    con.execute(f"SET allowed_directories = [{listed}]")
    seal(con)
