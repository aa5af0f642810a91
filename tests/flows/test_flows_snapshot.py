"""A stream of full copies: what is no longer in them is gone at the source, and is told so."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from flows_world import CASES, NIGHT, NOW, World, case, counts, query

from connectors.pull import PullRequest
from flows.ingest import ingest
from lake.runs import RunRecord

STATES = "SELECT right(case_no, 3)[1:2]::INT, data_status, fine_amount_cny::INT FROM "
ALIVE = "SELECT right(case_no, 3)[1:2]::INT FROM case_result_current WHERE data_status = 'valid'"


@pytest.fixture
def copies(world: World) -> World:
    """The case system drops a full copy every night; up to half of it may go in one."""
    follow_copies(world)
    return world


def follow_copies(world: World, max_removed: float = 0.5) -> None:
    path = world.source_toml
    text = path.read_text(encoding="utf-8")
    text = text.replace(
        'record_type = "case_result"', 'record_type = "case_result"\nmode = "snapshot"'
    )
    path.write_text(f"{text}\n[snapshot]\nmax_removed = {max_removed}\n", encoding="utf-8")
    mapping = world.a.root / "sources" / CASES / "mapping.sql"
    kept = [line for line in mapping.read_text().splitlines() if "ts_cn(updated)" not in line]
    mapping.write_text("\n".join(kept), encoding="utf-8")


def night(
    world: World, nth: int, *rows: dict[str, str], now: datetime | None = None, **more: Any
) -> RunRecord:
    """The copy of one night is taken in; no row is as good as a header alone."""
    world.drop("all.csv", rows)
    return pulled(world, NOW + nth * NIGHT if now is None else now, **more)


def pulled(world: World, now: datetime, **more: Any) -> RunRecord:
    (source,) = world.a.sources([CASES])
    return ingest(world.a, source, PullRequest("cursor", None, None, None, now), now, **more)


def alive(world: World) -> list[int]:
    return [n for (n,) in query(world.a, "case_result", f"{ALIVE} ORDER BY 1")]


def test_a_row_that_is_gone_makes_its_record_removed(copies: World) -> None:
    night(copies, 0, case(1), case(2, fine="300"))
    run = night(copies, 1, case(1))
    assert counts(run) == (1, 0, 1, 0, 0)
    assert (run.retracted, run.retracted_by_row, run.gate_passed, run.complete) == (
        1,
        0,
        True,
        True,
    )
    assert query(copies.a, "case_result", f"{STATES} case_result_current ORDER BY 1") == [
        (1, "valid", 200),
        (2, "removed", 300),
    ]
    versions = query(
        copies.a,
        "case_result",
        "SELECT record_version, data_status, source_updated_time, received_time, _object_digest "
        "IS NULL, _row IS NULL, content_hash FROM case_result_history WHERE case_no LIKE '%0002号' "
        "ORDER BY 1",
    )
    at = NOW + NIGHT
    assert [v[:6] for v in versions] == [
        (1, "valid", NOW, NOW, False, False),
        (2, "removed", at, at, True, True),
    ]
    assert len({v[6] for v in versions}) == 2
