"""A source without a clock that goes back to an earlier content: A, then B, then A again."""

from __future__ import annotations

from flows_world import CASES, NIGHT, NOW, World, case, counts, query

FINE = "SELECT fine_amount_cny FROM case_result_current"


def _without_clock(world: World) -> None:
    mapping = world.a.root / "sources" / CASES / "mapping.sql"
    kept = [line for line in mapping.read_text().splitlines() if "ts_cn(updated)" not in line]
    mapping.write_text("\n".join(kept), encoding="utf-8")


def test_a_partner_follows_a_record_back_to_an_earlier_content(world: World) -> None:
    _without_clock(world)
    fines = []
    for night, fine in enumerate(("200", "500", "200")):
        now = NOW + night * NIGHT
        world.drop("all.csv", [case(1, fine=fine)])
        run = world.sync(now=now)
        assert counts(run) == (1, 1, 0, 0, 0)
        world.publish(now=now)
        world.receive(now=now)
        fines.append([query(node, "case_result", FINE) for node in (world.a, world.b)])
    assert [[str(rows[0][0]) for rows in pair] for pair in fines] == [
        ["200.00", "200.00"],
        ["500.00", "500.00"],
        ["200.00", "200.00"],
    ]


def test_reading_the_same_file_again_is_no_new_version(world: World) -> None:
    _without_clock(world)
    world.drop("all.csv", [case(1)])
    world.sync()
    (world.root / "drops" / "all.csv").unlink()
    world.sync(now=NOW + NIGHT)
    world.drop("all.csv", [case(1)])
    run = world.sync(now=NOW + 2 * NIGHT)
    assert counts(run) == (1, 0, 1, 0, 0)
