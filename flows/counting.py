"""How many records an agreement is about at this node: what may go, what is held back and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from exchange.agreement.model import Grant
from exchange.agreement.project import shared_sql, token_fields
from exchange.keys.pairs import load_pair_key
from flows.coverage import Reason, coverage, own_sql
from flows.workspace import workspace
from hefu.node import Node
from lake.store import Lake
from schemas.codes import REMOVED
from schemas.contract import Contract, load_contract
from schemas.identities.tokens import set_token_key
from schemas.sql import ident, literal

if TYPE_CHECKING:
    import duckdb

#: ``gone``: no longer at the source; ``breaks_rule``: a hard rule of today.
Held = Reason | Literal["gone", "breaks_rule"]


@dataclass(frozen=True, slots=True)
class Counted:
    """Of one record type, current records of our own: ``going`` + sum of ``held`` = ``current``."""

    current: int
    going: int
    held: Mapping[Held, int]


def count_coverage(node: Node, grant: Grant) -> dict[str, Counted]:
    """By record type, of those that the lake has; whether they were sent already or not."""
    lake = Lake(node.place("lake"))
    return {
        name: _count(node, lake, grant, load_contract(name))
        for name in grant.records
        if lake.version(name) is not None
    }


def _count(node: Node, lake: Lake, grant: Grant, contract: Contract) -> Counted:
    current = ident(f"{contract.record_type}_current")
    cases = [f"WHEN data_status = {literal(REMOVED)} THEN 'gone'"] + [
        f"WHEN NOT coalesce(({test.sql}), false) THEN {literal(test.reason)}"
        for test in coverage(contract, node, grant)
    ]
    with workspace(node) as (con, _):
        lake.attach(con, contract.record_type)
        con.execute(
            f"CREATE TEMP VIEW held AS SELECT *, CASE {' '.join(cases)} END AS _held "
            f"FROM {current} WHERE {own_sql(node)}"
        )
        counts = dict(con.execute("SELECT _held, count(*) FROM held GROUP BY 1").fetchall())
        going = counts.pop(None, 0)
        if going and _set_key(node, con, grant, contract):
            rules = node.rules(contract, grant.columns(contract))
            hard = [f"coalesce(({r.violation_sql}), false)" for r in rules if r.severity == "hard"]
            con.execute("CREATE TEMP VIEW covered AS SELECT * FROM held WHERE _held IS NULL")
            found = con.execute(
                f"SELECT count(*) FROM ({shared_sql('covered', contract, grant)}) "
                f"WHERE {' OR '.join(hard) or 'false'}"
            ).fetchone()
            if found and found[0]:
                counts["breaks_rule"] = found[0]
                going -= found[0]
    held: dict[Held, int] = {reason: counts[reason] for reason in sorted(counts)}
    return Counted(going + sum(held.values()), going, held)


def _set_key(node: Node, con: duckdb.DuckDBPyConnection, grant: Grant, contract: Contract) -> bool:
    """False if rows can't be projected yet: the key that makes their tokens is not here."""
    if not token_fields(contract, grant):
        return True
    path = node.pair_key_path(grant.to_org)
    if not path.exists():
        return False
    set_token_key(con, load_pair_key(path, grant.to_org))
    return True
