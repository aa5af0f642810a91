"""The lake: one append-only Delta table per record type, at ``root/<record_type>``.

Beside the contract's fields a row keeps where it came from: ``_run_id``, ``_object_digest``
(SHA-256 of the landed bytes), ``_row`` (1-based in that object), ``_flags`` (soft rules it
broke), ``_log_sequence`` (its place in the source's log of changes, if that has one) and, if a
partner sent it, ``_bundle_id``. Nothing is updated or deleted. Received rows
are visible from the moment their bundle is in the ledger (``lake/ledger.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from lake import delta
from lake.ledger import Ledger
from lake.runs import RunRecord
from lake.shape import Shaper, stored_schema
from lake.views import create_views, known_view, made_of
from schemas.contract import Contract, load_contract
from schemas.errors import AccountingError, RetryableError, Where
from schemas.text import Text

if TYPE_CHECKING:
    import duckdb
    from deltalake import DeltaTable


class ConcurrentRunError(RetryableError):
    """Another run of the same stream was committed between this run's start and its end."""


class Lake:
    """The tables under one root, a folder or an ``s3://`` address."""

    def __init__(
        self,
        root: str | Path,
        storage_options: Mapping[str, str] | None = None,
        contracts: Callable[[str], Contract] = load_contract,
    ):
        self.root = str(root).rstrip("/")
        self.storage_options = storage_options
        self._contracts = contracts

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.root, self.storage_options)

    def append(
        self, contract: Contract, rows: pa.RecordBatchReader, run: RunRecord, *, sequence: int
    ) -> int:
        """Commits the rows and the run record together; returns the Delta version.

        Args:
            rows: contract fields (a subset for received rows) and, of ``_object`` (index into
                ``run.landed``), ``_row``, ``_flags`` and ``_log_sequence``, those that exist.
                A version that no row stands behind has neither ``_object`` nor ``_row``.
            sequence: ``next_sequence`` as it was when the run read its cursor.

        A run that is already committed is not appended again: the present version comes back.
        Raises:
            ConcurrentRunError: the sequence was taken by a different run; nothing was written.
            ConfigError: a column does not fit the contract or the table.
            AccountingError: the number of rows is not ``run.appended``.
        """
        table = delta.ensure_table(
            self._uri(contract.record_type), stored_schema(contract), self.storage_options
        )
        if self._is_done(table, run, sequence):
            return int(table.version())
        run = replace(run, sequence=sequence)
        shaper = Shaper(contract, run, pa.schema(table.schema()))
        try:
            return delta.append(
                table,
                shaper.reader(rows),
                stream=run.stream_id,
                sequence=sequence,
                document=run.to_json(),
            )
        except delta.CommitRaceError as error:
            raise _concurrent(run) from error
        except Exception as error:
            # What went wrong inside the reader comes back from delta-rs as a text.
            raise shaper.failure or error from error

    def next_sequence(self, stream_id: str, record_type: str) -> int:
        """One more than the last committed run's: 1 for a stream that never ran."""
        table = self._open(record_type)
        last = table.transaction_version(stream_id) if table is not None else None
        return int(last or 0) + 1

    def last_run(self, stream_id: str, record_type: str) -> RunRecord | None:
        table = self._open(record_type)
        return None if table is None else _last_run(table, stream_id)

    def runs(
        self, record_type: str, stream_id: str | None = None, limit: int | None = None
    ) -> list[RunRecord]:
        """Committed runs, newest first."""
        return list(islice(self.run_log(record_type, stream_id), limit))

    def run_log(self, record_type: str, stream_id: str | None = None) -> Iterator[RunRecord]:
        """Committed runs, newest first, read from the log as far as somebody looks."""
        table = self._open(record_type)
        if table is None:
            return
        for document in delta.documents(table):
            run = RunRecord.from_json(document)
            if stream_id in (None, run.stream_id):
                yield run

    def version(self, record_type: str) -> int | None:
        """The Delta version of the table, None if there is none yet."""
        table = self._open(record_type)
        return None if table is None else int(table.version())

    def attach(
        self,
        con: duckdb.DuckDBPyConnection,
        record_type: str,
        *,
        at_version: int | None = None,
        between: tuple[int, int] | None = None,
    ) -> None:
        """Creates the views ``<record_type>_history`` and ``<record_type>_current``.

        They show the snapshot as it is now (or at ``at_version``) and don't move afterwards.
        Columns: the contract's fields in contract order, then the technical columns.
        ``between`` two versions of the table: show only records of which files that came between
        them have a version, be it that it came in one of them for the first time or again.
        """
        create_views(
            con,
            self._contracts(record_type),
            *self._snapshot(record_type, at_version),
            came=None if between is None else self._came(record_type, *between),
        )

    def attach_known(
        self, con: duckdb.DuckDBPyConnection, record_type: str, org_code: str | None = None
    ) -> None:
        """Creates the view ``known`` (record_id, content_hash, source_updated_time, received_time,
        _log_sequence, removed, by_row, _run_id) over the visible versions.

        With ``org_code`` only over those of that agency: what one says of its records must
        not be judged by what another says under the same record_id.
        """
        contract = self._contracts(record_type)
        known_view(con, contract, *self._snapshot(record_type, None), org_code)

    def attach_made_of(
        self, con: duckdb.DuckDBPyConnection, record_type: str, digests: Sequence[str], name: str
    ) -> None:
        """Creates the table ``name`` (_object, _row, record_id, content_hash): what the rows of
        these objects were last made into, by the place of the object among ``digests``.
        """
        contract = self._contracts(record_type)
        made_of(con, contract, *self._snapshot(record_type, None), digests, name)

    def compact(self, record_type: str) -> None:
        """Rewrites many small files as few large ones; rows, history and log stay."""
        table = self._open(record_type)
        if table is not None:
            table.optimize.compact()

    def _snapshot(
        self, record_type: str, at_version: int | None
    ) -> tuple[DeltaTable | None, list[str]]:
        # The ledger first: every bundle it names was appended before, so the table that is
        # read afterwards holds all of that bundle's rows.
        bundles = self.ledger.bundle_ids()
        return self._open(record_type, at_version), bundles

    def _came(self, record_type: str, since: int, until: int) -> list[str]:
        before, after = self._open(record_type, since), self._open(record_type, until)
        if before is None or after is None:
            return []
        return sorted({*after.file_uris()} - {*before.file_uris()})

    def _open(self, record_type: str, version: int | None = None) -> DeltaTable | None:
        return delta.open_table(self._uri(record_type), self.storage_options, version)

    def _uri(self, record_type: str) -> str:
        return f"{self.root}/{record_type}"

    def _is_done(self, table: DeltaTable, run: RunRecord, sequence: int) -> bool:
        committed = table.transaction_version(run.stream_id)
        if committed is None or committed < sequence:
            return False
        for document in delta.documents(table):
            earlier = RunRecord.from_json(document)
            if earlier.stream_id != run.stream_id or earlier.sequence > sequence:
                continue
            if earlier.sequence < sequence:
                break
            if _same_work(earlier, run):
                return True
        if run.bundle_id is not None:
            # Rows of another bundle with this sequence were appended by a run that never
            # reached the ledger. They stay invisible; these rows are not theirs.
            return False
        raise _concurrent(run)


