"""A stream of full copies: what is no longer in them is gone at the source, and is told so."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from flows_world import CASES, NIGHT, NOW, World, case, counts, query

from connectors.pull import PullRequest
from flows.again import normalise_again
from flows.ingest import ingest
from hefu.trial import try_source
from lake.runs import RunRecord
from schemas.errors import ConfigError

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


def test_a_row_that_comes_back_is_a_new_version_though_its_file_is_an_old_one(
    copies: World,
) -> None:
    """Night by night: 1 and 2, only 1, the very bytes of the first night again."""
    both, one = (case(1), case(2)), (case(1),)
    for nth, rows in enumerate((both, one, both)):
        night(copies, nth, *rows)
    assert alive(copies) == [1, 2]
    assert versions(copies, 2) == ["valid", "removed", "valid"]
    # the order is that of the reading, also when this node's clock was set back
    night(copies, 3, *one, now=NOW - 30 * NIGHT)
    assert alive(copies) == [1]
    night(copies, 4, *both, now=NOW - 60 * NIGHT)
    assert alive(copies) == [1, 2]
    again = replayed(copies)
    assert (again.accepted, again.retracted) == (0, 0)
    assert alive(copies) == [1, 2]


def test_too_many_wait_for_a_person(copies: World) -> None:
    rows = [case(i) for i in range(1, 6)]
    night(copies, 0, *rows)
    run = night(copies, 1, *rows[:2], case(6))
    assert (run.accepted, run.retracted, run.complete, run.gate_passed) == (1, 0, False, False)
    (reason,) = run.gate_reasons
    assert reason.en.startswith("3 of 5 records are missing from this full copy (60.0%)")
    assert "5 条记录中的 3 条" in reason.zh
    assert alive(copies) == [1, 2, 3, 4, 5, 6]
    assert pulled(copies, NOW + 2 * NIGHT).gate_reasons == run.gate_reasons
    # what was refused is refused when it is read again
    assert replayed(copies).retracted == 0
    run = pulled(copies, NOW + 3 * NIGHT, accept_removals=True)
    assert (run.retracted, run.gate_passed) == (3, True)
    assert alive(copies) == [1, 2, 6]
    # an empty copy says that all are gone
    run = night(copies, 4)
    assert (counts(run), run.retracted, run.gate_passed) == ((0, 0, 0, 0, 0), 0, False)
    run = night(copies, 5, accept_removals=True)
    assert (run.retracted, run.gate_passed, alive(copies)) == (3, True, [])
    # nothing is left that could go
    assert night(copies, 6, accept_removals=True).gate_passed


def test_rows_that_are_refused_are_still_there(copies: World) -> None:
    night(copies, 0, *(case(i) for i in range(1, 5)))
    bad = case(3, fine="many")
    run = night(copies, 1, case(1), case(2), bad)
    assert (run.quarantined, run.retracted) == (1, 1)
    assert alive(copies) == [1, 2, 3]
    nameless = case(9, no="")
    run = night(copies, 2, case(1), case(2), nameless)
    assert (run.quarantined, run.retracted, run.gate_passed) == (1, 0, False)
    assert "1 records are missing from this full copy, and 1 of its rows" in run.gate_reasons[0].en
    run = night(copies, 3, case(1), case(2), nameless, accept_removals=True)
    assert (run.retracted, alive(copies)) == (0, [1, 2, 3])


def test_a_window_never_retracts(copies: World) -> None:
    night(copies, 0, case(1), case(2))
    copies.drop("all.csv", [case(1)])
    run = copies.backfill((NOW - 99 * NIGHT).date(), NOW.date(), now=NOW + NIGHT)
    assert (run.retracted, run.complete) == (0, False)
    assert alive(copies) == [1, 2]


def test_another_mapping_leaves_what_is_gone_gone(copies: World) -> None:
    night(copies, 0, case(1), case(2))
    night(copies, 1, case(1))
    path = copies.a.root / "sources" / CASES / "mapping.sql"
    path.write_text(path.read_text().replace("txt(violation)", "txt(violation) || '改'"))
    again = replayed(copies)
    assert (again.accepted, again.unchanged) == (2, 1)
    assert alive(copies) == [1]
    assert versions(copies, 2) == ["valid", "valid", "removed"]


def test_a_source_may_say_itself_that_a_row_is_deleted(copies: World) -> None:
    path = copies.a.root / "sources" / CASES / "mapping.sql"
    status = "code('data_status', 'zh', sharing) AS data_status"
    text = path.read_text()
    path.write_text(
        text.replace("coalesce(txt(sharing), 'conditional') AS sharing_attribute", status)
    )
    night(copies, 0, case(1, sharing="正常"), case(2, sharing="已删除"))
    assert alive(copies) == [1]
    run = night(copies, 1, case(1, sharing="正常"))
    assert (run.retracted, versions(copies, 2)) == (0, ["removed"])


def test_a_mapping_may_not_give_a_clock(world: World) -> None:
    before = (world.a.root / "sources" / CASES / "mapping.sql").read_text()
    follow_copies(world)
    (world.a.root / "sources" / CASES / "mapping.sql").write_text(before)
    world.drop("all.csv", [case(1)])
    with pytest.raises(ConfigError, match="may not give source_updated_time"):
        pulled(world, NOW)
    (source,) = world.a.sources([CASES])
    with pytest.raises(ConfigError, match="may not give source_updated_time"):
        try_source(world.a, source, NOW)


def test_a_partner_hears_that_a_record_is_gone(copies: World) -> None:
    night(copies, 0, case(1), case(2))
    copies.publish()
    copies.receive()
    night(copies, 1, case(1))
    (published,) = copies.publish(now=NOW + NIGHT)
    assert (published.counts, published.removed) == (
        {"case_result": 1},
        {"case_result": 1},
    )
    (taken,) = copies.receive(now=NOW + NIGHT)
    assert taken.counts["case_result"].accepted == 1
    states = query(
        copies.b, "case_result", "SELECT data_status FROM case_result_current ORDER BY 1"
    )
    assert states == [("removed",), ("valid",)]
    night(copies, 2, case(1), case(2))
    copies.publish(now=NOW + 2 * NIGHT)
    copies.receive(now=NOW + 2 * NIGHT)
    states = query(copies.b, "case_result", "SELECT data_status FROM case_result_current")
    assert states == [("valid",), ("valid",)]


def versions(world: World, number: int) -> list[str]:
    found = query(
        world.a,
        "case_result",
        f"SELECT data_status FROM case_result_history WHERE case_no LIKE '%{number:04d}号' "
        "ORDER BY record_version",
    )
    return [status for (status,) in found]


def replayed(world: World) -> RunRecord:
    (source,) = world.a.sources([CASES])
    return normalise_again(world.a, source, NOW + 300 * NIGHT)
