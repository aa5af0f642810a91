"""What an accumulation counts over: the case index, licences, and who answered as of when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING

from cooperation.accumulation.accumulate import Asked, accumulate
from cooperation.accumulation.law import Base, Kind
from cooperation.accumulation.licences import licences_sql
from cooperation.accumulation.model import Accumulation, Accumulations
from cooperation.accumulation.snapshot import Covered, subject_token
from cooperation.matching.same_act import same_act
from cooperation.matching.settings import load_settings
from flows.accumulation_snapshots import among, newest, own_snapshots
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
    """A count and whose data it was made from. ``names``: of drivers and operators as their latest
    counted record has them, personal data; ``snapshots``: the newest number by subject."""

    accumulations: Accumulations
    coverage: tuple[Covered, ...]
    names: Mapping[tuple[Kind, str], str]
    snapshots: Mapping[tuple[Kind, str], str]


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
        return reckoned(node, view, found)


def reckoned(node: Node, view: CaseView, found: Accumulations) -> Reckoned:
    """A count with what people know its subjects by."""
    key, subjects = subject_key(node), found.all()
    written = {e.token: e.no for e in newest(own_snapshots(view.con, node))}
    tokens = {(a.kind, a.key): subject_token(key, a.kind, a.key) for a in subjects}
    return Reckoned(
        found,
        view.coverage,
        _names(node, view.con, subjects),
        {subject: written[token] for subject, token in tokens.items() if token in written},
    )


_NAMED = {"driver": "driver_name", "transport_enterprise": "vehicle_operator_name"}


def _names(
    node: Node, con: duckdb.DuckDBPyConnection, subjects: Sequence[Accumulation]
) -> dict[tuple[Kind, str], str]:
    """Vehicles are known by their plate, which is their key."""
    last = {(a.kind, a.key): a.cases[-1].record_id for a in subjects if a.cases}
    asked = {subject: record for subject, record in last.items() if subject[0] in _NAMED}
    if not asked:
        return {}
    Lake(node.place("lake")).attach(con, "case_result")
    rows = con.execute(
        f"SELECT record_id, {', '.join(_NAMED.values())} FROM case_result_current "
        f"WHERE record_id IN {among(sorted(set(asked.values())))}"
    ).fetchall()
    said = {row[0]: dict(zip(_NAMED, row[1:], strict=True)) for row in rows}
    found = {s: said.get(record, {}).get(s[0]) for s, record in asked.items()}
    return {subject: name for subject, name in found.items() if name}
