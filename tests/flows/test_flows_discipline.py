"""A lead on an official's conduct goes by a sealed channel, never in a bundle."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow.parquet as pq
import pytest
from flows_hotline import Hotline, serving
from flows_world import LEADS, TOKEN, URL_VARIABLE, World, counts, order, query


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
        run = world.sync(LEADS)
        world.publish()
        world.receive()
    # Its content is not even in the sender's own tables, nor in quarantine.
    assert counts(run) == (2, 1, 0, 0, 1)
    assert run.reasons == {"sealed:lead": 1}
    attributes = "SELECT lead_type, sharing_attribute FROM lead_history"
    assert query(world.a, "lead", attributes) == [("copy_notice", "conditional")]
    (kept,) = (world.root / "a/quarantine").rglob("*.parquet")
    (row,) = pq.read_table(kept).to_pylist()
    assert [row[name] for name in ("raw", "raw_text", "uncast", "detail")] == [None] * 4
    assert query(world.b, "lead", "SELECT lead_no FROM lead_current") == [("12328-0001",)]


def test_that_there_is_one_may_stand_in_a_table_and_leaves_no_agency(
    new_world: Callable[[], World],
) -> None:
    world = new_world()
    (mapping,) = (world.root / "a").rglob("hotline/orders/mapping.sql")
    text = mapping.read_text(encoding="utf-8")
    text = text.replace("'copy_notice' AS lead_type", "'discipline' AS lead_type")
    text = text.replace("txt(caller) AS party_name", "NULL AS party_name")
    text = text.replace("txt(phone) AS party_phone", "NULL AS party_phone")
    mapping.write_text(text, encoding="utf-8")
    with serving(Hotline(TOKEN)) as hotline, pytest.MonkeyPatch.context() as patch:
        patch.setenv(URL_VARIABLE, hotline.url)
        hotline.orders = [order(1)]
        assert counts(world.sync(LEADS)) == (1, 1, 0, 0, 0)
    (published,) = world.publish()
    assert (published.status, published.counts) == ("nothing_new", {"lead": 0})
