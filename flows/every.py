"""Syncing again and again at a short interval, beside the nightly run (M17).

Each stream has a thread and a rhythm of its own, so that a slow or failing one delays nobody.
What a round does is what the night does (:mod:`flows.sync_one`); Prefect, which keeps the
night's schedule and its history, has no part in it, and a round costs no server.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from threading import Event

from flows.asking import PostponedError
from flows.outcome import Outcome
from flows.sync_one import sync_one
from schemas.errors import HefuError

#: Rest between two rounds of one stream, even if a round takes longer than the interval.
_LEAST_PAUSE = timedelta(seconds=1)


def sync_every(
    node: str,
    streams: Sequence[str],
    interval: timedelta,
    stop: Event,
    told: Callable[[Outcome], None],
    *,
    full: bool = False,
    anyway: bool = False,
) -> None:
    """Sync each of ``streams`` every ``interval`` until ``stop`` is set; a round in progress ends.

    ``told`` hears of every round, from that stream's thread. ``full`` holds for the first round.
    A ``HefuError`` is an outcome and the next round comes all the same; anything else is a
    defect, stops all streams and is raised.
    """

    def rounds(stream_id: str) -> None:
        everything = full
        while not stop.is_set():
            started = time.monotonic()
            outcome = _round(node, stream_id, full=everything, anyway=anyway)
            told(outcome)
            everything = everything and outcome.result is None
            rest = interval - timedelta(seconds=time.monotonic() - started)
            stop.wait(max(rest, _LEAST_PAUSE).total_seconds())

    with ThreadPoolExecutor(max_workers=len(streams), thread_name_prefix="every") as pool:
        running = [pool.submit(rounds, stream_id) for stream_id in streams]
        try:
            wait(running, return_when=FIRST_EXCEPTION)
        finally:
            stop.set()  # also when this thread was interrupted: the others must come to an end
    for future in running:
        future.result()


def _round(node: str, stream_id: str, *, full: bool, anyway: bool) -> Outcome:
    try:
        done = sync_one(node, stream_id, datetime.now(UTC), full=full, anyway=anyway)
    except HefuError as error:
        return Outcome(stream_id, error=error)
    if isinstance(done, PostponedError):
        return Outcome(stream_id, postponed=done)
    return Outcome(stream_id, result=done)
