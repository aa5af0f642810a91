"""The periods of an agency's own cases and received leads, read from a lake with such records."""

from datetime import datetime, timedelta, timezone
from pathlib import Path

from flows_cases import Row, make_office, own, received
from flows_world import A

from flows.matters import law_of
from flows.own_clocks import own_clocks

CST = timezone(timedelta(hours=8))
NOW = datetime(2026, 10, 20, 12, tzinfo=CST)


def _case(no: str, **more: str | None) -> Row:
    fixed = {"decision_date": None, "vehicle_plate_no": "皖P99999", "data_status": "valid"}
    return {"no": no} | fixed | more


def test_what_is_not_decided_delivered_or_in_time_is_told_and_nothing_else(tmp_path: Path) -> None:
    node = make_office(tmp_path / "a")
    own(
        node,
        "case_result",
        [
            _case("undated", decision_type="no_penalty", filing_time="2026-07-20T09:00:00+08:00"),
            _case(
                "settled", decision_type="not_established",
                filing_time="2026-01-05T09:00:00+08:00", closed_date="2026-02-02",
            ),
            _case("given up", decision_type="withdrawn", filing_time="2026-01-05T09:00:00+08:00"),
            _case(
                "to be filed", decision_type="no_penalty", filing_time="2026-10-21T09:00:00+08:00"
            ),
            # Friday 9 October; 10 October is worked: the seventh working day is Monday the 19th
            _case("not delivered", decision_date="2026-10-09"),
            _case("delivered", decision_date="2026-10-09", delivery_date="2026-10-12"),
            _case("paid and closed", decision_date="2026-08-03", closed_date="2026-08-20"),
            _case("revoked", decision_date="2026-08-03", data_status="revoked"),
        ],
        NOW,
    )  # fmt: skip
    lead = {"to_org": A.code, "suspected_violation": "涉嫌违法超限运输"}
    received(
        node,
        tmp_path / "b",
        "lead",
        [
            {"no": "near", "violation_end_time": "2024-10-30T09:00:00+08:00"} | lead,
            {"no": "far", "violation_end_time": "2026-09-30T09:00:00+08:00"} | lead,
            {"no": "not ours", "violation_end_time": "2024-10-30T09:00:00+08:00"},
        ],
    )
    found = own_clocks(node, law_of(node, NOW), NOW)
    assert [(c.of.kind, c.of.no, c.last_day.isoformat(), c.standing) for c in found.clocks] == [
        ("decision", "undated", "2026-10-18", "overdue"),
        ("delivery", "not delivered", "2026-10-19", "overdue"),
        ("limitation", "near", "2026-10-30", "due_soon"),
    ]
    assert found.not_told == 0
    settled = {c.of.record_id for c in found.clocks if c.of.kind == "limitation"}
    assert len(own_clocks(node, law_of(node, NOW), NOW, settled).clocks) == 2


def test_a_source_that_never_tells_a_delivery_is_counted_not_accused(tmp_path: Path) -> None:
    node = make_office(tmp_path / "a")
    own(node, "case_result", [_case("1", decision_date="2026-08-03")], NOW)
    found = own_clocks(node, law_of(node, NOW), NOW)
    assert (found.clocks, found.not_told) == ((), 1)
