"""REST: where a pull starts, how far it got, and what it leaves behind."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from connectors_world import NOW, PAGED, ROWS, TOKEN, numbered, numbers, page

from connectors.pace import Pace
from connectors.pull import probe
from schemas.errors import ConfigError

# ---- cursor and window -----------------------------------------------------------------------

CURSOR = '[cursor]\nfield = "updated"\nparameter = "since"\noverlap = "PT30M"\n'


def test_cursor_moves_to_the_greatest_value_and_asks_from_before_it(rest, server):
    server.script(page([*ROWS[:3], {"no": "A9", "updated": None}, {"no": "A8"}]))
    source = rest(tables=CURSOR)
    delivery = source.pull({})
    assert "since" not in server.asked[0].query
    assert delivery.cursor == {}
    moved = source.read(delivery).batch.cursor
    assert moved == {"value": "2026-05-03T10:00:00+08:00"}
    source.pull(moved)
    assert server.asked[1].query == {"since": "2026-05-03T09:30:00+08:00"}


@pytest.mark.parametrize(
    ("form", "before", "values", "after", "asked"),
    [
        ("iso", "2026-05-01T10:00:00Z", ["2026-05-01T17:59:59+08:00"], None, "T09:30:00Z"),
        ("iso", "2026-05-01 10:00:00", ["2026-05-01 9:00", "x"], None, "2026-05-01 09:30:00"),
        ("iso", None, ["2026-05-01", "2026-04-30T23:00:00Z"], "2026-04-30T23:00:00Z", None),
        ("epoch_s", 1777600000, [1777600001, 1777599999], "1777600001", "1777598200"),
        ("epoch_ms", 1777600000000, [1777600000001], "1777600000001", "1777598200000"),
        ("%Y/%m/%d %H:%M", "2026/05/01 10:00", ["2026/05/02 10:00"], "2026/05/02 10:00", "09:30"),
    ],
)
def test_cursor_formats(rest, server, form, before, values, after, asked):
    server.script(page([{"updated": v} for v in values]))
    source = rest(tables=CURSOR + f'format = "{form}"')
    cursor = {} if before is None else {"value": str(before)}
    moved = source.read(source.pull(cursor)).batch.cursor
    assert moved == ({"value": after} if after else cursor)
    if asked:
        assert server.asked[0].query["since"].endswith(asked)


@pytest.mark.parametrize(
    ("form", "before", "values", "after"),
    [("integer", "9", ["10", "8"], "10"), ("text", "b9", ["b10", "c"], "c")],
)
def test_cursors_that_are_no_times(rest, server, form, before, values, after):
    server.script(page([{"updated": v} for v in values]))
    source = rest(tables=f'[cursor]\nfield="updated"\nparameter="since"\nformat="{form}"')
    moved = source.read(source.pull({"value": before})).batch.cursor
    assert moved == {"value": after}
    assert server.asked[0].query["since"] == before


@pytest.mark.parametrize("ahead", [timedelta(days=30_000), timedelta(hours=20), timedelta(0, 1)])
def test_a_time_in_the_future_does_not_hide_what_comes_before_it(rest, server, ahead):
    server.script(page([*ROWS[:1], {"no": "A9", "updated": (NOW + ahead).isoformat()}]))
    source = rest(tables=CURSOR)
    moved = source.read(source.pull({})).batch.cursor
    assert moved == {"value": ROWS[0]["updated"]}


def test_first_pull_may_start_at_a_date(rest, server):
    server.script(page(ROWS))
    rest(tables=CURSOR + 'initial = "2026-01-01T00:00:00+08:00"').pull()
    assert server.asked[0].query["since"] == "2025-12-31T23:30:00+08:00"


def test_cursor_field_that_never_comes_is_named(rest, server):
    server.script(page([{"no": "A1"}]))
    source = rest(tables=CURSOR)
    with pytest.raises(Exception, match="no field 'updated'"):
        source.read(source.pull({}))


def test_window_is_asked_of_the_server_and_moves_no_cursor(rest, server):
    server.script(page(ROWS))
    window = '[window]\nsince_parameter = "from"\nuntil_parameter = "to"\nuntil_inclusive = false\n'
    source = rest(tables=CURSOR + window)
    delivery = source.pull({"value": "x"}, window=(date(2026, 5, 2), date(2026, 5, 3)))
    assert server.asked[0].query == {"from": "2026-05-02", "to": "2026-05-04"}
    found = source.read(delivery)
    assert found.batch.cursor is None
    assert len(found.rows) == 5


def test_window_by_column_when_the_server_has_no_such_parameter(rest, server):
    server.script(page([*ROWS, {"no": "A9", "updated": "unknown"}]))
    source = rest(tables='[window]\nfield = "updated"')
    found = source.read(source.pull(window=(date(2026, 5, 2), date(2026, 5, 3))))
    assert [r["no"] for r in found.rows] == ["A2", "A3", "A9"]
    assert found.batch.outside_window == 3
    assert found.batch.received == 3


def test_window_without_configuration(rest, server):
    with pytest.raises(ConfigError, match="window of days"):
        rest().pull(window=(date(2026, 5, 2), None))


# ---- traces ----------------------------------------------------------------------------------


def test_every_fetch_is_an_event_and_no_trace_holds_query_or_token(rest, server, tmp_path):
    server.script(page(ROWS))
    auth = 'auth = { kind = "bearer", token = "env:T" }\n'
    source = rest(auth + 'parameters = { person = "999999190001010000" }')
    source.pull()
    source.pull(now=datetime(2026, 5, 21, tzinfo=UTC))
    events = source.landing.events("cases/decisions")
    assert [e.fetched_at.day for e in events] == [20, 21]
    assert {e.origin for e in events} == {f"{server.url}/api/cases"}
    traces = b"".join(p.read_bytes() for p in (tmp_path / "landing" / "streams").rglob("*.jsonl"))
    assert b"9999991900" not in traces
    assert TOKEN.encode() not in traces


def test_probe_fetches_one_page_and_moves_nothing(rest, server):
    server.answer = numbered(ROWS)
    source = rest(PAGED, CURSOR)
    delivery = probe(
        source.config,
        source.folder,
        source.landing,
        secrets=str,
        now=NOW,
        pace=Pace(source.waits.append, lambda: 0.0),
    )
    assert len(server.asked) == 1
    assert numbers(source, delivery) == ["A1", "A2"]
    assert delivery.cursor is None


def test_address_from_the_environment(make_source, server):
    server.script(page(ROWS))
    source = make_source(
        '[reader]\nkind = "rest"\nbase_url = "env:CASES_URL"\nrecords = "data.items"\n'
    )
    assert len(source.pull(token=server.url).objects) == 1
