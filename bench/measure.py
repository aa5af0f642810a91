"""Wall time and peak memory of a child process, and the best of several."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Measured:
    """``seconds`` wall, ``peak_mib`` resident, and what the child printed as JSON."""

    seconds: float
    peak_mib: float
    said: dict[str, Any] = field(default_factory=dict)


def run(command: Sequence[str], *, env: dict[str, str] | None = None) -> Measured:
    """Run ``command`` to its end; its last line of output may be a JSON object.

    The peak is the child's own resident set (``wait4``), servers that it started included
    only if they live in its process.
    """
    started = time.perf_counter()
    child = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, **(env or {})}
    )
    assert child.stdout is not None  # noqa: S101 (PIPE was asked for)
    output = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - started
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with {child.returncode}\n{output}")
    last = output.strip().splitlines()[-1] if output.strip() else ""
    said = json.loads(last) if last.startswith("{") else {}
    return Measured(seconds, usage.ru_maxrss / 1024, said)


def part(name: str, *arguments: str | Path) -> Measured:
    """Run one of ``bench/parts.py`` in a process of its own."""
    return run([sys.executable, "-m", "bench.parts", name, *map(str, arguments)])


def best(times: int, command: Sequence[str]) -> Measured:
    """The quickest of several runs: for start-up times, where all noise adds."""
    return min((run(command) for _ in range(times)), key=lambda m: m.seconds)
