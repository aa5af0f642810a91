"""The case index says what the lake says, whatever was added, received, erased or broken."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from flows_cases import KEY, make_office, own, person, received, token
from flows_world import A, B

from cooperation.referral.leads import lead_number
from exchange.keys.pairs import write_pair_key
from flows.case_index import attach_cases, rebuild_cases
from flows.case_parts import MANIFEST, index_folder, read_manifest
from flows.case_question import ask_number
from hefu.node import Node, load_node
from lake.store import Lake


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("office") / "a"
    own(make_office(root), "case_result", [CASE | {"no": "甲1"}, CASE | {"no": "甲2"}])
    return root


@pytest.fixture
def node(template: Path, tmp_path: Path) -> Node:
    shutil.copytree(template, tmp_path / "a")
    return load_node(tmp_path / "a")


CASE = {
    "occurred_time": "2026-10-01T08:00:00+08:00",
    "vehicle_plate_no": "皖Z00001",
    "vehicle_plate_color": "yellow",
    "party_id_type": "resident_id",
    "party_id_no": person(1),
}


def cases(node: Node, columns: str = "no, source_org_code", where: str = "true") -> list[Any]:
    con = duckdb.connect()
    attach_cases(con, node)
    return con.execute(f"SELECT {columns} FROM cases WHERE {where} ORDER BY ALL").fetchall()


def test_own_rows_are_there_and_what_is_new_is_added(node: Node) -> None:
    assert cases(node, "no, is_own, vehicle_key") == [
        ("甲1", True, "皖Z00001/yellow"),
        ("甲2", True, "皖Z00001/yellow"),
    ]
    own(node, "lead", [{"no": "线索1", "violation_start_time": "2026-10-01T07:59:00+08:00"}])
    own(node, "case_result", [CASE | {"no": "甲3"}])
    assert [row[0] for row in cases(node)] == ["甲1", "甲2", "甲3", "线索1"]


def test_a_new_version_takes_the_place_of_the_old_one(node: Node) -> None:
    assert len(cases(node)) == 2
    later = {"source_updated_time": "2026-10-03T08:00:00+08:00", "fine_amount_cny": "300"}
    own(node, "case_result", [CASE | {"no": "甲2"} | later])
    assert cases(node, "no, CAST(fine_amount_cny AS INTEGER)") == [("甲1", None), ("甲2", 300)]


def test_files_are_the_owners_alone(node: Node) -> None:
    cases(node)
    folder = index_folder(node)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    modes = {stat.S_IMODE(p.stat().st_mode) for p in folder.iterdir() if p.name != "lease"}
    assert modes == {0o600}
    assert stat.S_IMODE((node.root / "keys/subjects.key").stat().st_mode) == 0o600


def test_a_bundles_rows_count_from_when_the_ledger_names_it(node: Node, tmp_path: Path) -> None:
    rows = [CASE | {"no": "乙1", "party_id_no": None, "party_id_token": token(1)}]
    entry = received(node, tmp_path / "b", "case_result", rows, named=False)
    assert [row[0] for row in cases(node)] == ["甲1", "甲2"]
    own(node, "case_result", [CASE | {"no": "甲3"}])
    assert [row[0] for row in cases(node)] == ["甲1", "甲2", "甲3"]
    Lake(node.place("lake")).ledger.add(entry)
    assert [row[0] for row in cases(node)] == ["乙1", "甲1", "甲2", "甲3"]
    assert cases(node, "is_own", "no = '乙1'") == [(False,)]


def test_a_partners_token_becomes_the_own_person(node: Node, tmp_path: Path) -> None:
    write_pair_key(node.pair_key_path(B.code), KEY)
    row = CASE | {"party_id_no": None, "party_id_type": None}
    tokens = [row | {"no": "乙1", "party_id_token": token(1)}]
    strangers = [row | {"no": "乙2", "driver_id_token": token(2)}]
    received(node, tmp_path / "b", "case_result", [*tokens, *strangers])
    assert len(cases(node, "DISTINCT party_key", "no IN ('甲1', '乙1')")) == 1
    assert cases(node, "driver_key", "no = '乙2'") == [(token(2),)]
    # The person is met here only afterwards: as a driver, by the licence.
    own(node, "case_result", [CASE | {"no": "甲9", "driver_license_no": person(2)}])
    ((driver,),) = cases(node, "driver_key", "no = '乙2'")
    assert cases(node, "driver_key", "no = '甲9'") == [(driver,)]
    assert driver not in (None, token(2))
    assert len(cases(node)) == 5


def test_a_key_that_comes_later_resolves_what_was_there(node: Node, tmp_path: Path) -> None:
    row = CASE | {"party_id_no": None, "party_id_type": None, "party_id_token": token(1)}
    received(node, tmp_path / "b", "case_result", [row | {"no": "乙1"}])
    assert cases(node, "party_key", "no = '乙1'") == [(token(1),)]
    write_pair_key(node.pair_key_path(B.code), KEY)
    assert len(cases(node, "DISTINCT party_key", "no IN ('甲1', '乙1')")) == 1


def test_many_small_steps_make_few_parts_and_the_same_rows(node: Node, tmp_path: Path) -> None:
    for step in range(3):
        again = {"source_updated_time": f"2026-10-0{step + 3}T08:00:00+08:00"}
        own(node, "case_result", [CASE | {"no": f"甲{step + 3}"}, CASE | {"no": "甲1"} | again])
        cases(node)
    step_by_step = cases(node, "* EXCLUDE (about_time)")
    manifest = read_manifest(index_folder(node))
    assert manifest is not None
    assert len(manifest.parts) <= 3
    rebuild_cases(node)
    assert cases(node, "* EXCLUDE (about_time)") == step_by_step


def _no_manifest(folder: Path) -> None:
    (folder / MANIFEST).unlink()


def _cut_manifest(folder: Path) -> None:
    (folder / MANIFEST).write_text('{"layout": "1/duck', encoding="utf-8")


def _cut_part(folder: Path) -> None:
    part = next(folder.glob("part-*"))
    os.truncate(part, part.stat().st_size // 2)


def _no_part(folder: Path) -> None:
    next(folder.glob("part-*")).unlink()


def _spoilt_footer(folder: Path) -> None:
    part = next(folder.glob("part-*"))
    data = part.read_bytes()
    part.write_bytes(data[:-200] + b"\0" * 200)


def _other_layout(folder: Path) -> None:
    path = folder / MANIFEST
    path.write_text(path.read_text("utf-8").replace("duckdb-", "duckdb-0"), encoding="utf-8")


@pytest.mark.parametrize(
    "spoil", [_no_manifest, _cut_manifest, _cut_part, _no_part, _spoilt_footer, _other_layout]
)
def test_what_is_broken_is_built_anew(node: Node, spoil: Callable[[Path], None]) -> None:
    before = cases(node)
    spoil(index_folder(node))
    assert cases(node) == before


def test_a_lost_key_means_other_pseudonyms_and_the_same_rows(node: Node) -> None:
    before = cases(node, "no, party_key")
    (node.root / "keys/subjects.key").unlink()
    after = cases(node, "no, party_key")
    assert [no for no, _ in after] == [no for no, _ in before]
    assert {key for _, key in after}.isdisjoint(key for _, key in before)


def test_a_reader_reads_on_while_another_refreshes(node: Node) -> None:
    """What a killed writer left behind goes, too, once nobody reads."""
    reader = duckdb.connect()
    attach_cases(reader, node)
    (index_folder(node) / "part-0123.parquet").write_bytes(b"half")
    own(node, "case_result", [CASE | {"no": f"甲{n}"} for n in range(3, 20)])
    assert len(cases(node)) == 19
    assert reader.execute("SELECT count(*) FROM cases").fetchone() == (2,)
    del reader
    own(node, "case_result", [CASE | {"no": "甲20"}])
    assert len(cases(node)) == 20
    manifest = read_manifest(index_folder(node))
    assert manifest is not None
    named = {file.name for file in manifest.files()}
    assert {p.name for p in index_folder(node).glob("*.parquet")} == named


def made_of(kind: str | None, record: str | None, no: str) -> dict[str, str | None]:
    """A lead as a node makes it of a record."""
    return {
        "no": no,
        "violation_start_time": CASE["occurred_time"],
        "origin_record_type": kind,
        "origin_record_id": record,
    }


def test_a_lead_that_is_a_copy_of_a_record_is_no_case_of_its_own(node: Node) -> None:
    [(record,)] = cases(node, "record_id", "no = '甲1'")
    own(
        node,
        "lead",
        [
            made_of("case_result", record, "抄告1"),
            made_of("accumulation_snapshot", "0" * 32, "抄告2"),
            made_of("work_order", None, "线索1"),
        ],
    )
    assert [row[0] for row in cases(node)] == ["甲1", "甲2", "线索1"]


@pytest.mark.parametrize("told", [True, False])
def test_a_partners_copy_is_known_also_if_it_does_not_say_what_it_copies(
    node: Node, tmp_path: Path, told: bool
) -> None:
    received(node, tmp_path / "b", "case_result", [CASE | {"no": "乙1"}])
    [(record,)] = cases(node, "record_id", "no = '乙1'")
    copy, kind = (record, "case_result") if told else (None, None)
    leads = [
        made_of(kind, copy, lead_number(B.code, record, A.code)),
        made_of(None, None, lead_number(B.code, "0" * 32, "")),
        made_of("case_result" if told else None, "1" * 32 if told else None, "抄告9"),
    ]
    received(node, tmp_path / "b2", "lead", leads, sequence=2)
    found = [row[0] for row in cases(node, "no", "record_type = 'lead'")]
    assert found == sorted(lead["no"] for lead in leads[1:]), "what is not here is told by its lead"


def test_a_question_by_the_number_of_a_copy_is_answered(node: Node) -> None:
    [(record,)] = cases(node, "record_id", "no = '甲1'")
    own(node, "lead", [made_of("case_result", record, "抄告1")])
    con = duckdb.connect()
    attach_cases(con, node)
    ask_number(con, "抄告1")
    assert con.execute("SELECT no, copy_of FROM asked").fetchall() == [("抄告1", record)]
