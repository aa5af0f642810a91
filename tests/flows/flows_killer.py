"""Does one thing in a process of its own and dies of SIGKILL at a named place.

Started once, it imports what a run needs (some seconds) and then forks for every order that it
reads from stdin: ``{"world", "work", "module", "name", "when", "nth"}``. The child wraps the
function ``module.name`` (a method as ``Class.method``) so that its ``nth`` call ends in SIGKILL
``before`` or ``after`` the real one, and does the ``work``. The answer is the child's wait
status: a negative signal, or 0 if the place was never reached.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flows_world import LEADS, NIGHT, NOW, World

WORKS: dict[str, Callable[[World], object]] = {
    "sync": lambda world: world.sync(),
    "sync_leads": lambda world: world.sync(LEADS),
    "publish": lambda world: world.publish(),
    "receive": lambda world: world.receive(now=NOW + 2 * NIGHT),
}


def arm(module: str, name: str, when: str, nth: int) -> None:
    """Make the ``nth`` call of ``module.name`` the last thing that this process does."""
    owner: Any = importlib.import_module(module)
    *path, last = name.split(".")
    for part in path:
        owner = getattr(owner, part)
    real = getattr(owner, last)
    calls = 0

    def deadly(*args: Any, **more: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == nth and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = real(*args, **more)
        if calls == nth and when == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, last, deadly)


def serve() -> None:
    # Only imported, nothing started: a process with threads must not be forked.
    import great_expectations  # noqa: F401

    import quality.gx  # noqa: F401

    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if not child:
            arm(order["module"], order["name"], order["when"], order["nth"])
            WORKS[order["work"]](World(Path(order["world"])))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
