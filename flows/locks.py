"""Locks between the runs of a node, across processes: one over a stream, a few over a system.

An operator's backfill and the nightly sync may meet. ``flock`` is dropped by the kernel when
its process dies, so a run that was killed leaves nothing to clean up.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from hefu.node import Node


@contextmanager
def holding(node: Node, name: str) -> Iterator[None]:
    """Wait for the node's lock ``name`` (a stream, a record type) and hold it."""
    with _file_of(node, name) as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextmanager
def trying(node: Node, name: str) -> Iterator[bool]:
    """Hold the node's lock ``name`` if nobody has it; says whether it is held."""
    with _file_of(node, name) as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


@contextmanager
def holding_one_of(node: Node, name: str, places: int, *, pause: float = 0.2) -> Iterator[None]:
    """Wait for one of ``places`` places under ``name`` and hold it.

    Nobody can wait for several locks at once, so the free one is looked for every ``pause``
    seconds.
    """
    while True:
        for place in range(places):
            with trying(node, f"{name}.{place}") as held:
                if held:
                    yield
                    return
        time.sleep(pause)


def _file_of(node: Node, name: str) -> TextIO:
    folder = node.place("tmp") / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    return (folder / (name.replace("/", "__") + ".lock")).open("w")
