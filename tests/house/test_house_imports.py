"""A partner's installation has no pipeline, and the command line must start at once.

``hefu.cli``, ``exchange`` and ``schemas`` are imported in a process of their own, because this
process has long since imported what they must not.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PIPELINE = {"prefect", "great_expectations", "pandas", "deltalake", "sqlalchemy"}
ENGINES = {"duckdb", "pyarrow", "numpy"}  # half a second at start-up


def loaded_by(*modules: str) -> set[str]:
    """Top-level names in ``sys.modules`` after importing ``modules`` in a fresh interpreter."""
    program = (
        f"import importlib, json, sys\n"
        f"for name in {list(modules)!r}: importlib.import_module(name)\n"
        f"print(json.dumps(sorted({{name.partition('.')[0] for name in sys.modules}})))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def modules_of(package: str) -> list[str]:
    files = sorted((ROOT / package).rglob("*.py"))
    dotted = (".".join(path.relative_to(ROOT).with_suffix("").parts) for path in files)
    return [name.removesuffix(".__init__") for name in dotted if not name.endswith("__main__")]


@pytest.mark.parametrize("package", ["schemas", "exchange"])
def test_a_partner_needs_no_pipeline_for(package: str) -> None:
    assert loaded_by(*modules_of(package)) & PIPELINE == set()


def test_the_command_line_starts_without_pipeline_and_engines() -> None:
    assert loaded_by("hefu.cli") & (PIPELINE | ENGINES) == set()


def test_the_verifier_and_the_contracts_need_no_pipeline() -> None:
    assert loaded_by("exchange.bundle.verify", "schemas.contract") & PIPELINE == set()


def test_importing_a_room_starts_nothing(tmp_path: Path) -> None:
    """No effects at import: no file appears and no thread runs after importing every room."""
    rooms = ("schemas", "lake", "connectors", "quality", "cooperation", "exchange", "hefu")
    names = [name for room in rooms for name in modules_of(room)]
    program = (
        "import importlib, threading\n"
        f"for name in {names!r}: importlib.import_module(name)\n"
        "print(threading.active_count())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (done.stdout.strip(), done.stderr, list(tmp_path.iterdir())) == ("1", "", [])
