"""``hefu accumulate``: the officer's view of who exceeds article 66."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from cli_world import Hefu

from flows.own_records import append_own
from hefu.node import Node

PLATE = "皖P00001"


@pytest.fixture
def loaded(node: Node) -> Node:
    """Four overloads of one vehicle, one of them not to be counted."""
    names = ("case_no", "occurred_time", "decision_date", "counts_toward_accumulation")
    days = ("2026-01-10", "2026-02-10", "2026-03-10", "2026-04-10", "2026-05-10")
    rows = [
        dict(zip(names, (f"C{n}", f"{day}T10:00:00+08:00", day, None), strict=True))
        for n, day in enumerate(days)
    ]
    rows[4]["counts_toward_accumulation"] = "false"
    mapping = f"""
    SELECT case_no AS source_record_id, {", ".join(names)}, 'penalty' AS decision_type,
      '违法超限运输' AS violation_type, '{PLATE}' AS vehicle_plate_no,
      'yellow' AS vehicle_plate_color, 'overload_road' AS common_cause_code, 500 AS fine_amount_cny,
      '341882' AS vehicle_registration_division,
      CASE WHEN case_no = 'C4' THEN '未超 20%' END AS accumulation_reason,
      TIMESTAMPTZ '2026-06-01 00:00:00+08' AS source_updated_time FROM raw
    """
    run = append_own(node, "case_result", mapping, rows, datetime(2026, 6, 2, tzinfo=UTC))
    assert run is not None
    assert not run.quarantined, run.reasons
    return node


def test_listed_explained_written(hefu: Hefu, loaded: Node) -> None:
    at = ("--node", loaded.root)
    listed = hefu("accumulate", "--as-of", "2026-06-01", *at)
    assert listed.code == 0, listed.err
    assert "皖*****1/yellow" in listed.out
    assert PLATE not in listed.out + listed.err
    assert "exceeded" in listed.out
    assert "counted over" in listed.err

    found = json.loads(hefu("accumulate", "list", "--as-of", "2026-06-01", "--json", *at).out)
    (subject,) = found["subjects"]
    assert (subject["by_violation"], subject["by_decision"], subject["limit"]) == (4, 4, "3")
    assert subject["cases"][-1]["why_not_by_violation"] == "own_word"
    assert [c["org"] for c in found["coverage"]] == [loaded.agency.code]

    # a month before the fourth, and by kinds
    before = hefu("accumulate", "--as-of", "2026-04-09", *at)
    assert (before.code, before.out) == (0, "")
    assert "nobody exceeds a limit on 2026-04-09 in the answered sources" in before.err
    near = hefu("accumulate", "--as-of", "2026-04-09", "--near", "--drivers", *at)
    assert near.out == ""
    assert (
        "one more and it crosses" in hefu("accumulate", "--as-of", "2026-04-09", "--near", *at).out
    )

    shown = hefu("accumulate", "show", PLATE, "--as-of", "2026-06-01", "--reveal", *at)
    assert shown.code == 0, shown.err
    assert f"{PLATE}/yellow" in shown.out
    assert "第六十六条" in shown.out
    assert "未超 20%" in shown.out
    wrong = hefu("accumulate", "show", "皖P99999", *at)
    assert wrong.code == 2
    assert "皖P99999" not in wrong.err
