"""A partner that signs rows as somebody else's: they must not stand in for our own records."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
from flows_world import NOW, A, B, World, agreement_text, case, counts, publish_bytes, query

from exchange.agreement.model import load_agreement
from exchange.bundle.build import BundleContents, build_bundle
from lake.store import Lake
from schemas.contract import load_contract
from schemas.identity import content_hash_sql
from schemas.rulepack import load_rule_pack
from schemas.sql import connect

CONTRACT = load_contract("case_result")
OWN = "SELECT record_id, fine_amount_cny::INT FROM case_result_current WHERE _bundle_id IS NULL"


def _forged(world: World, record_id: str, org_code: str, content_hash: str | None = None) -> None:
    """B signs a row under A's ``record_id``, of the source ``org_code``, newer than any other.

    Its content hash is right unless one is given.
    """
    agreement = load_agreement(world.root / "b/agreements/b-a.toml")
    grant = next(g for g in agreement.grants_from(B.code) if "case_result" in g.records)
    late = datetime(2026, 10, 8, 12, tzinfo=UTC)
    values = {
        "record_id": record_id,
        "record_type": "case_result",
        "schema_version": CONTRACT.version,
        "source_org_code": org_code,
        "source_org_name": "虚构",
        "source_system": "cases",
        "division_code": "999901",
        "business_domain": "01",
        "source_updated_time": late,
        "received_time": NOW,
        "record_version": 0,
        "data_status": "valid",
        "sharing_attribute": "conditional",
        "sensitivity_class": "internal",
        "rule_pack_version": load_rule_pack().version,
        "content_hash": "0" * 64,
        "case_no": "乙交罚〔2026〕0001号",
        "decision_type": "penalty",
        "violation_type": "超限运输",
        "decision_date": datetime(2026, 9, 1, tzinfo=UTC).date(),
    }
    schema = CONTRACT.arrow_schema(grant.columns(CONTRACT))
    table = pa.Table.from_pylist([values], schema=schema)
    values["content_hash"] = content_hash or _hash_of(table)
    contents = BundleContents(
        agreement=agreement,
        grant=grant,
        sequence=1,
        previous_statement_sha256=None,
        tables={"case_result": pa.Table.from_pylist([values], schema=schema)},
        contracts={"case_result": CONTRACT},
        lake_versions={"case_result": 1},
        rule_pack_version=load_rule_pack().version,
        verdict=b"{}",
    )
    data = build_bundle(contents, world.b.signers().all, NOW)
    publish_bytes(world.b, agreement.stream_id(grant), 1, data, data)


def _hash_of(table: pa.Table) -> str:
    con = connect(threads=1)
    try:
        con.register("one_row", table)
        sql = content_hash_sql(CONTRACT, table.schema.names)
        ((found,),) = con.execute(f"SELECT {sql} FROM one_row").fetchall()
        return str(found)
    finally:
        con.close()


def _world_with_one_case(world: World) -> str:
    for folder in ("a", "b"):
        text = agreement_text("b-a", B, A)
        (world.root / folder / "agreements/b-a.toml").write_text(text, encoding="utf-8")
    world.drop("1.csv", [case(1)])
    world.sync()
    ((record_id, _),) = query(world.a, "case_result", OWN)
    return str(record_id)


def test_a_row_in_anothers_name_is_quarantined(world: World) -> None:
    record_id = _world_with_one_case(world)
    _forged(world, record_id, A.code)
    (taken,) = world.receive(world.a)
    assert counts(taken.counts["case_result"]) == (1, 0, 0, 0, 1)
    (run,) = Lake(world.a.place("lake")).runs("case_result", limit=1)
    assert run.reasons == {"bundle:source_org_code": 1}
    receipts = "SELECT receipt_grade, refusal_reason FROM receipt_current"
    ((grade, reason),) = query(world.a, "receipt", receipts)
    assert grade == "taken_in"
    assert "1 行" in reason
    assert query(world.a, "case_result", OWN) == [(record_id, 200)]


def test_a_row_under_anothers_number_does_not_hide_the_record(world: World) -> None:
    record_id = _world_with_one_case(world)
    _forged(world, record_id, B.code)
    (taken,) = world.receive(world.a)
    assert counts(taken.counts["case_result"]) == (1, 1, 0, 0, 0)
    assert query(world.a, "case_result", OWN) == [(record_id, 200)]
    # a correction of ours is still the record in force, and is still sent
    world.drop("2.csv", [case(1, day=5, fine="500")])
    assert counts(world.sync()) == (1, 1, 0, 0, 0)
    assert query(world.a, "case_result", OWN) == [(record_id, 500)]
    sent = {p.stream: p.counts for p in world.publish()}
    assert sent[world_stream(world)] == {"case_result": 1}


def test_a_row_whose_hash_is_not_its_contents_is_quarantined(world: World) -> None:
    record_id = _world_with_one_case(world)
    _forged(world, record_id, B.code, content_hash="0" * 64)
    (taken,) = world.receive(world.a)
    assert counts(taken.counts["case_result"]) == (1, 0, 0, 0, 1)
    assert taken.counts["case_result"].reasons == {"bundle:content_hash": 1}


def world_stream(world: World) -> str:
    agreement = load_agreement(world.root / "a/agreements/a-b.toml")
    return agreement.stream_id(agreement.grants_from(A.code)[0])
