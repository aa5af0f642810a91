"""Fines of this agency that may be the second for one act: listed until a person settles it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from cooperation.recognition.chain import Chain
from flows.recognition_records import standing
from flows.workspace import reading
from hefu.node import Node
from lake.store import Lake
from schemas.codes import REMOVED
from schemas.sql import literal

if TYPE_CHECKING:
    import duckdb

USE = "duplicate_fine_check"


@dataclass(frozen=True, slots=True)
class SecondFine:
    """An own fine for an act that another agency has filed or decided before."""

    number: str
    own_no: str | None
    original_no: str | None
    original_org: str
    original_filed: datetime | None
    own_filed: datetime | None
    state: str


def second_fines(node: Node) -> list[SecondFine]:
    """Own fines that stand although the other side came first, and which no person has found not
    to be of the same act. Cheap: asked of the records, not of the case index."""
    lake = Lake(node.place("lake"))
    with reading(node) as con:
        found = [
            chain
            for chain in standing(con, lake)
            if chain.first.is_own
            and chain.first.use == USE
            and chain.matter.state_name not in ("not_recognised", "lapsed")
        ]
        if not found:
            return []
        lake.attach(con, "case_result")
        times = {chain.matter.key: _times(con, chain) for chain in found}
    told = [_told(chain, times[chain.matter.key]) for chain in found]
    return [one for one in told if one is not None]


_Times = tuple[datetime | None, datetime | None]


def _times(con: duckdb.DuckDBPyConnection, chain: Chain) -> _Times | None:
    """When each side filed, if our side has a fine that stands and theirs is not gone."""
    last = chain.last
    mine = con.execute(
        "SELECT filing_time, decision_date FROM case_result_current "
        "WHERE source_org_code = $1 AND record_id = $2 AND decision_type = 'penalty' "
        f"AND fine_amount_cny > 0 AND data_status NOT IN ({literal(REMOVED)}, 'revoked') "
        "AND coalesce(review_status, '') <> 'revoked' "
        "AND coalesce(litigation_status, '') <> 'revoked'",
        [last.recognising_org, last.own_record_id],
    ).fetchone()
    theirs = con.execute(
        "SELECT filing_time, decision_date FROM case_result_current "
        "WHERE source_org_code = $1 AND record_id = $2 "
        f"AND data_status NOT IN ({literal(REMOVED)}, 'revoked')",
        [last.recognised_org, last.original_id],
    ).fetchone()
    if mine is None or theirs is None or not _came_first(theirs, mine):
        return None
    return theirs[0], mine[0]


def _came_first(theirs: tuple[object, ...], mine: tuple[object, ...]) -> bool:
    """By filing if both are known, else by decision; if neither is known it is told."""
    for there, here in zip(theirs, mine, strict=True):
        if there is not None and here is not None:
            return bool(there <= here)  # type: ignore[operator]  # both datetimes, or both dates
    return True


def _told(chain: Chain, times: _Times | None) -> SecondFine | None:
    if times is None:
        return None
    last = chain.last
    return SecondFine(
        number=chain.first.recognition_no,
        own_no=last.own_no,
        original_no=last.original_no,
        original_org=last.recognised_org or "",
        original_filed=times[0],
        own_filed=times[1],
        state=chain.matter.state_name,
    )
