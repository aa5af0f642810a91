"""``hefu recognise``: what an officer sees, decides and asks; nothing of a person is shown."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from cli_world import CITY, COUNTY, Hefu, make_node

from flows.own_records import append_own
from hefu.node import Node
from lake.ledger import Entry
from lake.runs import RunRecord, bundle_stream_id
from lake.store import Lake
from schemas.contract import load_contract

FIRM, NAME, PLATE = "91999900MA00000006", "示例甲乙公司", "浙A12345"
NOW = datetime.now(UTC).replace(microsecond=0)  # the commands ask the clock themselves
ACTED = NOW - timedelta(days=30)
CASES = """
SELECT no AS source_record_id, no AS case_no, 'penalty' AS decision_type, '超限运输' AS
  violation_type, name AS party_name, 'uscc' AS party_id_type, firm AS party_id_no,
  plate(plate) AS vehicle_plate_no, 'yellow' AS vehicle_plate_color, acted AS occurred_time,
  yuan('5000') AS fine_amount_cny, date_ymd(decided) AS decision_date,
  'overload_road' AS common_cause_code, acted AS source_updated_time,
  kg('75000') AS total_weight_kg, kg('49000') AS limit_weight_kg, acted AS filing_time FROM raw
"""


def row(no: str, acted: datetime) -> dict[str, str | None]:
    return {
        "no": no,
        "name": NAME,
        "firm": FIRM,
        "plate": PLATE,
        "acted": acted.isoformat(),
        "decided": f"{acted + timedelta(days=1):%Y-%m-%d}",
    }


def let(node: Node, *rows: dict[str, str | None]) -> None:
    run = append_own(node, "case_result", CASES, rows, NOW)
    assert run is not None
    assert run.quarantined == 0, run.reasons


def bring(sender: Node, receiver: Node) -> None:
    """The sender's cases, in the receiver's lake as a bundle would bring them."""
    from schemas.sql import connect

    contract = load_contract("case_result")
    con = connect(threads=1)
    Lake(sender.place("lake")).attach(con, "case_result")
    names = ", ".join(f.name for f in contract.fields if f.name != "record_version")
    rows: pa.Table = con.execute(f"SELECT {names} FROM case_result_current").to_arrow_table()
    stream = bundle_stream_id(sender.agency.code, "cases")
    run = RunRecord(
        run_id="bundle 1",
        stream_id=stream,
        record_type="case_result",
        mode="bundle",
        started_at=NOW,
        contract_version=contract.version,
        landed=("0" * 64,),
        received=len(rows),
        accepted=len(rows),
        unchanged=0,
        duplicate=0,
        quarantined=0,
        bundle_id="bundle 1",
    )
    lake = Lake(receiver.place("lake"))
    lake.append(contract, rows.to_reader(), run, sequence=1)
    lake.ledger.add(
        Entry(
            publisher=sender.agency.code,
            stream="cases",
            sequence=1,
            bundle_id="bundle 1",
            statement_digest="1" * 64,
            received_time=NOW,
            counts={"case_result": len(rows)},
            verdict_digest="2" * 64,
            file_digest="3" * 64,
        )
    )


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The city fined a truck a day after the county had, and an hour after its first act."""
    tmp_path = tmp_path_factory.mktemp("recognise")
    county, city = make_node(tmp_path / "county", COUNTY), make_node(tmp_path / "city", CITY)
    let(county, row("县1", ACTED), row("县2", ACTED - timedelta(days=60)))
    let(city, row("市1", ACTED + timedelta(hours=1)))
    bring(county, city)
    return city.root


def test_an_officer_lists_explains_and_decides(hefu: Hefu, city: Path) -> None:
    here = ("--node", city)
    made = hefu("recognise", "run", *here)
    assert made.code == 1, made.err  # our fine may be the second
    assert "2 proposed anew" in made.out
    listed = hefu("recognise", "list", *here)
    assert listed.code == 1
    assert "art. 29" in listed.err
    told = json.loads(hefu("recognise", "list", "--json", *here).out)
    assert {one["use"] for one in told["recognitions"]} == {"duplicate_fine_check", "accumulation"}
    (doubled,) = told["second_fines"]
    assert (doubled["own_no"], doubled["original_no"]) == ("市1", "县1")
    number = doubled["number"]
    only = json.loads(hefu("recognise", "list", "--use", "accumulation", "--json", *here).out)
    assert len(only["recognitions"]) == 1

    shown = hefu("recognise", "explain", number[-6:], *here)
    assert shown.code == 0, shown.err
    assert "第二十九条" in shown.out
    assert "same plate and colour" in shown.out
    assert "does not say that the decision was delivered" in shown.out
    for private in (NAME, FIRM, PLATE):
        assert private not in shown.out + shown.err + listed.out + listed.err
    assert PLATE in hefu("recognise", "explain", number, "--reveal", *here).out
    values = json.loads(hefu("recognise", "explain", number, "--json", *here).out)
    assert values["proposed_today"] == "partly"
    assert PLATE not in json.dumps(values, ensure_ascii=False)

    who = ("--role", "department_head", "--name", "测试甲")
    refused = hefu("recognise", "decide", number, "--decision", "not", *who, *here)
    assert refused.code == 2
    assert "needs a reason" in refused.err
    done = hefu(
        "recognise", "decide", number, "--decision", "not", "--reason", "not_same_act", *who, *here
    )
    assert done.code == 0, done.err
    assert done.out.strip() == number
    after = hefu("recognise", "list", "--all", "--json", *here)
    assert after.code == 0  # a person found that it is not the same act
    states = {one["number"]: one["state"] for one in json.loads(after.out)["recognitions"]}
    assert states[number] == "not_recognised"
    assert "测试甲" not in after.out
    again = hefu("recognise", "reopen", number, "--reason-text", "证据有误", *who, *here)
    assert again.code == 0, again.err
    assert "reopened" in again.err


def test_earlier_offences_and_inspections_are_asked_for(
    hefu: Hefu, city: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = ("--node", city)
    found = hefu("recognise", "check-first-offence", "市1", "--json", *here)
    assert found.code == 0, found.err
    told = json.loads(found.out)
    assert told["result"] == "record_in_answered_sources"
    assert {hit["no"] for hit in told["hits"]} == {"县2"}
    assert {one["no"] for one in told["same_act"]} == {"县1"}
    assert hefu("recognise", "check-first-offence", *here).code == 2
    asked = ("recognise", "check-first-offence", "--id-type", "uscc", "--purpose", "预查", *here)
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{FIRM}\n"))
    said = hefu(*asked)
    assert said.code == 0, said.err
    assert FIRM not in said.out + said.err
    assert "3 earlier in the answered sources" in said.out
    monkeypatch.setattr("sys.stdin", io.StringIO("no number\n"))
    wrong = hefu(*asked)
    assert wrong.code == 2
    assert "no number" not in wrong.err

    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PLATE}\n"))
    clean = hefu("recognise", "check-inspection", "--colour", "yellow", *here)
    assert clean.code == 0, clean.err
    assert "no inspection of the last 7 days in the answered sources" in clean.err
