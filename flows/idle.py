"""A run that found nothing new leaves no commit, so that the lake's log grows with news.

At an interval of five minutes a stream runs a hundred thousand times a year, and most of these
runs find what the lake has already. Such a run is noted in a file of its own, one a stream,
which the next one overwrites; the history of runs keeps one a day all the same, as the proof that
the source was asked.
"""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta
from pathlib import Path

from hefu.node import Node
from hefu.standing import file_of, write_whole
from lake.runs import RunRecord

#: A run that would be the first for so long is kept in the history even if it found nothing.
KEPT_AFTER = timedelta(hours=20)

#: What may differ between two runs that say the same.
_OF_THE_MOMENT = frozenset(
    {"run_id", "started_at", "read_at", "sequence", "landed", "quarantine_file"}
    | {"received", "accepted", "unchanged", "duplicate", "outside_window"}
    | {"flagged", "soft", "complete", "retracted_by_row"}
)


def adds_nothing(run: RunRecord, last: RunRecord | None) -> bool:
    """Whether ``run`` changes nothing of what the lake and its ``last`` run say.

    Rows that are quarantined again are nothing new only if they are of the very same objects.
    """
    if last is None or run.mode != "cursor" or last.mode != "cursor":
        return False
    if run.accepted or run.retracted or run.started_at - last.started_at >= KEPT_AFTER:
        return False
    if run.quarantined and run.landed != last.landed:
        return False
    # Where nothing came, nothing was seen of the columns either.
    unsaid = _OF_THE_MOMENT if run.landed else _OF_THE_MOMENT | {"columns", "drift"}
    return all(
        getattr(run, f.name) == getattr(last, f.name)
        for f in fields(RunRecord)
        if f.name not in unsaid
    )


def note_idle(node: Node, run: RunRecord) -> None:
    """Keep the record of a run that added nothing, in place of the one before it."""
    write_whole(_path(node, run.stream_id), run.to_json())


def forget_idle(node: Node, stream_id: str) -> None:
    """A later run is in the lake."""
    _path(node, stream_id).unlink(missing_ok=True)


def last_idle(node: Node, stream_id: str) -> RunRecord | None:
    """The last run that added nothing, if it is later than the last one in the lake."""
    try:
        return RunRecord.from_json(_path(node, stream_id).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def _path(node: Node, stream_id: str) -> Path:
    return file_of(node, stream_id, ".run.json")
