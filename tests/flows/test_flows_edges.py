"""Edges of cursors and copies at which a row, or what became of it, could be lost."""

from __future__ import annotations

import shutil
from datetime import date

import pytest
from flows_database import Front, front
from flows_world import NIGHT, NOW, World
from servers.postgresql import Postgresql, postgresql

from connectors.pull import PullRequest
from flows.ingest import ingest

__all__ = ["postgresql"]

CASES = "CREATE TABLE cases (no text, reason text, fine text, moved bigint, day date, seq bigint)"
FOLLOW = '[cursor]\nfield = "seq"\nformat = "integer"\n'


@pytest.fixture
def copies(world: World, postgresql: Postgresql) -> Front:
    """A table that is copied whole every night; up to 29 of 100 records may go in one."""
    return front(world, postgresql, "snapshot", "cases", CASES, "[snapshot]\nmax_removed = 0.29\n")


def put(source: Front, no: str, fine: int, table: str = "cases") -> None:
    source.sql(f"INSERT INTO {table} VALUES ('{no}', '超限运输', '{fine}', 1, '2026-09-01', 9000)")


def test_a_cursor_of_another_column_says_nothing(world: World, postgresql: Postgresql) -> None:
    """The new column's values lie below what the old one had reached."""
    source = front(world, postgresql, "cursor", "cases", CASES, FOLLOW)
    put(source, "甲1", 200)
    first = source.sync()
    assert first.followed == f"{source.schema}.cases seq"
    path = source.source.folder / "source.toml"
    path.write_text(path.read_text().replace('field = "seq"', 'field = "moved"'))
    source.sql("UPDATE cases SET fine = '500', moved = 2")
    second = source.sync(NOW + NIGHT)
    assert (second.received, second.cursor) == (1, {"value": "2"})
    assert source.current() == {"甲1": 500}


def test_the_greatest_share_that_may_go_may_go(copies: Front) -> None:
    """0.29 * 100 is less than 29 for a computer."""
    copies.sql("INSERT INTO cases SELECT '甲' || g, '超限', '1' FROM generate_series(1, 100) g")
    copies.sync()
    copies.sql("DELETE FROM cases WHERE substr(no, 2)::int <= 29")
    assert copies.sync(NOW + NIGHT).retracted == 29


def test_an_empty_copy_is_read_again_like_any_other(copies: Front) -> None:
    """Else records under the numbers of a new mapping would have outlived it."""
    put(copies, "甲1", 200)
    copies.sync()
    copies.sql("DELETE FROM cases")
    assert copies.sync(NOW + NIGHT, accept_removals=True).retracted == 1
    path = copies.source.folder / "source.toml"
    path.write_text(path.read_text().replace("max_removed = 0.29", "max_removed = 1"))
    mapping = copies.source.folder / "mapping.sql"
    text = mapping.read_text()
    mapping.write_text(text.replace('txt("no") AS source_', "'新' || txt(\"no\") AS source_"))
    copies.replay(NOW + 2 * NIGHT)
    assert copies.current() == {}


def test_a_window_of_copies_is_newer_than_what_was_read_before(copies: Front) -> None:
    """Also when the node's clock has been set back since."""
    put(copies, "甲1", 200)
    copies.sync()
    copies.sql("DELETE FROM cases")
    copies.sync(NOW + NIGHT, accept_removals=True)
    put(copies, "甲1", 200)
    copies.backfill(date(2026, 9, 1), date(2026, 9, 1), NOW - 10 * NIGHT)
    assert copies.versions("甲1") == [200, "removed", 200]


def test_two_streams_of_one_system_tell_in_the_order_of_the_reads(copies: Front) -> None:
    """One was read while the node's clock was ahead, the other after it was set right."""
    folder = copies.source.folder
    copies.sql(CASES.replace("cases", "others"))
    shutil.copytree(folder, folder.parent / "others")
    path = folder.parent / "others" / "source.toml"
    text = path.read_text().replace('stream = "cases"', 'stream = "others"')
    path.write_text(text.replace('.cases"', '.others"'))
    put(copies, "甲1", 200)
    copies.sync(NOW + 5 * NIGHT)
    copies.sql("DELETE FROM cases")
    copies.sync(NOW + 6 * NIGHT, accept_removals=True)
    put(copies, "甲1", 500, "others")
    (others,) = copies.world.a.sources(["front/others"])
    ingest(copies.world.a, others, PullRequest("cursor", None, None, None, NOW), NOW)
    assert copies.versions("甲1") == [200, "removed", 500]
