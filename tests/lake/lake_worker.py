"""A process that takes days of a source and a partner's bundles in, and dies where told.

    python lake_worker.py ROOT POINT

POINT is ``day:place`` or ``none``; at that place it kills itself with SIGKILL. Started again
it goes on from what the lake says, as a node does.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
from lake_samples import SCHEMA, START, STREAM, bundle_run, contract, lake_at, reader, row, run

from lake.ledger import Entry
from lake.store import Lake

DAYS = 4
PLACES = ("start", "reading", "read", "appended", "bundle-reading", "bundle-appended", "ledger")


class Fate:
    """Kills the process when it reaches the point."""

    def __init__(self, point: str):
        self.point = point

    def reach(self, day: int, place: str) -> None:
        if self.point == f"{day}:{place}":
            os.kill(os.getpid(), signal.SIGKILL)


def rows_of(day: int, fate: Fate, place: str, prefix: str) -> pa.RecordBatchReader:
    def batches() -> Iterator[pa.RecordBatch]:
        rows = [row(f"{prefix}{i}", day) for i in range(5)]
        for n, batch in enumerate(reader(rows)):
            if n == 1:
                fate.reach(day, place)
            yield batch
        fate.reach(day, place.removesuffix("ing"))

    return pa.RecordBatchReader.from_batches(SCHEMA, batches())


def take_day(lake: Lake, day: int, fate: Fate) -> None:
    fate.reach(day, "start")
    rows = rows_of(day, fate, "reading", "own")
    record = run(f"day {day} by {os.getpid()}", 5, cursor={"day": day})
    lake.append(contract(), rows, record, sequence=lake.next_sequence(STREAM, "thing"))
    fate.reach(day, "appended")


def take_bundle(lake: Lake, day: int, fate: Fate) -> None:
    bundle = f"b{day}"
    rows = rows_of(day, fate, "bundle-reading", "theirs")
    lake.append(contract(), rows, bundle_run(bundle, 5), sequence=day)
    fate.reach(day, "bundle-appended")
    lake.ledger.add(Entry("341882", "ag-1", day, bundle, "s", START, {"thing": 5}, "v", "f"))
    fate.reach(day, "ledger")


def main(root: Path, point: str) -> None:
    lake, fate = lake_at(root), Fate(point)
    last = lake.last_run(STREAM, "thing")
    done = int(last.cursor["day"]) if last is not None and last.cursor else 0
    for day in range(done + 1, DAYS + 1):
        take_day(lake, day, fate)
    head = lake.ledger.head("341882", "ag-1")
    for day in range((head[0] if head else 0) + 1, DAYS + 1):
        take_bundle(lake, day, fate)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
