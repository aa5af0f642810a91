"""Accumulations as records: a crossing over two agencies, its referral, a revocation."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from flows_cases import own, person, received
from flows_matters import Two, make_two
from flows_world import NOW, A, B

from cooperation.accumulation.accumulate import Asked
from flows.accumulating import Accumulated, accumulate_and_refer
from flows.accumulation_cases import reckon
from flows.accumulation_shown import look_at
from flows.acting import do, following
from flows.matters import find_matter, matters_of
from flows.own_records import append_own
from hefu.node import Node
from lake.store import Lake
from schemas.errors import ConfigError
from schemas.sql import connect

LEAD = """lead = ["lead_no", "lead_source", "lead_type", "discovered_time", "suspected_violation",
  "from_org", "to_org", "vehicle_plate_no", "vehicle_plate_color"]"""
ROUTES = f"""
[[cooperation.routes]]
from = "{A.code}"
to = "{B.code}"
record_type = "accumulation_snapshot"
by = "registration_place"
divisions = ["999901"]
"""
DAY = timedelta(days=1)
OPERATOR = "91999900MA00000006"


def overload(no: str, day: str, **more: str | None) -> dict[str, str | None]:
    return {
        "no": no,
        "vehicle_plate_no": "皖P00001",
        "vehicle_plate_color": "yellow",
        "common_cause_code": "overload_road",
        "occurred_time": f"{day}T10:00:00+08:00",
        "decision_date": day,
        "fine_amount_cny": "500",
        "vehicle_registration_division": B.division_code,
        "transport_certificate_no": "皖交运管宣字999901000001号",
        "driver_license_no": None,
        "driver_name": None,
        "vehicle_operator_uscc": None,
    } | more


def revoked(case: dict[str, str | None], hour: int = 9) -> dict[str, str | None]:
    updated = f"2026-10-03T{hour:02d}:00:00+08:00"
    return case | {"data_status": "revoked", "source_updated_time": updated}


def snapshots(node: Node) -> list[dict[str, object]]:
    con = connect(threads=1)
    Lake(node.place("lake")).attach(con, "accumulation_snapshot")
    found = con.execute("SELECT * FROM accumulation_snapshot_current ORDER BY snapshot_time")
    names = [column[0] for column in found.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    con.close()
    return rows


def said(run: Accumulated) -> list[tuple[str, str, int]]:
    return [
        (w.news.change, w.news.accumulation.kind, w.news.accumulation.count) for w in run.written
    ]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Two:
    return make_two(tmp_path_factory.mktemp("accumulation"), records=LEAD, cooperation=ROUTES)


def test_crossings_are_written_referred_once_and_taken_back(world: Two, tmp_path: Path) -> None:
    first = [overload(f"C{n}", f"2026-0{n}-10") for n in (1, 2, 3)]
    second = [overload(f"D{n}", f"2026-0{n}-10", vehicle_plate_no="皖P00002") for n in (1, 2, 3, 4)]
    # the fourth case of last year was decided only now: the year ends with that case
    here = {"vehicle_plate_no": "皖P00003", "vehicle_registration_division": A.division_code}
    late = [
        *[overload(f"E{n}", f"2025-0{n}-20", **here) for n in (7, 8, 9)],
        overload("E10", "2026-07-15", **here | {"decision_date": "2026-10-05"}),
    ]
    # one of the five vehicles of an operator; three cases of its driver
    firm = {"vehicle_plate_no": "皖Q00001", "vehicle_operator_uscc": OPERATOR,
            "driver_license_no": person(7), "driver_name": "虚构某",
            "vehicle_registration_division": A.division_code}  # fmt: skip
    fleet = [overload(f"F{n}", f"2026-0{n}-11", **firm) for n in (1, 2, 3)]
    own(world.a, "case_result", [*first, *second, *late, *fleet])
    received(world.a, tmp_path / "b", "case_result", [overload("P4", "2026-04-10")])
    licences(world.a, 5)

    crossed = accumulate_and_refer(world.a, NOW)
    assert sorted(said(crossed)) == [
        ("crossed", "transport_enterprise", 1),
        *[("crossed", "vehicle", 4)] * 3,
    ]
    sent = {o.chosen.candidate.no: o.matter for o in crossed.opened}
    assert {o.chosen.rule.to_org for o in crossed.opened} == {B.code}
    rows = {frozenset(row["hit_nos"]): row for row in snapshots(world.a)}  # type: ignore[call-overload]
    row = rows[frozenset({"C1", "C2", "C3", "P4"})]
    assert row["accumulation_result"] == "exceeded"
    assert row["count_by_violation_date"] == row["count_by_decision_date"] == 4
    assert set(row["hit_source_org_codes"]) == {A.code, B.code}  # type: ignore[call-overload]
    assert row["transport_certificate_no"] == "皖交运管宣字999901000001号"
    assert (row["to_org"], row["vehicle_registration_division"]) == (B.code, B.division_code)
    assert not any("皖P0000" in str(one) or "虚构某" in str(one) for one in rows.values())
    other = rows[frozenset({"D1", "D2", "D3", "D4"})]
    assert set(sent) == {row["snapshot_no"], other["snapshot_no"]}
    assert str(rows[frozenset({"E7", "E8", "E9", "E10"})]["window_end_date"]) == "2026-07-15"
    operator = rows[frozenset({"F1", "F2", "F3"})]
    assert (operator["vehicle_operator_uscc"], operator["fleet_vehicle_count"]) == (OPERATOR, 5)

    # the same again, also later, is no news
    again = accumulate_and_refer(world.a, NOW + DAY)
    assert (again.written, again.opened) == ((), ())

    # the office files one of them; then a case of each is revoked
    matter = sent[str(other["snapshot_no"])]
    assert matter is not None
    world.carry(world.a, world.b, NOW + DAY)
    there = find_matter(matters_of(world.b), matter.key.no)
    for code in ("sign", "file"):
        there = do(world.b, following(world.b, there, code, NOW + DAY), NOW + DAY).matter
    world.carry(world.b, world.a, NOW + DAY)
    own(world.a, "case_result", [revoked(first[0]), revoked(second[0])])
    below = accumulate_and_refer(world.a, NOW + 2 * DAY)
    assert said(below) == [("below", "vehicle", 3)] * 2
    (withdrawn,) = below.withdrawn
    assert withdrawn.state_name == "withdrawn"
    assert withdrawn.latest.reason_code == "decision_revoked"
    (told,) = below.too_late
    assert (told.matter.key.no, told.matter.state_name) == (matter.key.no, "filed")
    assert below.needs_a_person
    taken = {r["supersedes_record_id"]: r for r in snapshots(world.a)}[row["record_id"]]
    assert (taken["snapshot_change"], taken["not_counted_reasons"]) == ("below", ["revoked"])
    assert taken["subject_token"] == row["subject_token"]

    looked = look_at(world.a, str(row["snapshot_no"]), NOW + 2 * DAY)
    assert looked.snapshot is not None
    assert len(looked.snapshot.hit_record_ids) == 4
    assert [a.count for a in looked.reckoned.accumulations.all()] == [3]
    found = reckon(world.a, NOW.date(), NOW, asked=Asked(kinds=("driver",), near=True))
    assert list(found.names.values()) == ["虚构某"]
    with pytest.raises(ConfigError):
        look_at(world.a, "皖P99999", NOW)


def licences(node: Node, vehicles: int) -> None:
    rows = [
        {"licence_type": "road_transport_vehicle", "licence_no": f"证{n}",
         "vehicle_plate_no": f"皖Q0000{n}", "vehicle_plate_color": "yellow",
         "vehicle_class": "truck_heavy", "vehicle_operator_uscc": OPERATOR,
         "vehicle_registration_division": A.division_code, "valid_from": "2020-01-01",
         "licence_status": "valid"}
        for n in range(vehicles)
    ]  # fmt: skip
    names = ", ".join(rows[0])
    updated = "TIMESTAMPTZ '2026-06-01 00:00:00+08' AS source_updated_time"
    mapping = f"SELECT licence_no AS source_record_id, {updated}, {names} FROM raw"
    run = append_own(node, "licence", mapping, rows, NOW)
    assert run is not None
    assert not run.quarantined, run.reasons
