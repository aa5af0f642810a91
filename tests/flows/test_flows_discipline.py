"""A lead on an official's conduct goes by a sealed channel, never in a bundle."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flows_hotline import Hotline, serving
from flows_world import LEADS, TOKEN, URL_VARIABLE, World, order, query


def test_a_discipline_lead_stays_whatever_its_source_says_of_sharing(
    new_world: Callable[[], World],
) -> None:
    world = new_world()
    (mapping,) = (world.root / "a").rglob("hotline/orders/mapping.sql")
    text = mapping.read_text(encoding="utf-8")
    kind = "CASE WHEN no = '12328-0002' THEN 'discipline' ELSE 'copy_notice' END AS lead_type"
    mapping.write_text(text.replace("'copy_notice' AS lead_type", kind), encoding="utf-8")
    with serving(Hotline(TOKEN)) as hotline, pytest.MonkeyPatch.context() as patch:
        patch.setenv(URL_VARIABLE, hotline.url)
        hotline.orders = [order(1), order(2)]
        world.sync(LEADS)
        world.publish()
        world.receive()
    attributes = "SELECT lead_type, sharing_attribute FROM lead_current ORDER BY ALL"
    assert query(world.a, "lead", attributes) == [
        ("copy_notice", "conditional"),
        ("discipline", "conditional"),
    ]
    assert query(world.b, "lead", "SELECT lead_no FROM lead_current") == [("12328-0001",)]
