"""Which periods run in this agency's own cases and in leads that came to it: from the lake."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from cooperation.clocks.cases import SOON, Begun, CaseClock, case_clocks
from cooperation.procedures.clocks import Law
from flows.workspace import reading
from hefu.node import Node
from lake.store import Lake
from schemas.codes import REMOVED
from schemas.sql import literal

if TYPE_CHECKING:
    import duckdb

_GONE = f"data_status IN ({literal(REMOVED)}, 'revoked')"
#: A case that was given up or given away needs no decision.
_SETTLED = "('withdrawn', 'criminal_transfer')"
_UNDECIDED = f"""
SELECT 'decision', record_id, case_no, division_code, filing_time
FROM case_result_current
WHERE source_org_code = $org AND filing_time <= $now AND NOT {_GONE}
  AND decision_date IS NULL AND closed_date IS NULL AND decision_type NOT IN {_SETTLED}
"""
#: A source that never tells a delivery would make every decision overdue: it is counted apart.
_TELLING = """
SELECT DISTINCT source_system FROM case_result_current
WHERE source_org_code = $org AND delivery_date IS NOT NULL
"""
_UNDELIVERED = f"""
SELECT 'delivery', record_id, case_no, division_code,
       timezone('Asia/Shanghai', decision_date::TIMESTAMP)
FROM case_result_current
WHERE source_org_code = $org AND decision_date <= $now AND NOT {_GONE}
  AND decision_type = 'penalty' AND delivery_date IS NULL AND closed_date IS NULL
  AND source_system {{which}} IN ({_TELLING})
"""
_LEADS = f"""
SELECT 'limitation', record_id, lead_no, division_code,
       coalesce(violation_end_time, violation_start_time, occurred_time) AS done
FROM lead_current
WHERE source_org_code <> $org AND to_org = $org AND NOT {_GONE} AND done <= $now
"""


@dataclass(frozen=True, slots=True)
class OwnClocks:
    """``not_told``: decisions of sources that never say when one was delivered."""

    clocks: tuple[CaseClock, ...]
    not_told: int


def own_clocks(node: Node, law: Law, now: datetime, settled: Iterable[str] = ()) -> OwnClocks:
    """Decisions and deliveries that are due, and received leads near their limitation.

    ``settled``: identifiers of leads whose matter has ended; they need nobody.
    """
    done = set(settled)
    with reading(node) as con:
        lake = Lake(node.place("lake"))
        values = {"org": node.agency.code, "now": now}
        lake.attach(con, "case_result")
        lake.attach(con, "lead")
        begun = _begun(con, _UNDECIDED, values) + _begun(con, _UNDELIVERED.format(which=""), values)
        not_told = len(_begun(con, _UNDELIVERED.format(which="NOT"), values))
        leads = [one for one in _begun(con, _LEADS, values) if one.record_id not in done]
    near = [c for c in case_clocks(leads, law, now) if _is_near(c, now)]
    found = [*case_clocks(begun, law, now), *near]
    return OwnClocks(tuple(sorted(found, key=lambda c: c.due)), not_told)


def _begun(con: duckdb.DuckDBPyConnection, query: str, values: dict[str, object]) -> list[Begun]:
    return [Begun(*row) for row in con.execute(query, values).fetchall()]


def _is_near(clock: CaseClock, now: datetime) -> bool:
    """Limitation is a warning: it is told shortly before and shortly after, not for ever."""
    return abs(clock.due - now) <= SOON["limitation"]
