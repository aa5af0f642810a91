"""A backfill is a person's doing: it neither opens nor closes the gate of the nightly run."""

from __future__ import annotations

from datetime import date

import pytest
from flows_world import NIGHT, NOW, World, case

from flows.outgoing import GateClosedError


def test_a_good_backfill_does_not_open_the_gate_of_a_bad_night(world: World) -> None:
    bad = [case(i, violation="") for i in range(1, 20)]
    world.drop("1.csv", [case(20, decided="2026-09-15"), *bad])
    assert not world.sync().gate_passed
    again = world.backfill(date(2026, 9, 15), date(2026, 9, 15), now=NOW + NIGHT / 2)
    assert again.outside_window > 0
    quiet = world.sync(now=NOW + NIGHT)
    assert quiet.received == 0
    assert not quiet.gate_passed
    with pytest.raises(GateClosedError):
        world.publish(now=NOW + NIGHT)
