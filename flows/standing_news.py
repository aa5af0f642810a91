"""What earlier runs of a stream said that still holds: ``hefu status`` asks.

A run tells of a new column once, and a count that differs stands until a later run agrees; whoever
looks only now must hear of both.
"""

from __future__ import annotations

from collections.abc import Sequence

from connectors.config import SourceConfig
from connectors.reader_config import DatabaseReader
from lake.runs import Drift, NewColumn, RunRecord


def standing_drift(source: SourceConfig, runs: Sequence[RunRecord]) -> Drift:
    """New columns that nobody has told of since. ``runs``: the stream's, newest first."""
    latest = next((run for run in runs if run.columns), None)
    if latest is None:
        return runs[0].drift if runs else Drift()
    explained = source.explained(latest.drift.unused)
    unused = tuple(name for name in latest.drift.unused if name not in explained)
    found: dict[str, NewColumn] = {}
    for run in runs:
        for column in run.drift.columns:
            found.setdefault(column.name, column)
    columns = tuple(found[name] for name in unused if name in found)
    return Drift(
        unused=unused,
        new=tuple(column.name for column in columns),
        missing=latest.drift.missing,
        columns=columns,
        mode=latest.drift.mode,
    )


def standing_count(source: SourceConfig, runs: Sequence[RunRecord]) -> RunRecord | None:
    """The last run whose count still speaks; None where the source does not count (any more)."""
    reader = source.reader
    if isinstance(reader, DatabaseReader) and not reader.count:
        return None
    for run in runs:
        if run.mode != "cursor":
            continue  # a backfill is a person's own doing
        if run.source_count is not None:
            return run
        if run.landed and not isinstance(reader, DatabaseReader):
            return None  # it was asked and no longer counts
    return None
