"""Killed at any place and started again, the lake is as if it had not been killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from lake_samples import STREAM, lake_at, query
from lake_worker import DAYS, PLACES

WORKER = Path(__file__).with_name("lake_worker.py")
REPOSITORY = WORKER.parents[2]


def start(root: Path, point: str) -> int:
    paths = [str(REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, str(WORKER), str(root), point]
    return subprocess.run(command, env=environment, check=False).returncode


def content(root: Path) -> list[tuple[Any, ...]]:
    return query(
        lake_at(root),
        "SELECT * EXCLUDE (_run_id) FROM thing_history ORDER BY record_id, record_version",
    )


@pytest.fixture(scope="module")
def unkilled(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Any, ...]]:
    root = tmp_path_factory.mktemp("unkilled")
    assert start(root, "none") == 0
    return content(root)


@pytest.mark.parametrize("place", PLACES)
def test_killed_once(tmp_path: Path, unkilled: list[tuple[Any, ...]], place: str) -> None:
    assert start(tmp_path, f"2:{place}") == -signal.SIGKILL
    assert start(tmp_path, "none") == 0
    assert len(unkilled) == 2 * 5 * DAYS
    assert content(tmp_path) == unkilled


def test_killed_again_and_again(tmp_path: Path, unkilled: list[tuple[Any, ...]]) -> None:
    for point in ("1:reading", "1:read", "1:appended", "3:start", "1:bundle-appended", "4:ledger"):
        assert start(tmp_path, point) == -signal.SIGKILL
    assert start(tmp_path, "none") == 0
    assert content(tmp_path) == unkilled
    assert lake_at(tmp_path).next_sequence(STREAM, "thing") == DAYS + 1
