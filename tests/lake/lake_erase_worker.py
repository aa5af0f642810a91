"""Erases in copies of a lake and dies of SIGKILL at the ``nth`` change of a name, for each nth.

Arguments: the lake's root, a folder for the copies, the record id. Prints one wait status a line;
the last one is 0: so many changes there are not.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from pathlib import Path

import pyarrow.parquet  # noqa: F401 (imported before the fork)

from lake.erase import Rows, erase_rows


def arm(nth: int) -> None:
    real = Path.replace
    calls = 0

    def deadly(self: Path, target: Path) -> Path:
        nonlocal calls
        calls += 1
        if calls == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(self, target)

    Path.replace = deadly  # type: ignore[method-assign, assignment]


def main(root: Path, copies: Path, org: str, record_id: str) -> None:
    nth, status = 0, -signal.SIGKILL
    while status:
        nth += 1
        shutil.copytree(root, copies / str(nth))
        child = os.fork()
        if not child:
            arm(nth)
            erase_rows(copies / str(nth), "inspection", Rows(org, frozenset([record_id])))
            os._exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        sys.stdout.write(f"{status}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4])
