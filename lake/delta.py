"""The few things we ask of delta-rs, in one place.

Every commit of ours carries one JSON document under the metadata key ``hefu`` and an
application transaction (stream id, sequence). Delta refuses two writers of one application
transaction that race, and keeps the last sequence of each in its snapshot, so whether a step
was done before a crash is asked of the table itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError

METADATA_KEY = "hefu"

# The log is the history of runs and the evidence of what was known when: nothing cleans it.
TABLE_PROPERTIES = {
    "delta.enableExpiredLogCleanup": "false",
    "delta.logRetentionDuration": "interval 36500 days",
    "delta.deletedFileRetentionDuration": "interval 36500 days",
    "delta.appendOnly": "true",
}


class CommitRaceError(Exception):
    """Another writer committed to the same stream first. Callers turn it into their own error."""


def open_table(
    uri: str, storage_options: Mapping[str, str] | None = None, version: int | None = None
) -> DeltaTable | None:
    """The table's snapshot, or None if there is no table yet."""
    options = dict(storage_options) if storage_options else None
    if not DeltaTable.is_deltatable(uri, options):
        return None
    return DeltaTable(uri, version=version, storage_options=options)


def ensure_table(
    uri: str, schema: pa.Schema, storage_options: Mapping[str, str] | None = None
) -> DeltaTable:
    """The table, created empty if it is not there."""
    table = open_table(uri, storage_options)
    if table is not None:
        return table
    return DeltaTable.create(
        uri,
        schema,
        mode="ignore",
        configuration=TABLE_PROPERTIES,
        storage_options=dict(storage_options) if storage_options else None,
    )


def append(
    table: DeltaTable, rows: pa.RecordBatchReader, *, stream: str, sequence: int, document: str
) -> int:
    """One commit: the rows (also none), the document, the stream's new sequence.

    Returns the version committed. Raises CommitRaceError if the stream moved since the
    snapshot was read.
    """
    try:
        write_deltalake(
            table,
            rows,
            mode="append",
            schema_mode="merge",
            commit_properties=CommitProperties(
                custom_metadata={METADATA_KEY: document},
                app_transactions=[Transaction(stream, sequence)],
            ),
        )
    except CommitFailedError as error:
        raise CommitRaceError(stream) from error
    table.update_incremental()
    return int(table.version())


def documents(table: DeltaTable) -> Iterator[str]:
    """The ``hefu`` documents of the log, newest first.

    The log is read backwards in growing steps: what is asked for is nearly always in the last
    few commits, and the whole log of a table of some years is long.
    """
    limit, seen = 16, 0
    while True:
        commits: list[dict[str, Any]] = table.history(limit)
        for commit in commits[seen:]:
            document = commit.get(METADATA_KEY)
            if isinstance(document, str):
                yield document
        if len(commits) < limit:
            return
        seen, limit = len(commits), limit * 8
