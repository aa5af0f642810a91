"""Two agencies match their people by tokens; the bundle between them carries no number."""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from flows_world import CASES, CASES_SQL, NOW, A, B, World, case

from connectors.pull import PullRequest
from exchange.keys.pairs import write_pair_key
from flows.ingest import ingest
from lake.store import Lake
from schemas.errors import ConfigError
from schemas.identities import id_check
from schemas.identities.tokens import field_token_sql, set_token_key
from schemas.sql import connect

KEY = bytes(range(32))


def id_no(person: int) -> str:
    """Of nobody: there is no region 999999."""
    body = f"99999919000101{person:03}"
    return body + id_check(body)


def old_id_no(person: int) -> str:
    return f"999999000101{person:03}"


WRONG = id_no(9)[:17] + ("0" if id_no(9)[17] != "0" else "1")


@pytest.fixture
def world(new_world: Callable[[], World]) -> World:
    """A knows drivers by their licence; B knows parties, some by their numbers of 15 digits."""
    world = new_world()
    for node in ("a", "b"):
        path = world.root / node / "agreements" / "a-b.toml"
        text = path.read_text("utf-8")
        fields = '"vehicle_plate_no", "party_id_token", "driver_id_token", "raw_values"]'
        path.write_text(text.replace('"vehicle_plate_no"]', fields), "utf-8")
    shutil.copytree(world.root / "a/sources" / CASES, world.root / "b/sources" / CASES)
    mapping(world, "a", "txt(phone) AS driver_license_no")
    mapping(world, "b", "txt(phone) AS party_id_no,\n    'resident_id' AS party_id_type")
    return world


def mapping(world: World, node: str, number: str) -> None:
    sql = CASES_SQL.replace("txt(phone) AS party_phone", number)
    sql = sql.replace("yuan(fine) AS", "yuan_from_wan(fine) AS")
    (world.root / node / "sources" / CASES / "mapping.sql").write_text(sql, "utf-8")


def sync_b(world: World) -> None:
    """B's own cases: persons 2, 3 and 4 of A's drivers, and one that A never met."""
    for path in (world.root / "drops").iterdir():
        path.unlink()
    world.drop(
        "b.csv",
        [
            case(1, no="乙罚1", phone=old_id_no(2)),
            case(2, no="乙罚2", phone=id_no(3)),
            case(3, no="乙罚3", phone=id_no(7)),
        ],
    )
    (source,) = world.b.sources([CASES])
    run = ingest(world.b, source, PullRequest("cursor", None, None, None, NOW), NOW)
    assert run.accepted == 3


def sync_a(world: World) -> None:
    world.drop("a.csv", [*(case(n, phone=id_no(n)) for n in (1, 2, 3)), case(9, phone=WRONG)])
    assert world.sync().accepted == 4


def give_keys(world: World) -> None:
    write_pair_key(world.a.pair_key_path(B.code), KEY)
    write_pair_key(world.b.pair_key_path(A.code), KEY)


def test_without_the_pairs_key_nothing_is_built_and_the_command_is_named(world: World) -> None:
    sync_a(world)
    with pytest.raises(ConfigError) as caught:
        world.publish()
    assert f"hefu partner token-key {B.code} --new" in str(caught.value.hint)
    assert not list((world.root / "a/repository").rglob("*.hefu"))


def test_a_key_that_others_may_read_is_refused(world: World) -> None:
    sync_a(world)
    give_keys(world)
    world.a.pair_key_path(B.code).chmod(0o640)
    with pytest.raises(ConfigError, match="others than its owner"):
        world.publish()


def test_the_right_people_match_and_no_number_travels(world: World, tmp_path: Path) -> None:
    give_keys(world)
    sync_a(world)
    world.publish()
    sync_b(world)
    (taken,) = world.receive()
    assert taken.counts["case_result"].accepted == 4
    assert matches(world) == {("甲交罚〔2026〕0002号", "乙罚1"), ("甲交罚〔2026〕0003号", "乙罚2")}
    rows = sent_rows(world, tmp_path)
    no_token = [row["case_no"] for row in rows if row["driver_id_token"] is None]
    assert no_token == ["甲交罚〔2026〕0009号"]
    assert {row["party_id_token"] for row in rows} == {None}


def test_raw_values_go_along_only_for_granted_fields(world: World, tmp_path: Path) -> None:
    give_keys(world)
    sync_a(world)
    world.publish()
    entries = {entry for row in sent_rows(world, tmp_path) for entry in row["raw_values"] or ()}
    assert {entry.partition("=")[0] for entry in entries} <= {"fine_amount_cny"}


def matches(world: World) -> set[tuple[str, str]]:
    """(A's case, B's case) of one person, as B finds them."""
    con = connect(threads=1)
    try:
        set_token_key(con, KEY)
        Lake(world.b.place("lake")).attach(con, "case_result")
        return set(
            con.execute(
                "SELECT a.case_no, b.case_no FROM case_result_current a JOIN "
                f"(SELECT *, {field_token_sql('party_id_token')} AS own FROM case_result_current "
                "WHERE _bundle_id IS NULL) b ON a.driver_id_token = b.own "
                "WHERE a._bundle_id IS NOT NULL"
            ).fetchall()
        )
    finally:
        con.close()


def sent_rows(world: World, tmp_path: Path) -> list[dict[str, object]]:
    """The bundle's rows, after a search for every number in all that it holds."""
    with zipfile.ZipFile(io.BytesIO(world.plain(1))) as bundle:
        bundle.extractall(tmp_path)
    rows: list[dict[str, object]] = []
    everything = [world.plain(1)]
    for path in tmp_path.rglob("*"):
        if path.suffix == ".parquet":
            rows += pq.read_table(path).to_pylist()
        elif path.is_file():
            everything.append(path.read_bytes())
    everything.append(repr(rows).encode())
    for number in (*map(id_no, range(1, 5)), *map(old_id_no, range(1, 5)), WRONG, KEY.hex()):
        assert not any(number.encode() in data for data in everything)
    return rows
