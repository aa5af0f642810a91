"""What an accumulation counts over: the case index, licences, and who answered as of when."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING

from cooperation.accumulation.accumulate import Asked, accumulate
from cooperation.accumulation.law import Base
from cooperation.accumulation.licences import licences_sql
from cooperation.accumulation.model import Accumulations
from cooperation.accumulation.snapshot import Covered
from cooperation.matching.same_act import same_act
from cooperation.matching.settings import load_settings
from flows.case_index import attach_cases
from flows.subject_key import subject_key
from flows.workspace import workspace
from hefu.node import Node
from lake.store import Lake
from schemas.identities.tokens import set_token_key
from schemas.sql import ident

if TYPE_CHECKING:
    import duckdb

CASES = "cases"
LICENCES = "licences"


@dataclass(frozen=True, slots=True)
class CaseView:
    """A connection with the relations :data:`CASES` and :data:`LICENCES`. ``coverage``: this agency
    first, whose own records are as of now."""

    con: duckdb.DuckDBPyConnection
    coverage: tuple[Covered, ...]


@dataclass(frozen=True, slots=True)
class Reckoned:
    """A count and whose data it was made from."""

    accumulations: Accumulations
    coverage: tuple[Covered, ...]


@contextmanager
def case_view(node: Node, now: datetime) -> Iterator[CaseView]:
    """The cases and licences that the node knows at this moment."""
    with workspace(node) as (con, _):
        index = attach_cases(con, node)
        Lake(node.place("lake")).attach(con, "licence")
        set_token_key(con, subject_key(node))
        con.execute(f"CREATE TEMP TABLE {LICENCES} AS {licences_sql('licence_current')}")
        others = tuple(Covered(c.org, c.as_of, c.records) for c in index.coverage)
        counted = con.execute(f"SELECT count(*) FROM {CASES} WHERE is_own").fetchone()
        own = Covered(node.agency.code, now, counted[0] if counted else 0)
        yield CaseView(con, (own, *(c for c in others if c.org != own.org)))


def exact_pairs(con: duckdb.DuckDBPyConnection, rows: str) -> list[tuple[str, str]]:
    """Records of two agencies among ``rows`` that are surely one act (cooperation/matching)."""
    table = "accumulation_matched"
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT * FROM {CASES} "
        f"SEMI JOIN {ident(rows)} USING (record_id, source_org_code) "
        "WHERE record_type = 'case_result'"
    )
    found = same_act(con, table, table, load_settings())
    return found.filter("match = 'exact' AND a_org < b_org").project("a, b").fetchall()


def reckon(
    node: Node, as_of: date, now: datetime, base: Base | None = None, asked: Asked | None = None
) -> Reckoned:
    """Who exceeds the limits on a day, by all that the node knows now."""
    question = replace(asked or Asked(), licences=LICENCES, same_act=exact_pairs)
    with case_view(node, now) as view:
        found = accumulate(
            view.con, CASES, node.rule_packs(), node.agency.division_code, as_of, base, question
        )
        return Reckoned(found, view.coverage)
