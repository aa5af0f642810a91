"""As a process: start-up, streams, languages, exit codes of wrong use."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli_world import COUNTY, ROOT, start

from hefu.cli import EXIT_CODES


def test_help_goes_to_stdout_and_tells_every_exit_code() -> None:
    ran = start("--help")
    assert (ran.code, ran.err) == (0, "")
    assert all(f"- {code}: " in ran.out for code in EXIT_CODES)


def test_help_is_in_the_readers_language() -> None:
    english, chinese = start("sync", "--help"), start("sync", "--help", language="zh")
    assert "Pull what is new" in english.out
    assert "拉取各来源的新数据" in chinese.out
    assert "选项" in chinese.out


def test_version() -> None:
    ran = start("--version")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("hefu ")


def test_help_loads_neither_pipeline_nor_engines() -> None:
    """``hefu --help`` stays under half a second only without these."""
    program = (
        "import json, sys; from hefu.cli import run; run(['--help']);"
        "sys.stderr.write(json.dumps(sorted({m.partition('.')[0] for m in sys.modules})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    heavy = {"prefect", "great_expectations", "pandas", "deltalake", "duckdb", "pyarrow"}
    assert set(json.loads(done.stderr)) & heavy == set()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["synk"], "Did you mean 'sync'"),
        (["backfill"], "missing argument 'SOURCE'"),
        (["sync", "--jason"], "no such option: --jason"),
        (["backfill", "a/b", "--since", "yesterday", "--until", "2026-10-01"], "not a date"),
    ],
)
def test_wrong_use_is_exit_code_2_and_one_error_with_a_hint(words: list[str], said: str) -> None:
    ran = start(*words)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: ")
    assert said in ran.err
    assert "\nhint: " in ran.err
    assert "Traceback" not in ran.err


def test_without_a_node_the_error_says_how_to_get_one(tmp_path: Path) -> None:
    ran = start("status", cwd=tmp_path)
    assert (ran.code, ran.out) == (2, "")
    assert "hefu init DIR" in ran.err


def test_init_puts_the_folder_alone_on_stdout(tmp_path: Path) -> None:
    ran = start(
        "init", tmp_path / "n", "--code", COUNTY.code, "--name", COUNTY.name, "--division", "330523"
    )
    assert ran.code == 0, ran.err
    assert len(ran.out.splitlines()) == 1
    assert ran.out.count("\n") == 1
    assert "Next" in ran.err


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    program = "import sys; from hefu.cli import main; sys.argv = ['hefu', '--help']; main()"
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-c", program],
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
        cwd=ROOT,
    )
    os.close(writing)
    assert b"Traceback" not in done.stderr
