"""Which partners have had a record: read from the published chain and the lake's own history.

Nothing is kept apart. A partner had a version if it was current and covered when a bundle with its
record type was made; the statements say when, and under which agreement (ADR 0026).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from exchange.agreement.keeping import former_grant
from exchange.agreement.model import Grant
from exchange.bundle.statement import Predicate
from exchange.repository.local import head
from flows.answers import own_streams
from flows.coverage import covered_sql, own_sql
from flows.own_chain import OwnChain, own_tree
from flows.withheld import withheld_of
from hefu.node import Node
from lake.store import Lake
from lake.views import ORDER
from schemas.codes import REMOVED
from schemas.contract import load_contract
from schemas.sql import ident, literal

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True, slots=True)
class Way:
    """One stream to a partner and what was published on it, oldest first."""

    partner: str
    stream: str
    grant: Grant
    """As it holds now."""
    statements: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class Carried:
    """The bundle by which a partner was told."""

    stream: str
    sequence: int
    created: datetime

    @property
    def number(self) -> str:
        return f"{self.stream}/{self.sequence:08d}"


def ways_of(node: Node, now: datetime) -> list[Way]:
    """Every stream of ours that something was published on."""
    tree = own_tree(node)
    found = []
    for stream, (_, grant) in own_streams(node.agency.code, node.agreements(), now).items():
        chain = OwnChain(tree, node.place("sent"), stream)
        statements = tuple(chain.statement(n) for n in range(1, chain.length + 1))
        if statements:
            found.append(Way(grant.to_org, stream, grant, statements))
    return found


def holders(
    con: duckdb.DuckDBPyConnection,
    lake: Lake,
    node: Node,
    ways: Collection[Way],
    record_type: str,
    wanted: dict[str, str | None],
) -> dict[str, tuple[str, ...]]:
    """By record, the partners (codes) that were sent a version which does not say it yet.

    ``wanted``: by record id, the status that is to be told; None: any version counts.
    """
    found: defaultdict[str, set[str]] = defaultdict(set)
    if not wanted:
        return {}
    lake.attach(con, record_type)
    _fill(con, wanted)
    for way in ways:
        for grant, moments in _moments(node, way, record_type):
            for record_id in _had(con, node, record_type, grant, moments):
                found[record_id].add(way.partner)
    return {record_id: tuple(sorted(codes)) for record_id, codes in sorted(found.items())}


def _fill(con: duckdb.DuckDBPyConnection, wanted: dict[str, str | None]) -> None:
    con.execute("CREATE OR REPLACE TEMP TABLE wanted (record_id VARCHAR, status VARCHAR)")
    con.executemany("INSERT INTO wanted VALUES (?, ?)", list(wanted.items()))


def _moments(node: Node, way: Way, record_type: str) -> Iterator[tuple[Grant, list[datetime]]]:
    """When bundles with this record type were made, by what they were made under."""
    by_terms: defaultdict[tuple[str, int, str], list[Predicate]] = defaultdict(list)
    for statement in way.statements:
        if record_type in statement.lake_versions:
            named = statement.agreement
            by_terms[named.id, named.version, named.digest].append(statement)
    for statements in by_terms.values():
        grant = former_grant(
            node.place("sent"), tuple(node.agreements()), statements[0].agreement, way.stream
        )
        if record_type in grant.records:
            yield grant, [s.created_time for s in statements]


def _had(
    con: duckdb.DuckDBPyConnection,
    node: Node,
    record_type: str,
    grant: Grant,
    moments: list[datetime],
) -> list[str]:
    con.execute("CREATE OR REPLACE TEMP TABLE moments (made TIMESTAMPTZ)")
    con.executemany("INSERT INTO moments VALUES (?)", [(m,) for m in moments])
    newest = ", ".join(f"h.{ident(c)} DESC NULLS LAST" for c in ORDER)
    rows = con.execute(
        f"SELECT DISTINCT record_id FROM (SELECT h.*, w.status AS _wanted, m.made AS _made "
        f"FROM {ident(record_type + '_history')} AS h JOIN wanted AS w USING (record_id) "
        f"JOIN moments AS m ON h.received_time <= m.made WHERE {own_sql(node)} "
        f"QUALIFY row_number() OVER (PARTITION BY record_id, m.made ORDER BY {newest}) = 1) "
        f"WHERE ({covered_sql(load_contract(record_type), node, grant)}) "
        f"AND data_status <> {literal(REMOVED)} AND data_status IS DISTINCT FROM _wanted"
    ).fetchall()
    return [str(row[0]) for row in rows]


def carried(
    con: duckdb.DuckDBPyConnection,
    lake: Lake,
    node: Node,
    way: Way,
    record_type: str,
    record_id: str,
    status: str | None,
) -> Carried | None:
    """The bundle that told a partner of a record's new status; None if none did yet.

    ``status`` None: any current version counts. A record that may not be with the partner any
    more was taken back, which tells it as well.
    """
    last = way.statements[-1]
    version = last.lake_versions.get(record_type)
    if version is None or record_id in _withheld(node, way, record_type):
        return None
    lake.attach(con, record_type, at_version=version)
    covered = covered_sql(load_contract(record_type), node, way.grant)
    row = con.execute(
        f"SELECT received_time, data_status, coalesce({covered}, false) "
        f"FROM {ident(record_type + '_current')} "
        f"WHERE record_id = {literal(record_id)} AND {own_sql(node)}"
    ).fetchone()
    if row is None:
        return None
    since, found, is_covered = row
    if is_covered and status is not None and found not in (status, REMOVED):
        return None
    told = (
        s for s in way.statements if s.created_time >= since and s.counts.get(record_type, 0) > 0
    )
    first = next(told, None)
    return None if first is None else Carried(way.stream, first.sequence, first.created_time)


def _withheld(node: Node, way: Way, record_type: str) -> tuple[str, ...]:
    last = head(node.place("repository"), node.place("sent"), way.stream)
    return withheld_of(node.place("sent"), way.stream, last, record_type)
