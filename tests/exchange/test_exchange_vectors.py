"""Every committed vector, through Hefu's reader and through one written from FORMAT.md alone."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import client
import generate
import pytest
import run

VECTORS = Path(generate.__file__).parent
sys.path.insert(0, str(VECTORS / "independent"))

import reader  # noqa: E402

CASES = sorted(path.parent for path in VECTORS.glob("*/expected.json"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("main", [client.main, reader.main], ids=["hefu", "independent"])
def test_a_vector_ends_as_it_says(
    main: Callable[[list[str]], int], case: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = json.loads((case / "expected.json").read_text())
    code = main(run.command_for(case, []))
    said = capsys.readouterr().out.strip()
    assert (code, said) == ((0, "ok") if expected["accepted"] else (4, expected["step"]))
    assert expected["accepted"] == (not case.name.endswith("_fail"))


def test_the_independent_reader_has_nothing_of_ours() -> None:
    files = list(Path(reader.__file__).parent.glob("**/*.py"))
    own = {path.stem for path in files}
    assert all(name == "reader" or name.startswith("own_") for name in own)
    assert not list(VECTORS.glob("own_*")), "or the reader would have it in the place of its own"
    others = {"__future__", "cryptography", "yaml", "pyarrow"}
    for path in files:
        assert _imported(path) - others - own <= sys.stdlib_module_names, path.name


def _imported(path: Path) -> set[str]:
    return {
        name.split(".")[0]
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }


def test_the_vectors_are_rebuilt_byte_for_byte(tmp_path: Path) -> None:
    generate.write(tmp_path)
    made = {p.relative_to(tmp_path): p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    kept = {
        p.relative_to(VECTORS): p.read_bytes()
        for case in [*CASES, VECTORS / "golden"]
        for p in case.rglob("*")
        if p.is_file()
    }
    assert made.keys() == kept.keys()
    assert [str(name) for name in made if made[name] != kept[name]] == []


def test_every_step_has_a_vector_that_fails_at_it() -> None:
    steps = {json.loads((c / "expected.json").read_text())["step"] for c in CASES}
    from exchange.errors import STEPS

    assert set(STEPS) - steps == {"size"}  # a file of four gigabytes is no vector


def test_the_runner_tells_a_reader_that_accepts_all_from_one_that_is_right(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    few = [VECTORS / "minimal", VECTORS / "stream_gap_fail"]
    for case in few:
        (tmp_path / case.name).symlink_to(case)
    monkeypatch.setattr(run, "HERE", tmp_path)
    assert run.main(["--", sys.executable, str(VECTORS / "client.py")]) == 0
    assert run.main(["--", sys.executable, "-c", "pass"]) == 1
    assert "stream_gap_fail: WRONG: exit code 0" in capsys.readouterr().out
    assert run.main([]) == 2
    assert run.main(["--only", "repository", "--", sys.executable, "-c", "pass"]) == 1
    assert capsys.readouterr().out == "0 vectors, 0 wrong\n"


def test_the_generator_runs_as_a_program(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(VECTORS / "generate.py"), str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"{len(CASES)} vectors written\n"
