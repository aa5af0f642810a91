"""Real open data, from the city's file to a bundle that a partner verified and took in."""

from __future__ import annotations

import csv
from pathlib import Path

import pyrage
import pytest
from examples_constants import NOW

from connectors.pull import PullRequest
from examples.real.nodes import CITIES, READER, Pair, set_up
from exchange.bundle.contracts import INSTALLED
from exchange.bundle.open import write_out
from exchange.bundle.verify import Policy, Trust, verify_bundle
from exchange.keys.signing import load_public_key
from flows.incoming import incoming_of, take_in
from flows.ingest import ingest
from flows.outgoing import Published, grants_of, publish_to
from hefu.node import load_node
from lake.runs import RunRecord
from lake.store import Lake
from schemas.sql import connect


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return set_up(tmp_path_factory.mktemp("real"), NOW)


@pytest.fixture(scope="module")
def runs(pair: Pair) -> dict[str, RunRecord]:
    node = load_node(pair.cities)
    request = PullRequest("cursor", None, None, None, NOW)
    return {s.stream_id: ingest(node, s, request, NOW) for s in node.sources()}


def test_tickets_without_a_description_wait_and_the_others_go_through(
    runs: dict[str, RunRecord],
) -> None:
    run = runs["nyc_parking/tickets"]
    assert (run.received, run.accepted, run.quarantined) == (1_000, 909, 91)
    assert run.reasons == {"required:violation_type": 91}
    assert run.gate_passed
    assert set(run.drift.unused) == {"Registration State", "Plate Type", "Vehicle Make"}


def test_every_stop_goes_through_without_what_describes_the_person(
    runs: dict[str, RunRecord],
) -> None:
    run = runs["mpls_stops/stops"]
    assert (run.received, run.accepted, run.quarantined) == (51_920, 51_920, 0)
    assert {"race", "preRace", "gender", "lat", "long"} <= set(run.drift.unused)


def test_values_are_those_of_the_files(pair: Pair, runs: dict[str, RunRecord]) -> None:
    assert runs
    lake = Lake(load_node(pair.cities).place("lake"))
    con = connect()
    lake.attach(con, "case_result")
    lake.attach(con, "inspection")
    ticket = con.execute(
        "SELECT CAST(decision_date AS VARCHAR), violation_type, case_cause_code,"
        " vehicle_plate_no, vehicle_type FROM case_result_current"
        " WHERE source_record_id = '4006478550'"
    ).fetchone()
    stop = con.execute(
        "SELECT epoch(inspection_time), inspection_place, inspection_remark"
        " FROM inspection_current WHERE source_record_id = '17-000003'"
    ).fetchone()
    con.close()
    assert ticket == ("2016-10-05", "BUS LANE VIOLATION", "NYC/5", "VAD7274", "4D")
    assert stop == (
        1_483_250_442,  # 2017-01-01 06:00:42 UTC
        "Cedar Riverside, precinct 1",
        "reason: suspicious; entered from: MDC; citation issued: not stated; "
        "person searched: no; vehicle searched: no",
    )


@pytest.fixture(scope="module")
def published(pair: Pair, runs: dict[str, RunRecord]) -> Published:
    assert runs
    cities = load_node(pair.cities)
    (one,) = [publish_to(cities, grant, NOW) for grant in grants_of(cities)]
    return one


def test_reading_the_same_files_again_changes_nothing(
    pair: Pair, runs: dict[str, RunRecord]
) -> None:
    node = load_node(pair.cities)
    (tickets,) = node.sources(["nyc_parking"])
    request = PullRequest("window", None, None, None, NOW)
    again = ingest(node, tickets, request, NOW)
    assert (again.received, again.accepted, again.unchanged, again.quarantined) == (
        1_000,
        0,
        runs["nyc_parking/tickets"].accepted,
        91,
    )


def test_anybody_with_the_key_can_verify_the_bundle_and_open_it_as_csv(
    pair: Pair, published: Published, tmp_path: Path
) -> None:
    key = load_public_key(pair.cities / "keys" / "signing.pub.pem")
    assert published.path is not None
    # The reader's identity opens it; the publisher's own would, too.
    identities = load_node(pair.reader).identities()
    data = bytes(pyrage.decrypt(published.path.read_bytes(), identities))
    policy = Policy(INSTALLED, standalone=True)
    verified = verify_bundle(data, Trust(CITIES.code, (key,)), policy, NOW)
    assert verified.statement.counts == {"case_result": 909, "inspection": 51_920}
    written = {path.name: path for path in write_out(verified, tmp_path / "out", "csv")}
    for record_type, rows in verified.statement.counts.items():
        with written[f"{record_type}.csv"].open(encoding="utf-8-sig", newline="") as file:
            found = list(csv.DictReader(file))
        assert len(found) == rows
        assert "party_name" not in found[0]
    with written["case_result.csv"].open(encoding="utf-8-sig", newline="") as file:
        (ticket,) = (row for row in csv.DictReader(file) if row["case_no"] == "4006478550")
    assert (ticket["decision_date"], ticket["violation_type"], ticket["vehicle_plate_no"]) == (
        "2016-10-05",
        "BUS LANE VIOLATION",
        "VAD7274",
    )


def test_a_partner_verifies_the_bundle_and_takes_it_in(pair: Pair, published: Published) -> None:
    reader = load_node(pair.reader)
    assert published.partner == READER.code
    assert published.counts == {"case_result": 909, "inspection": 51_920}
    (taken,) = [taken for each in incoming_of(reader) for taken in take_in(reader, each, NOW)]
    assert taken.partner == CITIES.code
    assert taken.bundle_id == published.bundle_id
    assert {kind: counts.accepted for kind, counts in taken.counts.items()} == published.counts


def test_the_data_lie_where_their_source_looks(pair: Pair) -> None:
    files = {path.name for path in Path(pair.cities / "sources").rglob("*") if path.is_file()}
    assert {"nyc_parking_tickets.csv", "mpls_police_stops.parquet"} <= files
