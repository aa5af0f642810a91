"""One run at a time over one stream, across processes.

An operator's backfill and the nightly sync may meet. ``flock`` is dropped by the kernel when
its process dies, so a run that was killed leaves nothing to clean up.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from hefu.node import Node


@contextmanager
def holding(node: Node, name: str) -> Iterator[None]:
    """Wait for the node's lock ``name`` (a stream, a record type) and hold it."""
    folder = node.place("tmp") / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / (name.replace("/", "__") + ".lock")).open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
