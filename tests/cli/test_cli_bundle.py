"""``hefu verify`` and ``hefu open``: what a partner without a node can do."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cli_world import CITY, COUNTY, Hefu, start


def test_a_good_bundle_says_who_sent_what_to_whom(hefu: Hefu, bundle: Path, tmp_path: Path) -> None:
    ran = hefu("verify", bundle, "--trust", tmp_path / "trust", "--recipient", CITY.code)
    assert ran.code == 0
    assert COUNTY.name in ran.out
    assert "case_result 2" in ran.out
    assert "county-city version 1" in ran.out
    assert "warning:" not in ran.out
    assert "nothing is missing before" in ran.err


def test_verify_as_json_holds_the_statement(hefu: Hefu, bundle: Path, tmp_path: Path) -> None:
    ran = hefu("verify", bundle, "--trust", tmp_path / "trust", "--json")
    told = json.loads(ran.out)
    assert (ran.code, told["verified"]) == (0, True)
    assert told["statement"]["counts"] == {"case_result": 2}
    assert [w["zh"] for w in told["warnings"]] != []


def test_a_bundle_for_another_agency_is_refused_with_step_expected_and_found(
    hefu: Hefu, bundle: Path, tmp_path: Path
) -> None:
    ran = hefu("verify", bundle, "--trust", tmp_path / "trust", "--recipient", COUNTY.code)
    assert (ran.code, ran.out) == (4, "")
    assert "step:     parties" in ran.err
    assert f"expected: {COUNTY.code}" in ran.err
    assert f"found:    {CITY.code}" in ran.err
    assert "hint: " in ran.err


def test_a_changed_byte_is_refused_and_told_as_json(
    hefu: Hefu, bundle: Path, tmp_path: Path
) -> None:
    data = bytearray(bundle.read_bytes())
    data[len(data) // 2] ^= 1
    bundle.write_bytes(data)
    ran = hefu("verify", bundle, "--trust", tmp_path / "trust", "--json")
    told = json.loads(ran.out)
    assert ran.code == 4
    assert told["error"] == "VerificationError"
    assert {"step", "expected", "found", "message", "hint"} <= told.keys()


@pytest.mark.parametrize("missing", ["bundle", "trust"])
def test_a_file_that_is_not_there_is_wrong_use(
    hefu: Hefu, bundle: Path, tmp_path: Path, missing: str
) -> None:
    paths = {"bundle": bundle, "trust": tmp_path / "trust"} | {missing: tmp_path / "nowhere"}
    ran = hefu("verify", paths["bundle"], "--trust", paths["trust"])
    assert (ran.code, ran.out) == (2, "")
    assert "nowhere" in ran.err


@pytest.mark.parametrize("kind", ["parquet", "csv", "xlsx"])
def test_open_writes_the_records_and_lists_the_files(
    hefu: Hefu, bundle: Path, tmp_path: Path, kind: str
) -> None:
    out = tmp_path / "opened"
    ran = hefu("open", bundle, "--trust", tmp_path / "trust", "--out", out, "--format", kind)
    assert ran.code == 0, ran.err
    written = [Path(line) for line in ran.out.splitlines()]
    assert f"case_result.{kind}" in {path.name for path in written}
    assert all(path.is_file() for path in written)
    assert "verified" in ran.err


def test_open_writes_nothing_of_a_bundle_that_fails(
    hefu: Hefu, bundle: Path, tmp_path: Path
) -> None:
    bundle.write_bytes(bundle.read_bytes()[:-1])
    out = tmp_path / "opened"
    ran = hefu("open", bundle, "--trust", tmp_path / "trust", "--out", out)
    assert (ran.code, ran.out) == (4, "")
    assert not out.exists()


def test_verify_loads_nothing_of_the_pipeline(bundle: Path, tmp_path: Path) -> None:
    """A cold start stays under a second only without these."""
    program = (
        "import json, sys; from hefu.cli import run; code = run(sys.argv[1:]);"
        "sys.stderr.write(json.dumps([code, sorted({m.partition('.')[0] for m in sys.modules})]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "verify", bundle, "--trust", tmp_path / "trust"],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(Path(__file__).parents[2]), "HEFU_LANG": "en"},
    )
    code, loaded = json.loads(done.stderr.splitlines()[-1])
    assert code == 0
    heavy = {"prefect", "great_expectations", "pandas", "deltalake", "sqlalchemy"}
    assert set(loaded) & heavy == set()


def test_verify_works_as_a_process_in_chinese(bundle: Path, tmp_path: Path) -> None:
    ran = start("verify", bundle, "--trust", tmp_path / "trust", language="zh")
    assert ran.code == 0, ran.err
    assert ran.out.startswith("验证通过")
    assert "注意：" in ran.err