def _same_work(earlier: RunRecord, run: RunRecord) -> bool:
    if run.bundle_id is not None:
        return earlier.bundle_id == run.bundle_id
    return earlier.run_id == run.run_id


def _last_run(table: DeltaTable, stream_id: str) -> RunRecord | None:
    if table.transaction_version(stream_id) is None:
        return None
    for document in delta.documents(table):
        run = RunRecord.from_json(document)
        if run.stream_id == stream_id:
            return run
    raise AccountingError(
        Text(
            en="the lake's log names a stream whose run record is gone",
            zh="数据湖日志登记了某数据流，但找不到它的运行记录",
        ),
        where=Where(file=stream_id),
        hint=Text(
            en="the log was cut; restore _delta_log from a backup",
            zh="日志被截断，请从备份恢复 _delta_log",
        ),
    )


def _concurrent(run: RunRecord) -> ConcurrentRunError:
    return ConcurrentRunError(
        Text(
            en="another run, of this stream or with another version of the contract, was "
            "committed first; nothing of this one was written",
            zh="同一数据流或使用另一版数据标准的运行已先提交，本次运行未写入任何数据",
        ),
        where=Where(file=run.stream_id),
        hint=Text(
            en="run it again: it continues from the other run's cursor",
            zh="请重新运行，将从另一次运行的游标处继续",
        ),
    )
