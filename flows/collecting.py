"""What is new for a grant: rows of the lake that may go and have not gone, in a table each.

What the partner has been told follows from the published chain and the lake: the last statement
names the lake's versions and the agreement that it was made under, so the records that were
current then and covered then are what holds at the partner. The next bundle is the difference
between that and what is current and covered now. A record that is not covered any more is taken
back: its last shared version goes once more, as removed (ADR 0026).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from exchange.agreement.keeping import former_grant
from exchange.agreement.model import Agreement, Grant
from exchange.agreement.project import raw_values_sql, shared_sql, token_fields
from exchange.repository.local import PublishedHead
from flows.coverage import covered_sql, own_sql
from flows.progress import Step, tell
from flows.withheld import withheld_of
from hefu.node import Node
from lake.store import Lake
from schemas.codes import REMOVED
from schemas.contract import Contract, Rule, load_contract
from schemas.raw_values import RAW_VALUES
from schemas.sql import ident, literal

if TYPE_CHECKING:
    import duckdb

_KEY = "record_id, content_hash, source_updated_time, received_time"
_TICK = timedelta(microseconds=1)

# Versions of a record with one time of their source follow at the partner by received_time. So no
# row leaves as received after its bundle was made (a clock that was put back), and of a record
# that was told before, none as received before the last bundle was (a run that began before it
# and ended after it): `created` of the last bundle < stamp < late <= `created` of this one.


@dataclass(frozen=True, slots=True)
class Collected:
    """The table ``table`` holds the rows that leave, with the granted columns.

    ``left_out``: the records that break a hard rule of today and stay until they don't.
    ``again``: those of ``rows`` whose version was in the lake at the last bundle already.
    ``removed``: those that say that a record is gone, ``taken_back`` of them because it may not
    stay with the partner, the others because it is gone at its source.
    """

    contract: Contract
    table: str
    rows: int
    left_out: tuple[str, ...]
    removed: int
    taken_back: int
    again: int
    rules: tuple[Rule, ...]

    @property
    def withheld(self) -> int:
        return len(self.left_out)


@dataclass(frozen=True, slots=True)
class _Told:
    """What the partner was told last of one record type: under which grant, up to where.

    ``stamp``: a moment after everything that was told. What goes again goes as received then,
    so that it follows at the partner on what it replaces.
    """

    grant: Grant
    version: int
    stamp: datetime

    @property
    def stamp_sql(self) -> str:
        return _time_sql(self.stamp)

    def since(self, grant: Grant, version: int) -> tuple[int, int] | None:
        """Between which versions of the lake's table lies all that can be new; None: anywhere.

        Under the same grant only records that got a version since may go or be taken back; so
        what a night costs does not grow with all that went before.
        """
        return (self.version, version) if self.grant == grant else None


def next_created(last: PublishedHead | None, now: datetime) -> datetime:
    """When a bundle counts as made: later than the one before it, also by a clock that was put
    back. Which version of a record is the newer one at the partner may rest on it."""
    return now if last is None else max(now, last.statement.created_time + 2 * _TICK)


def collect(
    con: duckdb.DuckDBPyConnection,
    lake: Lake,
    node: Node,
    under: tuple[Agreement, Grant],
    last: PublishedHead | None,
    record_type: str,
    version: int,
    created: datetime,
) -> Collected:
    """Make the table of what goes to the partner of one record type, from the lake's ``version``.

    ``<record type>_current`` has then every record that goes, as of that version.
    ``created``: when the bundle counts as made, as :func:`next_created` gives it. Raises
    ``ConfigError`` when the agreement that the last bundle was made under is not here.
    """
    agreement, grant = under
    contract = load_contract(record_type)
    stream = agreement.stream_id(grant)
    tell(Step(stream, "collect"))
    told = _told(node, agreement, grant, last, record_type)
    rules = node.rules(contract, grant.columns(contract))
    table = f"outgoing_{record_type}"
    since = told.since(grant, version) if told is not None else None
    if _remember_withheld(con, node, stream, last, record_type):
        since = None
    _remember_told(con, lake, node, contract, told, since)
    lake.attach(con, record_type, at_version=version, between=since)
    _create_going(con, node, contract, grant, told, created)
    broken = _broken_sql(rules)
    con.execute(
        f"CREATE OR REPLACE TABLE {ident(table)} AS SELECT *, {broken} AS _broken, "
        f"false AS _back FROM ({shared_sql('going', contract, grant)})"
    )
    if told is not None and _are_leaving(con, node, contract, grant):
        lake.attach(con, record_type, at_version=told.version, between=since)
        _take_back(con, node, contract, grant, told, table, broken)
        lake.attach(con, record_type, at_version=version, between=since)
    broken_ids = con.execute(f"SELECT record_id FROM {ident(table)} WHERE _broken").fetchall()
    con.execute(f"DELETE FROM {ident(table)} WHERE _broken")
    taken_back = _one(con, f"SELECT count(*) FROM {ident(table)} WHERE _back")
    again = "false" if told is None else f"received_time = {told.stamp_sql} AND NOT _back"
    sent_again = _one(con, f"SELECT count(*) FROM {ident(table)} WHERE {again}")
    con.execute(f"ALTER TABLE {ident(table)} DROP COLUMN _broken")
    con.execute(f"ALTER TABLE {ident(table)} DROP COLUMN _back")
    rows = _one(con, f"SELECT count(*) FROM {ident(table)}")
    removed = _one(
        con, f"SELECT count(*) FROM {ident(table)} WHERE data_status = {literal(REMOVED)}"
    )
    left_out = tuple(sorted(str(row[0]) for row in broken_ids))
    return Collected(contract, table, rows, left_out, removed, taken_back, sent_again, rules)


def _broken_sql(rules: tuple[Rule, ...]) -> str:
    hard = [f"coalesce(({r.violation_sql}), false)" for r in rules if r.severity == "hard"]
    return f"({' OR '.join(hard) or 'false'})"


def _told(
    node: Node, agreement: Agreement, grant: Grant, last: PublishedHead | None, record_type: str
) -> _Told | None:
    if last is None or record_type not in last.statement.lake_versions:
        return None
    former = former_grant(
        node.place("sent"),
        (agreement, *node.agreements()),
        last.statement.agreement,
        agreement.stream_id(grant),
    )
    return _Told(
        former,
        last.statement.lake_versions[record_type],
        last.statement.created_time + _TICK,
    )


def _remember_withheld(
    con: duckdb.DuckDBPyConnection,
    node: Node,
    stream: str,
    last: PublishedHead | None,
    record_type: str,
) -> bool:
    """The table ``withheld_before``: what the last bundle left out. Whether there is anything."""
    con.execute("CREATE OR REPLACE TABLE withheld_before (record_id VARCHAR)")
    found = withheld_of(node.place("sent"), stream, last, record_type)
    if found:
        listed = ", ".join(f"({literal(record_id)})" for record_id in found)
        con.execute(f"INSERT INTO withheld_before VALUES {listed}")
    return bool(found)


def _remember_told(
    con: duckdb.DuckDBPyConnection,
    lake: Lake,
    node: Node,
    contract: Contract,
    told: _Told | None,
    since: tuple[int, int] | None,
) -> None:
    """The table ``told``: the versions that were current at the last bundle; ``covered``: which of
    them the partner has; ``gone``: which of them say that their record is gone.

    A version is told by its times too: a source without a clock may go back to an earlier
    content, and so may a record whose mapping or code row was put back; the partner has to hear.
    """
    con.execute(
        "CREATE OR REPLACE TABLE told (record_id VARCHAR, content_hash VARCHAR, "
        "source_updated_time TIMESTAMPTZ, received_time TIMESTAMPTZ, covered BOOLEAN, gone BOOLEAN)"
    )
    if told is not None:
        lake.attach(con, contract.record_type, at_version=told.version, between=since)
        con.execute(
            f"INSERT INTO told SELECT {_KEY}, "
            f"coalesce({covered_sql(contract, node, told.grant)}, false), "
            f"data_status = {literal(REMOVED)} "
            f"FROM {ident(contract.record_type + '_current')} WHERE {own_sql(node)}"
        )


def _create_going(
    con: duckdb.DuckDBPyConnection,
    node: Node,
    contract: Contract,
    grant: Grant,
    told: _Told | None,
    created: datetime,
) -> None:
    """The view ``going``: current and covered, and not told.

    Also what was told with other fields than are granted now, where that makes a difference. Not
    a record that is gone at its source and that the partner never had.
    """
    current = ident(f"{contract.record_type}_current")
    differs = _differs_sql(contract, told.grant, grant) if told else "false"
    received = f"least(c.received_time, {_time_sql(created)})"
    if told is not None:
        received = (
            f"CASE WHEN t.covered IS NOT NULL THEN {told.stamp_sql} "
            f"WHEN c.record_id IN (SELECT record_id FROM told) "
            f"THEN greatest({received}, {_time_sql(told.stamp + _TICK)}) ELSE {received} END"
        )
    con.execute(
        f"CREATE OR REPLACE TEMP VIEW going AS SELECT c.* REPLACE ({received} AS received_time) "
        f"FROM (SELECT * FROM {current} WHERE {covered_sql(contract, node, grant)}) AS c "
        f"LEFT JOIN told AS t USING ({_KEY}) "
        f"WHERE (t.covered IS NOT TRUE OR (NOT t.gone AND ({differs})) "
        "OR c.record_id IN (SELECT record_id FROM withheld_before)) "
        f"AND (c.data_status <> {literal(REMOVED)} "
        "OR c.record_id IN (SELECT record_id FROM told WHERE covered))"
    )


def _differs_sql(contract: Contract, former: Grant, grant: Grant) -> str:
    """SQL over a row: does it look otherwise with the fields that are granted now?"""
    before, now = set(former.columns(contract)), set(grant.columns(contract))
    other = before ^ now
    tokens = {*token_fields(contract, former), *token_fields(contract, grant)}
    if other & tokens:
        return "true"
    tests = [f"c.{ident(name)} IS NOT NULL" for name in sorted(other)]
    if RAW_VALUES in before & now and other:
        tests.append(f"{raw_values_sql(sorted(other), 'c')} IS NOT NULL")
    return " OR ".join(tests) or "false"


def _are_leaving(
    con: duckdb.DuckDBPyConnection, node: Node, contract: Contract, grant: Grant
) -> bool:
    """Make the table ``leaving``: what the partner has and is not covered any more."""
    con.execute(
        "CREATE OR REPLACE TEMP TABLE leaving AS SELECT record_id FROM told "
        "WHERE covered AND NOT gone AND record_id NOT IN (SELECT record_id FROM "
        f"{ident(contract.record_type + '_current')} WHERE {covered_sql(contract, node, grant)})"
    )
    return _one(con, "SELECT count(*) FROM leaving") > 0


def _take_back(
    con: duckdb.DuckDBPyConnection,
    node: Node,
    contract: Contract,
    grant: Grant,
    told: _Told,
    table: str,
    broken: str,
) -> None:
    """Add to ``table`` a removed version of each record that the partner has and may not keep.

    ``<record type>_history`` must be attached as it was told, ``leaving`` names the records. It
    is made of the version that the partner has. If that one breaks a rule of today, it may never
    have gone; then of the newest before it that doesn't, with the time of the last, which it has to
    follow in case that did go.
    """
    record_type = contract.record_type
    made = {
        "data_status": literal(REMOVED),
        "received_time": told.stamp_sql,
        "source_updated_time": "(SELECT t.source_updated_time FROM told AS t "
        "WHERE t.record_id = h.record_id)",
    } | _nothing_more(contract, told.grant, grant)
    replaced = ", ".join(f"{sql} AS {ident(name)}" for name, sql in made.items())
    con.execute(
        f"CREATE OR REPLACE TEMP VIEW back AS SELECT * REPLACE ({replaced}) "
        f"FROM {ident(record_type + '_history')} AS h SEMI JOIN leaving USING (record_id) "
        f"WHERE {own_sql(node)} AND {covered_sql(contract, node, told.grant)}"
    )
    con.execute(
        f"INSERT INTO {ident(table)} SELECT *, {broken} AS _broken, true "
        f"FROM ({shared_sql('back', contract, grant)}) QUALIFY row_number() OVER "
        "(PARTITION BY record_id ORDER BY _broken, record_version DESC) = 1"
    )


def _nothing_more(contract: Contract, former: Grant, grant: Grant) -> dict[str, str]:
    """Of a record that is taken back no field goes that did not go before.

    But for required ones: without them the partner could not take the version in at all.
    """
    had = former.columns(contract)
    fields = (contract.field(name) for name in grant.columns(contract) if name not in had)
    nothing = {f.name: f"NULL::{f.duckdb_type}" for f in fields if not f.required}
    if RAW_VALUES in had:
        nothing[RAW_VALUES] = raw_values_sql(had)
    return nothing


def _time_sql(when: datetime) -> str:
    return f"{literal(when.isoformat())}::TIMESTAMPTZ"


def _one(con: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = con.execute(sql).fetchone()
    return int(row[0]) if row else 0
